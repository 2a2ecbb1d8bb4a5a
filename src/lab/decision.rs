//! Decisions told in full: what was looked up, and every way that the frame could have gone with the rule that opened or
//! shut it. They are told only if [`Options::decisions`](super::Options::decisions) is set, at the moment at which the
//! decision is made and by the predicates that make it: [`Forwarding::why`] and [`Switch::may_leave`].
//!
//! [`Switch::may_leave`]: crate::switch::Switch::may_leave

use super::device::{DeviceId, SwitchId};
use super::spec::Name;
use super::{Event, Lab};
use crate::frame::{EthHeader, Frame, MacAddr};
use crate::macvlan::{Forwarding, Mode};
use crate::switch::{FdbKind, Learn, SwitchEgress, SwitchPortId, SwitchVerdict};
use crate::time::Instant;
use crate::verdict::{Egress, PortId, Rule, Verdict};
use std::time::Duration;

/// One decision about a frame.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The step during which it was made, from 1; 0 before the first.
    pub step: usize,
    /// When.
    pub time: Instant,
    /// Where: the sending port, the parent, or the switch port at which the frame came in.
    pub device: Name,
    /// By whom.
    pub place: Place,
    /// The rule that decided the fate of the frame itself.
    pub rule: Rule,
    /// What was looked up, and found.
    pub findings: Vec<Finding>,
    /// Every way that the frame could have gone from here.
    pub ways: Vec<Way>,
    /// The frame.
    pub frame: Frame,
    /// As in the hop log.
    pub frame_id: u64,
}

/// Who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A port sends.
    Port,
    /// A frame is at a parent: demultiplexed among its ports, its sub-interfaces and its host stack.
    Parent,
    /// A frame is at a switch.
    Switch,
}

/// A way that a frame goes, or does not go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Where it leads: a device, or a switch port.
    pub to: Name,
    /// What is there.
    pub kind: WayKind,
    /// The rule by which the frame goes there, or the one that keeps it from there.
    pub rule: Result<Rule, Rule>,
}

/// What a way leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayKind {
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
}

/// Something that was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
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

impl Lab {
    /// Records a decision, if decisions are told.
    pub(super) fn tell(&mut self, decision: impl FnOnce(&Lab) -> Decision) {
        if self.options.decisions {
            let decision = decision(self);
            self.log.push(Event::Decision(Box::new(decision)));
        }
    }

    fn decision(&self, device: Name, place: Place, rule: Rule, (frame, frame_id): (&Frame, u64)) -> Decision {
        let (findings, ways, frame) = (Vec::new(), Vec::new(), frame.clone());
        Decision { step: self.step, time: self.now, device, place, rule, findings, ways, frame, frame_id }
    }

    /// A port has decided where its frame goes.
    pub(super) fn told_transmit(
        &self,
        (id, parent, port): (DeviceId, DeviceId, PortId),
        table: &Forwarding,
        verdict: &Verdict,
        header: &EthHeader,
        frame: (&Frame, u64),
    ) -> Decision {
        let name = |id: DeviceId| self.devices[id.0].name.clone();
        let mut told = self.decision(name(id), Place::Port, verdict.rule, frame);
        if !header.dst.is_multicast() {
            let found = self.owner(parent, table, header.dst);
            told.findings.push(Finding::Destination { mac: header.dst, port: found });
        }
        // What enters the parent's receive path is decided about there.
        let inside = verdict.egress == Egress::Parent;
        if inside {
            told.ways.push(Way { to: name(parent), kind: WayKind::Parent, rule: Ok(verdict.rule) });
        } else {
            told.ways = self.port_ways(parent, |p| (p != port).then(|| table.why(verdict, p, header)));
        }
        let wire = if verdict.egress == Egress::Wire { Ok(verdict.rule) } else { Err(verdict.rule) };
        told.ways.push(Way { to: name(parent), kind: WayKind::Wire, rule: wire });
        told
    }

    /// A parent's demultiplexer has decided.
    pub(super) fn told_receive(
        &self,
        parent: DeviceId,
        table: &Forwarding,
        verdict: &Verdict,
        header: &EthHeader,
        frame: (&Frame, u64),
    ) -> Decision {
        let name = self.devices[parent.0].name.clone();
        let mut told = self.decision(name.clone(), Place::Parent, verdict.rule, frame);
        if table.has_lists() {
            let by = table.listed_by(header.src).iter().filter_map(|p| self.port_name(parent, *p)).collect();
            told.findings.push(Finding::Listed { mac: header.src, by });
        }
        let owner = |mac| self.owner(parent, table, mac);
        told.findings.push(if header.dst.is_multicast() {
            Finding::Source { mac: header.src, port: owner(header.src) }
        } else {
            Finding::Destination { mac: header.dst, port: owner(header.dst) }
        });
        told.ways = self.port_ways(parent, |p| Some(table.why(verdict, p, header)));
        let host = if verdict.egress == Egress::HostStack { Ok(verdict.rule) } else { Err(verdict.rule) };
        told.ways.push(Way { to: name, kind: WayKind::Host, rule: host });
        told
    }

