//! The way out of a host: which source and route a packet has, and who is told when it was not delivered.

use super::host::Host;
use super::icmp::{self, Fault};
use super::link::Link;
use super::packet::{ICMP, ICMPV6, IpView, Quoted, TCP, UDP};
use super::probe::Unreachable;
use super::route::Route;
use crate::frame::PacketType;
use crate::time::Instant;
use std::net::IpAddr;

impl Host {
    /// Informs the local sender of a packet that it was not delivered.
    pub(super) fn undelivered(&mut self, quoted: &Quoted<'_>, why: Unreachable) {
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

    /// The interface for packets to a group or a broadcast address, if one is up: that of the subnet, otherwise the
    /// first. `None`: it is neither.
    fn link_to_many(&self, dst: IpAddr) -> Option<Option<usize>> {
        let of_subnet = self.links.iter().position(|link| link.is_up() && link.is_broadcast(dst));
        let to_many = dst.is_multicast() || self.links.iter().any(|link| link.is_broadcast(dst));
        to_many.then(|| of_subnet.or_else(|| self.links.iter().position(Link::is_up)))
    }

    /// The source address for packets to `dst`.
    pub(super) fn source_to(&self, now: Instant, dst: IpAddr) -> Option<IpAddr> {
        if self.owns(dst) || dst.is_loopback() {
            return Some(dst);
        }
        if let Some(link) = self.link_to_many(dst) {
            return self.links.get(link?)?.source_for(dst, dst);
        }
        let route = self.routes.lookup(now, &self.links, dst)?;
        let prescribed = route.src.filter(|src| self.owns(*src));
        let near = || self.links.get(route.link).and_then(|l| l.source_for(dst, route.next_hop));
        prescribed.or_else(near).or_else(|| self.links.iter().find_map(|l| l.source_for(dst, route.next_hop)))
    }

    /// Sends a packet from this host.
    pub(super) fn output(&mut self, now: Instant, packet: Vec<u8>) {
        let Some(view) = IpView::parse(&packet) else { return };
        let dst = view.dst;
        if self.owns(dst) || dst.is_loopback() {
            return self.loop_back(packet);
        }
        let route = match self.link_to_many(dst) {
            Some(link) => link.map(|link| Route { link, next_hop: dst, src: None }),
            None => self.routes.lookup(now, &self.links, dst),
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
}
