//! NICs that are ports of a bond in active-backup mode: what comes in at the active port is the bond's, what comes in at a
//! backup port is dropped, but for link-local groups.

use super::wiring::BondPort;
use super::{ForwardingContext, HopKind, NodeId, Numbered, Observer};
use crate::frame::{EthHeader, PacketType};
use crate::verdict::Rule;

impl<W: Observer> ForwardingContext<'_, W> {
    /// A frame came in at a port of a bond.
    #[cold]
    pub(super) fn enter_bond(
        &mut self,
        id: NodeId,
        at: BondPort,
        header: &EthHeader,
        packet_type: PacketType,
        frame: Numbered<'_>,
    ) {
        let rule = match (at.active, header.dst.reserved_group()) {
            (true, _) => Rule::BondReceive,
            (false, Some(_)) => Rule::BackupLinkLocal,
            (false, None) => Rule::BackupPort,
        };
        self.report_bonded(id, at.bond, rule, frame);
        match rule {
            Rule::BondReceive => self.intake_bond(at.bond, header, packet_type, frame),
            Rule::BackupLinkLocal => self.hand_to_host(id, rule, packet_type, frame),
            _ => self.hop(id, HopKind::Drop(rule), frame),
        }
    }

    /// A bond gets a frame. It looks as it did to the port, which has the bond's MAC address.
    fn intake_bond(
        &mut self,
        bond: NodeId,
        header: &EthHeader,
        packet_type: PacketType,
        frame: Numbered<'_>,
    ) {
        let link = self.wiring.linked(bond);
        if !link.intake.is_up() {
            return self.hop(bond, HopKind::Drop(Rule::NicDown), frame);
        }
        self.count_received(bond, frame.bytes);
        self.intake(bond, link, header, packet_type, frame);
    }
}
