//! The playground: a lab that runs while somebody changes it, on a page of a local web server.
//!
//! | file | what it is |
//! | --- | --- |
//! | `session.rs` | a lab and what was done in it: act, undo, redo, export; no I/O |
//! | `watch.rs` | ends what does not end by itself |
//! | `state.rs` | how a session stands, for the controls of the page |
//! | `request.rs` | what a request in JSON asks for, as a step of a lab file |
//! | `api.rs` | a request and the answer to it; no I/O |
//! | `assets/` | the page |
//! | `guard.rs` | who is let in |
//! | `crowd.rs` | the open connections, and which of them makes room for another |
//! | `patient.rs` | a stream that ends when its other end does not read |
//! | `peer.rs` | whether a connection comes from the user of this server |
//! | `server.rs` | HTTP on the loopback interface |
//!
//! Everything that is done is a step of a lab file, and a lab under virtual time does the same every time: to undo is to
//! run all but the last step again, and a session is exported as the lab file with its steps.

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
