//! The hop log as compact data: everything that stands there more than once stands here once, and is named by its index.

use super::because::because;
use super::way::Ways;
use crate::frame::{Frame, PacketType, summary};
use crate::lab::spec::{Name, StepSpec};
use crate::lab::{Decision, Event, FdbChange, Hop, HopKind, Outcome};
use crate::report::draw::{Layout, Place, Scene, embedded_svg};
use crate::report::explain::{found, hop_in_words, way_name};
use crate::report::json::{self, Object};
use crate::report::words::{expectation, fdb_kind, outcome_in_words, step_in_words};
use crate::time::Instant;
use crate::verdict::Rule;
use serde::ser::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::time::Duration;

/// Hops that a bundle holds one by one; of those that come later, steps, counters and numbers remain.
pub const MAX_HOPS: usize = 50_000;

/// Hops and decisions of one step that are looked at for the reasons of its outcome.
const MAX_STEP_EVENTS: usize = 20_000;

/// The version of the bundle's shape.
const VERSION: u32 = 1;

/// A run, for [`SCRIPT`](super::SCRIPT). Serialized:
///
/// | key | what it is |
/// | --- | --- |
/// | `version`, `title` | of this shape, 1; of the lab |
/// | `names`, `texts` | names of devices; sentences |
/// | `rules` | `{ id, title, why, kernel }`: each rule that is named anywhere |
/// | `frames` | `[hex, summary]`: each frame once |
/// | `scenes` | `{ from, svg, places, cables, devices, refused }`: how the lab stands from this moment on |
/// | `moments` | `[kind, step, time_ns, name, rule, packet_type, frame, frame_id, from, decision, text]`; all but the first three and `frame_id` are indices, or -1. Kinds: 0 the lab begins, 1 a step begins, 2 it is over, 3 arrive, 4 receive, 5 transmit, 6 drop. `packet_type`: 0 host, 1 broadcast, 2 multicast, 3 otherhost. `from`: the moment at which this copy was before |
/// | `decisions` | `{ found: [text], ways: [[name, kind, rule, goes, text]] }`, kinds as in the events |
/// | `steps` | `{ step, title, expect, outcome, held, first, last, hops, left_out, because: [{ rule, text }] }`; `first` and `last` are moments |
/// | `fdb` | `[moment, time_ns, switch, vlan, mac, port, kind]`: an entry that is new, different, or (port -1) gone from this moment on |
/// | `counters`, `states` | as the events of these names |
/// | `hops`, `left_out` | hops in all; of them, those beyond [`MAX_HOPS`] |
#[derive(Clone, Debug, serde::Serialize)]
pub struct Bundle {
    version: u32,
    title: String,
    names: Vec<Name>,
    texts: Vec<String>,
    rules: Vec<Catalogued>,
    frames: Vec<(String, String)>,
    scenes: Vec<Shown>,
    moments: Vec<Moment>,
    decisions: Vec<Told>,
    steps: Vec<Step>,
    fdb: Vec<FdbRow>,
    counters: Vec<Object>,
    states: Vec<Object>,
    hops: usize,
    left_out: usize,
}

impl Bundle {
    /// As JSON. It has no `<`, so that it can stand inside a page's script element.
    ///
    /// # Errors
    /// None that is known: every part of it can be written as JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self).map(|json| json.replace('<', "\\u003c"))
    }

    /// The lab's title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// How many moments there are; the last one is that of the last step's result.
    #[must_use]
    pub fn len(&self) -> usize {
        self.moments.len()
    }

    /// Whether no lab has begun.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.moments.is_empty()
    }
}

/// A rule, as the catalogue has it.
#[derive(Clone, Debug, serde::Serialize)]
struct Catalogued {
    id: &'static str,
    title: &'static str,
    why: &'static str,
    kernel: &'static str,
}

/// How the lab stands.
#[derive(Clone, Debug, serde::Serialize)]
struct Shown {
    from: usize,
    svg: String,
    places: BTreeMap<Name, Place>,
    cables: Vec<CableRow>,
    devices: Vec<Object>,
    refused: Vec<String>,
}

/// What a moment is.
#[derive(Clone, Copy, Debug, Default)]
enum Kind {
    #[default]
    Lab = 0,
    Step = 1,
    Result = 2,
    Arrive = 3,
    Receive = 4,
    Transmit = 5,
    Drop = 6,
}

