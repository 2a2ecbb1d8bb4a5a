//! A port sends.

use super::Mode;
use super::forwarding::Forwarding;
use crate::frame::{EthHeader, ethertype};
use crate::verdict::{Egress, Flood, FloodClass, PortId, Rule, Verdict};

impl Forwarding {
    /// Where a frame goes that a port sends (`macvlan_queue_xmit`). Only bridge ports reach each other without the
    /// wire; the source address does not matter (R33).
    #[must_use]
    pub fn transmit(&self, from: PortId, header: &EthHeader) -> Verdict {
        let to_wire = Verdict::plain(Rule::ToWire, Egress::Wire);
        if self.port(from).is_none_or(|p| p.mode != Mode::Bridge) {
            return to_wire;
        }
        if !header.dst.is_multicast() {
            return match self.lookup(header.dst) {
                Some((_, port)) if port.mode == Mode::Bridge => {
                    Verdict::plain(Rule::BridgeLocalUnicast, Egress::Parent)
                }
                _ => to_wire,
            };
        }
        // Here the tag has not been set aside: the ethertype tested is the outer one.
        if header.outer_ethertype() == ethertype::MAC_CONTROL {
            return Verdict { flood: Flood::Withheld(Rule::PauseNotFlooded), ..to_wire };
        }
        Verdict { rule: Rule::BridgeLocalFlood, flood: Flood::To(FloodClass::Local(from)), ..to_wire }
    }
}
