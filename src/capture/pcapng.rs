//! pcapng: blocks in sections, each section with its own byte order and interfaces.
//!
//! The blocks are parsed here and not by the pcap-file crate: there a broken option, a resolution finer than a
//! nanosecond or a broken interface description ends the stream or shifts the numbers of later interfaces.

use super::error::{BadReason, BadRecord, CaptureError};
use super::pcap::too_long;
use super::reader::{Interface, Located, check_frame, end_of_stream};
use super::source::{MAX_WINDOW_BYTES, Source};
use super::{LINKTYPE_ETHERNET, MAX_INTERFACES, MAX_NAME_BYTES, MAX_RECORD_BYTES};
use crate::time::Instant;
use pcap_file::Endianness;
use pcap_file::pcapng::blocks::{
    ENHANCED_PACKET_BLOCK, INTERFACE_DESCRIPTION_BLOCK, PACKET_BLOCK, SECTION_HEADER_BLOCK,
    SIMPLE_PACKET_BLOCK,
};

/// Type and length at the start, length again at the end.
const BLOCK_OVERHEAD: u32 = 12;
/// Type, length and byte-order mark.
const SECTION_HEAD_BYTES: usize = 12;
const BYTE_ORDER_MARK: u32 = 0x1a2b_3c4d;
const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// How to interpret an interface's times.
#[derive(Clone, Copy)]
struct Clock {
    /// `if_tsresol`: the exponent, of 2 if bit 7 is set, otherwise of 10.
    resolution: u8,
    /// `if_tsoffset`: seconds to add.
    offset_s: i64,
}

impl Default for Clock {
    /// Microseconds since 1970.
    fn default() -> Clock {
        Clock { resolution: 6, offset_s: 0 }
    }
}

impl Clock {
    /// A packet's time, if nanoseconds since 1970 can represent it.
    fn time(self, ticks: u64) -> Result<Instant, BadReason> {
        let ticks = u128::from(ticks);
        let exponent = u32::from(self.resolution & 0x7f);
        let ns = match (self.resolution & 0x80 != 0, exponent) {
            (true, _) => (ticks * NANOS_PER_SECOND) >> exponent,
            (false, 0..=9) => ticks * 10_u128.pow(9 - exponent),
            // Finer than a nanosecond; if the divisor overflows, every 64-bit number of ticks rounds to zero.
            (false, _) => 10_u128.checked_pow(exponent - 9).map_or(0, |per_ns| ticks / per_ns),
        };
        let offset_ns = i128::from(self.offset_s) * NANOS_PER_SECOND as i128;
        i128::try_from(ns)
            .ok()
            .and_then(|ns| u64::try_from(ns + offset_ns).ok())
            .map(Instant::from_nanos)
            .ok_or(BadReason::TimeOutOfRange)
    }
}

/// A block's body, read in its section's byte order.
#[derive(Clone, Copy)]
struct Body<'a> {
    bytes: &'a [u8],
    endianness: Endianness,
}

