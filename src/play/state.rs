//! How a session stands, and what came of an action: for those who show it. Every word is the reports' or the catalogue's.

use super::session::{MAX_ACTIONS, MAX_EVENTS};
use crate::lab::spec::{Name, StepSpec};
use crate::lab::{Device, Event, Lab, Outcome};
use crate::macvlan::Mode;
use crate::report::html::{Reason, because};
use crate::report::{outcome_in_words, step_in_words};
use crate::switch::PortFlag;
use serde::Serialize;

/// A rule that made a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActionReason {
    /// Its id: `R126`.
    pub rule: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// Its reason, in a sentence.
    pub why: &'static str,
    /// What it did: `why the first frame was lost (at sw0.eth0)`.
    pub text: String,
}

impl From<Reason> for ActionReason {
    fn from(Reason { rule, text }: Reason) -> ActionReason {
        ActionReason { rule: rule.id(), title: rule.title(), why: rule.why(), text }
    }
}

/// What came of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActionResult {
    /// The number of its step, from 1.
    pub step: usize,
    /// What was done: `c1 pings c2`.
    pub action: String,
    /// What came of it: `a reply after 0.008 ms`.
    pub outcome: String,
    /// It was refused, or nobody answered.
    pub failed: bool,
    /// The rules that made the difference; of an injected frame, what became of it at each device.
    pub because: Vec<ActionReason>,
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
    /// The lab's title.
    pub title: String,
    /// The devices that are there, in the order in which they were made; then switches with their ports.
    pub devices: Vec<DeviceNow>,
    /// What was done, and what came of it.
    pub done: Vec<ActionResult>,
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
    pub(super) fn of(lab: &Lab, done: &[ActionResult], next: Option<&StepSpec>) -> State {
        State {
            title: lab.title().to_owned(),
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
        kind: device.kind.name(),
        parent: device.parent,
        peer: device.peer,
        mac: device.mac.map(|mac| mac.to_string()),
        mode: device.mode.map(Mode::name),
        up: device.up,
        addresses: device.address.iter().map(ToString::to_string).collect(),
        flags: flags.map(Vec::from).unwrap_or_default(),
    }
}

impl ActionResult {
    /// Reads it from the events of the step. `None`: the step has not come to its end.
    pub(super) fn of(number: usize, spec: &StepSpec, events: &[Event], lab: &Lab) -> Option<ActionResult> {
        let Event::Result { outcome, rtt, delivered, .. } = events.last()? else { return None };
        let reasons = because(spec, *outcome, events, &lab.devices());
        Some(ActionResult {
            step: number,
            action: step_in_words(spec),
            outcome: outcome_in_words(&spec.action, *outcome, *rtt, delivered),
            failed: matches!(outcome, Outcome::Refused(_) | Outcome::Unreachable | Outcome::NoReply),
            because: reasons.into_iter().map(ActionReason::from).collect(),
        })
    }
}
