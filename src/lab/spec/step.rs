//! Steps: what happens in a lab, and what must come of it.

use super::{Captures, FdbSpec, MacvlanSpec, Name};
use crate::errno::Errno;
use crate::frame::{Craft, MacAddr, VlanId};
use crate::macvlan::{MacvlanFlags, Mode, SourcesChange};
use crate::station::{INTERVAL, IpNet, NeighbourState, RouteSpec, Sysctl};
use crate::switch::{Policy, PortFlag, PortState, PortVlans};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How long a step that asks waits after its last request, if it does not say: as long as `ping` does.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// One step.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StepSpec {
    /// What happens.
    pub action: Action,
    /// What must come of it.
    pub expect: Option<Expect>,
    /// Line of `[[step]]` in the file, from 1; 0 if it was not read from a file.
    pub line: usize,
}

/// What must come of a step.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Expect {
    /// `"reply"`
    Reply,
    /// `"unreachable"`: the request was not delivered, and the sender knows it.
    Unreachable,
    /// `"no-reply"`: silence.
    NoReply,
    /// `"ok"`
    Ok,
    /// The kernel refuses it with this error.
    Errno(Errno),
    /// `"failure"`: no reply, for whatever reason: silence, an error, or a refusal.
    Failure,
    /// `{ delivered = […], seen = […], answered = […], not_delivered = […] }`
    Receivers(Box<ExpectedReceivers>),
    /// `{ fdb = … }` or `{ neighbour = … }`: after a step that was carried out, a table holds this.
    Table(Box<ExpectedTable>),
}

/// What a table must hold after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedTable {
    /// The forwarding database of a switch.
    Fdb {
        /// The switch.
        switch: Name,
        /// The address, in any VLAN.
        mac: MacAddr,
        /// The device on whose switch port it is; `None`: there is no entry.
        port: Option<Name>,
    },
    /// The neighbour table of a device.
    Neighbour {
        /// The device.
        device: Name,
        /// The neighbour.
        ip: IpAddr,
        /// Its entry.
        entry: ExpectedEntry,
    },
}

/// The entry of a neighbour that is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedEntry {
    /// There is none.
    Absent,
    /// There is one.
    Present {
        /// In this state; `None`: in any.
        state: Option<NeighbourState>,
        /// With this MAC address; `None`: with any, or none.
        mac: Option<MacAddr>,
    },
}

/// Which devices must get an injected frame, and which must not (a NIC's name: its host stack).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpectedReceivers {
    /// Exactly these [accept it](crate::lab::Receivers::delivered); `None`: it does not matter.
    pub delivered: Option<Vec<Name>>,
    /// Exactly these [only see it](crate::lab::Receivers::seen); `None`: it does not matter.
    pub seen: Option<Vec<Name>>,
    /// Exactly these [answer](crate::lab::Receivers::answered); `None`: it does not matter.
    pub answered: Option<Vec<Name>>,
    /// None of these accepts it.
    pub not_delivered: Vec<Name>,
}

/// Whom a ping is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The first address of this device, of the same family as one of the sender's.
    Device(Name),
    /// This address.
    Address(IpAddr),
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// ICMP or ICMPv6 echo.
    Ping(ProbeSpec),
    /// ARP requests alone.
    Arping(ProbeSpec),
    /// A UDP datagram to the echo service (port 7) that every device with an address has.
    Udp(ProbeSpec),
    /// A TCP connection to that service: three-way handshake, one line there and back, close.
    Tcp(ProbeSpec),
    /// One frame.
    Inject {
        /// The device that sends it.
        at: Name,
        /// How it gets there.
        entry: InjectPoint,
        /// The frame.
        frame: FrameSpec,
    },
    /// A device changes.
    Set {
        /// Which.
        device: Name,
        /// How.
        change: Change,
    },
    /// A host changes.
    SetHost {
        /// Which.
        host: Name,
        /// How.
        change: HostChange,
    },
    /// A switch changes.
    SetSwitch {
        /// Which.
        switch: Name,
        /// How.
        change: SwitchChange,
    },
    /// A macvlan or macvtap comes.
    Add {
        /// Its name.
        name: Name,
        /// What it is.
        spec: MacvlanSpec,
    },
    /// A device goes.
    Remove(Name),
    /// Time passes.
    Wait(Duration),
    /// A capture's frames are injected, spaced as they were recorded.
    Replay {
        /// The file, relative to the lab file.
        capture: PathBuf,
        /// The device that sends them; a NIC: they arrive at it from the wire.
        at: Name,
    },
}

impl Action {
    /// The probe, if the action is one.
    #[must_use]
    pub fn probe(&self) -> Option<&ProbeSpec> {
        match self {
            Action::Ping(probe) | Action::Arping(probe) | Action::Udp(probe) | Action::Tcp(probe) => {
                Some(probe)
            }
            _ => None,
        }
    }

    /// Whether it changes devices, hosts or switches, which takes no time.
    #[must_use]
    pub fn is_change(&self) -> bool {
        match self {
            Action::Set { .. }
            | Action::SetHost { .. }
            | Action::SetSwitch { .. }
            | Action::Add { .. }
            | Action::Remove(_) => true,
            Action::Ping(_)
            | Action::Arping(_)
            | Action::Udp(_)
            | Action::Tcp(_)
            | Action::Inject { .. }
            | Action::Wait(_)
            | Action::Replay { .. } => false,
        }
    }

