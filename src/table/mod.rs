//! The MAC table: 48-bit address to 16-bit value, in buckets of one cache line.
//!
//! A switch or a demultiplexer does a lookup for every frame, so the layout is optimized for lookups:
//! - A bucket is seven entries in one cache line, compared all at once by a few vector instructions (`wide.rs`). Its eighth
//!   lane holds the result of a miss, which is therefore read like a hit: no branch depends on whether the address is
//!   found, so none can be mispredicted.
//! - One multiplication hashes, another scales the hash to the number of buckets, which may be any number: large tables
//!   grow by a quarter and waste little memory.
//! - Lookups in batches prefetch all their cache lines before they read the first, where tables exceed the caches.
//! - An entry whose home bucket is full goes into the next bucket that has room. Each bucket counts the entries that
//!   overflowed it, so a search continues only if there were any. They are rare: a bucket has room for seven, and on
//!   average at most three (in large tables five and a half) entries.
//! - Removing an entry from a bucket that overflowed brings one entry back. There are no tombstones.
//!
//! Data that lookups do not need (ages) is in an array beside the buckets, one element per lane: [`MacMap`].
//!
//! The hash has no secret, so that runs are deterministic. An attacker who chooses addresses can overfill one bucket
//! and make lookups slow; they stay correct, and tables that learn from frames bound the number of entries.

mod bucket;
mod lookup;
#[cfg(test)]
mod tests;
mod wide;

pub use bucket::MAX_VALUE;
pub use lookup::Lookup;

use crate::frame::MacAddr;
use alloc::vec;
use alloc::vec::Vec;
use bucket::{ABSENT, Bucket, Entry, FURTHER, Key, LANES};

/// Up to this many buckets (256 KiB, a second-level cache) memory is cheap and a lower load avoids overflow; above it
/// lookups wait for memory, and prefetching pays.
const ROOMY: usize = 4096;
/// Addresses prefetched before the first is read: as many cache lines as can be in flight at once, with some to spare.
pub(crate) const BATCH: usize = 64;
/// Buckets of the smallest non-empty table.
const MIN_BUCKETS: usize = 2;

/// A table from MAC addresses to 16-bit values, up to [`MAX_VALUE`].
///
/// ```
/// use macvlab::{frame::MacAddr, table::MacTable};
/// let mut table = MacTable::new();
/// let mac = MacAddr([2, 0, 0, 0, 0, 1]);
/// assert_eq!(table.insert(mac, 7), Ok(None));
/// assert_eq!(table.get(mac), Some(7));
/// assert_eq!(table.remove(mac), Some(7));
/// ```
pub type MacTable = MacMap<()>;

/// A [`MacTable`] with a `Side` for each entry, in an array beside the buckets so that lookups do not touch it.
#[derive(Clone, Debug)]
pub struct MacMap<Side = ()> {
    buckets: Vec<Bucket>,
    /// One for each lane of the buckets; values without an entry are meaningless.
    side: Vec<Side>,
    len: usize,
}

/// An entry that cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// The zero address belongs to no station.
    #[error("the zero address is not a station's")]
    ZeroAddress,
    /// The value is above [`MAX_VALUE`].
    #[error("the value {0} is above {MAX_VALUE}")]
    Value(u16),
}

/// The position of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SlotPosition {
    bucket: usize,
    slot: usize,
}

impl SlotPosition {
    /// As an index into the array beside the buckets.
    #[inline(always)]
    fn index(self) -> usize {
        self.bucket * LANES + self.slot
    }
}

impl<Side> Default for MacMap<Side> {
    fn default() -> MacMap<Side> {
        MacMap { buckets: Vec::new(), side: Vec::new(), len: 0 }
    }
}

