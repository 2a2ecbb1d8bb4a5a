//! Steps and outcomes in plain words.

use super::hosts;
use super::tables;
use crate::frame::VlanId;
use crate::lab::spec::{
    Action, Change, CraftBody, Expect, ExpectedReceivers, FrameSpec, InjectPoint, MacvlanSpec, Name,
    ProbeSpec, StepSpec, SwitchChange, Target,
};
use crate::lab::{Outcome, Receivers, SwitchPort};
use crate::macvlan::{MacvlanFlags, SourcesChange};
use crate::switch::{FdbKind, PortFlag, PortFlags, PortState};
use crate::verdict::{Refusal, Rule};
use std::fmt::{Display, Write as _};
use std::time::Duration;

/// A step's action: `c1 pings c2`.
#[must_use]
pub fn step_in_words(step: &StepSpec) -> String {
    match &step.action {
        Action::Ping(probe) => probed(probe, "pings"),
        Action::Arping(probe) => probed(probe, "sends an ARP request for"),
        Action::Udp(probe) => probed(probe, "sends UDP to"),
        Action::Tcp(probe) => probed(probe, "connects by TCP to"),
        Action::Inject { at, entry: InjectPoint::Wire, frame } => {
            format!("{} arrives at {at} from the wire", a_frame(frame))
        }
        Action::Inject { at, entry: InjectPoint::Node, frame } => {
            format!("{} is written to the device node of {at}", a_frame(frame))
        }
        Action::Inject { at, entry: InjectPoint::Device, frame } => format!("{at} sends {}", a_frame(frame)),
        Action::Set { device, change } => changed(device, change),
        Action::SetHost { host, change } => hosts::host_changed(host, change),
        Action::SetSwitch { switch, change } => switch_changed(switch, change),
        Action::Add { name, spec } => added(name, spec),
        Action::Remove(device) => format!("{device} is removed"),
        Action::Wait(time) => format!("{} pass", duration(*time)),
        Action::Replay { capture, at } => format!("{} is replayed at {at}", capture.display()),
    }
}

/// The name of a step's action, as lab files and events have it.
pub(super) fn action_name(action: &Action) -> &'static str {
    match action {
        Action::Ping(_) => "ping",
        Action::Arping(_) => "arping",
        Action::Udp(_) => "udp",
        Action::Tcp(_) => "tcp",
        Action::Inject { .. } => "inject",
        Action::Set { .. } | Action::SetHost { .. } | Action::SetSwitch { .. } => "set",
        Action::Add { .. } => "add",
        Action::Remove(_) => "remove",
        Action::Wait(_) => "wait",
        Action::Replay { .. } => "replay",
    }
}

/// A step's outcome: `a reply after 0.020 ms`, `delivered to c1 and c2`.
#[must_use]
pub fn outcome_in_words(
    action: &Action,
    outcome: Outcome,
    rtt: Option<Duration>,
    receivers: &Receivers,
) -> String {
    match (outcome, action) {
        (Outcome::Reply, _) => match rtt {
            Some(rtt) => format!("a reply after {} ms", millis(rtt)),
            None => "a reply".to_owned(),
        },
        (Outcome::Unreachable(why), _) => format!("unreachable: {why}"),
        (Outcome::NoReply, _) => "no reply".to_owned(),
        (Outcome::Ok, Action::Inject { .. }) => got_it(receivers),
        (Outcome::Ok, _) => "done".to_owned(),
        (Outcome::Refused(refusal), _) => format!("refused with {refusal}"),
        (Outcome::TooLate, _) => "not run: it could run beyond the lab's time limit of 100 years".to_owned(),
        (Outcome::TooMany, _) => {
            format!(
                "ended: the number of frames in flight kept growing, as in a loop that multiplies them; most were going to {}",
                list(&receivers.delivered)
            )
        }
    }
}

/// The name of an outcome in events.
pub(super) fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Reply => "reply",
        Outcome::Unreachable(_) => "unreachable",
        Outcome::NoReply => "no-reply",
        Outcome::Ok => "ok",
        Outcome::Refused(_) => "error",
        Outcome::TooLate => "too-late",
        Outcome::TooMany => "too-many",
    }
}

/// A step's expected outcome.
pub(super) fn expectation(expect: &Expect) -> String {
    match expect {
        Expect::Reply => "a reply".to_owned(),
        Expect::Unreachable => "unreachable".to_owned(),
        Expect::NoReply => "no reply".to_owned(),
        Expect::Ok => "success".to_owned(),
        Expect::Errno(errno) => format!("{errno}"),
        Expect::Failure => "a failure".to_owned(),
        Expect::Receivers(expected) => expected_receivers(expected),
        Expect::Table(expected) => tables::expected(expected),
    }
}

