//! A frame arrives at the parent: from its cable, or from a bridge port for a bridge sibling.

use super::Mode;
use super::forwarding::Forwarding;
use crate::frame::{EthHeader, MacAddr, ethertype};
use crate::table::Lookup;
use crate::verdict::{Egress, Flood, FloodClass, Rule, SourceList, Verdict};

impl<T: Lookup> Forwarding<T> {
    /// Who gets a frame that arrives at the parent (`macvlan_handle_frame`).
    ///
    /// Looks at the destination, the source and the ethertype behind one tag, at nothing else (R2, R10).
    #[inline]
    #[must_use]
    pub fn receive(&self, header: &EthHeader) -> Verdict {
        // Most frames are unicast, and most parents have no source ports.
        if header.dst.is_multicast() | self.has_lists() {
            self.receive_at_length(*header)
        } else {
            *self.verdict(self.verdict_index(header.dst))
        }
    }

    /// Groups and source lists. The header comes by value, so that where it is not needed it need not be in memory at all.
    #[inline(never)]
    fn receive_at_length(&self, header: EthHeader) -> Verdict {
        let verdict = if header.dst.is_multicast() {
            self.multicast(&header)
        } else {
            *self.verdict(self.verdict_index(header.dst))
        };
        if self.has_lists() { self.with_sources(header.src, verdict) } else { verdict }
    }

    /// R40 to R42: the source ports that list the sender come first, and may keep the frame from all other ports and the host.
    fn with_sources(&self, src: MacAddr, verdict: Verdict) -> Verdict {
        let sources = self.senders.get(src).map(SourceList);
        if sources.is_some_and(|l| self.listeners[usize::from(l.0)].nodst) {
            return Verdict { rule: Rule::SourceNodst, egress: Egress::Drop, flood: Flood::None, sources };
        }
        Verdict { sources, ..verdict }
    }

    /// R16 to R24, R60, R62.
    fn multicast(&self, header: &EthHeader) -> Verdict {
        let class = match self.lookup(header.src) {
            None => FloodClass::Outside,
            Some((id, port)) => match port.mode {
                Mode::Vepa => FloodClass::Vepa(id),
                Mode::Bridge => FloodClass::Bridge(id),
                Mode::Private | Mode::Passthru | Mode::Source => {
                    return Verdict::plain(Rule::OwnBroadcastBack, Egress::Port(id));
                }
            },
        };
        let flood = if self.queue_filter.test(header.dst) {
            if self.queue_len == 0 { Flood::Withheld(Rule::QueueZero) } else { Flood::To(class) }
        } else if self.parent_filter.test(header.dst) {
            Flood::To(class)
        } else {
            Flood::Withheld(Rule::ParentFilter)
        };
        let flood = match flood {
            Flood::To(_) if header.ethertype == ethertype::MAC_CONTROL => {
                Flood::Withheld(Rule::PauseNotFlooded)
            }
            flood => flood,
        };
        Verdict { rule: Rule::MulticastToHost, egress: Egress::HostStack, flood, sources: None }
    }
}
