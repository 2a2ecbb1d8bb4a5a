//! How a session stands, and what came of an action: for those who show it. Every word is the reports' or the catalogue's.

use super::session::{MAX_ACTIONS, MAX_EVENTS};
use crate::explain::{Fate, Journey};
use crate::lab::spec::{Action, Name, ProbeSpec, StepSpec, Target};
use crate::lab::{Device, Event, Lab, Outcome};
use crate::macvlan::Mode;
use crate::matrix;
use crate::report::{outcome_in_words, step_in_words};
use crate::switch::PortFlag;
use crate::verdict::Rule;
use serde::Serialize;

/// A rule that made the difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Because {
    /// Its id: `R126`.
    pub rule: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// Its reason, in a sentence.
    pub why: &'static str,
    /// The device or switch port at which it decided.
    pub at: Option<Name>,
}

impl Because {
    fn of(rule: Rule, at: Option<Name>) -> Because {
        Because { rule: rule.id(), title: rule.title(), why: rule.why(), at }
    }
}

/// A device that does not get an injected frame, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The device.
    pub device: Name,
    /// What kept the frame away.
    pub because: Because,
}

/// What came of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The number of its step, from 1.
    pub step: usize,
    /// What was done: `c1 pings c2`.
    pub action: String,
    /// What came of it: `a reply after 0.008 ms`.
    pub outcome: String,
    /// It was refused, or nobody answered.
    pub failed: bool,
    /// The rule that refused it, or that made the difference in an exchange.
    pub because: Option<Because>,
    /// Who does not get the injected frame.
    pub kept: Vec<Kept>,
}

/// A device as its controls show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceNow {
    /// Its name; of a switch port, SWITCH.DEVICE.
    pub name: Name,
    /// The word of the events: `nic`, `macvlan`, `switch-port` and so on.
    pub kind: &'static str,
    /// The device below it, or the switch of a switch port.
    pub parent: Option<Name>,
    /// The device at the other end of its cable.
    pub peer: Option<Name>,
    /// Its MAC address.
    pub mac: Option<String>,
    /// A port's mode.
    pub mode: Option<&'static str>,
    /// Administratively up.
    pub up: bool,
    /// The IP addresses of its stack, with their prefix lengths.
    pub addresses: Vec<String>,
    /// The flags of a switch port: each key of the lab file, and whether it is set.
    pub flags: Vec<(&'static str, bool)>,
}

/// How a session stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct State {
    /// The devices that are there, in the order in which they were made; then switches with their ports.
    pub devices: Vec<DeviceNow>,
    /// What was done, and what came of it.
    pub done: Vec<Told>,
    /// What would be undone: `c1 pings c2`.
    pub undo: Option<String>,
    /// What would be done again.
    pub redo: Option<String>,
    /// Every mode, as lab files have them.
    pub modes: [&'static str; Mode::ALL.len()],
    /// The most actions.
    pub max_actions: usize,
    /// The most events.
    pub max_events: usize,
}

impl State {
    /// `next` is what would be done again.
    pub(super) fn of(lab: &Lab, done: &[Told], next: Option<&StepSpec>) -> State {
        State {
            devices: lab.devices().into_iter().map(now).collect(),
            done: done.to_vec(),
            undo: done.last().map(|told| told.action.clone()),
            redo: next.map(step_in_words),
            modes: Mode::ALL.map(Mode::name),
            max_actions: MAX_ACTIONS,
            max_events: MAX_EVENTS,
        }
    }
}

fn now(device: Device) -> DeviceNow {
    let flags = device.port.map(|mut port| PortFlag::ALL.map(|f| (f.name(), *port.flags.get_mut(f))));
    DeviceNow {
        name: device.name,
        kind: device.kind,
        parent: device.parent,
        peer: device.peer,
        mac: device.mac.map(|mac| mac.to_string()),
        mode: device.mode.map(Mode::name),
        up: device.up,
        addresses: device.address.iter().map(ToString::to_string).collect(),
        flags: flags.map(Vec::from).unwrap_or_default(),
    }
}

impl Told {
    /// Reads it from the events of the step. `None`: the step has not come to its end.
    pub(super) fn of(number: usize, spec: &StepSpec, events: &[Event], lab: &Lab) -> Option<Told> {
        let Event::Result { outcome, rtt, delivered, .. } = events.last()? else { return None };
        let because = match (&spec.action, outcome) {
            (_, Outcome::Error(_, rule)) => Some(Because::of(*rule, None)),
            (
                Action::Ping(probe) | Action::Arping(probe) | Action::Udp(probe) | Action::Tcp(probe),
                outcome,
            ) => made_the_difference(probe, events, *outcome, lab),
            _ => None,
        };
        Some(Told {
            step: number,
            action: step_in_words(spec),
            outcome: outcome_in_words(&spec.action, *outcome, *rtt, delivered),
            failed: matches!(outcome, Outcome::Error(..) | Outcome::Unreachable | Outcome::NoReply),
            because,
            kept: if matches!(spec.action, Action::Inject { .. }) { kept(events, lab) } else { Vec::new() },
        })
    }
}

/// The rule that made the difference in an exchange.
fn made_the_difference(probe: &ProbeSpec, events: &[Event], outcome: Outcome, lab: &Lab) -> Option<Because> {
    let devices = lab.devices();
    let to = match &probe.to {
        Target::Device(name) => name,
        Target::Address(address) => {
            &devices.iter().find(|d| d.address.iter().any(|net| net.addr == *address))?.name
        }
    };
    let cell = matrix::judge(&probe.from, to, Some(outcome), events, &devices);
    cell.rule.map(|rule| Because::of(rule, cell.at))
}

/// Who does not get the frame with which the events begin.
fn kept(events: &[Event], lab: &Lab) -> Vec<Kept> {
    let journeys = Journey::all(events);
    let fates = journeys.first().map(|journey| journey.fates(&lab.devices())).unwrap_or_default();
    let kept = fates.into_iter().filter_map(|(device, fate)| match fate {
        Fate::Kept { rule, at } => Some(Kept { device, because: Because::of(rule, Some(at)) }),
        Fate::Overheard(rule) => Some(Kept { because: Because::of(rule, Some(device.clone())), device }),
        Fate::Got(_) | Fate::Apart => None,
    });
    kept.collect()
}
