//! A host: combines interfaces, routes, sockets and probes.

use super::input::Addressing;
use super::link::Link;
use super::ndp::group_mac;
use super::packet::IpView;
use super::probe::{Probe, ProbeId, ProbeResult, Prober};
use super::route::{RouteSpec, Routes};
use super::stack::Stack;
use super::{IpNet, IpSpec, Neighbour, Sysctl, Sysctls, default_mac};
use crate::errno::Errno;
use crate::frame::{MacAddr, PacketType};
use crate::time::Instant;
use crate::verdict::Rule;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Queue limit for packets from this host to itself; any more are lost.
const MAX_LOCAL: usize = 1024;
/// Iterations over interfaces, probes and sockets per call. They answer each other only a few times at one instant; the
/// next call does the rest.
const MAX_ROUNDS: usize = 64;
/// When the next call continues, if that was not enough.
const MOMENT: Duration = Duration::from_micros(1);
/// The mtu of a host without interfaces, in bytes.
const USUAL_MTU: u32 = 1500;

/// What a host is, apart from its interfaces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostConfig {
    /// Packets for other hosts are forwarded (`net.ipv4.ip_forward`, `net.ipv6.conf.all.forwarding`).
    pub forwarding: bool,
    /// Routes besides those of the interfaces' subnets and gateways.
    pub routes: Vec<RouteSpec>,
    /// Addresses of its loopback interface, besides 127.0.0.1 and ::1.
    pub loopback: Vec<IpNet>,
    /// Settings for all its interfaces.
    pub sysctls: Sysctls,
}

/// An interface to add to a host.
#[derive(Clone, Copy, Debug)]
pub struct Interface<'a> {
    /// Its name, by which routes refer to it.
    pub name: &'a str,
    /// Its MAC address.
    pub mac: MacAddr,
    /// Its IP configuration.
    pub ip: &'a IpSpec,
    /// Its MTU in bytes.
    pub mtu: u32,
    /// It is up. If not, its addresses, routes and neighbours are there when it comes up for the first time.
    pub up: bool,
    /// It asks for the MAC addresses of its neighbours. If not (`IFF_NOARP`), frames to those without a static entry have its
    /// own MAC address as their destination.
    pub arp: bool,
}

/// One IP stack with any number of interfaces: a Linux machine, or a network namespace. A router is one that forwards.
/// It has no clock and no sockets: the caller passes frames and time, and fetches frames.
///
/// When it forwards, packets that are too long for the outgoing interface are dropped with "fragmentation needed" or
/// "packet too big", whether they may be fragmented or not. Link-local IPv6, groups, and packets received by broadcast
/// or multicast are never forwarded. Redirects are sent for IPv4 only.
#[derive(Debug)]
pub struct Host {
    /// By number; those that were removed are [gone](Link::is_gone), and their numbers are used again.
    pub(super) links: Vec<Link>,
    pub(super) routes: Routes,
    pub(super) stack: Stack,
    pub(super) prober: Prober,
    pub(super) forwarding: bool,
    /// Redirects sent: the number, and the time of the last.
    pub(super) redirects_sent: BTreeMap<IpAddr, (u32, Instant)>,
    loopback: Vec<IpNet>,
    /// Settings for all interfaces.
    sysctls: Sysctls,
    /// Changes of neighbour tables are kept account of.
    watched: bool,
    /// All its addresses; the interfaces have them as well.
    pub(super) own: Arc<[IpAddr]>,
    /// Packets from this host to itself.
    local: VecDeque<Vec<u8>>,
    ident: u16,
    stack_at: Option<Instant>,
}

impl Host {
    /// A host without interfaces. The name seeds the values that Linux would choose at random.
    #[must_use]
    pub fn new(name: &str, config: &HostConfig, now: Instant) -> Host {
        let mut routes = Routes::default();
        config.routes.iter().for_each(|route| routes.add(route.clone()));
        let mut host = Host {
            links: Vec::new(),
            routes,
            stack: Stack::new(default_mac(name).to_u64(), USUAL_MTU, now),
            prober: Prober::default(),
            forwarding: config.forwarding,
            redirects_sent: BTreeMap::new(),
            loopback: config.loopback.clone(),
            sysctls: config.sysctls,
            watched: false,
            own: Arc::default(),
            local: VecDeque::new(),
            ident: 0,
            stack_at: None,
        };
        host.collect_addresses();
        host
    }

