//! Hops counted by the rule that decided them, and by what happened.

use super::engine::Hop;
use crate::lab::HopKind;
use crate::verdict::Rule;

/// What was counted of hops.
#[derive(Clone, Debug)]
pub struct Tally {
    /// By the rule's place in the catalogue.
    rules: Vec<u64>,
    /// Hops at which a device received a frame.
    pub received: u64,
    /// Hops at which a frame was sent, or left by a cable.
    pub transmitted: u64,
    /// Hops at which a frame ended.
    pub dropped: u64,
}

impl Default for Tally {
    fn default() -> Tally {
        Tally { rules: vec![0; Rule::ALL.len()], received: 0, transmitted: 0, dropped: 0 }
    }
}

impl Tally {
    /// Counts a hop. An arrival is no decision and is not counted.
    #[inline]
    pub(super) fn hop(&mut self, hop: &Hop<'_>) {
        let (count, rule) = match hop.kind {
            HopKind::Arrive(_) => return,
            HopKind::Receive(_, rule) => (&mut self.received, rule),
            HopKind::Transmit(rule) => (&mut self.transmitted, rule),
            HopKind::Drop(rule) => (&mut self.dropped, rule),
        };
        *count += 1;
        if let Some(count) = self.rules.get_mut(rule as usize) {
            *count += 1;
        }
    }

    /// The rules that decided something, in the order of the catalogue, with their hops.
    pub fn rules(&self) -> impl Iterator<Item = (Rule, u64)> + '_ {
        Rule::ALL.iter().copied().zip(self.rules.iter().copied()).filter(|(_, hops)| *hops > 0)
    }
}
