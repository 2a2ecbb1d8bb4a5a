//! The classic format: a 24-byte header, then records with a 16-byte header and data.

use super::error::{BadReason, BadRecord, CaptureError};
use super::reader::{Interface, Located, check_frame, end_of_stream};
use super::source::Source;
use super::{LINKTYPE_ETHERNET, MAX_RECORD_BYTES};
use crate::time::Instant;
use pcap_file::Endianness;
use pcap_file::pcap::{PcapParser, PcapTsResolution};

const HEADER_BYTES: usize = 24;
const RECORD_HEADER_BYTES: usize = 16;
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// The header of each record.
struct RecordHead {
    seconds: u32,
    /// Fraction of a second: microseconds or nanoseconds.
    fraction: u32,
    captured: u32,
    original: u32,
}

/// A pcap stream after its header.
pub(super) struct PcapStream {
    /// Whether its integers are big-endian.
    big: bool,
    resolution: PcapTsResolution,
    interface: Interface,
    /// Records so far.
    count: u64,
}

impl PcapStream {
    /// Magic numbers: microseconds and nanoseconds, in both byte orders.
    pub(super) const MAGICS: [[u8; 4]; 4] = [
        [0xa1, 0xb2, 0xc3, 0xd4],
        [0xd4, 0xc3, 0xb2, 0xa1],
        [0xa1, 0xb2, 0x3c, 0x4d],
        [0x4d, 0x3c, 0xb2, 0xa1],
    ];

    /// Reads the header.
    pub(super) fn new(source: &mut Source) -> Result<PcapStream, CaptureError> {
        let have = source.need(HEADER_BYTES);
        let Ok((_, parser)) = PcapParser::new(source.peek()) else {
            return Err(match source.take_error() {
                Some(e) => e.into(),
                None => CaptureError::Truncated { needed: HEADER_BYTES, have },
            });
        };
        source.consume(HEADER_BYTES);
        let header = parser.header();
        if header.version_major != 2 {
            let (major, minor) = (header.version_major, header.version_minor);
            return Err(CaptureError::Version { format: "pcap", major, minor });
        }
        // The upper half of the link type field: bit 26 says that there are frame check sequences, bits 28 to 31 their
        // length in units of 16 bits.
        let field = u32::from(header.datalink);
        let [.., high, low] = field.to_be_bytes();
        let link_type = u16::from_be_bytes([high, low]);
        if link_type != LINKTYPE_ETHERNET {
            return Err(CaptureError::LinkType(link_type));
        }
        let fcs_bytes = if field & (1 << 26) != 0 { (field >> 28) as u8 * 2 } else { 0 };
        let interface = Interface { name: None, link_type, snaplen: header.snaplen, fcs_bytes };
        let big = header.endianness == Endianness::Big;
        Ok(PcapStream { big, resolution: header.ts_resolution, interface, count: 0 })
    }

    /// The only interface.
    pub(super) fn interface(&self) -> &Interface {
        &self.interface
    }

    /// Records so far, including bad ones.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Finds good records that are complete in the window, at most as many as there are places; returns their number.
    #[inline(never)]
    pub(super) fn find_standing(&mut self, source: &mut Source, found: &mut [Located]) -> usize {
        let (place, window) = (source.place() as u32, source.peek());
        let (records, bytes) = if self.big {
            self.scan(window, place, u32::from_be_bytes, found)
        } else {
            self.scan(window, place, u32::from_le_bytes, found)
        };
        self.count += records as u64;
        source.consume(bytes);
        records
    }

    /// The number of records complete in the window, and their bytes.
    #[inline(always)]
    fn scan(
        &self,
        window: &[u8],
        place: u32,
        number: impl Fn([u8; 4]) -> u32,
        found: &mut [Located],
    ) -> (usize, usize) {
        let (mut records, mut rest) = (0, window);
        for slot in found {
            let Some((head, behind)) = head_in(rest, &number) else { break };
            let Some((_, next)) = behind.split_at_checked(head.captured as usize) else { break };
            let Ok((time, len, orig_len)) = self.check(&head) else { break };
            let at = (window.len() - rest.len()) as u32;
            *slot = located(place + at, time, len, orig_len);
            records += 1;
            rest = next;
        }
        (records, window.len() - rest.len())
    }

