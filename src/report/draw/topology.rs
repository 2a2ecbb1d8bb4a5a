//! Which device is on which, and where each cable leads.

use super::scene::{Refused, Scene};
use crate::lab::spec::Name;
use crate::lab::{Device, DeviceType};
use std::collections::{BTreeMap, BTreeSet};

/// Maximum depth of nested sub-interfaces drawn: more than any lab has.
const MAX_DEPTH: usize = 16;

/// A lab's devices, sorted for drawing. Every device appears exactly once.
#[derive(Debug)]
pub(super) struct Topology<'a> {
    /// NICs, and switches' own devices that have ports, each with the devices on it.
    pub(super) parents: Vec<Branch<'a>>,
    /// Switches with their ports.
    pub(super) switches: Vec<(&'a Device, Vec<&'a Device>)>,
    /// Stations, and routers with their interfaces.
    pub(super) machines: Vec<Machine<'a>>,
    /// The two ends of each cable, each cable once; and each bond with its ports.
    pub(super) cables: Vec<(&'a Device, &'a Device)>,
    /// Devices that were refused and have no parent in the diagram.
    pub(super) strays: Vec<&'a Refused>,
}

/// A device and the devices on it.
#[derive(Debug)]
pub(super) struct Branch<'a> {
    pub(super) device: &'a Device,
    pub(super) leaves: Vec<Leaf<'a>>,
}

/// A node on a device.
#[derive(Debug)]
pub(super) enum Leaf<'a> {
    /// The IP stack of its host.
    Stack(&'a Device),
    /// A macvlan or macvtap.
    Port(&'a Device),
    /// An 802.1Q sub-interface.
    Vlan(Branch<'a>),
    /// A port that the kernel refused.
    Refused(&'a Refused),
}

/// A station, or a router with its interfaces.
#[derive(Debug)]
pub(super) struct Machine<'a> {
    /// A router's name.
    pub(super) router: Option<&'a str>,
    pub(super) interfaces: Vec<&'a Device>,
}

impl<'a> Topology<'a> {
    pub(super) fn of(scene: &'a Scene) -> Topology<'a> {
        let devices = &scene.devices;
        let of_kind = |kind: DeviceType| devices.iter().filter(move |d| d.kind == kind);
        let own = of_kind(DeviceType::Switch).filter(|d| d.mac.is_some());
        let nics = devices
            .iter()
            .filter(|d| matches!(d.kind, DeviceType::Nic | DeviceType::Dummy | DeviceType::Bond));
        let parents: Vec<_> = nics.chain(own).map(|d| branch(d, scene, 0)).collect();
        let switches = of_kind(DeviceType::Switch).map(|switch| {
            let ports = of_kind(DeviceType::SwitchPort).filter(|p| p.parent.as_ref() == Some(&switch.name));
            (switch, ports.collect())
        });
        let mut machines: Vec<Machine<'a>> = Vec::new();
        for device in devices.iter().filter(|d| matches!(d.kind, DeviceType::Station | DeviceType::Router)) {
            let router = if device.kind == DeviceType::Router { device.parent.as_deref() } else { None };
            match machines.iter_mut().find(|m| router.is_some() && m.router == router) {
                Some(machine) => machine.interfaces.push(device),
                None => machines.push(Machine { router, interfaces: vec![device] }),
            }
        }
        let there = |refused: &&Refused| devices.iter().any(|d| d.name == refused.name);
        let placed = |refused: &&Refused| {
            devices.iter().any(|d| Some(&d.name) == refused.parent.as_ref() && d.can_be_parent())
        };
        let strays = scene.refused.iter().filter(|r| !there(r) && !placed(r)).collect();
        Topology { parents, switches: switches.collect(), machines, cables: cables(devices), strays }
    }
}

fn branch<'a>(device: &'a Device, scene: &'a Scene, depth: usize) -> Branch<'a> {
    let mut leaves = vec![Leaf::Stack(device)];
    for child in scene.devices.iter().filter(|d| d.parent.as_ref() == Some(&device.name)) {
        match child.kind {
            DeviceType::Macvlan | DeviceType::Macvtap => leaves.push(Leaf::Port(child)),
            DeviceType::Vlan if depth < MAX_DEPTH => leaves.push(Leaf::Vlan(branch(child, scene, depth + 1))),
            _ => {}
        }
    }
    let absent = |r: &&Refused| scene.devices.iter().all(|d| d.name != r.name);
    let refused = scene.refused.iter().filter(|r| r.parent.as_ref() == Some(&device.name)).filter(absent);
    leaves.extend(refused.map(Leaf::Refused));
    Branch { device, leaves }
}

fn cables(devices: &[Device]) -> Vec<(&Device, &Device)> {
    let mut seen = BTreeSet::new();
    let mut cables = Vec::new();
    let bonds: BTreeMap<&Name, &Device> =
        devices.iter().filter(|d| d.kind == DeviceType::Bond).map(|d| (&d.name, d)).collect();
    for device in devices {
        // A line as well, inside the host.
        if let Some(bond) = device.master.as_ref().and_then(|master| bonds.get(master)) {
            cables.push((*bond, device));
        }
        let Some(peer) = device.peer.as_ref().and_then(|name| devices.iter().find(|d| d.name == *name))
        else {
            continue;
        };
        let ends = (device.name.as_str().min(&peer.name), device.name.as_str().max(&peer.name));
        if seen.insert(ends) {
            cables.push((device, peer));
        }
    }
    cables
}
