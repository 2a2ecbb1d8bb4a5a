//! Routing: the subnets of the interfaces, the routes of the table, and those learned from redirects.

use super::IpNet;
use super::link::Link;
use crate::dataplane::Name;
use crate::time::Instant;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Lifetime of a route learned from a redirect (the kernel's `ip_rt_gc_timeout`).
const REDIRECT_LIFE: Duration = Duration::from_secs(300);
/// Maximum number of stored redirects: a flood of them must not exhaust the memory.
const MAX_REDIRECTS: usize = 256;
/// Metric of IPv6 routes that name none (`IP6_RT_PRIO_USER`), and of IPv6 subnets (`IP6_RT_PRIO_ADDRCONF`); IPv4 has 0.
const METRIC_V6: (u32, u32) = (1024, 256);

/// A route: `ip route add TO via VIA dev DEV src SRC metric METRIC`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteSpec {
    /// The destinations; a prefix of length 0: all of this family.
    pub to: IpNet,
    /// The gateway; `None`: the destinations are neighbours.
    pub via: Option<IpAddr>,
    /// The interface; `None`: the one in whose subnet the gateway is.
    pub dev: Option<Name>,
    /// The source address of packets that the host itself sends; `None`: the interface's best one.
    pub src: Option<IpAddr>,
    /// Of routes to the same subnet, the one with the least metric is used (IPv4: 0, IPv6: 1024).
    pub metric: Option<u32>,
}

impl RouteSpec {
    /// A route to these destinations; it needs an interface or a gateway.
    #[must_use]
    pub fn to(to: IpNet) -> RouteSpec {
        RouteSpec { to, via: None, dev: None, src: None, metric: None }
    }

    /// A route to everything, by this gateway.
    #[must_use]
    pub fn default_via(gateway: IpAddr) -> RouteSpec {
        RouteSpec { via: Some(gateway), ..RouteSpec::to(everything(gateway.is_ipv4())) }
    }

    /// By this interface.
    #[must_use]
    pub fn with_dev(self, dev: impl Into<Name>) -> RouteSpec {
        RouteSpec { dev: Some(dev.into()), ..self }
    }
}

/// 0.0.0.0/0 or ::/0
fn everything(v4: bool) -> IpNet {
    let none: IpAddr = if v4 { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    IpNet::new_assert(none, 0)
}

/// The next hop of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// Index of the interface.
    pub(super) link: usize,
    /// The neighbour: the destination itself, or a gateway.
    pub(super) next_hop: IpAddr,
    /// The source address that the route prescribes.
    pub(super) src: Option<IpAddr>,
}

/// The routes of one host: those of its table, and those learned from redirects. The subnets are the interfaces' own.
#[derive(Clone, Debug, Default)]
pub(super) struct Routes {
    table: Vec<RouteSpec>,
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

/// What decides between routes to the same address: the longest prefix, then the least metric, then the oldest.
type Preference = (u8, Reverse<u32>, Reverse<usize>);

impl Routes {
    /// Adds a route.
    pub(super) fn add(&mut self, route: RouteSpec) {
        self.table.push(route);
    }

    /// Removes the first route to these destinations (by this gateway or interface, if one is given); whether there was
    /// one.
    pub(super) fn remove(&mut self, route: &RouteSpec) -> bool {
        let same = |known: &RouteSpec| {
            known.to == route.to
                && (route.via.is_none() || known.via == route.via)
                && (route.dev.is_none() || known.dev == route.dev)
                && (route.metric.is_none() || known.metric == route.metric)
        };
        let at = self.table.iter().position(same);
        at.map(|at| self.table.remove(at)).is_some()
    }

    /// Whether the table has a route with the same destinations and metric, as the kernel has each only once.
    pub(super) fn has(&self, route: &RouteSpec) -> bool {
        self.table.iter().any(|known| known.to == route.to && known.metric == route.metric)
    }

    /// An interface goes down or away: routes by it are lost (`fib_sync_down_dev`).
    pub(super) fn forget_link(&mut self, links: &[Link], link: usize) {
        self.table.retain(|route| link_of(route, links) != Some(link));
        self.redirected.retain(|_, (route, _)| route.link != link);
    }

    /// The route to a unicast destination.
    pub(super) fn lookup(&self, now: Instant, links: &[Link], dst: IpAddr) -> Option<Route> {
        if let Some((route, until)) = self.redirected.get(&dst)
            && *until > now
            && links.get(route.link).is_some_and(Link::is_up)
        {
            return Some(*route);
        }
        let subnets = on_link(links, dst);
        if is_link_local_v6(dst) {
            return subnets.map(|(_, route)| route);
        }
        let listed = self.table.iter().enumerate().filter_map(|(order, route)| {
            let link = link_of(route, links).filter(|_| route.to.contains(&dst))?;
            let metric = route.metric.unwrap_or(if dst.is_ipv4() { 0 } else { METRIC_V6.0 });
            let preference = (route.to.prefix_len(), Reverse(metric), Reverse(links.len() + order));
            Some((preference, Route { link, next_hop: route.via.unwrap_or(dst), src: route.src }))
        });
        listed.chain(subnets).max_by_key(|(preference, _)| *preference).map(|(_, route)| route)
    }

    /// Records an accepted redirect.
    pub(super) fn redirect(&mut self, now: Instant, dst: IpAddr, route: Route) {
        self.redirected.retain(|_, (_, until)| *until > now);
        if self.redirected.len() < MAX_REDIRECTS || self.redirected.contains_key(&dst) {
            self.redirected.insert(dst, (route, now + REDIRECT_LIFE));
        }
    }
}

/// The interface in whose subnet an address is: a neighbour there.
fn on_link(links: &[Link], dst: IpAddr) -> Option<(Preference, Route)> {
    let metric = if dst.is_ipv4() { 0 } else { METRIC_V6.1 };
    let up = links.iter().enumerate().filter(|(_, link)| link.is_up());
    up.filter_map(|(index, link)| {
        let net = link.subnet_of(dst)?;
        let preference = (net.prefix_len(), Reverse(metric), Reverse(index));
        Some((preference, Route { link: index, next_hop: dst, src: None }))
    })
    .max_by_key(|(preference, _)| *preference)
}

/// The interface by which a route leads, if that is up.
fn link_of(route: &RouteSpec, links: &[Link]) -> Option<usize> {
    match (&route.dev, route.via) {
        (Some(dev), _) => links.iter().position(|link| link.name() == dev && link.is_up()),
        (None, Some(via)) => on_link(links, via).map(|(_, route)| route.link),
        (None, None) => None,
    }
}
