//! A bucket: one cache line of entries, and how an address finds its own.

use super::wide;

/// Slots of a bucket.
pub(super) const SLOTS: usize = 8;

/// An address as a number, not zero, and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: u64,
    pub(super) value: u16,
}

/// One cache line. Its slots are taken from the first on, so it is full when the last is taken. Addresses stand in two
/// parts, so that few vector instructions, which every x86-64 processor has, compare all eight; an empty slot holds zero.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Bucket {
    /// The low 32 bits of the addresses.
    lows: [u32; SLOTS],
    /// The high 16 bits.
    highs: [u16; SLOTS],
    values: [u16; SLOTS],
}

/// The bit above those of the slots.
const ROOM: u32 = 1 << SLOTS;

impl Bucket {
    pub(super) const EMPTY: Bucket = Bucket { lows: [0; SLOTS], highs: [0; SLOTS], values: [0; SLOTS] };

    /// Where a search for an address ends, without a branch: the lowest bit is that of its slot, or [`ROOM`] if it is not
    /// here and would be. Zero: the search goes on in the next bucket.
    #[inline(always)]
    pub(super) fn ends(&self, key: u64) -> u32 {
        let (low, high) = parts(key);
        let hits = wide::equal_slots(&self.lows, &self.highs, low, high);
        // The zero address would be found in every empty slot.
        let hits = if key == 0 { 0 } else { hits };
        hits | (u32::from(!self.is_full()) * ROOM)
    }

    /// The slot of an address.
    pub(super) fn slot_of(&self, key: u64) -> Option<usize> {
        let hits = self.ends(key) & !ROOM;
        (hits != 0).then_some(hits.trailing_zeros() as usize)
    }

    #[inline(always)]
    pub(super) fn value(&self, slot: usize) -> u16 {
        self.values[slot % SLOTS]
    }

    #[inline(always)]
    pub(super) fn is_full(&self) -> bool {
        self.is_taken(SLOTS - 1)
    }

    #[inline(always)]
    fn is_taken(&self, slot: usize) -> bool {
        (self.lows[slot] | u32::from(self.highs[slot])) != 0
    }

    /// Taken slots, which are the first.
    pub(super) fn len(&self) -> usize {
        (0..SLOTS).position(|slot| !self.is_taken(slot)).unwrap_or(SLOTS)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        (0..self.len()).map(|slot| self.get(slot))
    }

    pub(super) fn get(&self, slot: usize) -> Entry {
        let slot = slot % SLOTS;
        let key = u64::from(self.highs[slot]) << 32 | u64::from(self.lows[slot]);
        Entry { key, value: self.values[slot] }
    }

    pub(super) fn set(&mut self, slot: usize, entry: Entry) {
        let slot = slot % SLOTS;
        (self.lows[slot], self.highs[slot]) = parts(entry.key);
        self.values[slot] = entry.value;
    }

    /// Empties the last slot that is taken.
    pub(super) fn pop(&mut self) {
        self.set(self.len().saturating_sub(1), Entry { key: 0, value: 0 });
    }
}

#[inline(always)]
fn parts(key: u64) -> (u32, u16) {
    (key as u32, (key >> 32) as u16)
}
