//! Switches and their ports.

use super::declared::families;
use super::names::{Kind, Want, Wire, declare};
use super::read::{Node, Reader, Table, list, type_name};
use super::scalar;
use super::suggest;
use super::{device, host};
use crate::frame::VlanId;
use crate::lab::spec::{FdbSpec, SwitchPortSpec, SwitchSpec};
use crate::station::default_mac;
use crate::switch::{
    DEFAULT_AGEING, Policy, PortFlag, PortFlags, PortSecurity, PortState, PortVlans, VirtualSwitch,
};
use std::ops::Range;
use toml::de::DeValue;

const SWITCH: [&str; 7] = ["mac", "ageing", "vlan_filtering", "group_fwd_mask", "fdb", "policy", "port"];
const PORT: [&str; 4] = ["state", "group_fwd_mask", "policy", "vlan"];

/// Features of a Linux bridge that this switch lacks.
const UNSUPPORTED: [&str; 18] = [
    "neigh_suppress",
    "neigh_vlan_suppress",
    "proxy_arp",
    "proxy_arp_wifi",
    "mcast_snooping",
    "mcast_querier",
    "mcast_router",
    "mcast_fast_leave",
    "mcast_to_unicast",
    "mcast_vlan_snooping",
    "fastleave",
    "guard",
    "root_block",
    "stp",
    "stp_state",
    "cost",
    "priority",
    "mab",
];

/// The names of port states, in the order of their numbers.
pub(super) const STATES: [(&str, PortState); 5] = [
    ("disabled", PortState::Disabled),
    ("listening", PortState::Listening),
    ("learning", PortState::Learning),
    ("forwarding", PortState::Forwarding),
    ("blocking", PortState::Blocking),
];

/// Reports unknown keys, and keys of a Linux bridge that are not supported.
pub(super) fn only(cx: &mut Reader<'_>, table: &Table<'_, '_>, known: &[&str]) {
    let mut more = known.to_vec();
    for key in UNSUPPORTED {
        if let Some(span) = table.key_span(key) {
            let path = table.path.key(key).to_string();
            let help = "a Linux bridge supports it; this switch does not".to_owned();
            cx.problem(path, span, format!("`{key}` is not supported yet"), help);
            more.push(key);
        }
    }
    if more.len() == known.len() {
        table.only(cx, known);
    } else {
        // The unsupported keys count as known, so that they are reported once, and not suggested.
        for (key, _) in table.entries() {
            let word = key.get_ref().as_ref();
            if !more.contains(&word) {
                let path = table.path.key(word).to_string();
                cx.problem(path, key.span(), format!("unknown key `{word}`"), suggest::hint(word, known));
            }
        }
    }
}

/// Reads `[switch.N]`.
pub(super) fn switch(
    cx: &mut Reader<'_>,
    name: &str,
    key_span: Range<usize>,
    node: &Node<'_, '_>,
) -> Option<SwitchSpec> {
    let line = cx.lines.line(key_span.start);
    let key = node.path.to_string();
    let Some(table) = Table::of(cx, node) else {
        declare(cx, name, Kind::Unclear, key, key_span, Vec::new());
        return None;
    };
    only(cx, &table, &[&SWITCH[..], &device::STACK].concat());
    let (host, ip) = (host::host_of(cx, &table), device::ip_spec(cx, &table));
    declare(cx, name, Kind::Switch, key, key_span, families(&ip));
    cx.names.belongs(name, host.as_ref(), &ip);
    let ports = table.get(cx, "port", |cx, node| {
        let table = Table::of(cx, node)?;
        let mut ports = Vec::new();
        for (key, value) in table.entries() {
            let device = key.get_ref().as_ref();
            let node = Node { path: table.path.key(device), span: value.span(), value: value.get_ref() };
            ports.extend(port(cx, name, device, key.span(), &node));
        }
        Some(ports)
    });
    let fdb = table
        .get(cx, "fdb", |cx, node| list(cx, node, "a list of tables", |cx, node| fdb_entry(cx, name, node)));
    Some(SwitchSpec {
        name: name.into(),
        mac: table.get(cx, "mac", scalar::mac).unwrap_or_else(|| default_mac(name)),
        host,
        ip,
        ageing: table.get(cx, "ageing", scalar::duration).unwrap_or(DEFAULT_AGEING),
        vlan_filtering: table.get(cx, "vlan_filtering", scalar::boolean).unwrap_or(false),
        group_fwd_mask: table.get(cx, "group_fwd_mask", scalar::u16).unwrap_or(0),
        fdb: fdb.unwrap_or_default(),
        ports: ports.unwrap_or_default(),
        policy: table.get(cx, "policy", policy),
        line,
    })
}

