//! What `ip -j` and `bridge -j` print: arrays of objects, one after another. Each object is read as the same line of text.

use super::super::words::mac;
use super::super::{Draft, Format, Kind, Place, ReadError, Source};
use super::Context;
use super::printed::{self, Link, Seen};
use super::tables;
use crate::switch::PortState;
use serde_json::Value;
use std::ops::Range;

/// The JSON of iproute2.
pub(in super::super) struct IpJson;

impl Format for IpJson {
    fn name(&self) -> &'static str {
        "ip-json"
    }

    fn about(&self) -> &'static str {
        "what `ip -j` and `bridge -j` print: link, addr, route, neigh, fdb, vlan; also with -d"
    }

    fn is_output(&self) -> bool {
        true
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        begins(source.text)
    }

    fn read(&self, source: &Source<'_>, index: usize, draft: &mut Draft) -> Result<(), ReadError> {
        let host = draft.host();
        let mut context = Context { draft, machine: host, host, index, place: None, unnamed: 0, made: None };
        arrays(&mut context, source.text, 0).map_err(|(message, at)| ReadError {
            message: format!("not JSON as `ip -j` prints it: {message}"),
            place: Some(Place::new(index, at..at)),
        })
    }
}

/// Whether the text begins with an array of objects as iproute2 prints them.
pub(super) fn begins(text: &str) -> bool {
    let Some(inner) = text.trim_start().strip_prefix('[') else { return false };
    // Without -d, an address that was not asked for is an empty object.
    let head: String = inner.chars().take(4096).filter(|c| !c.is_whitespace()).collect();
    let is_route = head.contains("\"dst\":") && head.contains("\"dev\":");
    head.starts_with('{') && (head.contains("\"ifname\":") || head.contains("\"nsid\":") || is_route)
}

/// Reads what a command printed, if it is JSON. What is not valid is left out.
pub(super) fn read(context: &mut Context<'_>, text: &str, start: usize) {
    if begins(text)
        && let Err((message, at)) = arrays(context, text, start)
    {
        context.place = Some(Place::new(context.index, at..at));
        context.left_out(&format!("JSON that is not valid: {message}"));
    }
}

/// Reads arrays, one after another, up to what begins no array. An error has the byte at which it is.
fn arrays(context: &mut Context<'_>, text: &str, start: usize) -> Result<(), (String, usize)> {
    let mut at = 0;
    while text[at..].trim_start().starts_with('[') {
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Vec<Value>>();
        let Some(array) = values.next() else { break };
        let array = array.map_err(|error| {
            // Positions are at the end of the message, too, where they count from the array's begin.
            let message = error.to_string();
            let message = message.rsplit_once(" at line").map_or(message.as_str(), |(message, _)| message);
            (message.to_owned(), start + at + offset(&text[at..], error.line(), error.column()))
        })?;
        let end = at + values.byte_offset();
        let spans = elements(&text[at..end]);
        for (number, value) in array.iter().enumerate() {
            if context.draft.is_full() {
                return Ok(());
            }
            let span = spans.get(number).cloned().unwrap_or(0..0);
            let span = start + at + span.start..start + at + span.end;
            context.place = Some(Place::new(context.index, span));
            object(context, value);
        }
        at = end;
    }
    Ok(())
}

/// The byte at a line and a column, both from 1; columns are bytes.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut at = (before + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The bytes of the elements of an array, which is valid JSON.
fn elements(array: &str) -> Vec<Range<usize>> {
    let (mut spans, mut depth, mut open) = (Vec::new(), 0_usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in array.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => {
                depth += 1;
                if depth == 2 {
                    open = at;
                }
            }
            b']' | b'}' => {
                if depth == 2 {
                    spans.push(open..at + 1);
                }
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
    }
    spans
}

fn object(context: &mut Context<'_>, value: &Value) {
    match (text_of(value, "ifname"), text_of(value, "dst")) {
        (Some(name), _) if value.get("vlans").is_some() => vlans(context, name, value),
        (Some(name), _) if value.get("mac").is_some() => fdb(context, name, value),
        (Some(name), _) if value.get("maddr").is_some() => groups(context, name, value),
        (Some(name), _) => interface(context, name, value),
        (None, Some(dst)) if value.get("state").is_some() => neighbour(context, dst, value),
        (None, Some(dst)) => route(context, dst, value),
        (None, None) if value.get("nsid").is_some() => namespace_id(context, value),
        _ => {}
    }
}

fn text_of<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}

