//! A host: combines interfaces, routes, sockets and probes. An end point is a host with one interface, a router one
//! that forwards.

use super::icmp::{self, Echo, Fault, Message};
use super::link::Link;
use super::ndp;
use super::packet::{ICMP, ICMPV6, IpView, Quoted, TCP, UDP};
use super::probe::{Prober, Unreachable};
use super::route::{Route, Routes, is_unicast};
use super::stack::{ECHO_PORT, Stack};
use super::{IpSpec, default_mac};
use crate::frame::{EthHeader, MacAddr, PacketType, ethertype};
use crate::time::Instant;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

/// Queue limit for packets from this host to itself; any more are lost.
const MAX_LOCAL: usize = 1024;
/// Iterations over interfaces, probes and sockets per call. They answer each other only a few times at one instant; the
/// next call does the rest.
const MAX_ROUNDS: usize = 64;
/// When the next call continues, if that was not enough.
const MOMENT: Duration = Duration::from_micros(1);

/// How a packet is addressed to this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Addressing {
    Unicast,
    Broadcast,
    Multicast,
}

/// A host.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) links: Vec<Link>,
    pub(super) routes: Routes,
    pub(super) stack: Stack,
    pub(super) prober: Prober,
    pub(super) forwarding: bool,
    /// Redirects sent: the number, and the time of the last.
    pub(super) redirects_sent: BTreeMap<IpAddr, (u32, Instant)>,
    own: Vec<IpAddr>,
    local: VecDeque<Vec<u8>>,
    ident: u16,
    stack_at: Option<Instant>,
}

