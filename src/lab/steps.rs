//! Runs the steps, and holds what came of them against what was expected.

use super::device::{Agent, AgentId, DeviceId};
use super::record::InjectedFrame;
use super::spec::{
    Action, Expect, ExpectedReceivers, FrameSpec, InjectPoint, Name, ProbeSpec, StepSpec, Target,
};
use super::tables::{Found, is_as_expected};
use super::{DeviceState, Event, EventSink, Lab, Neighbour, Outcome, Receivers, Sink, Summary};
use crate::counters::Counters;
use crate::dataplane::{Numbered, SwitchId};
use crate::errno::Errno;
use crate::frame::{CraftError, Family, Frame, MacAddr, Resolve};
use crate::station::{Probe, ProbeKind, ProbeOutcome, Unreachable};
use crate::switch::SwitchPortId;
use crate::time::Instant;
use crate::verdict::{Refusal, Rule};
use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

/// What a step came to.
struct Done {
    outcome: Outcome,
    rtt: Option<Duration>,
}

impl From<Result<(), Refusal>> for Done {
    fn from(result: Result<(), Refusal>) -> Done {
        let outcome = match result {
            Ok(()) => Outcome::Ok,
            Err(refusal) => Outcome::Refused(refusal),
        };
        Done { outcome, rtt: None }
    }
}

impl Lab {
    /// Runs every step, then tells the counters and states. Ends early if [`Options::stop`](super::Options::stop) is
    /// asked; a step that was not finished has no result.
    pub fn run(&mut self, sink: Sink<'_>) -> Summary {
        self.flush(sink);
        for spec in std::mem::take(&mut self.steps) {
            if self.stopped() {
                break;
            }
            self.step(&spec, sink);
        }
        self.finish(sink)
    }

    /// Runs the steps, as [`Lab::run`] does, until the sink fails.
    ///
    /// ```
    /// use macvlab::lab::{Lab, Options};
    /// use macvlab::report::JsonLines;
    ///
    /// let spec = macvlab::labfile::parse("lab.toml", "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\n")?;
    /// let mut json = JsonLines::new(Vec::new());
    /// Lab::new(&spec, Options::default()).run_into(&mut json)?;
    /// assert!(json.finish()?.starts_with(b"{\"event\":\"lab\""));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The sink's. The steps that were left are not run.
    pub fn run_into(&mut self, events: &mut dyn EventSink) -> io::Result<Summary> {
        let mut written = Ok(());
        let mut take = |event: &Event| {
            if written.is_ok() {
                written = events.event(event);
            }
            written.is_ok()
        };
        self.flush(&mut |event| _ = take(event));
        let mut goes_on = true;
        for spec in std::mem::take(&mut self.steps) {
            if !goes_on || self.stopped() {
                break;
            }
            self.step(&spec, &mut |event| goes_on = take(event));
        }
        let summary = self.finish(&mut |event| _ = take(event));
        written.map(|()| summary)
    }

    /// The lab's title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Runs one more step, as if the declaration had it behind those that were run. The switches' own devices are made
    /// when the lab is built, for the ports that the declaration then names ([`LabSpec::parents`](super::LabSpec::parents)).
    pub fn step(&mut self, spec: &StepSpec, sink: Sink<'_>) {
        self.runtime.step += 1;
        self.log.begun.push(self.runtime.now);
        self.log.events.push(Event::Step { step: self.runtime.step, spec: spec.clone() });
        self.flush(sink);
        self.log.watched = None;
        let done = if self.is_too_late_for(&spec.action) {
            Done { outcome: Outcome::TooLate, rtt: None }
        } else {
            self.act(&spec.action, sink)
        };
        if self.stopped() {
            return;
        }
        // Before the frames by which what has come up announces itself.
        self.report_devices();
        self.settle(sink);
        let receivers = self.log.watched.take().map(InjectedFrame::into_receivers).unwrap_or_default();
        let (Done { outcome, rtt }, receivers) = match self.relieve() {
            Some(crowd) => {
                let receivers = Receivers { delivered: crowd, ..Receivers::default() };
                (Done { outcome: Outcome::TooMany, rtt: None }, receivers)
            }
            None => (done, receivers),
        };
        let found = match &spec.expect {
            Some(Expect::Table(expected)) => Some(self.look_up(expected)),
            _ => None,
        };
        let held = spec.expect.as_ref().map(|expect| holds(expect, outcome, &receivers, found.as_ref()));
        self.count(spec, outcome, held);
        self.report_fdbs();
        let step = self.runtime.step;
        self.log.events.push(Event::Result { step, outcome, rtt, receivers, held, found });
        self.flush(sink);
    }

