//! Ages in 32 bits: when an address was last seen, in ticks since a time that moves along.

use crate::time::Instant;
use core::time::Duration;

/// Ticks are at most this fine: the tick of a bridge's usual ageing time, half a microsecond.
const FINEST: Duration = Duration::from_secs(300);

/// How ticks and times belong together. An ageing time is less than 2^31 ticks, so what ticks cannot express is older than
/// whatever is alive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticks {
    /// The time of tick 0.
    base: Instant,
    /// The binary logarithm of a tick's nanoseconds.
    shift: u32,
}

/// How far back ticks reach when the base moves.
const REACH: u64 = 1 << 31;

impl Ticks {
    /// Ticks that suit an ageing time, from a time on.
    pub(super) fn new(ageing: Duration, from: Instant) -> Ticks {
        let ns = u64::try_from(ageing.max(FINEST).as_nanos()).unwrap_or(u64::MAX);
        Ticks { base: from, shift: (u64::BITS - ns.leading_zeros()).saturating_sub(31) }
    }

    /// The tick of a time: the last that is not later. `None` if the base has to move first.
    #[inline]
    pub(super) fn at(self, time: Instant) -> Option<u32> {
        u32::try_from(self.count(time)).ok()
    }

    /// The time of a tick.
    #[inline]
    pub(super) fn time(self, tick: u32) -> Instant {
        Instant::from_nanos(self.base.as_nanos().saturating_add(u64::from(tick) << self.shift))
    }

    /// The same ticks, counted from so late that this time has one, and all that may be alive too.
    pub(super) fn moved(self, now: Instant) -> Ticks {
        let reach = REACH << self.shift;
        Ticks { base: self.base.max(Instant::from_nanos(now.as_nanos().saturating_sub(reach))), ..self }
    }

    /// The tick by other ticks; the first, if it is before them.
    pub(super) fn translated(self, tick: u32, to: Ticks) -> u32 {
        to.at(self.time(tick)).unwrap_or(u32::MAX)
    }

    #[inline]
    fn count(self, time: Instant) -> u64 {
        time.as_nanos().saturating_sub(self.base.as_nanos()) >> self.shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_ageing_time_is_less_than_half_of_all_ticks() {
        for ageing in
            [Duration::ZERO, Duration::from_secs(300), Duration::from_secs(86_400 * 365), Duration::MAX]
        {
            let ticks = Ticks::new(ageing, Instant::ZERO);
            let end = Instant::ZERO + ageing;
            assert!(ticks.at(end).is_some_and(|t| u64::from(t) < REACH), "{ageing:?}: {ticks:?}");
        }
    }

    #[test]
    fn a_tick_is_at_most_half_a_microsecond_off() {
        let ticks = Ticks::new(Duration::from_secs(300), Instant::from_nanos(5));
        for ns in [5, 6, 1_000_003, 299_999_999_999] {
            let time = Instant::from_nanos(ns);
            let back = ticks.time(ticks.at(time).unwrap());
            assert!(back <= time && time.since(back) < Duration::from_nanos(512), "{ns}");
        }
    }

    #[test]
    fn the_base_moves_and_what_is_alive_keeps_its_time() {
        let ageing = Duration::from_secs(300);
        let ticks = Ticks::new(ageing, Instant::ZERO);
        let (old, seen, now) = (Instant::ZERO, 2900, 3000);
        let (seen, now) =
            (Instant::from_nanos(seen * 1_000_000_000), Instant::from_nanos(now * 1_000_000_000));
        assert_eq!(ticks.at(now), None);
        let moved = ticks.moved(now);
        assert!(moved.at(now).is_some());
        assert_eq!(moved.at(old), Some(0));
        assert!(moved.time(moved.at(seen).unwrap()).since(seen).is_zero());
        // However late it is.
        assert!(moved.moved(Instant::MAX).at(Instant::MAX).is_some());
    }
}
