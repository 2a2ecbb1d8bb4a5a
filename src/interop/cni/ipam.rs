//! Where the addresses of a network come from.

use super::super::tree::Node;
use super::super::words::{destination, ip_net, pool, range_of, successors};
use super::super::{Check, Network, NoteKind, Pool, Route};
use super::Reader;
use std::net::IpAddr;

/// Maximum number of addresses that one entry of `exclude` takes out.
const MAX_EXCLUDED: usize = 1_024;

impl Reader<'_> {
    /// Reads the key `ipam` of a plugin.
    pub(super) fn ipam(&mut self, config: &Node, network: &mut Network) {
        // The tools give default routes by `routes` only: a gateway is for these.
        network.internal = true;
        let kind = config.get("ipam").and_then(|ipam| Some((ipam, ipam.text_of("type")?)));
        let Some((ipam, kind)) = kind else {
            let text = "without IPAM its ports get no addresses but those that pods ask for";
            return network.note(NoteKind::Default, text, None);
        };
        match kind {
            "host-local" => self.host_local(ipam, network),
            "whereabouts" => self.whereabouts(ipam, network),
            "static" => {
                for entry in ipam.list_of("addresses") {
                    self.fixed(entry, network);
                }
            }
            "dhcp" => network.ports.dhcp = true,
            other => {
                let text = format!("the IPAM plugin `{other}`: its ports get no addresses");
                network.note(NoteKind::LeftOut, text, Some(self.place(ipam)));
            }
        }
        for route in ipam.list_of("routes") {
            self.route(route, network);
        }
    }

    /// One address of each set of ranges, on each node by itself.
    fn host_local(&mut self, ipam: &Node, network: &mut Network) {
        network.by_host = true;
        let flat = ipam.get("subnet").map(|_| ipam);
        let sets = ipam.list_of("ranges").iter().filter_map(|set| set.list().first().or(Some(set)));
        for range in flat.into_iter().chain(sets) {
            let Some(mut pool) = self.subnet(range, "subnet") else { continue };
            // Its gateway is the first address, whether it is used or not.
            pool.gateway =
                self.inside(range, "gateway", &pool, network).or(successors(pool.subnet.network()).nth(1));
            let start = self.inside(range, "rangeStart", &pool, network);
            let end = self.inside(range, "rangeEnd", &pool, network);
            pool.range = bounds(&pool, start, end);
            network.pools.push(pool);
        }
        let more = ipam.list_of("ranges").iter().find(|set| set.list().len() > 1);
        if let Some(set) = more {
            let text = "of a set of ranges the first is used; the others are for when it is full";
            network.note(NoteKind::LeftOut, text, Some(self.place(set)));
        }
    }

    /// One address of each range, from a book that the whole cluster shares.
    fn whereabouts(&mut self, ipam: &Node, network: &mut Network) {
        let flat = ipam.get("range").map(|_| ipam);
        for range in flat.into_iter().chain(ipam.list_of("ipRanges")) {
            let text = range.text_of("range").unwrap_or_default();
            // `FIRST-LAST/LENGTH` has its bounds in itself.
            let (first, subnet) = match text.split_once('-') {
                Some((first, last)) => (first.parse().ok(), last),
                None => (ip_net(text).map(|net| net.addr()), text),
            };
            let Some(net) = ip_net(subnet) else {
                let text = format!("`{text}` is not a range");
                let place = Some(self.place(range));
                network.note(NoteKind::Wrong(Check::NotAnAddress), text, place);
                continue;
            };
            let mut pool =
                Pool { subnet: net.trunc(), range: None, gateway: None, reserved: Vec::new(), fixed: None };
            pool.gateway = self.inside(ipam, "gateway", &pool, network);
            let last = text.contains('-').then(|| net.addr());
            let start = self.inside(range, "range_start", &pool, network).or(first);
            let end = self.inside(range, "range_end", &pool, network).or(last);
            pool.range = bounds(&pool, start, end);
            let excluded = range.list_of("exclude").iter().filter_map(|net| ip_net(net.text()?));
            pool.reserved = excluded
                .flat_map(|net| {
                    successors(net.network()).take(MAX_EXCLUDED).take_while(move |ip| net.contains(ip))
                })
                .collect();
            network.pools.push(pool);
        }
    }

    /// An address that all pods get.
    fn fixed(&mut self, entry: &Node, network: &mut Network) {
        let text = entry.text_of("address").unwrap_or_default();
        let Some(net) = ip_net(text).filter(|_| text.contains('/')) else {
            let text = format!("`{text}` is not an address with its prefix length");
            let place = Some(self.place(entry));
            return network.note(NoteKind::Wrong(Check::NotAnAddress), text, place);
        };
        let mut pool =
            Pool { subnet: net.trunc(), range: None, gateway: None, reserved: Vec::new(), fixed: None };
        pool.gateway = self.inside(entry, "gateway", &pool, network);
        pool.fixed = Some(net.addr());
        network.pools.push(pool);
    }

    fn route(&mut self, route: &Node, network: &mut Network) {
        let via = route.text_of("gw").and_then(|gw| gw.parse().ok());
        let to = route.text_of("dst").and_then(|dst| destination(dst, via));
        let Some(to) = to else {
            let text = format!("`{}` is not a destination", route.text_of("dst").unwrap_or_default());
            let place = Some(self.place(route));
            return network.note(NoteKind::Wrong(Check::NotAnAddress), text, place);
        };
        if to.prefix_len() > 0 {
            return network.routes.push(Route { to, via, dev: None, src: None, metric: None });
        }
        network.internal = false;
        let pool = network.pools.iter_mut().find(|pool| pool.subnet.addr().is_ipv4() == to.addr().is_ipv4());
        if let (Some(pool), Some(via)) = (pool, via) {
            pool.gateway = Some(via);
        }
    }

    fn subnet(&mut self, range: &Node, key: &str) -> Option<Pool> {
        let node = range.get(key)?;
        pool(self.draft, node.text().unwrap_or_default(), Some(self.place(node)))
    }

    /// The address under a key, if it is in the subnet; it is noted if it is not.
    fn inside(&self, node: &Node, key: &str, pool: &Pool, network: &mut Network) -> Option<IpAddr> {
        let value = node.get(key)?;
        let text = value.text().filter(|text| !text.is_empty())?;
        let place = Some(self.place(value));
        let Ok(ip) = text.parse::<IpAddr>() else {
            let text = format!("its `{key}`, `{text}`, is not an address");
            network.note(NoteKind::Wrong(Check::NotAnAddress), text, place);
            return None;
        };
        if !pool.subnet.contains(&ip) {
            let text = format!("its `{key}`, {ip}, is not in the subnet {}", pool.subnet);
            network.note(NoteKind::Wrong(Check::OutsideSubnet), text, place);
            return None;
        }
        Some(ip)
    }
}

/// The first and last address that is given out.
fn bounds(pool: &Pool, start: Option<IpAddr>, end: Option<IpAddr>) -> Option<(IpAddr, IpAddr)> {
    let (first, last) = range_of(pool.subnet);
    (start.is_some() || end.is_some()).then(|| (start.unwrap_or(first), end.unwrap_or(last)))
}
