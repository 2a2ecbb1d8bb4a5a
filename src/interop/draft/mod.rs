//! What all inputs say together, in the words of the tools: interfaces have the names that they have in their machine, and
//! much is left open. `assemble` makes a lab of it.

mod interface;
mod network;

pub use interface::{Entry, Interface, Kind, Lower, Origin, Space};
pub use network::{Attachment, Network, Pool, Ports};

use super::{Check, Place};
use crate::errno::Errno;
use crate::station::{IpNet, Sysctls};
use crate::switch::Policy;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Maximum number of machines and interfaces that are read from configurations.
const MAX_READ: usize = 5_000;

/// A network, as far as it was read.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Hosts, namespaces, containers, pods and guests, in the order in which they were read.
    pub machines: Vec<Machine>,
    /// Networks that a tool manages.
    pub networks: Vec<Network>,
    /// Who pings whom.
    pub probes: Vec<Probe>,
    /// How the network outside treats the NICs.
    pub policy: Option<Policy>,
    /// Variables of files for others.
    pub variables: BTreeMap<String, String>,
    /// The error with which the kernel refused a port of which nothing else is known.
    pub refused: Option<Errno>,
    /// What concerns no single device.
    pub notes: Vec<Note>,
}

/// What a reader wants to tell about what it read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What kind of note.
    pub kind: NoteKind,
    /// What there is to say: a sentence, or its end after the name of a device.
    pub text: String,
    /// The place in the input.
    pub place: Option<Place>,
}

/// Why something is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NoteKind {
    /// The input does not say it; the tool does it by default.
    Default,
    /// The input does not say it; it had to be assumed.
    Guess,
    /// The input says it, and a lab cannot.
    LeftOut,
    /// The input is not what was meant, which the tool tells or does not tell.
    Wrong(Check),
}

impl NoteKind {
    /// Its word in a comment.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            NoteKind::Default => "default",
            NoteKind::Guess => "guessed",
            NoteKind::LeftOut => "left out",
            NoteKind::Wrong(_) => "wrong",
        }
    }
}

impl Note {
    /// A note about a place.
    pub(super) fn new(kind: NoteKind, text: impl Into<String>, place: Option<Place>) -> Note {
        Note { kind, text: text.into(), place }
    }
}

/// What a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A machine with NICs.
    Host,
    /// A network namespace made by hand.
    Namespace,
    /// A container.
    Container,
    /// A pod.
    Pod,
    /// A virtual machine.
    Guest,
}

/// One IP stack.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// The host that it runs on, an index of [`Draft::machines`]; `None`: it is one.
    pub on: Option<usize>,
    /// Its interfaces, in the order in which they were made.
    pub interfaces: Vec<Interface>,
    /// Its connections to networks that a tool manages.
    pub attachments: Vec<Attachment>,
    /// Its routes.
    pub routes: Vec<Route>,
    /// Whether it forwards packets.
    pub forwarding: bool,
    /// Settings for all interfaces.
    pub sysctls: Sysctls,
    /// Addresses of its loopback interface.
    pub loopback: Vec<IpNet>,
    /// The names of other namespaces, by the IDs that it has for them.
    pub nsids: BTreeMap<u32, String>,
    /// The error with which its first interface was refused.
    pub refused: Option<Errno>,
    /// What there is to say about it.
    pub notes: Vec<Note>,
    /// Where it was read.
    pub place: Option<Place>,
}

/// A route, as `ip route` has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The destinations.
    pub to: IpNet,
    /// The gateway.
    pub via: Option<IpAddr>,
    /// The interface's name.
    pub dev: Option<String>,
    /// The source address.
    pub src: Option<IpAddr>,
    /// The metric.
    pub metric: Option<u32>,
}

/// A ping in the input.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// The machine that pings; `None`: not known.
    pub from: Option<usize>,
    /// The source address that the output names.
    pub source: Option<IpAddr>,
    /// Whom it pings.
    pub to: IpAddr,
    /// What came of it; `None`: not shown.
    pub replied: Option<bool>,
}

impl Draft {
    /// The machine that everything is on where nothing else is said.
    pub(super) fn host(&mut self) -> usize {
        self.machines.iter().position(|machine| machine.role == Role::Host).unwrap_or_else(|| {
            self.machines.push(Machine::new("host", Role::Host, None));
            self.machines.len() - 1
        })
    }

