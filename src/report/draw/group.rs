//! Groups: a switch and everything cabled to it.

use super::topology::{Branch, Machine, Topology};
use crate::lab::Device;
use std::collections::BTreeMap;

/// A switch, or none, and the devices cabled to it.
#[derive(Default)]
pub(super) struct Group<'t, 'a> {
    pub(super) switch: Option<(&'a Device, &'t [&'a Device])>,
    pub(super) above: Vec<&'t Branch<'a>>,
    pub(super) below: Vec<&'t Machine<'a>>,
}

/// One group for each switch, then one for each parent without a switch, then one for the rest.
pub(super) fn groups<'t, 'a>(topology: &'t Topology<'a>) -> Vec<Group<'t, 'a>> {
    let mut groups: Vec<Group<'t, 'a>> = Vec::new();
    for (switch, ports) in &topology.switches {
        groups.push(Group { switch: Some((switch, ports.as_slice())), ..Group::default() });
    }
    let at_switch = |device: &Device| {
        topology.switches.iter().position(|(switch, ports)| {
            switch.name == device.name || ports.iter().any(|p| p.peer.as_ref() == Some(&device.name))
        })
    };
    // Without a switch: in the group of the device at the far end, if it has one.
    let mut home: BTreeMap<&str, usize> = BTreeMap::new();
    for branch in &topology.parents {
        let near = branch.device.peer.as_ref().or(branch.device.active.as_ref());
        let with_peer = near.and_then(|near| home.get(near.as_str())).copied();
        let index = at_switch(branch.device).or(with_peer).unwrap_or(groups.len());
        if index == groups.len() {
            groups.push(Group::default());
        }
        groups[index].above.push(branch);
        home.insert(&branch.device.name, index);
    }
    for machine in &topology.machines {
        let of = |device: &&Device| {
            let peer = device.peer.as_ref().and_then(|peer| home.get(peer.as_str())).copied();
            at_switch(device).or(peer)
        };
        let index = machine.interfaces.iter().find_map(of).unwrap_or(groups.len());
        if index == groups.len() {
            groups.push(Group::default());
        }
        groups[index].below.push(machine);
    }
    groups
}
