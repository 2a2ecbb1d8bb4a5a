//! Steps, and the lessons that have some.

use super::Choices;
use crate::errno::Errno;
use crate::frame::{Craft, CraftBody, IpRef, MacRef, Tag};
use crate::lab::spec::InjectPoint;
use crate::lab::spec::*;
use crate::labfile::MAX_CHOICES;
use crate::macvlan::{MacvlanFlags, Mode, SourcesChange};
use crate::station::NeighbourState;
use crate::switch::{PortFlag, PortState};
use crate::verdict::Rule;
use std::net::Ipv4Addr;

impl Choices<'_> {
    pub(super) fn receivers(&mut self) -> Expect {
        let delivered = self.maybe(|d| d.some(Choices::device));
        let seen = self.maybe(|d| d.some(Choices::device));
        let answered = self.maybe(|d| d.some(Choices::device));
        let not_delivered = self.some(Choices::device);
        let nothing = delivered.is_none() && seen.is_none() && answered.is_none() && not_delivered.is_empty();
        let delivered = if nothing { Some(Vec::new()) } else { delivered };
        Expect::Receivers(Box::new(ExpectedReceivers { delivered, seen, answered, not_delivered }))
    }

    pub(super) fn table(&mut self) -> Expect {
        let expected = if self.chance() {
            ExpectedTable::Fdb { switch: "sw0".into(), mac: self.mac(), port: self.maybe(|_| "win".into()) }
        } else {
            let (state, mac) = (self.maybe(|d| d.one(NeighbourState::ALL)), self.maybe(Choices::mac));
            let entry = self.maybe(|_| ExpectedEntry::Present { state, mac });
            let ip = self.one(&["10.0.0.9", "fd00::9"]).parse().unwrap();
            let device = self.device();
            ExpectedTable::Neighbour { device, ip, entry: entry.unwrap_or(ExpectedEntry::Absent) }
        };
        Expect::Table(Box::new(expected))
    }

    /// Parts that take so many steps together.
    pub(super) fn lesson(&mut self, mut steps: usize) -> Vec<PartSpec> {
        let parts = self.below(4);
        let mut part = |number: usize| {
            let own = if number + 1 == parts { steps } else { self.below(steps + 1) };
            steps -= own;
            PartSpec {
                question: self.line(),
                predictions: self.some(Choices::prediction),
                steps: own,
                rules: self.some(|d| d.one(Rule::ALL)),
                explanation: self.line(),
                exercise: self.maybe(Choices::exercise),
            }
        };
        (0..parts).map(&mut part).collect()
    }

    pub(super) fn prediction(&mut self) -> PredictionSpec {
        let several = self.chance();
        let right = if several { 2 } else { 1 };
        let choices = (0..2 + self.below(MAX_CHOICES - 1)).map(|number| ChoiceSpec {
            text: self.line(),
            right: number < right,
            why: self.line(),
        });
        let choices = choices.collect();
        PredictionSpec { question: self.maybe(Choices::line), after: self.chance(), several, choices }
    }

    pub(super) fn exercise(&mut self) -> ExerciseSpec {
        let goal = |d: &mut Self| {
            let step = d.step();
            let expect = step.expect.clone().or(match step.action {
                Action::Ping(_) | Action::Arping(_) | Action::Udp(_) | Action::Tcp(_) => {
                    Some(Expect::Failure)
                }
                _ => Some(Expect::Ok),
            });
            StepSpec { expect, ..step }
        };
        ExerciseSpec {
            task: self.line(),
            goals: (0..=self.below(2)).map(|_| goal(self)).collect(),
            changes: self.maybe(|d| d.below(1001)),
            keep: self.some(Choices::device),
            hints: self.some(Choices::line),
            solution: (0..=self.below(2)).map(|_| self.step()).collect(),
            explanation: self.maybe(Choices::line).unwrap_or_default(),
        }
    }

    /// A text that is not empty.
    pub(super) fn line(&mut self) -> String {
        format!("{}.", self.word())
    }

    pub(super) fn device(&mut self) -> Name {
        self.one(&["eth0", "eth1", "c1", "c2", "v.10", "win", "r.0", "side"]).into()
    }

    pub(super) fn mac_ref(&mut self) -> MacRef {
        if self.chance() { MacRef::Addr(self.mac()) } else { MacRef::Device(self.device().into()) }
    }

    pub(super) fn v4_ref(&mut self) -> IpRef {
        if self.chance() {
            IpRef::Addr(Ipv4Addr::from(self.roll()).into())
        } else {
            IpRef::Device(self.device().into())
        }
    }

    pub(super) fn craft(&mut self) -> Craft {
        let (from, to) = (self.maybe(Choices::v4_ref), self.v4_ref());
        let body = match self.below(4) {
            0 => CraftBody::Ethernet { ethertype: self.roll() as u16, payload: self.bytes() },
            1 => CraftBody::Arp {
                op: self.roll() as u16 % 4,
                sender_mac: self.maybe(Choices::mac_ref),
                sender_ip: from,
                target_mac: self.maybe(Choices::mac_ref),
                target_ip: to,
            },
            2 => {
                let (id, seq, ttl) = (self.roll() as u16, self.roll() as u16, self.roll() as u8);
                CraftBody::Icmp { from, to, id, seq, ttl, size: self.below(65_508) as u16 }
            }
            _ => {
                let (sport, dport, ttl) = (self.roll() as u16, self.roll() as u16, self.roll() as u8);
                CraftBody::Udp { from, to, sport, dport, ttl, payload: self.bytes() }
            }
        };
        let tags = self.some(|d| Tag { tpid: d.one(&[0x8100, 0x88a8]), tci: d.roll() as u16 });
        Craft {
            dst: Some(self.mac_ref()),
            src: self.maybe(Choices::mac_ref),
            tags,
            pad: self.below(2000),
            body,
        }
    }

    pub(super) fn change(&mut self) -> Change {
        let macs = self.some(Choices::mac);
        match self.below(17) {
            16 => Change::Master(self.maybe(|_| "br0".into())),
            0 => Change::Up(self.chance()),
            1 => Change::Mode(self.one(&Mode::ALL)),
            2 => Change::Mac(self.mac()),
            3 => Change::Mtu(self.roll()),
            4 => Change::Flags(MacvlanFlags { nopromisc: self.chance(), nodst: self.chance() }),
            5 => Change::Bcqueuelen(self.roll()),
            6 => Change::Bclim(self.roll() as i32),
            7 => Change::Promisc(self.chance()),
            8 => Change::Allmulticast(self.chance()),
            9 => Change::Join(self.mac()),
            10 => Change::Leave(self.mac()),
            12 => Change::Sysctl(self.settings()),
            13 => Change::Addresses(match self.chance() {
                true => AddressChange::Add(self.ip().address),
                false => AddressChange::Del(self.ip().address),
            }),
            14 => Change::Neighbours(match self.below(3) {
                0 => NeighbourChange::Add(self.ip().neighbours),
                1 => NeighbourChange::Del(self.ip().gateway),
                _ => NeighbourChange::Flush,
            }),
            15 => Change::Host("h".into()),
            _ => Change::Sources(match self.below(4) {
                0 => SourcesChange::Add(macs),
                1 => SourcesChange::Del(macs),
                2 => SourcesChange::Set(macs),
                _ => SourcesChange::Flush,
            }),
        }
    }

    pub(super) fn switch_change(&mut self) -> SwitchChange {
        let port = Name::from(self.one(&["eth0", "win"]));
        match self.below(9) {
            7 => SwitchChange::Vlans { port, vlans: self.vlans() },
            8 => SwitchChange::Policy { port, policy: self.maybe(Choices::policy) },
            0 => SwitchChange::Flag { port, flag: self.one(&PortFlag::ALL), value: self.chance() },
            1 => SwitchChange::State { port, state: self.state() },
            2 => SwitchChange::State { port, state: PortState::Invalid(5 + self.below(200) as u8) },
            3 => SwitchChange::GroupFwdMask { port: self.maybe(|_| port), mask: self.roll() as u16 },
            4 => SwitchChange::Ageing(self.duration()),
            5 => SwitchChange::Fdb(self.fdb()),
            _ => SwitchChange::FdbDel { mac: self.mac(), vlan: self.maybe(Choices::vlan) },
        }
    }

    pub(super) fn step(&mut self) -> StepSpec {
        let errno = Expect::Errno(self.one(Errno::ALL));
        let answer =
            self.one(&[Expect::Reply, Expect::Failure, Expect::Unreachable, Expect::NoReply, errno.clone()]);
        let ok = self.one(&[Expect::Ok, errno]);
        let mut probe = ProbeSpec {
            from: self.device(),
            to: Target::Device(self.device()),
            count: 1 + self.roll() % 1000,
            timeout: self.duration(),
        };
        if self.chance() {
            probe.to = Target::Address(Ipv4Addr::from(self.roll()).into());
        }
        let (action, expect) = match self.below(14) {
            13 => {
                let port = self.maybe(|d| d.one(&["eth2", "eth3"]).into());
                (Action::Set { device: "bond0".into(), change: Change::Active(port) }, ok)
            }
            0 => (Action::Ping(probe), answer),
            1 => (Action::Arping(probe), answer),
            2 => (Action::Udp(probe), answer),
            3 => (Action::Tcp(probe), answer),
            4 | 5 => {
                let entry = self.one(&[InjectPoint::Device, InjectPoint::Wire, InjectPoint::Node]);
                let at = match entry {
                    InjectPoint::Device => self.device(),
                    InjectPoint::Wire => "eth0".into(),
                    InjectPoint::Node => self.one(&["c1", "c2"]).into(),
                };
                let crafted = self.maybe(Choices::craft).map(FrameSpec::Crafted);
                let frame = crafted.unwrap_or_else(|| FrameSpec::Bytes(self.bytes()));
                let expect = self.maybe(Choices::receivers).unwrap_or(ok);
                (Action::Inject { at, entry, frame }, expect)
            }
            6 => {
                let (device, change) = (self.one(&["c1", "c2"]).into(), self.change());
                (Action::Set { device, change }, ok)
            }
            7 => (
                Action::SetSwitch { switch: "sw 0".replace(' ', "").into(), change: self.switch_change() },
                ok,
            ),
            12 => (Action::SetHost { host: "h".into(), change: self.host_change() }, ok),
            8 => (Action::Add { name: "c3".into(), spec: self.macvlan(false) }, ok),
            9 => (Action::Remove(self.device()), ok),
            10 => (Action::Wait(self.duration()), Expect::Ok),
            _ => (Action::Replay { capture: "a b/c.pcap".into(), at: self.device() }, ok),
        };
        let expect = if self.chance() { expect } else { self.table() };
        StepSpec { action, expect: self.maybe(|_| expect), line: 0 }
    }
}
