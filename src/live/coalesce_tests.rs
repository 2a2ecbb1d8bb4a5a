use super::*;
use crate::live::offload::complete;

/// The segments of a stream, cut like a kernel's long packet.
fn segments(v6: bool, data: usize, size: u16, tagged: bool) -> Vec<Frame> {
    let whole = crate::live::offload::tests::frame(v6, false, data);
    let begin = if v6 { 54 } else { 34 };
    let mut whole = whole;
    // ACK and PSH, as in most data segments; the pseudo-header sum does not cover them.
    whole[begin + 13] = 0x18;
    let kind = if v6 { TCP_V6 } else { TCP_V4 };
    let mut bytes = vec![NEEDS_CHECKSUM, kind, 0, 0];
    bytes.extend([size, begin as u16, 16].map(u16::to_ne_bytes).concat());
    bytes.extend(whole);
    let mut out = Vec::new();
    let tag = tagged.then_some((0x8100, 7));
    complete(&mut bytes, tag, &mut Vec::new(), &mut |f| out.push(Frame::new(f))).unwrap();
    out
}

/// Packs frames, then segments the parcels as the kernel would.
fn there_and_back(frames: &[Frame]) -> (Vec<usize>, Vec<Frame>) {
    let mut parcels = GsoPackets::default();
    parcels.pack(frames);
    let mut out = Vec::new();
    for parcel in parcels.list() {
        let mut bytes: Vec<u8> = parcels.parts(parcel, frames).collect::<Vec<_>>().concat();
        complete(&mut bytes, None, &mut Vec::new(), &mut |f| out.push(Frame::new(f))).unwrap();
    }
    (parcels.list().iter().map(|p| p.frames.len()).collect(), out)
}

#[test]
fn what_is_put_together_comes_apart_as_it_was() {
    for (v6, tagged) in [(false, false), (true, false), (false, true), (true, true)] {
        let frames = segments(v6, 10_100, 1000, tagged);
        assert_eq!(frames.len(), 11);
        let (packed, back) = there_and_back(&frames);
        assert_eq!(packed, [11], "{v6} {tagged}");
        assert_eq!(back, frames, "{v6} {tagged}");
    }
}

#[test]
fn a_packet_has_an_end() {
    let frames = segments(false, 64_000, 1000, false);
    let more: Vec<Frame> = frames.iter().chain(&frames).cloned().collect();
    let (packed, back) = there_and_back(&more);
    // PSH ends the first, so the next starts a new parcel.
    assert_eq!(packed, [64, 64]);
    assert_eq!(back, more);
}

#[test]
fn what_does_not_follow_goes_alone() {
    let good = segments(false, 5000, 1000, false);
    let change = |index: usize, at: usize| {
        let mut frames = good.clone();
        let mut bytes = frames[index].to_vec();
        bytes[at] ^= 1;
        frames[index] = bytes.into();
        frames
    };
    // Another destination address, type of service, sender, port, stream position, acknowledgement, window; and data
    // not covered by its checksum: each has a wrong checksum now, or differs.
    for at in [0, 15, 29, 35, 41, 45, 48, 100] {
        for index in 0..5 {
            let frames = change(index, at);
            let (packed, back) = there_and_back(&frames);
            assert!(packed.len() > 1, "{index} {at}: {packed:?}");
            assert_eq!(back, frames, "{index} {at}");
        }
    }
    // A gap, the wrong order, a duplicate, another segment in between.
    let (a, b, c) = (&good[0], &good[1], &good[2]);
    let mut other = b.to_vec();
    other[12] = 0x88;
    let other: Frame = other.into();
    for frames in [vec![a, c], vec![b, a], vec![a, a], vec![a, &other, b]] {
        let frames: Vec<Frame> = frames.into_iter().cloned().collect();
        let (packed, back) = there_and_back(&frames);
        assert_eq!(packed.len(), frames.len());
        assert_eq!(back, frames);
    }
}

#[test]
fn whatever_comes_goes_out_as_it_was() {
    let good = segments(false, 3000, 1000, false);
    for length in 14..good[0].len() {
        let frames = [Frame::new(&good[0][..length]), good[1].clone(), good[2].clone()];
        let (_, back) = there_and_back(&frames);
        assert_eq!(back, frames);
    }
    let padded: Vec<Frame> = good.iter().map(|f| [&f[..], &[0; 4]].concat().into()).collect();
    assert_eq!(there_and_back(&padded), (vec![1, 1, 1], padded));
}

/// Recomputes the checksums of an untagged segment.
fn mend(frame: &mut [u8]) {
    let v6 = frame[12] == 0x86;
    let (tcp, addresses) = if v6 { (54, 22..54) } else { (34, 26..34) };
    if !v6 {
        frame[24..26].fill(0);
        let header = !fold(sum(&frame[14..34]));
        frame[24..26].copy_from_slice(&header.to_ne_bytes());
    }
    frame[tcp + 16..tcp + 18].fill(0);
    let length = u64::from(((frame.len() - tcp) as u16).to_be()) + u64::from(6_u16.to_be());
    let whole = !fold(sum(&frame[addresses]) + length + sum(&frame[tcp..]));
    frame[tcp + 16..tcp + 18].copy_from_slice(&whole.to_ne_bytes());
}

