//! UDP ports and TCP connections, as their users see them.

use super::*;

/// Connects end 0 to the echo service of end 1.
fn connect(cable: &mut Cable) -> TcpId {
    let now = cable.now;
    let tcp = cable.ends[0].1.tcp_connect(now, ip("10.0.0.2"), ECHO_PORT).unwrap();
    cable.settle();
    tcp
}

#[test]
fn an_unanswered_connection_request_is_repeated_and_given_up() {
    let mut lone = spec("10.0.0.1/24");
    lone.neighbours.insert(ip("10.0.0.9"), mac(9));
    let mut cable = Cable::new(&[lone]);
    let tcp = cable.ends[0].1.tcp_connect(ms(0), ip("10.0.0.9"), 80).unwrap();
    cable.run_until(ms(5000));
    assert_eq!(cable.words(), ["tcp"; 3]);
    assert_eq!(cable.seen.iter().map(|s| s.at).collect::<Vec<_>>(), [0, 1000, 3000].map(ms));
    assert_eq!(cable.ends[0].1.tcp_state(tcp), Some(TcpState::Connecting));
    cable.run_until(ms(70_000));
    assert_eq!(cable.ends[0].1.tcp_state(tcp), Some(TcpState::Failed(Unreachable::Refused)));
}

#[test]
fn the_echo_service_loses_nothing_of_a_client_that_reads_late() {
    let mut cable = Cable::pair();
    let tcp = connect(&mut cable);
    let text: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    let (mut sent, mut full) = (0, false);
    while !full {
        let now = cable.now;
        let taken = cable.ends[0].1.tcp_send(now, tcp, &text[sent..]).unwrap();
        (sent, full) = (sent + taken, taken == 0);
        cable.run_until(now + SECOND);
    }
    assert_eq!(sent, 4 * 16 * 1024, "two buffers on either side");
    let now = cable.now;
    cable.ends[0].1.tcp_close(now, tcp);
    let mut back = Vec::new();
    for _ in 0..30 {
        let now = cable.now + SECOND;
        cable.run_until(now);
        back.extend(cable.ends[0].1.tcp_recv(now, tcp));
    }
    assert!(back == text[..sent], "{} of {sent} bytes came back", back.len());
    assert_eq!(cable.ends[0].1.tcp_state(tcp), Some(TcpState::Closed));
}

#[test]
fn what_was_received_can_be_read_after_both_sides_have_closed() {
    let mut cable = Cable::pair();
    let tcp = connect(&mut cable);
    let now = cable.now;
    cable.ends[0].1.tcp_send(now, tcp, b"late").unwrap();
    cable.settle();
    cable.ends[0].1.tcp_close(now, tcp);
    cable.settle();
    assert_eq!(cable.ends[0].1.tcp_state(tcp), Some(TcpState::Closed));
    assert_eq!(cable.ends[0].1.tcp_recv(now, tcp), b"late");
    assert_eq!(cable.ends[0].1.tcp_state(tcp), Some(TcpState::Closed));
}

#[test]
fn probes_that_have_ended_displace_no_connection() {
    let mut cable = Cable::pair();
    let now = cable.now;
    let refused = cable.ends[0].1.tcp_connect(now, ip("10.0.0.2"), 9).unwrap();
    cable.settle();
    let (result, _) = cable.probe(0, Probe { count: 70, ..probe(ProbeKind::Tcp, "10.0.0.2") });
    assert_eq!(result.received, 70);
    assert_eq!(cable.ends[0].1.tcp_state(refused), Some(TcpState::Failed(Unreachable::Refused)));
}

#[test]
fn a_probe_takes_no_port_that_is_bound() {
    let mut cable = Cable::pair();
    // The first of the ports that probes use.
    cable.ends[0].1.udp_bind(49152).unwrap();
    let (result, now) = cable.probe(0, probe(ProbeKind::Udp, "10.0.0.2"));
    assert_eq!(result.outcome, ProbeOutcome::Reply);
    cable.ends[1].1.udp_send(now, 4000, ip("10.0.0.1"), 49152, b"still bound").unwrap();
    cable.settle();
    assert_eq!(cable.ends[0].1.udp_recv(49152).unwrap().data, b"still bound");
}

#[test]
fn a_reply_that_comes_as_its_probe_ends_finds_a_closed_port() {
    let mut cable = Cable::pair();
    cable.probe(0, ping("10.0.0.2"));
    let [(_, asker), (_, other)] = &mut cable.ends[..] else { panic!("two ends") };
    let timeout = Duration::from_millis(100);
    let id = asker.start_probe(ms(0), Probe { timeout, ..probe(ProbeKind::Udp, "10.0.0.2") });
    other.receive(ms(50), &asker.pop_transmit().unwrap(), PacketType::Host);
    asker.receive(ms(100), &other.pop_transmit().unwrap(), PacketType::Host);
    assert_eq!(asker.probe_result(id).unwrap().outcome, ProbeOutcome::NoReply);
    let error = Seen { at: ms(100), from: 0, bytes: asker.pop_transmit().unwrap() };
    assert_eq!(error.word(), "unreachable");
}
