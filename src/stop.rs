//! Cancellation: one flag for all long-running work, set by a signal or by another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Maximum time between two checks of the flag: waiting work notices it within this time.
pub const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Whether work is to stop. Clones share the flag; a separate one ([`Stop::default`]) that is
/// never set never stops anything.
///
/// Work checks [`Stop::asked`] regularly, and ends with valid outputs. Once set, the flag stays set.
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
        // An hour that ends at once.
        other.sleep(Duration::from_secs(3600));
        assert!(!Stop::default().asked());
    }
}
