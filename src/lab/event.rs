//! The hop log: what happened in a lab, in order. Reports, captures, expectations and comparisons are views of it.

use crate::counters::Counters;
use crate::dataplane::HopKind;
use crate::frame::{Frame, MacAddr, VlanId};
use crate::lab::spec::{Name, StepSpec};
use crate::macvlan::Mode;
use crate::station::{IpNet, Neighbour, Unreachable};
use crate::switch::{FdbKind, PortFlags, PortState};
use crate::time::Instant;
use crate::verdict::{Refusal, Rule};
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

/// Receives the events of a lab, in order: a report, a recorder, a counter. A closure is one.
/// [`Lab::run_into`](super::Lab::run_into) fills it.
pub trait EventSink {
    /// Takes the next event.
    ///
    /// # Errors
    /// What was made of the event could not be written. The sink is given no further events.
    fn event(&mut self, event: &Event) -> io::Result<()>;
}

impl<F: FnMut(&Event)> EventSink for F {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self(event);
        Ok(())
    }
}

/// One entry of the hop log.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The lab begins.
    Lab {
        /// Its title.
        title: String,
        /// Its devices, in the order in which they were made; ports of switches last, as SWITCH.DEVICE.
        devices: Vec<Device>,
    },
    /// A declared device was refused.
    Setup {
        /// Which.
        device: Name,
        /// The device that it was to sit on, if it is a port or a sub-interface.
        parent: Option<Name>,
        /// Where.
        stage: SetupStage,
        /// Why.
        refusal: Refusal,
        /// The lab file said so.
        expected: bool,
    },
    /// A step begins.
    Step {
        /// Its number, from 1.
        step: usize,
        /// The step.
        spec: StepSpec,
    },
    /// A frame is somewhere.
    Hop(Hop),
    /// A decision in full, behind the hop that brought the frame there; only if [`Options::decisions`] is set.
    ///
    /// [`Options::decisions`]: super::Options::decisions
    Decision(Box<super::Decision>),
    /// A step has changed the devices: what is different in the list of [`Event::Lab`], behind the step and before its
    /// result; only if [`Options::changes`] is set. [`Device::follow`] keeps a list up to date.
    ///
    /// [`Options::changes`]: super::Options::changes
    Devices {
        /// Devices that are new, or as they are now.
        changed: Vec<Device>,
        /// Devices that are not there any more.
        gone: Vec<Name>,
    },
    /// A forwarding database has changed; only if [`Options::changes`] is set.
    ///
    /// [`Options::changes`]: super::Options::changes
    Fdb(FdbChange),
    /// An entry of a neighbour table has changed; only if [`Options::changes`] is set.
    ///
    /// [`Options::changes`]: super::Options::changes
    Neighbour(NeighbourEvent),
    /// A device is about to ask a neighbour whose MAC address it knows, so that no request for that is sent.
    Known {
        /// The step.
        step: usize,
        /// When.
        time: Instant,
        /// The interface by which it asks.
        device: Name,
        /// The entry of its neighbour table: of the device that is asked, or of a gateway.
        neighbour: Neighbour,
        /// The step in which the MAC address became known; 0: before the first.
        since_step: usize,
    },
    /// A step is over.
    Result {
        /// Its number, from 1.
        step: usize,
        /// What came of it.
        outcome: Outcome,
        /// The time from the first request to its reply.
        rtt: Option<Duration>,
        /// Which devices got the injected frame; for [`Outcome::TooMany`], those that most of the frames were on their way
        /// to.
        receivers: Receivers,
        /// The expectation held; `None`: there was none.
        held: Option<bool>,
        /// What the table holds that the expectation is about; `None`: it is about no table.
        found: Option<super::Found>,
    },
    /// What a device counted: when it is removed, and at the end.
    Counters {
        /// Which.
        device: Name,
        /// Its counters.
        counters: Counters,
    },
    /// The neighbour table of a device at the end, if there is anything in it.
    Neighbours {
        /// Which device.
        device: Name,
        /// The entries, by IP address.
        entries: Vec<Neighbour>,
    },
    /// How a device stands at the end.
    State {
        /// Which.
        device: Name,
        /// Its state.
        state: DeviceState,
    },
}