    /// Whether an action that begins now could go on past the end of the lab's time.
    fn is_too_late_for(&self, action: &Action) -> bool {
        self.runtime.now + action.longest(&self.options.captures) > self.runtime.stacks.end()
    }

    /// A change that was refused without an expectation is a failure as well; so is what was not done at all.
    fn count(&mut self, spec: &StepSpec, outcome: Outcome, held: Option<bool>) {
        let change = spec.action.is_change() || matches!(spec.action, Action::Replay { .. });
        let refused = held.is_none() && change && matches!(outcome, Outcome::Refused(_));
        let undone = matches!(outcome, Outcome::TooLate | Outcome::TooMany);
        let refused = refused || held.is_none() && undone;
        self.log.summary.steps += 1;
        self.log.summary.held += usize::from(held == Some(true));
        self.log.summary.failed += usize::from(held == Some(false) || refused);
    }

    /// Carries out a `set`, `add` or `remove` at the given time (or now, if that is past), as one more step, without
    /// waiting for the frames that are under way. `None`: it is an action that takes time.
    pub fn change(&mut self, time: Instant, spec: &StepSpec, sink: Sink<'_>) -> Option<Outcome> {
        if !spec.action.is_change() {
            return None;
        }
        self.advance(time, sink);
        self.runtime.step += 1;
        self.log.begun.push(self.runtime.now);
        let step = self.runtime.step;
        self.log.events.push(Event::Step { step, spec: spec.clone() });
        let outcome = self.act(&spec.action, sink).outcome;
        if let Action::Remove(name) = &spec.action
            && !self.topology.names.contains_key(name)
        {
            // No step that is still to come can name it as a target.
            self.topology.addresses.remove(name);
        }
        self.report_devices();
        self.report_fdbs();
        let receivers = Receivers::default();
        let (rtt, held, found) = (None, None, None);
        self.log.events.push(Event::Result { step, outcome, rtt, receivers, held, found });
        self.flush(sink);
        Some(outcome)
    }

    fn act(&mut self, action: &Action, sink: Sink<'_>) -> Done {
        match action {
            Action::Ping(probe) => self.probe(ProbeKind::Ping, probe, sink),
            Action::Arping(probe) => self.probe(ProbeKind::Arping, probe, sink),
            Action::Udp(probe) => self.probe(ProbeKind::Udp, probe, sink),
            Action::Tcp(probe) => self.probe(ProbeKind::Tcp, probe, sink),
            Action::Inject { at, entry, frame } => self.inject(at, *entry, frame).into(),
            Action::Set { device, change } => self.changed(device, |lab| lab.set(device, change)),
            Action::SetHost { host, change } => self.set_host(host, change).into(),
            Action::SetSwitch { switch, change } => self.set_switch(switch, change).into(),
            Action::Add { name, spec } => self.changed(name, |lab| lab.add(name, spec)),
            Action::Remove(name) => {
                let reaches_far = self.has_link(name);
                let done = self.remove(name);
                if reaches_far {
                    self.refresh_stacks();
                }
                done.into()
            }
            Action::Wait(time) => {
                self.advance(self.runtime.now + *time, sink);
                Ok(()).into()
            }
            Action::Replay { capture, at } => self.replay(capture, at, sink).into(),
        }
    }

    /// Carries out a change to a device, and lets the IP stacks know how the links stand now.
    fn changed(&mut self, device: &str, change: impl FnOnce(&mut Lab) -> Result<(), Refusal>) -> Done {
        let done = change(self);
        self.refresh_stacks_on(device);
        done.into()
    }

