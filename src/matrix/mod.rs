//! The reachability matrix: one ping for each pair of devices, each in a fresh lab, so that cells do not influence each
//! other.
//!
//! The result of a ping is what the sender sees, except that a missing reply is classified by how far the request came.
//!
//! | reach | the sender sees | what was lost |
//! | --- | --- | --- |
//! | [`Reach::Reply`] | a reply | nothing |
//! | [`Reach::Unreachable`] | "Destination Host Unreachable" | the ARP request, or its reply |
//! | [`Reach::NoReply`] | no reply | the echo request |
//! | [`Reach::OneWay`] | no reply | the echo reply: the request reached the target's stack |
//!
//! [`Cell::lost`] says which of them was lost, and [`Cell::rule`] by which rule; with a reply, it is the rule that
//! brought the first frame to the target.

mod classic;
mod probed;
mod requests;
mod setup;

pub use classic::{Classic, Listed, PortSetup, Wire};
pub use probed::{explain_after, replies};
pub(crate) use requests::Requests;
pub use setup::{Group, Setup, Shape, classic_groups, default_modes, lab_group, lab_groups};

use crate::explain::{Began, Fate, Journey, and_below, by_name, far_end};
use crate::frame::{EthHeader, Frame, MacAddr, Resolve as _};
use crate::lab::spec::{Action, LabSpec, Name, ProbeSpec, Target};
use crate::lab::{Device, DeviceType, Event, Lab, Options, Outcome};
use crate::station::{ECHO_PORT, IpSpec};
use crate::verdict::Rule;
use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// How long the sender waits after its request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The result of a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A reply arrived.
    Reply,
    /// The sender knows that its request was not delivered: it found no route or no neighbour, or got an ICMP error.
    Unreachable,
    /// No reply: the request did not arrive.
    NoReply,
    /// No reply, although the request reached the target's stack.
    OneWay,
}

impl Reach {
    /// Its name: `reply`, `unreachable`, `no-reply`, `one-way`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Reach::Reply => "reply",
            Reach::Unreachable => "unreachable",
            Reach::NoReply => "no-reply",
            Reach::OneWay => "one-way",
        }
    }
}

/// The first frame of an exchange that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// An ARP request or neighbour solicitation.
    Solicitation,
    /// The reply to it.
    Advertisement,
    /// The echo request, or what goes to the echo service by UDP or TCP.
    Request,
    /// The echo reply, or what comes back from that service.
    Answer,
    /// Something else.
    Other,
}

/// The result of one ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The sender.
    pub from: Name,
    /// The target.
    pub to: Name,
    /// The result.
    pub reach: Reach,
    /// The rule that made the difference; `None`: no frame was sent, or none that a device of the lab would get.
    pub rule: Option<Rule>,
    /// Another rule without which the frame would not have been lost either: the target's parent sent the frame on the wire
    /// and not to its ports.
    pub also: Option<Rule>,
    /// Where that was decided.
    pub at: Option<Name>,
    /// The first frame lost.
    pub lost: Option<Lost>,
}

/// A cell, and its evidence.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The result of the ping.
    pub cell: Cell,
    /// The frame that the rule decided; `None`: no frame, as with a device that was refused.
    pub journey: Option<Journey>,
    /// The lab's devices.
    pub devices: Vec<Device>,
}

/// The devices of a lab that have IP addresses, in the order of creation.
#[must_use]
pub fn ends(spec: &LabSpec) -> Vec<(&Name, &IpSpec)> {
    spec.stacks().filter(|(_, ip)| !ip.address.is_empty()).collect()
}

/// Gives every device a static neighbour entry for every other one in its subnets.
pub fn know_neighbours(spec: &mut LabSpec) {
    let lab = Lab::new(spec, Options::default());
    let known: Vec<(IpAddr, MacAddr)> = ends(spec)
        .into_iter()
        .filter_map(|(name, ip)| lab.mac_of(name).map(|mac| (ip, mac)))
        .flat_map(|(ip, mac)| ip.address.iter().map(move |net| (net.addr(), mac)))
        .collect();
    spec.each_stack(|ip| {
        for (addr, mac) in &known {
            let own = ip.address.iter().any(|net| net.addr() == *addr);
            if !own && ip.address.iter().any(|net| net.contains(addr)) {
                ip.neighbours.entry(*addr).or_insert(*mac);
            }
        }
    });
}

