//! Turns captures into frames: which ones, when, where and in what form. Nothing else selects frames.

use super::pipeline::Ingress;
use super::route::Route;
use crate::capture::{BadRecord, Batch, Reader, Steady, Totals};
use crate::time::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Gap between two passes, if a capture has only one frame and so no gap to derive it from.
const LONE_GAP: Duration = Duration::from_micros(1);

/// A frame that enters the lab.
#[derive(Clone, Copy, Debug)]
pub struct InputFrame<'a> {
    /// The place.
    pub entry: Ingress,
    /// The time.
    pub time: Instant,
    /// The bytes.
    pub frame: &'a [u8],
}

/// Receives the frames of a feed. A closure receives them one by one.
pub trait FrameSink {
    /// Handles a frame.
    fn frame(&mut self, chosen: InputFrame<'_>);

    /// Handles frames that enter at the same place, unchanged.
    #[inline]
    fn frames<'f>(&mut self, entry: Ingress, frames: impl Iterator<Item = (Instant, &'f [u8])> + Clone) {
        frames.for_each(|(time, frame)| self.frame(InputFrame { entry, time, frame }));
    }
}

impl<F: FnMut(InputFrame<'_>)> FrameSink for F {
    fn frame(&mut self, chosen: InputFrame<'_>) {
        self(chosen);
    }
}

/// The part of the captures to replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Maximum number of records read, including bad ones.
    pub records: u64,
    /// Maximum time after the first frame, by the captures' timestamps.
    pub duration: Option<Duration>,
}

impl Default for Limits {
    /// No limits.
    fn default() -> Limits {
        Limits { records: u64::MAX, duration: None }
    }
}

/// The counters of a feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedCounts {
    /// Records read, including bad ones.
    pub records: u64,
    /// Frames that entered the lab.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Frames left out because their senders are not mapped.
    pub left_out: u64,
    /// Frames that entered although the capture truncated them.
    pub cut: u64,
    /// Bad records.
    pub bad: u64,
}

/// The result of a request for frames.
#[derive(Debug)]
pub enum FeedOutcome {
    /// There were some.
    Frames,
    /// A record of this capture is unusable.
    Bad(usize, BadRecord),
    /// The end of a capture or of a pass, or a limit.
    End {
        /// A limit was reached: another pass would yield nothing.
        by_limit: bool,
    },
}

/// One capture.
struct Input {
    reader: Steady,
    /// The next record in its batch.
    next: usize,
}

/// Captures, merged by time.
pub struct Feed {
    inputs: Vec<Input>,
    /// The captures that have a record, by its time.
    heads: BinaryHeap<Reverse<(Instant, usize)>>,
    /// The captures whose batch is used up.
    hungry: Vec<usize>,
    route: Route,
    limits: Limits,
    counts: FeedCounts,
    /// Buffer for rewritten frames.
    scratch: Vec<u8>,
    pass: Pass,
    /// The time limit, known once the first frame is read.
    end: Option<Instant>,
}

/// One pass over the captures.
#[derive(Default)]
struct Pass {
    /// Time added to the captured times.
    shift: Duration,
    /// The first and the last captured time.
    span: Option<(Instant, Instant)>,
    records: u64,
}

impl Pass {
    fn saw(&mut self, records: u64, totals: &Totals) {
        self.records += records;
        let (first, last) = self.span.unwrap_or((totals.first, totals.last));
        self.span = Some((first.min(totals.first), last.max(totals.last)));
    }

    /// The next pass begins one mean gap after the last frame of this one.
    fn after(&self) -> Pass {
        let length = self.span.map_or(Duration::ZERO, |(first, last)| last.since(first));
        let gaps = u32::try_from(self.records.saturating_sub(1)).unwrap_or(u32::MAX);
        let gap = length.checked_div(gaps).filter(|gap| !gap.is_zero()).unwrap_or(LONE_GAP);
        Pass { shift: self.shift + length + gap, ..Pass::default() }
    }
}

impl Feed {
    /// Frames of these captures.
    #[must_use]
    pub fn new(readers: Vec<Reader>, route: Route, limits: Limits) -> Feed {
        let mut feed = Feed {
            inputs: Vec::new(),
            heads: BinaryHeap::new(),
            hungry: Vec::new(),
            route,
            limits,
            counts: FeedCounts::default(),
            scratch: Vec::new(),
            pass: Pass::default(),
            end: None,
        };
        feed.fill(readers);
        feed
    }

    fn fill(&mut self, readers: Vec<Reader>) {
        self.heads.clear();
        self.hungry = (0..readers.len()).rev().collect();
        self.inputs =
            readers.into_iter().map(|reader| Input { reader: Steady::new(reader), next: 0 }).collect();
    }

