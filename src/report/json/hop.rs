//! Hops, and the decisions behind them.

use super::{Object, names, nanos};
use crate::frame::MacAddr;
use crate::lab::spec::Name;
use crate::lab::{Candidate, CandidateKind, Decision, DecisionPoint, Finding, Hop, HopKind};
use crate::macvlan::Mode;
use crate::report::words::fdb_kind;

pub(super) fn hop_object(hop: &Hop) -> Object {
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

pub(super) fn decided(decision: &Decision) -> Object {
    let place = match decision.place {
        DecisionPoint::Port => "port",
        DecisionPoint::Parent => "parent",
        DecisionPoint::Switch => "switch",
    };
    Object::event("decision")
        .with("step", decision.step)
        .with("time_ns", decision.time.as_nanos())
        .with("device", decision.device.as_str())
        .with("place", place)
        .with("rule", decision.rule.id())
        .with_objects("found", decision.findings.iter().map(found).collect())
        .with_objects("ways", decision.candidates.iter().map(way).collect())
        .with("frame_id", decision.frame_id)
}

/// The name of a candidate's kind.
pub(in crate::report) fn way_kind(kind: CandidateKind) -> &'static str {
    match kind {
        CandidateKind::Port => "port",
        CandidateKind::Host => "host",
        CandidateKind::Wire => "wire",
        CandidateKind::Parent => "parent",
        CandidateKind::SubInterface => "vlan",
        CandidateKind::SwitchPort => "switch-port",
        CandidateKind::Own => "switch",
        CandidateKind::Bridge => "bridge",
        CandidateKind::Bond => "bond",
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
    let head =
        |what: &str, mac: &MacAddr| Object::default().with("looked_up", what).with("mac", mac.to_string());
    let port = |object: Object, port: &Option<(Name, Mode)>| {
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
