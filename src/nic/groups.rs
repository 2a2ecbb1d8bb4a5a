//! The filter in front of all ports of a device, and what it is made of: which groups how many of them have pushed down.

use crate::frame::MacAddr;
use alloc::collections::BTreeMap;

/// A 256-bucket hash filter without salt: the one that the kernel keeps for a whole parent (`mc_filter`, `bc_filter`
/// of its `macvlan_port`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupBits([u64; 4]);

impl GroupBits {
    /// Passes everything.
    pub const ALL: GroupBits = GroupBits([u64::MAX; 4]);

    /// Bucket of an address: the top byte of its last four bytes times the golden ratio, as the kernel hashes 32-bit
    /// numbers (`mc_hash` with no port, on a little-endian machine).
    const fn bucket(mac: MacAddr) -> u8 {
        let [_, _, a, b, c, d] = mac.0;
        (u32::from_le_bytes([a, b, c, d]).wrapping_mul(0x61c8_8647) >> 24) as u8
    }

    /// Adds an address.
    pub fn set(&mut self, mac: MacAddr) {
        self.set_bucket(Self::bucket(mac));
    }

    fn set_bucket(&mut self, b: u8) {
        self.0[usize::from(b >> 6)] |= 1 << (b & 63);
    }

    /// Whether an address, or another in its bucket, was added.
    #[must_use]
    pub fn test(&self, mac: MacAddr) -> bool {
        let b = Self::bucket(mac);
        self.0[usize::from(b >> 6)] >> (b & 63) & 1 != 0
    }
}

/// Groups by how many have pushed them down, bucket by bucket: a filter is made of it in a time that does not grow with
/// the number of groups.
#[derive(Clone, Debug, Default)]
pub(super) struct Buckets {
    /// How many groups of a bucket that many ports have pushed down.
    groups: BTreeMap<(u8, u32), u32>,
    /// By how many the most wanted group of a bucket was pushed down.
    most: BTreeMap<u8, u32>,
}

impl Buckets {
    /// A group that `before` ports had pushed down is now pushed down by `now` ports.
    pub(super) fn count(&mut self, group: MacAddr, before: u32, now: u32) {
        let bucket = GroupBits::bucket(group);
        if before == now {
            return;
        }
        if let Some(groups) = self.groups.get_mut(&(bucket, before)) {
            *groups -= 1;
            if *groups == 0 {
                self.groups.remove(&(bucket, before));
            }
        }
        if now > 0 {
            *self.groups.entry((bucket, now)).or_default() += 1;
        }
        match self.groups.range((bucket, 0)..=(bucket, u32::MAX)).next_back() {
            Some(((_, most), _)) => self.most.insert(bucket, *most),
            None => self.most.remove(&bucket),
        };
    }

    /// The groups that more than `ports` ports have pushed down.
    pub(super) fn above(&self, ports: u32) -> GroupBits {
        let mut bits = GroupBits::default();
        self.most.iter().filter(|(_, most)| **most > ports).for_each(|(bucket, _)| bits.set_bucket(*bucket));
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_have_no_false_negatives() {
        let mut bits = GroupBits::default();
        for last in 0..=255 {
            let mac = MacAddr([1, 0, 0x5e, 1, 2, last]);
            bits.set(mac);
            assert!(bits.test(mac));
        }
    }

    #[test]
    fn buckets_are_what_their_groups_are() {
        let mut all = BTreeMap::<MacAddr, u32>::new();
        let mut buckets = Buckets::default();
        for n in 0..3000_u32 {
            let [.., a, b] = (n % 700).to_be_bytes();
            let group = MacAddr([0x33, 0x33, 0xff, 0, a, b]);
            let now = all.entry(group).or_default();
            let before = *now;
            *now = if n % 5 == 0 { before.saturating_sub(2) } else { before + 1 };
            buckets.count(group, before, *now);
            if n % 100 == 0 {
                for above in 0..4 {
                    let mut bits = GroupBits::default();
                    all.iter().filter(|(_, ports)| **ports > above).for_each(|(group, _)| bits.set(*group));
                    assert_eq!(buckets.above(above), bits, "{n} {above}");
                }
            }
        }
        for (group, before) in all {
            buckets.count(group, before, 0);
        }
        assert_eq!(buckets.above(0), GroupBits::default());
        assert!(buckets.groups.is_empty() && buckets.most.is_empty(), "{buckets:?}");
    }
}
