//! Collects a bundle from the hop log, one event after another.

use super::bundle::{
    Bundle, Catalogued, DecisionRow, Drawing, FdbRow, Kind, MAX_DRAWINGS, MAX_HOPS, Moment, NeighbourRow,
    Step, StepReason, VERSION,
};
use super::index::Index;
use super::way::Ways;
use crate::frame::{Frame, PacketType, VlanId, summary};
use crate::lab::spec::{Name, StepSpec};
use crate::lab::{Decision, Event, FdbChange, Found, Hop, HopKind, NeighbourEvent, Outcome, Receivers};
use crate::nic::host_stack_type;
use crate::report::draw::{Layout, Refused, Scene, embedded_svg};
use crate::report::explain::{found, hop_in_words, way_name};
use crate::report::hosts::known_since;
use crate::report::json::{self, Object};
use crate::report::reasons::StepLog;
use crate::report::tables;
use crate::report::words::{expectation, fdb_kind, outcome_in_words, step_in_words};
use crate::time::Instant;
use crate::verdict::{Rule, RuleKind};
use std::mem::take;
use std::time::Duration;

/// Collects a bundle, one event after another.
#[derive(Debug)]
pub struct Recorder {
    max_hops: usize,
    names: Index<Name>,
    texts: Index<String>,
    rules: Index<Rule>,
    frames: Index<Frame>,
    decisions: Index<DecisionRow>,
    drawings: Vec<Drawing>,
    /// What each drawing shows, taken or not.
    drawn: Vec<Scene>,
    scenes: Vec<(usize, usize)>,
    scenes_left_out: usize,
    moments: Vec<Moment>,
    /// Moments that were taken.
    gone: usize,
    steps: Vec<Step>,
    fdb: Vec<FdbRow>,
    neighbours: Vec<NeighbourRow>,
    counters: Vec<Object>,
    states: Vec<Object>,
    hops: usize,
    left_out: usize,
    scene: Scene,
    ways: Ways,
    step_log: StepLog,
    /// Since when the neighbour that is asked is known.
    known: String,
    time: Instant,
}

impl Default for Recorder {
    fn default() -> Recorder {
        Recorder::up_to(MAX_HOPS)
    }
}

impl Recorder {
    /// A recorder that stores this number of hops; of later ones, steps, counters and totals remain.
    #[must_use]
    pub fn up_to(max_hops: usize) -> Recorder {
        Recorder {
            max_hops,
            names: Index::default(),
            texts: Index::default(),
            rules: Index::default(),
            frames: Index::default(),
            decisions: Index::default(),
            drawings: Vec::new(),
            drawn: Vec::new(),
            scenes: Vec::new(),
            scenes_left_out: 0,
            moments: Vec::new(),
            gone: 0,
            steps: Vec::new(),
            fdb: Vec::new(),
            neighbours: Vec::new(),
            counters: Vec::new(),
            states: Vec::new(),
            hops: 0,
            left_out: 0,
            scene: Scene::default(),
            ways: Ways::default(),
            step_log: StepLog::default(),
            known: String::new(),
            time: Instant::default(),
        }
    }

    /// Records the next event.
    pub fn event(&mut self, event: &Event) {
        if self.scene.event(event) {
            self.stands(matches!(event, Event::Setup { .. }));
        }
        self.step_log.event(event);
        match event {
            Event::Lab { .. } | Event::Devices { .. } | Event::Setup { .. } => {}
            Event::Step { step, spec } => self.step(*step, spec),
            Event::Hop(hop) => self.hop(hop),
            Event::Decision(decision) => self.decision(decision),
            Event::Fdb(change) => self.fdb(change),
            Event::Neighbour(change) => self.neighbour(change),
            Event::Neighbours { .. } => {}
            Event::Known { neighbour, since_step, .. } => self.known = known_since(neighbour, *since_step),
            Event::Result { step, outcome, rtt, receivers, held, found } => {
                self.result(*step, *outcome, *rtt, receivers, (*held, found.as_ref()));
            }
            Event::Counters { device, counters } => self.counters.push(json::counted(device, counters)),
            Event::State { device, state } => self.states.push(json::standing(device, state)),
        }
    }

    /// The bundle.
    #[must_use]
    pub fn finish(mut self) -> Bundle {
        self.take(&[])
    }

