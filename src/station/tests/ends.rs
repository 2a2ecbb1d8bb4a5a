use super::malformed::mend;
use super::*;

#[test]
fn a_ping_is_an_arp_exchange_and_an_echo() {
    let mut cable = Cable::pair();
    let (result, _) = cable.probe(0, ping("10.0.0.2"));
    assert_eq!((result.outcome, result.sent, result.received), (ProbeOutcome::Reply, 1, 1));
    assert_eq!(cable.words(), ["arp?", "arp!", "echo?", "echo!"]);
    assert_eq!(cable.seen.iter().map(|s| s.bytes.len()).collect::<Vec<_>>(), [42, 42, 98, 98]);
    assert_eq!(cable.seen[0].dst(), MacAddr::BROADCAST);
    // The neighbour is known now.
    cable.seen.clear();
    cable.probe(1, ping("10.0.0.1"));
    assert_eq!(cable.words(), ["echo?", "echo!"]);
}

#[test]
fn ipv6_asks_the_solicited_node_group() {
    let mut cable = Cable::pair();
    for to in ["fd00::2", "fe80::ff:fe00:2"] {
        cable.seen.clear();
        let (result, _) = cable.probe(0, ping(to));
        assert_eq!(result.outcome, ProbeOutcome::Reply);
        assert_eq!(cable.words(), ["ns", "na", "echo?", "echo!"]);
        assert_eq!(cable.seen[0].dst().to_string(), "33:33:ff:00:00:02");
        assert_eq!(cable.seen[1].dst(), mac(1), "the answer is unicast");
        // NA: solicited and override flags, its reply names the address; hop limit 255.
        assert_eq!((cable.seen[1].bytes[58], cable.seen[1].bytes[21]), (0x60, 255));
    }
}

#[test]
fn a_device_joins_what_its_addresses_need() {
    let mut cable = Cable::pair();
    let groups: Vec<String> = cable.ends[0].1.groups().iter().map(MacAddr::to_string).collect();
    assert_eq!(groups, ["01:00:5e:00:00:01", "33:33:00:00:00:01", "33:33:ff:00:00:01"]);
    let none = Endpoint::new("mute", mac(9), &IpSpec::default(), 1500, Instant::ZERO);
    assert!(none.groups().is_empty());
    let v4 = Endpoint::new("v4", mac(9), &spec("10.0.0.9/24"), 1500, Instant::ZERO);
    assert_eq!(v4.groups(), [MacAddr::ALL_HOSTS_V4]);
    cable.settle();
    assert!(cable.seen.is_empty(), "nothing is sent unasked");
}

#[test]
fn a_ping_to_oneself_needs_no_wire() {
    let mut cable = Cable::pair();
    for (kind, to) in [
        (ProbeKind::Ping, "10.0.0.1"),
        (ProbeKind::Ping, "fd00::1"),
        (ProbeKind::Udp, "10.0.0.1"),
        (ProbeKind::Tcp, "10.0.0.1"),
    ] {
        let (result, at) = cable.probe(0, probe(kind, to));
        assert_eq!((result.outcome, at), (ProbeOutcome::Reply, Instant::ZERO), "{kind:?}");
    }
    assert!(cable.seen.is_empty());
}

#[test]
fn three_requests_are_a_second_apart() {
    let mut cable = Cable::pair();
    let (result, end) = cable.probe(0, Probe { count: 3, ..ping("10.0.0.2") });
    assert_eq!((result.sent, result.received, result.rtt), (3, 3, Some(Duration::ZERO)));
    assert_eq!(end, ms(2000));
    let requests: Vec<_> = cable.seen.iter().filter(|s| s.word() == "echo?").map(|s| s.at).collect();
    assert_eq!(requests, [ms(0), ms(1000), ms(2000)]);
}

#[test]
fn no_route_is_known_at_once() {
    let mut cable = Cable::pair();
    for kind in [ProbeKind::Ping, ProbeKind::Udp, ProbeKind::Tcp] {
        let (result, at) = cable.probe(0, Probe { count: 3, ..probe(kind, "192.0.2.1") });
        assert_eq!((result.outcome, result.sent), (ProbeOutcome::Unreachable, 0));
        assert_eq!((result.reason, at), (Some(Unreachable::NoRoute), Instant::ZERO));
    }
    assert!(cable.seen.is_empty());
}

