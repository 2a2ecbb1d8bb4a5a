//! Virtual time: the core never reads a clock; time is an argument.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

/// The length of a lab's time: 100 years.
///
/// 64 bits of nanoseconds are 584 years. A lab may start now, counted from 1970, and events planned at its end (a timer, a
/// frame on a slow cable) must still have distinct times: at the end of the range all times are equal, and a timer that
/// is due again "later" would be due for ever.
pub const LAB_SPAN: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A point in time, in nanoseconds since the lab began (or, for a capture, since the epoch).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The earliest time.
    pub const ZERO: Instant = Instant(0);
    /// The latest time: later than any event.
    pub const MAX: Instant = Instant(u64::MAX);

    /// From nanoseconds.
    #[must_use]
    pub const fn from_nanos(ns: u64) -> Instant {
        Instant(ns)
    }

    /// As nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time since `earlier`; zero if that is later.
    #[must_use]
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, d: Duration) -> Instant {
        Instant(self.0.saturating_add(u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, d: Duration) {
        *self = *self + d;
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;

    fn sub(self, earlier: Instant) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06} s", self.0 / 1_000_000_000, self.0 % 1_000_000_000 / 1000)
    }
}
