//! Interfaces, in the words of the tools.

use super::{Note, NoteKind};
use crate::errno::Errno;
use crate::frame::{MacAddr, VlanId};
use crate::interop::Place;
use crate::macvlan::{MacvlanFlags, Mode};
use crate::station::{IpNet, Sysctls};
use crate::switch::{PortFlag, PortState, PortVlans};
use std::collections::BTreeMap;
use std::net::IpAddr;

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
    /// The network that it is a port of, an index of [`Draft::networks`](super::Draft::networks).
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
    pub(in crate::interop) listed: bool,
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

impl Interface {
    /// An interface with nothing else.
    pub(in crate::interop) fn new(name: impl Into<String>, kind: Kind) -> Interface {
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
    pub(in crate::interop) fn macvlan(
        name: impl Into<String>,
        lower: Lower,
        mode: Option<Mode>,
    ) -> Interface {
        let flags = MacvlanFlags::default();
        Interface::new(name, Kind::Macvlan { lower, mode, tap: false, flags, sources: Vec::new() })
    }

    /// The device below.
    pub(in crate::interop) fn lower(&self) -> Option<&Lower> {
        match &self.kind {
            Kind::Vlan { lower, .. } | Kind::Macvlan { lower, .. } => Some(lower),
            Kind::Nic | Kind::Dummy | Kind::Veth(_) | Kind::Bridge { .. } | Kind::Other(_) => None,
        }
    }

    /// The device that it refers to: the one below, or the other end of a cable.
    pub(in crate::interop) fn refers_to(&mut self) -> Option<&mut Lower> {
        match &mut self.kind {
            Kind::Vlan { lower, .. } | Kind::Macvlan { lower, .. } | Kind::Veth(lower) => Some(lower),
            Kind::Nic | Kind::Dummy | Kind::Bridge { .. } | Kind::Other(_) => None,
        }
    }

    /// Notes something about it.
    pub(in crate::interop) fn note(&mut self, kind: NoteKind, text: impl Into<String>) {
        let note = Note::new(kind, text, self.place);
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}
