//! A time limit for work that might not end.

use crate::stop::Stop;
use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Asks the work to stop once the time is over, unless it has ended by then.
pub(super) struct Watchdog {
    work: Sender<()>,
    thread: JoinHandle<()>,
}

impl Watchdog {
    /// Starts the time limit.
    ///
    /// # Errors
    /// The system cannot start a thread.
    pub(super) fn over(stop: &Stop, limit: Duration) -> io::Result<Watchdog> {
        let stop = stop.clone();
        let (work, ended) = channel();
        let thread = std::thread::Builder::new().name("play-watch".to_owned()).spawn(move || {
            if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                stop.ask();
            }
        })?;
        Ok(Watchdog { work, thread })
    }

    /// The work has ended: from now on the flag does not change.
    pub(super) fn end(self) {
        drop(self.work);
        // It cannot panic, and if it did, the work would have ended all the same.
        let _ = self.thread.join();
    }
}

/// Does the work, and returns how long it took.
#[expect(clippy::disallowed_methods, reason = "a person waits, in real time")]
pub(super) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    let done = work();
    (done, begin.elapsed())
}
