//! The way out: a station, a host stack or a port sends; the demultiplexer decides; the frame leaves on a cable.

use super::clock::Due;
use super::device::{DeviceId, End, Kind, Link, Role, Uplink};
use super::{HopKind, Lab};
use crate::errno::Errno;
use crate::frame::{EthHeader, Frame, VlanId};
use crate::macvlan::Refusal;
use crate::nic::{Nic, check_send};
use crate::verdict::{Egress, PortId, Rule};

impl Lab {
    /// A device sends a frame.
    ///
    /// # Errors
    /// What `send(2)` on a packet socket answers: `ENETDOWN`, `EINVAL`, `EMSGSIZE`, `ENOBUFS` (R72 to R74, R89).
    pub(super) fn send(&mut self, id: DeviceId, frame: Frame, frame_id: u64) -> Result<(), Refusal> {
        match &self.devices[id.0].kind {
            Kind::Port { parent, port, tap } => {
                let (parent, port, tap) = (*parent, *port, tap.is_some());
                match self.port_sends(id, parent, port, frame, frame_id) {
                    // A macvtap has a transmit queue, and what happens behind a queue the sender does not hear.
                    Err((Errno::Enobufs, _)) if tap => Ok(()),
                    other => other,
                }
            }
            Kind::Link(link) => {
                check_send(&frame, link.nic.mtu, link.nic.up)?;
                let rule = match link.role {
                    Role::Nic | Role::Vlan | Role::Bridge => Rule::HostToWire,
                    Role::Station | Role::Router(_) => Rule::StationTransmit,
                };
                self.leave(id, frame, frame_id, rule)
            }
        }
    }

    fn port_sends(
        &mut self,
        id: DeviceId,
        parent: DeviceId,
        port: PortId,
        frame: Frame,
        frame_id: u64,
    ) -> Result<(), Refusal> {
        let missing = (Errno::Enodev, Rule::SendDown);
        let carrier = self.has_carrier(parent);
        let demux = self.link_mut(parent).and_then(|l| l.demux.as_mut()).ok_or(missing)?;
        let (mtu, up) = demux.port(port).map(|p| (p.mtu, p.up)).ok_or(missing)?;
        check_send(&frame, mtu, up)?;
        if !carrier {
            self.port_discards(id, parent, port, Rule::NoCarrier, &frame, frame_id);
            return Ok(());
        }
        self.port_forwards(id, parent, port, frame, frame_id)
    }

    /// A program writes a frame to a macvtap's device node (R203): no mtu limits it, and what the port cannot send is
    /// gone without a word (R204).
    ///
    /// # Errors
    /// `EINVAL` below 14 bytes; `EOPNOTSUPP` if the device is no macvtap.
    pub(super) fn write_to_node(&mut self, id: DeviceId, frame: Frame, frame_id: u64) -> Result<(), Refusal> {
        let Kind::Port { parent, port, tap: Some(_) } = self.devices[id.0].kind else {
            return Err((Errno::Eopnotsupp, Rule::TapWrite));
        };
        if frame.len() < EthHeader::LEN {
            return Err((Errno::Einval, Rule::TapWrite));
        }
        if !self.is_up(id) || !self.has_carrier(parent) {
            self.port_discards(id, parent, port, Rule::TapWriteLost, &frame, frame_id);
            return Ok(());
        }
        match self.port_forwards(id, parent, port, frame, frame_id) {
            Err((Errno::Enobufs, _)) => Ok(()),
            other => other,
        }
    }

    fn port_discards(
        &mut self,
        id: DeviceId,
        parent: DeviceId,
        port: PortId,
        rule: Rule,
        frame: &Frame,
        frame_id: u64,
    ) {
        if let Some(counters) = self.port_counters(parent, port) {
            counters.tx_dropped += 1;
        }
        self.hop(id, HopKind::Drop(rule), frame, frame_id);
    }

    /// The demultiplexer decides about a frame that a port sends, and it goes there.
    fn port_forwards(
        &mut self,
        id: DeviceId,
        parent: DeviceId,
        port: PortId,
        frame: Frame,
        frame_id: u64,
    ) -> Result<(), Refusal> {
        let missing = (Errno::Enodev, Rule::SendDown);
        let demux = self.link_mut(parent).and_then(|l| l.demux.as_mut()).ok_or(missing)?;
        let table = demux.publish().clone();
        let header = EthHeader::outgoing(&frame).ok_or((Errno::Einval, Rule::RuntSend))?;
        let verdict = table.transmit(port, &header);
        self.hop(id, HopKind::Transmit(verdict.rule), &frame, frame_id);
        self.tell(|lab| lab.told_transmit((id, parent, port), &table, &verdict, &header, (&frame, frame_id)));
        let packet_type = crate::frame::PacketType::OtherHost;
        for delivery in table.deliveries(&verdict, &header, packet_type) {
            self.hand_to_port(parent, &delivery, &header, &frame, frame_id);
        }
        let sent = if verdict.egress == Egress::Parent {
            self.intake_local(parent, frame.clone(), frame_id);
            Ok(())
        } else {
            self.leave(parent, frame.clone(), frame_id, verdict.rule)
        };
        if let Some(counters) = self.port_counters(parent, port) {
            if sent.is_ok() {
                counters.tx_packets += 1;
                counters.tx_bytes += frame.len() as u64;
            } else {
                counters.tx_dropped += 1;
            }
        }
        sent
    }

