use super::*;

fn arp_times(cable: &Cable) -> Vec<Instant> {
    cable.seen.iter().filter(|s| matches!(s.word(), "arp?" | "ns")).map(|s| s.at).collect()
}

#[test]
fn a_missing_neighbour_is_asked_for_three_times() {
    for (to, hop) in [("10.0.0.9", "10.0.0.9"), ("fd00::9", "fd00::9")] {
        for kind in [ProbeKind::Ping, ProbeKind::Udp, ProbeKind::Tcp] {
            let mut cable = Cable::pair();
            let (result, end) = cable.probe(0, probe(kind, to));
            assert_eq!(result.outcome, ProbeOutcome::Unreachable, "{kind:?} {to}");
            assert_eq!(result.reason, Some(Unreachable::Neighbour(ip(hop))));
            assert_eq!(arp_times(&cable), [ms(0), ms(1000), ms(2000)]);
            assert_eq!((cable.seen.len(), end), (3, ms(3000)));
        }
    }
}

#[test]
fn five_pings_to_an_unused_address_take_two_rounds() {
    let mut cable = Cable::pair();
    let (result, end) = cable.probe(0, Probe { count: 5, ..ping("10.0.0.9") });
    assert_eq!((result.sent, result.unreachable, end), (5, 5, ms(6000)));
    assert_eq!(arp_times(&cable), [0, 1000, 2000, 3000, 4000, 5000].map(ms));
}

#[test]
fn a_static_neighbour_that_is_not_there_is_silence() {
    let mut lone = spec("10.0.0.1/24 fd00::1/64");
    lone.neighbours.insert(ip("10.0.0.9"), mac(9));
    lone.neighbours.insert(ip("fd00::9"), mac(9));
    for to in ["10.0.0.9", "fd00::9"] {
        let mut cable = Cable::new(&[lone.clone()]);
        let (result, end) = cable.probe(0, Probe { count: 2, ..ping(to) });
        assert_eq!((result.outcome, result.sent, end), (ProbeOutcome::NoReply, 2, ms(11_000)));
        assert_eq!(cable.words(), ["echo?", "echo?"]);
        assert_eq!(cable.seen[0].dst(), mac(9));
    }
    let mut cable = Cable::new(&[lone]);
    let (result, end) = cable.probe(0, probe(ProbeKind::Tcp, "10.0.0.9"));
    assert_eq!((result.outcome, end), (ProbeOutcome::NoReply, ms(10_000)));
}

#[test]
fn only_a_request_to_us_teaches_a_new_neighbour() {
    let mut cable = Cable::pair();
    let stranger = mac(0x99);
    let known = |cable: &Cable| cable.ends[1].1.neighbour(ip("10.0.0.50"));
    // To others, an unsolicited reply, and from our own address: nothing is learned.
    cable.inject(0, &arp(1, stranger, "10.0.0.50", MacAddr::BROADCAST, "10.0.0.60"));
    cable.inject(0, &arp(2, stranger, "10.0.0.50", mac(2), "10.0.0.2"));
    cable.inject(0, &arp(1, stranger, "10.0.0.50", MacAddr::BROADCAST, "10.0.0.50"));
    assert_eq!(known(&cable), None);
    cable.inject(0, &arp(1, stranger, "10.0.0.2", MacAddr::BROADCAST, "10.0.0.2"));
    cable.settle();
    assert_eq!(cable.seen.len(), 4, "none of this is answered");
    cable.inject(0, &arp(1, stranger, "10.0.0.50", MacAddr::BROADCAST, "10.0.0.2"));
    cable.settle();
    assert_eq!(known(&cable), Some(stranger));
    assert_eq!(cable.seen.last().map(|s| (s.word(), s.dst())), Some(("arp!", stranger)));
}

#[test]
fn a_probe_for_our_address_is_answered_and_teaches_nothing() {
    let mut cable = Cable::pair();
    cable.inject(0, &arp(1, mac(0x99), "0.0.0.0", MacAddr::BROADCAST, "10.0.0.2"));
    cable.settle();
    assert_eq!(cable.words(), ["arp?", "arp!"]);
    assert_eq!(cable.ends[1].1.neighbour(ip("0.0.0.0")), None);
}

