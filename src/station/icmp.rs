//! ICMP and ICMPv6 messages (RFC 792, RFC 4443): echo, and the errors that Linux sends.

use super::packet::{self, ICMP, ICMPV6, Ident, IpView, Quoted, checksum, pseudo_v6, wrap};
use crate::frame::PacketType;
use etherparse::checksum::Sum16BitWords;
use std::net::{IpAddr, Ipv4Addr};

/// Quoted bytes in an IPv4 error: as many as fit 576 bytes (RFC 1812 4.3.2.3).
const QUOTE_V4: usize = 576 - 20 - 8;
/// Quoted bytes in an IPv6 error: as many as fit the minimum mtu (RFC 4443 3.1).
const QUOTE_V6: usize = 1280 - 40 - 8;

/// A message without its checksum; used for both families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) kind: u8,
    pub(super) code: u8,
    /// Bytes 5 to 8.
    pub(super) rest: [u8; 4],
    pub(super) body: &'a [u8],
}

/// An echo request or reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Echo<'a> {
    pub(super) reply: bool,
    pub(super) id: u16,
    pub(super) seq: u16,
    pub(super) data: &'a [u8],
}

/// The reason for an ICMP error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// No route.
    Net,
    /// The next hop did not reply.
    Host,
    /// No listener on the port.
    Port,
    /// No such protocol above IP.
    Protocol,
    /// Longer than the next link's mtu.
    TooBig(u32),
    /// The TTL expired.
    Expired,
    /// There is a shorter path.
    Redirect(Ipv4Addr),
}

impl<'a> Message<'a> {
    /// Parses the message in a packet; `None`: truncated or with a wrong checksum.
    pub(super) fn parse(view: &IpView<'a>, protocol: u8, payload: &'a [u8]) -> Option<Message<'a>> {
        let start = match (view.src, view.dst) {
            (IpAddr::V4(_), IpAddr::V4(_)) if protocol == ICMP => Sum16BitWords::new(),
            (IpAddr::V6(src), IpAddr::V6(dst)) if protocol == ICMPV6 => {
                pseudo_v6(src, dst, ICMPV6, payload.len())
            }
            _ => return None,
        };
        if checksum(start, payload) != 0 {
            return None;
        }
        let (&[kind, code, _, _, a, b, c, d], body) = payload.split_first_chunk::<8>()?;
        Some(Message { kind, code, rest: [a, b, c, d], body })
    }

    /// As an echo.
    pub(super) fn echo(&self, v4: bool) -> Option<Echo<'a>> {
        let reply = match (v4, self.kind) {
            (true, 8) | (false, 128) => false,
            (true, 0) | (false, 129) => true,
            _ => return None,
        };
        let [a, b, c, d] = self.rest;
        Some(Echo { reply, id: u16::from_be_bytes([a, b]), seq: u16::from_be_bytes([c, d]), data: self.body })
    }

    /// As an error about a packet: unreachable, too big, time exceeded, parameter problem.
    pub(super) fn error(&self, v4: bool) -> Option<Quoted<'a>> {
        let is_error = if v4 { matches!(self.kind, 3 | 11 | 12) } else { matches!(self.kind, 1..=4) };
        if is_error { Quoted::parse(self.body) } else { None }
    }

    /// As an IPv4 redirect: the gateway to use instead, and the packet concerned.
    pub(super) fn redirect(&self, v4: bool) -> Option<(Ipv4Addr, Quoted<'a>)> {
        if !v4 || self.kind != 5 || self.code > 3 {
            return None;
        }
        Some((Ipv4Addr::from(self.rest), Quoted::parse(self.body)?))
    }
}

