//! A script for `sh` and iproute2 that builds a lab: each IP stack is a network namespace, each cable a veth pair, each switch
//! a bridge in a namespace of its own.

use super::{ExportError, word};
use crate::frame::{MacAddr, VlanId};
use crate::lab::spec::{
    BondSpec, DeviceKind, DeviceSpec, LabSpec, MacvlanSpec, Name, SwitchPortSpec, SwitchSpec,
};
use crate::macvlan::Mode;
use crate::station::{IpSpec, Sysctl, Sysctls};
use crate::switch::{DEFAULT_AGEING, PortFlag, PortFlags, PortState, PortVlans};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;

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
    out: String,
}

impl<'a> Script<'a> {
    fn new(lab: &'a LabSpec) -> Script<'a> {
        let enslaved: BTreeSet<(&Name, &Name)> = lab.enslaved().collect();
        let plugged =
            lab.switches.iter().flat_map(|switch| switch.ports.iter().map(move |port| (switch, port)));
        let plugged = plugged.filter(|(switch, port)| !enslaved.contains(&(&port.device, &switch.name)));
        let plugged = plugged.map(|(switch, port)| (port.device.clone(), (switch, port))).collect();
        let mut script =
            Script { lab, namespaces: BTreeMap::new(), plugged, made: BTreeSet::new(), out: String::new() };
        script.place();
        script
    }

    /// A device with an IP stack of its own has a namespace of its name; one without addresses is with the device below.
    fn place(&mut self) {
        for switch in &self.lab.switches {
            // A bridge of a host is with its ports.
            let inside =
                self.lab.enslaved().find(|(_, master)| **master == switch.name).map(|(port, _)| port);
            let host = switch.host.clone().or_else(|| inside.and_then(|port| self.host_of(port)));
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
            let bond = self.lab.devices.iter().find(
                |other| matches!(&other.kind, DeviceKind::Bond(bond) if bond.ports.contains(&device.name)),
            );
            let bond = bond.map(|bond| bond.kind.host().cloned().unwrap_or_else(|| bond.name.clone()));
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

    fn host_of(&self, device: &Name) -> Option<Name> {
        self.lab.devices.iter().find(|known| known.name == *device)?.kind.host().cloned()
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
        let mut all: Vec<Name> = Vec::new();
        for name in named.map(|name| self.namespace(name)) {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        let all: Vec<String> = all.iter().map(|name| word(name)).collect();
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

    fn devices(&mut self) {
        for switch in &self.lab.switches {
            self.bridge(switch);
        }
        for device in &self.lab.devices {
            self.line("");
            self.device(device);
        }
    }

    fn bridge(&mut self, switch: &SwitchSpec) {
        let namespace = self.namespace(&switch.name);
        let name = word(&switch.name);
        let mut options = String::from(" mcast_snooping 0");
        if switch.ageing != DEFAULT_AGEING {
            let _ = write!(options, " ageing_time {}", switch.ageing.as_millis() / 10);
        }
        if switch.vlan_filtering {
            options.push_str(" vlan_filtering 1");
        }
        if switch.group_fwd_mask != 0 {
            let _ = write!(options, " group_fwd_mask {:#x}", switch.group_fwd_mask);
        }
        self.line("");
        self.ip(&namespace, format!("link add name {name} address {} type bridge{options}", switch.mac));
        self.ip(&namespace, format!("link set dev {name} up"));
    }

    fn device(&mut self, device: &DeviceSpec) {
        let name = &device.name;
        let namespace = self.namespace(name);
        match &device.kind {
            DeviceKind::Nic(nic) => {
                self.cable(name, Some(nic.mac), nic.mtu, nic.cable.as_ref());
                self.common(&namespace, name, nic.master.as_ref(), nic.up);
                self.flags(&namespace, name, nic.promisc, nic.allmulticast);
            }
            DeviceKind::Station(station) => {
                self.cable(name, Some(station.mac), station.mtu, None);
                self.common(&namespace, name, None, station.up);
            }
            DeviceKind::Router(router) => {
                for interface in &router.interfaces {
                    let station = &interface.station;
                    self.cable(&interface.name, Some(station.mac), station.mtu, None);
                    self.common(&namespace, &interface.name, None, station.up);
                }
            }
            DeviceKind::Dummy(dummy) => {
                let mtu = mtu(dummy.mtu);
                self.ip(
                    &namespace,
                    format!("link add name {} address {}{mtu} type dummy", word(name), dummy.mac),
                );
                self.common(&namespace, name, dummy.master.as_ref(), dummy.up);
            }
            DeviceKind::Bond(bond) => self.bond(&namespace, name, bond),
            DeviceKind::Vlan(vlan) => {
                let parent = self.namespace(&vlan.parent);
                let address = vlan.mac.map(|mac| format!(" address {mac}")).unwrap_or_default();
                let size = vlan.mtu.map(mtu).unwrap_or_default();
                let made = format!(
                    "link add link {} name {}{address}{size} type vlan id {}",
                    word(&vlan.parent),
                    word(name),
                    vlan.id
                );
                self.ip(&parent, made);
                self.moved(&parent, name, &namespace);
                self.common(&namespace, name, vlan.master.as_ref(), vlan.up);
            }
            DeviceKind::Macvlan(port) => self.port(&namespace, name, port),
        }
        self.made.insert(name.clone());
    }

    fn port(&mut self, namespace: &str, name: &Name, port: &MacvlanSpec) {
        let parent = self.namespace(&port.parent);
        let kind = port.device_type();
        let address = match port.mode {
            // It has its parent's.
            Mode::Passthru => String::new(),
            _ => format!(" address {}", port.requested_mac(name)),
        };
        let size = port.mtu.map(mtu).unwrap_or_default();
        let flags = [(port.flags.nopromisc, " nopromisc"), (port.flags.nodst, " nodst")];
        let flags: String = flags.into_iter().filter(|(on, _)| *on).map(|(_, word)| word).collect();
        let length = port.bcqueuelen.map(|length| format!(" bcqueuelen {length}")).unwrap_or_default();
        let limit = port.bclim.map(|limit| format!(" bclim {limit}")).unwrap_or_default();
        let made = format!(
            "link add link {} name {}{address}{size} type {kind} mode {}{flags}{length}{limit}",
            word(&port.parent),
            word(name),
            port.mode
        );
        if let Some(errno) = port.expect {
            self.line(format!("# The kernel refuses it: {errno} ({}).", errno.text()));
            let line = format!("! ip -n {} {made}", word(&parent));
            return self.line(line);
        }
        self.ip(&parent, made);
        if !port.sources.is_empty() {
            let sources: Vec<String> = port.sources.iter().map(ToString::to_string).collect();
            let set =
                format!("link set link dev {} type {kind} macaddr set {}", word(name), sources.join(" "));
            self.ip(&parent, set);
        }
        self.moved(&parent, name, namespace);
        self.common(namespace, name, port.master.as_ref(), port.up);
        self.flags(namespace, name, port.promisc, port.allmulticast);
        for group in &port.multicast {
            self.ip(namespace, format!("maddr add {group} dev {}", word(name)));
        }
    }

    fn bond(&mut self, namespace: &str, name: &Name, bond: &BondSpec) {
        let address = bond.mac.map(|mac| format!(" address {mac}")).unwrap_or_default();
        let size = mtu(bond.mtu);
        self.ip(
            namespace,
            format!("link add name {}{address}{size} type bond mode active-backup miimon 100", word(name)),
        );
        for port in &bond.ports {
            self.ip(namespace, format!("link set dev {} down", word(port)));
            self.ip(namespace, format!("link set dev {} master {}", word(port), word(name)));
        }
        if let Some(primary) = &bond.primary {
            self.ip(namespace, format!("link set dev {} type bond primary {}", word(name), word(primary)));
        }
        self.common(namespace, name, bond.master.as_ref(), bond.up);
    }

    /// Both ends of a device's cable. The far one is a port of a switch, a device, or one that only holds the cable up.
    fn cable(&mut self, name: &Name, mac: Option<MacAddr>, mtu_bytes: u32, peer: Option<&Name>) {
        if self.made.contains(name) {
            return;
        }
        // The cable is told at one of its ends.
        let far = self.lab.devices.iter().find(|device| match &device.kind {
            DeviceKind::Nic(nic) => nic.cable.as_ref() == Some(name),
            _ => false,
        });
        let peer = peer.or(far.map(|device| &device.name));
        let namespace = self.namespace(name);
        let (size, address) = (mtu(mtu_bytes), mac.map(|mac| format!(" address {mac}")).unwrap_or_default());
        let begin = format!("link add name {}{address}{size} type veth peer name", word(name));
        if let Some(peer) = peer {
            let (there, far_mac, far_mtu) = (self.namespace(peer), self.mac_of(peer), self.mtu_of(peer));
            let address = far_mac.map(|mac| format!(" address {mac}")).unwrap_or_default();
            self.ip(
                &namespace,
                format!("{begin} {}{address}{} netns {}", word(peer), mtu(far_mtu), word(&there)),
            );
            self.made.insert(peer.clone());
        } else if let Some((switch, port)) = self.plugged.get(name).copied() {
            let (there, end) = (self.namespace(&switch.name), port_name(name));
            self.ip(&namespace, format!("{begin} {end}{size} netns {}", word(&there)));
            self.ip(&there, format!("link set dev {end} master {}", word(&switch.name)));
            self.ip(&there, format!("link set dev {end} up"));
            self.port_settings(&there, &end, port);
        } else {
            let end = port_name(name);
            self.ip(&namespace, format!("{begin} {end}"));
            self.ip(&namespace, format!("link set dev {end} up"));
        }
        self.made.insert(name.clone());
    }

    fn mac_of(&self, name: &Name) -> Option<MacAddr> {
        let device = self.lab.devices.iter().find(|device| device.name == *name);
        let interface = self.lab.devices.iter().flat_map(|d| d.kind.interfaces()).find(|i| i.name == *name);
        match device.map(|device| &device.kind) {
            Some(DeviceKind::Nic(nic)) => Some(nic.mac),
            Some(DeviceKind::Station(station)) => Some(station.mac),
            _ => interface.map(|interface| interface.station.mac),
        }
    }

    fn mtu_of(&self, name: &Name) -> u32 {
        let device = self.lab.devices.iter().find(|device| device.name == *name);
        match device.map(|device| &device.kind) {
            Some(DeviceKind::Nic(nic)) => nic.mtu,
            Some(DeviceKind::Station(station)) => station.mtu,
            _ => 1500,
        }
    }

    fn port_settings(&mut self, namespace: &str, end: &str, port: &SwitchPortSpec) {
        let (mut own, mut usual) = (port.flags, PortFlags::default());
        let mut settings = String::new();
        for flag in PortFlag::ALL {
            let value = *own.get_mut(flag);
            if value != *usual.get_mut(flag) {
                let _ = write!(settings, " {} {}", flag.name(), if value { "on" } else { "off" });
            }
        }
        if !settings.is_empty() {
            self.line(format!("bridge -n {} link set dev {end}{settings}", word(namespace)));
        }
        if port.group_fwd_mask != 0 {
            let mask = port.group_fwd_mask;
            self.ip(namespace, format!("link set dev {end} type bridge_slave group_fwd_mask {mask:#x}"));
        }
        self.port_vlans(namespace, end, port);
        if let Some(policy) = port.policy {
            self.line(format!("# {}: a policy `{}`, which no Linux bridge has", end, policy.name()));
        }
    }

    /// The complete membership: a new port has VLAN 1, untagged.
    fn port_vlans(&mut self, namespace: &str, end: &str, port: &SwitchPortSpec) {
        let vlans = &port.vlans;
        if *vlans == PortVlans::default() {
            return;
        }
        let bridge = format!("bridge -n {} vlan", word(namespace));
        let all: BTreeSet<VlanId> =
            vlans.untagged.iter().chain(&vlans.tagged).copied().chain(vlans.pvid).collect();
        if PortVlans::default().pvid.is_some_and(|first| !all.contains(&first)) {
            self.line(format!("{bridge} del vid 1 dev {end}"));
        }
        for id in all {
            let pvid = if vlans.pvid == Some(id) { " pvid" } else { "" };
            let untagged = if vlans.untagged.contains(&id) { " untagged" } else { "" };
            self.line(format!("{bridge} add vid {id} dev {end}{pvid}{untagged}"));
        }
    }

    /// Entries of the switches, once all ports are there.
    fn switches(&mut self) {
        let enslaved: BTreeSet<(Name, Name)> =
            self.lab.enslaved().map(|(a, b)| (a.clone(), b.clone())).collect();
        for switch in &self.lab.switches {
            let namespace = self.namespace(&switch.name);
            for port in &switch.ports {
                if enslaved.contains(&(port.device.clone(), switch.name.clone())) {
                    self.port_settings(&namespace, &word(&port.device), port);
                }
            }
            for port in switch.ports.iter().filter(|port| port.state != PortState::default()) {
                let inside = enslaved.contains(&(port.device.clone(), switch.name.clone()));
                let end = if inside { word(&port.device) } else { port_name(&port.device) };
                let state = state_number(port.state);
                let set = format!("bridge -n {} link set dev {end} state {state}", word(&namespace));
                // A port takes it once the kernel has noticed its carrier.
                self.line(format!("{set} || {{ sleep 1; {set}; }}"));
            }
            for entry in &switch.fdb {
                let inside = enslaved.contains(&(entry.port.clone(), switch.name.clone()));
                let end = if inside { word(&entry.port) } else { port_name(&entry.port) };
                let kind = if entry.dynamic { "dynamic" } else { "static" };
                let sticky = if entry.sticky { " sticky" } else { "" };
                let vlan = entry.vlan.map(|vlan| format!(" vlan {vlan}")).unwrap_or_default();
                let verb = if entry.replace { "replace" } else { "add" };
                let line = format!(
                    "bridge -n {} fdb {verb} {} dev {end} master {kind}{sticky}{vlan}",
                    word(&namespace),
                    entry.mac
                );
                self.line(line);
            }
        }
    }

    fn moved(&mut self, from: &str, name: &Name, to: &str) {
        if from != to {
            self.ip(from, format!("link set dev {} netns {}", word(name), word(to)));
        }
    }

    fn common(&mut self, namespace: &str, name: &Name, master: Option<&Name>, up: bool) {
        if let Some(master) = master {
            self.ip(namespace, format!("link set dev {} master {}", word(name), word(master)));
        }
        if up {
            self.ip(namespace, format!("link set dev {} up", word(name)));
        }
    }

    fn flags(&mut self, namespace: &str, name: &Name, promisc: bool, allmulticast: bool) {
        for (flag, _) in [("promisc", promisc), ("allmulticast", allmulticast)].iter().filter(|(_, on)| *on) {
            self.ip(namespace, format!("link set dev {} {flag} on", word(name)));
        }
    }

    /// Settings first, then addresses, then routes.
    fn addresses(&mut self) {
        self.line("");
        let refused =
            |name: &Name| super::ports(self.lab).any(|(port, spec)| port == name && spec.expect.is_some());
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
        for (name, ip) in &stacks {
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
        for sysctl in Sysctl::ALL.into_iter().filter(|sysctl| sysctls.is_on(*sysctl)) {
            let family = if sysctl == Sysctl::NdiscNotify { "ipv6" } else { "ipv4" };
            // With slashes, an interface's name can have dots.
            let key = format!("net/{family}/conf/{interface}/{}", sysctl.name());
            let setting = format!("{key}={}", sysctls.get(sysctl));
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

/// The number of a port's state.
fn state_number(state: PortState) -> u8 {
    match state {
        PortState::Disabled => 0,
        PortState::Listening => 1,
        PortState::Learning => 2,
        PortState::Forwarding => 3,
        PortState::Blocking => 4,
        PortState::Invalid(number) => number,
    }
}

/// The end of a cable at a switch: a name of at most 15 bytes.
fn port_name(device: &str) -> String {
    let name: String = device.chars().take(13).collect();
    word(&format!("p-{name}"))
}

fn mtu(mtu: u32) -> String {
    if mtu == crate::lab::spec::DEFAULT_MTU { String::new() } else { format!(" mtu {mtu}") }
}

/// Duplicate address detection would delay the first use of an address.
fn nodad(address: IpAddr) -> &'static str {
    if address.is_ipv6() { " nodad" } else { "" }
}
