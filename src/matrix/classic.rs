//! The classic set-up: ports c1 and c2 on the NIC eth0, and a station win, cabled to eth0 or on the same switch.

use crate::frame::MacAddr;
use crate::lab::spec::{LabSpec, MacvlanSpec, NicSpec, SwitchPortSpec};
use crate::macvlan::Mode;
use crate::station::{IpNet, IpSpec};
use crate::switch::PortFlag;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

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
        let mut spec =
            LabSpec::default()
                .with_nic("eth0", |nic| self.nic(nic))
                .with_macvlan("c1", "eth0", |spec| port(spec, self.c1, C1, C2));
        if let Some(setup) = self.c2 {
            spec = spec.with_macvlan("c2", "eth0", |spec| port(spec, setup, C2, C1));
        }
        spec = spec.with_station("win", ip(WIN), |win| win.with_mac(WIN_MAC));
        match self.wire {
            Wire::Cable => spec,
            Wire::Switch { hairpin } => spec.with_switch("sw0", |switch| {
                let to_host = |port: SwitchPortSpec| port.with_flag(PortFlag::Hairpin, hairpin);
                switch.with_port("eth0", to_host).with_port("win", |port| port)
            }),
        }
    }

    fn nic(&self, nic: NicSpec) -> NicSpec {
        let nic = nic.with_mac(HOST_MAC).with_ip(ip(HOST));
        if self.wire == Wire::Cable { nic.with_cable("win") } else { nic }
    }
}

const fn addr(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 128, last)
}

fn ip(last: u8) -> IpSpec {
    IpNet::new(IpAddr::V4(addr(last)), 24).map(IpSpec::from).unwrap_or_default()
}

fn port(spec: MacvlanSpec, setup: PortSetup, last: u8, peer: u8) -> MacvlanSpec {
    let sources = setup.sources(MacAddr::docker(addr(peer)));
    spec.with_mode(setup.mode).with_ip(ip(last)).with_sources(sources)
}