/// The configuration of each interface: MAC address, IP configuration and mtu.
pub(super) type Interfaces<'a> = &'a [(MacAddr, &'a IpSpec, u32)];

impl Host {
    pub(super) fn new(name: &str, interfaces: Interfaces<'_>, forwarding: bool, now: Instant) -> Host {
        let links: Vec<Link> =
            interfaces.iter().map(|(mac, spec, mtu)| Link::new(*mac, spec, *mtu, forwarding)).collect();
        let mut routes = Routes::default();
        for (i, (_, spec, _)) in interfaces.iter().enumerate() {
            for gateway in &spec.gateway {
                routes.add_gateway(i, *gateway);
            }
        }
        let mtu = interfaces.iter().map(|i| i.2).min().unwrap_or(1500);
        let own = addresses_of(&links);
        Host {
            links,
            routes,
            stack: Stack::new(default_mac(name).to_u64(), mtu, now),
            prober: Prober::default(),
            forwarding,
            redirects_sent: BTreeMap::new(),
            own,
            local: VecDeque::new(),
            ident: 0,
            stack_at: None,
        }
    }

    pub(super) fn owns(&self, addr: IpAddr) -> bool {
        self.own.contains(&addr)
    }

    /// Sets an interface up or down; its IP addresses may be lost.
    pub(super) fn set_link_up(&mut self, now: Instant, index: usize, up: bool) {
        if let Some(link) = self.links.get_mut(index) {
            link.set_up(up);
        }
        self.own = addresses_of(&self.links);
        self.poll(now);
    }

    /// Sets an interface's carrier.
    pub(super) fn set_carrier(&mut self, now: Instant, index: usize, carrier: bool) {
        if let Some(link) = self.links.get_mut(index) {
            link.set_carrier(carrier);
        }
        self.poll(now);
    }

    /// The next identification of an IPv4 packet.
    pub(super) fn next_ident(&mut self) -> u16 {
        self.ident = self.ident.wrapping_add(1);
        self.ident
    }

    /// Receives a frame on an interface.
    pub(super) fn receive(&mut self, now: Instant, index: usize, frame: &[u8], packet_type: PacketType) {
        let carrier = self.links.get(index).is_some_and(Link::has_carrier);
        if packet_type == PacketType::OtherHost || !carrier {
            return;
        }
        let Some((ethertype, payload)) = untagged(frame) else { return };
        match ethertype {
            ethertype::ARP => {
                let answered = self
                    .links
                    .get_mut(index)
                    .and_then(|link| link.receive_arp(now, packet_type, payload, &self.own));
                if let Some(who) = answered {
                    self.prober.neighbour_answered(now, who);
                }
            }
            ethertype::IPV4 | ethertype::IPV6 => {
                if let Some(view) = IpView::parse(payload)
                    && view.is_v4() == (ethertype == ethertype::IPV4)
                {
                    self.receive_ip(now, index, packet_type, &view);
                }
            }
            _ => return,
        }
        self.poll(now);
    }

    fn receive_ip(&mut self, now: Instant, index: usize, packet_type: PacketType, view: &IpView<'_>) {
        let Some(link) = self.links.get(index) else { return };
        let cast = if link.is_broadcast(view.dst) {
            Some(Addressing::Broadcast)
        } else if view.dst.is_multicast() {
            if !link.groups().contains(&view.dst) {
                return;
            }
            Some(Addressing::Multicast)
        } else {
            self.owns(view.dst).then_some(Addressing::Unicast)
        };
        // Sources that cannot be from another host ("martians"); the unspecified address is allowed in broadcasts only.
        let from_nowhere = view.src.is_unspecified() && cast != Some(Addressing::Unicast) && cast.is_some();
        let own_source = view.is_v4() && self.owns(view.src);
        if own_source || link.is_broadcast(view.src) || !(is_unicast(view.src) || from_nowhere) {
            return;
        }
        match cast {
            Some(cast) => self.deliver(now, Some(index), packet_type, cast, view),
            None if self.forwarding => self.forward(now, index, packet_type, view),
            None => {}
        }
    }

    /// Handles a packet for this host.
    fn deliver(
        &mut self,
        now: Instant,
        index: Option<usize>,
        packet_type: PacketType,
        cast: Addressing,
        view: &IpView<'_>,
    ) {
        if view.fragment {
            return;
        }
        let Some((protocol, payload)) = view.upper() else { return };
        match protocol {
            ICMP | ICMPV6 => {
                if let Some(message) = Message::parse(view, protocol, payload) {
                    self.receive_icmp(now, index, cast, view, &message);
                }
            }
            UDP => self.receive_udp(now, packet_type, cast, view, payload),
            // A TCP connection cannot be opened to a group (`tcp_v4_rcv`).
            TCP => {
                let to_us_alone = cast == Addressing::Unicast && packet_type == PacketType::Host;
                if to_us_alone && view.protocol() == TCP {
                    self.stack.receive(view.bytes.to_vec(), None);
                }
            }
            _ if cast == Addressing::Unicast => self.complain(now, packet_type, view, Fault::Protocol),
            _ => {}
        }
    }

    fn receive_udp(
        &mut self,
        now: Instant,
        packet_type: PacketType,
        cast: Addressing,
        view: &IpView<'_>,
        payload: &[u8],
    ) {
        let Some(&[_, _, high, low, ..]) = payload.first_chunk::<8>() else { return };
        let port = u16::from_be_bytes([high, low]);
        if !self.stack.has_udp(port) {
            if cast == Addressing::Unicast {
                self.complain(now, packet_type, view, Fault::Port);
            }
            return;
        }
        // The echo service ignores broadcasts; smoltcp cannot reply to the unspecified address.
        let echo_to_all = port == ECHO_PORT && cast != Addressing::Unicast;
        if view.protocol() == UDP && is_unicast(view.src) && !echo_to_all {
            self.stack.receive(view.bytes.to_vec(), Some(port));
        }
    }

    fn receive_icmp(
        &mut self,
        now: Instant,
        index: Option<usize>,
        cast: Addressing,
        view: &IpView<'_>,
        message: &Message<'_>,
    ) {
        let v4 = view.is_v4();
        if !v4 && ndp::is_ndp(message.kind) {
            let link = index.and_then(|i| self.links.get_mut(i));
            if let Some(who) = link.and_then(|l| l.receive_ndp(now, view, message)) {
                self.prober.neighbour_answered(now, who);
            }
        } else if let Some(echo) = message.echo(v4) {
            if echo.reply {
                self.prober.echo_reply(now, view.src, echo.id, echo.seq);
            } else {
                self.answer_echo(now, cast, view, echo);
            }
        } else if let Some(quoted) = message.error(v4) {
            let why = Unreachable::Icmp { from: view.src, kind: message.kind, code: message.code };
            self.undelivered(&quoted, why);
        } else if let Some((gateway, quoted)) = message.redirect(v4) {
            self.redirected(now, view.src, gateway.into(), &quoted);
        }
    }

    /// Echo requests to a group are answered in IPv6 only (`icmp_echo_ignore_broadcasts` is on).
    fn answer_echo(&mut self, now: Instant, cast: Addressing, view: &IpView<'_>, echo: Echo<'_>) {
        let source = match cast {
            Addressing::Unicast => Some(view.dst),
            Addressing::Multicast if !view.is_v4() => self.source_to(now, view.src),
            _ => None,
        };
        let id = self.next_ident();
        let Some(source) = source.filter(|_| is_unicast(view.src)) else { return };
        if let Some(reply) = icmp::echo_packet(source, view.src, id, Echo { reply: true, ..echo }) {
            self.output(now, reply);
        }
    }

    /// The gateway announces a shorter path (`__ip_do_redirect`): accepted if it comes from the gateway in use and
    /// names a neighbour. An unknown neighbour is resolved first, and accepted when the next redirect arrives.
    fn redirected(&mut self, now: Instant, from: IpAddr, gateway: IpAddr, quoted: &Quoted<'_>) {
        let Some(route) = self.routes.lookup(now, &self.links, quoted.dst) else { return };
        let Some(link) = self.links.get_mut(route.link) else { return };
        let on_link = is_unicast(gateway) && link.subnet_of(gateway).is_some() && !link.is_broadcast(gateway);
        if !self.own.contains(&quoted.src)
            || route.next_hop != from
            || !on_link
            || self.own.contains(&gateway)
        {
            return;
        }
        if link.neighbours().is_valid(gateway) {
            self.routes.redirect(now, quoted.dst, Route { link: route.link, next_hop: gateway });
        } else {
            link.ask(now, gateway);
        }
    }

    /// Informs the local sender of a packet that it was not delivered.
    fn undelivered(&mut self, quoted: &Quoted<'_>, why: Unreachable) {
        if !self.owns(quoted.src) {
            return;
        }
        match (quoted.protocol, quoted.ports()) {
            (ICMP | ICMPV6, Some(_)) => {
                let request = if quoted.protocol == ICMP { 8 } else { 128 };
                if let Some(&[kind, _, _, _, a, b, c, d]) = quoted.payload.first_chunk::<8>()
                    && kind == request
                {
                    let (id, seq) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
                    self.prober.echo_failed(id, seq, why);
                }
            }
            (UDP, Some((port, _))) => {
                let of_a_probe = self.prober.udp_failed(port, why);
                if of_a_probe {
                    self.stack.unbind(port);
                }
            }
            (TCP, Some((port, _))) => self.stack.tcp_unreachable(port, why),
            _ => {}
        }
    }

    /// Packets whose neighbour did not reply: own ones fail, forwarded ones cause an ICMP error.
    pub(super) fn fail(&mut self, now: Instant, packets: Vec<Vec<u8>>) {
        for packet in packets {
            let Some(view) = IpView::parse(&packet) else { continue };
            if self.owns(view.src) {
                let next_hop =
                    self.routes.lookup(now, &self.links, view.dst).map_or(view.dst, |r| r.next_hop);
                if let Some(quoted) = Quoted::parse(&packet) {
                    self.undelivered(&quoted, Unreachable::Neighbour(next_hop));
                }
            } else {
                self.complain(now, PacketType::Host, &view, Fault::Host);
            }
        }
    }

    /// Sends an error about a packet to its sender, if allowed.
    pub(super) fn complain(
        &mut self,
        now: Instant,
        packet_type: PacketType,
        view: &IpView<'_>,
        fault: Fault,
    ) {
        if !icmp::may_complain(view, packet_type, fault) {
            return;
        }
        let source = if self.owns(view.dst) { Some(view.dst) } else { self.source_to(now, view.src) };
        let id = self.next_ident();
        if let Some(error) = source.and_then(|s| icmp::error_packet(s, view, id, fault)) {
            self.output(now, error);
        }
    }

    /// The source address for packets to `dst`.
    pub(super) fn source_to(&self, now: Instant, dst: IpAddr) -> Option<IpAddr> {
        if self.owns(dst) {
            return Some(dst);
        }
        if dst.is_multicast() || self.links.iter().any(|l| l.is_broadcast(dst)) {
            return self.links.iter().find(|l| l.is_up()).and_then(|l| l.source_for(dst, dst));
        }
        let route = self.routes.lookup(now, &self.links, dst)?;
        let near = self.links.get(route.link).and_then(|l| l.source_for(dst, route.next_hop));
        near.or_else(|| self.links.iter().find_map(|l| l.source_for(dst, route.next_hop)))
    }

    /// Sends a packet from this host.
    pub(super) fn output(&mut self, now: Instant, packet: Vec<u8>) {
        let Some(view) = IpView::parse(&packet) else { return };
        let dst = view.dst;
        if self.owns(dst) {
            if self.local.len() < MAX_LOCAL {
                self.local.push_back(packet);
            }
            return;
        }
        let to_many = dst.is_multicast() || self.links.iter().any(|l| l.is_broadcast(dst));
        let route = if to_many {
            // The interface whose address `source_to` chooses.
            let link = self.links.iter().position(Link::is_up);
            link.map(|link| Route { link, next_hop: dst })
        } else {
            self.routes.lookup(now, &self.links, dst)
        };
        let why = match route.and_then(|r| Some((self.links.get_mut(r.link)?, r.next_hop))) {
            None => Unreachable::NoRoute,
            Some((link, _)) if packet.len() > link.mtu as usize => Unreachable::TooBig,
            Some((link, next_hop)) => {
                let failed = link.send(now, next_hop, packet);
                self.fail(now, failed);
                return;
            }
        };
        if let Some(quoted) = Quoted::parse(&packet) {
            self.undelivered(&quoted, why);
        }
    }

    /// Does all work that is due.
    pub(super) fn poll(&mut self, now: Instant) {
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

    pub(super) fn poll_at(&self) -> Option<Instant> {
        let links = self.links.iter().filter_map(Link::poll_at);
        links.chain(self.prober.poll_at()).chain(self.stack_at).min()
    }
}

fn addresses_of(links: &[Link]) -> Vec<IpAddr> {
    links.iter().flat_map(Link::addresses).map(|net| net.addr()).collect()
}

/// Ethertype and payload of a frame for the stack: untagged, or tagged with VLAN 0 only (a priority tag).
fn untagged(frame: &[u8]) -> Option<(u16, &[u8])> {
    EthHeader::parse(frame).ok()?;
    let (kind, at) = EthHeader::payload(frame)?;
    EthHeader::tags(frame).all(|tag| tag.vlan().get() == 0).then(|| (kind, &frame[at..]))
}
