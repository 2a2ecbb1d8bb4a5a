//! Steps.

use super::keys::{Keys, duration, hex, list, quote};
use super::{fdb_entry, flags, host, macvlan_keys, policy, state, vlans};
use crate::frame::{Craft, CraftBody, IpRef, MacRef, Tag};
use crate::lab::spec::{
    Action, Change, DEFAULT_TIMEOUT, Expect, ExpectedEntry, ExpectedTable, FrameSpec, InjectPoint, Name,
    ProbeSpec, StepSpec, SwitchChange, Target,
};
use crate::labfile::craft;
use crate::labfile::expected::ABSENT;
use crate::macvlan::SourcesChange;

/// The keys of one step.
pub(super) fn keys(step: &StepSpec) -> Keys {
    let mut keys = Keys::default();
    match &step.action {
        Action::Ping(spec) => keys.put("ping", probe(spec)),
        Action::Arping(spec) => keys.put("arping", probe(spec)),
        Action::Udp(spec) => keys.put("udp", probe(spec)),
        Action::Tcp(spec) => keys.put("tcp", probe(spec)),
        Action::Inject { at, entry, frame } => keys.put("inject", inject(at, *entry, frame)),
        Action::Set { device, change } => keys.put("set", set(device, change)),
        Action::SetHost { host, change } => keys.put("set", host::set_host(host, change)),
        Action::SetSwitch { switch, change } => keys.put("set", set_switch(switch, change)),
        Action::Add { name, spec } => {
            let mut table = Keys::default();
            table.text(spec.device_type().name(), name);
            macvlan_keys(&mut table, spec);
            keys.put("add", table.inline());
        }
        Action::Remove(name) => keys.text("remove", name),
        Action::Wait(time) => keys.text("wait", &duration(*time)),
        Action::Replay { capture, at } => {
            let mut table = Keys::default();
            table.text("capture", &capture.to_string_lossy());
            table.text("at", at);
            keys.put("replay", table.inline());
        }
    }
    match &step.expect {
        None => {}
        Some(Expect::Reply) => keys.text("expect", "reply"),
        Some(Expect::Unreachable) => keys.text("expect", "unreachable"),
        Some(Expect::NoReply) => keys.text("expect", "no-reply"),
        Some(Expect::Ok) => keys.text("expect", "ok"),
        Some(Expect::Errno(errno)) => keys.text("expect", errno.name()),
        Some(Expect::Failure) => keys.text("expect", "failure"),
        Some(Expect::Receivers(expected)) => {
            let mut table = Keys::default();
            let mut put = |key, names: &[Name]| table.put(key, list(names));
            expected.delivered.iter().for_each(|names| put("delivered", names));
            expected.seen.iter().for_each(|names| put("seen", names));
            expected.answered.iter().for_each(|names| put("answered", names));
            if !expected.not_delivered.is_empty() {
                put("not_delivered", &expected.not_delivered);
            }
            keys.put("expect", table.inline());
        }
        Some(Expect::Table(expected)) => {
            let mut table = Keys::default();
            let (key, entry) = expected_table(expected);
            table.put(key, entry.inline());
            keys.put("expect", table.inline());
        }
    }
    keys
}

/// The key of an expectation about a table, and what it says.
fn expected_table(expected: &ExpectedTable) -> (&'static str, Keys) {
    let mut keys = Keys::default();
    match expected {
        ExpectedTable::Fdb { switch, mac, port } => {
            keys.text("switch", switch);
            keys.text("mac", &mac.to_string());
            keys.text("port", port.as_deref().unwrap_or_default());
            ("fdb", keys)
        }
        ExpectedTable::Neighbour { device, ip, entry } => {
            keys.text("device", device);
            keys.text("ip", &ip.to_string());
            match entry {
                ExpectedEntry::Absent => keys.text("state", ABSENT),
                ExpectedEntry::Present { state, mac } => {
                    state.iter().for_each(|state| keys.text("state", state.name()));
                    mac.iter().for_each(|mac| keys.text("mac", &mac.to_string()));
                }
            }
            ("neighbour", keys)
        }
    }
}

