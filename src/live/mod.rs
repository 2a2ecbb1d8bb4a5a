//! Real ends for simulated cables: real programs, interfaces and machines take part in a lab, in real time.
//!
//! An [`Engine`] runs a [`Lab`](crate::lab::Lab) by the clock. What a [`Backend`] receives enters the lab, which decides as
//! ever, and what the lab has for a device that something is attached to goes out by its backend. Nothing is decided here.
//!
//! | file | what it does |
//! | --- | --- |
//! | `engine.rs` | the loop |
//! | `backend.rs` | what real ends have in common, and their names |
//! | `af_packet.rs`, `tap.rs`, `udp.rs`, `stream.rs`, `pcap.rs` | one each |
//! | `coalesce.rs` | TCP segments put together again on their way out |
//! | `offload.rs` | checksums, segmentation and tags that a kernel left to do |
//! | `control.rs`, `caller.rs`, `answer.rs` | requests on UNIX sockets while it runs; who asks; what is answered, piece by piece |
//! | `storm.rs`, `suspect.rs` | loops outside, which frames go round in; how one is told from a sender |
//! | `history.rs`, `tables.rs` | what is shown of it |
//! | `privileges.rs` | becoming the user, and giving them up |
//! | `clock.rs`, `socket.rs`, `file.rs` | real time; sockets that are removed again; files that are written |

mod af_packet;
mod answer;
mod backend;
mod caller;
mod clock;
mod coalesce;
mod control;
mod engine;
mod file;
mod history;
mod offload;
mod pcap;
mod privileges;
mod socket;
mod storm;
mod stream;
mod suspect;
mod tables;
mod tap;
mod udp;

pub use backend::{
    Backend, BackendSpec, BadBackend, BoundaryCounters, MAX_FRAME, OpenError, PeerState, Site, Wait,
};
pub use caller::{MAX_REQUEST, PATIENCE};
pub use control::RequestHandle;
pub use engine::{AttachFailure, AttachmentReport, Engine, Monitor, Settings};
pub use file::create_file;
pub use history::{HISTORY_BYTES, MAX_HISTORY};
pub use privileges::{Identity, can_remove, give_up};
pub use tables::attachments as attachments_table;
