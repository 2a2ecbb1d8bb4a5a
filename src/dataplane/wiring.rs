//! The immutable part of the data plane: devices as frames meet them.

use crate::frame::{EthHeader, VlanId};
use crate::macvlan::{Forwarding, VerdictIndex};
use crate::nic::RxFilter;
use crate::switch::SwitchPortId;
use crate::verdict::{Egress, PortId, Rule, Verdict};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// What a device is called. Cheap to clone: no name that Linux allows is allocated.
pub type Name = smol_str::SmolStr;

/// A node of the wiring: a switch, a switch port, or a device. Switches and their ports come first, each switch before its
/// ports, then the devices in the order in which they were made; a node keeps its number when others come and go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl NodeId {
    /// As an index.
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A switch, by the order in which it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SwitchId(pub u32);

impl SwitchId {
    /// As an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where a cable ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// At a device with a link.
    Device(NodeId),
    /// At a port of a switch.
    Switch(SwitchId, SwitchPortId),
    /// Connected, with carrier, and nothing listens.
    Nobody {
        /// Of the interface there, in bytes.
        mtu: u32,
    },
    /// Outside, where reality is attached; by number.
    Outside(u32),
    /// The device that was here is gone.
    Gone,
}

/// Everything that frames meet, as of one moment. Cheap to share between threads: nothing in it changes.
#[derive(Clone, Debug, Default)]
pub struct Wiring {
    pub(crate) nodes: Vec<Node>,
    pub(crate) names: Vec<Name>,
    pub(crate) switches: Vec<SwitchNode>,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Node {
    /// A switch, where frames end that no port of it lets out.
    Switch,
    /// A port of a switch.
    SwitchPort(SwitchPortNode),
    /// A device with its own link.
    Link(Box<LinkNode>),
    /// A macvlan or macvtap.
    Port(PortNode),
    /// A device that was removed.
    Gone,
}

/// What a device with a link serves as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// A NIC, a dummy or a bond.
    Nic,
    /// An 802.1Q sub-interface.
    Vlan,
    /// A station, or an interface of a router: whatever reaches it is handed over.
    Station,
    /// A switch's own device.
    Bridge,
}

/// A device with its own link.
#[derive(Clone, Debug)]
pub struct LinkNode {
    /// What it serves as.
    pub kind: LinkKind,
    /// What it takes from its cable.
    pub intake: RxFilter,
    /// Its mtu in bytes.
    pub mtu: u32,
    /// It and the other end of its cable are up.
    pub carrier: bool,
    /// What takes the frames that come in.
    pub handler: RxHandler,
    /// The 802.1Q sub-interfaces on it.
    pub vlans: Box<[(VlanId, NodeId)]>,
    /// The NIC in whose host fragments wait: itself, or the one below a sub-interface (R162).
    pub reassembles_at: NodeId,
    /// Where its frames leave.
    pub uplink: Uplink,
}

impl LinkNode {
    /// The ports on it, if there are any.
    #[must_use]
    pub fn ports(&self) -> Option<&PortTable> {
        match &self.handler {
            RxHandler::Ports(ports) => Some(ports),
            RxHandler::None | RxHandler::Bridge(_) | RxHandler::Bond(_) => None,
        }
    }

    /// The ports, if what comes out of the cable may go on to the demultiplexer, and ends at once: what goes on into a
    /// bridge does not.
    pub(super) fn hooked(&self) -> Option<&PortTable> {
        self.ports().filter(|p| self.intake.is_up() && self.kind != LinkKind::Station && !p.bridged)
    }

    /// Whether a frame that comes out of the cable goes on to the [demultiplexer](LinkNode::hooked) for sure.
    #[inline(always)]
    pub(super) fn leads_to_hook(&self, header: &EthHeader) -> bool {
        (header.tag.is_none() || self.vlans.is_empty()) && self.intake.lets_in(header)
    }
}

/// What takes the frames that come in at a device, behind its tap and its sub-interfaces (the kernel's receive handler, of
/// which a device has one at most).
#[derive(Clone, Debug, Default)]
pub enum RxHandler {
    /// Nothing: they go to the host stack (R3).
    #[default]
    None,
    /// The demultiplexer of the macvlan ports on it.
    Ports(PortTable),
    /// The bridge in its host of which it is a port (R220).
    Bridge(BridgePort),
    /// The bond of which it is a port (B1, B3).
    Bond(BondPort),
}

