//! VLANs of switch ports.

use super::case::{Case, MAX_EACH, port_name, word};
use super::{Rank, Remedy, Table};
use crate::frame::VlanId;
use crate::lab::spec::{Action, DeviceKind, SwitchChange, SwitchPortSpec, SwitchSpec};
use crate::switch::PortVlans;
use std::collections::BTreeSet;

/// At each port of a switch that filters, each VLAN that something in the lab uses, tagged or as the port's own; and the
/// switch without filtering.
pub(super) fn candidates(case: &Case<'_>) -> Vec<Remedy> {
    let used = used(case);
    let mut all = Vec::new();
    for switch in case.spec.switches.iter().filter(|switch| switch.vlan_filtering) {
        for port in &switch.ports {
            for vlan in used.iter().take(MAX_EACH) {
                all.extend(tagged(switch, port, *vlan));
                all.extend(own(switch, port, *vlan));
            }
        }
        let reads = format!("Turn VLAN filtering off at the switch {}.", switch.name);
        let remedy = Remedy::new(Rank::Unprotected, reads)
            .table(Table::Switch(switch.clone().with_vlan_filtering(false)))
            .anew([format!("ip link set {} type bridge vlan_filtering 0", word(&switch.name))]);
        all.push(remedy);
    }
    all
}

/// The VLANs of sub-interfaces and switch ports.
fn used(case: &Case<'_>) -> BTreeSet<VlanId> {
    let devices = case.spec.devices.iter().filter_map(|device| match &device.kind {
        DeviceKind::Vlan(vlan) => Some(vlan.id),
        _ => None,
    });
    let ports = case.switch_ports().flat_map(|(_, port)| {
        let PortVlans { pvid, untagged, tagged } = &port.vlans;
        pvid.iter().chain(untagged).chain(tagged).copied()
    });
    devices.chain(ports).collect()
}

/// The port is a member, and frames of the VLAN have a tag there.
fn tagged(switch: &SwitchSpec, port: &SwitchPortSpec, vlan: VlanId) -> Option<Remedy> {
    if port.vlans.tagged.contains(&vlan) || port.vlans.untagged.contains(&vlan) {
        return None;
    }
    let mut vlans = port.vlans.clone();
    vlans.tagged.push(vlan);
    let name = port_name(switch, port);
    let reads = format!("Allow VLAN {vlan} at the switch port {name}.");
    let command = format!("bridge vlan add dev {} vid {vlan}", word(&name));
    Some(changed(switch, port, vlans, reads).command(command))
}

/// Untagged frames belong to the VLAN.
fn own(switch: &SwitchSpec, port: &SwitchPortSpec, vlan: VlanId) -> Option<Remedy> {
    if port.vlans.pvid == Some(vlan) && port.vlans.untagged.contains(&vlan) {
        return None;
    }
    let mut vlans = port.vlans.clone();
    vlans.tagged.retain(|id| *id != vlan);
    if !vlans.untagged.contains(&vlan) {
        vlans.untagged.push(vlan);
    }
    vlans.pvid = Some(vlan);
    let name = port_name(switch, port);
    let reads = format!("Make VLAN {vlan} the VLAN of untagged frames at the switch port {name}.");
    let command = format!("bridge vlan add dev {} vid {vlan} pvid untagged", word(&name));
    Some(changed(switch, port, vlans, reads).command(command))
}

fn changed(switch: &SwitchSpec, port: &SwitchPortSpec, vlans: PortVlans, reads: String) -> Remedy {
    let change = SwitchChange::Vlans { port: port.device.clone(), vlans: vlans.clone() };
    Remedy::new(Rank::SwitchPort, reads)
        .table(Table::Port { switch: switch.name.clone(), port: port.clone().with_vlans(vlans) })
        .step(Action::SetSwitch { switch: switch.name.clone(), change })
}
