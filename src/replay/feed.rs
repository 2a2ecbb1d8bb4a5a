//! Captures in, frames out: which ones, when, where and as what. There is no other place that chooses.

use super::engine::Entry;
use super::route::Route;
use crate::capture::{BadRecord, Reader, Record};
use crate::time::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// From the end of one pass to the next, if a capture has only one frame and so no gap of its own.
const LONE_GAP: Duration = Duration::from_micros(1);

/// A frame that comes in.
#[derive(Clone, Copy, Debug)]
pub struct Chosen<'a> {
    /// Where.
    pub entry: Entry,
    /// When.
    pub time: Instant,
    /// The frame.
    pub frame: &'a [u8],
}

/// How much is replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Records that are read, bad ones counted.
    pub records: u64,
    /// From the first frame on, by the times of the captures.
    pub duration: Option<Duration>,
}

impl Default for Limits {
    /// Everything.
    fn default() -> Limits {
        Limits { records: u64::MAX, duration: None }
    }
}

/// What a feed has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedCounts {
    /// Records read, bad ones counted.
    pub records: u64,
    /// Frames that came in.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Frames left out because nobody stands for their senders.
    pub left_out: u64,
    /// Frames that came in though their end is missing in the capture.
    pub cut: u64,
    /// Bad records.
    pub bad: u64,
}

/// What came of asking for frames.
#[derive(Debug)]
pub enum Fed {
    /// There were some.
    Frames,
    /// A record of this capture cannot be used.
    Bad(usize, BadRecord),
    /// A capture, or a pass over all of them, is at its end, or a limit was reached.
    End {
        /// A limit was reached: another pass would give nothing.
        by_limit: bool,
    },
}

/// One capture.
struct Input {
    reader: Reader,
    /// The next record of its batch.
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
    /// Where frames are rewritten.
    scratch: Vec<u8>,
    pass: Pass,
    /// The first time of all.
    begin: Option<Instant>,
}

/// One pass over the captures.
#[derive(Default)]
struct Pass {
    /// How much later frames come in than they were captured.
    shift: Duration,
    /// The first and the last time, as captured.
    span: Option<(Instant, Instant)>,
    records: u64,
}

impl Pass {
    fn saw(&mut self, time: Instant) {
        self.records += 1;
        let (first, last) = self.span.unwrap_or((time, time));
        self.span = Some((first.min(time), last.max(time)));
    }

    /// The next one begins one mean gap after the last frame of this one.
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
            begin: None,
        };
        feed.fill(readers);
        feed
    }

    fn fill(&mut self, readers: Vec<Reader>) {
        self.heads.clear();
        self.hungry = (0..readers.len()).rev().collect();
        self.inputs = readers.into_iter().map(|reader| Input { reader, next: 0 }).collect();
    }

    /// Another pass, over the same captures read anew: its frames come in after those of this pass.
    pub fn again(&mut self, readers: Vec<Reader>) {
        self.pass = self.pass.after();
        self.fill(readers);
    }

    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> &FeedCounts {
        &self.counts
    }

    /// Hands out the next frames, at most so many, in the order of their times; those of one time in the order of the
    /// captures. A capture whose times go back is followed as it is.
    pub fn next(&mut self, most: usize, to: &mut impl FnMut(Chosen<'_>)) -> Fed {
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
                        return Fed::End { by_limit: true };
                    }
                    self.counts.records += 1;
                    self.counts.bad += 1;
                    return Fed::Bad(index, bad);
                }
            }
        }
        let Some(Reverse((_, index))) = self.heads.pop() else { return Fed::End { by_limit: false } };
        self.run(index, most, to)
    }

    /// Hands out records of one capture, as long as no other one's is due.
    fn run(&mut self, index: usize, most: usize, to: &mut impl FnMut(Chosen<'_>)) -> Fed {
        let Some(input) = self.inputs.get_mut(index) else { return Fed::Frames };
        let other = self.heads.peek().map_or((Instant::MAX, usize::MAX), |Reverse(head)| *head);
        let batch = input.reader.batch();
        for _ in 0..most {
            let Some(record) = batch.get(input.next).filter(|record| (record.time, index) <= other) else {
                break;
            };
            let time = record.time + self.pass.shift;
            let begin = *self.begin.get_or_insert(time);
            let late = self.limits.duration.is_some_and(|duration| time.since(begin) >= duration);
            if late || self.counts.records >= self.limits.records {
                return Fed::End { by_limit: true };
            }
            input.next += 1;
            self.pass.saw(record.time);
            self.counts.records += 1;
            hand(&self.route, &mut self.scratch, &mut self.counts, time, &record, to);
        }
        match batch.get(input.next) {
            Some(record) => self.heads.push(Reverse((record.time, index))),
            None => self.hungry.push(index),
        }
        Fed::Frames
    }
}

/// Hands out one record's frame, if it is to come in.
#[inline]
fn hand(
    route: &Route,
    scratch: &mut Vec<u8>,
    counts: &mut FeedCounts,
    time: Instant,
    record: &Record<'_>,
    to: &mut impl FnMut(Chosen<'_>),
) {
    let Some((entry, frame)) = route.choose(record.data, scratch) else {
        counts.left_out += 1;
        return;
    };
    counts.frames += 1;
    counts.bytes += frame.len() as u64;
    counts.cut += u64::from(record.is_cut());
    to(Chosen { entry, time, frame });
}
