//! Compiles the configured devices into what frames meet.

use super::Lab;
use super::device::{self, DeviceId, Kind, Link, Role};
use crate::dataplane::{
    End, ForwardingContext, LinkKind, LinkNode, Node, NodeId, PortNode, PortTable, Slot, SwitchId,
    SwitchNode, SwitchPortNode, Uplink, Wiring, Worker,
};
use crate::stop::Stop;
use crate::switch::SwitchPortId;
use std::sync::Arc;

impl Lab {
    /// What frames meet now, compiled anew if anything was changed.
    pub fn wiring(&mut self) -> Arc<Wiring> {
        self.publish(&Stop::default());
        Arc::clone(&self.wiring)
    }

    /// Brings the wiring up to date; `false` if it was asked to stop meanwhile, and is as it was.
    fn publish(&mut self, stop: &Stop) -> bool {
        if self.changed {
            let Some(wiring) = self.compile(stop) else { return false };
            self.changed = false;
            self.state.fit(&wiring);
            self.wiring = Arc::new(wiring);
        }
        true
    }

    /// Its devices as they are now, with what they have counted and learned, without time, stacks and steps.
    #[must_use]
    pub fn into_worker(mut self) -> Worker {
        Worker::new(self.wiring(), self.state)
    }

    /// Lets a frame walk through the devices, as they are and at this moment; `None` if the run is to end before they are
    /// ready for it.
    pub(super) fn forward<T>(
        &mut self,
        go: impl FnOnce(&mut ForwardingContext<'_, super::Recorder<'_>>) -> T,
    ) -> Option<T> {
        if !self.publish(&self.options.stop.clone()) {
            return None;
        }
        let wiring = Arc::clone(&self.wiring);
        let mut recorder = super::Recorder {
            wiring: &wiring,
            devices: &self.devices,
            first: self.first_device,
            stacks: &mut self.stacks,
            outside: &mut self.outside,
            pool: &mut self.pool,
            log: &mut self.log,
            watched: &mut self.watched,
            step: self.step,
            now: self.now,
            hops: self.options.hops,
            decisions: self.options.decisions,
            batches: self.options.batches,
            told: self.options.changes.then_some(&mut self.told),
        };
        Some(go(&mut ForwardingContext::new(&wiring, &mut self.state, &mut recorder, self.now)))
    }

    /// The node of a device.
    pub(super) fn node(&self, id: DeviceId) -> NodeId {
        NodeId(self.first_device.0 + id.0 as u32)
    }

    /// The node of a switch port.
    pub(super) fn socket(&self, switch: SwitchId, port: SwitchPortId) -> NodeId {
        self.switches[switch.index()].socket(port)
    }

    fn compile(&mut self, stop: &Stop) -> Option<Wiring> {
        let mut wiring = Wiring::default();
        for (switch, id) in self.switches.iter().zip((0..).map(SwitchId)) {
            let node = NodeId(wiring.nodes.len() as u32);
            let own = switch.own.and_then(|id| Some((id, self.link(id)?)));
            wiring.switches.push(SwitchNode {
                node,
                own: own.map(|(id, _)| self.node(id)),
                own_promiscuous: own.is_some_and(|(_, link)| link.nic().filter().promiscuity() != 0),
            });
            wiring.nodes.push(Node::Switch);
            wiring.names.push(switch.name.clone());
            for (port, number) in switch.ports.iter().zip(0..) {
                let near = device::End::Switch(id, SwitchPortId(number));
                let cable = &self.cables[port.cable.0];
                let (far, latency) = (self.end(cable.far(near)), cable.latency);
                wiring.nodes.push(Node::SwitchPort(SwitchPortNode { mtu: port.mtu, far, latency }));
                wiring.names.push(port.name.clone());
            }
        }
        for id in (0..self.devices.len()).map(DeviceId) {
            if stop.asked() {
                return None;
            }
            let node = self.compile_device(id);
            wiring.nodes.push(node);
            wiring.names.push(self.devices[id.0].name.clone());
        }
        Some(wiring)
    }

    fn compile_device(&mut self, id: DeviceId) -> Node {
        if self.devices[id.0].gone {
            return Node::Gone;
        }
        let table = self.devices[id.0].link_mut().and_then(|l| l.base.publish()).map(Arc::clone);
        match &self.devices[id.0].kind {
            Kind::Port { parent, port, tap } => {
                let entry = self.port(*parent, *port);
                let (mtu, up) = (entry.mtu(), entry.is_up());
                Node::Port(PortNode { parent: self.node(*parent), port: *port, mtu, up, tap: *tap })
            }
            Kind::Link(link) => Node::Link(Box::new(LinkNode {
                kind: match link.role {
                    Role::Nic => LinkKind::Nic,
                    Role::Vlan => LinkKind::Vlan,
                    Role::Station | Role::Router(_) => LinkKind::Station,
                    Role::Bridge => LinkKind::Bridge,
                },
                intake: link.nic().intake(),
                mtu: link.nic().mtu(),
                carrier: self.has_carrier(id),
                ports: table.map(|table| PortTable::new(table, self.slots(link))),
                vlans: link.vlans.iter().map(|(vlan, child)| (*vlan, self.node(*child))).collect(),
                reassembles_at: self.node(self.host_nic(id)),
                uplink: self.uplink(id, link),
            })),
        }
    }

    fn slots(&self, link: &Link) -> Box<[Option<Slot>]> {
        let slot = |id: DeviceId| match self.devices[id.0].kind {
            Kind::Port { tap, .. } => Some(Slot { node: self.node(id), tap }),
            Kind::Link(_) => None,
        };
        link.ports.iter().map(|id| id.and_then(slot)).collect()
    }

    /// The NIC below a device and its sub-interfaces.
    fn host_nic(&self, id: DeviceId) -> DeviceId {
        match self.link(id).map(|l| &l.uplink) {
            Some(device::Uplink::Below { nic, .. }) => self.host_nic(*nic),
            _ => id,
        }
    }

    fn uplink(&self, id: DeviceId, link: &Link) -> Uplink {
        match link.uplink {
            device::Uplink::Cable(cable) => {
                let cable = &self.cables[cable.0];
                Uplink::Cable { far: self.end(cable.far(device::End::Device(id))), latency: cable.latency }
            }
            device::Uplink::Switch(switch) => Uplink::Switch(switch),
            device::Uplink::Below { nic, vlan, .. } => Uplink::Below { nic: self.node(nic), vlan },
        }
    }

    fn end(&self, end: device::End) -> End {
        match end {
            device::End::Device(id) => End::Device(self.node(id)),
            device::End::Switch(switch, port) => End::Switch(switch, port),
            device::End::Nobody { mtu } => End::Nobody { mtu },
            device::End::Outside(outlet) => outlet.end(),
            device::End::Gone => End::Gone,
        }
    }
}
