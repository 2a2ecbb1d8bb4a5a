//! The devices as those who draw or list them see them, and which of them may have changed.

use super::Lab;
use super::device::{DeviceId, End, Kind, Master, Role, SwitchPortNode, Uplink};
use super::event::{Device, DeviceType, SwitchPort};
use super::spec::Name;
use crate::dataplane::{NodeId, SwitchId};
use crate::station::IpNet;
use crate::switch::SwitchPortId;
use crate::verdict::PortId;

impl Lab {
    /// The devices that are there now, listed as the first event lists them.
    #[must_use]
    pub fn devices(&self) -> Vec<Device> {
        let first = self.topology.first_device.0;
        let nodes = (first..).take(self.topology.devices.len()).chain(0..first);
        nodes.filter_map(|node| self.listed(NodeId(node))).collect()
    }

    /// The device that is this port of a parent, or of the parent of a port; `None`: there is none.
    #[must_use]
    pub fn port_on(&self, device: &str, port: PortId) -> Option<&Name> {
        let id = *self.topology.names.get(device)?;
        let parent = match self.topology.devices[id.0].kind {
            Kind::Port { parent, .. } => parent,
            Kind::Link(_) => id,
        };
        let port = *self.topology.link(parent)?.ports.get(port.index())?;
        port.map(|id| &self.topology.devices[id.0].name)
    }

    /// A node as it is listed now; `None` if nothing is there. The own device of a switch is listed with its switch only.
    pub(super) fn listed(&self, node: NodeId) -> Option<Device> {
        match node.0.checked_sub(self.topology.first_device.0) {
            Some(id) => self.listed_device(node, DeviceId(id as usize)),
            None => self.listed_switch(node),
        }
    }

    /// Where a node is in the list: devices come before switches, whose nodes come before those of devices.
    pub(super) fn place(&self, node: NodeId) -> u32 {
        node.0.wrapping_sub(self.topology.first_device.0)
    }

    fn listed_device(&self, node: NodeId, id: DeviceId) -> Option<Device> {
        let device = self.topology.devices.get(id.0).filter(|device| !device.gone)?;
        let name_of = |id: DeviceId| Some(self.topology.devices[id.0].name.clone());
        let (parent, peer, vlan) = match &device.kind {
            Kind::Port { parent, .. } => (name_of(*parent), None, None),
            Kind::Link(link) => match (&link.uplink, &link.role) {
                (Uplink::Below { nic, vlan, .. }, _) => (name_of(*nic), None, Some(*vlan)),
                (Uplink::Switch(_), _) => return None,
                (Uplink::Discard | Uplink::Bond(_), _) => (None, None, None),
                (Uplink::Cable(cable), role) => {
                    let router = if let Role::Router(name) = role { Some(name.clone()) } else { None };
                    (router, self.end_name(self.topology.cables[cable.0].far(End::Device(id))), None)
                }
            },
        };
        let state = self.state_of(id);
        let address = self.addresses_of(&device.name);
        let (place, name, kind) = (self.place(node), device.name.clone(), device.device_type());
        let (mac, mode, up) = (Some(state.mac), state.mode, state.up);
        let host = device.host.clone();
        let loopback = host.as_deref().map(|host| self.addresses_of(host)).unwrap_or_default();
        let master = device.master.and_then(|master| match master {
            Master::Bridge(at) => Some(self.topology.switches[at.switch.index()].name.clone()),
            Master::Bond(bonded) => name_of(bonded.bond),
        });
        let active = device.bond().and_then(|bond| bond.active).and_then(name_of);
        Some(Device {
            place,
            name,
            kind,
            mac,
            parent,
            host,
            loopback,
            mode,
            peer,
            master,
            active,
            address,
            up,
            vlan,
            port: None,
        })
    }

    /// A device's addresses, as declared.
    pub(super) fn addresses_of(&self, name: &str) -> Vec<IpNet> {
        self.topology.addresses.get(name).map(|ip| ip.address.clone()).unwrap_or_default()
    }

    fn listed_switch(&self, node: NodeId) -> Option<Device> {
        // The switch whose node is the last that does not come after this one.
        let index = self.topology.switches.partition_point(|switch| switch.node <= node).checked_sub(1)?;
        let (switch, id) = (self.topology.switches.get(index)?, SwitchId(u32::try_from(index).ok()?));
        if let Some(number) = (node.0 - switch.node.0).checked_sub(1) {
            let number = u16::try_from(number).ok()?;
            let port = switch.ports.get(usize::from(number))?;
            return Some(self.listed_port(id, port, SwitchPortId(number)));
        }
        let host = switch.own.and_then(|id| self.topology.devices[id.0].host.clone());
        Some(Device {
            place: self.place(node),
            mac: switch.own.map(|id| self.state_of(id).mac),
            loopback: host.as_deref().map(|host| self.addresses_of(host)).unwrap_or_default(),
            host,
            address: self.addresses_of(&switch.name),
            ..Device::new(switch.name.clone(), DeviceType::Switch)
        })
    }

    fn listed_port(&self, switch: SwitchId, port: &SwitchPortNode, number: SwitchPortId) -> Device {
        let decides = self.switch(switch);
        let stands = decides.and_then(|s| s.flags(number).zip(s.state(number)));
        Device {
            place: self.place(self.topology.socket(switch, number)),
            parent: Some(self.topology.switches[switch.index()].name.clone()),
            peer: (self.topology.names.contains_key(&port.device) && !port.is_vacant())
                .then(|| port.device.clone()),
            port: stands.map(|(flags, state)| SwitchPort { flags, state }),
            ..Device::new(port.name.clone(), DeviceType::SwitchPort)
        }
    }

    fn end_name(&self, end: End) -> Option<Name> {
        match end {
            End::Device(id) => Some(self.topology.devices[id.0].name.clone()),
            End::Switch(s, p) => Some(self.topology.switches[s.index()].ports[usize::from(p.0)].name.clone()),
            End::Nobody { .. } | End::Outside(_) | End::Gone => None,
        }
    }

    /// A device may be listed differently from now on.
    pub(super) fn touch(&mut self, id: DeviceId) {
        let node = self.topology.node(id);
        self.log.last_reported.touch(node);
        // A switch is listed with the address of its own device.
        if let Kind::Link(link) = &self.topology.devices[id.0].kind
            && let Uplink::Switch(switch) = link.uplink
        {
            self.log.last_reported.touch(self.topology.switches[switch.index()].node);
        }
    }

    /// What is at the end of a cable may be listed differently from now on.
    pub(super) fn touch_end(&mut self, end: End) {
        match end {
            End::Device(id) => self.touch(id),
            End::Switch(switch, port) => self.touch_switch_port(switch, port),
            End::Nobody { .. } | End::Outside(_) | End::Gone => {}
        }
    }

    /// A switch port may be listed differently from now on.
    pub(super) fn touch_switch_port(&mut self, switch: SwitchId, port: SwitchPortId) {
        let node = self.topology.socket(switch, port);
        self.log.last_reported.touch(node);
    }

    /// A device of this name comes, goes, or is declared otherwise: it, and the switch ports that name it, may be listed
    /// differently from now on.
    pub(super) fn touch_named(&mut self, name: &str) {
        if !self.log.last_reported.begun() {
            return;
        }
        if let Some(id) = self.topology.names.get(name) {
            self.touch(*id);
        }
        for switch in &self.topology.switches {
            for (port, number) in switch.ports.iter().zip(0..) {
                if port.device == name {
                    self.log.last_reported.touch(switch.socket(SwitchPortId(number)));
                }
            }
        }
    }
}
