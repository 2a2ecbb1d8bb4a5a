//! One Ethernet interface of a host: its addresses, its neighbours, and its transmit queue.

use super::arp::Arp;
use super::icmp::Message;
use super::ndp::{self, Ndp};
use super::neighbour::{Effects, NeighbourTable, NeighbourUpdate, Solicitation};
use super::packet::IpView;
use super::route::is_link_local_v6;
use super::{Interface, IpNet, NeighbourState, Sysctl, Sysctls};
use crate::dataplane::Name;
use crate::frame::{MacAddr, PacketType, ethertype};
use crate::time::Instant;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// Transmit queue limit, in frames; any more are lost, as with a full transmit queue.
const MAX_TRANSMIT: usize = 4096;

/// An interface.
#[derive(Clone, Debug, Default)]
pub(super) struct Link {
    name: Name,
    pub(super) mac: MacAddr,
    pub(super) mtu: u32,
    carrier: bool,
    up: bool,
    /// Neighbours are asked for their MAC addresses.
    arp: bool,
    forwarding: bool,
    /// It was removed.
    gone: bool,
    /// Its IP addresses, the IPv6 link-local one last.
    addresses: Vec<IpNet>,
    /// Those of all interfaces of the host.
    own: Arc<[IpAddr]>,
    /// It was configured with an IPv6 address, and so has a link-local one whenever it is up.
    speaks_v6: bool,
    neighbours: NeighbourTable,
    /// Its own settings, and those in effect.
    own_sysctls: Sysctls,
    sysctls: Sysctls,
    out: VecDeque<Vec<u8>>,
}

impl Link {
    /// An interface with carrier. If it is up, it is announced once the host knows its addresses.
    pub(super) fn new(interface: &Interface<'_>, forwarding: bool, now: Instant) -> Link {
        let addresses = interface.ip.address.clone();
        let speaks_v6 = addresses.iter().any(|a| a.addr().is_ipv6());
        let mut neighbours = NeighbourTable::default();
        for (ip, mac) in &interface.ip.neighbours {
            neighbours.set_permanent(now, *ip, *mac);
        }
        let mut link = Link {
            name: interface.name.into(),
            mac: interface.mac,
            mtu: interface.mtu,
            carrier: true,
            up: interface.up,
            arp: interface.arp,
            forwarding,
            addresses,
            speaks_v6,
            neighbours,
            own_sysctls: interface.ip.sysctls,
            ..Link::default()
        };
        link.give_link_local();
        link
    }

