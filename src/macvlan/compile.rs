//! From the ports, as the control plane keeps them, to the table that the decisions read: the only place that knows both.

use super::forwarding::{Forwarding, Listeners, NO_PORT, PortEntry};
use super::lists::{FloodLists, ListedPort, Receiver};
use super::parent::Demux;
use super::{Mode, Port};
use crate::frame::MacAddr;
use crate::table::MacTable;
use crate::verdict::{Egress, Rule, Verdict};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

/// The table for the ports of a parent as they are now.
pub(super) fn compile(demux: &Demux) -> Forwarding {
    let (senders, listeners) = listed_senders(demux);
    let mut f = Forwarding {
        parent_filter: demux.parent_filter,
        queue_filter: demux.queue_filter,
        queue_len: demux.queue_len(),
        ports: vec![None; demux.ports.end()],
        unicast: unicast_verdicts(demux),
        senders,
        listeners,
        ..Forwarding::default()
    };
    let mut active = Vec::new();
    for (id, port) in demux.ports.iter() {
        if port.up {
            enter(&mut f.table, port.mac, id.0);
            let receiver = Receiver { id, mtu: port.mtu };
            active.push(ListedPort { receiver, mode: port.mode, filter: &port.filter });
        }
        f.ports[id.index()] = Some(entry_of(port));
    }
    f.floods = FloodLists::compile(&active);
    f
}

fn entry_of(port: &Port) -> PortEntry {
    PortEntry { mac: port.mac, mode: port.mode, up: port.up, mtu: port.mtu, filter: Arc::clone(&port.filter) }
}

/// What becomes of a unicast by the port that has its destination address; the last: of one that no port has (R12 to R14).
fn unicast_verdicts(demux: &Demux) -> Vec<Verdict> {
    let mut verdicts = vec![NO_PORT; demux.ports.end() + 1];
    for (id, port) in demux.ports.iter() {
        verdicts[id.index()] = if port.mode == Mode::Source {
            Verdict::plain(Rule::UnicastToSourcePort, Egress::HostStack)
        } else {
            Verdict::plain(Rule::UnicastToPort, Egress::Port(id))
        };
        // A passthru port is alone, and takes everything (R51).
        if port.mode == Mode::Passthru {
            verdicts.fill(if port.up {
                Verdict::plain(Rule::PassthruUnicast, Egress::Port(id))
            } else {
                Verdict::plain(Rule::PassthruDown, Egress::Drop)
            });
        }
    }
    verdicts
}

/// The listed senders by number, and for each number the source ports that list it (R40).
fn listed_senders(demux: &Demux) -> (MacTable, Vec<Listeners>) {
    let mut by_sender: BTreeMap<MacAddr, Listeners> = BTreeMap::new();
    for (id, port) in demux.ports.iter() {
        for sender in &port.sources {
            let listeners = by_sender.entry(*sender).or_default();
            listeners.ports.push(id);
            listeners.nodst |= port.flags.nodst;
        }
    }
    let mut senders = MacTable::new();
    let mut listeners = Vec::with_capacity(by_sender.len());
    for ((sender, its), number) in by_sender.into_iter().zip(0..) {
        enter(&mut senders, sender, number);
        listeners.push(its);
    }
    (senders, listeners)
}

/// Enters a MAC address that was admitted, under a number that the admission has bounded.
fn enter(table: &mut MacTable, mac: MacAddr, number: u16) {
    if let Err(unfit) = table.insert(mac, number) {
        unreachable!("{mac} was admitted under number {number}: {unfit}");
    }
}
