//! Captures: pcap and pcapng, in and out, streamed in constant memory.
//!
//! [`Reader`] takes any byte stream, recognises gzip, zstd, pcap and pcapng by their first bytes, and hands out one
//! record after another; an [`Input`] is what keeps it from waiting for ever. Captures come from anywhere, so nothing in
//! them is believed: a record that makes no sense is answered with a [`BadRecord`] that says which one, where and why, and
//! reading goes on if the next record can still be found; and with [`Steady`] one wrong time is that of one record only.
//! [`PcapWriter`] and [`PcapngWriter`] write what packet analysers open without complaint, byte for byte the
//! same for the same input, [`Traffic`] makes frames up, [`AtomicFile`] keeps half-written files from ever having a final
//! name, and a [`RecordFile`] ends with a whole record even if the disk is full.

mod atomic;
mod error;
#[cfg(feature = "compression")]
mod gunzip;
mod input;
mod pcap;
mod pcapng;
mod reader;
mod record_file;
mod source;
mod steady;
#[cfg(test)]
mod tests;
mod traffic;
#[cfg(feature = "compression")]
mod unzstd;
mod writer;

pub use crate::limits::{
    FRAME_BYTES as MAX_FRAME_BYTES, RECORD_BYTES as MAX_RECORD_BYTES, SECTION_INTERFACES as MAX_INTERFACES,
};
pub use atomic::{AtomicFile, abandon_outputs};
pub use error::{BadReason, BadRecord, CaptureError};
pub use input::Input;
pub use reader::{Batch, Interface, Reader, Record, Totals};
pub use record_file::{RecordFile, RecordFormat};
pub use steady::Steady;
pub use traffic::{BadFrameSize, FrameSize, Traffic, TrafficSpec};
pub use writer::{Direction, InterfaceStatistics, Packet, PcapWriter, PcapngBlocks, PcapngWriter};

/// Shortest frame: an Ethernet header.
pub const MIN_FRAME_BYTES: u32 = 14;

/// Longest interface name that is kept, in bytes.
pub const MAX_NAME_BYTES: usize = 256;

/// `LINKTYPE_ETHERNET` of the registry of link types.
pub const LINKTYPE_ETHERNET: u16 = 1;
