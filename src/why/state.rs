//! What changes no configuration: after steps, neighbours and switches may know addresses that are out of date.

use super::case::{Case, word};
use super::{Rank, Remedy};
use crate::frame::Family;
use crate::lab::spec::{Action, Change, Name, NeighbourChange, ProbeSpec, Target};
use crate::station::IpSpec;

/// How many times a sender asks, a second apart, until it has noticed that a neighbour does not answer any more: the entry is
/// trusted for 15 to 45 s, doubted for 5 s, and probed for 3 s.
const PATIENCE: u32 = 60;

/// The ends flush their neighbour tables, the target announces itself, or the sender keeps asking. Before any step nothing can be out of date.
pub(super) fn candidates(case: &Case<'_>) -> Vec<Remedy> {
    if case.spec.steps.is_empty() {
        return Vec::new();
    }
    flushed(case).into_iter().chain(announced(case)).chain([kept_asking(case)]).collect()
}

/// Each end forgets its neighbours.
fn flushed(case: &Case<'_>) -> Vec<Remedy> {
    let flush = |name: &Name| {
        let change = Change::Neighbours(NeighbourChange::Flush);
        Remedy::new(Rank::State, format!("Flush the neighbour table of {name}."))
            .step(Action::Set { device: name.clone(), change })
            .command(format!("ip neigh flush dev {}", word(name)))
    };
    case.ends().iter().map(flush).collect()
}

/// The target asks for the sender's MAC address, by which the sender learns the target's.
fn announced(case: &Case<'_>) -> Option<Remedy> {
    let to = case.to.as_ref()?;
    let v4 =
        |ip: IpSpec| ip.address.iter().map(|net| net.addr()).find(|addr| Family::of(*addr) == Family::V4);
    let (own, theirs) = (v4(case.ip(to)?)?, v4(case.ip(case.from())?)?);
    let arping = Action::Arping(ProbeSpec::new(to.clone(), Target::Address(theirs)));
    let remedy = Remedy::new(Rank::State, format!("Let {to} announce its MAC address to {}.", case.from()))
        .step(arping)
        .command(format!("arping -c 1 -s {own} -I {} {theirs}", word(to)));
    Some(remedy)
}

fn kept_asking(case: &Case<'_>) -> Remedy {
    let (from, to) = (case.from(), case.question.to.clone());
    let ping = Action::Ping(ProbeSpec::new(from.clone(), to).with_count(PATIENCE));
    let reads = format!("Let {from} keep asking: within a minute it looks up the MAC address again.");
    Remedy::new(Rank::State, reads).step(ping)
}
