//! What is known about a question whose probe got no reply.

use super::{Question, Table};
use crate::frame::MacAddr;
use crate::lab::spec::{
    Action, DeviceKind, DeviceSpec, LabSpec, MacvlanSpec, Name, SwitchPortSpec, SwitchSpec, Target,
};
use crate::lab::{Device, DeviceType};
use crate::matrix::Explained;
use crate::station::{IpNet, IpSpec, default_mac};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Maximum number of addresses of a subnet that are looked at for a free one.
const MAX_SUBNET: usize = 256;

/// Maximum number of changes proposed for one table: gateways, neighbour entries, VLANs, forwarding entries, sockets.
pub(super) const MAX_EACH: usize = 64;

/// A probe without reply, and its lab.
pub(super) struct Case<'a> {
    pub(super) spec: &'a LabSpec,
    pub(super) question: &'a Question,
    /// The devices as they are after the lab's steps.
    pub(super) devices: &'a [Device],
    /// The target, if it is a device: an address may have none.
    pub(super) to: Option<Name>,
    /// The tables that declare devices, by name; for an interface of a router, the router's.
    tables: BTreeMap<&'a str, &'a DeviceSpec>,
    /// What the last step that adds a device says.
    added: BTreeMap<&'a str, &'a MacvlanSpec>,
    /// The devices by name.
    by_name: BTreeMap<&'a str, &'a Device>,
}

impl<'a> Case<'a> {
    pub(super) fn new(spec: &'a LabSpec, question: &'a Question, explained: &'a Explained) -> Case<'a> {
        let mut tables = BTreeMap::new();
        for device in &spec.devices {
            match &device.kind {
                DeviceKind::Router(router) => {
                    tables.extend(router.interfaces.iter().map(|i| (i.name.as_str(), device)));
                }
                _ => _ = tables.insert(device.name.as_str(), device),
            }
        }
        let added = spec.steps.iter().filter_map(|step| match &step.action {
            Action::Add { name, spec } => Some((name.as_str(), spec)),
            _ => None,
        });
        let devices = &explained.devices;
        let by_name = devices.iter().map(|device| (device.name.as_str(), device)).collect();
        let mut case = Case { spec, question, devices, to: None, tables, added: added.collect(), by_name };
        case.to = match &question.to {
            Target::Device(name) => Some(name.clone()),
            Target::Address(addr) => case.owner(*addr),
        };
        case
    }

    fn owner(&self, addr: IpAddr) -> Option<Name> {
        let has = |device: &&Device| device.address.iter().any(|net| net.addr() == addr);
        self.devices.iter().find(has).map(|device| device.name.clone())
    }

    pub(super) fn from(&self) -> &'a Name {
        &self.question.from
    }

    /// The sender, and the target if it is a device; for a host, its interfaces.
    pub(super) fn ends(&self) -> Vec<Name> {
        self.interfaces(self.from())
            .into_iter()
            .chain(self.to.iter().flat_map(|to| self.interfaces(to)))
            .collect()
    }

    /// Each end with the other one.
    pub(super) fn both_ways(&self) -> Vec<(Name, Name)> {
        let mut pairs = Vec::new();
        for to in self.to.iter().flat_map(|to| self.interfaces(to)) {
            for from in self.interfaces(self.from()) {
                pairs.push((from.clone(), to.clone()));
                pairs.push((to.clone(), from));
            }
        }
        pairs
    }

    /// The device, or the interfaces of the host of this name.
    fn interfaces(&self, name: &Name) -> Vec<Name> {
        if !self.spec.hosts.iter().any(|host| host.name == *name) {
            return vec![name.clone()];
        }
        let own = self.devices.iter().filter(|device| device.host.as_ref() == Some(name));
        own.take(MAX_EACH).map(|device| device.name.clone()).collect()
    }

    /// This name, or the first like it that nothing in the lab has.
    pub(super) fn free_name(&self, name: &str) -> Name {
        let taken = |name: &str| {
            self.by_name.contains_key(name)
                || self.tables.contains_key(name)
                || self.added.contains_key(name)
                || self.spec.hosts.iter().any(|host| *host.name == *name)
        };
        let numbered = (2..=self.by_name.len() + self.spec.hosts.len() + 3).map(|n| format!("{name}{n}"));
        std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default().into()
    }

    /// A device as it is declared, or as the last step that adds it says; for an interface of a router, the router.
    pub(super) fn declared(&self, name: &str) -> Option<DeviceSpec> {
        let added =
            self.added.get(name).map(|port| DeviceSpec::new(name, DeviceKind::Macvlan((*port).clone())));
        added.or_else(|| self.tables.get(name).map(|device| (*device).clone()))
    }

    /// A port as it is declared.
    pub(super) fn port(&self, name: &str) -> Option<MacvlanSpec> {
        match self.declared(name)?.kind {
            DeviceKind::Macvlan(port) => Some(port),
            _ => None,
        }
    }

