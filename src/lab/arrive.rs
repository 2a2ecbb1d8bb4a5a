//! The way in: a frame reaches an end of a cable, is decided about at a NIC or a switch, and goes to ports, host stacks
//! and stations.

use super::clock::Due;
use super::device::{DeviceId, End, Kind, Role, SwitchId, Tap, Uplink};
use super::{HopKind, Lab, incoming};
use crate::frame::{EthHeader, Frame, MacAddr, PacketType, Tag};
use crate::lab::spec::TapOpen;
use crate::macvlan::{Counted, Delivery, Forwarding, Fragments, Offered, count_delivery};
use crate::nic::{Nic, host_stack_type};
use crate::switch::{SwitchEgress, SwitchPortId, SwitchVerdict};
use crate::verdict::{Egress, Flood, Rule};
use std::borrow::Cow;

/// Frames that the queue of a macvtap's reader takes: the device's `tx_queue_len` (R205).
const TAP_QUEUE: u32 = 500;

impl Lab {
    /// A frame comes out of a cable.
    pub(super) fn intake_cable(&mut self, at: End, frame: Frame, frame_id: u64) {
        match at {
            End::Device(id) => self.intake_link(id, frame, frame_id),
            End::Switch(switch, port) => self.intake_switch(switch, port, frame, frame_id),
            End::Nobody { .. } | End::Gone => {}
        }
    }

    /// A device with a link takes a frame from its cable.
    fn intake_link(&mut self, id: DeviceId, frame: Frame, frame_id: u64) {
        let Some(link) = self.link_mut(id) else { return };
        if !link.nic.up {
            let rule = if link.role == Role::Nic { Rule::NicDown } else { Rule::CableDown };
            return self.hop(id, HopKind::Drop(rule), &frame, frame_id);
        }
        let header = incoming(&frame);
        let admitted = header.and_then(|h| link.nic.admit(&h).map(|t| (h, t)));
        match admitted {
            Ok((header, packet_type)) => {
                count_received(&mut link.nic, &frame);
                self.intake(id, &header, packet_type, frame, frame_id);
            }
            Err(rule) => {
                // The link counts a runt before the stack throws it away; the hardware's filter comes before both.
                if rule == Rule::Runt {
                    count_received(&mut link.nic, &frame);
                }
                self.hop(id, HopKind::Drop(rule), &frame, frame_id);
            }
        }
    }

    /// A bridge port's frame for a bridge sibling enters the parent's receive path (R30).
    pub(super) fn intake_local(&mut self, id: DeviceId, frame: Frame, frame_id: u64) {
        let Some(link) = self.link_mut(id) else { return };
        if !Nic::fits(link.nic.mtu, frame.len()) {
            link.nic.counters.rx_dropped += 1;
            return self.hop(id, HopKind::Drop(Rule::TooLongToReceive), &frame, frame_id);
        }
        match incoming(&frame) {
            Ok(header) => {
                let packet_type = PacketType::of(header.dst, link.nic.mac);
                self.intake(id, &header, packet_type, frame, frame_id);
            }
            Err(rule) => self.hop(id, HopKind::Drop(rule), &frame, frame_id),
        }
    }