    /// Adds an interface, with routes by its gateways. Returns its number, which may be that of one that was removed.
    pub fn add_interface(&mut self, interface: Interface<'_>, now: Instant) -> usize {
        for gateway in &interface.ip.gateway {
            self.routes.add(RouteSpec::default_via(*gateway).with_dev(interface.name));
        }
        let mut link = Link::new(&interface, self.forwarding, now);
        if self.watched {
            link.neighbours_mut().watch();
        }
        let vacant = self.links.iter().position(Link::is_gone);
        let index = vacant.unwrap_or(self.links.len());
        match self.links.get_mut(index) {
            Some(gone) => *gone = link,
            None => self.links.push(link),
        }
        self.links_changed(now);
        if interface.up
            && let Some(link) = self.links.get_mut(index)
        {
            link.announce();
        }
        index
    }

    /// Removes an interface, with its addresses, neighbours and routes.
    pub fn remove_interface(&mut self, index: usize, now: Instant) {
        self.routes.forget_link(&self.links, index);
        if let Some(link) = self.links.get_mut(index) {
            link.remove();
        }
        self.links_changed(now);
    }

    /// The interfaces, mtus or settings have changed.
    fn links_changed(&mut self, now: Instant) {
        let mtu = self.links.iter().filter(|l| !l.is_gone()).map(|l| l.mtu).min();
        self.stack.set_mtu(mtu.unwrap_or(USUAL_MTU), now);
        self.collect_addresses();
    }

    fn collect_addresses(&mut self) {
        let nets = self.links.iter().flat_map(Link::addresses).chain(&self.loopback);
        self.own = nets.map(|net| net.addr()).collect();
        for link in &mut self.links {
            link.inform(Arc::clone(&self.own), self.sysctls);
        }
    }

    /// Whether it has any interface.
    #[must_use]
    pub fn has_interfaces(&self) -> bool {
        self.links.iter().any(|link| !link.is_gone())
    }

    pub(super) fn owns(&self, addr: IpAddr) -> bool {
        self.own.contains(&addr)
    }

    /// Changes an interface's MTU, in bytes.
    pub fn set_mtu(&mut self, index: usize, mtu: u32, now: Instant) {
        if let Some(link) = self.links.get_mut(index).filter(|link| link.mtu != mtu) {
            link.mtu = mtu;
            self.links_changed(now);
        }
    }

    /// Changes an interface's MAC address; its neighbours are forgotten, its IPv6 link-local address stays. With
    /// [`Sysctl::ArpNotify`] and [`Sysctl::NdiscNotify`] it is announced.
    pub fn set_mac(&mut self, index: usize, mac: MacAddr) {
        if let Some(link) = self.links.get_mut(index) {
            link.set_mac(mac);
        }
    }

    /// Announces the addresses of an interface to its neighbours, whatever its settings say, as when a bond has another
    /// active port.
    pub fn notify_peers(&mut self, index: usize, now: Instant) {
        if let Some(link) = self.links.get_mut(index) {
            link.notify_peers();
        }
        self.poll(now);
    }

    /// Sets an interface's carrier. Without it frames are lost silently, and learned neighbours are forgotten; IP
    /// addresses, routes and permanent neighbours stay.
    pub fn set_carrier(&mut self, index: usize, carrier: bool, now: Instant) {
        if let Some(link) = self.links.get_mut(index) {
            link.set_carrier(carrier);
        }
        self.poll(now);
    }

    /// Sets an interface up or down. Down, its routes, its neighbours, including permanent ones, and its IPv6 addresses
    /// are lost, except for the link-local address, which is recreated (`addrconf_ifdown`, `fib_sync_down_dev`).
    pub fn set_link_up(&mut self, index: usize, up: bool, now: Instant) {
        if !up && self.links.get(index).is_some_and(Link::is_up) {
            self.routes.forget_link(&self.links, index);
        }
        if let Some(link) = self.links.get_mut(index) {
            link.set_up(up);
        }
        self.collect_addresses();
        self.poll(now);
    }

