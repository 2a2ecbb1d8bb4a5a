//! Forwarding, redirects and source addresses, with packets made by hand.

use super::super::icmp::{self, Echo, Message};
use super::super::packet::IpView;
use super::*;

/// The last byte of the MAC address of the gateway in use, and of a better one.
const GATEWAY: u8 = 0xfe;
const BETTER: u8 = 0x20;

/// An echo request with this many bytes of data.
fn request(src: &str, dst: &str, data: usize) -> Vec<u8> {
    let data = vec![0; data];
    icmp::echo_packet(ip(src), ip(dst), 1, Echo { reply: false, id: 1, seq: 1, data: &data }).unwrap()
}

fn framed(packet: &[u8]) -> Vec<u8> {
    let kind = if packet[0] >> 4 == 4 { [8, 0] } else { [0x86, 0xdd] };
    [&mac(1).0[..], &mac(2).0, &kind, packet].concat()
}

fn all_sent(mut next: impl FnMut() -> Option<Vec<u8>>) -> Vec<Seen> {
    std::iter::from_fn(|| next().map(|bytes| Seen { at: ms(0), from: 0, bytes })).collect()
}

/// A router between 10.0.1.0/24 and 10.0.2.0/24, and fd01:: and fd02::, that knows a neighbour on each side.
fn two_sided() -> Host {
    let side = |n: u8| {
        let mut config = spec(&format!("10.0.{n}.1/24 fd0{n}::1/64"));
        let known = [format!("10.0.{n}.2"), format!("fd0{n}::2"), "fe80::9".to_owned()];
        config.neighbours = known.map(|text| (ip(&text), mac(2))).into();
        config
    };
    let (near, far) = (side(1), side(2));
    router(&[("r0", mac(1), &near, 1500), ("r1", mac(3), &far, 1280)])
}

#[test]
fn what_a_router_forwards() {
    for (src, dst, data, expected) in [
        ("10.0.1.2", "10.0.2.2", 0, Some((1, "echo?"))),
        // An mtu of 1280, with and without one byte more.
        ("10.0.1.2", "10.0.2.2", 1252, Some((1, "echo?"))),
        ("10.0.1.2", "10.0.2.2", 1253, Some((0, "unreachable"))),
        ("fd01::2", "fd02::2", 1232, Some((1, "echo?"))),
        ("fd01::2", "fd02::2", 1233, Some((0, "too-big"))),
        ("10.0.1.2", "192.0.2.1", 0, Some((0, "unreachable"))),
        // Addresses that are valid on one link, in one host, or nowhere.
        ("fe80::9", "fd02::2", 0, None),
        ("fd01::2", "fe80::9", 0, None),
        ("10.0.1.2", "127.0.0.1", 0, None),
        ("10.0.1.2", "0.0.0.0", 0, None),
        ("fd01::2", "::1", 0, None),
        ("127.0.0.1", "10.0.2.2", 0, None),
        ("10.0.1.255", "10.0.2.2", 0, None),
        ("0.0.0.0", "10.0.2.2", 0, None),
    ] {
        let mut router = two_sided();
        router.receive(ms(1), 0, &framed(&request(src, dst, data)), PacketType::Host);
        let sent = router.pop_transmit();
        let sent = sent.map(|(link, bytes)| (link, Seen { at: ms(1), from: link, bytes }.word()));
        assert_eq!(sent, expected, "{src} {dst} {data}");
    }
}

#[test]
fn a_router_without_carrier_on_one_side() {
    let mut router = two_sided();
    for (carrier, link) in [(true, Some(1)), (false, None), (true, Some(1))] {
        router.set_carrier(1, carrier, ms(1));
        router.receive(ms(1), 0, &framed(&request("10.0.1.2", "10.0.2.2", 0)), PacketType::Host);
        assert_eq!(router.pop_transmit().map(|sent| sent.0), link, "{carrier}");
    }
}

