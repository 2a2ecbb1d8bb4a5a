//! The rules of fragments, each by name.

use super::*;
use crate::frame::MacAddr;
use etherparse::{IpEcn, IpFragOffset, IpNumber, Ipv4Header, SlicedPacket, defrag::IpDefragPool};
use proptest::prelude::*;
use std::collections::BTreeSet;

const GROUP: MacAddr = MacAddr([1, 0, 0x5e, 0, 1, 9]);
const SENDER: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x51]);
const ECT0: u8 = 2;
const CE: u8 = 3;

/// A part, and what there is to say about it.
#[derive(Clone, Debug)]
struct Piece {
    dst: MacAddr,
    tags: Vec<[u8; 4]>,
    source: [u8; 4],
    id: u16,
    protocol: u8,
    ttl: u8,
    df: bool,
    ecn: u8,
    options: Vec<u8>,
    offset: usize,
    more: bool,
    data: Vec<u8>,
    trailer: Vec<u8>,
}

/// The bytes from `from` to `to` of the datagram that all tests take apart.
fn text(from: usize, to: usize) -> Vec<u8> {
    (from..to).map(|i| (i % 251) as u8).collect()
}

fn piece(from: usize, to: usize, more: bool) -> Piece {
    Piece {
        dst: GROUP,
        tags: Vec::new(),
        source: [10, 0, 0, 1],
        id: 7,
        protocol: 253,
        ttl: 64,
        df: false,
        ecn: 0,
        options: Vec::new(),
        offset: from,
        more,
        data: text(from, to),
        trailer: Vec::new(),
    }
}

impl Piece {
    fn frame(&self) -> Vec<u8> {
        let mut ip = Ipv4Header::new(
            u16::try_from(self.data.len()).unwrap(),
            self.ttl,
            IpNumber(self.protocol),
            self.source,
            [239, 0, 1, 9],
        )
        .unwrap();
        ip.options = self.options.as_slice().try_into().unwrap();
        ip.total_len = u16::try_from(20 + self.options.len() + self.data.len()).unwrap();
        ip.identification = self.id;
        ip.dont_fragment = self.df;
        ip.more_fragments = self.more;
        ip.fragment_offset = IpFragOffset::try_new(u16::try_from(self.offset / 8).unwrap()).unwrap();
        ip.ecn = IpEcn::try_new(self.ecn).unwrap();
        ip.header_checksum = ip.calc_header_checksum();
        let mut frame = [self.dst.0, SENDER.0].concat();
        frame.extend(self.tags.iter().flatten());
        frame.extend([0x08, 0x00]);
        frame.extend_from_slice(&ip.to_bytes());
        frame.extend_from_slice(&self.data);
        frame.extend_from_slice(&self.trailer);
        frame
    }
}

/// Whoever holds the fragments, and a clock.
#[derive(Default)]
struct Bench {
    fragments: Fragments,
    now: Instant,
}

impl Bench {
    fn offer(&mut self, piece: &Piece) -> Offered {
        self.offer_frame(&piece.frame())
    }

    fn offer_frame(&mut self, frame: &[u8]) -> Offered {
        self.fragments.offer(self.now, frame, &EthHeader::parse(frame).unwrap())
    }

    fn held(&mut self, piece: &Piece, rule: Rule) {
        assert_eq!(self.offer(piece), Offered::Held(rule), "{piece:?}");
    }

    /// The datagram that this piece completes.
    fn whole(&mut self, piece: &Piece) -> Vec<u8> {
        match self.offer(piece) {
            Offered::Whole(frame) => frame,
            other => panic!("{other:?} at {piece:?}"),
        }
    }
}

/// What the pieces from 0 to `to` become if nothing is said about them.
fn expected(to: usize) -> Vec<u8> {
    piece(0, to, false).frame()
}

use Rule::{
    FragmentEcn, FragmentHeld, FragmentImpossible, FragmentOverlap, FragmentTwice, FragmentsFull,
    FragmentsTooFar, FragmentsTooLong,
};

#[test]
fn frag_order_the_last_one_that_is_missing_completes() {
    let pieces = [piece(0, 16, true), piece(16, 32, true), piece(32, 40, false)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut b = Bench::default();
        b.held(&pieces[order[0]], FragmentHeld);
        b.held(&pieces[order[1]], FragmentHeld);
        assert_eq!(b.whole(&pieces[order[2]]), expected(40), "{order:?}");
        assert_eq!(b.fragments.waiting(), 0);
    }
}

