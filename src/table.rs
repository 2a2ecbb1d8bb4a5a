//! The MAC table: 48-bit address to 16-bit value, in buckets of one cache line.
//!
//! A lookup is what a switch or a demultiplexer does for every frame, so the layout serves the lookup alone:
//! - An entry is one `u64`, the address above and the value below.
//! - A bucket is a cache line: seven entries behind one word of seven tags (a byte of the hash, never zero) and a count
//!   of entries that found the bucket full and went on. One multiplication gives the home bucket and the
//!   tag, a few instructions find the tag among the seven, and one entry is compared. A miss is mostly known from the
//!   tags alone. Either way a lookup touches one cache line and takes branches that are well predicted.
//! - The count of overflowed entries ends a search at the right bucket even after removals, without tombstones; so an
//!   entry never moves but when the table grows.
//! - The buckets double when 5/7 of their slots are taken (small tables: 3/7), so few entries stand outside their home
//!   bucket.
//!
//! Data that lookups do not need (ages, flags) stands in an array beside the buckets, one element a slot: [`MacMap`].
//!
//! The hash has no secret, so that runs are deterministic. Whoever can choose addresses can crowd one bucket and make
//! lookups walk; they stay correct, and tables that learn from frames bound the number of entries.

use crate::frame::MacAddr;

/// Words of a bucket, one cache line: the tags, then the entries.
const WORDS: usize = 8;
/// Up to this many buckets (256 KiB, a second-level cache's worth) memory is cheap, and overflow is kept rarer still.
const ROOMY: usize = 4096;
/// Buckets of the smallest table that has any.
const MIN_BUCKETS: usize = 2;
/// 2^64 divided by the golden ratio, odd: Fibonacci hashing, which spreads consecutive addresses evenly.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
/// 1 in every byte.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The top bit of the seven bytes that hold tags.
const TOPS: u64 = 0x0080_8080_8080_8080;
/// The top bit of every byte.
const TOPS_OF_ALL: u64 = 0x8080_8080_8080_8080;
/// Where the count of overflowed entries stands in the word of tags.
const OVERFLOW_SHIFT: u32 = 56;
/// The count of overflowed entries sticks here: it is then no longer known.
const OVERFLOW_MAX: u64 = 255;

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
    /// One a word of the buckets; what belongs to no entry means nothing.
    side: Vec<Side>,
    /// 64 minus the binary logarithm of the number of buckets.
    shift: u32,
    len: usize,
}

/// One cache line. Word 0: a tag in each of the seven low bytes, 0 for an empty slot, and the overflow count on top.
/// Words 1 to 7: the entries.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Bucket([u64; WORDS]);

impl Bucket {
    const EMPTY: Bucket = Bucket([0; WORDS]);

    /// The word of the entry with this key, looked for among those with the hash's tag.
    #[inline(always)]
    fn find(&self, key: u64, hash: u64) -> Option<usize> {
        let mut hits = zero_bytes(self.0[0] ^ tag_of(hash).wrapping_mul(ONES));
        while hits != 0 {
            let word = word_of(hits);
            if self.0[word] >> 16 == key {
                return Some(word);
            }
            hits &= hits - 1;
        }
        None
    }

    /// The first empty slot's word.
    fn room(&self) -> Option<usize> {
        let empty = zero_bytes(self.0[0]);
        (empty != 0).then(|| word_of(empty))
    }

    /// Nobody found the bucket full: who is not in it is not in the table either, if it is its home.
    #[inline(always)]
    fn is_last(&self) -> bool {
        self.overflow() == 0
    }

    #[inline(always)]
    fn overflow(&self) -> u64 {
        self.0[0] >> OVERFLOW_SHIFT
    }

    fn count_overflow(&mut self) {
        if self.overflow() < OVERFLOW_MAX {
            self.0[0] += 1 << OVERFLOW_SHIFT;
        }
    }

    fn uncount_overflow(&mut self) {
        if (1..OVERFLOW_MAX).contains(&self.overflow()) {
            self.0[0] -= 1 << OVERFLOW_SHIFT;
        }
    }

