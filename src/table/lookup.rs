//! What a table is to those who decide by it.

use super::MacMap;
use super::bucket::ABSENT;
use crate::frame::MacAddr;

/// What decides by addresses looks them up in: the [`MacTable`](super::MacTable), or another table that it is compared with.
pub trait Lookup {
    /// The value of an address.
    fn get(&self, mac: MacAddr) -> Option<u16>;

    /// Says the value of an address; if it has none, a number above [`MAX_VALUE`](super::MAX_VALUE). For many addresses one
    /// after the other: what need not be asked again for each is asked now.
    #[inline(always)]
    fn values(&self) -> impl Fn(MacAddr) -> u16 {
        |mac| self.get(mac).unwrap_or(ABSENT)
    }

    /// Asks for the memory that a lookup will read, where that pays.
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
