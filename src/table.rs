//! The MAC table: 48-bit address to 16-bit value, in buckets of one cache line.
//!
//! A lookup is what a switch or a demultiplexer does for every frame, so the layout serves the lookup alone:
//! - An entry is one `u64`, the address above and the value below. No station has the address zero, so a slot of zero is
//!   an empty slot, and neither tombstones nor control bytes are needed.
//! - Eight slots make a bucket of 64 bytes. The home bucket of an address comes from one multiplication; all eight slots
//!   are compared without a branch, so a lookup costs one cache line and one or two well predicted branches.
//! - A bucket is filled from the front, and only a full one overflows into the next bucket. A miss therefore ends at the
//!   first bucket whose last slot is empty. Removal keeps it so: it pulls overflowed entries back.
//! - The buckets double when more than 5/8 of the slots are taken: then one bucket in eight is full.
//!
//! Data that lookups do not need (ages, flags) stands in an array beside the buckets, one element a slot: [`MacMap`].
//!
//! The hash has no secret, so that runs are deterministic. Whoever can choose addresses can crowd one bucket and make
//! lookups walk; they stay correct, and tables that learn from frames bound the number of entries.

use crate::frame::MacAddr;

/// Slots of a bucket: eight words fill a cache line.
const SLOTS: usize = 8;
/// Buckets of the smallest table that has any.
const MIN_BUCKETS: usize = 2;
/// 2^64 divided by the golden ratio, odd: Fibonacci hashing, which spreads consecutive addresses evenly.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

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
    /// One a slot; what belongs to an empty slot means nothing.
    side: Vec<Side>,
    /// 64 minus the binary logarithm of the number of buckets.
    shift: u32,
    len: usize,
}

/// One cache line of entries, filled from the front.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Bucket([u64; SLOTS]);

impl Bucket {
    const EMPTY: Bucket = Bucket([0; SLOTS]);

    /// The entry of this address, or zero. All slots are compared: the comparisons become a few vector instructions,
    /// where stopping at the first hit would cost a mispredicted branch.
    #[inline(always)]
    fn find(&self, key: u64) -> u64 {
        self.0.iter().fold(0, |hit, &entry| hit | if entry >> 16 == key { entry } else { 0 })
    }

    /// Where in the bucket this address is.
    fn position(&self, key: u64) -> Option<usize> {
        self.0.iter().position(|&entry| entry != 0 && entry >> 16 == key)
    }

    #[inline(always)]
    fn is_full(&self) -> bool {
        self.0[SLOTS - 1] != 0
    }

    /// Entries in the bucket.
    fn len(&self) -> usize {
        self.0.iter().filter(|&&entry| entry != 0).count()
    }
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
            side: vec![Side::default(); buckets * SLOTS],
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

