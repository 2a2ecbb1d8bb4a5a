//! Values that occur in many places, each stored once.

use std::collections::BTreeMap;

/// Values in the order in which they were first used.
#[derive(Debug)]
pub(super) struct Index<T>(BTreeMap<T, usize>);

impl<T> Default for Index<T> {
    fn default() -> Index<T> {
        Index(BTreeMap::new())
    }
}

impl<T: Ord> Index<T> {
    pub(super) fn of(&mut self, thing: T) -> usize {
        let next = self.0.len();
        *self.0.entry(thing).or_insert(next)
    }

    pub(super) fn into_list<U>(self, written: impl Fn(T) -> U) -> Vec<U> {
        let mut list: Vec<(usize, T)> = self.0.into_iter().map(|(thing, index)| (index, thing)).collect();
        list.sort_unstable_by_key(|(index, _)| *index);
        list.into_iter().map(|(_, thing)| written(thing)).collect()
    }
}