#[test]
fn segments_that_differ_in_one_field_go_alone_though_their_checksums_are_right() {
    // IPv4: type of service, identification, "do not fragment", TTL, source, destination. IPv6: traffic class, flow label, hop
    // limit, source, destination. Then TCP: ports, sequence number, acknowledgement, reserved bits, window, urgent pointer.
    let tcp = |begin: usize| [1, 3, 4, 7, 8, 11, 12, 14, 15, 18, 19].map(|at| (begin + at, 1));
    let v4 = [
        (0, 2),
        (5, 1),
        (6, 2),
        (11, 1),
        (15, 1),
        (19, 1),
        (20, 0x40),
        (22, 1),
        (26, 1),
        (29, 1),
        (30, 1),
        (33, 1),
    ];
    let v6 = [
        (0, 2),
        (5, 1),
        (6, 2),
        (11, 1),
        (14, 1),
        (15, 0x10),
        (15, 1),
        (16, 1),
        (17, 1),
        (21, 1),
        (22, 1),
        (37, 1),
        (38, 1),
        (53, 1),
    ];
    for (is_v6, fields) in [(false, [&v4[..], &tcp(34)].concat()), (true, [&v6[..], &tcp(54)].concat())] {
        let good = segments(is_v6, 3000, 1000, false);
        assert_eq!(there_and_back(&good).0, [3]);
        for (at, bits) in fields {
            let mut frames = good.clone();
            let mut other = frames[1].to_vec();
            other[at] ^= bits;
            mend(&mut other);
            frames[1] = other.into();
            let (packed, back) = there_and_back(&frames);
            assert_eq!(packed, [1, 1, 1], "{is_v6} {at}");
            assert_eq!(back, frames, "{is_v6} {at}");
        }
    }
}

#[test]
fn a_short_segment_is_the_last_of_its_packet() {
    for v6 in [false, true] {
        let mut frames = segments(v6, 4000, 1000, false);
        // The second is truncated. The third is where it would be if it were not.
        let mut short = frames[1][..frames[1].len() - 500].to_vec();
        let at = if v6 { 18 } else { 16 };
        let length = u16::from_be_bytes([short[at], short[at + 1]]) - 500;
        short[at..at + 2].copy_from_slice(&length.to_be_bytes());
        mend(&mut short);
        frames[1] = short.into();
        let (packed, back) = there_and_back(&frames);
        assert_eq!(packed, [2, 2], "{v6}");
        assert_eq!(back, frames, "{v6}");
    }
}

/// A segment of a stream: its place in it, the TCP header from the data offset on, and the data.
fn segment(v6: bool, place: usize, sequence: u32, flags: u8, options: &[u8], data: &[u8]) -> Frame {
    let mut frame = crate::live::offload::tests::frame(v6, false, 0);
    let tcp = if v6 { 54 } else { 34 };
    frame[tcp + 4..tcp + 8].copy_from_slice(&sequence.to_be_bytes());
    frame[tcp + 12] = ((20 + options.len()) as u8 / 4) << 4;
    frame[tcp + 13] = flags;
    frame.extend(options);
    frame.extend(data);
    let length = frame.len() - if v6 { tcp } else { 14 };
    let at = if v6 { 18 } else { 16 };
    frame[at..at + 2].copy_from_slice(&(length as u16).to_be_bytes());
    if !v6 {
        frame[18..20].copy_from_slice(&(place as u16).to_be_bytes());
    }
    mend(&mut frame);
    frame.into()
}

/// A stream of segments with data of these lengths.
fn stream(v6: bool, lengths: &[usize]) -> Vec<Frame> {
    let mut sequence = 1000;
    let segments = lengths.iter().enumerate().map(|(place, &length)| {
        let data: Vec<u8> = (0..length).map(|i| (i + place) as u8).collect();
        let frame = segment(v6, place, sequence, ACK, &[], &data);
        sequence += length as u32;
        frame
    });
    segments.collect()
}

#[test]
fn where_a_packet_ends() {
    for v6 in [false, true] {
        // The longest IP packet has 65,535 bytes: headers of 40 or 60, and five segments that fill it.
        let fifth = if v6 { 13_095 } else { 13_099 };
        for (lengths, expected) in [
            (vec![1; 3], vec![3]),
            (vec![1000, 1000, 400, 1000], vec![3, 1]),
            (vec![1000, 1001, 1001], vec![1, 2]),
            (vec![1000, 1000, 1001], vec![2, 1]),
            (vec![fifth; 5], vec![5]),
            ([vec![fifth; 5], vec![1]].concat(), vec![5, 1]),
            (vec![fifth + 1; 5], vec![4, 1]),
        ] {
            let frames = stream(v6, &lengths);
            let (packed, back) = there_and_back(&frames);
            assert_eq!(packed, expected, "{v6} {lengths:?}");
            assert_eq!(back, frames, "{v6} {lengths:?}");
        }
    }
}

