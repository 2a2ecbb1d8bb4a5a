use super::*;

/// RFC 1071, word by word.
fn sum_of(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|w| u32::from(w[0]) << 8 | w.get(1).copied().map_or(0, u32::from));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

fn pseudo(v6: bool, ip: &[u8], protocol: u8, length: usize) -> Vec<u8> {
    let addresses = if v6 { &ip[8..40] } else { &ip[12..20] };
    [addresses, &[0, protocol], &(length as u16).to_be_bytes()].concat()
}

/// A frame as a kernel leaves it: with the pseudo-header sum in place of the checksum.
pub(in crate::live) fn frame(v6: bool, udp: bool, data: usize) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    let transport = if udp { 8 } else { 20 };
    let length = transport + data;
    let protocol = if udp { 17 } else { 6 };
    if v6 {
        frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
        frame.extend((length as u16).to_be_bytes());
        frame.extend([protocol, 64]);
        frame.extend([0xfd; 16]);
        frame.extend([0xfe; 16]);
    } else {
        frame.extend([8, 0, 0x45, 0]);
        frame.extend((length as u16 + 20).to_be_bytes());
        frame.extend([0xff, 0xff, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        let header = !sum_of(&frame[14..34]);
        frame[24..26].copy_from_slice(&header.to_be_bytes());
    }
    let begin = frame.len();
    frame.extend([0x1f, 0x90, 0x00, 0x50]);
    if udp {
        frame.extend((length as u16).to_be_bytes());
        frame.extend([0, 0]);
    } else {
        // The sequence number wraps; CWR, ACK, PSH and FIN.
        frame.extend([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 9, 0x50, 0x99, 1, 0, 0, 0, 0, 0]);
    }
    let at = begin + if udp { 6 } else { 16 };
    let partial = sum_of(&pseudo(v6, &frame[14..], protocol, length));
    frame[at..at + 2].copy_from_slice(&partial.to_be_bytes());
    frame.extend((0..data).map(|i| (i * 7) as u8));
    frame
}

fn header(flags: u8, kind: u8, segment: u16, start: u16, offset: u16) -> Vec<u8> {
    let words = [0, segment, start, offset].map(u16::to_ne_bytes).concat();
    [&[flags, kind][..], &words].concat()
}

fn run(header: &[u8], frame: &[u8], tag: Option<(u16, u16)>) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut out = Vec::new();
    let mut bytes = [header, frame].concat();
    complete(&mut bytes, tag, &mut Vec::new(), &mut |f| out.push(f.to_vec()))?;
    Ok(out)
}

/// Whether the checksums of an untagged frame are correct.
fn is_right(frame: &[u8]) -> bool {
    let v6 = frame[12] == 0x86;
    let (begin, protocol) = if v6 { (54, frame[20]) } else { (34, frame[23]) };
    let covered = [pseudo(v6, &frame[14..], protocol, frame.len() - begin), frame[begin..].to_vec()].concat();
    sum_of(&covered) == 0xffff && (v6 || sum_of(&frame[14..34]) == 0xffff)
}

#[test]
fn a_checksum_left_undone_is_done() {
    for (v6, udp, data) in [(false, false, 1001), (true, false, 0), (false, true, 17), (true, true, 18)] {
        let start = if v6 { 54 } else { 34 };
        let frame = frame(v6, udp, data);
        assert!(!is_right(&frame));
        let done = run(&header(1, 0, 0, start, if udp { 6 } else { 16 }), &frame, None).unwrap();
        assert!(done.len() == 1 && is_right(&done[0]), "{v6} {udp} {data}");
        assert_eq!(done[0].len(), frame.len());
    }
}

#[test]
fn what_needs_nothing_stays_as_it_is() {
    let frame = frame(false, false, 10);
    assert_eq!(run(&NOTHING_TO_DO, &frame, None), Ok(vec![frame.clone()]));
    // The checksum was verified by hardware: nothing to do either.
    assert_eq!(run(&header(2, 0, 0, 0, 0), &frame, None), Ok(vec![frame]));
}

#[test]
fn the_tag_goes_back_to_its_place() {
    let frame = frame(false, false, 10);
    let tagged = [&frame[..12], &[0x88, 0xa8, 0x20, 0x0a], &frame[12..]].concat();
    assert_eq!(run(&NOTHING_TO_DO, &frame, Some((0x88a8, 0x200a))), Ok(vec![tagged]));
    // Behind the addresses, even if nothing else follows.
    let shortest = [&frame[..12], &[0x81, 0, 0, 1]].concat();
    assert_eq!(run(&NOTHING_TO_DO, &frame[..12], Some((0x8100, 1))), Ok(vec![shortest]));
    assert_eq!(run(&NOTHING_TO_DO, &frame[..11], Some((0x8100, 1))), Err(Malformed));
}

#[test]
fn segments_are_what_a_nic_would_have_sent() {
    for (v6, kind) in [(false, TCP_V4), (true, TCP_V6)] {
        let begin = if v6 { 54 } else { 34 };
        let whole = frame(v6, false, 2500);
        let parts = run(&header(1, kind | ECN, 1000, begin as u16, 16), &whole, None).unwrap();
        assert_eq!(parts.iter().map(|p| p.len() - begin - 20).collect::<Vec<_>>(), [1000, 1000, 500]);
        assert!(parts.iter().all(|p| is_right(p)), "{v6}");
        let data = parts.iter().flat_map(|p| &p[begin + 20..]).copied().collect::<Vec<_>>();
        assert_eq!(data, whole[begin + 20..]);
        let numbers = parts.iter().map(|p| u32::from_be_bytes(p[begin + 4..begin + 8].try_into().unwrap()));
        assert_eq!(numbers.collect::<Vec<_>>(), [u32::MAX, 999, 1999]);
        // CWR on the first only, PSH and FIN on the last only, ACK on all.
        assert_eq!(parts.iter().map(|p| p[begin + 13]).collect::<Vec<_>>(), [0x90, 0x10, 0x19]);
        if !v6 {
            assert_eq!(parts.iter().map(|p| &p[18..20]).collect::<Vec<_>>(), [[255, 255], [0, 0], [0, 1]]);
        }
    }
}