/// A port of a bond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BondPort {
    /// The bond.
    pub bond: NodeId,
    /// It is the active port.
    pub active: bool,
}

/// A port of a bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BridgePort {
    /// The bridge.
    pub switch: SwitchId,
    /// Its port.
    pub port: SwitchPortId,
}

/// The ports of a parent.
#[derive(Clone, Debug)]
pub struct PortTable {
    /// What decides.
    pub table: Arc<Forwarding>,
    /// What each of the table's verdicts about unicasts comes to, in their order.
    dispositions: Box<[Disposition]>,
    /// The node of each port, and what its frames are for; by the ports' numbers.
    slots: Box<[Option<Slot>]>,
    /// Some port is a port of a bridge in turn.
    bridged: bool,
}

/// Where a unicast ends of which no copies are made.
#[derive(Clone, Copy, Debug)]
pub(super) enum Disposition {
    /// At a port.
    Port(NodeId, Rule),
    /// At a macvtap, and who has its device node open.
    Tap(NodeId, TapOpen, Rule),
    /// At a port that is a port of a bridge.
    Bridged(NodeId),
    /// At the parent's host stack.
    Host(Rule),
    /// Here.
    Dropped(Rule),
    /// At a port that is no more.
    Nowhere,
}

impl Disposition {
    fn of(verdict: &Verdict, slots: &[Option<Slot>]) -> Disposition {
        match verdict.egress {
            Egress::Port(port) => match slots.get(port.index()).copied().flatten() {
                Some(Slot { node, user: PortUser::Stack }) => Disposition::Port(node, verdict.rule),
                Some(Slot { node, user: PortUser::Tap(open) }) => Disposition::Tap(node, open, verdict.rule),
                Some(Slot { node, user: PortUser::Bridge(_) }) => Disposition::Bridged(node),
                None => Disposition::Nowhere,
            },
            Egress::HostStack => Disposition::Host(verdict.rule),
            Egress::Drop => Disposition::Dropped(verdict.rule),
            Egress::Wire | Egress::Parent => Disposition::Nowhere,
        }
    }
}

impl PortTable {
    /// A parent that decides by this table, and the node of each port.
    #[cfg(feature = "lab")]
    pub(crate) fn new(table: Arc<Forwarding>, slots: Box<[Option<Slot>]>) -> PortTable {
        let dispositions = table.verdicts().iter().map(|verdict| Disposition::of(verdict, &slots)).collect();
        let bridged = slots.iter().flatten().any(|slot| matches!(slot.user, PortUser::Bridge(_)));
        PortTable { table, dispositions, slots, bridged }
    }

    /// Where a unicast of this fate ends.
    #[inline(always)]
    pub(super) fn disposition(&self, index: VerdictIndex) -> &Disposition {
        self.dispositions.get(index.index(self.dispositions.len())).unwrap_or(&Disposition::Nowhere)
    }

    /// Where a frame ends by a verdict that makes no copies.
    pub(super) fn disposition_by(&self, verdict: &Verdict) -> Disposition {
        Disposition::of(verdict, &self.slots)
    }

    /// The nodes of the ports, by the ports' numbers.
    pub fn nodes(&self) -> impl Iterator<Item = (PortId, NodeId)> + '_ {
        self.slots.iter().zip(0..=u16::MAX).filter_map(|(slot, n)| slot.map(|s| (PortId(n), s.node)))
    }

    #[inline]
    pub(super) fn slot(&self, port: PortId) -> Option<Slot> {
        self.slots.get(port.index()).copied().flatten()
    }
}

/// Where a port's frames go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) node: NodeId,
    pub(crate) user: PortUser,
}

/// What gets the frames that a port receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortUser {
    /// Its own stack.
    Stack,
    /// It is a macvtap; this is who has its device node open.
    Tap(TapOpen),
    /// The bridge in its host of which it is a port (R220).
    Bridge(BridgePort),
}

