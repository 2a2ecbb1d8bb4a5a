//! Writes captures: the same input gives the same bytes on every machine.

use super::error::CaptureError;
use super::{LINKTYPE_ETHERNET, MAX_RECORD_BYTES};
use crate::frame::{MacAddr, PacketType};
use crate::time::Instant;
use pcap_file::pcap::{PcapHeader, PcapTsResolution};
use pcap_file::pcapng::blocks::ENHANCED_PACKET_BLOCK;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use pcap_file::pcapng::blocks::interface_statistics::{InterfaceStatisticsBlock, InterfaceStatisticsOption};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::{DataLink, Endianness};
use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

/// Options of a packet: `opt_comment`, `epb_flags`, `epb_packetid`.
const OPT_COMMENT: u16 = 1;
const EPB_FLAGS: u16 = 2;
const EPB_PACKETID: u16 = 5;
/// Maximum size of a packet block without data and comment, in bytes.
const PACKET_OVERHEAD: usize = 80;
/// Maximum length of an option, in bytes.
const MAX_OPTION_BYTES: usize = 65_535;

/// Writes a pcap file of Ethernet frames with nanosecond times.
#[derive(Debug)]
pub struct PcapWriter<W: Write> {
    writer: W,
}

impl<W: Write> PcapWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// Writing fails.
    pub fn new(mut writer: W) -> Result<PcapWriter<W>, CaptureError> {
        let header = PcapHeader {
            snaplen: MAX_RECORD_BYTES,
            datalink: DataLink::from(u32::from(LINKTYPE_ETHERNET)),
            ts_resolution: PcapTsResolution::NanoSecond,
            endianness: Endianness::Little,
            ..PcapHeader::default()
        };
        header.write_to(&mut writer).map_err(pcap_error)?;
        Ok(PcapWriter { writer })
    }

    /// Writes one frame; `orig_len` is its length on the wire in bytes, if it was truncated.
    ///
    /// # Errors
    /// Writing fails, or the time is after 2106, which the format cannot represent.
    pub fn write(&mut self, time: Instant, frame: &[u8], orig_len: u32) -> Result<(), CaptureError> {
        let since_epoch = Duration::from_nanos(time.as_nanos());
        let ts_sec = u32::try_from(since_epoch.as_secs())
            .map_err(|_| CaptureError::Write("a pcap file has no times after 2106".to_owned()))?;
        let incl_len = record_len(frame)?;
        let fields = [ts_sec, since_epoch.subsec_nanos(), incl_len, orig_len.max(incl_len)];
        self.writer.write_all(fields.map(u32::to_le_bytes).as_flattened())?;
        self.writer.write_all(frame)?;
        Ok(())
    }

    /// Flushes, and returns the writer.
    ///
    /// # Errors
    /// Flushing fails.
    pub fn finish(mut self) -> Result<W, CaptureError> {
        self.writer.flush()?;
        Ok(self.writer)
    }

    /// The underlying writer.
    pub fn get_ref(&self) -> &W {
        &self.writer
    }

    /// The underlying writer. Data written to it directly lands between two records.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.writer
    }
}

/// The direction of a frame, seen from the interface (`epb_flags`, bits 0 and 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Inbound.
    In,
    /// Outbound.
    Out,
}

/// A frame for a pcapng file.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// An index returned by [`PcapngWriter::add_interface`].
    pub interface: u32,
    /// The time: nanoseconds since 1970.
    pub time: Instant,
    /// The frame, no FCS.
    pub frame: &'a [u8],
    /// Its length on the wire in bytes, if larger than that of `frame`.
    pub orig_len: u32,
    /// Its direction.
    pub direction: Option<Direction>,
    /// Its packet type; [`PacketType::OtherHost`] is written as promiscuous.
    pub packet_type: Option<PacketType>,
    /// The same for all copies of one frame (`epb_packetid`).
    pub packet_id: Option<u64>,
    /// A comment; empty: none.
    pub comment: &'a str,
}

impl Packet<'_> {
    /// `epb_flags`.
    fn flags(&self) -> u32 {
        let direction = match self.direction {
            None => 0,
            Some(Direction::In) => 1,
            Some(Direction::Out) => 2,
        };
        let reception = match self.packet_type {
            None => 0,
            Some(PacketType::Host) => 1,
            Some(PacketType::Multicast) => 2,
            Some(PacketType::Broadcast) => 3,
            Some(PacketType::OtherHost) => 4,
        };
        direction | reception << 2
    }
}

/// The counters of an interface; `None` values are not written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterfaceStatistics {
    /// The start of the capture.
    pub start: Instant,
    /// The end of the capture.
    pub end: Instant,
    /// Frames that the interface received (`isb_ifrecv`).
    pub received: Option<u64>,
    /// Frames that it dropped (`isb_ifdrop`).
    pub dropped: Option<u64>,
    /// Frames that its filter accepted (`isb_filteraccept`).
    pub accepted: Option<u64>,
    /// Frames that the operating system dropped (`isb_osdrop`).
    pub dropped_by_os: Option<u64>,
    /// Frames that were delivered (`isb_usrdeliv`).
    pub delivered: Option<u64>,
}

