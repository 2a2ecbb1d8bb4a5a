//! The decision (`br_handle_frame`, `br_handle_frame_finish`), the predicate about leaving (`should_deliver`,
//! `br_flood`), and learning.

use super::{FloodKind, Learn, OwnHost, Port, PortState, Switch, SwitchEgress, SwitchPortId, SwitchVerdict};
use crate::frame::{EthHeader, MacAddr, Retag, VlanId};
use crate::time::Instant;
use crate::verdict::Rule;

/// The last byte of the reserved group that PAUSE frames go to.
const PAUSE: u8 = 1;

impl SwitchVerdict {
    #[inline(always)]
    fn drop(rule: Rule, learn: Learn, vlan: Option<VlanId>) -> SwitchVerdict {
        SwitchVerdict { rule, egress: SwitchEgress::Drop, learn, vlan, admitted: false }
    }

    #[inline(always)]
    fn flood(rule: Rule, kind: FloodKind, learn: Learn, vlan: Option<VlanId>) -> SwitchVerdict {
        SwitchVerdict { rule, egress: SwitchEgress::Flood(kind), learn, vlan, admitted: true }
    }
}

impl Switch {
    /// Where a frame that arrives at a port goes, and what it teaches. Changes nothing. `header` is the frame's own.
    #[inline(always)]
    #[must_use]
    pub fn decide(
        &self,
        ingress: SwitchPortId,
        frame: &[u8],
        header: &EthHeader,
        now: Instant,
    ) -> SwitchVerdict {
        let Some(port) = self.port(ingress).filter(|p| p.carrier) else {
            return SwitchVerdict::drop(Rule::SwitchPortDown, Learn::Nothing, None);
        };
        if !header.src.is_valid_station() {
            return SwitchVerdict::drop(Rule::BadSource, Learn::Nothing, None);
        }
        // Most frames pass all that may keep a frame from being forwarded, as there is nothing that would.
        if port.ordinary && !self.vlan_filtering && !header.dst.is_multicast() {
            return self.to_destination(ingress, header, self.lesson(port, header), None, now);
        }
        let mut verdict = SwitchVerdict::drop(Rule::NothingToFloodTo, Learn::Nothing, None);
        self.decide_at_length(ingress, port, frame, header, now, &mut verdict);
        verdict
    }

    /// Everything that may keep a frame from being forwarded is asked. The verdict does not come as a return value, or the
    /// short way would have to put its own where that comes.
    #[inline(never)]
    fn decide_at_length(
        &self,
        ingress: SwitchPortId,
        port: &Port,
        frame: &[u8],
        header: &EthHeader,
        now: Instant,
        verdict: &mut SwitchVerdict,
    ) {
        *verdict = if let Err(rule) = port.policy_in(frame, header) {
            SwitchVerdict::drop(rule, Learn::Nothing, None)
        } else if let Some(nibble) = header.dst.reserved_group()
            && !self.forwards_reserved(port, nibble)
        {
            self.stays(port, header, nibble)
        } else {
            self.forward(ingress, port, header, now)
        };
    }

    /// Does what the verdict says about learning (`br_fdb_update`), and sweeps old entries now and then.
    #[inline]
    pub fn commit(
        &mut self,
        ingress: SwitchPortId,
        header: &EthHeader,
        verdict: &SwitchVerdict,
        now: Instant,
    ) {
        if verdict.learn == Learn::Source && self.port(ingress).is_some() {
            self.fdb.learn(verdict.vlan.unwrap_or_default(), header.src, ingress, now);
        }
    }

    /// The port behind which the frame's source is once the switch has [learned](Switch::commit) what the verdict says;
    /// `None`: it learns nothing, be it for want of room.
    #[must_use]
    pub fn lesson_of(
        &self,
        verdict: &SwitchVerdict,
        ingress: SwitchPortId,
        header: &EthHeader,
        now: Instant,
    ) -> Option<SwitchPortId> {
        let vlan = verdict.vlan.unwrap_or_default();
        let teaches = verdict.learn == Learn::Source;
        teaches.then(|| self.fdb.after_learning(vlan, header.src, ingress, now)).flatten()
    }