impl<Side: Copy + Default> MacMap<Side> {
    /// An empty table that allocates no memory yet.
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
        MacMap { buckets: vec![Bucket::EMPTY; buckets], side: vec![Side::default(); buckets * LANES], len: 0 }
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of memory used by the entries and their side data.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.buckets.capacity() * size_of::<Bucket>() + self.side.capacity() * size_of::<Side>()
    }

    /// Removes every entry; keeps the memory.
    pub fn clear(&mut self) {
        self.buckets.fill(Bucket::EMPTY);
        self.len = 0;
    }

    /// The value of an address.
    #[inline]
    #[must_use]
    pub fn get(&self, mac: MacAddr) -> Option<u16> {
        Some(self.value(mac)).filter(|&value| value != ABSENT)
    }

    /// The value of an address; a number above [`MAX_VALUE`] if it has none. Branch-free.
    #[inline(always)]
    #[must_use]
    pub fn value(&self, mac: MacAddr) -> u16 {
        self.values()(mac)
    }

    /// The function [`value`](MacMap::value), for many lookups in sequence.
    #[inline(always)]
    pub fn values(&self) -> impl Fn(MacAddr) -> u16 {
        let buckets = self.buckets.as_slice();
        move |mac| {
            let key = Key::new(mac);
            let value = match wide::at_fraction(buckets, key.hash()) {
                Some(home) => home.value_of(key),
                None => ABSENT,
            };
            if value == FURTHER { self.value_further(key) } else { value }
        }
    }

    /// The rest of a lookup, kept out of the fast path.
    #[cold]
    #[inline(never)]
    fn value_further(&self, key: Key) -> u16 {
        self.find(key).map_or(ABSENT, |place| self.at(place))
    }

    /// Whether the table exceeds the caches, so that [`prefetch`](MacMap::prefetch) has an effect.
    #[inline]
    fn outgrows_caches(&self) -> bool {
        self.buckets.len() > ROOMY
    }

    /// Prefetches the memory that [`get`](MacMap::get) will read. Does nothing for small tables, which stay in the
    /// caches.
    #[inline]
    pub fn prefetch(&self, mac: MacAddr) {
        if self.outgrows_caches()
            && let Some(bucket) = self.buckets.get(self.home(Key::new(mac)))
        {
            wide::prefetch(bucket);
        }
    }

    /// Prefetches the memory that [`get_both`](MacMap::get_both) will read.
    #[inline]
    pub fn prefetch_both(&self, mac: MacAddr) {
        if self.outgrows_caches() {
            let home = self.home(Key::new(mac));
            if let (Some(bucket), Some(side)) = (self.buckets.get(home), self.side.get(home * LANES)) {
                wide::prefetch(bucket);
                wide::prefetch(side);
            }
        }
    }

    /// The value of an address and its side data.
    #[inline]
    #[must_use]
    pub fn get_both(&self, mac: MacAddr) -> Option<(u16, Side)> {
        let place = self.find(Key::new(mac))?;
        Some((self.at(place), *self.side.get(place.index())?))
    }

    /// The value of an address and its side data, mutable.
    #[inline]
    pub fn get_both_mut(&mut self, mac: MacAddr) -> Option<(u16, &mut Side)> {
        let place = self.find(Key::new(mac))?;
        let value = self.at(place);
        self.side.get_mut(place.index()).map(|side| (value, side))
    }

    /// Sets an address's value, with default side data; returns its old value.
    ///
    /// # Errors
    /// [`Unfit`]; nothing has changed.
    pub fn insert(&mut self, mac: MacAddr, value: u16) -> Result<Option<u16>, Unfit> {
        self.insert_both(mac, value, Side::default()).map(|old| old.map(|(value, _)| value))
    }

    /// Sets an address's value and side data; returns the old ones.
    ///
    /// # Errors
    /// [`Unfit`]; nothing has changed.
    pub fn insert_both(
        &mut self,
        mac: MacAddr,
        value: u16,
        side: Side,
    ) -> Result<Option<(u16, Side)>, Unfit> {
        if mac.is_zero() {
            return Err(Unfit::ZeroAddress);
        }
        if value > MAX_VALUE {
            return Err(Unfit::Value(value));
        }
        let entry = Entry { key: Key::new(mac), value };
        if let Some(place) = self.find(entry.key) {
            let old = (self.at(place), self.side[place.index()]);
            self.put(place, entry, side);
            return Ok(Some(old));
        }
        if self.len >= capacity_of(self.buckets.len()) {
            self.grow();
        }
        self.add(entry, side);
        Ok(None)
    }

    /// Removes an address; returns its value.
    pub fn remove(&mut self, mac: MacAddr) -> Option<u16> {
        let place = self.find(Key::new(mac))?;
        self.take(place).map(|entry| entry.value)
    }

    /// Changes the side data of every entry.
    pub fn change_sides(&mut self, change: impl FnMut(&mut Side)) {
        self.side.iter_mut().for_each(change);
    }

    /// Keeps the entries for which `keep` is true; it may be called twice for the same entry.
    pub fn retain(&mut self, mut keep: impl FnMut(MacAddr, u16, Side) -> bool) {
        (0..self.buckets.len()).for_each(|bucket| self.retain_in(bucket, &mut keep));
    }

    /// The number of buckets, for callers that traverse the table piece by piece.
    #[must_use]
    pub fn bucket_count(&self) -> usize {
        self.buckets.len()
    }

    /// Keeps the entries in one bucket for which `keep` is true. Entries that move into this bucket in their place come
    /// from later buckets, and are checked as well.
    pub fn retain_in(&mut self, bucket: usize, mut keep: impl FnMut(MacAddr, u16, Side) -> bool) {
        for slot in 0..bucket::SLOTS {
            let place = SlotPosition { bucket, slot };
            while let Some(entry) = self.buckets.get(bucket).and_then(|b| b.get(slot))
                && let Some(&side) = self.side.get(place.index())
                && !keep(entry.key.mac(), entry.value, side)
            {
                self.take(place);
            }
        }
    }

    /// Every entry, in the order of the buckets: the same for the same history.
    pub fn iter(&self) -> impl Iterator<Item = (MacAddr, u16)> + '_ {
        self.iter_both().map(|(mac, value, _)| (mac, value))
    }

    /// Every entry with its side data, in the order of the buckets.
    pub fn iter_both(&self) -> impl Iterator<Item = (MacAddr, u16, Side)> + '_ {
        self.buckets.iter().zip(self.side.chunks(LANES)).flat_map(|(bucket, sides)| {
            let beside = |(slot, e): (usize, Entry)| sides.get(slot).map(|&s| (e.key.mac(), e.value, s));
            bucket.entries().filter_map(beside)
        })
    }

    /// The home bucket of an address: the hash, scaled to the number of buckets.
    #[inline(always)]
    fn home(&self, key: Key) -> usize {
        wide::index_at(self.buckets.len(), key.hash())
    }

    fn next(&self, bucket: usize) -> usize {
        if bucket + 1 < self.buckets.len() { bucket + 1 } else { 0 }
    }

    /// The distance from one bucket to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        if from <= to { to - from } else { to + self.buckets.len() - from }
    }

    /// The value at a position.
    #[inline(always)]
    fn at(&self, place: SlotPosition) -> u16 {
        self.buckets.get(place.bucket).map_or(ABSENT, |bucket| bucket.value(place.slot))
    }

    /// The position of a key.
    #[inline(always)]
    fn find(&self, key: Key) -> Option<SlotPosition> {
        let home = self.home(key);
        let bucket = self.buckets.get(home)?;
        match bucket.slot_of(key) {
            // The zero address would match every empty slot.
            Some(slot) => (key.whole() != 0).then_some(SlotPosition { bucket: home, slot }),
            None if bucket.goes_on() => self.find_behind(home, key),
            None => None,
        }
    }

    /// The position of a key outside its home. Only full buckets overflow, so a search ends.
    #[cold]
    #[inline(never)]
    fn find_behind(&self, home: usize, key: Key) -> Option<SlotPosition> {
        if key.whole() == 0 {
            return None;
        }
        let mut b = home;
        while self.buckets.get(b)?.goes_on() {
            b = self.next(b);
            if let Some(slot) = self.buckets.get(b)?.slot_of(key) {
                return Some(SlotPosition { bucket: b, slot });
            }
        }
        None
    }

    /// Puts a new entry into the first bucket from its home on that has room; there is one.
    fn add(&mut self, entry: Entry, side: Side) {
        let home = self.home(entry.key);
        let mut b = home;
        while let Some(bucket) = self.buckets.get(b) {
            if let Some(slot) = bucket.room() {
                self.put(SlotPosition { bucket: b, slot }, entry, side);
                self.passes(home, b, Bucket::pass);
                self.len += 1;
                return;
            }
            b = self.next(b);
        }
    }

    /// Removes the entry at a position, and brings back one that had overflowed there.
    fn take(&mut self, place: SlotPosition) -> Option<Entry> {
        let entry = self.vacate(place)?;
        self.len -= 1;
        let mut hole = place;
        while let Some(from) = self.passed_by(hole.bucket) {
            let side = self.side.get(from.index()).copied()?;
            let back = self.vacate(from)?;
            self.passes(hole.bucket, from.bucket, Bucket::pass_no_more);
            self.put(hole, back, side);
            hole = from;
        }
        self.passes(self.home(entry.key), place.bucket, Bucket::pass_no_more);
        Some(entry)
    }

    /// An entry that would be in this bucket had it not been full.
    fn passed_by(&self, full: usize) -> Option<SlotPosition> {
        let mut b = full;
        while self.buckets.get(b)?.goes_on() {
            b = self.next(b);
            let passed = |e: &Entry| self.distance(self.home(e.key), b) >= self.distance(full, b);
            if let Some((slot, _)) = self.buckets.get(b)?.entries().find(|(_, e)| passed(e)) {
                return Some(SlotPosition { bucket: b, slot });
            }
        }
        None
    }

    /// Calls a function for each bucket from one up to, but not including, another.
    fn passes(&mut self, from: usize, to: usize, tell: impl Fn(&mut Bucket)) {
        let mut b = from;
        while b != to {
            self.buckets.get_mut(b).into_iter().for_each(&tell);
            b = self.next(b);
        }
    }

    fn vacate(&mut self, place: SlotPosition) -> Option<Entry> {
        let bucket = self.buckets.get_mut(place.bucket)?;
        let entry = bucket.get(place.slot)?;
        bucket.vacate(place.slot);
        Some(entry)
    }

    fn put(&mut self, place: SlotPosition, entry: Entry, side: Side) {
        if let (Some(bucket), Some(beside)) =
            (self.buckets.get_mut(place.bucket), self.side.get_mut(place.index()))
        {
            bucket.set(place.slot, entry);
            *beside = side;
        }
    }

    /// Grows the table. Homes keep their order, so both are traversed from front to back.
    fn grow(&mut self) {
        let buckets = more_than(self.buckets.len());
        let old = core::mem::replace(self, MacMap::of_buckets(buckets));
        for (bucket, sides) in old.buckets.iter().zip(old.side.chunks(LANES)) {
            for (slot, entry) in bucket.entries() {
                self.add(entry, sides[slot]);
            }
        }
    }
}

/// Maximum number of entries for this many buckets.
fn capacity_of(buckets: usize) -> usize {
    if buckets <= ROOMY { buckets * 3 } else { buckets * 11 / 2 }
}

/// The next size: twice as many, or a quarter more where that is much memory.
fn more_than(buckets: usize) -> usize {
    if buckets < ROOMY { (buckets * 2).max(MIN_BUCKETS) } else { buckets + buckets / 4 }
}

/// The smallest size with room for `n` entries.
fn buckets_for(n: usize) -> usize {
    let mut buckets = MIN_BUCKETS;
    while capacity_of(buckets) < n {
        buckets = more_than(buckets);
    }
    buckets
}
