//! The crafted frames of `inject` steps.

use super::names::Want;
use super::read::{Node, Reader, Table, list};
use super::scalar;
use crate::frame::{Craft, CraftBody, Family, IpRef, MacRef, Tag, ethertype};
use std::net::IpAddr;
use toml::de::DeValue;

/// The bodies, by key.
pub(super) const BODIES: [&str; 4] = ["arp", "icmp", "udp", "ethernet"];

/// Keys of every body.
const COMMON: [&str; 4] = ["dst", "src", "vlan", "pad"];

/// Default identifier and sequence number of an echo request.
pub(super) const DEFAULT_ECHO: u16 = 1;
/// Default TTL or hop limit.
pub(super) const DEFAULT_TTL: u8 = 64;
/// Default size of echo data in bytes, as in `ping`.
pub(super) const DEFAULT_SIZE: u16 = 56;
/// Default source port: the first of the range for private use.
pub(super) const DEFAULT_SPORT: u16 = 49_152;
/// Default destination port: the echo service, which every device with an IP address has.
pub(super) const DEFAULT_DPORT: u16 = 7;
/// Default ethertype: local experimental 1 (IEEE 802 clause 9.2.4).
pub(super) const DEFAULT_ETHERTYPE: u16 = ethertype::LOCAL_EXPERIMENTAL;
/// TPID of a plain VLAN number.
pub(super) const DEFAULT_TPID: u16 = ethertype::C_VLAN;
/// Maximum echo data or UDP payload, in bytes: a full IPv4 packet without its headers.
const MAX_DATA: u16 = 65_535 - 20 - 8;
/// Maximum number of tags in a frame.
const MAX_TAGS: usize = 8;

/// Reads the body under this key.
pub(super) fn craft(cx: &mut Reader<'_>, name: &str, node: &Node<'_, '_>) -> Option<Craft> {
    let table = Table::of(cx, node)?;
    let body = match name {
        "arp" => arp(cx, &table),
        "icmp" => icmp(cx, &table),
        "udp" => udp(cx, &table),
        _ => ethernet(cx, &table),
    };
    let pad = table.get(cx, "pad", |cx, n| scalar::integer(cx, n, 0, scalar::MAX_FRAME as i64));
    Some(Craft {
        dst: table.get(cx, "dst", mac_ref),
        src: table.get(cx, "src", mac_ref),
        tags: table.get(cx, "vlan", tags).unwrap_or_default(),
        pad: pad.and_then(|n| usize::try_from(n).ok()).unwrap_or(0),
        body: body?,
    })
}

fn only(cx: &mut Reader<'_>, table: &Table<'_, '_>, keys: &[&str]) {
    table.only(cx, &[keys, &COMMON].concat());
}

fn ethernet(cx: &mut Reader<'_>, table: &Table<'_, '_>) -> Option<CraftBody> {
    only(cx, table, &["ethertype", "payload"]);
    Some(CraftBody::Ethernet {
        ethertype: table.get(cx, "ethertype", scalar::u16).unwrap_or(DEFAULT_ETHERTYPE),
        payload: table.get(cx, "payload", scalar::hex).unwrap_or_default(),
    })
}

fn arp(cx: &mut Reader<'_>, table: &Table<'_, '_>) -> Option<CraftBody> {
    only(cx, table, &["op", "sender_mac", "sender_ip", "target_mac", "target_ip"]);
    let op = table.get(cx, "op", |cx, node| match node.value {
        DeValue::String(_) => {
            let word = scalar::word(cx, node, "ARP operation", &["request", "reply"])?;
            Some(if word == "request" { 1 } else { 2 })
        }
        _ => scalar::u16(cx, node),
    });
    let sender_ip = table.get(cx, "sender_ip", arp_ip);
    let target_ip = table.require(cx, "target_ip", arp_ip);
    Some(CraftBody::Arp {
        op: op.unwrap_or(1),
        sender_mac: table.get(cx, "sender_mac", mac_ref),
        sender_ip,
        target_mac: table.get(cx, "target_mac", mac_ref),
        target_ip: target_ip?,
    })
}

