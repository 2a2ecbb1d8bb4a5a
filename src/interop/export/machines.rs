//! The ports of a lab as the machines that have them, and what is told of the rest.

use super::networks::Networks;
use super::ports;
use crate::lab::spec::{DeviceKind, HostSpec, LabSpec, MacvlanSpec, Name, SwitchSpec};
use crate::macvlan::Mode;
use crate::station::Sysctls;
use std::collections::{BTreeMap, BTreeSet};

/// What a tool can say of a port.
pub(super) struct Tool {
    /// Its name.
    pub(super) name: &'static str,
    /// Whether it makes macvtaps.
    pub(super) macvtaps: bool,
    /// Whether it knows mode source.
    pub(super) source: bool,
    /// Whether it makes the VLAN sub-interface `X.ID` that is named as a parent.
    pub(super) vlans: bool,
    /// The keys of a lab file that it has words for, besides those that every tool has.
    pub(super) says: &'static [&'static str],
}

/// A port.
#[derive(Clone, Copy)]
pub(super) struct Port<'a> {
    pub(super) name: &'a Name,
    pub(super) spec: &'a MacvlanSpec,
    /// The device below, which is not another port.
    pub(super) parent: &'a Name,
    /// The machine of the parent.
    pub(super) node: &'a str,
    /// The parent's name in that machine.
    pub(super) master: &'a str,
    /// Its name in its machine, where that is not the lab's name for it.
    pub(super) interface: Option<&'a str>,
}

/// A container, pod, guest or node.
pub(super) struct Machine<'a> {
    /// Its name: that of its host, or of its only port.
    pub(super) name: &'a Name,
    /// Its stack, where it has a table.
    pub(super) host: Option<&'a HostSpec>,
    pub(super) ports: Vec<Port<'a>>,
}

/// The ports of a lab.
pub(super) struct Machines<'a> {
    pub(super) machines: Vec<Machine<'a>>,
    /// Ports of their parents' hosts.
    pub(super) shims: Vec<Port<'a>>,
    /// What the tool has no words for, a line each.
    pub(super) left_out: Vec<String>,
}

impl<'a> Machines<'a> {
    /// What an engine does not say of a lab: what is left out, how its networks differ, and the network outside.
    pub(super) fn unsaid(&self, lab: &LabSpec, networks: &Networks) -> Vec<String> {
        let own = self.left_out.iter().chain(&networks.differences).cloned();
        own.chain(outside(lab, [])).collect()
    }

    /// The names of the ports' parents.
    pub(super) fn parents(&self) -> impl Iterator<Item = &str> {
        let ports = self.machines.iter().flat_map(|machine| &machine.ports);
        ports.map(|port| port.parent.as_str())
    }

    /// The machines that this tool makes.
    pub(super) fn of(lab: &'a LabSpec, tool: &Tool) -> Machines<'a> {
        let (mut machines, mut shims, mut left_out) = (Vec::<Machine<'a>>::new(), Vec::new(), Vec::new());
        let mut known: BTreeMap<&Name, usize> = BTreeMap::new();
        let lookup = Lookup::of(lab);
        for (name, spec) in ports(lab) {
            let port = lookup.port(name, spec);
            if lookup.is_shim(spec) {
                shims.push(port);
                continue;
            }
            if spec.tap && !tool.macvtaps {
                left_out.push(format!("{name}: {} makes no macvtaps", tool.name));
                continue;
            }
            if spec.mode == Mode::Source && !tool.source {
                left_out.push(format!("{name}: {} knows no mode source", tool.name));
                continue;
            }
            left_out.extend(unsaid(name, spec, tool));
            let owner = spec.host.as_ref().unwrap_or(name);
            match known.get(owner) {
                Some(at) => machines[*at].ports.push(port),
                None => {
                    known.insert(owner, machines.len());
                    let host = lookup.host(spec.host.as_ref());
                    machines.push(Machine { name: owner, host, ports: vec![port] });
                }
            }
        }
        left_out.extend(machines.iter().filter_map(|machine| unsaid_of_host(machine, tool)));
        Machines { machines, shims, left_out }
    }
}

/// What the machine is called whose NIC belongs to no host.
const NODE: &str = "node1";

/// The declarations of a lab, by name.
pub(super) struct Lookup<'a> {
    devices: BTreeMap<&'a Name, &'a DeviceKind>,
    hosts: BTreeMap<&'a Name, &'a HostSpec>,
    switches: BTreeMap<&'a Name, &'a SwitchSpec>,
    /// The switches that are devices of a host as well.
    own: BTreeSet<&'a Name>,
}

impl<'a> Lookup<'a> {
    pub(super) fn of(lab: &'a LabSpec) -> Lookup<'a> {
        let own = lab.switches.iter().filter(|switch| switch.host.is_some()).map(|switch| &switch.name);
        Lookup {
            devices: lab.devices.iter().map(|device| (&device.name, &device.kind)).collect(),
            hosts: lab.hosts.iter().map(|host| (&host.name, host)).collect(),
            switches: lab.switches.iter().map(|switch| (&switch.name, switch)).collect(),
            own: own.chain(lab.own_devices()).collect(),
        }
    }

    pub(super) fn device(&self, name: &Name) -> Option<&'a DeviceKind> {
        self.devices.get(name).copied()
    }

