//! Devices wired together under virtual time, and the hop log.
//!
//! A [`Lab`] is built from a [`LabSpec`], runs its steps and tells what happens as a stream of [`Event`]s. It decides
//! nothing itself: NICs, demultiplexers, switches and stations do. Frames walk through the [data plane](crate::dataplane);
//! the lab says when, and who answers. The same declaration gives the same events, always.
//!
//! | file | what it does |
//! | --- | --- |
//! | `spec.rs`, `spec/` | the declaration |
//! | `event.rs` | the hop log |
//! | `topology.rs` | the devices, switches and cables, as they are configured |
//! | `plan.rs`, `build.rs` | makes the devices |
//! | `hosts.rs` | makes the IP stacks behind them |
//! | `master.rs` | devices that are ports of a bridge of their own host |
//! | `bond.rs` | devices that are ports of a bond, and which of them is active |
//! | `clock.rs` | what is due when |
//! | `publish.rs` | compiles them into what frames meet: a [wiring](crate::dataplane::Wiring) |
//! | `record.rs` | watches frames: the hop log, frames on cables, IP stacks |
//! | `outlet.rs`, `outside.rs` | what is attached from outside, in place of what the lab would simulate |
//! | `steps.rs` | runs the steps and holds them against what was expected |
//! | `change.rs` | `set`, `add` and `remove` |
//! | `ask.rs` | questions that change nothing |
//! | `list.rs` | the devices as they are listed |
//! | `reported.rs` | what changes while the lab runs, reported |

mod ask;
mod bond;
mod build;
mod change;
mod clock;
mod device;
mod event;
mod hosts;
mod list;
mod master;
mod outlet;
mod outside;
mod plan;
mod publish;
mod record;
mod reported;
pub mod spec;
mod steps;
mod tables;
mod topology;

pub use crate::dataplane::{Candidate, CandidateKind, Decision, DecisionPoint, Finding, HopKind};
pub use crate::station::{Neighbour, NeighbourState, Unreachable};
pub use ask::{Known, RouteTo};
pub use event::{
    Device, DeviceState, DeviceType, Event, EventSink, FdbChange, Hop, NeighbourEvent, Outcome, Receivers,
    SetupStage, SwitchPort,
};
pub use outlet::Outlet;
pub use outside::AttachError;
pub use spec::LabSpec;
pub use tables::Found;

use crate::dataplane::{End as WireEnd, Numbered, State, SwitchId, Wiring};
use crate::errno::Errno;
use crate::frame::{Frame, FramePool};
use crate::stop::Stop;
use crate::switch::Switch;
use crate::time::Instant;
use crate::verdict::{Refusal, Rule};
use clock::Scheduled;
use device::{AgentId, DeviceId, End, Kind, Link};
use outside::Outside;
use record::{InjectedFrame, Stacks};
use reported::LastReported;
use spec::{Name, StepSpec};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use topology::Topology;

/// The frames of the captures that `replay` steps name, with the times that they are [taken](crate::capture::Steady) at.
pub type Captures = BTreeMap<PathBuf, Arc<[(Instant, Frame)]>>;

/// Where a lab's events go, in the order in which they happen.
pub type Sink<'a> = &'a mut dyn FnMut(&Event);

/// How a lab is run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Devices with addresses have IP stacks that answer and ask. Without, they only record what they receive.
    pub stacks: bool,
    /// Hops are told ([`Event::Hop`]). Without, telling them costs nothing, and what steps expect to be delivered is
    /// not known.
    pub hops: bool,
    /// Decisions are told in full, with the ways not gone ([`Event::Decision`]): for explanations.
    pub decisions: bool,
    /// Devices take frames from their cables as a [worker](crate::dataplane::Worker) takes many at once. The same comes of
    /// it; this is for those who check that. Not if decisions are told.
    pub batches: bool,
    /// Changes of the devices and of the forwarding databases are told ([`Event::Devices`], [`Event::Fdb`]): for those who
    /// show how the lab stands at any moment.
    pub changes: bool,
    /// What `replay` steps replay.
    pub captures: Captures,
    /// Once asked, the run ends without the steps, and the rest of the step, that are still to come.
    pub stop: Stop,
    /// How many frames listeners may hold: buffers for as many are kept and used again.
    pub held: usize,
    /// The time at which the lab begins.
    pub start: Instant,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            stacks: true,
            hops: true,
            decisions: false,
            batches: false,
            changes: false,
            captures: Captures::new(),
            stop: Stop::default(),
            held: 0,
            start: Instant::ZERO,
        }
    }
}