    /// Reports the neighbour that packets to this address go to, if it is known.
    fn tell_known(&mut self, agent: AgentId, to: IpAddr) {
        let (step, time) = (self.runtime.step, self.runtime.now);
        let Agent { stack, devices, .. } = &self.runtime.stacks.agents[agent.0];
        let Some((interface, next_hop)) = stack.next_hop(time, to) else { return };
        if let Some(neighbour) = stack.neighbour(interface, next_hop).filter(|known| known.mac.is_some()) {
            let device = self.topology.devices[devices[interface].0].name.clone();
            // What a step finds out takes time: it is known later than the step began.
            let since_step = self.log.begun.partition_point(|begun| *begun < neighbour.since);
            self.log.events.push(Event::Known { step, time, device, neighbour, since_step });
        }
    }

    /// A device asks another, until it has an answer or gives up.
    fn probe(&mut self, kind: ProbeKind, spec: &ProbeSpec, sink: Sink<'_>) -> Done {
        let agent = match self.stack_of(&spec.from) {
            Ok(agent) => agent,
            Err(refusal) => return Err(refusal).into(),
        };
        let unreachable = Done { outcome: Outcome::Unreachable(Unreachable::NoRoute), rtt: None };
        let target = match &spec.to {
            Target::Address(addr) => Some(*addr),
            Target::Device(name) => self.target_address(&spec.from, name),
        };
        let Some((agent, to)) = agent.zip(target) else {
            return unreachable;
        };
        let probe = Probe { kind, to, count: spec.count, timeout: spec.timeout };
        let now = self.runtime.now;
        if kind != ProbeKind::Arping {
            self.tell_known(agent, to);
        }
        let number = self.runtime.stacks.agents[agent.0].stack.start_probe(now, probe);
        self.serve(agent);
        loop {
            if let Some(result) = self.runtime.stacks.agents[agent.0].stack.probe_result(number) {
                let outcome = match result.outcome {
                    ProbeOutcome::Reply => Outcome::Reply,
                    ProbeOutcome::Unreachable => Outcome::Unreachable(
                        result.reason.expect("a probe knows why a request was not delivered"),
                    ),
                    ProbeOutcome::NoReply => Outcome::NoReply,
                };
                return Done { outcome, rtt: result.rtt };
            }
            // A probe always has a deadline, so time always passes.
            let Some(next) = self.runtime.stacks.agenda.next_time().filter(|_| !self.stopped()) else {
                return unreachable;
            };
            self.advance(next, sink);
        }
    }

    fn inject(&mut self, at: &str, entry: InjectPoint, frame: &FrameSpec) -> Result<(), Refusal> {
        let id = self.find(at)?;
        let frame = match frame {
            FrameSpec::Bytes(bytes) => Frame::new(bytes),
            FrameSpec::Crafted(craft) => craft.build(at, self).map_err(|error| match error {
                CraftError::NoDevice(_) => Refusal::new(Errno::Enodev, Rule::SendDown),
                _ => Refusal::new(Errno::Einval, Rule::RuntSend),
            })?,
        };
        let frame_id = self.new_frame_id();
        self.log.watched = Some(InjectedFrame::new(frame_id, &frame));
        let (node, frame) = (self.topology.node(id), Numbered::new(&frame, frame_id));
        let sent = self.forward(|forwarding| match entry {
            InjectPoint::Device => forwarding.send(node, frame),
            InjectPoint::Wire => forwarding.send_from_wire(node, frame),
            InjectPoint::Node => forwarding.write_to_node(node, frame),
        });
        // A run that is to end has no result.
        sent.unwrap_or(Ok(()))
    }

    /// A capture's frames, spaced as they were recorded.
    fn replay(&mut self, capture: &Path, at: &str, sink: Sink<'_>) -> Result<(), Refusal> {
        let id = self.find(at)?;
        let Some(frames) = self.options.captures.get(capture).cloned() else { return Ok(()) };
        let Some(first) = frames.first().map(|(time, _)| *time) else { return Ok(()) };
        let start = self.runtime.now;
        for (time, frame) in frames.iter() {
            if self.stopped() {
                break;
            }
            let due: Instant = start + time.since(first);
            let sent = match self.topology.link(id).map(|l| l.role == super::device::Role::Nic) {
                Some(true) => self.arrive(at, due, frame, sink),
                _ => self.send_at(at, due, frame, sink),
            };
            sent.map_err(|_| Refusal::new(Errno::Enodev, Rule::SendDown))?;
        }
        Ok(())
    }

