//! Why a step had its outcome: the rules that made the difference.

use crate::explain::{Fate, Journey};
use crate::lab::spec::{Action, Name, ProbeSpec, StepSpec, Target};
use crate::lab::{Device, Event, Outcome};
use crate::language::Language;
use crate::matrix::{self, Loss, Reach, Requests};
use crate::report::words::{list, printable, with};
use crate::station::Unreachable;
use crate::verdict::Rule;
use std::net::IpAddr;

/// Maximum number of hops and decisions of one step used to find the reasons for its outcome.
const MAX_STEP_EVENTS: usize = 20_000;

/// Maximum number of devices named for one fate.
const MAX_TOLD: usize = 12;

/// A rule, and its effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The rule.
    pub rule: Rule,
    /// Another rule that it took as well: see [`Cell::also`](crate::matrix::Cell::also).
    pub also: Option<Rule>,
    /// The device where it decided, if there is one.
    pub at: Option<Name>,
    /// Its effect: `why the first frame was lost, at sw0.eth0`.
    pub text: String,
}

impl Reason {
    /// Its rules by id and title, and where they decided: `R126 Not back out of the arrival port (sw0.eth0)`.
    #[must_use]
    pub fn named(&self, language: Language) -> String {
        let name = |rule: Rule| format!("{rule} {}", language.say(rule.title()));
        let also = self.also.map(|also| name(also) + &language.say(" and ")).unwrap_or_default();
        let at = self.at.as_ref().map(|at| format!(" ({at})")).unwrap_or_default();
        format!("{also}{}{at}", name(self.rule))
    }
}

/// The devices, and the hops and [decisions](Event::Decision) of the current step, up to a limit, from which the reasons
/// for its outcome follow.
#[derive(Debug, Default)]
pub struct StepLog {
    devices: Vec<Device>,
    running: Option<(StepSpec, Vec<Event>)>,
    /// It had more of them than the limit.
    unsearched: bool,
    /// The requests for MAC addresses of earlier steps.
    asked: Requests,
}

impl StepLog {
    /// Takes note of an event, if it is about devices, or the start of a step, a hop or a decision.
    pub fn event(&mut self, event: &Event) {
        Device::follow(&mut self.devices, event);
        match event {
            Event::Step { spec, .. } => {
                (self.running, self.unsearched) = (Some((spec.clone(), Vec::new())), false);
                self.asked.event(event);
            }
            Event::Hop(_) | Event::Decision(_) => match &mut self.running {
                Some((_, events)) if events.len() < MAX_STEP_EVENTS => events.push(event.clone()),
                running => self.unsearched = running.is_some(),
            },
            _ => {}
        }
    }

    /// Ends the step: what it was, and the reasons for its outcome.
    #[must_use]
    pub fn end(&mut self, outcome: Outcome) -> Option<(StepSpec, Vec<Reason>)> {
        let (spec, events) = self.running.take()?;
        let mut reasons = because(&spec, outcome, &events, &self.devices);
        if let (Outcome::Unreachable(Unreachable::Neighbour(ip)), Some(probe), true) =
            (outcome, spec.action.probe(), reasons.is_empty())
        {
            reasons.extend(self.asked_before(&probe.from, ip));
        }
        events.iter().for_each(|event| self.asked.event(event));
        if self.unsearched {
            let told = format!(", as far as the first {MAX_STEP_EVENTS} hops and decisions show");
            reasons.iter_mut().for_each(|reason| reason.text.push_str(&told));
        }
        Some((spec, reasons))
    }

    /// Why a request for the MAC address of a neighbour in an earlier step was lost.
    fn asked_before(&mut self, from: &str, ip: IpAddr) -> Option<Reason> {
        let Loss { also, rule, at, .. } = self.asked.unanswered(from, ip, &self.devices)?;
        let text = format!("why the request of an earlier step was lost (at {})", printable(&at));
        Some(Reason { rule, also, at: Some(at), text })
    }
}

/// The reasons for a step's outcome, from its hops and decisions, and the existing devices. For an injected frame, its
/// outcome at each device, up to the limit.
#[must_use]
pub fn because(spec: &StepSpec, outcome: Outcome, events: &[Event], devices: &[Device]) -> Vec<Reason> {
    if let Outcome::Refused(refusal) = outcome {
        return vec![Reason {
            rule: refusal.rule,
            also: None,
            at: None,
            text: format!("refused with {}", refusal.errno),
        }];
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
            let has = |d: &&Device| d.address.iter().chain(&d.loopback).any(|net| net.addr() == *addr);
            devices.iter().find(has).map_or("", |d| d.name.as_str())
        }
    };
    let cell = matrix::judge(&probe.from, to, Some(outcome), events, devices);
    let at = cell.at.as_deref().map(|at| format!(" (at {})", printable(at))).unwrap_or_default();
    let text = match cell.reach {
        Reach::Reply => format!("how the first frame reached {}", printable(to)),
        _ => {
            format!("why the first frame was lost{at}{}", with(cell.also))
        }
    };
    cell.rule.map(|rule| Reason { rule, also: cell.also, at: cell.at, text })
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
    let (rule, also, at, text) = match fate {
        Fate::Got(rule) => (*rule, None, None, format!("{names} got it")),
        Fate::Overheard(rule) => (*rule, None, None, format!("{names} saw it, addressed to another host")),
        Fate::Kept { also, rule, at } => {
            let text = format!("filtered from {names}, at {}{}", printable(at), with(*also));
            (*rule, *also, Some(at.clone()), text)
        }
        Fate::Apart => return None,
    };
    Some(Reason { rule, also, at, text })
}