    /// The outer tag has named a sub-interface, which is in front of ports and host stack.
    pub(super) fn told_vlan(&self, parent: DeviceId, child: DeviceId, frame: (&Frame, u64)) -> Decision {
        let (name, rule) = (self.devices[parent.0].name.clone(), Rule::VlanReceive);
        let mut told = self.decision(name.clone(), Place::Parent, rule, frame);
        told.ways = self.port_ways(parent, |_| Some(Err(rule)));
        for (_, vlan) in self.link(parent).map(|l| l.vlans.as_slice()).unwrap_or_default() {
            let to = self.devices[vlan.0].name.clone();
            let way = if *vlan == child { Ok(rule) } else { Err(rule) };
            told.ways.push(Way { to, kind: WayKind::SubInterface, rule: way });
        }
        told.ways.push(Way { to: name, kind: WayKind::Host, rule: Err(rule) });
        told
    }

    /// A switch has decided, and not yet learned.
    pub(super) fn told_switch(
        &self,
        switch: SwitchId,
        ingress: SwitchPortId,
        verdict: &SwitchVerdict,
        header: &EthHeader,
        frame: (&Frame, u64),
    ) -> Decision {
        let node = &self.switches[switch.0];
        let port_name =
            |p: SwitchPortId| node.ports.get(usize::from(p.0)).map_or(&node.name, |p| &p.name).clone();
        let mut told = self.decision(port_name(ingress), Place::Switch, verdict.rule, frame);
        let vlan = verdict.vlan;
        let entry = |mac| node.switch.fdb_entry(vlan, mac, self.now);
        if !header.dst.is_multicast() {
            let entry = entry(header.dst).map(|e| (port_name(e.port), e.kind, e.age));
            told.findings.push(Finding::Fdb { mac: header.dst, entry });
        }
        let before = entry(header.src);
        let stuck = before.is_some_and(|e| e.kind == FdbKind::Sticky && e.port != ingress);
        if verdict.learn == Learn::Source && !stuck {
            let before = before.map(|e| port_name(e.port));
            told.findings.push(Finding::Learns { mac: header.src, port: port_name(ingress), before });
        }
        told.ways = (0..node.switch.port_count())
            .map(SwitchPortId)
            .map(|out| {
                let rule = node.switch.may_leave(verdict, ingress, out, header);
                Way { to: port_name(out), kind: WayKind::SwitchPort, rule }
            })
            .collect();
        if let Some(link) = node.own.and_then(|own| self.link(own)) {
            let promiscuous = link.nic.filter.promiscuity() != 0;
            let gets = link.nic.up && node.switch.own_device_gets(verdict, header, promiscuous);
            let rule = match verdict.egress {
                _ if !gets => Err(verdict.rule),
                SwitchEgress::Own => Ok(verdict.rule),
                _ => Ok(Rule::SwitchOwnSees),
            };
            if ingress != SwitchPortId::OWN {
                told.ways.push(Way { to: node.name.clone(), kind: WayKind::Own, rule });
            }
        }
        told
    }

    /// A way to each port of a parent about which there is something to say.
    fn port_ways(&self, parent: DeviceId, why: impl Fn(PortId) -> Option<Result<Rule, Rule>>) -> Vec<Way> {
        let slots = self.link(parent).map(|l| l.ports.as_slice()).unwrap_or_default();
        let ports = slots.iter().zip(0..=u16::MAX).filter_map(|(id, slot)| id.map(|id| (id, PortId(slot))));
        let way = |(id, port): (DeviceId, PortId)| {
            let to = self.devices[id.0].name.clone();
            why(port).map(|rule| Way { to, kind: WayKind::Port, rule })
        };
        ports.filter_map(way).collect()
    }

    /// The active port that has an address.
    fn owner(&self, parent: DeviceId, table: &Forwarding, mac: MacAddr) -> Option<(Name, Mode)> {
        let (port, entry) = table.lookup(mac)?;
        self.port_name(parent, port).map(|name| (name, entry.mode))
    }

    fn port_name(&self, parent: DeviceId, port: PortId) -> Option<Name> {
        let id = (*self.link(parent)?.ports.get(port.index())?)?;
        Some(self.devices[id.0].name.clone())
    }
}
