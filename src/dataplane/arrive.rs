//! The way in: a frame reaches a device, is decided about, and goes to sub-interfaces, ports and host stack.

use super::wiring::{Disposition, LinkKind, LinkNode, PortTable, PortUser, RxHandler, TapOpen};
use super::{End, ForwardingContext, HopKind, NodeId, Numbered, Observer, incoming};
use crate::frame::{EthHeader, Frame, MacAddr, PacketType, Retag, Tag, ethertype};
use crate::macvlan::{Counted, Delivery, Offered, Unicast, count_delivery, count_unicast};
use crate::nic::{Nic, host_stack_type};
use crate::verdict::{Flood, Rule, Verdict};
use alloc::vec::Vec;

/// Frames that the queue of a macvtap's reader takes: the device's `tx_queue_len` (R205).
const TAP_QUEUE: u32 = 500;

/// A parent as a frame that arrives there meets it.
struct Parent<'a> {
    id: NodeId,
    ports: &'a PortTable,
}

impl<W: Observer> ForwardingContext<'_, W> {
    /// A frame comes out of a cable.
    pub fn arrive(&mut self, at: End, frame: Numbered<'_>) {
        match at {
            End::Device(id) => self.arrive_at(id, frame),
            End::Switch(switch, port) => self.intake_switch(switch, port, frame),
            End::Nobody { .. } | End::Outside(_) | End::Gone => {}
        }
    }

    /// A device with a link takes a frame from its cable.
    fn arrive_at(&mut self, id: NodeId, frame: Numbered<'_>) {
        let Some(link) = self.wiring.link(id) else { return };
        if self.observer.takes_batches() {
            let one = core::iter::once(frame);
            return self.take_in_each(id, link, one, |frame| frame.bytes, |_, frame| frame, |_, _| ());
        }
        self.take_in(id, link, frame);
    }

    /// A device takes a frame from its cable.
    #[inline(never)]
    pub(super) fn take_in(&mut self, id: NodeId, link: &LinkNode, frame: Numbered<'_>) {
        if !link.intake.is_up() {
            let rule = if link.kind == LinkKind::Nic { Rule::NicDown } else { Rule::CableDown };
            return self.turn_away(id, rule, frame);
        }
        let Ok(header) = incoming(frame.bytes) else { return self.turn_away(id, Rule::Runt, frame) };
        if !link.intake.lets_in(&header) {
            return self.turn_away(id, link.intake.refusal(&header), frame);
        }
        self.count_received(id, frame.bytes);
        self.intake(id, link, &header, link.intake.packet_type(&header), frame);
    }

    /// A frame that the device's hardware does not let in.
    #[cold]
    fn turn_away(&mut self, id: NodeId, rule: Rule, frame: Numbered<'_>) {
        // The link counts a runt before the stack throws it away; the hardware's filter comes before both.
        if rule == Rule::Runt {
            self.count_received(id, frame.bytes);
        }
        self.hop(id, HopKind::Drop(rule), frame);
    }

    /// A bridge port's frame for a bridge sibling enters the parent's receive path (R30).
    pub(super) fn intake_local(&mut self, id: NodeId, frame: Numbered<'_>) {
        let link = self.wiring.linked(id);
        if !Nic::fits(link.mtu, frame.bytes.len()) {
            self.state.count(id).rx_dropped += 1;
            return self.hop(id, HopKind::Drop(Rule::TooLongToReceive), frame);
        }
        match incoming(frame.bytes) {
            Ok(header) => {
                let packet_type = link.intake.packet_type(&header);
                self.intake(id, link, &header, packet_type, frame);
            }
            Err(rule) => self.hop(id, HopKind::Drop(rule), frame),
        }
    }

    /// What a device does with a frame that its hardware let in: the tap sees it, then sub-interfaces, ports and the
    /// host stack (R10). A parent with a port puts multicast IPv4 fragments together in front of its ports (R160): the
    /// hop log has each fragment arrive, and then dropped with the rule that holds it back or threw it away, but for
    /// the last one, under whose number the whole datagram goes on.
    pub(super) fn intake(
        &mut self,
        id: NodeId,
        link: &LinkNode,
        header: &EthHeader,
        packet_type: PacketType,
        frame: Numbered<'_>,
    ) {
        if link.kind == LinkKind::Station {
            self.hop(id, HopKind::Receive(packet_type, Rule::StationReceive), frame);
            return self.observer.hand_over(id, frame, packet_type);
        }
        self.hop(id, HopKind::Arrive(packet_type), frame);
        if let Some(tag) = header.tag
            && let Some(child) = sub_interface(link, tag)
        {
            return self.intake_vlan(id, child, packet_type, frame);
        }
        let ports = match &link.handler {
            RxHandler::Ports(ports) => ports,
            RxHandler::None => return self.hand_to_host(id, Rule::NoPorts, packet_type, frame),
            RxHandler::Bridge(at) => return self.enter_bridge(id, *at, packet_type, frame),
            RxHandler::Bond(at) => return self.enter_bond(id, *at, header, packet_type, frame),
        };
        let parent = Parent { id, ports };
        // Only groups are looked at for fragments.
        if header.dst.is_multicast() {
            return self.intake_group(&parent, link.reassembles_at, header, packet_type, frame);
        }
        let verdict = ports.table.receive(header);
        self.demultiplex(&parent, &verdict, header, packet_type, frame);
    }

    /// A group's frame at a parent: fragments first.
    fn intake_group(
        &mut self,
        parent: &Parent<'_>,
        reassembles_at: NodeId,
        header: &EthHeader,
        packet_type: PacketType,
        frame: Numbered<'_>,
    ) {
        match self.state.fragments(reassembles_at).offer(self.now, frame.bytes, header) {
            Offered::NotAFragment => {
                let verdict = parent.ports.table.receive(header);
                self.demultiplex(parent, &verdict, header, packet_type, frame);
            }
            // Held back is dropped as well: this frame goes no further, whatever becomes of its data.
            Offered::Held(rule) => self.hop(parent.id, HopKind::Drop(rule), frame),
            Offered::Whole(datagram) => self.intake_datagram(parent, datagram, frame),
        }
    }

    /// Fragments put together go on as one frame.
    #[cold]
    fn intake_datagram(&mut self, parent: &Parent<'_>, datagram: Vec<u8>, last: Numbered<'_>) {
        let datagram = Frame::from(datagram);
        let Ok(header) = incoming(&datagram) else { return };
        let packet_type = PacketType::of(header.dst, MacAddr::ZERO);
        let verdict = parent.ports.table.receive(&header);
        self.demultiplex(parent, &verdict, &header, packet_type, last.with(&datagram));
    }

    /// A parent's hook: the demultiplexer has decided, ports and host stack get the frame.
    #[inline]
    fn demultiplex(
        &mut self,
        parent: &Parent<'_>,
        verdict: &Verdict,
        header: &EthHeader,
        packet_type: PacketType,
        frame: Numbered<'_>,
    ) {
        if self.observer.wants_decisions() {
            self.report_receive(parent.id, parent.ports, verdict, header, frame);
        }
        let disposition = parent.ports.disposition_by(verdict);
        if verdict.has_copies() || header.dst.is_multicast() {
            if verdict.flood == Flood::Withheld(Rule::QueueZero) {
                self.state.count(parent.id).rx_dropped += 1;
                self.hop(parent.id, HopKind::Drop(Rule::QueueZero), frame);
            }
            self.hand_out(parent.ports, verdict, header, packet_type, frame);
            // Then its port has had the frame itself as well.
            if let Disposition::Port(..) | Disposition::Tap(..) | Disposition::Bridged(..) = disposition {
                return;
            }
        }
        self.land(parent.id, &disposition, header.untagged_len(), || packet_type, frame);
    }

    /// Lets a frame end where it ends by its verdict, but for a group's at a port. How the frame looks to the parent is
    /// asked only where it matters.
    #[inline(always)]
    fn land(
        &mut self,
        id: NodeId,
        disposition: &Disposition,
        untagged_len: u32,
        packet_type: impl Fn() -> PacketType,
        frame: Numbered<'_>,
    ) {
        // Most end here, and it is asked first.
        if let Disposition::Port(port, rule) = *disposition {
            count_unicast(self.state.count(port), untagged_len);
            return self.hand_to_stack(port, PacketType::Host, rule, frame);
        }
        match *disposition {
            Disposition::Tap(port, open, rule) => {
                count_unicast(self.state.count(port), untagged_len);
                self.hand_to_tap(port, open, PacketType::Host, rule, frame);
            }
            Disposition::Bridged(port) => {
                count_unicast(self.state.count(port), untagged_len);
                self.hand_to_bridge(port, PacketType::Host, frame);
            }
            Disposition::Host(rule) => self.hand_to_host(id, rule, packet_type(), frame),
            Disposition::Dropped(rule) => self.hop(id, HopKind::Drop(rule), frame),
            Disposition::Port(..) | Disposition::Nowhere => {}
        }
    }

    /// A parent with ports takes a unicast from its cable that [leads to its hook](LinkNode::leads_to_hook), and whose fate
    /// was found out: the same as [`ForwardingContext::take_in`] for most frames, but that the caller counts what the parent receives.
    #[inline(always)]
    pub(super) fn take_in_unicast(
        &mut self,
        id: NodeId,
        link: &LinkNode,
        ports: &PortTable,
        unicast: &Unicast,
        frame: Numbered<'_>,
    ) {
        debug_assert!(!self.observer.wants_decisions(), "nothing is told of this decision");
        let packet_type = || PacketType::of_unicast(unicast.dst, link.intake.mac());
        self.hop(id, HopKind::Arrive(packet_type()), frame);
        self.land(id, ports.disposition(unicast.verdict), unicast.untagged_len, packet_type, frame);
    }

    /// What ports get by a verdict.
    pub(super) fn hand_out(
        &mut self,
        ports: &PortTable,
        verdict: &Verdict,
        header: &EthHeader,
        packet_type: PacketType,
        frame: Numbered<'_>,
    ) {
        let mut deliveries = ports.table.deliveries(verdict, header, packet_type);
        while let Some(single) = deliveries.single() {
            self.hand_to_port(ports, &single, header, frame);
        }
        while let Some(copies) = deliveries.copies() {
            for copy in copies {
                self.hand_to_port(ports, &copy, header, frame);
            }
        }
    }

    /// The outer tag names a sub-interface: it gets the frame without that tag (V1).
    #[cold]
    fn intake_vlan(&mut self, parent: NodeId, id: NodeId, by_parent: PacketType, frame: Numbered<'_>) {
        self.report_vlan(parent, id, frame);
        let link = self.wiring.linked(id);
        if !link.intake.is_up() {
            return self.hop(id, HopKind::Drop(Rule::VlanDown), frame);
        }
        let inner = self.retagged(Retag::Remove, frame);
        let frame = inner.as_ref().map_or(frame, |inner| frame.with(inner));
        let Ok(header) = incoming(frame.bytes) else {
            return self.hop(id, HopKind::Drop(Rule::Runt), frame);
        };
        // The sub-interface may have another MAC address, which the device below took for another host's.
        let own = by_parent == PacketType::OtherHost && header.dst == link.intake.mac();
        let packet_type = if own { PacketType::Host } else { by_parent };
        self.count_received(id, frame.bytes);
        self.state.count(id).multicast += u64::from(packet_type == PacketType::Multicast);
        self.intake(id, link, &header, packet_type, frame);
    }

    /// A frame for the host stack of a NIC or sub-interface. A tag that the device has no sub-interface for makes it
    /// another host's (R71).
    #[inline]
    pub(super) fn hand_to_host(
        &mut self,
        id: NodeId,
        rule: Rule,
        by_address: PacketType,
        frame: Numbered<'_>,
    ) {
        match host_stack_type(frame.bytes, by_address) {
            None => self.hop(id, HopKind::Drop(Rule::Runt), frame),
            Some(packet_type) => {
                let rule = if packet_type == by_address { rule } else { Rule::TaggedToHost };
                self.hop(id, HopKind::Receive(packet_type, rule), frame);
                self.observer.hand_over(id, frame, packet_type);
            }
        }
    }

    /// A frame for a port.
    #[inline(always)]
    fn hand_to_port(
        &mut self,
        ports: &PortTable,
        delivery: &Delivery,
        header: &EthHeader,
        frame: Numbered<'_>,
    ) {
        let Some(slot) = ports.slot(delivery.port) else {
            debug_assert!(false, "a table and its slots are made of the same ports: {delivery:?}");
            return;
        };
        let id = slot.node;
        count_delivery(self.state.count(id), delivery, header);
        // A local copy skips the parent's receive path, so its tag is looked at here for the first time.
        if matches!(delivery.counted, Counted::LocalCopy | Counted::TooLong) {
            let runt = delivery.counted == Counted::LocalCopy && incoming(frame.bytes).is_err();
            if runt || delivery.counted == Counted::TooLong {
                let rule = if runt { Rule::Runt } else { delivery.rule };
                return self.hop(id, HopKind::Drop(rule), frame);
            }
        }
        match slot.user {
            PortUser::Stack => self.hand_to_stack(id, delivery.packet_type, delivery.rule, frame),
            PortUser::Tap(open) => self.hand_to_tap(id, open, delivery.packet_type, delivery.rule, frame),
            PortUser::Bridge(_) => self.hand_to_bridge(id, delivery.packet_type, frame),
        }
    }

    /// A frame that a port has counted, for the port's own host stack.
    #[inline(always)]
    pub(super) fn hand_to_stack(
        &mut self,
        id: NodeId,
        packet_type: PacketType,
        rule: Rule,
        frame: Numbered<'_>,
    ) {
        self.hop(id, HopKind::Receive(packet_type, rule), frame);
        self.observer.hand_over(id, frame, packet_type);
    }

    /// A frame for a macvtap: the program that has its device node open gets it, and then the port's host stack sees nothing of it
    /// (R201).
    #[cold]
    fn hand_to_tap(
        &mut self,
        id: NodeId,
        open: TapOpen,
        packet_type: PacketType,
        rule: Rule,
        frame: Numbered<'_>,
    ) {
        if open == TapOpen::Idle {
            let queued = self.state.queued(id);
            if *queued >= TAP_QUEUE {
                self.state.count(id).rx_dropped += 1;
                return self.hop(id, HopKind::Drop(Rule::TapQueueFull), frame);
            }
            *queued += 1;
        }
        self.hop(id, HopKind::Receive(packet_type, rule), frame);
        if open != TapOpen::Idle {
            self.observer.hand_over(id, frame, packet_type);
        }
    }

    #[inline]
    pub(super) fn count_received(&mut self, id: NodeId, frame: &[u8]) {
        let counters = self.state.count(id);
        counters.rx_packets += 1;
        counters.rx_bytes += frame.len() as u64;
    }
}

/// The sub-interface that a tag names.
fn sub_interface(link: &LinkNode, tag: Tag) -> Option<NodeId> {
    if tag.tpid != ethertype::C_VLAN || tag.vlan().get() == 0 {
        return None;
    }
    link.vlans.iter().find(|(vlan, _)| *vlan == tag.vlan()).map(|(_, child)| *child)
}
