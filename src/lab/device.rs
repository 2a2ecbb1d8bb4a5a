//! What a lab is made of, as it is configured: devices with links, ports, cables, switches, and the agents that hold the
//! IP stacks. What frames meet is compiled from it (`publish.rs`).

use super::event::DeviceType;
use super::outlet::Outlet;
use crate::dataplane::{BridgePort, NodeId, SwitchId};
use crate::frame::{MacAddr, VlanId};
use crate::lab::spec::{Name, TapOpen};
use crate::macvlan::Parent;
use crate::nic::{Nic, PushedDown};
use crate::station::Host;
use crate::switch::{PortConfig, SwitchPortId};
use crate::time::Instant;
use crate::verdict::PortId;
use std::time::Duration;

/// A device, by the order in which it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DeviceId(pub(super) usize);

/// A cable, by the order in which it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CableId(pub(super) usize);

/// Whatever holds an IP stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AgentId(pub(super) usize);

/// A device.
pub(super) struct Device {
    pub(super) name: Name,
    pub(super) kind: Kind,
    /// The IP stack behind it, and which of its interfaces this is.
    pub(super) agent: Option<(AgentId, usize)>,
    /// The declared host that it belongs to; `None`: its IP stack is its own.
    pub(super) host: Option<Name>,
    /// Its user is outside.
    pub(super) user: Option<Outlet>,
    /// What it is a port of.
    pub(super) master: Option<Master>,
    /// It was removed.
    pub(super) gone: bool,
}

/// What a device is a port of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Master {
    /// A bridge of its host.
    Bridge(BridgePort),
    /// A bond.
    Bond(Bonded),
}

/// A port of a bond, and what it returns to when it is one no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bonded {
    pub(super) bond: DeviceId,
    /// Its own MAC address.
    pub(super) mac: MacAddr,
    /// Its own mtu in bytes.
    pub(super) mtu: u32,
}

/// What a device is.
pub(super) enum Kind {
    /// It has its own link.
    Link(Box<Link>),
    /// A macvlan or macvtap.
    Port {
        /// The device below.
        parent: DeviceId,
        /// Its slot there.
        port: PortId,
        /// Made as a macvtap, and who has its device node open.
        tap: Option<TapOpen>,
    },
}

/// What a device with a link serves as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Nic,
    Dummy,
    Bond,
    Vlan,
    Station,
    /// An interface of the named router.
    Router(Name),
    /// A switch's own device.
    Bridge,
}

/// A device with its own link.
pub(super) struct Link {
    pub(super) role: Role,
    /// Itself, and the ports on it.
    pub(super) base: Parent,
    /// The devices of its ports, by slot.
    pub(super) ports: Vec<Option<DeviceId>>,
    /// The 802.1Q sub-interfaces on it.
    pub(super) vlans: Vec<(VlanId, DeviceId)>,
    /// Where its frames leave.
    pub(super) uplink: Uplink,
}

impl Link {
    /// A link with nothing on it.
    pub(super) fn new(role: Role, nic: Nic, uplink: Uplink) -> Link {
        Link { role, base: Parent::new(nic), ports: Vec::new(), vlans: Vec::new(), uplink }
    }

    pub(super) fn nic(&self) -> &Nic {
        self.base.nic()
    }
}

/// A bond in active-backup mode.
#[derive(Clone, Debug, Default)]
pub(super) struct Bond {
    /// In the order in which they became its ports; each with whether it could be used when that was last looked at.
    pub(super) ports: Vec<(DeviceId, bool)>,
    /// The port that is active whenever it can be.
    pub(super) primary: Option<Name>,
    /// The port by which it sends and receives.
    pub(super) active: Option<DeviceId>,
    /// Its MAC address was set by hand; otherwise its first port gives it its own.
    pub(super) has_own_mac: bool,
    /// What was pushed down to the active port.
    pub(super) pushed: PushedDown,
}

/// Where a link's frames leave.
#[derive(Clone, Debug)]
pub(super) enum Uplink {
    Cable(CableId),
    /// Nowhere: a dummy throws away what it sends.
    Discard,
    /// Into the switch whose own device it is.
    Switch(SwitchId),
    /// By the active port of the bond that it is.
    Bond(Box<Bond>),
    /// Through the device below, with a tag.
    Below {
        nic: DeviceId,
        vlan: VlanId,
        /// The address was taken from the device below and follows it.
        inherited_mac: bool,
        /// What was pushed down to it.
        pushed: PushedDown,
    },
}

impl Uplink {
    /// The device whose filter has to let in what this one wants, and what it was asked for.
    pub(super) fn filters_for(&mut self) -> Option<(DeviceId, &mut PushedDown)> {
        match self {
            Uplink::Below { nic, pushed, .. } => Some((*nic, pushed)),
            Uplink::Bond(bond) => bond.active.map(|active| (active, &mut bond.pushed)),
            Uplink::Cable(_) | Uplink::Discard | Uplink::Switch(_) => None,
        }
    }
}

