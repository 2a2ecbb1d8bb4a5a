//! The classic format: a header of 24 bytes, then records of 16 bytes and the data.

use super::error::{BadReason, BadRecord, CaptureError};
use super::reader::{Interface, Located, check_frame, end_of_stream};
use super::source::Source;
use super::{LINKTYPE_ETHERNET, MAX_RECORD_BYTES};
use crate::time::Instant;
use pcap_file::pcap::{PcapParseError, PcapParser, PcapTsResolution, RawPcapPacket};

const HEADER_BYTES: usize = 24;
const RECORD_HEADER_BYTES: usize = 16;
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// A pcap stream behind its header.
pub(super) struct PcapStream {
    parser: PcapParser,
    interface: Interface,
    /// Records so far.
    count: u64,
}

impl PcapStream {
    /// Microseconds and nanoseconds, both byte orders.
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
        // The upper half of the link type field: bit 26 says that there are frame check sequences, bits 28 to 31 how
        // long they are, in units of 16 bits.
        let field = u32::from(header.datalink);
        let [.., high, low] = field.to_be_bytes();
        let link_type = u16::from_be_bytes([high, low]);
        if link_type != LINKTYPE_ETHERNET {
            return Err(CaptureError::LinkType(link_type));
        }
        let fcs_bytes = if field & (1 << 26) != 0 { (field >> 28) as u8 * 2 } else { 0 };
        let interface = Interface { name: None, link_type, snaplen: header.snaplen, fcs_bytes };
        Ok(PcapStream { parser, interface, count: 0 })
    }

    /// The one interface.
    pub(super) fn interface(&self) -> &Interface {
        &self.interface
    }

    /// The next record.
    pub(super) fn next(&mut self, source: &mut Source) -> Option<Result<Located, BadRecord>> {
        let offset = source.offset();
        let number = self.count + 1;
        let result = self.record(source).transpose()?;
        self.count = number;
        Some(result.map(|located| Located { number, offset, ..located }).map_err(|reason| BadRecord {
            number,
            offset,
            reason,
        }))
    }

    /// The next record, not yet numbered; `None` at the end.
    fn record(&mut self, source: &mut Source) -> Result<Option<Located>, BadReason> {
        let have = source.need(RECORD_HEADER_BYTES);
        if have < RECORD_HEADER_BYTES {
            return match source.take_error() {
                Some(e) => Err(BadReason::Read(e.to_string())),
                None if have == 0 => Ok(None),
                None => Err(BadReason::Truncated { needed: RECORD_HEADER_BYTES as u64, have: have as u64 }),
            };
        }
        // What is read ahead is most often enough; if not, the error says how long the data is, which is believed
        // within bounds only.
        if let Err(PcapParseError::IncompleteBuffer(data_len, _)) = self.parser.next_raw_packet(source.peek())
        {
            let whole = data_len.saturating_add(RECORD_HEADER_BYTES);
            if data_len <= MAX_RECORD_BYTES as usize {
                let have = source.need(whole);
                if have < whole {
                    return Err(end_of_stream(source, whole as u64, have as u64));
                }
            } else {
                source.consume(RECORD_HEADER_BYTES);
                return Err(too_long(source, data_len as u64));
            }
        }
        let Ok((_, raw)) = self.parser.next_raw_packet(source.peek()) else {
            return Err(BadReason::Truncated { needed: RECORD_HEADER_BYTES as u64, have: have as u64 });
        };
        let captured = raw.incl_len;
        let checked = self.check(&raw);
        drop(raw);
        source.consume(RECORD_HEADER_BYTES);
        let data = source.consume(captured as usize);
        let (time, len, orig_len) = checked?;
        let data = data.start..data.start + len as usize;
        Ok(Some(Located { number: 0, offset: 0, time, interface: 0, data, orig_len }))
    }

    /// Time, captured length and original length, if they can be true.
    fn check(&self, raw: &RawPcapPacket<'_>) -> Result<(Instant, u32, u32), BadReason> {
        if raw.incl_len > MAX_RECORD_BYTES {
            return Err(BadReason::TooLong(raw.incl_len.into()));
        }
        let (unit_ns, unit) = match self.parser.header().ts_resolution {
            PcapTsResolution::MicroSecond => (1000, "microseconds"),
            PcapTsResolution::NanoSecond => (1, "nanoseconds"),
        };
        let fraction_ns = u64::from(raw.ts_frac) * unit_ns;
        if fraction_ns >= NANOS_PER_SECOND {
            return Err(BadReason::Fraction { fraction: raw.ts_frac, unit });
        }
        let time = Instant::from_nanos(u64::from(raw.ts_sec) * NANOS_PER_SECOND + fraction_ns);
        let (len, orig_len) = check_frame(raw.incl_len, raw.orig_len, self.interface.fcs_bytes)?;
        Ok((time, len, orig_len))
    }
}

/// Skips data that no record can have; what is wrong depends on whether anything follows it.
pub(super) fn too_long(source: &mut Source, claimed: u64) -> BadReason {
    let have = source.skip(claimed);
    match source.take_error() {
        Some(e) => BadReason::Read(e.to_string()),
        None if have < claimed => BadReason::Endless { claimed, have },
        None => BadReason::TooLong(claimed),
    }
}
