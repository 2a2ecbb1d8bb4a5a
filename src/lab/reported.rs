//! What changes while the lab runs, told: the devices after a step that changed them, and every entry of a forwarding
//! database that comes, moves or goes. Only if [`Options::changes`](super::Options::changes) is set.

use super::event::{Device, FdbChange};
use super::spec::Name;
use super::{Event, Lab};
use crate::dataplane::{NodeId, SwitchId};
use crate::frame::{MacAddr, VlanId};
use crate::switch::{FdbEntry, FdbKind, SwitchPortId};
use std::collections::{BTreeMap, BTreeSet};

/// What an entry is filed under.
type Key = (Option<VlanId>, MacAddr);

/// What an entry says.
type FdbValue = (SwitchPortId, FdbKind);

/// What was told last.
#[derive(Default)]
pub(super) struct LastReported {
    /// The devices by place; `None`: no changes are told, or none yet.
    devices: Option<BTreeMap<u32, Device>>,
    /// Nodes that may have changed since: a change costs what it reaches, not what is there.
    touched: BTreeSet<NodeId>,
    /// By switch.
    fdbs: Vec<BTreeMap<Key, FdbValue>>,
}

impl LastReported {
    /// The lab begins with these devices.
    pub(super) fn begin(&mut self, devices: &[Device]) {
        self.devices = Some(devices.iter().map(|device| (device.place, device.clone())).collect());
    }

    /// Whether changes are told by now.
    pub(super) fn begun(&self) -> bool {
        self.devices.is_some()
    }

    /// A node may be listed differently from now on.
    pub(super) fn touch(&mut self, node: NodeId) {
        if self.begun() {
            self.touched.insert(node);
        }
    }

    /// An entry says this now; whether that is new.
    pub(super) fn entry(&mut self, switch: SwitchId, key: Key, says: Option<FdbValue>) -> bool {
        let known = self.fdbs.len().max(switch.index() + 1);
        self.fdbs.resize_with(known, BTreeMap::new);
        let told = &mut self.fdbs[switch.index()];
        let before = match says {
            Some(says) => told.insert(key, says),
            None => told.remove(&key),
        };
        before != says
    }
}

/// What is told of an entry.
pub(super) fn says(entry: &FdbEntry) -> FdbValue {
    (entry.port, entry.kind)
}

impl Lab {
    /// Tells what is different about the devices that were touched.
    pub(super) fn report_devices(&mut self) {
        if !self.options.changes {
            return;
        }
        let touched = std::mem::take(&mut self.log.last_reported.touched);
        let Some(mut told) = self.log.last_reported.devices.take() else { return };
        let (mut changed, mut gone) = (Vec::new(), Vec::new());
        for node in touched {
            let place = self.place(node);
            let now = self.listed(node);
            let before = told.get(&place);
            if before == now.as_ref() {
                continue;
            }
            if let Some(before) =
                before.filter(|before| now.as_ref().is_none_or(|now| now.name != before.name))
            {
                gone.push(before.name.clone());
            }
            match now {
                Some(now) => {
                    told.insert(place, now.clone());
                    changed.push(now);
                }
                None => drop(told.remove(&place)),
            }
        }
        self.log.last_reported.devices = Some(told);
        if !changed.is_empty() || !gone.is_empty() {
            self.log.events.push(Event::Devices { changed, gone });
        }
    }

    /// Tells all differences between what the switches know and what was told of it.
    pub(super) fn report_fdbs(&mut self) {
        if !self.options.changes {
            return;
        }
        for (switch, id) in self.runtime.state.switches().iter().zip((0..).map(SwitchId)) {
            let entries = switch.fdb_entries(self.runtime.now);
            let now: BTreeMap<Key, FdbValue> = entries.iter().map(|e| ((e.vlan, e.mac), says(e))).collect();
            let before = self.log.last_reported.fdbs.get(id.index()).into_iter().flatten();
            let gone: Vec<Key> = before.map(|(key, _)| *key).filter(|key| !now.contains_key(key)).collect();
            let changed = now.into_iter().map(|(key, says)| (key, Some(says)));
            let node = &self.topology.switches[id.index()];
            let port = |id: SwitchPortId| -> Name {
                node.ports.get(usize::from(id.0)).map_or(&node.name, |port| &port.name).clone()
            };
            for (key, says) in gone.into_iter().map(|key| (key, None)).chain(changed) {
                if self.log.last_reported.entry(id, key, says) {
                    let entry = says.map(|(id, kind)| (port(id), kind));
                    let (step, time, switch, (vlan, mac)) =
                        (self.runtime.step, self.runtime.now, node.name.clone(), key);
                    self.log.events.push(Event::Fdb(FdbChange { step, time, switch, vlan, mac, entry }));
                }
            }
        }
    }
}
