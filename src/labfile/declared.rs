//! The names that a file or an existing lab declares.

use super::names::Kind;
use crate::frame::Family;
use crate::lab::spec::{AddressChange, Change, DeviceKind, LabSpec, Name};
use crate::station::IpSpec;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A declared name.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
    pub(super) families: Vec<Family>,
}

/// The kinds of things with a name.
#[derive(Clone, Debug, Default)]
pub(super) struct Declared {
    pub(super) declared: BTreeMap<String, Known>,
    pub(super) added: BTreeMap<String, Known>,
    /// Switches, each with a device on a port of it.
    pub(super) switch_ports: BTreeSet<(Name, Name)>,
    /// The same for devices that are, or become, such a port themselves: the switch is a bridge of their own host.
    pub(super) inside: BTreeSet<(Name, Name)>,
    /// By device, the host that it belongs to.
    pub(super) hosts: BTreeMap<String, Name>,
    /// The address families of the interfaces of hosts, and those that steps give to devices.
    pub(super) more_families: BTreeSet<(Name, Family)>,
    /// The devices that steps move to hosts.
    pub(super) moved: BTreeSet<(Name, Name)>,
}

impl Declared {
    /// The devices and switches of a lab, without what its steps add.
    pub(super) fn of(lab: &LabSpec) -> Declared {
        let mut all = Declared::default();
        let mut declare = |name: &Name, kind: Kind, families: Vec<Family>| {
            all.declared.insert(name.to_string(), Known { kind, span: 0..0, families });
        };
        for device in &lab.devices {
            let (kind, families) = match &device.kind {
                DeviceKind::Nic(nic) => (Kind::Nic, families(&nic.ip)),
                DeviceKind::Dummy(dummy) => (Kind::Dummy, families(&dummy.ip)),
                DeviceKind::Bond(bond) => (Kind::Bond, families(&bond.ip)),
                DeviceKind::Vlan(vlan) => (Kind::Vlan, families(&vlan.ip)),
                DeviceKind::Macvlan(port) => (Kind::Port, families(&port.ip)),
                DeviceKind::Station(station) => (Kind::Station, families(&station.ip)),
                DeviceKind::Router(router) => {
                    for interface in &router.interfaces {
                        declare(&interface.name, Kind::Interface, families(&interface.station.ip));
                    }
                    (Kind::Router, Vec::new())
                }
            };
            declare(&device.name, kind, families);
        }
        for host in &lab.hosts {
            let ip = IpSpec { address: host.config.loopback.clone(), ..IpSpec::default() };
            declare(&host.name, Kind::Host, families(&ip));
        }
        for switch in &lab.switches {
            declare(&switch.name, Kind::Switch, families(&switch.ip));
        }
        for (device, host, ip) in lab.interfaces() {
            all.join(device, host, ip);
        }
        for switch in &lab.switches {
            let ports = switch.ports.iter().map(|port| (switch.name.clone(), port.device.clone()));
            all.switch_ports.extend(ports);
        }
        all.inside = lab.enslaved().map(|(device, master)| (master.clone(), device.clone())).collect();
        all.switch_ports.extend(all.inside.iter().cloned());
        all
    }

    /// A device belongs to a host.
    pub(super) fn join(&mut self, device: &str, host: &Name, ip: &IpSpec) {
        self.hosts.insert(device.to_owned(), host.clone());
        self.more_families.extend(families(ip).into_iter().map(|family| (host.clone(), family)));
    }

    /// A step changes a device: it may have more addresses, or belong to another host.
    pub(super) fn change(&mut self, device: &Name, change: &Change) {
        match change {
            Change::Addresses(AddressChange::Add(nets)) => {
                let families = nets.iter().map(|net| Family::of(net.addr()));
                self.more_families.extend(families.map(|family| (device.clone(), family)));
            }
            Change::Host(host) => _ = self.moved.insert((device.clone(), host.clone())),
            _ => {}
        }
    }

    /// A step adds this port. If earlier steps added one with this name, any of their IP addresses may be meant.
    pub(super) fn add(&mut self, name: &str, span: Range<usize>, families: Vec<Family>) {
        let known = self.added.entry(name.to_owned());
        let known = known.or_insert(Known { kind: Kind::Port, span, families: Vec::new() });
        for family in families {
            if !known.families.contains(&family) {
                known.families.push(family);
            }
        }
    }

    /// Removes the ports of steps that are no longer needed.
    pub(super) fn retain_added(&mut self, mut wanted: impl FnMut(&str) -> bool) {
        self.added.retain(|name, _| wanted(name));
    }

    /// Removes a port of a step.
    pub(super) fn forget_added(&mut self, name: &str) {
        self.added.remove(name);
    }

    /// The kind of a declared (not added) name.
    pub(super) fn declared_as(&self, name: &str) -> Option<Kind> {
        self.declared.get(name).map(|known| known.kind)
    }
}

/// The families of a device's IP addresses.
pub(super) fn families(ip: &IpSpec) -> Vec<Family> {
    ip.address.iter().map(|n| Family::of(n.addr())).collect()
}
