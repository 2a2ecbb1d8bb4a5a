//! A finished run of a built-in lab: what happened, and whether it shows what the lab claims.

use super::demos::{Decision, Demo};
use super::{Failure, views};
use macvlab::frame::{Frame, PacketType, summary};
use macvlab::lab::spec::{DeviceKind, Name};
use macvlab::lab::{Event, Hop, HopKind, Lab, LabSpec, Options, Outcome, Summary};
use macvlab::report::html::{Bundle, bundle};
use macvlab::verdict::Rule;
use std::collections::BTreeMap;

/// A run, kept in full: the built-in labs are small.
pub(super) struct Experiment {
    pub(super) demo: &'static Demo,
    pub(super) events: Vec<Event>,
    spec: LabSpec,
    lab: Lab,
    summary: Summary,
}

/// One sent frame and its receivers; or several equal ones.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Passage {
    /// Who sent it.
    pub(super) from: Name,
    /// Devices that received it as addressed to them.
    pub(super) to: Vec<Name>,
    /// A summary of the frame.
    pub(super) frame: String,
    /// How many equal frames there were.
    pub(super) times: usize,
}

impl Experiment {
    /// Runs it.
    pub(super) fn run(demo: &'static Demo, colour: bool) -> Result<Experiment, Failure> {
        let spec = macvlab::labfile::parse(demo.name, demo.text)
            .map_err(|errors| Failure::Shown(errors.render(colour)))?;
        let options = Options::default().with_decisions(true).with_changes(true);
        let mut lab = Lab::new(&spec, options);
        let mut events = Vec::new();
        let summary = lab.run(&mut |event| events.push(event.clone()));
        Ok(Experiment { demo, events, spec, lab, summary })
    }

    /// The run as a page, with what would help where a step got no reply.
    pub(super) fn page(&self) -> Bundle {
        let mut bundle = bundle(&self.events);
        views::look_for_remedies(&mut bundle, &self.spec, &Options::default());
        bundle
    }

    /// Whether every step came out as expected, and the run shows every decision.
    pub(super) fn holds(&self) -> bool {
        self.summary.ok() && self.demo.decisions.iter().all(|d| self.shows(d))
    }

    /// The decisions of a step that the run shows.
    pub(super) fn decisions(&self, step: usize) -> impl Iterator<Item = &'static Decision> {
        self.demo.decisions.iter().filter(move |d| d.step == step && self.shows(d))
    }

    /// The most important decision, if the run shows it, and the outcome of its step.
    pub(super) fn main_decision(&self) -> Option<(&'static Decision, Outcome)> {
        let decision = self.demo.decisions.first().filter(|d| self.shows(d))?;
        let outcome = self.events.iter().find_map(|event| match event {
            Event::Result { step, outcome, .. } if *step == decision.step => Some(*outcome),
            _ => None,
        })?;
        Some((decision, outcome))
    }

    /// Whether the run shows this decision: a hop made by the rule, a refusal by it, or a frame that arrived at a
    /// switch port and, according to the switch itself, is not reflected for this reason.
    pub(super) fn shows(&self, decision: &Decision) -> bool {
        let Decision { step, at, rule } = decision;
        self.events.iter().any(|event| match event {
            Event::Hop(hop) if (hop.step, hop.device.as_str()) == (*step, *at) => match hop.kind {
                HopKind::Receive(_, by) | HopKind::Transmit(by) | HopKind::Drop(by) => by == *rule,
                HopKind::Arrive(_) => self.stays(at, &hop.frame) == Some(*rule),
            },
            Event::Result { step: s, outcome: Outcome::Refused(by), .. } => (s, by.rule) == (step, *rule),
            _ => false,
        })
    }

    /// Why a frame that arrives at this switch port is not reflected.
    fn stays(&self, port: &str, frame: &Frame) -> Option<Rule> {
        self.lab.would_leave(port, port, frame)?.err()
    }

    /// The mode of the lab's ports, as lab files name it.
    pub(super) fn mode(&self) -> &'static str {
        let mode = self.spec.devices.iter().find_map(|d| match &d.kind {
            DeviceKind::Macvlan(port) => Some(port.mode.name()),
            _ => None,
        });
        mode.unwrap_or("-")
    }

    /// Whether a port of the switch reflects frames.
    pub(super) fn hairpin(&self) -> bool {
        self.spec.switches.iter().flat_map(|s| &s.ports).any(|p| p.flags.hairpin)
    }
}

