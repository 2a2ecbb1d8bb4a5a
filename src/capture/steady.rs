//! Corrects a clock that was wrong for a single record: only that record gets another time.
//!
//! Consumers that process records by time never go back in time. Without this, one absurd time would apply to every
//! later record.

use super::error::BadRecord;
use super::reader::{Batch, Located, Reader, Record};
use crate::time::Instant;
use std::time::Duration;

/// A time that differs by more than this from both neighbours' times, in the same direction, is wrong. Records captured
/// on several queues are out of order by milliseconds.
const FAR: Duration = Duration::from_secs(60);

/// A reader with corrected times: a time that is far (`FAR`) from both neighbours' is replaced by that of the record
/// before, or, for the first record, by that of the next one.
///
/// It reads one record ahead only where a time is far from the one before, and at the first record.
///
/// ```
/// use macvlab::capture::{PcapWriter, Reader, Steady};
/// use macvlab::time::Instant;
///
/// let mut file = PcapWriter::new(Vec::new())?;
/// for seconds in [1, 2_000_000, 2, 3] {
///     file.write(Instant::from_nanos(seconds * 1_000_000_000), &[0xff; 60], 60)?;
/// }
/// let mut steady = Steady::new(Reader::new(std::io::Cursor::new(file.finish()?))?);
/// let mut seconds = Vec::new();
/// while let Some(Ok(record)) = steady.next_record() {
///     seconds.push(record.time.as_nanos() / 1_000_000_000);
/// }
/// assert_eq!(seconds, [1, 1, 2, 3]);
/// # Ok::<(), macvlab::capture::CaptureError>(())
/// ```
#[derive(Debug)]
pub struct Steady {
    reader: Reader,
    /// The corrected time of the last record.
    before: Option<Instant>,
    lent: LastAnswer,
    /// Records of the current batch that [`Steady::next_record`] has returned.
    used: usize,
    /// The reader has records that were not examined.
    ahead: bool,
    aside: PendingRecord,
}

/// The result returned last.
#[derive(Clone, Copy, Debug)]
enum LastAnswer {
    /// The first records of the reader's batch.
    Batch(usize),
    /// The record held back.
    PendingRecord,
}

/// A record that waits for the one after it, with a copy of its bytes, which the window may have lost by then.
#[derive(Debug, Default)]
struct PendingRecord {
    waits: bool,
    located: Located,
    number: u64,
    offset: u64,
    bytes: Vec<u8>,
}

impl PendingRecord {
    fn put(&mut self, record: &Record<'_>) {
        let &Record { number, offset, time, interface, data, orig_len } = record;
        let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
        self.located = Located { time, head: 0, data: 0, len, orig_len, interface };
        (self.number, self.offset, self.waits) = (number, offset, true);
        self.bytes.clear();
        self.bytes.extend_from_slice(data);
    }
}

impl Steady {
    /// Corrects the records of this reader from its current position.
    #[must_use]
    pub fn new(reader: Reader) -> Steady {
        let (lent, aside) = (LastAnswer::Batch(0), PendingRecord::default());
        Steady { reader, before: None, lent, used: 0, ahead: false, aside }
    }

    /// The next records, as in [`Reader::next_batch`]. A bad record may be reported before the one preceding it.
    ///
    /// # Errors
    /// The first of them cannot be used. The next call returns those after it.
    pub fn next_batch(&mut self) -> Option<Result<Batch<'_>, BadRecord>> {
        (self.lent, self.used) = (LastAnswer::Batch(0), 0);
        while self.batch().is_empty() {
            if !self.ahead {
                match self.reader.next_batch() {
                    Some(Ok(_)) => self.ahead = true,
                    Some(Err(bad)) => return Some(Err(bad)),
                    None if self.aside.waits => {}
                    None => return None,
                }
            }
            if self.aside.waits {
                self.lend_aside();
            } else {
                self.ahead = false;
                self.lent = LastAnswer::Batch(self.settle());
            }
        }
        Some(Ok(self.batch()))
    }

    /// The next record.
    ///
    /// # Errors
    /// The record cannot be used. The next call returns the one after it.
    pub fn next_record(&mut self) -> Option<Result<Record<'_>, BadRecord>> {
        if self.used >= self.batch().len()
            && let Err(bad) = self.next_batch()?
        {
            return Some(Err(bad));
        }
        self.used += 1;
        self.batch().get(self.used - 1).map(Ok)
    }

    /// The records returned last, again.
    #[must_use]
    pub fn batch(&self) -> Batch<'_> {
        match self.lent {
            LastAnswer::Batch(len) => self.reader.batch().part(0..len),
            LastAnswer::PendingRecord => {
                let PendingRecord { located, number, offset, bytes, .. } = &self.aside;
                Batch::new(std::slice::from_ref(located), *number, bytes, *offset)
            }
        }
    }

    /// Returns the record held back, now that the next one is known, or that there is none.
    fn lend_aside(&mut self) {
        let time = &mut self.aside.located.time;
        if let Some(next) = self.reader.batch().get(0) {
            *time = taken(self.before, *time, next.time);
        }
        self.before = Some(*time);
        self.aside.waits = false;
        self.lent = LastAnswer::PendingRecord;
    }

    /// Corrects the times of the records that the reader has found, except the last if it has to wait for its
    /// neighbour; returns how many.
    fn settle(&mut self) -> usize {
        let found = self.reader.found_mut();
        let Some(last) = found.last().map(|record| record.time) else { return 0 };
        let joins = |before: Option<Instant>, time| before.is_some_and(|before| !is_far(before, time));
        let first = found.first().map_or(last, |record| record.time);
        let is_steady = found.windows(2).all(|pair| matches!(pair, [a, b] if !is_far(a.time, b.time)));
        if is_steady && joins(self.before, first) {
            self.before = Some(last);
            return found.len();
        }
        for index in 1..found.len() {
            if let Some([record, next]) = found.get_mut(index - 1..=index) {
                record.time = taken(self.before, record.time, next.time);
                self.before = Some(record.time);
            }
        }
        let settled = found.len() - 1;
        if joins(self.before, last) {
            self.before = Some(last);
            return settled + 1;
        }
        if let Some(record) = self.reader.batch().get(settled) {
            self.aside.put(&record);
        }
        settled
    }
}

