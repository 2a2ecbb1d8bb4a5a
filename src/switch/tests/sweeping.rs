//! Sweeping goes round the table bit by bit, whatever is removed meanwhile.

use super::*;
use crate::table::MacTable;

/// Addresses that stand in the first of four buckets, which has room for seven of them.
fn first_of_four() -> impl Iterator<Item = u64> {
    (1..).filter(|&n| {
        let mut table = MacTable::with_capacity(12);
        table.insert(mac(n), 0).unwrap();
        let mut hit = false;
        table.retain_in(0, |_, _, ()| {
            hit = true;
            true
        });
        hit
    })
}

#[test]
fn what_moves_to_where_the_sweep_has_been_is_not_forgotten() {
    let crowd: Vec<u64> = first_of_four().take(8).collect();
    let (late, others) = crowd.split_last().unwrap();
    let mut b = Bench::plain();
    for source in others {
        b.send(P0, ALL, *source);
    }
    // The eighth stands in the second bucket, and will be the first to grow too old.
    b.now = secs(5);
    b.send(P0, ALL, *late);
    b.now = secs(290);
    for source in others {
        b.send(P0, ALL, *source);
    }
    // A round begins, and the first bucket is swept. Then room is made in it, and the eighth moves there.
    b.now = secs(301);
    b.send(P0, ALL, others[0]);
    b.switch.del_fdb(mac(others[1]), None, b.now).unwrap();
    b.now = secs(303);
    for _ in 0..8 {
        b.send(P0, ALL, others[0]);
    }
    assert_eq!(b.send(P1, *late, B), (Rule::KnownUnicast, vec![0]));
    b.now = secs(306);
    assert_eq!(b.send(P1, *late, B), (Rule::UnknownUnicast, vec![0, 2]));
}

#[test]
fn what_is_learned_while_the_sweep_is_under_way_grows_old_as_well() {
    let quiet = 0x0600_0000_0000;
    // Some of these stand where the sweep has been already.
    for learned in A..A + 20 {
        let mut b = Bench::plain();
        // What is entered by hand lives for ever, and makes a table of many buckets.
        (0..300).for_each(|n| b.add(quiet + n, P0, FdbKind::Static).unwrap());
        // A sweep begins once something has expired.
        b.send(P0, ALL, C);
        b.now = secs(400);
        (0..20).for_each(|_| _ = b.send(P0, ALL, quiet));
        b.send(P1, ALL, learned);
        (0..300).for_each(|_| _ = b.send(P0, ALL, quiet));
        b.now = secs(699);
        assert_eq!(b.send(P0, learned, quiet).0, Rule::KnownUnicast);
        b.now = secs(701);
        assert_eq!(b.send(P0, learned, quiet).0, Rule::UnknownUnicast);
    }
}

#[test]
fn newcomers_do_not_keep_the_sweep_from_coming_round() {
    let mut b = Bench::plain();
    (0..3000).for_each(|n| _ = b.send(P1, ALL, 0x0600_0000_0000 + n));
    b.now = secs(301);
    (0..1000).for_each(|n| _ = b.send(P1, ALL, A + n));
    assert!(b.switch.fdb.len < 1100, "{} entries are kept", b.switch.fdb.len);
}

#[test]
fn another_ageing_time_counts_from_when_an_address_was_seen() {
    let mut b = Bench::plain();
    b.now = secs(10);
    b.send(P0, ALL, A);
    b.now = secs(25);
    b.switch.set_ageing(Duration::from_secs(20), b.now);
    b.now = secs(29);
    assert_eq!(b.fdb(), [(A, 0)]);
    b.now = secs(30);
    assert_eq!(b.fdb(), []);
}

#[test]
fn what_an_ageing_time_has_ended_no_other_brings_back() {
    let mut b = Bench::plain();
    (0..3000).for_each(|n| _ = b.send(P1, ALL, 0x0600_0000_0000 + n));
    b.now = secs(25);
    b.send(P0, ALL, A);
    b.switch.set_ageing(Duration::from_secs(20), b.now);
    b.switch.set_ageing(Duration::from_secs(300), b.now);
    assert_eq!(b.fdb(), [(A, 0)]);
}
