//! What a port counts, quirks included.

use super::flood::{Counted, Delivery};
use crate::counters::Counters;
use crate::frame::EthHeader;

/// Counts a unicast of this length in bytes, without its outermost tag (R101).
#[inline(always)]
pub fn count_unicast(counters: &mut Counters, untagged_len: u32) {
    counters.rx_packets += 1;
    counters.rx_bytes += u64::from(untagged_len);
}

/// Counts a delivery at its port (R101 to R105; `macvlan_count_rx`).
#[inline]
pub fn count_delivery(counters: &mut Counters, delivery: &Delivery, header: &EthHeader) {
    match delivery.counted {
        Counted::Unicast => count_unicast(counters, header.untagged_len()),
        Counted::Flood => {
            count_unicast(counters, header.untagged_len());
            counters.multicast += 1;
        }
        // The header is still part of the frame when the kernel adds its length once more.
        Counted::LocalCopy => {
            counters.rx_packets += 1;
            counters.rx_bytes += u64::from(header.len) + EthHeader::LEN as u64;
            counters.multicast += 1;
        }
        Counted::OwnBack => counters.rx_packets += 1,
        Counted::TooLong => {
            counters.rx_errors += 1;
            counters.rx_dropped += 2;
        }
    }
}
