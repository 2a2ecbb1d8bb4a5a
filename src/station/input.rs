//! The way into a host: frames are ARP, packets for the host, packets to forward, or thrown away by a rule.

use super::Sysctl;
use super::arp::Arp;
use super::host::Host;
use super::icmp::{self, Echo, Fault, Message};
use super::link::Link;
use super::ndp;
use super::packet::{ICMP, ICMPV6, IpView, Quoted, TCP, UDP};
use super::probe::Unreachable;
use super::route::{Route, is_unicast};
use super::stack::ECHO_PORT;
use crate::frame::{EthHeader, PacketType, ethertype};
use crate::time::Instant;
use crate::verdict::Rule;
use std::net::IpAddr;

/// How a packet is addressed to this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Addressing {
    Unicast,
    Broadcast,
    Multicast,
}

/// What an ARP message makes the host do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ArpReaction {
    /// It answers.
    Answer,
    /// It does not answer, although the address is its own, by this rule.
    Ignore(Rule),
    /// It may learn from it.
    Observe,
}

impl Host {
    /// Takes a frame from an interface. Returns the rule by which it is thrown away, if it is meant for this host.
    pub(super) fn take(
        &mut self,
        now: Instant,
        index: usize,
        frame: &[u8],
        packet_type: PacketType,
    ) -> Option<Rule> {
        let carrier = self.links.get(index).is_some_and(Link::has_carrier);
        if packet_type == PacketType::OtherHost || !carrier {
            return None;
        }
        let (ethertype, payload) = untagged(frame)?;
        match ethertype {
            ethertype::ARP => self.receive_arp(now, index, packet_type, &Arp::parse(payload)?),
            ethertype::IPV4 | ethertype::IPV6 => {
                let view = IpView::parse(payload)?;
                let as_declared = view.is_v4() == (ethertype == ethertype::IPV4);
                if as_declared { self.receive_ip(now, index, packet_type, &view) } else { None }
            }
            _ => None,
        }
    }

    /// Handles an ARP message (`arp_process`).
    fn receive_arp(
        &mut self,
        now: Instant,
        index: usize,
        packet_type: PacketType,
        arp: &Arp,
    ) -> Option<Rule> {
        let (sender, target) = (IpAddr::V4(arp.sender_ip), IpAddr::V4(arp.target_ip));
        if target.is_multicast() || target.is_loopback() {
            return None;
        }
        let reaction = self.reaction_to(now, index, arp);
        let known = if sender.is_unspecified() { Ok(()) } else { self.validate_source(now, index, sender) };
        let link = self.links.get_mut(index)?;
        match reaction {
            ArpReaction::Answer => link.answer_arp(now, arp),
            ArpReaction::Ignore(rule) => return Some(rule),
            // Nothing is learned of a sender that cannot be another host.
            ArpReaction::Observe if known.is_ok() && is_unicast(sender) => {
                link.observe_arp(now, packet_type, arp)
            }
            ArpReaction::Observe => {
                let about_us = arp.request && self.owns(target) && sender != target;
                return known.err().filter(|_| about_us);
            }
        }
        if !arp.request {
            self.prober.neighbour_answered(now, sender);
        }
        None
    }

    /// What an ARP message makes the host do: answer requests for its addresses (`arp_ignore`, `arp_filter`) and for
    /// those that it forwards to elsewhere (`arp_fwd_proxy`).
    fn reaction_to(&self, now: Instant, index: usize, arp: &Arp) -> ArpReaction {
        let (sender, target) = (IpAddr::V4(arp.sender_ip), IpAddr::V4(arp.target_ip));
        let Some(link) = self.links.get(index) else { return ArpReaction::Observe };
        let anonymous = sender.is_unspecified();
        if !arp.request || !anonymous && self.validate_source(now, index, sender).is_err() {
            return ArpReaction::Observe;
        }
        let sysctls = link.sysctls();
        if self.owns(target) {
            let refused = match sysctls.get(Sysctl::ArpIgnore) {
                1 => !link.has(target),
                // A sender without an address is in no subnet.
                2 => !link.has(target) || link.subnet_of(target).is_none_or(|net| !net.contains(&sender)),
                8 => true,
                _ => false,
            };
            let leaves_here =
                || self.routes.lookup(now, &self.links, sender).is_some_and(|r| r.link == index);
            let filtered = !anonymous && sysctls.is_on(Sysctl::ArpFilter) && !leaves_here();
            let rule = if refused || filtered { Some(Rule::ArpIgnored) } else { None };
            return rule.map_or(ArpReaction::Answer, ArpReaction::Ignore);
        }
        let elsewhere =
            || self.routes.lookup(now, &self.links, target).is_some_and(|route| route.link != index);
        let proxied = !anonymous
            && self.forwarding
            && sysctls.is_on(Sysctl::ProxyArp)
            && is_unicast(target)
            && elsewhere();
        if proxied { ArpReaction::Answer } else { ArpReaction::Observe }
    }

