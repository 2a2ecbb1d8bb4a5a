//! Bonds.

use super::device::{STACK, ip_spec, master};
use super::host;
use super::names::Want;
use super::read::{Node, Reader, Table, list};
use super::scalar;
use crate::lab::spec::{BondSpec, DEFAULT_MTU, Name};

/// Reads `[bond.N]`.
pub(super) fn bond(cx: &mut Reader<'_>, name: &str, table: &Table<'_, '_>) -> BondSpec {
    table.only(cx, &[&["ports", "primary", "mac", "mtu", "up", "master"][..], &STACK].concat());
    let ports = table
        .require(cx, "ports", |cx, node| list(cx, node, "a list of NICs", |cx, node| port(cx, name, node)));
    let ports = ports.unwrap_or_default();
    let primary = table.get(cx, "primary", |cx, node| {
        let primary = scalar::named(cx, node, Want::BondPort)?;
        if !ports.contains(&primary) {
            let message = format!("`{primary}` is no port of `{name}`");
            return cx.wrong(node, message, "the primary port is one of `ports`");
        }
        Some(primary)
    });
    BondSpec {
        ports,
        primary,
        mac: table.get(cx, "mac", scalar::mac),
        host: host::host_of(cx, table),
        ip: ip_spec(cx, table),
        mtu: table.get(cx, "mtu", scalar::u32).unwrap_or(DEFAULT_MTU),
        up: table.get(cx, "up", scalar::boolean).unwrap_or(true),
        master: master(cx, name, table),
    }
}

fn port(cx: &mut Reader<'_>, bond: &str, node: &Node<'_, '_>) -> Option<Name> {
    let device = scalar::named(cx, node, Want::BondPort)?;
    cx.names.bond(&device, bond, node);
    Some(device)
}
