//! Reads and writes pcap and pcapng captures, streaming in constant memory.
//!
//! [`Reader`] accepts any byte stream, detects gzip, zstd, pcap and pcapng by their first bytes, and returns one record
//! after another; an `Input` keeps it from blocking for ever. Captures are untrusted: an invalid record yields a
//! [`BadRecord`] with its number, offset and reason, and reading continues if the next record can still be found; with
//! [`Steady`] one wrong time affects one record only. [`PcapWriter`] and [`PcapngWriter`] write files that packet
//! analysers open without complaint, with the same bytes for the same input, [`Traffic`] generates frames,
//! and with the feature `files` an `AtomicFile` keeps incomplete files from getting their final name, and a `RecordFile`
//! ends with a whole record even if the disk is full.

#[cfg(feature = "files")]
mod atomic;
mod error;
#[cfg(feature = "compression")]
mod gunzip;
mod held;
#[cfg(feature = "files")]
mod input;
mod pcap;
mod pcapng;
mod reader;
#[cfg(feature = "files")]
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
#[cfg(feature = "files")]
pub use atomic::{AtomicFile, abandon_outputs};
pub use error::{BadReason, BadRecord, CaptureError};
pub use held::hold;
#[cfg(feature = "files")]
pub use input::Input;
pub use reader::{Batch, Interface, Reader, Record, Totals};
#[cfg(feature = "files")]
pub use record_file::{RecordFile, RecordFormat};
pub use steady::Steady;
pub use traffic::{BadFrameSize, FrameSize, Traffic, TrafficSpec};
pub use writer::{Direction, InterfaceStatistics, Packet, PcapWriter, PcapngBlocks, PcapngWriter};

/// Minimum length of a frame: an Ethernet header.
pub const MIN_FRAME_BYTES: u32 = 14;

/// Maximum length of a stored interface name, in bytes.
pub const MAX_NAME_BYTES: usize = 256;

/// `LINKTYPE_ETHERNET` of the registry of link types.
pub const LINKTYPE_ETHERNET: u16 = 1;