#[inline]
fn is_far(a: Instant, b: Instant) -> bool {
    a.as_nanos().abs_diff(b.as_nanos()) > FAR.as_nanos() as u64
}

/// The corrected time of a record captured between these two.
fn taken(before: Option<Instant>, time: Instant, after: Instant) -> Instant {
    let is_wrong =
        |before: Instant| is_far(before, time) && is_far(time, after) && (time > before) == (time > after);
    match before {
        None if time > after && is_far(time, after) => after,
        Some(before) if is_wrong(before) => before,
        _ => time,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::PcapWriter;
    use crate::stop::Stop;
    use std::io::{Cursor, Read};

    /// A stream that yields this many bytes at a time, so that batches end everywhere.
    struct Drops(Cursor<Vec<u8>>, usize);

    impl Read for Drops {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let most = buf.len().min(self.1);
            self.0.read(&mut buf[..most])
        }
    }

    /// The corrected times of records captured at these seconds, read this many bytes at a time.
    fn taken_at(seconds: &[u64], bytes: usize) -> Vec<u64> {
        let mut pcap = PcapWriter::new(Vec::new()).unwrap();
        for (s, number) in seconds.iter().zip(0_usize..) {
            pcap.write(Instant::from_nanos(s * 1_000_000_000), &[number as u8; 60], 0).unwrap();
        }
        let stream = Drops(Cursor::new(pcap.finish().unwrap()), bytes);
        let mut steady = Steady::new(Reader::until(stream, Stop::default()).unwrap());
        let mut times = Vec::new();
        while let Some(record) = steady.next_record() {
            let record = record.unwrap();
            assert_eq!(record.number, times.len() as u64 + 1);
            assert_eq!(record.offset, 24 + 76 * times.len() as u64);
            assert_eq!(record.data, [times.len() as u8; 60]);
            times.push(record.time.as_nanos() / 1_000_000_000);
        }
        times
    }

    #[test]
    fn one_wrong_time_changes_no_other() {
        let cases: [(&[u64], &[u64]); 9] = [
            (&[100, 5000, 101, 102], &[100, 100, 101, 102]),
            (&[99, 100, 0, 101, 102], &[99, 100, 100, 101, 102]),
            (&[5000, 100, 101], &[100, 100, 101]),
            (&[100, 101, 5000], &[100, 101, 5000]),
            (&[100, 5000, 101, 9000, 102], &[100, 100, 101, 101, 102]),
            // A pause, a clock that was set back, and a slight disorder stay as they are.
            (&[100, 5000, 5001], &[100, 5000, 5001]),
            (&[5000, 5001, 100, 101], &[5000, 5001, 100, 101]),
            (&[100, 160, 100, 103, 102], &[100, 160, 100, 103, 102]),
            (&[7], &[7]),
        ];
        for (captured, expected) in cases {
            for bytes in [1, 76, 100, 200, 100_000] {
                assert_eq!(taken_at(captured, bytes), expected, "{bytes} bytes at a time");
            }
        }
    }

    #[test]
    fn batches_end_where_they_like() {
        let mut captured: Vec<u64> = (0..2000).map(|n| 1000 + n).collect();
        let mut expected = captured.clone();
        for wrong in [255, 257, 511, 513, 1024, 1998] {
            captured[wrong] = 1_000_000;
            expected[wrong] = expected[wrong - 1];
        }
        for bytes in [50, 1000, 19_456, 1_000_000] {
            assert_eq!(taken_at(&captured, bytes), expected, "{bytes} bytes at a time");
        }
    }

    #[test]
    fn a_bad_record_is_no_neighbour() {
        let mut pcap = PcapWriter::new(Vec::new()).unwrap();
        for (s, len) in [(100, 60), (5000, 60), (101, 13), (102, 60)] {
            pcap.write(Instant::from_nanos(s * 1_000_000_000), &vec![0; len], 0).unwrap();
        }
        let reader = Reader::new(Cursor::new(pcap.finish().unwrap())).unwrap();
        let (mut steady, mut told) = (Steady::new(reader), Vec::new());
        while let Some(record) = steady.next_record() {
            told.push(record.map(|r| (r.number, r.time.as_nanos() / 1_000_000_000)).map_err(|b| b.number));
        }
        assert_eq!(told, [Ok((1, 100)), Err(3), Ok((2, 100)), Ok((4, 102))]);
    }
}
