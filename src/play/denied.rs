//! Limits of a session, and why an action is not executed.

use crate::labfile::Diagnostics;
use std::io;
use std::time::Duration;

/// Maximum number of actions in a session: an undo runs all of them again while the user waits, in a few seconds.
pub const MAX_ACTIONS: usize = 10_000;

/// Maximum number of events in a session: all are kept, about a kilobyte each with its decision, and the page holds them
/// too.
pub const MAX_EVENTS: usize = 300_000;

/// Maximum bytes of frames in a session, counted at every hop: the download contains all of them, and the page contains
/// each frame in hex.
pub const MAX_FRAME_BYTES: usize = 32 << 20;

/// Maximum real time of an action: the response waits for it.
pub const MAX_ACTION_TIME: Duration = Duration::from_secs(10);

/// Maximum real time of all actions of a session: an undo runs all of them again.
pub const MAX_SESSION_TIME: Duration = Duration::from_secs(30);

/// Why an action was not executed. An action that the kernel would refuse is executed, and its outcome is the refusal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// The input is not a step of a lab file.
    #[error("{}", first(.0))]
    NoStep(#[from] Diagnostics),
    /// There are [`MAX_ACTIONS`].
    #[error("a session has at most {MAX_ACTIONS} actions: undo some, or start again")]
    TooManyActions,
    /// There would be more than [`MAX_EVENTS`].
    #[error(
        "that would be more than {MAX_EVENTS} events, the limit of a session: use a smaller step, or undo something"
    )]
    TooManyEvents,
    /// There would be more than [`MAX_FRAME_BYTES`].
    #[error(
        "that would be more than {} MiB of frames, the limit of a session: use a smaller step, or undo something",
        MAX_FRAME_BYTES >> 20
    )]
    TooManyBytes,
    /// It would run for longer than [`MAX_ACTION_TIME`], or the session for longer than [`MAX_SESSION_TIME`].
    #[error(
        "that was stopped after {0:?}: an action runs for at most {MAX_ACTION_TIME:?}, and all actions of a session \
         together for {MAX_SESSION_TIME:?}"
    )]
    TookTooLong(Duration),
    /// The action's run time cannot be limited.
    #[error("the system cannot start a thread: {0}")]
    NoThread(#[from] io::Error),
    /// The lab's time limit.
    #[error("it could run beyond the lab's time limit of 100 years: undo something, or start again")]
    TooLate,
    /// The playground reads only files that the lab named when it was opened.
    #[error("the capture `{0}` was not opened with the lab")]
    UnknownCapture(String),
    /// There is no step of this number that asks something.
    #[error("there is no step {0} that asks something")]
    NoQuestion(usize),
    /// There is no built-in lesson of this name.
    #[error("there is no lesson `{}`", .0.escape_debug())]
    NoLesson(String),
    /// No lesson is taken.
    #[error("this lab is no lesson: take one first")]
    NotTaken,
    /// The lesson has no part of this number.
    #[error("the lesson has no part {0}")]
    NoPart(usize),
    /// The part of this number has no exercise.
    #[error("part {0} of the lesson has no exercise")]
    NoExercise(usize),
    /// There is no action to undo.
    #[error("there is nothing to undo")]
    NothingToUndo,
    /// There is no action to redo.
    #[error("there is nothing to redo")]
    NothingToRedo,
}

/// The first error, and its hint.
fn first(diagnostics: &Diagnostics) -> String {
    match diagnostics.list().first() {
        Some(first) => match &first.help {
            Some(help) => format!("{}: {help}", first.message),
            None => first.message.clone(),
        },
        None => "this is not a step".to_owned(),
    }
}
