//! Packets made by hand: which are answered, and which are dropped.

use super::super::icmp::{Echo, Fault, Message, echo_packet, error_packet, may_complain};
use super::super::ndp::Ndp;
use super::super::packet::{ICMP, ICMPV6, Ident, IpView, TCP, UDP, checksum, pseudo_v6, wrap};
use super::super::route::is_unicast;
use super::*;
use etherparse::checksum::Sum16BitWords;

const PORT: u16 = 9;

/// A packet with this protocol and content.
fn packet_of(src: &str, dst: &str, protocol: u8, content: &[u8]) -> Vec<u8> {
    let ident = Ident { tos: 0, id: 1, dont_fragment: false };
    wrap(ip(src), ip(dst), protocol, 64, ident, content).unwrap()
}

/// A UDP datagram without a checksum (IPv4).
fn udp(src: &str, dst: &str, port: u16) -> Vec<u8> {
    let [a, b] = port.to_be_bytes();
    packet_of(src, dst, UDP, &[0x0f, 0xa0, a, b, 0, 9, 0, 0, b'x'])
}

/// The first segment of a connection to the echo service.
fn syn(src: &str, dst: &str) -> Vec<u8> {
    let mut tcp = [0x0f, 0xa0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 4, 0, 0, 0, 0, 0];
    let start = match (ip(src), ip(dst)) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            let mut start = Sum16BitWords::new();
            start = start.add_4bytes(a.octets()).add_4bytes(b.octets());
            start.add_4bytes([0, TCP, 0, 20])
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => pseudo_v6(a, b, TCP, 20),
        _ => panic!("two families"),
    };
    let sum = checksum(start, &tcp);
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    packet_of(src, dst, TCP, &tcp)
}

fn echo(src: &str, dst: &str) -> Vec<u8> {
    echo_packet(ip(src), ip(dst), 1, Echo { reply: false, id: 1, seq: 1, data: &[] }).unwrap()
}

/// The same packet with destination options before its content (IPv6).
fn with_options(packet: &[u8]) -> Vec<u8> {
    let content = [&[packet[6], 0, 1, 4, 0, 0, 0, 0], &packet[40..]].concat();
    let mut longer = [&packet[..40], &content].concat();
    longer[4..6].copy_from_slice(&(content.len() as u16).to_be_bytes());
    longer[6] = 60;
    longer
}

fn framed(packet: &[u8]) -> Vec<u8> {
    let kind = if packet[0] >> 4 == 4 { [8, 0] } else { [0x86, 0xdd] };
    [&mac(1).0[..], &mac(2).0, &kind, packet].concat()
}

/// 10.0.0.1 and fd00::1, with UDP port 9 in use. It knows all MAC addresses that it needs.
fn host() -> Endpoint {
    let mut config = spec("10.0.0.1/24 fd00::1/64");
    config.neighbours = [(ip("10.0.0.2"), mac(2)), (ip("fd00::2"), mac(2))].into();
    let mut end = Endpoint::new("e", mac(1), &config, 1500, Instant::ZERO);
    end.udp_bind(PORT).unwrap();
    end
}

/// What a host sends after this packet; `received` for a datagram to its port.
fn answer(packet: &[u8], packet_type: PacketType) -> Option<&'static str> {
    let mut end = host();
    end.receive(ms(1), &framed(packet), packet_type);
    let sent = end.pop_transmit().map(|bytes| Seen { at: ms(1), from: 0, bytes }.word());
    sent.or_else(|| end.udp_recv(PORT).map(|_| "received"))
}

#[test]
fn what_is_answered_depends_on_how_it_is_addressed() {
    use PacketType::{Broadcast, Host};
    let (me, all, you) = ("10.0.0.1", "10.0.0.255", "10.0.0.2");
    let unknown = |to: &str| packet_of(you, to, 99, &[1, 2, 3, 4]);
    // A broadcast address may be in a frame to this host alone, and the other way round.
    for (packet, packet_type, expected) in [
        (unknown(me), Host, Some("unreachable")),
        (unknown(me), Broadcast, None),
        (unknown(all), Host, None),
        (unknown(all), Broadcast, None),
        (udp(you, me, 10), Host, Some("unreachable")),
        (udp(you, all, 10), Host, None),
        (udp(you, me, PORT), Host, Some("received")),
        (udp(you, all, PORT), Broadcast, Some("received")),
        (udp("0.0.0.0", all, PORT), Broadcast, None),
        (udp("0.0.0.0", me, PORT), Host, None),
        (udp(you, me, 7), Host, Some("udp")),
        (udp(you, all, 7), Broadcast, None),
        (syn(you, me), Host, Some("tcp")),
        (syn(you, me), Broadcast, None),
        (syn(you, all), Host, None),
        (syn(you, all), Broadcast, None),
        (echo(you, me), Host, Some("echo!")),
        (echo(you, all), Broadcast, None),
    ] {
        assert_eq!(answer(&packet, packet_type), expected, "{packet:x?} {packet_type}");
    }
}

