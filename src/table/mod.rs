//! The MAC table: 48-bit address to 16-bit value, in buckets of one cache line.
//!
//! A lookup is what a switch or a demultiplexer does for every frame, so the layout serves the lookup alone:
//! - A bucket is eight entries in one cache line, compared all at once by a few vector instructions (`wide.rs`).
//! - One multiplication gives the home bucket. Nothing there branches on whether the address is found: a hit and a miss
//!   cost the same, and their order need not be guessed.
//! - Lookups in batches ask for all their cache lines before they read the first, where tables are larger than caches.
//! - Who finds the home bucket full stands in the next bucket that has room, so a search goes on only from a full
//!   bucket. The buckets double when 5/8 of their slots are taken (small tables: 3/8), which makes that rare.
//! - Removing an entry from a full bucket brings back one that had to go on from it. There are no tombstones.
//!
//! Data that lookups do not need (ages, flags) stands in an array beside the buckets, one element a slot: [`MacMap`].
//!
//! The hash has no secret, so that runs are deterministic. Whoever can choose addresses can crowd one bucket and make
//! lookups walk; they stay correct, and tables that learn from frames bound the number of entries.

mod bucket;
#[cfg(test)]
mod tests;
mod wide;

use crate::frame::MacAddr;
use bucket::{Bucket, Entry, SLOTS};
use std::hint::select_unpredictable;

/// 2^64 divided by the golden ratio, odd: Fibonacci hashing, which spreads consecutive addresses evenly.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Up to this many buckets (256 KiB, a second-level cache's worth) memory is cheap and overflow is kept rarer still;
/// above it lookups wait for memory, and asking for it ahead pays.
const ROOMY: usize = 4096;
/// Addresses whose memory is asked for before the first is looked at: as many cache lines as can be on their way at
/// once, with some to spare.
pub(crate) const BATCH: usize = 32;
/// Buckets of the smallest table that has any.
const MIN_BUCKETS: usize = 2;

/// A table from MAC addresses to 16-bit values.
///
/// ```
/// use macvlab::{frame::MacAddr, table::MacTable};
/// let mut table = MacTable::new();
/// let mac = MacAddr([2, 0, 0, 0, 0, 1]);
/// assert_eq!(table.insert(mac, 7), None);
/// assert_eq!(table.get(mac), Some(7));
/// assert_eq!(table.remove(mac), Some(7));
/// ```
pub type MacTable = MacMap<()>;

/// A [`MacTable`] with a `Side` for each entry, kept in an array beside the slots so that lookups do not touch it.
#[derive(Clone, Debug)]
pub struct MacMap<Side = ()> {
    /// None, or a power of two.
    buckets: Vec<Bucket>,
    /// One a slot of the buckets; what belongs to no entry means nothing.
    side: Vec<Side>,
    /// 64 minus the binary logarithm of the number of buckets.
    home_shift: u32,
    len: usize,
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    bucket: usize,
    slot: usize,
}

impl Place {
    /// As an index of the array beside the buckets.
    fn index(self) -> usize {
        self.bucket * SLOTS + self.slot
    }
}

impl<Side> Default for MacMap<Side> {
    fn default() -> MacMap<Side> {
        MacMap { buckets: Vec::new(), side: Vec::new(), home_shift: u64::BITS - 1, len: 0 }
    }
}

impl<Side: Copy + Default> MacMap<Side> {
    /// An empty table that occupies no memory yet.
    #[must_use]
    pub fn new() -> MacMap<Side> {
        MacMap::default()
    }

    /// An empty table with room for `n` entries without growing.
    #[must_use]
    pub fn with_capacity(n: usize) -> MacMap<Side> {
        if n == 0 { MacMap::new() } else { MacMap::of_buckets(buckets_for(n)) }
    }

    fn of_buckets(buckets: usize) -> MacMap<Side> {
        MacMap {
            buckets: vec![Bucket::EMPTY; buckets],
            side: vec![Side::default(); buckets * SLOTS],
            home_shift: u64::BITS - buckets.trailing_zeros(),
            len: 0,
        }
    }

    /// Entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// No entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets every entry; keeps the memory.
    pub fn clear(&mut self) {
        self.buckets.fill(Bucket::EMPTY);
        self.len = 0;
    }

    /// The value of an address.
    #[inline]
    #[must_use]
    pub fn get(&self, mac: MacAddr) -> Option<u16> {
        self.look(mac, Some, None)
    }

