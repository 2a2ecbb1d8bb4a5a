//! The playground: a lab that users change while it runs, on a page of a local web server.
//!
//! | file | content |
//! | --- | --- |
//! | `session.rs` | a lab and the actions on it: act, undo, redo, export; no I/O |
//! | `watchdog.rs` | stops steps that do not end |
//! | `state.rs` | the state of a session, for the page's controls |
//! | `request.rs` | converts a JSON request to a step of a lab file |
//! | `api.rs` | requests and responses; no I/O |
//! | `assets/` | the page |
//! | `guard.rs` | access control |
//! | `connections.rs` | the open connections, and which of them makes room for another |
//! | `timed_stream.rs` | a stream that ends when its peer does not read |
//! | `peer.rs` | whether a connection comes from the user of this server |
//! | `server.rs` | HTTP on the loopback interface |
//!
//! Every action is a step of a lab file, and a lab in virtual time is deterministic: undo runs all but the last step
//! again, and a session is exported as the lab file with its steps.

mod api;
mod assets;
mod connections;
mod guard;
mod peer;
mod request;
mod server;
mod session;
mod state;
#[cfg(test)]
mod tests;
mod timed_stream;
mod watchdog;

pub use api::{MAX_BODY, answer};
pub use connections::MAX_CONNECTIONS;
pub use guard::{AccessDenied, CODE_LIFE, Guard, TOKEN_BYTES};
pub use server::{MAX_HEAD, MAX_HEADERS, PATIENCE, listen, serve};
pub use session::{
    Denied, MAX_ACTION_TIME, MAX_ACTIONS, MAX_EVENTS, MAX_FRAME_BYTES, MAX_SESSION_TIME, Session,
};
pub use state::{ActionReason, ActionResult, DeviceNow, State};
