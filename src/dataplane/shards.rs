//! Several workers side by side: frames are sorted by flow, each flow keeps to one worker and so keeps its order.

use super::{Entrance, Passing, Published, Worker};
use crate::counters::Counters;
use crate::dataplane::NodeId;
use crate::time::Instant;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::sync::Arc;
use std::thread::JoinHandle;

/// Bytes of frames that a batch takes before it is handed over: what stays in a core's second-level cache.
const BATCH_BYTES: usize = 128 * 1024;
/// Frames that a batch takes, for the same reason.
const BATCH_FRAMES: usize = 1024;
/// Batches that wait for one worker at most. A worker that is behind makes whoever offers frames wait; memory is bounded.
const WAITING: usize = 4;

/// Frames one behind the other, with their times.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    /// When each came in, and where it ends.
    frames: Vec<(Instant, usize)>,
}

impl Batch {
    fn iter(&self) -> impl Iterator<Item = (Instant, &[u8])> + Clone {
        let starts = std::iter::once(0).chain(self.frames.iter().map(|(_, end)| *end));
        let frame = |(start, (time, end)): (usize, &(Instant, usize))| {
            (*time, self.bytes.get(start..*end).unwrap_or_default())
        };
        starts.zip(&self.frames).map(frame)
    }

    fn push(&mut self, time: Instant, frame: &[u8]) {
        self.bytes.extend_from_slice(frame);
        self.frames.push((time, self.bytes.len()));
    }

    fn is_full(&self) -> bool {
        self.bytes.len() >= BATCH_BYTES || self.frames.len() >= BATCH_FRAMES
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.frames.clear();
    }
}

/// One worker's thread, and the batches that go to and fro.
#[derive(Debug)]
struct Shard {
    filling: Batch,
    full: Sender<Batch>,
    empty: Receiver<Batch>,
    thread: JoinHandle<Worker>,
}

/// Workers on threads of their own, which share nothing but the wiring. Frames are handed over in batches.
///
/// The flow of a frame is its pair of addresses. What the workers learn is not joined, so frames through a switch are
/// for one worker.
#[derive(Debug)]
pub struct Shards {
    shards: Vec<Shard>,
}

impl Shards {
    /// Starts so many threads, at least one, each with a copy of the worker and with what `listener` makes for it to be
    /// told hops. Between two batches each looks whether another wiring was published.
    pub fn start<H: FnMut(Passing<'_>) + Send + 'static>(
        worker: &Worker,
        published: &Arc<Published>,
        entrance: Entrance,
        threads: usize,
        mut listener: impl FnMut(usize) -> H,
    ) -> Shards {
        let shard = |number| {
            let (full, work) = bounded::<Batch>(WAITING);
            let (back, empty) = bounded(WAITING + 1);
            // As many batches as can be anywhere: whoever fills one waits for one to come back.
            (0..WAITING).for_each(|_| drop(back.send(Batch::default())));
            let (mut worker, published) = (worker.clone(), Arc::clone(published));
            let mut hops = listener(number);
            let thread = std::thread::spawn(move || {
                for mut batch in work {
                    worker.refresh(&published);
                    worker.take_batch(entrance, batch.iter(), &mut hops);
                    batch.clear();
                    // Nobody waits for it any more when the shards are being finished.
                    let _ = back.send(batch);
                }
                worker
            });
            Shard { filling: Batch::default(), full, empty, thread }
        };
        Shards { shards: (0..threads.max(1)).map(shard).collect() }
    }

    /// Hands a frame to the worker of its flow, sooner or later. Waits if that worker is behind.
    pub fn offer(&mut self, time: Instant, frame: &[u8]) {
        let number = flow(frame) % self.shards.len();
        let shard = &mut self.shards[number];
        shard.filling.push(time, frame);
        if shard.filling.is_full() {
            shard.hand_over();
        }
    }

    /// Hands over what waits, ends the threads when they are done, and answers with the workers.
    ///
    /// # Panics
    /// If a listener panicked.
    #[must_use]
    pub fn finish(mut self) -> Vec<Worker> {
        self.shards.iter_mut().for_each(Shard::hand_over);
        let ended = self.shards.into_iter().map(|Shard { full, thread, .. }| {
            drop(full);
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        ended.collect()
    }
}

impl Shard {
    fn hand_over(&mut self) {
        // A thread that is gone has panicked, which `finish` tells.
        let Ok(empty) = self.empty.recv() else { return };
        let _ = self.full.send(std::mem::replace(&mut self.filling, empty));
    }
}

/// The pair of addresses, well mixed; what is too short for them is one flow.
fn flow(frame: &[u8]) -> usize {
    let Some(&[a, b, c, d, e, f, g, h, i, j, k, l]) = frame.first_chunk::<12>() else { return 0 };
    let (dst, src) =
        (u64::from_le_bytes([a, b, c, d, e, f, 0, 0]), u64::from_le_bytes([g, h, i, j, k, l, 0, 0]));
    let mixed = (dst ^ src.rotate_left(24)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 33) as usize
}

/// What several workers have counted at a node, added up.
#[must_use]
pub fn counters_of(workers: &[Worker], node: NodeId) -> Counters {
    workers.iter().map(|w| w.state().counters(node)).fold(Counters::default(), |sum, c| sum + c)
}