/// A moment, written as a list.
#[derive(Clone, Copy, Debug, Default)]
struct Moment {
    kind: Kind,
    step: usize,
    time: Instant,
    name: Option<usize>,
    rule: Option<usize>,
    packet_type: Option<usize>,
    frame: Option<usize>,
    frame_id: u64,
    from: Option<usize>,
    decision: Option<usize>,
    text: Option<usize>,
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let index = |index: Option<usize>| index.and_then(|i| i64::try_from(i).ok()).unwrap_or(-1);
        (
            self.kind as u8,
            self.step,
            self.time.as_nanos(),
            index(self.name),
            index(self.rule),
            index(self.packet_type),
            index(self.frame),
            self.frame_id,
            index(self.from),
            index(self.decision),
            index(self.text),
        )
            .serialize(serializer)
    }
}

/// A decision: what was found, and the ways with name, kind, rule, whether the frame goes there, and words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
struct Told {
    found: Vec<usize>,
    ways: Vec<(usize, &'static str, usize, bool, usize)>,
}

/// A step and what came of it.
#[derive(Clone, Debug, serde::Serialize)]
struct Step {
    step: usize,
    title: String,
    expect: Option<String>,
    outcome: Option<String>,
    held: Option<bool>,
    first: usize,
    last: usize,
    hops: usize,
    left_out: usize,
    because: Vec<Because>,
}

#[derive(Clone, Debug, serde::Serialize)]
struct Because {
    rule: usize,
    text: String,
}

/// The devices at both ends, and the points on the way.
type CableRow = (Name, Name, Vec<(i32, i32)>);

/// Moment, time, switch, VLAN, address, port, sort of entry.
type FdbRow = (usize, u64, usize, Option<u16>, String, i64, &'static str);

/// Things in the order in which they were first named.
#[derive(Debug)]
struct Index<T>(BTreeMap<T, usize>);

impl<T> Default for Index<T> {
    fn default() -> Index<T> {
        Index(BTreeMap::new())
    }
}

impl<T: Ord> Index<T> {
    fn of(&mut self, thing: T) -> usize {
        let next = self.0.len();
        *self.0.entry(thing).or_insert(next)
    }

    fn into_list<U>(self, written: impl Fn(T) -> U) -> Vec<U> {
        let mut list: Vec<(usize, T)> = self.0.into_iter().map(|(thing, index)| (index, thing)).collect();
        list.sort_unstable_by_key(|(index, _)| *index);
        list.into_iter().map(|(_, thing)| written(thing)).collect()
    }
}

/// Collects a bundle, one event after another.
#[derive(Debug, Default)]
pub struct Recorder {
    names: Index<Name>,
    texts: Index<String>,
    rules: Index<Rule>,
    frames: Index<Frame>,
    decisions: Index<Told>,
    scenes: Vec<Shown>,
    moments: Vec<Moment>,
    steps: Vec<Step>,
    fdb: Vec<FdbRow>,
    counters: Vec<Object>,
    states: Vec<Object>,
    hops: usize,
    left_out: usize,
    scene: Scene,
    ways: Ways,
    /// The step that runs, and its hops and decisions.
    running: Option<(StepSpec, Vec<Event>)>,
    time: Instant,
}

impl Recorder {
    /// Takes the next event.
    pub fn event(&mut self, event: &Event) {
        if self.scene.event(event) {
            self.stands(event);
        }
        match event {
            Event::Lab { .. } | Event::Devices { .. } | Event::Setup { .. } => {}
            Event::Step { step, spec } => self.step(*step, spec),
            Event::Hop(hop) => self.hop(hop, event),
            Event::Decision(decision) => self.decision(decision, event),
            Event::Fdb(change) => self.fdb(change),
            Event::Result { step, outcome, rtt, delivered, held } => {
                self.result(*step, *outcome, *rtt, delivered, *held);
            }
            Event::Counters { device, counters } => self.counters.push(json::counted(device, counters)),
            Event::State { device, state } => self.states.push(json::standing(device, state)),
        }
    }

    /// The bundle.
    #[must_use]
    pub fn finish(self) -> Bundle {
        let catalogued =
            |r: Rule| Catalogued { id: r.id(), title: r.title(), why: r.why(), kernel: r.kernel() };
        Bundle {
            version: VERSION,
            title: self.scene.title,
            names: self.names.into_list(|name| name),
            texts: self.texts.into_list(|text| text),
            rules: self.rules.into_list(catalogued),
            frames: self.frames.into_list(|frame| (frame.to_hex(), summary(&frame))),
            scenes: self.scenes,
            moments: self.moments,
            decisions: self.decisions.into_list(|told| told),
            steps: self.steps,
            fdb: self.fdb,
            counters: self.counters,
            states: self.states,
            hops: self.hops,
            left_out: self.left_out,
        }
    }

    /// The lab stands differently from now on.
    fn stands(&mut self, event: &Event) {
        if let Event::Lab { .. } = event {
            self.moment(Kind::Lab, 0);
        }
        self.ways.devices(&self.scene.devices);
        let from = if self.scenes.is_empty() { 0 } else { self.moments.len() };
        // What was refused belongs to how the lab begins.
        let from = if matches!(event, Event::Setup { .. }) { 0 } else { from };
        let layout = Layout::of(&self.scene);
        let shown = Shown {
            from,
            svg: embedded_svg(&self.scene, &layout),
            places: layout.places().clone(),
            cables: layout.cables().map(|(a, b, points)| (a.clone(), b.clone(), points.to_vec())).collect(),
            devices: self.scene.devices.iter().map(json::device).collect(),
            refused: self.scene.refused.iter().map(crate::report::draw::Refused::in_words).collect(),
        };
        match self.scenes.last_mut().filter(|last| last.from == from) {
            Some(last) => *last = shown,
            None => self.scenes.push(shown),
        }
    }

    /// A moment that is no hop.
    fn moment(&mut self, kind: Kind, step: usize) -> usize {
        self.moments.push(Moment { kind, step, time: self.time, ..Moment::default() });
        self.moments.len() - 1
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
        });
        self.running = Some((spec.clone(), Vec::new()));
    }