    /// The bundle of what was recorded since this was last called: a [part](Bundle::is_part), except at first. Parts end
    /// where steps end. `standing` are counters and states as they are now: they are not recorded.
    pub fn take(&mut self, standing: &[Event]) -> Bundle {
        let (counters, states) = (self.counters.len(), self.states.len());
        standing.iter().for_each(|event| self.event(event));
        let bundle = self.taken();
        self.counters.truncate(counters);
        self.states.truncate(states);
        bundle
    }

    fn taken(&mut self) -> Bundle {
        if self.moment_count() == 0 {
            self.stands(false);
        }
        let catalogued = |r: Rule| Catalogued {
            id: r.id(),
            title: r.title().into(),
            why: r.why().into(),
            kernel: r.kernel(),
            withholds: r.kind() == RuleKind::Withholding,
        };
        let moments = take(&mut self.moments);
        let first = self.gone;
        self.gone += moments.len();
        Bundle {
            version: VERSION,
            first,
            title: self.scene.title.clone(),
            names: self.names.take(|name| name),
            texts: self.texts.take(|text| text),
            rules: self.rules.take(catalogued),
            frames: self.frames.take(|frame| (frame.to_hex(), summary(&frame))),
            drawings: take(&mut self.drawings),
            scenes: take(&mut self.scenes),
            scenes_left_out: self.scenes_left_out,
            moments,
            decisions: self.decisions.take(|told| told),
            steps: take(&mut self.steps),
            fdb: take(&mut self.fdb),
            neighbours: take(&mut self.neighbours),
            counters: self.counters.clone(),
            states: self.states.clone(),
            hops: self.hops,
            left_out: self.left_out,
        }
    }

    /// The number of moments, taken or not.
    fn moment_count(&self) -> usize {
        self.gone + self.moments.len()
    }

    /// The lab's state has changed; refused devices are part of its initial state.
    fn stands(&mut self, refused: bool) {
        if self.moment_count() == 0 {
            self.moment(Kind::Lab, 0);
        }
        self.ways.devices(&self.scene.devices);
        let from = if refused || self.drawn.is_empty() { 0 } else { self.moment_count() };
        let Some(drawing) = self.drawing() else { return self.scenes_left_out += 1 };
        match self.scenes.last_mut().filter(|(last, _)| *last == from) {
            Some(last) => last.1 = drawing,
            None => self.scenes.push((from, drawing)),
        }
    }

    /// The drawing of the lab's state; `None`: the limit is reached.
    fn drawing(&mut self) -> Option<usize> {
        if let Some(known) = self.drawn.iter().rposition(|scene| *scene == self.scene) {
            return Some(known);
        }
        if self.drawn.len() == MAX_DRAWINGS {
            return None;
        }
        let layout = Layout::of(&self.scene);
        let cables = layout.cables().map(|(a, b, points)| (a.clone(), b.clone(), points.to_vec()));
        self.drawings.push(Drawing {
            svg: embedded_svg(&self.scene, &layout),
            places: layout.places().clone(),
            cables: cables.collect(),
            devices: self.scene.devices.iter().map(json::device).collect(),
            refused: self.scene.refused.iter().map(Refused::in_words).collect(),
        });
        self.drawn.push(self.scene.clone());
        Some(self.drawn.len() - 1)
    }

    /// A moment that is not a hop.
    fn moment(&mut self, kind: Kind, step: usize) -> usize {
        self.moments.push(Moment { kind, step, time: self.time, ..Moment::default() });
        self.moment_count() - 1
    }

    fn step(&mut self, step: usize, spec: &StepSpec) {
        let first = self.moment(Kind::Step, step);
        self.steps.push(Step {
            step,
            title: step_in_words(spec),
            expect: spec.expect.as_ref().map(expectation),
            outcome: None,
            held: None,
            first,
            last: first,
            hops: 0,
            left_out: 0,
            because: Vec::new(),
            unanswered: false,
            help: None,
        });
    }

