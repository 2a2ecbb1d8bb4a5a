//! Gateways that take no packets.

use super::Lint;
use crate::frame::Family;
use crate::lab::Device;
use crate::lab::spec::{Action, DeviceKind, LabSpec, Name};
use crate::station::IpSpec;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The IP configuration of every device that the file declares.
pub(super) fn stacks(spec: &LabSpec) -> impl Iterator<Item = (&Name, &IpSpec)> {
    spec.devices.iter().flat_map(|device| {
        let interfaces = match &device.kind {
            DeviceKind::Router(router) => router.interfaces.as_slice(),
            _ => &[],
        };
        let own = match &device.kind {
            DeviceKind::Nic(nic) => Some(&nic.ip),
            DeviceKind::Vlan(vlan) => Some(&vlan.ip),
            DeviceKind::Macvlan(port) => Some(&port.ip),
            DeviceKind::Station(station) => Some(&station.ip),
            DeviceKind::Router(_) => None,
        };
        let own = own.map(|ip| (&device.name, ip));
        own.into_iter().chain(interfaces.iter().map(|i| (&i.name, &i.station.ip)))
    })
}

/// The gateways of devices that are there. Link-local ones are on every link, and many are not declared.
pub(super) fn gateways(lint: &mut Lint<'_, '_>, spec: &LabSpec, devices: &[Device]) {
    let there: BTreeMap<&str, &Device> = devices.iter().map(|d| (d.name.as_str(), d)).collect();
    let owners = owners(spec);
    for (device, ip) in stacks(spec).filter(|(name, _)| there.contains_key(name.as_str())) {
        for (index, gateway) in ip.gateway.iter().enumerate() {
            if matches!(gateway, IpAddr::V6(ip) if ip.is_unicast_link_local()) {
                continue;
            }
            if !ip.address.iter().any(|net| net.contains(gateway)) {
                outside(lint, device, ip, index, *gateway);
            } else if !ip.neighbours.contains_key(gateway)
                && !owners.get(gateway).is_some_and(|names| names.iter().any(|name| *name != device))
            {
                absent(lint, device, index, *gateway);
            }
        }
    }
}

/// The devices that have an IP address, at the start or later.
fn owners(spec: &LabSpec) -> BTreeMap<IpAddr, Vec<&Name>> {
    let added = spec.steps.iter().filter_map(|step| match &step.action {
        Action::Add { name, spec } => Some((name, &spec.ip)),
        _ => None,
    });
    let mut owners: BTreeMap<IpAddr, Vec<&Name>> = BTreeMap::new();
    for (name, ip) in stacks(spec).chain(added) {
        for net in &ip.address {
            let names = owners.entry(net.addr()).or_default();
            // Two are enough to tell whether another device has it.
            if names.len() < 2 {
                names.push(name);
            }
        }
    }
    owners
}

/// The gateway is on no link of the device.
fn outside(lint: &mut Lint<'_, '_>, device: &Name, ip: &IpSpec, index: usize, gateway: IpAddr) {
    let Some(place) = lint.places.get(device) else { return };
    let family = Family::of(gateway);
    let subnet = ip.address.iter().enumerate().find(|(_, net)| Family::of(net.addr()) == family);
    let other = subnet
        .map(|(index, net)| (place.element("address", index), format!("the subnet is {}", net.trunc())));
    let message = format!("the gateway {gateway} is outside the subnets of `{device}`");
    let help = "Linux refuses a route by a gateway that is not on the link";
    let at = place.element("gateway", index);
    lint.warn(Some(at), message, help, other);
}

/// No other device has the gateway's address.
fn absent(lint: &mut Lint<'_, '_>, device: &Name, index: usize, gateway: IpAddr) {
    let at = lint.places.get(device).map(|place| place.element("gateway", index));
    let message = format!("no other device of the lab has the address of the gateway {gateway}");
    let help = "packets for other subnets cannot be sent, unless a machine attached by `macvlab live` has it";
    lint.warn(at, message, help, None);
}
