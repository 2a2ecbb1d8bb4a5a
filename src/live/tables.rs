//! Tables about a live lab, for users.

use super::backend::{BoundaryCounters, PeerState};
use super::engine::AttachmentReport;
use crate::lab::spec::Name;
use crate::lab::{Device, DeviceState, Known, Neighbour};
use crate::report::fdb_kind;
use crate::switch::FdbKind;
use crate::time::Instant;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A table of the traffic at each attachment.
#[must_use]
pub fn attachments(attachments: &[AttachmentReport]) -> String {
    // Loops are rare, and should be noticed.
    let looped = attachments.iter().any(|attachment| attachment.counters.in_looped > 0);
    let shown = |counters: &BoundaryCounters| {
        columns(counters).into_iter().filter(move |(name, _)| looped || *name != "in_looped")
    };
    let header = shown(&BoundaryCounters::default()).map(|(name, _)| name);
    let mut table = plain(["attached", "backend"].into_iter().chain(header));
    for attachment in attachments {
        let names = [attachment.device.clone(), attachment.backend.clone()];
        let numbers = shown(&attachment.counters).map(|(_, number)| number.to_string());
        table.add_row(names.into_iter().chain(numbers));
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    text(&table)
}

fn columns(counters: &BoundaryCounters) -> [(&'static str, u64); 8] {
    [
        ("in_frames", counters.in_frames),
        ("in_bytes", counters.in_bytes),
        ("in_missed", counters.in_missed),
        ("in_malformed", counters.in_malformed),
        ("in_looped", counters.in_looped),
        ("out_frames", counters.out_frames),
        ("out_bytes", counters.out_bytes),
        ("out_dropped", counters.out_dropped),
    ]
}

/// The same as JSON: one attachment.
pub(super) fn attachment_as_json(attachment: &AttachmentReport) -> Value {
    let why = match &attachment.presence {
        PeerState::Here => None,
        PeerState::Away(why) | PeerState::Gone(why) | PeerState::Failed(why) => Some(why),
    };
    let counters = &attachment.counters;
    json!({
        "event": "attached",
        "device": attachment.device,
        "backend": attachment.backend,
        "presence": attachment.presence.word(),
        "why": why,
        "in_frames": counters.in_frames,
        "in_bytes": counters.in_bytes,
        "in_missed": counters.in_missed,
        "in_malformed": counters.in_malformed,
        "in_looped": counters.in_looped,
        "out_frames": counters.out_frames,
        "out_bytes": counters.out_bytes,
        "out_dropped": counters.out_dropped,
    })
}

/// A table of the devices, their state, and their attachments.
pub(super) fn devices(
    devices: &[Device],
    states: Vec<(Name, DeviceState)>,
    attachments: &[AttachmentReport],
) -> String {
    let states: BTreeMap<Name, DeviceState> = states.into_iter().collect();
    let attached: BTreeMap<&str, &AttachmentReport> =
        attachments.iter().map(|c| (c.device.as_str(), c)).collect();
    let mut table = plain(["device", "kind", "mode", "mac", "mtu", "link", "on", "attached"]);
    for device in devices {
        let state = states.get(&device.name);
        let link = match state {
            None => "",
            Some(state) if !state.up => "down",
            Some(state) if !state.carrier => "no carrier",
            Some(_) => "up",
        };
        let attached = attached.get(device.name.as_str());
        let on = device.parent.as_ref().or(device.active.as_ref()).or(device.peer.as_ref());
        table.add_row([
            device.name.to_string(),
            device.kind.to_string(),
            device.mode.map(|m| m.to_string()).unwrap_or_default(),
            state.map(|s| s.mac.to_string()).unwrap_or_default(),
            state.map(|s| s.mtu.to_string()).unwrap_or_default(),
            link.to_owned(),
            on.map(Name::to_string).unwrap_or_default(),
            attached.map(|c| format!("{} ({})", c.backend, c.presence.word())).unwrap_or_default(),
        ]);
    }
    text(&table)
}

/// A table of the neighbours that the devices know; ages in seconds, as `ip -s neigh` shows them.
pub(super) fn neighbours(tables: &[(Name, Vec<Neighbour>)], now: Instant) -> String {
    let mut table = plain(["device", "ip", "mac", "state", "known for", "confirmed", "used"]);
    let ago = |time: Instant| format!("{} s", now.since(time).as_secs());
    for (device, entry) in tables.iter().flat_map(|(device, all)| all.iter().map(move |e| (device, e))) {
        table.add_row([
            device.to_string(),
            entry.ip.to_string(),
            entry.mac.map(|mac| mac.to_string()).unwrap_or_default(),
            entry.state.to_string(),
            entry.mac.map(|_| ago(entry.since)).unwrap_or_default(),
            entry.confirmed.map(ago).unwrap_or_default(),
            ago(entry.used),
        ]);
    }
    text(&table)
}

/// A table of the switches' forwarding databases.
pub(super) fn known(known: &[Known]) -> String {
    let mut table = plain(["switch", "mac", "vlan", "port", "entry", "age"]);
    for Known { switch, port, entry } in known {
        let ages = entry.kind == FdbKind::Dynamic;
        table.add_row([
            switch.to_string(),
            entry.mac.to_string(),
            entry.vlan.map(|vlan| vlan.get().to_string()).unwrap_or_default(),
            port.to_string(),
            fdb_kind(entry.kind).to_owned(),
            if ages { format!("{} s", entry.age.as_secs()) } else { String::new() },
        ]);
    }
    text(&table)
}

fn plain<'a>(header: impl IntoIterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.into_iter().collect::<Vec<_>>());
    table
}

fn text(table: &Table) -> String {
    table.lines().map(|line| format!("{}\n", line.trim())).collect()
}
