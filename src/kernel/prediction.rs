//! macvlab's result, in the form used for comparison.

use super::compare::Difference;
use super::observed::{Observed, Seen, SetupError, StepObserved, StepOutcome};
use crate::lab::spec::{Action, Change, LabSpec, Name, StepSpec};
use crate::lab::{DeviceType, Event, HopKind, Lab, Options, Outcome};
use crate::nic::host_stack_type;
use crate::report::{Detail, JsonLines, TextReport};
use crate::verdict::Rule;
use std::collections::BTreeSet;

/// macvlab's result for a lab.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// In the form used for comparison.
    pub observed: Observed,
    events: Vec<Event>,
    /// The difference if devices receive frames from their cables in batches.
    pub(super) batch: Option<Difference>,
}

impl Prediction {
    /// Runs a lab in macvlab, without IP stacks and without the steps that need them.
    #[must_use]
    pub fn run(lab: &LabSpec) -> Prediction {
        let quiet = LabSpec { steps: lab.steps.iter().map(silenced).collect(), ..lab.clone() };
        let run = |batches| {
            let mut events = Vec::new();
            let options = Options { stacks: false, batches, ..Options::default() };
            Lab::new(&quiet, options).run(&mut |e: &Event| events.push(e.clone()));
            events
        };
        let events = run(false);
        let batch = first_difference(&events, &run(true));
        Prediction { observed: convert(lab, &events), events, batch }
    }

    /// The number of frames in each step.
    #[must_use]
    pub fn hints(&self) -> Vec<usize> {
        self.observed.steps.iter().map(|s| s.deliveries.len() + s.arrives.len()).collect()
    }

    /// The rules that decided something: a hop, or a refusal of a step or a device.
    #[must_use]
    pub fn rules(&self) -> BTreeSet<Rule> {
        let of_event = |event: &Event| match event {
            Event::Hop(hop) => match hop.kind {
                HopKind::Arrive(_) => None,
                HopKind::Receive(_, rule) | HopKind::Transmit(rule) | HopKind::Drop(rule) => Some(rule),
            },
            Event::Setup { refusal, .. } => Some(refusal.rule),
            Event::Result { outcome: Outcome::Refused(refusal), .. } => Some(refusal.rule),
            _ => None,
        };
        self.events.iter().filter_map(of_event).collect()
    }

    /// A step (from 0) as `macvlab run` shows it: every hop and every rule.
    #[must_use]
    pub fn explain(&self, step: usize) -> String {
        let mut report = TextReport::new(Vec::new(), Detail::Hops, false);
        let of_step = |e: &&Event| match e {
            Event::Step { step: s, .. } | Event::Result { step: s, .. } => *s == step + 1,
            Event::Hop(hop) => hop.step == step + 1,
            _ => false,
        };
        for event in self.events.iter().filter(of_step) {
            // Writing into memory does not fail.
            let _ = report.event(event);
        }
        report.finish().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }
}

/// The first event that differs in a run in which devices receive frames in batches.
pub(super) fn first_difference(one_by_one: &[Event], batched: &[Event]) -> Option<Difference> {
    let told = |event: Option<&Event>| {
        let mut line = JsonLines::new(Vec::new());
        // Writing into memory does not fail.
        let _ = event.map(|event| line.event(event));
        line.finish().map(|bytes| String::from_utf8_lossy(&bytes).trim_end().to_owned()).unwrap_or_default()
    };
    (0..one_by_one.len().max(batched.len())).find_map(|n| {
        let (one_by_one, batched) = (told(one_by_one.get(n)), told(batched.get(n)));
        (one_by_one != batched).then_some(Difference::Batch { one_by_one, batched })
    })
}

/// Why a step is skipped on both sides; `None`: it is run.
pub(super) fn skipped(action: &Action) -> Option<&'static str> {
    match action {
        Action::Ping(_) | Action::Arping(_) | Action::Udp(_) | Action::Tcp(_) => {
            Some("steps with TCP/IP stacks are not run here")
        }
        Action::Replay { .. } => Some("replays are not run here"),
        Action::SetHost { .. }
        | Action::Set {
            change: Change::Sysctl(..) | Change::Addresses(_) | Change::Neighbours(_) | Change::Host(_),
            ..
        } => Some("changes of IP stacks are not made here"),
        _ => None,
    }
}

/// The step, or an empty one in its place.
fn silenced(step: &StepSpec) -> StepSpec {
    match skipped(&step.action) {
        Some(_) => StepSpec { action: Action::Wait(std::time::Duration::ZERO), ..step.clone() },
        None => step.clone(),
    }
}

fn convert(lab: &LabSpec, events: &[Event]) -> Observed {
    let first = |s: &StepSpec| skipped(&s.action).map_or(StepOutcome::Ok, StepOutcome::Skipped);
    let mut observed = Observed {
        steps: lab.steps.iter().map(|s| StepObserved::new(first(s))).collect(),
        ..Observed::default()
    };
    let mut taps = BTreeSet::new();
    // A port that is a port of a bridge at some time is listened to like a NIC: its tap sees all that it gets.
    let bridged: BTreeSet<&Name> = lab.enslaved().map(|(device, _)| device).collect();
    taps.extend(bridged.iter().map(|name| (*name).clone()));
    let mut nics = BTreeSet::new();
    for event in events {
        match event {
            Event::Lab { devices, .. } => {
                let listed =
                    devices.iter().filter(|d| matches!(d.kind, DeviceType::Nic | DeviceType::Switch));
                nics.extend(listed.map(|d| d.name.clone()));
                taps.extend(nics.iter().cloned());
            }
            Event::Setup { device, stage, refusal, .. } => {
                let error = refusal.errno.into();
                observed.setup.push(SetupError { device: device.clone(), stage: *stage, error });
            }
            Event::Hop(hop) => {
                let Some(step) = hop.step.checked_sub(1).and_then(|i| observed.steps.get_mut(i)) else {
                    continue;
                };
                let seen =
                    |packet_type| Seen { device: hop.device.clone(), packet_type, frame: hop.frame.clone() };
                match hop.kind {
                    HopKind::Receive(packet_type, rule) => {
                        let is_port = bridged.contains(&hop.device) && !nics.contains(&hop.device);
                        if !is_port {
                            step.deliveries.push(seen(packet_type));
                            continue;
                        }
                        if rule != Rule::ReservedToPort {
                            step.arrives.push(seen(packet_type));
                        }
                        let by_stack = host_stack_type(&hop.frame, packet_type);
                        step.deliveries.extend(by_stack.map(seen));
                    }
                    HopKind::Arrive(packet_type) if taps.contains(&hop.device) => {
                        step.arrives.push(seen(packet_type))
                    }
                    _ => {}
                }
            }
            Event::Result { step, outcome: Outcome::Refused(refusal), .. } => {
                if let Some(step) = observed.steps.get_mut(step.wrapping_sub(1)) {
                    step.outcome = StepOutcome::Error(refusal.errno.into());
                }
            }
            Event::Counters { device, counters } => {
                observed.counters.entry(device.clone()).or_default().push(*counters);
            }
            Event::State { device, state } => {
                observed.states.insert(device.clone(), *state);
            }
            Event::Step { .. }
            | Event::Result { .. }
            | Event::Decision(_)
            | Event::Devices { .. }
            | Event::Fdb(_)
            | Event::Neighbour(_)
            | Event::Known { .. }
            | Event::Neighbours { .. } => {}
        }
    }
    observed
}