    fn put(&mut self, word: usize, entry: u64, hash: u64) {
        self.take_out(word);
        self.0[0] |= tag_of(hash) << ((word - 1) * 8);
        self.0[word % WORDS] = entry;
    }

    fn take_out(&mut self, word: usize) {
        self.0[0] &= !(0xff << ((word - 1) * 8));
        self.0[word % WORDS] = 0;
    }
}

/// The word of the entry whose tag's top bit is the lowest set in `bits`: 1 to 7.
#[inline(always)]
fn word_of(bits: u64) -> usize {
    // 7, 15 … 55 → 1, 2 … 7.
    (bits.trailing_zeros() as usize + 1) / 8 % WORDS
}

/// The top bit of each zero byte below the highest byte, and no other: an empty slot holds the same as an entry for the
/// zero address, so none may be looked at by mistake.
#[inline(always)]
fn zero_bytes(x: u64) -> u64 {
    !((x & !TOPS_OF_ALL).wrapping_add(!TOPS_OF_ALL) | x) & TOPS
}

/// A hash's tag: eight bits that have no part in choosing the bucket, unless there are more than 2^24 of them. Zero marks
/// an empty slot.
#[inline(always)]
fn tag_of(hash: u64) -> u64 {
    (hash >> 32 & 0xff).max(1)
}

#[inline(always)]
fn hash_of(key: u64) -> u64 {
    key.wrapping_mul(GOLDEN)
}

impl<Side> Default for MacMap<Side> {
    fn default() -> MacMap<Side> {
        MacMap { buckets: Vec::new(), side: Vec::new(), shift: u64::BITS - 1, len: 0 }
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
            side: vec![Side::default(); buckets * WORDS],
            shift: u64::BITS - buckets.trailing_zeros(),
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

    /// What every [`slot_of`](MacMap::slot_of) is below. Changes only when the table grows.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.buckets.len() * WORDS
    }

    /// The value of an address.
    #[inline]
    #[must_use]
    pub fn get(&self, mac: MacAddr) -> Option<u16> {
        let key = mac.to_u64();
        let hash = hash_of(key);
        let bucket = self.buckets.get(self.home(hash))?;
        if let Some(word) = bucket.find(key, hash) {
            return Some(value_of(bucket.0[word % WORDS]));
        }
        if bucket.is_last() {
            return None;
        }
        self.get_overflowed(key)
    }

    /// The rest of [`get`](MacMap::get), kept out of the way of those that need it not.
    #[cold]
    #[inline(never)]
    fn get_overflowed(&self, key: u64) -> Option<u16> {
        self.find(key).map(|slot| value_of(self.entry(slot)))
    }

    /// The slot of an address: an index for parallel arrays. It stays until the address is removed or the table grows.
    #[must_use]
    pub fn slot_of(&self, mac: MacAddr) -> Option<usize> {
        self.find(mac.to_u64())
    }

    /// The value of an address and what stands beside it.
    #[must_use]
    pub fn get_both(&self, mac: MacAddr) -> Option<(u16, Side)> {
        let slot = self.find(mac.to_u64())?;
        Some((value_of(self.entry(slot)), *self.side.get(slot)?))
    }

    /// The value of an address, and what stands beside it to be changed.
    pub fn get_both_mut(&mut self, mac: MacAddr) -> Option<(u16, &mut Side)> {
        let slot = self.find(mac.to_u64())?;
        let value = value_of(self.entry(slot));
        self.side.get_mut(slot).map(|side| (value, side))
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
        let entry = mac.to_u64() << 16 | u64::from(value);
        if let Some(slot) = self.find(mac.to_u64()) {
            let old = value_of(self.entry(slot));
            if let Some(bucket) = self.buckets.get_mut(slot / WORDS) {
                bucket.0[slot % WORDS] = entry;
            }
            return self.side.get_mut(slot).map(|s| (old, std::mem::replace(s, side)));
        }
        if self.len >= capacity_of(self.buckets.len()) {
            self.grow();
        }
        self.place(entry, side);
        None
    }