    /// The machine of this name on a host; it is made if there is none.
    pub(super) fn machine(&mut self, name: &str, role: Role, on: Option<usize>) -> usize {
        self.find(name, on).unwrap_or_else(|| {
            self.machines.push(Machine::new(name, role, on));
            self.machines.len() - 1
        })
    }

    /// The machine of this name on a host.
    pub(super) fn find(&self, name: &str, on: Option<usize>) -> Option<usize> {
        self.machines.iter().position(|machine| machine.name == name && machine.on == on)
    }

    /// The network of this name on a host.
    pub(super) fn network(&self, name: &str, on: usize) -> Option<&Network> {
        self.networks.iter().find(|network| network.name == name && network.on.is_none_or(|host| host == on))
    }

    /// Adds a network, in place of what was known of it.
    pub(super) fn put(&mut self, network: Network) {
        let mut network = network;
        match self.networks.iter_mut().find(|known| known.name == network.name && known.on == network.on) {
            Some(known) => {
                network.tell_beside(known);
                *known = Network { place: known.place.or(network.place), ..network };
            }
            None => self.networks.push(network),
        }
    }

    /// Makes the port of a host's bridge at which a guest's interface is: the name that was asked for, or the next that
    /// libvirt gives. Returns the name.
    pub(super) fn cable_to(
        &mut self,
        host: usize,
        name: Option<String>,
        bridge: &str,
        end: (usize, &str),
    ) -> String {
        let machine = &self.machines[host];
        let is_free = |name: &String| machine.interface(name).is_none();
        let name = name.filter(is_free).unwrap_or_else(|| {
            let mut names = (0..=machine.interfaces.len()).map(|number| format!("vnet{number}"));
            names.find(is_free).unwrap_or_default()
        });
        let mut port = Interface::new(name.clone(), Kind::Veth(Lower::Named(end.0, end.1.to_owned())));
        port.master = Some(bridge.to_owned());
        self.machines[host].interfaces.push(port);
        name
    }

    /// Sets a default router of an interface, which must be in one of its subnets.
    pub(super) fn gateway(&mut self, machine: usize, name: &str, gateway: IpAddr, place: Option<Place>) {
        let interface = self.machines[machine].interface_mut(name);
        if interface.addresses.iter().any(|net| net.contains(&gateway) && net.addr() != gateway) {
            interface.gateways.push(gateway);
            return;
        }
        let is_near = interface.dynamic || interface.addresses.is_empty() || gateway.is_ipv6();
        let (kind, end) = match is_near {
            true => (NoteKind::LeftOut, ""),
            false => (
                NoteKind::Wrong(Check::OutsideSubnet),
                " is in none of its subnets: the kernel refuses the route",
            ),
        };
        self.note(kind, format!("the gateway {gateway} of `{name}`{end}"), place);
    }

    /// Whether there are as many devices as are read, which is noted.
    pub(super) fn is_full(&mut self) -> bool {
        let count =
            self.machines.iter().map(|machine| 1 + machine.interfaces.len() + machine.attachments.len());
        let is_full = count.sum::<usize>() > MAX_READ;
        if is_full {
            self.note(NoteKind::LeftOut, format!("everything after the first {MAX_READ} devices"), None);
        }
        is_full
    }

    /// Notes something about the whole.
    pub(super) fn note(&mut self, kind: NoteKind, text: impl Into<String>, place: Option<Place>) {
        let note = Note::new(kind, text, place);
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

impl Machine {
    /// A machine without interfaces.
    pub(super) fn new(name: impl Into<String>, role: Role, on: Option<usize>) -> Machine {
        Machine {
            name: name.into(),
            role,
            on,
            interfaces: Vec::new(),
            attachments: Vec::new(),
            routes: Vec::new(),
            forwarding: false,
            sysctls: Sysctls::default(),
            loopback: Vec::new(),
            nsids: BTreeMap::new(),
            refused: None,
            notes: Vec::new(),
            place: None,
        }
    }

    /// Its interface of this name.
    pub(super) fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.name == name)
    }

    /// Its interface of this name; if there is none, it must have been there before: a NIC.
    pub(super) fn interface_mut(&mut self, name: &str) -> &mut Interface {
        let at = self.interfaces.iter().position(|interface| interface.name == name);
        let at = at.unwrap_or_else(|| {
            self.interfaces.push(Interface::new(name, Kind::Nic));
            self.interfaces.len() - 1
        });
        &mut self.interfaces[at]
    }
}