fn probe(spec: &ProbeSpec) -> String {
    let mut keys = Keys::default();
    keys.text("from", &spec.from);
    match &spec.to {
        Target::Device(name) => keys.text("to", name),
        Target::Address(addr) => keys.text("to", &addr.to_string()),
    }
    keys.unless("count", &spec.count, &1);
    if spec.timeout != DEFAULT_TIMEOUT {
        keys.text("timeout", &duration(spec.timeout));
    }
    keys.inline()
}

fn inject(at: &str, entry: InjectPoint, frame: &FrameSpec) -> String {
    let mut keys = Keys::default();
    keys.text("at", at);
    match entry {
        InjectPoint::Device => {}
        InjectPoint::Wire => keys.text("from", "wire"),
        InjectPoint::Node => keys.text("from", "node"),
    }
    match frame {
        FrameSpec::Bytes(bytes) => keys.put("frame", hex(bytes)),
        FrameSpec::Crafted(craft) => {
            let (key, body) = body(&craft.body);
            keys.put(key, crafted(craft, body));
        }
    }
    keys.inline()
}

fn crafted(craft: &Craft, body: Keys) -> String {
    let mut keys = Keys::default();
    mac_ref(&mut keys, "dst", craft.dst.as_ref());
    mac_ref(&mut keys, "src", craft.src.as_ref());
    match craft.tags.as_slice() {
        [] => {}
        [one] => keys.put("vlan", tag(*one)),
        all => keys.put("vlan", format!("[{}]", all.iter().map(|t| tag(*t)).collect::<Vec<_>>().join(", "))),
    }
    keys.extend(body);
    keys.unless("pad", &craft.pad, &0);
    keys.inline()
}

fn tag(tag: Tag) -> String {
    let id = tag.vlan();
    if tag.tpid == craft::DEFAULT_TPID && tag.tci == id.get() {
        return id.to_string();
    }
    let mut keys = Keys::default();
    if tag.tpid != craft::DEFAULT_TPID {
        keys.put("tpid", format!("{:#06x}", tag.tpid));
    }
    keys.put("id", id.to_string());
    keys.unless("pcp", &(tag.tci >> 13), &0);
    keys.unless("dei", &(tag.tci >> 12 & 1 == 1), &false);
    keys.inline()
}

fn mac_ref(keys: &mut Keys, key: &str, mac: Option<&MacRef>) {
    match mac {
        None => {}
        Some(MacRef::Addr(addr)) => keys.text(key, &addr.to_string()),
        Some(MacRef::Device(name)) => keys.text(key, name),
    }
}

fn ip_ref(keys: &mut Keys, key: &str, ip: Option<&IpRef>) {
    match ip {
        None => {}
        Some(IpRef::Addr(addr)) => keys.text(key, &addr.to_string()),
        Some(IpRef::Device(name)) => keys.text(key, name),
    }
}

/// The key of a crafted body, and the keys in it.
fn body(body: &CraftBody) -> (&'static str, Keys) {
    let mut keys = Keys::default();
    let key = match body {
        CraftBody::Ethernet { ethertype, payload } => {
            if *ethertype != craft::DEFAULT_ETHERTYPE {
                keys.put("ethertype", format!("{ethertype:#06x}"));
            }
            if !payload.is_empty() {
                keys.put("payload", hex(payload));
            }
            "ethernet"
        }
        CraftBody::Arp { op, sender_mac, sender_ip, target_mac, target_ip } => {
            match op {
                1 => {}
                2 => keys.text("op", "reply"),
                other => keys.put("op", other.to_string()),
            }
            mac_ref(&mut keys, "sender_mac", sender_mac.as_ref());
            ip_ref(&mut keys, "sender_ip", sender_ip.as_ref());
            mac_ref(&mut keys, "target_mac", target_mac.as_ref());
            ip_ref(&mut keys, "target_ip", Some(target_ip));
            "arp"
        }
        CraftBody::Icmp { from, to, id, seq, ttl, size } => {
            ip_ref(&mut keys, "from", from.as_ref());
            ip_ref(&mut keys, "to", Some(to));
            keys.unless("id", id, &craft::DEFAULT_ECHO);
            keys.unless("seq", seq, &craft::DEFAULT_ECHO);
            keys.unless("ttl", ttl, &craft::DEFAULT_TTL);
            keys.unless("size", size, &craft::DEFAULT_SIZE);
            "icmp"
        }
        CraftBody::Udp { from, to, sport, dport, ttl, payload } => {
            ip_ref(&mut keys, "from", from.as_ref());
            ip_ref(&mut keys, "to", Some(to));
            keys.unless("sport", sport, &craft::DEFAULT_SPORT);
            keys.unless("dport", dport, &craft::DEFAULT_DPORT);
            keys.unless("ttl", ttl, &craft::DEFAULT_TTL);
            if !payload.is_empty() {
                keys.put("payload", hex(payload));
            }
            "udp"
        }
    };
    (key, keys)
}

