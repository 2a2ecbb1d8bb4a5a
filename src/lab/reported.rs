//! What changes while the lab runs, told: the devices after a step that changed them, and every entry of a forwarding
//! database that comes, moves or goes. Only if [`Options::changes`](super::Options::changes) is set.

use super::event::{Device, FdbChange};
use super::spec::{Action, Name};
use super::{Event, Lab};
use crate::dataplane::SwitchId;
use crate::frame::{MacAddr, VlanId};
use crate::switch::{FdbEntry, FdbKind, SwitchPortId};
use std::collections::BTreeMap;

/// What an entry is filed under.
type Key = (Option<VlanId>, MacAddr);

/// What an entry says.
type FdbValue = (SwitchPortId, FdbKind);

/// What was told last.
#[derive(Default)]
pub(super) struct LastReported {
    devices: Vec<Device>,
    /// By switch.
    fdbs: Vec<BTreeMap<Key, FdbValue>>,
}

impl LastReported {
    /// The lab begins with these devices.
    pub(super) fn begin(&mut self, devices: &[Device]) {
        devices.clone_into(&mut self.devices);
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
    /// A step is done.
    pub(super) fn tell_changes(&mut self, action: &Action) {
        if !self.options.changes {
            return;
        }
        let changes_devices = matches!(
            action,
            Action::Set { .. } | Action::SetSwitch { .. } | Action::Add { .. } | Action::Remove(_)
        );
        if changes_devices {
            let devices = self.devices();
            if devices != self.told.devices {
                self.told.begin(&devices);
                self.log.push(Event::Devices { devices });
            }
        }
        self.tell_fdbs();
    }

    /// Tells all differences between what the switches know and what was told of it.
    pub(super) fn tell_fdbs(&mut self) {
        if !self.options.changes {
            return;
        }
        for (switch, id) in self.state.switches().iter().zip((0..).map(SwitchId)) {
            let entries = switch.fdb_entries(self.now);
            let now: BTreeMap<Key, FdbValue> = entries.iter().map(|e| ((e.vlan, e.mac), says(e))).collect();
            let before = self.told.fdbs.get(id.index()).into_iter().flatten();
            let gone: Vec<Key> = before.map(|(key, _)| *key).filter(|key| !now.contains_key(key)).collect();
            let changed = now.into_iter().map(|(key, says)| (key, Some(says)));
            let node = &self.switches[id.index()];
            let port = |id: SwitchPortId| -> Name {
                node.ports.get(usize::from(id.0)).map_or(&node.name, |port| &port.name).clone()
            };
            for (key, says) in gone.into_iter().map(|key| (key, None)).chain(changed) {
                if self.told.entry(id, key, says) {
                    let entry = says.map(|(id, kind)| (port(id), kind));
                    let (step, time, switch, (vlan, mac)) = (self.step, self.now, node.name.clone(), key);
                    self.log.push(Event::Fdb(FdbChange { step, time, switch, vlan, mac, entry }));
                }
            }
        }
    }
}