    /// Changes the settings of an interface; of all interfaces without a number.
    pub fn set_sysctls(&mut self, index: Option<usize>, settings: &[(Sysctl, u8)]) {
        let sysctls = match index {
            None => Some(&mut self.sysctls),
            Some(index) => self.links.get_mut(index).map(Link::own_sysctls),
        };
        if let Some(sysctls) = sysctls {
            settings.iter().for_each(|(sysctl, value)| sysctls.set(*sysctl, *value));
        }
        self.collect_addresses();
    }

    /// Forwards packets for other hosts from now on, or not.
    pub fn set_forwarding(&mut self, forwarding: bool) {
        self.forwarding = forwarding;
        self.links.iter_mut().for_each(|link| link.set_forwarding(forwarding));
    }

    /// Adds a route (`fib_create_info`, `fib_table_insert`).
    ///
    /// # Errors
    /// `ENODEV`, `ENETDOWN`: its interface is not there, or down. `ENETUNREACH`: its gateway is no neighbour on it.
    /// `EEXIST`: there is a route to the same destinations with the same metric.
    pub fn add_route(&mut self, now: Instant, route: RouteSpec) -> Result<(), Errno> {
        let dev = match &route.dev {
            Some(dev) => {
                let at = self.links.iter().position(|link| link.name() == dev).ok_or(Errno::Enodev)?;
                Some(at).filter(|at| self.links[*at].is_up()).ok_or(Errno::Enetdown)?.into()
            }
            None => None,
        };
        if let Some(via) = route.via {
            let near = self.routes.lookup(now, &self.links, via).filter(|near| near.next_hop == via);
            near.filter(|near| dev.is_none_or(|dev| dev == near.link)).ok_or(Errno::Enetunreach)?;
        }
        if self.routes.has(&route) {
            return Err(Errno::Eexist);
        }
        self.routes.add(route);
        Ok(())
    }

    /// Removes a route.
    ///
    /// # Errors
    /// `ESRCH`: there is none like it.
    pub fn remove_route(&mut self, route: &RouteSpec) -> Result<(), Errno> {
        if self.routes.remove(route) { Ok(()) } else { Err(Errno::Esrch) }
    }

    /// Gives an interface these addresses, and no others but its IPv6 link-local one. What is new is announced when the
    /// interface comes up.
    pub fn set_addresses(&mut self, index: usize, addresses: &[IpNet], now: Instant) {
        if let Some(link) = self.links.get_mut(index) {
            link.set_addresses(addresses);
        }
        self.collect_addresses();
        self.poll(now);
    }

    /// Makes a permanent entry of an interface's neighbour table.
    pub fn set_neighbour(&mut self, index: usize, ip: IpAddr, mac: MacAddr, now: Instant) {
        if let Some(link) = self.links.get_mut(index) {
            link.neighbours_mut().set_permanent(now, ip, mac);
        }
    }

    /// Removes an entry of an interface's neighbour table; `false`: there is none.
    pub fn forget_neighbour(&mut self, index: usize, ip: IpAddr) -> bool {
        self.links.get_mut(index).is_some_and(|link| link.neighbours_mut().forget(ip))
    }

    /// Removes all but the permanent entries of an interface's neighbour table.
    pub fn flush_neighbours(&mut self, index: usize) {
        if let Some(link) = self.links.get_mut(index) {
            link.neighbours_mut().forget_learned();
        }
    }

    /// The neighbour that a packet to this unicast address would be sent to, and the number of the interface: the address
    /// itself, or a gateway. `None`: no route.
    #[must_use]
    pub fn next_hop(&self, now: Instant, to: IpAddr) -> Option<(usize, IpAddr)> {
        self.routes.lookup(now, &self.links, to).map(|route| (route.link, route.next_hop))
    }

    /// An entry of an interface's neighbour table.
    #[must_use]
    pub fn neighbour(&self, index: usize, ip: IpAddr) -> Option<Neighbour> {
        self.links.get(index)?.neighbours().listed(ip)
    }

    /// The neighbour table of an interface, by address.
    pub fn neighbours(&self, index: usize) -> impl Iterator<Item = Neighbour> {
        self.links.get(index).into_iter().flat_map(|link| link.neighbours().list())
    }

    /// Keeps account of changes of the neighbour tables from now on, for [`Host::take_changed_neighbours`].
    pub fn watch_neighbours(&mut self) {
        self.watched = true;
        self.links.iter_mut().for_each(|link| link.neighbours_mut().watch());
    }