    /// Forgets an address; answers with its value.
    pub fn remove(&mut self, mac: MacAddr) -> Option<u16> {
        let slot = self.find(mac.to_u64())?;
        let value = value_of(self.entry(slot));
        let mut b = self.home(hash_of(mac.to_u64()));
        while b != slot / WORDS {
            self.buckets.get_mut(b)?.uncount_overflow();
            b = self.next(b);
        }
        self.buckets.get_mut(b)?.take_out(slot % WORDS);
        self.len -= 1;
        Some(value)
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
        self.entries().map(|(entry, side)| (MacAddr::from_u64(entry >> 16), value_of(entry), side))
    }

    fn entries(&self) -> impl Iterator<Item = (u64, Side)> + '_ {
        let sides = self.side.chunks(WORDS);
        self.buckets
            .iter()
            .zip(sides)
            .flat_map(|(b, sides)| b.0.iter().copied().zip(sides.iter().copied()).skip(1))
            .filter(|&(entry, _)| entry != 0)
    }

    /// The bucket in which an address is looked for first: the hash's top bits, on which all bits of the address bear.
    #[inline(always)]
    fn home(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize
    }

    fn next(&self, bucket: usize) -> usize {
        (bucket + 1) & (self.buckets.len() - 1)
    }

    /// The slot of a key. At most once around: crowding can leave every bucket with an overflow count.
    fn find(&self, key: u64) -> Option<usize> {
        let hash = hash_of(key);
        let mut b = self.home(hash);
        for _ in 0..self.buckets.len() {
            let bucket = self.buckets.get(b)?;
            if let Some(word) = bucket.find(key, hash) {
                return Some(b * WORDS + word);
            }
            if bucket.is_last() {
                return None;
            }
            b = self.next(b);
        }
        None
    }

    fn entry(&self, slot: usize) -> u64 {
        self.buckets.get(slot / WORDS).map_or(0, |b| b.0[slot % WORDS])
    }

    /// Puts a new entry in the first bucket from its home on that has room; there is one, as the load is below one.
    fn place(&mut self, entry: u64, side: Side) {
        let hash = hash_of(entry >> 16);
        let mut b = self.home(hash);
        while let Some(bucket) = self.buckets.get_mut(b) {
            if let Some(word) = bucket.room() {
                bucket.put(word, entry, hash);
                if let Some(s) = self.side.get_mut(b * WORDS + word) {
                    *s = side;
                }
                self.len += 1;
                return;
            }
            bucket.count_overflow();
            b = self.next(b);
        }
    }

    fn grow(&mut self) {
        let buckets = (self.buckets.len() * 2).max(MIN_BUCKETS);
        let old = std::mem::replace(self, MacMap::of_buckets(buckets));
        old.entries().for_each(|(entry, side)| self.place(entry, side));
    }
}

