//! Being asked to stop: one flag for everything that takes long, set by a signal or by another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The longest wait between two looks at whether the work is to stop: what waits hears of it within this time.
pub const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Whether work is to stop. Its clones are the same flag; one that was made for the purpose ([`Stop::default`]) and is
/// never asked never stops anything.
///
/// Whoever works asks [`Stop::asked`] now and then, and ends with what is whole. Once asked, it stays so.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks the work to stop.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the work was asked to stop.
    #[inline]
    #[must_use]
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Sleeps for this time, or until the work is asked to stop.
    pub fn sleep(&self, time: Duration) {
        let mut left = time;
        while !left.is_zero() && !self.asked() {
            let some = left.min(LOOK_EVERY);
            std::thread::sleep(some);
            left -= some;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_are_the_same_flag_and_a_sleep_ends_with_it() {
        let stop = Stop::default();
        let other = stop.clone();
        assert!(!other.asked());
        stop.ask();
        assert!(other.asked());
        // An hour that is over at once.
        other.sleep(Duration::from_secs(3600));
        assert!(!Stop::default().asked());
    }
}
