//! Hosts: their routes and settings, and what devices say about their IP stack.

use super::declared::families;
use super::names::{Kind, Want, declare};
use super::read::{Node, Reader, Table, list};
use super::scalar;
use crate::frame::{Family, MacAddr};
use crate::lab::spec::{AddressChange, HostChange, HostSpec, Name, NeighbourChange};
use crate::station::{HostConfig, IpNet, IpSpec, RouteSpec, Sysctl, Sysctls};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use toml::de::DeValue;

/// Reads `[host.N]`.
pub(super) fn host(
    cx: &mut Reader<'_>,
    name: &str,
    key_span: Range<usize>,
    node: &Node<'_, '_>,
) -> Option<HostSpec> {
    let line = cx.lines.line(key_span.start);
    let Some(table) = Table::of(cx, node) else {
        declare(cx, name, Kind::Unclear, node.path.to_string(), key_span, Vec::new());
        return None;
    };
    table.only(cx, &["forwarding", "routes", "loopback", "sysctl"]);
    let loopback = table.get(cx, "loopback", addresses).unwrap_or_default();
    let of_loopback = IpSpec { address: loopback.clone(), ..IpSpec::default() };
    declare(cx, name, Kind::Host, node.path.to_string(), key_span, families(&of_loopback));
    let config = HostConfig {
        forwarding: table.get(cx, "forwarding", scalar::boolean).unwrap_or(false),
        routes: table.get(cx, "routes", |cx, node| routes(cx, name, node, true)).unwrap_or_default(),
        loopback,
        sysctls: sysctls(cx, &table),
    };
    Some(HostSpec { name: name.into(), config, line })
}

