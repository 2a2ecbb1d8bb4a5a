//! Routing: on-link subnets, then the gateway of the family, otherwise unreachable.

use super::link::Link;
use crate::time::Instant;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// Lifetime of a route learned from a redirect (the kernel's `ip_rt_gc_timeout`).
const REDIRECT_LIFE: Duration = Duration::from_secs(300);
/// Maximum number of stored redirects: a flood of them must not exhaust the memory.
const MAX_REDIRECTS: usize = 256;

/// The next hop of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// Index of the interface.
    pub(super) link: usize,
    /// The neighbour: the destination itself, or a gateway.
    pub(super) next_hop: IpAddr,
}

/// The routes of one host: those of its addresses and gateways, and those learned from redirects.
#[derive(Clone, Debug, Default)]
pub(super) struct Routes {
    gateways: Vec<Route>,
    redirected: BTreeMap<IpAddr, (Route, Instant)>,
}

/// An address that a single host can have: not a group, broadcast, loopback or unspecified address.
pub(super) fn is_unicast(addr: IpAddr) -> bool {
    let broadcast = addr == IpAddr::V4(Ipv4Addr::BROADCAST);
    !(addr.is_multicast() || addr.is_unspecified() || addr.is_loopback() || broadcast)
}

/// fe80::/10
pub(super) fn is_link_local_v6(addr: IpAddr) -> bool {
    matches!(addr, IpAddr::V6(a) if a.is_unicast_link_local())
}

impl Routes {
    pub(super) fn add_gateway(&mut self, link: usize, gateway: IpAddr) {
        self.gateways.push(Route { link, next_hop: gateway });
    }

    /// The route to a unicast destination.
    pub(super) fn lookup(&self, now: Instant, links: &[Link], dst: IpAddr) -> Option<Route> {
        let usable = |r: &Route| links.get(r.link).is_some_and(Link::is_up);
        if let Some((route, until)) = self.redirected.get(&dst)
            && *until > now
            && usable(route)
        {
            return Some(*route);
        }
        let on_link = links
            .iter()
            .enumerate()
            .filter(|(_, l)| l.is_up())
            .filter_map(|(i, l)| Some((l.subnet_of(dst)?.prefix_len(), std::cmp::Reverse(i))))
            .max();
        if let Some((_, std::cmp::Reverse(link))) = on_link {
            return Some(Route { link, next_hop: dst });
        }
        if is_link_local_v6(dst) {
            return None;
        }
        self.gateways.iter().copied().find(|r| r.next_hop.is_ipv4() == dst.is_ipv4() && usable(r))
    }

    /// Records an accepted redirect.
    pub(super) fn redirect(&mut self, now: Instant, dst: IpAddr, route: Route) {
        self.redirected.retain(|_, (_, until)| *until > now);
        if self.redirected.len() < MAX_REDIRECTS || self.redirected.contains_key(&dst) {
            self.redirected.insert(dst, (route, now + REDIRECT_LIFE));
        }
    }
}
