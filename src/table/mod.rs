//! The MAC table: 48-bit address to 16-bit value, in buckets of one cache line.
//!
//! A lookup is what a switch or a demultiplexer does for every frame, so the layout serves the lookup alone:
//! - A bucket is seven entries in one cache line, compared all at once by a few vector instructions (`wide.rs`). Its eighth
//!   lane holds the answer to a miss, which is therefore read as a hit is: nothing branches on whether the address is
//!   found, and the order of hits and misses need not be guessed.
//! - One multiplication hashes, another scales the hash to the number of buckets, which may be any number: large tables
//!   grow by a quarter and waste little memory.
//! - Lookups in batches ask for all their cache lines before they read the first, where tables are larger than caches.
//! - Who finds the home bucket full stands in the next bucket that has room. Each bucket counts those that passed it by,
//!   so a search goes on only if there are any. Few do: a bucket has room for seven, and on average at most three (in
//!   large tables five and a half) entries.
//! - Removing an entry from a bucket that was passed by brings one of them back. There are no tombstones.
//!
//! Data that lookups do not need (ages) stands in an array beside the buckets, one element a lane: [`MacMap`].
//!
//! The hash has no secret, so that runs are deterministic. An attacker who chooses MAC addresses can crowd one bucket and make
//! lookups walk; they stay correct, and tables that learn from frames bound the number of entries.

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

/// Up to this many buckets (256 KiB, a second-level cache's worth) memory is cheap and passing by is kept rarer still;
/// above it lookups wait for memory, and asking for it ahead pays.
const ROOMY: usize = 4096;
/// Addresses whose memory is asked for before the first is looked at: as many cache lines as can be on their way at
/// once, with some to spare.
pub(crate) const BATCH: usize = 64;
/// Buckets of the smallest table that has any.
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

/// A [`MacTable`] with a `Side` for each entry, kept in an array beside the buckets so that lookups do not touch it.
#[derive(Clone, Debug)]
pub struct MacMap<Side = ()> {
    buckets: Vec<Bucket>,
    /// One a lane of the buckets; what belongs to no entry means nothing.
    side: Vec<Side>,
    len: usize,
}

/// An entry that no table keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// The zero address is no station's.
    #[error("the zero address is not a station's")]
    ZeroAddress,
    /// The value is above [`MAX_VALUE`].
    #[error("the value {0} is above {MAX_VALUE}")]
    Value(u16),
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SlotPosition {
    bucket: usize,
    slot: usize,
}

impl SlotPosition {
    /// As an index of the array beside the buckets.
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
        MacMap { buckets: vec![Bucket::EMPTY; buckets], side: vec![Side::default(); buckets * LANES], len: 0 }
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