    /// What a device does with a frame that its hardware let in: the tap sees it, then sub-interfaces, ports and the
    /// host stack (R10). A parent with a port puts multicast IPv4 fragments together in front of its ports (R160): the
    /// hop log has each fragment arrive, and then dropped with the rule that holds it back or threw it away, but for
    /// the last one, under whose number the whole datagram goes on.
    fn intake(
        &mut self,
        id: DeviceId,
        header: &EthHeader,
        packet_type: PacketType,
        frame: Frame,
        frame_id: u64,
    ) {
        let Some(link) = self.link_mut(id) else { return };
        if matches!(link.role, Role::Station | Role::Router(_)) {
            self.hop(id, HopKind::Receive(packet_type, Rule::StationReceive), &frame, frame_id);
            return self.hand_to_stack(id, &frame, packet_type);
        }
        let vlan = header.tag.filter(|t| t.tpid == 0x8100 && t.vlan().get() != 0).map(Tag::vlan);
        let child = link.vlans.iter().find(|(v, _)| Some(*v) == vlan).map(|(_, child)| *child);
        let table = link.demux.as_mut().map(|d| d.publish().clone());
        self.hop(id, HopKind::Arrive(packet_type), &frame, frame_id);
        if let Some(child) = child {
            self.tell(|lab| lab.told_vlan(id, child, (&frame, frame_id)));
            return self.intake_vlan(child, packet_type, &frame, frame_id);
        }
        let Some(table) = table else {
            return self.hand_to_host(id, Rule::NoPorts, packet_type, &frame, frame_id);
        };
        let now = self.now;
        match self.fragments(id).map_or(Offered::NotAFragment, |f| f.offer(now, &frame, header)) {
            Offered::NotAFragment => self.demultiplex(id, &table, header, packet_type, &frame, frame_id),
            // Held back is dropped as well: this frame goes no further, whatever becomes of its data.
            Offered::Held(rule) => self.hop(id, HopKind::Drop(rule), &frame, frame_id),
            Offered::Whole(datagram) => {
                let datagram = Frame::from(datagram);
                let Ok(header) = incoming(&datagram) else { return };
                let packet_type = PacketType::of(header.dst, MacAddr::ZERO);
                self.demultiplex(id, &table, &header, packet_type, &datagram, frame_id);
            }
        }
    }

    /// The fragments that wait in the host of a device: its NIC's, whichever sub-interface they come in by (R162).
    fn fragments(&mut self, id: DeviceId) -> Option<&mut Fragments> {
        let mut nic = id;
        while let Uplink::Below { nic: below, .. } = self.link(nic)?.uplink {
            nic = below;
        }
        self.link_mut(nic).map(|l| &mut l.fragments)
    }

    /// A parent's hook: the demultiplexer decides, ports and host stack get the frame.
    fn demultiplex(
        &mut self,
        id: DeviceId,
        table: &Forwarding,
        header: &EthHeader,
        packet_type: PacketType,
        frame: &Frame,
        frame_id: u64,
    ) {
        let verdict = table.receive(header);
        self.tell(|lab| lab.told_receive(id, table, &verdict, header, (frame, frame_id)));
        if verdict.flood == Flood::Withheld(Rule::QueueZero) {
            if let Some(link) = self.link_mut(id) {
                link.nic.counters.rx_dropped += 1;
            }
            self.hop(id, HopKind::Drop(Rule::QueueZero), frame, frame_id);
        }
        for delivery in table.deliveries(&verdict, header, packet_type) {
            self.hand_to_port(id, &delivery, header, frame, frame_id);
        }
        match verdict.egress {
            Egress::HostStack => self.hand_to_host(id, verdict.rule, packet_type, frame, frame_id),
            Egress::Drop => self.hop(id, HopKind::Drop(verdict.rule), frame, frame_id),
            Egress::Port(_) | Egress::Wire | Egress::Parent => {}
        }
    }

    /// The outer tag names a sub-interface: it gets the frame without that tag (V1).
    fn intake_vlan(&mut self, id: DeviceId, by_parent: PacketType, frame: &Frame, frame_id: u64) {
        let Some(link) = self.link_mut(id) else { return };
        if !link.nic.up {
            return self.hop(id, HopKind::Drop(Rule::VlanDown), frame, frame_id);
        }
        let inner: Frame = [&frame[..12], &frame[16..]].concat().into();
        let Ok(header) = incoming(&inner) else {
            return self.hop(id, HopKind::Drop(Rule::Runt), &inner, frame_id);
        };
        // The sub-interface may have an address of its own, which the device below took for somebody else's.
        let own = by_parent == PacketType::OtherHost && header.dst == link.nic.mac;
        let packet_type = if own { PacketType::Host } else { by_parent };
        count_received(&mut link.nic, &inner);
        link.nic.counters.multicast += u64::from(packet_type == PacketType::Multicast);
        self.intake(id, &header, packet_type, inner, frame_id);
    }

