//! Neighbour discovery for IPv6 (RFC 4861): solicitations and advertisements.

use super::icmp::{self, Message};
use super::packet::IpView;
use crate::frame::MacAddr;
use std::net::{IpAddr, Ipv6Addr};

/// The hop limit that proves that no router forwarded the packet (RFC 4861 7.1).
pub(super) const HOP_LIMIT: u8 = 255;
/// ff02::1
pub(super) const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

const SOLICIT: u8 = 135;
const ADVERTISE: u8 = 136;
const SOURCE_LINK_LAYER: u8 = 1;
const TARGET_LINK_LAYER: u8 = 2;
const FLAG_ROUTER: u8 = 0x80;
const FLAG_SOLICITED: u8 = 0x40;
const FLAG_OVERRIDE: u8 = 0x20;

/// A message about a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ndp {
    /// Who has `target`?
    Solicit { target: Ipv6Addr, source_mac: Option<MacAddr> },
    /// I have `target`.
    Advertise {
        target: Ipv6Addr,
        target_mac: Option<MacAddr>,
        router: bool,
        solicited: bool,
        overriding: bool,
    },
}

/// Whether this ICMPv6 type belongs to neighbour discovery.
pub(super) fn is_ndp(kind: u8) -> bool {
    matches!(kind, 133..=137)
}

impl Ndp {
    /// Parses a message that satisfies RFC 4861 7.1; `None`: it does not, or is another kind of message.
    pub(super) fn parse(packet: &IpView<'_>, message: &Message<'_>) -> Option<Ndp> {
        if packet.hop_limit != HOP_LIMIT || message.code != 0 {
            return None;
        }
        let (target, options) = message.body.split_first_chunk::<16>()?;
        let target = Ipv6Addr::from(*target);
        if target.is_multicast() {
            return None;
        }
        match message.kind {
            SOLICIT => {
                let source_mac = link_layer(options, SOURCE_LINK_LAYER)?;
                // Duplicate address detection has an unspecified source, to which no reply can be sent.
                let detection = packet.src.is_unspecified();
                if detection && (source_mac.is_some() || packet.dst != IpAddr::V6(solicited_node(target))) {
                    return None;
                }
                Some(Ndp::Solicit { target, source_mac })
            }
            ADVERTISE => {
                let flags = message.rest[0];
                let solicited = flags & FLAG_SOLICITED != 0;
                if solicited && packet.dst.is_multicast() {
                    return None;
                }
                Some(Ndp::Advertise {
                    target,
                    target_mac: link_layer(options, TARGET_LINK_LAYER)?,
                    router: flags & FLAG_ROUTER != 0,
                    solicited,
                    overriding: flags & FLAG_OVERRIDE != 0,
                })
            }
            _ => None,
        }
    }

    /// The complete IPv6 packet.
    pub(super) fn packet(self, src: Ipv6Addr, dst: Ipv6Addr) -> Option<Vec<u8>> {
        let (kind, rest, target, option) = match self {
            Ndp::Solicit { target, source_mac } => {
                (SOLICIT, [0; 4], target, source_mac.map(|m| (SOURCE_LINK_LAYER, m)))
            }
            Ndp::Advertise { target, target_mac, router, solicited, overriding } => {
                let flag = |set: bool, bit: u8| if set { bit } else { 0 };
                let flags = flag(router, FLAG_ROUTER)
                    | flag(solicited, FLAG_SOLICITED)
                    | flag(overriding, FLAG_OVERRIDE);
                (ADVERTISE, [flags, 0, 0, 0], target, target_mac.map(|m| (TARGET_LINK_LAYER, m)))
            }
        };
        let mut body = target.octets().to_vec();
        if let Some((number, mac)) = option {
            body.extend([number, 1]);
            body.extend(mac.0);
        }
        let message = Message { kind, code: 0, rest, body: &body };
        icmp::packet(src.into(), dst.into(), HOP_LIMIT, 0, message)
    }
}

/// The link-layer address among the options: `None` if an option is invalid, `Some(None)` if there is none.
fn link_layer(mut options: &[u8], wanted: u8) -> Option<Option<MacAddr>> {
    let mut found = None;
    while !options.is_empty() {
        let [kind, units, ..] = *options else { return None };
        let len = usize::from(units) * 8;
        if len == 0 || len > options.len() {
            return None;
        }
        let (option, rest) = options.split_at(len);
        if kind == wanted
            && len == 8
            && let Some(mac) = option.get(2..).and_then(|b| b.first_chunk::<6>())
        {
            found = Some(MacAddr(*mac));
        }
        options = rest;
    }
    Some(found)
}

/// ff02::1:ff00:0 with the last 24 bits of the address in its own (RFC 4291 2.7.1).
pub(super) fn solicited_node(addr: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = addr.octets();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c]))
}

/// fe80:: and the EUI-64 of the MAC (RFC 4291 appendix A).
pub(super) fn link_local(mac: MacAddr) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac.0;
    Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f])
}

/// The MAC group of a multicast address: RFC 1112 6.4 for IPv4 (23 bits), RFC 2464 7 for IPv6 (32 bits).
pub(super) fn group_mac(group: IpAddr) -> MacAddr {
    match group {
        IpAddr::V4(g) => {
            let [_, b, c, d] = g.octets();
            MacAddr([0x01, 0x00, 0x5e, b & 0x7f, c, d])
        }
        IpAddr::V6(g) => {
            let [.., a, b, c, d] = g.octets();
            MacAddr([0x33, 0x33, a, b, c, d])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_made_from_addresses() {
        let mac = MacAddr([0x00, 0x0c, 0x29, 0xf1, 0x38, 0xbf]);
        assert_eq!(link_local(mac).to_string(), "fe80::20c:29ff:fef1:38bf");
        let group = solicited_node("fd00:128::12:3456".parse().unwrap());
        assert_eq!(group.to_string(), "ff02::1:ff12:3456");
        assert_eq!(group_mac(group.into()).to_string(), "33:33:ff:12:34:56");
        assert_eq!(group_mac([224, 128, 0, 251].into()).to_string(), "01:00:5e:00:00:fb");
    }

    #[test]
    fn broken_options_spoil_the_message() {
        assert_eq!(link_layer(&[1, 1, 2, 0, 0, 0, 0, 9], 1), Some(Some(MacAddr([2, 0, 0, 0, 0, 9]))));
        assert_eq!(link_layer(&[], 1), Some(None));
        for broken in [&[1, 0, 0, 0, 0, 0, 0, 0][..], &[1][..], &[1, 2, 0, 0, 0, 0, 0, 0][..]] {
            assert_eq!(link_layer(broken, 1), None);
        }
    }
}