#[test]
fn frag_missing_nothing_goes_on_before_30_seconds_nor_after() {
    let mut b = Bench::default();
    b.held(&piece(0, 16, true), FragmentHeld);
    b.now = Instant::ZERO + Duration::from_secs(20);
    b.held(&piece(32, 40, false), FragmentHeld);
    let mut late = Bench { fragments: b.fragments.clone(), now: Instant::ZERO + HOLD_TIME };
    // A moment before the first one's time is up the datagram can be completed; then only what comes is there.
    b.now = Instant::ZERO + (HOLD_TIME - Duration::from_nanos(1));
    assert_eq!(b.whole(&piece(16, 32, true)), expected(40));
    late.held(&piece(16, 32, true), FragmentHeld);
    assert_eq!(late.fragments.waiting(), 1);
    late.held(&piece(32, 40, false), FragmentHeld);
    assert_eq!(late.whole(&piece(0, 16, true)), expected(40));
}

#[test]
fn frag_mixed_only_the_ip_header_says_what_belongs_together() {
    let mut b = Bench::default();
    b.held(&piece(0, 16, true), FragmentHeld);
    for (what, other) in [
        ("id", Piece { id: 8, ..piece(16, 24, false) }),
        ("protocol", Piece { protocol: 17, ..piece(16, 24, false) }),
        ("source", Piece { source: [10, 0, 0, 2], ..piece(16, 24, false) }),
    ] {
        assert_eq!(b.offer(&other), Offered::Held(FragmentHeld), "{what}");
    }
    let mut rest = Piece { dst: MacAddr::BROADCAST, ttl: 3, ..piece(16, 24, false) }.frame();
    rest[6] = 6;
    rest[24] ^= 0xff;
    assert_eq!(b.offer_frame(&rest), Offered::Whole(expected(24)), "a bad checksum, another sender");
}

#[test]
fn frag_mixed_the_result_has_the_headers_of_the_part_with_offset_0() {
    let mut b = Bench::default();
    let rest = Piece { trailer: vec![0xee; 9], options: vec![1; 4], ..piece(16, 24, false) };
    b.held(&rest, FragmentHeld);
    let first = Piece { ttl: 5, options: vec![1; 8], trailer: vec![0xee; 3], ..piece(0, 16, true) };
    let want = Piece { data: text(0, 24), more: false, trailer: Vec::new(), ..first.clone() };
    assert_eq!(b.whole(&first), want.frame());
}

#[test]
fn frag_mixed_df_if_no_part_was_longer_than_the_longest_with_df() {
    for (first, rest, df) in
        [(true, true, true), (true, false, true), (false, true, false), (false, false, false)]
    {
        let mut b = Bench::default();
        b.held(&Piece { df: first, ..piece(0, 16, true) }, FragmentHeld);
        let whole = b.whole(&Piece { df: rest, ..piece(16, 24, false) });
        assert_eq!(whole, Piece { df, ..piece(0, 24, false) }.frame(), "{first} {rest}");
    }
}

/// What counts is the part with its IP header, options included.
#[test]
fn frag_mixed_df_looks_at_whole_parts() {
    for (df, rest_df, want) in [(true, false, true), (false, true, false)] {
        let mut b = Bench::default();
        let first = Piece { df, options: vec![1; 40], ..piece(0, 8, true) };
        b.held(&first, FragmentHeld);
        let whole = b.whole(&Piece { df: rest_df, ..piece(8, 40, false) });
        assert_eq!(whole, Piece { df: want, more: false, data: text(0, 40), ..first }.frame());
    }
}

#[test]
fn frag_overlap_a_repetition_is_dropped_alone_and_an_overlap_ruins_all() {
    let mut b = Bench::default();
    b.held(&piece(8, 24, true), FragmentHeld);
    b.held(&piece(8, 24, true), FragmentTwice);
    b.held(&piece(16, 24, true), FragmentTwice);
    let mut once = Bench { fragments: b.fragments.clone(), ..Bench::default() };
    once.held(&piece(24, 32, false), FragmentHeld);
    assert_eq!(once.whole(&piece(0, 8, true)), expected(32));
    for (from, to, more) in [(0, 16, true), (16, 32, true), (0, 32, true), (16, 30, false)] {
        let mut b = Bench { fragments: b.fragments.clone(), ..Bench::default() };
        b.held(&piece(from, to, more), FragmentOverlap);
        assert_eq!(b.fragments.waiting(), 0, "{from} {to}");
    }
}

