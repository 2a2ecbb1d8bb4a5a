//! What devices count.

/// What a device counts, as `ip -s link` shows it. Bytes are those of frames without FCS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames received.
    pub rx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Received and dropped.
    pub rx_dropped: u64,
    /// Received broken.
    pub rx_errors: u64,
    /// Multicast and broadcast received.
    pub multicast: u64,
    /// Frames sent.
    pub tx_packets: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Dropped instead of sent.
    pub tx_dropped: u64,
}
