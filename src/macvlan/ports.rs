//! The ports of one parent, by number, with what would otherwise be looked for in all of them.

use super::{Mode, Port};
use crate::frame::MacAddr;
use crate::verdict::PortId;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// Ports by their numbers. A new one has the lowest number that is free.
#[derive(Clone, Debug, Default)]
pub(super) struct Ports {
    slots: Vec<Option<Port>>,
    /// Slots below the highest that hold no port.
    free: BTreeSet<u16>,
    /// Addresses of ports that are up, which are all different; of passthru ports none.
    active: BTreeSet<MacAddr>,
    passthru: Option<PortId>,
    /// Entries of all lists of senders.
    listed: usize,
}

impl Ports {
    pub(super) fn get(&self, id: PortId) -> Option<&Port> {
        self.slots.get(id.index())?.as_ref()
    }

    /// A port, to be changed in what is not kept here: its address while it is up, and its list, have functions.
    pub(super) fn get_mut(&mut self, id: PortId) -> Option<&mut Port> {
        self.slots.get_mut(id.index())?.as_mut()
    }

    /// In the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PortId, &Port)> {
        self.slots.iter().zip(0..).filter_map(|(p, i)| p.as_ref().map(|p| (PortId(i), p)))
    }

    pub(super) fn count(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The number above every port's.
    pub(super) fn end(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn passthru(&self) -> Option<PortId> {
        self.passthru
    }

    /// Whether a port that is up has this address.
    pub(super) fn has_active(&self, mac: MacAddr) -> bool {
        self.active.contains(&mac)
    }

    pub(super) fn activate(&mut self, mac: MacAddr) {
        self.active.insert(mac);
    }

    pub(super) fn deactivate(&mut self, mac: MacAddr) {
        self.active.remove(&mac);
    }

    /// Entries of all lists of senders.
    pub(super) fn listed(&self) -> usize {
        self.listed
    }

    /// Changes the list of a port.
    pub(super) fn edit_list<T>(
        &mut self,
        id: PortId,
        edit: impl FnOnce(Mode, &mut BTreeSet<MacAddr>) -> T,
    ) -> Option<T> {
        let port = self.slots.get_mut(id.index())?.as_mut()?;
        self.listed -= port.sources.len();
        let done = edit(port.mode, &mut port.sources);
        self.listed += port.sources.len();
        Some(done)
    }

    /// A new port, which is down. The admission bounds their number, so that the slot's number fits.
    pub(super) fn insert(&mut self, port: Port) -> PortId {
        let (passthru, listed) = (port.mode == Mode::Passthru, port.sources.len());
        let id = match self.free.pop_first() {
            Some(slot) => {
                self.slots[usize::from(slot)] = Some(port);
                PortId(slot)
            }
            None => {
                self.slots.push(Some(port));
                PortId(u16::try_from(self.slots.len() - 1).unwrap_or(u16::MAX))
            }
        };
        self.listed += listed;
        if passthru {
            self.passthru = Some(id);
        }
        id
    }

    /// Takes out a port, which is down.
    pub(super) fn remove(&mut self, id: PortId) -> Option<Port> {
        let port = self.slots.get_mut(id.index())?.take()?;
        self.free.insert(id.0);
        self.listed -= port.sources.len();
        if self.passthru == Some(id) {
            self.passthru = None;
        }
        Some(port)
    }
}
