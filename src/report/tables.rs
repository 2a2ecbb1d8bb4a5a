//! What a table must hold, and what it holds, in words and with the keys of the lab file.

use super::words::{fdb_kind, list};
use crate::lab::spec::{ExpectedEntry, ExpectedTable};
use crate::lab::{Found, Known};
use crate::station::NeighbourState;
use serde_json::{Value, json};

/// `02:00:00:00:00:01 on sw0.eth0`
pub(super) fn expected(expected: &ExpectedTable) -> String {
    match expected {
        ExpectedTable::Fdb { switch, mac, port: Some(port) } => format!("{mac} on {switch}.{port}"),
        ExpectedTable::Fdb { switch, mac, port: None } => format!("no entry for {mac} in {switch}"),
        ExpectedTable::Neighbour { device, ip, entry: ExpectedEntry::Absent } => {
            format!("no entry for {ip} at {device}")
        }
        ExpectedTable::Neighbour { device, ip, entry: ExpectedEntry::Present { state, mac } } => {
            let state = state.map_or("an".to_owned(), article);
            let mac = mac.map(|mac| format!(" with {mac}")).unwrap_or_default();
            format!("{state} entry for {ip} at {device}{mac}")
        }
    }
}

/// `a stale`, `an incomplete`
fn article(state: NeighbourState) -> String {
    let article = if state == NeighbourState::Incomplete { "an" } else { "a" };
    format!("{article} {state}")
}

/// What the table holds that an expectation is about: `; sw0 has no entry for 02:00:00:00:00:01`.
pub(super) fn found(found: Option<&Found>) -> String {
    let text = match found {
        None => return String::new(),
        Some(Found::Fdb { switch, mac, entries }) if entries.is_empty() => {
            format!("{switch} has no entry for {mac}")
        }
        Some(Found::Fdb { mac, entries, .. }) => {
            let at = |known: &Known| match known.entry.vlan {
                Some(vlan) => format!("{} in VLAN {vlan}", known.port),
                None => known.port.to_string(),
            };
            format!("{mac} is on {}", list(&entries.iter().map(at).collect::<Vec<_>>()))
        }
        Some(Found::Neighbour { device, ip, entry: None }) => format!("{device} has no entry for {ip}"),
        Some(Found::Neighbour { device, ip, entry: Some(entry) }) => {
            let mac = entry.mac.map(|mac| format!(" with {mac}")).unwrap_or_default();
            format!("{device} has {} entry for {ip}{mac}", article(entry.state))
        }
    };
    format!("; {text}")
}

/// An expectation with the keys of the lab file.
pub(super) fn expected_keys(expected: &ExpectedTable) -> Value {
    match expected {
        ExpectedTable::Fdb { switch, mac, port } => {
            let port = port.as_deref().unwrap_or_default();
            json!({ "fdb": { "switch": switch, "mac": mac.to_string(), "port": port } })
        }
        ExpectedTable::Neighbour { device, ip, entry } => {
            let (state, mac) = match entry {
                ExpectedEntry::Absent => (Some("none"), None),
                ExpectedEntry::Present { state, mac } => (state.map(NeighbourState::name), *mac),
            };
            let mac = mac.map(|mac| mac.to_string());
            json!({ "neighbour": { "device": device, "ip": ip.to_string(), "state": state, "mac": mac } })
        }
    }
}

/// The entries of a table.
pub(super) fn found_keys(found: &Found) -> Value {
    match found {
        Found::Fdb { entries, .. } => {
            let entry = |known: &Known| {
                let vlan = known.entry.vlan.map(|vlan| vlan.get());
                json!({ "port": known.port, "vlan": vlan, "kind": fdb_kind(known.entry.kind) })
            };
            entries.iter().map(entry).collect()
        }
        Found::Neighbour { entry, .. } => {
            let entry = entry.iter().map(
                |entry| json!({ "state": entry.state.name(), "mac": entry.mac.map(|mac| mac.to_string()) }),
            );
            entry.collect()
        }
    }
}