    /// The value of an address, or another one if it has none: without a branch.
    #[inline]
    #[must_use]
    pub fn get_or(&self, mac: MacAddr, otherwise: u16) -> u16 {
        self.look(mac, |value| value, otherwise)
    }

    /// Whether the table is larger than the caches, so that [`prefetch`](MacMap::prefetch) does something.
    #[must_use]
    pub fn outgrows_caches(&self) -> bool {
        self.buckets.len() > ROOMY
    }

    /// Asks for the memory that [`get`](MacMap::get) will read, so that it is there by then. In small tables, which stay
    /// in the caches, it does nothing.
    #[inline]
    pub fn prefetch(&self, mac: MacAddr) {
        if self.buckets.len() > ROOMY
            && let Some(bucket) = self.buckets.get(self.home(mac.to_u64()))
        {
            wide::prefetch(bucket);
        }
    }

    /// The values of many addresses, in their order, appended to `out`.
    pub fn get_batch(&self, macs: &[MacAddr], out: &mut Vec<Option<u16>>) {
        out.reserve(macs.len());
        for batch in macs.chunks(BATCH) {
            batch.iter().for_each(|&mac| self.prefetch(mac));
            out.extend(batch.iter().map(|&mac| self.get(mac)));
        }
    }

    /// What becomes of the value of an address, or what is said if it has none.
    #[inline(always)]
    fn look<T: Copy>(&self, mac: MacAddr, found: impl Fn(u16) -> T, otherwise: T) -> T {
        let key = mac.to_u64();
        let bucket = self.buckets.get(self.home(key)).unwrap_or(&Bucket::EMPTY);
        let ends = bucket.ends(key);
        if ends == 0 {
            return self.look_further(key).map_or(otherwise, found);
        }
        let slot = ends.trailing_zeros() as usize;
        select_unpredictable(slot < SLOTS, found(bucket.value(slot)), otherwise)
    }

    /// The rest of a lookup, kept out of the way of those that need it not.
    #[cold]
    #[inline(never)]
    fn look_further(&self, key: u64) -> Option<u16> {
        self.find(key).map(|place| self.entry(place).value)
    }

    /// The value of an address and what stands beside it.
    #[must_use]
    pub fn get_both(&self, mac: MacAddr) -> Option<(u16, Side)> {
        let place = self.find(mac.to_u64())?;
        Some((self.entry(place).value, *self.side.get(place.index())?))
    }

    /// The value of an address, and what stands beside it to be changed.
    pub fn get_both_mut(&mut self, mac: MacAddr) -> Option<(u16, &mut Side)> {
        let place = self.find(mac.to_u64())?;
        let value = self.entry(place).value;
        self.side.get_mut(place.index()).map(|side| (value, side))
    }

    /// Gives an address a value and the default beside it; answers with the value it had. The zero address is no
    /// station's and is not kept.
    pub fn insert(&mut self, mac: MacAddr, value: u16) -> Option<u16> {
        self.insert_both(mac, value, Side::default()).map(|(old, _)| old)
    }

    /// Gives an address a value and something beside it; answers with what it had. The zero address is no station's and
    /// is not kept.
    pub fn insert_both(&mut self, mac: MacAddr, value: u16, side: Side) -> Option<(u16, Side)> {
        if mac.is_zero() {
            return None;
        }
        let entry = Entry { key: mac.to_u64(), value };
        if let Some(place) = self.find(mac.to_u64()) {
            return self.replace(place, entry, side);
        }
        if self.len >= capacity_of(self.buckets.len()) {
            self.grow();
        }
        self.add(entry, side);
        None
    }

    /// Forgets an address; answers with its value.
    pub fn remove(&mut self, mac: MacAddr) -> Option<u16> {
        let mut hole = self.find(mac.to_u64())?;
        let value = self.entry(hole).value;
        while let Some(place) = self.sent_on_from(hole.bucket) {
            self.shift(place, hole);
            hole = place;
        }
        // A bucket's slots are taken from the first on.
        let last = Place { slot: self.buckets.get(hole.bucket)?.len() - 1, ..hole };
        self.shift(last, hole);
        self.buckets.get_mut(last.bucket)?.pop();
        self.len -= 1;
        Some(value)
    }