/// Builds the blocks of a pcapng file: one section, an interface for each device, little-endian, nanoseconds. They
/// accumulate until the caller takes them.
pub struct PcapngBlocks {
    blocks: pcap_file::pcapng::PcapNgWriter<Vec<u8>>,
    interfaces: u32,
}

impl PcapngBlocks {
    /// The size at which the blocks should be taken, in bytes.
    pub const ENOUGH: usize = 256 * 1024;

    /// Writes the section header. It names this program and its version, and nothing about the machine.
    ///
    /// # Errors
    /// None known; the pcapng library has errors for headers unlike this one.
    pub fn new() -> Result<PcapngBlocks, CaptureError> {
        let application = concat!("macvlab ", env!("CARGO_PKG_VERSION"));
        let section = SectionHeaderBlock {
            endianness: Endianness::Little,
            options: vec![SectionHeaderOption::UserApplication(Cow::Borrowed(application))],
            ..SectionHeaderBlock::default()
        };
        let blocks = pcap_file::pcapng::PcapNgWriter::with_section_header(Vec::new(), section);
        Ok(PcapngBlocks { blocks: blocks.map_err(pcapng_error)?, interfaces: 0 })
    }

    /// Adds an interface and returns its index. Interfaces may be added at any time before their first packet.
    ///
    /// # Errors
    /// None known, as above.
    pub fn add_interface(
        &mut self,
        name: &str,
        description: &str,
        mac: Option<MacAddr>,
    ) -> Result<u32, CaptureError> {
        let mut options = vec![InterfaceDescriptionOption::IfName(Cow::Borrowed(fitting(name)))];
        if !description.is_empty() {
            options.push(InterfaceDescriptionOption::IfDescription(Cow::Borrowed(fitting(description))));
        }
        if let Some(mac) = mac {
            options.push(InterfaceDescriptionOption::IfMacAddr(Cow::Owned(mac.0.to_vec())));
        }
        options.push(InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO));
        let linktype = DataLink::from(u32::from(LINKTYPE_ETHERNET));
        let block = InterfaceDescriptionBlock { linktype, snaplen: MAX_RECORD_BYTES, options };
        self.blocks.write_pcapng_block(block).map_err(pcapng_error)?;
        self.interfaces += 1;
        Ok(self.interfaces - 1)
    }

    /// Adds one frame. Allocates only to grow the buffer.
    ///
    /// # Errors
    /// There is no such interface, or the frame is too long.
    #[inline]
    pub fn packet(&mut self, packet: &Packet<'_>) -> Result<(), CaptureError> {
        if packet.interface >= self.interfaces {
            return Err(CaptureError::Write(format!("there is no interface {}", packet.interface)));
        }
        let captured = record_len(packet.frame)?;
        let comment = fitting(packet.comment).as_bytes();
        let blocks = self.blocks.get_mut();
        let start = blocks.len();
        blocks.reserve(PACKET_OVERHEAD + packet.frame.len() + comment.len());
        let time = packet.time.as_nanos();
        let original = packet.orig_len.max(captured);
        let (high, low) = ((time >> 32) as u32, time as u32);
        // The block's length, at both of its ends, is filled in when it is known.
        let fields = [ENHANCED_PACKET_BLOCK, 0, packet.interface, high, low, captured, original];
        blocks.extend_from_slice(fields.map(u32::to_le_bytes).as_flattened());
        blocks.extend_from_slice(packet.frame);
        pad(blocks);
        let without_options = blocks.len();
        if !comment.is_empty() {
            option(blocks, OPT_COMMENT, comment);
        }
        if packet.flags() != 0 {
            option(blocks, EPB_FLAGS, &packet.flags().to_le_bytes());
        }
        if let Some(id) = packet.packet_id {
            option(blocks, EPB_PACKETID, &id.to_le_bytes());
        }
        if blocks.len() > without_options {
            option(blocks, 0, &[]);
        }
        let len = u32::try_from(blocks.len() - start + 4).unwrap_or(u32::MAX).to_le_bytes();
        blocks.extend_from_slice(&len);
        if let Some(field) = blocks.get_mut(start + 4..start + 8) {
            field.copy_from_slice(&len);
        }
        Ok(())
    }

    /// Adds the counters of an interface; preferably at the end.
    ///
    /// # Errors
    /// There is no such interface.
    pub fn statistics(&mut self, interface: u32, counted: &InterfaceStatistics) -> Result<(), CaptureError> {
        let at = |time: Instant| Duration::from_nanos(time.as_nanos());
        let mut options = vec![
            InterfaceStatisticsOption::IsbStartTime(at(counted.start)),
            InterfaceStatisticsOption::IsbEndTime(at(counted.end)),
        ];
        options.extend(counted.received.map(InterfaceStatisticsOption::IsbIfRecv));
        options.extend(counted.dropped.map(InterfaceStatisticsOption::IsbIfDrop));
        options.extend(counted.accepted.map(InterfaceStatisticsOption::IsbFilterAccept));
        options.extend(counted.dropped_by_os.map(InterfaceStatisticsOption::IsbOsDrop));
        options.extend(counted.delivered.map(InterfaceStatisticsOption::IsbUsrDeliv));
        let block = InterfaceStatisticsBlock { interface_id: interface, timestamp: at(counted.end), options };
        self.blocks.write_pcapng_block(block).map_err(pcapng_error)?;
        Ok(())
    }

    /// Accumulated bytes.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.get_ref().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the accumulated blocks, and accumulates further ones in `empty`.
    pub fn take(&mut self, empty: Vec<u8>) -> Vec<u8> {
        std::mem::replace(self.blocks.get_mut(), empty)
    }

    /// Writes the accumulated blocks.
    ///
    /// # Errors
    /// Writing fails; the blocks are lost all the same.
    pub fn write_to(&mut self, writer: &mut impl Write) -> Result<(), CaptureError> {
        let blocks = self.blocks.get_mut();
        let written = writer.write_all(blocks);
        blocks.clear();
        Ok(written?)
    }
}

