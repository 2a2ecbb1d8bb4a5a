//! Errors in captures.

use super::{MAX_FRAME_BYTES, MAX_INTERFACES, MAX_RECORD_BYTES, MIN_FRAME_BYTES};
use std::fmt;

/// The stream as a whole cannot be read, or an output cannot be written.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Reading was stopped before the stream's header was read.
    #[error("asked to stop")]
    Stopped,
    /// The stream is empty.
    #[error("the capture is empty")]
    Empty,
    /// The first bytes match no known format.
    #[error("not a capture: it begins with {}, unlike pcap and pcapng", HexBytes(.0))]
    Magic(Vec<u8>),
    /// The stream ends within its header.
    #[error("the capture ends within its header: {have} of {needed} bytes")]
    Truncated {
        /// Length of the header in bytes.
        needed: usize,
        /// Bytes available.
        have: usize,
    },
    /// An unknown version of the format.
    #[error("unknown {format} version {major}.{minor}")]
    Version {
        /// `pcap` or `pcapng`.
        format: &'static str,
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// A pcap file with a link type other than Ethernet.
    #[error("the capture's link type is {}, and only Ethernet (1) can be read", LinkType(*.0))]
    LinkType(u16),
    /// The first section header of a pcapng stream is broken.
    #[error("the first section header is invalid: {0}")]
    Section(BadReason),
    /// A record cannot be written in this format.
    #[error("cannot be written: {0}")]
    Write(String),
}

impl From<CaptureError> for std::io::Error {
    fn from(error: CaptureError) -> std::io::Error {
        match error {
            CaptureError::Io(error) => error,
            other => std::io::Error::other(other),
        }
    }
}

/// A record that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct BadRecord {
    /// The record, from 1, including bad ones. If `reason` is about a block without a packet: the number of the next
    /// record.
    pub number: u64,
    /// Its offset in the stream, in bytes, after decompression.
    pub offset: u64,
    /// What is wrong.
    pub reason: BadReason,
}

impl BadRecord {
    /// Reading cannot continue: this was the last result.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(
            self.reason,
            BadReason::Truncated { .. }
                | BadReason::Endless { .. }
                | BadReason::BlockLength(_)
                | BadReason::SectionMagic(_)
                | BadReason::SectionVersion { .. }
                | BadReason::TooManyInterfaces
                | BadReason::Read(_)
        )
    }
}

impl fmt::Display for BadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = if self.reason.is_about_a_packet() { "" } else { "before " };
        write!(f, "{before}record {}, at byte {}: {}", self.number, self.offset, self.reason)
    }
}

/// Why a record cannot be used.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReason {
    /// The stream ends within it.
    #[error("the capture ends here, after {have} of {needed} bytes of it")]
    Truncated {
        /// Length of the record in bytes.
        needed: u64,
        /// Bytes available.
        have: u64,
    },
    /// It claims more data than a record can have, and skipping that much leads past the end of the stream.
    #[error("it claims {claimed} bytes and only {have} follow, so the rest cannot be read")]
    Endless {
        /// Bytes claimed.
        claimed: u64,
        /// Bytes available after it.
        have: u64,
    },
    /// It claims more data than a record can have.
    #[error("it claims {0} bytes, and a record has at most {MAX_RECORD_BYTES}")]
    TooLong(u64),
    /// More bytes were captured than the frame had.
    #[error("{captured} bytes were captured of a frame of {original}")]
    CapturedOverOriginal {
        /// Bytes captured.
        captured: u32,
        /// The frame's length.
        original: u32,
    },
    /// The frame is shorter than an Ethernet header.
    #[error("a frame of {0} bytes is shorter than an Ethernet header of {MIN_FRAME_BYTES}")]
    FrameTooShort(u32),
    /// The frame is too long.
    #[error("a frame of {0} bytes is longer than {MAX_FRAME_BYTES}")]
    FrameTooLong(u32),
    /// The fraction of its second is a second or more.
    #[error("its time has {fraction} {unit} within one second")]
    Fraction {
        /// The fraction.
        fraction: u32,
        /// `microseconds` or `nanoseconds`.
        unit: &'static str,
    },
    /// Its time is before 1970 or after 2554.
    #[error("its time is before 1970 or after 2554")]
    TimeOutOfRange,
    /// The interface that captured it was not described.
    #[error("it belongs to interface {0}, which its section does not describe")]
    UnknownInterface(u32),
    /// It was not captured on Ethernet.
    #[error("its interface has link type {}, and only Ethernet (1) can be read", LinkType(*.0))]
    LinkType(u16),
    /// A block is shorter than its own contents.
    #[error("its block has {have} bytes and needs {needed}")]
    BlockTooShort {
        /// Bytes needed.
        needed: u64,
        /// Bytes in the block.
        have: u64,
    },
    /// A block's trailing length differs from its leading length.
    #[error("its block begins with length {first} and ends with length {last}")]
    BlockLengthMismatch {
        /// The leading length.
        first: u32,
        /// The trailing length.
        last: u32,
    },
    /// An interface's description is too short or has broken options; its packets cannot be read.
    #[error("the description of an interface is invalid")]
    Interface,
    /// Too many interfaces.
    #[error("its section describes more than {MAX_INTERFACES} interfaces")]
    TooManyInterfaces,
    /// A block's length is impossible, so the next block cannot be found.
    #[error("a block has the impossible length {0}, so the next one cannot be found")]
    BlockLength(u32),
    /// A section header has no valid byte-order mark.
    #[error("a section header has the byte-order mark {0:#010x}, so the rest cannot be read")]
    SectionMagic(u32),
    /// A section of an unknown version.
    #[error("a section has version {major}.{minor}, so the rest cannot be read")]
    SectionVersion {
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// Reading failed, or the compressed stream is broken.
    #[error("reading failed: {0}")]
    Read(String),
}

impl BadReason {
    /// Whether the problem is in a packet's record, and not in another block.
    fn is_about_a_packet(&self) -> bool {
        !matches!(
            self,
            BadReason::Interface
                | BadReason::TooManyInterfaces
                | BadReason::BlockLength(_)
                | BadReason::SectionMagic(_)
                | BadReason::SectionVersion { .. }
        )
    }
}

/// A link type with its name, if known.
struct LinkType(u16);

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0 => "BSD loopback",
            9 => "PPP",
            101 => "raw IP",
            105 => "802.11",
            108 => "OpenBSD loopback",
            113 => "Linux cooked",
            127 => "802.11 with radiotap",
            228 => "raw IPv4",
            229 => "raw IPv6",
            276 => "Linux cooked v2",
            n => return write!(f, "{n}"),
        };
        write!(f, "{} ({name})", self.0)
    }
}

/// Bytes as `d4 c3 b2 a1`.
struct HexBytes<'a>(&'a [u8]);

impl fmt::Display for HexBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            let space = if i == 0 { "" } else { " " };
            write!(f, "{space}{byte:02x}")?;
        }
        Ok(())
    }
}
