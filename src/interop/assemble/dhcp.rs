//! Ports whose addresses a DHCP server gives: addresses that stand for them.

use super::super::words::successors;
use super::super::{Draft, Kind, NoteKind, Role};
use super::Id;
use super::links::Links;
use crate::station::IpNet;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// The subnet where the input names none.
const SUBNET: (Ipv4Addr, u8) = (Ipv4Addr::new(192, 168, 1, 0), 24);

/// Gives an address to each port that waits for one.
pub(super) fn addresses(draft: &mut Draft, links: &Links) {
    let is_waiting = |id: &Id| {
        let port = draft.at(*id);
        port.dhcp && port.addresses.is_empty() && !links.gone.contains(id)
    };
    for id in draft.ids().filter(is_waiting).collect::<Vec<_>>() {
        let below = links.below.get(&id).copied().unwrap_or(id);
        let known = subnet(draft, links, below);
        let Some(net) = known.or_else(|| IpNet::new(SUBNET.0.into(), SUBNET.1).ok()) else { continue };
        if known.is_none() {
            host(draft, below, net);
        }
        let everyone = draft.machines.iter().flat_map(|m| &m.interfaces);
        let gateway = everyone.clone().flat_map(|i| &i.gateways).find(|ip| net.contains(*ip)).copied();
        let gateway = gateway.or_else(|| {
            let routes = draft.machines.iter().flat_map(|machine| &machine.routes);
            let defaults = routes.filter(|route| route.to.prefix_len() == 0);
            defaults.filter_map(|route| route.via).find(|ip| net.contains(ip))
        });
        let gateway = gateway.or_else(|| net.hosts().next().filter(|_| known.is_none()));
        let mut used: BTreeSet<IpAddr> = everyone.flat_map(|i| &i.addresses).map(IpNet::addr).collect();
        used.extend(gateway);
        // Servers give out the upper part, as a rule.
        let skipped = if net.prefix_len() <= 24 && net.addr().is_ipv4() { 100 } else { 0 };
        let mut free = successors(net.network()).skip(skipped + 1).take(1 << 12);
        let Some(address) = free.find(|ip| net.contains(ip) && *ip != net.broadcast() && !used.contains(ip))
        else {
            continue;
        };
        let has_gateway = draft.machines[id.0].interfaces.iter().any(|i| !i.gateways.is_empty());
        let port = draft.at_mut(id);
        port.addresses.extend(IpNet::new(address, net.prefix_len()));
        port.gateways.extend(gateway.filter(|_| !has_gateway));
        port.note(NoteKind::Guess, format!("DHCP gives it its address; {address} stands for it"));
    }
}

/// The IPv4 subnet of a device, or of what is on it.
fn subnet(draft: &Draft, links: &Links, below: Id) -> Option<IpNet> {
    let others = draft.ids().filter(|id| links.below.get(id) == Some(&below));
    let all = std::iter::once(below).chain(others).flat_map(|id| &draft.at(id).addresses);
    let mut subnets = all.filter(|net| net.addr().is_ipv4() && net.prefix_len() < 31);
    subnets.next().map(IpNet::trunc)
}

/// The host has an address of the subnet, too.
fn host(draft: &mut Draft, nic: Id, net: IpNet) {
    let machine = &draft.machines[nic.0];
    let has_address = machine.interfaces.iter().any(|i| !i.addresses.is_empty());
    if machine.role != Role::Host || has_address || draft.at(nic).kind != Kind::Nic {
        return;
    }
    let used: BTreeSet<IpAddr> = draft
        .machines
        .iter()
        .flat_map(|m| &m.interfaces)
        .flat_map(|i| &i.addresses)
        .map(IpNet::addr)
        .collect();
    let free = successors(net.network()).skip(10).take(90).find(|ip| !used.contains(ip));
    let nic = draft.at_mut(nic);
    nic.addresses.extend(free.and_then(|ip| IpNet::new(ip, net.prefix_len()).ok()));
    nic.note(NoteKind::Guess, "the host's own address is not in the input");
}
