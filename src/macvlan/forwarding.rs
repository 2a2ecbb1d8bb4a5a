//! The immutable table that the decisions read: compiled from the control plane, shared by all that forward.

use super::Mode;
use super::groups::GroupFilter;
use super::lists::FloodLists;
use crate::frame::MacAddr;
use crate::nic::GroupBits;
use crate::table::{Lookup, MacTable};
use crate::verdict::{Egress, PortId, Rule, Verdict};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

/// A port as the decisions see it.
#[derive(Clone, Debug)]
pub struct PortEntry {
    /// Its address.
    pub mac: MacAddr,
    /// Its mode.
    pub mode: Mode,
    /// Administratively up.
    pub up: bool,
    /// Its mtu in bytes.
    pub mtu: u32,
    pub(super) filter: Arc<GroupFilter>,
}

/// The source ports that list one sender.
#[derive(Clone, Debug, Default)]
pub(super) struct Listeners {
    pub(super) ports: Vec<PortId>,
    /// One of them keeps the frame from all other ports and the host, up or down (R42).
    pub(super) nodst: bool,
}

/// Index into the verdicts of a table; an index past the end means the last one, for an address of no port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerdictIndex(u16);

impl VerdictIndex {
    /// Of a MAC address that no port has.
    pub(super) const NONE: VerdictIndex = VerdictIndex(u16::MAX);

    /// Its place among this number of [verdicts](Forwarding::verdicts).
    #[inline(always)]
    #[must_use]
    pub fn index(self, verdicts: usize) -> usize {
        usize::from(self.0).min(verdicts.wrapping_sub(1))
    }
}

/// A unicast to an address that no active port has (R12).
pub(super) const NO_PORT: Verdict = Verdict::plain(Rule::UnicastToNoPort, Egress::HostStack);

/// What one parent's demultiplexer decides by. Active ports are found by their addresses in a table (R1): another than
/// the usual one serves comparisons ([`Forwarding::with_table`]).
#[derive(Clone, Debug)]
pub struct Forwarding<T = MacTable> {
    pub(super) table: T,
    pub(super) ports: Vec<Option<PortEntry>>,
    /// What becomes of a unicast by the port that has its address; the last: of one that no port has (R12 to R14). With a
    /// passthru port all say the same (R51).
    pub(super) unicast: Vec<Verdict>,
    /// Listed senders: an index into `listeners` (R40).
    pub(super) senders: MacTable,
    pub(super) listeners: Vec<Listeners>,
    pub(super) parent_filter: GroupBits,
    pub(super) queue_filter: GroupBits,
    /// Frames the broadcast queue takes (R60).
    pub(super) queue_len: u32,
    pub(super) floods: FloodLists,
}

impl Default for Forwarding {
    fn default() -> Forwarding {
        Forwarding {
            table: MacTable::new(),
            ports: Vec::new(),
            unicast: vec![NO_PORT],
            senders: MacTable::new(),
            listeners: Vec::new(),
            parent_filter: GroupBits::default(),
            queue_filter: GroupBits::default(),
            queue_len: 0,
            floods: FloodLists::default(),
        }
    }
}

impl Forwarding {
    /// The same decisions with the active ports in another table, which is made of their addresses and numbers: what a
    /// table is worth shows where everything else is equal.
    #[must_use]
    pub fn with_table<T>(&self, table: impl FnOnce(&[(MacAddr, u16)]) -> T) -> Forwarding<T> {
        let entries: Vec<(MacAddr, u16)> = self.table.iter().collect();
        Forwarding {
            table: table(&entries),
            ports: self.ports.clone(),
            unicast: self.unicast.clone(),
            senders: self.senders.clone(),
            listeners: self.listeners.clone(),
            parent_filter: self.parent_filter,
            queue_filter: self.queue_filter,
            queue_len: self.queue_len,
            floods: self.floods.clone(),
        }
    }

    /// Asks for the memory that a decision about a frame to this address will read.
    #[inline]
    pub fn prefetch(&self, dst: MacAddr) {
        self.table.prefetch(dst);
    }
}

impl<T: Lookup> Forwarding<T> {
    /// A port.
    #[must_use]
    pub fn port(&self, id: PortId) -> Option<&PortEntry> {
        self.ports.get(id.index())?.as_ref()
    }

    /// The number above every port's.
    #[must_use]
    pub fn port_count(&self) -> usize {
        self.ports.len()
    }

    /// Whether a source port lists a sender.
    #[inline]
    #[must_use]
    pub fn has_lists(&self) -> bool {
        !self.listeners.is_empty()
    }

    /// The source ports that list this sender (R40).
    #[must_use]
    pub fn listed_by(&self, sender: MacAddr) -> &[PortId] {
        self.senders.get(sender).map_or(&[], |l| &self.listeners[usize::from(l)].ports)
    }

    /// What becomes of a unicast to this address (R12 to R14, R51). No branch depends on who has it, as nothing about the next
    /// frame's destination can be foretold.
    #[inline(always)]
    pub(super) fn verdict_index(&self, dst: MacAddr) -> VerdictIndex {
        self.indices()(dst)
    }

    /// The same, for many addresses one after the other.
    #[inline(always)]
    pub(super) fn indices(&self) -> impl Fn(MacAddr) -> VerdictIndex {
        let values = self.table.values();
        // What a table says of a MAC address that no port has is above every port's number.
        move |dst| VerdictIndex(values(dst))
    }

    /// The verdict for a unicast at this index.
    #[inline(always)]
    #[must_use]
    pub fn verdict(&self, verdict: VerdictIndex) -> &Verdict {
        self.unicast.get(verdict.index(self.unicast.len())).unwrap_or(&NO_PORT)
    }

    /// The verdicts of all indices, in their order.
    #[must_use]
    pub fn verdicts(&self) -> &[Verdict] {
        &self.unicast
    }

    /// The active port with this address.
    #[must_use]
    pub fn lookup(&self, mac: MacAddr) -> Option<(PortId, &PortEntry)> {
        let id = PortId(self.table.get(mac)?);
        self.port(id).map(|p| (id, p))
    }
}
