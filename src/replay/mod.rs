//! Replays captures through a lab: reads, selects, decides, writes.
//!
//! ```text
//! captures ──Feed──▶ frames ──Pipeline──▶ hops ──┬──▶ Tally
//!   Reader    merge, map,    the lab's         └──Filter──▶ Writer ═══▶ Files
//!             rewrite,       devices                buffers             a separate thread:
//!             limits                                                    DEVICE.pcap, annotated pcapng
//! ```
//!
//! Frames are borrowed from the window that they were read into; a frame that is to be written is copied once, into the
//! buffer of its file, and full buffers go to the writer thread. Empty buffers come back: their number is fixed at the
//! start, so memory use is the same for every capture, and the faster side waits for the other. Nothing is allocated
//! per frame.
//!
//! | file | what it does |
//! | --- | --- |
//! | `feed.rs` | several captures merged by time; limits and passes |
//! | `route.rs` | which device a frame belongs to, and with which addresses |
//! | `rewrite.rs` | changes to MAC addresses and tags |
//! | `pace.rs` | when a frame is due |
//! | `pipeline.rs` | frames in, hops out |
//! | `filter.rs` | which hops are written and shown |
//! | `tally.rs` | counts hops |
//! | `outputs.rs` | writes hops into the buffers of files |
//! | `writer_queue.rs` | full buffers on their way to the thread that writes, and empty ones on their way back |
//! | `files.rs` | the files on that thread, possibly more than a process may have open |

mod feed;
mod files;
mod filter;
mod outputs;
mod pace;
mod pipeline;
mod rewrite;
mod route;
mod tally;
#[cfg(test)]
mod tests;
mod writer_queue;

pub use feed::{Feed, FeedCounts, FeedOutcome, FrameSink, InputFrame, Limits};
pub use filter::{BadTerm, Filter, Term, UnknownFilterDevice};
pub use outputs::{Destination, OutputError, OutputSpec, Writer};
pub use pace::Speed;
pub use pipeline::{DeviceIndex, EntryError, HopRef, Ingress, Listener, Pipeline, RefusedDevice};
pub use rewrite::{Rewrite, VlanEdit};
pub use route::{AddressMap, BadAddress, Captured, MapError, Route, Substitute};
pub use tally::Tally;

use crate::counters::Counters;
use crate::stop::Stop;
use crate::time::Instant;
use pace::Pace;

/// A replay in progress.
///
/// ```
/// use macvlab::capture::{PcapWriter, Reader};
/// use macvlab::replay::{Pipeline, FeedOutcome, Feed, Limits, Replay, Route};
/// use macvlab::time::Instant;
///
/// let lab = macvlab::labfile::parse("lab.toml", "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\n")?;
/// let pipeline = Pipeline::new(&lab, None);
/// let mut capture = PcapWriter::new(Vec::new())?;
/// capture.write(Instant::from_nanos(1), &[0xff; 60], 60)?;
/// let reader = Reader::new(std::io::Cursor::new(capture.finish()?))?;
///
/// let route = Route { entry: Some(pipeline.entry(None)?), ..Route::default() };
/// let mut replay = Replay::new(pipeline, Feed::new(vec![reader], route, Limits::default()));
/// while let FeedOutcome::Frames = replay.step() {}
/// let done = replay.finish();
/// assert_eq!(done.tally.received(), 2, "the port and the host stack");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Replay<'a> {
    pipeline: Pipeline<'a>,
    feed: Feed,
    filter: Option<Filter>,
    writer: Option<Writer>,
    pace: Pace,
    /// Wall-clock time when the first frame entered.
    began: Option<std::time::Instant>,
    stop: Stop,
    tally: Tally,
}

/// The result of a replay.
#[derive(Debug)]
pub struct Done {
    /// Hops that the filter accepted.
    pub tally: Tally,
    /// The devices' counters.
    pub counters: Vec<(DeviceIndex, Counters)>,
    /// The feed's counters.
    pub fed: FeedCounts,
    /// The result of writing the outputs.
    pub written: Result<(), OutputError>,
}

impl<'a> Replay<'a> {
    /// Writes nothing, and does not wait.
    #[must_use]
    pub fn new(pipeline: Pipeline<'a>, feed: Feed) -> Replay<'a> {
        Replay {
            pipeline,
            feed,
            filter: None,
            writer: None,
            pace: Pace::default(),
            began: None,
            stop: Stop::default(),
            tally: Tally::default(),
        }
    }

    /// Writes hops to these outputs, if given.
    #[must_use]
    pub fn written_by(self, writer: Option<Writer>) -> Replay<'a> {
        Replay { writer, ..self }
    }

