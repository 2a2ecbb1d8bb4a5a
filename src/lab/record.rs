//! What a lab makes of the frames that walk through it: the hop log, frames on cables, and the IP stacks behind devices.

use super::clock::{EventQueue, Scheduled};
use super::device::{Agent, AgentId, Device, Kind};
use super::outside::Outside;
use super::reported::says;
use super::spec::{Name, TapOpen};
use super::topology::Topology;
use super::{Decision, Event, FdbChange, Hop, HopKind, Log, NeighbourEvent, Options, Receivers};
use crate::dataplane::{End, NodeId, Numbered, Observer, SwitchId, Wiring};
use crate::frame::{EthHeader, Frame, FramePool, MacAddr, PacketType, VlanId};
use crate::nic::host_stack_type;
use crate::switch::{Switch, SwitchPortId};
use crate::time::Instant;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The IP stacks of a lab, and what is due when.
pub(super) struct Stacks {
    pub(super) agents: Vec<Agent>,
    /// The declared hosts.
    pub(super) hosts: BTreeMap<Name, AgentId>,
    /// Those whose only device is no more, or used from outside: their numbers are used again.
    pub(super) vacant: Vec<AgentId>,
    pub(super) agenda: EventQueue,
    /// The end of the lab's time: no stack is woken later.
    end: Instant,
}

impl Stacks {
    pub(super) fn until(end: Instant) -> Stacks {
        Stacks {
            agents: Vec::new(),
            hosts: BTreeMap::new(),
            vacant: Vec::new(),
            agenda: EventQueue::default(),
            end,
        }
    }

    pub(super) fn end(&self) -> Instant {
        self.end
    }

    /// Lets an IP stack do what is due, plans its frames and its next wake-up call.
    pub(super) fn serve(&mut self, id: AgentId, now: Instant) {
        let agent = &mut self.agents[id.0];
        agent.stack.poll(now);
        while let Some((interface, frame)) = agent.stack.pop_transmit() {
            let due = Scheduled::Send { device: agent.devices[interface], frame: frame.into() };
            self.agenda.plan(now, due);
        }
        let wake = agent.stack.poll_at().map(|t| t.max(now)).filter(|t| *t <= self.end);
        self.agenda.rearm(id, agent.wake, wake);
        agent.wake = wake;
    }

    /// Reports what has changed in the neighbour tables of an IP stack, if it keeps account of that.
    pub(super) fn tell_neighbours(
        &mut self,
        id: AgentId,
        topology: &Topology,
        (step, time): (usize, Instant),
        events: &mut Vec<Event>,
    ) {
        let Agent { stack, devices, .. } = &mut self.agents[id.0];
        for (interface, ip) in stack.take_changed_neighbours() {
            let device = topology.devices[devices[interface].0].name.clone();
            let entry = stack.neighbour(interface, ip);
            events.push(Event::Neighbour(NeighbourEvent { step, time, device, ip, entry }));
        }
    }
}

/// The injected frame of a step, and the devices that it came to.
pub(super) struct InjectedFrame {
    frame: u64,
    /// Its source address; `None`: it has none, or one of a group.
    source: Option<MacAddr>,
    /// The youngest frame that was seen: ids are given in order, so that a larger one begins its path.
    youngest: u64,
    delivered: BTreeSet<Name>,
    seen: BTreeSet<Name>,
    answered: BTreeSet<Name>,
}

impl InjectedFrame {
    pub(super) fn new(frame: u64, bytes: &[u8]) -> InjectedFrame {
        let source = EthHeader::parse(bytes).ok().map(|header| header.src);
        InjectedFrame {
            frame,
            source: source.filter(|mac| !mac.is_multicast()),
            youngest: frame,
            delivered: BTreeSet::new(),
            seen: BTreeSet::new(),
            answered: BTreeSet::new(),
        }
    }

    /// A device's stack takes the frame in (`accepts`), or a packet socket sees it.
    fn came_to(&mut self, device: &Name, accepts: bool) {
        let devices = if accepts { &mut self.delivered } else { &mut self.seen };
        devices.insert(device.clone());
    }

    /// A device sends a frame: it answers, if the frame begins here and goes back.
    fn sent_by(&mut self, device: &Name, frame: Numbered<'_>) {
        if frame.id <= self.youngest {
            return;
        }
        self.youngest = frame.id;
        let destination = EthHeader::parse(frame.bytes).ok().map(|header| header.dst);
        if self.source.is_some() && destination == self.source && self.delivered.contains(device) {
            self.answered.insert(device.clone());
        }
    }

