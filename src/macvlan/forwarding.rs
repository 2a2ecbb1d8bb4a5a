//! The immutable table that the decisions read: compiled from the control plane, shared by whoever forwards.

use super::Mode;
use super::admit::Demux;
use super::flood::meant_for;
use super::groups::{GroupBits, GroupFilter};
use crate::frame::MacAddr;
use crate::table::MacTable;
use crate::verdict::{Egress, FloodClass, PortId, Rule, Verdict};
use std::collections::BTreeMap;
use std::sync::Arc;

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
    /// One of them keeps the frame from everybody else, up or down (R42).
    pub(super) nodst: bool,
}

/// A unicast to an address that no active port has (R12).
const NOBODY: Verdict = Verdict::plain(Rule::UnicastToNoPort, Egress::HostStack);

/// What one parent's demultiplexer decides by.
#[derive(Clone, Debug, Default)]
pub struct Forwarding {
    /// Active ports by their addresses (R1).
    pub(super) table: MacTable,
    pub(super) ports: Vec<Option<PortEntry>>,
    /// What becomes of a unicast by the port that has its address; the last: of one that nobody has (R12 to R14). With a
    /// passthru port all say the same (R51).
    unicast: Vec<Verdict>,
    /// Listed senders: an index into `listeners` (R40).
    pub(super) senders: MacTable,
    pub(super) listeners: Vec<Listeners>,
    pub(super) parent_filter: GroupBits,
    pub(super) queue_filter: GroupBits,
    /// Frames the broadcast queue takes (R60).
    pub(super) queue_len: u32,
    /// Active ports that floods of each class may reach, in the order of their ids.
    from_outside: Vec<PortId>,
    from_vepa: Vec<PortId>,
    from_bridge: Vec<PortId>,
    local: Vec<PortId>,
}

impl Forwarding {
    pub(super) fn compile(demux: &Demux) -> Forwarding {
        let mut f = Forwarding {
            parent_filter: demux.parent_filter,
            queue_filter: demux.queue_filter,
            queue_len: demux.queue_len(),
            ports: vec![None; demux.ports.len()],
            ..Forwarding::default()
        };
        let mut senders: BTreeMap<MacAddr, Listeners> = BTreeMap::new();
        f.unicast = vec![NOBODY; demux.ports.len() + 1];
        for (id, port) in demux.ports() {
            f.unicast[id.index()] = if port.mode == Mode::Source {
                Verdict::plain(Rule::UnicastToSourcePort, Egress::HostStack)
            } else {
                Verdict::plain(Rule::UnicastToPort, Egress::Port(id))
            };
            if port.mode == Mode::Passthru {
                f.unicast.fill(if port.up {
                    Verdict::plain(Rule::PassthruUnicast, Egress::Port(id))
                } else {
                    Verdict::plain(Rule::PassthruDown, Egress::Drop)
                });
            }
            for sender in &port.sources {
                let l = senders.entry(*sender).or_default();
                l.ports.push(id);
                l.nodst |= port.flags.nodst;
            }
            if port.up {
                f.table.insert(port.mac, id.0);
                f.classify(id, port.mode);
            }
            f.ports[id.index()] = Some(PortEntry {
                mac: port.mac,
                mode: port.mode,
                up: port.up,
                mtu: port.mtu,
                filter: Arc::clone(&port.filter),
            });
        }
        // The control plane bounds the number of listed senders by what an index holds.
        for ((sender, l), index) in senders.into_iter().zip(0..=u16::MAX) {
            f.senders.insert(sender, index);
            f.listeners.push(l);
        }
        f
    }

    /// Enters an active port in the lists of the floods that are meant for its mode.
    fn classify(&mut self, id: PortId, mode: Mode) {
        let lists = [
            (FloodClass::Outside, &mut self.from_outside),
            (FloodClass::Vepa(id), &mut self.from_vepa),
            (FloodClass::Bridge(id), &mut self.from_bridge),
            (FloodClass::Local(id), &mut self.local),
        ];
        for (_, list) in lists.into_iter().filter(|(class, _)| meant_for(*class, mode).is_ok()) {
            list.push(id);
        }
    }

    /// A port.
    #[must_use]
    pub fn port(&self, id: PortId) -> Option<&PortEntry> {
        self.ports.get(id.index())?.as_ref()
    }

    /// The active ports whose modes a class of flood reaches, the sender included.
    pub(super) fn candidates(&self, class: FloodClass) -> &[PortId] {
        match class {
            FloodClass::Outside => &self.from_outside,
            FloodClass::Vepa(_) => &self.from_vepa,
            FloodClass::Bridge(_) => &self.from_bridge,
            FloodClass::Local(_) => &self.local,
        }
    }

    /// Whether a source port lists anybody.
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
    #[inline]
    pub(super) fn unicast_to(&self, dst: MacAddr) -> Verdict {
        // There are fewer ports than a value has numbers, so the one behind them fits.
        let nobody = self.unicast.len().saturating_sub(1) as u16;
        let index = usize::from(self.table.get_or(dst, nobody));
        self.unicast.get(index).copied().unwrap_or(NOBODY)
    }

    /// Whether there are so many ports that [`Forwarding::prefetch`] pays.
    #[must_use]
    pub fn outgrows_caches(&self) -> bool {
        self.table.outgrows_caches()
    }

    /// Asks for the memory that a decision about a frame to this address will read.
    #[inline]
    pub fn prefetch(&self, dst: MacAddr) {
        self.table.prefetch(dst);
    }

    /// The active port with this address.
    #[must_use]
    pub fn lookup(&self, mac: MacAddr) -> Option<(PortId, &PortEntry)> {
        let id = PortId(self.table.get(mac)?);
        self.port(id).map(|p| (id, p))
    }
}
