//! A script for `sh` and iproute2 that builds a lab: each IP stack is a network namespace, each cable a veth pair, each switch
//! a bridge in a namespace of its own.

use super::machines::Lookup;
use super::{ExportError, word};
use crate::lab::spec::{DeviceKind, DeviceSpec, LabSpec, Name, SwitchPortSpec, SwitchSpec};
use crate::station::{IpSpec, Sysctls};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

mod devices;

/// The whole script.
pub(super) fn write(lab: &LabSpec) -> Result<String, ExportError> {
    if lab.devices.is_empty() && lab.switches.is_empty() {
        return Err(ExportError::Nothing("the lab has no devices"));
    }
    let mut script = Script::new(lab);
    script.head();
    script.devices();
    script.switches();
    script.addresses();
    script.steps();
    Ok(script.out)
}

struct Script<'a> {
    lab: &'a LabSpec,
    /// The namespace of each device.
    namespaces: BTreeMap<Name, Name>,
    /// The switch on whose port a device is, and the port.
    plugged: BTreeMap<Name, (&'a SwitchSpec, &'a SwitchPortSpec)>,
    /// The devices that exist: those made as the other end of a cable.
    made: BTreeSet<Name>,
    /// The device that names the other one's end of a cable.
    cables: BTreeMap<&'a Name, &'a Name>,
    lookup: Lookup<'a>,
    out: String,
}

impl<'a> Script<'a> {
    fn new(lab: &'a LabSpec) -> Script<'a> {
        let enslaved: BTreeSet<(&Name, &Name)> = lab.enslaved().collect();
        let plugged =
            lab.switches.iter().flat_map(|switch| switch.ports.iter().map(move |port| (switch, port)));
        let plugged = plugged.filter(|(switch, port)| !enslaved.contains(&(&port.device, &switch.name)));
        let plugged = plugged.map(|(switch, port)| (port.device.clone(), (switch, port))).collect();
        let cable = |device: &'a DeviceSpec| match &device.kind {
            DeviceKind::Nic(nic) => Some((nic.cable.as_ref()?, &device.name)),
            _ => None,
        };
        let mut script = Script {
            lab,
            namespaces: BTreeMap::new(),
            plugged,
            made: BTreeSet::new(),
            // The first is the one that tells it.
            cables: lab.devices.iter().rev().filter_map(cable).collect(),
            lookup: Lookup::of(lab),
            out: String::new(),
        };
        script.place();
        script
    }

    /// A device with an IP stack of its own has a namespace of its name; one without addresses is with the device below.
    fn place(&mut self) {
        let mut first: BTreeMap<&Name, &Name> = BTreeMap::new();
        for (port, master) in self.lab.enslaved() {
            first.entry(master).or_insert(port);
        }
        let bonds: BTreeMap<&Name, &Name> = self.lab.bonded().collect();
        for switch in &self.lab.switches {
            // A bridge of a host is with its ports.
            let inside = first.get(&switch.name).copied();
            let host_of = |port: &Name| self.lookup.device(port)?.host();
            let host = switch.host.as_ref().or_else(|| inside.and_then(host_of)).cloned();
            let inside = inside.cloned();
            let name = host.or(inside).unwrap_or_else(|| switch.name.clone());
            self.namespaces.insert(switch.name.clone(), name);
        }
        for device in &self.lab.devices {
            if let DeviceKind::Router(router) = &device.kind {
                for interface in &router.interfaces {
                    self.namespaces.insert(interface.name.clone(), device.name.clone());
                }
                continue;
            }
            let below = device.kind.parent().and_then(|parent| self.namespaces.get(parent).cloned());
            let has_stack = device.kind.ip().is_some_and(|ip| !ip.address.is_empty());
            let master = device.kind.master().and_then(|master| self.namespaces.get(master).cloned());
            let bond = bonds.get(&device.name).copied();
            let bond = bond.map(|bond| self.lookup.host_of(bond).unwrap_or(bond).clone());
            let own = device.name.clone();
            let host = device.kind.host().cloned().or(bond).or(master);
            let alone = match &device.kind {
                DeviceKind::Macvlan(_) => below.clone().filter(|_| !has_stack),
                DeviceKind::Vlan(_) => below.clone().filter(|_| !has_stack),
                _ => None,
            };
            self.namespaces.insert(own.clone(), host.or(alone).unwrap_or(own));
        }
    }

    fn namespace(&self, device: &str) -> Name {
        self.namespaces.get(device).cloned().unwrap_or_else(|| device.into())
    }

    /// A line of the script.
    fn line(&mut self, line: impl AsRef<str>) {
        self.out.push_str(line.as_ref());
        self.out.push('\n');
    }

    /// `ip -n NAMESPACE …`
    fn ip(&mut self, namespace: &str, command: impl AsRef<str>) {
        let line = format!("ip -n {} {}", word(namespace), command.as_ref());
        self.line(line);
    }