    /// Another pass, over the same captures opened again: its frames follow those of this pass.
    pub fn again(&mut self, readers: Vec<Reader>) {
        self.pass = self.pass.after();
        self.fill(readers);
    }

    /// The counters so far.
    #[must_use]
    pub fn counts(&self) -> &FeedCounts {
        &self.counts
    }

    /// Emits the next frames, at most this many, in the order of their times; frames with equal times in the order of
    /// the captures. A capture whose times go back is replayed as it is, except for [single wrong times](Steady).
    pub fn next(&mut self, most: usize, to: &mut impl FrameSink) -> FeedOutcome {
        while let Some(index) = self.hungry.pop() {
            let Some(input) = self.inputs.get_mut(index) else { continue };
            input.next = 0;
            match input.reader.next_batch() {
                None => {}
                Some(Ok(batch)) => {
                    let first = batch.get(0).map_or(Instant::MAX, |record| record.time);
                    self.heads.push(Reverse((first, index)));
                }
                Some(Err(bad)) => {
                    self.hungry.push(index);
                    if self.counts.records >= self.limits.records {
                        return FeedOutcome::End { by_limit: true };
                    }
                    self.counts.records += 1;
                    self.counts.bad += 1;
                    return FeedOutcome::Bad(index, bad);
                }
            }
        }
        let Some(Reverse((_, index))) = self.heads.pop() else { return FeedOutcome::End { by_limit: false } };
        self.run(index, most, to)
    }

    /// Emits records of one capture until another capture's record is due.
    fn run(&mut self, index: usize, most: usize, to: &mut impl FrameSink) -> FeedOutcome {
        let Some(input) = self.inputs.get_mut(index) else { return FeedOutcome::Frames };
        let other = self.heads.peek().map_or((Instant::MAX, usize::MAX), |Reverse(head)| *head);
        let left = self.limits.records - self.counts.records;
        let most = usize::try_from(left).map_or(most, |left| left.min(most));
        let batch = input.reader.batch();
        if let (None, Some(first)) = (self.end, batch.get(input.next)) {
            let begin = first.time + self.pass.shift;
            self.end = Some(self.limits.duration.map_or(Instant::MAX, |duration| begin + duration));
        }
        let end = self.end.unwrap_or(Instant::MAX);
        let shift = self.pass.shift;
        let waiting = batch.part(input.next..batch.len().min(input.next.saturating_add(most)));
        let due = |time: Instant| (time, index) <= other && (time + shift < end || end == Instant::MAX);
        let count = if other.0 == Instant::MAX && end == Instant::MAX {
            waiting.len()
        } else {
            waiting.iter().take_while(|record| due(record.time)).count()
        };
        let now = waiting.part(0..count);
        input.next += count;
        let totals = now.totals();
        if count > 0 {
            self.pass.saw(count as u64, &totals);
        }
        self.counts.records += count as u64;
        if let Some(entry) = self.route.of_all() {
            self.counts.frames += count as u64;
            self.counts.bytes += totals.bytes;
            self.counts.cut += totals.cut;
            let shift = u64::try_from(shift.as_nanos()).unwrap_or(u64::MAX);
            let later = |time: Instant| Instant::from_nanos(time.as_nanos().saturating_add(shift));
            to.frames(entry, now.iter().map(move |record| (later(record.time), record.data)));
        } else {
            choose(&self.route, &mut self.scratch, &mut self.counts, now, shift, to);
        }
        let Some(next) = batch.get(input.next) else {
            self.hungry.push(index);
            return FeedOutcome::Frames;
        };
        let late = end != Instant::MAX && next.time + shift >= end && (next.time, index) <= other;
        if late || self.counts.records >= self.limits.records {
            return FeedOutcome::End { by_limit: true };
        }
        self.heads.push(Reverse((next.time, index)));
        FeedOutcome::Frames
    }
}

/// Emits the frames of records whose senders are mapped.
fn choose(
    route: &Route,
    scratch: &mut Vec<u8>,
    counts: &mut FeedCounts,
    records: Batch<'_>,
    shift: Duration,
    to: &mut impl FrameSink,
) {
    for record in records.iter() {
        match route.choose(record.data, scratch) {
            Some((entry, frame)) => {
                counts.frames += 1;
                counts.bytes += frame.len() as u64;
                counts.cut += u64::from(record.is_cut());
                to.frame(InputFrame { entry, time: record.time + shift, frame });
            }
            None => counts.left_out += 1,
        }
    }
}
