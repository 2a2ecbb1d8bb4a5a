//! The macvlan demultiplexer: which port, host stack or wire gets a frame.
//!
//! The rules are pairs of modes (who sends, who would receive), so the files follow a frame's way and not the modes:
//!
//! | file | what it decides |
//! | --- | --- |
//! | `receive.rs` | a frame arrives at the parent |
//! | `batch.rs` | many frames that arrive |
//! | `transmit.rs` | a port sends |
//! | `fragments/` | IPv4 fragments, put together before a parent's hook sees them |
//! | `flood.rs`, `lists.rs` | who gets the copies, and why not; the lists for it, made ahead |
//! | `parent.rs` | the control plane: a NIC and the ports on it |
//! | `admit.rs`, `change.rs` | creating and changing ports, with the kernel's errors |
//! | `ports.rs` | the ports of a parent, and what is known of all of them |
//! | `compile.rs` | from the ports to the forwarding table |
//! | `groups.rs` | group filters of ports |
//! | `forwarding.rs` | the immutable table that the decisions read |
//! | `count.rs` | what a port counts |
//!
//! The control plane ([`Parent`]) changes ports and then publishes a [`Forwarding`] table; [`Forwarding::receive`] and
//! [`Forwarding::transmit`] read it and answer with a [`crate::verdict::Verdict`].

mod admit;
mod batch;
mod change;
mod compile;
mod count;
mod flood;
mod forwarding;
pub mod fragments;
mod groups;
mod lists;
mod mode;
mod parent;
mod ports;
mod receive;
mod transmit;

pub use crate::nic::GroupBits;
pub use admit::{Admitted, MAX_LISTED_SENDERS, MAX_PORTS, PortRequest};
pub use batch::Unicast;
pub use change::PortMut;
pub use count::{count_delivery, count_unicast};
pub use flood::{Copies, Counted, Deliveries, Delivery};
pub use forwarding::{Forwarding, PortEntry, VerdictIndex};
pub use fragments::{Fragments, Offered};
pub use groups::GroupFilter;
pub use mode::{MacvlanFlags, Mode, SourcesChange};
pub use parent::{DEFAULT_QUEUE, MasterKind, Parent};
pub use ports::Port;

#[cfg(test)]
mod tests;