/// Writes a pcapng file: [`PcapngBlocks`] in batches.
pub struct PcapngWriter<W: Write> {
    blocks: PcapngBlocks,
    writer: W,
}

impl<W: Write> PcapngWriter<W> {
    /// Writes the section header.
    ///
    /// # Errors
    /// As [`PcapngBlocks::new`].
    pub fn new(writer: W) -> Result<PcapngWriter<W>, CaptureError> {
        Ok(PcapngWriter { blocks: PcapngBlocks::new()?, writer })
    }

    /// Adds an interface and returns its index, as [`PcapngBlocks::add_interface`] does.
    ///
    /// # Errors
    /// Writing fails.
    pub fn add_interface(
        &mut self,
        name: &str,
        description: &str,
        mac: Option<MacAddr>,
    ) -> Result<u32, CaptureError> {
        self.blocks.add_interface(name, description, mac)
    }

    /// Writes one frame.
    ///
    /// # Errors
    /// Writing fails, or there is no such interface.
    pub fn write(&mut self, packet: &Packet<'_>) -> Result<(), CaptureError> {
        self.blocks.packet(packet)?;
        if self.blocks.len() >= PcapngBlocks::ENOUGH {
            self.blocks.write_to(&mut self.writer)
        } else {
            Ok(())
        }
    }

    /// Writes the counters of an interface; preferably at the end.
    ///
    /// # Errors
    /// Writing fails, or there is no such interface.
    pub fn statistics(&mut self, interface: u32, counted: &InterfaceStatistics) -> Result<(), CaptureError> {
        self.blocks.statistics(interface, counted)
    }

    /// Writes the accumulated blocks, flushes, and returns the writer.
    ///
    /// # Errors
    /// Writing fails.
    pub fn finish(mut self) -> Result<W, CaptureError> {
        self.blocks.write_to(&mut self.writer)?;
        self.writer.flush()?;
        Ok(self.writer)
    }
}

/// An option of a block.
fn option(block: &mut Vec<u8>, code: u16, value: &[u8]) {
    block.extend_from_slice(&code.to_le_bytes());
    block.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
    block.extend_from_slice(value);
    pad(block);
}

/// Everything in a block is aligned to four bytes.
fn pad(block: &mut Vec<u8>) {
    let len = block.len().next_multiple_of(4);
    block.resize(len, 0);
}

/// A record's length in bytes, if it is valid.
fn record_len(frame: &[u8]) -> Result<u32, CaptureError> {
    u32::try_from(frame.len())
        .ok()
        .filter(|len| *len <= MAX_RECORD_BYTES)
        .ok_or_else(|| CaptureError::Write(format!("a frame of {} bytes is too long", frame.len())))
}

/// As much of the text as fits an option.
fn fitting(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_OPTION_BYTES)).unwrap_or(text)
}

fn pcap_error(error: pcap_file::pcap::PcapWriteError) -> CaptureError {
    use pcap_file::pcap::PcapWriteError as E;
    match error {
        E::Io(e) | E::FieldWriteFailed(_, e) => CaptureError::Io(e),
        e => CaptureError::Write(e.to_string()),
    }
}

fn pcapng_error(error: pcap_file::pcapng::PcapNgWriteError) -> CaptureError {
    use pcap_file::pcapng::PcapNgWriteError as E;
    match error {
        E::Io(e) => CaptureError::Io(e),
        e => CaptureError::Write(e.to_string()),
    }
}
