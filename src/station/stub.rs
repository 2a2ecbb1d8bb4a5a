#![allow(missing_docs, dead_code, unused)]
use super::IpSpec;
use crate::frame::*;
use crate::time::Instant;
use std::net::IpAddr;
use std::time::Duration;
pub enum ProbeKind {
    Ping,
    Arping,
    Udp,
    Tcp,
}
pub struct Probe {
    pub kind: ProbeKind,
    pub to: IpAddr,
    pub count: u32,
    pub timeout: Duration,
}
pub enum ProbeOutcome {
    Reply,
    Unreachable,
    NoReply,
}
pub struct ProbeResult {
    pub outcome: ProbeOutcome,
    pub rtt: Option<Duration>,
}
#[derive(Clone, Copy)]
pub struct ProbeId(pub u32);
pub struct Endpoint;
impl Endpoint {
    pub fn new(name: &str, mac: MacAddr, ip: &IpSpec, mtu: u32, now: Instant) -> Endpoint {
        Endpoint
    }
    pub fn groups(&self) -> Vec<MacAddr> {
        vec![]
    }
    pub fn set_mac(&mut self, mac: MacAddr, now: Instant) {}
    pub fn receive(&mut self, now: Instant, f: &[u8], t: PacketType) {}
    pub fn poll(&mut self, now: Instant) {}
    pub fn poll_at(&self) -> Option<Instant> {
        None
    }
    pub fn pop_transmit(&mut self) -> Option<Vec<u8>> {
        None
    }
    pub fn start_probe(&mut self, now: Instant, p: Probe) -> ProbeId {
        ProbeId(0)
    }
    pub fn probe_result(&self, id: ProbeId) -> Option<ProbeResult> {
        Some(ProbeResult { outcome: ProbeOutcome::NoReply, rtt: None })
    }
}
pub struct Router;
impl Router {
    pub fn new(name: &str, i: &[(&str, MacAddr, &IpSpec, u32)], now: Instant) -> Router {
        Router
    }
    pub fn set_mac(&mut self, i: usize, mac: MacAddr, now: Instant) {}
    pub fn receive(&mut self, now: Instant, i: usize, f: &[u8], t: PacketType) {}
    pub fn poll(&mut self, now: Instant) {}
    pub fn poll_at(&self) -> Option<Instant> {
        None
    }
    pub fn pop_transmit(&mut self) -> Option<(usize, Vec<u8>)> {
        None
    }
    pub fn start_probe(&mut self, now: Instant, p: Probe) -> ProbeId {
        ProbeId(0)
    }
    pub fn probe_result(&self, id: ProbeId) -> Option<ProbeResult> {
        Some(ProbeResult { outcome: ProbeOutcome::NoReply, rtt: None })
    }
}
