//! Counts hops by rule and by kind.

use super::pipeline::HopRef;
use crate::lab::HopKind;
use crate::verdict::Rule;

/// Number of rules.
const RULES: usize = Rule::ALL.len();

/// Counts of hops. Counted by rule only, as a fast replay has time for one increment per hop; the totals by kind are
/// computed on demand.
#[derive(Clone, Debug)]
pub struct Tally {
    received: [u64; RULES],
    transmitted: [u64; RULES],
    dropped: [u64; RULES],
}

impl Default for Tally {
    fn default() -> Tally {
        Tally { received: [0; RULES], transmitted: [0; RULES], dropped: [0; RULES] }
    }
}

impl Tally {
    /// Counts a hop. An arrival is not a decision and is not counted.
    #[inline]
    pub(super) fn hop(&mut self, hop: &HopRef<'_>) {
        let (counts, rule) = match hop.kind {
            HopKind::Arrive(_) => return,
            HopKind::Receive(_, rule) => (&mut self.received, rule),
            HopKind::Transmit(rule) => (&mut self.transmitted, rule),
            HopKind::Drop(rule) => (&mut self.dropped, rule),
        };
        counts[rule as usize] += 1;
    }

    /// Hops at which a device received a frame.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received.iter().sum()
    }

    /// Hops at which a frame was sent, or left on a cable.
    #[must_use]
    pub fn transmitted(&self) -> u64 {
        self.transmitted.iter().sum()
    }

    /// Hops at which a frame ended.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// The rules that decided something, in the order of the catalogue, with their hops.
    pub fn rules(&self) -> impl Iterator<Item = (Rule, u64)> + '_ {
        let hops = self.received.iter().zip(&self.transmitted).zip(&self.dropped);
        let hops = hops.map(|((received, transmitted), dropped)| received + transmitted + dropped);
        Rule::ALL.iter().copied().zip(hops).filter(|(_, hops)| *hops > 0)
    }
}