/// One end of a cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Device(DeviceId),
    Switch(SwitchId, SwitchPortId),
    /// Connected, with carrier, and nothing listens.
    Nobody {
        /// Of the interface there, in bytes.
        mtu: u32,
    },
    /// Reality is attached here.
    Outside(Outlet),
    /// The device that was here is gone.
    Gone,
}

/// A cable.
#[derive(Clone, Debug)]
pub(super) struct Cable {
    pub(super) ends: [End; 2],
    /// One-way delay.
    pub(super) latency: Duration,
}

impl Cable {
    /// The end opposite to this one.
    pub(super) fn far(&self, near: End) -> End {
        if self.ends[0] == near { self.ends[1] } else { self.ends[0] }
    }
}

/// A switch with its ports; how it decides, and what it has learned, is part of the data plane's state.
pub(super) struct SwitchNode {
    pub(super) name: Name,
    /// Its node; those of its ports follow.
    pub(super) node: NodeId,
    /// Its own device, if it serves as a parent.
    pub(super) own: Option<DeviceId>,
    /// By port id.
    pub(super) ports: Vec<SwitchPortNode>,
}

impl SwitchNode {
    /// The node of a port.
    pub(super) fn socket(&self, port: SwitchPortId) -> NodeId {
        NodeId(self.node.0 + 1 + u32::from(port.0))
    }
}

/// A switch port.
pub(super) struct SwitchPortNode {
    /// SWITCH.DEVICE.
    pub(super) name: Name,
    /// The name of the device on the other end, or that is the port, as the file has it.
    pub(super) device: Name,
    pub(super) end: PortEnd,
}

/// What a switch port is.
pub(super) enum PortEnd {
    /// A socket with a cable.
    Cable {
        cable: CableId,
        /// That of the device at the other end when it was made, in bytes.
        mtu: u32,
    },
    /// A place for a device of the bridge's own host.
    Inside {
        /// The device that is the port now.
        device: Option<DeviceId>,
        /// How the port begins when a device becomes it.
        config: Box<PortConfig>,
    },
}

impl SwitchPortNode {
    /// The cable in it.
    pub(super) fn cable(&self) -> Option<CableId> {
        match self.end {
            PortEnd::Cable { cable, .. } => Some(cable),
            PortEnd::Inside { .. } => None,
        }
    }

    /// It is a place for a device of the own host, and no device is the port now.
    pub(super) fn is_vacant(&self) -> bool {
        matches!(self.end, PortEnd::Inside { device: None, .. })
    }
}

/// An IP stack, the devices that are its interfaces, and when it wants to be woken.
pub(super) struct Agent {
    pub(super) stack: Host,
    /// By number of the interface; a number is not in use if its device does not refer to it.
    pub(super) devices: Vec<DeviceId>,
    pub(super) wake: Option<Instant>,
    /// It was declared, and stays when it has no interface.
    pub(super) declared: bool,
}

impl Device {
    pub(super) fn link(&self) -> Option<&Link> {
        match &self.kind {
            Kind::Link(link) => Some(link),
            Kind::Port { .. } => None,
        }
    }

    pub(super) fn link_mut(&mut self) -> Option<&mut Link> {
        match &mut self.kind {
            Kind::Link(link) => Some(link),
            Kind::Port { .. } => None,
        }
    }

    /// The port of a bridge of its host that it is.
    pub(super) fn bridge(&self) -> Option<BridgePort> {
        match self.master {
            Some(Master::Bridge(at)) => Some(at),
            Some(Master::Bond(_)) | None => None,
        }
    }

    /// The bond of which it is a port.
    pub(super) fn bonded(&self) -> Option<Bonded> {
        match self.master {
            Some(Master::Bond(bonded)) => Some(bonded),
            Some(Master::Bridge(_)) | None => None,
        }
    }

    /// The bond that it is.
    pub(super) fn bond(&self) -> Option<&Bond> {
        match &self.link()?.uplink {
            Uplink::Bond(bond) => Some(bond),
            _ => None,
        }
    }

    /// What events call it.
    pub(super) fn device_type(&self) -> DeviceType {
        match &self.kind {
            Kind::Port { tap: None, .. } => DeviceType::Macvlan,
            Kind::Port { tap: Some(_), .. } => DeviceType::Macvtap,
            Kind::Link(link) => match link.role {
                Role::Nic => DeviceType::Nic,
                Role::Dummy => DeviceType::Dummy,
                Role::Bond => DeviceType::Bond,
                Role::Vlan => DeviceType::Vlan,
                Role::Station => DeviceType::Station,
                Role::Router(_) => DeviceType::Router,
                Role::Bridge => DeviceType::Switch,
            },
        }
    }
}
