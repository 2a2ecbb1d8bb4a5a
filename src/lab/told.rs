//! What changes while the lab runs, told: the devices after a step that changed them, and every entry of a forwarding
//! database that comes, moves or goes. Only if [`Options::changes`](super::Options::changes) is set.

use super::device::SwitchId;
use super::event::{Device, FdbChange};
use super::spec::{Action, Name};
use super::{Event, Lab};
use crate::frame::{EthHeader, MacAddr, VlanId};
use crate::switch::{FdbEntry, FdbKind, Learn, SwitchPortId, SwitchVerdict};
use std::collections::BTreeMap;

/// What an entry is filed under.
type Key = (Option<VlanId>, MacAddr);

/// What an entry says.
type Says = (SwitchPortId, FdbKind);

/// What was told last.
#[derive(Default)]
pub(super) struct Told {
    devices: Vec<Device>,
    /// By switch.
    fdbs: Vec<BTreeMap<Key, Says>>,
}

impl Told {
    /// The lab begins with these devices.
    pub(super) fn begin(&mut self, devices: &[Device]) {
        devices.clone_into(&mut self.devices);
    }
}

fn says(entry: &FdbEntry) -> Says {
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

    /// A switch has learned, or not, from a frame with this header.
    pub(super) fn tell_learned(&mut self, switch: SwitchId, verdict: &SwitchVerdict, header: &EthHeader) {
        if !self.options.changes || verdict.learn != Learn::Source {
            return;
        }
        let entry = self.switches[switch.0].switch.fdb_entry(verdict.vlan, header.src, self.now);
        self.tell_entry(switch, (verdict.vlan, header.src), entry.as_ref().map(says));
    }

    /// Tells all differences between what the switches know and what was told of it.
    pub(super) fn tell_fdbs(&mut self) {
        if !self.options.changes {
            return;
        }
        for index in 0..self.switches.len() {
            let entries = self.switches[index].switch.fdb_entries(self.now);
            let now: BTreeMap<Key, Says> = entries.iter().map(|e| ((e.vlan, e.mac), says(e))).collect();
            let before = self.told.fdbs.get(index).into_iter().flatten();
            let gone: Vec<Key> = before.map(|(key, _)| *key).filter(|key| !now.contains_key(key)).collect();
            let changed = now.into_iter().map(|(key, says)| (key, Some(says)));
            for (key, says) in gone.into_iter().map(|key| (key, None)).chain(changed) {
                self.tell_entry(SwitchId(index), key, says);
            }
        }
    }

    fn tell_entry(&mut self, switch: SwitchId, key: Key, says: Option<Says>) {
        let known = self.told.fdbs.len().max(switch.0 + 1);
        self.told.fdbs.resize_with(known, BTreeMap::new);
        let told = &mut self.told.fdbs[switch.0];
        let before = match says {
            Some(says) => told.insert(key, says),
            None => told.remove(&key),
        };
        if before == says {
            return;
        }
        let node = &self.switches[switch.0];
        let port = |id: SwitchPortId| -> Name {
            node.ports.get(usize::from(id.0)).map_or(&node.name, |port| &port.name).clone()
        };
        let entry = says.map(|(id, kind)| (port(id), kind));
        let (step, time, switch, (vlan, mac)) = (self.step, self.now, node.name.clone(), key);
        self.log.push(Event::Fdb(FdbChange { step, time, switch, vlan, mac, entry }));
    }
}