/// One device pings another in a fresh lab; the lab's own steps are not run.
#[must_use]
pub fn ping(spec: &LabSpec, from: &str, to: &str) -> Cell {
    explain(spec, from, to).cell
}

/// The same, with the path of the frame that made the difference.
#[must_use]
pub fn explain(spec: &LabSpec, from: &str, to: &str) -> Explained {
    let probe = ProbeSpec { from: from.into(), to: Target::Device(to.into()), count: 1, timeout: TIMEOUT };
    let spec = LabSpec { steps: Vec::new(), ..spec.clone() };
    explain_after(&spec, Action::Ping(probe), &Options::default())
}

/// The result of a finished ping, from its hops and [decisions](Event::Decision) and the devices of the lab.
#[must_use]
pub fn judge(from: &str, to: &str, outcome: Option<Outcome>, events: &[Event], devices: &[Device]) -> Cell {
    Exchange { from, to, journeys: Journey::all(events), devices }.cell(outcome, None).0
}

/// How a frame was lost.
pub(crate) struct Loss {
    pub(crate) what: Lost,
    /// See [`Cell::also`].
    pub(crate) also: Option<Rule>,
    pub(crate) rule: Rule,
    pub(crate) at: Name,
}

/// The frames of one ping.
struct Exchange<'a> {
    from: &'a str,
    to: &'a str,
    journeys: Vec<Journey>,
    devices: &'a [Device],
}

