//! The way out: a host stack, a station or a port sends; the demultiplexer decides; the frame leaves on a cable.

use super::wiring::{LinkKind, LinkNode, Node, PortNode, PortUser, Uplink};
use super::{End, ForwardingContext, HopKind, NodeId, Numbered, Observer};
use crate::errno::Errno;
use crate::frame::{EthHeader, PacketType, Retag, Tag};
use crate::nic::{MAX_MTU, Nic, check_send};
use crate::verdict::{Egress, Refusal, Rule};

const MISSING: Refusal = Refusal::new(Errno::Enodev, Rule::SendDown);

impl<W: Observer> ForwardingContext<'_, W> {
    /// A device sends a frame.
    ///
    /// # Errors
    /// What `send(2)` on a packet socket answers: `ENETDOWN`, `EINVAL`, `EMSGSIZE`, `ENOBUFS` (R72 to R74, R89); `ENODEV`
    /// if there is no such device.
    pub fn send(&mut self, id: NodeId, frame: Numbered<'_>) -> Result<(), Refusal> {
        match self.wiring.nodes.get(id.index()) {
            Some(Node::Port(port)) => {
                check_send(frame.bytes, port.mtu, port.up)?;
                if !self.wiring.linked(port.parent).carrier {
                    self.discard(id, Rule::NoCarrier, frame);
                    return Ok(());
                }
                match self.port_forwards(id, port, frame) {
                    // A macvtap has a transmit queue, and what happens behind a queue the sender does not hear.
                    Err(Refusal { errno: Errno::Enobufs, .. }) if port.is_tap() => Ok(()),
                    other => other,
                }
            }
            Some(Node::Link(link)) => {
                check_send(frame.bytes, link.mtu, link.intake.is_up())?;
                let rule = match link.kind {
                    LinkKind::Nic | LinkKind::Vlan | LinkKind::Bridge => Rule::HostToWire,
                    LinkKind::Station => Rule::StationTransmit,
                };
                self.leave(id, link, frame, rule)
            }
            _ => Err(MISSING),
        }
    }

    /// A device sends a frame; what the kernel would refuse is recorded as a drop.
    pub fn send_or_drop(&mut self, id: NodeId, frame: Numbered<'_>) {
        match self.send(id, frame) {
            // Refused by the far end: recorded there.
            Ok(()) | Err(Refusal { errno: Errno::Enobufs, .. }) => {}
            Err(refusal) => self.hop(id, HopKind::Drop(refusal.rule), frame),
        }
    }

    /// A device sends a frame that came from outside the lab, where no error is heard of: what the kernel would refuse is
    /// recorded and counted as dropped.
    pub fn send_for_outside(&mut self, id: NodeId, frame: Numbered<'_>) {
        match self.send(id, frame) {
            // Refused by the far end: recorded there.
            Ok(()) | Err(Refusal { errno: Errno::Enobufs, .. }) => {}
            Err(refusal) => self.discard(id, refusal.rule, frame),
        }
    }

    /// A program writes a frame to a macvtap's device node (R203): no mtu limits it, and what the port cannot send is
    /// gone without a word (R204).
    ///
    /// # Errors
    /// `EINVAL` below 14 bytes; `EOPNOTSUPP` if the device is no macvtap.
    pub fn write_to_node(&mut self, id: NodeId, frame: Numbered<'_>) -> Result<(), Refusal> {
        let Some(Node::Port(port @ PortNode { user: PortUser::Tap(_), .. })) =
            self.wiring.nodes.get(id.index())
        else {
            return Err(Refusal::new(Errno::Eopnotsupp, Rule::TapWrite));
        };
        if frame.bytes.len() < EthHeader::LEN {
            return Err(Refusal::new(Errno::Einval, Rule::TapWrite));
        }
        if !port.up || !self.wiring.linked(port.parent).carrier {
            self.discard(id, Rule::TapWriteLost, frame);
            return Ok(());
        }
        match self.port_forwards(id, port, frame) {
            Err(Refusal { errno: Errno::Enobufs, .. }) => Ok(()),
            other => other,
        }
    }

    /// The far end of a device's cable sends a frame to it, whatever is there, and the frame is there at once.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if the device has no cable, `ENODEV` if nothing is at its far end, and what [`ForwardingContext::send`] answers.
    pub fn send_from_wire(&mut self, id: NodeId, frame: Numbered<'_>) -> Result<(), Refusal> {
        let cable = self.wiring.link(id).map(|l| (l, l.uplink));
        let Some((link, Uplink::Cable { far, .. })) = cable else {
            return Err(Refusal::new(Errno::Eopnotsupp, Rule::SendDown));
        };
        let (mtu, up, sender) = match far {
            End::Device(d) => {
                let far = self.wiring.link(d);
                (far.map_or(0, |l| l.mtu), far.is_some_and(|l| l.intake.is_up()), Some(d))
            }
            End::Switch(s, p) => {
                let (node, port) = self.wiring.switch_port(s, p);
                (port.mtu, true, Some(node))
            }
            End::Nobody { mtu } => (mtu, true, None),
            End::Outside(_) => (MAX_MTU, true, None),
            End::Gone => return Err(MISSING),
        };
        check_send(frame.bytes, mtu, up)?;
        let carrier = link.intake.is_up();
        let accepted = if carrier { self.offer(End::Device(id), frame) } else { Ok(()) };
        if let Some(sender) = sender {
            self.count_sent(sender, frame.bytes, carrier && accepted.is_ok());
        }
        accepted?;
        self.arrive(End::Device(id), frame);
        Ok(())
    }

    /// What a port could not send.
    pub(super) fn discard(&mut self, id: NodeId, rule: Rule, frame: Numbered<'_>) {
        self.state.count(id).tx_dropped += 1;
        self.hop(id, HopKind::Drop(rule), frame);
    }

    /// The demultiplexer decides about a frame that a port sends, and it goes there.
    pub(super) fn port_forwards(
        &mut self,
        id: NodeId,
        port: &PortNode,
        frame: Numbered<'_>,
    ) -> Result<(), Refusal> {
        let parent = self.wiring.linked(port.parent);
        let ports = parent.ports().expect("a parent has a table as long as it has a port");
        let header = EthHeader::outgoing(frame.bytes).ok_or(Refusal::new(Errno::Einval, Rule::RuntSend))?;
        let verdict = ports.table.transmit(port.port, &header);
        self.hop(id, HopKind::Transmit(verdict.rule), frame);
        self.report_transmit(id, port, ports, &verdict, &header, frame);
        self.hand_out(ports, &verdict, &header, PacketType::OtherHost, frame);
        let sent = if verdict.egress == Egress::Parent {
            self.intake_local(port.parent, frame);
            Ok(())
        } else {
            self.leave(port.parent, parent, frame, verdict.rule)
        };
        self.count_sent(id, frame.bytes, sent.is_ok());
        sent
    }

    /// A frame leaves by a link: on its cable, or tagged through the device below.
    ///
    /// # Errors
    /// `ENOBUFS` if the far end refuses it (R74).
    pub(super) fn leave(
        &mut self,
        id: NodeId,
        link: &LinkNode,
        frame: Numbered<'_>,
        rule: Rule,
    ) -> Result<(), Refusal> {
        if !link.carrier {
            self.discard(id, Rule::NoCarrier, frame);
            return Ok(());
        }
        match link.uplink {
            Uplink::Below { nic, vlan } => {
                self.count_sent(id, frame.bytes, true);
                self.hop(id, HopKind::Transmit(rule), frame);
                let below = self.wiring.linked(nic);
                let tagged = self.retagged(Retag::Add(Tag::of(vlan)), frame);
                let frame = tagged.as_ref().map_or(frame, |tagged| frame.with(tagged));
                self.leave(nic, below, frame, Rule::VlanTransmit)
            }
            Uplink::Switch(switch) => {
                self.count_sent(id, frame.bytes, true);
                self.hop(id, HopKind::Transmit(rule), frame);
                self.own_device_sends(switch, frame);
                Ok(())
            }
            Uplink::Bond(Some(active)) => {
                self.count_sent(id, frame.bytes, true);
                self.hop(id, HopKind::Transmit(rule), frame);
                self.leave(active, self.wiring.linked(active), frame, Rule::BondTransmit)
            }
            Uplink::Bond(None) => {
                self.discard(id, Rule::NoCarrier, frame);
                Ok(())
            }
            Uplink::Discard => {
                self.count_sent(id, frame.bytes, true);
                self.hop(id, HopKind::Transmit(rule), frame);
                self.hop(id, HopKind::Drop(Rule::Swallowed), frame);
                Ok(())
            }
            Uplink::Cable { far, latency } => {
                let accepted = self.offer(far, frame);
                self.count_sent(id, frame.bytes, accepted.is_ok());
                accepted?;
                self.hop(id, HopKind::Transmit(rule), frame);
                if matches!(far, End::Nobody { .. }) {
                    self.hop(id, HopKind::Drop(Rule::IdleCable), frame);
                } else {
                    self.observer.under_way(far, latency, frame);
                }
                Ok(())
            }
        }
    }

    /// Whether the far end of a cable takes a frame of this length.
    ///
    /// # Errors
    /// `ENOBUFS`: it is longer than the far end's mtu and 18 bytes (R74).
    pub(super) fn offer(&mut self, far: End, frame: Numbered<'_>) -> Result<(), Refusal> {
        let (node, mtu) = match far {
            End::Device(d) => (Some(d), self.wiring.link(d).map(|l| l.mtu)),
            End::Switch(s, p) => {
                let (node, port) = self.wiring.switch_port(s, p);
                (Some(node), Some(port.mtu))
            }
            End::Nobody { mtu } => (None, Some(mtu)),
            End::Outside(_) | End::Gone => (None, None),
        };
        if mtu.is_none_or(|mtu| Nic::fits(mtu, frame.bytes.len())) {
            return Ok(());
        }
        if let Some(node) = node {
            self.state.count(node).rx_dropped += 1;
            self.hop(node, HopKind::Drop(Rule::TooLongToReceive), frame);
        }
        Err(Refusal::new(Errno::Enobufs, Rule::TooLongToReceive))
    }

    fn count_sent(&mut self, id: NodeId, frame: &[u8], sent: bool) {
        let counters = self.state.count(id);
        if sent {
            counters.tx_packets += 1;
            counters.tx_bytes += frame.len() as u64;
        } else {
            counters.tx_dropped += 1;
        }
    }
}
