//! Many frames at once: the same decisions one after the other, with the memory for the next ones on its way.

use super::{Switch, SwitchPortId, SwitchVerdict};
use crate::frame::EthHeader;
use crate::time::Instant;
use alloc::vec::Vec;

/// How many frames ahead memory is prefetched: as many cache lines as can be on their way at once.
const AHEAD: usize = 24;

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
        let ask = |a: &Arrival<'_>| self.prefetch(a, now, false);
        arrivals.iter().take(AHEAD).for_each(ask);
        let ahead = arrivals.iter().skip(AHEAD).map(Some).chain(core::iter::repeat(None));
        out.extend(arrivals.iter().zip(ahead).map(|(a, ahead)| {
            ahead.into_iter().for_each(ask);
            self.decide(a.ingress, a.frame, &a.header, now)
        }));
    }

    /// [`decide`](Switch::decide) and [`commit`](Switch::commit) for each frame, in their order: what one teaches holds for
    /// the next. The verdicts are appended to `out`.
    pub fn forward_batch(&mut self, arrivals: &[Arrival<'_>], now: Instant, out: &mut Vec<SwitchVerdict>) {
        out.reserve(arrivals.len());
        arrivals.iter().take(AHEAD).for_each(|a| self.prefetch(a, now, true));
        for (n, a) in arrivals.iter().enumerate() {
            if let Some(ahead) = arrivals.get(n + AHEAD) {
                self.prefetch(ahead, now, true);
            }
            let verdict = self.decide(a.ingress, a.frame, &a.header, now);
            self.commit(a.ingress, &a.header, &verdict, now);
            out.push(verdict);
        }
    }

    /// Asks for the memory that deciding about a frame will take, and learning from it. Which VLAN a frame is in is decided
    /// later, so under VLAN filtering nothing is asked for.
    #[inline(always)]
    fn prefetch(&self, a: &Arrival<'_>, now: Instant, learning: bool) {
        if self.vlan_filtering {
            return;
        }
        if learning {
            self.fdb.prefetch_source(a.header.src);
        }
        self.fdb.prefetch_destination(a.header.dst, now);
    }
}