/// A whole IP packet with this message.
pub(super) fn packet(
    src: IpAddr,
    dst: IpAddr,
    hop_limit: u8,
    id: u16,
    message: Message<'_>,
) -> Option<Vec<u8>> {
    let mut bytes = vec![message.kind, message.code, 0, 0];
    bytes.extend(message.rest);
    bytes.extend_from_slice(message.body);
    let (protocol, start) = match (src, dst) {
        (IpAddr::V6(src), IpAddr::V6(dst)) => (ICMPV6, pseudo_v6(src, dst, ICMPV6, bytes.len())),
        _ => (ICMP, Sum16BitWords::new()),
    };
    let sum = checksum(start, &bytes);
    if let Some(field) = bytes.get_mut(2..4) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
    // Requests of `ping` must not be fragmented; the kernel's own replies and errors may.
    let dont_fragment = src.is_ipv4() && message.kind == 8;
    // Errors have precedence "internetwork control" (RFC 1812 4.3.2.5).
    let tos = if src.is_ipv4() && matches!(message.kind, 3 | 5 | 11 | 12) { 0xc0 } else { 0 };
    wrap(src, dst, protocol, hop_limit, Ident { tos, id, dont_fragment }, &bytes)
}

/// An echo request or reply as an IP packet.
pub(super) fn echo_packet(src: IpAddr, dst: IpAddr, id: u16, echo: Echo<'_>) -> Option<Vec<u8>> {
    let kind = match (src.is_ipv4(), echo.reply) {
        (true, false) => 8,
        (true, true) => 0,
        (false, false) => 128,
        (false, true) => 129,
    };
    let ([a, b], [c, d]) = (echo.id.to_be_bytes(), echo.seq.to_be_bytes());
    let message = Message { kind, code: 0, rest: [a, b, c, d], body: echo.data };
    packet(src, dst, packet::HOP_LIMIT, id, message)
}

/// Whether an error may be sent about this packet (RFC 1122 3.2.2, RFC 4443 2.4): not about errors, later fragments,
/// broadcasts, groups (except "too big" in IPv6) and packets from the unspecified address.
pub(super) fn may_complain(view: &IpView<'_>, packet_type: PacketType, fault: Fault) -> bool {
    let to_group = packet_type != PacketType::Host || view.dst.is_multicast();
    let group_is_fine = !view.is_v4() && matches!(fault, Fault::TooBig(_));
    if (to_group && !group_is_fine) || view.later_fragment || !super::route::is_unicast(view.src) {
        return false;
    }
    let about_error = match view.upper() {
        // Redirects and unknown types count as errors too.
        Some((ICMP, p)) if view.is_v4() => !p.first().is_some_and(|k| matches!(k, 0 | 8 | 13..=18)),
        Some((ICMPV6, p)) if !view.is_v4() => !p.first().is_some_and(|k| k & 0x80 != 0 && *k != 137),
        Some(_) => false,
        None => true,
    };
    !about_error
}

/// The error about `offending`, from `src` to its sender.
pub(super) fn error_packet(src: IpAddr, offending: &IpView<'_>, id: u16, fault: Fault) -> Option<Vec<u8>> {
    let v4 = offending.is_v4();
    let (kind, code, rest) = match (fault, v4) {
        (Fault::Net, true) => (3, 0, [0; 4]),
        (Fault::Host, true) => (3, 1, [0; 4]),
        (Fault::Protocol, true) => (3, 2, [0; 4]),
        (Fault::Port, true) => (3, 3, [0; 4]),
        (Fault::TooBig(mtu), true) => {
            let [a, b] = u16::try_from(mtu).unwrap_or(u16::MAX).to_be_bytes();
            (3, 4, [0, 0, a, b])
        }
        (Fault::Redirect(gateway), true) => (5, 1, gateway.octets()),
        (Fault::Expired, true) => (11, 0, [0; 4]),
        (Fault::Net, false) => (1, 0, [0; 4]),
        (Fault::Host, false) => (1, 3, [0; 4]),
        (Fault::Port, false) => (1, 4, [0; 4]),
        (Fault::TooBig(mtu), false) => (2, 0, mtu.to_be_bytes()),
        (Fault::Expired, false) => (3, 0, [0; 4]),
        // The pointer is the offset of the unknown number: byte 6 of the fixed header.
        (Fault::Protocol, false) => (4, 1, [0, 0, 0, 6]),
        (Fault::Redirect(_), false) => return None,
    };
    let most = if v4 { QUOTE_V4 } else { QUOTE_V6 };
    let body = offending.bytes.get(..most).unwrap_or(offending.bytes);
    packet(src, offending.src, packet::HOP_LIMIT, id, Message { kind, code, rest, body })
}
