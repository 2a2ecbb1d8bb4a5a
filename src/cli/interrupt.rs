//! Ctrl-C, a closed terminal, or a polite request of the system: one signal ends every command.
//!
//! A command that has nothing to save ends at once. One that has (`run`, `replay`, `generate`, …) listens from the moment
//! on at which there is something: it is asked to stop, and its outputs are whole as far as they go. Until then, while
//! labs are read and files opened, it ends at once as well, so that nothing can keep it.

use super::terminal::{Terminal, say};
use super::{Exit, Failure};
use macvlab::capture::abandon_outputs;
use macvlab::stop::Stop;
use parking_lot::Mutex;
use std::io::Write as _;
use std::sync::LazyLock;

/// The exit code that shells give to what Ctrl-C ended: 128 and the number of SIGINT.
pub(super) const EXIT_CODE: u8 = 130;

/// What a signal does. Signals are the process's, and so is this.
enum Reaction {
    /// No signal was asked for: the system ends the program.
    None,
    /// The program ends, after these words on standard error.
    End(Box<dyn Fn() -> String + Send>),
    /// Work is asked to stop; a second signal ends the program, for work that waits for whoever should read its results.
    Ask,
}

static REACTION: Mutex<Reaction> = Mutex::new(Reaction::None);
static STOP: LazyLock<Stop> = LazyLock::new(Stop::default);

/// Whether the command is to stop.
pub(super) struct Interrupt(Stop);

impl Interrupt {
    /// From now on a signal asks the command to stop.
    pub(super) fn listen() -> Result<Interrupt, Failure> {
        react(Reaction::Ask)?;
        Ok(Interrupt(stop()))
    }

    /// From now on a signal ends the program, after these words on standard error.
    pub(super) fn ends(last_words: impl Fn() -> String + Send + 'static) -> Result<(), Failure> {
        react(Reaction::End(Box::new(last_words)))
    }

    /// Whether it came.
    pub(super) fn came(&self) -> bool {
        self.0.asked()
    }

    /// How the command ends if it came.
    pub(super) fn exit(&self, terminal: &Terminal) -> Option<Exit> {
        self.came().then(|| {
            terminal.say("interrupted; what was written is whole as far as it goes");
            Exit::Interrupted
        })
    }

    /// What is asked when it comes.
    pub(super) fn stop(&self) -> &Stop {
        &self.0
    }
}

/// What is asked once a command listens; before that a signal ends the program.
pub(super) fn stop() -> Stop {
    STOP.clone()
}

fn react(reaction: Reaction) -> Result<(), Failure> {
    let before = std::mem::replace(&mut *REACTION.lock(), reaction);
    match before {
        Reaction::None => ctrlc::set_handler(signalled).map_err(|e| Failure::about("Ctrl-C", e)),
        Reaction::End(_) | Reaction::Ask => Ok(()),
    }
}

/// Ends the program now; of outputs that are not whole nothing is left.
fn end() -> ! {
    abandon_outputs();
    std::process::exit(EXIT_CODE.into())
}

fn signalled() {
    let reaction = REACTION.lock();
    match &*reaction {
        Reaction::Ask if !STOP.asked() => STOP.ask(),
        Reaction::End(last_words) => {
            // A terminal shows ^C where the cursor stands. If standard error is gone, there is nobody left to tell.
            let _ = writeln!(std::io::stderr());
            say(last_words());
            end();
        }
        Reaction::None | Reaction::Ask => end(),
    }
}
