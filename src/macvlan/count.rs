//! What a port counts, quirks included.

use super::flood::{Counted, Delivery};
use super::forwarding::Forwarding;
use crate::counters::Counters;
use crate::frame::{EthHeader, PacketType};
use crate::table::Lookup;
use crate::verdict::{Egress, PortId, Verdict};

/// Counts a delivery at its port (R101 to R105; `macvlan_count_rx`).
#[inline]
pub fn count_delivery(counters: &mut Counters, delivery: &Delivery, header: &EthHeader) {
    let untagged = u64::from(header.untagged_len());
    match delivery.counted {
        Counted::Unicast => {
            counters.rx_packets += 1;
            counters.rx_bytes += untagged;
        }
        Counted::Flood => {
            counters.rx_packets += 1;
            counters.rx_bytes += untagged;
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

/// What the ports of one parent count while somebody decides about many frames: its own, so that nobody waits, and added up
/// when it is read.
#[derive(Clone, Debug)]
pub struct Tally {
    /// One for each port, and the last for the frames that are no port's.
    rows: Vec<Counters>,
}

impl Tally {
    /// For the ports of a table.
    #[must_use]
    pub fn new<T: Lookup>(table: &Forwarding<T>) -> Tally {
        Tally { rows: vec![Counters::default(); table.port_count() + 1] }
    }

    /// Counts what the ports get by a verdict of this table ([`count_delivery`]).
    #[inline]
    pub fn count<T: Lookup>(&mut self, table: &Forwarding<T>, verdict: &Verdict, header: &EthHeader) {
        if header.dst.is_multicast() | table.has_lists() {
            return self.count_at_length(table, verdict, *header);
        }
        // The frame itself goes to one port or to none: R101, without a branch that nobody can guess.
        let nobody = self.rows.len().saturating_sub(1);
        let row = match verdict.egress {
            Egress::Port(id) => id.index(),
            _ => nobody,
        };
        if let Some(row) = self.rows.get_mut(row) {
            row.rx_packets += 1;
            row.rx_bytes += u64::from(header.untagged_len());
        }
    }

    #[inline(never)]
    fn count_at_length<T: Lookup>(&mut self, table: &Forwarding<T>, verdict: &Verdict, header: EthHeader) {
        for delivery in table.deliveries(verdict, &header, PacketType::OtherHost) {
            self.count_one(&delivery, &header);
        }
    }

    /// Counts one delivery.
    #[inline]
    pub fn count_one(&mut self, delivery: &Delivery, header: &EthHeader) {
        if let Some(row) = self.rows.get_mut(delivery.port.index()) {
            count_delivery(row, delivery, header);
        }
    }

    /// What a port counted.
    #[must_use]
    pub fn port(&self, id: PortId) -> Counters {
        self.rows.get(id.index()).copied().unwrap_or_default()
    }
}
