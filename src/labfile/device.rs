//! NICs, dummies, bonds, VLAN sub-interfaces, ports, stations and routers.

use super::bond;
use super::declared::families;
use super::host;
use super::names::{Kind, Want, Wire, bad_name, declare};
use super::read::{Node, Reader, Table, list};
use super::scalar;
use crate::frame::{Family, VlanId};
use crate::lab::spec::{
    DEFAULT_MTU, DeviceKind, DeviceSpec, DummySpec, MacvlanSpec, Name, NicSpec, RouterInterface, RouterSpec,
    StationSpec, TapOpen, VlanSpec,
};
use crate::nic::UnicastFilter;
use crate::station::{IpSpec, default_mac};
use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;
use toml::de::DeValue;

/// The tables that declare devices.
pub(super) const TABLES: [&str; 8] =
    ["nic", "dummy", "bond", "vlan", "macvlan", "macvtap", "station", "router"];

/// Keys of every device with an IP stack.
/// The keys of an IP configuration.
const IP: [&str; 4] = ["address", "gateway", "neighbours", "sysctl"];

/// The same, and that of the host.
pub(super) const STACK: [&str; 5] = ["host", "address", "gateway", "neighbours", "sysctl"];

/// Keys of `[macvlan.N]` and of an `add` step.
const MACVLAN: [&str; 13] = [
    "parent",
    "mode",
    "mac",
    "mtu",
    "up",
    "flags",
    "sources",
    "multicast",
    "allmulticast",
    "promisc",
    "bcqueuelen",
    "bclim",
    "master",
];

/// Keys of a station and of a router's interface.
const STATION: [&str; 4] = ["mac", "mtu", "up", "latency"];

/// Reads a device's table.
pub(super) fn device(
    cx: &mut Reader<'_>,
    table_name: &str,
    name: &str,
    key_span: Range<usize>,
    node: &Node<'_, '_>,
) -> Option<DeviceSpec> {
    let line = cx.lines.line(key_span.start);
    let key = node.path.to_string();
    let Some(table) = Table::of(cx, node) else {
        declare(cx, name, Kind::Unclear, key, key_span, Vec::new());
        return None;
    };
    let kind = match table_name {
        "nic" => {
            let nic = nic(cx, name, &table);
            declare(cx, name, Kind::Nic, key, key_span, families(&nic.ip));
            cx.names.belongs(name, nic.host.as_ref(), &nic.ip);
            DeviceKind::Nic(nic)
        }
        "dummy" => {
            let dummy = dummy(cx, name, &table);
            declare(cx, name, Kind::Dummy, key, key_span, families(&dummy.ip));
            cx.names.belongs(name, dummy.host.as_ref(), &dummy.ip);
            DeviceKind::Dummy(dummy)
        }
        "bond" => {
            let bond = bond::bond(cx, name, &table);
            declare(cx, name, Kind::Bond, key, key_span, families(&bond.ip));
            cx.names.belongs(name, bond.host.as_ref(), &bond.ip);
            DeviceKind::Bond(bond)
        }
        "vlan" => {
            let vlan = vlan(cx, name, &table);
            declare(cx, name, Kind::Vlan, key, key_span, families(&vlan.ip));
            cx.names.belongs(name, vlan.host.as_ref(), &vlan.ip);
            cx.names.parent(name, &vlan.parent);
            DeviceKind::Vlan(vlan)
        }
        "station" => {
            table.only(cx, &[&STATION[..], &IP].concat());
            let station = station(cx, name, &table);
            declare(cx, name, Kind::Station, key, key_span, families(&station.ip));
            DeviceKind::Station(station)
        }
        "router" => {
            declare(cx, name, Kind::Router, key, key_span, Vec::new());
            DeviceKind::Router(router(cx, name, &table))
        }
        _ => {
            let node: &[&str] = if table_name == "macvtap" { &["open"] } else { &[] };
            table.only(cx, &[&MACVLAN[..], node, &STACK, &["expect"]].concat());
            let mut spec = macvlan(cx, Some(name), &table, table_name == "macvtap");
            spec.expect = table.get(cx, "expect", scalar::errno);
            declare(cx, name, Kind::Port, key, key_span, families(&spec.ip));
            cx.names.belongs(name, spec.host.as_ref(), &spec.ip);
            cx.names.parent(name, &spec.parent);
            DeviceKind::Macvlan(spec)
        }
    };
    Some(DeviceSpec { name: name.into(), kind, line })
}

