//! A session's state and an action's outcome, for display. All texts come from the reports or the catalogue.

use super::denied::{MAX_ACTIONS, MAX_EVENTS};
use crate::lab::spec::{Name, StepSpec};
use crate::lab::{Device, Event, Lab, Outcome};
use crate::language::Language;
use crate::macvlan::Mode;
use crate::report::html::Bundle;
use crate::report::{Reason, StepLog, known_since};
use crate::report::{outcome_in_words, step_in_words};
use crate::switch::PortFlag;
use serde::Serialize;
use std::borrow::Cow;

/// A rule that made a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActionReason {
    /// Its id: `R126`.
    pub rule: &'static str,
    /// Its title.
    pub title: Cow<'static, str>,
    /// Its reason, in a sentence.
    pub why: Cow<'static, str>,
    /// Its effect: `why the first frame was lost (at sw0.eth0)`.
    pub text: String,
}

impl From<Reason> for ActionReason {
    fn from(Reason { rule, text, .. }: Reason) -> ActionReason {
        ActionReason { rule: rule.id(), title: rule.title().into(), why: rule.why().into(), text }
    }
}

/// The outcome of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActionResult {
    /// The number of its step, from 1.
    pub step: usize,
    /// The action: `c1 pings c2`.
    pub action: String,
    /// The outcome: `a reply after 0.008 ms`.
    pub outcome: String,
    /// It was refused, or got no reply.
    pub failed: bool,
    /// It is a question of one device to another, such as a ping.
    pub asks: bool,
    /// The rules that made the difference; for an injected frame, its outcome at each device.
    pub because: Vec<ActionReason>,
}

/// A device with the data that its controls show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceNow {
    /// Its name; of a switch port, SWITCH.DEVICE.
    pub name: Name,
    /// Its kind in events: `nic`, `macvlan`, `switch-port` and so on.
    pub kind: &'static str,
    /// The device below it, or the switch of a switch port.
    pub parent: Option<Name>,
    /// The device at the far end of its cable.
    pub peer: Option<Name>,
    /// The bridge of its host, or the bond, of which it is a port; left out if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master: Option<Name>,
    /// The active port of a bond; left out if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<Name>,
    /// Its MAC address.
    pub mac: Option<String>,
    /// A port's mode.
    pub mode: Option<&'static str>,
    /// Whether it is administratively up.
    pub up: bool,
    /// The IP addresses of its stack, with their prefix lengths.
    pub addresses: Vec<String>,
    /// The flags of a switch port: each key of the lab file, and whether it is set.
    pub flags: Vec<(&'static str, bool)>,
}

/// The state of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct State {
    /// The lab's title.
    pub title: String,
    /// The existing devices, in the order of creation; then switches with their ports.
    pub devices: Vec<DeviceNow>,
    /// The actions and their outcomes; in the [news](super::Session::news) only new ones.
    pub done: Vec<ActionResult>,
    /// The action to undo: `c1 pings c2`.
    pub undo: Option<String>,
    /// The action to redo.
    pub redo: Option<String>,
    /// Every mode, as lab files name them.
    pub modes: [&'static str; Mode::ALL.len()],
    /// Maximum number of actions.
    pub max_actions: usize,
    /// Maximum number of events.
    pub max_events: usize,
}

/// A point in the history of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Point {
    /// Runs that were begun before: each undo and reset begins one.
    pub run: u64,
    /// Steps of this run.
    pub steps: usize,
}

/// What a page shows of a session.
#[derive(Clone, Debug, Serialize)]
pub struct View {
    /// The point from which it goes on: its outcomes and its bundle continue those of a page that is there. `None`: it is
    /// complete.
    pub after: Option<Point>,
    /// The point that it leads to.
    pub at: Point,
    /// The session's state.
    pub state: State,
    /// The events.
    pub bundle: Bundle,
}

impl View {
    /// The same with its sentences in another language.
    #[must_use]
    pub fn in_language(self, language: Language) -> View {
        let View { after, at, state, bundle } = self;
        View { after, at, state: state.in_language(language), bundle: bundle.in_language(language) }
    }
}

impl State {
    /// The same with its sentences in another language, and with its title if that is a lesson's or the playground's own.
    #[must_use]
    pub fn in_language(mut self, language: Language) -> State {
        language.put_title(&mut self.title);
        self.done = self.done.into_iter().map(|told| told.in_language(language)).collect();
        self.undo.iter_mut().chain(&mut self.redo).for_each(|action| language.put(action));
        self
    }

    /// The first `known` outcomes are left out.
    pub(super) fn of(
        lab: &Lab,
        done: &[ActionResult],
        known: usize,
        [undo, redo]: [Option<String>; 2],
    ) -> State {
        State {
            title: lab.title().to_owned(),
            devices: lab.devices().into_iter().map(now).collect(),
            done: done.get(known..).unwrap_or_default().to_vec(),
            undo,
            redo,
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
        master: device.master,
        active: device.active,
        mac: device.mac.map(|mac| mac.to_string()),
        mode: device.mode.map(Mode::name),
        up: device.up,
        addresses: device.address.iter().map(ToString::to_string).collect(),
        flags: flags.map(Vec::from).unwrap_or_default(),
    }
}

impl ActionResult {
    /// The same with its sentences in another language.
    #[must_use]
    pub fn in_language(mut self, language: Language) -> ActionResult {
        language.put(&mut self.action);
        language.put(&mut self.outcome);
        for reason in &mut self.because {
            language.put(reason.title.to_mut());
            language.put(reason.why.to_mut());
            language.put(&mut reason.text);
        }
        self
    }

    /// Reads the outcome from the events of the step. `None`: the step has not ended.
    pub(super) fn of(
        number: usize,
        spec: &StepSpec,
        events: &[Event],
        log: &mut StepLog,
    ) -> Option<ActionResult> {
        let Event::Result { outcome, rtt, receivers, .. } = events.last()? else { return None };
        events.iter().for_each(|event| log.event(event));
        let reasons = log.end(*outcome).map(|(_, reasons)| reasons).unwrap_or_default();
        let known = events.iter().find_map(|event| match event {
            Event::Known { neighbour, since_step, .. } => Some(known_since(neighbour, *since_step)),
            _ => None,
        });
        Some(ActionResult {
            step: number,
            action: step_in_words(spec),
            outcome: outcome_in_words(&spec.action, *outcome, *rtt, receivers) + &known.unwrap_or_default(),
            failed: matches!(outcome, Outcome::Refused(_) | Outcome::Unreachable(_) | Outcome::NoReply),
            asks: spec.action.probe().is_some(),
            because: reasons.into_iter().map(ActionReason::from).collect(),
        })
    }
}
