//! Through a switch: in at one port, decided about, taught, and out at others.

use super::wiring::PortOut;
use super::{ForwardingContext, HopKind, NodeId, Numbered, Observer, SwitchId, incoming};
use crate::frame::{EthHeader, MacAddr, PacketType};
use crate::nic::Nic;
use crate::switch::{Learn, SwitchEgress, SwitchPortId, SwitchVerdict};
use crate::verdict::Rule;

/// Where a frame is that a switch has decided about.
#[derive(Clone, Copy)]
struct Decided<'v> {
    switch: SwitchId,
    ingress: SwitchPortId,
    /// The node at which it came in.
    at: NodeId,
    verdict: &'v SwitchVerdict,
    header: &'v EthHeader,
}

impl<W: Observer> ForwardingContext<'_, W> {
    /// A frame comes in at a switch port, is decided about, taught and forwarded.
    pub(super) fn intake_switch(&mut self, switch: SwitchId, ingress: SwitchPortId, frame: Numbered<'_>) {
        let (at, port) = self.wiring.switch_port(switch, ingress);
        // A device that is the port has counted the frame itself.
        if let PortOut::Cable { .. } = port.out {
            let counters = self.state.count(at);
            counters.rx_packets += 1;
            counters.rx_bytes += frame.bytes.len() as u64;
        }
        let header = match incoming(frame.bytes) {
            Ok(header) => header,
            Err(rule) => return self.hop(at, HopKind::Drop(rule), frame),
        };
        let now = self.now;
        let verdict = self.state.switches[switch.index()].decide(ingress, frame.bytes, &header, now);
        self.hop(at, HopKind::Arrive(PacketType::of(header.dst, MacAddr::ZERO)), frame);
        self.report_switch(switch, ingress, &verdict, &header, frame);
        let knows = &mut self.state.switches[switch.index()];
        knows.commit(ingress, &header, &verdict, now);
        if verdict.learn == Learn::Source {
            self.observer.learned(switch, knows, verdict.vlan, header.src);
        }
        let decided = Decided { switch, ingress, at, verdict: &verdict, header: &header };
        self.pass_up(decided, frame);
        self.forward(decided, frame);
    }

    /// The switch's own device gets what is for it, and, promiscuous, everything (R212).
    fn pass_up(&mut self, decided: Decided<'_>, frame: Numbered<'_>) {
        let node = self.wiring.switch(decided.switch);
        let Some(own) = node.own else { return };
        let link = self.wiring.linked(own);
        if !link.intake.is_up() {
            return;
        }
        let Decided { verdict, header, .. } = decided;
        let switch = &self.state.switches[decided.switch.index()];
        if !switch.own_device_gets(verdict, header, node.own_promiscuous) {
            return;
        }
        // The bridge counts what is behind the header.
        let counters = self.state.count(own);
        counters.rx_packets += 1;
        counters.rx_bytes += u64::from(header.untagged_len()) - EthHeader::LEN as u64;
        let packet_type = match PacketType::of(header.dst, link.intake.mac()) {
            PacketType::OtherHost => self.packet_type_at(decided.at, frame),
            own => own,
        };
        self.intake(own, link, header, packet_type, frame);
    }

    /// The switch's own device sends: out of the ports that the forwarding database says, nothing learned (R213).
    pub(super) fn own_device_sends(&mut self, switch: SwitchId, frame: Numbered<'_>) {
        let Some(header) = EthHeader::outgoing(frame.bytes) else { return };
        let verdict = self.state.switches[switch.index()].decide_own(&header, self.now);
        let ingress = SwitchPortId::OWN;
        self.report_switch(switch, ingress, &verdict, &header, frame);
        let at = self.wiring.switch(switch).node;
        self.forward(Decided { switch, ingress, at, verdict: &verdict, header: &header }, frame);
    }

    /// Sends a frame out of the ports that a verdict says.
    fn forward(&mut self, decided: Decided<'_>, frame: Numbered<'_>) {
        let Decided { switch, ingress, at, verdict, header } = decided;
        let mut let_out = false;
        for out in self.state.switches[switch.index()].candidates(verdict) {
            let way = self.state.switches[switch.index()].way_out(verdict, ingress, out, header);
            let Some((rule, retag)) = way else { continue };
            let_out = true;
            let retagged = self.retagged(retag, frame);
            let frame = retagged.as_ref().map_or(frame, |retagged| frame.with(retagged));
            self.leave_switch(switch, out, frame, rule);
        }
        match verdict.egress {
            SwitchEgress::Own => {}
            SwitchEgress::Stay => self.stay(at, verdict.rule, header, frame),
            SwitchEgress::Drop | SwitchEgress::Withheld(_) => {
                self.hop(at, HopKind::Drop(verdict.rule), frame)
            }
            _ if let_out => {}
            _ => self.hop(at, HopKind::Drop(Rule::NothingToFloodTo), frame),
        }
    }

    /// A frame leaves by a switch port.
    fn leave_switch(&mut self, switch: SwitchId, out: SwitchPortId, frame: Numbered<'_>, rule: Rule) {
        let (node, port) = self.wiring.switch_port(switch, out);
        // A bridge has the outer tag set aside when it looks at the length.
        let tagged = EthHeader::tags(frame.bytes).next().is_some();
        let tag_bytes = if tagged { EthHeader::TAG_LEN as usize } else { 0 };
        if !Nic::fits(port.mtu, frame.bytes.len() - tag_bytes) {
            return self.hop(node, HopKind::Drop(Rule::TooLongToReceive), frame);
        }
        let (far, latency) = match port.out {
            PortOut::Cable { far, latency } => (far, latency),
            PortOut::Device(device) => {
                self.hop(node, HopKind::Transmit(rule), frame);
                return self.bridge_sends(device, frame);
            }
            PortOut::Vacant => return self.hop(node, HopKind::Drop(Rule::NoCarrier), frame),
        };
        if self.offer(far, frame).is_err() {
            self.state.count(node).tx_dropped += 1;
            return;
        }
        let counters = self.state.count(node);
        counters.tx_packets += 1;
        counters.tx_bytes += frame.bytes.len() as u64;
        self.hop(node, HopKind::Transmit(rule), frame);
        self.observer.under_way(far, latency, frame);
    }
}
