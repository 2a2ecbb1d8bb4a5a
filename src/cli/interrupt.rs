//! Ctrl-C, a closed terminal, or a termination request from the system: one signal ends every command.
//!
//! A command that has nothing to save ends at once. A command that has (`run`, `replay`, `generate`, …) handles the
//! signal from the moment there is something to save: it is asked to stop, and its outputs are valid as far as they go.
//! Until then, while labs are read and files opened, it ends at once as well, so that nothing can block it.

use super::terminal::{Terminal, say};
use super::{Exit, Failure};
use macvlab::capture::abandon_outputs;
use macvlab::stop::Stop;
use parking_lot::Mutex;
use std::io::Write as _;
use std::sync::LazyLock;

/// The exit code that shells report after Ctrl-C: 128 plus the number of SIGINT.
pub(super) const EXIT_CODE: u8 = 130;

/// The effect of a signal. Signal handlers are global to the process, and so is this.
enum Reaction {
    /// No handler is installed: the system ends the program.
    None,
    /// The program ends after printing this message on standard error.
    End(Box<dyn Fn() -> String + Send>),
    /// Work is asked to stop; a second signal ends the program, in case work waits for a reader of its results.
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

    /// From now on a signal ends the program after printing this message on standard error.
    pub(super) fn ends(last_words: impl Fn() -> String + Send + 'static) -> Result<(), Failure> {
        react(Reaction::End(Box::new(last_words)))
    }

    /// Whether a signal arrived.
    pub(super) fn came(&self) -> bool {
        self.0.asked()
    }

    /// The command's result if a signal arrived.
    pub(super) fn exit(&self, terminal: &Terminal) -> Option<Exit> {
        self.came().then(|| {
            terminal.say("interrupted; the outputs are valid as far as they go");
            Exit::Interrupted
        })
    }

    /// Set when a signal arrives.
    pub(super) fn stop(&self) -> &Stop {
        &self.0
    }
}

/// The handler once a command installs it; before that a signal ends the program.
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

/// Ends the program now; incomplete outputs are removed.
fn end() -> ! {
    abandon_outputs();
    std::process::exit(EXIT_CODE.into())
}

fn signalled() {
    let reaction = REACTION.lock();
    match &*reaction {
        Reaction::Ask if !STOP.asked() => STOP.ask(),
        Reaction::End(last_words) => {
            // A terminal shows ^C at the cursor. Write errors are ignored: standard error may be gone.
            let _ = writeln!(std::io::stderr());
            say(last_words());
            end();
        }
        Reaction::None | Reaction::Ask => end(),
    }
}
