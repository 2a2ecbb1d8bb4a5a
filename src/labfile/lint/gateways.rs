//! Gateways that take no packets.

use super::Lint;
use crate::frame::Family;
use crate::lab::Device;
use crate::lab::spec::{Action, AddressChange, Change, LabSpec, Name};
use crate::station::IpSpec;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The routes of hosts: their gateways are neighbours.
pub(super) fn routes(lint: &mut Lint<'_, '_>, spec: &LabSpec) {
    let owners = owners(spec);
    for host in &spec.hosts {
        let interfaces: Vec<(&Name, &IpSpec)> = spec
            .interfaces()
            .filter(|(_, name, _)| **name == host.name)
            .map(|(dev, _, ip)| (dev, ip))
            .collect();
        for (index, route) in host.config.routes.iter().enumerate() {
            let Some(via) = route.via.filter(|via| !is_link_local(*via)) else { continue };
            let by = |dev: &Name| route.dev.as_ref().is_none_or(|wanted| wanted == dev);
            let near = interfaces.iter().filter(|(dev, _)| by(dev));
            let on_link = near.clone().any(|(_, ip)| ip.address.iter().any(|net| net.contains(&via)));
            let known = near.clone().any(|(_, ip)| ip.neighbours.contains_key(&via));
            let own = |name: &Name| interfaces.iter().any(|(dev, _)| *dev == name);
            let there = owners.get(&via).is_some_and(|names| names.iter().any(|name| !own(name)));
            let at = lint.places.get(&host.name).map(|place| place.element("routes", index));
            if !on_link {
                let message =
                    format!("the gateway {via} is in no subnet of the interfaces of `{}`", host.name);
                lint.warn("gateway-outside", at, message, NOT_ON_LINK, None);
            } else if !known && !there {
                let message = format!("no other device of the lab has the address of the gateway {via}");
                lint.warn("gateway-missing", at, message, ABSENT, None);
            }
        }
    }
}

/// Linux refuses such a route.
const NOT_ON_LINK: &str = "Linux refuses a route by a gateway that is not on the link";
const ABSENT: &str =
    "packets for other subnets cannot be sent, unless a machine attached by `macvlab live` has it";

fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// The gateways of devices that are there. Link-local ones are on every link, and many are not declared.
pub(super) fn gateways(lint: &mut Lint<'_, '_>, spec: &LabSpec, devices: &[Device]) {
    let there: BTreeMap<&str, &Device> = devices.iter().map(|d| (d.name.as_str(), d)).collect();
    let owners = owners(spec);
    for (device, ip) in spec.stacks().filter(|(name, _)| there.contains_key(name.as_str())) {
        for (index, gateway) in ip.gateway.iter().enumerate() {
            if is_link_local(*gateway) {
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
    let later = spec.steps.iter().filter_map(|step| match &step.action {
        Action::Add { name, spec } => Some((name, spec.ip.address.as_slice())),
        Action::Set { device, change: Change::Addresses(AddressChange::Add(nets)) } => {
            Some((device, nets.as_slice()))
        }
        _ => None,
    });
    let loopbacks = spec.hosts.iter().map(|host| (&host.name, host.config.loopback.as_slice()));
    let mut owners: BTreeMap<IpAddr, Vec<&Name>> = BTreeMap::new();
    for (name, nets) in
        spec.stacks().map(|(name, ip)| (name, ip.address.as_slice())).chain(loopbacks).chain(later)
    {
        for net in nets {
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
    let at = place.element("gateway", index);
    lint.warn("gateway-outside", Some(at), message, NOT_ON_LINK, other);
}

/// No other device has the gateway's address.
fn absent(lint: &mut Lint<'_, '_>, device: &Name, index: usize, gateway: IpAddr) {
    let at = lint.places.get(device).map(|place| place.element("gateway", index));
    let message = format!("no other device of the lab has the address of the gateway {gateway}");
    lint.warn("gateway-missing", at, message, ABSENT, None);
}
