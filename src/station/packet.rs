//! IP packets, as far as a stack parses and writes their headers.

use etherparse::checksum::Sum16BitWords;
use etherparse::{IpDscp, IpNumber, IpSlice, Ipv4Header, Ipv6Header};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Protocol numbers (IANA).
pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMPV6: u8 = 58;

/// The TTL and hop limit of outgoing packets: Linux's default.
pub(super) const HOP_LIMIT: u8 = 64;

/// The fields that only IPv4's header has: type of service, identification, and "don't fragment".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ident {
    pub(super) tos: u8,
    pub(super) id: u16,
    pub(super) dont_fragment: bool,
}

/// A packet with a valid fixed header: version, lengths and, for IPv4, the header's checksum.
#[derive(Clone, Copy, Debug)]
pub(super) struct IpView<'a> {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) hop_limit: u8,
    /// A fragment of a larger packet, except the first one.
    pub(super) later_fragment: bool,
    /// A fragment, including the first.
    pub(super) fragment: bool,
    /// The protocol in the fixed header; in IPv6 it may be that of an extension header.
    next: u8,
    header_len: usize,
    /// The packet without Ethernet padding.
    pub(super) bytes: &'a [u8],
}

impl<'a> IpView<'a> {
    /// `None`: the header is invalid (RFC 1122 3.2.1: silently dropped).
    pub(super) fn parse(bytes: &'a [u8]) -> Option<IpView<'a>> {
        match bytes.first()? >> 4 {
            4 => IpView::parse_v4(bytes),
            6 => IpView::parse_v6(bytes),
            _ => None,
        }
    }

    fn parse_v4(bytes: &'a [u8]) -> Option<IpView<'a>> {
        let h = bytes.first_chunk::<20>()?;
        let header_len = usize::from(h[0] & 0xf) * 4;
        let total = usize::from(u16::from_be_bytes([h[2], h[3]]));
        if header_len < 20 || total < header_len {
            return None;
        }
        let bytes = bytes.get(..total)?;
        if checksum(Sum16BitWords::new(), bytes.get(..header_len)?) != 0 {
            return None;
        }
        let fragmenting = u16::from_be_bytes([h[6], h[7]]);
        Some(IpView {
            src: Ipv4Addr::new(h[12], h[13], h[14], h[15]).into(),
            dst: Ipv4Addr::new(h[16], h[17], h[18], h[19]).into(),
            hop_limit: h[8],
            later_fragment: fragmenting & 0x1fff != 0,
            fragment: fragmenting & 0x3fff != 0,
            next: h[9],
            header_len,
            bytes,
        })
    }

    fn parse_v6(bytes: &'a [u8]) -> Option<IpView<'a>> {
        let h = bytes.first_chunk::<40>()?;
        let bytes = bytes.get(..40 + usize::from(u16::from_be_bytes([h[4], h[5]])))?;
        let address = |at: usize| {
            let mut octets = [0; 16];
            octets.copy_from_slice(&h[at..at + 16]);
            IpAddr::from(Ipv6Addr::from(octets))
        };
        let fragment = h[6] == 44;
        Some(IpView {
            src: address(8),
            dst: address(24),
            hop_limit: h[7],
            later_fragment: fragment && bytes.get(42..44).is_some_and(|f| f[0] != 0 || f[1] & 0xf8 != 0),
            fragment,
            next: h[6],
            header_len: 40,
            bytes,
        })
    }

    pub(super) fn is_v4(&self) -> bool {
        self.src.is_ipv4()
    }

    /// The protocol of the fixed header.
    pub(super) fn protocol(&self) -> u8 {
        self.next
    }

    /// The bytes after the fixed header.
    pub(super) fn payload(&self) -> &'a [u8] {
        self.bytes.get(self.header_len..).unwrap_or_default()
    }

    /// The protocol and the bytes above IP, after IPv6's extension headers; `None`: those are invalid.
    pub(super) fn upper(&self) -> Option<(u8, &'a [u8])> {
        if self.is_v4() || matches!(self.next, TCP | UDP | ICMPV6) {
            return Some((self.next, self.payload()));
        }
        let slice = IpSlice::from_slice(self.bytes).ok()?;
        let payload = slice.payload();
        Some((payload.ip_number.0, payload.payload))
    }
}

/// The packet quoted by an ICMP error: it may be truncated anywhere after its header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quoted<'a> {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) protocol: u8,
    pub(super) payload: &'a [u8],
}

impl<'a> Quoted<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Quoted<'a>> {
        if bytes.first()? >> 4 == 4 {
            let h = bytes.first_chunk::<20>()?;
            Some(Quoted {
                src: Ipv4Addr::new(h[12], h[13], h[14], h[15]).into(),
                dst: Ipv4Addr::new(h[16], h[17], h[18], h[19]).into(),
                protocol: h[9],
                payload: bytes.get(usize::from(h[0] & 0xf).max(5) * 4..)?,
            })
        } else {
            let (h, payload) = bytes.split_first_chunk::<40>()?;
            let address = |at: usize| {
                let mut octets = [0; 16];
                octets.copy_from_slice(&h[at..at + 16]);
                IpAddr::from(Ipv6Addr::from(octets))
            };
            Some(Quoted { src: address(8), dst: address(24), protocol: h[6], payload })
        }
    }

