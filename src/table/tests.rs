//! Against a model, and at the edges: full buckets, removals, growth.

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
        table.insert(mac(n), 7).unwrap();
        assert_eq!(table.get(MacAddr::ZERO), None, "beside {}", mac(n));
        assert_eq!(table.remove(MacAddr::ZERO), None, "beside {}", mac(n));
    }
}

/// Addresses with the given home bucket in a table with this many buckets.
fn crowd(buckets: usize, bucket: usize) -> impl Iterator<Item = MacAddr> {
    let table = MacTable::of_buckets(buckets);
    (1u64..).map(mac).filter(move |&m| table.home(Key::new(m)) == bucket)
}

#[test]
fn a_bucket_is_a_cache_line() {
    assert_eq!((size_of::<Bucket>(), align_of::<Bucket>()), (64, 64));
    assert_eq!(size_of::<[(); 9]>(), 0, "a MacTable has no side data");
}

#[test]
fn an_empty_table_answers() {
    let mut t = MacTable::new();
    assert_eq!((t.get(mac(1)), t.remove(mac(1)), t.get_both(mac(1))), (None, None, None));
    assert_eq!((t.len(), t.is_empty(), t.iter().count()), (0, true, 0));
}

#[test]
fn zero_is_no_address() {
    let mut t = MacTable::new();
    assert_eq!(t.insert(MacAddr::ZERO, 5), Err(Unfit::ZeroAddress));
    assert_eq!(t.insert(mac(2), MAX_VALUE + 1), Err(Unfit::Value(MAX_VALUE + 1)));
    assert_eq!((t.get(mac(2)), t.len()), (None, 0));
    t.insert(mac(1), 0).unwrap();
    assert_eq!(
        (t.get(MacAddr::ZERO), t.get_both(MacAddr::ZERO), t.remove(MacAddr::ZERO)),
        (None, None, None)
    );
    assert_eq!(t.len(), 1);
}

#[test]
fn values_are_replaced_and_extremes_kept() {
    let mut t = MacTable::new();
    assert_eq!(t.insert(MacAddr::BROADCAST, MAX_VALUE), Ok(None));
    assert_eq!(t.insert(mac(1), 0), Ok(None));
    assert_eq!(t.insert(MacAddr::BROADCAST, 0), Ok(Some(MAX_VALUE)));
    assert_eq!((t.get(MacAddr::BROADCAST), t.get(mac(1)), t.get(mac(2))), (Some(0), Some(0), None));
    assert_eq!(t.len(), 2);
}

#[test]
fn capacity_is_kept() {
    for n in [1usize, 6, 7, 64, 1000, 20_000] {
        let mut t = MacTable::with_capacity(n);
        let buckets = t.bucket_count();
        (1..=n as u64).for_each(|i| assert_eq!(t.insert(mac(i), 1), Ok(None)));
        assert_eq!((t.bucket_count(), t.len()), (buckets, n), "{n} entries did not fit");
    }
}

#[test]
fn a_table_grows_in_large_steps_while_it_is_small() {
    // Three entries for each bucket up to 4096 buckets, five and a half above; twice as many buckets below, a quarter more
    // above.
    for (entries, buckets) in [
        (0, 0),
        (1, 2),
        (6, 2),
        (7, 4),
        (12, 4),
        (13, 8),
        (12_288, 4096),
        (12_289, 5120),
        (28_160, 5120),
        (28_161, 6400),
    ] {
        let reserved: MacMap<u32> = MacMap::with_capacity(entries);
        let mut grown: MacMap<u32> = MacMap::new();
        (1..=entries as u64).for_each(|n| assert_eq!(grown.insert(mac(n), 1), Ok(None)));
        assert_eq!((reserved.bucket_count(), grown.bucket_count()), (buckets, buckets), "{entries}");
        // A cache line for each bucket, and four bytes for each of its eight lanes.
        assert_eq!((reserved.memory(), grown.memory()), (buckets * 96, buckets * 96), "{entries}");
        assert_eq!((reserved.is_empty(), grown.is_empty()), (true, entries == 0));
    }
}

