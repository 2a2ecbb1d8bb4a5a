//! A bucket: one cache line of entries, and the search within it.

use super::wide::{self, Lanes};
use crate::frame::MacAddr;

/// Entries per bucket.
pub(super) const SLOTS: usize = 7;
/// Lanes per bucket: its slots, and the last, which holds the result of a miss.
pub(super) const LANES: usize = 8;

/// The largest value of an address.
pub const MAX_VALUE: u16 = ABSENT - 1;
/// No such address: the value of every empty slot.
pub(super) const ABSENT: u16 = FURTHER - 1;
/// Not in this bucket; the search continues in the next.
pub(super) const FURTHER: u16 = u16::MAX;

/// 2^64 divided by the golden ratio, odd: Fibonacci hashing, which spreads consecutive addresses evenly.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// An address in the two parts that are compared: each in the byte order of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// The first four bytes.
    low: u32,
    /// The last two.
    high: u16,
}

impl Key {
    const ZERO: Key = Key { low: 0, high: 0 };

    #[inline(always)]
    pub(super) fn new(mac: MacAddr) -> Key {
        let [a, b, c, d, e, f] = mac.0;
        Key { low: u32::from_le_bytes([a, b, c, d]), high: u16::from_le_bytes([e, f]) }
    }

    pub(super) fn mac(self) -> MacAddr {
        let ([a, b, c, d], [e, f]) = (self.low.to_le_bytes(), self.high.to_le_bytes());
        MacAddr([a, b, c, d, e, f])
    }

    /// The upper half of the product, which depends on all bits of the address.
    #[inline(always)]
    pub(super) fn hash(self) -> u32 {
        (self.whole().wrapping_mul(GOLDEN) >> 32) as u32
    }

    /// Both parts as one number.
    #[inline(always)]
    pub(super) fn whole(self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }
}

/// An address and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) value: u16,
}

/// One cache line. Addresses are split into two parts, so that a few vector instructions, available on every x86-64
/// processor, compare all lanes. A lookup returns the value of the first lane that matches, or of the last lane if none
/// does: so a miss is read like a hit. An empty slot holds the zero address and the value [`ABSENT`]; a lookup of the
/// zero address therefore gives the right result.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Bucket {
    /// The low parts of the addresses; in the last lane, the number of entries that overflowed this bucket because it
    /// was full.
    lows: Lanes<u32>,
    highs: Lanes<u16>,
    values: [u16; LANES],
}

impl Bucket {
    pub(super) const EMPTY: Bucket =
        Bucket { lows: Lanes([0; LANES]), highs: Lanes([0; LANES]), values: [ABSENT; LANES] };

    /// The value of an address, [`ABSENT`], or [`FURTHER`]. Branch-free.
    #[inline(always)]
    pub(super) fn value_of(&self, key: Key) -> u16 {
        self.values[self.lane_of(key) % LANES]
    }

    /// The slot of a nonzero address.
    #[inline(always)]
    pub(super) fn slot_of(&self, key: Key) -> Option<usize> {
        Some(self.lane_of(key)).filter(|&lane| lane < SLOTS)
    }

    /// The first lane that matches, or the last.
    #[inline(always)]
    fn lane_of(&self, key: Key) -> usize {
        let equal = wide::equal_lanes(&self.lows, &self.highs, key.low, key.high);
        (equal | 1 << SLOTS).trailing_zeros() as usize
    }

    /// The first empty slot.
    pub(super) fn room(&self) -> Option<usize> {
        self.values[..SLOTS].iter().position(|&value| value == ABSENT)
    }

    /// Whether a search continues after this bucket.
    #[inline(always)]
    pub(super) fn goes_on(&self) -> bool {
        self.values[SLOTS] == FURTHER
    }

    /// Records that an entry overflowed, as the bucket is full.
    pub(super) fn pass(&mut self) {
        self.lows.0[SLOTS] += 1;
        self.values[SLOTS] = FURTHER;
    }

    /// Records that an overflowed entry was removed.
    pub(super) fn pass_no_more(&mut self) {
        self.lows.0[SLOTS] -= 1;
        if self.lows.0[SLOTS] == 0 {
            self.values[SLOTS] = ABSENT;
        }
    }

    pub(super) fn get(&self, slot: usize) -> Option<Entry> {
        let slot = slot % SLOTS;
        let entry =
            Entry { key: Key { low: self.lows.0[slot], high: self.highs.0[slot] }, value: self.values[slot] };
        (entry.value != ABSENT).then_some(entry)
    }

    /// Every entry with its slot.
    pub(super) fn entries(&self) -> impl Iterator<Item = (usize, Entry)> + '_ {
        (0..SLOTS).filter_map(|slot| self.get(slot).map(|entry| (slot, entry)))
    }

    #[inline(always)]
    pub(super) fn value(&self, slot: usize) -> u16 {
        self.values[slot % LANES]
    }

    pub(super) fn set(&mut self, slot: usize, entry: Entry) {
        let slot = slot % SLOTS;
        (self.lows.0[slot], self.highs.0[slot]) = (entry.key.low, entry.key.high);
        self.values[slot] = entry.value;
    }

    pub(super) fn vacate(&mut self, slot: usize) {
        self.set(slot, Entry { key: Key::ZERO, value: ABSENT });
    }
}
