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