    /// Whether the next record is complete in the bytes read ahead.
    #[inline]
    pub(super) fn is_complete(&self, source: &Source) -> bool {
        let window = source.peek();
        self.head(window).is_some_and(|head| window.len() - RECORD_HEADER_BYTES >= head.captured as usize)
    }

    /// The next record; `None` at the end.
    #[inline]
    pub(super) fn next(&mut self, source: &mut Source) -> Option<Result<Located, BadRecord>> {
        let offset = source.offset();
        let number = self.count + 1;
        let result = self.record(source).transpose()?;
        self.count = number;
        Some(result.map_err(|reason| BadRecord { number, offset, reason }))
    }

    #[inline]
    fn record(&self, source: &mut Source) -> Result<Option<Located>, BadReason> {
        let have = source.need(RECORD_HEADER_BYTES);
        let Some(head) = self.head(source.peek()) else {
            return match source.take_error() {
                Some(e) => Err(BadReason::Read(e.to_string())),
                None if have == 0 => Ok(None),
                None => Err(BadReason::Truncated { needed: RECORD_HEADER_BYTES as u64, have: have as u64 }),
            };
        };
        // The header's claims are trusted within bounds only.
        if head.captured > MAX_RECORD_BYTES {
            source.consume(RECORD_HEADER_BYTES);
            return Err(too_long(source, head.captured.into()));
        }
        let whole = RECORD_HEADER_BYTES + head.captured as usize;
        let have = source.need(whole);
        if have < whole {
            return Err(end_of_stream(source, whole as u64, have as u64));
        }
        let place = source.consume(whole);
        let (time, len, orig_len) = self.check(&head)?;
        Ok(Some(located(place as u32, time, len, orig_len)))
    }

    /// The header of the record at the start of the window, if it is complete.
    #[inline]
    fn head(&self, window: &[u8]) -> Option<RecordHead> {
        let number = |bytes| if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        head_in(window, number).map(|(head, _)| head)
    }

    /// Time, captured length and original length, if they are plausible.
    #[inline]
    fn check(&self, head: &RecordHead) -> Result<(Instant, u32, u32), BadReason> {
        let (unit_ns, unit) = match self.resolution {
            PcapTsResolution::MicroSecond => (1000, "microseconds"),
            PcapTsResolution::NanoSecond => (1, "nanoseconds"),
        };
        let fraction_ns = u64::from(head.fraction) * unit_ns;
        if fraction_ns >= NANOS_PER_SECOND {
            return Err(BadReason::Fraction { fraction: head.fraction, unit });
        }
        let time = Instant::from_nanos(u64::from(head.seconds) * NANOS_PER_SECOND + fraction_ns);
        let (len, orig_len) = check_frame(head.captured, head.original, self.interface.fcs_bytes)?;
        Ok((time, len, orig_len))
    }
}

/// The header of a record, and the bytes after it.
#[inline(always)]
fn head_in(window: &[u8], number: impl Fn([u8; 4]) -> u32) -> Option<(RecordHead, &[u8])> {
    let (head, behind) = window.split_first_chunk::<RECORD_HEADER_BYTES>()?;
    let &[seconds, fraction, captured, original] = head.as_chunks::<4>().0 else { return None };
    let [seconds, fraction, captured, original] = [seconds, fraction, captured, original].map(number);
    Some((RecordHead { seconds, fraction, captured, original }, behind))
}

/// A record that begins at an offset in the window.
#[inline]
fn located(head: u32, time: Instant, len: u32, orig_len: u32) -> Located {
    Located { time, head, data: head + RECORD_HEADER_BYTES as u32, len, orig_len, interface: 0 }
}

/// Skips more data than a record can have; the error depends on whether anything follows it.
pub(super) fn too_long(source: &mut Source, claimed: u64) -> BadReason {
    let have = source.skip(claimed);
    match source.take_error() {
        Some(e) => BadReason::Read(e.to_string()),
        None if have < claimed => BadReason::Endless { claimed, have },
        None => BadReason::TooLong(claimed),
    }
}
