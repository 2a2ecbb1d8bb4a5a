//! Expectations about what a table holds.

use super::names::Want;
use super::read::{Node, Reader, Table};
use super::scalar;
use crate::lab::spec::{ExpectedEntry, ExpectedTable, Name};
use crate::station::NeighbourState;

/// The keys of an expectation about a table.
pub(super) const TABLES: &[&str] = &["fdb", "neighbour"];

/// The state that says that there is no entry.
pub(super) const ABSENT: &str = "none";

/// Reads the expectation under the given key.
pub(super) fn table(cx: &mut Reader<'_>, key: &str, node: &Node<'_, '_>) -> Option<ExpectedTable> {
    let table = Table::of(cx, node)?;
    if key == "fdb" { fdb(cx, &table) } else { neighbour(cx, node, &table) }
}

fn fdb(cx: &mut Reader<'_>, table: &Table<'_, '_>) -> Option<ExpectedTable> {
    table.only(cx, &["switch", "mac", "port"]);
    let switch = table.require(cx, "switch", |cx, node| scalar::named(cx, node, Want::Switch));
    let mac = table.require(cx, "mac", scalar::mac);
    let port = table.require(cx, "port", |cx, node| {
        let device = scalar::text(cx, node)?;
        // Without the switch, the port cannot be checked.
        if let Some(switch) = switch.clone().filter(|_| !device.is_empty()) {
            cx.refer(node, &device, Want::OnSwitch(switch));
        }
        Some((!device.is_empty()).then(|| Name::from(device)))
    });
    Some(ExpectedTable::Fdb { switch: switch?, mac: mac?, port: port? })
}

fn neighbour(cx: &mut Reader<'_>, node: &Node<'_, '_>, table: &Table<'_, '_>) -> Option<ExpectedTable> {
    table.only(cx, &["device", "ip", "state", "mac"]);
    let device = table.require(cx, "device", |cx, node| scalar::named(cx, node, Want::Device));
    let ip = table.require(cx, "ip", scalar::ip);
    let words: Vec<&str> = NeighbourState::ALL.iter().map(|state| state.name()).chain([ABSENT]).collect();
    let state = table.get(cx, "state", |cx, node| scalar::word(cx, node, "state of a neighbour", &words));
    let mac = table.get(cx, "mac", scalar::mac);
    if state.as_deref() == Some(ABSENT) && table.has("mac") {
        let help = "leave out `mac`, or name the state of an entry";
        return cx.wrong(node, "an entry that is not there has no MAC address".to_owned(), help);
    }
    let entry = match state.as_deref() {
        Some(ABSENT) => ExpectedEntry::Absent,
        name => {
            let state = NeighbourState::ALL.iter().copied().find(|state| Some(state.name()) == name);
            ExpectedEntry::Present { state, mac }
        }
    };
    Some(ExpectedTable::Neighbour { device: device?, ip: ip?, entry })
}
