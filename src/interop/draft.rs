//! What all inputs say together, in the words of the tools: interfaces have the names that they have in their machine, and
//! much is left open. `assemble` makes a lab of it.

use super::{Check, Place};
use crate::errno::Errno;
use crate::frame::{MacAddr, VlanId};
use crate::macvlan::{MacvlanFlags, Mode};
use crate::station::{IpNet, Sysctls};
use crate::switch::{Policy, PortFlag, PortState, PortVlans};
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

/// A network interface.
#[derive(Clone, Debug)]
pub struct Interface {
    /// Its name in its machine.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its number in its machine.
    pub index: Option<u32>,
    /// Its MAC address.
    pub mac: Option<MacAddr>,
    /// Its MTU in bytes.
    pub mtu: Option<u32>,
    /// Whether it is up; `None`: not said.
    pub up: Option<bool>,
    /// Its IP addresses.
    pub addresses: Vec<IpNet>,
    /// Default routers by it.
    pub gateways: Vec<IpAddr>,
    /// Static neighbour entries.
    pub neighbours: BTreeMap<IpAddr, MacAddr>,
    /// Settings.
    pub sysctls: Sysctls,
    /// The bridge or bond that it is a port of.
    pub master: Option<String>,
    /// Its flags as a port of a bridge.
    pub port_flags: Vec<(PortFlag, bool)>,
    /// Its state as a port of a bridge; `None`: forwarding, once it has a carrier.
    pub port_state: Option<PortState>,
    /// Its VLANs as a port of a bridge; `None`: as a port is made.
    pub vlans: Option<PortVlans>,
    /// Entries of the forwarding database that were made by hand for it as a port of a bridge.
    pub fdb: Vec<Entry>,
    /// Reserved addresses that it forwards as a bridge, or as a port of one.
    pub group_fwd_mask: u16,
    /// Multicast addresses that were added to it by hand.
    pub multicast: Vec<MacAddr>,
    /// The length of its broadcast queue, as a macvlan.
    pub bcqueuelen: Option<u32>,
    /// When its broadcasts are queued, as a macvlan.
    pub bclim: Option<i32>,
    /// Promiscuous by hand.
    pub promisc: bool,
    /// All-multicast by hand.
    pub allmulticast: bool,
    /// What there is to say about it.
    pub notes: Vec<Note>,
    /// The error with which the kernel refused it.
    pub refused: Option<Errno>,
    /// The network that it is a port of, an index of [`Draft::networks`].
    pub network: Option<usize>,
    /// What describes it.
    pub origin: Option<Origin>,
    /// Its description is what a tool printed, not a command.
    pub seen: bool,
    /// That it is a macvlan is only known from the device below it, which `ip a` shows.
    pub kind_guessed: bool,
    /// Its addresses are not in the input: DHCP or the guest itself sets them.
    pub dynamic: bool,
    /// Its addresses in this output are being read: an output that shows some shows all.
    pub(super) listed: bool,
    /// Where it was read.
    pub place: Option<Place>,
}

/// An entry of a bridge's forwarding database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The address.
    pub mac: MacAddr,
    /// Its VLAN.
    pub vlan: Option<VlanId>,
    /// It stays where it is, wherever the address is seen.
    pub sticky: bool,
    /// It ages and moves as if it were learned.
    pub dynamic: bool,
}

/// What an interface is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A NIC, or whatever else has a cable.
    Nic,
    /// A dummy.
    Dummy,
    /// One end of a veth pair; the other one.
    Veth(Lower),
    /// A bridge of its machine.
    Bridge {
        /// 802.1Q filtering.
        vlan_filtering: bool,
        /// How long a learned entry lives, in seconds; `None`: as long as usual.
        ageing: Option<u64>,
    },
    /// An 802.1Q sub-interface.
    Vlan {
        /// The device below.
        lower: Lower,
        /// Its VLAN.
        id: VlanId,
    },
    /// A macvlan or macvtap.
    Macvlan {
        /// Its parent.
        lower: Lower,
        /// Its mode; `None`: not said, so the kernel's default, vepa.
        mode: Option<Mode>,
        /// A macvtap.
        tap: bool,
        /// Its flags.
        flags: MacvlanFlags,
        /// The senders of source mode.
        sources: Vec<MacAddr>,
    },
    /// A device of this type, which a lab does not have.
    Other(String),
}