#[test]
fn side_data_can_be_changed_in_place() {
    let mut t: MacMap<u32> = MacMap::new();
    t.insert_both(mac(1), 7, 10).unwrap();
    t.insert_both(mac(2), 8, 20).unwrap();
    let (value, side) = t.get_both_mut(mac(2)).unwrap();
    assert_eq!((value, *side), (8, 20));
    *side = 21;
    assert_eq!((t.get_both(mac(1)), t.get_both(mac(2))), (Some((7, 10)), Some((8, 21))));
    assert!(t.get_both_mut(mac(3)).is_none() && t.get_both_mut(MacAddr::ZERO).is_none());
}

#[test]
fn the_count_of_overflowed_entries_is_no_address() {
    // It is where the address of an eighth entry would be: 1, 2, 3 are 01:00:00:00:00:00 and so on.
    for count in 1u8..=3 {
        let like_it = MacAddr([count, 0, 0, 0, 0, 0]);
        let mut t = MacTable::with_capacity(24);
        let home = t.home(Key::new(like_it));
        let others: Vec<MacAddr> =
            crowd(8, home).filter(|&m| m != like_it).take(7 + usize::from(count)).collect();
        others.iter().zip(1..).for_each(|(&m, v)| assert_eq!(t.insert(m, v), Ok(None)));
        assert_eq!((t.get(like_it), t.get_both(like_it), t.remove(like_it)), (None, None, None), "{count}");
        assert_eq!(t.insert(like_it, 99), Ok(None));
        assert_eq!((t.get(like_it), t.get_both(like_it)), (Some(99), Some((99, ()))), "{count}");
        others.iter().zip(1..).for_each(|(&m, v)| assert_eq!(t.get(m), Some(v), "{count}"));
    }
}

#[test]
fn an_entry_comes_back_to_its_own_bucket_only() {
    // Bucket 7 is full and two of its entries are in bucket 0. Bucket 6 is full, and one of its entries is behind these.
    let mut t = MacTable::with_capacity(24);
    let late: Vec<MacAddr> = crowd(8, 7).take(9).collect();
    let early: Vec<MacAddr> = crowd(8, 6).take(8).collect();
    late.iter().for_each(|&m| assert_eq!(t.insert(m, 7), Ok(None)));
    early.iter().for_each(|&m| assert_eq!(t.insert(m, 6), Ok(None)));
    assert_eq!(t.remove(early[0]), Some(6));
    late.iter().for_each(|&m| assert_eq!(t.get(m), Some(7)));
    early[1..].iter().for_each(|&m| assert_eq!(t.get(m), Some(6)));
    assert_eq!(t.find(Key::new(early[7])).map(|p| p.bucket), Some(6));
}

#[test]
fn a_crowded_bucket_overflows_and_comes_back() {
    // 19 of the 24 entries that 8 buckets take, all with the last bucket as home: they wrap around.
    let keys: Vec<MacAddr> = crowd(8, 7).take(19).collect();
    let mut t = MacTable::with_capacity(24);
    assert_eq!(t.buckets.len(), 8);
    keys.iter().zip(0..).for_each(|(&k, v)| assert_eq!(t.insert(k, v), Ok(None)));
    let strangers: Vec<MacAddr> = crowd(8, 0).take(5).collect();
    strangers.iter().for_each(|&k| assert_eq!(t.insert(k, 99), Ok(None)));
    for (n, &gone) in keys.iter().enumerate() {
        assert_eq!(t.remove(gone), Some(n as u16));
        assert_eq!(t.get(gone), None);
        keys.iter().zip(0..).skip(n + 1).for_each(|(&k, v)| assert_eq!(t.get(k), Some(v)));
        strangers.iter().for_each(|&k| assert_eq!(t.get(k), Some(99)));
    }
    // Once these are removed, the entries that they displaced are at home again.
    assert!(strangers.iter().all(|&k| t.find(Key::new(k)).is_some_and(|p| p.bucket == 0)));
    strangers.iter().for_each(|&k| assert_eq!(t.remove(k), Some(99)));
    assert!(t.is_empty() && t.buckets.iter().all(|b| b.entries().count() == 0 && !b.goes_on()));
}

