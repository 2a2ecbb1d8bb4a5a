//! Files of systemd-networkd, for the machine that the parents are in: all in one text, each after a line with its name.

use super::super::networkd::PORT_FLAGS;
use super::machines::{Lookup, Tool, outside, unsaid};
use super::{ExportError, commented, one_line, title};
use crate::frame::{MacAddr, VlanId};
use crate::lab::spec::{
    DEFAULT_MTU, DeviceKind, DeviceSpec, LabSpec, MacvlanSpec, Name, SwitchPortSpec, SwitchSpec,
};
use crate::station::{IpSpec, default_mac};
use crate::switch::{DEFAULT_AGEING, PortFlags, PortVlans};
use std::collections::{BTreeMap, BTreeSet};

const TOOL: Tool = Tool {
    name: "systemd-networkd",
    macvtaps: true,
    source: true,
    vlans: false,
    says: &["up", "promisc", "allmulticast", "mtu", "neighbour", "bcqueuelen", "bclim", "source", "master"],
};

/// The whole text.
pub(super) fn write(lab: &LabSpec) -> Result<String, ExportError> {
    let machine = Machine::of(lab);
    let makes = |device: &&&DeviceSpec| !matches!(device.kind, DeviceKind::Nic(_));
    if machine.bridges.is_empty() && !machine.devices.iter().any(|device| makes(&device)) {
        return Err(ExportError::Nothing(
            "the lab has no macvlan, VLAN or bridge that is of the same machine as its parent",
        ));
    }
    let mut lines = title(lab);
    lines.extend(commented("# ", &machine.left_out()));
    for device in &machine.devices {
        if let Some(sections) = netdev(device) {
            lines.extend(file("10", &device.name, "netdev", sections));
        }
    }
    for bridge in &machine.bridges {
        lines.extend(file("10", &bridge.name, "netdev", netdev_of_bridge(bridge)));
    }
    for device in &machine.devices {
        lines.extend(file("20", &device.name, "network", machine.network(device)));
    }
    for bridge in &machine.bridges {
        let mut network = machine.on(&bridge.name);
        network.extend(addresses(&bridge.ip));
        let sections = vec![matching(&bridge.name), ("Network", network)];
        lines.extend(file("20", &bridge.name, "network", sections));
    }
    Ok(lines.join("\n").trim_start().to_owned() + "\n")
}

/// A section: its name, and its assignments.
type Section = (&'static str, Vec<(&'static str, String)>);

/// A file, after its name. A section without assignments says nothing.
fn file(number: &str, name: &Name, kind: &str, sections: Vec<Section>) -> Vec<String> {
    let mut lines = vec![String::new(), format!("# /etc/systemd/network/{number}-{}.{kind}", one_line(name))];
    let said = sections.into_iter().filter(|(_, assignments)| !assignments.is_empty());
    for (at, (section, assignments)) in said.enumerate() {
        if at > 0 {
            lines.push(String::new());
        }
        lines.push(format!("[{section}]"));
        lines.extend(assignments.iter().map(|(key, value)| format!("{key}={}", one_line(value))));
    }
    lines
}

fn matching(name: &Name) -> Section {
    ("Match", vec![("Name", name.to_string())])
}

/// What networkd makes and sets up.
struct Machine<'a> {
    lab: &'a LabSpec,
    lookup: Lookup<'a>,
    /// What is on each device.
    above: BTreeMap<&'a Name, Vec<&'a DeviceSpec>>,
    bonds: BTreeMap<&'a Name, &'a Name>,
    devices: Vec<&'a DeviceSpec>,
    bridges: Vec<&'a SwitchSpec>,
}

impl<'a> Machine<'a> {
    fn of(lab: &'a LabSpec) -> Machine<'a> {
        let lookup = Lookup::of(lab);
        let bridges: Vec<&SwitchSpec> = lab.switches.iter().filter(|switch| lookup.is_own(switch)).collect();
        let is_made = |device: &DeviceSpec| match &device.kind {
            DeviceKind::Macvlan(port) => is_local(&lookup, port),
            DeviceKind::Vlan(_) | DeviceKind::Dummy(_) | DeviceKind::Bond(_) => true,
            _ => false,
        };
        let bonds: BTreeMap<&Name, &Name> = lab.bonded().collect();
        let parents: BTreeSet<&Name> = lab.parents().collect();
        let hosts = lab.devices.iter().filter(|device| is_made(device)).map(|device| device.kind.host());
        let hosts: BTreeSet<&Name> =
            hosts.chain(bridges.iter().map(|bridge| bridge.host.as_ref())).flatten().collect();
        let is_nic = |device: &DeviceSpec| {
            let is_port = device.kind.master().is_some() || bonds.contains_key(&device.name);
            matches!(device.kind, DeviceKind::Nic(_))
                && (parents.contains(&device.name)
                    || is_port
                    || device.kind.host().is_some_and(|host| hosts.contains(host)))
        };
        let devices: Vec<&DeviceSpec> =
            lab.devices.iter().filter(|device| is_made(device) || is_nic(device)).collect();
        let mut above: BTreeMap<&Name, Vec<&DeviceSpec>> = BTreeMap::new();
        for device in &devices {
            if let Some(parent) = device.kind.parent() {
                above.entry(parent).or_default().push(device);
            }
        }
        Machine { lab, lookup, above, bonds, devices, bridges }
    }

    /// What the files do not have.
    fn left_out(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, port) in super::ports(self.lab) {
            if is_local(&self.lookup, port) {
                lines.extend(unsaid(name, port, &TOOL));
            } else {
                lines.push(format!("{name}: left out: a port of another machine than {}", port.parent));
            }
        }
        lines.extend(outside(self.lab, []));
        lines
    }