    /// Bytes of memory that the entries and their side values occupy.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.buckets.capacity() * size_of::<Bucket>() + self.side.capacity() * size_of::<Side>()
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
        Some(self.value(mac)).filter(|&value| value != ABSENT)
    }

    /// The value of an address; if it has none, a number above [`MAX_VALUE`]. Without a branch.
    #[inline(always)]
    #[must_use]
    pub fn value(&self, mac: MacAddr) -> u16 {
        self.values()(mac)
    }

    /// What [`value`](MacMap::value) says, for many addresses one after the other.
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

    /// The rest of a lookup, kept out of the way of those that need it not.
    #[cold]
    #[inline(never)]
    fn value_further(&self, key: Key) -> u16 {
        self.find(key).map_or(ABSENT, |place| self.at(place))
    }

    /// Whether the table is larger than the caches, so that [`prefetch`](MacMap::prefetch) does something.
    #[inline]
    fn outgrows_caches(&self) -> bool {
        self.buckets.len() > ROOMY
    }

    /// Asks for the memory that [`get`](MacMap::get) will read, so that it is there by then. In small tables, which stay
    /// in the caches, it does nothing.
    #[inline]
    pub fn prefetch(&self, mac: MacAddr) {
        if self.outgrows_caches()
            && let Some(bucket) = self.buckets.get(self.home(Key::new(mac)))
        {
            wide::prefetch(bucket);
        }
    }

    /// Asks for the memory that [`get_both`](MacMap::get_both) will read.
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

    /// The values of many addresses, in their order, appended to `out`.
    pub fn get_batch(&self, macs: &[MacAddr], out: &mut Vec<Option<u16>>) {
        out.reserve(macs.len());
        for batch in macs.chunks(BATCH) {
            batch.iter().for_each(|&mac| self.prefetch(mac));
            out.extend(batch.iter().map(|&mac| self.get(mac)));
        }
    }

    /// The value of a MAC address and its side value.
    #[inline]
    #[must_use]
    pub fn get_both(&self, mac: MacAddr) -> Option<(u16, Side)> {
        let place = self.find(Key::new(mac))?;
        Some((self.at(place), *self.side.get(place.index())?))
    }

    /// The value of a MAC address, and its side value to be changed.
    #[inline]
    pub fn get_both_mut(&mut self, mac: MacAddr) -> Option<(u16, &mut Side)> {
        let place = self.find(Key::new(mac))?;
        let value = self.at(place);
        self.side.get_mut(place.index()).map(|side| (value, side))
    }

    /// Gives an address a value and the default beside it; answers with the value it had.
    ///
    /// # Errors
    /// [`Unfit`]; nothing was changed.
    pub fn insert(&mut self, mac: MacAddr, value: u16) -> Result<Option<u16>, Unfit> {
        self.insert_both(mac, value, Side::default()).map(|old| old.map(|(value, _)| value))
    }

    /// Gives an address a value and something beside it; answers with what it had.
    ///
    /// # Errors
    /// [`Unfit`]; nothing was changed.
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

    /// Forgets an address; answers with its value.
    pub fn remove(&mut self, mac: MacAddr) -> Option<u16> {
        let place = self.find(Key::new(mac))?;
        self.take(place).map(|entry| entry.value)
    }

    /// Changes the side value of every entry.
    pub fn change_sides(&mut self, change: impl FnMut(&mut Side)) {
        self.side.iter_mut().for_each(change);
    }

    /// Keeps the entries for which `keep` is true, which may be asked twice about the same.
    pub fn retain(&mut self, mut keep: impl FnMut(MacAddr, u16, Side) -> bool) {
        (0..self.buckets.len()).for_each(|bucket| self.retain_in(bucket, &mut keep));
    }

    /// The number of buckets, for going through the table piece by piece.
    #[must_use]
    pub fn bucket_count(&self) -> usize {
        self.buckets.len()
    }

    /// Keeps the entries in one bucket for which `keep` is true. What comes to stand in this bucket in their stead comes from
    /// those behind it, and is asked about as well.
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

    /// Every entry with its side value, in the order of the buckets.
    pub fn iter_both(&self) -> impl Iterator<Item = (MacAddr, u16, Side)> + '_ {
        self.buckets.iter().zip(self.side.chunks(LANES)).flat_map(|(bucket, sides)| {
            let beside = |(slot, e): (usize, Entry)| sides.get(slot).map(|&s| (e.key.mac(), e.value, s));
            bucket.entries().filter_map(beside)
        })
    }

    /// The bucket in which an address is looked for first: the hash, scaled to the number of buckets.
    #[inline(always)]
    fn home(&self, key: Key) -> usize {
        wide::index_at(self.buckets.len(), key.hash())
    }

    fn next(&self, bucket: usize) -> usize {
        if bucket + 1 < self.buckets.len() { bucket + 1 } else { 0 }
    }

    /// Steps from one bucket on to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        if from <= to { to - from } else { to + self.buckets.len() - from }
    }

    /// The value of an entry.
    #[inline(always)]
    fn at(&self, place: SlotPosition) -> u16 {
        self.buckets.get(place.bucket).map_or(ABSENT, |bucket| bucket.value(place.slot))
    }

    /// The place of a key.
    #[inline(always)]
    fn find(&self, key: Key) -> Option<SlotPosition> {
        let home = self.home(key);
        let bucket = self.buckets.get(home)?;
        match bucket.slot_of(key) {
            // The zero address would be found in every empty slot.
            Some(slot) => (key.whole() != 0).then_some(SlotPosition { bucket: home, slot }),
            None if bucket.goes_on() => self.find_behind(home, key),
            None => None,
        }
    }

    /// The place of a key that is not in its home. Only full buckets are passed by, so a search ends.
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

    /// Puts a new entry in the first bucket from its home on that has room; there is one.
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

    /// Takes an entry out of its place, and brings back one that had to pass by there.
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

    /// An entry that would stand in this bucket had it not been full.
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

    /// Tells every bucket from one to before another.
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

    /// Moves into more buckets. Homes keep their order, so both are gone through from front to back.
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

/// Entries that this many buckets take before there must be more.
fn capacity_of(buckets: usize) -> usize {
    if buckets <= ROOMY { buckets * 3 } else { buckets * 11 / 2 }
}

/// The next size: twice as many, and where it is much memory a quarter more.
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