impl<'a> Body<'a> {
    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..)?.first_chunk().copied()?;
        Some(if self.endianness == Endianness::Big {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..)?.first_chunk().copied()?;
        Some(if self.endianness == Endianness::Big {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    }

    fn i64(&self, at: usize) -> Option<i64> {
        let bytes = self.bytes.get(at..)?.first_chunk().copied()?;
        Some(if self.endianness == Endianness::Big {
            i64::from_be_bytes(bytes)
        } else {
            i64::from_le_bytes(bytes)
        })
    }

    /// The options from byte `at` on: code and value. Stops at the end mark, or at one that overruns the block.
    fn options(self, mut at: usize) -> impl Iterator<Item = (u16, Body<'a>)> {
        std::iter::from_fn(move || {
            let (code, len) = (self.u16(at)?, usize::from(self.u16(at + 2)?));
            let bytes = self.bytes.get(at + 4..at + 4 + len)?;
            at += 4 + len.next_multiple_of(4);
            (code != 0).then_some((code, Body { bytes, ..self }))
        })
    }
}

/// A pcapng stream within a section.
pub(super) struct PcapngStream {
    endianness: Endianness,
    /// Of the current section: interfaces are numbered per section.
    interfaces: Vec<Interface>,
    /// For each interface; none: its description is broken.
    clocks: Vec<Option<Clock>>,
    /// Packets so far.
    count: u64,
    /// The last packet's time, for packets without one.
    last_time: Instant,
}

/// The result of reading a block.
enum Content {
    Packet(Located),
    Other,
}

impl PcapngStream {
    /// The type of a section header: a palindrome in either byte order.
    pub(super) const MAGIC: [u8; 4] = SECTION_HEADER_BLOCK.to_be_bytes();

    /// Reads the first section header.
    pub(super) fn new(source: &mut Source) -> Result<PcapngStream, CaptureError> {
        let mut stream = PcapngStream {
            endianness: Endianness::Little,
            interfaces: Vec::new(),
            clocks: Vec::new(),
            count: 0,
            last_time: Instant::ZERO,
        };
        match stream.block(source) {
            Ok(_) => Ok(stream),
            Err(BadReason::Truncated { needed, have }) => {
                let (needed, have) = (
                    usize::try_from(needed).unwrap_or(usize::MAX),
                    usize::try_from(have).unwrap_or(usize::MAX),
                );
                Err(CaptureError::Truncated { needed, have })
            }
            Err(BadReason::SectionVersion { major, minor }) => {
                Err(CaptureError::Version { format: "pcapng", major, minor })
            }
            Err(reason) => Err(CaptureError::Section(reason)),
        }
    }

    /// The interfaces of the current section described so far.
    pub(super) fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// Whether the next block is in the same section, as the records of a batch must be, and complete in the bytes read
    /// ahead.
    #[inline]
    pub(super) fn is_complete(&self, source: &Source) -> bool {
        let window = source.peek();
        if window.len() < SECTION_HEAD_BYTES || window.starts_with(&Self::MAGIC) {
            return false;
        }
        let head = Body { bytes: window, endianness: self.endianness };
        head.u32(4).is_some_and(|len| len as usize <= window.len())
    }

    /// Packets so far.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The next block, with its packet; `None` at the end.
    pub(super) fn next(&mut self, source: &mut Source) -> Option<Result<Option<Located>, BadRecord>> {
        let offset = source.offset();
        let number = self.count + 1;
        if source.need(1) == 0 {
            let reason = BadReason::Read(source.take_error()?.to_string());
            return Some(Err(BadRecord { number, offset, reason }));
        }
        Some(match self.block(source) {
            Ok(Content::Other) => Ok(None),
            Ok(Content::Packet(located)) => {
                Ok(Some(Located { head: (offset - source.origin()) as u32, ..located }))
            }
            Err(reason) => Err(BadRecord { number, offset, reason }),
        })
    }

    /// Reads one block of any type.
    fn block(&mut self, source: &mut Source) -> Result<Content, BadReason> {
        let have = source.need(SECTION_HEAD_BYTES);
        if have < SECTION_HEAD_BYTES {
            return Err(end_of_stream(source, SECTION_HEAD_BYTES as u64, have as u64));
        }
        if source.peek().starts_with(&Self::MAGIC) {
            self.endianness = byte_order(source.peek())?;
        }
        let head = Body { bytes: source.peek(), endianness: self.endianness };
        let (kind, len) = (head.u32(0).unwrap_or_default(), head.u32(4).unwrap_or_default());
        if len < BLOCK_OVERHEAD || !len.is_multiple_of(4) {
            return Err(BadReason::BlockLength(len));
        }
        let is_packet = matches!(kind, ENHANCED_PACKET_BLOCK | PACKET_BLOCK | SIMPLE_PACKET_BLOCK);
        if is_packet {
            self.count += 1;
        }
        if !is_packet && !matches!(kind, SECTION_HEADER_BLOCK | INTERFACE_DESCRIPTION_BLOCK) {
            return skip_block(source, len);
        }
        if len as usize > MAX_WINDOW_BYTES {
            let reason = too_long(source, len.into());
            return Err(match (kind, reason) {
                (SECTION_HEADER_BLOCK, BadReason::TooLong(_)) => BadReason::BlockLength(len),
                (INTERFACE_DESCRIPTION_BLOCK, BadReason::TooLong(_)) => self.broken_interface(),
                (_, reason) => reason,
            });
        }
        let have = source.need(len as usize);
        if have < len as usize {
            return Err(end_of_stream(source, len.into(), have as u64));
        }
        self.whole_block(source, kind, len)
    }

    /// Reads a block that is complete in the window.
    fn whole_block(&mut self, source: &mut Source, kind: u32, len: u32) -> Result<Content, BadReason> {
        let place = source.consume(len as usize) as u32;
        let body_at = place + 8;
        let body = Body { bytes: source.slice(body_at, len - BLOCK_OVERHEAD), endianness: self.endianness };
        let trailer = Body { bytes: source.slice(place + len - 4, 4), ..body };
        let last = trailer.u32(0).unwrap_or_default();
        let mismatch = (last != len).then_some(BadReason::BlockLengthMismatch { first: len, last });
        match kind {
            SECTION_HEADER_BLOCK => {
                self.section(body)?;
                mismatch.map_or(Ok(Content::Other), Err)
            }
            INTERFACE_DESCRIPTION_BLOCK => match mismatch {
                None => self.interface(body).map(|()| Content::Other),
                Some(_) => Err(self.broken_interface()),
            },
            _ => match mismatch {
                None => self.packet(kind, body, body_at).map(Content::Packet),
                Some(reason) => Err(reason),
            },
        }
    }

    /// Starts a new section, with other interfaces.
    fn section(&mut self, body: Body<'_>) -> Result<(), BadReason> {
        let (Some(major), Some(minor), Some(_)) = (body.u16(4), body.u16(6), body.i64(8)) else {
            return Err(BadReason::BlockLength(
                u32::try_from(body.bytes.len()).unwrap_or(u32::MAX) + BLOCK_OVERHEAD,
            ));
        };
        // A few programs wrote version 1.2 by mistake; it means the same as 1.0.
        if major != 1 || !matches!(minor, 0 | 2) {
            return Err(BadReason::SectionVersion { major, minor });
        }
        self.interfaces.clear();
        self.clocks.clear();
        Ok(())
    }

    /// Adds an interface to this section.
    fn interface(&mut self, body: Body<'_>) -> Result<(), BadReason> {
        let (Some(link_type), Some(snaplen)) = (body.u16(0), body.u32(4)) else {
            return Err(self.broken_interface());
        };
        let mut interface = Interface { name: None, link_type, snaplen, fcs_bytes: 0 };
        let mut clock = Clock::default();
        for (code, value) in body.options(8) {
            match (code, value.bytes) {
                (2, name) => {
                    let name = name.get(..MAX_NAME_BYTES).unwrap_or(name);
                    interface.name = Some(String::from_utf8_lossy(name).into_owned());
                }
                (9, [resolution, ..]) => clock.resolution = *resolution,
                // The specification says bits, but files contain bytes.
                (13, [4 | 32, ..]) => interface.fcs_bytes = 4,
                (14, _) => clock.offset_s = value.i64(0).unwrap_or_default(),
                _ => {}
            }
        }
        self.push(interface, Some(clock))
    }

    /// Reserves the number of an interface whose description is broken, so that later ones keep theirs.
    fn broken_interface(&mut self) -> BadReason {
        let nothing = Interface { name: None, link_type: 0, snaplen: 0, fcs_bytes: 0 };
        self.push(nothing, None).err().unwrap_or(BadReason::Interface)
    }

    fn push(&mut self, interface: Interface, clock: Option<Clock>) -> Result<(), BadReason> {
        if self.interfaces.len() >= MAX_INTERFACES {
            return Err(BadReason::TooManyInterfaces);
        }
        self.interfaces.push(interface);
        self.clocks.push(clock);
        Ok(())
    }

    /// A packet of any of the three block types; `body_at` is the body's offset in the window.
    fn packet(&mut self, kind: u32, body: Body<'_>, body_at: u32) -> Result<Located, BadReason> {
        let have = body.bytes.len() as u64;
        let header: u8 = if kind == SIMPLE_PACKET_BLOCK { 4 } else { 20 };
        let short = |needed: u64| BadReason::BlockTooShort { needed, have };
        let (first, second) = (body.u32(0).ok_or(short(header.into()))?, body.u16(0).unwrap_or_default());
        let id = match kind {
            ENHANCED_PACKET_BLOCK => first,
            PACKET_BLOCK => second.into(),
            _ => 0,
        };
        let index = id as usize;
        let (Some(interface), Some(Some(clock))) = (self.interfaces.get(index), self.clocks.get(index))
        else {
            return Err(BadReason::UnknownInterface(id));
        };
        if interface.link_type != LINKTYPE_ETHERNET {
            return Err(BadReason::LinkType(interface.link_type));
        }
        let (time, captured, original) = if kind == SIMPLE_PACKET_BLOCK {
            let limit = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
            (self.last_time, first.min(limit), first)
        } else {
            let [high, low, captured, original] =
                [4, 8, 12, 16].map(|at| body.u32(at)).map(|field| field.ok_or(short(header.into())));
            let ticks = u64::from(high?) << 32 | u64::from(low?);
            (clock.time(ticks)?, captured?, original?)
        };
        if captured > MAX_RECORD_BYTES {
            return Err(BadReason::TooLong(captured.into()));
        }
        let needed = u64::from(header) + u64::from(captured);
        if needed > have {
            return Err(short(needed));
        }
        let (len, orig_len) = check_frame(captured, original, interface.fcs_bytes)?;
        self.last_time = time;
        let data = body_at + u32::from(header);
        Ok(Located { time, head: 0, data, len, orig_len, interface: id })
    }
}

/// The byte order that a section header declares.
fn byte_order(header: &[u8]) -> Result<Endianness, BadReason> {
    let big = Body { bytes: header, endianness: Endianness::Big };
    match big.u32(8).unwrap_or_default() {
        BYTE_ORDER_MARK => Ok(Endianness::Big),
        mark if mark == BYTE_ORDER_MARK.swap_bytes() => Ok(Endianness::Little),
        mark => Err(BadReason::SectionMagic(mark)),
    }
}

/// Skips a block of no interest.
fn skip_block(source: &mut Source, len: u32) -> Result<Content, BadReason> {
    let have = source.skip(len.into());
    if have < u64::from(len) {
        return Err(end_of_stream(source, len.into(), have));
    }
    Ok(Content::Other)
}