#[test]
fn frag_stretch_a_part_that_fills_a_gap_is_a_stretch_of_its_own() {
    let mut in_order = Bench::default();
    in_order.held(&piece(0, 16, true), FragmentHeld);
    in_order.held(&piece(16, 32, true), FragmentHeld);
    in_order.held(&piece(8, 24, true), FragmentTwice);
    assert_eq!(in_order.whole(&piece(32, 40, false)), expected(40));

    let mut gap = Bench::default();
    gap.held(&piece(0, 16, true), FragmentHeld);
    gap.held(&piece(32, 48, true), FragmentHeld);
    gap.held(&piece(16, 32, true), FragmentHeld);
    gap.held(&piece(8, 24, true), FragmentOverlap);
    assert_eq!(gap.fragments.waiting(), 0);
}

#[test]
fn frag_odd_parts_that_contradict_the_end_or_hold_nothing() {
    let last = piece(16, 24, false);
    for (what, before, after) in [
        ("a last part before the known end", piece(0, 24, true), piece(8, 16, false)),
        ("a second end, further", last.clone(), piece(24, 32, false)),
        ("a second end, nearer", last.clone(), piece(8, 16, false)),
        ("data beyond the end", last.clone(), piece(24, 32, true)),
        ("no data", last.clone(), piece(8, 8, true)),
        ("cut to nothing", last.clone(), piece(8, 15, true)),
    ] {
        let mut b = Bench::default();
        b.held(&before, FragmentHeld);
        assert_eq!(b.offer(&after), Offered::Held(FragmentImpossible), "{what}");
        assert_eq!(b.fragments.waiting(), 0, "{what}");
    }
}

#[test]
fn frag_odd_a_part_that_is_not_the_last_is_cut_to_a_multiple_of_8() {
    let mut b = Bench::default();
    b.held(&piece(0, 15, true), FragmentHeld);
    assert_eq!(b.whole(&piece(8, 12, false)), expected(12));
}

#[test]
fn frag_odd_a_repetition_that_says_it_is_the_last_sets_the_end_and_completes_nothing() {
    let mut b = Bench::default();
    b.held(&piece(0, 16, true), FragmentHeld);
    b.held(&piece(8, 16, false), FragmentTwice);
    b.held(&piece(16, 24, false), FragmentImpossible);
}

#[test]
fn frag_odd_a_datagram_has_at_most_65535_bytes() {
    for (last, whole) in [(65_515, true), (65_516, false)] {
        let mut b = Bench::default();
        b.held(&piece(0, 65_504, true), FragmentHeld);
        let offered = b.offer(&piece(65_504, last, false));
        match offered {
            Offered::Whole(frame) => assert!(whole && frame.len() == 14 + MAX_DATAGRAM_BYTES),
            other => assert_eq!((other, whole), (Offered::Held(FragmentsTooLong), false)),
        }
        assert_eq!(b.fragments.waiting(), 0);
    }
}

#[test]
fn frag_ecn_some_capable_and_some_not_is_thrown_away() {
    for (first, rest, result) in [
        (0, 0, Some(0)),
        (0, ECT0, None),
        (1, 0, None),
        (CE, 0, None),
        (ECT0, CE, Some(CE)),
        (1, CE, Some(CE)),
        (CE, CE, Some(CE)),
        (1, ECT0, Some(1)),
    ] {
        let mut b = Bench::default();
        b.held(&Piece { ecn: first, ..piece(0, 16, true) }, FragmentHeld);
        let offered = b.offer(&Piece { ecn: rest, ..piece(16, 24, false) });
        let want = match result {
            Some(ecn) => Offered::Whole(Piece { ecn, ..piece(0, 24, false) }.frame()),
            None => Offered::Held(FragmentEcn),
        };
        assert_eq!(offered, want, "{first} {rest}");
        assert_eq!(b.fragments.waiting(), 0);
    }
}

#[test]
fn frag_tagged_the_tag_of_the_first_part_stays() {
    let tag = vec![[0x81, 0x00, 0x20, 5]];
    for (first, rest) in
        [(tag.clone(), Vec::new()), (Vec::new(), tag.clone()), (tag, vec![[0x88, 0xa8, 0, 6]])]
    {
        let mut b = Bench::default();
        b.held(&Piece { tags: rest, ..piece(16, 24, false) }, FragmentHeld);
        let whole = b.whole(&Piece { tags: first.clone(), ..piece(0, 16, true) });
        assert_eq!(whole, Piece { tags: first, ..piece(0, 24, false) }.frame());
    }
}

