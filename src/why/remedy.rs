//! A single change, as a lab and a real system have it.

use crate::lab::spec::{Action, DeviceKind, DeviceSpec, HostSpec, LabSpec, Name, SwitchPortSpec, SwitchSpec};

/// How intrusive a change is: the variants are in this order. First what changes no configuration, then what changes the
/// host's, then what changes the network's, and last what weakens it or takes something away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// No configuration changes.
    State,
    /// A device is brought up.
    Up,
    /// A device takes in more, or a list has one more entry.
    Listen,
    /// A wrong entry is removed.
    Removal,
    /// A gateway.
    Gateway,
    /// An IP address.
    Address,
    /// The mode of one port.
    Mode,
    /// The mode of several ports.
    Modes,
    /// A further device of the host.
    Shim,
    /// A setting of a switch port.
    SwitchPort,
    /// A cable.
    Cable,
    /// Another MAC address.
    Mac,
    /// An entry that has to be kept up to date by hand.
    Static,
    /// A protection is relaxed.
    Policy,
    /// A protection is given up.
    Unprotected,
    /// A port takes its parent over.
    Takeover,
}

impl Rank {
    /// Whether it comes behind all others, whatever else those break.
    #[must_use]
    pub fn is_last_resort(self) -> bool {
        self >= Rank::Unprotected
    }
}

/// A part of a declaration, as it is after a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Table {
    /// The device of this name, in its table or in the last step that adds it; a new one if there is none.
    Device(DeviceSpec),
    /// A port of a switch; a new one if the switch has none for this device.
    Port {
        /// The switch.
        switch: Name,
        /// Its port.
        port: SwitchPortSpec,
    },
    /// The switch of this name.
    Switch(SwitchSpec),
    /// The host of this name; a new one if there is none.
    Host(HostSpec),
}

/// A single change that a person could make.
#[derive(Clone, Debug, PartialEq)]
pub struct Remedy {
    /// How intrusive it is.
    pub rank: Rank,
    /// One sentence: `Set c1 to mode bridge.`
    pub reads: String,
    /// The same in the declaration; empty: it has no place there.
    pub tables: Vec<Table>,
    /// The same as steps of the running lab; empty: there are none for it.
    pub live: Vec<Action>,
    /// The commands of a real system for the steps.
    pub commands: Vec<String>,
    /// The commands of a real system if the steps are refused or do not help: what has to be made anew.
    pub anew: Vec<String>,
    /// Changes of one family are tried in order, and none that includes one that helped.
    pub family: Family,
}

/// The family of a change, and the parts of it that other members of the family may have too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Family {
    /// Its name; empty: it has none.
    pub name: String,
    /// What is changed.
    pub parts: Vec<String>,
}

impl Remedy {
    /// A change with nothing in it yet.
    pub(super) fn new(rank: Rank, reads: impl Into<String>) -> Remedy {
        let (tables, live, commands, anew) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Remedy { rank, reads: reads.into(), tables, live, commands, anew, family: Family::default() }
    }

    pub(super) fn table(mut self, table: Table) -> Remedy {
        self.tables.push(table);
        self
    }

    pub(super) fn step(mut self, action: Action) -> Remedy {
        self.live.push(action);
        self
    }

    pub(super) fn command(mut self, command: impl Into<String>) -> Remedy {
        self.commands.push(command.into());
        self
    }

    /// With commands that need not follow the steps.
    pub(super) fn anew(mut self, commands: impl IntoIterator<Item = String>) -> Remedy {
        self.anew.extend(commands);
        self
    }

    pub(super) fn family(mut self, name: &str, parts: impl IntoIterator<Item = String>) -> Remedy {
        self.family = Family { name: name.to_owned(), parts: parts.into_iter().collect() };
        self
    }

    /// Several changes as one.
    pub(super) fn joined(rank: Rank, reads: impl Into<String>, parts: &[Remedy]) -> Remedy {
        let mut joined = Remedy::new(rank, reads);
        for part in parts.iter().cloned() {
            joined.tables.extend(part.tables);
            joined.live.extend(part.live);
            joined.commands.extend(part.commands);
            joined.anew.extend(part.anew);
            joined.family.name = part.family.name;
            joined.family.parts.extend(part.family.parts);
        }
        // Steps for one part only would not be the change.
        if parts.iter().any(|part| part.live.is_empty()) {
            joined.live.clear();
        }
        joined
    }

    /// Whether it has all parts of another one of the same family.
    pub(super) fn is_more_than(&self, other: &Remedy) -> bool {
        let (mine, theirs) = (&self.family, &other.family);
        !mine.name.is_empty()
            && mine.name == theirs.name
            && theirs.parts.iter().all(|part| mine.parts.contains(part))
    }

    /// The lab with the change in its declaration; its steps are the same.
    #[must_use]
    pub fn declared_in(&self, spec: &LabSpec) -> LabSpec {
        let mut spec = spec.clone();
        self.tables.iter().for_each(|table| table.put(&mut spec));
        spec
    }

    /// The lab with the change as further steps.
    #[must_use]
    pub fn carried_out_in(&self, spec: &LabSpec) -> LabSpec {
        let mut spec = spec.clone();
        spec.steps.extend(self.live.iter().cloned().map(crate::lab::spec::StepSpec::new));
        spec
    }
}

impl Table {
    /// Replaces the part of the declaration that has this name.
    fn put(&self, spec: &mut LabSpec) {
        match self {
            Table::Device(device) => put_device(spec, device),
            Table::Switch(switch) => {
                spec.switches.iter_mut().filter(|s| s.name == switch.name).for_each(|s| s.clone_from(switch));
            }
            Table::Host(host) => match spec.hosts.iter_mut().find(|known| known.name == host.name) {
                Some(known) => known.clone_from(host),
                None => spec.hosts.push(host.clone()),
            },
            Table::Port { switch, port } => {
                for switch in spec.switches.iter_mut().filter(|s| s.name == *switch) {
                    match switch.ports.iter_mut().find(|p| p.device == port.device) {
                        Some(known) => known.clone_from(port),
                        None => switch.ports.push(port.clone()),
                    }
                }
            }
        }
    }
}

/// A device that steps add is as the last of them says, whatever table declared one of the same name before.
fn put_device(spec: &mut LabSpec, device: &DeviceSpec) {
    if let DeviceKind::Macvlan(port) = &device.kind {
        let added = spec.steps.iter_mut().rev().find_map(|step| match &mut step.action {
            Action::Add { name, spec } if *name == device.name => Some(spec),
            _ => None,
        });
        if let Some(added) = added {
            return added.clone_from(port);
        }
    }
    match spec.devices.iter_mut().find(|declared| declared.name == device.name) {
        Some(declared) => declared.kind = device.kind.clone(),
        None => spec.devices.push(device.clone()),
    }
}