    /// Slots there are, taken or not: every [`slot_of`](MacMap::slot_of) is below it. Changes only when the table grows.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.buckets.len() * SLOTS
    }

    /// The value of an address.
    #[inline]
    #[must_use]
    pub fn get(&self, mac: MacAddr) -> Option<u16> {
        let key = mac.to_u64();
        let mut b = self.home(key);
        loop {
            let bucket = self.buckets.get(b)?;
            let entry = bucket.find(key);
            if entry != 0 {
                return Some(value_of(entry));
            }
            if !bucket.is_full() {
                return None;
            }
            b = self.next(b);
        }
    }

    /// The slot of an address: an index for parallel arrays, valid until the next insertion of a new address or removal.
    #[must_use]
    pub fn slot_of(&self, mac: MacAddr) -> Option<usize> {
        let key = mac.to_u64();
        let mut b = self.home(key);
        loop {
            let bucket = self.buckets.get(b)?;
            if let Some(i) = bucket.position(key) {
                return Some(b * SLOTS + i);
            }
            if !bucket.is_full() {
                return None;
            }
            b = self.next(b);
        }
    }

    /// The value of an address and what stands beside it.
    #[must_use]
    pub fn get_both(&self, mac: MacAddr) -> Option<(u16, Side)> {
        let slot = self.slot_of(mac)?;
        Some((value_of(*self.entry(slot)?), *self.side.get(slot)?))
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
        if let Some(slot) = self.slot_of(mac) {
            let old = self.get_both(mac);
            self.write(slot, entry, side);
            return old;
        }
        if self.len >= capacity_of(self.buckets.len()) {
            self.grow();
        }
        self.place(entry, side);
        None
    }

    /// Forgets an address; answers with its value. Entries that had overflowed move back, one for each bucket at most.
    pub fn remove(&mut self, mac: MacAddr) -> Option<u16> {
        let slot = self.slot_of(mac)?;
        let value = value_of(*self.entry(slot)?);
        self.len -= 1;
        let mut hole = slot;
        loop {
            let b = hole / SLOTS;
            let was_full = self.buckets.get(b).is_some_and(Bucket::is_full);
            let overflowed = if was_full { self.overflowed_past(b) } else { None };
            match overflowed {
                Some(from) => {
                    self.copy(from, hole);
                    hole = from;
                }
                None => {
                    // The bucket's last entry closes the hole, so that the bucket stays filled from the front.
                    let last = b * SLOTS + self.buckets.get(b).map_or(1, Bucket::len) - 1;
                    self.copy(last, hole);
                    self.write(last, 0, Side::default());
                    return Some(value);
                }
            }
        }
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
        self.buckets.iter().flat_map(|b| b.0).filter(|&e| e != 0).map(|e| (mac_of(e), value_of(e)))
    }

    /// Every entry with what stands beside it, in the order of the slots.
    pub fn iter_both(&self) -> impl Iterator<Item = (MacAddr, u16, Side)> + '_ {
        let entries = self.buckets.iter().flat_map(|b| b.0);
        entries.zip(&self.side).filter(|&(e, _)| e != 0).map(|(e, &side)| (mac_of(e), value_of(e), side))
    }

    /// The bucket in which an address is looked for first: the product's top bits, on which all bits of the address
    /// bear.
    #[inline(always)]
    fn home(&self, key: u64) -> usize {
        (key.wrapping_mul(GOLDEN) >> self.shift) as usize
    }

    #[inline(always)]
    fn next(&self, bucket: usize) -> usize {
        (bucket + 1) & (self.buckets.len() - 1)
    }

    fn entry(&self, slot: usize) -> Option<&u64> {
        self.buckets.get(slot / SLOTS)?.0.get(slot % SLOTS)
    }

    fn write(&mut self, slot: usize, entry: u64, side: Side) {
        if let (Some(b), Some(s)) = (self.buckets.get_mut(slot / SLOTS), self.side.get_mut(slot)) {
            b.0[slot % SLOTS] = entry;
            *s = side;
        }
    }

    fn copy(&mut self, from: usize, to: usize) {
        if let (Some(&entry), Some(&side)) = (self.entry(from), self.side.get(from)) {
            self.write(to, entry, side);
        }
    }

    /// Puts a new entry in the first bucket from its home on that has room; there is one, as the load is below one.
    fn place(&mut self, entry: u64, side: Side) {
        let mut b = self.home(entry >> 16);
        while self.buckets.get(b).is_some_and(Bucket::is_full) {
            b = self.next(b);
        }
        let slot = b * SLOTS + self.buckets.get(b).map_or(0, Bucket::len);
        self.write(slot, entry, side);
        self.len += 1;
    }

    /// The slot of an entry that would stand in bucket `b` or before it, had there been room.
    fn overflowed_past(&self, b: usize) -> Option<usize> {
        let mask = self.buckets.len() - 1;
        let mut at = self.next(b);
        loop {
            let bucket = self.buckets.get(at)?;
            let beyond = at.wrapping_sub(b) & mask;
            let overflowed = |&e: &u64| e != 0 && at.wrapping_sub(self.home(e >> 16)) & mask >= beyond;
            if let Some(i) = bucket.0.iter().position(overflowed) {
                return Some(at * SLOTS + i);
            }
            if !bucket.is_full() {
                return None;
            }
            at = self.next(at);
        }
    }

    fn grow(&mut self) {
        let buckets = (self.buckets.len() * 2).max(MIN_BUCKETS);
        let old = std::mem::replace(self, MacMap::of_buckets(buckets));
        let entries = old.buckets.iter().flat_map(|b| b.0);
        for (entry, &side) in entries.zip(&old.side).filter(|&(e, _)| e != 0) {
            self.place(entry, side);
        }
    }
}

fn mac_of(entry: u64) -> MacAddr {
    MacAddr::from_u64(entry >> 16)
}

#[inline(always)]
fn value_of(entry: u64) -> u16 {
    entry as u16
}

/// Entries that this many buckets take before they double.
fn capacity_of(buckets: usize) -> usize {
    buckets * (SLOTS * 5 / 8)
}

/// The smallest number of buckets with room for `n` entries.
fn buckets_for(n: usize) -> usize {
    n.div_ceil(capacity_of(1)).next_power_of_two().max(MIN_BUCKETS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn mac(n: u64) -> MacAddr {
        MacAddr::from_u64(n)
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
        for n in [1usize, 5, 10, 11, 64, 1000] {
            let mut t = MacTable::with_capacity(n);
            let slots = t.slots();
            (1..=n as u64).for_each(|i| assert_eq!(t.insert(mac(i), 1), None));
            assert_eq!((t.slots(), t.len()), (slots, n), "{n} entries did not fit");
        }
    }

    #[test]
    fn a_crowded_bucket_overflows_and_comes_back() {
        // 35 of the 40 entries that 8 buckets take, all with the last bucket as home: they wrap around.
        let keys: Vec<MacAddr> = crowd(3, 7).take(35).collect();
        let mut t = MacTable::with_capacity(40);
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
        // Everybody is home again: nothing is left where only overflow could have put it.
        assert!(strangers.iter().all(|&k| t.slot_of(k).is_some_and(|s| s < 8)));
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
                .filter(|&(m, _)| t.slot_of(m).is_some_and(|s| s / SLOTS != t.home(m.to_u64())))
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
