//! Devices that are ports of a bridge in their own host: what comes in there goes to the bridge, and what the bridge sends by
//! the port leaves by the device.

use super::wiring::{BridgePort, Node, PortOut, PortUser};
use super::{Bridged, End, ForwardingContext, HopKind, NodeId, Numbered, Observer};
use crate::frame::{EthHeader, PacketType};
use crate::verdict::Rule;
use core::time::Duration;

/// How often one frame may be handed to a bridge by one of the bridge's devices (R224): as many times as the kernel lets
/// devices sit on each other (`MAX_NEST_DEV`).
const MAX_BRIDGED: u8 = 8;

impl<W: Observer> ForwardingContext<'_, W> {
    /// A frame that came in at a device which is a port of a bridge goes there (R220). It does so once what is decided
    /// about it elsewhere is done, as copies do in the kernel: devices that lead back into the bridge nest no deeper.
    #[cold]
    pub(super) fn enter_bridge(
        &mut self,
        id: NodeId,
        at: BridgePort,
        packet_type: PacketType,
        frame: Numbered<'_>,
    ) {
        self.report_bridged(id, self.wiring.switch(at.switch).port(at.port), Rule::BridgeReceive, frame);
        if frame.bridged.times >= MAX_BRIDGED {
            return self.hop(id, HopKind::Drop(Rule::BridgeLoop), frame);
        }
        let bridged = Bridged { times: frame.bridged.times + 1, packet_type };
        let frame = Numbered { bridged, ..frame };
        self.observer.under_way(End::Switch(at.switch, at.port), Duration::ZERO, frame);
    }

    /// A macvlan that is a port of a bridge got a frame, and has counted it.
    #[cold]
    pub(super) fn hand_to_bridge(&mut self, id: NodeId, packet_type: PacketType, frame: Numbered<'_>) {
        let Some(Node::Port(port)) = self.wiring.nodes.get(id.index()) else { return };
        let PortUser::Bridge(at) = port.user else { return };
        self.hop(id, HopKind::Arrive(packet_type), frame);
        self.enter_bridge(id, at, packet_type, frame);
    }

    /// What a bridge sends by a port leaves by the device that is this port, which decides as for any frame it sends. What
    /// it cannot send is recorded there.
    pub(super) fn bridge_sends(&mut self, device: NodeId, frame: Numbered<'_>) {
        match self.wiring.nodes.get(device.index()) {
            Some(Node::Link(link)) => _ = self.leave(device, link, frame, Rule::BridgeTransmit),
            Some(Node::Port(port)) if port.up && self.wiring.linked(port.parent).carrier => {
                _ = self.port_forwards(device, port, frame);
            }
            Some(Node::Port(_)) => self.discard(device, Rule::NoCarrier, frame),
            _ => {}
        }
    }

    /// A reserved group that a bridge does not forward (R222): the stack of the device gets it that is the port.
    pub(super) fn stay(&mut self, at: NodeId, rule: Rule, header: &EthHeader, frame: Numbered<'_>) {
        let Some(device) = self.device_at(at) else { return self.hop(at, HopKind::Drop(rule), frame) };
        let packet_type = PacketType::of(header.dst, header.dst);
        match self.wiring.nodes.get(device.index()) {
            Some(Node::Link(_)) => self.hand_to_host(device, Rule::ReservedToPort, packet_type, frame),
            _ => self.hand_to_stack(device, packet_type, Rule::ReservedToPort, frame),
        }
    }

    /// How a frame looked to the device at which a switch got it: a macvlan takes every unicast for its own, unless it has
    /// it for its sender's sake. What is at the other end of a cable is another machine.
    pub(super) fn packet_type_at(&self, at: NodeId, frame: Numbered<'_>) -> PacketType {
        if self.device_at(at).is_some() { frame.bridged.packet_type } else { PacketType::OtherHost }
    }

    /// The device of the bridge's own host that is this port of it.
    fn device_at(&self, at: NodeId) -> Option<NodeId> {
        match self.wiring.nodes.get(at.index()) {
            Some(Node::SwitchPort(port)) => match port.out {
                PortOut::Device(device) => Some(device),
                PortOut::Cable { .. } | PortOut::Vacant => None,
            },
            _ => None,
        }
    }
}