    /// A frame for the host stack of a NIC or sub-interface. A tag that the device has no sub-interface for makes it
    /// somebody else's (R71).
    fn hand_to_host(
        &mut self,
        id: DeviceId,
        rule: Rule,
        by_address: PacketType,
        frame: &Frame,
        frame_id: u64,
    ) {
        match host_stack_type(frame, by_address) {
            None => self.hop(id, HopKind::Drop(Rule::Runt), frame, frame_id),
            Some(packet_type) => {
                let rule = if packet_type == by_address { rule } else { Rule::TaggedToHost };
                self.hop(id, HopKind::Receive(packet_type, rule), frame, frame_id);
                self.hand_to_stack(id, frame, packet_type);
            }
        }
    }

    /// A frame for a port.
    pub(super) fn hand_to_port(
        &mut self,
        parent: DeviceId,
        delivery: &Delivery,
        header: &EthHeader,
        frame: &Frame,
        frame_id: u64,
    ) {
        if let Some(counters) = self.port_counters(parent, delivery.port) {
            count_delivery(counters, delivery, header);
        }
        let device = self.link(parent).and_then(|l| l.ports.get(delivery.port.index()).copied().flatten());
        let Some(id) = device else { return };
        // A local copy skips the parent's receive path, so its tag is looked at here for the first time.
        let runt = delivery.counted == Counted::LocalCopy && incoming(frame).is_err();
        if runt || delivery.counted == Counted::TooLong {
            let rule = if runt { Rule::Runt } else { delivery.rule };
            return self.hop(id, HopKind::Drop(rule), frame, frame_id);
        }
        if self.node_is_full(id) {
            if let Some(counters) = self.port_counters(parent, delivery.port) {
                counters.rx_dropped += 1;
            }
            return self.hop(id, HopKind::Drop(Rule::TapQueueFull), frame, frame_id);
        }
        self.hop(id, HopKind::Receive(delivery.packet_type, delivery.rule), frame, frame_id);
        let Kind::Port { tap, .. } = &mut self.devices[id.0].kind else { return };
        match tap {
            // Queued for the reader: the port's host stack sees nothing of it (R201).
            Some(Tap { open: TapOpen::Idle, queued }) => *queued += 1,
            Some(Tap { open: TapOpen::Reading, .. }) => {}
            None | Some(Tap { open: TapOpen::No, .. }) => self.hand_to_stack(id, frame, delivery.packet_type),
        }
    }

    /// Whether a macvtap's device node is open, and holds as many frames as its reader's queue takes (R205).
    fn node_is_full(&self, id: DeviceId) -> bool {
        matches!(
            self.devices[id.0].kind,
            Kind::Port { tap: Some(Tap { open: TapOpen::Idle, queued }), .. } if queued >= TAP_QUEUE
        )
    }

    /// A frame comes in at a switch port, is decided about, taught and forwarded.
    fn intake_switch(&mut self, switch: SwitchId, port: SwitchPortId, frame: Frame, frame_id: u64) {
        let now = self.now;
        let node = &mut self.switches[switch.0];
        let counters = &mut node.ports[usize::from(port.0)].counters;
        counters.rx_packets += 1;
        counters.rx_bytes += frame.len() as u64;
        let name = node.ports[usize::from(port.0)].name.clone();
        let header = match incoming(&frame) {
            Ok(header) => header,
            Err(rule) => return self.hop_named(name, HopKind::Drop(rule), &frame, frame_id),
        };
        let verdict = node.switch.decide(port, &frame, &header, now);
        let packet_type = PacketType::of(header.dst, MacAddr::ZERO);
        self.hop_named(name.clone(), HopKind::Arrive(packet_type), &frame, frame_id);
        self.tell(|lab| lab.told_switch(switch, port, &verdict, &header, (&frame, frame_id)));
        self.switches[switch.0].switch.commit(port, &header, &verdict, now);
        self.tell_learned(switch, &verdict, &header);
        self.pass_up(switch, &verdict, &header, &frame, frame_id);
        self.forward(switch, port, &name, &verdict, &header, &frame, frame_id);
    }

