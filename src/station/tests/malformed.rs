use super::*;
use proptest::prelude::*;

/// Frames of every kind that the hosts exchange while running all probes.
fn conversation() -> Vec<Vec<u8>> {
    let mut cable = Cable::pair();
    for (kind, to) in [
        (ProbeKind::Ping, "10.0.0.2"),
        (ProbeKind::Ping, "fd00::2"),
        (ProbeKind::Tcp, "10.0.0.2"),
        (ProbeKind::Tcp, "fd00::2"),
        (ProbeKind::Udp, "10.0.0.2"),
        (ProbeKind::Udp, "fd00::2"),
    ] {
        cable.probe(0, probe(kind, to));
    }
    let now = cable.now;
    for to in ["10.0.0.2", "fd00::2"] {
        cable.ends[0].1.udp_send(now, 4000, ip(to), 9, b"closed").unwrap();
    }
    cable.settle();
    cable.seen.into_iter().map(|s| s.bytes).collect()
}

/// Recomputes the checksums of IPv4 and ICMP, so that a mutation gets past the first check.
pub(super) fn mend(frame: &mut [u8]) {
    use etherparse::checksum::Sum16BitWords;
    if frame.len() < 38 || frame[12..14] != [8, 0] {
        return;
    }
    let header = 14 + usize::from(frame[14] & 0xf) * 4;
    frame[24..26].fill(0);
    let Some(bytes) = frame.get(14..header) else { return };
    let sum = packet::checksum(Sum16BitWords::new(), bytes);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    let total = 14 + usize::from(u16::from_be_bytes([frame[16], frame[17]]));
    if frame[23] == 1 && header + 8 <= total && total <= frame.len() {
        frame[header + 2..header + 4].fill(0);
        let sum = packet::checksum(Sum16BitWords::new(), &frame[header..total]);
        frame[header + 2..header + 4].copy_from_slice(&sum.to_be_bytes());
    }
}

/// Both an end point and a router survive it, still reply to a ping, and send no frame longer than their mtu allows.
fn survive(frames: &[Vec<u8>]) {
    let config = spec("10.0.0.2/24 fd00::2/64");
    let mut end = Endpoint::new("e", mac(2), &config, 1500, Instant::ZERO);
    let mut gated = config.clone();
    gated.gateway = vec![ip("10.0.0.1"), ip("fd00::1")];
    let mut router = router(&[("r0", mac(2), &gated, 1500)]);
    let mut now = Instant::ZERO;
    for frame in frames {
        for kind in [PacketType::Host, PacketType::Broadcast, PacketType::Multicast] {
            end.receive(now, frame, kind);
            router.receive(now, 0, frame, kind);
            now += Duration::from_millis(400);
            end.poll(now);
            router.poll(now);
            assert!(end.poll_at().is_none_or(|at| at > now));
            assert!(router.poll_at().is_none_or(|at| at > now));
        }
        while let Some(out) = end.pop_transmit().or_else(|| router.pop_transmit().map(|f| f.1)) {
            assert!(out.len() <= 1514);
        }
    }
    let id = end.start_probe(now, ping("10.0.0.2"));
    assert_eq!(end.probe_result(id).map(|r| r.outcome), Some(ProbeOutcome::Reply));
}

#[test]
fn cut_frames_are_survived() {
    for frame in conversation() {
        let cut: Vec<Vec<u8>> = (0..frame.len()).map(|n| frame[..n].to_vec()).collect();
        survive(&cut);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_is_survived(
        noise in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..8),
        ethertype in prop::sample::select(vec![0x0800_u16, 0x0806, 0x86dd, 0x8100]),
    ) {
        let framed = |mut bytes: Vec<u8>| {
            if let Some(field) = bytes.get_mut(12..14) {
                field.copy_from_slice(&ethertype.to_be_bytes());
            }
            bytes
        };
        survive(&noise.iter().cloned().map(framed).collect::<Vec<_>>());
    }

    #[test]
    fn mutated_frames_are_survived(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..24),
        mended in any::<bool>(),
    ) {
        let mut frames = conversation();
        for (which, place, value) in changes {
            let frame = which.index(frames.len());
            let at = 12 + place.index(frames[frame].len() - 12);
            frames[frame][at] = value;
            if mended {
                mend(&mut frames[frame]);
            }
        }
        survive(&frames);
    }
}
