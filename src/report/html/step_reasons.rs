//! Why a step had its outcome: the rules that made the difference.

use crate::explain::{Fate, Journey};
use crate::lab::spec::{Action, ProbeSpec, StepSpec, Target};
use crate::lab::{Device, Event, Outcome};
use crate::matrix::{self, Reach};
use crate::report::words::{list, printable};
use crate::verdict::Rule;

/// Maximum number of devices named for one fate.
const MAX_TOLD: usize = 12;

/// A rule, and its effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The rule.
    pub rule: Rule,
    /// Its effect: `why the first frame was lost, at sw0.eth0`.
    pub text: String,
}

/// The reasons for a step's outcome, from its hops and decisions, and the existing devices. For an injected frame, its
/// outcome at each device, up to the limit.
#[must_use]
pub fn because(spec: &StepSpec, outcome: Outcome, events: &[Event], devices: &[Device]) -> Vec<Reason> {
    if let Outcome::Refused(refusal) = outcome {
        return vec![Reason { rule: refusal.rule, text: format!("refused with {}", refusal.errno) }];
    }
    match &spec.action {
        Action::Ping(probe) | Action::Arping(probe) | Action::Udp(probe) | Action::Tcp(probe) => {
            probed(probe, outcome, events, devices).into_iter().collect()
        }
        Action::Inject { .. } => injected(events, devices),
        _ => Vec::new(),
    }
}

/// The rule that the matrix would show.
fn probed(probe: &ProbeSpec, outcome: Outcome, events: &[Event], devices: &[Device]) -> Option<Reason> {
    let to = match &probe.to {
        Target::Device(name) => name.as_str(),
        Target::Address(addr) => {
            let has = |d: &&Device| d.address.iter().any(|net| net.addr() == *addr);
            devices.iter().find(has).map_or("", |d| d.name.as_str())
        }
    };
    let cell = matrix::judge(&probe.from, to, Some(outcome), events, devices);
    let at = cell.at.as_deref().map(|at| format!(" (at {})", printable(at))).unwrap_or_default();
    let text = match cell.reach {
        Reach::Reply => format!("how the first frame reached {}", printable(to)),
        _ => format!("why the first frame was lost{at}"),
    };
    cell.rule.map(|rule| Reason { rule, text })
}

/// The outcome of the frame at each device involved; devices with the same fate are grouped.
fn injected(events: &[Event], devices: &[Device]) -> Vec<Reason> {
    let journeys = Journey::all(events);
    let fates = journeys.first().map(|journey| journey.fates(devices)).unwrap_or_default();
    let mut told: Vec<(Fate, Vec<String>)> = Vec::new();
    for (name, fate) in fates.into_iter().filter(|(_, fate)| *fate != Fate::Apart) {
        match told.iter_mut().find(|(known, _)| *known == fate) {
            Some((_, names)) => names.push(printable(&name)),
            None => told.push((fate, vec![printable(&name)])),
        }
    }
    told.into_iter().filter_map(|(fate, names)| shared(&fate, names)).collect()
}

fn shared(fate: &Fate, mut names: Vec<String>) -> Option<Reason> {
    if names.len() > MAX_TOLD {
        let more = names.len() - MAX_TOLD;
        names.truncate(MAX_TOLD);
        names.push(format!("{more} more"));
    }
    let names = list(&names);
    let (rule, text) = match fate {
        Fate::Got(rule) => (*rule, format!("{names} got it")),
        Fate::Overheard(rule) => (*rule, format!("{names} saw it, addressed to another host")),
        Fate::Kept { rule, at } => (*rule, format!("filtered from {names}, at {}", printable(at))),
        Fate::Apart => return None,
    };
    Some(Reason { rule, text })
}
