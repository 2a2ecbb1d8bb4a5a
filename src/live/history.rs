//! The history: the last hops, for requests.

use crate::lab::{Event, Hop};
use std::collections::VecDeque;
use std::ops::Range;

/// Maximum number of hops in a live lab's history.
pub const MAX_HISTORY: usize = 1_000_000;

/// Maximum memory for the history, in bytes: beyond it, the oldest hops are removed. As much again is kept while a slow
/// client reads.
pub const HISTORY_BYTES: usize = 64 << 20;

/// The last hops, up to a number. They are numbered, so that a client that reads in chunks notices gaps.
#[derive(Debug)]
pub(super) struct History {
    /// Those still being read, then those in the history.
    hops: VecDeque<Hop>,
    /// The number of the first.
    first: u64,
    /// How many of them are kept only for readers.
    kept: usize,
    /// Bytes of the hops kept for readers, and of those in the history.
    bytes: [usize; 2],
    most: usize,
    most_bytes: usize,
    /// The first hop that a client still reads.
    wanted: u64,
}

/// The hop is no longer in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forgotten;

impl History {
    pub(super) fn of(most: usize) -> History {
        History::within(most.min(MAX_HISTORY), HISTORY_BYTES)
    }

    fn within(most: usize, most_bytes: usize) -> History {
        let (hops, wanted) = (VecDeque::new(), u64::MAX);
        History { hops, first: 0, kept: 0, bytes: [0; 2], most, most_bytes, wanted }
    }

    /// Adds a hop.
    pub(super) fn event(&mut self, event: &Event) {
        if let Event::Hop(hop) = event
            && self.most > 0
        {
            self.bytes[1] += held(hop);
            self.hops.push_back(hop.clone());
            while self.hops.len() - self.kept > self.most || self.bytes[1] > self.most_bytes {
                self.age();
            }
            self.let_go();
        }
    }

    /// The numbers of the last hops, at most this many.
    pub(super) fn last(&self, most: usize) -> Range<u64> {
        let end = self.first + self.hops.len() as u64;
        let remembered = (self.hops.len() - self.kept).min(most);
        end - remembered as u64..end
    }

    /// A hop, by its number.
    pub(super) fn get(&self, number: u64) -> Result<&Hop, Forgotten> {
        let index = number.checked_sub(self.first).and_then(|n| usize::try_from(n).ok());
        index.and_then(|n| self.hops.get(n)).ok_or(Forgotten)
    }

    /// Hops before this one are no longer needed by any reader.
    pub(super) fn want(&mut self, from: u64) {
        self.wanted = from;
        self.let_go();
    }

    /// Removes the oldest hop from the history.
    fn age(&mut self) {
        let Some(oldest) = self.hops.get(self.kept) else { return };
        let held = held(oldest);
        self.bytes[1] -= held;
        self.bytes[0] += held;
        self.kept += 1;
    }

    /// Drops hops that no client reads, or that take too much memory.
    fn let_go(&mut self) {
        while self.kept > 0 && (self.first < self.wanted || self.bytes[0] > self.most_bytes) {
            if let Some(hop) = self.hops.pop_front() {
                self.bytes[0] -= held(&hop);
            }
            self.first += 1;
            self.kept -= 1;
        }
    }
}

/// Size of a hop, in bytes. Hops of one frame share its buffer, which is counted for each.
fn held(hop: &Hop) -> usize {
    size_of::<Hop>() + hop.frame.capacity()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frame;
    use crate::lab::HopKind;
    use crate::time::Instant;
    use crate::verdict::Rule;

    fn hop(length: usize) -> Event {
        let (time, device, kind) = (Instant::ZERO, "c1".into(), HopKind::Transmit(Rule::Hairpin));
        let frame = Frame::from(vec![0; length]);
        Event::Hop(Hop { step: 0, time, device, kind, frame, frame_id: 0 })
    }

    #[test]
    fn as_many_as_wanted_and_no_more_than_fit() {
        let mut history = History::within(10, 5 * (size_of::<Hop>() + 100));
        for _ in 0..100 {
            history.event(&hop(1));
        }
        assert_eq!(history.last(usize::MAX), 90..100);
        assert_eq!(history.last(3), 97..100);
        for _ in 0..100 {
            history.event(&hop(100));
        }
        assert_eq!(history.last(usize::MAX), 195..200);
        assert_eq!(history.hops.len(), 5);
        assert!(history.get(194).is_err() && history.get(195).is_ok() && history.get(200).is_err());
    }

    #[test]
    fn a_slow_reader_is_waited_for_within_a_limit() {
        let mut history = History::within(10, 20 * size_of::<Hop>());
        (0..10).for_each(|_| history.event(&hop(0)));
        history.want(4);
        (0..20).for_each(|_| history.event(&hop(0)));
        assert_eq!((history.last(usize::MAX), history.first), (20..30, 4));
        history.want(8);
        assert_eq!(history.first, 8);
        (0..10).for_each(|_| history.event(&hop(0)));
        assert!(history.get(8).is_err(), "it was too slow");
        assert_eq!((history.first, history.hops.len()), (10, 30));
        history.want(u64::MAX);
        assert_eq!((history.first, history.last(usize::MAX)), (30, 30..40));
        assert_eq!(history.bytes, [0, 10 * size_of::<Hop>()]);
    }

    #[test]
    fn without_a_history_nothing_is_kept() {
        let mut history = History::of(0);
        history.event(&hop(1));
        assert!(history.last(usize::MAX).is_empty() && history.get(0).is_err());
        assert_eq!(History::of(usize::MAX).most, MAX_HISTORY);
    }
}
