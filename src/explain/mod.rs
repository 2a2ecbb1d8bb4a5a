//! Explanations: the path of each frame through a lab, and for every device whether it got the frame, or which rule
//! filtered it and where. Everything is read from the hop log and the [decisions](Decision) in it; nothing is decided
//! here.
//!
//! ```
//! use macvlab::explain::{Fate, Journey};
//! use macvlab::lab::{Lab, Options};
//! use macvlab::verdict::Rule;
//!
//! let spec = macvlab::labfile::parse("lab.toml", r#"
//!     [nic.eth0]
//!     [macvlan.c1]
//!     parent = "eth0"
//!     [macvlan.c2]
//!     parent = "eth0"
//!     [switch.sw0.port.eth0]
//!     [[step]]
//!     inject = { at = "c1", ethernet = { ethertype = 0x88b5 } }
//! "#)?;
//! let mut events = Vec::new();
//! let mut lab = Lab::new(&spec, Options::default().with_decisions(true));
//! lab.run(&mut |event| events.push(event.clone()));
//! let journeys = Journey::all(&events);
//! let fates = journeys[0].fates(&lab.devices());
//! let at = "sw0.eth0".into();
//! assert!(fates.contains(&("c2".into(), Fate::Kept { also: None, rule: Rule::NoHairpin, at })));
//! # Ok::<(), macvlab::labfile::Diagnostics>(())
//! ```

mod below;

pub(crate) use below::{ByName, and_below, by_name, down, far_end};

use crate::frame::{EthHeader, Frame, PacketType};
use crate::lab::spec::Name;
use crate::lab::{CandidateKind, Decision, DecisionPoint, Device, DeviceType, Event, Hop, HopKind};
use crate::verdict::Rule;
use below::places;
use std::collections::BTreeMap;

/// The outcome of a frame at one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The device got it, by this rule.
    Got(Rule),
    /// The device saw it by this rule and ignored it as addressed to another host.
    Overheard(Rule),
    /// A rule filtered it.
    Kept {
        /// The rule by which the device's parent sent the frame on the wire and not to its ports, if that and `rule` together
        /// made the difference: the frame did not come back.
        also: Option<Rule>,
        /// The rule.
        rule: Rule,
        /// The device or switch port at which that was decided.
        at: Name,
    },
    /// No decision about the frame concerned this device.
    Apart,
}

/// A stage of a frame's path.
#[derive(Clone, Debug)]
pub enum Stage {
    /// The frame is at a device.
    Hop(Hop),
    /// The frame is decided.
    Decision(Box<Decision>),
}

/// How a journey begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Began {
    /// The device sends the frame.
    Sent,
    /// It arrives at the device from outside.
    Arrived,
    /// It ends at once.
    Lost,
}

impl Began {
    fn by(kind: HopKind) -> Began {
        match kind {
            HopKind::Transmit(_) | HopKind::Drop(Rule::NoCarrier) => Began::Sent,
            HopKind::Arrive(_) | HopKind::Receive(..) => Began::Arrived,
            HopKind::Drop(_) => Began::Lost,
        }
    }
}

/// The path of one frame, including its copies.
#[derive(Clone, Debug)]
pub struct Journey {
    /// Its number in the hop log.
    pub frame_id: u64,
    /// The device at which it began.
    pub from: Name,
    /// The frame's bytes at that point.
    pub frame: Frame,
    /// How it began.
    pub began: Began,
    /// The stages, in order; the first is a hop.
    pub stages: Vec<Stage>,
}

impl Journey {
    /// The journeys in a hop log, in the order in which they began.
    #[must_use]
    pub fn all(events: &[Event]) -> Vec<Journey> {
        let mut journeys: BTreeMap<u64, Journey> = BTreeMap::new();
        for event in events {
            match event {
                Event::Hop(hop) => {
                    let journey = journeys.entry(hop.frame_id).or_insert_with(|| Journey {
                        frame_id: hop.frame_id,
                        from: hop.device.clone(),
                        frame: hop.frame.clone(),
                        began: Began::by(hop.kind),
                        stages: Vec::new(),
                    });
                    journey.stages.push(Stage::Hop(hop.clone()));
                }
                Event::Decision(decision) => {
                    if let Some(journey) = journeys.get_mut(&decision.frame_id) {
                        journey.stages.push(Stage::Decision(decision.clone()));
                    }
                }
                _ => {}
            }
        }
        journeys.into_values().collect()
    }