#[test]
fn the_first_of_two_answers_wins_until_the_locktime_is_over() {
    let mut cable = Cable::new(&[spec("10.0.0.1/24")]);
    let known = |cable: &Cable| cable.ends[0].1.neighbour(ip("10.0.0.2"));
    cable.ends[0].1.start_probe(ms(0), ping("10.0.0.2"));
    cable.settle();
    cable.now = ms(10);
    let answer = |sender: u8| arp(2, mac(sender), "10.0.0.2", mac(1), "10.0.0.1");
    cable.inject(1, &answer(0xa));
    cable.inject(1, &answer(0xb));
    assert_eq!(known(&cable), Some(mac(0xa)));
    cable.now = ms(1010);
    cable.inject(1, &answer(0xb));
    assert_eq!(known(&cable), Some(mac(0xa)), "to the last moment of the second");
    cable.now = ms(1011);
    cable.inject(1, &answer(0xb));
    assert_eq!(known(&cable), Some(mac(0xb)));
}

#[test]
fn a_gratuitous_arp_moves_a_known_neighbour() {
    for op in [1, 2] {
        let mut cable = Cable::pair();
        cable.probe(0, ping("10.0.0.2"));
        cable.run_until(ms(2000));
        let mut frame = arp(op, mac(0xb), "10.0.0.2", MacAddr::BROADCAST, "10.0.0.2");
        if op == 2 {
            // As sent by `arping -A`: the target is the sender itself.
            frame[32..38].copy_from_slice(&mac(0xb).0);
        }
        cable.inject(1, &frame);
        assert_eq!(cable.ends[0].1.neighbour(ip("10.0.0.2")), Some(mac(0xb)), "op {op}");
    }
}

#[test]
fn only_a_gratuitous_arp_moves_a_neighbour_within_its_locktime() {
    let all = MacAddr::BROADCAST;
    // A request names the sender as its own target; a reply names the sender's MAC address as the target's too.
    for (op, target, target_mac, moved) in [
        (1, "10.0.0.2", MacAddr::ZERO, true),
        (1, "10.0.0.60", MacAddr::ZERO, false),
        (2, "10.0.0.2", mac(0xb), true),
        (2, "10.0.0.2", all, false),
        (2, "10.0.0.60", mac(0xb), false),
    ] {
        let mut cable = Cable::pair();
        cable.probe(0, ping("10.0.0.2"));
        let mut frame = arp(op, mac(0xb), "10.0.0.2", all, target);
        frame[32..38].copy_from_slice(&target_mac.0);
        cable.inject(1, &frame);
        let expected = if moved { mac(0xb) } else { mac(2) };
        assert_eq!(cable.ends[0].1.neighbour(ip("10.0.0.2")), Some(expected), "{op} {target} {target_mac}");
    }
}

#[test]
fn a_host_that_answered_arp_asks_back_five_seconds_later() {
    let mut cable = Cable::pair();
    cable.probe(0, ping("10.0.0.2"));
    cable.seen.clear();
    cable.run_until(ms(20_000));
    assert_eq!(cable.words(), ["arp?", "arp!"]);
    assert_eq!(cable.seen[0], Seen { at: ms(5000), from: 1, bytes: cable.seen[0].bytes.clone() });
    assert_eq!(cable.seen[0].dst(), mac(1), "by unicast");
}

#[test]
fn ipv6_asks_again_from_its_link_local_address() {
    let mut cable = Cable::pair();
    cable.probe(0, ping("fd00::2"));
    cable.run_until(ms(5000));
    let asked: Vec<_> = cable.seen.iter().filter(|s| s.word() == "ns").collect();
    let source = |s: &Seen| packet::IpView::parse(&s.bytes[14..]).unwrap().src;
    assert_eq!(source(asked[0]), ip("fd00::1"), "in the name of the echo request");
    assert_eq!((asked[1].at, source(asked[1])), (ms(5000), ip("fe80::ff:fe00:2")));
    // Each side learns the other's link-local address by this, and the exchange ends.
    cable.run_until(ms(60_000));
    cable.seen.clear();
    cable.run_until(ms(600_000));
    assert!(cable.seen.is_empty());
}