#[test]
fn redirects_become_rarer_and_end_until_the_sender_was_silent() {
    let mut config = spec("10.0.0.1/24");
    config.gateway = vec![ip("10.0.0.254")];
    config.neighbours = [(ip("10.0.0.254"), mac(GATEWAY)), (ip("10.0.0.2"), mac(2))].into();
    let mut router = router(&[("r0", mac(1), &config, 1500)]);
    let frame = framed(&request("10.0.0.2", "192.0.2.1", 0));
    let mut redirected = |at: u64| {
        router.receive(ms(at), 0, &frame, PacketType::Host);
        let sent = all_sent(|| router.pop_transmit().map(|sent| sent.1));
        assert_eq!(sent.iter().filter(|s| s.word() == "echo?").count(), 1, "it is forwarded anyway");
        sent.iter().any(|s| s.word() == "redirect")
    };
    let mut last = 100_000;
    assert!(redirected(last));
    // The pause doubles from 40 ms to 5.12 s.
    for pause in (1..=8).map(|n| 20 << n) {
        assert!(!redirected(last + pause / 2), "{pause}");
        assert!(!redirected(last + pause), "{pause}");
        last += pause + 1;
        assert!(redirected(last), "{pause}");
    }
    // Nine were ignored: no more, until the sender sent nothing for 20.48 s.
    assert!(!redirected(last + 10_000));
    last += 10_000 + 20_480;
    assert!(!redirected(last));
    assert!(redirected(last + 20_481));
}

/// 10.0.0.1 with a gateway, and the MAC addresses of all who could claim to be a better one.
fn misled() -> Endpoint {
    let mut config = spec("10.0.0.1/24");
    config.gateway = vec![ip("10.0.0.254")];
    config.neighbours = [(ip("10.0.0.254"), mac(GATEWAY))].into();
    for better in ["10.0.0.253", "10.0.0.255", "10.0.0.1", "172.16.0.9", "224.0.0.9"] {
        config.neighbours.insert(ip(better), mac(BETTER));
    }
    Endpoint::new("e", mac(1), &config, 1500, ms(0))
}

/// A redirect to this gateway, about a packet.
fn redirect(from: &str, gateway: &str, about: &[u8]) -> Vec<u8> {
    let IpAddr::V4(gateway) = ip(gateway) else { panic!("IPv4 only") };
    let message = Message { kind: 5, code: 1, rest: gateway.octets(), body: about };
    framed(&icmp::packet(ip(from), ip("10.0.0.1"), 64, 1, message).unwrap())
}

#[test]
fn a_host_follows_redirects_of_its_gateway_to_a_neighbour_only() {
    for (from, gateway, quoted, followed) in [
        ("10.0.0.254", "10.0.0.253", "10.0.0.1", true),
        ("10.0.0.2", "10.0.0.253", "10.0.0.1", false),
        ("10.0.0.254", "10.0.0.253", "10.0.0.7", false),
        ("10.0.0.254", "10.0.0.255", "10.0.0.1", false),
        ("10.0.0.254", "10.0.0.1", "10.0.0.1", false),
        ("10.0.0.254", "172.16.0.9", "10.0.0.1", false),
        ("10.0.0.254", "224.0.0.9", "10.0.0.1", false),
    ] {
        let mut end = misled();
        let about = request(quoted, "192.0.2.1", 0);
        end.receive(ms(1), &redirect(from, gateway, &about), PacketType::Host);
        end.start_probe(ms(2), ping("192.0.2.1"));
        let sent = all_sent(|| end.pop_transmit());
        let expected = mac(if followed { BETTER } else { GATEWAY });
        assert_eq!(sent.iter().map(Seen::dst).collect::<Vec<_>>(), [expected], "{from} {gateway} {quoted}");
    }
}

#[test]
fn an_unknown_better_gateway_is_asked_for_first() {
    let mut end = misled();
    let about = request("10.0.0.1", "192.0.2.1", 0);
    end.receive(ms(1), &redirect("10.0.0.254", "10.0.0.252", &about), PacketType::Host);
    assert_eq!(all_sent(|| end.pop_transmit()).iter().map(Seen::word).collect::<Vec<_>>(), ["arp?"]);
    end.receive(ms(2), &arp(2, mac(BETTER), "10.0.0.252", mac(1), "10.0.0.1"), PacketType::Host);
    end.receive(ms(3), &redirect("10.0.0.254", "10.0.0.252", &about), PacketType::Host);
    end.start_probe(ms(4), ping("192.0.2.1"));
    assert_eq!(all_sent(|| end.pop_transmit()).iter().map(Seen::dst).collect::<Vec<_>>(), [mac(BETTER)]);
}

