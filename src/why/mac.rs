//! MAC addresses.

use super::case::{Case, word};
use super::mode::made_anew;
use super::{Rank, Remedy, Table};
use crate::frame::MacAddr;
use crate::lab::spec::{Action, Change, DeviceKind, MacvlanSpec, Name};
use crate::macvlan::Mode;
use std::collections::BTreeMap;

/// Another MAC address for each device that has the same one as another, or asked for it and was refused.
pub(super) fn candidates(case: &Case<'_>) -> Vec<Remedy> {
    let mut names: Vec<Name> = case.devices.iter().map(|device| device.name.clone()).collect();
    names.extend(case.ends());
    names.sort();
    names.dedup();
    // The device that was refused is the one to change.
    names.sort_by_key(|name| case.device(name).is_some_and(|device| device.up));
    let mut taken: BTreeMap<MacAddr, usize> = BTreeMap::new();
    for mac in names.iter().filter_map(|name| wanted(case, name)) {
        *taken.entry(mac).or_default() += 1;
    }
    let shared = |name: &&Name| wanted(case, name).and_then(|mac| taken.get(&mac)).is_some_and(|n| *n > 1);
    names.iter().filter(shared).filter_map(|name| change(case, name)).collect()
}

/// The MAC address that a device has, or would have if it were there. A passthru port has its parent's in any case, and so
/// has a VLAN sub-interface that declares none; a port of a bond has that of the bond.
fn wanted(case: &Case<'_>, name: &Name) -> Option<MacAddr> {
    if case.device(name).is_some_and(|device| case.is_bonded(device)) {
        return None;
    }
    match case.declared(name)?.kind {
        DeviceKind::Macvlan(port) if port.mode == Mode::Passthru => None,
        DeviceKind::Vlan(vlan) if vlan.mac.is_none() => None,
        DeviceKind::Macvlan(port) => case.mac(name).or_else(|| Some(port.requested_mac(name))),
        _ => case.mac(name),
    }
}

fn change(case: &Case<'_>, name: &Name) -> Option<Remedy> {
    let mac = case.free_mac(name);
    let mut declared = case.declared(name)?;
    let mut anew = Vec::new();
    match &mut declared.kind {
        DeviceKind::Nic(nic) => nic.mac = mac,
        DeviceKind::Dummy(dummy) => dummy.mac = mac,
        DeviceKind::Bond(bond) => bond.mac = Some(mac),
        DeviceKind::Vlan(vlan) => vlan.mac = Some(mac),
        DeviceKind::Station(station) => station.mac = mac,
        DeviceKind::Macvlan(port) => {
            anew = made_anew(name, &MacvlanSpec { mac: Some(mac), ..port.clone() });
            port.mac = Some(mac);
        }
        DeviceKind::Router(router) => {
            router.interfaces.iter_mut().filter(|i| i.name == *name).for_each(|i| i.station.mac = mac);
        }
    }
    let remedy = Remedy::new(Rank::Mac, format!("Give {name} another MAC address, such as {mac}."))
        .table(Table::Device(declared))
        .step(Action::Set { device: name.clone(), change: Change::Mac(mac) })
        .command(format!("ip link set {} address {mac}", word(name)))
        .anew(anew);
    Some(remedy)
}
