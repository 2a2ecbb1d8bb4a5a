//! The data plane: the one way of frames through NICs, demultiplexers and switches, for every caller.
//!
//! Control and data are apart. The control plane (a lab's devices, which steps and people change) is compiled into a
//! [`Wiring`] that never changes; a change compiles a new one. A [`ForwardingContext`] takes a frame through it: it reads the wiring,
//! counts and learns in a [`State`], and tells a [`Observer`] of every hop. Nothing here locks, waits, or knows what time
//! it is beyond what it was told, and nothing is allocated for a frame: one whose tag comes or goes on its way is made in a
//! buffer that was used before. Fragments are the exception, for they are kept until their datagram is whole.
//!
//! | who walks frames | what watches |
//! | --- | --- |
//! | [`lab`](crate::lab) | the hop log, and the IP stacks behind devices |
//! | [`Worker`] | whatever its caller hands in |
//!
//! | file | what it does |
//! | --- | --- |
//! | `wiring.rs` | the immutable part: devices as frames meet them |
//! | `state.rs` | the part that frames change: counters, forwarding databases, fragments, queues |
//! | `observer.rs` | what a walk tells |
//! | `arrive.rs` | the way in: cable, NIC, sub-interface, demultiplexer, port or host stack |
//! | `many.rs` | the way in for many frames at once |
//! | `send.rs` | the way out: port or host stack, demultiplexer, NIC, cable |
//! | `switching.rs` | in at one switch port and out at others |
//! | `bridged.rs`, `bonded.rs` | devices that are ports of a bridge, or of a bond, in their own host |
//! | `decision.rs` | decisions told in full, for explanations |
//! | `worker.rs` | frames taken to their ends, one batch at a time |

mod arrive;
mod bonded;
mod bridged;
mod decision;
mod many;
mod observer;
mod send;
mod state;
mod switching;
mod wiring;
mod worker;

pub use decision::{Candidate, CandidateKind, Decision, DecisionPoint, Finding};
pub use observer::{Bridged, HopKind, Numbered, Observer};
pub use state::State;
#[cfg(feature = "lab")]
pub(crate) use wiring::Slot;
pub use wiring::{
    BondPort, BridgePort, End, LinkKind, LinkNode, Name, Node, NodeId, PortNode, PortOut, PortTable,
    PortUser, RxHandler, SwitchId, SwitchNode, SwitchPortNode, TapOpen, Uplink, Wiring,
};
pub use worker::{Entrance, Passing, Worker};

use crate::frame::{EthHeader, Frame, Retag};
use crate::time::Instant;
use crate::verdict::Rule;

/// A frame's way through a wiring, decision by decision. Frames that leave on a cable are handed to the watch, which
/// brings them back by [`ForwardingContext::arrive`] when they are due.
pub struct ForwardingContext<'a, W: Observer> {
    wiring: &'a Wiring,
    state: &'a mut State,
    observer: &'a mut W,
    now: Instant,
}

impl<'a, W: Observer> ForwardingContext<'a, W> {
    /// Walks begin. `state` must have been [fitted](State::fit) to the wiring.
    pub fn new(
        wiring: &'a Wiring,
        state: &'a mut State,
        observer: &'a mut W,
        now: Instant,
    ) -> ForwardingContext<'a, W> {
        ForwardingContext { wiring, state, observer, now }
    }

    fn hop(&mut self, at: NodeId, kind: HopKind, frame: Numbered<'_>) {
        self.observer.hop(at, kind, frame);
    }

    /// A frame as it is when its tag has come or gone; `None`: as it was.
    fn retagged(&mut self, retag: Retag, frame: Numbered<'_>) -> Option<Frame> {
        retag.apply(frame.bytes).map(|retagged| self.observer.make(&retagged.parts()))
    }
}

/// The header of a frame that arrives, or the rule that makes it vanish.
#[inline]
pub(crate) fn incoming(frame: &[u8]) -> Result<EthHeader, Rule> {
    EthHeader::parse(frame).map_err(|_| Rule::Runt)
}
