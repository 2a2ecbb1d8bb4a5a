//! Writing captures: the same input gives the same bytes on every machine.

use super::error::CaptureError;
use super::{LINKTYPE_ETHERNET, MAX_RECORD_BYTES};
use crate::frame::{MacAddr, PacketType};
use crate::time::Instant;
use pcap_file::pcap::{PcapHeader, PcapTsResolution};
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use pcap_file::pcapng::blocks::interface_statistics::{InterfaceStatisticsBlock, InterfaceStatisticsOption};
use pcap_file::pcapng::blocks::opt_common::{CommonOption, UnknownOption};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::{DataLink, Endianness};
use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

/// `epb_packetid`, which the pcap-file crate has no name for.
const EPB_PACKETID: u16 = 5;
/// Most bytes of one option.
const MAX_OPTION_BYTES: usize = 65_535;

/// Writes a pcap file of Ethernet frames with nanoseconds.
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

    /// Writes one frame; `orig_len` is its length on the wire in bytes, if more than was kept of it.
    ///
    /// # Errors
    /// Writing fails, or the time is after 2106, which the format cannot say.
    pub fn write(&mut self, time: Instant, frame: &[u8], orig_len: u32) -> Result<(), CaptureError> {
        let since_epoch = Duration::from_nanos(time.as_nanos());
        let ts_sec = u32::try_from(since_epoch.as_secs())
            .map_err(|_| CaptureError::Write("a pcap file has no times after 2106".to_owned()))?;
        let incl_len = record_len(frame)?;
        let fields = [ts_sec, since_epoch.subsec_nanos(), incl_len, orig_len.max(incl_len)];
        for field in fields {
            self.writer.write_all(&field.to_le_bytes())?;
        }
        self.writer.write_all(frame)?;
        Ok(())
    }

    /// Flushes, and gives the writer back.
    ///
    /// # Errors
    /// Flushing fails.
    pub fn finish(mut self) -> Result<W, CaptureError> {
        self.writer.flush()?;
        Ok(self.writer)
    }

    /// The writer below.
    pub fn get_ref(&self) -> &W {
        &self.writer
    }

    /// The writer below. What is written to it directly lands between two records.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.writer
    }
}

/// Which way a frame crossed its interface, seen from the interface (`epb_flags`, bits 0 and 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It came in.
    In,
    /// It went out.
    Out,
}

/// A frame for a pcapng file.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// What [`PcapngWriter::add_interface`] answered.
    pub interface: u32,
    /// When: nanoseconds since 1970.
    pub time: Instant,
    /// The frame, no FCS.
    pub frame: &'a [u8],
    /// Its length on the wire in bytes, if more than `frame` holds; else the length of `frame` counts.
    pub orig_len: u32,
    /// Which way it went.
    pub direction: Option<Direction>,
    /// For whom it was; [`PacketType::OtherHost`] is written as promiscuous.
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

/// What an interface counted; what is `None` is not written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterfaceStatistics {
    /// When the capture began.
    pub start: Instant,
    /// When it ended.
    pub end: Instant,
    /// Frames that the interface received (`isb_ifrecv`).
    pub received: Option<u64>,
    /// Frames that it dropped (`isb_ifdrop`).
    pub dropped: Option<u64>,
    /// Frames that its filter let through (`isb_filteraccept`).
    pub accepted: Option<u64>,
    /// Frames that the operating system dropped (`isb_osdrop`).
    pub dropped_by_os: Option<u64>,
    /// Frames that were delivered (`isb_usrdeliv`).
    pub delivered: Option<u64>,
}

/// Writes a pcapng file: one section, an interface for each device, little-endian, nanoseconds.
pub struct PcapngWriter<W: Write> {
    inner: pcap_file::pcapng::PcapNgWriter<W>,
    interfaces: u32,
}

impl<W: Write> PcapngWriter<W> {
    /// Writes the section header. It names this program and its version, and nothing of the machine.
    ///
    /// # Errors
    /// Writing fails.
    pub fn new(writer: W) -> Result<PcapngWriter<W>, CaptureError> {
        let application = concat!("macvlab ", env!("CARGO_PKG_VERSION"));
        let section = SectionHeaderBlock {
            endianness: Endianness::Little,
            options: vec![SectionHeaderOption::UserApplication(Cow::Borrowed(application))],
            ..SectionHeaderBlock::default()
        };
        let inner =
            pcap_file::pcapng::PcapNgWriter::with_section_header(writer, section).map_err(pcapng_error)?;
        Ok(PcapngWriter { inner, interfaces: 0 })
    }

    /// Describes an interface and answers its number. Interfaces may be added at any time before their first packet.
    ///
    /// # Errors
    /// Writing fails.
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
        self.inner.write_pcapng_block(block).map_err(pcapng_error)?;
        self.interfaces += 1;
        Ok(self.interfaces - 1)
    }

    /// Writes one frame.
    ///
    /// # Errors
    /// Writing fails, or there is no such interface.
    pub fn write(&mut self, packet: &Packet<'_>) -> Result<(), CaptureError> {
        let mut options = Vec::with_capacity(3);
        if !packet.comment.is_empty() {
            let comment = CommonOption::Comment(Cow::Borrowed(fitting(packet.comment)));
            options.push(EnhancedPacketOption::Common(comment));
        }
        if packet.flags() != 0 {
            options.push(EnhancedPacketOption::Flags(packet.flags()));
        }
        let id = packet.packet_id.map(u64::to_le_bytes);
        if let Some(id) = &id {
            options.push(EnhancedPacketOption::Common(CommonOption::Unknown(UnknownOption::new(
                EPB_PACKETID,
                id,
            ))));
        }
        let block = EnhancedPacketBlock {
            interface_id: packet.interface,
            timestamp: Duration::from_nanos(packet.time.as_nanos()),
            original_len: packet.orig_len.max(record_len(packet.frame)?),
            data: Cow::Borrowed(packet.frame),
            options,
        };
        self.inner.write_pcapng_block(block).map_err(pcapng_error)?;
        Ok(())
    }

    /// The writer below. What is written to it directly lands between two blocks.
    pub fn get_mut(&mut self) -> &mut W {
        self.inner.get_mut()
    }

    /// Hands on what the writer below has collected.
    ///
    /// # Errors
    /// Flushing fails.
    pub fn flush(&mut self) -> Result<(), CaptureError> {
        Ok(self.inner.get_mut().flush()?)
    }

    /// Writes what an interface counted; best at the end.
    ///
    /// # Errors
    /// Writing fails, or there is no such interface.
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
        self.inner.write_pcapng_block(block).map_err(pcapng_error)?;
        Ok(())
    }

    /// Flushes, and gives the writer back.
    ///
    /// # Errors
    /// Flushing fails.
    pub fn finish(mut self) -> Result<W, CaptureError> {
        self.inner.get_mut().flush()?;
        Ok(self.inner.into_inner())
    }
}

/// A record's length in bytes, if a record can have it.
fn record_len(frame: &[u8]) -> Result<u32, CaptureError> {
    u32::try_from(frame.len())
        .ok()
        .filter(|len| *len <= MAX_RECORD_BYTES)
        .ok_or_else(|| CaptureError::Write(format!("a frame of {} bytes is too long", frame.len())))
}

/// As much of the text as an option holds.
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
