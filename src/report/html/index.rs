//! Values that occur in many places, each stored once.

use std::collections::BTreeMap;

/// Values by the order in which they were first used.
#[derive(Debug)]
pub(super) struct Index<T> {
    numbers: BTreeMap<T, usize>,
    /// Those that were not taken.
    new: Vec<T>,
}

impl<T> Default for Index<T> {
    fn default() -> Index<T> {
        Index { numbers: BTreeMap::new(), new: Vec::new() }
    }
}

impl<T: Ord + Clone> Index<T> {
    pub(super) fn of(&mut self, thing: T) -> usize {
        if let Some(number) = self.numbers.get(&thing) {
            return *number;
        }
        let next = self.numbers.len();
        self.new.push(thing.clone());
        self.numbers.insert(thing, next);
        next
    }

    /// The values that were first used since this was last called, in order.
    pub(super) fn take<U>(&mut self, written: impl Fn(T) -> U) -> Vec<U> {
        std::mem::take(&mut self.new).into_iter().map(written).collect()
    }
}
