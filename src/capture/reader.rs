//! The reader: detects the format, then returns one record after another.

use super::error::{BadReason, BadRecord, CaptureError};
use super::pcap::PcapStream;
use super::pcapng::PcapngStream;
use super::source::Source;
use super::{MAX_FRAME_BYTES, MIN_FRAME_BYTES};
use crate::stop::Stop;
use crate::time::Instant;
use std::fmt;
use std::io::Read;
use std::ops::Range;

/// Maximum number of records in a batch: their metadata fits the first-level cache.
const MAX_BATCH_RECORDS: usize = 256;

/// An interface of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// `if_name`; a pcap file has none.
    pub name: Option<String>,
    /// The registered link type; 1 is Ethernet.
    pub link_type: u16,
    /// Maximum bytes captured of a frame; 0: no limit.
    pub snaplen: u32,
    /// Bytes of frame check sequence at the end of each frame, which the reader removes.
    pub fcs_bytes: u8,
}

/// One captured frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The record's number, from 1, including bad ones.
    pub number: u64,
    /// The record's offset in the stream, in bytes, after decompression.
    pub offset: u64,
    /// The capture time: nanoseconds since 1970. A simple packet block has no time and gets that of the record before
    /// it.
    pub time: Instant,
    /// Index into [`Reader::interfaces`], valid until the next records are requested.
    pub interface: u32,
    /// The captured part of the frame: 14 to 65,535 bytes, no FCS.
    pub data: &'a [u8],
    /// The frame's length on the wire in bytes, no FCS.
    pub orig_len: u32,
}

impl Record<'_> {
    /// Whether the end of the frame is missing.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.data.len() < self.orig_len as usize
    }
}

/// A record's position in the window, before its bytes are borrowed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Located {
    pub(super) time: Instant,
    /// Offset of the record, and of its data.
    pub(super) head: u32,
    pub(super) data: u32,
    pub(super) len: u32,
    pub(super) orig_len: u32,
    pub(super) interface: u32,
}

/// The formats.
enum Format {
    Pcap(PcapStream),
    Pcapng(PcapngStream),
}

impl Format {
    /// Records so far, including bad ones.
    fn count(&self) -> u64 {
        match self {
            Format::Pcap(pcap) => pcap.count(),
            Format::Pcapng(pcapng) => pcapng.count(),
        }
    }

    /// Finds records that are complete in the bytes read ahead, by a path faster than one by one, if there is one;
    /// returns their number.
    fn find_standing(&mut self, source: &mut Source, places: &mut [Located]) -> usize {
        match self {
            Format::Pcap(pcap) => pcap.find_standing(source, places),
            Format::Pcapng(_) => 0,
        }
    }

    fn is_complete(&self, source: &Source) -> bool {
        match self {
            Format::Pcap(pcap) => pcap.is_complete(source),
            Format::Pcapng(pcapng) => pcapng.is_complete(source),
        }
    }

    /// The next record, or another result.
    #[inline]
    fn next(&mut self, source: &mut Source) -> Option<Result<Option<Located>, BadRecord>> {
        match self {
            Format::Pcap(pcap) => pcap.next(source).map(|result| result.map(Some)),
            Format::Pcapng(pcapng) => pcapng.next(source),
        }
    }
}

/// A summary of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Bytes of their data.
    pub bytes: u64,
    /// Records [that are truncated](Record::is_cut).
    pub cut: u64,
    /// The earliest time; the maximum if there are no records.
    pub first: Instant,
    /// The latest time; the minimum if there are no records.
    pub last: Instant,
}

/// Consecutive records, borrowed from a [`Reader`].
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    found: &'a [Located],
    /// The first record's number.
    first: u64,
    /// The window's memory, and its offset in the stream.
    bytes: &'a [u8],
    origin: u64,
}