impl Exchange<'_> {
    /// The cell, and the index of the decisive journey. `refused`: one of the two devices is missing or stays down.
    fn cell(&self, outcome: Option<Outcome>, refused: Option<(Rule, Name)>) -> (Cell, Option<usize>) {
        let cell = |reach, rule, at, lost| {
            let (from, to) = (self.from.into(), self.to.into());
            Cell { from, to, reach, rule, also: None, at, lost }
        };
        let mut journeys = self.journeys.iter().enumerate();
        if outcome == Some(Outcome::Reply) {
            let first = journeys.find_map(|(i, journey)| Some((i, self.received_by_target(journey)?)));
            let (index, rule) = first.unzip();
            return (cell(Reach::Reply, rule, rule.map(|_| self.to.into()), None), index);
        }
        let asked = |journey: &&Journey| read(&journey.frame).is_some_and(|(what, _)| what == Lost::Request);
        let arrived = self.journeys.iter().filter(asked).any(|j| self.received_by_target(j).is_some());
        let reach = match outcome {
            Some(Outcome::NoReply) if arrived => Reach::OneWay,
            Some(Outcome::NoReply) => Reach::NoReply,
            _ => Reach::Unreachable,
        };
        if let Some((rule, device)) = refused {
            return (cell(reach, Some(rule), Some(device), None), None);
        }
        if let Some(rule) = outcome.and_then(|outcome| outcome.rule()) {
            return (cell(reach, Some(rule), Some(self.from.into()), None), None);
        }
        let lost = journeys.find_map(|(i, journey)| Some((i, self.lost(journey)?)));
        let apart =
            || self.journeys.iter().enumerate().find_map(|(i, journey)| Some((i, self.apart(journey)?)));
        match lost.or_else(apart) {
            Some((i, Loss { what, also, rule, at })) => {
                (Cell { also, ..cell(reach, Some(rule), Some(at), Some(what)) }, Some(i))
            }
            // The target has the request and does not send a reply.
            None if reach == Reach::OneWay => {
                (cell(reach, Some(Rule::NoRoute), Some(self.to.into()), Some(Lost::Answer)), None)
            }
            None => {
                let rule = self.silenced();
                (cell(reach, rule, rule.map(|_| self.from.into()), None), None)
            }
        }
    }

    /// Why the sender sends no frame at all: an IP stack does not use a device that is down or has no carrier.
    fn silenced(&self) -> Option<Rule> {
        let own = self.interfaces(&[self.from]);
        // The sender of a frame is not known if its journey begins on the way.
        let others =
            |journey: &Journey| !own.contains(&journey.from.as_str()) && journey.began == Began::Sent;
        if own.is_empty() || !self.journeys.iter().all(others) {
            return None;
        }
        let by_name = by_name(self.devices);
        let own: Vec<&Device> = own.into_iter().filter_map(|name| by_name.get(name).copied()).collect();
        if own.iter().all(|device| !device.up) {
            return Some(Rule::SendDown);
        }
        let is_cut_off = |device: &&Device| {
            let lost =
                |device: &Device| !device.up || (device.kind == DeviceType::Bond && device.active.is_none());
            and_below(device, &by_name).chain(far_end(device, &by_name)).any(lost)
        };
        own.iter().all(is_cut_off).then_some(Rule::NoCarrier)
    }

    /// The rule by which the target gets a frame: the device, or any interface of the same host.
    fn received_by_target(&self, journey: &Journey) -> Option<Rule> {
        let interfaces = self.interfaces(&[self.to]);
        if interfaces.contains(&journey.from.as_str()) {
            return None;
        }
        interfaces.into_iter().find_map(|name| match journey.fate(name, self.devices) {
            Some(Fate::Got(rule)) => Some(rule),
            _ => None,
        })
    }

    /// These devices, then the other interfaces of the hosts that they belong to: a host accepts packets for any of its
    /// addresses on every interface. A host itself stands for its interfaces.
    fn interfaces(&self, names: &[&str]) -> Vec<&str> {
        let named = |device: &&Device| names.contains(&device.name.as_str());
        let hosts: Vec<&str> = self.devices.iter().filter(named).filter_map(|d| d.host.as_deref()).collect();
        let of_hosts =
            |d: &&Device| d.host.as_deref().is_some_and(|h| hosts.contains(&h) || names.contains(&h));
        let others = self.devices.iter().filter(|d| of_hosts(d) && !named(d));
        self.devices.iter().filter(named).chain(others).map(|device| device.name.as_str()).collect()
    }

    /// The frame lost, the rule and the place, if no destination of the frame gets it.
    fn lost(&self, journey: &Journey) -> Option<Loss> {
        let (what, about) = read(&journey.frame)?;
        let to_all = EthHeader::parse(&journey.frame).is_ok_and(|header| header.dst.is_multicast());
        if to_all && !matches!(what, Lost::Solicitation | Lost::Advertisement) {
            return journey.thrown_away().map(|(rule, at)| Loss { what, also: None, rule, at });
        }
        if about.is_multicast() {
            return None;
        }
        let meant_for = match self.meant_for(journey, about) {
            Ok(names) => names,
            Err(rule) => return Some(Loss { what, also: None, rule, at: journey.from.clone() }),
        };
        let fates = meant_for.into_iter().filter_map(|name| Some((name, journey.fate(name, self.devices)?)));
        let fates: Vec<(&str, Fate)> = fates.collect();
        // An IP stack reads no tagged frames: they are for sub-interfaces, if there are any.
        let got = |(name, fate): &(&str, Fate)| matches!(fate, Fate::Got(_)) && !journey.is_tagged_at(name);
        if fates.iter().any(got) {
            return None;
        }
        fates.into_iter().find_map(|(name, fate)| {
            let (also, rule, at) = match fate {
                Fate::Got(_) => (None, Rule::TaggedToHost, name.into()),
                Fate::Apart => return None,
                Fate::Overheard(rule) => (None, rule, name.into()),
                Fate::Kept { also, rule, at } => (also, rule, at),
            };
            Some(Loss { what, also, rule, at })
        })
    }

    /// The frame lost, if nothing that handled it leads to its destinations.
    fn apart(&self, journey: &Journey) -> Option<Loss> {
        let (what, about) = read(&journey.frame).filter(|(_, about)| !about.is_multicast())?;
        let meant_for = self.meant_for(journey, about).ok()?;
        let mut fates = meant_for.into_iter().filter_map(|name| journey.fate(name, self.devices)).peekable();
        let apart = fates.peek().is_some() && fates.all(|fate| fate == Fate::Apart);
        apart.then(|| Loss { what, also: None, rule: Rule::NotConnected, at: journey.from.clone() })
    }

    /// A frame's destinations: the interfaces of the host with the IP address that the frame can be addressed to, otherwise
    /// the device with the MAC address, such as a router.
    ///
    /// # Errors
    /// There is none: by this rule the frame is lost from the start.
    fn meant_for(&self, journey: &Journey, about: IpAddr) -> Result<Vec<&str>, Rule> {
        let dst = EthHeader::parse(&journey.frame).map(|header| header.dst).unwrap_or_default();
        let has_mac = |name: &&str| self.devices.iter().any(|d| d.name == *name && d.mac == Some(dst));
        let has_ip = |d: &&Device| d.address.iter().chain(&d.loopback).any(|net| net.addr() == about);
        let owners: Vec<&str> = self.devices.iter().filter(has_ip).map(|d| d.name.as_str()).collect();
        let addressed: Vec<&str> =
            self.interfaces(&owners).into_iter().filter(|name| dst.is_multicast() || has_mac(name)).collect();
        // Of those that have the same addresses, the one that asked waits for the frame.
        let own = self.interfaces(&[self.from]);
        let asked: Vec<&str> = addressed.iter().copied().filter(|name| own.contains(name)).collect();
        if !asked.is_empty() && !own.contains(&journey.from.as_str()) {
            return Ok(asked);
        }
        if !addressed.is_empty() {
            return Ok(addressed);
        }
        // A bond stands for its ports, which have its address.
        let all = || self.devices.iter().filter(|d| d.mac == Some(dst));
        let by_mac = all().find(|d| d.kind == DeviceType::Bond).or_else(|| all().next());
        let by_mac = by_mac.map(|d| vec![d.name.as_str()]);
        by_mac.ok_or(if owners.is_empty() { Rule::NoSuchAddress } else { Rule::WrongNeighbour })
    }
}

