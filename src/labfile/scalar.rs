//! Single values: numbers, words, names, addresses, durations, bytes.

use super::names::Want;
use super::read::{Node, Reader, list};
use super::suggest;
use crate::errno::Errno;
use crate::frame::{MacAddr, VlanId};
use crate::lab::spec::Name;
use crate::macvlan::{MacvlanFlags, Mode};
use crate::station::IpNet;
use std::net::IpAddr;
use std::time::Duration;
use toml::de::DeValue;

/// The longest duration in a file: ten years.
pub const MAX_DURATION: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// The longest frame in a file, in bytes: a full IP packet behind an Ethernet header and three tags.
pub const MAX_FRAME: usize = 65_535 + 14 + 12;

pub(super) fn text(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<String> {
    match node.value {
        DeValue::String(s) => Some(s.as_ref().to_owned()),
        _ => cx.wrong_type(node, "a string"),
    }
}

/// The name of a device or switch that must exist.
pub(super) fn named(cx: &mut Reader<'_>, node: &Node<'_, '_>, want: Want) -> Option<Name> {
    let name = text(cx, node)?;
    cx.refer(node, &name, want);
    Some(name.into())
}

pub(super) fn boolean(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<bool> {
    match node.value {
        DeValue::Boolean(b) => Some(*b),
        _ => cx.wrong_type(node, "true or false"),
    }
}

/// A whole number from `low` to `high`.
pub(super) fn integer(cx: &mut Reader<'_>, node: &Node<'_, '_>, low: i64, high: i64) -> Option<i64> {
    let DeValue::Integer(n) = node.value else {
        return cx.wrong_type(node, "a whole number");
    };
    let number = i64::from_str_radix(n.as_str(), n.radix()).ok().filter(|n| (low..=high).contains(n));
    number.or_else(|| {
        cx.wrong(node, format!("{n} is out of range"), &format!("use a number from {low} to {high}"))
    })
}

macro_rules! integers {
    ($($name:ident: $type:ty;)*) => {$(
        pub(super) fn $name(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<$type> {
            integer(cx, node, i64::from(<$type>::MIN), i64::from(<$type>::MAX))
                .and_then(|n| <$type>::try_from(n).ok())
        }
    )*};
}

integers! {
    u8: u8;
    u16: u16;
    u32: u32;
    i32: i32;
}

pub(super) fn mac(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<MacAddr> {
    let text = text(cx, node)?;
    text.parse().ok().or_else(|| {
        cx.wrong(
            node,
            format!("`{text}` is not a MAC address"),
            "six pairs of hex digits, as in \"02:42:c0:a8:80:de\"",
        )
    })
}

pub(super) fn macs(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Vec<MacAddr>> {
    list(cx, node, "a list of MAC addresses", mac)
}

pub(super) fn ip(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<IpAddr> {
    let text = text(cx, node)?;
    parse_ip(&text).map_err(|help| cx.wrong::<()>(node, format!("`{text}` is not an IP address"), help)).ok()
}

/// The IP address, or a hint about the text.
pub(super) fn parse_ip(text: &str) -> Result<IpAddr, &'static str> {
    let right = "as in \"192.168.128.1\" or \"fd00:128::1\"";
    text.parse().map_err(|_| if text.contains('/') { "omit the prefix length here" } else { right })
}

/// An IP address with its prefix length.
pub(super) fn ip_net(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<IpNet> {
    let text = text(cx, node)?;
    if let Ok(net) = text.parse() {
        return Some(net);
    }
    let Some((addr, prefix)) = text.split_once('/') else {
        let help = match text.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => format!("add its prefix length, as in \"{text}/24\""),
            Ok(IpAddr::V6(_)) => format!("add its prefix length, as in \"{text}/64\""),
            Err(_) => "an IP address and its prefix length, as in \"192.168.128.222/24\"".to_owned(),
        };
        return cx.wrong(node, format!("`{text}` is not an IP address with a prefix length"), &help);
    };
    let Ok(addr) = addr.parse::<IpAddr>() else {
        return cx.wrong(node, format!("`{addr}` is not an IP address"), "as in \"192.168.128.222/24\"");
    };
    let digits = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit());
    match prefix.parse().ok().filter(|_| digits).and_then(|prefix| IpNet::new(addr, prefix).ok()) {
        Some(net) => Some(net),
        None => {
            let longest = IpNet::from(addr).max_prefix_len();
            let family = if addr.is_ipv4() { "an IPv4" } else { "an IPv6" };
            let help = format!("the prefix length of {family} address is from 0 to {longest}");
            cx.wrong(node, format!("`/{prefix}` is not a prefix length of {addr}"), &help)
        }
    }
}

pub(super) fn vlan_id(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<VlanId> {
    integer(cx, node, 1, 4094).and_then(|n| VlanId::new(u16::try_from(n).ok()?))
}

pub(super) fn vlan_ids(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Vec<VlanId>> {
    list(cx, node, "a list of VLAN ids", vlan_id)
}

pub(super) fn mode(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Mode> {
    let names = Mode::ALL.map(Mode::name);
    word(cx, node, "mode", &names).and_then(|name| Mode::from_name(&name))
}

/// One of these words.
pub(super) fn word(cx: &mut Reader<'_>, node: &Node<'_, '_>, what: &str, words: &[&str]) -> Option<String> {
    let text = text(cx, node)?;
    if words.contains(&text.as_str()) {
        return Some(text);
    }
    let all = format!("use one of {}", suggest::list(words));
    let help = suggest::nearest(&text, words.iter().copied())
        .map_or(all.clone(), |near| format!("did you mean `{near}`? {all}"));
    cx.wrong(node, format!("`{text}` is not a {what}"), &help)
}

pub(super) fn flags(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<MacvlanFlags> {
    let words = list(cx, node, "a list of flags", |cx, n| word(cx, n, "flag", &["nopromisc", "nodst"]))?;
    let has = |flag: &str| words.iter().any(|w| w == flag);
    Some(MacvlanFlags { nopromisc: has("nopromisc"), nodst: has("nodst") })
}

pub(super) fn errno(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Errno> {
    let names: Vec<&str> = Errno::ALL.iter().map(|e| e.name()).collect();
    word(cx, node, "error name", &names).and_then(|name| Errno::from_name(&name))
}

pub(super) fn duration(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Duration> {
    if !matches!(node.value, DeValue::String(_)) {
        return cx.wrong_type(node, "a duration in quotes, as in \"300s\"");
    }
    let text = text(cx, node)?;
    let help = "a number and a unit: \"300s\", \"5ms\", \"1us\", \"10ns\", \"2m\" or \"1h\"";
    let Some(parsed) = parse_duration(&text) else {
        return cx.wrong(node, format!("`{text}` is not a duration"), help);
    };
    if parsed > MAX_DURATION {
        return cx.wrong(node, format!("`{text}` is out of range"), "the maximum is ten years");
    }
    Some(parsed)
}

/// Units of durations in nanoseconds, longest first.
pub(super) const UNITS: [(&str, u64); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1000),
    ("ns", 1),
];

/// Parses a duration in lab file syntax, a number and a unit: `300s`, `5ms`, `1.5h`. `None`: it is invalid.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let (_, unit_ns) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.len() > 9 || fraction.contains('.') {
        return None;
    }
    let scale = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    // A number beyond u64 is beyond the longest duration as well, and is reported as out of range.
    let whole = whole.parse::<u64>().unwrap_or(u64::MAX);
    let part = u128::from(fraction.parse::<u64>().ok()?) * u128::from(*unit_ns) / u128::from(scale);
    let ns = u128::from(whole) * u128::from(*unit_ns) + part;
    Some(Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX)))
}

/// Bytes in hex, optionally separated by spaces and colons.
pub(super) fn hex(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Vec<u8>> {
    let text = text(cx, node)?;
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        if matches!(first, b' ' | b':' | b'\n' | b'\r' | b'\t') {
            rest = behind;
            continue;
        }
        let high = char::from(*first).to_digit(16);
        let low = behind.first().and_then(|b| char::from(*b).to_digit(16));
        let (Some(high), Some(low)) = (high, low) else {
            let message = format!("byte {} of the hex text is not two hex digits", bytes.len() + 1);
            return cx.wrong(
                node,
                message,
                "spaces and colons may separate bytes: \"ffff ffff ffff 02:00:…\"",
            );
        };
        bytes.push(u8::try_from(high << 4 | low).unwrap_or_default());
        rest = behind.get(1..).unwrap_or_default();
    }
    if bytes.len() > MAX_FRAME {
        return cx.wrong(
            node,
            format!("{} bytes exceed the longest frame", bytes.len()),
            &format!("at most {MAX_FRAME}"),
        );
    }
    Some(bytes)
}