fn number_of(value: &Value, key: &str) -> Option<u32> {
    value.get(key)?.as_u64()?.try_into().ok()
}

fn words_of<'v>(value: &'v Value, key: &str) -> Vec<&'v str> {
    value.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// An object of `ip link`, `ip addr` or `bridge link`.
fn interface(context: &mut Context<'_>, name: &str, value: &Value) {
    let mut detail = |words: &[&str]| printed::detail(context, name, words);
    if name == "lo" {
        return addresses(value, &mut detail);
    }
    let named = text_of(value, "link").map(Link::Named);
    let link = named.or_else(|| number_of(value, "link_index").map(Link::Index));
    printed::begin(
        context,
        &Seen {
            name,
            is_alias: false,
            index: number_of(value, "ifindex"),
            link,
            flags: words_of(value, "flags"),
            is_up: text_of(value, "operstate") == Some("UP"),
            mtu: number_of(value, "mtu"),
            master: text_of(value, "master"),
            is_port: value.get("hairpin").is_some() || value.get("priority").is_some(),
            state: text_of(value, "state"),
        },
    );
    let mut detail = |words: &[&str]| printed::detail(context, name, words);
    let link_type = text_of(value, "link_type");
    if let (Some("ether"), Some(address)) = (link_type, text_of(value, "address")) {
        let space = number_of(value, "link_netnsid").map(|id| id.to_string());
        let words = ["link/ether", address].into_iter();
        detail(&words.chain(space.iter().flat_map(|id| ["link-netnsid", id])).collect::<Vec<_>>());
    }
    port_flags(value, &mut detail);
    addresses(value, &mut detail);
    let Some(info) = value.get("linkinfo") else {
        // A modem, a ring, an InfiniBand device.
        if let Some(foreign) = link_type.filter(|link_type| *link_type != "ether") {
            context.interface(name).kind = Kind::Other(foreign.to_owned());
        }
        return;
    };
    if let Some(slave) =
        info.get("info_slave_data").filter(|_| text_of(info, "info_slave_kind") == Some("bridge"))
    {
        port_flags(slave, &mut detail);
        // A port that has a carrier is disabled by hand.
        if text_of(slave, "state") == Some("disabled") && words_of(value, "flags").contains(&"LOWER_UP") {
            context.interface(name).port_state = Some(PortState::Disabled);
        }
    }
    kind(context, name, info);
}

/// What an interface is, as `-d` shows it.
fn kind(context: &mut Context<'_>, name: &str, info: &Value) {
    let mut detail = |words: &[&str]| printed::detail(context, name, words);
    let data = info.get("info_data").unwrap_or(&Value::Null);
    match text_of(info, "info_kind") {
        Some(kind @ ("macvlan" | "macvtap")) => {
            let mut words = vec![kind, "mode", text_of(data, "mode").unwrap_or_default()];
            words.extend(["nopromisc", "nodst"].iter().filter(|flag| data.get(**flag).is_some()));
            let numbers = ["bcqueuelen", "bclim"].map(|key| (key, data.get(key).map(Value::to_string)));
            for (key, number) in &numbers {
                words.extend(number.iter().flat_map(|number| [*key, number]));
            }
            words.push("remotes");
            words.extend(words_of(data, "macaddr_data"));
            detail(&words);
        }
        Some("vlan") => {
            let id = number_of(data, "id").unwrap_or_default().to_string();
            detail(&["vlan", "protocol", text_of(data, "protocol").unwrap_or_default(), "id", &id]);
        }
        Some("bridge") => {
            let number = |key| number_of(data, key).unwrap_or_default().to_string();
            let ageing = number_of(data, "ageing_time").unwrap_or(30_000).to_string();
            detail(&[
                "bridge",
                "forward_delay",
                "",
                "vlan_filtering",
                &number("vlan_filtering"),
                "ageing_time",
                &ageing,
                "group_fwd_mask",
                text_of(data, "group_fwd_mask").unwrap_or("0"),
            ]);
        }
        Some(kind @ ("veth" | "dummy")) => detail(&[kind]),
        Some("ifb") => detail(&["dummy"]),
        // One that is on another device is taken for a macvlan until its type is known.
        Some(foreign) => context.interface(name).kind = Kind::Other(foreign.to_owned()),
        None => {}
    }
}

