//! For any bytes, reading ends, stays within its bounds, and gives the same result in batches.

use super::*;
use proptest::prelude::*;

/// A small valid file of either format.
fn sample(pcapng: bool, big: bool) -> Vec<u8> {
    if pcapng {
        let file = Bytes::new(big).section().interface(1, |b| b.option(2, b"eth0").option(9, &[9]));
        file.packet(0, 1, &[0; 60]).block(5, Bytes::new(big).u32(0).u64(0)).packet(0, 2, &[1; 61]).out
    } else {
        Bytes::new(big).pcap(true, 1).frame(1, 60).frame(2, 61).out
    }
}

/// Reads to the end; all data is within bounds, and every record consumes some bytes.
fn survive(bytes: Vec<u8>) {
    let len = bytes.len() as u64;
    let Ok(mut reader) = Reader::new(Cursor::new(bytes.clone())) else { return };
    assert_eq!(in_batches(bytes.clone()), read(bytes));
    let mut last_offset = None;
    while let Some(record) = reader.next_record() {
        let offset = match record {
            Ok(r) => {
                assert!((14..=65_535).contains(&r.data.len()) && r.data.len() <= r.orig_len as usize);
                r.offset
            }
            Err(bad) => {
                assert!(!bad.to_string().is_empty());
                bad.offset
            }
        };
        assert!(last_offset < Some(offset) && offset <= len, "{last_offset:?} {offset} {len}");
        last_offset = Some(offset);
    }
    assert!(reader.next_record().is_none());
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), pcapng: bool, big: bool) {
        let head = if pcapng { 28 } else { 24 };
        let mut file = sample(pcapng, big);
        file.truncate(head);
        file.extend(&bytes);
        survive(file);
        survive(bytes);
    }

    #[test]
    fn mutated_files_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        pcapng: bool,
        big: bool,
    ) {
        let mut file = sample(pcapng, big);
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        survive(file.clone());
        file.truncate(cut.index(file.len()));
        survive(file);
    }

    #[test]
    fn what_is_written_is_read_back(
        frames in prop::collection::vec((0..u64::from(u32::MAX) * 1_000_000_000, prop::collection::vec(any::<u8>(), 14..100)), 0..20),
    ) {
        let mut pcap = PcapWriter::new(Vec::new()).unwrap();
        let mut pcapng = PcapngWriter::new(Vec::new()).unwrap();
        let interface = pcapng.add_interface("eth0", "", None).unwrap();
        for (ns, frame) in &frames {
            let (time, orig_len) = (Instant::from_nanos(*ns), frame.len() as u32);
            pcap.write(time, frame, orig_len).unwrap();
            let rest = Packet { interface, time, frame, orig_len, direction: None, packet_type: None, packet_id: None, comment: "" };
            pcapng.write(&rest).unwrap();
        }
        for file in [pcap.finish().unwrap(), pcapng.finish().unwrap()] {
            let mut reader = Reader::new(Cursor::new(file)).unwrap();
            for (ns, frame) in &frames {
                let record = reader.next_record().unwrap().unwrap();
                prop_assert_eq!((record.time.as_nanos(), record.data), (*ns, &frame[..]));
            }
            prop_assert!(reader.next_record().is_none());
        }
    }
}

/// The same records, including bad ones, read in batches.
fn in_batches(bytes: Vec<u8>) -> Vec<Result<(u64, u64, usize), String>> {
    let mut reader = Reader::new(Cursor::new(bytes)).unwrap();
    let mut all = Vec::new();
    while let Some(batch) = reader.next_batch() {
        match batch {
            Ok(batch) => {
                assert!(!batch.is_empty());
                all.extend(batch.iter().map(|r| Ok((r.number, r.time.as_nanos(), r.data.len()))));
            }
            Err(bad) => all.push(Err(bad.to_string())),
        }
        assert!(all.len() < 100_000, "a reader that does not end");
    }
    all
}

#[test]
fn batches_are_the_records_one_by_one() {
    for pcapng in [false, true] {
        for big in [false, true] {
            let whole = sample(pcapng, big);
            for len in 48..whole.len() {
                let cut = whole[..len].to_vec();
                assert_eq!(in_batches(cut.clone()), read(cut), "{pcapng} {big} {len}");
            }
        }
    }
}

#[test]
fn interfaces_are_counted_by_section() {
    let section = || {
        let mut bytes = Bytes::new(true).section();
        for _ in 0..1000 {
            bytes = bytes.interface(1, |b| b);
        }
        bytes.packet(999, 1, &[0; 60]).out
    };
    let many: Vec<u8> = (0..40).flat_map(|_| section()).collect();
    let mut reader = Reader::new(Cursor::new(many)).unwrap();
    let mut records = 0;
    while let Some(batch) = reader.next_batch() {
        records += batch.unwrap().iter().filter(|record| record.interface == 999).count();
        assert_eq!(reader.interfaces().len(), 1000, "interfaces are stored for one section only");
    }
    assert_eq!(records, 40);
}