impl<'a> Batch<'a> {
    /// Records at these positions in a buffer that begins at `origin` in the stream.
    pub(super) fn new(found: &'a [Located], first: u64, bytes: &'a [u8], origin: u64) -> Batch<'a> {
        Batch { found, first, bytes, origin }
    }

    /// The number of records; a batch returned by a reader has at least one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The record with this index, from 0.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Record<'a>> {
        let located = self.found.get(index)?;
        Some(record(self.bytes, self.origin, self.first + index as u64, located))
    }

    /// All records.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Record<'a>> + Clone + use<'a> {
        let (bytes, origin) = (self.bytes, self.origin);
        self.found
            .iter()
            .zip(self.first..)
            .map(move |(located, number)| record(bytes, origin, number, located))
    }

    /// A summary of all records.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let none = Totals { bytes: 0, cut: 0, first: Instant::MAX, last: Instant::ZERO };
        self.found.iter().fold(none, |all, record| Totals {
            bytes: all.bytes + u64::from(record.len),
            cut: all.cut + u64::from(record.len < record.orig_len),
            first: all.first.min(record.time),
            last: all.last.max(record.time),
        })
    }

    /// A range of records, from 0; empty if there are not that many.
    #[inline]
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Batch<'a> {
        let first = self.first + range.start as u64;
        Batch { found: self.found.get(range).unwrap_or_default(), first, ..*self }
    }
}

/// A record in the window.
#[inline]
fn record<'a>(bytes: &'a [u8], origin: u64, number: u64, located: &Located) -> Record<'a> {
    let &Located { time, head, data, len, orig_len, interface } = located;
    let offset = origin + u64::from(head);
    let data = bytes.get(data as usize..data as usize + len as usize).unwrap_or_default();
    Record { number, offset, time, interface, data, orig_len }
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Reads a capture, record by record, in memory that does not grow with its length.
///
/// ```
/// use macvlab::capture::{PcapWriter, Reader};
/// use macvlab::time::Instant;
///
/// let mut file = PcapWriter::new(Vec::new())?;
/// file.write(Instant::from_nanos(1), &[0xff; 60], 60)?;
/// let mut reader = Reader::new(std::io::Cursor::new(file.finish()?))?;
/// while let Some(record) = reader.next_record() {
///     match record {
///         Ok(record) => assert_eq!(record.data.len(), 60),
///         Err(bad) => eprintln!("{bad}"),
///     }
/// }
/// # Ok::<(), macvlab::capture::CaptureError>(())
/// ```
pub struct Reader {
    source: Source,
    format: Format,
    /// Positions for the records of a batch; those found last, and the first one's number.
    places: Box<[Located]>,
    found: usize,
    first: u64,
    /// A bad record after them.
    pending: Option<BadRecord>,
    /// After a fatal record, or at the end.
    over: bool,
}

impl Reader {
    /// Reads the header of a pcap or pcapng stream, plain or compressed with gzip or zstd.
    ///
    /// # Errors
    /// The stream cannot be read, is empty, has another format, or is a pcap file with a link type other than Ethernet.
    pub fn new(stream: impl Read + Send + 'static) -> Result<Reader, CaptureError> {
        Reader::until(stream, Stop::default())
    }

    /// The same; the stream ends early once the stop flag is set: also while skipping blocks without packets, or
    /// compressed bytes without output.
    ///
    /// # Errors
    /// As above, and [`CaptureError::Stopped`].
    pub fn until(stream: impl Read + Send + 'static, stop: Stop) -> Result<Reader, CaptureError> {
        let begun = Reader::begin(stream, stop.clone());
        begun.map_err(|e| if stop.asked() { CaptureError::Stopped } else { e })
    }

    fn begin(stream: impl Read + Send + 'static, stop: Stop) -> Result<Reader, CaptureError> {
        let mut source = Source::new(Box::new(stream), stop)?;
        let have = source.need(4);
        if let Some(e) = source.take_error() {
            return Err(e.into());
        }
        let Some(magic) = source.peek().first_chunk::<4>().copied() else {
            return Err(if have == 0 {
                CaptureError::Empty
            } else {
                CaptureError::Magic(source.peek().to_vec())
            });
        };
        let format = if magic == PcapngStream::MAGIC {
            Format::Pcapng(PcapngStream::new(&mut source)?)
        } else if PcapStream::MAGICS.contains(&magic) {
            Format::Pcap(PcapStream::new(&mut source)?)
        } else {
            return Err(CaptureError::Magic(magic.to_vec()));
        };
        Ok(Reader {
            source,
            format,
            places: vec![Located::default(); MAX_BATCH_RECORDS].into(),
            found: 0,
            first: 0,
            pending: None,
            over: false,
        })
    }

