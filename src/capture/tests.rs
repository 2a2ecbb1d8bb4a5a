//! Captures as a user sees them: every hostile case is built here, byte by byte.

mod hostile;

use super::*;
use crate::frame::{MacAddr, PacketType};
use crate::time::Instant;
use std::io::{Cursor, Read, Write};

/// Appends numbers in one byte order.
struct Bytes {
    big: bool,
    out: Vec<u8>,
}

impl Bytes {
    fn new(big: bool) -> Bytes {
        Bytes { big, out: Vec::new() }
    }

    fn u16(mut self, n: u16) -> Bytes {
        self.out.extend(if self.big { n.to_be_bytes() } else { n.to_le_bytes() });
        self
    }

    fn u32(mut self, n: u32) -> Bytes {
        self.out.extend(if self.big { n.to_be_bytes() } else { n.to_le_bytes() });
        self
    }

    fn u64(self, n: u64) -> Bytes {
        if self.big {
            self.u32((n >> 32) as u32).u32(n as u32)
        } else {
            self.u32(n as u32).u32((n >> 32) as u32)
        }
    }

    fn bytes(mut self, bytes: &[u8]) -> Bytes {
        self.out.extend(bytes);
        self
    }

    fn padded(mut self, bytes: &[u8]) -> Bytes {
        self.out.extend(bytes);
        self.out.resize(self.out.len().next_multiple_of(4), 0);
        self
    }

    /// A pcapng block around `body`.
    fn block(self, kind: u32, body: Bytes) -> Bytes {
        let len = u32::try_from(body.out.len()).unwrap() + 12;
        self.u32(kind).u32(len).bytes(&body.out).u32(len)
    }

    fn option(self, code: u16, value: &[u8]) -> Bytes {
        self.u16(code).u16(u16::try_from(value.len()).unwrap()).padded(value)
    }

    fn section(self) -> Bytes {
        let body = Bytes::new(self.big).u32(0x1a2b_3c4d).u16(1).u16(0).u64(u64::MAX);
        self.block(0x0a0d_0d0a, body)
    }

    fn interface(self, link_type: u16, options: impl FnOnce(Bytes) -> Bytes) -> Bytes {
        let body = options(Bytes::new(self.big).u16(link_type).u16(0).u32(0));
        self.block(1, body)
    }

    fn packet(self, interface: u32, ticks: u64, data: &[u8]) -> Bytes {
        let len = u32::try_from(data.len()).unwrap();
        let body = Bytes::new(self.big).u32(interface).u32((ticks >> 32) as u32).u32(ticks as u32);
        let body = body.u32(len).u32(len).padded(data);
        self.block(6, body)
    }