#[test]
fn what_no_single_host_can_have_sent_is_dropped() {
    for src in ["10.0.0.255", "255.255.255.255", "224.0.0.1", "127.0.0.1", "0.0.0.0", "10.0.0.1"] {
        assert_eq!(answer(&echo(src, "10.0.0.1"), PacketType::Host), None, "{src}");
        assert_eq!(answer(&udp(src, "10.0.0.1", PORT), PacketType::Host), None, "{src}");
        assert_eq!(answer(&udp(src, "10.0.0.255", PORT), PacketType::Broadcast), None, "{src}");
    }
    for (addr, single) in [
        ("10.0.0.1", true),
        ("0.0.0.0", false),
        ("127.0.0.1", false),
        ("224.0.0.1", false),
        ("255.255.255.255", false),
        ("fd00::1", true),
        ("fe80::1", true),
        ("::", false),
        ("::1", false),
        ("ff02::1", false),
    ] {
        assert_eq!(is_unicast(ip(addr)), single, "{addr}");
    }
}

#[test]
fn errors_that_no_single_host_can_have_sent_are_ignored() {
    for (src, told) in [("10.0.0.2", true), ("0.0.0.0", false), ("127.0.0.1", false), ("224.0.0.1", false)] {
        let mut end = host();
        let id = end.start_probe(ms(0), ping("10.0.0.2"));
        let request = end.pop_transmit().unwrap();
        let about = IpView::parse(&request[14..]).unwrap();
        let error = error_packet(ip(src), &about, 1, Fault::Host).unwrap();
        end.receive(ms(1), &framed(&error), PacketType::Host);
        assert_eq!(end.probe_result(id).is_some(), told, "{src}");
    }
}

#[test]
fn each_family_has_its_own_icmp() {
    let (v4, v6) = (echo("10.0.0.2", "10.0.0.1"), echo("fd00::2", "fd00::1"));
    assert_eq!(answer(&v4, PacketType::Host), Some("echo!"));
    assert_eq!(answer(&v6, PacketType::Host), Some("echo!"));
    assert_eq!(answer(&with_options(&v6), PacketType::Host), Some("echo!"));
    // The message of one family behind the number of the other.
    let swapped = packet_of("10.0.0.2", "10.0.0.1", ICMPV6, &v4[20..]);
    assert_eq!(answer(&swapped, PacketType::Host), None);
    let swapped = packet_of("fd00::2", "fd00::1", ICMP, &v6[40..]);
    assert_eq!(answer(&swapped, PacketType::Host), None);
}

#[test]
fn segments_behind_extension_headers_reach_no_socket() {
    let plain = syn("fd00::2", "fd00::1");
    assert_eq!(answer(&plain, PacketType::Host), Some("tcp"));
    assert_eq!(answer(&with_options(&plain), PacketType::Host), None);
}

#[test]
fn about_which_packets_an_error_may_be_sent() {
    use PacketType::{Broadcast, Host, Multicast};
    let (v4, v6) = (("10.0.0.2", "10.0.0.1"), ("fd00::2", "fd00::1"));
    let of = |ends: (&str, &str), protocol, content: &[u8]| packet_of(ends.0, ends.1, protocol, content);
    let mut cases = vec![
        (of(v4, UDP, &[0; 8]), Host, Fault::Port, true),
        (of(v4, UDP, &[0; 8]), Broadcast, Fault::Port, false),
        (of(v4, UDP, &[0; 8]), Multicast, Fault::TooBig(1280), false),
        (of(("10.0.0.2", "224.0.0.1"), UDP, &[0; 8]), Host, Fault::Port, false),
        (of(("0.0.0.0", "10.0.0.1"), UDP, &[0; 8]), Host, Fault::Port, false),
        (of(v6, UDP, &[0; 8]), Host, Fault::Port, true),
        (of(v6, UDP, &[0; 8]), Multicast, Fault::Port, false),
        (of(("fd00::2", "ff02::1"), UDP, &[0; 8]), Host, Fault::Port, false),
        (of(("::", "fd00::1"), UDP, &[0; 8]), Host, Fault::Port, false),
        // The sender to a group has to learn the mtu.
        (of(("fd00::2", "ff02::1"), UDP, &[0; 8]), Multicast, Fault::TooBig(1280), true),
        // The number of the other family's ICMP means nothing here.
        (of(v4, ICMPV6, &[1; 8]), Host, Fault::Protocol, true),
        (of(v6, ICMP, &[3; 8]), Host, Fault::Protocol, true),
        // Cut off before its type, or broken before its protocol.
        (of(v4, ICMP, &[]), Host, Fault::Port, false),
        (of(v6, ICMPV6, &[]), Host, Fault::Port, false),
        (of(v6, 0, &[]), Host, Fault::Port, false),
    ];
    // Requests and replies, but no errors, redirects, or messages of an unknown type.
    for (kind, about) in
        [(0, true), (8, true), (13, true), (18, true), (3, false), (5, false), (11, false), (1, false)]
    {
        cases.push((of(v4, ICMP, &[kind; 8]), Host, Fault::Expired, about));
    }
    for (kind, about) in
        [(128, true), (129, true), (135, true), (1, false), (2, false), (4, false), (137, false)]
    {
        cases.push((of(v6, ICMPV6, &[kind; 8]), Host, Fault::Expired, about));
    }
    for (packet, packet_type, fault, expected) in cases {
        let view = IpView::parse(&packet).unwrap();
        assert_eq!(may_complain(&view, packet_type, fault), expected, "{packet:x?} {packet_type} {fault:?}");
    }
}