    /// Source and destination port of a UDP or TCP header.
    pub(super) fn ports(&self) -> Option<(u16, u16)> {
        let p = self.payload.first_chunk::<4>()?;
        Some((u16::from_be_bytes([p[0], p[1]]), u16::from_be_bytes([p[2], p[3]])))
    }
}

/// The Internet checksum (RFC 1071) of `start` and `bytes`; 0 over data that includes its correct checksum.
pub(super) fn checksum(start: Sum16BitWords, bytes: &[u8]) -> u16 {
    start.add_slice(bytes).ones_complement().to_be()
}

/// The pseudo-header sum for ICMPv6, TCP and UDP over IPv6 (RFC 8200 8.1).
pub(super) fn pseudo_v6(src: Ipv6Addr, dst: Ipv6Addr, protocol: u8, len: usize) -> Sum16BitWords {
    Sum16BitWords::new()
        .add_16bytes(src.octets())
        .add_16bytes(dst.octets())
        .add_4bytes(u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes())
        .add_2bytes([0, protocol])
}

/// Puts an IP header before `payload`. `None`: addresses of two families, or too long for IP.
pub(super) fn wrap(
    src: IpAddr,
    dst: IpAddr,
    protocol: u8,
    hop_limit: u8,
    ident: Ident,
    payload: &[u8],
) -> Option<Vec<u8>> {
    let len = u16::try_from(payload.len()).ok()?;
    let mut packet = match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let mut header =
                Ipv4Header::new(len, hop_limit, IpNumber(protocol), src.octets(), dst.octets()).ok()?;
            header.dscp = IpDscp::try_new(ident.tos >> 2).unwrap_or_default();
            header.identification = ident.id;
            header.dont_fragment = ident.dont_fragment;
            header.header_checksum = header.calc_header_checksum();
            header.to_bytes().to_vec()
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => Ipv6Header {
            payload_length: len,
            next_header: IpNumber(protocol),
            hop_limit,
            source: src.octets(),
            destination: dst.octets(),
            ..Ipv6Header::default()
        }
        .to_bytes()
        .to_vec(),
        _ => return None,
    };
    packet.extend_from_slice(payload);
    Some(packet)
}

