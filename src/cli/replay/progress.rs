//! A replay's progress and speed.

use crate::cli::input::Capture;
use crate::cli::terminal::Terminal;
use indicatif::{ProgressBar, ProgressStyle};
use macvlab::replay::FeedCounts;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Time between two updates of the bar.
const EVERY: Duration = Duration::from_millis(100);

/// The progress of one replay.
pub(super) struct Progress {
    bar: ProgressBar,
    began: Instant,
    next: Instant,
}

#[allow(clippy::disallowed_methods, reason = "the rim reads the clock")]
fn now() -> Instant {
    Instant::now()
}

impl Progress {
    /// For a single replay: on a terminal, shows the share of the files that was read.
    pub(super) fn of(captures: &[Capture], passes: u64, terminal: &Terminal) -> Progress {
        let total = captures.iter().map(|c| c.total_bytes).sum::<Option<u64>>();
        let total = total.map(|bytes| bytes.saturating_mul(passes)).filter(|bytes| *bytes > 0);
        let bar = if !terminal.shows_progress() {
            ProgressBar::hidden()
        } else if let Some(total) = total {
            let template = "{prefix} [{bar:40}] {bytes}/{total_bytes} {eta} {msg}";
            let style = ProgressStyle::with_template(template);
            ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        } else {
            let style = ProgressStyle::with_template("{spinner} {prefix} {bytes} {msg}");
            ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        };
        let name = match captures {
            [one] => one.name.clone(),
            several => format!("{} captures", several.len()),
        };
        Progress { bar: bar.with_prefix(name), began: now(), next: now() }
    }

    /// For one of several parallel replays: shows nothing.
    pub(super) fn hidden() -> Progress {
        Progress { bar: ProgressBar::hidden(), began: now(), next: now() }
    }

    /// Updates the bar at intervals.
    pub(super) fn moved(&mut self, captures: &[Capture], counts: &FeedCounts) {
        if self.bar.is_hidden() {
            return;
        }
        let now = now();
        if now < self.next {
            return;
        }
        self.next = now + EVERY;
        let read = captures.iter().map(|c| c.read_bytes.load(Ordering::Relaxed)).sum();
        self.bar.set_position(read);
        self.bar.set_message(format!("{} frames/s", scaled(counts.frames as f64 / self.seconds())));
    }

    /// Suspends the bar while a message is printed on standard error.
    pub(super) fn suspend(&self, say: impl FnOnce()) {
        self.bar.suspend(say);
    }

    fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64().max(1e-9)
    }

    /// Removes the bar.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// The speed, in words.
    pub(super) fn rate(&self, counts: &FeedCounts) -> String {
        let seconds = self.seconds();
        let FeedCounts { frames, bytes, .. } = counts;
        let (rate, bits) = (scaled(*frames as f64 / seconds), scaled(*bytes as f64 * 8.0 / seconds));
        format!("{frames} frames, {bytes} bytes in {seconds:.3} s: {rate} frames/s, {bits}bit/s")
    }
}

/// A number as three digits and a unit prefix.
fn scaled(number: f64) -> String {
    let (number, letter) = match number {
        n if n >= 1e9 => (n / 1e9, " G"),
        n if n >= 1e6 => (n / 1e6, " M"),
        n if n >= 1e3 => (n / 1e3, " k"),
        n => (n, " "),
    };
    let digits = if number >= 100.0 {
        0
    } else if number >= 10.0 {
        1
    } else {
        2
    };
    format!("{number:.digits$}{letter}")
}