impl Options {
    /// Devices with addresses have IP stacks, or not. See [`Options::stacks`].
    #[must_use]
    pub fn with_stacks(self, stacks: bool) -> Options {
        Options { stacks, ..self }
    }

    /// Hops are told, or not. See [`Options::hops`].
    #[must_use]
    pub fn with_hops(self, hops: bool) -> Options {
        Options { hops, ..self }
    }

    /// Decisions are told in full, or not. See [`Options::decisions`].
    #[must_use]
    pub fn with_decisions(self, decisions: bool) -> Options {
        Options { decisions, ..self }
    }

    /// Devices take frames as one of many, or not. See [`Options::batches`].
    #[must_use]
    pub fn with_batches(self, batches: bool) -> Options {
        Options { batches, ..self }
    }

    /// Changes of devices and forwarding databases are told, or not. See [`Options::changes`].
    #[must_use]
    pub fn with_changes(self, changes: bool) -> Options {
        Options { changes, ..self }
    }

    /// These are the captures that `replay` steps replay. See [`Options::captures`].
    #[must_use]
    pub fn with_captures(self, captures: Captures) -> Options {
        Options { captures, ..self }
    }

    /// The run ends once this is asked. See [`Options::stop`].
    #[must_use]
    pub fn with_stop(self, stop: Stop) -> Options {
        Options { stop, ..self }
    }

    /// This many frames may be held by listeners. See [`Options::held`].
    #[must_use]
    pub fn with_held(self, held: usize) -> Options {
        Options { held, ..self }
    }

    /// The lab begins at this time. See [`Options::start`].
    #[must_use]
    pub fn with_start(self, start: Instant) -> Options {
        Options { start, ..self }
    }
}

/// What came of a whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Steps run.
    pub steps: usize,
    /// Expectations that held.
    pub held: usize,
    /// Expectations that did not hold; a device that was refused without `expect`, or made in spite of it, is one.
    pub failed: usize,
}

impl Summary {
    /// Everything was as expected.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.failed == 0
    }
}

/// A frame was offered to a device that is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no device `{0}` with a link of its own in this lab")]
#[non_exhaustive]
pub struct UnknownDevice(pub Name);

/// The devices that are told if too many frames are under way.
const MAX_CROWD: usize = 8;

/// A running lab.
pub struct Lab {
    title: String,
    /// Those that [`Lab::run`] has yet to run.
    steps: Vec<StepSpec>,
    options: Options,
    topology: Topology,
    runtime: Runtime,
    log: Log,
}

/// What moves: the devices as frames meet them, IP stacks, and the time.
struct Runtime {
    /// Devices, cables or port states were changed since the wiring was compiled.
    changed: bool,
    wiring: Arc<Wiring>,
    state: State,
    stacks: Stacks,
    outside: Outside,
    pool: FramePool,
    now: Instant,
    step: usize,
    next_frame_id: u64,
    /// Too many frames were under way, to these devices.
    crowd: Option<Vec<Name>>,
}

/// What is reported of a run.
#[derive(Default)]
struct Log {
    /// Those that no sink has taken yet.
    events: Vec<Event>,
    /// The injected frame of this step, and who received it.
    watched: Option<InjectedFrame>,
    /// When each step began.
    begun: Vec<Instant>,
    last_reported: LastReported,
    summary: Summary,
}