#[test]
fn frag_unicast_and_two_tags_and_what_is_no_fragment_pass() {
    let part = piece(0, 16, true);
    let broken = |at: usize, bytes: &[u8]| {
        let mut frame = part.frame();
        frame[at..at + bytes.len()].copy_from_slice(bytes);
        frame
    };
    for (what, frame) in [
        ("unicast", Piece { dst: SENDER, ..part.clone() }.frame()),
        ("two tags", Piece { tags: vec![[0x81, 0, 0, 5]; 2], ..part.clone() }.frame()),
        ("whole", piece(0, 16, false).frame()),
        ("another ethertype", broken(12, &[0x86, 0xdd])),
        ("version 6", broken(14, &[0x65])),
        ("a header of 16 bytes", broken(14, &[0x44])),
        ("longer than the frame", broken(16, &[0, 37])),
        ("shorter than its header", broken(16, &[0, 19])),
        ("a header cut short", part.frame()[..33].to_vec()),
        ("nothing behind the header", part.frame()[..14].to_vec()),
    ] {
        let mut b = Bench::default();
        assert_eq!(b.offer_frame(&frame), Offered::NotAFragment, "{what}");
        assert_eq!(b.fragments.waiting(), 0, "{what}");
    }
}

/// One part, then so many of others of the same source, then the rest.
fn at_distance(others: u16) -> (Bench, Offered) {
    let mut b = Bench::default();
    b.held(&piece(0, 16, true), FragmentHeld);
    for n in 0..others {
        b.held(&Piece { id: 100 + n, ..piece(0, 8, true) }, FragmentHeld);
        b.held(&Piece { id: 100 + n, source: [10, 0, 0, 2], ..piece(0, 8, true) }, FragmentHeld);
    }
    let offered = b.offer(&piece(16, 24, false));
    (b, offered)
}

#[test]
fn frag_distance_63_does_no_harm() {
    assert_eq!(at_distance(63).1, Offered::Whole(expected(24)));
}

#[test]
fn frag_distance_64_throws_the_earlier_parts_away() {
    let (mut b, offered) = at_distance(64);
    assert_eq!(offered, Offered::Held(FragmentsTooFar));
    assert_eq!(b.whole(&piece(0, 16, true)), expected(24));
}

#[test]
fn frag_distance_the_time_begins_anew_and_df_is_remembered() {
    let mut b = Bench::default();
    b.held(&Piece { df: true, ..piece(0, 80, true) }, FragmentHeld);
    b.now = Instant::ZERO + Duration::from_secs(29);
    for n in 0..64 {
        b.held(&Piece { id: 100 + n, ..piece(0, 8, true) }, FragmentHeld);
    }
    b.held(&piece(0, 16, true), FragmentsTooFar);
    b.now = Instant::ZERO + Duration::from_secs(58);
    assert_eq!(b.whole(&piece(16, 24, false)), Piece { df: true, ..piece(0, 24, false) }.frame());
}

#[test]
fn when_too_much_is_held_every_further_part_is_thrown_away() {
    let mut b = Bench::default();
    let each = DATAGRAM_OVERHEAD_BYTES + PART_OVERHEAD_BYTES + 1480;
    let fit = MAX_HELD_BYTES / each + 1;
    // Some are longer, so that all but the last come to the limit to the byte.
    let longer = MAX_HELD_BYTES % each / 8;
    for n in 0..fit {
        let id = u16::try_from(n).unwrap();
        let to = if n < longer { 1488 } else { 1480 };
        b.held(&Piece { id, ..piece(0, to, true) }, FragmentHeld);
        assert_eq!(b.fragments.cost == MAX_HELD_BYTES, n == fit - 2);
    }
    assert_eq!(b.fragments.waiting(), fit);
    // Even one that would complete what is held: nothing leaves before its time.
    b.held(&Piece { id: u16::try_from(fit - 1).unwrap(), ..piece(1480, 1488, false) }, FragmentsFull);
    b.held(&Piece { id: 9999, ..piece(0, 8, true) }, FragmentsFull);
    b.now = Instant::ZERO + HOLD_TIME;
    b.held(&Piece { id: 9999, ..piece(0, 8, true) }, FragmentHeld);
    assert_eq!(b.fragments.waiting(), 1);
    assert_eq!(b.fragments.arrived.len(), 1);
}