#[test]
fn only_some_messages_are_redirects() {
    let about = echo("10.0.0.1", "192.0.2.1");
    for (v4, kind, code, expected) in [
        (true, 5, 0, true),
        (true, 5, 3, true),
        (true, 5, 4, false),
        (true, 5, 5, false),
        (true, 3, 1, false),
        (false, 5, 1, false),
        (false, 137, 0, false),
    ] {
        let message = Message { kind, code, rest: [10, 0, 0, 3], body: &about };
        let redirect = message.redirect(v4);
        let goal = redirect.map(|(gateway, quoted)| (IpAddr::from(gateway), quoted.dst));
        assert_eq!(goal, expected.then_some((ip("10.0.0.3"), ip("192.0.2.1"))), "{v4} {kind} {code}");
    }
}

#[test]
fn errors_have_names() {
    let name = |from: &str, kind, code| {
        Unreachable::Icmp { from: ip(from), kind, code }.to_string().split_once(": ").unwrap().1.to_owned()
    };
    for (kind, code, expected) in [
        (3, 0, "network unreachable"),
        (3, 1, "host unreachable"),
        (3, 2, "protocol unreachable"),
        (3, 3, "port unreachable"),
        (3, 4, "packet too big"),
        (3, 9, "prohibited"),
        (3, 10, "prohibited"),
        (3, 13, "prohibited"),
        (11, 1, "time exceeded"),
        (3, 5, "ICMP type 3 code 5"),
        (12, 0, "ICMP type 12 code 0"),
    ] {
        assert_eq!(name("10.0.0.1", kind, code), expected);
    }
    for (kind, code, expected) in [
        (1, 0, "network unreachable"),
        (1, 1, "prohibited"),
        (1, 3, "host unreachable"),
        (1, 4, "port unreachable"),
        (2, 0, "packet too big"),
        (3, 1, "time exceeded"),
        (4, 1, "ICMPv6 type 4 code 1"),
    ] {
        assert_eq!(name("fd00::1", kind, code), expected);
    }
}

#[test]
fn neighbour_discovery_is_strict() {
    let target = "fd00::1".parse().unwrap();
    let flags = |router, solicited, overriding, target_mac| Ndp::Advertise {
        target,
        target_mac,
        router,
        solicited,
        overriding,
    };
    let ask = |source_mac| Ndp::Solicit { target, source_mac };
    let read = |message: Ndp, src: &str, dst: &str, change: fn(&mut Vec<u8>)| {
        let mut packet = message.packet(src.parse().unwrap(), dst.parse().unwrap()).unwrap();
        change(&mut packet);
        let view = IpView::parse(&packet).unwrap();
        let body = &packet[48..];
        let rest = packet[44..48].try_into().unwrap();
        Ndp::parse(&view, &Message { kind: packet[40], code: packet[41], rest, body })
    };
    // Each flag is its own bit.
    for n in 0..8 {
        let message = flags(n & 1 != 0, n & 2 != 0, n & 4 != 0, Some(mac(9)));
        assert_eq!(read(message, "fd00::1", "fd00::2", |_| ()), Some(message));
    }
    let solicited = flags(false, true, false, None);
    let unasked = flags(true, false, true, None);
    for (message, src, dst, fine) in [
        (ask(Some(mac(2))), "fd00::2", "ff02::1:ff00:1", true),
        (ask(Some(mac(2))), "fd00::2", "fd00::1", true),
        (ask(None), "fd00::2", "fd00::1", true),
        // Duplicate address detection: to the group of the target, and without an address to answer to.
        (ask(None), "::", "ff02::1:ff00:1", true),
        (ask(None), "::", "ff02::1", false),
        (ask(None), "::", "fd00::1", false),
        (ask(Some(mac(2))), "::", "ff02::1:ff00:1", false),
        (solicited, "fd00::1", "fd00::2", true),
        (solicited, "fd00::1", "ff02::1", false),
        (unasked, "fd00::1", "ff02::1", true),
    ] {
        assert_eq!(read(message, src, dst, |_| ()), fine.then_some(message), "{src} {dst}");
    }
    // Through a router; with a code; about a group; another message; with a link-layer address of another length.
    for (change, fine) in [
        ((|p| p[7] = 254) as fn(&mut Vec<u8>), false),
        (|p| p[41] = 1, false),
        (|p| p[48] = 0xff, false),
        (|p| p[40] = 137, false),
        (|p| p[64] = 1, true),
    ] {
        let message = flags(false, true, false, Some(mac(9)));
        let expected = if fine { Some(solicited) } else { None };
        assert_eq!(read(message, "fd00::1", "fd00::2", change), expected);
    }
}
