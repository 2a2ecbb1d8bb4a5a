//! The hop log of a replay: hops one behind the other in two buffers that are filled again and again.

use super::engine::{DeviceIndex, Hop};
use crate::lab::HopKind;
use crate::time::Instant;

/// Bytes of frames and of hops for each hop: what a batch is dimensioned by.
const BYTES_FOR_A_HOP: usize = 128;

/// A hop whose frame stands in the batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Logged {
    pub(super) time: Instant,
    pub(super) frame_id: u64,
    at: u32,
    len: u32,
    pub(super) device: DeviceIndex,
    pub(super) kind: HopKind,
}

/// Hops, and the bytes of their frames; a frame that several hops show stands there once.
pub(super) struct Log {
    bytes: Vec<u8>,
    hops: Vec<Logged>,
    /// The log is full above so many bytes.
    full: usize,
}

impl Log {
    /// Room for about so many bytes of frames: the last frame may lead past it.
    pub(super) fn new(bytes: usize) -> Log {
        let room = bytes + crate::capture::MAX_RECORD_BYTES as usize;
        Log {
            bytes: Vec::with_capacity(room),
            hops: Vec::with_capacity(bytes / BYTES_FOR_A_HOP),
            full: bytes,
        }
    }

    /// Keeps a hop, whose frame is kept with it.
    #[inline]
    pub(super) fn push(&mut self, hop: &Hop<'_>) {
        let (at, len) = match self.hops.last() {
            Some(last) if last.frame_id == hop.frame_id && self.frame(last) == hop.frame => {
                (last.at, last.len)
            }
            _ => {
                let at = self.bytes.len();
                self.bytes.extend_from_slice(hop.frame);
                // A log of 4 GiB would have been full long before.
                (at as u32, hop.frame.len() as u32)
            }
        };
        let Hop { time, frame_id, device, kind, .. } = *hop;
        self.hops.push(Logged { time, frame_id, at, len, device, kind });
    }

    /// Whether it is time to write it.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= self.full || self.hops.len() == self.hops.capacity()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hops.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.hops.clear();
    }

    /// Most hops that it ever holds.
    pub(super) fn capacity(&self) -> usize {
        self.hops.capacity()
    }

    pub(super) fn hops(&self) -> &[Logged] {
        &self.hops
    }

    #[inline]
    pub(super) fn frame(&self, hop: &Logged) -> &[u8] {
        let at = hop.at as usize;
        self.bytes.get(at..at + hop.len as usize).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Rule;

    #[test]
    fn a_frame_stands_once_and_another_under_its_number_beside_it() {
        let mut log = Log::new(1000);
        let hop = |frame, frame_id| Hop {
            device: DeviceIndex(0),
            kind: HopKind::Transmit(Rule::ToWire),
            time: Instant::ZERO,
            frame,
            frame_id,
        };
        for (frame, id) in [(&[1; 60][..], 1), (&[1; 60], 1), (&[2; 64], 1), (&[2; 64], 2)] {
            log.push(&hop(frame, id));
        }
        assert_eq!(log.bytes.len(), 60 + 64 + 64);
        assert_eq!(log.hops().iter().map(|h| log.frame(h)[0]).collect::<Vec<_>>(), [1, 1, 2, 2]);
        while !log.is_full() {
            log.push(&hop(&[1; 60], 3));
        }
        assert_eq!(log.hops().len(), log.hops.capacity(), "a flood of one frame fills the log, too");
    }
}
