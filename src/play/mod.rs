//! The playground: a lab that users change while it runs, on a page.
//!
//! | file | content |
//! | --- | --- |
//! | `session.rs`, `run.rs` | a lab and the actions on it: act, undo, redo, export; no I/O |
//! | `denied.rs` | limits of a session |
//! | `watchdog.rs` | stops steps that do not end |
//! | `state.rs` | the state of a session, for the page's controls |
//! | `workspace.rs` | opens what users bring, and holds the session |
//! | `study.rs`, `lesson.rs` | the lesson of a session, and what a page shows of it |
//! | `request.rs`, `answer.rs` | requests of the page, and their answers, whatever carries them |
//!
//! The web server (feature `serve`) carries them by HTTP. `page.rs` writes the page that contains the engine as WebAssembly
//! (`web/`) and calls it.
//!
//! | file | content |
//! | --- | --- |
//! | `http.rs` | requests and responses; no I/O |
//! | `assets/` | the page |
//! | `guard.rs` | access control |
//! | `connections.rs` | the open connections, and which of them makes room for another |
//! | `timed_stream.rs` | a stream that ends when its peer does not read |
//! | `peer.rs` | whether a connection comes from the user of this server |
//! | `server.rs` | HTTP on the loopback interface |
//!
//! Every action is a step of a lab file, and a lab in virtual time is deterministic: undo runs all but the last step
//! again, and a session is exported as the lab file with its steps.

mod answer;
#[cfg(feature = "serve")]
mod assets;
#[cfg(feature = "serve")]
mod connections;
mod denied;
#[cfg(feature = "serve")]
mod guard;
#[cfg(feature = "serve")]
mod http;
mod lesson;
mod page;
#[cfg(feature = "serve")]
mod peer;
mod request;
mod run;
#[cfg(feature = "serve")]
mod server;
mod session;
mod state;
mod study;
#[cfg(test)]
#[cfg(feature = "serve")]
mod tests;
#[cfg(feature = "serve")]
mod timed_stream;
mod watchdog;
mod workspace;

pub use answer::{Answer, Refusal, Refused, answer};
#[cfg(feature = "serve")]
pub use connections::MAX_CONNECTIONS;
pub use denied::{Denied, MAX_ACTION_TIME, MAX_ACTIONS, MAX_EVENTS, MAX_FRAME_BYTES, MAX_SESSION_TIME};
#[cfg(feature = "serve")]
pub use guard::{AccessDenied, CODE_LIFE, Guard, TOKEN_BYTES};
#[cfg(feature = "serve")]
pub use http::MAX_BODY;
pub use lesson::{
    ChoiceNow, CourseLesson, CourseNow, ExerciseNow, GoalNow, GoalsNow, Kept, LessonNow, PartNow, PlaceNow,
    PredictionNow, RuleNow, ScoreNow,
};
pub use page::{Modules, page, with_lab};
pub use request::{Ask, Request};
#[cfg(feature = "serve")]
pub use server::{MAX_HEAD, MAX_HEADERS, PATIENCE, listen, serve};
pub use session::{Session, classic};
pub use state::{ActionReason, ActionResult, DeviceNow, Point, State, View};
pub use study::Place;
#[cfg(not(target_family = "wasm"))]
pub use watchdog::WatchThread;
pub use watchdog::{Unwatched, Watchdog};
pub use workspace::Workspace;