    /// A device that gets it several times, and accepts it once, has it delivered.
    pub(super) fn into_receivers(self) -> Receivers {
        let seen = self.seen.difference(&self.delivered).cloned().collect();
        let [delivered, answered] = [self.delivered, self.answered].map(|names| names.into_iter().collect());
        Receivers { delivered, seen, answered }
    }
}

/// Watches one walk for a lab.
pub(super) struct Recorder<'a> {
    pub(super) wiring: &'a Wiring,
    pub(super) options: &'a Options,
    pub(super) topology: &'a Topology,
    pub(super) stacks: &'a mut Stacks,
    pub(super) outside: &'a mut Outside,
    pub(super) pool: &'a mut FramePool,
    pub(super) log: &'a mut Log,
    pub(super) step: usize,
    pub(super) now: Instant,
}

/// Whether a program takes whatever a device gets: one that has a macvtap's node open and reads, or one outside.
fn is_read_by_a_program(device: &Device) -> bool {
    device.user.is_some() || matches!(device.kind, Kind::Port { tap: Some(TapOpen::Reading), .. })
}

/// Whether a device's IP stack takes the frame in, and not for another host's.
fn is_accepted(frame: &[u8], by_address: PacketType) -> bool {
    host_stack_type(frame, by_address).is_some_and(|packet_type| packet_type != PacketType::OtherHost)
}

impl Recorder<'_> {
    /// A frame's bytes, to be kept.
    fn held(&mut self, frame: Numbered<'_>) -> Frame {
        frame.held.cloned().unwrap_or_else(|| self.pool.make(&[frame.bytes]))
    }
}

impl Observer for Recorder<'_> {
    fn hop(&mut self, at: NodeId, kind: HopKind, frame: Numbered<'_>) {
        if !self.options.hops {
            return;
        }
        let device = self.wiring.name(at).clone();
        if let Some(watched) = &mut self.log.watched {
            match kind {
                HopKind::Receive(packet_type, _) if watched.frame == frame.id => {
                    let read = self.topology.device(at).is_some_and(is_read_by_a_program);
                    watched.came_to(&device, read || is_accepted(frame.bytes, packet_type));
                }
                HopKind::Transmit(_) => watched.sent_by(&device, frame),
                _ => {}
            }
        }
        let (bytes, frame_id) = (self.held(frame), frame.id);
        let hop = Hop { step: self.step, time: self.now, device, kind, frame: bytes, frame_id };
        self.log.events.push(Event::Hop(hop));
    }

    fn make(&mut self, parts: &[&[u8]]) -> Frame {
        self.pool.make(parts)
    }

    fn hand_over(&mut self, id: NodeId, frame: Numbered<'_>, packet_type: PacketType) {
        let Some(device) = self.topology.device(id) else { return };
        if let Some(outlet) = device.user {
            let frame = self.held(frame);
            return self.outside.send(outlet, frame);
        }
        // The port's own stack sees nothing of it then (R201).
        let read = is_read_by_a_program(device);
        let Some((agent, interface)) = device.agent.filter(|_| !read) else { return };
        let stack = &mut self.stacks.agents[agent.0].stack;
        let lost = stack.receive(self.now, interface, frame.bytes, packet_type);
        if let Some(rule) = lost {
            self.hop(id, HopKind::Drop(rule), frame);
        }
        self.stacks.serve(agent, self.now);
        self.stacks.tell_neighbours(agent, self.topology, (self.step, self.now), &mut self.log.events);
    }

    fn under_way(&mut self, to: End, after: Duration, frame: Numbered<'_>) {
        let (frame_id, bridged) = (frame.id, frame.bridged);
        let due = Scheduled::Arrive { at: to, frame: self.held(frame), frame_id, bridged };
        self.stacks.agenda.plan(self.now + after, due);
    }

    fn learned(&mut self, switch: SwitchId, knows: &Switch, vlan: Option<VlanId>, source: MacAddr) {
        if !self.options.changes {
            return;
        }
        let entry = knows.fdb_entry(vlan, source, self.now);
        if self.log.last_reported.entry(switch, (vlan, source), entry.as_ref().map(says)) {
            let node = self.wiring.switch(switch);
            let port = |id: SwitchPortId| self.wiring.name(node.port(id)).clone();
            self.log.events.push(Event::Fdb(FdbChange {
                step: self.step,
                time: self.now,
                switch: self.wiring.name(node.node).clone(),
                vlan,
                mac: source,
                entry: entry.map(|e| (port(e.port), e.kind)),
            }));
        }
    }

    fn takes_batches(&self) -> bool {
        self.options.batches && !self.options.decisions
    }

    fn wants_decisions(&self) -> bool {
        self.options.decisions
    }

    fn decided(&mut self, decision: Decision) {
        self.log.events.push(Event::Decision(Box::new(Decision { step: self.step, ..decision })));
    }
}