    /// What every device counts now, ports of switches last.
    #[must_use]
    pub fn counters(&self) -> Vec<(Name, Counters)> {
        let devices = self.there().map(|id| (self.topology.devices[id.0].name.clone(), self.counters_of(id)));
        let ports = self.topology.switches.iter().zip(0..).flat_map(|(switch, id)| {
            let of = move |number| {
                self.runtime.state.counters(self.topology.socket(SwitchId(id), SwitchPortId(number)))
            };
            // A device that is the port counts itself.
            let sockets = switch.ports.iter().zip(0..).filter(|(port, _)| port.cable().is_some());
            sockets.map(move |(port, number)| (port.name.clone(), of(number)))
        });
        devices.chain(ports).collect()
    }

    /// How every device stands now.
    #[must_use]
    pub fn states(&self) -> Vec<(Name, DeviceState)> {
        self.there().map(|id| (self.topology.devices[id.0].name.clone(), self.state_of(id))).collect()
    }

    /// The neighbour tables of all devices, as they are now; those that have an entry.
    #[must_use]
    pub fn neighbours(&self) -> Vec<(Name, Vec<Neighbour>)> {
        let table = |id: DeviceId| {
            let device = &self.topology.devices[id.0];
            let (agent, interface) = device.agent?;
            let entries = self.runtime.stacks.agents[agent.0].stack.neighbours(interface).collect();
            Some((device.name.clone(), entries))
        };
        self.there().filter_map(table).filter(|(_, entries): &(_, Vec<_>)| !entries.is_empty()).collect()
    }

    /// The devices that are there.
    fn there(&self) -> impl Iterator<Item = DeviceId> {
        (0..self.topology.devices.len()).map(DeviceId).filter(|id| !self.topology.devices[id.0].gone)
    }

    /// Tells the counters and states of every device, and what came of the run.
    pub fn finish(&mut self, sink: Sink<'_>) -> Summary {
        self.settle(sink);
        for (device, counters) in self.counters() {
            self.log.events.push(Event::Counters { device, counters });
        }
        for (device, entries) in self.neighbours() {
            self.log.events.push(Event::Neighbours { device, entries });
        }
        for (device, state) in self.states() {
            self.log.events.push(Event::State { device, state });
        }
        self.flush(sink);
        self.log.summary
    }
}

impl Resolve for Lab {
    fn mac_of(&self, device: &str) -> Option<MacAddr> {
        self.topology.names.get(device).map(|id| self.state_of(*id).mac)
    }

    fn ip_of(&self, device: &str, family: Family) -> Option<IpAddr> {
        self.topology
            .addresses
            .get(device)?
            .address
            .iter()
            .map(|n| n.addr())
            .find(|a| Family::of(*a) == family)
    }
}

/// Whether an expectation holds.
fn holds(expect: &Expect, outcome: Outcome, receivers: &Receivers, found: Option<&Found>) -> bool {
    match expect {
        Expect::Reply => outcome == Outcome::Reply,
        Expect::Unreachable => matches!(outcome, Outcome::Unreachable(_)),
        Expect::NoReply => outcome == Outcome::NoReply,
        Expect::Ok => outcome == Outcome::Ok,
        Expect::Errno(errno) => matches!(outcome, Outcome::Refused(refusal) if refusal.errno == *errno),
        Expect::Failure => {
            matches!(outcome, Outcome::Unreachable(_) | Outcome::NoReply | Outcome::Refused(_))
        }
        Expect::Receivers(expected) => outcome == Outcome::Ok && are(expected, receivers),
        Expect::Table(expected) => {
            let done = !matches!(outcome, Outcome::Refused(_) | Outcome::TooLate | Outcome::TooMany);
            done && found.is_some_and(|found| is_as_expected(expected, found))
        }
    }
}

/// Whether the receivers of a frame are those that were expected.
fn are(expected: &ExpectedReceivers, receivers: &Receivers) -> bool {
    let same = |wanted: &Option<Vec<Name>>, got: &[Name]| {
        let wanted = wanted.as_ref().map(|names| names.iter().collect::<BTreeSet<_>>());
        wanted.is_none_or(|wanted| wanted.into_iter().eq(got))
    };
    same(&expected.delivered, &receivers.delivered)
        && same(&expected.seen, &receivers.seen)
        && same(&expected.answered, &receivers.answered)
        && !expected.not_delivered.iter().any(|name| receivers.delivered.contains(name))
}