    fn pcap(self, nanos: bool, link_type: u32) -> Bytes {
        let magic = if nanos { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
        self.u32(magic).u16(2).u16(4).u32(0).u32(0).u32(65_535).u32(link_type)
    }

    fn record(self, sec: u32, fraction: u32, captured: u32, original: u32, data: &[u8]) -> Bytes {
        self.u32(sec).u32(fraction).u32(captured).u32(original).bytes(data)
    }

    fn frame(self, sec: u32, len: u32) -> Bytes {
        self.record(sec, 0, len, len, &vec![0xaa; len as usize])
    }
}

/// A summary of every record: number, time and length of the good ones; the messages of the bad ones.
fn read(bytes: impl Into<Vec<u8>>) -> Vec<Result<(u64, u64, usize), String>> {
    let mut reader = Reader::new(Cursor::new(bytes.into())).unwrap();
    let mut records = Vec::new();
    while let Some(record) = reader.next_record() {
        records.push(match record {
            Ok(r) => Ok((r.number, r.time.as_nanos(), r.data.len())),
            Err(bad) => Err(bad.to_string()),
        });
    }
    records
}

fn refusal(bytes: impl Into<Vec<u8>>) -> String {
    Reader::new(Cursor::new(bytes.into())).unwrap_err().to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut z = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    z.write_all(bytes).unwrap();
    z.finish().unwrap()
}

#[test]
fn pcap_round_trip() {
    let mut writer = PcapWriter::new(Vec::new()).unwrap();
    writer.write(Instant::from_nanos(1_700_000_000_123_456_789), &[1; 60], 60).unwrap();
    writer.write(Instant::from_nanos(1), &[2; 14], 1514).unwrap();
    let file = writer.finish().unwrap();
    let mut reader = Reader::new(Cursor::new(file)).unwrap();
    let first = reader.next_record().unwrap().unwrap();
    assert_eq!((first.number, first.offset, first.time.as_nanos()), (1, 24, 1_700_000_000_123_456_789));
    assert_eq!((first.data, first.orig_len, first.is_cut()), (&[1; 60][..], 60, false));
    let second = reader.next_record().unwrap().unwrap();
    assert_eq!((second.number, second.offset, second.orig_len, second.is_cut()), (2, 24 + 76, 1514, true));
    assert!(reader.next_record().is_none());
}

#[test]
fn pcap_in_both_byte_orders_and_resolutions() {
    for big in [false, true] {
        for (nanos, ns) in [(false, 5_000_007_000), (true, 5_000_000_007)] {
            let file = Bytes::new(big).pcap(nanos, 1).record(5, 7, 60, 60, &[0; 60]).out;
            assert_eq!(read(file), [Ok((1, ns, 60))]);
        }
    }
}

#[test]
fn pcapng_round_trip() {
    let mut writer = PcapngWriter::new(Vec::new()).unwrap();
    let eth0 = writer.add_interface("eth0", "nic", Some(MacAddr::ALL_HOSTS_V4)).unwrap();
    let packet = Packet {
        interface: eth0,
        time: Instant::from_nanos(7),
        frame: &[3; 61],
        orig_len: 61,
        direction: Some(Direction::In),
        packet_type: Some(PacketType::Broadcast),
        packet_id: Some(9),
        comment: "R11",
    };
    writer.write(&packet).unwrap();
    let c1 = writer.add_interface("c1", "", None).unwrap();
    writer.write(&Packet { interface: c1, comment: "", packet_id: None, ..packet }).unwrap();
    writer.statistics(c1, &InterfaceStatistics { received: Some(1), ..Default::default() }).unwrap();
    assert!(writer.write(&Packet { interface: 2, ..packet }).is_err());
    let file = writer.finish().unwrap();
    // Direction in, broadcast: 1 | 3 << 2. The id, and the comment, as stored in the file.
    for option in [&[2, 0, 4, 0, 13, 0, 0, 0][..], &[5, 0, 8, 0, 9, 0, 0, 0, 0, 0, 0, 0], b"R11", b"macvlab "]
    {
        assert!(file.windows(option.len()).any(|w| w == option), "{option:?}");
    }
    let mut reader = Reader::new(Cursor::new(file)).unwrap();
    let record = reader.next_record().unwrap().unwrap();
    assert_eq!((record.interface, record.time.as_nanos(), record.data), (0, 7, &[3; 61][..]));
    assert_eq!(reader.next_record().unwrap().unwrap().interface, 1);
    assert!(reader.next_record().is_none());
    let names: Vec<_> = reader.interfaces().iter().map(|i| i.name.as_deref()).collect();
    assert_eq!(names, [Some("eth0"), Some("c1")]);
}

#[test]
fn what_is_not_known_of_a_packet_is_not_written() {
    let known = Packet {
        interface: 0,
        time: Instant::from_nanos(7),
        frame: &[3; 60],
        orig_len: 60,
        direction: Some(Direction::Out),
        packet_type: Some(PacketType::OtherHost),
        packet_id: None,
        comment: "",
    };
    // The option's code and length, then two bits of direction and three of reception type.
    let flags = |flags: u8| [2, 0, 4, 0, flags, 0, 0, 0];
    let types = [(Some(PacketType::Host), 1), (Some(PacketType::OtherHost), 4), (None, 0)];
    for (direction, low) in [(Some(Direction::In), 1), (Some(Direction::Out), 2), (None, 0)] {
        for (packet_type, high) in types {
            let mut writer = PcapngWriter::new(Vec::new()).unwrap();
            writer.add_interface("eth0", "", None).unwrap();
            writer.write(&Packet { direction, packet_type, ..known }).unwrap();
            let file = writer.finish().unwrap();
            let block = &file[file.len() - 44..];
            let written = block.windows(8).find(|w| w[..4] == [2, 0, 4, 0]).map(|w| w.to_vec());
            let expected = (low | high << 2 != 0).then(|| flags(low | high << 2).to_vec());
            assert_eq!(written, expected, "{direction:?} {packet_type:?}");
        }
    }
}

#[test]
fn pcapng_times_of_every_resolution() {
    let ns = |resolution: u8, offset_s: i64, ticks: u64| {
        let file = Bytes::new(true)
            .section()
            .interface(1, |b| b.option(9, &[resolution]).option(14, &offset_s.to_be_bytes()).u16(0).u16(0));
        read(file.packet(0, ticks, &[0; 60]).out)
    };
    assert_eq!(ns(6, 0, 3), [Ok((1, 3000, 60))]);
    assert_eq!(ns(0, 0, 3), [Ok((1, 3_000_000_000, 60))]);
    assert_eq!(ns(12, 0, 3_999), [Ok((1, 3, 60))]);
    assert_eq!(ns(127, 0, u64::MAX), [Ok((1, 0, 60))]);
    assert_eq!(ns(0x80 | 10, 0, 512), [Ok((1, 500_000_000, 60))]);
    assert_eq!(ns(9, 2, 1), [Ok((1, 2_000_000_001, 60))]);
    let out_of_range = [Err("record 1, at byte 72: its time is before 1970 or after 2554".to_owned())];
    assert_eq!(ns(9, -1, 1), out_of_range);
    assert_eq!(ns(0, 0, u64::MAX), out_of_range);
}

#[test]
fn pcapng_sections_have_their_own_order_and_interfaces() {
    let name = |n: &'static [u8]| move |b: Bytes| b.option(2, n);
    let big = Bytes::new(true).section().interface(1, name(b"eth0")).packet(0, 1, &[0; 60]).out;
    let little =
        Bytes::new(false).section().interface(1, name(b"eth1")).packet(0, 2, &[0; 61]).packet(1, 3, &[0; 62]);
    let mut reader = Reader::new(Cursor::new([big, little.out].concat())).unwrap();
    assert_eq!(reader.next_record().unwrap().unwrap().interface, 0);
    let second = reader.next_record().unwrap().unwrap();
    assert_eq!((second.interface, second.time.as_nanos()), (0, 2000));
    assert_eq!(reader.interfaces()[0].name.as_deref(), Some("eth1"));
    assert_eq!(reader.next_record().unwrap().unwrap_err().reason, BadReason::UnknownInterface(1));
    assert!(reader.next_record().is_none());
}

#[test]
fn pcapng_simple_and_old_packets() {
    let start = || Bytes::new(true).section().interface(1, |b| b).packet(0, 5, &[0; 60]);
    let simple = Bytes::new(true).u32(61).padded(&[0; 61]);
    assert_eq!(read(start().block(3, simple).out), [Ok((1, 5000, 60)), Ok((2, 5000, 61))]);
    let old = Bytes::new(true).u16(0).u16(9).u64(6).u32(62).u32(62).padded(&[0; 62]);
    assert_eq!(read(start().block(2, old).out), [Ok((1, 5000, 60)), Ok((2, 6000, 62))]);
    // A simple packet that claims more than its block has.
    let short = Bytes::new(true).u32(61).padded(&[0; 56]);
    let bad = "record 2, at byte 140: its block has 60 bytes and needs 65".to_owned();
    assert_eq!(read(start().block(3, short).frame_after()), [Ok((1, 5000, 60)), Err(bad), Ok((3, 9000, 60))]);
}

impl Bytes {
    /// Another good pcapng packet, to check that reading continues.
    fn frame_after(self) -> Vec<u8> {
        self.packet(0, 9, &[0; 60]).out
    }
}

#[test]
fn bad_pcapng_blocks_are_reported_and_the_rest_is_read() {
    let start = || Bytes::new(false).section().interface(1, |b| b);
    let good = Ok((2, 9000, 60));
    let at = "record 1, at byte 48: ";
    let bad = |text: &str| Err(format!("{at}{text}"));
    let packet = |interface: u32, captured: u32, original: u32, len: usize| {
        Bytes::new(false).u32(interface).u64(0).u32(captured).u32(original).padded(&vec![0; len])
    };
    let read_one = |body: Bytes| read(start().block(6, body).frame_after());
    assert_eq!(
        read_one(packet(7, 60, 60, 60)),
        [bad("it belongs to interface 7, which its section does not describe"), good.clone()]
    );
    assert_eq!(
        read_one(packet(0, 60, 59, 60)),
        [bad("60 bytes were captured of a frame of 59"), good.clone()]
    );
    assert_eq!(read_one(packet(0, 64, 64, 60)), [bad("its block has 80 bytes and needs 84"), good.clone()]);
    assert_eq!(
        read_one(packet(0, u32::MAX, u32::MAX, 60)),
        [bad("it claims 4294967295 bytes, and a record has at most 262144"), good.clone()]
    );
    assert_eq!(
        read_one(packet(0, 13, 60, 13)),
        [bad("a frame of 13 bytes is shorter than an Ethernet header of 14"), good.clone()]
    );
    let mut file = start().block(6, packet(0, 60, 60, 60));
    let last = file.out.len() - 4;
    file.out[last] = 1;
    assert_eq!(
        read(file.frame_after()),
        [bad("its block begins with length 92 and ends with length 1"), good]
    );
}

#[test]
fn a_broken_interface_keeps_its_number() {
    let file = Bytes::new(false).section().block(1, Bytes::new(false).u16(1)).interface(1, |b| b);
    let records = read(file.packet(0, 1, &[0; 60]).packet(1, 2, &[0; 60]).out);
    let broken = Err(
        "before record 1, at byte 28: a block has the impossible length 14, so the next one cannot be found"
            .to_owned(),
    );
    assert_eq!(records, [broken]);
    let file = Bytes::new(false).section().block(1, Bytes::new(false).u16(1).u16(0)).interface(1, |b| b);
    let records = read(file.packet(0, 1, &[0; 60]).packet(1, 2, &[0; 60]).out);
    assert_eq!(
        records,
        [
            Err("before record 1, at byte 28: the description of an interface is invalid".to_owned()),
            Err("record 1, at byte 64: it belongs to interface 0, which its section does not describe"
                .to_owned()),
            Ok((2, 2000, 60)),
        ]
    );
}

#[test]
fn packets_of_other_link_types_are_reported_one_by_one() {
    let file = Bytes::new(false).section().interface(1, |b| b).interface(101, |b| b);
    let records = read(file.packet(1, 1, &[0; 60]).packet(0, 2, &[0; 60]).out);
    let bad =
        "record 1, at byte 68: its interface has link type 101 (raw IP), and only Ethernet (1) can be read";
    assert_eq!(records, [Err(bad.to_owned()), Ok((2, 2000, 60))]);
}

#[test]
fn bad_pcap_records_are_reported_and_the_rest_is_read() {
    let start = || Bytes::new(true).pcap(true, 1).frame(1, 60);
    let (first, third) = (Ok((1, 1_000_000_000, 60)), Ok((3, 3_000_000_000, 60)));
    let bad = |text: &str| Err(format!("record 2, at byte 100: {text}"));
    let around = |record: Bytes| read(record.frame(3, 60).out);
    assert_eq!(
        around(start().record(2, 1_000_000_000, 60, 60, &[0; 60])),
        [first.clone(), bad("its time has 1000000000 nanoseconds within one second"), third.clone()]
    );
    assert_eq!(
        around(start().record(2, 0, 60, 20, &[0; 60])),
        [first.clone(), bad("60 bytes were captured of a frame of 20"), third.clone()]
    );
    assert_eq!(
        around(start().frame(2, 13)),
        [first.clone(), bad("a frame of 13 bytes is shorter than an Ethernet header of 14"), third.clone()]
    );
    assert_eq!(
        around(start().frame(2, 65_536)),
        [first.clone(), bad("a frame of 65536 bytes is longer than 65535"), third.clone()]
    );
    assert_eq!(
        around(start().frame(2, 262_145)),
        [first.clone(), bad("it claims 262145 bytes, and a record has at most 262144"), third]
    );
    assert_eq!(around(start().frame(2, 65_535)).get(1), Some(&Ok((2, 2_000_000_000, 65_535))));
}

#[test]
fn an_absurd_length_ends_the_reading_and_says_so() {
    let file = Bytes::new(true).pcap(true, 1).frame(1, 60).record(2, 0, u32::MAX, u32::MAX, &[0; 60]).out;
    let bad =
        "record 2, at byte 100: it claims 4294967295 bytes and only 60 follow, so the rest cannot be read";
    assert_eq!(read(file), [Ok((1, 1_000_000_000, 60)), Err(bad.to_owned())]);
}

#[test]
fn truncated_files_give_what_they_have() {
    let file = Bytes::new(true).pcap(true, 1).frame(1, 60).frame(2, 60).out;
    let good = Ok((1, 1_000_000_000, 60));
    for (cut, text) in [(1, "75 of 76"), (60, "16 of 76"), (61, "15 of 16"), (75, "1 of 16")] {
        let records = read(&file[..file.len() - cut]);
        let bad = format!("record 2, at byte 100: the capture ends here, after {text} bytes of it");
        assert_eq!(records, [good.clone(), Err(bad)]);
    }
    assert_eq!(read(&file[..100]), [good]);
    let ng = Bytes::new(true).section().interface(1, |b| b).packet(0, 1, &[0; 60]).out;
    let bad = "record 1, at byte 48: the capture ends here, after 91 of 92 bytes of it";
    assert_eq!(read(&ng[..ng.len() - 1]), [Err(bad.to_owned())]);
}

#[test]
fn what_is_no_capture_is_refused_with_the_reason() {
    assert_eq!(refusal([]), "the capture is empty");
    assert_eq!(refusal(*b"GET "), "not a capture: it begins with 47 45 54 20, unlike pcap and pcapng");
    assert_eq!(refusal(*b"ab"), "not a capture: it begins with 61 62, unlike pcap and pcapng");
    let header = Bytes::new(false).pcap(false, 1).out;
    assert_eq!(refusal(&header[..23]), "the capture ends within its header: 23 of 24 bytes");
    assert_eq!(
        refusal(Bytes::new(false).pcap(false, 113).out),
        "the capture's link type is 113 (Linux cooked), and only Ethernet (1) can be read"
    );
    let section = Bytes::new(false).section().out;
    assert_eq!(refusal(&section[..20]), "the capture ends within its header: 20 of 28 bytes");
    let mut mark = section.clone();
    mark[8] = 0;
    assert!(refusal(mark).contains("byte-order mark"));
    let mut version = section;
    version[12] = 3;
    assert_eq!(refusal(version), "unknown pcapng version 3.0");
}

#[test]
fn frame_check_sequences_are_taken_off() {
    // One unit of length 2 is 4 bytes: bits 28 to 31; bit 26 says that it applies.
    let file =
        Bytes::new(true).pcap(true, 1 | 1 << 26 | 2 << 28).frame(1, 64).record(2, 0, 64, 1518, &[0; 64]).out;
    let mut reader = Reader::new(Cursor::new(file)).unwrap();
    let whole = reader.next_record().unwrap().unwrap();
    assert_eq!((whole.data.len(), whole.orig_len), (60, 60));
    let cut = reader.next_record().unwrap().unwrap();
    assert_eq!((cut.data.len(), cut.orig_len), (64, 1514));
}

#[test]
fn compressed_captures() {
    let file = Bytes::new(true).pcap(true, 1).frame(1, 60).frame(2, 61).out;
    let records = [Ok((1, 1_000_000_000, 60)), Ok((2, 2_000_000_000, 61))];
    assert_eq!(read(gzip(&file)), records);
    assert_eq!(read(zstd::stream::encode_all(&file[..], 1).unwrap()), records);
    // Two concatenated members are one stream.
    assert_eq!(read([gzip(&file[..90]), gzip(&file[90..])].concat()), records);
    let whole = gzip(&file);
    let broken = read(&whole[..whole.len() - 4]);
    assert_eq!(broken[..2], records);
    assert!(
        matches!(&broken[2..], [Err(e)] if e.starts_with("record 3, at byte 177: reading failed")),
        "{broken:?}"
    );
}

/// An endless repetition of the same record.
struct Endless(u64);

impl Read for Endless {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let frame = Bytes::new(true).frame(1, 240).out;
        for (i, byte) in buf.iter_mut().enumerate() {
            *byte = frame[(self.0 as usize + i) % frame.len()];
        }
        self.0 += buf.len() as u64;
        Ok(buf.len())
    }
}