    /// How long it can take at most until it has its result. Of a `replay`, the capture says so; one that is not there
    /// takes no time.
    #[must_use]
    pub fn longest(&self, captures: &Captures) -> Duration {
        match self {
            Action::Ping(probe) | Action::Arping(probe) | Action::Udp(probe) | Action::Tcp(probe) => {
                INTERVAL.saturating_mul(probe.count.saturating_sub(1)).saturating_add(probe.timeout)
            }
            Action::Wait(time) => *time,
            Action::Replay { capture, .. } => {
                let frames = captures.get(capture).map(|frames| &**frames).unwrap_or_default();
                let last = frames.iter().map(|(time, _)| *time).max();
                last.zip(frames.first()).map_or(Duration::ZERO, |(last, (first, _))| last.since(*first))
            }
            Action::Inject { .. }
            | Action::Set { .. }
            | Action::SetHost { .. }
            | Action::SetSwitch { .. }
            | Action::Add { .. }
            | Action::Remove(_) => Duration::ZERO,
        }
    }
}

/// How an injected frame gets to its device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InjectPoint {
    /// The device, or at a NIC its host stack, sends it.
    #[default]
    Device,
    /// `from = "wire"`: it arrives at the NIC.
    Wire,
    /// `from = "node"`: a program writes it to the macvtap's device node (R203).
    Node,
}

/// A ping, arping, udp or tcp step.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ProbeSpec {
    /// The device that asks.
    pub from: Name,
    /// Whom it asks.
    pub to: Target,
    /// How often, a second apart (1).
    pub count: u32,
    /// How long to wait after the last request (10 s, as `ping` does).
    pub timeout: Duration,
}

/// The frame of an inject step.
#[derive(Clone, Debug, PartialEq)]
pub enum FrameSpec {
    /// Given in hex.
    Bytes(Vec<u8>),
    /// Crafted from its parts when the step runs.
    Crafted(Craft),
}

/// A change to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Administrative state.
    Up(bool),
    /// A port's mode.
    Mode(Mode),
    /// A port's mode that no kernel knows: refused with EINVAL.
    UnknownMode(String),
    /// The address.
    Mac(MacAddr),
    /// The mtu in bytes.
    Mtu(u32),
    /// A port's flags.
    Flags(MacvlanFlags),
    /// A port's requested broadcast queue length.
    Bcqueuelen(u32),
    /// The parent's broadcast cut-off.
    Bclim(i32),
    /// Promiscuous by hand.
    Promisc(bool),
    /// All-multicast by hand.
    Allmulticast(bool),
    /// A group is joined.
    Join(MacAddr),
    /// A group is left.
    Leave(MacAddr),
    /// A source port's list.
    Sources(SourcesChange),
    /// Settings of its IP stack on it.
    Sysctl(Vec<(Sysctl, u8)>),
    /// Its IP addresses.
    Addresses(AddressChange),
    /// Its neighbour table.
    Neighbours(NeighbourChange),
    /// It moves to this host, down and without its IP addresses (`ip link set DEV netns HOST`).
    Host(Name),
    /// The bridge of its host, or the bond, of which it is a port; `None`: it is a port of none.
    Master(Option<Name>),
    /// The active port of a bond; `None`: the bond chooses again.
    Active(Option<Name>),
}

/// A change to the IP addresses of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressChange {
    /// These are added, in this order.
    Add(Vec<IpNet>),
    /// These are removed.
    Del(Vec<IpNet>),
}

/// A change to the neighbour table of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NeighbourChange {
    /// These permanent entries are added, or replace what was known (`ip neigh replace`).
    Add(BTreeMap<IpAddr, MacAddr>),
    /// The entries of these addresses are removed.
    Del(Vec<IpAddr>),
    /// All but the permanent entries are removed (`ip neigh flush`).
    Flush,
}

/// A change to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostChange {
    /// It forwards packets, or not.
    Forwarding(bool),
    /// Settings for all its interfaces.
    Sysctl(Vec<(Sysctl, u8)>),
    /// These routes are added.
    AddRoutes(Vec<RouteSpec>),
    /// These routes are removed.
    DelRoutes(Vec<RouteSpec>),
}

/// A change to a switch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SwitchChange {
    /// A flag of the port of this device.
    Flag {
        /// The device on the port.
        port: Name,
        /// Which flag.
        flag: PortFlag,
        /// Its new value.
        value: bool,
    },
    /// The state of the port of this device.
    State {
        /// The device on the port.
        port: Name,
        /// Its new state.
        state: PortState,
    },
    /// The forwarding mask of the port of this device, or of the bridge.
    GroupFwdMask {
        /// The device on the port; `None`: the bridge's own mask.
        port: Option<Name>,
        /// Its new value.
        mask: u16,
    },
    /// The VLANs of the port of this device, all of them.
    Vlans {
        /// The device on the port.
        port: Name,
        /// Its new membership.
        vlans: PortVlans,
    },
    /// The policy of the port of this device.
    Policy {
        /// The device on the port.
        port: Name,
        /// Its new policy; `None`: that of an ordinary switch.
        policy: Option<Policy>,
    },
    /// How long learned entries live.
    Ageing(Duration),
    /// An entry made by hand.
    Fdb(FdbSpec),
    /// An entry taken out by hand.
    FdbDel {
        /// The address.
        mac: MacAddr,
        /// The only VLAN in which; `None`: in all.
        vlan: Option<VlanId>,
    },
}
