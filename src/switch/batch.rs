//! Many frames at once: the same decisions one after the other, with the memory for the next ones on its way.

use super::{Switch, SwitchPortId, SwitchVerdict};
use crate::frame::EthHeader;
use crate::table::BATCH;
use crate::time::Instant;

/// A frame that arrives at a switch.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The port it arrives at.
    pub ingress: SwitchPortId,
    /// All of it.
    pub frame: &'a [u8],
    /// Its header.
    pub header: EthHeader,
}

impl Switch {
    /// What [`decide`](Switch::decide) says of each frame, in their order, appended to `out`. Nothing is learned between
    /// them.
    pub fn decide_batch(&self, arrivals: &[Arrival<'_>], now: Instant, out: &mut Vec<SwitchVerdict>) {
        out.reserve(arrivals.len());
        for batch in arrivals.chunks(BATCH) {
            self.prefetch(batch, now);
            out.extend(batch.iter().map(|a| self.decide(a.ingress, a.frame, &a.header, now)));
        }
    }

    /// [`decide`](Switch::decide) and [`commit`](Switch::commit) for each frame, in their order: what one teaches holds for
    /// the next. The verdicts are appended to `out`.
    pub fn forward_batch(&mut self, arrivals: &[Arrival<'_>], now: Instant, out: &mut Vec<SwitchVerdict>) {
        out.reserve(arrivals.len());
        for batch in arrivals.chunks(BATCH) {
            self.prefetch(batch, now);
            for a in batch {
                let verdict = self.decide(a.ingress, a.frame, &a.header, now);
                self.commit(a.ingress, &a.header, &verdict, now);
                out.push(verdict);
            }
        }
    }

    /// Asks for the memory that these decisions will take. Which VLAN a frame is in is decided later, so under VLAN filtering
    /// nothing is asked for.
    fn prefetch(&self, batch: &[Arrival<'_>], now: Instant) {
        if !self.vlan_filtering {
            batch.iter().for_each(|a| self.fdb.prefetch(a.header.src, a.header.dst, now));
        }
    }
}
