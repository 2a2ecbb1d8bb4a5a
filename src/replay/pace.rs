//! When a frame is due in wall-clock time.

use crate::time::Instant;
use std::time::Duration;

/// The rate at which frames enter.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Speed {
    /// Each frame as soon as the previous one is processed.
    #[default]
    Max,
    /// This multiple of the captured speed.
    Times(f64),
    /// This many frames per second.
    FramesPerSecond(f64),
    /// This many megabits of frames per second.
    MegabitsPerSecond(f64),
}

/// Shorter waits are skipped: a sleep would take longer.
const SHORT: Duration = Duration::from_micros(50);

/// Computes the pace. Does not read the clock itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    speed: Speed,
    /// The time of the first frame.
    first: Option<Instant>,
    frames: u64,
    bits: u64,
}

impl Pace {
    pub(super) fn new(speed: Speed) -> Pace {
        Pace { speed, ..Pace::default() }
    }

    /// Whether the pace is limited.
    pub(super) fn is_kept(&self) -> bool {
        self.speed != Speed::Max
    }

    /// How long the next frame has to wait, given the time since the first one entered.
    pub(super) fn wait(&mut self, time: Instant, len: usize, since_first: Duration) -> Option<Duration> {
        let first = *self.first.get_or_insert(time);
        let seconds = match self.speed {
            Speed::Max => 0.0,
            Speed::Times(times) => time.since(first).as_secs_f64() / times,
            Speed::FramesPerSecond(rate) => self.frames as f64 / rate,
            Speed::MegabitsPerSecond(rate) => self.bits as f64 / (rate * 1e6),
        };
        self.frames += 1;
        self.bits += 8 * len as u64;
        let due = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        due.checked_sub(since_first).filter(|wait| *wait >= SHORT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The due times of frames of 1000 bytes captured at these times; all in milliseconds.
    fn due(speed: Speed, captured_ms: &[u64]) -> Vec<u128> {
        let mut pace = Pace::new(speed);
        let wait = |ms: &u64| {
            pace.wait(Instant::from_nanos(ms * 1_000_000), 1000, Duration::ZERO)
                .unwrap_or_default()
                .as_millis()
        };
        captured_ms.iter().map(wait).collect()
    }

    #[test]
    fn frames_are_due_by_their_times_their_number_or_their_bits() {
        let times = [100, 102, 110, 105];
        assert_eq!(due(Speed::Max, &times), [0, 0, 0, 0]);
        assert_eq!(due(Speed::Times(1.0), &times), [0, 2, 10, 5]);
        assert_eq!(due(Speed::Times(0.5), &times), [0, 4, 20, 10]);
        assert_eq!(due(Speed::FramesPerSecond(100.0), &times), [0, 10, 20, 30]);
        assert_eq!(due(Speed::MegabitsPerSecond(8.0), &times), [0, 1, 2, 3]);
    }

    #[test]
    fn a_late_sender_does_not_wait() {
        let mut pace = Pace::new(Speed::FramesPerSecond(10.0));
        let mut wait = |since_ms| pace.wait(Instant::ZERO, 60, Duration::from_millis(since_ms));
        assert_eq!(wait(0), None);
        assert_eq!(wait(30), Some(Duration::from_millis(70)));
        assert_eq!(wait(500), None);
    }
}