fn nic(cx: &mut Reader<'_>, name: &str, table: &Table<'_, '_>) -> NicSpec {
    table.only(
        cx,
        &[&STATION[..], &STACK, &["filter", "cable", "promisc", "allmulticast", "master"]].concat(),
    );
    let cable = table.get(cx, "cable", scalar::text);
    if let (Some(peer), Some(node)) = (&cable, table.node("cable")) {
        cx.refer(&node, peer, Want::Cabled);
        for device in [name, peer] {
            let (key, span) = (node.path.to_string(), node.span.clone());
            cx.names.wires.push(Wire { device: device.to_owned(), key, span, socket: None });
        }
    }
    NicSpec {
        mac: table.get(cx, "mac", scalar::mac).unwrap_or_else(|| default_mac(name)),
        host: host::host_of(cx, table),
        ip: ip_spec(cx, table),
        mtu: table.get(cx, "mtu", scalar::u32).unwrap_or(DEFAULT_MTU),
        up: table.get(cx, "up", scalar::boolean).unwrap_or(true),
        filter: table.get(cx, "filter", filter).unwrap_or_default(),
        cable: cable.map(Name::from),
        latency: table.get(cx, "latency", scalar::duration).unwrap_or(Duration::ZERO),
        master: master(cx, name, table),
        promisc: table.get(cx, "promisc", scalar::boolean).unwrap_or(false),
        allmulticast: table.get(cx, "allmulticast", scalar::boolean).unwrap_or(false),
    }
}

fn dummy(cx: &mut Reader<'_>, name: &str, table: &Table<'_, '_>) -> DummySpec {
    table.only(cx, &[&["mac", "mtu", "up", "master"][..], &STACK].concat());
    DummySpec {
        mac: table.get(cx, "mac", scalar::mac).unwrap_or_else(|| default_mac(name)),
        host: host::host_of(cx, table),
        ip: ip_spec(cx, table),
        mtu: table.get(cx, "mtu", scalar::u32).unwrap_or(DEFAULT_MTU),
        up: table.get(cx, "up", scalar::boolean).unwrap_or(true),
        master: master(cx, name, table),
    }
}

fn filter(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<UnicastFilter> {
    match node.value {
        DeValue::String(s) if s.as_ref() == "none" => Some(UnicastFilter::None),
        DeValue::String(s) => {
            let help = "\"none\", or the number of unicast addresses that the NIC's filter holds";
            cx.wrong(node, format!("`{s}` is not a filter"), help)
        }
        DeValue::Integer(_) => scalar::u32(cx, node).map(UnicastFilter::Slots),
        _ => cx.wrong_type(node, "\"none\" or a number"),
    }
}

/// The bridge of its host of which the device is a port.
pub(super) fn master(cx: &mut Reader<'_>, device: &str, table: &Table<'_, '_>) -> Option<Name> {
    table.get(cx, "master", |cx, node| {
        let master = scalar::named(cx, node, Want::Switch)?;
        cx.names.enslave(device, &master, node);
        Some(master)
    })
}

fn vlan(cx: &mut Reader<'_>, name: &str, table: &Table<'_, '_>) -> VlanSpec {
    table.only(cx, &[&["parent", "id", "mac", "mtu", "up", "master"][..], &STACK].concat());
    VlanSpec {
        parent: parent(cx, table, Want::VlanParent),
        id: table.require(cx, "id", scalar::vlan_id).or(VlanId::new(1)).unwrap_or_default(),
        mac: table.get(cx, "mac", scalar::mac),
        host: host::host_of(cx, table),
        ip: ip_spec(cx, table),
        mtu: table.get(cx, "mtu", scalar::u32),
        up: table.get(cx, "up", scalar::boolean).unwrap_or(true),
        master: master(cx, name, table),
    }
}

fn parent(cx: &mut Reader<'_>, table: &Table<'_, '_>, want: Want) -> Name {
    table.require(cx, "parent", |cx, node| scalar::named(cx, node, want)).unwrap_or_default()
}

/// Reads the keys common to `[macvlan.N]` and an `add` step.
pub(super) fn macvlan(
    cx: &mut Reader<'_>,
    name: Option<&str>,
    table: &Table<'_, '_>,
    tap: bool,
) -> MacvlanSpec {
    MacvlanSpec {
        parent: parent(cx, table, Want::Parent),
        tap,
        open: if tap { table.get(cx, "open", tap_open).unwrap_or_default() } else { TapOpen::No },
        mode: table.get(cx, "mode", scalar::mode).unwrap_or_default(),
        mac: table.get(cx, "mac", scalar::mac),
        host: host::host_of(cx, table),
        ip: ip_spec(cx, table),
        mtu: table.get(cx, "mtu", scalar::u32),
        up: table.get(cx, "up", scalar::boolean).unwrap_or(true),
        flags: table.get(cx, "flags", scalar::flags).unwrap_or_default(),
        sources: table.get(cx, "sources", scalar::macs).unwrap_or_default(),
        multicast: table.get(cx, "multicast", scalar::macs).unwrap_or_default(),
        allmulticast: table.get(cx, "allmulticast", scalar::boolean).unwrap_or(false),
        promisc: table.get(cx, "promisc", scalar::boolean).unwrap_or(false),
        bcqueuelen: table.get(cx, "bcqueuelen", scalar::u32),
        bclim: table.get(cx, "bclim", scalar::i32),
        master: name.and_then(|name| master(cx, name, table)),
        expect: None,
    }
}

/// Whether a program has the macvtap's device node open, and reads from it.
fn tap_open(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<TapOpen> {
    scalar::word(cx, node, "value for `open`", &["no", "reading", "idle"]).map(|word| match word.as_str() {
        "reading" => TapOpen::Reading,
        "idle" => TapOpen::Idle,
        _ => TapOpen::No,
    })
}

/// The keys of an `add` step besides the name.
pub(super) fn add_keys() -> Vec<&'static str> {
    [&["macvlan", "macvtap", "open"][..], &MACVLAN, &STACK].concat()
}

fn station(cx: &mut Reader<'_>, name: &str, table: &Table<'_, '_>) -> StationSpec {
    let ip = ip_spec(cx, table);
    StationSpec {
        mac: table.get(cx, "mac", scalar::mac).unwrap_or_else(|| ip.default_mac(name)),
        ip,
        mtu: table.get(cx, "mtu", scalar::u32).unwrap_or(DEFAULT_MTU),
        up: table.get(cx, "up", scalar::boolean).unwrap_or(true),
        latency: table.get(cx, "latency", scalar::duration).unwrap_or(Duration::ZERO),
    }
}

fn router(cx: &mut Reader<'_>, router: &str, table: &Table<'_, '_>) -> RouterSpec {
    table.only(cx, &["interfaces"]);
    let mut count = 0;
    let read = |cx: &mut Reader<'_>, node: &Node<'_, '_>| {
        list(cx, node, "a list of tables", |cx, node| {
            let derived = format!("{router}.{count}");
            count += 1;
            interface(cx, router, derived, node)
        })
    };
    RouterSpec { interfaces: table.require(cx, "interfaces", read).unwrap_or_default() }
}