    /// The outcome of the frame at every device that can receive one, in the order of the listing
    /// ([`Lab::devices`](crate::lab::Lab::devices)). The sender is left out unless it gets its frame back.
    #[must_use]
    pub fn fates(&self, devices: &[Device]) -> Vec<(Name, Fate)> {
        let by_name = by_name(devices);
        let fated = devices.iter().filter(|d| is_end(d));
        let fates = fated.map(|d| (d.name.clone(), self.fate_of(d, &by_name)));
        let sender = |name: &Name| self.began == Began::Sent && *name == self.from;
        fates.filter(|(name, fate)| !sender(name) || reached(fate)).collect()
    }

    /// The outcome of the frame at one device; `None`: no device of this name can receive frames.
    #[must_use]
    pub fn fate(&self, device: &str, devices: &[Device]) -> Option<Fate> {
        let by_name = by_name(devices);
        let device = by_name.get(device).filter(|d| is_end(d))?;
        Some(self.fate_of(device, &by_name))
    }

    /// Where an IP stack first got the frame and threw away what was in it, and the rule.
    pub(crate) fn thrown_away(&self) -> Option<(Rule, Name)> {
        self.read().find_map(|(_, fate)| match fate {
            Fate::Kept { rule, at, .. } => Some((rule, at)),
            _ => None,
        })
    }

    /// What IP stacks make of the frame, hop by hop: one gets it or sees it, and may then throw away what is in it.
    fn read(&self) -> impl Iterator<Item = (&Name, Fate)> {
        let mut got: Option<&Name> = None;
        self.hops().filter_map(move |hop| {
            let fate = match hop.kind {
                HopKind::Receive(PacketType::OtherHost, rule) => Fate::Overheard(rule),
                HopKind::Receive(_, rule) => {
                    got = Some(&hop.device);
                    Fate::Got(rule)
                }
                HopKind::Drop(rule) if got == Some(&hop.device) => {
                    Fate::Kept { also: None, rule, at: hop.device.clone() }
                }
                _ => return None,
            };
            Some((&hop.device, fate))
        })
    }

    /// Whether the frame has a VLAN tag other than a priority tag when it arrives at this device.
    #[must_use]
    pub fn is_tagged_at(&self, device: &str) -> bool {
        let mut arrived = self.hops().filter(|hop| hop.device == device);
        arrived.any(|hop| EthHeader::tags(&hop.frame).any(|tag| tag.vlan().get() != 0))
    }

    /// The hops.
    pub fn hops(&self) -> impl Iterator<Item = &Hop> {
        self.stages.iter().filter_map(|stage| match stage {
            Stage::Hop(hop) => Some(hop),
            Stage::Decision(_) => None,
        })
    }

    fn fate_of(&self, device: &Device, by_name: &ByName<'_>) -> Fate {
        let read = self.read().filter(|(at, _)| **at == device.name).map(|(_, fate)| fate);
        // What a stack gets counts more than what it sees.
        if let Some(fate) = read.max_by_key(|fate| !matches!(fate, Fate::Overheard(_))) {
            return fate;
        }
        let places = places(device, by_name);
        // The last decision, closest to the device.
        let near = self.stages.iter().rev().find_map(|stage| kept_near(stage, &places));
        // There was none: the frame passed by on its way out, or ended elsewhere.
        let inside = |hop: &&Hop| {
            let place = places.iter().find(|place| **place == hop.device);
            place.and_then(|place| by_name.get(place)).is_some_and(|d| d.kind != DeviceType::SwitchPort)
        };
        let passed = || self.hops().filter(inside).filter_map(sent).last();
        // It came as far as the host stack below a VLAN sub-interface: it is not of that VLAN.
        let taken = || self.hops().filter(inside).filter_map(|hop| received(hop, |_| true)).last();
        let ended = || self.stages.iter().rev().find_map(ended);
        // It ended in the stack of another device, which ignored it.
        let of_other = |packet_type| packet_type == PacketType::OtherHost;
        let ignored = || self.hops().filter_map(|hop| received(hop, of_other)).last();
        let kept = near.or_else(passed).or_else(taken).or_else(ended).or_else(ignored);
        let Some(kept) = kept else { return Fate::Apart };
        // Whatever else is in its way: a device that is down gets nothing.
        if let Some((rule, at)) = down(device, by_name) {
            return Fate::Kept { also: None, rule, at };
        }
        let (rule, at) = kept;
        Fate::Kept { also: self.passed_by(device).filter(|also| *also != rule), rule, at }
    }

