//! What an expectation about a table asks for, and what the table holds.

use super::spec::{ExpectedEntry, ExpectedTable, Name};
use super::{Known, Lab};
use crate::frame::MacAddr;
use crate::station::Neighbour;
use std::net::IpAddr;

/// What the table that an expectation is about holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// In the forwarding database of a switch.
    Fdb {
        /// The switch.
        switch: Name,
        /// The address that was looked up.
        mac: MacAddr,
        /// Its entries, one for each VLAN.
        entries: Vec<Known>,
    },
    /// In the neighbour table of a device.
    Neighbour {
        /// The device.
        device: Name,
        /// The address that was looked up.
        ip: IpAddr,
        /// Its entry.
        entry: Option<Neighbour>,
    },
}

impl Lab {
    /// What the table holds now.
    pub(super) fn look_up(&self, expected: &ExpectedTable) -> Found {
        match expected {
            ExpectedTable::Fdb { switch, mac, .. } => {
                let known = self.known().into_iter();
                let entries = known.filter(|known| known.switch == *switch && known.entry.mac == *mac);
                Found::Fdb { switch: switch.clone(), mac: *mac, entries: entries.collect() }
            }
            ExpectedTable::Neighbour { device, ip, .. } => {
                let agent = self.find(device).ok().and_then(|id| self.topology.devices[id.0].agent);
                let entry = agent.and_then(|(agent, interface)| {
                    self.runtime.stacks.agents[agent.0].stack.neighbour(interface, *ip)
                });
                Found::Neighbour { device: device.clone(), ip: *ip, entry }
            }
        }
    }
}

/// Whether the table holds what was expected.
pub(super) fn is_as_expected(expected: &ExpectedTable, found: &Found) -> bool {
    match (expected, found) {
        (ExpectedTable::Fdb { port: None, .. }, Found::Fdb { entries, .. }) => entries.is_empty(),
        (ExpectedTable::Fdb { switch, port: Some(port), .. }, Found::Fdb { entries, .. }) => {
            let name = format!("{switch}.{port}");
            entries.iter().any(|known| known.port == name)
        }
        (ExpectedTable::Neighbour { entry: ExpectedEntry::Absent, .. }, Found::Neighbour { entry, .. }) => {
            entry.is_none()
        }
        (
            ExpectedTable::Neighbour { entry: ExpectedEntry::Present { state, mac }, .. },
            Found::Neighbour { entry: Some(entry), .. },
        ) => state.is_none_or(|state| state == entry.state) && (mac.is_none() || *mac == entry.mac),
        _ => false,
    }
}