    /// The ports that are declared on the same parent as this one, without it.
    pub(super) fn siblings(&self, name: &str) -> Vec<Name> {
        let Some(port) = self.port(name) else { return Vec::new() };
        let beside = |device: &&DeviceSpec| match &device.kind {
            DeviceKind::Macvlan(other) => other.parent == port.parent && *device.name != *name,
            _ => false,
        };
        self.spec.devices.iter().filter(beside).map(|device| device.name.clone()).collect()
    }

    /// The IP configuration of a device as it is declared.
    pub(super) fn ip(&self, name: &str) -> Option<IpSpec> {
        let mut device = self.declared(name)?;
        ip_mut(&mut device.kind, name).cloned()
    }

    /// The device with another IP configuration.
    pub(super) fn with_ip(&self, name: &str, change: impl FnOnce(&mut IpSpec)) -> Option<Table> {
        let mut device = self.declared(name)?;
        change(ip_mut(&mut device.kind, name)?);
        Some(Table::Device(device))
    }

    /// The device as a port with other settings.
    pub(super) fn with_port(&self, name: &str, change: impl FnOnce(&mut MacvlanSpec)) -> Option<Table> {
        let mut port = self.port(name)?;
        change(&mut port);
        Some(Table::Device(DeviceSpec::new(name, DeviceKind::Macvlan(port))))
    }

    /// The device as it is in the lab.
    pub(super) fn device(&self, name: &str) -> Option<&'a Device> {
        self.by_name.get(name).copied()
    }

    /// Whether a device is a port of a bond.
    pub(super) fn is_bonded(&self, device: &Device) -> bool {
        let master = device.master.as_deref().and_then(|master| self.device(master));
        master.is_some_and(|master| master.kind == DeviceType::Bond)
    }

    /// The MAC address of a device.
    pub(super) fn mac(&self, name: &str) -> Option<MacAddr> {
        self.device(name)?.mac
    }

    /// Every port of every switch.
    pub(super) fn switch_ports(&self) -> impl Iterator<Item = (&'a SwitchSpec, &'a SwitchPortSpec)> {
        self.spec.switches.iter().flat_map(|switch| switch.ports.iter().map(move |port| (switch, port)))
    }

    /// A MAC address that no device has, the same in every run.
    pub(super) fn free_mac(&self, name: &str) -> MacAddr {
        let taken: BTreeSet<MacAddr> = self.devices.iter().filter_map(|device| device.mac).collect();
        let mut candidates = (1..=taken.len() + 1).map(|n| default_mac(&format!("{name} {n}")));
        candidates.find(|mac| !taken.contains(mac)).unwrap_or_default()
    }

    /// An IP address of this subnet that no device has and no gateway is.
    pub(super) fn free_address(&self, subnet: IpNet) -> Option<IpNet> {
        let taken: BTreeSet<IpAddr> = self.addresses().collect();
        let mut hosts = subnet.hosts().skip(1).take(MAX_SUBNET);
        let free = hosts.find(|addr| !taken.contains(addr))?;
        IpNet::new(free, subnet.prefix_len()).ok()
    }

    /// Every IP address that the lab knows of.
    fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let declared = self.devices.iter().flat_map(|d| d.address.iter().map(|net| net.addr()));
        let gateways = self.devices.iter().filter_map(|d| self.ip(&d.name)).flat_map(|ip| ip.gateway);
        let asked = if let Target::Address(addr) = self.question.to { Some(addr) } else { None };
        declared.chain(gateways).chain(asked)
    }
}

/// The IP configuration of a device, or of this interface of a router.
fn ip_mut<'a>(kind: &'a mut DeviceKind, name: &str) -> Option<&'a mut IpSpec> {
    match kind {
        DeviceKind::Nic(nic) => Some(&mut nic.ip),
        DeviceKind::Dummy(dummy) => Some(&mut dummy.ip),
        DeviceKind::Bond(bond) => Some(&mut bond.ip),
        DeviceKind::Vlan(vlan) => Some(&mut vlan.ip),
        DeviceKind::Macvlan(port) => Some(&mut port.ip),
        DeviceKind::Station(station) => Some(&mut station.ip),
        DeviceKind::Router(router) => {
            router.interfaces.iter_mut().find(|i| *i.name == *name).map(|i| &mut i.station.ip)
        }
    }
}

/// A switch port's name, as everywhere: SWITCH.DEVICE.
pub(super) fn port_name(switch: &SwitchSpec, port: &SwitchPortSpec) -> String {
    format!("{}.{}", switch.name, port.device)
}

/// A name as a word of a shell command.
pub(super) fn word(name: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-:@/".contains(c);
    if !name.is_empty() && name.chars().all(plain) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(format!("'{}'", name.replace('\'', r"'\''")))
}