#[test]
fn datagrams_and_connections_are_echoed() {
    for to in ["10.0.0.2", "fd00::2"] {
        for kind in [ProbeKind::Udp, ProbeKind::Tcp] {
            let mut cable = Cable::pair();
            let (result, _) = cable.probe(0, Probe { count: 2, ..probe(kind, to) });
            assert_eq!((result.outcome, result.sent, result.received), (ProbeOutcome::Reply, 2, 2));
        }
    }
}

#[test]
fn a_connection_is_made_used_and_closed() {
    let mut cable = Cable::pair();
    cable.probe(0, probe(ProbeKind::Tcp, "10.0.0.2"));
    let flags: Vec<u8> =
        cable.seen.iter().filter(|s| s.word() == "tcp").map(|s| s.bytes[47] & 0x17).collect();
    assert_eq!(flags[..3], [0x02, 0x12, 0x10], "handshake");
    assert_eq!(flags.iter().filter(|f| *f & 1 != 0).count(), 2, "a FIN from either side");
    assert!(flags.iter().all(|f| f & 4 == 0), "no reset");
    assert_eq!(flags.last(), Some(&0x10), "the last FIN is acknowledged");
}

#[test]
fn runs_are_the_same_to_the_byte() {
    let run = || {
        let mut cable = Cable::pair();
        cable.probe(0, probe(ProbeKind::Tcp, "10.0.0.2"));
        cable.probe(1, ping("fd00::1"));
        cable.seen
    };
    assert_eq!(run(), run());
}

#[test]
fn closed_ports_say_so() {
    let mut cable = Cable::pair();
    let now = cable.now;
    cable.ends[0].1.udp_send(now, 4000, ip("10.0.0.2"), 9, b"anybody?").unwrap();
    let refused = cable.ends[0].1.tcp_connect(now, ip("10.0.0.2"), 9).unwrap();
    cable.settle();
    let error = cable.seen.iter().find(|s| s.word() == "unreachable").unwrap();
    assert_eq!(error.bytes[35], 3, "port unreachable");
    assert_eq!(error.bytes[15], 0xc0, "as internetwork control");
    assert_eq!(error.bytes.len(), 78);
    assert_eq!(cable.ends[0].1.tcp_state(refused), Some(TcpState::Failed(Unreachable::Refused)));
}

#[test]
fn sockets_carry_data() {
    let mut cable = Cable::pair();
    let now = cable.now;
    cable.ends[1].1.udp_bind(5000).unwrap();
    cable.ends[0].1.udp_send(now, 4000, ip("fd00::2"), 5000, b"there").unwrap();
    cable.settle();
    let got = cable.ends[1].1.udp_recv(5000).unwrap();
    assert_eq!((got.from, got.from_port, got.data), (ip("fd00::1"), 4000, b"there".to_vec()));
    assert_eq!(cable.ends[1].1.udp_recv(5000), None);
    let big = cable.ends[0].1.udp_send(now, 4000, ip("fd00::2"), 5000, &[0; 1453]);
    assert_eq!(big, Err(SocketError::TooLong));

    let tcp = cable.ends[0].1.tcp_connect(now, ip("10.0.0.2"), ECHO_PORT).unwrap();
    assert_eq!(cable.ends[0].1.tcp_state(tcp), Some(TcpState::Connecting));
    let text: Vec<u8> = (0..9000_u32).map(|n| (n % 251) as u8).collect();
    assert_eq!(cable.ends[0].1.tcp_send(now, tcp, &text), Ok(text.len()));
    let mut back = Vec::new();
    for second in 1..=5 {
        cable.run_until(ms(second * 1000));
        back.extend(cable.ends[0].1.tcp_recv(ms(second * 1000), tcp));
    }
    assert_eq!(back, text);
    cable.ends[0].1.tcp_close(ms(5000), tcp);
    cable.run_until(ms(30_000));
    assert_eq!(cable.ends[0].1.tcp_state(tcp), Some(TcpState::Closed));
    assert!(cable.seen.iter().all(|s| s.bytes.len() <= 1514));
}

