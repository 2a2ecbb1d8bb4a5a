//! Filled buffers on their way to the thread that writes, and empty ones on their way back.

use crate::capture::{MAX_RECORD_BYTES, PcapngBlocks};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Buffers that can be under way beside those that are being filled.
const UNDER_WAY: usize = 32;
/// The largest and the smallest buffer of a file's own, in bytes.
const MAX_SMALL: usize = 128 * 1024;
const MIN_SMALL: usize = 256;
/// Bytes of a large buffer: enough for one write, and the longest record with a comment behind them.
const LARGE: usize = PcapngBlocks::ENOUGH + MAX_RECORD_BYTES as usize + 128 * 1024;
/// Large buffers.
const LARGE_BUFFERS: usize = 4;

/// A filled buffer, and the number of its file.
pub(super) struct Full {
    pub(super) file: u32,
    pub(super) bytes: Vec<u8>,
}

/// The side of the one who fills buffers. There are as many as were made at the beginning: who asks for an empty one
/// waits until the other side is done with one.
pub(super) struct WriterQueue {
    full: Sender<Full>,
    small: Receiver<Vec<u8>>,
    large: Receiver<Vec<u8>>,
    over: Arc<AtomicBool>,
}

/// The side of the one who writes them.
pub(super) struct Delivery {
    full: Receiver<Full>,
    small: Sender<Vec<u8>>,
    large: Sender<Vec<u8>>,
    small_bytes: usize,
    over: Arc<AtomicBool>,
}

/// A post for so many files that have small buffers of their own, in about so much memory.
pub(super) fn open(files: usize, memory: usize) -> (WriterQueue, Delivery) {
    let buffers = files + UNDER_WAY;
    let small_bytes = (memory / buffers).clamp(MIN_SMALL, MAX_SMALL);
    let (full, to_write) = bounded(UNDER_WAY);
    let (give_small, small) = bounded(buffers);
    let (give_large, large) = bounded(LARGE_BUFFERS);
    // There is room for all of them.
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
    /// An empty buffer for a file of its own.
    pub(super) fn small(&self) -> Vec<u8> {
        self.small.recv().unwrap_or_default()
    }

    /// An empty buffer for much at once.
    pub(super) fn large(&self) -> Vec<u8> {
        self.large.recv().unwrap_or_default()
    }

    /// Has a buffer written, if there is anything in it.
    pub(super) fn send(&self, file: u32, bytes: Vec<u8>) {
        // The other side ends when this one is gone.
        let _ = self.full.send(Full { file, bytes });
    }

    /// Whether there is no point in going on.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// There is none.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

impl Delivery {
    /// Has every buffer written until the other side is gone, which hears if writing answers that there is no point in going
    /// on.
    pub(super) fn run(self, mut write: impl FnMut(&Full) -> bool) {
        for mut full in self.full {
            if !write(&full) {
                self.over.store(true, Ordering::Relaxed);
            }
            full.bytes.clear();
            // What came with a file's first bytes is too small to go round. There is room for what is not.
            let capacity = full.bytes.capacity();
            if capacity >= LARGE {
                let _ = self.large.try_send(full.bytes);
            } else if capacity >= self.small_bytes {
                let _ = self.small.try_send(full.bytes);
            }
        }
    }
}
