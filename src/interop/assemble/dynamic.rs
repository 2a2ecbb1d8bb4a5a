//! Addresses that the input does not have, because DHCP or the guest itself sets them.

use super::super::{Draft, NoteKind, Role};
use super::Id;
use super::links::Links;
use super::wire::tags;
use crate::frame::VlanId;
use crate::station::IpNet;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// Where an interface is: its bridge or NIC, and its VLAN tags there.
type Segment = (Id, Vec<VlanId>);

/// Gives an address to each interface that gets it elsewhere, in the subnet of its neighbours; and to the host of guests, if
/// it has none at all.
pub(super) fn address(draft: &mut Draft, links: &Links) {
    mark_hosts(draft, links);
    let wanted = |draft: &Draft, id: &Id| {
        draft.at(*id).dynamic && draft.at(*id).addresses.is_empty() && !links.gone.contains(id)
    };
    let wanted: Vec<Id> = draft.ids().filter(|id| wanted(draft, id)).collect();
    for id in wanted {
        let subnet = subnet(draft, links, &segment(draft, links, id));
        let Some(address) = next_free(draft, subnet) else { continue };
        let gateway = gateway(draft, subnet).filter(|gateway| *gateway != address.addr());
        let interface = draft.at_mut(id);
        interface.addresses.push(address);
        interface.gateways.extend(gateway.filter(|_| interface.gateways.is_empty()));
        interface.note(
            NoteKind::Guess,
            format!("its address is not in the input; {} stands for it", address.addr()),
        );
    }
}

/// Guests are on a host that has an address, as a rule.
fn mark_hosts(draft: &mut Draft, links: &Links) {
    let guests: Vec<Id> =
        draft.ids().filter(|id| draft.at(*id).dynamic && !links.gone.contains(id)).collect();
    for guest in guests {
        let (on, _) = segment(draft, links, guest);
        let host = &draft.machines[on.0];
        let has_address = host.interfaces.iter().any(|i| !i.addresses.is_empty() || i.dynamic);
        if host.role == Role::Host && on.0 != guest.0 && !has_address {
            draft.at_mut(on).dynamic = true;
        }
    }
}

fn segment(draft: &Draft, links: &Links, id: Id) -> Segment {
    let root = links.root(id);
    let bridge = links.master.get(&root).copied().or_else(|| links.cabled.get(&root).map(|(to, _)| *to));
    let on = bridge.map_or(root, |bridge| links.root(bridge));
    (on, tags(draft, links, id))
}

/// The subnet of the others there, or of those with the same tags on other hosts; or one that nobody uses.
fn subnet(draft: &Draft, links: &Links, own: &Segment) -> IpNet {
    let known = draft.ids().filter(|id| !links.gone.contains(id)).flat_map(|id| {
        let segment = segment(draft, links, id);
        let nets = draft.at(id).addresses.iter().map(IpNet::trunc);
        nets.filter(|net| net.addr().is_ipv4() && net.prefix_len() < 31)
            .map(move |net| (segment.clone(), net))
    });
    let known: Vec<(Segment, IpNet)> = known.collect();
    let here = known.iter().find(|(segment, _)| segment == own);
    let alike = |segment: &Segment| segment.1 == own.1 && segment.0.0 != own.0.0;
    let known_net = here.or_else(|| known.iter().find(|(segment, _)| alike(segment))).map(|(_, net)| *net);
    let of_vlan = own.1.last().map(|vlan| {
        let [high, low] = vlan.get().to_be_bytes();
        Ipv4Addr::new(10, high, low, 0)
    });
    // The subnets for documentation first.
    let made = [[192, 0, 2, 0], [198, 51, 100, 0], [203, 0, 113, 0]].map(Ipv4Addr::from);
    let more = (0..=255).map(|number| Ipv4Addr::new(10, 255, number, 0));
    let mut made =
        of_vlan.into_iter().chain(made).chain(more).filter_map(|net| IpNet::new(net.into(), 24).ok());
    let is_free =
        |net: &IpNet| !known.iter().any(|(_, used)| used.contains(&net.addr()) || net.contains(&used.addr()));
    known_net.or_else(|| made.find(is_free)).unwrap_or_else(|| IpNet::from(IpAddr::from([10, 0, 0, 0])))
}

fn next_free(draft: &Draft, subnet: IpNet) -> Option<IpNet> {
    let IpAddr::V4(first) = subnet.network() else { return None };
    let interfaces = || draft.machines.iter().flat_map(|machine| &machine.interfaces);
    let mut used: BTreeSet<IpAddr> = interfaces().flat_map(|i| &i.addresses).map(IpNet::addr).collect();
    used.extend(interfaces().flat_map(|i| i.gateways.iter().copied()));
    used.extend(draft.machines.iter().flat_map(|machine| &machine.routes).filter_map(|route| route.via));
    let numbers = (101..4096).chain(2..101).filter_map(|number| first.to_bits().checked_add(number));
    numbers
        .map(|bits| IpAddr::V4(bits.into()))
        .find(|ip| subnet.contains(ip) && *ip != subnet.broadcast() && !used.contains(ip))
        .and_then(|ip| IpNet::new(ip, subnet.prefix_len()).ok())
}

/// The default router of the others in a subnet.
fn gateway(draft: &Draft, subnet: IpNet) -> Option<IpAddr> {
    let routes = draft.machines.iter().flat_map(|machine| &machine.routes);
    let routes = routes.filter(|route| route.to.prefix_len() == 0).filter_map(|route| route.via);
    let interfaces = draft.machines.iter().flat_map(|machine| &machine.interfaces);
    interfaces.flat_map(|i| i.gateways.iter().copied()).chain(routes).find(|gateway| subnet.contains(gateway))
}