    /// The rule by which the parent of this port sent the frame and did not hand it to its ports; `None`: it came back.
    fn passed_by(&self, port: &Device) -> Option<Rule> {
        let is_port = matches!(port.kind, DeviceType::Macvlan | DeviceType::Macvtap);
        let parent = port.parent.as_ref().filter(|_| is_port)?;
        let kinds = || self.hops().filter(|hop| hop.device == *parent).map(|hop| hop.kind);
        let back = kinds().any(|kind| matches!(kind, HopKind::Arrive(_)));
        let sent = kinds().any(|kind| kind == HopKind::Transmit(Rule::HostToWire));
        (sent && !back).then_some(Rule::HostToWire)
    }
}

/// Whether a device receives frames itself: all but switches, unless their own device is a parent.
fn is_end(device: &Device) -> bool {
    match device.kind {
        DeviceType::SwitchPort => false,
        DeviceType::Switch => device.mac.is_some(),
        _ => true,
    }
}

fn reached(fate: &Fate) -> bool {
    matches!(fate, Fate::Got(_) | Fate::Overheard(_))
}

/// A decision, or a drop, that filtered the frame at one of these devices.
fn kept_near(stage: &Stage, places: &[&str]) -> Option<(Rule, Name)> {
    match stage {
        Stage::Hop(hop) => match hop.kind {
            // Each candidate that it was not flooded to has a separate reason.
            HopKind::Drop(rule) if rule != Rule::NothingToFloodTo => {
                places.contains(&hop.device.as_str()).then(|| (rule, hop.device.clone()))
            }
            _ => None,
        },
        Stage::Decision(decision) => decision.candidates.iter().find_map(|way| {
            // A backup port says nothing about what the bond gets by its active port.
            let about = !matches!(way.kind, CandidateKind::Wire | CandidateKind::Bond);
            let rule = way.rule.err().filter(|_| about)?;
            // A switch port that a frame does not leave by has a separate reason; a dropped frame has that of the arrival port.
            let dropped = || {
                let mut ports =
                    decision.candidates.iter().filter(|way| way.kind == CandidateKind::SwitchPort);
                ports.all(|way| way.rule == Err(decision.rule))
            };
            let elsewhere = decision.place == DecisionPoint::Switch && !dropped();
            let at = if elsewhere { &way.to } else { &decision.device };
            places.contains(&way.to.as_str()).then(|| (rule, at.clone()))
        }),
    }
}

/// The frame left by the device.
fn sent(hop: &Hop) -> Option<(Rule, Name)> {
    match hop.kind {
        HopKind::Transmit(rule) => Some((rule, hop.device.clone())),
        _ => None,
    }
}

/// The device saw the frame, as one of these.
fn received(hop: &Hop, which: impl Fn(PacketType) -> bool) -> Option<(Rule, Name)> {
    match hop.kind {
        HopKind::Receive(packet_type, rule) if which(packet_type) => Some((rule, hop.device.clone())),
        _ => None,
    }
}

/// The frame ended, or did not leave its parent.
fn ended(stage: &Stage) -> Option<(Rule, Name)> {
    match stage {
        Stage::Hop(Hop { kind: HopKind::Drop(rule), device, .. }) => Some((*rule, device.clone())),
        Stage::Hop(_) => None,
        Stage::Decision(decision) => {
            let inside =
                decision.candidates.iter().any(|way| way.kind == CandidateKind::Wire && way.rule.is_err());
            inside.then(|| (decision.rule, decision.device.clone()))
        }
    }
}
