//! Group filters: what a port wants. The coarser filter in front of all ports of a parent is made of the parent's own lists.

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
}
