//! Static neighbour entries: a wrong one removed, or one added where the request for a MAC address is lost.

use super::case::{Case, MAX_EACH, word};
use super::{Rank, Remedy};
use crate::frame::Family;
use crate::lab::spec::{Action, Change, Name, NeighbourChange};

/// None of the entries that an end has, and entries for the other end.
pub(super) fn candidates(case: &Case<'_>) -> Vec<Remedy> {
    let mut all = Vec::new();
    for name in case.ends() {
        all.extend(without(case, &name));
    }
    let single: Vec<Remedy> =
        case.both_ways().iter().filter_map(|(name, other)| with(case, name, other)).collect();
    let both =
        Remedy::joined(Rank::Static, "Give both ends a static neighbour entry for each other.", &single);
    let two = single.len() > 1;
    all.extend(single);
    all.extend(two.then_some(both));
    all
}

fn set(name: &Name, change: NeighbourChange) -> Action {
    Action::Set { device: name.clone(), change: Change::Neighbours(change) }
}

fn without(case: &Case<'_>, name: &Name) -> Vec<Remedy> {
    let Some(ip) = case.ip(name) else { return Vec::new() };
    let made = ip.neighbours.keys().take(MAX_EACH).filter_map(|addr| {
        let table = case.with_ip(name, |ip| _ = ip.neighbours.remove(addr))?;
        let reads = format!("Remove {name}'s static neighbour entry for {addr}.");
        let remedy = Remedy::new(Rank::Removal, reads)
            .table(table)
            .step(set(name, NeighbourChange::Del(vec![*addr])))
            .command(format!("ip neigh del {addr} dev {}", word(name)));
        Some(remedy)
    });
    made.collect()
}

fn with(case: &Case<'_>, name: &Name, other: &Name) -> Option<Remedy> {
    let (own, theirs, mac) = (case.ip(name)?, case.ip(other)?, case.mac(other)?);
    let family = own.address.first().map(|net| Family::of(net.addr()))?;
    let addr = theirs.address.iter().map(|net| net.addr()).find(|addr| Family::of(*addr) == family)?;
    if own.neighbours.get(&addr) == Some(&mac) {
        return None;
    }
    let table = case.with_ip(name, |ip| _ = ip.neighbours.insert(addr, mac))?;
    let remedy = Remedy::new(Rank::Static, format!("Give {name} a static neighbour entry for {other}."))
        .table(table)
        .step(set(name, NeighbourChange::Add([(addr, mac)].into())))
        .command(format!("ip neigh replace {addr} lladdr {mac} dev {} nud permanent", word(name)))
        .family("neighbours", [name.to_string()]);
    Some(remedy)
}