    /// An entry that would stand in this bucket had it not been full. It is not behind a bucket with room.
    fn sent_on_from(&self, full: usize) -> Option<Place> {
        let mut b = full;
        while self.buckets.get(b)?.is_full() {
            b = self.next(b);
            let came_by = |e: Entry| self.distance(self.home(e.key), b) >= self.distance(full, b);
            if let Some(slot) = self.buckets.get(b)?.entries().position(came_by) {
                return Some(Place { bucket: b, slot });
            }
        }
        None
    }

    /// Keeps the entries for which `keep` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(MacAddr, u16, Side) -> bool) {
        let doomed: Vec<MacAddr> = self
            .iter_both()
            .filter(|&(mac, value, side)| !keep(mac, value, side))
            .map(|(mac, ..)| mac)
            .collect();
        for mac in doomed {
            self.remove(mac);
        }
    }

    /// Every entry, in the order of the slots: the same for the same history.
    pub fn iter(&self) -> impl Iterator<Item = (MacAddr, u16)> + '_ {
        self.iter_both().map(|(mac, value, _)| (mac, value))
    }

    /// Every entry with what stands beside it, in the order of the slots.
    pub fn iter_both(&self) -> impl Iterator<Item = (MacAddr, u16, Side)> + '_ {
        self.entries().map(|(entry, side)| (MacAddr::from_u64(entry.key), entry.value, side))
    }

    fn entries(&self) -> impl Iterator<Item = (Entry, Side)> + '_ {
        let sides = self.side.chunks(SLOTS);
        self.buckets.iter().zip(sides).flat_map(|(b, sides)| b.entries().zip(sides.iter().copied()))
    }

    /// The bucket in which an address is looked for first: the hash's top bits, on which all bits of the address bear.
    #[inline(always)]
    fn home(&self, key: u64) -> usize {
        (key.wrapping_mul(GOLDEN) >> self.home_shift) as usize
    }

    fn next(&self, bucket: usize) -> usize {
        (bucket + 1) & (self.buckets.len() - 1)
    }

    /// Steps from one bucket on to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.buckets.len() - 1)
    }

    /// The place of a key. There is always a bucket with room, at which a search ends.
    fn find(&self, key: u64) -> Option<Place> {
        let mut b = self.home(key);
        loop {
            let bucket = self.buckets.get(b)?;
            if let Some(slot) = bucket.slot_of(key) {
                return Some(Place { bucket: b, slot });
            }
            if !bucket.is_full() {
                return None;
            }
            b = self.next(b);
        }
    }

    fn entry(&self, place: Place) -> Entry {
        self.buckets.get(place.bucket).map_or(Entry { key: 0, value: 0 }, |b| b.get(place.slot))
    }

    fn replace(&mut self, place: Place, entry: Entry, side: Side) -> Option<(u16, Side)> {
        let old = self.entry(place).value;
        self.buckets.get_mut(place.bucket)?.set(place.slot, entry);
        self.side.get_mut(place.index()).map(|s| (old, std::mem::replace(s, side)))
    }

    /// Puts an entry and what stands beside it over another.
    fn shift(&mut self, from: Place, to: Place) {
        let entry = self.entry(from);
        if let Some(&side) = self.side.get(from.index()) {
            self.replace(to, entry, side);
        }
    }

    /// Puts a new entry in the first bucket from its home on that has room.
    fn add(&mut self, entry: Entry, side: Side) {
        let mut b = self.home(entry.key);
        while self.buckets.get(b).is_some_and(Bucket::is_full) {
            b = self.next(b);
        }
        if let Some(slot) = self.buckets.get(b).map(Bucket::len) {
            self.replace(Place { bucket: b, slot }, entry, side);
            self.len += 1;
        }
    }

    fn grow(&mut self) {
        let buckets = (self.buckets.len() * 2).max(MIN_BUCKETS);
        let old = std::mem::replace(self, MacMap::of_buckets(buckets));
        old.entries().for_each(|(entry, side)| self.add(entry, side));
    }
}

/// Entries that this many buckets take before they double.
fn capacity_of(buckets: usize) -> usize {
    buckets * if buckets <= ROOMY { 3 } else { 5 }
}

/// The smallest number of buckets with room for `n` entries.
fn buckets_for(n: usize) -> usize {
    let mut buckets = MIN_BUCKETS;
    while capacity_of(buckets) < n {
        buckets *= 2;
    }
    buckets
}