#[test]
fn a_long_run_of_full_buckets_is_searched_to_its_end() {
    let keys: Vec<MacAddr> = crowd(128, 100).take(384).collect();
    let mut t = MacTable::with_capacity(384);
    assert_eq!(t.buckets.len(), 128);
    keys.iter().zip(0..).for_each(|(&k, v)| assert_eq!(t.insert(k, v), Ok(None)));
    for (&k, v) in keys.iter().zip(0..) {
        assert_eq!((t.get(k), t.remove(k), t.get(k)), (Some(v), Some(v), None));
    }
}

#[test]
fn many_lookups_answer_as_single_ones_do() {
    // Larger than the caches; some addresses are missing, one is zero.
    let mut t = MacTable::new();
    (1..40_000).for_each(|i| assert_eq!(t.insert(mac(i * 3), i as u16), Ok(None)));
    let asked: Vec<MacAddr> = (0..1000).map(mac).collect();
    let value_of = t.values();
    for m in asked {
        t.prefetch(m);
        let n = m.to_u64();
        let value = (n % 3 == 0 && n > 0).then_some((n / 3) as u16);
        assert_eq!(t.get(m), value, "{m}");
        assert_eq!(value_of(m).min(MAX_VALUE + 1), value.unwrap_or(MAX_VALUE + 1), "{m}");
    }
}

#[test]
fn usual_addresses_spread() {
    // Consecutive ones, one OUI apart, Docker's: at most a few may be outside their home bucket.
    for stride in [1u64, 1 << 8, 1 << 16, 1 << 24, 0x1_0000_0001] {
        let mut t = MacTable::new();
        (0..4096).for_each(|i| {
            t.insert(mac(0x0242_c0a8_0001 ^ (i * stride)), 0).unwrap();
        });
        let away = t
            .iter()
            .filter(|&(m, _)| t.find(Key::new(m)).is_some_and(|p| p.bucket != t.home(Key::new(m))))
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

#[test]
fn reserved_values_are_no_values() {
    let mut t = MacTable::new();
    assert_eq!(t.insert(mac(1), MAX_VALUE), Ok(None));
    assert_eq!(t.get(mac(1)), Some(MAX_VALUE));
    assert!(t.value(mac(2)) > MAX_VALUE);
}

#[test]
fn a_million_entries_with_their_ages_take_twenty_mebibytes() {
    // With every address learned one by one, however the table reached its size.
    let mut t: MacMap<u32> = MacMap::new();
    (1..=1_000_000).for_each(|n| {
        t.insert_both(mac(n * 0x0001_0001), n as u16 >> 1, 0).unwrap();
    });
    assert_eq!(t.len(), 1_000_000);
    assert!(t.memory() <= 20 << 20, "{} bytes", t.memory());
}

/// Few distinct keys, so that they repeat; a third of them share one bucket.
fn op() -> impl Strategy<Value = Op> {
    let crowded: Vec<u64> = crowd(256, 255).take(60).map(MacAddr::to_u64).collect();
    let key = prop_oneof![2 => 1u64..200, 1 => prop::sample::select(crowded), 1 => 1u64..1 << 48];
    prop_oneof![
        300 => (key.clone(), 0..=MAX_VALUE).prop_map(|(k, v)| Op::Insert(k, v)),
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
                Op::Insert(k, v) => prop_assert_eq!(table.insert_both(mac(k), v, n), Ok(model.insert(k, (v, n)))),
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
        table.change_sides(|n| *n += 1);
        model.values_mut().for_each(|(_, n)| *n += 1);
        prop_assert_eq!(table.len(), model.len());
        prop_assert!(model.iter().all(|(&k, &(v, n))| table.get_both(mac(k)) == Some((v, n))));
    }
}
