//! Ctrl-C: long work ends early, and its outputs are whole as far as they go.

use super::terminal::Terminal;
use super::{Exit, Failure};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The exit code that shells give to what Ctrl-C ended: 128 and the number of SIGINT.
pub(super) const EXIT_CODE: u8 = 130;

/// Whether somebody wants the work to end: Ctrl-C, a closed terminal, or a polite request of the system.
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on. A second Ctrl-C ends the program at once, for work that hangs in a read.
    pub(super) fn listen() -> Result<Interrupt, Failure> {
        let flag = Arc::new(AtomicBool::new(false));
        let set = Arc::clone(&flag);
        let handler = move || {
            if set.swap(true, Ordering::Relaxed) {
                std::process::exit(EXIT_CODE.into());
            }
        };
        ctrlc::set_handler(handler).map_err(|e| Failure::about("Ctrl-C", e))?;
        Ok(Interrupt(flag))
    }

    /// Ends the program as soon as it comes, after these words on standard error: for work that waits for a person.
    pub(super) fn ends(last_words: impl Fn() -> String + Send + 'static) -> Result<(), Failure> {
        let handler = move || {
            // If standard error is gone, there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "\n{}", last_words());
            std::process::exit(EXIT_CODE.into());
        };
        ctrlc::set_handler(handler).map_err(|e| Failure::about("Ctrl-C", e))
    }

    /// Whether it came.
    pub(super) fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// How the command ends if it came.
    pub(super) fn exit(&self, terminal: &Terminal) -> Option<Exit> {
        self.came().then(|| {
            terminal.say("interrupted; what was written is whole as far as it goes");
            Exit::Interrupted
        })
    }

    /// What is set when it comes.
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}