    fn hop(&mut self, hop: &Hop, event: &Event) {
        self.time = hop.time;
        self.remember(event);
        self.hops += 1;
        let full = self.hops > MAX_HOPS;
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
            HopKind::Receive(packet_type, rule) => (Kind::Receive, Some(packet_type), Some(rule)),
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
            from: self.ways.before(self.moments.len(), hop),
            decision: None,
            text: Some(self.texts.of(text)),
        };
        self.moments.push(moment);
    }

    /// Stands behind the hop that brought the frame to where it is decided about.
    fn decision(&mut self, decision: &Decision, event: &Event) {
        self.remember(event);
        if self.left_out > 0 {
            return;
        }
        let told = Told {
            found: decision.findings.iter().map(|finding| self.texts.of(found(finding))).collect(),
            ways: decision
                .ways
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

    /// Keeps what the reasons of the step's outcome are found in.
    fn remember(&mut self, event: &Event) {
        if let Some((_, events)) = self.running.as_mut().filter(|(_, events)| events.len() < MAX_STEP_EVENTS)
        {
            events.push(event.clone());
        }
    }

    fn fdb(&mut self, change: &FdbChange) {
        let (port, kind) = change.entry.clone().unzip();
        let port = port.and_then(|port| i64::try_from(self.names.of(port)).ok()).unwrap_or(-1);
        let seen = self.moments.len().saturating_sub(1);
        let switch = self.names.of(change.switch.clone());
        let (vlan, mac) = (change.vlan.map(crate::frame::VlanId::get), change.mac.to_string());
        self.fdb.push((seen, change.time.as_nanos(), switch, vlan, mac, port, kind.map_or("", fdb_kind)));
    }

    fn result(
        &mut self,
        step: usize,
        outcome: Outcome,
        rtt: Option<Duration>,
        delivered: &[Name],
        held: Option<bool>,
    ) {
        let last = self.moment(Kind::Result, step);
        self.ways.settled();
        let Some((spec, events)) = self.running.take() else { return };
        let reasons = because(&spec, outcome, &events, &self.scene.devices);
        let because = reasons.into_iter().map(|r| Because { rule: self.rules.of(r.rule), text: r.text });
        let because = because.collect();
        if let Some(told) = self.steps.last_mut().filter(|told| told.step == step) {
            told.outcome = Some(outcome_in_words(&spec.action, outcome, rtt, delivered));
            (told.held, told.last, told.because) = (held, last, because);
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