/// An IP address with its prefix length, or a list of them.
pub(super) fn addresses(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Vec<IpNet>> {
    match node.value {
        DeValue::String(_) => scalar::ip_net(cx, node).map(|net| vec![net]),
        _ => list(cx, node, "an IP address or a list of them", scalar::ip_net),
    }
}

/// The settings of a device or host: its key `sysctl`.
pub(super) fn sysctls(cx: &mut Reader<'_>, table: &Table<'_, '_>) -> Sysctls {
    let mut sysctls = Sysctls::default();
    for (sysctl, value) in table.get(cx, "sysctl", settings).unwrap_or_default() {
        sysctls.set(sysctl, value);
    }
    sysctls
}

/// A table of settings.
pub(super) fn settings(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Vec<(Sysctl, u8)>> {
    let table = Table::of(cx, node)?;
    table.only(cx, &Sysctl::ALL.map(Sysctl::name));
    let value = |cx: &mut Reader<'_>, sysctl: Sysctl| {
        table.get(cx, sysctl.name(), |cx, node| value(cx, sysctl, node)).map(|value| (sysctl, value))
    };
    Some(Sysctl::ALL.into_iter().filter_map(|sysctl| value(cx, sysctl)).collect())
}

/// The value of a setting: a number as in `/proc/sys`, or true or false if it is a switch.
fn value(cx: &mut Reader<'_>, sysctl: Sysctl, node: &Node<'_, '_>) -> Option<u8> {
    match node.value {
        DeValue::Boolean(on) if sysctl.max() == 1 => Some(u8::from(*on)),
        _ => scalar::integer(cx, node, 0, i64::from(sysctl.max())).and_then(|n| u8::try_from(n).ok()),
    }
}

/// Routes of a host. Those to be removed need neither a gateway nor an interface.
fn routes(cx: &mut Reader<'_>, host: &str, node: &Node<'_, '_>, lead: bool) -> Option<Vec<RouteSpec>> {
    list(cx, node, "a list of routes, each `{ to = …, via = …, dev = … }`", |cx, node| {
        route(cx, host, node, lead)
    })
}

fn route(cx: &mut Reader<'_>, host: &str, node: &Node<'_, '_>, leads: bool) -> Option<RouteSpec> {
    let table = Table::of(cx, node)?;
    table.only(cx, &["to", "via", "dev", "src", "metric"]);
    let via = table.get(cx, "via", scalar::ip);
    let v4 = via.is_none_or(|via| via.is_ipv4());
    let to = table.require(cx, "to", |cx, node| destinations(cx, node, v4));
    let dev = table.get(cx, "dev", |cx, node| {
        let dev = scalar::named(cx, node, Want::Device)?;
        cx.names.interface_of(&dev, host, node.path.to_string(), node.span.clone());
        Some(dev)
    });
    let src = table.get(cx, "src", scalar::ip);
    let metric = table.get(cx, "metric", scalar::u32);
    let to = to?;
    let family = Family::of(to.addr());
    for (key, addr) in [("via", via), ("src", src)] {
        if let (Some(addr), Some(node)) = (addr, table.node(key))
            && Family::of(addr) != family
        {
            let message = format!("{addr} and {to} are of different address families");
            return cx.wrong(&node, message, "");
        }
    }
    if leads && !table.has("via") && !table.has("dev") {
        return cx.wrong(
            node,
            format!("the route to {to} leads nowhere"),
            "give a gateway (`via`) or an interface (`dev`)",
        );
    }
    let mut route = RouteSpec::to(to);
    (route.via, route.dev, route.src, route.metric) = (via, dev, src, metric);
    Some(route)
}

/// `default`, a subnet, or an address.
fn destinations(cx: &mut Reader<'_>, node: &Node<'_, '_>, v4: bool) -> Option<IpNet> {
    let text = scalar::text(cx, node)?;
    if text == "default" {
        let all: IpAddr = if v4 { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        return Some(IpNet::new_assert(all, 0));
    }
    if let Ok(addr) = text.parse::<IpAddr>() {
        return Some(IpNet::from(addr));
    }
    match text.parse::<IpNet>() {
        Ok(net) if net.trunc() == net => Some(net),
        Ok(net) => cx.wrong(
            node,
            format!("`{text}` has bits set behind the prefix"),
            &format!("the subnet is \"{}\"", net.trunc()),
        ),
        Err(_) => cx.wrong(
            node,
            format!("`{text}` is neither a subnet nor an address"),
            "\"default\", a subnet as in \"10.0.0.0/24\", or an address",
        ),
    }
}

/// The host that a device names as its own.
pub(super) fn host_of(cx: &mut Reader<'_>, table: &Table<'_, '_>) -> Option<Name> {
    table.get(cx, "host", |cx, node| scalar::named(cx, node, Want::Host))
}

/// Static neighbours: MAC addresses by IP address, of families that pass the check.
pub(super) fn neighbours(
    cx: &mut Reader<'_>,
    node: &Node<'_, '_>,
    mut check: impl FnMut(&mut Reader<'_>, &Node<'_, '_>, IpAddr) -> Option<IpAddr>,
) -> Option<BTreeMap<IpAddr, MacAddr>> {
    let table = Table::of(cx, node)?;
    let mut all = BTreeMap::new();
    for (key, value) in table.entries() {
        let text = key.get_ref().as_ref();
        let node = Node { path: table.path.key(text), span: value.span(), value: value.get_ref() };
        let mac = scalar::mac(cx, &node);
        match scalar::parse_ip(text) {
            Err(help) => {
                let path = table.path.key(text).to_string();
                let message = format!("`{text}` is not an IP address");
                cx.problem(path, key.span(), message, help.to_owned());
            }
            Ok(ip) => {
                let at = Node { span: key.span(), ..node.clone() };
                all.extend(check(cx, &at, ip).zip(mac));
            }
        }
    }
    Some(all)
}

/// `neighbours = { flush = true }`, or with `add` or `del`.
pub(super) fn neighbour_change(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<NeighbourChange> {
    let table = Table::of(cx, node)?;
    let keys = ["add", "del", "flush"];
    table.only(cx, &keys);
    match super::set::one(cx, node, &table, &keys)? {
        "add" => table
            .get(cx, "add", |cx, node| neighbours(cx, node, |_, _, ip| Some(ip)))
            .map(NeighbourChange::Add),
        "del" => table
            .get(cx, "del", |cx, node| list(cx, node, "a list of IP addresses", scalar::ip))
            .map(NeighbourChange::Del),
        _ => table.get(cx, "flush", super::set::flush).map(|()| NeighbourChange::Flush),
    }
}

/// `address = { add = […] }` or with `del`.
pub(super) fn address_change(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<AddressChange> {
    let table = Table::of(cx, node)?;
    let keys = ["add", "del"];
    table.only(cx, &keys);
    match super::set::one(cx, node, &table, &keys)? {
        "add" => table.get(cx, "add", addresses).map(AddressChange::Add),
        _ => table.get(cx, "del", addresses).map(AddressChange::Del),
    }
}

/// A change to a host: one key of the table.
pub(super) fn change(cx: &mut Reader<'_>, host: &str, key: &str, node: &Node<'_, '_>) -> Option<HostChange> {
    match key {
        "sysctl" => return settings(cx, node).map(HostChange::Sysctl),
        "forwarding" => return scalar::boolean(cx, node).map(HostChange::Forwarding),
        _ => {}
    }
    let table = Table::of(cx, node)?;
    let keys = ["add", "del"];
    table.only(cx, &keys);
    match super::set::one(cx, node, &table, &keys)? {
        "add" => table.get(cx, "add", |cx, node| routes(cx, host, node, true)).map(HostChange::AddRoutes),
        _ => table.get(cx, "del", |cx, node| routes(cx, host, node, false)).map(HostChange::DelRoutes),
    }
}

/// The keys of a change to a host.
pub(super) const CHANGES: [&str; 3] = ["forwarding", "routes", "sysctl"];
