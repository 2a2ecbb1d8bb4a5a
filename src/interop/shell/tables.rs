//! What `bridge fdb`, `bridge vlan`, `brctl show` and `ip neigh` print.

use super::super::words::mac;
use super::super::{Kind, Place};
use super::Context;
use super::bridge::{add_vlans, vlan_range};
use crate::switch::PortVlans;
use std::net::IpAddr;

/// The table whose lines are being read.
enum Table {
    None,
    /// `brctl show`, and the bridge of the last line.
    Bridges(Option<String>),
    /// `bridge vlan`, and the port of the last line.
    Vlans(Option<String>),
}

/// Whether there is the head of a list of bridges.
pub(super) fn begins(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("bridge name"))
}

/// Reads the tables that a command printed, into the machine that it was run in.
pub(super) fn read(context: &mut Context<'_>, text: &str, start: usize) {
    let mut table = Table::None;
    let mut at = start;
    for raw in text.split_inclusive('\n') {
        let span = at..at + raw.trim_end().len();
        at += raw.len();
        let line = raw.trim_end();
        let words: Vec<&str> = line.split_whitespace().collect();
        context.place = Some(Place::new(context.index, span));
        table = match (words.as_slice(), table) {
            (["bridge", "name", "bridge", "id", ..], _) => Table::Bridges(None),
            (["port", "vlan-id" | "vlan", ..], _) => Table::Vlans(None),
            ([], Table::Vlans(port)) => Table::Vlans(port),
            (words, Table::Bridges(bridge)) => bridge_line(context, line, words, bridge),
            (words, Table::Vlans(port)) => vlan_line(context, line, words, port),
            ([address, "dev", ..], Table::None) if mac(address).is_some() => {
                fdb_line(context, &words);
                Table::None
            }
            (words, Table::None) => {
                neigh_line(context, words);
                Table::None
            }
        };
    }
}

/// `br0  8000.02005e100001  no  eth0`, and lines with further ports.
fn bridge_line(context: &mut Context<'_>, line: &str, words: &[&str], bridge: Option<String>) -> Table {
    let (bridge, port) = match (words, bridge) {
        ([name, id, "no" | "yes", ports @ ..], _) if id.contains('.') => {
            let found = context.interface(name);
            // What has ports becomes a bridge by them.
            if found.kind == Kind::Nic && ports.is_empty() {
                found.kind = Kind::Bridge { vlan_filtering: false, ageing: None };
            }
            found.seen = true;
            ((*name).to_owned(), ports.first().copied())
        }
        ([port], Some(bridge)) if line.starts_with([' ', '\t']) => (bridge, Some(*port)),
        _ => return Table::None,
    };
    if let Some(port) = port {
        context.interface(port).master = Some(bridge.clone());
    }
    Table::Bridges(Some(bridge))
}

/// `swp1  1 PVID Egress Untagged`, and lines with further VLANs.
fn vlan_line(context: &mut Context<'_>, line: &str, words: &[&str], port: Option<String>) -> Table {
    let (port, rest) = match (words, port) {
        ([port, rest @ ..], _) if !line.starts_with([' ', '\t']) => {
            if rest.first().is_some_and(|vid| *vid != "None" && vlan_range(vid).is_none()) {
                return Table::None;
            }
            begin_vlans(context, port);
            ((*port).to_owned(), rest)
        }
        (rest, Some(port)) => (port, rest),
        _ => return Table::None,
    };
    if let [vid, flags @ ..] = rest {
        one_vlan(context, &port, vid, flags.contains(&"PVID"), flags.contains(&"Untagged"));
    }
    Table::Vlans(Some(port))
}

/// The list of a port's VLANs begins: it is complete.
pub(super) fn begin_vlans(context: &mut Context<'_>, port: &str) {
    context.interface(port).vlans = Some(PortVlans { pvid: None, untagged: Vec::new(), tagged: Vec::new() });
}

/// A VLAN, or a range of them, in a port's list.
pub(super) fn one_vlan(context: &mut Context<'_>, port: &str, vid: &str, pvid: bool, untagged: bool) {
    if let (Some(ids), Some(vlans)) = (vlan_range(vid), &mut context.interface(port).vlans) {
        add_vlans(vlans, ids, pvid, untagged);
    }
}

/// `02:00:5e:10:00:77 dev swp1 vlan 20 sticky master br0 static`: what was made by hand. What was learned is learned again,
/// and the permanent ones are the kernel's.
pub(super) fn fdb_line(context: &mut Context<'_>, words: &[&str]) {
    if words.contains(&"static") && !words.contains(&"self") {
        context.fdb_entry(words, false);
    }
}

/// `192.0.2.1 dev eth0 lladdr 02:00:5e:10:00:fe PERMANENT`: an entry that was made by hand.
pub(super) fn neigh_line(context: &mut Context<'_>, words: &[&str]) {
    let after = |key: &str| words.iter().skip_while(|word| **word != key).nth(1).copied();
    let address = words.first().and_then(|word| word.parse::<IpAddr>().ok());
    let (Some(address), Some(dev), Some(mac)) = (address, after("dev"), after("lladdr").and_then(mac)) else {
        return;
    };
    if words.contains(&"PERMANENT") {
        context.interface(dev).neighbours.insert(address, mac);
    }
}
