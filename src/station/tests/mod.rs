//! The behaviour of end points, seen on the wire between them.

mod by_hand;
mod detours;
mod ends;
mod hosts;
mod limits;
mod malformed;
mod neighbours;
mod routers;
mod sockets;

use super::*;
use crate::frame::{EthHeader, MacAddr, PacketType};
use crate::time::Instant;
use std::net::IpAddr;
use std::time::Duration;

pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) fn ms(ms: u64) -> Instant {
    Instant::from_nanos(ms * 1_000_000)
}

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(super) fn mac(last: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, last])
}

/// "10.0.0.1/24 fd00::1/64" as an IP configuration.
pub(super) fn spec(nets: &str) -> IpSpec {
    let net = |text: &str| {
        let (addr, prefix) = text.split_once('/').unwrap();
        IpNet::new(ip(addr), prefix.parse().unwrap()).unwrap()
    };
    IpSpec { address: nets.split(' ').map(net).collect(), ..IpSpec::default() }
}

pub(super) fn probe(kind: ProbeKind, to: &str) -> Probe {
    Probe { kind, to: ip(to), count: 1, timeout: Duration::from_secs(10) }
}

/// A host that forwards, with interfaces that are up.
pub(super) fn router(interfaces: &[(&str, MacAddr, &IpSpec, u32)]) -> Host {
    host(&HostConfig { forwarding: true, ..HostConfig::default() }, interfaces)
}

pub(super) fn host(config: &HostConfig, interfaces: &[(&str, MacAddr, &IpSpec, u32)]) -> Host {
    let mut host = Host::new("r", config, Instant::ZERO);
    for (name, mac, ip, mtu) in interfaces {
        let interface = Interface { name, mac: *mac, ip, mtu: *mtu, up: true, arp: true };
        host.add_interface(interface, Instant::ZERO);
    }
    host
}

pub(super) fn ping(to: &str) -> Probe {
    probe(ProbeKind::Ping, to)
}

/// A frame seen on the wire.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) at: Instant,
    pub(super) from: usize,
    pub(super) bytes: Vec<u8>,
}

impl Seen {
    pub(super) fn ethertype(&self) -> u16 {
        EthHeader::parse(&self.bytes).unwrap().ethertype
    }

    pub(super) fn dst(&self) -> MacAddr {
        EthHeader::parse(&self.bytes).unwrap().dst
    }

    /// A few letters that identify the frame.
    pub(super) fn word(&self) -> &'static str {
        match (self.ethertype(), self.bytes.get(21), self.bytes.get(23), self.bytes.get(20)) {
            (0x0806, Some(1), ..) => "arp?",
            (0x0806, ..) => "arp!",
            (0x0800, _, Some(1), _) => match self.bytes[34] {
                8 => "echo?",
                0 => "echo!",
                3 => "unreachable",
                5 => "redirect",
                11 => "expired",
                _ => "icmp",
            },
            (0x0800, _, Some(6), _) => "tcp",
            (0x0800, _, Some(17), _) => "udp",
            (0x86dd, _, _, Some(58)) => match self.bytes[54] {
                1 => "unreachable",
                2 => "too-big",
                3 => "expired",
                128 => "echo?",
                129 => "echo!",
                135 => "ns",
                136 => "na",
                _ => "icmp",
            },
            (0x86dd, _, _, Some(6)) => "tcp",
            (0x86dd, _, _, Some(17)) => "udp",
            _ => "other",
        }
    }
}

/// One Ethernet segment: every host receives every frame.
pub(super) struct Cable {
    pub(super) ends: Vec<(MacAddr, Endpoint)>,
    pub(super) now: Instant,
    pub(super) seen: Vec<Seen>,
}

impl Cable {
    pub(super) fn new(specs: &[IpSpec]) -> Cable {
        let end = |(i, spec): (usize, &IpSpec)| {
            let mac = mac(u8::try_from(i + 1).unwrap());
            (mac, Endpoint::new(&format!("e{i}"), mac, spec, 1500, Instant::ZERO))
        };
        Cable { ends: specs.iter().enumerate().map(end).collect(), now: Instant::ZERO, seen: Vec::new() }
    }

    /// Two hosts with 10.0.0.1, fd00::1 and 10.0.0.2, fd00::2.
    pub(super) fn pair() -> Cable {
        Cable::new(&[spec("10.0.0.1/24 fd00::1/64"), spec("10.0.0.2/24 fd00::2/64")])
    }

    pub(super) fn inject(&mut self, from: usize, bytes: &[u8]) {
        self.seen.push(Seen { at: self.now, from, bytes: bytes.to_vec() });
        let dst = EthHeader::parse(bytes).map(|h| h.dst).unwrap_or_default();
        for (i, (mac, end)) in self.ends.iter_mut().enumerate() {
            if i != from {
                end.receive(self.now, bytes, PacketType::of(dst, *mac));
            }
        }
    }

    /// Delivers frames until all hosts are idle at this instant.
    pub(super) fn settle(&mut self) {
        for _ in 0..1000 {
            let next = (0..self.ends.len()).find_map(|i| Some((i, self.ends[i].1.pop_transmit()?)));
            let Some((from, bytes)) = next else { return };
            self.inject(from, &bytes);
        }
        panic!("frames fly for ever");
    }

    /// Time passes.
    pub(super) fn run_until(&mut self, end: Instant) {
        self.settle();
        loop {
            let next = self.ends.iter().filter_map(|(_, e)| e.poll_at()).min();
            match next.filter(|t| *t <= end) {
                Some(at) => self.now = self.now.max(at),
                None => break,
            }
            let now = self.now;
            self.ends.iter_mut().for_each(|(_, e)| e.poll(now));
            self.settle();
        }
        self.now = end;
    }

    /// Starts a probe and runs it to its end.
    pub(super) fn probe(&mut self, from: usize, probe: Probe) -> (ProbeResult, Instant) {
        let now = self.now;
        let id = self.ends[from].1.start_probe(now, probe);
        let deadline = self.ends[from].1.probe_deadline(id).unwrap_or(now);
        self.settle();
        while self.ends[from].1.probe_result(id).is_none() {
            assert!(self.now <= deadline, "a probe outlived its deadline");
            let next = self.ends.iter().filter_map(|(_, e)| e.poll_at()).min().unwrap();
            assert!(next > self.now, "time stands still");
            self.run_until(next);
        }
        (self.ends[from].1.probe_result(id).unwrap(), self.now)
    }

    pub(super) fn words(&self) -> Vec<&'static str> {
        self.seen.iter().map(Seen::word).collect()
    }
}

/// An ARP frame: 1 request or 2 reply, sent by `sender`, about `ip` and for `target`.
pub(super) fn arp(op: u8, sender: MacAddr, from: &str, to: MacAddr, target: &str) -> Vec<u8> {
    let address = |text: &str| match ip(text) {
        IpAddr::V4(a) => a.octets(),
        IpAddr::V6(_) => panic!("ARP is for IPv4"),
    };
    let mut frame = to.0.to_vec();
    frame.extend(sender.0);
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, op]);
    frame.extend(sender.0);
    frame.extend(address(from));
    frame.extend(if op == 1 { [0; 6] } else { to.0 });
    frame.extend(address(target));
    frame
}
