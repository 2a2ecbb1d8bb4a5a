//! Group filters: what a port wants, and the coarser filter in front of all ports of a parent.

use crate::frame::MacAddr;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;

/// What a port wants of multicast and broadcast (rule R22). Exact, where the kernel keeps a salted hash (R25).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupFilter {
    /// Everything: the port is promiscuous or all-multicast.
    Everything,
    /// Broadcast and these groups, sorted.
    Joined(Box<[MacAddr]>),
}

impl GroupFilter {
    /// From a port's groups.
    #[must_use]
    pub fn new(everything: bool, groups: &BTreeSet<MacAddr>) -> GroupFilter {
        if everything {
            GroupFilter::Everything
        } else {
            GroupFilter::Joined(groups.iter().copied().collect())
        }
    }

    /// Whether the port wants every group there is.
    #[must_use]
    pub fn wants_everything(&self) -> bool {
        *self == GroupFilter::Everything
    }

    /// The groups that the port wants because it has joined them.
    #[must_use]
    pub fn joined(&self) -> &[MacAddr] {
        match self {
            GroupFilter::Everything => &[],
            GroupFilter::Joined(groups) => groups,
        }
    }

    /// Whether the port wants a frame to this multicast or broadcast address.
    #[must_use]
    pub fn wants(&self, dst: MacAddr) -> bool {
        match self {
            GroupFilter::Everything => true,
            GroupFilter::Joined(groups) => dst.is_broadcast() || groups.binary_search(&dst).is_ok(),
        }
    }
}

/// A 256-bucket hash filter without salt: the one that the kernel keeps for a whole parent (`mc_filter`, `bc_filter`
/// of its `macvlan_port`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupBits([u64; 4]);

impl GroupBits {
    /// Passes everything.
    pub const ALL: GroupBits = GroupBits([u64::MAX; 4]);

    /// Bucket of an address: the top byte of its last four bytes times the golden ratio, as the kernel hashes 32-bit
    /// numbers (`mc_hash` with no port, on a little-endian machine).
    const fn bucket(mac: MacAddr) -> u8 {
        let [_, _, a, b, c, d] = mac.0;
        (u32::from_le_bytes([a, b, c, d]).wrapping_mul(0x61c8_8647) >> 24) as u8
    }

    /// Adds an address.
    pub fn set(&mut self, mac: MacAddr) {
        let b = Self::bucket(mac);
        self.0[usize::from(b >> 6)] |= 1 << (b & 63);
    }

    /// Whether an address, or another in its bucket, was added.
    #[must_use]
    pub fn test(&self, mac: MacAddr) -> bool {
        let b = Self::bucket(mac);
        self.0[usize::from(b >> 6)] >> (b & 63) & 1 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_wants_broadcast_and_what_it_joined() {
        let group = MacAddr([1, 0, 0x5e, 0, 0, 251]);
        let f = GroupFilter::new(false, &BTreeSet::from([group]));
        assert!(f.wants(group) && f.wants(MacAddr::BROADCAST));
        assert!(!f.wants(MacAddr([1, 0, 0x5e, 0, 0, 252])));
        assert!(GroupFilter::new(true, &BTreeSet::new()).wants(group));
    }

    #[test]
    fn bits_have_no_false_negatives() {
        let mut bits = GroupBits::default();
        for last in 0..=255 {
            let mac = MacAddr([1, 0, 0x5e, 1, 2, last]);
            bits.set(mac);
            assert!(bits.test(mac));
        }
    }
}