#[test]
fn echoes_to_all_and_tagged_frames_are_ignored() {
    let mut cable = Cable::pair();
    cable.probe(0, ping("10.0.0.2"));
    let request = cable.seen.iter().find(|s| s.word() == "echo?").unwrap().bytes.clone();
    let tagged = |vlan: u8| [&request[..12], &[0x81, 0, 0, vlan], &request[12..]].concat();
    for (frame, answers) in
        [(tagged(0), 1), (tagged(5), 0), (request[..60].to_vec(), 0), (request.clone(), 1)]
    {
        cable.seen.clear();
        cable.inject(0, &frame);
        cable.settle();
        assert_eq!(cable.seen.len() - 1, answers);
    }
    for to in ["10.0.0.255", "255.255.255.255", "224.0.0.1"] {
        cable.seen.clear();
        let (result, _) = cable.probe(0, ping(to));
        assert_eq!(result.outcome, ProbeOutcome::NoReply, "{to}");
        assert_eq!(cable.words()[0], "echo?");
        assert!(cable.seen[0].dst().is_multicast());
    }
    let (result, _) = cable.probe(0, ping("ff02::1"));
    assert_eq!(result.outcome, ProbeOutcome::Reply, "IPv6 does answer");
}

#[test]
fn a_packet_for_another_address_is_dropped() {
    let mut cable = Cable::pair();
    let mut neighbours = spec("10.0.0.1/24");
    neighbours.neighbours.insert(ip("10.0.0.77"), mac(2));
    cable.ends[0].1 = Endpoint::new("e0", mac(1), &neighbours, 1500, cable.now);
    cable.seen.clear();
    let (result, _) = cable.probe(0, ping("10.0.0.77"));
    assert_eq!(result.outcome, ProbeOutcome::NoReply);
    assert_eq!(cable.words(), ["echo?"]);
}

#[test]
fn without_carrier_or_device_nothing_leaves() {
    let mut cable = Cable::pair();
    cable.ends[0].1.set_carrier(false, ms(0));
    let (result, end) = cable.probe(0, ping("10.0.0.2"));
    assert_eq!((result.outcome, end), (ProbeOutcome::Unreachable, ms(3000)));
    assert!(cable.seen.is_empty());
    cable.ends[0].1.set_carrier(true, cable.now);
    assert_eq!(cable.probe(0, ping("10.0.0.2")).0.outcome, ProbeOutcome::Reply);
    let now = cable.now;
    cable.ends[0].1.set_link_up(false, now);
    let (result, end) = cable.probe(0, ping("10.0.0.2"));
    assert_eq!((result.reason, end), (Some(Unreachable::NoRoute), now));
}

/// Linux does not send it to a gateway: only neighbours have such addresses.
#[test]
fn a_link_local_address_that_is_not_on_link_is_behind_no_gateway() {
    let mut gated = spec("10.0.0.1/24 fd00::1/64");
    gated.gateway = vec![ip("fd00::2")];
    let mut cable = Cable::new(&[gated, spec("10.0.0.2/24 fd00::2/64")]);
    assert_eq!(cable.ends[0].1.next_hop(cable.now, ip("fe80:1::5")), None);
    assert_eq!(cable.ends[0].1.next_hop(cable.now, ip("fd01::5")), Some(ip("fd00::2")));
    assert_eq!(cable.ends[0].1.next_hop(cable.now, ip("10.0.0.9")), Some(ip("10.0.0.9")));
    let (result, _) = cable.probe(0, ping("fe80:1::5"));
    assert_eq!(result.reason, Some(Unreachable::NoRoute));
    assert!(cable.seen.is_empty());
    let (result, _) = cable.probe(0, ping("fd01::5"));
    assert_eq!(cable.words()[0], "ns", "anything else is asked of the gateway: {result:?}");
}

