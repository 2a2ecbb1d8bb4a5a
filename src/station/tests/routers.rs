use super::*;

/// Two segments, 10.0.1.0/24 (fd01::) and 10.0.2.0/24 (fd02::), with the router at .1 and ::1 on both, and a host each.
struct Net {
    router: Host,
    /// The MAC addresses of its interfaces.
    macs: [MacAddr; 2],
    ends: [Endpoint; 2],
    now: Instant,
    seen: Vec<Seen>,
}

const ROUTER: u8 = 0x10;

impl Net {
    fn new(mtu: u32) -> Net {
        let side = |n: u8| spec(&format!("10.0.{n}.1/24 fd0{n}::1/64"));
        let (a, b) = (side(1), side(2));
        let links = [("r0", mac(ROUTER), &a, 1500), ("r1", mac(ROUTER + 1), &b, mtu)];
        let end = |n: u8| {
            let mut config = spec(&format!("10.0.{n}.2/24 fd0{n}::2/64"));
            config.gateway = vec![ip(&format!("10.0.{n}.1")), ip(&format!("fd0{n}::1"))];
            Endpoint::new("end", mac(n), &config, 1500, Instant::ZERO)
        };
        let router = router(&links);
        let macs = [mac(ROUTER), mac(ROUTER + 1)];
        Net { router, macs, ends: [end(1), end(2)], now: Instant::ZERO, seen: Vec::new() }
    }

    fn router_hears(&mut self, side: usize, frame: &[u8]) {
        self.seen.push(Seen { at: self.now, from: side, bytes: frame.to_vec() });
        let own = self.macs[side];
        let kind = PacketType::of(EthHeader::parse(frame).unwrap().dst, own);
        self.router.receive(self.now, side, frame, kind);
    }

    fn settle(&mut self) {
        for _ in 0..1000 {
            if let Some((side, frame)) = (0..2).find_map(|i| Some((i, self.ends[i].pop_transmit()?))) {
                self.router_hears(side, &frame);
            } else if let Some((side, frame)) = self.router.pop_transmit() {
                self.seen.push(Seen { at: self.now, from: 2 + side, bytes: frame.clone() });
                let own = mac(u8::try_from(side + 1).unwrap());
                let kind = PacketType::of(EthHeader::parse(&frame).unwrap().dst, own);
                self.ends[side].receive(self.now, &frame, kind);
            } else {
                return;
            }
        }
        panic!("frames fly for ever");
    }

    fn probe(&mut self, probe: Probe) -> ProbeResult {
        let id = self.ends[0].start_probe(self.now, probe);
        self.settle();
        loop {
            if let Some(result) = self.ends[0].probe_result(id) {
                return result;
            }
            let ends = self.ends.iter().filter_map(Endpoint::poll_at);
            self.now = ends.chain(self.router.poll_at()).min().unwrap();
            self.ends.iter_mut().for_each(|e| e.poll(self.now));
            self.router.poll(self.now);
            self.settle();
        }
    }

    fn words_of(&self, from: usize) -> Vec<&'static str> {
        self.seen.iter().filter(|s| s.from == from).map(Seen::word).collect()
    }

    /// The echo request that the first host sent last.
    fn echo_request(&self) -> Vec<u8> {
        let of_end = |s: &&Seen| s.from == 0 && s.word() == "echo?";
        self.seen.iter().rfind(of_end).unwrap().bytes.clone()
    }
}

#[test]
fn a_router_passes_on_and_takes_one_from_the_ttl() {
    for (to, ttl_at) in [("10.0.2.2", 22), ("fd02::2", 21)] {
        let mut net = Net::new(1500);
        let result = net.probe(Probe { count: 2, ..ping(to) });
        assert_eq!((result.outcome, result.received), (ProbeOutcome::Reply, 2), "{to}");
        let out: Vec<_> = net.seen.iter().filter(|s| s.from == 3 && s.word() == "echo?").collect();
        assert_eq!(out.len(), 2);
        assert_eq!(out[0].bytes[ttl_at], 63);
        assert_eq!(&out[0].bytes[..12], [mac(2).0, mac(ROUTER + 1).0].concat());
        for kind in [ProbeKind::Udp, ProbeKind::Tcp] {
            assert_eq!(net.probe(probe(kind, to)).outcome, ProbeOutcome::Reply);
        }
    }
}