fn interface(
    cx: &mut Reader<'_>,
    router: &str,
    derived: String,
    node: &Node<'_, '_>,
) -> Option<RouterInterface> {
    let table = Table::of(cx, node)?;
    table.only(cx, &[&STATION[..], &IP, &["name"]].concat());
    let given = table.get(cx, "name", scalar::text);
    let span = table.node("name").map_or(node.span.clone(), |n| n.span);
    if given.is_none() && bad_name(&derived).is_some() {
        if bad_name(router).is_none() {
            let message = format!("`{derived}` is longer than the limit of 15 characters");
            cx.problem(node.path.to_string(), span, message, "give the interface a `name`".to_owned());
        }
        return None;
    }
    let name = given.unwrap_or(derived);
    let station = station(cx, &name, &table);
    declare(cx, &name, Kind::Interface, node.path.to_string(), span, families(&station.ip));
    Some(RouterInterface { name: name.into(), station })
}

/// Reads a device's IP addresses, routers and static neighbours.
pub(super) fn ip_spec(cx: &mut Reader<'_>, table: &Table<'_, '_>) -> IpSpec {
    let address = table.get(cx, "address", host::addresses);
    // A wrong IP address is one error; that its family is then missing for the gateway is not a second one.
    let checkable = !table.has("address")
        || address.as_ref().is_some_and(|all| {
            table.node("address").is_none_or(|n| match n.value {
                DeValue::Array(array) => array.len() == all.len(),
                _ => true,
            })
        });
    let mut spec = IpSpec {
        address: address.unwrap_or_default(),
        sysctls: host::sysctls(cx, table),
        ..IpSpec::default()
    };
    let known: Option<Vec<Family>> = checkable.then(|| families(&spec));
    let gateway = table.get(cx, "gateway", |cx, node| match node.value {
        DeValue::String(_) => gateway(cx, node, known.as_deref()).map(|ip| vec![ip]),
        _ => list(cx, node, "an IP address or a list of them", |cx, n| gateway(cx, n, known.as_deref())),
    });
    spec.gateway = gateway.unwrap_or_default();
    if let (Some(node), [a, b, more @ ..]) = (table.node("gateway"), spec.gateway.as_slice())
        && (!more.is_empty() || Family::of(*a) == Family::of(*b))
    {
        let help = "give one for IPv4 and one for IPv6";
        cx.wrong::<()>(&node, "more than one router of one address family", help);
    }
    let neighbours = table.get(cx, "neighbours", |cx, node| {
        host::neighbours(cx, node, |cx, at, ip| in_family(cx, at, ip, known.as_deref()))
    });
    spec.neighbours = neighbours.unwrap_or_default();
    spec
}

fn gateway(cx: &mut Reader<'_>, node: &Node<'_, '_>, known: Option<&[Family]>) -> Option<IpAddr> {
    let ip = scalar::ip(cx, node)?;
    in_family(cx, node, ip, known)
}

/// The address, if the device has one of the same family. `known`: its families, if they could be read.
fn in_family(
    cx: &mut Reader<'_>,
    node: &Node<'_, '_>,
    ip: IpAddr,
    known: Option<&[Family]>,
) -> Option<IpAddr> {
    if known.is_none_or(|families| families.contains(&Family::of(ip))) {
        return Some(ip);
    }
    let family = if ip.is_ipv4() { "IPv4" } else { "IPv6" };
    cx.wrong(
        node,
        format!("{ip} cannot be used by a device without an {family} address"),
        "add one in `address`",
    )
}