/// A device of the lab, for those who draw or list it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// Its place: lists of devices are sorted by it. No two devices of a lab have the same; one that comes may have that
    /// of one that is gone.
    pub place: u32,
    /// Its name.
    pub name: Name,
    /// What it is.
    pub kind: DeviceType,
    /// Its address; none for a switch.
    pub mac: Option<MacAddr>,
    /// The device below it, or the switch of a switch port, or the router of an interface.
    pub parent: Option<Name>,
    /// The declared host that it belongs to.
    pub host: Option<Name>,
    /// The addresses of that host's loopback, as declared.
    pub loopback: Vec<IpNet>,
    /// A port's mode.
    pub mode: Option<Mode>,
    /// The device at the other end of its cable; of a switch port inside a host, the device that is the port.
    pub peer: Option<Name>,
    /// The bridge of its host, or the bond, of which it is a port.
    pub master: Option<Name>,
    /// The active port of a bond.
    pub active: Option<Name>,
    /// The addresses of its IP stack, as declared.
    pub address: Vec<IpNet>,
    /// Administratively up; a switch and its ports always are.
    pub up: bool,
    /// The VLAN id of a sub-interface.
    pub vlan: Option<VlanId>,
    /// How a switch port stands.
    pub port: Option<SwitchPort>,
}

impl Device {
    /// Brings a list of devices up to date with the next event; whether the event said something about them.
    pub fn follow(list: &mut Vec<Device>, event: &Event) -> bool {
        match event {
            Event::Lab { devices, .. } => list.clone_from(devices),
            Event::Devices { changed, gone } => {
                list.retain(|device| !gone.contains(&device.name));
                for device in changed {
                    match list.binary_search_by_key(&device.place, |known| known.place) {
                        Ok(at) => list[at].clone_from(device),
                        Err(at) => list.insert(at, device.clone()),
                    }
                }
            }
            _ => return false,
        }
        true
    }

    /// A device of which nothing else is known but that it is up.
    #[must_use]
    pub fn new(name: impl Into<Name>, kind: DeviceType) -> Device {
        Device {
            place: 0,
            name: name.into(),
            kind,
            mac: None,
            parent: None,
            host: None,
            loopback: Vec::new(),
            mode: None,
            peer: None,
            master: None,
            active: None,
            address: Vec::new(),
            up: true,
            vlan: None,
            port: None,
        }
    }

    /// Whether ports can sit on it: a NIC, a dummy, a bond, a sub-interface, or a switch whose own device serves as a parent.
    #[must_use]
    pub fn can_be_parent(&self) -> bool {
        match self.kind {
            DeviceType::Nic | DeviceType::Dummy | DeviceType::Bond | DeviceType::Vlan => true,
            DeviceType::Switch => self.mac.is_some(),
            DeviceType::Macvlan
            | DeviceType::Macvtap
            | DeviceType::Station
            | DeviceType::Router
            | DeviceType::SwitchPort => false,
        }
    }
}

/// What a device is. `Display` prints the word that events and lab files use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DeviceType {
    /// A NIC.
    Nic,
    /// A dummy, which throws away what it sends.
    Dummy,
    /// A bond of NICs.
    Bond,
    /// An 802.1Q sub-interface.
    Vlan,
    /// A macvlan port.
    Macvlan,
    /// A macvtap port.
    Macvtap,
    /// A station.
    Station,
    /// An interface of a router.
    Router,
    /// A switch.
    Switch,
    /// A port of a switch.
    SwitchPort,
}

impl DeviceType {
    /// The word that events and lab files use: `switch-port`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            DeviceType::Nic => "nic",
            DeviceType::Dummy => "dummy",
            DeviceType::Bond => "bond",
            DeviceType::Vlan => "vlan",
            DeviceType::Macvlan => "macvlan",
            DeviceType::Macvtap => "macvtap",
            DeviceType::Station => "station",
            DeviceType::Router => "router",
            DeviceType::Switch => "switch",
            DeviceType::SwitchPort => "switch-port",
        }
    }

    /// Whether it is a macvlan or macvtap port.
    #[must_use]
    pub const fn is_port(self) -> bool {
        matches!(self, DeviceType::Macvlan | DeviceType::Macvtap)
    }
}

