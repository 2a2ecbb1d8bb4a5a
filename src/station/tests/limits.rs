//! The behaviour at limits.

use super::super::icmp::{self, Echo};
use super::super::route::{Route, Routes};
use super::*;

fn end(nets: &str) -> Endpoint {
    Endpoint::new("end", mac(1), &spec(nets), 1500, Instant::ZERO)
}

fn sent(end: &mut Endpoint) -> usize {
    std::iter::from_fn(|| end.pop_transmit()).count()
}

#[test]
fn more_probes_than_a_host_runs_end_at_once() {
    let mut end = end("10.0.0.1/24");
    let running: Vec<_> = (0..256).map(|_| end.start_probe(ms(0), ping("10.0.0.9"))).collect();
    assert!(running.iter().all(|id| end.probe_result(*id).is_none()));
    let refused = end.start_probe(ms(0), ping("10.0.0.9"));
    let result = end.probe_result(refused).unwrap();
    assert_eq!((result.outcome, result.sent), (ProbeOutcome::Unreachable, 0));
    assert_eq!(result.reason, Some(Unreachable::NoRoom));
    // Once they have ended, there is room again.
    end.poll(ms(60_000));
    assert!(running.iter().all(|id| end.probe_result(*id).is_some()));
    let id = end.start_probe(ms(60_000), ping("10.0.0.9"));
    assert_eq!(end.probe_result(id), None);
}

#[test]
fn the_oldest_result_of_a_probe_makes_room() {
    let mut end = end("10.0.0.1/24");
    let mut probe = || end.start_probe(ms(0), ping("10.0.0.1"));
    let ids: Vec<_> = (0..1024).map(|_| probe()).collect();
    assert!(ids.iter().all(|id| end.probe_result(*id).is_some()));
    let last = end.start_probe(ms(0), ping("10.0.0.1"));
    assert_eq!(end.probe_result(ids[0]), None);
    assert!(end.probe_result(ids[1]).is_some() && end.probe_result(last).is_some());
}

#[test]
fn frames_beyond_a_full_transmit_queue_are_lost() {
    let mut end = end("10.0.0.1/24");
    let request = arp(1, mac(2), "10.0.0.2", MacAddr::BROADCAST, "10.0.0.1");
    for requests in [4095, 4096, 4097] {
        for _ in 0..requests {
            end.receive(ms(0), &request, PacketType::Broadcast);
        }
        assert_eq!(sent(&mut end), requests.min(4096), "{requests} requests");
    }
}

#[test]
fn packets_to_oneself_beyond_those_that_wait_are_lost() {
    let own = ip("10.0.0.1");
    let echo = icmp::echo_packet(own, own, 1, Echo { reply: false, id: 1, seq: 1, data: &[] }).unwrap();
    for packets in [1023_u16, 1024, 1025] {
        let config = spec("10.0.0.1/24");
        let mut host = host(&HostConfig::default(), &[("h", mac(1), &config, 1500)]);
        (0..packets).for_each(|_| host.output(ms(0), echo.clone()));
        host.poll(ms(0));
        // Each delivered one got a reply, and each reply has an identification.
        assert_eq!(host.next_ident() - 1, packets.min(1024), "{packets} packets");
    }
}

#[test]
fn what_takes_too_many_rounds_goes_on_a_moment_later() {
    let config = spec("10.0.0.1/24");
    let mut host = host(&HostConfig::default(), &[("h", mac(1), &config, 1500)]);
    let id = host.prober.start(ms(0), probe(ProbeKind::Tcp, "10.0.0.1"));
    let (mut now, mut calls) = (ms(0), 0);
    while host.prober.result(id).is_none() {
        host.poll_rounds(now, 1);
        if host.prober.result(id).is_none() {
            assert_eq!(host.poll_at(), Some(now + Duration::from_micros(1)), "after {calls} calls");
        }
        (now, calls) = (now + Duration::from_micros(1), calls + 1);
        assert!(calls < 64, "one call would not have done");
    }
    assert_eq!(host.prober.result(id).unwrap().outcome, ProbeOutcome::Reply);
    assert!(calls > 1);
}

#[test]
fn a_host_binds_64_udp_ports() {
    let mut end = end("10.0.0.1/24");
    (1000..1064).for_each(|port| end.udp_bind(port).unwrap());
    assert_eq!(end.udp_bind(1063), Ok(()), "it is bound already");
    assert_eq!(end.udp_bind(1064), Err(SocketError::NoRoom));
    assert_eq!(end.udp_send(ms(0), 1064, ip("10.0.0.2"), 9, b"x"), Err(SocketError::NoRoom));
}

#[test]
fn silence_stays_silence_however_many_udp_requests_there_are() {
    let mut mute = spec("10.0.0.2/24");
    mute.neighbours = [(ip("10.0.0.1"), mac(9))].into();
    for count in [64, 65, 200] {
        let mut cable = Cable::new(&[spec("10.0.0.1/24"), mute.clone()]);
        let (result, _) = cable.probe(0, Probe { count, ..probe(ProbeKind::Udp, "10.0.0.2") });
        assert_eq!((result.outcome, result.sent, result.reason), (ProbeOutcome::NoReply, count, None));
        let requests = cable.seen.iter().filter(|s| s.from == 0 && s.word() == "udp").count();
        assert_eq!(requests, usize::try_from(count).unwrap());
    }
}