    /// Whether the frame leaves by port `out`, and by which rule, or which rule keeps it from leaving there. Delivery
    /// and "why not?" both ask this.
    ///
    /// # Errors
    /// The rule that withholds the frame from this port. For a frame that was dropped it is the verdict's; for one that
    /// has a single port to go to, even if it is withheld there, [`Rule::KnownUnicast`] at all others.
    pub fn may_leave(
        &self,
        verdict: &SwitchVerdict,
        ingress: SwitchPortId,
        out: SwitchPortId,
        header: &EthHeader,
    ) -> Result<Rule, Rule> {
        let port = self.port(out).ok_or(Rule::SwitchPortDown)?;
        let floods = match verdict.egress {
            SwitchEgress::Drop | SwitchEgress::Own | SwitchEgress::Stay => return Err(verdict.rule),
            SwitchEgress::Withheld(known) if known == out => return Err(verdict.rule),
            SwitchEgress::Port(known) if known == out => true,
            SwitchEgress::Port(_) | SwitchEgress::Withheld(_) => return Err(Rule::KnownUnicast),
            SwitchEgress::Flood(FloodKind::UnknownUnicast) => port.flags.flood,
            // What the switch's own device says to many is not held back (`br_flood`).
            SwitchEgress::Flood(_) if ingress == SwitchPortId::OWN => true,
            SwitchEgress::Flood(FloodKind::Multicast) => port.flags.mcast_flood,
            SwitchEgress::Flood(FloodKind::Broadcast) => port.flags.bcast_flood,
        };
        if !floods {
            return Err(Rule::FloodFlagOff);
        }
        self.passes(ingress, out, header, verdict.vlan)?;
        Ok(if out == ingress { Rule::Hairpin } else { verdict.rule })
    }

