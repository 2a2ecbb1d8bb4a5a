//! `set` steps: changes to devices and switches.

use super::host;
use super::names::Want;
use super::read::{Node, Reader, Table};
use super::scalar;
use super::suggest;
use super::switch;
use crate::lab::spec::{Action, Change, Name, SwitchChange};
use crate::macvlan::SourcesChange;
use crate::switch::PortFlag;
use toml::de::DeValue;

/// Changes that apply to every device.
const ANY: [&str; 11] = [
    "up",
    "mac",
    "mtu",
    "promisc",
    "allmulticast",
    "join",
    "leave",
    "host",
    "address",
    "neighbours",
    "sysctl",
];
/// The change that applies to what can be a port of a bridge.
const MASTER: &str = "master";
/// The change that applies to bonds only.
const ACTIVE: &str = "active";
/// Changes that apply to ports only.
const PORT_ONLY: [&str; 5] = ["mode", "flags", "bcqueuelen", "bclim", "sources"];

/// What can change.
const SUBJECTS: [&str; 3] = ["device", "switch", "host"];

/// Reads a `set` step.
pub(super) fn set(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Action> {
    let table = Table::of(cx, node)?;
    match SUBJECTS.map(|subject| table.has(subject)) {
        [true, false, false] => device(cx, node, &table),
        [false, true, false] => switch_change(cx, node, &table),
        // A device may move to a host.
        [true, false, true] => device(cx, node, &table),
        [false, false, true] => host_change(cx, node, &table),
        [has_device, has_switch, _] => {
            let message = match (has_device, has_switch) {
                (true, _) => "`device` and `switch` in one step",
                (false, true) => "`switch` and `host` in one step",
                (false, false) => "nothing to set",
            };
            let help = "name a `device`, a `switch` or a `host`".to_owned();
            cx.problem(node.path.to_string(), node.span.clone(), message, help);
            None
        }
    }
}

/// The only one of these keys in the table.
pub(super) fn one<'k>(
    cx: &mut Reader<'_>,
    node: &Node<'_, '_>,
    table: &Table<'_, '_>,
    keys: &[&'k str],
) -> Option<&'k str> {
    let mut present: Vec<&str> = keys.iter().copied().filter(|k| table.has(k)).collect();
    present.sort_by_key(|k| table.key_span(k).map(|span| span.start));
    match present.as_slice() {
        [key] => Some(key),
        [] => {
            // An unknown key has been reported already.
            let known = ["device", "switch", "port", "host"];
            if table.entries().iter().all(|(key, _)| known.contains(&key.get_ref().as_ref())) {
                let help = format!("use one of {}", suggest::list(keys));
                cx.problem(node.path.to_string(), node.span.clone(), "nothing to change", help);
            }
            None
        }
        [a, b, ..] => {
            let span = table.key_span(b).unwrap_or(node.span.clone());
            let help = "a step makes one change: start another with [[step]]".to_owned();
            cx.problem(node.path.to_string(), span, format!("`{a}` and `{b}` in one step"), help);
            None
        }
    }
}

fn device(cx: &mut Reader<'_>, node: &Node<'_, '_>, table: &Table<'_, '_>) -> Option<Action> {
    let keys = [&ANY[..], &[MASTER, ACTIVE], &PORT_ONLY].concat();
    table.only(cx, &[&["device"], &keys[..]].concat());
    let key = one(cx, node, table, &keys);
    let want = match key {
        Some(MASTER) => Want::BridgePort,
        Some(ACTIVE) => Want::Bond,
        Some(key) if PORT_ONLY.contains(&key) => Want::Port,
        _ => Want::Device,
    };
    let device = table.get(cx, "device", |cx, n| scalar::named(cx, n, want));
    let key = key?;
    let change = table.get(cx, key, |cx, node| change(cx, key, node));
    let (device, change) = (device?, change?);
    cx.names.change(&device, &change);
    if let (Change::Master(Some(master)), Some(node)) = (&change, table.node(key)) {
        cx.names.enslave_by_step(&device, master, &node);
    }
    Some(Action::Set { device, change })
}

fn host_change(cx: &mut Reader<'_>, node: &Node<'_, '_>, table: &Table<'_, '_>) -> Option<Action> {
    table.only(cx, &[&["host"][..], &host::CHANGES].concat());
    let host = table.get(cx, "host", |cx, n| scalar::named(cx, n, Want::Host))?;
    let key = one(cx, node, table, &host::CHANGES)?;
    let change = table.get(cx, key, |cx, node| host::change(cx, &host, key, node))?;
    Some(Action::SetHost { host, change })
}

fn change(cx: &mut Reader<'_>, key: &str, node: &Node<'_, '_>) -> Option<Change> {
    match key {
        "up" => scalar::boolean(cx, node).map(Change::Up),
        "mac" => scalar::mac(cx, node).map(Change::Mac),
        "mtu" => scalar::u32(cx, node).map(Change::Mtu),
        "promisc" => scalar::boolean(cx, node).map(Change::Promisc),
        "allmulticast" => scalar::boolean(cx, node).map(Change::Allmulticast),
        "join" => scalar::mac(cx, node).map(Change::Join),
        "leave" => scalar::mac(cx, node).map(Change::Leave),
        "mode" => scalar::mode(cx, node).map(Change::Mode),
        "flags" => scalar::flags(cx, node).map(Change::Flags),
        "bcqueuelen" => scalar::u32(cx, node).map(Change::Bcqueuelen),
        "bclim" => scalar::i32(cx, node).map(Change::Bclim),
        "sysctl" => host::settings(cx, node).map(Change::Sysctl),
        "host" => scalar::named(cx, node, Want::Host).map(Change::Host),
        "address" => host::address_change(cx, node).map(Change::Addresses),
        "neighbours" => host::neighbour_change(cx, node).map(Change::Neighbours),
        MASTER => named_or_none(cx, node, Want::Master).map(Change::Master),
        ACTIVE => named_or_none(cx, node, Want::BondPort).map(Change::Active),
        _ => sources(cx, node).map(Change::Sources),
    }
}

