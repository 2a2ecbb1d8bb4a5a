//! The interface of a table for its users.

use super::MacMap;
use super::bucket::ABSENT;
use crate::frame::MacAddr;

/// Looks up addresses for forwarding decisions: the [`MacTable`](super::MacTable), or another table that it is compared
/// with.
pub trait Lookup {
    /// The value of an address.
    fn get(&self, mac: MacAddr) -> Option<u16>;

    /// Returns a function from an address to its value, or to a number above [`MAX_VALUE`](super::MAX_VALUE) if it has
    /// none. For many lookups in sequence: work common to them is done once.
    #[inline(always)]
    fn values(&self) -> impl Fn(MacAddr) -> u16 {
        |mac| self.get(mac).unwrap_or(ABSENT)
    }

    /// Prefetches the memory that a lookup will read, where that pays.
    #[inline]
    fn prefetch(&self, _mac: MacAddr) {}
}

impl<Side: Copy + Default> Lookup for MacMap<Side> {
    #[inline]
    fn get(&self, mac: MacAddr) -> Option<u16> {
        MacMap::get(self, mac)
    }

    #[inline(always)]
    fn values(&self) -> impl Fn(MacAddr) -> u16 {
        MacMap::values(self)
    }

    #[inline]
    fn prefetch(&self, mac: MacAddr) {
        MacMap::prefetch(self, mac);
    }
}