    /// The next record; `None` at the end, and after a record that [`BadRecord::is_fatal`].
    ///
    /// # Errors
    /// The record cannot be used. The next call returns the one after it.
    pub fn next_record(&mut self) -> Option<Result<Record<'_>, BadRecord>> {
        match self.find(1)? {
            Ok(()) => self.batch().get(0).map(Ok),
            Err(bad) => Some(Err(bad)),
        }
    }

    /// The next records that are consecutive in the window, so that none is copied; `None` at the end, and after a
    /// record that [`BadRecord::is_fatal`].
    ///
    /// ```
    /// # use macvlab::{capture::{PcapWriter, Reader}, time::Instant};
    /// # let mut file = PcapWriter::new(Vec::new())?;
    /// # for n in 0..1000 { file.write(Instant::from_nanos(n), &[0xff; 60], 60)?; }
    /// # let mut reader = Reader::new(std::io::Cursor::new(file.finish()?))?;
    /// let mut records = 0;
    /// while let Some(batch) = reader.next_batch() {
    ///     records += batch.map_err(|bad| bad.to_string()).unwrap().iter().count();
    /// }
    /// assert_eq!(records, 1000);
    /// # Ok::<(), macvlab::capture::CaptureError>(())
    /// ```
    ///
    /// # Errors
    /// The first of them cannot be used. The next call returns those after it.
    pub fn next_batch(&mut self) -> Option<Result<Batch<'_>, BadRecord>> {
        let found = self.find(MAX_BATCH_RECORDS)?;
        Some(found.map(|()| self.batch()))
    }

    /// The records returned last, again. They are valid until the next ones are requested.
    #[must_use]
    pub fn batch(&self) -> Batch<'_> {
        let found = self.places.get(..self.found).unwrap_or_default();
        Batch::new(found, self.first, self.source.memory(), self.source.origin())
    }

    /// The same, with mutable times.
    pub(super) fn found_mut(&mut self) -> &mut [Located] {
        self.places.get_mut(..self.found).unwrap_or_default()
    }

    /// Finds at least one record, at most this many, before the window may move.
    fn find(&mut self, most: usize) -> Option<Result<(), BadRecord>> {
        self.found = 0;
        if let Some(bad) = self.pending.take() {
            return Some(Err(bad));
        }
        while !self.over
            && let Some(places) = self.places.get_mut(self.found..most)
            && !places.is_empty()
        {
            if self.found > 0 {
                let more = self.format.find_standing(&mut self.source, places);
                self.found += more;
                if more > 0 {
                    continue;
                }
                if !self.format.is_complete(&self.source) {
                    break;
                }
            }
            match self.format.next(&mut self.source) {
                _ if self.source.was_stopped() => self.over = true,
                None => self.over = true,
                Some(Ok(Some(located))) => {
                    if self.found == 0 {
                        self.first = self.format.count();
                    }
                    places[0] = located;
                    self.found += 1;
                }
                Some(Ok(None)) => {}
                Some(Err(bad)) => {
                    self.over = bad.is_fatal();
                    if self.found == 0 {
                        return Some(Err(bad));
                    }
                    self.pending = Some(bad);
                    break;
                }
            }
        }
        (self.found > 0).then_some(Ok(()))
    }

    /// The interfaces described so far in the section of the records returned last. A pcap file has one.
    #[must_use]
    pub fn interfaces(&self) -> &[Interface] {
        match &self.format {
            Format::Pcap(pcap) => std::slice::from_ref(pcap.interface()),
            Format::Pcapng(pcapng) => pcapng.interfaces(),
        }
    }

    /// Bytes read so far, after decompression.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.source.offset()
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("offset", &self.offset())
            .field("interfaces", &self.interfaces())
            .finish()
    }
}

/// Removes the frame check sequence and checks that the rest can be a frame. Returns the length of the data and the
/// frame's original length.
pub(super) fn check_frame(captured: u32, original: u32, fcs_bytes: u8) -> Result<(u32, u32), BadReason> {
    if captured > original {
        return Err(BadReason::CapturedOverOriginal { captured, original });
    }
    let original = original.saturating_sub(u32::from(fcs_bytes));
    let captured = captured.min(original);
    if captured < MIN_FRAME_BYTES {
        return Err(BadReason::FrameTooShort(captured));
    }
    if original > MAX_FRAME_BYTES {
        return Err(BadReason::FrameTooLong(original));
    }
    Ok((captured, original))
}

/// The error when the stream ends within a record.
pub(super) fn end_of_stream(source: &mut Source, needed: u64, have: u64) -> BadReason {
    match source.take_error() {
        Some(e) => BadReason::Read(e.to_string()),
        None => BadReason::Truncated { needed, have },
    }
}