#[test]
fn a_host_makes_64_tcp_connections() {
    let mut end = end("10.0.0.1/24");
    let mut connect = || end.tcp_connect(ms(0), ip("10.0.0.2"), 80);
    let ids: Vec<_> = (0..64).map(|_| connect().unwrap()).collect();
    assert_eq!(connect(), Err(SocketError::NoRoom));
    // Failed ones make room, the oldest first; the others can still be asked about.
    end.poll(ms(5_000));
    let failed = Some(TcpState::Failed(Unreachable::Neighbour(ip("10.0.0.2"))));
    assert!(ids.iter().all(|id| end.tcp_state(*id) == failed));
    assert!(end.tcp_connect(ms(5_000), ip("10.0.0.2"), 80).is_ok());
    assert_eq!(end.tcp_state(ids[0]), None);
    assert!(ids[1..].iter().all(|id| end.tcp_state(*id) == failed));
}

#[test]
fn the_echo_service_holds_32_tcp_connections() {
    let mut cable = Cable::pair();
    let connect = |cable: &mut Cable| {
        let now = cable.now;
        let id = cable.ends[0].1.tcp_connect(now, ip("10.0.0.2"), ECHO_PORT).unwrap();
        cable.settle();
        (id, cable.ends[0].1.tcp_state(id))
    };
    let (first, _) = connect(&mut cable);
    let others: Vec<_> = (1..32).map(|_| connect(&mut cable).1).collect();
    assert_eq!(others, [Some(TcpState::Open); 31]);
    assert_eq!(connect(&mut cable).1, Some(TcpState::Failed(Unreachable::Refused)));
    // A closed one makes room.
    let now = cable.now;
    cable.ends[0].1.tcp_close(now, first);
    cable.run_until(ms(30_000));
    assert_eq!(connect(&mut cable).1, Some(TcpState::Open));
}

#[test]
fn a_neighbour_table_full_of_static_entries_takes_no_other() {
    let mut config = spec("10.0.0.1/16");
    let neighbour = |n: u32| IpAddr::from((0x0a00_0100 + n).to_be_bytes());
    config.neighbours = (0..1024).map(|n| (neighbour(n), mac(2))).collect();
    let mut end = Endpoint::new("end", mac(1), &config, 1500, Instant::ZERO);
    let unknown = end.start_probe(ms(0), ping("10.0.9.9"));
    let result = end.probe_result(unknown).unwrap();
    assert_eq!(result.reason, Some(Unreachable::Neighbour(ip("10.0.9.9"))));
    assert_eq!(sent(&mut end), 0);
    let known = end.start_probe(ms(0), ping("10.0.1.0"));
    assert_eq!(end.probe_result(known), None, "it awaits its reply");
    assert_eq!(sent(&mut end), 1);
}

#[test]
fn redirects_are_remembered_up_to_a_limit() {
    let config = spec("10.0.0.1/24");
    let host = host(&HostConfig::default(), &[("h", mac(1), &config, 1500)]);
    let way = |hop: u8| Route { link: 0, next_hop: ip(&format!("10.0.0.{hop}")), src: None };
    let goal = |n: usize| ip(&format!("192.0.{}.{}", n / 256, n % 256));
    let mut routes = Routes::default();
    (0..256).for_each(|n| routes.redirect(ms(0), goal(n), way(3)));
    routes.redirect(ms(0), goal(256), way(3));
    assert_eq!(routes.lookup(ms(0), &host.links, goal(255)), Some(way(3)));
    assert_eq!(routes.lookup(ms(0), &host.links, goal(256)), None);
    // A better one for a known destination replaces the stored one.
    routes.redirect(ms(0), goal(0), way(4));
    assert_eq!(routes.lookup(ms(0), &host.links, goal(0)), Some(way(4)));
    assert_eq!(routes.lookup(ms(299_999), &host.links, goal(0)), Some(way(4)));
    // They expire after 300 seconds, and make room.
    let later = ms(300_000);
    assert_eq!(routes.lookup(later, &host.links, goal(0)), None);
    routes.redirect(later, goal(256), way(3));
    assert_eq!(routes.lookup(later, &host.links, goal(256)), Some(way(3)));
}

#[test]
fn a_router_counts_the_redirects_of_256_senders() {
    let mut config = spec("10.0.0.254/16");
    config.gateway = vec![ip("10.0.0.253")];
    config.neighbours = [(ip("10.0.0.253"), mac(0x20))].into();
    let sender = |n: u16| format!("10.0.{}.{}", 1 + n / 250, 1 + n % 250);
    config.neighbours.extend((0..257).map(|n| (ip(&sender(n)), mac(3))));
    let mut router = router(&[("r0", mac(1), &config, 1500)]);
    let mut redirects = |n: u16| {
        let echo = Echo { reply: false, id: 1, seq: 1, data: &[] };
        let packet = icmp::echo_packet(ip(&sender(n)), ip("192.0.2.1"), 1, echo).unwrap();
        let frame = [&mac(1).0[..], &mac(3).0, &[8, 0], &packet].concat();
        router.receive(ms(1), 0, &frame, PacketType::Host);
        let sent = std::iter::from_fn(|| router.pop_transmit());
        sent.map(|(_, bytes)| Seen { at: ms(1), from: 0, bytes }).filter(|s| s.word() == "redirect").count()
    };
    assert_eq!((0..256).map(&mut redirects).sum::<usize>(), 256);
    assert_eq!([redirects(0), redirects(255)], [0, 0], "they have just been told");
    assert_eq!([redirects(256), redirects(0)], [1, 1], "the count began anew");
}
