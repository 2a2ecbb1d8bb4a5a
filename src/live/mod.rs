//! Real ends for simulated cables: real programs, interfaces and machines take part in a lab, in real time.
//!
//! An [`Engine`] runs a [`Lab`](crate::lab::Lab) in real time. Frames that a [`Backend`] receives enter the lab, which
//! decides as always, and frames for a device with an attached backend leave by it. Nothing is decided here.
//!
//! | file | what it does |
//! | --- | --- |
//! | `engine.rs` | the event loop |
//! | `backend.rs` | the common parts of backends, and their names |
//! | `af_packet.rs`, `tap.rs`, `udp.rs`, `stream.rs`, `pcap.rs` | one each |
//! | `coalesce.rs` | merges TCP segments on their way out |
//! | `offload.rs` | completes checksums, segmentation and tags that a kernel left undone |
//! | `control.rs`, `caller.rs`, `answer.rs` | requests on UNIX sockets; their clients; answers in chunks |
//! | `storm.rs`, `suspect.rs` | external loops in which frames circulate; how to tell them from a sender |
//! | `history.rs`, `tables.rs` | the last hops; output for users |
//! | `privileges.rs` | becoming the user, and dropping privileges |
//! | `clock.rs`, `socket.rs`, `file.rs` | real time; sockets with cleanup; files written in place |

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
