//! Decisions in full: what was looked up, and every candidate that the frame could have gone to, with the rule that sent it
//! there or withheld it. They are reported only if the [observer](Observer::wants_decisions) wants them, when the decision is
//! made and by the predicates that make it: [`Forwarding::why`] and [`Switch::may_leave`].
//!
//! [`Forwarding::why`]: crate::macvlan::Forwarding::why
//! [`Switch::may_leave`]: crate::switch::Switch::may_leave

use super::wiring::{Name, PortNode, PortTable};
use super::{ForwardingContext, NodeId, Numbered, Observer, SwitchId};
use crate::frame::{EthHeader, Frame, MacAddr};
use crate::macvlan::Mode;
use crate::switch::{FdbKind, SwitchEgress, SwitchPortId, SwitchVerdict};
use crate::time::Instant;
use crate::verdict::{Egress, PortId, Rule, Verdict};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

/// One decision about a frame.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The step of the lab during which it was made, from 1; 0 before the first.
    pub step: usize,
    /// When.
    pub time: Instant,
    /// Where: the sending port, the parent, or the switch port at which the frame came in.
    pub device: Name,
    /// By whom.
    pub place: DecisionPoint,
    /// The rule that decided the fate of the frame itself.
    pub rule: Rule,
    /// What was looked up, and found.
    pub findings: Vec<Finding>,
    /// Every way that the frame could have gone from here.
    pub candidates: Vec<Candidate>,
    /// The frame.
    pub frame: Frame,
    /// As in the hop log.
    pub frame_id: u64,
}

/// Who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionPoint {
    /// A port sends.
    Port,
    /// A frame is at a parent: demultiplexed among its ports, its sub-interfaces and its host stack.
    Parent,
    /// A frame is at a switch.
    Switch,
}

/// A way that a frame goes, or does not go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where it leads: a device, or a switch port.
    pub to: Name,
    /// What is there.
    pub kind: CandidateKind,
    /// The rule by which the frame goes there, or the one that keeps it from there.
    pub rule: Result<Rule, Rule>,
}

/// What a way leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateKind {
    /// A port of the parent.
    Port,
    /// The host stack of the parent.
    Host,
    /// The parent's cable; the way is named after the parent.
    Wire,
    /// The parent's receive path, as if the frame had arrived there.
    Parent,
    /// An 802.1Q sub-interface of the parent.
    SubInterface,
    /// A port of the switch, as a way out.
    SwitchPort,
    /// The switch's own device.
    Own,
    /// The bridge, by the port of it that the device is.
    Bridge,
    /// The bond of which the device is a port.
    Bond,
}

/// Something that was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The destination address among the parent's active ports.
    Destination {
        /// The address.
        mac: MacAddr,
        /// The port that has it.
        port: Option<(Name, Mode)>,
    },
    /// The source address among the parent's active ports.
    Source {
        /// The address.
        mac: MacAddr,
        /// The port that has it.
        port: Option<(Name, Mode)>,
    },
    /// The source address in the lists of the parent's source ports.
    Listed {
        /// The address.
        mac: MacAddr,
        /// The ports that list it.
        by: Vec<Name>,
    },
    /// The destination address in the switch's forwarding database.
    Fdb {
        /// The address.
        mac: MacAddr,
        /// The switch port that it is behind, what sort of entry says so, and how old that is.
        entry: Option<(Name, FdbKind, Duration)>,
    },
    /// What the frame teaches the switch.
    Learns {
        /// The source address.
        mac: MacAddr,
        /// The switch port that it is behind from now on.
        port: Name,
        /// The switch port that it was behind.
        before: Option<Name>,
    },
}