    /// A port's counters.
    pub(super) fn port_counters(
        &mut self,
        parent: DeviceId,
        port: PortId,
    ) -> Option<&mut crate::counters::Counters> {
        self.link_mut(parent)?.demux.as_mut()?.counters_mut(port)
    }

    /// A frame leaves by a link: on its cable, or tagged through the device below.
    ///
    /// # Errors
    /// `ENOBUFS` if the far end refuses it (R74).
    fn leave(&mut self, id: DeviceId, frame: Frame, frame_id: u64, rule: Rule) -> Result<(), Refusal> {
        let carrier = self.has_carrier(id);
        let Some(link) = self.link_mut(id) else { return Ok(()) };
        if !carrier {
            link.nic.counters.tx_dropped += 1;
            self.hop(id, HopKind::Drop(Rule::NoCarrier), &frame, frame_id);
            return Ok(());
        }
        match link.uplink {
            Uplink::Below { nic, vlan, .. } => {
                count_sent(link, &frame);
                self.hop(id, HopKind::Transmit(rule), &frame, frame_id);
                self.leave(nic, tagged(&frame, vlan), frame_id, Rule::VlanTransmit)
            }
            Uplink::Switch(switch) => {
                count_sent(link, &frame);
                self.hop(id, HopKind::Transmit(rule), &frame, frame_id);
                self.own_device_sends(switch, &frame, frame_id);
                Ok(())
            }
            Uplink::Cable(cable) => {
                let far = self.cables[cable.0].far(End::Device(id));
                if let Err(refusal) = self.offer(far, &frame, frame_id) {
                    if let Some(link) = self.link_mut(id) {
                        link.nic.counters.tx_dropped += 1;
                    }
                    return Err(refusal);
                }
                if let Some(link) = self.link_mut(id) {
                    count_sent(link, &frame);
                }
                self.hop(id, HopKind::Transmit(rule), &frame, frame_id);
                if matches!(far, End::Nobody { .. }) {
                    self.hop(id, HopKind::Drop(Rule::IdleCable), &frame, frame_id);
                } else {
                    let time = self.now + self.cables[cable.0].latency;
                    self.agenda.plan(time, Due::Arrive { at: far, frame, frame_id });
                }
                Ok(())
            }
        }
    }

    /// Whether the far end of a cable takes a frame of this length.
    ///
    /// # Errors
    /// `ENOBUFS`: it is longer than the far end's mtu and 18 bytes (R74).
    pub(super) fn offer(&mut self, far: End, frame: &Frame, frame_id: u64) -> Result<(), Refusal> {
        let fits = match far {
            End::Device(d) => self.link(d).is_none_or(|l| Nic::fits(l.nic.mtu, frame.len())),
            End::Switch(s, p) => Nic::fits(self.switches[s.0].ports[usize::from(p.0)].mtu, frame.len()),
            End::Nobody { mtu } => Nic::fits(mtu, frame.len()),
            // Whoever is there says so when the frame comes.
            End::Outside(_) => true,
            End::Gone => true,
        };
        if fits {
            return Ok(());
        }
        match far {
            End::Device(d) => {
                if let Some(link) = self.link_mut(d) {
                    link.nic.counters.rx_dropped += 1;
                }
                self.hop(d, HopKind::Drop(Rule::TooLongToReceive), frame, frame_id);
            }
            End::Switch(s, p) => {
                self.switches[s.0].ports[usize::from(p.0)].counters.rx_dropped += 1;
                self.hop_switch(s, p, HopKind::Drop(Rule::TooLongToReceive), frame, frame_id);
            }
            End::Nobody { .. } | End::Outside(_) | End::Gone => {}
        }
        Err((Errno::Enobufs, Rule::TooLongToReceive))
    }
}

fn count_sent(link: &mut Link, frame: &Frame) {
    link.nic.counters.tx_packets += 1;
    link.nic.counters.tx_bytes += frame.len() as u64;
}

/// The frame with one more 802.1Q tag, outside of those it has.
fn tagged(frame: &Frame, vlan: VlanId) -> Frame {
    let (addresses, rest) = frame.split_at(12.min(frame.len()));
    [addresses, &[0x81, 0x00], &vlan.get().to_be_bytes(), rest].concat().into()
}