    /// The switch's own device gets what is for it, and, promiscuous, everything (R212).
    fn pass_up(
        &mut self,
        switch: SwitchId,
        verdict: &SwitchVerdict,
        header: &EthHeader,
        frame: &Frame,
        frame_id: u64,
    ) {
        let Some(own) = self.switches[switch.0].own else { return };
        let Some(link) = self.devices[own.0].link_mut().filter(|l| l.nic.up) else { return };
        let promiscuous = link.nic.filter.promiscuity() != 0;
        if !self.switches[switch.0].switch.own_device_gets(verdict, header, promiscuous) {
            return;
        }
        // The bridge counts what is behind the header.
        link.nic.counters.rx_packets += 1;
        link.nic.counters.rx_bytes += u64::from(header.untagged_len()) - EthHeader::LEN as u64;
        let packet_type = PacketType::of(header.dst, link.nic.mac);
        self.intake(own, header, packet_type, frame.clone(), frame_id);
    }

    /// The switch's own device sends: out of the ports that the forwarding database says, nothing learned (R213).
    pub(super) fn own_device_sends(&mut self, switch: SwitchId, frame: &Frame, frame_id: u64) {
        let node = &self.switches[switch.0];
        let Some(header) = EthHeader::outgoing(frame) else { return };
        let verdict = node.switch.decide_own(&header, self.now);
        let name = node.name.clone();
        self.tell(|lab| lab.told_switch(switch, SwitchPortId::OWN, &verdict, &header, (frame, frame_id)));
        self.forward(switch, SwitchPortId::OWN, &name, &verdict, &header, frame, frame_id);
    }

    /// Sends a frame out of the ports that a verdict says.
    #[allow(clippy::too_many_arguments)]
    fn forward(
        &mut self,
        switch: SwitchId,
        ingress: SwitchPortId,
        name: &str,
        verdict: &SwitchVerdict,
        header: &EthHeader,
        frame: &Frame,
        frame_id: u64,
    ) {
        let ways: Vec<_> = self.switches[switch.0].switch.egress(verdict, ingress, header).collect();
        let dropped = match verdict.egress {
            SwitchEgress::Own => None,
            SwitchEgress::Drop => Some(verdict.rule),
            _ => ways.is_empty().then_some(Rule::NothingToFloodTo),
        };
        if let Some(rule) = dropped {
            self.hop_named(name.to_owned(), HopKind::Drop(rule), frame, frame_id);
        }
        for (out, rule, retag) in ways {
            let frame = match retag.apply(frame) {
                Cow::Borrowed(_) => frame.clone(),
                Cow::Owned(bytes) => bytes.into(),
            };
            self.leave_switch(switch, out, frame, frame_id, rule);
        }
    }

    /// A frame leaves by a switch port.
    fn leave_switch(&mut self, switch: SwitchId, out: SwitchPortId, frame: Frame, frame_id: u64, rule: Rule) {
        let port = &self.switches[switch.0].ports[usize::from(out.0)];
        let (name, cable) = (port.name.clone(), port.cable);
        // A bridge has the outer tag set aside when it looks at the length.
        let tag_bytes =
            if EthHeader::tags(&frame).next().is_some() { EthHeader::TAG_LEN as usize } else { 0 };
        if !Nic::fits(port.mtu, frame.len() - tag_bytes) {
            return self.hop_named(name, HopKind::Drop(Rule::TooLongToReceive), &frame, frame_id);
        }
        let far = self.cables[cable.0].far(End::Switch(switch, out));
        let accepted = self.offer(far, &frame, frame_id).is_ok();
        let counters = &mut self.switches[switch.0].ports[usize::from(out.0)].counters;
        if !accepted {
            counters.tx_dropped += 1;
            return;
        }
        counters.tx_packets += 1;
        counters.tx_bytes += frame.len() as u64;
        self.hop_named(name, HopKind::Transmit(rule), &frame, frame_id);
        let time = self.now + self.cables[cable.0].latency;
        self.agenda.plan(time, Due::Arrive { at: far, frame, frame_id });
    }
}

fn count_received(nic: &mut Nic, frame: &Frame) {
    nic.counters.rx_packets += 1;
    nic.counters.rx_bytes += frame.len() as u64;
}
