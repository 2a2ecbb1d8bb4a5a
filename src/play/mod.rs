//! The playground: a lab that runs while somebody changes it, on a page of a local web server.
//!
//! | file | what it is |
//! | --- | --- |
//! | `session.rs` | a lab and what was done in it: act, undo, redo, export; no I/O |
//! | `state.rs` | how a session stands, for the controls of the page |
//! | `request.rs` | what a request in JSON asks for, as a step of a lab file |
//! | `api.rs` | a request and the answer to it; no I/O |
//! | `assets/` | the page |
//! | `guard.rs` | who is let in |
//! | `server.rs` | HTTP on the loopback interface |
//!
//! Everything that is done is a step of a lab file, and a lab under virtual time does the same every time: to undo is to
//! run all but the last step again, and a session is exported as the lab file with its steps.

mod api;
mod assets;
mod guard;
mod request;
mod server;
mod session;
mod state;
#[cfg(test)]
mod tests;

pub use api::{MAX_BODY, answer};
pub use guard::{Guard, Outsider, TOKEN_BYTES};
pub use server::{listen, serve};
pub use session::{Denied, MAX_ACTIONS, MAX_EVENTS, Session};
pub use state::{Because, DeviceNow, State, Told};