fn set(device: &str, change: &Change) -> String {
    let mut keys = Keys::default();
    keys.text("device", device);
    match change {
        Change::Up(on) => keys.put("up", on.to_string()),
        Change::Mode(mode) => keys.text("mode", mode.name()),
        Change::UnknownMode(word) => keys.text("mode", word),
        Change::Mac(mac) => keys.text("mac", &mac.to_string()),
        Change::Mtu(mtu) => keys.put("mtu", mtu.to_string()),
        Change::Flags(set) => keys.put("flags", flags(*set)),
        Change::Bcqueuelen(frames) => keys.put("bcqueuelen", frames.to_string()),
        Change::Bclim(ports) => keys.put("bclim", ports.to_string()),
        Change::Promisc(on) => keys.put("promisc", on.to_string()),
        Change::Allmulticast(on) => keys.put("allmulticast", on.to_string()),
        Change::Master(master) => keys.text("master", master.as_deref().unwrap_or_default()),
        Change::Active(port) => keys.text("active", port.as_deref().unwrap_or_default()),
        Change::Join(group) => keys.text("join", &group.to_string()),
        Change::Leave(group) => keys.text("leave", &group.to_string()),
        Change::Sources(change) => {
            let mut table = Keys::default();
            match change {
                SourcesChange::Add(macs) => table.put("add", list(macs)),
                SourcesChange::Del(macs) => table.put("del", list(macs)),
                SourcesChange::Set(macs) => table.put("set", list(macs)),
                SourcesChange::Flush => table.put("flush", "true".to_owned()),
            }
            keys.put("sources", table.inline());
        }
        Change::Sysctl(all) => keys.put("sysctl", host::settings(all)),
        Change::Addresses(change) => keys.put("address", host::address_change(change)),
        Change::Neighbours(change) => keys.put("neighbours", host::neighbour_change(change)),
        Change::Host(host) => keys.text("host", host),
    }
    keys.inline()
}

fn set_switch(switch: &str, change: &SwitchChange) -> String {
    let mut keys = Keys::default();
    keys.text("switch", switch);
    match change {
        SwitchChange::Flag { port, flag, value } => {
            keys.text("port", port);
            keys.put(flag.name(), value.to_string());
        }
        SwitchChange::State { port, state: to } => {
            keys.text("port", port);
            keys.put("state", state(*to));
        }
        SwitchChange::GroupFwdMask { port, mask } => {
            if let Some(port) = port {
                keys.text("port", port);
            }
            keys.put("group_fwd_mask", format!("{mask:#06x}"));
        }
        SwitchChange::Vlans { port, vlans: to } => {
            keys.text("port", port);
            keys.put("vlan", vlans(to));
        }
        SwitchChange::Policy { port, policy: to } => {
            keys.text("port", port);
            keys.put("policy", to.map_or_else(|| quote("none"), policy));
        }
        SwitchChange::Ageing(time) => keys.text("ageing", &duration(*time)),
        SwitchChange::Fdb(entry) => keys.put("fdb", fdb_entry(entry)),
        SwitchChange::FdbDel { mac, vlan: None } => keys.text("fdb_del", &mac.to_string()),
        SwitchChange::FdbDel { mac, vlan } => {
            let mut table = Keys::default();
            table.text("mac", &mac.to_string());
            table.maybe("vlan", *vlan);
            keys.put("fdb_del", table.inline());
        }
    }
    keys.inline()
}