/// Decrements the TTL or hop limit, and updates IPv4's checksum (RFC 1624). The caller ensures that it is not 0.
pub(super) fn decrement_hop_limit(packet: &mut [u8]) {
    if packet.first().is_some_and(|b| b >> 4 == 4) {
        if let Some(h) = packet.first_chunk_mut::<20>() {
            h[8] = h[8].saturating_sub(1);
            // The word with the TTL decreased by 0x0100, so the checksum increases by as much, with end-around carry.
            let sum = u32::from(u16::from_be_bytes([h[10], h[11]])) + 0x0100;
            let folded = u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap_or(u16::MAX);
            [h[10], h[11]] = folded.to_be_bytes();
        }
    } else if let Some(h) = packet.first_chunk_mut::<40>() {
        h[7] = h[7].saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENT: Ident = Ident { tos: 0, id: 7, dont_fragment: true };

    #[test]
    fn every_ttl_keeps_a_right_checksum_on_the_way_down() {
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 9, 2]));
        let mut packet = wrap(a, b, UDP, 255, IDENT, &[1, 2, 3]).unwrap();
        for ttl in (0..255).rev() {
            decrement_hop_limit(&mut packet);
            assert_eq!(IpView::parse(&packet).map(|v| v.hop_limit), Some(ttl));
        }
    }

    #[test]
    fn padding_is_cut_and_short_packets_are_refused() {
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 9, 2]));
        let mut packet = wrap(a, b, UDP, 64, IDENT, &[1, 2, 3]).unwrap();
        packet.extend([0; 20]);
        assert_eq!(IpView::parse(&packet).unwrap().payload(), [1, 2, 3]);
        assert!(IpView::parse(&packet[..22]).is_none());
        packet[10] ^= 1;
        assert!(IpView::parse(&packet).is_none(), "wrong checksum");
    }

    #[test]
    fn the_header_of_ipv4_has_a_least_length_and_fits_the_packet() {
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 9, 2]));
        let empty = wrap(a, b, UDP, 64, IDENT, &[]).unwrap();
        assert_eq!(IpView::parse(&empty).map(|view| view.payload().len()), Some(0));
        // Words of the header, its total length, and the bytes of its payload.
        for (words, total, payload) in [
            (5, 28, Some(8)),
            (6, 28, Some(4)),
            (7, 28, Some(0)),
            (8, 28, None),
            (4, 28, None),
            (5, 16, None),
        ] {
            let mut packet = wrap(a, b, UDP, 64, IDENT, &[0; 12]).unwrap();
            packet[0] = 0x40 | words;
            packet[2..4].copy_from_slice(&u16::to_be_bytes(total));
            packet[10..12].fill(0);
            let sum = checksum(Sum16BitWords::new(), &packet[..usize::from(words) * 4]);
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
            let view = IpView::parse(&packet);
            assert_eq!(view.map(|view| view.payload().len()), payload, "{words} {total}");
        }
    }

    #[test]
    fn an_authentication_header_is_a_protocol_of_ipv4_and_an_extension_of_ipv6() {
        let content = [UDP, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
        let v4 = wrap(IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 9, 2]), 51, 64, IDENT, &content);
        let v4 = v4.unwrap();
        assert_eq!(IpView::parse(&v4).unwrap().upper(), Some((51, &content[..])));
        let v6 = wrap(ip("fd00::1"), ip("fd00::2"), 51, 64, IDENT, &content).unwrap();
        assert_eq!(IpView::parse(&v6).unwrap().upper(), Some((UDP, &content[24..])));
    }

    #[test]
    fn a_later_fragment_of_ipv6_has_an_offset() {
        let (a, b) = (ip("fd00::1"), ip("fd00::2"));
        let mut packet = wrap(a, b, 44, 64, IDENT, &[UDP, 0, 0, 0, 0, 0, 0, 9, 1, 2]).unwrap();
        // The offset is in units of eight bytes, above two reserved bits and one that says that more follow.
        for (offset, later) in
            [([0, 0], false), ([0, 7], false), ([0, 8], true), ([1, 0], true), ([1, 9], true)]
        {
            packet[42..44].copy_from_slice(&offset);
            let view = IpView::parse(&packet).unwrap();
            assert_eq!((view.fragment, view.later_fragment), (true, later), "{offset:?}");
        }
        packet[6] = UDP;
        let view = IpView::parse(&packet).unwrap();
        assert_eq!((view.fragment, view.later_fragment), (false, false));
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }
}