#[test]
fn a_long_stream_is_read_in_a_window() {
    let stream = Cursor::new(Bytes::new(true).pcap(true, 1).out).chain(Endless(0));
    let mut reader = Reader::new(stream).unwrap();
    for number in 1..20_000 {
        let record = reader.next_record().unwrap().unwrap();
        assert_eq!((record.number, record.data.len()), (number, 240));
    }
}

#[test]
fn an_uncommitted_file_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.pcap");
    std::fs::write(&path, "before").unwrap();
    let mut file = AtomicFile::create(&path).unwrap();
    file.write_all(b"after").unwrap();
    drop(file);
    assert_eq!(std::fs::read(&path).unwrap(), b"before");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let mut file = AtomicFile::create(&path).unwrap();
    file.write_all(b"after").unwrap();
    file.commit().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"after");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    assert!(AtomicFile::create(&dir.path().join("no/such/folder.pcap")).is_err());
}

#[cfg(unix)]
#[test]
fn a_device_is_written_to_and_not_replaced() {
    let mut file = AtomicFile::create(std::path::Path::new("/dev/null")).unwrap();
    file.write_all(b"gone").unwrap();
    file.commit().unwrap();
    assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn interfaces_of_a_section_and_their_names_are_limited() {
    let mut file = Bytes::new(false).section();
    for n in 0..=MAX_INTERFACES {
        let long = [b'x'; MAX_NAME_BYTES + 1];
        file = file.interface(1, |b| if n == 0 { b.option(2, &long) } else { b });
    }
    let last = MAX_INTERFACES as u32 - 1;
    let mut reader = Reader::new(Cursor::new(file.packet(last, 1, &[0; 60]).out)).unwrap();
    let bad = reader.next_record().unwrap().unwrap_err();
    assert!(bad.to_string().contains("more than 16384 interfaces"), "{bad}");
    assert!(bad.is_fatal() && reader.next_record().is_none(), "later packets cannot be attributed");
    assert_eq!(reader.interfaces().len(), MAX_INTERFACES);
    assert_eq!(reader.interfaces()[0].name.as_deref().map(str::len), Some(MAX_NAME_BYTES));
}

#[test]
fn a_comment_longer_than_an_option_is_cut() {
    for (comment, kept) in
        [("x".repeat(65_535), 65_535), ("x".repeat(65_536), 65_535), ("\u{e9}".repeat(32_768), 65_534)]
    {
        let mut writer = PcapngWriter::new(Vec::new()).unwrap();
        let interface = writer.add_interface("eth0", "", None).unwrap();
        let (direction, packet_type, packet_id) = (None, None, None);
        let (time, frame) = (Instant::ZERO, &[3; 60]);
        let packet = Packet {
            interface,
            time,
            frame,
            orig_len: 60,
            direction,
            packet_type,
            packet_id,
            comment: &comment,
        };
        writer.write(&packet).unwrap();
        writer.write(&Packet { comment: "", ..packet }).unwrap();
        let file = writer.finish().unwrap();
        // The option's code and length, and the part that was kept.
        let option = [
            &1_u16.to_le_bytes()[..],
            &u16::try_from(kept).unwrap().to_le_bytes(),
            &comment.as_bytes()[..kept],
        ];
        let option = option.concat();
        assert!(file.windows(option.len()).any(|bytes| bytes == option), "{kept}");
        let mut reader = Reader::new(Cursor::new(file)).unwrap();
        assert_eq!([(); 2].map(|()| reader.next_record().unwrap().unwrap().data.len()), [60, 60]);
        assert!(reader.next_record().is_none());
    }
}
