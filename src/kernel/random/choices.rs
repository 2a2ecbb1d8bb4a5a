//! Pseudo-random numbers that are the same in every version.

/// SplitMix64: small, uniform enough, and stable.
#[derive(Clone, Debug, Default)]
pub(super) struct Choices(u64);

impl Choices {
    pub(super) fn new(seed: u64) -> Choices {
        // Neighbouring seeds must not give overlapping sequences.
        let mut dice = Choices(seed);
        Choices(dice.next() ^ seed.rotate_left(32))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `n` - 1; 0 if `n` is 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        let n = n.max(1) as u64;
        usize::try_from(self.next() % n).unwrap_or(0)
    }

    /// The same as a byte.
    pub(super) fn below_u8(&mut self, n: u8) -> u8 {
        u8::try_from(self.below(usize::from(n))).unwrap_or(0)
    }

    /// `true` with this probability, in percent.
    pub(super) fn percent(&mut self, chance: u64) -> bool {
        self.next() % 100 < chance
    }

    /// One of these elements; the slice must not be empty.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// An index, by weight.
    pub(super) fn weighted(&mut self, weights: &[usize]) -> usize {
        let mut left = self.below(weights.iter().sum());
        for (i, w) in weights.iter().enumerate() {
            if left < *w {
                return i;
            }
            left -= w;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        // The first outputs of SplitMix64 for state 1234567.
        let mut dice = Choices(1_234_567);
        assert_eq!(dice.next(), 6_457_827_717_110_365_317);
        assert_eq!(dice.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn weights_decide() {
        let mut dice = Choices::new(1);
        let hits = (0..1000).filter(|_| dice.weighted(&[1, 0, 9]) == 2).count();
        assert!((850..950).contains(&hits), "{hits}");
        assert!((0..100).all(|_| dice.weighted(&[1, 0, 9]) != 1));
    }
}
