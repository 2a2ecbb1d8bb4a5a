//! The devices, switches and cables of a lab, as they are configured.

use super::device::{self, Bonded, Cable, Device, DeviceId, Kind, Link, Master, SwitchNode};
use super::spec::Name;
use crate::dataplane::{BondPort, End, NodeId, PortUser, RxHandler, Slot, SwitchId, Uplink};
use crate::macvlan::Port;
use crate::station::IpSpec;
use crate::switch::SwitchPortId;
use crate::verdict::PortId;
use std::collections::{BTreeMap, BTreeSet};

/// What there is, and how it is connected.
#[derive(Default)]
pub(super) struct Topology {
    pub(super) devices: Vec<Device>,
    pub(super) names: BTreeMap<Name, DeviceId>,
    /// Ports that were removed: their numbers are used again, so that a lab does not grow with all that ever was.
    pub(super) vacant: Vec<DeviceId>,
    pub(super) cables: Vec<Cable>,
    pub(super) switches: Vec<SwitchNode>,
    /// The devices that are ports of a bridge of their own host.
    pub(super) enslaved: BTreeSet<DeviceId>,
    /// The bonds that have ports.
    pub(super) bonds: BTreeSet<DeviceId>,
    /// The bonds that have a new active port, and have yet to announce themselves.
    pub(super) failed_over: BTreeSet<DeviceId>,
    /// The node of the first device: switches and their ports come before.
    pub(super) first_device: NodeId,
    /// The IP configuration of every device that was ever declared, for those who name it as a target.
    pub(super) addresses: BTreeMap<Name, IpSpec>,
}

impl Topology {
    /// The device at a node; `None` if a switch or one of its ports is there.
    pub(super) fn device(&self, node: NodeId) -> Option<&Device> {
        self.devices.get(node.0.checked_sub(self.first_device.0)? as usize)
    }

    pub(super) fn link(&self, id: DeviceId) -> Option<&Link> {
        self.devices[id.0].link()
    }

    /// A device that is known to be no port.
    pub(super) fn linked(&self, id: DeviceId) -> &Link {
        self.link(id).expect("ports were told apart, or it is what something sits on")
    }

    /// A port, as its parent keeps it; it is there until its device is gone.
    pub(super) fn port(&self, parent: DeviceId, port: PortId) -> &Port {
        self.linked(parent).base.port(port).expect("a parent has the ports that are devices")
    }

    /// Whether a device is administratively up.
    pub(super) fn is_up(&self, id: DeviceId) -> bool {
        match &self.devices[id.0].kind {
            Kind::Link(link) => link.nic().is_up(),
            Kind::Port { parent, port, .. } => self.port(*parent, *port).is_up(),
        }
    }

    /// The node of a device.
    pub(super) fn node(&self, id: DeviceId) -> NodeId {
        NodeId(self.first_device.0 + id.0 as u32)
    }

    /// The node of a switch port.
    pub(super) fn socket(&self, switch: SwitchId, port: SwitchPortId) -> NodeId {
        self.switches[switch.index()].socket(port)
    }

    pub(super) fn slots(&self, link: &Link) -> Box<[Option<Slot>]> {
        let slot = |id: DeviceId| Some(Slot { node: self.node(id), user: self.port_user(id)? });
        link.ports.iter().map(|id| id.and_then(slot)).collect()
    }

    /// What gets the frames that a port receives; `None`: the device is none.
    pub(super) fn port_user(&self, id: DeviceId) -> Option<PortUser> {
        let device = &self.devices[id.0];
        let Kind::Port { tap, .. } = device.kind else { return None };
        Some(match (device.bridge(), tap) {
            (Some(at), _) => PortUser::Bridge(at),
            (None, Some(open)) => PortUser::Tap(open),
            (None, None) => PortUser::Stack,
        })
    }

    /// What takes the frames that come in at a device without macvlans.
    pub(super) fn handler(&self, id: DeviceId) -> RxHandler {
        match self.devices[id.0].master {
            Some(Master::Bridge(at)) => RxHandler::Bridge(at),
            Some(Master::Bond(Bonded { bond, .. })) => {
                let active = self.devices[bond.0].bond().and_then(|bond| bond.active);
                RxHandler::Bond(BondPort { bond: self.node(bond), active: active == Some(id) })
            }
            None => RxHandler::None,
        }
    }

    /// The NIC below a device and its sub-interfaces.
    pub(super) fn host_nic(&self, id: DeviceId) -> DeviceId {
        match self.link(id).map(|l| &l.uplink) {
            Some(device::Uplink::Below { nic, .. }) => self.host_nic(*nic),
            _ => id,
        }
    }

    pub(super) fn uplink(&self, id: DeviceId, link: &Link) -> Uplink {
        match link.uplink {
            device::Uplink::Cable(cable) => {
                let cable = &self.cables[cable.0];
                Uplink::Cable { far: self.end(cable.far(device::End::Device(id))), latency: cable.latency }
            }
            device::Uplink::Discard => Uplink::Discard,
            device::Uplink::Switch(switch) => Uplink::Switch(switch),
            device::Uplink::Bond(ref bond) => Uplink::Bond(bond.active.map(|active| self.node(active))),
            device::Uplink::Below { nic, vlan, .. } => Uplink::Below { nic: self.node(nic), vlan },
        }
    }

    pub(super) fn end(&self, end: device::End) -> End {
        match end {
            device::End::Device(id) => End::Device(self.node(id)),
            device::End::Switch(switch, port) => End::Switch(switch, port),
            device::End::Nobody { mtu } => End::Nobody { mtu },
            device::End::Outside(outlet) => outlet.end(),
            device::End::Gone => End::Gone,
        }
    }
}