#[inline(always)]
fn value_of(entry: u64) -> u16 {
    entry as u16
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn mac(n: u64) -> MacAddr {
        MacAddr::from_u64(n)
    }

    #[test]
    fn an_empty_slot_is_not_the_zero_address() {
        for n in 1..50_000 {
            let mut table = MacTable::new();
            table.insert(mac(n), 7);
            assert_eq!(table.get(MacAddr::ZERO), None, "beside {}", mac(n));
            assert_eq!(table.remove(MacAddr::ZERO), None, "beside {}", mac(n));
        }
    }

    /// Addresses whose home is the given bucket of a table of `1 << bits` buckets, found by undoing the multiplication.
    fn crowd(bits: u32, bucket: u64) -> impl Iterator<Item = MacAddr> {
        (1u64..).map(mac).filter(move |m| m.to_u64().wrapping_mul(GOLDEN) >> (64 - bits) == bucket)
    }

    #[test]
    fn a_bucket_is_a_cache_line() {
        assert_eq!((size_of::<Bucket>(), align_of::<Bucket>()), (64, 64));
        assert_eq!(size_of::<[(); 9]>(), 0, "a MacTable has nothing beside its slots");
    }

    #[test]
    fn an_empty_table_answers() {
        let mut t = MacTable::new();
        assert_eq!((t.get(mac(1)), t.remove(mac(1)), t.slot_of(mac(1))), (None, None, None));
        assert_eq!((t.len(), t.slots(), t.is_empty(), t.iter().count()), (0, 0, true, 0));
    }

    #[test]
    fn zero_is_no_address() {
        let mut t = MacTable::new();
        assert_eq!(t.insert(MacAddr::ZERO, 5), None);
        t.insert(mac(1), 0);
        assert_eq!(
            (t.get(MacAddr::ZERO), t.slot_of(MacAddr::ZERO), t.remove(MacAddr::ZERO)),
            (None, None, None)
        );
        assert_eq!(t.len(), 1);
    }

    #[test]
    fn values_are_replaced_and_extremes_kept() {
        let mut t = MacTable::new();
        assert_eq!(t.insert(MacAddr::BROADCAST, u16::MAX), None);
        assert_eq!(t.insert(mac(1), 0), None);
        assert_eq!(t.insert(MacAddr::BROADCAST, 0), Some(u16::MAX));
        assert_eq!((t.get(MacAddr::BROADCAST), t.get(mac(1)), t.get(mac(2))), (Some(0), Some(0), None));
        assert_eq!(t.len(), 2);
    }

    #[test]
    fn capacity_is_kept() {
        for n in [1usize, 6, 7, 64, 1000, 20_000] {
            let mut t = MacTable::with_capacity(n);
            let slots = t.slots();
            (1..=n as u64).for_each(|i| assert_eq!(t.insert(mac(i), 1), None));
            assert_eq!((t.slots(), t.len()), (slots, n), "{n} entries did not fit");
        }
    }

    #[test]
    fn a_crowded_bucket_overflows_and_comes_back() {
        // 19 of the 24 entries that 8 buckets take, all with the last bucket as home: they wrap around.
        let keys: Vec<MacAddr> = crowd(3, 7).take(19).collect();
        let mut t = MacTable::with_capacity(24);
        assert_eq!(t.slots(), 64);
        keys.iter().zip(0..).for_each(|(&k, v)| assert_eq!(t.insert(k, v), None));
        let strangers: Vec<MacAddr> = crowd(3, 0).take(5).collect();
        strangers.iter().for_each(|&k| assert_eq!(t.insert(k, 99), None));
        for (n, &gone) in keys.iter().enumerate() {
            assert_eq!(t.remove(gone), Some(n as u16));
            assert_eq!(t.get(gone), None);
            keys.iter().zip(0..).skip(n + 1).for_each(|(&k, v)| assert_eq!(t.get(k), Some(v)));
            strangers.iter().for_each(|&k| assert_eq!(t.get(k), Some(99)));
        }
        // With the crowd gone no bucket sends a search on.
        strangers.iter().for_each(|&k| assert_eq!(t.remove(k), Some(99)));
        assert!(t.is_empty() && t.buckets.iter().all(|b| b.0 == [0; WORDS]));
    }

    #[test]
    fn an_overflow_count_that_sticks_ends_in_a_circle_at_most() {
        // Enough for the count of the home bucket to stick at 255, all of them in the upper half of a table.
        let keys: Vec<MacAddr> = crowd(7, 100).take(380).collect();
        let mut t = MacTable::with_capacity(384);
        assert_eq!(t.slots(), 128 * 8);
        keys.iter().zip(0..).for_each(|(&k, v)| assert_eq!(t.insert(k, v), None));
        assert_eq!(t.buckets[100].overflow(), OVERFLOW_MAX);
        for (&k, v) in keys.iter().zip(0..) {
            assert_eq!((t.get(k), t.remove(k), t.get(k)), (Some(v), Some(v), None));
        }
        t.buckets.iter_mut().for_each(|b| b.0[0] = OVERFLOW_MAX << OVERFLOW_SHIFT);
        assert_eq!(t.get(keys[0]), None);
        assert_eq!(t.insert(keys[0], 1), None);
        assert_eq!(t.get(keys[0]), Some(1));
    }

    #[test]
    fn slots_stay_while_nothing_is_added_or_removed() {
        let mut t = MacTable::new();
        (1..100).for_each(|i| assert_eq!(t.insert(mac(i << 24), 0), None));
        let before: Vec<_> = (1..100).map(|i| t.slot_of(mac(i << 24))).collect();
        (1..100).for_each(|i| assert_eq!(t.insert(mac(i << 24), 1), Some(0)));
        assert_eq!(before, (1..100).map(|i| t.slot_of(mac(i << 24))).collect::<Vec<_>>());
        let mut distinct: Vec<_> = before.into_iter().flatten().filter(|&s| s < t.slots()).collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 99);
    }

    #[test]
    fn usual_addresses_spread() {
        // Consecutive ones, one OUI apart, Docker's: at most a few may stand outside their home bucket.
        for stride in [1u64, 1 << 8, 1 << 24, 0x1_0000_0001] {
            let mut t = MacTable::new();
            (0..4096).for_each(|i| {
                t.insert(mac(0x0242_c0a8_0001 ^ (i * stride)), 0);
            });
            let away = t
                .iter()
                .filter(|&(m, _)| t.slot_of(m).is_some_and(|s| s / WORDS != t.home(hash_of(m.to_u64()))))
                .count();
            assert!(away < 4096 / 20, "stride {stride:x}: {away} of 4096 overflowed");
        }
    }

    #[derive(Clone, Debug)]
    enum Op {
        Insert(u64, u16),
        Remove(u64),
        Clear,
    }

    /// Few distinct keys, so that they are met again; a third of them crowd one bucket.
    fn op() -> impl Strategy<Value = Op> {
        let crowded: Vec<u64> = crowd(8, 255).take(60).map(MacAddr::to_u64).collect();
        let key = prop_oneof![2 => 1u64..200, 1 => prop::sample::select(crowded), 1 => 1u64..1 << 48];
        prop_oneof![
            300 => (key.clone(), any::<u16>()).prop_map(|(k, v)| Op::Insert(k, v)),
            200 => key.prop_map(Op::Remove),
            1 => Just(Op::Clear),
        ]
    }

    proptest! {
        #[test]
        fn agrees_with_a_btreemap(ops in prop::collection::vec(op(), 0..800)) {
            let mut table: MacMap<u32> = MacMap::new();
            let mut model: BTreeMap<u64, (u16, u32)> = BTreeMap::new();
            for (n, op) in ops.into_iter().enumerate() {
                let n = n as u32;
                match op {
                    Op::Insert(k, v) => prop_assert_eq!(table.insert_both(mac(k), v, n), model.insert(k, (v, n))),
                    Op::Remove(k) => prop_assert_eq!(table.remove(mac(k)), model.remove(&k).map(|(v, _)| v)),
                    Op::Clear => { table.clear(); model.clear(); }
                }
                prop_assert_eq!(table.len(), model.len());
            }
            for (&k, &(v, n)) in &model {
                prop_assert_eq!(table.get(mac(k)), Some(v));
                prop_assert_eq!(table.get_both(mac(k)), Some((v, n)));
            }
            (1..200).filter(|k| !model.contains_key(k)).for_each(|k| assert_eq!(table.get(mac(k)), None));
            let mut listed: Vec<_> = table.iter_both().map(|(m, v, n)| (m.to_u64(), (v, n))).collect();
            listed.sort_unstable();
            prop_assert_eq!(listed, model.clone().into_iter().collect::<Vec<_>>());
            table.retain(|_, v, _| v % 2 == 0);
            model.retain(|_, (v, _)| *v % 2 == 0);
            prop_assert_eq!(table.len(), model.len());
            prop_assert!(model.iter().all(|(&k, &(v, n))| table.get_both(mac(k)) == Some((v, n))));
        }
    }
}
