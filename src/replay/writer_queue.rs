//! Full buffers on their way to the writer thread, and empty ones on their way back.

use crate::capture::{MAX_RECORD_BYTES, PcapngBlocks};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Buffers that can be in flight beside those being filled.
const UNDER_WAY: usize = 32;
/// The largest and the smallest buffer for a single file, in bytes.
const MAX_SMALL: usize = 128 * 1024;
const MIN_SMALL: usize = 256;
/// Size of a large buffer: enough for one write plus the longest record with a comment.
const LARGE: usize = PcapngBlocks::ENOUGH + MAX_RECORD_BYTES as usize + 128 * 1024;
/// Number of large buffers.
const LARGE_BUFFERS: usize = 4;

/// A filled buffer, and the number of its file.
pub(super) struct Full {
    pub(super) file: u32,
    pub(super) bytes: Vec<u8>,
}

/// The producer's side. The number of buffers is fixed at the start: a request for an empty one waits until the writer
/// returns one.
pub(super) struct WriterQueue {
    full: Sender<Full>,
    small: Receiver<Vec<u8>>,
    large: Receiver<Vec<u8>>,
    over: Arc<AtomicBool>,
}

/// The writer's side.
pub(super) struct Delivery {
    full: Receiver<Full>,
    small: Sender<Vec<u8>>,
    large: Sender<Vec<u8>>,
    small_bytes: usize,
    over: Arc<AtomicBool>,
}

/// Creates a queue for this many files with small buffers, with about this much memory in bytes.
pub(super) fn open(files: usize, memory: usize) -> (WriterQueue, Delivery) {
    let buffers = files + UNDER_WAY;
    let small_bytes = (memory / buffers).clamp(MIN_SMALL, MAX_SMALL);
    let (full, to_write) = bounded(UNDER_WAY);
    let (give_small, small) = bounded(buffers);
    let (give_large, large) = bounded(LARGE_BUFFERS);
    // The channel has room for all of them.
    for _ in 0..if files > 0 { buffers } else { 0 } {
        let _ = give_small.send(Vec::with_capacity(small_bytes));
    }
    for _ in 0..LARGE_BUFFERS {
        let _ = give_large.send(Vec::with_capacity(LARGE));
    }
    let over = Arc::new(AtomicBool::new(false));
    let post = WriterQueue { full, small, large, over: Arc::clone(&over) };
    (post, Delivery { full: to_write, small: give_small, large: give_large, small_bytes, over })
}

impl WriterQueue {
    /// An empty small buffer.
    pub(super) fn small(&self) -> Vec<u8> {
        self.small.recv().unwrap_or_default()
    }

    /// An empty large buffer.
    pub(super) fn large(&self) -> Vec<u8> {
        self.large.recv().unwrap_or_default()
    }

    /// Sends a buffer to the writer, unless it is empty.
    pub(super) fn send(&self, file: u32, bytes: Vec<u8>) {
        // The writer ends when this side is dropped.
        let _ = self.full.send(Full { file, bytes });
    }

    /// Whether continuing is pointless.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// There is no such buffer.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

impl Delivery {
    /// Writes every buffer until the producer is gone; the producer is informed if writing reports that continuing is
    /// pointless.
    pub(super) fn run(self, mut write: impl FnMut(&Full) -> bool) {
        for mut full in self.full {
            if !write(&full) {
                self.over.store(true, Ordering::Relaxed);
            }
            full.bytes.clear();
            // A buffer that grew with a file's first bytes is too small to reuse. There is room for other ones.
            let capacity = full.bytes.capacity();
            if capacity >= LARGE {
                let _ = self.large.try_send(full.bytes);
            } else if capacity >= self.small_bytes {
                let _ = self.small.try_send(full.bytes);
            }
        }
    }
}
