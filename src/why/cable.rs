//! Cables.

use super::case::{Case, MAX_EACH};
use super::{Rank, Remedy, Table};
use crate::lab::DeviceType;
use crate::lab::spec::SwitchPortSpec;

/// A cable to each switch for each device that has none.
pub(super) fn candidates(case: &Case<'_>) -> Vec<Remedy> {
    let loose = case.devices.iter().filter(|device| {
        let has_socket = matches!(device.kind, DeviceType::Nic | DeviceType::Station | DeviceType::Router);
        has_socket && device.peer.is_none()
    });
    let plug = |name: &crate::lab::spec::Name| {
        let name = name.clone();
        case.spec.switches.iter().take(MAX_EACH).map(move |switch| {
            let port = SwitchPortSpec::to(name.clone());
            Remedy::new(Rank::Cable, format!("Connect {name} to the switch {}.", switch.name))
                .table(Table::Port { switch: switch.name.clone(), port })
        })
    };
    loose.flat_map(|device| plug(&device.name)).collect()
}