#[test]
fn a_router_answers_for_all_its_addresses() {
    let mut net = Net::new(1500);
    for to in ["10.0.1.1", "10.0.2.1", "fd01::1", "fd02::1"] {
        assert_eq!(net.probe(ping(to)).outcome, ProbeOutcome::Reply, "{to}");
    }
    net.router_hears(0, &arp(1, mac(1), "10.0.1.2", MacAddr::BROADCAST, "10.0.2.1"));
    net.seen.clear();
    net.settle();
    assert_eq!(net.words_of(2), ["arp!"]);
    // It is also a host that can send probes.
    let id = net.router.start_probe(net.now, ping("10.0.2.2"));
    net.settle();
    assert_eq!(net.router.probe_result(id).map(|r| r.outcome), Some(ProbeOutcome::Reply));
}

#[test]
fn the_end_of_the_ttl_is_reported() {
    let mut net = Net::new(1500);
    net.probe(ping("10.0.2.2"));
    let mut request = net.echo_request();
    // TTL 1; the checksum increases by what the TTL decreased.
    let (old, sum) = (u16::from(request[22]), u16::from_be_bytes([request[24], request[25]]));
    request[22] = 1;
    let (grown, carry) = sum.overflowing_add((old - 1) << 8);
    request[24..26].copy_from_slice(&(grown + u16::from(carry)).to_be_bytes());
    net.seen.clear();
    net.router_hears(0, &request);
    net.settle();
    assert_eq!((net.words_of(2), net.words_of(3)), (vec!["expired"], vec![]));
    let error = &net.seen[1].bytes;
    assert_eq!(error[26..34], [10, 0, 1, 1, 10, 0, 1, 2], "from the near side to the sender");
    assert_eq!(error[42..], request[14..], "quotes the packet");
}

#[test]
fn an_error_ends_a_ping() {
    let mut net = Net::new(1500);
    // No route at the router, and no host behind it.
    for (to, code) in [("172.16.0.1", 0), ("10.0.2.9", 1), ("fd09::1", 0), ("fd02::9", 3)] {
        let start = net.now;
        let result = net.probe(ping(to));
        assert_eq!(result.outcome, ProbeOutcome::Unreachable, "{to}");
        let gateway = if to.contains(':') { ("fd01::1", 1) } else { ("10.0.1.1", 3) };
        let why = Unreachable::Icmp { from: ip(gateway.0), kind: gateway.1, code };
        assert_eq!(result.reason, Some(why), "{to}");
        let waited = if code == 0 { Duration::ZERO } else { 3 * SECOND };
        assert_eq!(net.now - start, waited, "{to}");
    }
}

#[test]
fn what_is_too_long_for_the_way_out_is_reported() {
    let mut net = Net::new(80);
    assert_eq!(
        net.probe(ping("10.0.2.2")).reason.map(|r| format!("{r:?}")).as_deref(),
        Some("Icmp { from: 10.0.1.1, kind: 3, code: 4 }")
    );
    assert_eq!(
        net.probe(ping("fd02::2")).reason.map(|r| format!("{r:?}")).as_deref(),
        Some("Icmp { from: fd01::1, kind: 2, code: 0 }")
    );
    let error = net.seen.iter().find(|s| s.word() == "unreachable").unwrap();
    assert_eq!(error.bytes[40..42], [0, 80], "says which mtu");
}

#[test]
fn broadcasts_groups_and_link_local_packets_stay_where_they_are() {
    let mut net = Net::new(1500);
    net.probe(ping("10.0.2.2"));
    let request = net.echo_request();
    net.seen.clear();
    for to in [MacAddr::BROADCAST, MacAddr::ALL_HOSTS_V4] {
        let mut frame = request.clone();
        frame[..6].copy_from_slice(&to.0);
        net.router_hears(0, &frame);
    }
    net.settle();
    assert_eq!(net.seen.len(), 2, "nothing is passed on, nothing is reported");
    for to in ["10.0.1.255", "224.0.0.1", "ff02::1", "fe80::9"] {
        net.probe(Probe { timeout: SECOND, ..ping(to) });
    }
    assert!(net.words_of(3).is_empty());
}

#[test]
fn an_error_is_never_answered_with_an_error() {
    let mut net = Net::new(1500);
    let start = net.now;
    net.probe(ping("172.16.0.1"));
    let mut error = net.seen.iter().rfind(|s| s.word() == "unreachable").unwrap().bytes.clone();
    // From the host through the router to an unreachable network.
    error[..6].copy_from_slice(&mac(ROUTER).0);
    error[26..34].copy_from_slice(&[10, 0, 1, 2, 172, 16, 0, 1]);
    error[24..26].fill(0);
    let sum = packet::checksum(etherparse::checksum::Sum16BitWords::new(), &error[14..34]);
    error[24..26].copy_from_slice(&sum.to_be_bytes());
    assert!(packet::IpView::parse(&error[14..]).is_some());
    net.seen.clear();
    net.router_hears(0, &error);
    net.settle();
    assert_eq!((net.seen.len(), net.now), (1, start));
}