    fn hop(&mut self, hop: &Hop) {
        self.time = hop.time;
        self.hops += 1;
        let full = self.hops > self.max_hops;
        self.left_out += usize::from(full);
        if let Some(step) = self.steps.last_mut().filter(|step| step.step == hop.step) {
            step.hops += 1;
            step.left_out += usize::from(full);
        }
        if full {
            return;
        }
        let (kind, packet_type, rule) = match hop.kind {
            HopKind::Arrive(packet_type) => (Kind::Arrive, Some(packet_type), None),
            HopKind::Receive(by_address, rule) => {
                let packet_type = host_stack_type(hop.frame.as_ref(), by_address).unwrap_or(by_address);
                (Kind::Receive, Some(packet_type), Some(rule))
            }
            HopKind::Transmit(rule) => (Kind::Transmit, None, Some(rule)),
            HopKind::Drop(rule) => (Kind::Drop, None, Some(rule)),
        };
        let device = self.scene.devices.iter().find(|d| d.name == hop.device);
        let (text, _) = hop_in_words(hop, device);
        let moment = Moment {
            kind,
            step: hop.step,
            time: hop.time,
            name: Some(self.names.of(hop.device.clone())),
            rule: rule.map(|rule| self.rules.of(rule)),
            packet_type: packet_type.map(packet_type_number),
            frame: Some(self.frames.of(hop.frame.clone())),
            frame_id: hop.frame_id,
            from: self.ways.before(self.moment_count(), hop),
            decision: None,
            text: Some(self.texts.of(text)),
        };
        self.moments.push(moment);
    }

    /// Comes after the hop that brought the frame to the point of decision.
    fn decision(&mut self, decision: &Decision) {
        if self.left_out > 0 {
            return;
        }
        let told = DecisionRow {
            found: decision.findings.iter().map(|finding| self.texts.of(found(finding))).collect(),
            ways: decision
                .candidates
                .iter()
                .map(|way| {
                    let (Ok(rule) | Err(rule)) = way.rule;
                    let text = self.texts.of(way_name(way));
                    let name = self.names.of(way.to.clone());
                    (name, json::way_kind(way.kind), self.rules.of(rule), way.rule.is_ok(), text)
                })
                .collect(),
        };
        let told = self.decisions.of(told);
        let rule = self.rules.of(decision.rule);
        if let Some(moment) = self.moments.last_mut().filter(|m| m.frame_id == decision.frame_id) {
            moment.decision = Some(told);
            moment.rule.get_or_insert(rule);
        }
    }

    /// Keeps the data from which the reasons for the step's outcome are found.
    fn fdb(&mut self, change: &FdbChange) {
        if self.left_out > 0 {
            return;
        }
        let (port, kind) = change.entry.clone().unzip();
        let port = port.and_then(|port| i64::try_from(self.names.of(port)).ok()).unwrap_or(-1);
        let seen = self.moment_count().saturating_sub(1);
        let switch = self.names.of(change.switch.clone());
        let (vlan, mac) = (change.vlan.map(VlanId::get), change.mac.to_string());
        self.fdb.push((seen, change.time.as_nanos(), switch, vlan, mac, port, kind.map_or("", fdb_kind)));
    }

    fn neighbour(&mut self, change: &NeighbourEvent) {
        if self.left_out > 0 {
            return;
        }
        let seen = self.moment_count().saturating_sub(1);
        let device = self.names.of(change.device.clone());
        let mac = change.entry.and_then(|entry| entry.mac).map(|mac| mac.to_string());
        let state = change.entry.map_or("", |entry| entry.state.name());
        self.neighbours.push((seen, change.time.as_nanos(), device, change.ip.to_string(), mac, state));
    }

    fn result(
        &mut self,
        step: usize,
        outcome: Outcome,
        rtt: Option<Duration>,
        receivers: &Receivers,
        (held, found): (Option<bool>, Option<&Found>),
    ) {
        let known = take(&mut self.known);
        let last = self.moment(Kind::Result, step);
        self.ways.settled();
        let Some((spec, reasons)) = self.step_log.end(outcome) else { return };
        let because = reasons.into_iter().map(|r| StepReason { rule: self.rules.of(r.rule), text: r.text });
        let because = because.collect();
        if let Some(told) = self.steps.last_mut().filter(|told| told.step == step) {
            told.outcome = Some(
                outcome_in_words(&spec.action, outcome, rtt, receivers) + &known + &tables::found(found),
            );
            (told.held, told.last, told.because) = (held, last, because);
            told.unanswered = matches!(outcome, Outcome::Unreachable(_) | Outcome::NoReply);
        }
    }
}

fn packet_type_number(packet_type: PacketType) -> usize {
    match packet_type {
        PacketType::Host => 0,
        PacketType::Broadcast => 1,
        PacketType::Multicast => 2,
        PacketType::OtherHost => 3,
    }
}