/// The name of a kind of forwarding entry.
pub(crate) fn fdb_kind(kind: FdbKind) -> &'static str {
    match kind {
        FdbKind::Dynamic => "learned",
        FdbKind::Static => "static",
        FdbKind::Sticky => "sticky",
    }
}

/// A span of time in milliseconds, to the microsecond.
pub(super) fn millis(time: Duration) -> String {
    let us = time.as_micros();
    format!("{}.{:03}", us / 1000, us % 1000)
}

/// `delivered to c1 and c2; seen by win`
fn got_it(receivers: &Receivers) -> String {
    let some = |names: &[Name], how| (!names.is_empty()).then(|| came_to(how, names));
    let Receivers { delivered, seen, answered } = receivers;
    [Some(came_to("delivered to", delivered)), some(seen, "seen by"), some(answered, "answered by")]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("; ")
}

/// `delivered to c1; not delivered to c2`
fn expected_receivers(expected: &ExpectedReceivers) -> String {
    let without = if expected.not_delivered.is_empty() { None } else { Some(&expected.not_delivered) };
    [
        expected.delivered.as_ref().map(|names| came_to("delivered to", names)),
        expected.seen.as_ref().map(|names| came_to("seen by", names)),
        expected.answered.as_ref().map(|names| came_to("answered by", names)),
        without.map(|names| came_to("not delivered to", names)),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join("; ")
}

fn came_to(how: &str, devices: &[Name]) -> String {
    if devices.is_empty() { format!("{how} no device") } else { format!("{how} {}", list(devices)) }
}

/// `, with R34`: another rule without which a frame would not have been lost either.
pub(super) fn with(also: Option<Rule>) -> String {
    also.map(|also| format!(", with {also}")).unwrap_or_default()
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list<T: Display>(items: &[T]) -> String {
    let mut text = String::new();
    for (i, item) in items.iter().enumerate() {
        let between = match i {
            0 => "",
            _ if i + 1 == items.len() => " and ",
            _ => ", ",
        };
        // Writing to a string does not fail.
        let _ = write!(text, "{between}{item}");
    }
    text
}

fn probed(probe: &ProbeSpec, verb: &str) -> String {
    let times = if probe.count == 1 { String::new() } else { format!(" {} times", probe.count) };
    format!("{} {verb} {}{times}", probe.from, target(&probe.to))
}

pub(super) fn target(target: &Target) -> String {
    match target {
        Target::Device(name) => name.to_string(),
        Target::Address(address) => address.to_string(),
    }
}

fn a_frame(frame: &FrameSpec) -> String {
    match frame {
        FrameSpec::Bytes(bytes) => format!("a frame ({})", crate::frame::summary(bytes)),
        FrameSpec::Crafted(craft) => match &craft.body {
            CraftBody::Ethernet { ethertype, .. } => format!("a frame of ethertype {ethertype:#06x}"),
            CraftBody::Arp { op: 1, .. } => "an ARP request".to_owned(),
            CraftBody::Arp { op: 2, .. } => "an ARP reply".to_owned(),
            CraftBody::Arp { op, .. } => format!("an ARP packet with operation {op}"),
            CraftBody::Icmp { .. } => "an echo request".to_owned(),
            CraftBody::Udp { .. } => "a UDP datagram".to_owned(),
        },
    }
}

fn changed(device: &str, change: &Change) -> String {
    let on_off = |what: &str, on: bool| {
        let state = if on { "on" } else { "off" };
        format!("{device}: {what} {state}")
    };
    match change {
        Change::Up(true) => format!("{device} goes up"),
        Change::Up(false) => format!("{device} goes down"),
        Change::Mode(mode) => format!("{device} changes to mode {mode}"),
        Change::UnknownMode(mode) => format!("{device} is to change to a mode `{mode}`"),
        Change::Mac(mac) => format!("{device} changes its MAC address to {mac}"),
        Change::Mtu(mtu) => format!("{device} changes its mtu to {mtu}"),
        Change::Flags(MacvlanFlags { nopromisc, nodst }) => {
            let of = |on: &bool| if *on { "on" } else { "off" };
            format!("{device}: nopromisc {}, nodst {}", of(nopromisc), of(nodst))
        }
        Change::Bcqueuelen(len) => format!("{device} requests a broadcast queue of {len} frames"),
        Change::Bclim(lim) => format!("{device} sets the broadcast cut-off to {lim}"),
        Change::Promisc(on) => on_off("promiscuous", *on),
        Change::Allmulticast(on) => on_off("all-multicast", *on),
        Change::Master(Some(master)) => format!("{device} becomes a port of {master}"),
        Change::Master(None) => format!("{device} leaves its master"),
        Change::Active(Some(port)) => format!("{port} becomes the active port of {device}"),
        Change::Active(None) => format!("{device} chooses its active port again"),
        Change::Join(group) => format!("{device} joins {group}"),
        Change::Leave(group) => format!("{device} leaves {group}"),
        Change::Sources(SourcesChange::Add(macs)) => {
            format!("{device} adds {} to its source list", list(macs))
        }
        Change::Sources(SourcesChange::Del(macs)) => {
            format!("{device} removes {} from its source list", list(macs))
        }
        Change::Sources(SourcesChange::Set(macs)) if macs.is_empty() => {
            format!("{device} empties its source list")
        }
        Change::Sources(SourcesChange::Set(macs)) => {
            format!("{device} sets its source list to {}", list(macs))
        }
        Change::Sources(SourcesChange::Flush) => format!("{device} empties its source list"),
        Change::Sysctl(settings) => hosts::sysctls_set(device, settings),
        Change::Addresses(change) => hosts::addresses_changed(device, change),
        Change::Neighbours(change) => hosts::neighbours_changed(device, change),
        Change::Host(host) => format!("{device} moves to the host {host}"),
    }
}

fn switch_changed(switch: &str, change: &SwitchChange) -> String {
    match change {
        SwitchChange::Flag { port, flag, value } => {
            let state = if *value { "on" } else { "off" };
            format!("{switch}: {} {state} at the port of {port}", flag.name())
        }
        SwitchChange::State { port, state } => {
            format!("{switch}: the port of {port} becomes {}", port_state(*state))
        }
        SwitchChange::GroupFwdMask { port: Some(port), mask } => {
            format!("{switch}: group_fwd_mask {mask:#06x} at the port of {port}")
        }
        SwitchChange::GroupFwdMask { port: None, mask } => format!("{switch}: group_fwd_mask {mask:#06x}"),
        SwitchChange::Vlans { port, vlans } => {
            let ids = |all: &[VlanId]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let pvid = vlans.pvid.map_or_else(|| "none".to_owned(), |vlan| vlan.to_string());
            let (untagged, tagged) = (ids(&vlans.untagged), ids(&vlans.tagged));
            format!("{switch}: the port of {port} has pvid {pvid}, untagged [{untagged}], tagged [{tagged}]")
        }
        SwitchChange::Policy { port, policy: Some(policy) } => {
            format!("{switch}: the policy {} at the port of {port}", policy.name())
        }
        SwitchChange::Policy { port, policy: None } => format!("{switch}: no policy at the port of {port}"),
        SwitchChange::Ageing(time) => format!("{switch}: the ageing time is {}", duration(*time)),
        SwitchChange::Fdb(entry) => {
            let kind = match (entry.sticky, entry.dynamic) {
                (true, _) => "sticky",
                (_, true) => "dynamic",
                _ => "static",
            };
            format!("{switch}: a {kind} entry puts {} at the port of {}", entry.mac, entry.port)
        }
        SwitchChange::FdbDel { mac, vlan: None } => format!("{switch}: the entry of {mac} is deleted"),
        SwitchChange::FdbDel { mac, vlan: Some(vlan) } => {
            format!("{switch}: the entry of {mac} in VLAN {vlan} is deleted")
        }
    }
}

/// The state's name in `bridge link`.
pub(super) fn port_state(state: PortState) -> String {
    match state {
        PortState::Disabled => "disabled".to_owned(),
        PortState::Listening => "listening".to_owned(),
        PortState::Learning => "learning".to_owned(),
        PortState::Forwarding => "forwarding".to_owned(),
        PortState::Blocking => "blocking".to_owned(),
        PortState::Invalid(n) => n.to_string(),
    }
}

fn added(name: &str, spec: &MacvlanSpec) -> String {
    let kind = spec.device_type();
    format!("{kind} {name} is added on {} in mode {}", spec.parent, spec.mode)
}

/// `2 s`, `5 ms`, or nanoseconds.
fn duration(time: Duration) -> String {
    let ns = time.as_nanos();
    if ns.is_multiple_of(1_000_000_000) {
        format!("{} s", ns / 1_000_000_000)
    } else if ns.is_multiple_of(1_000_000) {
        format!("{} ms", ns / 1_000_000)
    } else {
        format!("{ns} ns")
    }
}

/// The unusual settings of a switch port: `hairpin on`, flags that differ from the defaults, a state that does not
/// forward.
pub(super) fn port_notes(port: SwitchPort) -> Vec<String> {
    let mut notes: Vec<String> = PortFlag::ALL
        .into_iter()
        .filter(|flag| port.flags.get(*flag) != PortFlags::default().get(*flag))
        .map(|flag| format!("{} {}", flag.name(), if port.flags.get(flag) { "on" } else { "off" }))
        .collect();
    if port.state != PortState::Forwarding {
        notes.push(port_state(port.state));
    }
    notes
}

/// A name with terminal control characters escaped.
pub(super) fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// That a device that was made did not become a port.
pub(super) fn not_enslaved(refusal: Refusal) -> &'static str {
    if refusal.rule == Rule::BondEnslave { "is no port of its bond" } else { "is no port of its bridge" }
}
