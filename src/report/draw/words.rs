//! The labels of a diagram.

use super::scene::{Refused, Scene};
use crate::lab::{Device, DeviceType};
use crate::report::words::{port_notes, printable};

/// The kind of device, for users.
pub(in crate::report) fn kind(device: &Device) -> String {
    match (device.kind, device.mode, device.vlan) {
        // There is room for the host instead.
        (kind, Some(mode), _) if kind.is_port() => match &device.host {
            Some(host) => format!("{mode} · {}", printable(host)),
            None => format!("{kind}, {mode}"),
        },
        (DeviceType::Nic, ..) => "NIC".to_owned(),
        (DeviceType::Vlan, _, Some(id)) => format!("VLAN {id}"),
        (DeviceType::Router, ..) => "router interface".to_owned(),
        (DeviceType::SwitchPort, ..) => "switch port".to_owned(),
        (kind, ..) => kind.to_string(),
    }
}

/// The host around a parent: the declared one, or that of the device.
pub(super) fn around(device: &Device) -> String {
    device.host.as_ref().map_or_else(|| format!("host of {}", device.name), |host| format!("host {host}"))
}

/// The IP addresses of the stack: the first, and the number of others.
pub(super) fn addresses(device: &Device) -> Option<String> {
    let first = device.address.first()?;
    Some(match device.address.len() - 1 {
        0 => first.to_string(),
        more => format!("{first} +{more}"),
    })
}

/// That the device is down, and why if it was refused.
pub(super) fn down(device: &Device, scene: &Scene) -> Option<String> {
    if device.up {
        return None;
    }
    Some(match scene.refusal(&device.name) {
        Some(Refused { refusal, .. }) => format!("down: {} {}", refusal.errno, refusal.rule),
        None => "down".to_owned(),
    })
}

/// The unusual settings of a switch port; hairpin is always shown where it matters, towards a parent of ports.
pub(super) fn socket(port: &Device, towards_parent: bool) -> Vec<String> {
    let Some(stands) = port.port else { return Vec::new() };
    let mut notes = port_notes(stands);
    if towards_parent && !stands.flags.hairpin {
        notes.insert(0, "hairpin off".to_owned());
    }
    notes
}

/// Everything about a device in one line, for tooltips and screen readers.
pub(super) fn all(device: &Device, scene: &Scene) -> String {
    let mut text = format!("{}: {}", printable(&device.name), kind(device));
    let mut add = |what: &str| {
        text.push_str(", ");
        text.push_str(what);
    };
    if let Some(parent) = device.parent.as_ref().filter(|_| device.kind != DeviceType::SwitchPort) {
        add(&format!("on {}", printable(parent)));
    }
    if let Some(master) = &device.master {
        add(&format!("port of {}", printable(master)));
    }
    if let Some(active) = &device.active {
        add(&format!("active port {}", printable(active)));
    }
    if let Some(mac) = device.mac {
        add(&mac.to_string());
    }
    device.address.iter().for_each(|net| add(&net.to_string()));
    if let Some(peer) = &device.peer {
        add(&format!("cable to {}", printable(peer)));
    }
    socket(device, true).iter().for_each(|note| add(note));
    if let Some(down) = down(device, scene) {
        add(&down);
    }
    text
}