#[test]
fn the_source_of_a_packet_to_another_subnet_is_no_link_local_address() {
    let mut v6 = spec("fd00::1/64");
    v6.gateway = vec![ip("fe80::254")];
    v6.neighbours = [(ip("fe80::254"), mac(GATEWAY)), (ip("fe80::9"), mac(9))].into();
    // Of two addresses in one subnet, the first.
    let mut v4 = spec("10.0.0.1/24 10.0.0.2/24");
    v4.neighbours = [(ip("10.0.0.9"), mac(9))].into();
    for (config, to, from) in
        [(&v6, "2001:db8::1", "fd00::1"), (&v6, "fe80::9", "fe80::ff:fe00:1"), (&v4, "10.0.0.9", "10.0.0.1")]
    {
        let mut end = Endpoint::new("e", mac(1), config, 1500, ms(0));
        end.start_probe(ms(1), ping(to));
        let sent = end.pop_transmit().unwrap();
        assert_eq!(IpView::parse(&sent[14..]).map(|view| view.src), Some(ip(from)), "{to}");
    }
}

#[test]
fn what_is_longer_than_the_mtu_of_the_device_is_not_sent() {
    // An echo request has 84 bytes in IPv4, and 104 in IPv6.
    for (to, mtu, why) in [
        ("10.0.0.2", 84, None),
        ("10.0.0.2", 83, Some(Unreachable::TooBig)),
        ("fd00::2", 104, None),
        ("fd00::2", 103, Some(Unreachable::TooBig)),
    ] {
        let mut config = spec("10.0.0.1/24 fd00::1/64");
        config.neighbours = [(ip(to), mac(2))].into();
        let mut end = Endpoint::new("e", mac(1), &config, mtu, ms(0));
        let id = end.start_probe(ms(1), ping(to));
        assert_eq!(end.pop_transmit().is_some(), why.is_none(), "{to} {mtu}");
        assert_eq!(end.probe_result(id).and_then(|r| r.reason), why, "{to} {mtu}");
    }
    for (to, most) in [("10.0.0.2", 1472), ("fd00::2", 1452)] {
        let mut end = Endpoint::new("e", mac(1), &spec("10.0.0.1/24 fd00::1/64"), 1500, ms(0));
        let mut send = |bytes: usize| end.udp_send(ms(1), 4000, ip(to), 9, &vec![0; bytes]);
        assert_eq!(send(most), Ok(()), "{to}");
        assert_eq!(send(most + 1), Err(SocketError::TooLong), "{to}");
    }
}

#[test]
fn silent_probes_give_their_sockets_back() {
    let mut config = spec("10.0.0.1/24");
    config.neighbours = [(ip("10.0.0.2"), mac(2))].into();
    let mut end = Endpoint::new("e", mac(1), &config, 1500, ms(0));
    let mut now = 0;
    for kind in [ProbeKind::Udp, ProbeKind::Tcp] {
        for _ in 0..65 {
            let id = end.start_probe(ms(now), Probe { timeout: SECOND, ..probe(kind, "10.0.0.2") });
            now += 2000;
            end.poll(ms(now));
            let result = end.probe_result(id).unwrap();
            assert_eq!((result.outcome, result.reason), (ProbeOutcome::NoReply, None));
            all_sent(|| end.pop_transmit());
        }
    }
    assert!((1000..1064).all(|port| end.udp_bind(port).is_ok()));
    assert!((0..64).all(|_| end.tcp_connect(ms(now), ip("10.0.0.2"), 80).is_ok()));
}

#[test]
fn arp_about_addresses_that_no_host_can_have_is_ignored() {
    let mut cable = Cable::pair();
    cable.probe(0, ping("10.0.0.2"));
    cable.run_until(ms(20_000));
    for target in ["224.0.0.1", "127.0.0.1"] {
        cable.inject(1, &arp(1, mac(0xb), "10.0.0.2", MacAddr::BROADCAST, target));
        assert_eq!(cable.ends[0].1.neighbour(ip("10.0.0.2")), Some(mac(2)), "{target}");
    }
    cable.seen.clear();
    for sender in ["10.0.0.255", "224.0.0.1", "127.0.0.1", "255.255.255.255"] {
        cable.inject(1, &arp(1, mac(0xb), sender, MacAddr::BROADCAST, "10.0.0.1"));
        cable.settle();
        assert_eq!(cable.ends[0].1.neighbour(ip(sender)), None);
    }
    assert_eq!(cable.words(), ["arp?"; 4], "none is answered");
}
