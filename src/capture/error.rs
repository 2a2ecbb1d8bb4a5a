//! What can be wrong with a capture.

use super::{MAX_FRAME_BYTES, MAX_INTERFACES, MAX_RECORD_BYTES, MIN_FRAME_BYTES};
use std::fmt;

/// The stream as a whole cannot be read, or an output cannot be written.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The work was asked to stop before the stream's header was read.
    #[error("asked to stop")]
    Stopped,
    /// Nothing there.
    #[error("the capture is empty: not one byte")]
    Empty,
    /// The first bytes are those of no known format.
    #[error("not a capture: it begins with {}, as neither pcap nor pcapng does", HexBytes(.0))]
    Magic(Vec<u8>),
    /// It ends within its own header.
    #[error("the capture ends within its header: {have} of {needed} bytes")]
    Truncated {
        /// Bytes that the header takes.
        needed: usize,
        /// Bytes that there are.
        have: usize,
    },
    /// A version of the format that nobody writes.
    #[error("{format} version {major}.{minor} is not known")]
    Version {
        /// `pcap` or `pcapng`.
        format: &'static str,
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// A pcap file of something else than Ethernet.
    #[error("the capture's link type is {}, and only Ethernet (1) can be read", LinkType(*.0))]
    LinkType(u16),
    /// The first section header of a pcapng stream is broken.
    #[error("the first section header is broken: {0}")]
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
    /// Which record, from 1, bad ones counted. If `reason` is about a block that holds no packet: the number of the
    /// next record.
    pub number: u64,
    /// Where it begins: bytes from the start of the stream, after decompression.
    pub offset: u64,
    /// What is wrong.
    pub reason: BadReason,
}

impl BadRecord {
    /// The stream cannot be resumed: this was its last answer.
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

/// What is wrong with a record.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReason {
    /// The stream ends within it.
    #[error("the capture ends here, after {have} of {needed} bytes of it")]
    Truncated {
        /// Bytes that the record takes.
        needed: u64,
        /// Bytes that there are.
        have: u64,
    },
    /// It claims more data than a record can have, and skipping as much leads past the end of the stream.
    #[error("it claims {claimed} bytes and only {have} follow, so the rest cannot be read")]
    Endless {
        /// Bytes claimed.
        claimed: u64,
        /// Bytes that follow.
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
    #[error("a frame of {0} bytes has no Ethernet header, which takes {MIN_FRAME_BYTES}")]
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
    /// The interface on which it was captured was not described.
    #[error("it belongs to interface {0}, which its section does not describe")]
    UnknownInterface(u32),
    /// It was not captured on an Ethernet.
    #[error("its interface has link type {}, and only Ethernet (1) can be read", LinkType(*.0))]
    LinkType(u16),
    /// A block is shorter than its own contents.
    #[error("its block holds {have} bytes and needs {needed}")]
    BlockTooShort {
        /// Bytes needed.
        needed: u64,
        /// Bytes in the block.
        have: u64,
    },
    /// A block says at its end that it has another length than it said at its beginning.
    #[error("its block begins with length {first} and ends with length {last}")]
    BlockLengthMismatch {
        /// At the beginning.
        first: u32,
        /// At the end.
        last: u32,
    },
    /// An interface's description is too short or has broken options; its packets cannot be read.
    #[error("the description of an interface is broken")]
    Interface,
    /// More interfaces than a reader remembers.
    #[error("its section describes more than {MAX_INTERFACES} interfaces")]
    TooManyInterfaces,
    /// A block's length is impossible, so the next block cannot be found.
    #[error("a block has the impossible length {0}, so what follows cannot be found")]
    BlockLength(u32),
    /// A section header does not say which byte order follows.
    #[error("a section header has the byte-order mark {0:#010x}, so what follows cannot be read")]
    SectionMagic(u32),
    /// A section of an unknown version.
    #[error("a section has version {major}.{minor}, so what follows cannot be read")]
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
    /// Whether it is a packet's record that is wrong, not a block beside the packets.
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

/// A link type with its name, if it is one of the common ones.
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
