//! A device that is down.

use super::case::{Case, word};
use super::{Rank, Remedy, Table};
use crate::lab::Device;
use crate::lab::spec::{Action, Change, DeviceKind};

/// Each device that is down, and all of them.
pub(super) fn candidates(case: &Case<'_>) -> Vec<Remedy> {
    let down = case.devices.iter().filter(|device| !device.up);
    let single: Vec<Remedy> = down.filter_map(|device| up(case, device)).collect();
    if single.len() < 2 {
        return single;
    }
    let all = Remedy::joined(Rank::Up, "Bring every device up that is down.", &single);
    single.into_iter().chain([all]).collect()
}

fn up(case: &Case<'_>, device: &Device) -> Option<Remedy> {
    let name = &device.name;
    let mut declared = case.declared(name)?;
    match &mut declared.kind {
        DeviceKind::Nic(nic) => nic.up = true,
        DeviceKind::Dummy(dummy) => dummy.up = true,
        DeviceKind::Bond(bond) => bond.up = true,
        DeviceKind::Vlan(vlan) => vlan.up = true,
        DeviceKind::Macvlan(port) => port.up = true,
        DeviceKind::Station(station) => station.up = true,
        DeviceKind::Router(router) => {
            router.interfaces.iter_mut().filter(|i| i.name == *name).for_each(|i| i.station.up = true);
        }
    }
    let remedy = Remedy::new(Rank::Up, format!("Bring {name} up."))
        .table(Table::Device(declared))
        .step(Action::Set { device: name.clone(), change: Change::Up(true) })
        .command(format!("ip link set {} up", word(name)))
        .family("up", [name.to_string()]);
    Some(remedy)
}
