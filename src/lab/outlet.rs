//! The place where a lab touches the outside, as a number.

use crate::dataplane::End as WireEnd;

/// Where a lab touches the outside, by the order in which it was attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outlet(usize);

impl Outlet {
    pub(super) const fn new(index: usize) -> Outlet {
        Outlet(index)
    }

    /// Its number, from 0.
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }

    /// As frames meet it.
    pub(super) fn end(self) -> WireEnd {
        WireEnd::Outside(self.0 as u32)
    }

    pub(crate) fn of(number: u32) -> Outlet {
        Outlet(number as usize)
    }
}