impl fmt::Display for DeviceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a switch port stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwitchPort {
    /// Its flags.
    pub flags: PortFlags,
    /// Its state.
    pub state: PortState,
}

/// Where a declared device was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetupStage {
    /// It was not made.
    Create,
    /// It was made, and did not become a port of its bridge.
    Enslave,
    /// It was made and stayed down.
    Up,
}

/// A frame at a device.
#[derive(Clone, Debug)]
pub struct Hop {
    /// The step during which it happened, from 1; 0 before the first.
    pub step: usize,
    /// When.
    pub time: Instant,
    /// The device; a switch port is SWITCH.DEVICE.
    pub device: Name,
    /// What happened there.
    pub kind: HopKind,
    /// The frame.
    pub frame: Frame,
    /// The same number for all copies of one sent frame.
    pub frame_id: u64,
}

/// An entry of a switch's forwarding database that is new, different, or gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FdbChange {
    /// The step during which it was noticed, from 1; 0 before the first.
    pub step: usize,
    /// When: an entry that was not looked up has aged unnoticed until the end of the step.
    pub time: Instant,
    /// The switch.
    pub switch: Name,
    /// Its VLAN, under VLAN filtering.
    pub vlan: Option<VlanId>,
    /// The address.
    pub mac: MacAddr,
    /// The switch port that it is behind from now on, and what sort of entry says so; `None`: it is gone.
    pub entry: Option<(Name, FdbKind)>,
}

/// An entry of a device's neighbour table that is new, has another state or MAC address, or is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeighbourEvent {
    /// The step during which it happened, from 1; 0 before the first.
    pub step: usize,
    /// When.
    pub time: Instant,
    /// The device.
    pub device: Name,
    /// The neighbour's IP address.
    pub ip: IpAddr,
    /// The entry from now on; `None`: it is gone.
    pub entry: Option<Neighbour>,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// An answer came.
    Reply,
    /// The request was not delivered, and the sender knows it.
    Unreachable(Unreachable),
    /// Silence.
    NoReply,
    /// Done.
    Ok,
    /// Refused.
    Refused(Refusal),
    /// Not done: it could have gone on past the end of the lab's time ([`LAB_SPAN`](crate::time::LAB_SPAN)).
    TooLate,
    /// Ended, with all frames that were under way: there were too many of them, as a loop makes that multiplies them.
    TooMany,
}

impl Outcome {
    /// The rule by which the step itself failed, at the device that it is about: of a refusal, or of a sender that cannot
    /// send. `None`: it succeeded, or what was lost was a frame, which has its rule in the hop log.
    #[must_use]
    pub fn rule(&self) -> Option<Rule> {
        match self {
            Outcome::Refused(refusal) => Some(refusal.rule),
            Outcome::Unreachable(Unreachable::NoRoute) => Some(Rule::NoRoute),
            _ => None,
        }
    }
}

/// How a device stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceState {
    /// Its address.
    pub mac: MacAddr,
    /// Its mtu in bytes.
    pub mtu: u32,
    /// A port's mode.
    pub mode: Option<Mode>,
    /// Administratively up.
    pub up: bool,
    /// Carrier.
    pub carrier: bool,
    /// How often promiscuity was asked for; wraps as the kernel's counter does.
    pub promiscuity: u32,
}

/// The devices that an injected frame came to, each once, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receivers {
    /// Their IP stack accepts the frame, or the program reads it that has the device node open.
    pub delivered: Vec<Name>,
    /// Only a packet socket there sees it: the frame is for another MAC address or for a VLAN that the device has no
    /// sub-interface for (`PACKET_OTHERHOST`).
    pub seen: Vec<Name>,
    /// Of the former: their stack sent a frame to the injected frame's source MAC address in the same step, such as an
    /// ARP reply or an echo reply.
    pub answered: Vec<Name>,
}
