//! Which devices take part in a story, and their order: the ports of a parent beside it, switches in the middle, then
//! external devices.

use super::Lane;
use crate::lab::spec::Name;
use crate::lab::{Device, DeviceType};
use crate::report::draw::kind_in_words;
use std::collections::{BTreeMap, BTreeSet};

/// Every device that ever existed, by name, in its last state.
#[derive(Clone, Debug, Default)]
pub(super) struct Devices {
    list: Vec<Device>,
    index: BTreeMap<Name, usize>,
}

impl Devices {
    /// Adds or updates devices.
    pub(super) fn learn(&mut self, devices: &[Device]) {
        for device in devices {
            match self.index.get(&device.name) {
                Some(at) => self.list[*at].clone_from(device),
                None => {
                    self.index.insert(device.name.clone(), self.list.len());
                    self.list.push(device.clone());
                }
            }
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Device> {
        self.index.get(name).map(|at| &self.list[*at])
    }

    /// The name of a device's lane: a switch port uses that of its switch.
    pub(super) fn lane<'a>(&'a self, name: &'a str) -> &'a str {
        match self.get(name) {
            Some(device) if device.kind == DeviceType::SwitchPort => device.parent.as_deref().unwrap_or(name),
            _ => name,
        }
    }

    /// The lanes of the participating devices.
    pub(super) fn lanes(&self, taking_part: &BTreeSet<Name>) -> Vec<Lane> {
        let mut order: Vec<&Device> = Vec::new();
        let sitting = Sitting::of(&self.list);
        let mut parents = self
            .list
            .iter()
            .filter(|d| matches!(d.kind, DeviceType::Nic | DeviceType::Dummy | DeviceType::Bond));
        // The first host is on the left of the external devices, all others on the right, in reverse order.
        if let Some(nic) = parents.next() {
            order.extend(sitting.on(nic));
            order.push(nic);
        }
        let outside = |kind: DeviceType| self.list.iter().filter(move |d| d.kind == kind);
        order.extend(outside(DeviceType::Switch));
        for nic in parents {
            order.push(nic);
            order.extend(sitting.on(nic));
        }
        order.extend(outside(DeviceType::Router));
        order.extend(outside(DeviceType::Station));
        // A port on a switch, or on an unknown device.
        order.extend(self.list.iter().filter(|d| d.kind != DeviceType::SwitchPort));
        let mut seen = BTreeSet::new();
        order.retain(|device| taking_part.contains(&device.name) && seen.insert(&device.name));
        order.iter().map(|d| Lane { name: d.name.to_string(), kind: kind_in_words(d) }).collect()
    }
}

/// Ports and sub-interfaces by the device below them, in the order of the list.
struct Sitting<'a>(BTreeMap<&'a str, Vec<&'a Device>>);

impl<'a> Sitting<'a> {
    fn of(list: &'a [Device]) -> Sitting<'a> {
        let mut sitting: BTreeMap<&str, Vec<&Device>> = BTreeMap::new();
        for device in list.iter().filter(|d| d.kind != DeviceType::SwitchPort && d.kind != DeviceType::Router)
        {
            if let Some(parent) = device.parent.as_deref() {
                sitting.entry(parent).or_default().push(device);
            }
        }
        Sitting(sitting)
    }

    /// The devices on a device, recursively.
    fn on(&self, parent: &'a Device) -> Vec<&'a Device> {
        let (mut all, mut seen) = (Vec::new(), BTreeSet::new());
        let mut todo = vec![parent.name.as_str()];
        while let Some(name) = todo.pop() {
            for device in self.0.get(name).into_iter().flatten() {
                if seen.insert(device.name.as_str()) {
                    all.push(*device);
                    todo.push(&device.name);
                }
            }
        }
        all
    }
}
