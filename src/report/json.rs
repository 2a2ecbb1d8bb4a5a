//! Events as JSON, one object per line. The format is stable: [`VERSION`] changes when it does.

use super::hosts;
use super::tables;
use super::words::{action_name, fdb_kind, outcome_name, port_state, target};
use crate::counters::Counters;
use crate::explain::Fate;
use crate::frame::VlanId;
use crate::lab::spec::{
    Action, Change, CraftBody, Expect, FrameSpec, InjectPoint, MacvlanSpec, Name, ProbeSpec, SwitchChange,
};
use crate::lab::{
    Candidate, CandidateKind, Decision, DecisionPoint, Device, DeviceState, Event, FdbChange, Finding, Hop,
    HopKind, NeighbourEvent, Outcome, Receivers, SetupStage,
};
use crate::macvlan::SourcesChange;
use crate::switch::{Policy, PortFlag, PortFlags};
use crate::verdict::Rule;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::time::Duration;

/// The version of the events' format, in the `lab` event.
const VERSION: u32 = 1;

/// An object whose keys stay in insertion order.
#[derive(Clone, Debug, Default)]
pub(super) struct Object(Vec<(&'static str, Field)>);

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

    pub(super) fn with(mut self, key: &'static str, value: impl Into<Value>) -> Object {
        self.0.push((key, Field::Value(value.into())));
        self
    }

    pub(super) fn with_object(mut self, key: &'static str, object: Object) -> Object {
        self.0.push((key, Field::Object(object)));
        self
    }
}

/// Writes events as JSON, one object per line.
#[derive(Debug)]
pub struct JsonLines<W: Write> {
    writer: W,
    /// The current step.
    expect: Option<Expect>,
    /// The current step injects a frame.
    injects: bool,
}

impl<W: Write> JsonLines<W> {
    /// Writes to `writer`, preferably buffered.
    pub fn new(writer: W) -> JsonLines<W> {
        JsonLines { writer, expect: None, injects: false }
    }

    /// Writes one event.
    ///
    /// # Errors
    /// Writing fails.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        if let Event::Step { spec, .. } = event {
            self.expect.clone_from(&spec.expect);
            self.injects = matches!(spec.action, Action::Inject { .. });
        }
        let object = self.object(event);
        serde_json::to_writer(&mut self.writer, &object)?;
        self.writer.write_all(b"\n")
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

    fn object(&self, event: &Event) -> Object {
        match event {
            Event::Lab { title, devices } => {
                let mut lab = Object::event("lab").with("version", VERSION).with("title", title.as_str());
                lab.0.push(("devices", Field::Objects(devices.iter().map(device).collect())));
                lab
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
                action(head, &spec.action)
            }
            Event::Hop(hop) => hop_object(hop),
            Event::Decision(decision) => decided(decision),
            Event::Devices { changed, gone } => {
                let mut list = Object::event("devices");
                list.0.push(("changed", Field::Objects(changed.iter().map(device).collect())));
                list.with("gone", names(gone))
            }
            Event::Fdb(change) => learned(change),
            Event::Neighbour(change) => {
                let NeighbourEvent { step, time, device, ip, entry } = change;
                let head = Object::event("neighbour").with("step", *step).with("time_ns", time.as_nanos());
                let head = head.with("device", device.as_str()).with("ip", ip.to_string());
                hosts::neighbour(head, entry.as_ref())
            }
            Event::Neighbours { device, entries } => {
                let mut table = Object::event("neighbours").with("device", device.as_str());
                table.0.push((
                    "entries",
                    Field::Objects(
                        entries.iter().map(|entry| hosts::listed(Object::default(), entry)).collect(),
                    ),
                ));
                table
            }
            Event::Known { step, time, device, neighbour } => {
                let head = Object::event("known").with("step", *step).with("time_ns", time.as_nanos());
                hosts::listed(head.with("device", device.as_str()), neighbour)
            }
            Event::Result { step, outcome, rtt, receivers, held, found } => {
                let result = self.result(*step, *outcome, *rtt, receivers, *held);
                match found {
                    Some(found) => result.with("found", tables::found_keys(found)),
                    None => result,
                }
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
            .with("expect", self.expect.as_ref().map(expect))
            .with("held", held)
            .with("delivered", self.injects.then(|| names(&receivers.delivered)))
            .with("seen", self.injects.then(|| names(&receivers.seen)))
    }
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
    match &device.master {
        Some(master) => object.with("master", master.as_str()),
        None => object,
    }
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

fn hop_object(hop: &Hop) -> Object {
    let (name, packet_type, rule, reason) = match hop.kind {
        HopKind::Arrive(packet_type) => ("arrive", Some(packet_type), None, None),
        HopKind::Receive(packet_type, rule) => ("receive", Some(packet_type), Some(rule), None),
        HopKind::Transmit(rule) => ("transmit", None, Some(rule), None),
        HopKind::Drop(rule) => ("drop", None, Some(rule), Some(rule.why())),
    };
    let mut object = Object::event(name)
        .with("step", hop.step)
        .with("time_ns", hop.time.as_nanos())
        .with("device", hop.device.as_str());
    if let Some(packet_type) = packet_type {
        object = object.with("packet_type", packet_type.name());
    }
    if let Some(rule) = rule {
        object = object.with("rule", rule.id());
    }
    if let Some(reason) = reason {
        object = object.with("reason", reason);
    }
    object.with("frame", hop.frame.to_hex()).with("frame_id", hop.frame_id)
}

fn decided(decision: &Decision) -> Object {
    let place = match decision.place {
        DecisionPoint::Port => "port",
        DecisionPoint::Parent => "parent",
        DecisionPoint::Switch => "switch",
    };
    let mut object = Object::event("decision")
        .with("step", decision.step)
        .with("time_ns", decision.time.as_nanos())
        .with("device", decision.device.as_str())
        .with("place", place)
        .with("rule", decision.rule.id());
    object.0.push(("found", Field::Objects(decision.findings.iter().map(found).collect())));
    object.0.push(("ways", Field::Objects(decision.candidates.iter().map(way).collect())));
    object.with("frame_id", decision.frame_id)
}

/// The name of a candidate's kind.
pub(super) fn way_kind(kind: CandidateKind) -> &'static str {
    match kind {
        CandidateKind::Port => "port",
        CandidateKind::Host => "host",
        CandidateKind::Wire => "wire",
        CandidateKind::Parent => "parent",
        CandidateKind::SubInterface => "vlan",
        CandidateKind::SwitchPort => "switch-port",
        CandidateKind::Own => "switch",
        CandidateKind::Bridge => "bridge",
    }
}

fn way(way: &Candidate) -> Object {
    let (Ok(rule) | Err(rule)) = way.rule;
    let goes = way.rule.is_ok();
    Object::default()
        .with("to", way.to.as_str())
        .with("kind", way_kind(way.kind))
        .with("goes", goes)
        .with("rule", rule.id())
}

fn found(finding: &Finding) -> Object {
    let head = |what: &str, mac: &crate::frame::MacAddr| {
        Object::default().with("looked_up", what).with("mac", mac.to_string())
    };
    let port = |object: Object, port: &Option<(Name, crate::macvlan::Mode)>| {
        object
            .with("device", port.as_ref().map(|(name, _)| name.as_str()))
            .with("mode", port.as_ref().map(|(_, mode)| mode.name()))
    };
    match finding {
        Finding::Destination { mac, port: found } => port(head("destination", mac), found),
        Finding::Source { mac, port: found } => port(head("source", mac), found),
        Finding::Listed { mac, by } => head("lists", mac).with("devices", names(by)),
        Finding::Fdb { mac, entry } => {
            let of = entry.as_ref();
            head("fdb", mac)
                .with("device", of.map(|(port, ..)| port.as_str()))
                .with("entry", of.map(|(_, kind, _)| fdb_kind(*kind)))
                .with("age_ns", of.map(|(.., age)| nanos(*age)))
        }
        Finding::Learns { mac, port, before } => {
            head("learned", mac).with("device", port.as_str()).with("before", before.as_deref())
        }
    }
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

fn expect(expect: &Expect) -> Value {
    match expect {
        Expect::Reply => "reply".into(),
        Expect::Unreachable => "unreachable".into(),
        Expect::NoReply => "no-reply".into(),
        Expect::Ok => "ok".into(),
        Expect::Errno(errno) => errno.name().into(),
        Expect::Failure => "failure".into(),
        Expect::Receivers(expected) => {
            let mut keys = serde_json::Map::new();
            let lists = [("delivered", expected.delivered.as_ref()), ("seen", expected.seen.as_ref())];
            let without = (!expected.not_delivered.is_empty()).then_some(&expected.not_delivered);
            for (key, names) in lists.into_iter().chain([("not_delivered", without)]) {
                keys.extend(names.map(|names| (key.to_owned(), json!(names))));
            }
            keys.into()
        }
        Expect::Table(expected) => tables::expected_keys(expected),
    }
}

/// An action's arguments, with the keys of the lab file.
fn action(object: Object, action: &Action) -> Object {
    match action {
        Action::Ping(probe) | Action::Arping(probe) | Action::Udp(probe) | Action::Tcp(probe) => {
            probed(object, probe)
        }
        Action::Inject { at, entry, frame } => {
            let from = match entry {
                InjectPoint::Device => None,
                InjectPoint::Wire => Some("wire"),
                InjectPoint::Node => Some("node"),
            };
            injected(object.with("at", at.as_str()).with("from", from), frame)
        }
        Action::Set { device, change } => changed(object.with("device", device.as_str()), change),
        Action::SetHost { host, change } => hosts::host_keys(object.with("host", host.as_str()), change),
        Action::SetSwitch { switch, change } => {
            switch_changed(object.with("switch", switch.as_str()), change)
        }
        Action::Add { name, spec } => added(object, name, spec),
        Action::Remove(device) => object.with("device", device.as_str()),
        Action::Wait(time) => object.with("duration_ns", nanos(*time)),
        Action::Replay { capture, at } => {
            object.with("capture", capture.display().to_string()).with("at", at.as_str())
        }
    }
}

fn probed(object: Object, probe: &ProbeSpec) -> Object {
    object
        .with("from", probe.from.as_str())
        .with("to", target(&probe.to))
        .with("count", probe.count)
        .with("timeout_ns", nanos(probe.timeout))
}

/// A crafted frame has no bytes before its step runs; the hops show them.
fn injected(object: Object, frame: &FrameSpec) -> Object {
    match frame {
        FrameSpec::Bytes(bytes) => object.with("frame", crate::frame::Frame::new(bytes).to_hex()),
        FrameSpec::Crafted(craft) => object.with(
            "craft",
            match craft.body {
                CraftBody::Ethernet { .. } => "ethernet",
                CraftBody::Arp { .. } => "arp",
                CraftBody::Icmp { .. } => "icmp",
                CraftBody::Udp { .. } => "udp",
            },
        ),
    }
}

fn changed(object: Object, change: &Change) -> Object {
    let texts = |macs: &[crate::frame::MacAddr]| macs.iter().map(ToString::to_string).collect::<Vec<_>>();
    match change {
        Change::Up(up) => object.with("up", *up),
        Change::Mode(mode) => object.with("mode", mode.name()),
        Change::UnknownMode(mode) => object.with("mode", mode.as_str()),
        Change::Mac(mac) => object.with("mac", mac.to_string()),
        Change::Mtu(mtu) => object.with("mtu", *mtu),
        Change::Flags(flags) => {
            let names = [("nopromisc", flags.nopromisc), ("nodst", flags.nodst)];
            object.with("flags", names.into_iter().filter(|(_, on)| *on).map(|(n, _)| n).collect::<Vec<_>>())
        }
        Change::Bcqueuelen(len) => object.with("bcqueuelen", *len),
        Change::Bclim(lim) => object.with("bclim", *lim),
        Change::Master(master) => object.with("master", master.as_deref()),
        Change::Promisc(on) => object.with("promisc", *on),
        Change::Allmulticast(on) => object.with("allmulticast", *on),
        Change::Join(mac) => object.with("join", mac.to_string()),
        Change::Leave(mac) => object.with("leave", mac.to_string()),
        Change::Sources(change) => object.with_object(
            "sources",
            match change {
                SourcesChange::Add(macs) => Object::default().with("add", texts(macs)),
                SourcesChange::Del(macs) => Object::default().with("del", texts(macs)),
                SourcesChange::Set(macs) => Object::default().with("set", texts(macs)),
                SourcesChange::Flush => Object::default().with("flush", true),
            },
        ),
        Change::Sysctl(settings) => object.with_object("sysctl", hosts::sysctl_keys(settings)),
        Change::Addresses(change) => object.with_object("address", hosts::address_keys(change)),
        Change::Neighbours(change) => object.with_object("neighbours", hosts::neighbour_keys(change)),
        Change::Host(host) => object.with("host", host.as_str()),
    }
}

fn switch_changed(object: Object, change: &SwitchChange) -> Object {
    match change {
        SwitchChange::Flag { port, flag, value } => {
            object.with("port", port.as_str()).with(flag.name(), *value)
        }
        SwitchChange::State { port, state } => {
            object.with("port", port.as_str()).with("state", port_state(*state))
        }
        SwitchChange::GroupFwdMask { port, mask } => {
            object.with("port", port.as_deref()).with("group_fwd_mask", *mask)
        }
        SwitchChange::Vlans { port, vlans } => {
            let ids = |all: &[VlanId]| all.iter().map(|vlan| vlan.get()).collect::<Vec<_>>();
            let table = Object::default()
                .with("pvid", vlans.pvid.map(VlanId::get))
                .with("untagged", ids(&vlans.untagged))
                .with("tagged", ids(&vlans.tagged));
            object.with("port", port.as_str()).with_object("vlan", table)
        }
        SwitchChange::Policy { port, policy } => {
            object.with("port", port.as_str()).with("policy", policy.map_or("none", Policy::name))
        }
        SwitchChange::Ageing(time) => object.with("ageing_ns", nanos(*time)),
        SwitchChange::Fdb(entry) => {
            let written = Object::default()
                .with("mac", entry.mac.to_string())
                .with("port", entry.port.as_str())
                .with("sticky", entry.sticky)
                .with("dynamic", entry.dynamic)
                .with("vlan", entry.vlan.map(VlanId::get));
            object.with_object("fdb", if entry.replace { written.with("replace", true) } else { written })
        }
        SwitchChange::FdbDel { mac, vlan } => {
            let entry = Object::default().with("mac", mac.to_string()).with("del", true);
            let vlan = vlan.map(|vlan| ("vlan", vlan.get()));
            object.with_object("fdb", vlan.into_iter().fold(entry, |entry, (key, id)| entry.with(key, id)))
        }
    }
}

fn added(object: Object, name: &str, spec: &MacvlanSpec) -> Object {
    object
        .with("device", name)
        .with("kind", spec.device_type().name())
        .with("parent", spec.parent.as_str())
        .with("mode", spec.mode.name())
        .with("mac", spec.requested_mac(name).to_string())
}