impl<W: Observer> ForwardingContext<'_, W> {
    /// A decision with nothing found and no ways yet; the step is the watch's to say.
    fn decision(&self, at: NodeId, place: DecisionPoint, rule: Rule, frame: Numbered<'_>) -> Decision {
        Decision {
            step: 0,
            time: self.now,
            device: self.wiring.name(at).clone(),
            place,
            rule,
            findings: Vec::new(),
            candidates: Vec::new(),
            frame: Frame::new(frame.bytes),
            frame_id: frame.id,
        }
    }

    /// A port has decided where its frame goes.
    pub(super) fn report_transmit(
        &mut self,
        id: NodeId,
        port: &PortNode,
        ports: &PortTable,
        verdict: &Verdict,
        header: &EthHeader,
        frame: Numbered<'_>,
    ) {
        if !self.observer.wants_decisions() {
            return;
        }
        let table = &ports.table;
        let parent = || self.wiring.name(port.parent).clone();
        let mut report = self.decision(id, DecisionPoint::Port, verdict.rule, frame);
        if !header.dst.is_multicast() {
            let found = self.owner(ports, header.dst);
            report.findings.push(Finding::Destination { mac: header.dst, port: found });
        }
        // What enters the parent's receive path is decided about there.
        let inside = verdict.egress == Egress::Parent;
        if inside {
            report.candidates.push(Candidate {
                to: parent(),
                kind: CandidateKind::Parent,
                rule: Ok(verdict.rule),
            });
        } else {
            report.candidates =
                self.port_candidates(ports, |p| (p != port.port).then(|| table.why(verdict, p, header)));
        }
        let wire = if verdict.egress == Egress::Wire { Ok(verdict.rule) } else { Err(verdict.rule) };
        report.candidates.push(Candidate { to: parent(), kind: CandidateKind::Wire, rule: wire });
        self.observer.decided(report);
    }

    /// A parent's demultiplexer has decided.
    #[inline]
    pub(super) fn report_receive(
        &mut self,
        parent: NodeId,
        ports: &PortTable,
        verdict: &Verdict,
        header: &EthHeader,
        frame: Numbered<'_>,
    ) {
        if !self.observer.wants_decisions() {
            return;
        }
        let table = &ports.table;
        let mut report = self.decision(parent, DecisionPoint::Parent, verdict.rule, frame);
        if table.has_lists() {
            let by = table.listed_by(header.src).iter().filter_map(|p| self.port_name(ports, *p)).collect();
            report.findings.push(Finding::Listed { mac: header.src, by });
        }
        let owner = |mac| self.owner(ports, mac);
        report.findings.push(if header.dst.is_multicast() {
            Finding::Source { mac: header.src, port: owner(header.src) }
        } else {
            Finding::Destination { mac: header.dst, port: owner(header.dst) }
        });
        report.candidates = self.port_candidates(ports, |p| Some(table.why(verdict, p, header)));
        let host = if verdict.egress == Egress::HostStack { Ok(verdict.rule) } else { Err(verdict.rule) };
        report.candidates.push(Candidate {
            to: report.device.clone(),
            kind: CandidateKind::Host,
            rule: host,
        });
        self.observer.decided(report);
    }

    /// The outer tag has named a sub-interface, which is in front of ports and host stack.
    pub(super) fn report_vlan(&mut self, parent: NodeId, child: NodeId, frame: Numbered<'_>) {
        if !self.observer.wants_decisions() {
            return;
        }
        let rule = Rule::VlanReceive;
        let mut report = self.decision(parent, DecisionPoint::Parent, rule, frame);
        let link = self.wiring.linked(parent);
        if let Some(ports) = link.ports() {
            report.candidates = self.port_candidates(ports, |_| Some(Err(rule)));
        }
        for (_, vlan) in &link.vlans {
            let to = self.wiring.name(*vlan).clone();
            let way = if *vlan == child { Ok(rule) } else { Err(rule) };
            report.candidates.push(Candidate { to, kind: CandidateKind::SubInterface, rule: way });
        }
        report.candidates.push(Candidate {
            to: report.device.clone(),
            kind: CandidateKind::Host,
            rule: Err(rule),
        });
        self.observer.decided(report);
    }

    /// A frame is at a device that is a port of a bridge, which is in front of the device's own stack.
    pub(super) fn report_bridged(&mut self, device: NodeId, at: NodeId, rule: Rule, frame: Numbered<'_>) {
        if !self.observer.wants_decisions() {
            return;
        }
        let mut report = self.decision(device, DecisionPoint::Parent, rule, frame);
        let (bridge, stack) = (self.wiring.name(at).clone(), report.device.clone());
        report.candidates = vec![
            Candidate { to: bridge, kind: CandidateKind::Bridge, rule: Ok(rule) },
            Candidate { to: stack, kind: CandidateKind::Host, rule: Err(rule) },
        ];
        self.observer.decided(report);
    }

    /// A frame is at a port of a bond, which is in front of the device's own stack.
    pub(super) fn report_bonded(&mut self, device: NodeId, bond: NodeId, rule: Rule, frame: Numbered<'_>) {
        if !self.observer.wants_decisions() {
            return;
        }
        let mut report = self.decision(device, DecisionPoint::Parent, rule, frame);
        let goes = |there: bool| if there { Ok(rule) } else { Err(rule) };
        let (bond, stack) = (self.wiring.name(bond).clone(), report.device.clone());
        report.candidates = vec![
            Candidate { to: bond, kind: CandidateKind::Bond, rule: goes(rule == Rule::BondReceive) },
            Candidate { to: stack, kind: CandidateKind::Host, rule: goes(rule == Rule::BackupLinkLocal) },
        ];
        self.observer.decided(report);
    }

    /// A switch has decided, and not yet learned.
    pub(super) fn report_switch(
        &mut self,
        id: SwitchId,
        ingress: SwitchPortId,
        verdict: &SwitchVerdict,
        header: &EthHeader,
        frame: Numbered<'_>,
    ) {
        if !self.observer.wants_decisions() {
            return;
        }
        let (node, switch) = (self.wiring.switch(id), &self.state.switches[id.index()]);
        let port = |p: SwitchPortId| if p == SwitchPortId::OWN { node.node } else { node.port(p) };
        let port_name = |p: SwitchPortId| self.wiring.name(port(p)).clone();
        let mut report = self.decision(port(ingress), DecisionPoint::Switch, verdict.rule, frame);
        let entry = |mac| switch.fdb_entry(verdict.vlan, mac, self.now);
        if !header.dst.is_multicast() {
            let entry = entry(header.dst).map(|e| (port_name(e.port), e.kind, e.age));
            report.findings.push(Finding::Fdb { mac: header.dst, entry });
        }
        if switch.lesson_of(verdict, ingress, header, self.now) == Some(ingress) {
            let before = entry(header.src).map(|e| port_name(e.port));
            report.findings.push(Finding::Learns { mac: header.src, port: port_name(ingress), before });
        }
        report.candidates = (0..switch.port_count())
            .map(SwitchPortId)
            .map(|out| {
                let rule = switch.may_leave(verdict, ingress, out, header);
                Candidate { to: port_name(out), kind: CandidateKind::SwitchPort, rule }
            })
            .collect();
        if let Some(link) = node.own.and_then(|own| self.wiring.link(own))
            && ingress != SwitchPortId::OWN
        {
            let gets = link.intake.is_up() && switch.own_device_gets(verdict, header, node.own_promiscuous);
            let rule = match verdict.egress {
                SwitchEgress::Withheld(_) if !gets => Err(Rule::KnownUnicast),
                _ if !gets => Err(verdict.rule),
                SwitchEgress::Own => Ok(verdict.rule),
                _ => Ok(Rule::SwitchOwnSees),
            };
            report.candidates.push(Candidate {
                to: self.wiring.name(node.node).clone(),
                kind: CandidateKind::Own,
                rule,
            });
        }
        self.observer.decided(report);
    }

    /// A way to each port of a parent about which there is something to say.
    fn port_candidates(
        &self,
        ports: &PortTable,
        why: impl Fn(PortId) -> Option<Result<Rule, Rule>>,
    ) -> Vec<Candidate> {
        let way = |(port, node): (PortId, NodeId)| {
            let to = self.wiring.name(node).clone();
            why(port).map(|rule| Candidate { to, kind: CandidateKind::Port, rule })
        };
        ports.nodes().filter_map(way).collect()
    }

    /// The active port that has an address.
    fn owner(&self, ports: &PortTable, mac: MacAddr) -> Option<(Name, Mode)> {
        let (port, entry) = ports.table.lookup(mac)?;
        self.port_name(ports, port).map(|name| (name, entry.mode))
    }

    fn port_name(&self, ports: &PortTable, port: PortId) -> Option<Name> {
        ports.slot(port).map(|slot| self.wiring.name(slot.node).clone())
    }
}
