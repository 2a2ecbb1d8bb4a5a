//! Who receives a flood, class by class: compiled ahead, so that a flood costs per receiver and not per port.

use super::Mode;
use super::flood::meant_for;
use super::groups::GroupFilter;
use crate::frame::MacAddr;
use crate::verdict::{FloodClass, PortId};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;

/// A port that a flood reaches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receiver {
    pub(super) id: PortId,
    /// Its mtu in bytes, which limits local copies.
    pub(super) mtu: u32,
}

/// Classes of floods, senders aside.
const CLASSES: usize = 4;

/// Where the receivers of each class stand.
type Ranges = [Range<usize>; CLASSES];

/// The active ports that floods reach, senders included, in the order of their ids.
#[derive(Clone, Debug, Default)]
pub(super) struct FloodLists {
    receivers: Vec<Receiver>,
    /// Who gets broadcasts.
    broadcast: Ranges,
    /// Who gets whatever group there is.
    every_group: Ranges,
    /// Who gets a group because it has joined it and for no other reason, sorted by the group.
    joined: Vec<(MacAddr, Ranges)>,
}

/// An active port, to be entered in the lists.
#[derive(Clone, Copy)]
pub(super) struct ListedPort<'a> {
    pub(super) receiver: Receiver,
    pub(super) mode: Mode,
    pub(super) filter: &'a GroupFilter,
}

impl FloodLists {
    /// From the active ports in the order of their ids.
    pub(super) fn compile(ports: &[ListedPort<'_>]) -> FloodLists {
        let mut lists = FloodLists::default();
        let mut joined: BTreeMap<MacAddr, Vec<&ListedPort<'_>>> = BTreeMap::new();
        for port in ports {
            for group in port.filter.joined() {
                joined.entry(*group).or_default().push(port);
            }
        }
        lists.broadcast = lists.enter(ports.iter().filter(|p| p.filter.wants(MacAddr::BROADCAST)));
        lists.every_group = lists.enter(ports.iter().filter(|p| p.filter.wants_everything()));
        for (group, ports) in joined {
            let ranges = lists.enter(ports.into_iter());
            lists.joined.push((group, ranges));
        }
        lists
    }

    /// Those of the ports that each class is meant for.
    fn enter<'a>(&mut self, ports: impl Iterator<Item = &'a ListedPort<'a>> + Clone) -> Ranges {
        // What matters of a class here is not its sender.
        let any_port = PortId(0);
        let classes = [
            FloodClass::Outside,
            FloodClass::Vepa(any_port),
            FloodClass::Bridge(any_port),
            FloodClass::Local(any_port),
        ];
        let mut ranges = Ranges::default();
        for class in classes {
            let start = self.receivers.len();
            let meant = ports.clone().filter(|p| meant_for(class, p.mode).is_ok());
            self.receivers.extend(meant.map(|p| p.receiver));
            ranges[number(class)] = start..self.receivers.len();
        }
        ranges
    }

    /// Who gets a flood of this class to this address: in two lists, each in the order of the ids.
    pub(super) fn receivers(&self, class: FloodClass, dst: MacAddr) -> [&[Receiver]; 2] {
        let of = |ranges: &Ranges| &self.receivers[ranges[number(class)].clone()];
        if dst.is_broadcast() {
            return [of(&self.broadcast), &[]];
        }
        let joined = match self.joined.binary_search_by_key(&dst, |&(group, _)| group) {
            Ok(found) => of(&self.joined[found].1),
            Err(_) => &[],
        };
        [joined, of(&self.every_group)]
    }
}

fn number(class: FloodClass) -> usize {
    match class {
        FloodClass::Outside => 0,
        FloodClass::Vepa(_) => 1,
        FloodClass::Bridge(_) => 2,
        FloodClass::Local(_) => 3,
    }
}
