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
    let mut known = Known::of(draft, links);
    let wanted =
        |id: &Id| draft.at(*id).dynamic && draft.at(*id).addresses.is_empty() && !links.gone.contains(id);
    let wanted: Vec<Id> = draft.ids().filter(wanted).collect();
    for id in wanted {
        let segment = segment(draft, links, id);
        let subnet = known.subnet(&segment);
        let Some(address) = known.next_free(subnet) else { continue };
        known.used.insert(address.addr());
        known.subnets.push((segment, subnet));
        let gateway = known.gateways.iter().copied().find(|gateway| subnet.contains(gateway));
        let interface = draft.at_mut(id);
        interface.addresses.push(address);
        if interface.gateways.is_empty() {
            interface.gateways.extend(gateway);
        }
        let text = format!("its address is not in the input; {} stands for it", address.addr());
        interface.note(NoteKind::Guess, text);
    }
}

/// Guests are on a host that has an address, as a rule.
fn mark_hosts(draft: &mut Draft, links: &Links) {
    // A container engine's networks know more.
    let of_guest = |id: &Id| match draft.machines[id.0].role {
        Role::Container if draft.networks.is_empty() => true,
        _ => draft.at(*id).dynamic,
    };
    let guests: Vec<Id> = draft.ids().filter(|id| of_guest(id) && !links.gone.contains(id)).collect();
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

/// What the input has of addresses.
struct Known {
    /// Subnets, and where they are.
    subnets: Vec<(Segment, IpNet)>,
    used: BTreeSet<IpAddr>,
    /// Default routers.
    gateways: Vec<IpAddr>,
}

impl Known {
    fn of(draft: &Draft, links: &Links) -> Known {
        let interfaces = || draft.machines.iter().flat_map(|machine| &machine.interfaces);
        let routes = || draft.machines.iter().flat_map(|machine| &machine.routes);
        let defaults = routes().filter(|route| route.to.prefix_len() == 0).filter_map(|route| route.via);
        let gateways: Vec<IpAddr> =
            interfaces().flat_map(|i| i.gateways.iter().copied()).chain(defaults).collect();
        let mut used: BTreeSet<IpAddr> = interfaces().flat_map(|i| &i.addresses).map(IpNet::addr).collect();
        used.extend(&gateways);
        used.extend(routes().filter_map(|route| route.via));
        let mut subnets = Vec::new();
        for id in draft.ids().filter(|id| !links.gone.contains(id)) {
            let nets = draft.at(id).addresses.iter().map(IpNet::trunc);
            for net in nets.filter(|net| net.addr().is_ipv4() && net.prefix_len() < 31) {
                subnets.push((segment(draft, links, id), net));
            }
        }
        Known { subnets, used, gateways }
    }

    /// The subnet of the others there, or of those with the same tags on other hosts; or one that is not in use.
    fn subnet(&self, own: &Segment) -> IpNet {
        let here = self.subnets.iter().find(|(segment, _)| segment == own);
        let alike = |segment: &Segment| segment.1 == own.1 && segment.0.0 != own.0.0;
        let known = here.or_else(|| self.subnets.iter().find(|(segment, _)| alike(segment)));
        if let Some((_, net)) = known {
            return *net;
        }
        let of_vlan = own.1.last().map(|vlan| {
            let [high, low] = vlan.get().to_be_bytes();
            Ipv4Addr::new(10, high, low, 0)
        });
        // The subnets for documentation first.
        let made = [[192, 0, 2, 0], [198, 51, 100, 0], [203, 0, 113, 0]].map(Ipv4Addr::from);
        let more = (0..=255).map(|number| Ipv4Addr::new(10, 255, number, 0));
        let made = of_vlan.into_iter().chain(made).chain(more);
        let is_free = |net: &IpNet| {
            !self.subnets.iter().any(|(_, used)| used.contains(&net.addr()) || net.contains(&used.addr()))
        };
        let mut made = made.filter_map(|net| IpNet::new(net.into(), 24).ok());
        made.find(is_free).unwrap_or_else(|| IpNet::from(IpAddr::from([10, 0, 0, 0])))
    }

    /// A free address of a subnet, as DHCP servers give them.
    fn next_free(&self, subnet: IpNet) -> Option<IpNet> {
        let IpAddr::V4(first) = subnet.network() else { return None };
        let numbers =
            (101..=u32::from(u16::MAX)).chain(2..101).filter_map(|n| first.to_bits().checked_add(n));
        numbers
            .map(|bits| IpAddr::V4(bits.into()))
            .find(|ip| subnet.contains(ip) && *ip != subnet.broadcast() && !self.used.contains(ip))
            .and_then(|ip| IpNet::new(ip, subnet.prefix_len()).ok())
    }
}
