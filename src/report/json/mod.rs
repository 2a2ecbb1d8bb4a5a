//! Events as JSON, one object per line. The format is stable: [`VERSION`] changes when it does.

mod hop;
mod step;

pub(super) use hop::way_kind;

use super::hosts;
use super::reasons::{Reason, StepLog};
use super::tables;
use super::words::{action_name, fdb_kind, outcome_name, port_state};
use crate::counters::Counters;
use crate::explain::Fate;
use crate::frame::VlanId;
use crate::lab::spec::{Action, Expect, Name};
use crate::lab::{Device, DeviceState, Event, FdbChange, NeighbourEvent, Outcome, Receivers, SetupStage};
use crate::switch::{PortFlag, PortFlags};
use crate::verdict::Rule;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use std::io::{self, Write};
use std::time::Duration;

/// The version of the events' format, in the `lab` event.
const VERSION: u32 = 1;

/// An object whose keys stay in insertion order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object(Vec<(&'static str, Field)>);

/// A value, or an ordered object or list of objects.
#[derive(Clone, Debug)]
enum Field {
    Value(Value),
    Object(Object),
    Objects(Vec<Object>),
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, field) in &self.0 {
            match field {
                Field::Value(value) => map.serialize_entry(key, value)?,
                Field::Object(object) => map.serialize_entry(key, object)?,
                Field::Objects(objects) => map.serialize_entry(key, objects)?,
            }
        }
        map.end()
    }
}

impl Object {
    fn event(name: &'static str) -> Object {
        Object::default().with("event", name)
    }

    fn with_objects(mut self, key: &'static str, objects: Vec<Object>) -> Object {
        self.0.push((key, Field::Objects(objects)));
        self
    }

    pub(super) fn with(mut self, key: &'static str, value: impl Into<Value>) -> Object {
        self.0.push((key, Field::Value(value.into())));
        self
    }

    pub(super) fn with_object(mut self, key: &'static str, object: Object) -> Object {
        self.0.push((key, Field::Object(object)));
        self
    }
}

/// Writes events as JSON, one object per line. The result of a step has its causes, as far as the events show them:
/// all of them if [decisions] and [changes] are among the events.
///
/// [decisions]: crate::lab::Options::decisions
/// [changes]: crate::lab::Options::changes
#[derive(Debug)]
pub struct JsonLines<W: Write> {
    writer: W,
    /// The current step.
    expect: Option<Expect>,
    /// The current step injects a frame.
    injects: bool,
    step_log: StepLog,
}

impl<W: Write> JsonLines<W> {
    /// Writes to `writer`, preferably buffered.
    pub fn new(writer: W) -> JsonLines<W> {
        JsonLines { writer, expect: None, injects: false, step_log: StepLog::default() }
    }

    /// Writes one event.
    ///
    /// # Errors
    /// Writing fails.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        self.note(event);
        if let Event::Step { spec, .. } = event {
            self.expect.clone_from(&spec.expect);
            self.injects = matches!(spec.action, Action::Inject { .. });
        }
        let object = self.object(event);
        serde_json::to_writer(&mut self.writer, &object)?;
        self.writer.write_all(b"\n")
    }

    /// Takes note of an event that is not written, for the causes of results.
    pub fn note(&mut self, event: &Event) {
        self.step_log.event(event);
    }

    /// Writes the outcome of a frame at a device.
    ///
    /// # Errors
    /// Writing fails.
    pub fn fate(&mut self, frame_id: u64, device: &str, fate: &Fate) -> io::Result<()> {
        let (word, rule, at) = match fate {
            Fate::Got(rule) => ("got", Some(*rule), Some(device)),
            Fate::Overheard(rule) => ("ignored", Some(*rule), Some(device)),
            Fate::Kept { rule, at, .. } => ("not", Some(*rule), Some(at.as_str())),
            Fate::Apart => ("apart", None, None),
        };
        let mut object = Object::event("fate")
            .with("frame_id", frame_id)
            .with("device", device)
            .with("fate", word)
            .with("rule", rule.map(Rule::id))
            .with("at", at)
            .with("reason", rule.map(Rule::why));
        if let Fate::Kept { also: Some(also), .. } = fate {
            object = object.with("also", also.id());
        }
        serde_json::to_writer(&mut self.writer, &object)?;
        self.writer.write_all(b"\n")
    }

    /// The underlying writer.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.writer
    }

    /// Flushes buffered data.
    ///
    /// # Errors
    /// Writing fails.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    /// Flushes, and returns the writer.
    ///
    /// # Errors
    /// Flushing fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.writer.flush()?;
        Ok(self.writer)
    }

    fn object(&mut self, event: &Event) -> Object {
        match event {
            Event::Lab { title, devices } => {
                let lab = Object::event("lab").with("version", VERSION).with("title", title.as_str());
                lab.with_objects("devices", devices.iter().map(device).collect())
            }
            Event::Setup { device, parent, stage, refusal, expected } => Object::event("setup")
                .with("device", device.as_str())
                .with("parent", parent.as_deref())
                .with("stage", stage_name(*stage))
                .with("errno", refusal.errno.name())
                .with("rule", refusal.rule.id())
                .with("expected", *expected),
            Event::Step { step, spec } => {
                let head =
                    Object::event("step").with("step", *step).with("action", action_name(&spec.action));
                step::action(head, &spec.action)
            }
            Event::Hop(hop) => hop::hop_object(hop),
            Event::Decision(decision) => hop::decided(decision),
            Event::Devices { changed, gone } => {
                let changed = changed.iter().map(device).collect();
                Object::event("devices").with_objects("changed", changed).with("gone", names(gone))
            }
            Event::Fdb(change) => learned(change),
            Event::Neighbour(change) => {
                let NeighbourEvent { step, time, device, ip, entry } = change;
                let head = Object::event("neighbour").with("step", *step).with("time_ns", time.as_nanos());
                let head = head.with("device", device.as_str()).with("ip", ip.to_string());
                hosts::neighbour(head, entry.as_ref())
            }
            Event::Neighbours { device, entries } => {
                let entries = entries.iter().map(|entry| hosts::listed(Object::default(), entry)).collect();
                let table = Object::event("neighbours").with("device", device.as_str());
                table.with_objects("entries", entries)
            }
            Event::Known { step, time, device, neighbour, since_step } => {
                let head = Object::event("known").with("step", *step).with("time_ns", time.as_nanos());
                hosts::listed(head.with("device", device.as_str()), neighbour).with("since_step", *since_step)
            }
            Event::Result { step, outcome, rtt, receivers, held, found } => {
                let result = self.result(*step, *outcome, *rtt, receivers, *held);
                let result = match found {
                    Some(found) => result.with("found", tables::found_keys(found)),
                    None => result,
                };
                let causes = self.step_log.end(*outcome).map(|(_, reasons)| reasons).unwrap_or_default();
                result.with_objects("because", because(&causes))
            }
            Event::Counters { device, counters } => counted(device, counters),
            Event::State { device, state } => standing(device, state),
        }
    }

    fn result(
        &self,
        step: usize,
        outcome: Outcome,
        rtt: Option<Duration>,
        receivers: &Receivers,
        held: Option<bool>,
    ) -> Object {
        let refusal = if let Outcome::Refused(refusal) = outcome { Some(refusal) } else { None };
        let reason = if let Outcome::Unreachable(why) = outcome { Some(why.to_string()) } else { None };
        Object::event("result")
            .with("step", step)
            .with("outcome", outcome_name(outcome))
            .with("errno", refusal.map(|r| r.errno.name()))
            .with("rule", outcome.rule().map(Rule::id))
            .with("reason", reason)
            .with("rtt_ns", rtt.map(nanos))
            .with("expect", self.expect.as_ref().map(step::expect))
            .with("held", held)
            .with("delivered", self.injects.then(|| names(&receivers.delivered)))
            .with("seen", self.injects.then(|| names(&receivers.seen)))
            .with("answered", self.injects.then(|| names(&receivers.answered)))
    }
}