    fn head(&mut self) {
        let title = if self.lab.title.is_empty() { "A lab of macvlab" } else { &self.lab.title };
        let title = title.replace(['\n', '\r'], " ");
        let named = self
            .lab
            .devices
            .iter()
            .map(|device| &device.name)
            .chain(self.lab.switches.iter().map(|s| &s.name));
        let mut known: BTreeSet<Name> = BTreeSet::new();
        let all = named.map(|name| self.namespace(name)).filter(|name| known.insert(name.clone()));
        let all: Vec<String> = all.map(|name| word(&name)).collect();
        let all = all.join(" ");
        self.line("#!/bin/sh");
        self.line(format!("# {title}"));
        self.line("# Builds the network in namespaces. It needs root and iproute2; `clean` as its argument removes everything.");
        self.line("if [ \"$1\" = clean ]; then");
        self.line(format!("    for ns in {all}; do ip netns del \"$ns\" 2>/dev/null; done"));
        self.line("    exit 0");
        self.line("fi");
        self.line("set -e");
        self.line(format!("for ns in {all}; do"));
        self.line("    ip netns add \"$ns\"");
        self.line("    ip -n \"$ns\" link set lo up");
        self.line("done");
    }

    /// Settings first, then addresses, then routes.
    fn addresses(&mut self) {
        self.line("");
        let lookup = &self.lookup;
        let refused = |name: &Name| matches!(lookup.device(name), Some(DeviceKind::Macvlan(port)) if port.expect.is_some());
        let stacks = self.lab.stacks().filter(|(name, _)| !refused(name));
        let stacks: Vec<(Name, IpSpec)> = stacks.map(|(name, ip)| (name.clone(), ip.clone())).collect();
        for (name, ip) in &stacks {
            let namespace = self.namespace(name);
            self.sysctls(&namespace, name, ip.sysctls);
            for address in &ip.address {
                self.ip(
                    &namespace,
                    format!("addr add {address} dev {}{}", word(name), nodad(address.addr())),
                );
            }
            for (address, mac) in &ip.neighbours {
                self.ip(
                    &namespace,
                    format!("neigh add {address} lladdr {mac} dev {} nud permanent", word(name)),
                );
            }
        }
        for device in &self.lab.devices {
            if let DeviceKind::Router(_) = device.kind {
                self.forwarding(&device.name);
            }
        }
        for host in &self.lab.hosts {
            self.sysctls(&host.name, "all", host.config.sysctls);
            if host.config.forwarding {
                self.forwarding(&host.name);
            }
            for address in &host.config.loopback {
                self.ip(&host.name, format!("addr add {address} dev lo{}", nodad(address.addr())));
            }
        }
        self.routes(&stacks);
    }

    fn routes(&mut self, stacks: &[(Name, IpSpec)]) {
        for (name, ip) in stacks {
            for gateway in &ip.gateway {
                let namespace = self.namespace(name);
                self.ip(&namespace, format!("route add default via {gateway} dev {}", word(name)));
            }
        }
        for host in &self.lab.hosts {
            for route in &host.config.routes {
                let to = if route.to.prefix_len() == 0 { "default".to_owned() } else { route.to.to_string() };
                let mut command = format!("route add {to}");
                let parts = [
                    route.via.map(|via| format!(" via {via}")),
                    route.dev.as_ref().map(|dev| format!(" dev {}", word(dev))),
                    route.src.map(|src| format!(" src {src}")),
                    route.metric.map(|metric| format!(" metric {metric}")),
                ];
                parts.into_iter().flatten().for_each(|part| command.push_str(&part));
                self.ip(&host.name, command);
            }
        }
    }

    fn forwarding(&mut self, namespace: &str) {
        let exec = format!("ip netns exec {} sysctl -qw", word(namespace));
        self.line(format!("{exec} net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"));
    }

    fn sysctls(&mut self, namespace: &str, interface: &str, sysctls: Sysctls) {
        for (key, value) in super::sysctls(sysctls, interface) {
            let setting = format!("{key}={value}");
            self.line(format!("ip netns exec {} sysctl -qw {}", word(namespace), word(&setting)));
        }
    }

    /// Pings are commands to try; other steps are told.
    fn steps(&mut self) {
        use crate::lab::spec::{Action, Target};
        let mut tried = Vec::new();
        for step in &self.lab.steps {
            let Action::Ping(probe) = &step.action else { continue };
            let to = match &probe.to {
                Target::Address(address) => Some(*address),
                Target::Device(name) => self.address_of(name),
            };
            if let Some(to) = to {
                let from = self.namespaces.get(&probe.from).cloned().unwrap_or_else(|| probe.from.clone());
                tried.push(format!("#   ip netns exec {} ping -c 1 {to}", word(&from)));
            }
        }
        if !tried.is_empty() {
            self.line("\n# To try:");
            tried.iter().for_each(|line| self.line(line));
        }
    }

    fn address_of(&self, name: &Name) -> Option<IpAddr> {
        let own = self.lab.stacks().find(|(device, _)| *device == name).map(|(_, ip)| ip);
        let of_host = || self.lab.interfaces().find(|(_, host, _)| *host == name).map(|(_, _, ip)| ip);
        own.or_else(of_host)?.address.first().map(|net| net.addr())
    }
}

/// Duplicate address detection would delay the first use of an address.
fn nodad(address: IpAddr) -> &'static str {
    if address.is_ipv6() { " nodad" } else { "" }
}