/// Where a link's frames leave.
#[derive(Clone, Copy, Debug)]
pub enum Uplink {
    /// On a cable.
    Cable {
        /// Its other end.
        far: End,
        /// One-way delay.
        latency: Duration,
    },
    /// Nowhere: a dummy throws away what it sends.
    Discard,
    /// Into the switch whose own device it is.
    Switch(SwitchId),
    /// By the active port of the bond that it is; a bond without one has no carrier.
    Bond(Option<NodeId>),
    /// Through the device below, with a tag.
    Below {
        /// The device below.
        nic: NodeId,
        /// The tag's VLAN.
        vlan: VlanId,
    },
}

/// A macvlan or macvtap as a sender.
#[derive(Clone, Copy, Debug)]
pub struct PortNode {
    /// The device below.
    pub parent: NodeId,
    /// Its number there.
    pub port: PortId,
    /// Its mtu in bytes.
    pub mtu: u32,
    /// Administratively up.
    pub up: bool,
    /// What gets the frames that it receives.
    pub user: PortUser,
}

impl PortNode {
    /// It is a macvtap.
    #[must_use]
    pub const fn is_tap(&self) -> bool {
        matches!(self.user, PortUser::Tap(_))
    }
}

/// Who has a macvtap's device node open (R201).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TapOpen {
    /// No program: frames go to the port's own host stack.
    #[default]
    No,
    /// A program that reads at once what is queued for it.
    Reading,
    /// A program that never reads: the queue fills (R205).
    Idle,
}

/// A switch. How it decides is part of the [`State`](super::State), as it learns.
#[derive(Clone, Copy, Debug)]
pub struct SwitchNode {
    /// Itself; its ports are the nodes behind this one.
    pub node: NodeId,
    /// Its own device, if it serves as a parent.
    pub own: Option<NodeId>,
    /// That device is promiscuous.
    pub own_promiscuous: bool,
}

impl SwitchNode {
    /// The node of one of its ports.
    #[must_use]
    pub const fn port(&self, port: SwitchPortId) -> NodeId {
        NodeId(self.node.0 + 1 + port.0 as u32)
    }
}

/// A port of a switch.
#[derive(Clone, Copy, Debug)]
pub struct SwitchPortNode {
    /// Of its device, in bytes; of one at the other end of a cable, when that was made.
    pub mtu: u32,
    /// Where what is sent by it goes.
    pub out: PortOut,
}

/// Where what a switch sends by a port goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortOut {
    /// On a cable.
    Cable {
        /// Its other end.
        far: End,
        /// One-way delay.
        latency: Duration,
    },
    /// Out by a device of the bridge's own host, which is this port.
    Device(NodeId),
    /// Nowhere: no device of the bridge's own host is this port now.
    Vacant,
}

impl Wiring {
    /// The nodes, in the order of their numbers.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What a node is called; a switch port is SWITCH.DEVICE.
    #[must_use]
    pub fn name(&self, node: NodeId) -> &Name {
        &self.names[node.index()]
    }

    /// The device or switch port of this name, if it was not removed; for a switch, its own device.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<NodeId> {
        let there =
            |(node, called): (&Node, &Name)| !matches!(node, Node::Gone | Node::Switch) && called == name;
        let at = self.nodes.iter().zip(&self.names).position(there)?;
        u32::try_from(at).ok().map(NodeId)
    }

    /// A device with its own link.
    #[inline]
    #[must_use]
    pub fn link(&self, node: NodeId) -> Option<&LinkNode> {
        match self.nodes.get(node.index()) {
            Some(Node::Link(link)) => Some(link),
            _ => None,
        }
    }

    /// A device that the wiring itself says has a link: below a port or a sub-interface, or a switch's own.
    pub(super) fn linked(&self, node: NodeId) -> &LinkNode {
        self.link(node).expect("what a wiring leads to is part of it")
    }

    /// A switch.
    pub(crate) fn switch(&self, id: SwitchId) -> &SwitchNode {
        &self.switches[id.index()]
    }

    /// A port of a switch, which the wiring itself or the switch has named.
    pub(super) fn switch_port(&self, switch: SwitchId, port: SwitchPortId) -> (NodeId, &SwitchPortNode) {
        let node = self.switch(switch).port(port);
        match self.nodes.get(node.index()) {
            Some(Node::SwitchPort(port)) => (node, port),
            _ => unreachable!("{switch:?} has no {port:?}"),
        }
    }
}