fn addresses(value: &Value, detail: &mut impl FnMut(&[&str])) {
    let addresses = value.get("addr_info").and_then(Value::as_array);
    for address in addresses.into_iter().flatten() {
        if let (Some(local), Some(length)) = (text_of(address, "local"), number_of(address, "prefixlen")) {
            detail(&["inet", &format!("{local}/{length}")]);
        }
    }
}

/// The flags of a port of a bridge, as `bridge -d link` prints them.
fn port_flags(value: &Value, detail: &mut impl FnMut(&[&str])) {
    let flags = value.as_object().into_iter().flatten();
    let flags =
        flags.filter_map(|(key, value)| Some((key.as_str(), if value.as_bool()? { "on" } else { "off" })));
    let texts = ["state", "group_fwd_mask"].into_iter().filter_map(|key| Some((key, text_of(value, key)?)));
    let words: Vec<&str> = std::iter::once("bridge_slave")
        .chain(flags.chain(texts).flat_map(|(key, word)| [key, word]))
        .collect();
    detail(&words);
}

/// An object of `bridge fdb`.
fn fdb(context: &mut Context<'_>, name: &str, value: &Value) {
    let vlan = number_of(value, "vlan").map(|vlan| vlan.to_string());
    let mut words = vec![text_of(value, "mac").unwrap_or_default(), "dev", name];
    words.extend(words_of(value, "flags"));
    words.extend(vlan.iter().flat_map(|vlan| ["vlan", vlan.as_str()]));
    words.extend(text_of(value, "master").iter().flat_map(|master| ["master", *master]));
    words.extend(text_of(value, "state"));
    tables::fdb_line(context, &words);
}

/// An object of `ip maddr`: what was added by hand.
fn groups(context: &mut Context<'_>, name: &str, value: &Value) {
    let groups = value.get("maddr").and_then(Value::as_array).into_iter().flatten();
    let by_hand =
        groups.filter(|group| text_of(group, "features").is_some_and(|text| text.contains("static")));
    for group in by_hand.filter_map(|group| mac(text_of(group, "link")?)) {
        let known = &mut context.interface(name).multicast;
        if !known.contains(&group) {
            known.push(group);
        }
    }
}

/// An object of `ip netns list-id`.
fn namespace_id(context: &mut Context<'_>, value: &Value) {
    if let (Some(id), Some(name)) = (number_of(value, "nsid"), text_of(value, "name")) {
        context.machine().nsids.insert(id, name.to_owned());
    }
}

/// An object of `bridge vlan`.
fn vlans(context: &mut Context<'_>, name: &str, value: &Value) {
    tables::begin_vlans(context, name);
    for vlan in value.get("vlans").and_then(Value::as_array).into_iter().flatten() {
        let Some(first) = number_of(vlan, "vlan") else { continue };
        let range = number_of(vlan, "vlanEnd").map_or(first.to_string(), |last| format!("{first}-{last}"));
        let flags = words_of(vlan, "flags");
        let is_untagged = flags.iter().any(|flag| flag.contains("Untagged"));
        tables::one_vlan(context, name, &range, flags.contains(&"PVID"), is_untagged);
    }
}

/// An object of `ip neigh`.
fn neighbour(context: &mut Context<'_>, dst: &str, value: &Value) {
    let (dev, mac) = (text_of(value, "dev"), text_of(value, "lladdr"));
    let mut words = vec![dst, "dev", dev.unwrap_or_default(), "lladdr", mac.unwrap_or_default()];
    words.extend(words_of(value, "state"));
    tables::neigh_line(context, &words);
}

/// An object of `ip route`.
fn route(context: &mut Context<'_>, dst: &str, value: &Value) {
    if let Some(kind) = text_of(value, "type").filter(|kind| *kind != "unicast") {
        return context.left_out(&format!("a route of type {kind} to {dst}"));
    }
    if value.get("nexthops").is_some() {
        return context.left_out(&format!("the route to {dst} by several gateways"));
    }
    let via = value.get("via").and_then(|via| text_of(via, "host")).or_else(|| text_of(value, "gateway"));
    let metric = number_of(value, "metric").map(|metric| metric.to_string());
    let mut words = vec![dst];
    for (key, given) in [
        ("via", via),
        ("dev", text_of(value, "dev")),
        ("src", text_of(value, "prefsrc")),
        ("metric", metric.as_deref()),
        ("proto", text_of(value, "protocol")),
        ("scope", text_of(value, "scope")),
    ] {
        words.extend(given.iter().flat_map(|given| [key, *given]));
    }
    printed::add_route(context, &words);
}
