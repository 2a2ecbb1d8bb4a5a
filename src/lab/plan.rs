//! Which device goes where, before any is made.

use super::spec::{DeviceKind, LabSpec, Name, NicSpec, SwitchPortSpec};
use crate::dataplane::SwitchId;
use crate::switch::SwitchPortId;
use std::collections::{BTreeMap, BTreeSet};

/// Where devices go.
pub(super) struct Plan {
    /// By switch: its ports, by their numbers. Those that no number is left for are left out; a switch takes far fewer
    /// ([`MAX_PORTS`](crate::switch::MAX_PORTS)) and refuses the rest.
    pub(super) ports: Vec<Vec<PlannedPort>>,
    /// By device: switch and port number at the other end of its cable.
    pub(super) sockets: BTreeMap<Name, (SwitchId, SwitchPortId)>,
    /// By device, both ways: the other end of a direct cable.
    pub(super) peers: BTreeMap<Name, Name>,
    /// By NIC: the bond of which it is a port from the start.
    pub(super) bonds: BTreeMap<Name, Name>,
    /// The switches that have a device of their own.
    pub(super) own_devices: BTreeSet<Name>,
}

/// A port of a switch that is to be made.
pub(super) struct PlannedPort {
    pub(super) spec: SwitchPortSpec,
    /// It is no socket, but a place for a device of the bridge's own host.
    pub(super) inside: bool,
}

impl Plan {
    pub(super) fn of(lab: &LabSpec) -> Plan {
        let mut inside: BTreeMap<&Name, Vec<&Name>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (device, master) in lab.enslaved().filter(|pair| seen.insert(*pair)) {
            inside.entry(master).or_default().push(device);
        }
        let own_devices = lab.own_devices().cloned().collect();
        let bonds = lab.bonded().map(|(port, bond)| (port.clone(), bond.clone())).collect();
        let (ports, sockets, peers) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let mut plan = Plan { ports, sockets, peers, bonds, own_devices };
        for (switch, index) in lab.switches.iter().zip(0..) {
            let mut declared: BTreeMap<&Name, &SwitchPortSpec> =
                switch.ports.iter().map(|port| (&port.device, port)).collect();
            // Those inside come first: they are there before the devices at the other ends of the cables.
            let within = inside.remove(&switch.name).unwrap_or_default().into_iter().map(|device| {
                let spec = declared.remove(device).cloned();
                PlannedPort { spec: spec.unwrap_or_else(|| SwitchPortSpec::to(device.clone())), inside: true }
            });
            let within: Vec<PlannedPort> = within.collect();
            let cabled = switch.ports.iter().filter(|port| declared.contains_key(&port.device));
            let cabled = cabled.map(|port| PlannedPort { spec: port.clone(), inside: false });
            let ports: Vec<PlannedPort> =
                within.into_iter().chain(cabled).take(usize::from(SwitchPortId::OWN.0)).collect();
            for (port, number) in ports.iter().zip(0..).filter(|(port, _)| !port.inside) {
                plan.sockets.insert(port.spec.device.clone(), (SwitchId(index), SwitchPortId(number)));
            }
            plan.ports.push(ports);
        }
        for device in &lab.devices {
            if let DeviceKind::Nic(NicSpec { cable: Some(far), .. }) = &device.kind {
                plan.peers.insert(device.name.clone(), far.clone());
                plan.peers.insert(far.clone(), device.name.clone());
            }
        }
        plan
    }
}
