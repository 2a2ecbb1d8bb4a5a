//! Every declaration survives writing and reading; and no input makes the reader panic.

use super::parse;
use crate::errno::Errno;
use crate::frame::{Craft, CraftBody, IpRef, MacAddr, MacRef, Tag, VlanId};
use crate::lab::spec::*;
use crate::lab::spec::{InjectPoint, TapOpen};
use crate::labfile::{MAX_CHOICES, write};
use crate::macvlan::{MacvlanFlags, Mode, SourcesChange};
use crate::nic::UnicastFilter;
use crate::station::{HostConfig, IpNet, IpSpec, NeighbourState, RouteSpec, Sysctl, Sysctls};
use crate::switch::{Policy, PortFlag, PortFlags, PortSecurity, PortState, PortVlans, VirtualSwitch};
use crate::verdict::Rule;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Choices, derived from a list of numbers so that they shrink; all zero when the list is used up.
struct Choices<'a>(std::slice::Iter<'a, u32>);

impl Choices<'_> {
    fn roll(&mut self) -> u32 {
        self.0.next().copied().unwrap_or(0)
    }

    fn below(&mut self, n: usize) -> usize {
        self.roll() as usize % n
    }

    fn chance(&mut self) -> bool {
        self.roll() % 2 == 1
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.chance() { Some(make(self)) } else { None }
    }

    fn some<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(3)).map(|_| make(self)).collect()
    }

    fn receivers(&mut self) -> Expect {
        let delivered = self.maybe(|d| d.some(Choices::device));
        let seen = self.maybe(|d| d.some(Choices::device));
        let answered = self.maybe(|d| d.some(Choices::device));
        let not_delivered = self.some(Choices::device);
        let nothing = delivered.is_none() && seen.is_none() && answered.is_none() && not_delivered.is_empty();
        let delivered = if nothing { Some(Vec::new()) } else { delivered };
        Expect::Receivers(Box::new(ExpectedReceivers { delivered, seen, answered, not_delivered }))
    }

    fn table(&mut self) -> Expect {
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

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn mac(&mut self) -> MacAddr {
        MacAddr::from_u64(u64::from(self.roll()) << 16 | u64::from(self.roll()) & 0xffff)
    }

    fn word(&mut self) -> String {
        self.one(&["", "a lab", "\"quoted\" \\ back", "ümlaut", "# no comment", "'"]).to_owned()
    }

    fn duration(&mut self) -> Duration {
        let unit = self.one(&[1, 1000, 1_000_000, 1_000_000_000]);
        Duration::from_nanos(u64::from(self.roll() % 100_000) * unit)
    }

    fn vlan(&mut self) -> VlanId {
        VlanId::new(u16::try_from(1 + self.below(4094)).unwrap()).unwrap()
    }

    fn bytes(&mut self) -> Vec<u8> {
        (0..self.below(20)).map(|_| self.roll() as u8).collect()
    }

    /// Every device has IP addresses of both families, so that every probe is possible.
    fn ip(&mut self) -> IpSpec {
        let v4 = IpNet::new(Ipv4Addr::from(self.roll()).into(), self.below(33) as u8).unwrap();
        let v6 = Ipv6Addr::from(u128::from(self.roll()) << 64 | u128::from(self.roll()));
        let v6 = IpNet::new(v6.into(), self.below(129) as u8).unwrap();
        let mut gateway: Vec<IpAddr> = Vec::new();
        gateway.extend(self.maybe(|d| IpAddr::from(Ipv4Addr::from(d.roll()))));
        gateway.extend(self.maybe(|d| IpAddr::from(Ipv6Addr::from(u128::from(d.roll())))));
        let neighbours = self.some(|d| (IpAddr::from(Ipv4Addr::from(d.roll())), d.mac()));
        let address = if self.chance() { vec![v4, v6] } else { vec![v6, v4] };
        IpSpec { address, gateway, neighbours: neighbours.into_iter().collect(), sysctls: self.sysctls() }
    }

    fn sysctls(&mut self) -> Sysctls {
        let mut sysctls = Sysctls::default();
        for (sysctl, value) in self.some(Choices::sysctl) {
            sysctls.set(sysctl, value);
        }
        sysctls
    }

    fn sysctl(&mut self) -> (Sysctl, u8) {
        let sysctl = self.one(&Sysctl::ALL);
        (sysctl, self.below(usize::from(sysctl.max()) + 1) as u8)
    }

    /// Each once, in the order in which they are read.
    fn settings(&mut self) -> Vec<(Sysctl, u8)> {
        let set: std::collections::BTreeMap<_, _> = self.some(Choices::sysctl).into_iter().collect();
        set.into_iter().collect()
    }

    /// Parts that take so many steps together.
    fn lesson(&mut self, mut steps: usize) -> Vec<PartSpec> {
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

    fn prediction(&mut self) -> PredictionSpec {
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

    fn exercise(&mut self) -> ExerciseSpec {
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
    fn line(&mut self) -> String {
        format!("{}.", self.word())
    }

    fn host(&mut self) -> Option<Name> {
        self.maybe(|_| "h".into())
    }

    fn route(&mut self) -> RouteSpec {
        let v4 = self.chance();
        let addr = |d: &mut Self| -> IpAddr {
            if v4 { Ipv4Addr::from(d.roll()).into() } else { Ipv6Addr::from(u128::from(d.roll())).into() }
        };
        let prefix = self.below(if v4 { 33 } else { 129 }) as u8;
        let mut route = RouteSpec::to(IpNet::new(addr(self), prefix).unwrap().trunc());
        route.via = self.maybe(addr);
        let by_device = route.via.is_none() || self.chance();
        route.dev = by_device.then(|| "lan".into());
        route.src = self.maybe(addr);
        route.metric = self.maybe(Choices::roll);
        route
    }

    fn host_change(&mut self) -> HostChange {
        match self.below(4) {
            0 => HostChange::Forwarding(self.chance()),
            1 => HostChange::Sysctl(self.settings()),
            2 => HostChange::AddRoutes(self.some(Choices::route)),
            _ => HostChange::DelRoutes(self.some(Choices::route)),
        }
    }

    fn station(&mut self, name: &str) -> StationSpec {
        let ip = self.ip();
        let mac = self.maybe(Choices::mac).unwrap_or_else(|| ip.default_mac(name));
        StationSpec { mac, ip, mtu: self.roll(), up: self.chance(), latency: self.duration() }
    }

    fn macvlan(&mut self, expect: bool) -> MacvlanSpec {
        let tap = self.chance();
        MacvlanSpec {
            parent: self.one(&["eth0", "eth1", "v.10", "c1"]).into(),
            tap,
            open: if tap { self.one(&[TapOpen::No, TapOpen::Reading, TapOpen::Idle]) } else { TapOpen::No },
            mode: self.one(&Mode::ALL),
            mac: self.maybe(Choices::mac),
            host: self.host(),
            ip: self.ip(),
            mtu: self.maybe(Choices::roll),
            up: self.chance(),
            flags: MacvlanFlags { nopromisc: self.chance(), nodst: self.chance() },
            sources: self.some(Choices::mac),
            multicast: self.some(Choices::mac),
            allmulticast: self.chance(),
            promisc: self.chance(),
            bcqueuelen: self.maybe(Choices::roll),
            bclim: self.maybe(|d| d.roll() as i32),
            master: self.maybe(|_| "br0".into()),
            expect: if expect { self.maybe(|d| d.one(Errno::ALL)) } else { None },
        }
    }

    fn policy(&mut self) -> Policy {
        match self.below(3) {
            0 => Policy::Wifi,
            1 => Policy::Cloud,
            _ => Policy::VirtualSwitch {
                product: self.one(VirtualSwitch::ALL),
                accepts: PortSecurity {
                    promiscuous: self.chance(),
                    forged_transmits: self.chance(),
                    mac_changes: self.chance(),
                },
            },
        }
    }

    fn state(&mut self) -> PortState {
        use PortState::{Blocking, Disabled, Forwarding, Learning, Listening};
        self.one(&[Forwarding, Disabled, Listening, Learning, Blocking])
    }

    fn vlans(&mut self) -> PortVlans {
        let tagged = self.some(Choices::vlan);
        let pvid = self.maybe(Choices::vlan).filter(|v| !tagged.contains(v));
        let mut untagged: Vec<VlanId> = pvid.into_iter().collect();
        untagged.extend(self.some(Choices::vlan).into_iter().filter(|v| !tagged.contains(v)));
        PortVlans { pvid, untagged, tagged }
    }

    fn fdb(&mut self) -> FdbSpec {
        let port = Name::from(self.one(&["eth0", "win"]));
        let (sticky, dynamic) = (self.chance(), self.chance());
        let replace = self.chance();
        FdbSpec { mac: self.mac(), port, sticky, dynamic, replace, vlan: self.maybe(Choices::vlan) }
    }

    fn port(&mut self, device: &str) -> SwitchPortSpec {
        let mut flags = PortFlags::default();
        for flag in PortFlag::ALL {
            *flags.get_mut(flag) = self.chance();
        }
        SwitchPortSpec {
            device: device.into(),
            flags,
            state: self.state(),
            group_fwd_mask: self.roll() as u16,
            vlans: self.maybe(Choices::vlans).unwrap_or_default(),
            policy: self.maybe(Choices::policy),
        }
    }

    fn bond(&mut self) -> BondSpec {
        let ports: Vec<Name> =
            ["eth2", "eth3"].into_iter().filter(|_| self.chance()).map(Name::from).collect();
        BondSpec {
            primary: ports.last().cloned().filter(|_| self.chance()),
            ports,
            mac: self.maybe(Choices::mac),
            ip: self.ip(),
            mtu: self.roll(),
            up: self.chance(),
            master: self.maybe(|_| "br0".into()),
            ..BondSpec::default()
        }
    }

    fn device(&mut self) -> Name {
        self.one(&["eth0", "eth1", "c1", "c2", "v.10", "win", "r.0", "side"]).into()
    }

    fn mac_ref(&mut self) -> MacRef {
        if self.chance() { MacRef::Addr(self.mac()) } else { MacRef::Device(self.device().into()) }
    }

    fn v4_ref(&mut self) -> IpRef {
        if self.chance() {
            IpRef::Addr(Ipv4Addr::from(self.roll()).into())
        } else {
            IpRef::Device(self.device().into())
        }
    }

    fn craft(&mut self) -> Craft {
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

    fn change(&mut self) -> Change {
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

    fn switch_change(&mut self) -> SwitchChange {
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

    fn step(&mut self) -> StepSpec {
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

/// A lab with every kind of device.
fn lab(numbers: &[u32]) -> LabSpec {
    let mut d = Choices(numbers.iter());
    let nic = |d: &mut Choices<'_>, cable: Option<&str>| {
        let station = d.station("nic");
        DeviceKind::Nic(NicSpec {
            mac: station.mac,
            host: d.host(),
            ip: station.ip,
            mtu: station.mtu,
            up: station.up,
            filter: d.maybe(|d| UnicastFilter::Slots(d.roll())).unwrap_or_default(),
            cable: cable.map(Name::from),
            latency: station.latency,
            master: d.maybe(|_| "br0".into()),
            promisc: d.chance(),
            allmulticast: d.chance(),
        })
    };
    let dummy = |d: &mut Choices<'_>| DummySpec {
        mac: d.mac(),
        host: d.host(),
        ip: d.ip(),
        mtu: d.roll(),
        up: d.chance(),
        master: d.maybe(|_| "br0".into()),
    };
    let vlan = |d: &mut Choices<'_>| VlanSpec {
        parent: "eth0".into(),
        id: d.vlan(),
        mac: d.maybe(Choices::mac),
        host: d.host(),
        ip: d.ip(),
        mtu: d.maybe(Choices::roll),
        up: d.chance(),
        master: d.maybe(|_| "br0".into()),
    };
    let interface =
        |d: &mut Choices<'_>, name: &str| RouterInterface { name: name.into(), station: d.station(name) };
    let mut first = d.macvlan(true);
    first.parent = "eth0".into();
    let mut devices = vec![
        ("eth0", nic(&mut d, None)),
        ("eth1", nic(&mut d, Some("side"))),
        ("dummy0", DeviceKind::Dummy(dummy(&mut d))),
        ("eth2", DeviceKind::Nic(NicSpec::named("eth2"))),
        ("eth3", DeviceKind::Nic(NicSpec::named("eth3"))),
        ("bond0", DeviceKind::Bond(d.bond())),
        ("v.10", DeviceKind::Vlan(vlan(&mut d))),
        ("c1", DeviceKind::Macvlan(first)),
        ("c2", DeviceKind::Macvlan(d.macvlan(true))),
        ("win", DeviceKind::Station(d.station("win"))),
        (
            "r",
            DeviceKind::Router(RouterSpec {
                interfaces: vec![interface(&mut d, "r.0"), interface(&mut d, "side")],
            }),
        ),
    ];
    let mut lan = d.macvlan(true);
    lan.host = Some("h".into());
    devices.push(("lan", DeviceKind::Macvlan(lan)));
    let at = d.below(devices.len());
    devices.rotate_left(at);
    let switch = SwitchSpec {
        name: "sw0".into(),
        mac: d.mac(),
        host: d.host(),
        ip: d.ip(),
        ageing: d.duration(),
        vlan_filtering: d.chance(),
        group_fwd_mask: d.roll() as u16,
        fdb: d.some(Choices::fdb),
        ports: vec![d.port("eth0"), d.port("win")],
        policy: d.maybe(Choices::policy),
        line: 0,
    };
    let steps: Vec<StepSpec> = (0..d.below(8)).map(|_| d.step()).collect();
    let lesson = d.lesson(steps.len());
    let devices = devices.into_iter().map(|(name, kind)| DeviceSpec::new(name, kind));
    let config = HostConfig {
        forwarding: d.chance(),
        routes: d.some(Choices::route),
        loopback: if d.chance() { d.ip().address } else { Vec::new() },
        sysctls: d.sysctls(),
    };
    let hosts = vec![HostSpec { name: "h".into(), config, line: 0 }];
    LabSpec {
        title: d.word(),
        devices: devices.collect(),
        hosts,
        switches: vec![switch, SwitchSpec::named("br0")],
        steps,
        lesson,
    }
}

fn without_lines(mut spec: LabSpec) -> LabSpec {
    spec.devices.iter_mut().for_each(|d| d.line = 0);
    spec.hosts.iter_mut().for_each(|h| h.line = 0);
    spec.switches.iter_mut().for_each(|s| s.line = 0);
    spec.steps.iter_mut().for_each(|s| s.line = 0);
    for exercise in spec.lesson.iter_mut().filter_map(|part| part.exercise.as_mut()) {
        exercise.goals.iter_mut().chain(&mut exercise.solution).for_each(|s| s.line = 0);
    }
    spec
}

proptest! {
    #[test]
    fn written_and_read_it_is_the_same(numbers in prop::collection::vec(any::<u32>(), 0..400)) {
        let lab = lab(&numbers);
        let text = write(&lab);
        match parse("lab.toml", &text) {
            Ok(read) => prop_assert_eq!(without_lines(read), lab, "{}", text),
            Err(mistakes) => prop_assert!(false, "{mistakes}\n{text}"),
        }
    }

    #[test]
    fn no_text_makes_it_panic(
        numbers in prop::collection::vec(any::<u32>(), 0..300),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..12usize, any::<prop::sample::Index>()), 0..6),
    ) {
        let pieces = ["", "\n", "\"", "[", "]", "{", "}", "=", "#", "\u{7f}\0", "ü", "99999999999999999999"];
        let mut text = write(&lab(&numbers));
        for (at, piece, len) in cuts {
            let start = text.floor_char_boundary(at.index(text.len() + 1));
            let end = text.floor_char_boundary((start + len.index(9)).min(text.len()));
            text.replace_range(start..end.max(start), pieces[piece]);
        }
        if let Err(mistakes) = parse("lab.toml", &text) {
            prop_assert!(!mistakes.list().is_empty());
            let shown = mistakes.render(false);
            prop_assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
            prop_assert!(mistakes.render(true).len() >= shown.len());
        }
    }

    #[test]
    fn no_garbage_makes_it_panic(text in "(\\[|\\]|\\{|\\}|=|\"|'|\\.|,|\n|nic|step|a|1| |switch|port|0x|-|\\\\){0,60}") {
        if let Err(mistakes) = parse("lab.toml", &text) {
            prop_assert!(!mistakes.render(false).is_empty());
        }
    }
}

#[test]
fn a_lab_of_ten_thousand_ports_is_read() {
    let mut text = "[nic.eth0]\n".to_owned();
    for i in 0..10_000 {
        text.push_str(&format!(
            "[macvlan.c{i}]\nparent = \"eth0\"\nmode = \"bridge\"\naddress = [\"10.1.{}.{}/8\"]\n",
            i / 250,
            i % 250
        ));
    }
    assert_eq!(parse("lab.toml", &text).unwrap().devices.len(), 10_001);
}
