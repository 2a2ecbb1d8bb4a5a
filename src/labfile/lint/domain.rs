//! Broadcast domains: which devices hear each other's broadcasts.
//!
//! A domain is that of one switch (of one of its VLANs if it filters by them), of one cable, or of one NIC alone; each VLAN
//! tag makes another one of it. A device that is a port of a bridge of its own host, or of a bond, joins that one's domain to its own.

use crate::frame::{EthHeader, MacAddr, Tag, VlanId};
use crate::lab::spec::{LabSpec, Name, SwitchPortSpec};
use crate::lab::{Device, DeviceType};
use crate::switch::PortState;
use std::collections::BTreeMap;

/// The number of a domain.
pub(super) type DomainId = usize;

/// What a domain is of.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Domain<'l> {
    Switch(&'l Name),
    SwitchVlan(&'l Name, VlanId),
    /// By the first of its ends.
    Cable(&'l Name),
    Alone(&'l Name),
    /// The frames of another domain that have this tag.
    Tagged(DomainId, VlanId),
}

/// How a device takes part.
#[derive(Clone, Copy)]
struct Part<'l> {
    domain: DomainId,
    /// It and the devices below it are up.
    up: bool,
    /// A switch port that filters by VLANs, if what leaves this device arrives there as it is.
    filter: Option<&'l SwitchPortSpec>,
    /// The device whose MAC address and traffic it shares, or itself.
    owner: &'l Name,
}

/// A device that is up.
pub(super) struct Member<'l> {
    pub(super) device: &'l Device,
    pub(super) domain: DomainId,
    pub(super) owner: &'l Name,
}

struct Domains<'l> {
    by_name: BTreeMap<&'l str, &'l Device>,
    /// The ports of switches that filter, by their names.
    filters: BTreeMap<String, &'l SwitchPortSpec>,
    numbers: BTreeMap<Domain<'l>, DomainId>,
    parts: BTreeMap<&'l str, Part<'l>>,
}

/// The devices of the list that are up, with their domains. A device comes after the one that it sits on, as they were
/// made.
pub(super) fn members<'l>(spec: &'l LabSpec, devices: &'l [Device]) -> Vec<Member<'l>> {
    let filtering = spec.switches.iter().filter(|s| s.vlan_filtering);
    let filters = filtering
        .flat_map(|s| s.ports.iter().map(move |port| (format!("{}.{}", s.name, port.device), port)))
        .collect();
    let by_name = devices.iter().map(|d| (d.name.as_str(), d)).collect();
    let mut domains = Domains { by_name, filters, numbers: BTreeMap::new(), parts: BTreeMap::new() };
    for switch in spec.switches.iter().filter(|s| !s.vlan_filtering) {
        // Its own device; that of one that filters is left out.
        let domain = domains.number(Domain::Switch(&switch.name));
        let part = Part { domain, up: true, filter: None, owner: &switch.name };
        domains.parts.insert(&switch.name, part);
    }
    let (mut members, mut joined) = (Vec::new(), Vec::new());
    for device in devices {
        let Some(mut part) = domains.part(device) else { continue };
        if let Some(bond) = device.master.as_ref().filter(|master| domains.is_bond(master)) {
            // It has the bond's address, and what is at the bond is at all its ports.
            part.owner = bond;
        }
        domains.parts.insert(&device.name, part);
        if part.up {
            members.push(Member { device, domain: part.domain, owner: part.owner });
        }
        if let Some(master) = device.master.as_ref().filter(|_| part.up) {
            let of = if domains.is_bond(master) { Domain::Alone(master) } else { Domain::Switch(master) };
            let master = domains.number(of);
            joined.push((part.domain, master));
        }
    }
    join(&mut members, joined);
    members
}

/// Gives members of domains that are joined the same number.
fn join(members: &mut [Member<'_>], joined: Vec<(DomainId, DomainId)>) {
    let mut first: BTreeMap<DomainId, DomainId> = BTreeMap::new();
    let find = |first: &BTreeMap<DomainId, DomainId>, mut domain: DomainId| {
        while let Some(other) = first.get(&domain) {
            domain = *other;
        }
        domain
    };
    for (one, other) in joined {
        let (one, other) = (find(&first, one), find(&first, other));
        if one != other {
            first.insert(one.max(other), one.min(other));
        }
    }
    for member in members {
        member.domain = find(&first, member.domain);
    }
}

impl<'l> Domains<'l> {
    fn is_bond(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|device| device.kind == DeviceType::Bond)
    }

    fn number(&mut self, domain: Domain<'l>) -> DomainId {
        let next = self.numbers.len();
        *self.numbers.entry(domain).or_insert(next)
    }

    fn part(&mut self, device: &'l Device) -> Option<Part<'l>> {
        match device.kind {
            DeviceType::Macvlan | DeviceType::Macvtap => {
                let parent = *self.parts.get(device.parent.as_deref()?)?;
                let passthru = device.mode == Some(crate::macvlan::Mode::Passthru);
                let owner = if passthru { parent.owner } else { &device.name };
                Some(Part { up: parent.up && device.up, owner, ..parent })
            }
            DeviceType::Vlan => {
                let parent = *self.parts.get(device.parent.as_deref()?)?;
                let domain = self.tagged(device, parent, device.vlan?);
                Some(Part { domain, up: parent.up && device.up, filter: None, owner: parent.owner })
            }
            DeviceType::Switch | DeviceType::SwitchPort => None,
            _ => Some(self.plugged(device)),
        }
    }

    /// The part of a device with a cable.
    fn plugged(&mut self, device: &'l Device) -> Part<'l> {
        let far = device.peer.as_deref().and_then(|peer| self.by_name.get(peer)).copied();
        let (domain, filter) = match far {
            None => (Domain::Alone(&device.name), None),
            Some(far) if far.kind != DeviceType::SwitchPort => {
                (Domain::Cable((&far.name).min(&device.name)), None)
            }
            Some(far) => {
                let forwards = far.port.is_some_and(|port| port.state == PortState::Forwarding);
                match (&far.parent, self.filters.get(far.name.as_str()).copied()) {
                    (Some(switch), None) if forwards => (Domain::Switch(switch), None),
                    (Some(switch), Some(port)) if forwards => {
                        let domain = match vlan(port, None) {
                            Some(vlan) => Domain::SwitchVlan(switch, vlan),
                            None => Domain::Alone(&device.name),
                        };
                        (domain, Some(port))
                    }
                    _ => (Domain::Alone(&device.name), None),
                }
            }
        };
        Part { domain: self.number(domain), up: device.up, filter, owner: &device.name }
    }

    /// The domain of a sub-interface.
    fn tagged(&mut self, device: &'l Device, parent: Part<'l>, id: VlanId) -> DomainId {
        let Some(port) = parent.filter else { return self.number(Domain::Tagged(parent.domain, id)) };
        let below = device.parent.as_deref().and_then(|name| self.by_name.get(name));
        let far = below.and_then(|nic| self.by_name.get(nic.peer.as_deref()?));
        let domain = match far.and_then(|far| far.parent.as_ref()).zip(vlan(port, Some(id))) {
            Some((switch, vlan)) => Domain::SwitchVlan(switch, vlan),
            None => Domain::Alone(&device.name),
        };
        self.number(domain)
    }
}

/// The VLAN in which a switch port admits frames with this tag, or without one.
fn vlan(port: &SwitchPortSpec, tag: Option<VlanId>) -> Option<VlanId> {
    let (dst, src) = (MacAddr::default(), MacAddr::default());
    port.vlans.classify(&EthHeader { dst, src, tag: tag.map(Tag::of), ethertype: 0, len: 0 })
}
