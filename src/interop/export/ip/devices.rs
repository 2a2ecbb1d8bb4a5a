//! The devices of a script: switches, cables, and what is on them, each in its namespace.

use super::super::word;
use super::Script;
use crate::frame::{MacAddr, VlanId};
use crate::lab::spec::{BondSpec, DeviceKind, DeviceSpec, MacvlanSpec, Name, SwitchPortSpec, SwitchSpec};
use crate::macvlan::Mode;
use crate::switch::{DEFAULT_AGEING, PortFlag, PortFlags, PortState, PortVlans};
use std::collections::BTreeSet;
use std::fmt::Write as _;

impl Script<'_> {
    /// The commands that make all devices.
    pub(super) fn devices(&mut self) {
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
        let peer = peer.or(self.cables.get(name).copied());
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
        let interface =
            || self.lab.devices.iter().flat_map(|d| d.kind.interfaces()).find(|i| i.name == *name);
        match self.lookup.device(name) {
            Some(DeviceKind::Nic(nic)) => Some(nic.mac),
            Some(DeviceKind::Station(station)) => Some(station.mac),
            _ => interface().map(|interface| interface.station.mac),
        }
    }

    fn mtu_of(&self, name: &Name) -> u32 {
        match self.lookup.device(name) {
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
    pub(super) fn switches(&mut self) {
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
