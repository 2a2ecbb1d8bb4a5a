//! What a device takes in.

use super::case::{Case, word};
use super::{Rank, Remedy, Table};
use crate::lab::spec::{Action, Change, DeviceKind, Name};
use crate::macvlan::{MacvlanFlags, Mode, SourcesChange};

/// Promiscuous NICs, listed senders, and flags.
pub(super) fn candidates(case: &Case<'_>) -> Vec<Remedy> {
    let mut all = promiscuous(case);
    all.extend(sources(case));
    all.extend(flags(case));
    all
}

/// Each NIC that is not promiscuous: its hardware may filter what its ports need.
fn promiscuous(case: &Case<'_>) -> Vec<Remedy> {
    let nics = case.spec.devices.iter().filter_map(|device| {
        let DeviceKind::Nic(nic) = &device.kind else { return None };
        if nic.promisc {
            return None;
        }
        let mut changed = device.clone();
        if let DeviceKind::Nic(nic) = &mut changed.kind {
            nic.promisc = true;
        }
        let remedy = Remedy::new(Rank::Listen, format!("Make {} promiscuous.", device.name))
            .table(Table::Device(changed))
            .step(Action::Set { device: device.name.clone(), change: Change::Promisc(true) })
            .command(format!("ip link set {} promisc on", word(&device.name)));
        Some(remedy)
    });
    nics.collect()
}

/// A source port lists the other end.
fn sources(case: &Case<'_>) -> Vec<Remedy> {
    let single: Vec<Remedy> =
        case.both_ways().iter().filter_map(|(port, sender)| source(case, port, sender)).collect();
    match single.as_slice() {
        [_, _] => {
            let both = "Let both source ports list each other's MAC address.";
            let joined = Remedy::joined(Rank::Listen, both, &single);
            single.into_iter().chain([joined]).collect()
        }
        _ => single,
    }
}

fn source(case: &Case<'_>, name: &Name, sender: &Name) -> Option<Remedy> {
    let port = case.port(name).filter(|port| port.mode == Mode::Source)?;
    let mac = case.mac(sender).filter(|mac| !port.sources.contains(mac))?;
    let table = case.with_port(name, |port| port.sources.push(mac))?;
    let change = Change::Sources(SourcesChange::Add(vec![mac]));
    let remedy =
        Remedy::new(Rank::Listen, format!("Let the source port {name} list {sender}'s MAC address."))
            .table(table)
            .step(Action::Set { device: name.clone(), change })
            .command(format!("ip link set {} type macvlan macaddr add {mac}", word(name)))
            .family("sources", [name.to_string()]);
    Some(remedy)
}

/// The flags of each port that has any.
fn flags(case: &Case<'_>) -> Vec<Remedy> {
    let flagged = case.spec.devices.iter().filter_map(|device| {
        let DeviceKind::Macvlan(port) = &device.kind else { return None };
        if port.flags == MacvlanFlags::default() {
            return None;
        }
        let flag = if port.flags.nodst { "nodst" } else { "nopromisc" };
        let table = case.with_port(&device.name, |port| port.flags = MacvlanFlags::default())?;
        let (name, kind) = (word(&device.name), port.device_type());
        let command = format!("ip link set {name} type {kind} mode {} flag null", port.mode);
        let remedy = Remedy::new(Rank::Listen, format!("Take the flag {flag} off {}.", device.name))
            .table(table)
            .step(Action::Set { device: device.name.clone(), change: Change::Flags(MacvlanFlags::default()) })
            .command(command);
        Some(remedy)
    });
    flagged.collect()
}
