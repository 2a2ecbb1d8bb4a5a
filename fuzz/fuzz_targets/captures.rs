//! A capture: read record by record and in batches, plain and compressed, written and read again, replayed.
#![no_main]

use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use macvlab::capture::{CaptureError, Packet, PcapWriter, PcapngWriter, Reader, Record};
use macvlab::replay::{Feed, FeedOutcome, Limits, Pipeline, Replay, Route};
use macvlab::time::Instant;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Cursor, Write};

/// Maximum number of records read: a few compressed bytes can expand to very many.
const MAX_RECORDS: usize = 2000;
/// Maximum number of bytes read from a stream, for the same reason.
const MAX_BYTES: u64 = 4 << 20;

/// The lab that captures are replayed through.
const LAB: &str = "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\nmode = \"bridge\"\n\
                   [macvlan.c2]\nparent = \"eth0\"\nmode = \"vepa\"\n[switch.sw0.port.eth0]\nhairpin = true\n";

/// The compared properties of a record.
#[derive(Debug, PartialEq, Eq)]
struct ReadRecord {
    number: u64,
    offset: u64,
    time: Instant,
    interface: u32,
    len: usize,
    hash: u64,
    orig_len: u32,
}

impl ReadRecord {
    fn of(record: &Record<'_>) -> ReadRecord {
        let Record { number, offset, time, interface, data, orig_len } = *record;
        assert!((14..=65_535).contains(&data.len()) && data.len() <= orig_len as usize, "{record:?}");
        let mut hasher = DefaultHasher::new();
        data.hash(&mut hasher);
        ReadRecord { number, offset, time, interface, len: data.len(), hash: hasher.finish(), orig_len }
    }
}

/// A record, or the message for a bad one.
type Telling = Result<ReadRecord, String>;

fuzz_target!(|data: &[u8]| {
    let plain = match one_by_one(data) {
        Err(refused) => {
            assert_eq!(in_batches(data), Err(refused));
            return;
        }
        Ok(plain) => plain,
    };
    assert_eq!(in_batches(data).as_ref(), Ok(&plain));
    // Compressed data is not compressed again.
    if !data.starts_with(&[0x1f, 0x8b]) && !data.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        assert_eq!(one_by_one(&gzipped(data)).as_ref(), Ok(&plain));
        let zstd = zstd::encode_all(data, 1).expect("written to memory");
        assert_eq!(in_batches(&zstd).as_ref(), Ok(&plain));
    }
    written_again(data);
    replayed(data, plain.len());
});

/// Up to the limits.
fn reader(bytes: &[u8]) -> Result<Reader, String> {
    let refused = |e: CaptureError| {
        assert!(!e.to_string().is_empty());
        e.to_string()
    };
    Reader::new(Cursor::new(bytes.to_vec())).map_err(refused)
}

fn one_by_one(bytes: &[u8]) -> Result<Vec<Telling>, String> {
    let mut reader = reader(bytes)?;
    let (mut all, mut last, mut end) = (Vec::new(), None, 0);
    while all.len() < MAX_RECORDS
        && end < MAX_BYTES
        && let Some(record) = reader.next_record()
    {
        let (offset, told) = match record {
            Ok(record) => (record.offset, Ok(ReadRecord::of(&record))),
            Err(bad) => (bad.offset, Err(bad.to_string())),
        };
        assert!(last < Some(offset), "{last:?} {offset}: no record takes no bytes");
        (last, end) = (Some(offset), offset);
        all.push(told);
    }
    Ok(all)
}

fn in_batches(bytes: &[u8]) -> Result<Vec<Telling>, String> {
    let mut reader = reader(bytes)?;
    let (mut all, mut end) = (Vec::new(), 0);
    while all.len() < MAX_RECORDS
        && end < MAX_BYTES
        && let Some(batch) = reader.next_batch()
    {
        match batch {
            Ok(batch) => {
                assert!(!batch.is_empty());
                for record in batch.iter() {
                    if all.len() < MAX_RECORDS && end < MAX_BYTES {
                        end = record.offset;
                        all.push(Ok(ReadRecord::of(&record)));
                    }
                }
            }
            Err(bad) => {
                end = bad.offset;
                all.push(Err(bad.to_string()));
            }
        }
    }
    Ok(all)
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("written to memory");
    encoder.finish().expect("written to memory")
}

/// Good records are written in both formats, and read back unchanged.
fn written_again(bytes: &[u8]) {
    let Ok(mut reader) = reader(bytes) else { return };
    let mut pcap = PcapWriter::new(Vec::new()).expect("written to memory");
    let mut pcapng = PcapngWriter::new(Vec::new()).expect("written to memory");
    let interface = pcapng.add_interface("eth0", "", None).expect("written to memory");
    let (mut in_pcap, mut in_pcapng) = (Vec::new(), Vec::new());
    while in_pcapng.len() < MAX_RECORDS
        && reader.offset() < MAX_BYTES
        && let Some(record) = reader.next_record()
    {
        let Ok(record) = record else { continue };
        let Record { time, data: frame, orig_len, .. } = record;
        let what = (time, frame.to_vec(), orig_len);
        // The format ends with the year 2106.
        if pcap.write(time, frame, orig_len).is_ok() {
            in_pcap.push(what.clone());
        } else {
            assert!(time.as_nanos() / 1_000_000_000 > u64::from(u32::MAX));
        }
        let (direction, packet_type, packet_id) = (None, None, Some(record.number));
        let packet =
            Packet { interface, time, frame, orig_len, direction, packet_type, packet_id, comment: "again" };
        pcapng.write(&packet).expect("written to memory");
        in_pcapng.push(what);
    }
    let files = [pcap.finish(), pcapng.finish()].map(|file| file.expect("written to memory"));
    for (file, written) in files.iter().zip([in_pcap, in_pcapng]) {
        let mut reader = self::reader(file).unwrap_or_else(|e| panic!("{e}"));
        for (time, frame, orig_len) in &written {
            let read =
                reader.next_record().expect("as many as were written").unwrap_or_else(|e| panic!("{e}"));
            assert_eq!((read.time, read.data, read.orig_len), (*time, &frame[..], *orig_len));
        }
        assert!(reader.next_record().is_none());
    }
}

/// Replays the same capture twice through a lab: every record is used or reported.
fn replayed(bytes: &[u8], records: usize) {
    if records >= MAX_RECORDS {
        return;
    }
    let (Ok(first), Ok(second)) = (reader(bytes), reader(bytes)) else { return };
    let spec = macvlab::labfile::parse("lab.toml", LAB).unwrap_or_else(|e| panic!("{e}"));
    let engine = Pipeline::new(&spec, None);
    let entry = engine.entry(None).unwrap_or_else(|e| panic!("{e}"));
    let limits = Limits { records: 2 * MAX_RECORDS as u64, duration: None };
    let route = Route { entry: Some(entry), ..Route::default() };
    let mut replay = Replay::new(engine, Feed::new(vec![first, second], route, limits));
    let mut bad = 0;
    loop {
        match replay.step() {
            FeedOutcome::Frames => {}
            FeedOutcome::Bad(_, record) => {
                assert!(!record.to_string().is_empty());
                bad += 1;
            }
            FeedOutcome::End { .. } => break,
        }
    }
    let fed = replay.finish().fed;
    assert_eq!((fed.bad, fed.frames + fed.bad), (bad, fed.records), "{fed:?}");
    if bytes.len() < MAX_RECORDS {
        assert!(fed.records <= 2 * records as u64, "{fed:?} {records}");
    }
}