    /// The entries that have a new state or MAC address, or are gone, since the last call: by interface and IP address.
    pub fn take_changed_neighbours(&mut self) -> Vec<(usize, IpAddr)> {
        let changed = self.links.iter_mut().enumerate().flat_map(|(index, link)| {
            link.neighbours_mut().take_changed().into_iter().map(move |ip| (index, ip))
        });
        changed.collect()
    }

    /// An interface's IP addresses, including the IPv6 link-local one.
    #[must_use]
    pub fn addresses(&self, index: usize) -> &[IpNet] {
        self.links.get(index).map(Link::addresses).unwrap_or_default()
    }

    /// The multicast groups that an interface's IP addresses make it join: all hosts (224.0.0.1) with an IPv4 address;
    /// all nodes (ff02::1) and the solicited-node groups with an IPv6 address.
    #[must_use]
    pub fn groups(&self, index: usize) -> Vec<MacAddr> {
        let mut groups = Vec::new();
        for group in self.links.get(index).map(Link::groups).unwrap_or_default().into_iter().map(group_mac) {
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        groups
    }

    /// Receives a frame on an interface, and does everything that follows from it at once. Returns the rule by which the
    /// host throws away what is in the frame, if it is meant for this host.
    pub fn receive(
        &mut self,
        now: Instant,
        index: usize,
        frame: &[u8],
        packet_type: PacketType,
    ) -> Option<Rule> {
        let lost = self.take(now, index, frame, packet_type);
        self.poll(now);
        lost
    }

    /// The next frame to send, with the number of its interface: from the destination address on, not padded, no FCS.
    pub fn pop_transmit(&mut self) -> Option<(usize, Vec<u8>)> {
        self.links.iter_mut().enumerate().find_map(|(i, link)| Some((i, link.pop_transmit()?)))
    }

    /// Starts a probe; its first request is sent at once.
    pub fn start_probe(&mut self, now: Instant, probe: Probe) -> ProbeId {
        let id = self.prober.start(now, probe);
        self.poll(now);
        id
    }

    /// The result of a probe; `None` while it runs (and once so many later ones have ended that it is forgotten).
    #[must_use]
    pub fn probe_result(&self, id: ProbeId) -> Option<ProbeResult> {
        self.prober.result(id)
    }

    /// The latest time at which a running probe ends.
    #[must_use]
    pub fn probe_deadline(&self, id: ProbeId) -> Option<Instant> {
        self.prober.deadline(id)
    }

    /// Queues a packet from this host to itself.
    pub(super) fn loop_back(&mut self, packet: Vec<u8>) {
        if self.local.len() < MAX_LOCAL {
            self.local.push_back(packet);
        }
    }

    /// The next identification of an IPv4 packet.
    pub(super) fn next_ident(&mut self) -> u16 {
        self.ident = self.ident.wrapping_add(1);
        self.ident
    }

    /// Does work that is due: requests, retransmissions, timeouts. Call it when [`Host::poll_at`] says so.
    pub fn poll(&mut self, now: Instant) {
        self.poll_rounds(now, MAX_ROUNDS);
    }

    /// Does all work that is due, in at most this many rounds; the rest is due a moment later.
    pub(super) fn poll_rounds(&mut self, now: Instant, most: usize) {
        let mut rounds = 0..most;
        while rounds.next().is_some() {
            for index in 0..self.links.len() {
                let failed = self.links.get_mut(index).map(|l| l.poll(now)).unwrap_or_default();
                self.fail(now, failed);
            }
            self.run_probes(now);
            let mut busy = self.stack.poll(now);
            while let Some(packet) = self.stack.pop_transmit() {
                busy = true;
                self.output(now, packet);
            }
            while let Some(packet) = self.local.pop_front() {
                busy = true;
                if let Some(view) = IpView::parse(&packet) {
                    self.deliver(now, None, PacketType::Host, Addressing::Unicast, &view);
                }
            }
            if !busy {
                break;
            }
        }
        self.stack_at = self.stack.poll_at(now);
        if rounds.is_empty() {
            let soon = now + MOMENT;
            self.stack_at = Some(self.stack_at.map_or(soon, |at| at.min(soon)));
        }
    }

    /// When to call [`Host::poll`] next, if no frame arrives; there may turn out to be nothing to do.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        let links = self.links.iter().filter_map(Link::poll_at);
        links.chain(self.prober.poll_at()).chain(self.stack_at).min()
    }
}
