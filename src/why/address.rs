//! IP addresses and gateways.

use super::case::{Case, MAX_EACH, word};
use super::{Rank, Remedy};
use crate::frame::Family;
use crate::lab::spec::{Action, AddressChange, Change, DeviceKind, Name};
use crate::station::{IpNet, IpSpec};
use std::net::IpAddr;

/// Another address, and a gateway, for each end.
pub(super) fn candidates(case: &Case<'_>) -> Vec<Remedy> {
    let mut all = Vec::new();
    for (name, other) in case.both_ways() {
        all.extend(readdressed(case, &name, &other));
    }
    for name in case.ends() {
        all.extend(gateways(case, &name));
    }
    all
}

/// A free address in the other's subnets, in place of the device's own of the same family.
fn readdressed(case: &Case<'_>, name: &Name, other: &Name) -> Vec<Remedy> {
    let (Some(own), Some(theirs)) = (case.ip(name), case.ip(other)) else { return Vec::new() };
    let made = theirs.address.iter().filter_map(|subnet| {
        let new = case.free_address(*subnet)?;
        let old = own.address.iter().position(|net| Family::of(net.addr()) == Family::of(new.addr()));
        let table = case.with_ip(name, |ip| replace(ip, old, new))?;
        let old = old.and_then(|index| own.address.get(index));
        let word = word(name);
        let remedy = match old {
            Some(old) => {
                Remedy::new(Rank::Address, format!("Give {name} the address {new} in place of {old}."))
                    .step(set(name, AddressChange::Add(vec![new])))
                    .step(set(name, AddressChange::Del(vec![*old])))
                    .command(format!("ip addr add {new} dev {word}"))
                    .command(format!("ip addr del {old} dev {word}"))
            }
            None => Remedy::new(Rank::Address, format!("Give {name} the address {new}."))
                .step(set(name, AddressChange::Add(vec![new])))
                .command(format!("ip addr add {new} dev {word}")),
        };
        Some(remedy.table(table))
    });
    made.collect()
}

fn set(name: &Name, change: AddressChange) -> Action {
    Action::Set { device: name.clone(), change: Change::Addresses(change) }
}

fn replace(ip: &mut IpSpec, old: Option<usize>, new: IpNet) {
    match old.and_then(|index| ip.address.get_mut(index)) {
        Some(place) => *place = new,
        None => ip.address.push(new),
    }
}

/// Every interface of a router in one of the device's subnets that is not its gateway yet.
fn gateways(case: &Case<'_>, name: &Name) -> Vec<Remedy> {
    let Some(own) = case.ip(name) else { return Vec::new() };
    let near = |addr: &IpAddr| own.address.iter().any(|net| net.contains(addr) && net.addr() != *addr);
    let routers = case.spec.devices.iter().filter_map(|device| match &device.kind {
        DeviceKind::Router(router) => Some(&router.interfaces),
        _ => None,
    });
    let addresses = routers.flatten().flat_map(|i| i.station.ip.address.iter().map(|net| net.addr()));
    let new = addresses.filter(|addr| near(addr) && !own.gateway.contains(addr)).take(MAX_EACH);
    let made = new.filter_map(|via| {
        let table = case.with_ip(name, |ip| {
            ip.gateway.retain(|old| Family::of(*old) != Family::of(via));
            ip.gateway.push(via);
        })?;
        let remedy = Remedy::new(Rank::Gateway, format!("Give {name} the gateway {via}."))
            .table(table)
            .anew([format!("ip route replace default via {via} dev {}", word(name))]);
        Some(remedy)
    });
    made.collect()
}
