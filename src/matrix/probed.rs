//! One probe of a lab, after the lab's own steps.

use super::{Cell, Exchange, Explained, Loss, Requests};
use crate::explain::Journey;
use crate::lab::spec::{Action, LabSpec, Name, StepSpec, Target};
use crate::lab::{Device, Event, Lab, Options, Outcome};
use crate::station::Unreachable;
use crate::verdict::Rule;

/// Runs the lab's steps and then one more, and explains the outcome of the last one, which is a probe. Options that
/// concern events are ignored.
#[must_use]
pub fn explain_after(spec: &LabSpec, action: Action, options: &Options) -> Explained {
    let options = Options { decisions: true, hops: true, changes: false, ..options.clone() };
    let mut lab = Lab::new(spec, options);
    let (from, target) = match action.probe() {
        Some(probe) => (probe.from.clone(), probe.to.clone()),
        None => (Name::default(), Target::Device(Name::default())),
    };
    let watched = [Some(&from), if let Target::Device(name) = &target { Some(name) } else { None }];
    let mut refusals =
        Refusals { watched: watched.map(|name| name.cloned()), refused: Vec::new(), adds: None };
    lab.flush(&mut |event| refusals.event(event));
    let mut asked = Requests::default();
    for step in &spec.steps {
        lab.step(step, &mut |event| {
            refusals.event(event);
            asked.event(event);
        });
    }
    let (mut events, mut outcome) = (Vec::new(), None);
    lab.step(&StepSpec::new(action), &mut |event| match event {
        Event::Hop(_) | Event::Decision(_) => events.push(event.clone()),
        Event::Result { outcome: came, .. } => outcome = Some(*came),
        _ => {}
    });
    let devices = lab.devices();
    let to = named(&target, &devices);
    let exchange = Exchange { from: &from, to: &to, journeys: Journey::all(&events), devices: &devices };
    let (mut cell, deciding) = exchange.cell(outcome, refusals.refused.first().cloned());
    if let (None, Some(Outcome::Unreachable(Unreachable::Neighbour(ip)))) = (cell.rule, outcome)
        && let Some(Loss { what, also, rule, at }) = asked.unanswered(&from, ip, &devices)
    {
        cell = Cell { rule: Some(rule), also, at: Some(at), lost: Some(what), ..cell };
    }
    let mut journeys = exchange.journeys;
    let journey = deciding.map(|index| journeys.swap_remove(index));
    Explained { cell, journey, devices }
}

/// Runs the lab's steps and then these, and tells whether the last one got a reply.
#[must_use]
pub fn replies(spec: &LabSpec, more: &[Action], options: &Options) -> bool {
    let options = Options { decisions: false, hops: false, changes: false, ..options.clone() };
    let mut lab = Lab::new(spec, options);
    let mut last = None;
    let mut take = |event: &Event| {
        if let Event::Result { outcome, .. } = event {
            last = Some(*outcome);
        }
    };
    for step in &spec.steps {
        lab.step(step, &mut take);
    }
    for action in more {
        lab.step(&StepSpec::new(action.clone()), &mut take);
    }
    last == Some(Outcome::Reply)
}

/// The device that a probe is for: an address that no device has stands for itself.
fn named(target: &Target, devices: &[Device]) -> Name {
    match target {
        Target::Device(name) => name.clone(),
        Target::Address(addr) => {
            let has = |device: &&Device| {
                device.address.iter().chain(&device.loopback).any(|net| net.addr() == *addr)
            };
            devices.iter().find(has).map_or_else(|| addr.to_string().into(), |device| device.name.clone())
        }
    }
}

/// Which of the two devices of a probe were refused when they were made, and by which rule.
struct Refusals {
    watched: [Option<Name>; 2],
    refused: Vec<(Rule, Name)>,
    /// The device that the current step adds.
    adds: Option<Name>,
}

impl Refusals {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Setup { device, refusal, .. } => self.refuse(device, refusal.rule),
            Event::Step { spec, .. } => {
                self.adds =
                    if let Action::Add { name, .. } = &spec.action { Some(name.clone()) } else { None };
            }
            Event::Result { outcome, .. } => match (self.adds.take(), outcome) {
                (Some(name), Outcome::Refused(refusal)) => self.refuse(&name, refusal.rule),
                (Some(name), _) => self.refused.retain(|(_, device)| *device != name),
                _ => {}
            },
            _ => {}
        }
    }

    fn refuse(&mut self, device: &Name, rule: Rule) {
        if self.watched.iter().flatten().any(|name| name == device) {
            self.refused.retain(|(_, known)| known != device);
            self.refused.push((rule, device.clone()));
        }
    }
}
