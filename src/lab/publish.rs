//! Compiles the configured devices into what frames meet.

use super::device::{self, DeviceId, Kind, PortEnd, Role};
use super::record::Recorder;
use super::spec::DEFAULT_MTU;
use super::{Lab, Runtime};
use crate::dataplane::{
    ForwardingContext, LinkKind, LinkNode, Node, NodeId, PortNode, PortOut, PortTable, PortUser, RxHandler,
    SwitchId, SwitchNode, SwitchPortNode, Wiring, Worker,
};
use crate::stop::Stop;
use crate::switch::SwitchPortId;
use std::sync::Arc;

impl Lab {
    /// What frames meet now, compiled anew if anything was changed.
    pub fn wiring(&mut self) -> Arc<Wiring> {
        self.publish(&Stop::default());
        Arc::clone(&self.runtime.wiring)
    }

    /// Brings the wiring up to date; `false` if it was asked to stop meanwhile, and is as it was.
    fn publish(&mut self, stop: &Stop) -> bool {
        if self.runtime.changed {
            let Some(wiring) = self.compile(stop) else { return false };
            self.runtime.changed = false;
            self.runtime.state.fit(&wiring);
            self.runtime.wiring = Arc::new(wiring);
        }
        true
    }

    /// Its devices as they are now, with what they have counted and learned, without time, stacks and steps.
    #[must_use]
    pub fn into_worker(mut self) -> Worker {
        Worker::new(self.wiring(), self.runtime.state)
    }

    /// Lets a frame walk through the devices, as they are and at this moment; `None` if the run is to end before they are
    /// ready for it.
    pub(super) fn forward<T>(
        &mut self,
        go: impl FnOnce(&mut ForwardingContext<'_, Recorder<'_>>) -> T,
    ) -> Option<T> {
        if !self.publish(&self.options.stop.clone()) {
            return None;
        }
        let wiring = Arc::clone(&self.runtime.wiring);
        let Lab { options, topology, runtime, log, .. } = self;
        let Runtime { state, stacks, outside, pool, step, now, .. } = runtime;
        let (step, now) = (*step, *now);
        let mut recorder =
            Recorder { wiring: &wiring, options, topology, stacks, outside, pool, log, step, now };
        Some(go(&mut ForwardingContext::new(&wiring, state, &mut recorder, now)))
    }

    fn compile(&mut self, stop: &Stop) -> Option<Wiring> {
        let mut wiring = Wiring::default();
        for (switch, id) in self.topology.switches.iter().zip((0..).map(SwitchId)) {
            let node = NodeId(wiring.nodes.len() as u32);
            let own = switch.own.and_then(|id| Some((id, self.topology.link(id)?)));
            wiring.switches.push(SwitchNode {
                node,
                own: own.map(|(id, _)| self.topology.node(id)),
                own_promiscuous: own.is_some_and(|(_, link)| link.nic().filter().promiscuity() != 0),
            });
            wiring.nodes.push(Node::Switch);
            wiring.names.push(switch.name.clone());
            for (port, number) in switch.ports.iter().zip(0..) {
                let near = device::End::Switch(id, SwitchPortId(number));
                let node = match port.end {
                    PortEnd::Cable { cable, mtu } => {
                        let cable = &self.topology.cables[cable.0];
                        let (far, latency) = (self.topology.end(cable.far(near)), cable.latency);
                        SwitchPortNode { mtu, out: PortOut::Cable { far, latency } }
                    }
                    PortEnd::Inside { device: Some(id), .. } => SwitchPortNode {
                        mtu: self.state_of(id).mtu,
                        out: PortOut::Device(self.topology.node(id)),
                    },
                    PortEnd::Inside { device: None, .. } => {
                        SwitchPortNode { mtu: DEFAULT_MTU, out: PortOut::Vacant }
                    }
                };
                wiring.nodes.push(Node::SwitchPort(node));
                wiring.names.push(port.name.clone());
            }
        }
        for id in (0..self.topology.devices.len()).map(DeviceId) {
            if stop.asked() {
                return None;
            }
            let node = self.compile_device(id);
            wiring.nodes.push(node);
            wiring.names.push(self.topology.devices[id.0].name.clone());
        }
        Some(wiring)
    }

    fn compile_device(&mut self, id: DeviceId) -> Node {
        if self.topology.devices[id.0].gone {
            return Node::Gone;
        }
        let table = self.topology.devices[id.0].link_mut().and_then(|l| l.base.publish()).map(Arc::clone);
        match &self.topology.devices[id.0].kind {
            Kind::Port { parent, port, .. } => {
                let entry = self.topology.port(*parent, *port);
                let (mtu, up) = (entry.mtu(), entry.is_up());
                let user = self.topology.port_user(id).unwrap_or(PortUser::Stack);
                Node::Port(PortNode { parent: self.topology.node(*parent), port: *port, mtu, up, user })
            }
            Kind::Link(link) => Node::Link(Box::new(LinkNode {
                kind: match link.role {
                    Role::Nic | Role::Dummy | Role::Bond => LinkKind::Nic,
                    Role::Vlan => LinkKind::Vlan,
                    Role::Station | Role::Router(_) => LinkKind::Station,
                    Role::Bridge => LinkKind::Bridge,
                },
                intake: link.nic().intake(),
                mtu: link.nic().mtu(),
                carrier: self.has_carrier(id),
                handler: match table {
                    Some(table) => RxHandler::Ports(PortTable::new(table, self.topology.slots(link))),
                    None => self.topology.handler(id),
                },
                vlans: link.vlans.iter().map(|(vlan, child)| (*vlan, self.topology.node(*child))).collect(),
                reassembles_at: self.topology.node(self.topology.host_nic(id)),
                uplink: self.topology.uplink(id, link),
            })),
        }
    }
}