    pub(super) fn host(&self, name: Option<&Name>) -> Option<&'a HostSpec> {
        self.hosts.get(name?).copied()
    }

    /// The host of a device, or of a switch's own device.
    pub(super) fn host_of(&self, name: &Name) -> Option<&'a Name> {
        let switch = || self.switches.get(name)?.host.as_ref();
        self.device(name).and_then(DeviceKind::host).or_else(switch)
    }

    /// Whether a port is of its parent's own host.
    pub(super) fn is_shim(&self, port: &MacvlanSpec) -> bool {
        port.host.is_some() && self.host_of(&port.parent) == port.host.as_ref()
    }

    /// Whether a switch is a device of a host as well.
    pub(super) fn is_own(&self, switch: &SwitchSpec) -> bool {
        self.own.contains(&switch.name)
    }

    /// The device below a port: that of another port is the parent of both.
    fn lower(&self, port: &'a MacvlanSpec) -> &'a Name {
        let mut parent = &port.parent;
        // A lab file has no circles; if one is made otherwise, it ends here.
        for _ in 0..self.devices.len() {
            match self.device(parent) {
                Some(DeviceKind::Macvlan(below)) => parent = &below.parent,
                _ => break,
            }
        }
        parent
    }

    fn port(&self, name: &'a Name, spec: &'a MacvlanSpec) -> Port<'a> {
        let parent = self.lower(spec);
        let (node, master) = self.node(parent);
        Port { name, spec, parent, node, master, interface: interface(name, spec) }
    }

    /// The machine of a parent, and the parent's name there: `node1` and `eth0` of `node1.eth0`.
    fn node(&self, name: &'a Name) -> (&'a str, &'a str) {
        if let Some(host) = self.host_of(name) {
            let own = name.strip_prefix(host.as_str()).and_then(|rest| rest.strip_prefix('.'));
            return (host, own.filter(|own| !own.is_empty()).unwrap_or(name));
        }
        // `eth0.10` is a VLAN.
        let is_vlan = |end: &str| end.chars().all(|c| c.is_ascii_digit() || c == '.');
        match name.split_once('.') {
            Some((machine, own)) if !machine.is_empty() && !is_vlan(own) => (machine, own),
            _ => (NODE, name),
        }
    }
}

/// `eth1` of `web.eth1` on host `web`. A port without a host is the only one of its machine.
fn interface<'a>(name: &'a Name, port: &MacvlanSpec) -> Option<&'a str> {
    let host = port.host.as_ref()?;
    let own = name.strip_prefix(host.as_str()).and_then(|rest| rest.strip_prefix('.'));
    Some(own.filter(|own| !own.is_empty()).unwrap_or(name))
}

pub(super) fn unsaid(name: &Name, port: &MacvlanSpec, tool: &Tool) -> Option<String> {
    let keys = [
        ("up", !port.up),
        ("nopromisc", port.flags.nopromisc),
        ("nodst", port.flags.nodst),
        ("promisc", port.promisc),
        ("allmulticast", port.allmulticast),
        ("multicast", !port.multicast.is_empty()),
        ("bcqueuelen", port.bcqueuelen.is_some()),
        ("bclim", port.bclim.is_some()),
        ("master", port.master.is_some()),
        ("neighbour", !port.ip.neighbours.is_empty()),
        ("sysctl", port.ip.sysctls != Sysctls::default()),
        ("mtu", port.mtu.is_some()),
        ("source", !port.sources.is_empty()),
    ];
    left_out(name, &keys, tool)
}