    /// Counts and writes only the hops that a filter accepts, if given.
    #[must_use]
    pub fn filtered(self, filter: Option<Filter>) -> Replay<'a> {
        Replay { filter, ..self }
    }

    /// Delays frames until they are due; setting `stop` ends a wait.
    #[must_use]
    pub fn paced(self, speed: Speed, stop: Stop) -> Replay<'a> {
        Replay { pace: Pace::new(speed), stop, ..self }
    }

    /// Replays the next frames: some hundreds, or one if they are paced.
    pub fn step(&mut self) -> FeedOutcome {
        self.step_into(&mut ())
    }

    /// The same, with each hop that passes the filter also given to `sink`, in the order of the lab's events. The sink runs
    /// on the fast path: it is compiled into it, and frames are lent to it.
    ///
    /// ```
    /// # use macvlab::replay::{Feed, FeedOutcome, Limits, Pipeline, Replay, Route};
    /// # use macvlab::{capture::Reader, lab::HopKind};
    /// # let lab = macvlab::labfile::parse("lab.toml", "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\n")?;
    /// # let pipeline = Pipeline::new(&lab, None);
    /// # let route = Route { entry: Some(pipeline.entry(None)?), ..Route::default() };
    /// # let mut replay = Replay::new(pipeline, Feed::new(Vec::<Reader>::new(), route, Limits::default()));
    /// let mut bytes = 0;
    /// while let FeedOutcome::Frames = replay.step_into(&mut |hop: &macvlab::replay::HopRef<'_>| {
    ///     if let HopKind::Receive(..) = hop.kind {
    ///         bytes += hop.frame.len();
    ///     }
    /// }) {}
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn step_into<S: HopSink>(&mut self, sink: &mut S) -> FeedOutcome {
        let Replay { pipeline, feed, filter, writer, pace, began, stop, tally } = self;
        let mut frames = PipelineSink { pipeline, filter: filter.as_ref(), writer, tally, sink };
        if pace.is_kept() {
            return feed.next(1, &mut |input: InputFrame<'_>| {
                wait(pace, began, &input, frames.writer, stop);
                frames.frame(input);
            });
        }
        feed.next(usize::MAX, &mut frames)
    }

    /// Another pass, over the same captures opened again.
    pub fn again(&mut self, readers: Vec<crate::capture::Reader>) {
        self.feed.again(readers);
    }

    /// Whether anything is written.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.writer.is_some()
    }

    /// The feed's counters so far.
    #[must_use]
    pub fn counts(&self) -> &FeedCounts {
        self.feed.counts()
    }

    /// Whether continuing is pointless: an output failed, or the reader of the only one is gone.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.writer.as_ref().is_some_and(Writer::is_over)
    }

    /// Ends the replay: completes the outputs and gives them their names.
    pub fn finish(mut self) -> Done {
        let counters = self.pipeline.counters();
        let written = self.writer.map_or(Ok(()), |writer| writer.finish(&counters));
        Done { tally: self.tally, counters, fed: *self.feed.counts(), written }
    }
}

/// Receives the hops of a replay. A closure implements it.
pub trait HopSink {
    /// A frame is at a device.
    fn hop(&mut self, hop: &HopRef<'_>);
}

/// Ignores hops.
impl HopSink for () {
    #[inline]
    fn hop(&mut self, _: &HopRef<'_>) {}
}

impl<F: FnMut(&HopRef<'_>)> HopSink for F {
    #[inline]
    fn hop(&mut self, hop: &HopRef<'_>) {
        self(hop);
    }
}

/// Sends frames through the pipeline, and their hops to the tally, the writer and the sink.
struct PipelineSink<'r, 'a, S> {
    pipeline: &'r mut Pipeline<'a>,
    filter: Option<&'r Filter>,
    writer: &'r mut Option<Writer>,
    tally: &'r mut Tally,
    sink: &'r mut S,
}

impl<S: HopSink> FrameSink for PipelineSink<'_, '_, S> {
    fn frame(&mut self, input: InputFrame<'_>) {
        self.frames(input.entry, std::iter::once((input.time, input.frame)));
    }

    #[inline]
    fn frames<'f>(&mut self, entry: Ingress, frames: impl Iterator<Item = (Instant, &'f [u8])> + Clone) {
        let PipelineSink { pipeline, filter, writer, tally, sink } = self;
        match (filter, writer) {
            // Separate, so that each compiles to no more than it needs.
            (None, None) => pipeline.frames(entry, frames, &mut |hop| {
                tally.hop(&hop);
                sink.hop(&hop);
            }),
            (None, Some(writer)) => pipeline.frames(entry, frames, &mut |hop| {
                tally.hop(&hop);
                sink.hop(&hop);
                writer.hop(&hop);
            }),
            (Some(filter), writer) => pipeline.frames(entry, frames, &mut |hop| {
                if filter.lets_through(&hop) {
                    tally.hop(&hop);
                    sink.hop(&hop);
                    writer.iter_mut().for_each(|writer| writer.hop(&hop));
                }
            }),
        }
    }
}

/// Waits until a frame is due; earlier output is written meanwhile.
#[allow(clippy::disallowed_methods, reason = "a pace is kept by the clock")]
fn wait(
    pace: &mut Pace,
    began: &mut Option<std::time::Instant>,
    input: &InputFrame<'_>,
    writer: &mut Option<Writer>,
    stop: &Stop,
) {
    let began = *began.get_or_insert_with(std::time::Instant::now);
    let Some(wait) = pace.wait(input.time, input.frame.len(), began.elapsed()) else { return };
    if let Some(writer) = writer {
        writer.flush();
    }
    stop.sleep(wait);
}