fn port(
    cx: &mut Reader<'_>,
    switch: &str,
    device: &str,
    key_span: Range<usize>,
    node: &Node<'_, '_>,
) -> Option<SwitchPortSpec> {
    let at = Node { span: key_span.clone(), ..node.clone() };
    cx.refer(&at, device, Want::SwitchPort(switch.into()));
    cx.names.switch_port(switch, device);
    let (key, socket) = (node.path.to_string(), Some(switch.into()));
    let wire = Wire { device: device.to_owned(), key, span: key_span, socket };
    cx.names.wires.push(wire);
    let table = Table::of(cx, node)?;
    only(cx, &table, &[&PortFlag::ALL.map(PortFlag::name)[..], &PORT].concat());
    let mut flags = PortFlags::default();
    for flag in PortFlag::ALL {
        if let Some(value) = table.get(cx, flag.name(), scalar::boolean) {
            *flags.get_mut(flag) = value;
        }
    }
    Some(SwitchPortSpec {
        device: device.into(),
        flags,
        state: table.get(cx, "state", declared_state).unwrap_or_default(),
        group_fwd_mask: table.get(cx, "group_fwd_mask", scalar::u16).unwrap_or(0),
        vlans: table.get(cx, "vlan", vlans).unwrap_or_default(),
        policy: table.get(cx, "policy", policy),
    })
}