#[test]
fn what_claims_to_come_from_oneself_is_dropped() {
    let mut cable = Cable::pair();
    let now = cable.now;
    for port in [9, 4000] {
        cable.ends[1].1.udp_bind(port).unwrap();
    }
    cable.ends[0].1.udp_send(now, 4000, ip("10.0.0.2"), 9, b"whose").unwrap();
    cable.settle();
    assert_eq!(cable.ends[1].1.udp_recv(9).unwrap().from, ip("10.0.0.1"));
    let mut forged = cable.seen.iter().find(|s| s.word() == "udp").unwrap().bytes.clone();
    // From 10.0.0.2 itself; UDP without a checksum.
    forged[29] = 2;
    forged[40..42].fill(0);
    mend(&mut forged);
    cable.inject(0, &forged);
    assert_eq!(cable.ends[1].1.udp_recv(9), None);
    forged[29] = 3;
    mend(&mut forged);
    cable.inject(0, &forged);
    assert_eq!(cable.ends[1].1.udp_recv(9).unwrap().from, ip("10.0.0.3"));
}

#[test]
fn with_the_carrier_goes_what_was_learned_and_with_the_device_everything() {
    let mut told = spec("10.0.0.1/24 fd00::1/64");
    told.neighbours.insert(ip("10.0.0.7"), mac(7));
    let mut cable = Cable::new(&[told, spec("10.0.0.2/24 fd00::2/64")]);
    let knows = |cable: &Cable| {
        ["10.0.0.2", "fd00::2", "10.0.0.7"].map(|n| cable.ends[0].1.neighbour(ip(n)).is_some())
    };
    for (change, left) in [("carrier", [false, false, true]), ("mac", [false; 3]), ("up", [false; 3])] {
        cable.ends[0].1.set_link_up(true, cable.now);
        for to in ["10.0.0.2", "fd00::2"] {
            let own = cable.ends[0].1.addresses().iter().any(|a| a.addr().is_ipv6() == ip(to).is_ipv6());
            assert!(own, "{change}");
            cable.probe(0, ping(to));
        }
        assert!(knows(&cable)[..2] == [true; 2], "{change}");
        let (now, end) = (cable.now, &mut cable.ends[0].1);
        match change {
            "carrier" => {
                end.set_carrier(false, now);
                end.set_carrier(true, now);
            }
            "mac" => end.set_mac(mac(1)),
            _ => end.set_link_up(false, now),
        }
        if change == "mac" {
            assert!(knows(&cable)[0], "the address is the same");
            cable.ends[0].1.set_mac(mac(0x11));
            cable.ends[0].0 = mac(0x11);
        }
        assert_eq!(knows(&cable), left, "{change}");
    }
    let addresses =
        |cable: &Cable| cable.ends[0].1.addresses().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(addresses(&cable), ["10.0.0.1/24"]);
    let now = cable.now;
    cable.ends[0].1.set_link_up(true, now);
    assert_eq!(addresses(&cable), ["10.0.0.1/24", "fe80::ff:fe00:11/64"]);
    // A device that was down from the start has lost nothing.
    let config = spec("10.0.0.1/24 fd00::1/64");
    let mut fresh = Host::new("e", &HostConfig::default(), now);
    let interface = Interface { name: "e", mac: mac(1), ip: &config, mtu: 1500, up: false, arp: true };
    let index = fresh.add_interface(interface, now);
    fresh.set_link_up(index, false, now);
    fresh.set_link_up(index, true, now);
    assert_eq!(fresh.addresses(index).len(), 3);
}

#[test]
fn the_source_address_is_that_of_the_longest_prefix() {
    for nets in ["10.0.0.1/16 10.0.5.1/24", "10.0.5.1/24 10.0.0.1/16"] {
        for (to, from) in [("10.0.5.2", [10, 0, 5, 1]), ("10.0.7.2", [10, 0, 0, 1])] {
            let mut end = Endpoint::new("a", mac(1), &spec(nets), 1500, Instant::ZERO);
            end.start_probe(Instant::ZERO, ping(to));
            let request = end.pop_transmit().unwrap();
            assert_eq!(request[28..32], from, "{nets}: who asks for {to}");
        }
    }
}