impl Lab {
    /// The time in the lab.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.runtime.now
    }

    /// Offers a frame to a device as if it had come by its cable, at the given time (or now, if that is past), after
    /// everything that was due before.
    ///
    /// # Errors
    /// [`UnknownDevice`] if there is no such device, or it has no link.
    pub fn arrive(
        &mut self,
        device: &str,
        time: Instant,
        frame: &[u8],
        sink: Sink<'_>,
    ) -> Result<(), UnknownDevice> {
        let unknown = || UnknownDevice(device.into());
        let id = *self.topology.names.get(device).ok_or_else(unknown)?;
        self.topology.devices[id.0].link().ok_or_else(unknown)?;
        self.advance(time, sink);
        let frame_id = self.new_frame_id();
        let (at, frame) = (WireEnd::Device(self.topology.node(id)), self.runtime.pool.make(&[frame]));
        self.forward(|forwarding| forwarding.arrive(at, Numbered::new(&frame, frame_id)));
        self.settle(sink);
        Ok(())
    }

    /// Lets a device send a frame at the given time (or now, if that is past), after everything that was due before.
    /// What the kernel would refuse is recorded as a drop.
    ///
    /// # Errors
    /// [`UnknownDevice`] if there is no such device.
    pub fn send_at(
        &mut self,
        device: &str,
        time: Instant,
        frame: &[u8],
        sink: Sink<'_>,
    ) -> Result<(), UnknownDevice> {
        let id = *self.topology.names.get(device).ok_or_else(|| UnknownDevice(device.into()))?;
        self.advance(time, sink);
        let frame = self.runtime.pool.make(&[frame]);
        self.send_or_record(id, frame);
        self.settle(sink);
        Ok(())
    }

    /// Hands out the events collected so far.
    pub fn flush(&mut self, sink: Sink<'_>) {
        for event in self.log.events.drain(..) {
            sink(&event);
        }
    }

    /// Whether a device of this name is there.
    #[must_use]
    pub fn has(&self, device: &str) -> bool {
        self.topology.names.contains_key(device)
    }

    /// Whether a device of this name is there, and can take a frame from a cable.
    #[must_use]
    pub fn has_link(&self, device: &str) -> bool {
        self.topology.names.get(device).is_some_and(|id| self.topology.devices[id.0].link().is_some())
    }

    /// Lets virtual time pass up to a moment.
    pub fn advance(&mut self, until: Instant, sink: Sink<'_>) {
        while !self.stopped()
            && let Some((time, due)) = self.runtime.stacks.agenda.take(until)
        {
            self.runtime.now = self.runtime.now.max(time);
            self.perform(due);
            if self.runtime.stacks.agenda.is_full() && self.runtime.crowd.is_none() {
                self.runtime.crowd = Some(self.end_frames());
            }
            self.flush(sink);
        }
        self.runtime.now = self.runtime.now.max(until);
    }

    /// Ends what is under way, for it is too much; the devices that most of it was on its way to.
    fn end_frames(&mut self) -> Vec<Name> {
        let wiring = &self.runtime.wiring;
        let mut counts: BTreeMap<Name, usize> = BTreeMap::new();
        for due in self.runtime.stacks.agenda.clear() {
            let name = match due {
                Scheduled::Arrive { at: WireEnd::Device(node), .. } => wiring.name(node).clone(),
                Scheduled::Arrive { at: WireEnd::Switch(switch, port), .. } => {
                    wiring.name(wiring.switch(switch).port(port)).clone()
                }
                Scheduled::Send { device, .. } => self.topology.devices[device.0].name.clone(),
                Scheduled::Arrive { .. } | Scheduled::Wake(_) => continue,
            };
            *counts.entry(name).or_default() += 1;
        }
        let mut most: Vec<(usize, Name)> = counts.into_iter().map(|(name, count)| (count, name)).collect();
        most.sort_by(|one, two| two.cmp(one));
        most.truncate(MAX_CROWD);
        let mut names: Vec<Name> = most.into_iter().map(|(_, name)| name).collect();
        names.sort();
        names
    }

    /// If there were too many frames under way, which were ended then: the devices that most of them were on their way to.
    /// From now on, frames can be under way again.
    pub fn relieve(&mut self) -> Option<Vec<Name>> {
        let crowd = self.runtime.crowd.take()?;
        self.runtime.stacks.agenda.reopen();
        Some(crowd)
    }

    /// Whether the run is to end.
    fn stopped(&self) -> bool {
        self.options.stop.asked()
    }

    /// Lets virtual time pass until no frame is under way.
    fn settle(&mut self, sink: Sink<'_>) {
        self.flush(sink);
        while !self.stopped() && self.runtime.stacks.agenda.frames_under_way() {
            let Some(time) = self.runtime.stacks.agenda.next_time() else { return };
            self.advance(time, sink);
        }
    }

    fn perform(&mut self, due: Scheduled) {
        match due {
            Scheduled::Arrive { at: WireEnd::Outside(outlet), frame, .. } => {
                self.runtime.outside.send(Outlet::of(outlet), frame);
            }
            Scheduled::Arrive { at, frame, frame_id, bridged } => {
                let frame = Numbered { bridged, ..Numbered::new(&frame, frame_id) };
                self.forward(|forwarding| forwarding.arrive(at, frame));
            }
            Scheduled::Send { device, frame } => self.send_or_record(device, frame),
            Scheduled::Wake(agent) => {
                self.runtime.stacks.agents[agent.0].wake = None;
                self.serve(agent);
            }
        }
    }

    /// Lets an IP stack do what is due.
    fn serve(&mut self, agent: AgentId) {
        self.runtime.stacks.serve(agent, self.runtime.now);
        self.tell_neighbours(agent);
    }

    /// Reports what has changed in the neighbour tables of an IP stack.
    fn tell_neighbours(&mut self, agent: AgentId) {
        let Runtime { stacks, step, now, .. } = &mut self.runtime;
        stacks.tell_neighbours(agent, &self.topology, (*step, *now), &mut self.log.events);
    }

    fn send_or_record(&mut self, id: DeviceId, frame: Frame) {
        let (node, frame_id) = (self.topology.node(id), self.new_frame_id());
        self.forward(|forwarding| forwarding.send_or_drop(node, Numbered::new(&frame, frame_id)));
    }

    fn new_frame_id(&mut self) -> u64 {
        self.runtime.next_frame_id += 1;
        self.runtime.next_frame_id
    }

    fn find(&self, name: &str) -> Result<DeviceId, Refusal> {
        self.topology.names.get(name).copied().ok_or(Refusal::new(Errno::Enodev, Rule::SendDown))
    }

    fn switch(&self, id: SwitchId) -> Option<&Switch> {
        self.runtime.state.switch(id)
    }

    /// A switch, to be changed.
    fn switch_mut(&mut self, id: SwitchId) -> Option<&mut Switch> {
        self.runtime.changed = true;
        self.runtime.state.switch_mut(id)
    }

    /// A link, to be changed.
    fn link_mut(&mut self, id: DeviceId) -> Option<&mut Link> {
        self.runtime.changed = true;
        self.touch(id);
        self.topology.devices[id.0].link_mut()
    }

    /// A device that is known to be no port, to be changed.
    fn linked_mut(&mut self, id: DeviceId) -> &mut Link {
        self.link_mut(id).expect("ports were told apart, or it is what something sits on")
    }

    /// Whether a device has carrier: both ends of its cable are up; for a port or a sub-interface, the device below
    /// has.
    fn has_carrier(&self, id: DeviceId) -> bool {
        match &self.topology.devices[id.0].kind {
            Kind::Port { parent, .. } => self.has_carrier(*parent),
            Kind::Link(link) => {
                link.nic().is_up()
                    && match &link.uplink {
                        device::Uplink::Discard => true,
                        device::Uplink::Bond(bond) => bond.active.is_some(),
                        device::Uplink::Below { nic, .. } => self.has_carrier(*nic),
                        device::Uplink::Switch(switch) => self.switch(*switch).is_some_and(Switch::is_live),
                        device::Uplink::Cable(cable) => {
                            match self.topology.cables[cable.0].far(End::Device(id)) {
                                End::Device(far) => self.topology.is_up(far),
                                End::Switch(..) | End::Nobody { .. } => true,
                                End::Outside(outlet) => self.runtime.outside.is_present(outlet),
                                End::Gone => false,
                            }
                        }
                    }
            }
        }
    }
}
