//! Hosts: their routes and settings, and changes to them.

use super::keys::{Keys, list, quote};
use crate::frame::MacAddr;
use crate::lab::spec::{AddressChange, HostChange, NeighbourChange};
use crate::station::{HostConfig, RouteSpec, Sysctl, Sysctls};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The keys of a host's table.
pub(super) fn host_keys(config: &HostConfig) -> Keys {
    let mut keys = Keys::default();
    keys.unless("forwarding", &config.forwarding, &false);
    keys.texts("loopback", &config.loopback);
    if !config.routes.is_empty() {
        let all: Vec<String> = config.routes.iter().map(route).collect();
        keys.put("routes", format!("[\n    {},\n]", all.join(",\n    ")));
    }
    sysctl_keys(&mut keys, config.sysctls);
    keys
}

/// The settings that are not 0.
pub(super) fn sysctl_keys(keys: &mut Keys, sysctls: Sysctls) {
    let set = Sysctl::ALL.map(|sysctl| (sysctl, sysctls.get(sysctl)));
    let set: Vec<(Sysctl, u8)> = set.into_iter().filter(|(_, value)| *value != 0).collect();
    if !set.is_empty() {
        keys.put("sysctl", settings(&set));
    }
}

pub(super) fn settings(all: &[(Sysctl, u8)]) -> String {
    let mut table = Keys::default();
    all.iter().for_each(|(sysctl, value)| table.put(sysctl.name(), value.to_string()));
    table.inline()
}

fn route(route: &RouteSpec) -> String {
    let mut keys = Keys::default();
    // "default" is a route for IPv4 unless its gateway has an IPv6 address.
    let is_default = route.to.prefix_len() == 0
        && route.to.addr().is_unspecified()
        && route.to.addr().is_ipv4() == route.via.is_none_or(|via| via.is_ipv4());
    keys.text("to", &if is_default { "default".to_owned() } else { route.to.to_string() });
    if let Some(via) = route.via {
        keys.text("via", &via.to_string());
    }
    if let Some(dev) = &route.dev {
        keys.text("dev", dev);
    }
    if let Some(src) = route.src {
        keys.text("src", &src.to_string());
    }
    keys.maybe("metric", route.metric);
    keys.inline()
}

fn routes(all: &[RouteSpec]) -> String {
    format!("[{}]", all.iter().map(route).collect::<Vec<_>>().join(", "))
}

/// MAC addresses by IP address.
pub(super) fn neighbours(all: &BTreeMap<IpAddr, MacAddr>) -> String {
    let mut table = Keys::default();
    for (ip, mac) in all {
        table.text(&quote(&ip.to_string()), &mac.to_string());
    }
    table.inline()
}

pub(super) fn address_change(change: &AddressChange) -> String {
    let mut table = Keys::default();
    match change {
        AddressChange::Add(nets) => table.put("add", list(nets)),
        AddressChange::Del(nets) => table.put("del", list(nets)),
    }
    table.inline()
}

pub(super) fn neighbour_change(change: &NeighbourChange) -> String {
    let mut table = Keys::default();
    match change {
        NeighbourChange::Add(all) => table.put("add", neighbours(all)),
        NeighbourChange::Del(all) => table.put("del", list(all)),
        NeighbourChange::Flush => table.put("flush", "true".to_owned()),
    }
    table.inline()
}

/// A `set` step of a host.
pub(super) fn set_host(host: &str, change: &HostChange) -> String {
    let mut keys = Keys::default();
    keys.text("host", host);
    let mut table = Keys::default();
    match change {
        HostChange::Forwarding(on) => keys.put("forwarding", on.to_string()),
        HostChange::Sysctl(all) => keys.put("sysctl", settings(all)),
        HostChange::AddRoutes(all) => table.put("add", routes(all)),
        HostChange::DelRoutes(all) => table.put("del", routes(all)),
    }
    if !table.is_empty() {
        keys.put("routes", table.inline());
    }
    keys.inline()
}