/// The role of a frame in an exchange, and the IP address that it asks for or goes to.
fn read(frame: &Frame) -> Option<(Lost, IpAddr)> {
    let packet = LaxSlicedPacket::from_ethernet(frame).ok()?;
    let to: IpAddr = match packet.net.as_ref()? {
        LaxNetSlice::Arp(arp) => {
            let arp = arp.to_packet().try_eth_ipv4().ok()?;
            let what = if arp.operation.0 == 1 { Lost::Solicitation } else { Lost::Advertisement };
            return Some((what, IpAddr::from(arp.target_ipv4)));
        }
        LaxNetSlice::Ipv4(v4) => v4.header().destination_addr().into(),
        LaxNetSlice::Ipv6(v6) => v6.header().destination_addr().into(),
    };
    let what = match packet.transport.as_ref() {
        Some(TransportSlice::Icmpv4(icmp)) => match icmp.type_u8() {
            8 => Lost::Request,
            0 => Lost::Answer,
            _ => Lost::Other,
        },
        Some(TransportSlice::Udp(udp)) => by_ports(udp.source_port(), udp.destination_port()),
        Some(TransportSlice::Tcp(tcp)) => by_ports(tcp.source_port(), tcp.destination_port()),
        Some(TransportSlice::Icmpv6(icmp)) => match icmp.type_u8() {
            128 => Lost::Request,
            129 => Lost::Answer,
            135 => {
                // RFC 4861, 4.3: the target follows four reserved bytes.
                let target = icmp.slice().get(8..24).and_then(|t| <[u8; 16]>::try_from(t).ok())?;
                return Some((Lost::Solicitation, Ipv6Addr::from(target).into()));
            }
            136 => Lost::Advertisement,
            _ => Lost::Other,
        },
        _ => Lost::Other,
    };
    Some((what, to))
}

/// The role of a datagram or segment of the echo service.
fn by_ports(source: u16, destination: u16) -> Lost {
    match (source, destination) {
        (_, ECHO_PORT) => Lost::Request,
        (ECHO_PORT, _) => Lost::Answer,
        _ => Lost::Other,
    }
}