#[test]
fn a_segment_with_psh_is_the_last_of_its_packet() {
    for v6 in [false, true] {
        for (pushing, expected) in
            [(vec![0], vec![1, 3]), (vec![1], vec![2, 2]), (vec![0, 1, 2, 3], vec![1; 4]), (vec![3], vec![4])]
        {
            let frames: Vec<Frame> = (0..4)
                .map(|n| {
                    let flags = if pushing.contains(&n) { ACK | PSH } else { ACK };
                    segment(v6, n, n as u32 * 100, flags, &[], &[7; 100])
                })
                .collect();
            let (packed, back) = there_and_back(&frames);
            assert_eq!(packed, expected, "{v6} {pushing:?}");
            assert_eq!(back, frames, "{v6} {pushing:?}");
        }
    }
}

#[test]
fn options_of_tcp_may_be_there_but_not_differ() {
    let stamp = |n: u8| [1, 1, 8, 10, 0, 0, 0, n, 0, 0, 0, 1];
    for v6 in [false, true] {
        for (stamps, expected) in [([1, 1, 1], vec![3]), ([1, 1, 2], vec![2, 1]), ([1, 2, 2], vec![1, 2])] {
            let frames: Vec<Frame> =
                (0..3).map(|n| segment(v6, n, n as u32 * 100, ACK, &stamp(stamps[n]), &[7; 100])).collect();
            let (packed, back) = there_and_back(&frames);
            assert_eq!(packed, expected, "{v6} {stamps:?}");
            assert_eq!(back, frames, "{v6} {stamps:?}");
        }
    }
}

#[test]
fn what_is_no_plain_segment_goes_alone() {
    // Alike in all segments, which are in order and have correct checksums: another protocol; flags other than ACK and
    // PSH, or no ACK; and in IPv4 a header with options, and fragments (more to come; a low and a high offset).
    let tcp =
        |at: usize| [(at + 13, 0x01), (at + 13, 0x02), (at + 13, 0x04), (at + 13, 0x20), (at + 13, 0x10)];
    let v4 = [(23, 1), (14, 0x03), (20, 0x20), (21, 1), (21, 0x80), (20, 0x10)];
    for (v6, changes) in [(false, [&v4[..], &tcp(34)].concat()), (true, [&[(20, 1)][..], &tcp(54)].concat())]
    {
        for (at, bits) in changes {
            let mut frames = stream(v6, &[100; 3]);
            for frame in &mut frames {
                let mut bytes = frame.to_vec();
                bytes[at] ^= bits;
                mend(&mut bytes);
                *frame = bytes.into();
            }
            assert_eq!(there_and_back(&frames), (vec![1; 3], frames), "{v6} {at} {bits:#x}");
        }
        // Acknowledgements without data: the second is a duplicate.
        let frames: Vec<Frame> = (0..3).map(|n| segment(v6, n, 1000, ACK, &[], &[])).collect();
        assert_eq!(there_and_back(&frames), (vec![1; 3], frames), "{v6} without data");
        // A TCP header that claims to be shorter than it can be: its data would begin four bytes early.
        let frames: Vec<Frame> = (0..3)
            .map(|n| {
                let mut bytes = segment(v6, n, n as u32 * 104, ACK, &[], &[7; 100]).to_vec();
                bytes[if v6 { 66 } else { 46 }] = 0x40;
                mend(&mut bytes);
                bytes.into()
            })
            .collect();
        assert_eq!(there_and_back(&frames), (vec![1; 3], frames), "{v6} short header");
    }
}

#[test]
fn a_kernel_gets_its_long_packet_back() {
    for v6 in [false, true] {
        for pushes in [false, true] {
            let begin = if v6 { 54 } else { 34 };
            // As a kernel leaves it, with the pseudo-header sum in place of the checksum.
            let mut whole = crate::live::offload::tests::frame(v6, false, 3500);
            whole[begin + 13] = if pushes { ACK | PSH } else { ACK };
            let mut bytes = vec![NEEDS_CHECKSUM, if v6 { TCP_V6 } else { TCP_V4 }];
            bytes.extend([begin as u16 + 20, 1000, begin as u16, 16].map(u16::to_ne_bytes).concat());
            bytes.extend(&whole);
            let mut frames = Vec::new();
            complete(&mut bytes.clone(), None, &mut Vec::new(), &mut |f| frames.push(Frame::new(f))).unwrap();
            assert_eq!(frames.len(), 4);
            let mut packed = GsoPackets::default();
            let [packet] = packed.pack(&frames) else { panic!("one packet") };
            let packet = packet.clone();
            assert_eq!(packed.parts(&packet, &frames).collect::<Vec<_>>().concat(), bytes, "{v6} {pushes}");
        }
    }
}
