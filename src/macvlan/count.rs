//! What a port counts, quirks included.

use super::flood::{Counted, Delivery};
use super::forwarding::{Fate, Forwarding};
use crate::counters::Counters;
use crate::frame::EthHeader;
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

/// What the ports of one parent count while somebody decides about many frames by one table: its own, so that nobody waits,
/// and added up when it is read.
#[derive(Clone, Debug)]
pub struct Tally {
    /// The table's verdicts about unicast frames, each with what was counted by it.
    unicast: Vec<Row>,
    /// What the ports counted of all else.
    ports: Vec<Counters>,
}

/// A verdict and its frames. The two counts do not stand side by side: as neighbours they are added to by one vector
/// instruction, which has to wait longer for the last frame's.
#[derive(Clone, Debug)]
#[repr(C)]
struct Row {
    packets: u64,
    verdict: Verdict,
    bytes: u64,
}

impl Tally {
    /// For a table.
    #[must_use]
    pub fn new<T: Lookup>(table: &Forwarding<T>) -> Tally {
        let row = |verdict: &Verdict| Row { verdict: *verdict, packets: 0, bytes: 0 };
        Tally {
            unicast: table.verdicts().iter().map(row).collect(),
            ports: vec![Counters::default(); table.port_count()],
        }
    }

    /// Counts a delivery.
    #[inline]
    pub fn count(&mut self, delivery: &Delivery, header: &EthHeader) {
        if let Some(counters) = self.ports.get_mut(delivery.port.index()) {
            count_delivery(counters, delivery, header);
        }
    }

    /// Counts a unicast of so many bytes, the outer tag not among them (R101), and says the verdict.
    #[inline(always)]
    pub(super) fn settle(&mut self, fate: Fate, len: u32, verdict: &mut Verdict) {
        if let Some(row) = fate.of_mut(&mut self.unicast) {
            row.packets += 1;
            row.bytes += u64::from(len);
            *verdict = row.verdict;
        }
    }

    /// What a port has counted.
    #[must_use]
    pub fn port(&self, id: PortId) -> Counters {
        let mut counters = self.ports.get(id.index()).copied().unwrap_or_default();
        for row in self.unicast.iter().filter(|row| row.verdict.egress == Egress::Port(id)) {
            counters.rx_packets += row.packets;
            counters.rx_bytes += row.bytes;
        }
        counters
    }
}
