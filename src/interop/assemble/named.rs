//! Names for the devices of a lab: a machine with one interface lends it its name.

use super::super::{Draft, Kind, Role};
use super::Id;
use super::links::Links;
use crate::lab::spec::Name;
use std::collections::{BTreeMap, BTreeSet};

/// The names in a lab.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Of interfaces.
    pub(super) devices: BTreeMap<Id, Name>,
    /// Of machines that are declared as hosts.
    pub(super) hosts: BTreeMap<usize, Name>,
    taken: BTreeSet<String>,
    /// Those of them that switches have.
    switches: BTreeSet<String>,
}

impl Names {
    /// A copy, to which names are added that belong to no interface.
    pub(super) fn again(&self) -> Names {
        let taken = self.devices.values().chain(self.hosts.values()).map(ToString::to_string).collect();
        let switches = self.switches.clone();
        Names { devices: self.devices.clone(), hosts: self.hosts.clone(), taken, switches }
    }

    /// The name, or one like it that is not used yet and short enough.
    pub(super) fn take(&mut self, wanted: &str) -> Name {
        self.claim(wanted, false)
    }

    /// The same for a switch, whose ports have names, too: that of `lan` for `eth0` is `lan.eth0`.
    pub(super) fn take_for_switch(&mut self, wanted: &str) -> Name {
        self.claim(wanted, true)
    }

    fn claim(&mut self, wanted: &str, is_switch: bool) -> Name {
        let usable = |c: char| if c.is_ascii_graphic() && !"/:\"\\".contains(c) { c } else { '-' };
        let wanted: String = wanted.chars().map(usable).collect();
        // The kernel's dev_valid_name refuses these three.
        let wanted = if ["", ".", ".."].contains(&&*wanted) { "unnamed".to_owned() } else { wanted };
        let mut name = shortened(&wanted, "");
        let mut number = 1;
        while !self.is_free(&name, is_switch) {
            number += 1;
            name = shortened(&wanted, &format!("-{number}"));
        }
        self.taken.insert(name.clone());
        if is_switch {
            self.switches.insert(name.clone());
        }
        name.as_str().into()
    }

    /// Nothing has this name, and it makes no device's name that of a switch's port.
    fn is_free(&self, name: &str, is_switch: bool) -> bool {
        let is_port = |(switch, device): (&str, &str)| {
            let is_switch = self.switches.contains(switch) || is_switch && switch == name;
            is_switch && (self.taken.contains(device) || device == name)
        };
        !self.taken.contains(name)
            && !halves(name).any(is_port)
            && !self.taken.iter().any(|other| halves(other).any(is_port))
    }
}

/// Each way to take a name for that of a switch's port: what is before a point, and what is behind it.
fn halves(name: &str) -> impl Iterator<Item = (&str, &str)> {
    name.match_indices('.').map(|(at, _)| (&name[..at], &name[at + 1..]))
}

/// Maximum length of a device's name, in bytes (`IFNAMSIZ`, less the end).
const MAX_NAME: usize = 15;

/// The beginning of a name, with this at its end.
fn shortened(wanted: &str, end: &str) -> String {
    let mut name: String = wanted.chars().take(MAX_NAME.saturating_sub(end.len())).collect();
    name.push_str(end);
    name
}

/// Gives names to hosts and devices.
pub(super) fn names(draft: &Draft, links: &Links) -> Names {
    let mut names = Names::default();
    let hosts = draft
        .machines
        .iter()
        .filter(|machine| machine.role == Role::Host && !machine.interfaces.is_empty())
        .count();
    for (m, machine) in draft.machines.iter().enumerate() {
        let is_there = (0..machine.interfaces.len()).any(|i| !links.gone.contains(&(m, i)));
        if is_there && machine.is_host() {
            let name = names.take(&machine.name);
            names.hosts.insert(m, name);
        }
    }
    for id in draft.ids().filter(|id| !links.gone.contains(id)) {
        let machine = &draft.machines[id.0];
        let own = &draft.at(id).name;
        let alone = (0..machine.interfaces.len()).filter(|i| !links.gone.contains(&(id.0, *i))).count() == 1;
        let wanted = match machine.role {
            Role::Host if hosts == 1 => own.clone(),
            Role::Container | Role::Pod | Role::Guest | Role::Namespace
                if alone && !names.hosts.contains_key(&id.0) =>
            {
                machine.name.clone()
            }
            Role::Namespace if draft.ids().filter(|other| draft.at(*other).name == *own).count() == 1 => {
                own.clone()
            }
            _ => format!("{}.{own}", machine.name),
        };
        let is_switch = matches!(draft.at(id).kind, Kind::Bridge { .. });
        let name = names.claim(&wanted, is_switch);
        names.devices.insert(id, name);
    }
    names
}