/// The rules that made the difference for the outcome of a step.
pub(crate) fn because(reasons: &[Reason]) -> Vec<Object> {
    let object = |Reason { rule, also, at, text }: &Reason| {
        let cause = Object::default().with("rule", rule.id());
        let cause = also.iter().fold(cause, |cause, also| cause.with("also", also.id()));
        cause.with("at", at.as_deref()).with("text", text.as_str())
    };
    reasons.iter().map(object).collect()
}

/// A list of names.
fn names(names: &[Name]) -> Vec<&str> {
    names.iter().map(Name::as_str).collect()
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn stage_name(stage: SetupStage) -> &'static str {
    match stage {
        SetupStage::Create => "create",
        SetupStage::Enslave => "enslave",
        SetupStage::Up => "up",
    }
}

/// A device, as in the list of the first event.
pub(super) fn device(device: &Device) -> Object {
    let object = Object::default()
        .with("name", device.name.as_str())
        .with("kind", device.kind.name())
        .with("mac", device.mac.map(|m| m.to_string()))
        .with("parent", device.parent.as_deref())
        .with("host", device.host.as_deref())
        .with("mode", device.mode.map(|m| m.name()))
        .with("peer", device.peer.as_deref())
        .with("address", device.address.iter().map(ToString::to_string).collect::<Vec<_>>())
        .with("up", device.up)
        .with("vlan", device.vlan.map(VlanId::get))
        .with("flags", device.port.map(|port| flags_on(port.flags)))
        .with("state", device.port.map(|port| port_state(port.state)));
    // Few devices have one.
    let with = |object: Object, key, name: &Option<Name>| match name {
        Some(name) => object.with(key, name.as_str()),
        None => object,
    };
    with(with(object, "master", &device.master), "active", &device.active)
}

/// The names of the flags that are on.
fn flags_on(flags: PortFlags) -> Vec<&'static str> {
    PortFlag::ALL.into_iter().filter(|flag| flags.get(*flag)).map(PortFlag::name).collect()
}

fn learned(change: &FdbChange) -> Object {
    let entry = change.entry.as_ref();
    Object::event("fdb")
        .with("step", change.step)
        .with("time_ns", change.time.as_nanos())
        .with("switch", change.switch.as_str())
        .with("vlan", change.vlan.map(VlanId::get))
        .with("mac", change.mac.to_string())
        .with("device", entry.map(|(port, _)| port.as_str()))
        .with("entry", entry.map(|(_, kind)| fdb_kind(*kind)))
}

/// The counters of a device.
pub(super) fn counted(device: &str, counters: &Counters) -> Object {
    Object::event("counters")
        .with("device", device)
        .with("rx_packets", counters.rx_packets)
        .with("rx_bytes", counters.rx_bytes)
        .with("rx_dropped", counters.rx_dropped)
        .with("rx_errors", counters.rx_errors)
        .with("multicast", counters.multicast)
        .with("tx_packets", counters.tx_packets)
        .with("tx_bytes", counters.tx_bytes)
        .with("tx_dropped", counters.tx_dropped)
}

/// The state of a device.
pub(super) fn standing(device: &str, state: &DeviceState) -> Object {
    Object::event("state")
        .with("device", device)
        .with("mac", state.mac.to_string())
        .with("mtu", state.mtu)
        .with("mode", state.mode.map(|m| m.name()))
        .with("up", state.up)
        .with("carrier", state.carrier)
        .with("promiscuity", state.promiscuity)
}