/// A device that another one refers to.
#[derive(Clone, Debug, PartialEq)]
pub enum Lower {
    /// By name, in this machine.
    Named(usize, String),
    /// By number, in another namespace.
    Index(Space, u32),
}

/// A namespace, as the one that refers to it knows it.
#[derive(Clone, Debug, PartialEq)]
pub enum Space {
    /// The machine itself, if it is a host; otherwise its host.
    Host,
    /// This machine.
    Machine(usize),
    /// By its ID there.
    Id(u32),
    /// By its name.
    Named(String),
}

/// What describes an interface: how its tool refers to it, for changes in the words of that tool.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// A `.netdev` file of systemd-networkd.
    Networkd {
        /// The device that it makes.
        device: String,
    },
    /// A connection of NetworkManager.
    NetworkManager {
        /// Its id.
        connection: String,
    },
    /// A device of an instance or profile of Incus, or a network.
    Incus {
        /// The command that sets something of it.
        command: &'static str,
        /// The instance, profile or network.
        owner: String,
        /// The device; `None`: of a network.
        device: Option<String>,
    },
    /// The configuration of a container of LXC.
    Lxc {
        /// The container.
        container: String,
        /// What the interface's keys begin with.
        key: String,
    },
    /// A section of OpenWrt's configuration `network`.
    Uci {
        /// Its name, or `@device[NUMBER]`.
        section: String,
    },
    /// A direct interface of a domain of libvirt.
    Libvirt {
        /// The domain.
        domain: String,
        /// The interface's source.
        parent: String,
    },
    /// A link of a topology of containerlab.
    Containerlab {
        /// The node.
        node: String,
        /// The interface in the node.
        interface: String,
        /// The interface of the host.
        parent: String,
        /// The MAC address that the link gives.
        mac: Option<String>,
    },
}

/// A connection of a machine to a managed network.
#[derive(Clone, Debug, Default)]
pub struct Attachment {
    /// The network's name.
    pub network: String,
    /// The addresses that were asked for; without a prefix length as a rule, so with the longest.
    pub addresses: Vec<IpNet>,
    /// Those that it was seen to have.
    pub seen: Vec<IpNet>,
    /// The default routers that were asked for.
    pub gateways: Vec<IpAddr>,
    /// The MAC address that was asked for.
    pub mac: Option<MacAddr>,
    /// The interface's name in the machine.
    pub interface: Option<String>,
    /// Where it was read.
    pub place: Option<Place>,
}

/// A network that a tool manages: of Docker, Podman or CNI.
#[derive(Clone, Debug)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// The tool in whose language it was read: the name of a format, or of an engine.
    pub tool: String,
    /// The driver, as written.
    pub driver: String,
    /// The host that it is on; `None`: it is on each host that has a machine on it.
    pub on: Option<usize>,
    /// The name of the parent; `None`: none was given.
    pub parent: Option<String>,
    /// The mode of its ports.
    pub mode: Mode,
    /// What its ports are like.
    pub ports: Ports,
    /// Its subnets, one after another.
    pub pools: Vec<Pool>,
    /// Each host gives out its addresses, and does not know which ones others gave out.
    pub by_host: bool,
    /// No default route.
    pub internal: bool,
    /// Nothing but settings for other networks, as those of a swarm have them for each node.
    pub config_only: bool,
    /// Its other routes. Without a gateway they lead to that of the subnet.
    pub routes: Vec<Route>,
    /// What there is to say about it.
    pub notes: Vec<Note>,
    /// Where it was read.
    pub place: Option<Place>,
}

/// What the ports of a network have in common.
#[derive(Clone, Debug, Default)]
pub struct Ports {
    /// Their MTU in bytes.
    pub mtu: Option<u32>,
    /// Their MAC address.
    pub mac: Option<MacAddr>,
    /// Their settings.
    pub sysctls: Sysctls,
    /// Promiscuous by the tool.
    pub promisc: bool,
    /// All-multicast by the tool.
    pub allmulticast: bool,
    /// A DHCP server gives them their addresses.
    pub dhcp: bool,
}

