//! Networks that tools manage, and connections to them.

use super::{Note, NoteKind, Route};
use crate::frame::MacAddr;
use crate::interop::{Check, Place};
use crate::macvlan::Mode;
use crate::station::{IpNet, Sysctls};
use std::net::IpAddr;

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

impl Network {
    /// A network with nothing else.
    pub(in crate::interop) fn new(
        name: impl Into<String>,
        tool: &str,
        driver: &str,
        on: Option<usize>,
    ) -> Network {
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
    pub(in crate::interop) fn tell_beside(&mut self, other: &Network) {
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
    pub(in crate::interop) fn note(&mut self, kind: NoteKind, text: impl Into<String>, place: Option<Place>) {
        let note = Note::new(kind, text, place.or(self.place));
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}
