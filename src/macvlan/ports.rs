//! The ports of one parent, by number, with what would otherwise be looked for in all of them.

use super::groups::GroupFilter;
use super::{MacvlanFlags, Mode};
use crate::frame::MacAddr;
use crate::verdict::PortId;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A port as the control plane keeps it. It is changed through [`PortMut`](super::PortMut).
#[derive(Clone, Debug)]
pub struct Port {
    pub(super) mac: MacAddr,
    pub(super) mode: Mode,
    pub(super) flags: MacvlanFlags,
    pub(super) up: bool,
    pub(super) mtu: u32,
    pub(super) promisc: bool,
    pub(super) allmulticast: bool,
    /// It is a port of a bridge.
    pub(super) bridged: bool,
    /// Groups joined by hand, up or down.
    pub(super) groups: BTreeSet<MacAddr>,
    /// Groups pushed down to the parent while up.
    pub(super) pushed: BTreeSet<MacAddr>,
    pub(super) sources: BTreeSet<MacAddr>,
    pub(super) bcqueuelen: u32,
    /// What it wants of groups, as last loaded.
    pub(super) filter: Arc<GroupFilter>,
}

/// What a port wants of its parent: the device's flags, whoever set them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wishes {
    pub(super) promisc: bool,
    pub(super) allmulticast: bool,
}

impl Port {
    /// Its MAC address.
    #[must_use]
    pub fn mac(&self) -> MacAddr {
        self.mac
    }

    /// Its mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Its flags.
    #[must_use]
    pub fn flags(&self) -> MacvlanFlags {
        self.flags
    }

    /// Whether it is administratively up.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// Its MTU in bytes.
    #[must_use]
    pub fn mtu(&self) -> u32 {
        self.mtu
    }

    /// Its promiscuity count: by hand, and for a bridge.
    #[must_use]
    pub fn promiscuity(&self) -> u32 {
        u32::from(self.promisc) + u32::from(self.bridged)
    }

    /// What it wants of its parent.
    pub(super) fn wishes(&self) -> Wishes {
        Wishes { promisc: self.promisc || self.bridged, allmulticast: self.allmulticast || self.bridged }
    }

    /// Whether it is promiscuous by hand.
    #[must_use]
    pub fn is_promisc(&self) -> bool {
        self.promisc
    }

    /// Whether it is all-multicast by hand.
    #[must_use]
    pub fn is_allmulticast(&self) -> bool {
        self.allmulticast
    }

    /// The groups joined by hand, up or down.
    #[must_use]
    pub fn groups(&self) -> &BTreeSet<MacAddr> {
        &self.groups
    }

    /// The senders that a source port listens to.
    #[must_use]
    pub fn sources(&self) -> &BTreeSet<MacAddr> {
        &self.sources
    }

    /// Requested length of the broadcast queue, in frames.
    #[must_use]
    pub fn bcqueuelen(&self) -> u32 {
        self.bcqueuelen
    }
}

/// Ports by their numbers. A new one has the lowest number that is free.
#[derive(Clone, Debug, Default)]
pub(super) struct Ports {
    slots: Vec<Option<Port>>,
    /// Slots below the highest that hold no port.
    free: BTreeSet<u16>,
    /// Ports that are up by their MAC addresses, which are all different; passthru ports are not among them.
    active: BTreeMap<MacAddr, PortId>,
    passthru: Option<PortId>,
    /// Entries of all lists of senders.
    listed: usize,
}

impl Ports {
    pub(super) fn get(&self, id: PortId) -> Option<&Port> {
        self.slots.get(id.index())?.as_ref()
    }

    /// A port that is known to be there, to be changed in what is not kept here: its MAC address while it is up, and its list
    /// of senders, have functions.
    pub(super) fn at(&mut self, id: PortId) -> &mut Port {
        let slot = self.slots.get_mut(id.index()).and_then(Option::as_mut);
        slot.expect("only a handle, which is made of a port that is there, asks for it")
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

    /// The port that is up and has this MAC address.
    pub(super) fn active(&self, mac: MacAddr) -> Option<PortId> {
        self.active.get(&mac).copied()
    }

    pub(super) fn activate(&mut self, mac: MacAddr, id: PortId) {
        let before = self.active.insert(mac, id);
        debug_assert_eq!(before, None, "{mac} was checked to be free");
    }

    pub(super) fn deactivate(&mut self, mac: MacAddr) {
        let before = self.active.remove(&mac);
        debug_assert!(before.is_some(), "{mac} was not active");
    }

    /// Entries of all lists of senders.
    pub(super) fn listed(&self) -> usize {
        self.listed
    }

    /// Changes the list of senders of a port that is known to be there.
    pub(super) fn edit_list<T>(
        &mut self,
        id: PortId,
        edit: impl FnOnce(Mode, &mut BTreeSet<MacAddr>) -> T,
    ) -> T {
        let port = self.at(id);
        let before = port.sources.len();
        let done = edit(port.mode, &mut port.sources);
        let after = port.sources.len();
        self.listed = self.listed - before + after;
        done
    }

    /// A new port, which is down.
    pub(super) fn insert(&mut self, port: Port) -> PortId {
        let (passthru, listed) = (port.mode == Mode::Passthru, port.sources.len());
        let id = match self.free.pop_first() {
            Some(slot) => {
                self.slots[usize::from(slot)] = Some(port);
                PortId(slot)
            }
            None => {
                let slot = u16::try_from(self.slots.len()).expect("the admission bounds their number");
                self.slots.push(Some(port));
                PortId(slot)
            }
        };
        self.listed += listed;
        if passthru {
            self.passthru = Some(id);
        }
        id
    }

    /// Takes out a port, which is down. A passthru port is alone, so with it goes the whole list.
    pub(super) fn remove(&mut self, id: PortId) -> Option<Port> {
        let port = self.slots.get_mut(id.index())?.take()?;
        self.free.insert(id.0);
        self.listed -= port.sources.len();
        Some(port)
    }
}