    /// What is on a device: assignments of `[Network]`.
    fn on(&self, name: &Name) -> Vec<(&'static str, String)> {
        let above = self.above.get(name).into_iter().flatten();
        let key = |kind: &DeviceKind| match kind {
            DeviceKind::Vlan(_) => "VLAN",
            DeviceKind::Macvlan(port) if port.tap => "MACVTAP",
            _ => "MACVLAN",
        };
        above.map(|device| (key(&device.kind), device.name.to_string())).collect()
    }

    fn network(&self, device: &DeviceSpec) -> Vec<Section> {
        let mut network = self.on(&device.name);
        if let Some(bond) = self.bonds.get(&device.name) {
            network.push(("Bond", bond.to_string()));
            let is_primary = match self.lookup.device(bond) {
                Some(DeviceKind::Bond(bond)) => bond.primary.as_ref() == Some(&device.name),
                _ => false,
            };
            network.extend(yes("PrimarySlave", is_primary));
        }
        network.extend(device.kind.master().map(|bridge| ("Bridge", bridge.to_string())));
        let host = self.lookup.host(device.kind.host());
        if host.is_some_and(|host| host.config.forwarding) {
            network.extend([("IPv4Forwarding", "yes".to_owned()), ("IPv6Forwarding", "yes".to_owned())]);
        }
        let ip = device.kind.ip().cloned().unwrap_or_default();
        network.extend(addresses(&ip));
        let mut sections = vec![matching(&device.name), ("Link", link(device)), ("Network", network)];
        for (address, mac) in &ip.neighbours {
            let entry = [("Address", address.to_string()), ("LinkLayerAddress", mac.to_string())];
            sections.push(("Neighbor", entry.to_vec()));
        }
        let routes = host.into_iter().flat_map(|host| &host.config.routes).filter(|route| match &route.dev {
            Some(dev) => *dev == device.name,
            None => ip.address.iter().any(|net| route.via.is_some_and(|via| net.contains(&via))),
        });
        for route in routes {
            let mut entry = vec![("Destination", route.to.to_string())];
            entry.extend(route.via.map(|via| ("Gateway", via.to_string())));
            entry.extend(route.src.map(|src| ("PreferredSource", src.to_string())));
            entry.extend(route.metric.map(|metric| ("Metric", metric.to_string())));
            sections.push(("Route", entry));
        }
        sections.extend(self.port(device));
        sections
    }

    /// The settings of a bridge's port.
    fn port(&self, device: &DeviceSpec) -> Vec<Section> {
        let bridge = self.bridges.iter().find(|bridge| Some(&bridge.name) == device.kind.master());
        let port = bridge.and_then(|bridge| bridge.ports.iter().find(|port| port.device == device.name));
        let Some(port) = port else { return Vec::new() };
        let mut sections = vec![("Bridge", flags(port))];
        sections.extend(vlans(&port.vlans));
        sections
    }
}

/// Whether a port is in the machine of its parent: by its host, or because it has no IP stack to be elsewhere.
fn is_local(lookup: &Lookup<'_>, port: &MacvlanSpec) -> bool {
    let is_alone = port.host.is_none() && port.ip.address.is_empty();
    port.expect.is_none()
        && (is_alone
            || lookup.is_shim(port)
            || port
                .master
                .as_ref()
                .is_some_and(|bridge| lookup.host_of(bridge) == lookup.host_of(&port.parent)))
}

fn addresses(ip: &IpSpec) -> Vec<(&'static str, String)> {
    let addresses = ip.address.iter().map(|net| ("Address", net.to_string()));
    addresses.chain(ip.gateway.iter().map(|gateway| ("Gateway", gateway.to_string()))).collect()
}

fn yes(key: &'static str, is_on: bool) -> Option<(&'static str, String)> {
    is_on.then(|| (key, "yes".to_owned()))
}