fn unsaid_of_host(machine: &Machine<'_>, tool: &Tool) -> Option<String> {
    let config = &machine.host?.config;
    let keys = [
        ("forwarding", config.forwarding),
        ("routes", !config.routes.is_empty()),
        ("loopback", !config.loopback.is_empty()),
        ("host sysctl", config.sysctls != Sysctls::default()),
    ];
    left_out(machine.name, &keys, tool)
}

fn left_out(name: &Name, keys: &[(&str, bool)], tool: &Tool) -> Option<String> {
    let unsaid = keys.iter().filter(|(key, is_set)| *is_set && !tool.says.contains(key));
    let unsaid: Vec<&str> = unsaid.map(|(key, _)| *key).collect();
    (!unsaid.is_empty()).then(|| format!("{name}: left out: {}", unsaid.join(", ")))
}

/// The commands that make parents which are no NICs, and which the tool does not make: of those that `named` has, and of
/// shims. They last as long as the host is up.
pub(super) fn made_before<'n>(
    lab: &LabSpec,
    machines: &Machines<'n>,
    tool: &Tool,
    named: impl IntoIterator<Item = &'n str>,
) -> Vec<String> {
    let shims = machines.shims.iter().map(|port| port.parent.as_str());
    let mut needed: BTreeSet<&str> = named.into_iter().chain(shims).collect();
    // What is below a VLAN sub-interface is declared before it.
    for device in lab.devices.iter().rev().filter(|device| matches!(device.kind, DeviceKind::Vlan(_))) {
        if needed.contains(device.name.as_str()) {
            needed.extend(device.kind.parent().map(Name::as_str));
        }
    }
    let mut commands = Vec::new();
    for device in lab.devices.iter().filter(|device| needed.contains(device.name.as_str())) {
        let name = super::word(&device.name);
        match &device.kind {
            DeviceKind::Vlan(vlan) if tool.vlans && *name == format!("{}.{}", vlan.parent, vlan.id) => {}
            DeviceKind::Vlan(vlan) => {
                let parent = super::word(&vlan.parent);
                commands.push(format!("ip link add link {parent} name {name} type vlan id {}", vlan.id));
                commands.push(format!("ip link set {name} up"));
            }
            DeviceKind::Dummy(_) => {
                commands.push(format!("ip link add name {name} type dummy"));
                commands.push(format!("ip link set {name} up"));
            }
            _ => {}
        }
    }
    commands
}

/// Bridges of the host: switches that are devices of it, or on which nothing is a parent of ports.
pub(super) fn bridges(lab: &LabSpec) -> impl Iterator<Item = &SwitchSpec> {
    let (lookup, parents) = (Lookup::of(lab), lab.parents().collect::<BTreeSet<&Name>>());
    lab.switches.iter().filter(move |switch| {
        lookup.is_own(switch) || switch.ports.iter().all(|port| !parents.contains(&port.device))
    })
}

/// The network outside, which no tool of a host makes: a line for each switch, except for those that the tool names.
pub(super) fn outside<'a>(lab: &LabSpec, named: impl IntoIterator<Item = &'a SwitchSpec>) -> Vec<String> {
    let (lookup, named) = (Lookup::of(lab), named.into_iter().map(|switch| &switch.name));
    let named: BTreeSet<&Name> = named.collect();
    let addresses = |name: &Name| {
        let ip = match lookup.device(name) {
            Some(DeviceKind::Station(station)) => Some(&station.ip),
            _ => None,
        };
        ip.into_iter().flat_map(|ip| &ip.address).map(|net| format!(" {net}")).collect::<String>()
    };
    let line = |switch: &SwitchSpec| {
        let ports = switch.ports.iter().map(|port| {
            let hairpin = if port.flags.hairpin { " (hairpin)" } else { "" };
            format!("{}{}{hairpin}", port.device, addresses(&port.device))
        });
        format!("outside: the switch {} with {}", switch.name, ports.collect::<Vec<_>>().join(", "))
    };
    let others = lab.switches.iter().filter(|switch| !named.contains(&switch.name) && !lookup.is_own(switch));
    others.map(line).collect()
}
