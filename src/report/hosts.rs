//! Changes to IP stacks, in words and with the keys of the lab file.

use super::json::Object;
use super::words::list;
use crate::lab::spec::{AddressChange, HostChange, NeighbourChange};
use crate::station::{Neighbour, NeighbourState, RouteSpec, Sysctl};
use serde_json::{Value, json};

/// `the route to default via 10.0.0.1`
fn route_in_words(route: &RouteSpec) -> String {
    let mut text = if route.to.prefix_len() == 0 { "default".to_owned() } else { route.to.to_string() };
    let via = route.via.map(|via| via.to_string());
    let parts = [("via", via), ("dev", route.dev.as_ref().map(ToString::to_string))];
    for (word, value) in parts.into_iter().filter_map(|(word, value)| Some((word, value?))) {
        text.push_str(&format!(" {word} {value}"));
    }
    text
}

fn routes(all: &[RouteSpec]) -> String {
    let routes: Vec<String> = all.iter().map(route_in_words).collect();
    format!("the route{} to {}", if all.len() == 1 { "" } else { "s" }, list(&routes))
}

pub(super) fn host_changed(host: &str, change: &HostChange) -> String {
    match change {
        HostChange::Forwarding(true) => format!("{host} forwards packets"),
        HostChange::Forwarding(false) => format!("{host} stops forwarding packets"),
        HostChange::Sysctl(settings) => sysctls_set(host, settings),
        HostChange::AddRoutes(all) => format!("{host} adds {}", routes(all)),
        HostChange::DelRoutes(all) => format!("{host} removes {}", routes(all)),
    }
}

pub(super) fn sysctls_set(name: &str, settings: &[(Sysctl, u8)]) -> String {
    let all: Vec<String> =
        settings.iter().map(|(sysctl, value)| format!("{} to {value}", sysctl.name())).collect();
    format!("{name} sets {}", list(&all))
}

pub(super) fn sysctl_keys(settings: &[(Sysctl, u8)]) -> Object {
    settings.iter().fold(Object::default(), |all, (sysctl, value)| all.with(sysctl.name(), *value))
}

pub(super) fn addresses_changed(device: &str, change: &AddressChange) -> String {
    match change {
        AddressChange::Add(nets) => format!("{device} gets the IP address {}", list(nets)),
        AddressChange::Del(nets) => format!("{device} loses the IP address {}", list(nets)),
    }
}

pub(super) fn neighbours_changed(device: &str, change: &NeighbourChange) -> String {
    match change {
        NeighbourChange::Add(all) => {
            let entries: Vec<String> = all.iter().map(|(ip, mac)| format!("{ip} at {mac}")).collect();
            format!("{device} gets the permanent neighbour {}", list(&entries))
        }
        NeighbourChange::Del(all) => format!("{device} forgets the neighbour {}", list(all)),
        NeighbourChange::Flush => format!("{device} forgets its neighbours"),
    }
}

/// Since when a neighbour is known, so that no request for it is sent: ` (02:42:c0:a8:80:e9 known since step 3)`.
#[must_use]
pub fn known_since(neighbour: &Neighbour, since_step: usize) -> String {
    match (neighbour.mac, neighbour.state) {
        (Some(mac), NeighbourState::Permanent) => format!(" ({mac}, a permanent neighbour)"),
        (Some(mac), _) if since_step == 0 => format!(" ({mac} known since the start)"),
        (Some(mac), _) => format!(" ({mac} known since step {since_step})"),
        (None, _) => String::new(),
    }
}

/// What is known of a neighbour; without an entry, the keys have no value.
pub(super) fn neighbour(object: Object, entry: Option<&Neighbour>) -> Object {
    object
        .with("mac", entry.and_then(|entry| entry.mac).map(|mac| mac.to_string()))
        .with("state", entry.map(|entry| entry.state.name()))
}

/// An entry of a neighbour table, with its times.
pub(super) fn listed(object: Object, entry: &Neighbour) -> Object {
    neighbour(object.with("ip", entry.ip.to_string()), Some(entry))
        .with("since_ns", entry.since.as_nanos())
        .with("confirmed_ns", entry.confirmed.map(|time| time.as_nanos()))
        .with("used_ns", entry.used.as_nanos())
}

fn texts<T: ToString>(values: &[T]) -> Value {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().into()
}

fn route_value(route: &RouteSpec) -> Value {
    json!({
        "to": route.to.to_string(),
        "via": route.via.map(|via| via.to_string()),
        "dev": route.dev.as_deref(),
        "src": route.src.map(|src| src.to_string()),
        "metric": route.metric,
    })
}

/// The keys of a change to a host.
pub(super) fn host_keys(object: Object, change: &HostChange) -> Object {
    let routes = |key, all: &[RouteSpec]| {
        let values: Vec<Value> = all.iter().map(route_value).collect();
        Object::default().with(key, values)
    };
    match change {
        HostChange::Forwarding(on) => object.with("forwarding", *on),
        HostChange::Sysctl(settings) => object.with_object("sysctl", sysctl_keys(settings)),
        HostChange::AddRoutes(all) => object.with_object("routes", routes("add", all)),
        HostChange::DelRoutes(all) => object.with_object("routes", routes("del", all)),
    }
}

pub(super) fn address_keys(change: &AddressChange) -> Object {
    match change {
        AddressChange::Add(nets) => Object::default().with("add", texts(nets)),
        AddressChange::Del(nets) => Object::default().with("del", texts(nets)),
    }
}

pub(super) fn neighbour_keys(change: &NeighbourChange) -> Object {
    match change {
        NeighbourChange::Add(all) => {
            let entries = all.iter().map(|(ip, mac)| (ip.to_string(), mac.to_string().into()));
            Object::default().with("add", entries.collect::<serde_json::Map<_, _>>())
        }
        NeighbourChange::Del(all) => Object::default().with("del", texts(all)),
        NeighbourChange::Flush => Object::default().with("flush", true),
    }
}