#[test]
fn a_host_follows_a_redirect() {
    // 10.0.0.1 has the wrong gateway, .254 (a router whose own gateway is .253): 10.0.0.253 is the right one.
    let mut wrong = spec("10.0.0.1/24");
    wrong.gateway = vec![ip("10.0.0.254")];
    let mut end = Endpoint::new("end", mac(1), &wrong, 1500, Instant::ZERO);
    let mut config = spec("10.0.0.254/24");
    config.gateway = vec![ip("10.0.0.253")];
    let mut router = router(&[("r0", mac(ROUTER), &config, 1500)]);
    let mut goal = super::router(&[
        ("g0", mac(0x20), &spec("10.0.0.253/24"), 1500),
        ("g1", mac(0x21), &spec("192.0.2.1/24"), 1500),
    ]);
    let mut seen = Vec::new();
    let mut ways = Vec::new();
    for round in 0..4 {
        let now = ms(round * 1000);
        let id = end.start_probe(now, ping("192.0.2.1"));
        loop {
            let frame = end
                .pop_transmit()
                .or_else(|| router.pop_transmit().map(|f| f.1))
                .or_else(|| goal.pop_transmit().map(|f| f.1));
            let Some(bytes) = frame else { break };
            let header = EthHeader::parse(&bytes).unwrap();
            end.receive(now, &bytes, PacketType::of(header.dst, mac(1)));
            if header.src != mac(ROUTER) {
                router.receive(now, 0, &bytes, PacketType::of(header.dst, mac(ROUTER)));
            }
            if header.src != mac(0x20) {
                goal.receive(now, 0, &bytes, PacketType::of(header.dst, mac(0x20)));
            }
            seen.push(Seen { at: now, from: 0, bytes });
        }
        assert_eq!(end.probe_result(id).map(|r| r.outcome), Some(ProbeOutcome::Reply), "round {round}");
        let request = seen.iter().rfind(|s| s.word() == "echo?" && s.bytes[6..12] == mac(1).0).unwrap();
        ways.push(request.dst());
    }
    // The first redirect names a neighbour that the host resolves; the second is accepted.
    assert_eq!(ways, [ROUTER, ROUTER, 0x20, 0x20].map(mac));
    assert_eq!(seen.iter().filter(|s| s.word() == "redirect").count(), 2);
}

#[test]
fn no_icmp_error_for_later_fragments() {
    let mut net = Net::new(1500);
    net.probe(ping("10.0.2.2"));
    let mut request = net.echo_request();
    for (offset, words) in [(0, vec!["expired"]), (1, vec![])] {
        request[22] = 1;
        request[21] = offset;
        malformed::mend(&mut request);
        net.seen.clear();
        net.router_hears(0, &request);
        net.settle();
        assert_eq!(net.words_of(2), words, "offset {offset}");
    }
}

#[test]
fn each_interface_of_a_router_has_its_own_state() {
    let mut net = Net::new(1500);
    let router = &mut net.router;
    let node = |last: u8| MacAddr([0x33, 0x33, 0xff, 0, 0, last]);
    assert!(router.groups(1).contains(&MacAddr::ALL_HOSTS_V4) && router.groups(1).contains(&node(1)));
    assert_eq!(router.groups(2), []);
    router.set_mac(1, mac(0x77));
    let mut asked = |to: &str| {
        router.start_probe(ms(1), ping(to));
        router.pop_transmit().map(|(link, frame)| (link, EthHeader::parse(&frame).unwrap().src))
    };
    assert_eq!(asked("10.0.1.9"), Some((0, mac(ROUTER))));
    assert_eq!(asked("10.0.2.8"), Some((1, mac(0x77))));
    let id = router.start_probe(ms(3), Probe { count: 3, ..ping("10.0.2.9") });
    assert_eq!(router.probe_deadline(id), Some(ms(3) + 2 * SECOND + Duration::from_secs(10)));
}

#[test]
fn a_router_does_not_use_an_interface_that_begins_down() {
    let mut router = router(&[("r0", mac(ROUTER), &spec("10.0.1.1/24"), 1500)]);
    let side = spec("10.0.2.1/24");
    let interface =
        Interface { name: "r1", mac: mac(ROUTER + 1), ip: &side, mtu: 1500, up: false, arp: true };
    assert_eq!(router.add_interface(interface, Instant::ZERO), 1);
    let id = router.start_probe(Instant::ZERO, ping("10.0.2.2"));
    assert_eq!(router.probe_result(id).and_then(|r| r.reason), Some(Unreachable::NoRoute));
    router.set_link_up(1, true, ms(1));
    router.start_probe(ms(2), ping("10.0.2.2"));
    let asked = std::iter::from_fn(|| router.pop_transmit()).any(|(link, _)| link == 1);
    assert!(asked, "it is up now");
}