    /// Whether a packet from this address can have come by this interface (`fib_validate_source`).
    fn validate_source(&self, now: Instant, index: usize, src: IpAddr) -> Result<(), Rule> {
        let broadcast = self.links.iter().any(|link| link.is_broadcast(src));
        if src.is_ipv4() && self.owns(src) || broadcast || !is_unicast(src) {
            return Err(Rule::MartianSource);
        }
        let rp_filter = self.links.get(index).map_or(0, |link| link.sysctls().get(Sysctl::RpFilter));
        if src.is_ipv6() || rp_filter == 0 {
            return Ok(());
        }
        let route = self.routes.lookup(now, &self.links, src);
        let returns = route.is_some_and(|route| rp_filter != 1 || route.link == index);
        if returns { Ok(()) } else { Err(Rule::ReversePath) }
    }

    fn receive_ip(
        &mut self,
        now: Instant,
        index: usize,
        packet_type: PacketType,
        view: &IpView<'_>,
    ) -> Option<Rule> {
        let link = self.links.get(index)?;
        let cast = if link.is_broadcast(view.dst) {
            Some(Addressing::Broadcast)
        } else if view.dst.is_multicast() {
            link.groups().contains(&view.dst).then_some(Addressing::Multicast)?.into()
        } else {
            self.owns(view.dst).then_some(Addressing::Unicast)
        };
        // The unspecified address is allowed in broadcasts only.
        let from_nowhere = view.src.is_unspecified() && cast != Some(Addressing::Unicast) && cast.is_some();
        if !from_nowhere && let Err(rule) = self.validate_source(now, index, view.src) {
            return Some(rule);
        }
        match cast {
            Some(cast) => self.deliver(now, Some(index), packet_type, cast, view),
            None if view.dst.is_loopback() => None,
            None if self.forwarding => self.forward(now, index, packet_type, view),
            None => (packet_type == PacketType::Host).then_some(Rule::NotForwarding),
        }
    }

    /// Handles a packet for this host. Returns the rule by which it is not answered, if there is one.
    pub(super) fn deliver(
        &mut self,
        now: Instant,
        index: Option<usize>,
        packet_type: PacketType,
        cast: Addressing,
        view: &IpView<'_>,
    ) -> Option<Rule> {
        if view.fragment {
            return None;
        }
        let (protocol, payload) = view.upper()?;
        match protocol {
            ICMP | ICMPV6 => {
                let message = Message::parse(view, protocol, payload)?;
                return self.receive_icmp(now, index, cast, view, &message);
            }
            UDP => return self.receive_udp(now, packet_type, cast, view, payload),
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
        None
    }

    fn receive_udp(
        &mut self,
        now: Instant,
        packet_type: PacketType,
        cast: Addressing,
        view: &IpView<'_>,
        payload: &[u8],
    ) -> Option<Rule> {
        let &[_, _, high, low, ..] = payload.first_chunk::<8>()?;
        let port = u16::from_be_bytes([high, low]);
        if !self.stack.has_udp(port) {
            if cast != Addressing::Unicast {
                return None;
            }
            self.complain(now, packet_type, view, Fault::Port);
            return Some(Rule::NoListener);
        }
        // The echo service ignores broadcasts; smoltcp cannot reply to the unspecified address.
        let echo_to_all = port == ECHO_PORT && cast != Addressing::Unicast;
        let answerable = is_unicast(view.src) || view.src.is_loopback();
        if view.protocol() == UDP && answerable && !echo_to_all {
            self.stack.receive(view.bytes.to_vec(), Some(port));
        }
        None
    }

    fn receive_icmp(
        &mut self,
        now: Instant,
        index: Option<usize>,
        cast: Addressing,
        view: &IpView<'_>,
        message: &Message<'_>,
    ) -> Option<Rule> {
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
                return self.answer_echo(now, cast, view, echo);
            }
        } else if let Some(quoted) = message.error(v4) {
            let why = Unreachable::Icmp { from: view.src, kind: message.kind, code: message.code };
            self.undelivered(&quoted, why);
        } else if let Some((gateway, quoted)) = message.redirect(v4) {
            self.redirected(now, view.src, gateway.into(), &quoted);
        }
        None
    }

    /// Echo requests to a group are answered in IPv6 only (`icmp_echo_ignore_broadcasts` is on).
    fn answer_echo(
        &mut self,
        now: Instant,
        cast: Addressing,
        view: &IpView<'_>,
        echo: Echo<'_>,
    ) -> Option<Rule> {
        let source = match cast {
            Addressing::Unicast => Some(view.dst),
            Addressing::Multicast if !view.is_v4() => self.source_to(now, view.src),
            _ => return Some(Rule::EchoToGroup),
        };
        let id = self.next_ident();
        // From the wire, no loopback address has come this far.
        let source = source.filter(|_| is_unicast(view.src) || view.src.is_loopback())?;
        if let Some(reply) = icmp::echo_packet(source, view.src, id, Echo { reply: true, ..echo }) {
            self.output(now, reply);
        }
        None
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
            self.routes.redirect(now, quoted.dst, Route { next_hop: gateway, ..route });
        } else {
            link.ask(now, gateway);
        }
    }
}

/// Ethertype and payload of a frame for the stack: untagged, or tagged with VLAN 0 only (a priority tag).
fn untagged(frame: &[u8]) -> Option<(u16, &[u8])> {
    EthHeader::parse(frame).ok()?;
    let (kind, at) = EthHeader::payload(frame)?;
    EthHeader::tags(frame).all(|tag| tag.vlan().get() == 0).then(|| (kind, &frame[at..]))
}