#[test]
fn unreachable_probes_give_their_ports_back() {
    let mut cable = Cable::pair();
    for kind in [ProbeKind::Udp, ProbeKind::Tcp] {
        let many = Probe { count: 200, ..probe(kind, "10.0.0.9") };
        let (result, _) = cable.probe(0, many);
        assert_eq!(result.unreachable, 200);
        assert_eq!(result.reason, Some(Unreachable::Neighbour(ip("10.0.0.9"))));
        assert_eq!(cable.probe(0, probe(kind, "10.0.0.2")).0.outcome, ProbeOutcome::Reply);
    }
}

#[test]
fn a_neighbour_that_has_gone_is_given_up() {
    let mut cable = Cable::pair();
    cable.probe(0, ping("fd00::2"));
    cable.run_until(ms(100_000));
    cable.ends[1].1.set_carrier(false, ms(100_000));
    cable.seen.clear();
    // Stale: used for 5 s, solicited three times by unicast, then removed and resolved again.
    let (result, _) = cable.probe(0, Probe { count: 20, ..ping("fd00::2") });
    assert_eq!(result.outcome, ProbeOutcome::Unreachable);
    let unicast: Vec<_> = cable.seen.iter().filter(|s| s.word() == "ns" && s.dst() == mac(2)).collect();
    assert_eq!(unicast.iter().map(|s| s.at).collect::<Vec<_>>(), [105_000, 106_000, 107_000].map(ms));
    let group = cable.seen.iter().find(|s| s.word() == "ns" && s.dst().is_multicast()).unwrap();
    assert_eq!(group.at, ms(108_000));
}

#[test]
fn arping_asks_whatever_the_cache_knows() {
    for (there, nobody) in [("10.0.0.2", "10.0.0.9"), ("fd00::2", "fd00::9")] {
        let mut cable = Cable::pair();
        cable.probe(0, ping(there));
        cable.seen.clear();
        let (result, _) = cable.probe(0, Probe { count: 3, ..probe(ProbeKind::Arping, there) });
        assert_eq!((result.outcome, result.sent), (ProbeOutcome::Reply, 1));
        assert_eq!(cable.seen.len(), 2);
        assert!(cable.seen[0].dst().is_multicast());
        let start = cable.now;
        let (result, end) =
            cable.probe(0, Probe { count: 2, timeout: SECOND, ..probe(ProbeKind::Arping, nobody) });
        assert_eq!((result.outcome, result.sent), (ProbeOutcome::NoReply, 2));
        assert_eq!(end - start, 2 * SECOND);
    }
}

#[test]
fn duplicate_address_detection_of_others_is_answered() {
    let mut cable = Cable::pair();
    // NS for fd00::2 from :: to ff02::1:ff00:2.
    let body = ndp::Ndp::Solicit { target: "fd00::2".parse().unwrap(), source_mac: None };
    let packet = body.packet(std::net::Ipv6Addr::UNSPECIFIED, "ff02::1:ff00:2".parse().unwrap()).unwrap();
    let mut frame = vec![0x33, 0x33, 0xff, 0, 0, 2, 2, 0, 0, 0, 0, 9, 0x86, 0xdd];
    frame.extend(packet);
    cable.inject(0, &frame);
    cable.settle();
    assert_eq!(cable.words(), ["ns", "na"]);
    assert_eq!((cable.seen[1].dst(), cable.seen[1].bytes[58]), (MacAddr::ALL_NODES_V6, 0x20));
}

#[test]
fn an_advertisement_without_an_address_resolves_nothing() {
    let mut cable = Cable::new(&[spec("fd00::1/64")]);
    cable.ends[0].1.start_probe(ms(0), ping("fd00::2"));
    cable.settle();
    let target = "fd00::2".parse().unwrap();
    let (router, solicited, overriding) = (false, true, true);
    let advertise = ndp::Ndp::Advertise { target, target_mac: None, router, solicited, overriding };
    let packet = advertise.packet(target, "fd00::1".parse().unwrap()).unwrap();
    cable.inject(1, &[&mac(1).0[..], &mac(2).0, &[0x86, 0xdd], &packet].concat());
    cable.settle();
    assert_eq!(cable.words(), ["ns", "na"], "the echo request still waits");
    assert_eq!(cable.ends[0].1.neighbour(ip("fd00::2")), None);
}