/// The cuts of a datagram, and the order in which its parts arrive.
fn cut_and_shuffled() -> impl Strategy<Value = Vec<Piece>> {
    (prop::collection::btree_set(1usize..60, 1..8), 1usize..30).prop_flat_map(|(cuts, tail)| {
        let mut bounds: Vec<usize> = [0].into_iter().chain(cuts.into_iter().map(|c| c * 8)).collect();
        bounds.push(bounds[bounds.len() - 1] + tail);
        let pieces: Vec<Piece> =
            bounds.windows(2).map(|w| piece(w[0], w[1], w[1] != bounds[bounds.len() - 1])).collect();
        Just(pieces).prop_shuffle()
    })
}

fn any_piece() -> impl Strategy<Value = Piece> {
    (0usize..8, 0usize..40, any::<bool>(), 0u8..4, 7u16..9, any::<bool>(), 0usize..3).prop_map(
        |(offset, len, more, ecn, id, df, options)| Piece {
            ecn,
            id,
            df,
            options: vec![1; options * 4],
            ..piece(offset * 8, offset * 8 + len, more)
        },
    )
}

proptest! {
    #[test]
    fn any_order_gives_the_same_datagram(pieces in cut_and_shuffled()) {
        let mut b = Bench::default();
        let mut pool = IpDefragPool::<(), ()>::new();
        let (last, before) = pieces.split_last().unwrap();
        for p in before {
            prop_assert_eq!(b.offer(p), Offered::Held(FragmentHeld));
            let frame = p.frame();
            let pooled = pool.process_sliced_packet(&SlicedPacket::from_ethernet(&frame).unwrap(), (), ());
            prop_assert!(pooled.unwrap().is_none());
        }
        let to = pieces.iter().map(|p| p.offset + p.data.len()).max().unwrap();
        let whole = b.whole(last);
        let frame = last.frame();
        let pooled = pool.process_sliced_packet(&SlicedPacket::from_ethernet(&frame).unwrap(), (), ());
        prop_assert_eq!(&pooled.unwrap().unwrap().payload, &whole[34..]);
        prop_assert_eq!(whole, expected(to));
        prop_assert_eq!((b.fragments.waiting(), b.fragments.cost), (0, 0));
    }

    #[test]
    fn whatever_parts_come_the_books_balance(pieces in prop::collection::vec(any_piece(), 0..60)) {
        let mut b = Bench::default();
        for p in &pieces {
            if let Offered::Whole(frame) = b.offer(p) {
                let header = Ipv4Header::from_slice(&frame[14..]).unwrap().0;
                prop_assert!(!header.is_fragmenting_payload());
                prop_assert_eq!(usize::from(header.total_len), frame.len() - 14);
                prop_assert_eq!(header.header_checksum, header.calc_header_checksum());
                prop_assert_eq!(&frame[14 + header.header_len()..], text(0, frame.len() - 14 - header.header_len()));
            }
            prop_assert_eq!(b.fragments.cost, b.fragments.held.values().map(Datagram::cost).sum::<usize>());
            prop_assert_eq!(b.fragments.deadlines.len(), b.fragments.held.len());
            let waiting: BTreeSet<_> = b.fragments.held.keys().map(|key| key.source).collect();
            prop_assert!(b.fragments.arrived.keys().eq(&waiting), "only sources that wait are counted");
        }
        b.now = Instant::ZERO + HOLD_TIME;
        let _ = b.offer(&piece(0, 8, true));
        prop_assert_eq!(b.fragments.waiting(), 1);
    }

    #[test]
    fn random_bytes_never_panic(
        tagged in any::<bool>(),
        rest in prop::collection::vec(any::<u8>(), 0..80),
        header in any::<[u8; 14]>(),
    ) {
        let mut frame = GROUP.0.repeat(2);
        frame.extend(if tagged { &[0x81, 0, 0, 5, 8, 0][..] } else { &[8, 0][..] });
        frame.extend(&rest);
        let mut b = Bench::default();
        // A header that is another frame's does no harm either.
        let foreign = EthHeader { ethertype: 0x0800, dst: GROUP, ..EthHeader::parse(&[&header[..], &[0; 6]].concat()).unwrap() };
        let _ = b.fragments.offer(b.now, &rest, &foreign);
        if EthHeader::parse(&frame).is_ok() {
            let _ = b.offer_frame(&frame);
            let _ = b.offer_frame(&frame);
        }
    }
}
