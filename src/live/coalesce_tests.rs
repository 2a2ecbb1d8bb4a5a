use super::*;
use crate::live::offload::complete;

/// The segments of a stream, as a kernel's long packet is cut.
fn segments(v6: bool, data: usize, size: u16, tagged: bool) -> Vec<Frame> {
    let whole = crate::live::offload::tests::frame(v6, false, data);
    let begin = if v6 { 54 } else { 34 };
    let mut whole = whole;
    // ACK and PSH, as data mostly has; the sum of the pseudo header does not cover them.
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

/// Packs, and lets the parcels be cut again as the kernel would.
fn there_and_back(frames: &[Frame]) -> (Vec<usize>, Vec<Frame>) {
    let mut parcels = Parcels::default();
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
    // PSH ends the first, and what begins anew does not follow.
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
    // Another destination address, type of service, sender, port, place in the stream, acknowledgement, window; and data
    // whose checksum does not cover it any more: all of these have wrong checksums now, or differ.
    for at in [0, 15, 29, 35, 41, 45, 48, 100] {
        for index in 0..5 {
            let frames = change(index, at);
            let (packed, back) = there_and_back(&frames);
            assert!(packed.len() > 1, "{index} {at}: {packed:?}");
            assert_eq!(back, frames, "{index} {at}");
        }
    }
    // A gap, the wrong order, the same twice, another in between.
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