/// A valid state: declaring a port is not a step that could be refused.
fn declared_state(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<PortState> {
    match state(cx, node)? {
        PortState::Invalid(n) => {
            cx.wrong(node, format!("{n} is not a port state"), "use a number from 0 to 4")
        }
        state => Some(state),
    }
}

/// A port's state by name or number, as `bridge link set … state` accepts it.
pub(super) fn state(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<PortState> {
    match node.value {
        DeValue::Integer(_) => {
            let number = scalar::u8(cx, node)?;
            let known = STATES.get(usize::from(number)).map(|(_, state)| *state);
            Some(known.unwrap_or(PortState::Invalid(number)))
        }
        DeValue::String(_) => {
            let name = scalar::word(cx, node, "port state", &STATES.map(|(name, _)| name))?;
            STATES.iter().find(|(n, _)| *n == name).map(|(_, state)| *state)
        }
        _ => cx.wrong_type(node, "a port state by name or number"),
    }
}

/// A port's VLANs: the table is its complete membership.
pub(super) fn vlans(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<PortVlans> {
    let table = Table::of(cx, node)?;
    table.only(cx, &["pvid", "untagged", "tagged"]);
    let vlans = PortVlans {
        pvid: table.get(cx, "pvid", scalar::vlan_id),
        untagged: table.get(cx, "untagged", scalar::vlan_ids).unwrap_or_default(),
        tagged: table.get(cx, "tagged", scalar::vlan_ids).unwrap_or_default(),
    };
    let member = |id: &VlanId| vlans.untagged.contains(id) || vlans.tagged.contains(id);
    if let (Some(node), Some(pvid)) = (table.node("pvid"), vlans.pvid.filter(|id| !member(id))) {
        let help = format!("put {pvid} into `untagged`, or into `tagged`");
        return cx.wrong(&node, format!("the port is not a member of its own VLAN {pvid}"), &help);
    }
    if let (Some(node), Some(id)) =
        (table.node("tagged"), vlans.tagged.iter().find(|v| vlans.untagged.contains(v)))
    {
        let help = "a VLAN leaves a port either with its tag or without it";
        return cx.wrong(&node, format!("VLAN {id} is tagged and untagged"), help);
    }
    Some(vlans)
}

/// An entry of the forwarding database.
pub(super) fn fdb_entry(cx: &mut Reader<'_>, switch: &str, node: &Node<'_, '_>) -> Option<FdbSpec> {
    let table = Table::of(cx, node)?;
    table.only(cx, &["mac", "port", "sticky", "dynamic", "replace", "vlan"]);
    let mac = table.require(cx, "mac", scalar::mac);
    let port = table.require(cx, "port", |cx, node| scalar::named(cx, node, Want::OnSwitch(switch.into())));
    let sticky = table.get(cx, "sticky", scalar::boolean).unwrap_or(false);
    let dynamic = table.get(cx, "dynamic", scalar::boolean).unwrap_or(false);
    let replace = table.get(cx, "replace", scalar::boolean).unwrap_or(false);
    let vlan = table.get(cx, "vlan", scalar::vlan_id);
    Some(FdbSpec { mac: mac?, port: port?, sticky, dynamic, replace, vlan })
}

/// The words for policies, and "none" at last, which lifts one.
fn policies() -> Vec<&'static str> {
    let products = VirtualSwitch::ALL.iter().map(|product| product.name());
    products.chain(["wifi", "cloud", "none"]).collect()
}

/// As [`policy`]; "none" lifts that of the port.
pub(super) fn policy_or_none(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Option<Policy>> {
    match node.value {
        DeValue::String(word) if word.as_ref() == "none" => Some(None),
        _ => policy_of(cx, node, &policies()).map(Some),
    }
}

/// A network's policy: its name, or a table with its settings.
fn policy(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Policy> {
    let words = policies();
    policy_of(cx, node, &words[..words.len() - 1])
}

fn policy_of(cx: &mut Reader<'_>, node: &Node<'_, '_>, words: &[&str]) -> Option<Policy> {
    let product = |name: &str| VirtualSwitch::ALL.iter().find(|product| product.name() == name).copied();
    let named = |name: String| match product(&name) {
        Some(product) => Policy::VirtualSwitch { product, accepts: product.accepts() },
        None if name == "wifi" => Policy::Wifi,
        None => Policy::Cloud,
    };
    match node.value {
        DeValue::String(_) => scalar::word(cx, node, "policy", words).map(named),
        DeValue::Table(_) => {
            let table = Table::of(cx, node)?;
            let words = policies();
            let kind = table
                .require(cx, "kind", |cx, n| scalar::word(cx, n, "policy", &words[..words.len() - 1]))?;
            let Some(product) = product(&kind) else {
                table.only(cx, &["kind"]);
                return Some(named(kind));
            };
            let usual = product.accepts();
            table.only(cx, &["kind", "promiscuous", "forged_transmits", "mac_changes"]);
            let mut accepts = |key, usual| {
                let read = |cx: &mut Reader<'_>, n: &Node<'_, '_>| {
                    scalar::word(cx, n, "setting", &["accept", "reject"])
                };
                table.get(cx, key, read).map_or(usual, |word| word == "accept")
            };
            let accepts = PortSecurity {
                promiscuous: accepts("promiscuous", usual.promiscuous),
                forged_transmits: accepts("forged_transmits", usual.forged_transmits),
                mac_changes: accepts("mac_changes", usual.mac_changes),
            };
            Some(Policy::VirtualSwitch { product, accepts })
        }
        value => cx.wrong(
            node,
            format!("expected a policy, found {}", type_name(value)),
            &format!("use one of {}, or a table with `kind`", suggest::list(words)),
        ),
    }
}