/// A name, or `""` for none.
fn named_or_none(cx: &mut Reader<'_>, node: &Node<'_, '_>, want: Want) -> Option<Option<Name>> {
    match scalar::text(cx, node)? {
        none if none.is_empty() => Some(None),
        _ => scalar::named(cx, node, want).map(Some),
    }
}

fn sources(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<SourcesChange> {
    let table = Table::of(cx, node)?;
    let keys = ["add", "del", "set", "flush"];
    table.only(cx, &keys);
    match one(cx, node, &table, &keys)? {
        "add" => table.get(cx, "add", scalar::macs).map(SourcesChange::Add),
        "del" => table.get(cx, "del", scalar::macs).map(SourcesChange::Del),
        "set" => table.get(cx, "set", scalar::macs).map(SourcesChange::Set),
        _ => table.get(cx, "flush", flush).map(|()| SourcesChange::Flush),
    }
}

/// `flush = true`
pub(super) fn flush(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<()> {
    match scalar::boolean(cx, node)? {
        true => Some(()),
        false => {
            cx.wrong(node, "`flush = false` has no effect", "write `flush = true`, or leave the step out")
        }
    }
}

fn switch_change(cx: &mut Reader<'_>, node: &Node<'_, '_>, table: &Table<'_, '_>) -> Option<Action> {
    let flags = PortFlag::ALL.map(PortFlag::name);
    let of_port = [&["state", "group_fwd_mask", "vlan", "policy"], &flags[..]].concat();
    let of_switch = ["ageing", "group_fwd_mask", "fdb", "fdb_del"];
    let with_port = table.has("port");
    let all = [&["switch", "port", "ageing", "fdb", "fdb_del"], &of_port[..]].concat();
    switch::only(cx, table, &all);
    let switch = table.get(cx, "switch", |cx, n| scalar::named(cx, n, Want::Switch))?;
    let port = table.get(cx, "port", |cx, n| scalar::named(cx, n, Want::OnSwitch(switch.clone())));
    if with_port && port.is_none() {
        return None;
    }
    let every: Vec<&str> = all.iter().copied().filter(|k| !["switch", "port"].contains(k)).collect();
    let key = one(cx, node, table, &every)?;
    let fits = if with_port { of_port.contains(&key) } else { of_switch.contains(&key) };
    if !fits {
        let span = table.key_span(key).unwrap_or(node.span.clone());
        let (message, help) = if with_port {
            (format!("`{key}` applies to the switch, not to a port"), "leave `port` out")
        } else {
            (format!("`{key}` applies to a port"), "add `port = \"DEVICE\"`")
        };
        cx.problem(table.path.key(key).to_string(), span, message, help.to_owned());
        return None;
    }
    let change = table.get(cx, key, |cx, node| port_change(cx, &switch, port, key, node))?;
    Some(Action::SetSwitch { switch, change })
}

fn port_change(
    cx: &mut Reader<'_>,
    switch: &str,
    port: Option<Name>,
    key: &str,
    node: &Node<'_, '_>,
) -> Option<SwitchChange> {
    match (key, port) {
        ("ageing", _) => scalar::duration(cx, node).map(SwitchChange::Ageing),
        ("fdb", _) => switch::fdb_entry(cx, switch, node).map(SwitchChange::Fdb),
        ("fdb_del", _) => fdb_del(cx, node),
        ("group_fwd_mask", port) => {
            scalar::u16(cx, node).map(|mask| SwitchChange::GroupFwdMask { port, mask })
        }
        ("vlan", Some(port)) => switch::vlans(cx, node).map(|vlans| SwitchChange::Vlans { port, vlans }),
        ("policy", Some(port)) => {
            switch::policy_or_none(cx, node).map(|policy| SwitchChange::Policy { port, policy })
        }
        ("state", Some(port)) => switch::state(cx, node).map(|state| SwitchChange::State { port, state }),
        (_, Some(port)) => {
            let flag = PortFlag::ALL.into_iter().find(|f| f.name() == key)?;
            scalar::boolean(cx, node).map(|value| SwitchChange::Flag { port, flag, value })
        }
        (_, None) => None,
    }
}

/// An address, or a table that names its VLAN as well.
fn fdb_del(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<SwitchChange> {
    let DeValue::Table(_) = node.value else {
        return scalar::mac(cx, node).map(|mac| SwitchChange::FdbDel { mac, vlan: None });
    };
    let table = Table::of(cx, node)?;
    table.only(cx, &["mac", "vlan"]);
    let mac = table.require(cx, "mac", scalar::mac);
    let vlan = table.get(cx, "vlan", scalar::vlan_id);
    Some(SwitchChange::FdbDel { mac: mac?, vlan })
}