/// The frames sent in a step, in order, equal ones once.
pub(super) fn passages(events: &[Event], step: usize) -> Vec<Passage> {
    let hops = events.iter().filter_map(|event| match event {
        Event::Hop(hop) if hop.step == step => Some(hop),
        _ => None,
    });
    let mut frames: BTreeMap<u64, Vec<&Hop>> = BTreeMap::new();
    for hop in hops {
        frames.entry(hop.frame_id).or_default().push(hop);
    }
    let mut passages: Vec<Passage> = Vec::new();
    for passage in frames.values().filter_map(|hops| passage(hops)) {
        let same =
            |p: &&mut Passage| (&p.from, &p.to, &p.frame) == (&passage.from, &passage.to, &passage.frame);
        match passages.iter_mut().find(same) {
            Some(known) => known.times += 1,
            None => passages.push(passage),
        }
    }
    passages
}

/// The path of one frame.
fn passage(hops: &[&Hop]) -> Option<Passage> {
    let first = hops.first()?;
    let received = hops.iter().filter(
        |hop| matches!(hop.kind, HopKind::Receive(packet_type, _) if packet_type != PacketType::OtherHost),
    );
    let to = received.map(|hop| hop.device.clone()).collect();
    Some(Passage { from: first.device.clone(), to, frame: summary(&first.frame).to_string(), times: 1 })
}

/// The outcome of a step, in a few words.
pub(super) fn outcome_in_a_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Reply => "reply",
        Outcome::Unreachable(_) => "unreachable",
        Outcome::NoReply => "no reply",
        Outcome::Ok => "ok",
        Outcome::Refused(refusal) => refusal.errno.name(),
        Outcome::TooLate => "too late",
        Outcome::TooMany => "too many frames",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    use super::super::demos;
    use super::*;

    fn experiment(name: &str) -> Experiment {
        Experiment::run(demos::find(name).unwrap(), false).unwrap_or_else(|e| panic!("{e:?}"))
    }

    #[test]
    fn every_demo_holds_and_shows_its_decisions() {
        for demo in demos::ALL {
            let experiment = experiment(demo.name);
            assert!(experiment.summary.ok(), "{}: {:?}", demo.name, experiment.summary);
            assert!(experiment.main_decision().is_some(), "{}", demo.name);
            for decision in demo.decisions {
                let Decision { step, at, rule } = decision;
                assert!(experiment.shows(decision), "{}: step {step}, {rule} at {at}", demo.name);
            }
            assert!(experiment.holds(), "{}", demo.name);
        }
    }

    #[test]
    fn what_did_not_happen_is_not_shown() {
        let vepa = experiment("vepa");
        let decision = |step, at, rule| Decision { step, at, rule };
        assert!(!vepa.shows(&decision(2, "sw0.eth0", Rule::Hairpin)));
        assert!(!vepa.shows(&decision(1, "sw0.win", Rule::NoHairpin)), "nothing comes in there in step 1");
        assert!(!vepa.shows(&decision(1, "c2", Rule::FloodFromVepa)));
        assert!(!experiment("vepa-hairpin").shows(&decision(1, "sw0.eth0", Rule::NoHairpin)));
    }

    #[test]
    fn a_demo_that_claims_what_did_not_happen_does_not_hold() {
        static FALSE: Demo = Demo {
            name: "false",
            question: "",
            tried: "",
            why: "",
            lesson: "",
            decisions: &[Decision { step: 1, at: "c2", rule: Rule::FloodFromVepa }],
            text: include_str!("../../fixtures/labs/arp-vepa.toml"),
        };
        let experiment = Experiment::run(&FALSE, false).unwrap_or_else(|e| panic!("{e:?}"));
        assert!(experiment.summary.ok(), "its steps hold");
        assert!(!experiment.holds() && experiment.main_decision().is_none());
        assert_eq!(experiment.decisions(1).count(), 0);
    }

    #[test]
    fn equal_frames_are_listed_once() {
        let sent = passages(&experiment("private").events, 1);
        let request = Passage {
            from: "c1".into(),
            to: vec!["c1".into(), "win".into()],
            frame: "ARP who-has 192.168.128.233 tell 192.168.128.222".into(),
            times: 3,
        };
        assert_eq!(sent, [request]);
    }

    #[test]
    fn names_and_files_are_unique() {
        for demo in demos::ALL {
            let same = |d: &&Demo| d.name == demo.name || d.text == demo.text;
            assert_eq!(demos::ALL.iter().filter(same).count(), 1, "{}", demo.name);
        }
    }
}