/// What `[Link]` says of a device. The addresses and MTUs of those that networkd makes are in their .netdev files.
fn link(device: &DeviceSpec) -> Vec<(&'static str, String)> {
    let (up, promisc, allmulticast) = match &device.kind {
        DeviceKind::Nic(nic) => (nic.up, nic.promisc, nic.allmulticast),
        DeviceKind::Dummy(dummy) => (dummy.up, false, false),
        DeviceKind::Bond(bond) => (bond.up, false, false),
        DeviceKind::Vlan(vlan) => (vlan.up, false, false),
        DeviceKind::Macvlan(port) => (port.up, port.promisc, port.allmulticast),
        DeviceKind::Station(_) | DeviceKind::Router(_) => (true, false, false),
    };
    let mut link = Vec::new();
    if let DeviceKind::Nic(nic) = &device.kind {
        if nic.mac != default_mac(&device.name) {
            link.push(("MACAddress", nic.mac.to_string()));
        }
        if nic.mtu != DEFAULT_MTU {
            link.push(("MTUBytes", nic.mtu.to_string()));
        }
    }
    link.extend(yes("Promiscuous", promisc));
    link.extend(yes("AllMulticast", allmulticast));
    link.extend((!up).then(|| ("ActivationPolicy", "down".to_owned())));
    link
}

/// The file that makes a device; a NIC is there.
fn netdev(device: &DeviceSpec) -> Option<Vec<Section>> {
    let begin = |kind: &str, mac: Option<MacAddr>, mtu: Option<u32>| {
        let mut begin = vec![("Name", device.name.to_string()), ("Kind", kind.to_owned())];
        begin.extend(mac.map(|mac| ("MACAddress", mac.to_string())));
        begin.extend(mtu.map(|mtu| ("MTUBytes", mtu.to_string())));
        ("NetDev", begin)
    };
    let of_name = |mac: MacAddr| Some(mac).filter(|mac| *mac != default_mac(&device.name));
    let unusual = |mtu: u32| Some(mtu).filter(|mtu| *mtu != DEFAULT_MTU);
    Some(match &device.kind {
        DeviceKind::Nic(_) | DeviceKind::Station(_) | DeviceKind::Router(_) => return None,
        DeviceKind::Dummy(dummy) => vec![begin("dummy", of_name(dummy.mac), unusual(dummy.mtu))],
        DeviceKind::Bond(bond) => {
            vec![begin("bond", bond.mac, unusual(bond.mtu)), bond_settings()]
        }
        DeviceKind::Vlan(vlan) => {
            vec![begin("vlan", vlan.mac, vlan.mtu), ("VLAN", vec![("Id", vlan.id.to_string())])]
        }
        DeviceKind::Macvlan(port) => {
            let mac = port.mac.filter(|_| port.mode != crate::macvlan::Mode::Passthru);
            vec![begin(port.device_type().name(), mac, port.mtu), macvlan(port)]
        }
    })
}

/// `[MACVLAN]` or `[MACVTAP]`, which has the mode.
pub(super) fn macvlan(port: &MacvlanSpec) -> Section {
    let mut settings = vec![("Mode", port.mode.to_string())];
    settings.extend(port.sources.iter().map(|source| ("SourceMACAddress", source.to_string())));
    let length = port.bcqueuelen.map(|length| ("BroadcastMulticastQueueLength", length.to_string()));
    settings.extend(length);
    settings.extend(port.bclim.map(|limit| ("BroadcastQueueThreshold", limit.to_string())));
    (if port.tap { "MACVTAP" } else { "MACVLAN" }, settings)
}

/// All bonds of labs are of this kind.
fn bond_settings() -> Section {
    ("Bond", vec![("Mode", "active-backup".to_owned()), ("MIIMonitorSec", "100ms".to_owned())])
}

fn netdev_of_bridge(bridge: &SwitchSpec) -> Vec<Section> {
    let mut begin = vec![("Name", bridge.name.to_string()), ("Kind", "bridge".to_owned())];
    if bridge.mac != default_mac(&bridge.name) {
        begin.push(("MACAddress", bridge.mac.to_string()));
    }
    let mut settings: Vec<(&'static str, String)> =
        yes("VLANFiltering", bridge.vlan_filtering).into_iter().collect();
    if bridge.ageing != DEFAULT_AGEING {
        settings.push(("AgeingTimeSec", bridge.ageing.as_secs().to_string()));
    }
    vec![("NetDev", begin), ("Bridge", settings)]
}

fn flags(port: &SwitchPortSpec) -> Vec<(&'static str, String)> {
    let (mut own, mut usual) = (port.flags, PortFlags::default());
    let mut said = Vec::new();
    for (key, flag) in PORT_FLAGS {
        let value = *own.get_mut(flag);
        if value != *usual.get_mut(flag) {
            said.push((key, if value { "yes" } else { "no" }.to_owned()));
        }
    }
    said
}

/// A port's VLANs, one section each.
fn vlans(vlans: &PortVlans) -> Vec<Section> {
    if *vlans == PortVlans::default() {
        return Vec::new();
    }
    let all: BTreeSet<VlanId> =
        vlans.untagged.iter().chain(&vlans.tagged).copied().chain(vlans.pvid).collect();
    let section = |id: VlanId| {
        let mut said = vec![("VLAN", id.to_string())];
        said.extend((vlans.pvid == Some(id)).then(|| ("PVID", id.to_string())));
        said.extend(vlans.untagged.contains(&id).then(|| ("EgressUntagged", id.to_string())));
        ("BridgeVLAN", said)
    };
    all.into_iter().map(section).collect()
}