#[test]
fn only_a_reply_that_changes_an_entry_locks_it() {
    let mut cable = Cable::new(&[spec("10.0.0.1/24")]);
    cable.inject(1, &arp(1, mac(0xa), "10.0.0.2", MacAddr::BROADCAST, "10.0.0.1"));
    for (at, sender, known, why) in [
        (2000, 0xa, 0xa, "the stale entry is confirmed"),
        (2500, 0xb, 0xa, "the confirmation locks it for a second"),
        (2900, 0xa, 0xa, "a reply that tells nothing new"),
        (3001, 0xb, 0xb, "does not lock it again"),
    ] {
        cable.now = ms(at);
        cable.inject(1, &arp(2, mac(sender), "10.0.0.2", mac(1), "10.0.0.1"));
        assert_eq!(cable.ends[0].1.neighbour(ip("10.0.0.2")), Some(mac(known)), "at {at} ms: {why}");
    }
}

#[test]
fn only_a_unicast_reply_confirms_a_stale_neighbour() {
    let all = MacAddr::BROADCAST;
    for (op, to, target, confirmed) in [
        (2, mac(1), "10.0.0.1", true),
        (2, all, "10.0.0.2", false),
        (1, mac(1), "10.0.0.60", false),
        (1, all, "10.0.0.2", false),
    ] {
        let mut cable = Cable::new(&[spec("10.0.0.1/24")]);
        cable.inject(1, &arp(1, mac(2), "10.0.0.2", all, "10.0.0.1"));
        cable.inject(1, &arp(op, mac(2), "10.0.0.2", to, target));
        cable.ends[0].1.start_probe(ms(0), ping("10.0.0.2"));
        cable.run_until(ms(5000));
        let asked = cable.seen.iter().any(|s| s.from == 0 && s.word() == "arp?");
        assert_eq!(asked, !confirmed, "a neighbour in doubt is asked after 5 s: {op} {to} {target}");
    }
}

/// A dummy (`IFF_NOARP`): the MAC address of every neighbour is its own, unless there is a static entry.
#[test]
fn an_interface_without_arp_asks_for_no_neighbour() {
    let config = spec("10.0.0.1/24 fd00::1/64");
    let sent = |prepare: &dyn Fn(&mut Host, usize), kind, to| {
        let mut host = Host::new("d", &HostConfig::default(), Instant::ZERO);
        let interface = Interface { name: "d", mac: mac(1), ip: &config, mtu: 1500, up: true, arp: false };
        let index = host.add_interface(interface, Instant::ZERO);
        prepare(&mut host, index);
        let id = host.start_probe(Instant::ZERO, probe(kind, to));
        let frames: Vec<Vec<u8>> =
            std::iter::from_fn(|| host.pop_transmit()).map(|(_, frame)| frame).collect();
        host.poll(Instant::ZERO + 20 * SECOND);
        let outcome = host.probe_result(id).map(|result| result.outcome);
        let seen = frames.into_iter().map(|bytes| Seen { at: Instant::ZERO, from: 0, bytes });
        (seen.map(|seen| (seen.word(), seen.dst())).collect::<Vec<_>>(), outcome)
    };
    let (nothing, ping) = (|_: &mut Host, _| {}, ProbeKind::Ping);
    for to in ["10.0.0.2", "fd00::2"] {
        assert_eq!(sent(&nothing, ping, to), (vec![("echo?", mac(1))], Some(ProbeOutcome::NoReply)), "{to}");
        let known = |host: &mut Host, index| host.set_neighbour(index, ip(to), mac(9), Instant::ZERO);
        assert_eq!(sent(&known, ping, to).0, [("echo?", mac(9))], "{to}");
    }
    // A program that writes frames itself is not the stack; and nothing is announced.
    assert_eq!(sent(&nothing, ProbeKind::Arping, "10.0.0.2").0, [("arp?", MacAddr::BROADCAST)]);
    let announces = |host: &mut Host, index| {
        host.set_sysctls(None, &[(Sysctl::ArpNotify, 1)]);
        host.set_link_up(index, false, Instant::ZERO);
        host.set_link_up(index, true, Instant::ZERO);
    };
    assert_eq!(sent(&announces, ping, "10.0.0.2").0, [("echo?", mac(1))]);
}
