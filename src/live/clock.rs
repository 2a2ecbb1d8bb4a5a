//! Real time for the lab.
#![allow(clippy::disallowed_methods, reason = "this is where time comes from")]

use crate::time::Instant;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970, monotonic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: std::time::Instant,
    start_since_epoch: Duration,
}

impl Clock {
    pub(super) fn start() -> Clock {
        let start_since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock { start: std::time::Instant::now(), start_since_epoch }
    }

    pub(super) fn now(&self) -> Instant {
        Instant::ZERO + self.start_since_epoch + self.start.elapsed()
    }
}
