//! Builds the story of a hop log.

use super::lanes::Devices;
use super::{ArrowKind, Entry, MAX_ARROWS, Story};
use crate::frame::{PacketType, summary};
use crate::lab::spec::{Action, Name, Target};
use crate::lab::{CandidateKind, Decision, DeviceType, Event, Hop, HopKind};
use crate::report::words::{outcome_in_words, printable, step_in_words};
use crate::verdict::{Refusal, Rule, RuleKind};
use std::collections::BTreeSet;

/// Maximum number of candidates named in one note.
const MAX_WAYS: usize = 4;

/// Follows a run and builds its story. With [`Options::decisions`](crate::lab::Options::decisions) the story includes
/// candidates that a rule filtered.
#[derive(Debug, Default)]
pub struct SequenceBuilder {
    story: Story,
    devices: Devices,
    /// Devices that have a lane.
    taking_part: BTreeSet<Name>,
    /// The story so far, with lanes by name.
    told: Vec<Pending>,
    /// Number of arrows and notes in it.
    arrows: usize,
    action: Option<Action>,
    /// Data of the current step.
    frames: Vec<Passage>,
    lines: usize,
    newest: u64,
    more: (usize, usize),
}

/// One frame's path.
#[derive(Debug)]
struct Passage {
    frame_id: u64,
    text: String,
    from: Name,
    lines: Vec<Line>,
    times: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Line {
    Arrow { from: Name, to: Name, kind: ArrowKind, rule: Rule },
    Withheld { at: Name, ways: String, rule: Rule },
}

#[derive(Debug)]
enum Pending {
    Entry(Entry),
    Line(Line),
}

/// Devices that a step names as ends: one that receives nothing has a lane, too.
fn named(action: &Action) -> impl Iterator<Item = &Name> {
    let (from, to) = match action {
        Action::Ping(probe) | Action::Arping(probe) | Action::Udp(probe) | Action::Tcp(probe) => {
            match &probe.to {
                Target::Device(to) => (Some(&probe.from), Some(to)),
                Target::Address(_) => (Some(&probe.from), None),
            }
        }
        Action::Inject { at, .. } => (Some(at), None),
        _ => (None, None),
    };
    from.into_iter().chain(to)
}

impl SequenceBuilder {
    /// Records the next event.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Lab { title, devices } => {
                self.story.title = printable(title);
                self.devices.learn(devices);
            }
            Event::Devices { changed, .. } => self.devices.learn(changed),
            Event::Setup { device, refusal: Refusal { errno, rule, .. }, .. } => {
                self.heading(format!("{} is refused: {errno} by {rule} {}", printable(device), rule.title()));
            }
            Event::Step { step, spec } => {
                self.flush();
                self.taking_part.extend(named(&spec.action).cloned());
                self.action = Some(spec.action.clone());
                self.heading(format!("step {step}: {}", printable(&step_in_words(spec))));
            }
            Event::Hop(hop) => self.hop(hop),
            Event::Decision(decision) => self.decision(decision),
            Event::Result { outcome, rtt, receivers, held, .. } => {
                self.flush();
                let Some(action) = self.action.take() else { return };
                let text = printable(&outcome_in_words(&action, *outcome, *rtt, receivers));
                self.told.push(Pending::Entry(Entry::Result { text, held: *held }));
            }
            Event::Fdb(_)
            | Event::Neighbour(_)
            | Event::Known { .. }
            | Event::Neighbours { .. }
            | Event::Counters { .. }
            | Event::State { .. } => {}
        }
    }

    /// The complete story.
    #[must_use]
    pub fn finish(mut self) -> Story {
        self.flush();
        self.story.lanes = self.devices.lanes(&self.taking_part);
        let lanes = &self.story.lanes;
        let lane = |name: &Name| lanes.iter().position(|lane| lane.name == *name);
        let entry = |told: Pending| match told {
            Pending::Entry(entry) => Some(entry),
            Pending::Line(Line::Arrow { from, to, kind, rule }) => {
                Some(Entry::Arrow { from: lane(&from)?, to: lane(&to)?, kind, rule })
            }
            Pending::Line(Line::Withheld { at, ways, rule }) => {
                Some(Entry::Withheld { lane: lane(&at)?, ways, rule })
            }
        };
        self.story.entries = self.told.into_iter().filter_map(entry).collect();
        self.story
    }

    fn heading(&mut self, text: String) {
        self.told.push(Pending::Entry(Entry::Heading(text)));
    }

    /// Where to add a frame's next entry; `None`: the limit is reached.
    fn passage(&mut self, frame_id: u64, begins: impl FnOnce() -> (String, Name)) -> Option<&mut Passage> {
        let new = frame_id > self.newest;
        self.newest = self.newest.max(frame_id);
        if self.arrows + self.lines >= MAX_ARROWS {
            self.more.0 += usize::from(new);
            self.more.1 += 1;
            return None;
        }
        self.lines += 1;
        let at = self.frames.iter().position(|passage| passage.frame_id == frame_id).unwrap_or_else(|| {
            let (text, from) = begins();
            self.frames.push(Passage { frame_id, text, from, lines: Vec::new(), times: 1 });
            self.frames.len() - 1
        });
        self.frames.get_mut(at)
    }

    fn hop(&mut self, hop: &Hop) {
        let Some(device) = self.devices.get(&hop.device) else { return };
        let here: Name = self.devices.lane(&hop.device).into();
        let (kind, below) = (device.kind, device.parent.clone());
        let port = kind.is_port();
        // The device that a sent frame arrives at, or that a received frame comes from.
        let next = match kind {
            DeviceType::Macvlan | DeviceType::Macvtap | DeviceType::Vlan => below.clone(),
            DeviceType::Bond => device.active.clone(),
            _ => device.peer.as_deref().map(|peer| self.devices.lane(peer).into()),
        };
        let line = match hop.kind {
            // An arrow to this point exists already, except into a sub-interface.
            HopKind::Arrive(_) if kind == DeviceType::Vlan => {
                below.map(|parent| (parent, here, ArrowKind::Gets, Rule::VlanReceive))
            }
            HopKind::Arrive(_) if kind == DeviceType::Bond => {
                next.map(|port| (port, here, ArrowKind::Gets, Rule::BondReceive))
            }
            HopKind::Arrive(_) => None,
            HopKind::Transmit(rule) => Some((here.clone(), next.unwrap_or(here), ArrowKind::Gets, rule)),
            HopKind::Drop(rule) => Some((here.clone(), here, ArrowKind::Ends, rule)),
            HopKind::Receive(packet_type, rule) => {
                let kind = match packet_type {
                    PacketType::OtherHost => ArrowKind::Ignores,
                    _ => ArrowKind::Gets,
                };
                if rule == Rule::StationReceive {
                    return self.arrived(hop.frame_id, &here, kind);
                }
                // The first hop of a frame that is written into a stack has no source.
                let from = if port { below.unwrap_or_else(|| here.clone()) } else { here.clone() };
                Some((from, here, kind, rule))
            }
        };
        let Some((from, to, kind, rule)) = line else { return };
        let (device, frame) = (hop.device.clone(), &hop.frame);
        let Some(passage) = self.passage(hop.frame_id, || (summary(frame).to_string(), device)) else {
            return;
        };
        // A local copy comes from the sender directly.
        let from = if rule == Rule::BridgeLocalFlood
            && to != from
            && port
            && matches!(hop.kind, HopKind::Receive(..))
        {
            passage.from.clone()
        } else {
            from
        };
        passage.lines.push(Line::Arrow { from, to, kind, rule });
    }

    /// Marks the arrow that leads to a station with what the station did with the frame.
    fn arrived(&mut self, frame_id: u64, station: &str, what: ArrowKind) {
        let passage = self.frames.iter_mut().find(|passage| passage.frame_id == frame_id);
        for line in passage.into_iter().flat_map(|passage| passage.lines.iter_mut().rev()) {
            match line {
                Line::Arrow { to, kind, .. } if to == station => {
                    *kind = what;
                    return;
                }
                _ => {}
            }
        }
    }

    /// The candidates, ports and switch ports, that a withholding rule filtered; arrows show the frames that go
    /// elsewhere.
    fn decision(&mut self, decision: &Decision) {
        let mut shut: Vec<(Rule, Vec<String>)> = Vec::new();
        for way in &decision.candidates {
            let Err(rule) = way.rule else { continue };
            if rule.kind() != RuleKind::Withholding
                || !matches!(way.kind, CandidateKind::Port | CandidateKind::SwitchPort)
            {
                continue;
            }
            let behind = self.devices.get(&way.to).filter(|_| way.kind == CandidateKind::SwitchPort);
            let name = printable(behind.and_then(|d| d.peer.as_deref()).unwrap_or(&way.to));
            match shut.iter_mut().find(|(r, _)| *r == rule) {
                Some((_, names)) => names.push(name),
                None => shut.push((rule, vec![name])),
            }
        }
        let at: Name = self.devices.lane(&decision.device).into();
        for (rule, mut names) in shut {
            let more = names.len().saturating_sub(MAX_WAYS);
            names.truncate(MAX_WAYS);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            let ways = format!("{}{more}", names.join(", "));
            let begins = || (summary(&decision.frame).to_string(), decision.device.clone());
            let Some(passage) = self.passage(decision.frame_id, begins) else { return };
            passage.lines.push(Line::Withheld { at: at.clone(), ways, rule });
        }
    }

    /// Adds the frames of the step, equal ones once.
    fn flush(&mut self) {
        let mut once: Vec<Passage> = Vec::new();
        for passage in self.frames.drain(..) {
            let same = |p: &&mut Passage| p.text == passage.text && p.lines == passage.lines;
            match once.iter_mut().find(same) {
                Some(known) => known.times += 1,
                None => once.push(passage),
            }
        }
        for Passage { text, times, lines, .. } in once {
            self.arrows += lines.len();
            self.told.push(Pending::Entry(Entry::Frame { text, times }));
            for line in &lines {
                let (Line::Arrow { from, .. } | Line::Withheld { at: from, .. }) = line;
                self.taking_part.insert(from.clone());
                if let Line::Arrow { to, .. } = line {
                    self.taking_part.insert(to.clone());
                }
            }
            self.told.extend(lines.into_iter().map(Pending::Line));
        }
        self.lines = 0;
        let (frames, hops) = std::mem::take(&mut self.more);
        if hops > 0 {
            self.told.push(Pending::Entry(Entry::More { frames, hops }));
        }
    }
}
