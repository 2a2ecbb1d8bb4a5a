//! The rules that a run shows, and where.

use crate::lab::spec::{Action, Name};
use crate::lab::{Event, HopKind};
use crate::verdict::Rule;
use std::collections::BTreeSet;

/// A rule that decided something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown {
    /// During which step, from 1; 0: before the first.
    pub step: usize,
    /// The rule.
    pub rule: Rule,
    /// The device at which it decided: as the hop log has it, or the one that was refused something.
    pub at: Name,
}

/// Every rule by which a frame went somewhere or was kept from somewhere, or by which something was refused, each once for a step
/// and a device. What keeps frames from devices is known only of a run that reports its
/// [decisions](crate::lab::Options::decisions).
#[must_use]
pub fn shown(events: &[Event]) -> BTreeSet<Shown> {
    let mut all = BTreeSet::new();
    let mut subject = Name::default();
    for event in events {
        match event {
            Event::Setup { device, refusal, .. } => {
                all.insert(Shown { step: 0, rule: refusal.rule, at: device.clone() });
            }
            Event::Step { spec, .. } => subject = subject_of(&spec.action),
            Event::Hop(hop) => {
                if let HopKind::Receive(_, rule) | HopKind::Transmit(rule) | HopKind::Drop(rule) = hop.kind {
                    all.insert(Shown { step: hop.step, rule, at: hop.device.clone() });
                }
            }
            Event::Decision(decision) => {
                let kept = decision.candidates.iter().filter_map(|candidate| candidate.rule.err());
                let at = &decision.device;
                all.extend(kept.map(|rule| Shown { step: decision.step, rule, at: at.clone() }));
            }
            Event::Result { step, outcome, .. } => {
                all.extend(outcome.rule().map(|rule| Shown { step: *step, rule, at: subject.clone() }));
            }
            _ => {}
        }
    }
    all
}

/// The device, host or switch that acts in a step or is changed by it.
pub(super) fn subject_of(action: &Action) -> Name {
    match action {
        Action::Ping(probe) | Action::Arping(probe) | Action::Udp(probe) | Action::Tcp(probe) => {
            probe.from.clone()
        }
        Action::Inject { at, .. } | Action::Replay { at, .. } => at.clone(),
        Action::Set { device, .. } => device.clone(),
        Action::SetHost { host, .. } => host.clone(),
        Action::SetSwitch { switch, .. } => switch.clone(),
        Action::Add { name, .. } | Action::Remove(name) => name.clone(),
        Action::Wait(_) => Name::default(),
    }
}