    /// The ports that the frame leaves by, ascending, each with the rule and what happens to the outer tag.
    pub fn egress(
        &self,
        verdict: &SwitchVerdict,
        ingress: SwitchPortId,
        header: &EthHeader,
    ) -> impl Iterator<Item = (SwitchPortId, Rule, Retag)> + '_ {
        let (verdict, header) = (*verdict, *header);
        self.candidates(&verdict).filter_map(move |out| {
            let (rule, retag) = self.way_out(&verdict, ingress, out, &header)?;
            Some((out, rule, retag))
        })
    }

    /// The ports that the frame might leave by, ascending: [`Switch::way_out`] says which of them do.
    pub fn candidates(&self, verdict: &SwitchVerdict) -> impl Iterator<Item = SwitchPortId> + use<> {
        let numbers = match verdict.egress {
            SwitchEgress::Drop | SwitchEgress::Withheld(_) | SwitchEgress::Own | SwitchEgress::Stay => 0..0,
            SwitchEgress::Port(SwitchPortId(n)) => n..n.saturating_add(1),
            SwitchEgress::Flood(_) => 0..self.port_count(),
        };
        numbers.map(SwitchPortId)
    }

    /// By which rule the frame leaves by port `out`, and what happens to its outer tag; `None`: it does not.
    #[inline]
    #[must_use]
    pub fn way_out(
        &self,
        verdict: &SwitchVerdict,
        ingress: SwitchPortId,
        out: SwitchPortId,
        header: &EthHeader,
    ) -> Option<(Rule, Retag)> {
        let rule = self.may_leave(verdict, ingress, out, header).ok()?;
        Some((rule, self.retag(verdict, out, header)))
    }

    /// What happens to the outer tag of a frame that leaves by port `out`.
    #[must_use]
    pub fn retag(&self, verdict: &SwitchVerdict, out: SwitchPortId, header: &EthHeader) -> Retag {
        match (verdict.vlan, self.port(out)) {
            (Some(vlan), Some(port)) => port.vlans.retag(vlan, header),
            _ => Retag::Keep,
        }
    }

    /// Rules R121, R155 to R158: 00 always (STP is off), 01 never, the others by the masks of bridge and arrival port.
    fn forwards_reserved(&self, port: &Port, nibble: u8) -> bool {
        nibble == 0 || nibble != PAUSE && (self.group_fwd_mask | port.group_fwd_mask) >> nibble & 1 != 0
    }

    /// A reserved frame that stays at the switch: it skips the lock and still teaches (rule R142), PAUSE excepted.
    fn stays(&self, port: &Port, header: &EthHeader, nibble: u8) -> SwitchVerdict {
        if nibble == PAUSE {
            return SwitchVerdict::drop(Rule::ReservedPause, Learn::Nothing, None);
        }
        let vlan = self.vlan_filtering.then(|| port.vlans.classify(header));
        let (learn, vlan) = match vlan {
            // Not in a VLAN of the port: it stays all the same and teaches nothing (`br_should_learn`).
            Some(None) => (Learn::Nothing, None),
            vlan => (self.lesson(port, header), vlan.flatten()),
        };
        let egress = SwitchEgress::Stay;
        SwitchVerdict { rule: Rule::ReservedLocal, egress, learn, vlan, admitted: false }
    }

    /// `br_handle_frame_finish`: VLAN, lock, learning, state, then the destination.
    fn forward(&self, ingress: SwitchPortId, port: &Port, header: &EthHeader, now: Instant) -> SwitchVerdict {
        if !port.state.teaches() {
            return SwitchVerdict::drop(Rule::PortStateIn, Learn::Nothing, None);
        }
        let vlan = if self.vlan_filtering { port.vlans.classify(header) } else { None };
        if self.vlan_filtering && vlan.is_none() {
            return SwitchVerdict::drop(Rule::VlanNotMember, Learn::Nothing, None);
        }
        let table = vlan.unwrap_or_default();
        if port.flags.locked && self.fdb.get(table, header.src, now) != Some(ingress) {
            return SwitchVerdict::drop(Rule::Locked, Learn::Nothing, vlan);
        }
        let learn = self.lesson(port, header);
        if port.state != PortState::Forwarding {
            return SwitchVerdict::drop(Rule::PortStateIn, learn, vlan);
        }
        self.to_destination(ingress, header, learn, vlan, now)
    }

    /// Where a frame goes that the switch's own device sends (`br_dev_xmit`). Nothing is learned from it, and reserved
    /// groups are groups like others (R213).
    #[must_use]
    pub fn decide_own(&self, header: &EthHeader, now: Instant) -> SwitchVerdict {
        self.to_destination(SwitchPortId::OWN, header, Learn::Nothing, None, now)
    }

    /// By the destination: flooded, to a port, or to the switch's own device.
    #[inline(always)]
    fn to_destination(
        &self,
        ingress: SwitchPortId,
        header: &EthHeader,
        learn: Learn,
        vlan: Option<VlanId>,
        now: Instant,
    ) -> SwitchVerdict {
        if header.dst.is_broadcast() {
            return SwitchVerdict::flood(Rule::SwitchBroadcast, FloodKind::Broadcast, learn, vlan);
        }
        if header.dst.is_multicast() {
            return SwitchVerdict::flood(Rule::SwitchMulticast, FloodKind::Multicast, learn, vlan);
        }
        let to = |rule, egress| SwitchVerdict { rule, egress, learn, vlan, admitted: true };
        if let Some(own) = &self.own
            && let Some((rule, egress)) = own.takes(ingress, header)
        {
            return to(rule, egress);
        }
        match self.destination(ingress, vlan.unwrap_or_default(), header, learn, now) {
            None => SwitchVerdict::flood(Rule::UnknownUnicast, FloodKind::UnknownUnicast, learn, vlan),
            Some(out) => match self.passes(ingress, out, header, vlan) {
                Err(rule) => to(rule, SwitchEgress::Withheld(out)),
                Ok(()) if out == ingress => to(Rule::Hairpin, SwitchEgress::Port(out)),
                Ok(()) => to(Rule::KnownUnicast, SwitchEgress::Port(out)),
            },
        }
    }

    /// Whether the switch's own device gets a frame that came in at a port: it has the address, the frame is a
    /// multicast or broadcast, or the device is promiscuous, as macvlan ports on it make it (R212; `br_pass_frame_up`).
    #[must_use]
    pub fn own_device_gets(&self, verdict: &SwitchVerdict, header: &EthHeader, promiscuous: bool) -> bool {
        self.own.is_some()
            && verdict.admitted
            && (promiscuous || header.dst.is_multicast() || verdict.egress == SwitchEgress::Own)
    }

    /// The port behind which the destination is. Learning comes first in the kernel, so a frame to its own source is
    /// judged by what it teaches.
    #[inline(always)]
    fn destination(
        &self,
        ingress: SwitchPortId,
        vlan: VlanId,
        header: &EthHeader,
        learn: Learn,
        now: Instant,
    ) -> Option<SwitchPortId> {
        if header.dst == header.src && learn == Learn::Source {
            return self.fdb.after_learning(vlan, header.src, ingress, now);
        }
        self.fdb.get(vlan, header.dst, now)
    }

    /// What the source address teaches; those of the switch's own host stay there, wherever they are seen.
    #[inline(always)]
    fn lesson(&self, port: &Port, header: &EthHeader) -> Learn {
        let foreign = self.own.as_ref().is_none_or(|own| !own.has(header.src));
        let teaches = foreign && port.flags.learning && port.state.teaches() && self.fdb.learns();
        if teaches { Learn::Source } else { Learn::Nothing }
    }

    /// `should_deliver`: what holds for floods and known unicast alike, in the kernel's order, then the policies.
    #[inline(always)]
    fn passes(
        &self,
        ingress: SwitchPortId,
        out: SwitchPortId,
        header: &EthHeader,
        vlan: Option<VlanId>,
    ) -> Result<(), Rule> {
        let port = self.port(out).ok_or(Rule::SwitchPortDown)?;
        if port.ordinary && vlan.is_none() && out != ingress {
            return Ok(());
        }
        if out == ingress && !port.flags.hairpin {
            return Err(Rule::NoHairpin);
        }
        if !port.carrier {
            return Err(Rule::SwitchPortDown);
        }
        if port.state != PortState::Forwarding {
            return Err(Rule::PortStateOut);
        }
        if vlan.is_some_and(|vlan| !port.vlans.contains(vlan)) {
            return Err(Rule::VlanNotMember);
        }
        if port.flags.isolated && self.port(ingress).is_some_and(|p| p.flags.isolated) {
            return Err(Rule::Isolated);
        }
        port.policy_out(header)
    }

    #[inline]
    pub(super) fn port(&self, id: SwitchPortId) -> Option<&Port> {
        self.ports.get(usize::from(id.0))
    }
}

