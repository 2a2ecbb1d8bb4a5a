//! The classic set-up: ports c1 and c2 on the NIC eth0, and a station win, cabled to eth0 or on the same switch.

use crate::frame::MacAddr;
use crate::lab::spec::{
    DeviceKind, DeviceSpec, LabSpec, MacvlanSpec, NicSpec, StationSpec, SwitchPortSpec, SwitchSpec,
};
use crate::macvlan::Mode;
use crate::nic::UnicastFilter;
use crate::station::{IpNet, IpSpec, default_mac};
use crate::switch::{PortFlags, PortState, PortVlans};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

const HOST_MAC: MacAddr = MacAddr([0x00, 0x0c, 0x29, 0xf1, 0x38, 0xbf]);
const WIN_MAC: MacAddr = MacAddr([0x00, 0x50, 0x56, 0xc0, 0x00, 0x08]);
/// Last bytes of the IP addresses in 192.168.128.0/24.
const WIN: u8 = 1;
const HOST: u8 = 130;
const C1: u8 = 222;
const C2: u8 = 233;

/// The senders that a source port lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// No sender.
    Nobody,
    /// The station.
    Win,
    /// The other port.
    Peer,
    /// The station, the host and the other port.
    All,
}

/// A port's mode, and in source mode its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortSetup {
    /// The mode.
    pub mode: Mode,
    /// The listed senders; only source ports have a list.
    pub listed: Listed,
}

impl PortSetup {
    /// Every set-up: the modes, and source mode with each kind of list.
    pub const ALL: [PortSetup; 8] = [
        PortSetup::of(Mode::Private),
        PortSetup::of(Mode::Vepa),
        PortSetup::of(Mode::Bridge),
        PortSetup::source(Listed::Nobody),
        PortSetup::source(Listed::Win),
        PortSetup::source(Listed::Peer),
        PortSetup::source(Listed::All),
        PortSetup::of(Mode::Passthru),
    ];

    /// A mode, with an empty list.
    #[must_use]
    pub const fn of(mode: Mode) -> PortSetup {
        PortSetup { mode, listed: Listed::Nobody }
    }

    /// Source mode with this list.
    #[must_use]
    pub const fn source(listed: Listed) -> PortSetup {
        PortSetup { mode: Mode::Source, listed }
    }

    /// The set-up with this display name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<PortSetup> {
        PortSetup::ALL.into_iter().find(|setup| setup.to_string() == name)
    }

    fn sources(self, peer: MacAddr) -> Vec<MacAddr> {
        match (self.mode, self.listed) {
            (Mode::Source, Listed::Win) => vec![WIN_MAC],
            (Mode::Source, Listed::Peer) => vec![peer],
            (Mode::Source, Listed::All) => vec![WIN_MAC, HOST_MAC, peer],
            _ => Vec::new(),
        }
    }
}

/// The mode's name; in source mode with the list: `source:none`, `source:win`, `source:peer`, `source:all`.
impl fmt::Display for PortSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = match (self.mode, self.listed) {
            (Mode::Source, Listed::Nobody) => ":none",
            (Mode::Source, Listed::Win) => ":win",
            (Mode::Source, Listed::Peer) => ":peer",
            (Mode::Source, Listed::All) => ":all",
            _ => "",
        };
        write!(f, "{}{listed}", self.mode)
    }
}

/// What connects eth0 and win.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// A cable.
    Cable,
    /// A switch.
    Switch {
        /// Whether its port to eth0 has hairpin on.
        hairpin: bool,
    },
}

/// `cable`, `switch`, or `switch, hairpin`.
impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Wire::Cable => "cable",
            Wire::Switch { hairpin: false } => "switch",
            Wire::Switch { hairpin: true } => "switch, hairpin",
        })
    }
}

/// The set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classic {
    /// The port c1.
    pub c1: PortSetup,
    /// The port c2; `None`: c1 is alone, as a passthru port must be.
    pub c2: Option<PortSetup>,
    /// The external part.
    pub wire: Wire,
}

impl Classic {
    /// Builds the lab.
    #[must_use]
    pub fn spec(&self) -> LabSpec {
        let device = |name: &str, kind| DeviceSpec { name: name.into(), kind, line: 0 };
        let mut devices = vec![device("eth0", self.nic()), device("c1", port(self.c1, C1, C2))];
        devices.extend(self.c2.map(|setup| device("c2", port(setup, C2, C1))));
        let (mac, ip) = (WIN_MAC, ip(WIN));
        let win = StationSpec { mac, ip, mtu: 1500, up: true, latency: Duration::ZERO };
        devices.push(device("win", DeviceKind::Station(win)));
        let switches = match self.wire {
            Wire::Cable => Vec::new(),
            Wire::Switch { hairpin } => vec![switch(hairpin)],
        };
        LabSpec { title: String::new(), devices, switches, steps: Vec::new() }
    }

    fn nic(&self) -> DeviceKind {
        DeviceKind::Nic(NicSpec {
            mac: HOST_MAC,
            ip: ip(HOST),
            mtu: 1500,
            up: true,
            filter: UnicastFilter::None,
            cable: (self.wire == Wire::Cable).then(|| "win".into()),
            latency: Duration::ZERO,
            promisc: false,
            allmulticast: false,
        })
    }
}

const fn addr(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 128, last)
}

fn ip(last: u8) -> IpSpec {
    let address = IpNet::new(IpAddr::V4(addr(last)), 24).into_iter().collect();
    IpSpec { address, ..IpSpec::default() }
}

fn port(setup: PortSetup, last: u8, peer: u8) -> DeviceKind {
    DeviceKind::Macvlan(MacvlanSpec {
        parent: "eth0".into(),
        mode: setup.mode,
        ip: ip(last),
        sources: setup.sources(MacAddr::docker(addr(peer))),
        ..MacvlanSpec::default()
    })
}

fn switch(hairpin: bool) -> SwitchSpec {
    let port = |device: &str, hairpin| SwitchPortSpec {
        device: device.into(),
        flags: PortFlags { hairpin, ..PortFlags::default() },
        state: PortState::default(),
        group_fwd_mask: 0,
        vlans: PortVlans::default(),
        policy: None,
    };
    SwitchSpec {
        name: "sw0".into(),
        ageing: Duration::from_secs(300),
        mac: default_mac("sw0"),
        vlan_filtering: false,
        group_fwd_mask: 0,
        fdb: Vec::new(),
        ports: vec![port("eth0", hairpin), port("win", false)],
        policy: None,
        line: 0,
    }
}
