//! Declarations of every kind, derived from numbers.

mod steps;

use crate::errno::Errno;
use crate::frame::{MacAddr, VlanId};
use crate::lab::spec::TapOpen;
use crate::lab::spec::*;
use crate::macvlan::{MacvlanFlags, Mode};
use crate::nic::UnicastFilter;
use crate::station::{HostConfig, IpNet, IpSpec, RouteSpec, Sysctl, Sysctls};
use crate::switch::{Policy, PortFlag, PortFlags, PortSecurity, PortState, PortVlans, VirtualSwitch};
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
}

/// A lab with every kind of device.
pub(super) fn lab(numbers: &[u32]) -> LabSpec {
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
