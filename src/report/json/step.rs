//! The steps: their arguments, with the keys of the lab file, and what is expected of them.

use super::{Object, nanos};
use crate::frame::VlanId;
use crate::lab::spec::{
    Action, Change, CraftBody, Expect, FrameSpec, InjectPoint, MacvlanSpec, ProbeSpec, SwitchChange,
};
use crate::macvlan::SourcesChange;
use crate::report::words::{port_state, target};
use crate::report::{hosts, tables};
use crate::switch::Policy;
use serde_json::{Value, json};

pub(super) fn expect(expect: &Expect) -> Value {
    match expect {
        Expect::Reply => "reply".into(),
        Expect::Unreachable => "unreachable".into(),
        Expect::NoReply => "no-reply".into(),
        Expect::Ok => "ok".into(),
        Expect::Errno(errno) => errno.name().into(),
        Expect::Failure => "failure".into(),
        Expect::Receivers(expected) => {
            let mut keys = serde_json::Map::new();
            let lists = [
                ("delivered", expected.delivered.as_ref()),
                ("seen", expected.seen.as_ref()),
                ("answered", expected.answered.as_ref()),
            ];
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
pub(super) fn action(object: Object, action: &Action) -> Object {
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
        Change::Active(port) => object.with("active", port.as_deref()),
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