    /// Only the place of the interface remains, and the news that its neighbours are gone.
    pub(super) fn remove(&mut self) {
        self.neighbours.forget_all();
        *self = Link { gone: true, neighbours: std::mem::take(&mut self.neighbours), ..Link::default() };
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The host's addresses, and its settings for all interfaces.
    pub(super) fn inform(&mut self, own: Arc<[IpAddr]>, all: Sysctls) {
        self.own = own;
        self.sysctls = self.own_sysctls.with_all(all);
    }

    /// The settings in effect.
    pub(super) fn sysctls(&self) -> Sysctls {
        self.sysctls
    }

    /// Its own settings, to be changed; they are in effect once the host [informs](Link::inform) it.
    pub(super) fn own_sysctls(&mut self) -> &mut Sysctls {
        &mut self.own_sysctls
    }

    pub(super) fn set_forwarding(&mut self, forwarding: bool) {
        self.forwarding = forwarding;
    }

    /// Adds an IPv6 link-local address, unless it has one or does not use IPv6.
    fn give_link_local(&mut self) {
        if self.speaks_v6 && !self.addresses.iter().any(|a| is_link_local_v6(a.addr())) {
            self.addresses.extend(IpNet::new(ndp::link_local(self.mac).into(), 64).ok());
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.up
    }

    pub(super) fn has_carrier(&self) -> bool {
        self.up && self.carrier
    }

    /// Losing the carrier clears learned neighbours (`neigh_carrier_down`; `arp_evict_nocarrier` and
    /// `ndisc_evict_nocarrier` are 1).
    pub(super) fn set_carrier(&mut self, carrier: bool) {
        if self.carrier && !carrier {
            self.neighbours.forget_learned();
        }
        self.carrier = carrier;
    }

    /// Setting it down clears all neighbours (`neigh_ifdown`) and its IPv6 addresses (`addrconf_ifdown`;
    /// `keep_addr_on_down` is 0); of these only the link-local one comes back.
    pub(super) fn set_up(&mut self, up: bool) {
        match (self.up, up) {
            (true, false) => {
                self.neighbours.forget_all();
                self.out.clear();
                self.addresses.retain(|a| a.addr().is_ipv4());
            }
            (false, true) => self.give_link_local(),
            _ => {}
        }
        let comes_up = up && !self.up;
        self.up = up;
        if comes_up {
            self.announce();
        }
    }

    /// A new MAC address clears all neighbours (`neigh_changeaddr`), and is announced.
    pub(super) fn set_mac(&mut self, mac: MacAddr) {
        if self.mac != mac {
            self.mac = mac;
            self.neighbours.forget_all();
            self.announce();
        }
    }

    /// Announces its addresses, if it is up and its settings say so: ARP requests for its own addresses
    /// (`inetdev_send_gratuitous_arp`), unsolicited neighbour advertisements (`ndisc_send_unsol_na`).
    pub(super) fn announce(&mut self) {
        let (v4, v6) = (self.sysctls.is_on(Sysctl::ArpNotify), self.sysctls.is_on(Sysctl::NdiscNotify));
        self.announce_to(v4, v6);
    }

    /// Announces its addresses, if it is up, whatever its settings say (`NETDEV_NOTIFY_PEERS`).
    pub(super) fn notify_peers(&mut self) {
        self.announce_to(true, true);
    }

    fn announce_to(&mut self, v4: bool, v6: bool) {
        for addr in self.addresses.iter().map(|net| net.addr()).collect::<Vec<_>>() {
            match addr {
                IpAddr::V4(own) if v4 => {
                    self.transmit_arp(MacAddr::BROADCAST, &Arp::request(self.mac, own, own));
                }
                IpAddr::V6(own) if v6 => {
                    if let Some(packet) = self.advertisement(own).packet(own, ndp::ALL_NODES) {
                        self.transmit(ndp::group_mac(ndp::ALL_NODES.into()), ethertype::IPV6, &packet);
                    }
                }
                _ => {}
            }
        }
    }

    /// An advertisement of an own address that nobody asked for.
    fn advertisement(&self, target: Ipv6Addr) -> Ndp {
        let router = self.forwarding;
        Ndp::Advertise { target, target_mac: Some(self.mac), router, solicited: false, overriding: true }
    }

    pub(super) fn addresses(&self) -> &[IpNet] {
        &self.addresses
    }

    /// Has these addresses from now on, and its IPv6 link-local one.
    pub(super) fn set_addresses(&mut self, addresses: &[IpNet]) {
        let link_local = self.addresses.iter().copied().find(|net| is_link_local_v6(net.addr()));
        self.addresses = addresses.to_vec();
        self.speaks_v6 |= addresses.iter().any(|net| net.addr().is_ipv6());
        if let Some(link_local) = link_local.filter(|net| !self.has(net.addr())) {
            self.addresses.push(link_local);
        }
        self.give_link_local();
    }

    pub(super) fn neighbours_mut(&mut self) -> &mut NeighbourTable {
        &mut self.neighbours
    }

    pub(super) fn neighbours(&self) -> &NeighbourTable {
        &self.neighbours
    }

    pub(super) fn has(&self, addr: IpAddr) -> bool {
        self.addresses.iter().any(|a| a.addr() == addr)
    }

    /// Its own address with the longest prefix whose subnet contains `addr`.
    pub(super) fn subnet_of(&self, addr: IpAddr) -> Option<IpNet> {
        let mut best: Option<IpNet> = None;
        for net in self.addresses.iter().filter(|n| n.contains(&addr)) {
            if best.is_none_or(|b| net.prefix_len() > b.prefix_len()) {
                best = Some(*net);
            }
        }
        best
    }

    /// The source address of a packet to `dst` by way of `next_hop`.
    pub(super) fn source_for(&self, dst: IpAddr, next_hop: IpAddr) -> Option<IpAddr> {
        let family = || self.addresses.iter().map(|a| a.addr()).filter(|a| a.is_ipv4() == dst.is_ipv4());
        if is_link_local_v6(dst) {
            return family().find(|a| is_link_local_v6(*a));
        }
        let near =
            if is_link_local_v6(next_hop) { None } else { self.subnet_of(next_hop).map(|net| net.addr()) };
        near.or_else(|| family().find(|a| !is_link_local_v6(*a))).or_else(|| family().next())
    }

    /// A broadcast address: 255.255.255.255, or the last one of a local subnet.
    pub(super) fn is_broadcast(&self, addr: IpAddr) -> bool {
        let IpAddr::V4(addr) = addr else { return false };
        addr == Ipv4Addr::BROADCAST
            || self
                .addresses
                .iter()
                .any(|net| matches!(net, IpNet::V4(net) if net.prefix_len() < 31 && addr == net.broadcast()))
    }

    /// The IP groups that its addresses make it join.
    pub(super) fn groups(&self) -> Vec<IpAddr> {
        let mut groups = Vec::new();
        if self.addresses.iter().any(|a| a.addr().is_ipv4()) {
            groups.push(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 1)));
        }
        let v6 = self.addresses.iter().filter_map(|a| match a.addr() {
            IpAddr::V6(a) => Some(IpAddr::V6(ndp::solicited_node(a))),
            IpAddr::V4(_) => None,
        });
        for group in v6 {
            if !groups.contains(&IpAddr::V6(ndp::ALL_NODES)) {
                groups.push(IpAddr::V6(ndp::ALL_NODES));
            }
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        groups
    }

    /// Queues a frame for the cable.
    pub(super) fn transmit(&mut self, dst: MacAddr, ethertype: u16, payload: &[u8]) {
        if !self.has_carrier() || self.out.len() >= MAX_TRANSMIT {
            return;
        }
        let mut frame = Vec::with_capacity(14 + payload.len());
        frame.extend(dst.0);
        frame.extend(self.mac.0);
        frame.extend(ethertype.to_be_bytes());
        frame.extend_from_slice(payload);
        self.out.push_back(frame);
    }

    /// Queues an ARP message of the stack itself, unless the interface has no ARP (`arp_send_dst`).
    fn transmit_arp(&mut self, dst: MacAddr, message: &Arp) {
        if self.arp {
            self.transmit(dst, ethertype::ARP, &message.to_bytes());
        }
    }

    /// The MAC address that packets to this neighbour have without a request, on an interface without ARP: its own
    /// (`arp_constructor`, `ndisc_constructor`), unless there is a static entry.
    fn unasked(&self, next_hop: IpAddr) -> Option<MacAddr> {
        let known = self.neighbours.get(next_hop).map(|(state, _)| state);
        (!self.arp && known != Some(NeighbourState::Permanent)).then_some(self.mac)
    }

    pub(super) fn pop_transmit(&mut self) -> Option<Vec<u8>> {
        self.out.pop_front()
    }

    /// Sends an IP packet to a neighbour, a group or the broadcast address. Returns packets that have failed already.
    pub(super) fn send(&mut self, now: Instant, next_hop: IpAddr, packet: Vec<u8>) -> Vec<Vec<u8>> {
        let kind = if next_hop.is_ipv4() { ethertype::IPV4 } else { ethertype::IPV6 };
        if next_hop.is_multicast() {
            self.transmit(ndp::group_mac(next_hop), kind, &packet);
            return Vec::new();
        }
        if self.is_broadcast(next_hop) {
            self.transmit(MacAddr::BROADCAST, kind, &packet);
            return Vec::new();
        }
        if let Some(mac) = self.unasked(next_hop) {
            self.transmit(mac, kind, &packet);
            return Vec::new();
        }
        let mut effects = Effects::default();
        self.neighbours.use_for(now, next_hop, Some(packet), &mut effects);
        self.apply(effects)
    }

    /// Resolves a neighbour's MAC address, unless it is known.
    pub(super) fn ask(&mut self, now: Instant, next_hop: IpAddr) {
        if self.unasked(next_hop).is_some() {
            return;
        }
        let mut effects = Effects::default();
        self.neighbours.use_for(now, next_hop, None, &mut effects);
        self.apply(effects);
    }

    /// Broadcasts a request for an address, whatever the neighbour table contains: arping.
    pub(super) fn ask_everybody(&mut self, target: IpAddr) {
        let source = self.source_for(target, target);
        self.solicit(Solicitation { target, to: None, source });
    }

    pub(super) fn poll(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut effects = Effects::default();
        self.neighbours.poll(now, &mut effects);
        self.apply(effects)
    }

    pub(super) fn poll_at(&self) -> Option<Instant> {
        self.neighbours.poll_at()
    }

    fn apply(&mut self, effects: Effects) -> Vec<Vec<u8>> {
        for solicitation in effects.solicit {
            self.solicit(solicitation);
        }
        for (mac, packet) in effects.send {
            let kind =
                if packet.first().is_some_and(|b| b >> 4 == 6) { ethertype::IPV6 } else { ethertype::IPV4 };
            self.transmit(mac, kind, &packet);
        }
        effects.failed
    }

    /// Whether `arp_announce` lets an ARP request for `target` come from this address, that of the waiting packet.
    fn may_announce(&self, source: IpAddr, target: IpAddr) -> bool {
        if target.is_ipv6() {
            return self.has(source);
        }
        self.own.contains(&source)
            && match self.sysctls.get(Sysctl::ArpAnnounce) {
                0 => true,
                1 => self.addresses.iter().any(|net| net.contains(&source) && net.contains(&target)),
                _ => false,
            }
    }

    /// From the source of the waiting packet, if [allowed](Link::may_announce); otherwise ARP uses the address in the
    /// subnet, neighbour discovery the link-local one (`arp_solicit`, `ndisc_solicit`).
    fn solicit(&mut self, Solicitation { target, to, source }: Solicitation) {
        let source = source.filter(|source| self.may_announce(*source, target)).or_else(|| {
            let link_local = self.addresses.iter().map(|a| a.addr()).find(|a| is_link_local_v6(*a));
            if target.is_ipv6() { link_local } else { self.source_for(target, target) }
        });
        match target {
            IpAddr::V4(target) => {
                let Some(IpAddr::V4(source)) = source.or(Some(Ipv4Addr::UNSPECIFIED.into())) else { return };
                let request = Arp::request(self.mac, source, target).to_bytes();
                self.transmit(to.unwrap_or(MacAddr::BROADCAST), ethertype::ARP, &request);
            }
            IpAddr::V6(target) => {
                let Some(IpAddr::V6(source)) = source else { return };
                let group = ndp::solicited_node(target);
                let (dst, mac) =
                    to.map_or((group, ndp::group_mac(group.into())), |unicast| (target, unicast));
                let ask = Ndp::Solicit { target, source_mac: Some(self.mac) };
                if let Some(packet) = ask.packet(source, dst) {
                    self.transmit(mac, ethertype::IPV6, &packet);
                }
            }
        }
    }

    /// Answers an ARP request, and learns who asked; from duplicate address detection (RFC 5227) nothing is learned.
    pub(super) fn answer_arp(&mut self, now: Instant, arp: &Arp) {
        let mut effects = Effects::default();
        if !arp.sender_ip.is_unspecified() {
            let news = NeighbourUpdate { confirms: false, overrides: true, doubts: false, creates: true };
            self.neighbours.learn(now, arp.sender_ip.into(), Some(arp.sender_mac), news, &mut effects);
        }
        self.transmit_arp(arp.sender_mac, &arp.answer(self.mac));
        self.apply(effects);
    }

    /// Learns from an ARP message that is not answered: a reply, or a request for another host.
    pub(super) fn observe_arp(&mut self, now: Instant, packet_type: PacketType, arp: &Arp) {
        let sender = IpAddr::V4(arp.sender_ip);
        let mut effects = Effects::default();
        let news = NeighbourUpdate {
            confirms: !arp.request && packet_type == PacketType::Host,
            overrides: arp.is_gratuitous() || !self.neighbours.is_locked(now, sender),
            doubts: false,
            creates: false,
        };
        self.neighbours.learn(now, sender, Some(arp.sender_mac), news, &mut effects);
        self.apply(effects);
    }

    /// Handles a neighbour discovery message (`ndisc_rcv`). Returns the sender, if it is a reply.
    pub(super) fn receive_ndp(
        &mut self,
        now: Instant,
        view: &IpView<'_>,
        message: &Message<'_>,
    ) -> Option<IpAddr> {
        let mut effects = Effects::default();
        let answered = match Ndp::parse(view, message)? {
            Ndp::Solicit { target, source_mac } => {
                self.answer_solicitation(now, view, target, source_mac, &mut effects);
                None
            }
            Ndp::Advertise { target, target_mac, solicited, overriding, .. } => {
                let target = IpAddr::V6(target);
                if self.has(target) {
                    return None;
                }
                if self.neighbours.get(target).is_some_and(|(s, _)| s != super::NeighbourState::Failed) {
                    let news = NeighbourUpdate {
                        confirms: solicited,
                        overrides: overriding,
                        doubts: true,
                        creates: false,
                    };
                    self.neighbours.learn(now, target, target_mac, news, &mut effects);
                }
                Some(target)
            }
        };
        self.apply(effects);
        answered
    }

    fn answer_solicitation(
        &mut self,
        now: Instant,
        view: &IpView<'_>,
        target: Ipv6Addr,
        source_mac: Option<MacAddr>,
        effects: &mut Effects,
    ) {
        let IpAddr::V6(asker) = view.src else { return };
        if !self.has(target.into()) {
            return;
        }
        let mut advertise = self.advertisement(target);
        if asker.is_unspecified() {
            if let Some(packet) = advertise.packet(target, ndp::ALL_NODES) {
                self.transmit(ndp::group_mac(ndp::ALL_NODES.into()), ethertype::IPV6, &packet);
            }
            return;
        }
        let asked_the_group = view.dst.is_multicast();
        let news =
            NeighbourUpdate { confirms: false, overrides: true, doubts: true, creates: source_mac.is_some() };
        self.neighbours.learn(now, view.src, source_mac, news, effects);
        if let Ndp::Advertise { target_mac, solicited, overriding, .. } = &mut advertise {
            // A sender that asks by unicast knows the address already.
            *target_mac = asked_the_group.then_some(self.mac);
            *solicited = true;
            *overriding = asked_the_group;
        }
        if let Some(packet) = advertise.packet(target, asker) {
            self.neighbours.use_for(now, view.src, Some(packet), effects);
        }
    }
}