#[test]
fn options_of_ip_and_tcp_are_in_every_segment() {
    // Four bytes of IP options before the TCP header, twelve of TCP options after it.
    let plain = frame(false, false, 250);
    let mut whole = [&plain[..34], &[1, 1, 1, 0], &plain[34..54], &[1; 12], &plain[54..]].concat();
    (whole[14], whole[50]) = (0x46, 0x80);
    let parts = run(&header(1, TCP_V4, 100, 38, 16), &whole, None).unwrap();
    assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [170, 170, 120]);
    for part in parts {
        assert_eq!((&part[34..38], &part[58..70]), (&[1, 1, 1, 0][..], &[1; 12][..]));
        assert_eq!(usize::from(u16::from_be_bytes([part[16], part[17]])), part.len() - 14);
        assert_eq!(sum_of(&part[14..38]), 0xffff);
        let covered = [pseudo(false, &part[14..], 6, part.len() - 38), part[38..].to_vec()].concat();
        assert_eq!(sum_of(&covered), 0xffff);
    }
}

#[test]
fn a_checksum_may_be_in_the_last_two_bytes() {
    // An experimental protocol, its checksum the ones' complement of what is before it.
    let frame = [&[2; 12][..], &[0x88, 0xb5], &[1, 2, 3, 4, 0, 0]].concat();
    let done = [&frame[..18], &(!0x0406_u16).to_be_bytes()].concat();
    assert_eq!(run(&header(1, 0, 0, 14, 4), &frame, None), Ok(vec![done]));
    for offset in [5, 6, 7] {
        assert_eq!(run(&header(1, 0, 0, 14, offset), &frame, None), Err(Malformed), "{offset}");
    }
    let too_short = header(1, 0, 0, 19, 0);
    assert_eq!(run(&too_short, &frame, None), Err(Malformed));
}

#[test]
fn datagrams_are_cut_as_well_and_each_keeps_the_tag() {
    for v6 in [false, true] {
        let begin = if v6 { 54 } else { 34 };
        let whole = frame(v6, true, 250);
        let parts = run(&header(1, UDP, 100, begin as u16, 6), &whole, Some((0x8100, 5))).unwrap();
        assert_eq!(parts.len(), 3);
        for part in parts {
            assert_eq!(part[12..16], [0x81, 0, 0, 5]);
            let bare = [&part[..12], &part[16..]].concat();
            assert!(is_right(&bare));
            assert_eq!(
                usize::from(u16::from_be_bytes([bare[begin + 4], bare[begin + 5]])),
                bare.len() - begin
            );
        }
    }
}

#[test]
fn nonsense_is_refused() {
    let good = frame(false, false, 100);
    for bad in [
        // Past the end; no room for the checksum; too short to segment; inside the IP header (twice); another protocol.
        header(1, 0, 0, 2000, 16),
        header(1, 0, 0, 34, 200),
        header(1, TCP_V4, 0, 34, 16),
        header(1, TCP_V4, 50, 20, 16),
        header(1, UDP, 50, 33, 6),
        header(1, TCP_V6, 50, 54, 16),
        header(1, 3, 50, 34, 6),
        header(1, 77, 50, 34, 6),
    ] {
        assert_eq!(run(&bad, &good, None), Err(Malformed), "{bad:?}");
    }
    // A TCP header that claims to be shorter than it can be.
    let mut short = good.clone();
    short[46] = 0x40;
    assert_eq!(run(&header(1, TCP_V4, 50, 34, 16), &short, None), Err(Malformed));
    for length in 0..good.len() {
        // No truncation causes a panic.
        let _ = run(&header(1, TCP_V4, 10, 34, 16), &good[..length], Some((0x8100, 1)));
        let _ = run(&header(1, UDP, 10, 34, 6), &good[..length], None);
    }
    assert_eq!(complete(&mut [0; 9], None, &mut Vec::new(), &mut |_| ()), Err(Malformed));
}

#[test]
fn a_checksum_of_a_datagram_that_comes_out_as_zero_is_written_as_ones() {
    for v6 in [false, true] {
        let start = if v6 { 54 } else { 34 };
        let at = start + 6;
        let checksum = |frame: &[u8]| [frame[at], frame[at + 1]];
        // Two words of data: the first makes the sum zero.
        let mut frame = frame(v6, true, 4);
        frame[start + 8..].fill(0);
        let plain = header(1, 0, 0, start as u16, 6);
        let needed = checksum(&run(&plain, &frame, None).unwrap()[0]);
        frame[start + 8..start + 10].copy_from_slice(&needed);
        let done = run(&plain, &frame, None).unwrap();
        assert_eq!(checksum(&done[0]), [0xff, 0xff], "{v6}");
        assert!(is_right(&done[0]));
        // The same in a datagram cut from a longer one.
        let cut = header(1, UDP, 4, start as u16, 6);
        frame.extend([1, 2, 3, 4]);
        let parts = run(&cut, &frame, None).unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!(checksum(&parts[0]), [0xff, 0xff], "{v6}");
        assert!(parts.iter().all(|part| is_right(part)));
    }
}
