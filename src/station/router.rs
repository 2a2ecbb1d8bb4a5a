//! A router: a host on several devices that forwards.

use super::IpSpec;
use super::host::Host;
use super::ndp::group_mac;
use super::probe::{Probe, ProbeId, ProbeResult};
use crate::frame::{MacAddr, PacketType};
use crate::time::Instant;

/// One interface of a router: its name, MAC address, IP configuration and mtu in bytes.
pub type RouterLink<'a> = (&'a str, MacAddr, &'a IpSpec, u32);

/// A Linux machine that forwards IPv4 and IPv6 between its interfaces and is reachable on all of them.
///
/// Packets that are too long for the outgoing link are dropped with "fragmentation needed" or "packet too big", whether
/// they may be fragmented or not. Link-local IPv6, groups, and packets received by broadcast or multicast are never
/// forwarded. Redirects are sent for IPv4 only.
#[derive(Debug)]
pub struct Router {
    host: Host,
    names: Vec<String>,
}

impl Router {
    /// A router whose interfaces are up. They are numbered from 0, in this order.
    #[must_use]
    pub fn new(name: &str, interfaces: &[RouterLink<'_>], now: Instant) -> Router {
        let links: Vec<_> = interfaces.iter().map(|(_, mac, spec, mtu)| (*mac, *spec, *mtu)).collect();
        let names = interfaces.iter().map(|i| i.0.to_owned()).collect();
        Router { host: Host::new(name, &links, true, now), names }
    }

    /// The number of the interface with this name.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// An interface's own MAC address.
    #[must_use]
    pub fn mac(&self, index: usize) -> Option<MacAddr> {
        self.host.links.get(index).map(|l| l.mac)
    }

    /// Sets an interface down from the start: its addresses and neighbours are available when it comes up.
    pub fn begin_down(&mut self, index: usize) {
        if let Some(link) = self.host.links.get_mut(index) {
            link.begin_down();
        }
    }

    /// Changes an interface's MAC address; all neighbours on it are forgotten.
    pub fn set_mac(&mut self, index: usize, mac: MacAddr) {
        if let Some(link) = self.host.links.get_mut(index) {
            link.set_mac(mac);
        }
    }

    /// Sets an interface's carrier; without it, learned neighbours are forgotten.
    pub fn set_carrier(&mut self, index: usize, carrier: bool, now: Instant) {
        self.host.set_carrier(now, index, carrier);
    }

    /// Sets an interface up or down: down, its routes, neighbours and IPv6 addresses are lost (see
    /// [`Endpoint::set_link_up`](super::Endpoint::set_link_up)).
    pub fn set_link_up(&mut self, index: usize, up: bool, now: Instant) {
        self.host.set_link_up(now, index, up);
    }

    /// Receives a frame on an interface, and does everything that follows from it at once.
    pub fn receive(&mut self, now: Instant, index: usize, frame: &[u8], packet_type: PacketType) {
        self.host.receive(now, index, frame, packet_type);
    }

    /// Does work that is due. Call it when [`Router::poll_at`] says so.
    pub fn poll(&mut self, now: Instant) {
        self.host.poll(now);
    }

    /// When to call [`Router::poll`] next, if no frame arrives.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        self.host.poll_at()
    }

    /// The next frame to send, with the number of its interface.
    pub fn pop_transmit(&mut self) -> Option<(usize, Vec<u8>)> {
        self.host.links.iter_mut().enumerate().find_map(|(i, link)| Some((i, link.pop_transmit()?)))
    }

    /// The multicast groups that an interface's IP addresses make it join.
    #[must_use]
    pub fn groups(&self, index: usize) -> Vec<MacAddr> {
        self.host
            .links
            .get(index)
            .map(|l| l.groups().into_iter().map(group_mac).collect())
            .unwrap_or_default()
    }

    /// Starts a probe from the router itself; its first request is sent at once.
    pub fn start_probe(&mut self, now: Instant, probe: Probe) -> ProbeId {
        self.host.start_probe(now, probe)
    }

    /// The result of a probe; `None` while it runs.
    #[must_use]
    pub fn probe_result(&self, id: ProbeId) -> Option<ProbeResult> {
        self.host.prober.result(id)
    }

    /// The latest time at which a running probe ends.
    #[must_use]
    pub fn probe_deadline(&self, id: ProbeId) -> Option<Instant> {
        self.host.prober.deadline(id)
    }
}
