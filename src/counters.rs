//! The counters of devices.

use core::ops::Add;

/// A device's counters, as in `ip -s link`. Bytes are those of frames without FCS.
///
/// Packet and byte counters are not adjacent: otherwise one vector instruction would update both, and would have to
/// wait longer for the previous frame's update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames received.
    pub rx_packets: u64,
    /// Received and dropped.
    pub rx_dropped: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Receive errors.
    pub rx_errors: u64,
    /// Multicast and broadcast received.
    pub multicast: u64,
    /// Frames sent.
    pub tx_packets: u64,
    /// Dropped instead of sent.
    pub tx_dropped: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
}

impl Add for Counters {
    type Output = Counters;

    fn add(self, other: Counters) -> Counters {
        Counters {
            rx_packets: self.rx_packets + other.rx_packets,
            rx_bytes: self.rx_bytes + other.rx_bytes,
            rx_dropped: self.rx_dropped + other.rx_dropped,
            rx_errors: self.rx_errors + other.rx_errors,
            multicast: self.multicast + other.multicast,
            tx_packets: self.tx_packets + other.tx_packets,
            tx_bytes: self.tx_bytes + other.tx_bytes,
            tx_dropped: self.tx_dropped + other.tx_dropped,
        }
    }
}