/// A subnet of a managed network.
#[derive(Clone, Debug)]
pub struct Pool {
    /// The subnet.
    pub subnet: IpNet,
    /// Addresses are given out from here; `None`: from the whole subnet.
    pub range: Option<(IpAddr, IpAddr)>,
    /// The default router; `None`: none was given.
    pub gateway: Option<IpAddr>,
    /// Addresses that are not given out.
    pub reserved: Vec<IpAddr>,
    /// The address that every port gets.
    pub fixed: Option<IpAddr>,
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

impl Network {
    /// A network with nothing else.
    pub(super) fn new(name: impl Into<String>, tool: &str, driver: &str, on: Option<usize>) -> Network {
        Network {
            name: name.into(),
            tool: tool.to_owned(),
            driver: driver.to_owned(),
            on,
            parent: None,
            mode: Mode::Bridge,
            ports: Ports::default(),
            pools: Vec::new(),
            by_host: false,
            internal: false,
            config_only: false,
            routes: Vec::new(),
            notes: Vec::new(),
            place: None,
        }
    }

    /// Notes that a network of the other kind is on the same parent: the kernel has macvlans or ipvlans on a device.
    pub(super) fn tell_beside(&mut self, other: &Network) {
        let is_beside = self.parent.is_some() && self.parent == other.parent && self.on == other.on;
        if self.driver == "macvlan" && other.driver == "ipvlan" && is_beside {
            let text = format!(
                "`{}`, an ipvlan network, is on the same parent: the kernel refuses one while it has ports of the other \
                 (EBUSY)",
                other.name
            );
            self.note(NoteKind::Wrong(Check::ParentBusy), text, None);
        }
    }

    /// Notes something about it.
    pub(super) fn note(&mut self, kind: NoteKind, text: impl Into<String>, place: Option<Place>) {
        let note = Note::new(kind, text, place.or(self.place));
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

impl Interface {
    /// An interface with nothing else.
    pub(super) fn new(name: impl Into<String>, kind: Kind) -> Interface {
        Interface {
            name: name.into(),
            kind,
            index: None,
            mac: None,
            mtu: None,
            up: None,
            addresses: Vec::new(),
            gateways: Vec::new(),
            neighbours: BTreeMap::new(),
            sysctls: Sysctls::default(),
            master: None,
            port_flags: Vec::new(),
            port_state: None,
            vlans: None,
            fdb: Vec::new(),
            group_fwd_mask: 0,
            multicast: Vec::new(),
            bcqueuelen: None,
            bclim: None,
            promisc: false,
            allmulticast: false,
            notes: Vec::new(),
            refused: None,
            network: None,
            origin: None,
            seen: false,
            kind_guessed: false,
            dynamic: false,
            listed: false,
            place: None,
        }
    }

    /// A macvlan without flags.
    pub(super) fn macvlan(name: impl Into<String>, lower: Lower, mode: Option<Mode>) -> Interface {
        let flags = MacvlanFlags::default();
        Interface::new(name, Kind::Macvlan { lower, mode, tap: false, flags, sources: Vec::new() })
    }

    /// The device below.
    pub(super) fn lower(&self) -> Option<&Lower> {
        match &self.kind {
            Kind::Vlan { lower, .. } | Kind::Macvlan { lower, .. } => Some(lower),
            Kind::Nic | Kind::Dummy | Kind::Veth(_) | Kind::Bridge { .. } | Kind::Other(_) => None,
        }
    }

    /// The device that it refers to: the one below, or the other end of a cable.
    pub(super) fn refers_to(&mut self) -> Option<&mut Lower> {
        match &mut self.kind {
            Kind::Vlan { lower, .. } | Kind::Macvlan { lower, .. } | Kind::Veth(lower) => Some(lower),
            Kind::Nic | Kind::Dummy | Kind::Bridge { .. } | Kind::Other(_) => None,
        }
    }

    /// Notes something about it.
    pub(super) fn note(&mut self, kind: NoteKind, text: impl Into<String>) {
        let note = Note::new(kind, text, self.place);
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}
