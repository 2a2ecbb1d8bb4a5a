//! Frames in recycled buffers.

use super::Frame;
use alloc::collections::VecDeque;
use alloc::sync::Arc;

/// Minimum number of frames in flight for which buffers are kept.
const UNDER_WAY: usize = 1024;

/// Builds frames in buffers that are no longer referenced: once as many have been built as are referenced at a time,
/// nothing is allocated.
///
/// ```
/// use macvlab::frame::FramePool;
///
/// let mut pool = FramePool::default();
/// let first = pool.make(&[b"\x02\0\0\0\0\x01", b"\x02\0\0\0\0\x02", b"\x88\xb5"]);
/// assert_eq!(first.to_hex(), "02000000000102000000000288b5");
/// let at = first.as_ptr();
/// drop(first);
/// assert_eq!(pool.make(&[b"another"]).as_ptr(), at);
/// ```
#[derive(Debug)]
pub struct FramePool {
    /// Oldest first, because the oldest is the one most likely unreferenced.
    made: VecDeque<Frame>,
    most: usize,
}

impl Default for FramePool {
    fn default() -> FramePool {
        FramePool::for_holders_of(0)
    }
}

/// A clone has its own buffers.
impl Clone for FramePool {
    fn clone(&self) -> FramePool {
        FramePool { made: VecDeque::new(), most: self.most }
    }
}

impl FramePool {
    /// Keeps buffers for frames in flight, and for this many frames that are held longer.
    #[must_use]
    pub fn for_holders_of(frames: usize) -> FramePool {
        FramePool { made: VecDeque::new(), most: frames.saturating_add(UNDER_WAY) }
    }

    /// Builds a frame by concatenating these parts.
    #[must_use]
    pub fn make(&mut self, parts: &[&[u8]]) -> Frame {
        let mut frame = self.unused().unwrap_or_else(|| Frame(Arc::default()));
        // There is no other reference, so this does not copy.
        let bytes = Arc::make_mut(&mut frame.0);
        bytes.clear();
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        self.made.push_back(frame.clone());
        frame
    }

    /// The oldest, if it is unreferenced; one that is held for long makes room for others.
    fn unused(&mut self) -> Option<Frame> {
        let oldest = self.made.front_mut()?;
        let free = Arc::get_mut(&mut oldest.0).is_some();
        let taken = if free || self.made.len() >= self.most { self.made.pop_front() } else { None };
        // Fewer frames are held than before: unused buffers beyond those in flight are freed, little by little.
        if self.made.get_mut(UNDER_WAY).is_some_and(|frame| Arc::get_mut(&mut frame.0).is_some())
            && self.made.front_mut().is_some_and(|frame| Arc::get_mut(&mut frame.0).is_some())
        {
            self.made.pop_front();
        }
        taken.filter(|_| free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_stays_as_it_is() {
        let mut pool = FramePool::default();
        let held = pool.make(&[b"one", b"", b" and two"]);
        for n in 0..3 * UNDER_WAY {
            assert_eq!(&*pool.make(&[&n.to_be_bytes()]), &n.to_be_bytes()[..]);
        }
        assert_eq!(&*held, b"one and two");
    }

    #[test]
    fn a_frame_that_is_held_for_ever_does_not_make_the_pool_grow_for_ever() {
        let mut pool = FramePool::for_holders_of(10);
        let held = pool.make(&[b"held"]);
        for _ in 0..3 * UNDER_WAY {
            drop(pool.make(&[b"let go"]));
        }
        assert!(pool.made.len() <= UNDER_WAY + 10);
        let before = pool.made.len();
        drop(pool.make(&[b"let go"]));
        assert_eq!((pool.made.len(), &*held), (before, &b"held"[..]));
    }

    #[test]
    fn a_clone_keeps_as_many_buffers_and_shares_none() {
        let mut pool = FramePool::for_holders_of(2 * UNDER_WAY);
        let first = pool.make(&[b"one"]).as_ptr();
        let mut clone = pool.clone();
        let held: Vec<Frame> = (0..2 * UNDER_WAY).map(|_| clone.make(&[b"held"])).collect();
        assert!(held.iter().all(|frame| frame.as_ptr() != first));
        // All are released: the buffer of the first is there for the next.
        let oldest = held[0].as_ptr();
        drop(held);
        assert_eq!(clone.make(&[b"next"]).as_ptr(), oldest);
    }

    #[test]
    fn buffers_that_are_held_no_more_are_given_back() {
        let mut pool = FramePool::for_holders_of(10 * UNDER_WAY);
        let held: Vec<Frame> = (0..10 * UNDER_WAY).map(|_| pool.make(&[b"held"])).collect();
        assert_eq!(pool.made.len(), held.len());
        drop(held);
        (0..20 * UNDER_WAY).for_each(|_| drop(pool.make(&[b"let go"])));
        assert!(pool.made.len() <= UNDER_WAY + 1, "{}", pool.made.len());
    }
}