fn arp_ip(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<IpRef> {
    match ip_ref(cx, node)? {
        IpRef::Addr(addr @ IpAddr::V6(_)) => {
            cx.wrong(node, format!("{addr} is an IPv6 address"), "ARP handles IPv4 addresses only")
        }
        ip => Some(ip),
    }
}

fn icmp(cx: &mut Reader<'_>, table: &Table<'_, '_>) -> Option<CraftBody> {
    only(cx, table, &["from", "to", "id", "seq", "ttl", "size"]);
    let (from, to) = ends(cx, table);
    let size = table.get(cx, "size", |cx, n| scalar::integer(cx, n, 0, i64::from(MAX_DATA)));
    Some(CraftBody::Icmp {
        from,
        to: to?,
        id: table.get(cx, "id", scalar::u16).unwrap_or(DEFAULT_ECHO),
        seq: table.get(cx, "seq", scalar::u16).unwrap_or(DEFAULT_ECHO),
        ttl: table.get(cx, "ttl", scalar::u8).unwrap_or(DEFAULT_TTL),
        size: size.and_then(|n| u16::try_from(n).ok()).unwrap_or(DEFAULT_SIZE),
    })
}

fn udp(cx: &mut Reader<'_>, table: &Table<'_, '_>) -> Option<CraftBody> {
    only(cx, table, &["from", "to", "sport", "dport", "ttl", "payload"]);
    let (from, to) = ends(cx, table);
    let payload = table.get(cx, "payload", |cx, node| {
        let bytes = scalar::hex(cx, node)?;
        if bytes.len() <= usize::from(MAX_DATA) {
            return Some(bytes);
        }
        cx.wrong(node, format!("{} bytes are too many", bytes.len()), &format!("at most {MAX_DATA} fit"))
    });
    Some(CraftBody::Udp {
        from,
        to: to?,
        sport: table.get(cx, "sport", scalar::u16).unwrap_or(DEFAULT_SPORT),
        dport: table.get(cx, "dport", scalar::u16).unwrap_or(DEFAULT_DPORT),
        ttl: table.get(cx, "ttl", scalar::u8).unwrap_or(DEFAULT_TTL),
        payload: payload.unwrap_or_default(),
    })
}

/// `from` and `to` of a packet, which must be of one family, with a known destination MAC address.
fn ends(cx: &mut Reader<'_>, table: &Table<'_, '_>) -> (Option<IpRef>, Option<IpRef>) {
    let from = table.get(cx, "from", ip_ref);
    let to = table.require(cx, "to", ip_ref);
    let Some(node) = table.node("to") else {
        return (from, to);
    };
    if let (Some(IpRef::Addr(from)), Some(IpRef::Addr(to))) = (&from, &to)
        && Family::of(*from) != Family::of(*to)
    {
        cx.wrong::<()>(&node, format!("{from} and {to} belong to different address families"), "");
    }
    if let Some(IpRef::Addr(addr)) = &to {
        let group = addr.is_multicast() || matches!(addr, IpAddr::V4(a) if a.is_broadcast());
        if !group && !table.has("dst") {
            let help = "give the frame's `dst`, or name the device instead of its IP address";
            cx.wrong::<()>(&node, format!("the MAC address of {addr} is unknown"), help);
        }
    }
    (from, to)
}

fn mac_ref(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<MacRef> {
    let text = scalar::text(cx, node)?;
    if let Ok(mac) = text.parse() {
        return Some(MacRef::Addr(mac));
    }
    if text.matches([':', '-']).count() >= 4 {
        return scalar::mac(cx, node).map(MacRef::Addr);
    }
    scalar::named(cx, node, Want::Device).map(|name| MacRef::Device(name.into()))
}

fn ip_ref(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<IpRef> {
    let text = scalar::text(cx, node)?;
    if let Ok(ip) = text.parse() {
        return Some(IpRef::Addr(ip));
    }
    if text.contains(['/', ':']) {
        return scalar::ip(cx, node).map(IpRef::Addr);
    }
    scalar::named(cx, node, Want::Device).map(|name| IpRef::Device(name.into()))
}

/// `vlan = 10`, `vlan = [10, { id = 20, pcp = 3 }]`: tags, outermost first.
fn tags(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Vec<Tag>> {
    let tags = match node.value {
        DeValue::Array(_) => list(cx, node, "a list of tags", tag)?,
        _ => vec![tag(cx, node)?],
    };
    if tags.len() > MAX_TAGS {
        return cx.wrong(node, format!("{} tags are too many", tags.len()), &format!("at most {MAX_TAGS}"));
    }
    Some(tags)
}

fn tag(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Tag> {
    // On the wire every 12-bit number is valid: 0 is a priority tag.
    let id = |cx: &mut Reader<'_>, n: &Node<'_, '_>| scalar::integer(cx, n, 0, 4095);
    let table = match node.value {
        DeValue::Integer(_) => {
            let tci = u16::try_from(id(cx, node)?).ok()?;
            return Some(Tag { tpid: DEFAULT_TPID, tci });
        }
        DeValue::Table(_) => Table::of(cx, node)?,
        _ => return cx.wrong_type(node, "a VLAN id, or a table { tpid, id, pcp, dei }"),
    };
    table.only(cx, &["tpid", "id", "pcp", "dei"]);
    let tpid = table.get(cx, "tpid", |cx, n| match scalar::u16(cx, n)? {
        tpid @ (ethertype::C_VLAN | ethertype::S_VLAN) => Some(tpid),
        other => cx.wrong(
            n,
            format!("{other:#06x} is not a tag protocol id"),
            "0x8100 (802.1Q) or 0x88a8 (802.1ad)",
        ),
    });
    let id = table.require(cx, "id", id);
    let pcp = table.get(cx, "pcp", |cx, n| scalar::integer(cx, n, 0, 7)).unwrap_or(0);
    let dei = table.get(cx, "dei", scalar::boolean).unwrap_or(false);
    let tci = u16::try_from(pcp << 13 | i64::from(dei) << 12 | id?).ok()?;
    Some(Tag { tpid: tpid.unwrap_or(DEFAULT_TPID), tci })
}
