//! A time limit for work that might not end.

use crate::stop::Stop;
use std::io;
use std::time::Duration;

/// Limits the real time of work, where there is a clock.
pub trait Watchdog: Send {
    /// Does the work, and asks it to stop once the time is over; without a limit, only measures it. Returns how long it
    /// took.
    ///
    /// # Errors
    /// The work cannot be watched, and was not begun.
    fn watch(&self, limit: Option<Duration>, stop: &Stop, work: &mut dyn FnMut()) -> io::Result<Duration>;
}

/// For those who can end the whole engine, as a page does with its worker: work is neither limited nor measured here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watchdog for Unwatched {
    fn watch(&self, _: Option<Duration>, _: &Stop, work: &mut dyn FnMut()) -> io::Result<Duration> {
        work();
        Ok(Duration::ZERO)
    }
}

/// A thread that waits for the end of the time.
#[cfg(not(target_family = "wasm"))]
#[derive(Clone, Copy, Debug, Default)]
pub struct WatchThread;

#[cfg(not(target_family = "wasm"))]
impl Watchdog for WatchThread {
    #[expect(clippy::disallowed_methods, reason = "a person waits, in real time")]
    fn watch(&self, limit: Option<Duration>, stop: &Stop, work: &mut dyn FnMut()) -> io::Result<Duration> {
        let guard = limit.map(|limit| Guard::over(stop, limit)).transpose()?;
        let begin = std::time::Instant::now();
        work();
        let spent = begin.elapsed();
        if let Some(guard) = guard {
            guard.end();
        }
        Ok(spent)
    }
}

/// Asks the work to stop once the time is over, unless it has ended by then.
#[cfg(not(target_family = "wasm"))]
struct Guard {
    work: std::sync::mpsc::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

#[cfg(not(target_family = "wasm"))]
impl Guard {
    fn over(stop: &Stop, limit: Duration) -> io::Result<Guard> {
        use std::sync::mpsc::{RecvTimeoutError, channel};
        let stop = stop.clone();
        let (work, ended) = channel();
        let thread = std::thread::Builder::new().name("play-watch".to_owned()).spawn(move || {
            if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                stop.ask();
            }
        })?;
        Ok(Guard { work, thread })
    }

    /// The work has ended: from now on the flag does not change.
    fn end(self) {
        drop(self.work);
        // It cannot panic, and if it did, the work would have ended all the same.
        let _ = self.thread.join();
    }
}