impl OwnHost {
    /// Whether an address belongs to the host.
    pub(super) fn has(&self, mac: MacAddr) -> bool {
        self.mac == mac || self.device(mac).is_some()
    }

    /// The port that the device with this address is.
    fn device(&self, mac: MacAddr) -> Option<SwitchPortId> {
        let at = self.devices.partition_point(|(other, _)| *other < mac);
        self.devices.get(at).filter(|(other, _)| *other == mac).map(|(_, port)| *port)
    }

    /// Where a frame for an address of the host goes, and by which rule. What the own device sends to the address of a
    /// port's device leaves by that port (`br_dev_xmit` does not ask whose it is).
    fn takes(&self, ingress: SwitchPortId, header: &EthHeader) -> Option<(Rule, SwitchEgress)> {
        if self.mac == header.dst {
            return Some((Rule::SwitchOwnAddress, SwitchEgress::Own));
        }
        let port = self.device(header.dst)?;
        let own_sends = ingress == SwitchPortId::OWN;
        let egress = if own_sends { SwitchEgress::Port(port) } else { SwitchEgress::Own };
        Some((if own_sends { Rule::KnownUnicast } else { Rule::SwitchPortAddress }, egress))
    }
}

impl Port {
    /// Notes whether anything about the port makes a difference, which it must be asked whenever it was changed.
    pub(super) fn settle(&mut self) {
        let forwards = self.carrier && self.state == PortState::Forwarding;
        self.ordinary = forwards && !self.flags.locked && !self.flags.isolated && self.policy.is_none();
    }
}

impl PortState {
    /// Frames that arrive teach their source (rule R150).
    fn teaches(self) -> bool {
        matches!(self, PortState::Learning | PortState::Forwarding)
    }
}
