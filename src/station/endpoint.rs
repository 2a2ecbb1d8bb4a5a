//! An end point: a host on one device.

use super::probe::{Probe, ProbeId, ProbeResult};
use super::stack::{Datagram, SocketError, TcpId, TcpState};
use super::{Host, HostConfig, Interface, IpNet, IpSpec};
use crate::frame::{MacAddr, PacketType};
use crate::time::Instant;
use crate::verdict::Rule;
use std::net::IpAddr;

/// A host with one Ethernet device, with the behaviour and default settings of a Linux machine. It has no clock and no
/// sockets: the caller passes frames and time, and fetches frames.
#[derive(Debug)]
pub struct Endpoint {
    host: Host,
}

impl Endpoint {
    /// A host whose device is up and has carrier. `mtu` in bytes of IP packet; the name seeds the values that Linux
    /// would choose at random.
    #[must_use]
    pub fn new(name: &str, mac: MacAddr, spec: &IpSpec, mtu: u32, now: Instant) -> Endpoint {
        let mut host = Host::new(name, &HostConfig::default(), now);
        host.add_interface(Interface { name, mac, ip: spec, mtu, up: true, arp: true }, now);
        Endpoint { host }
    }

    /// Changes the device's MAC address; all neighbours are forgotten. Its IPv6 link-local address stays.
    pub fn set_mac(&mut self, mac: MacAddr) {
        self.host.set_mac(0, mac);
    }

    /// Changes the device's mtu, in bytes.
    pub fn set_mtu(&mut self, mtu: u32, now: Instant) {
        self.host.set_mtu(0, mtu, now);
    }

    /// Sets the carrier. Without it frames are lost silently, and learned neighbours are forgotten; IP addresses,
    /// routes and permanent neighbours stay.
    pub fn set_carrier(&mut self, carrier: bool, now: Instant) {
        self.host.set_carrier(0, carrier, now);
    }

    /// Sets the device up or down: see [`Host::set_link_up`].
    pub fn set_link_up(&mut self, up: bool, now: Instant) {
        self.host.set_link_up(0, up, now);
    }

    /// Receives a frame, and does everything that follows from it at once. Returns the rule by which the host throws away
    /// what is in it.
    pub fn receive(&mut self, now: Instant, frame: &[u8], packet_type: PacketType) -> Option<Rule> {
        self.host.receive(now, 0, frame, packet_type)
    }

    /// Does work that is due: requests, retransmissions, timeouts. Call it when [`Endpoint::poll_at`] says so.
    pub fn poll(&mut self, now: Instant) {
        self.host.poll(now);
    }

    /// When to call [`Endpoint::poll`] next, if no frame arrives; there may turn out to be nothing to do.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        self.host.poll_at()
    }

    /// The next frame to send: from the destination address on, not padded, no FCS.
    pub fn pop_transmit(&mut self) -> Option<Vec<u8>> {
        self.host.pop_transmit().map(|(_, frame)| frame)
    }

    /// The multicast groups that its IP addresses make the device join: see [`Host::groups`].
    #[must_use]
    pub fn groups(&self) -> Vec<MacAddr> {
        self.host.groups(0)
    }

    /// Its IP addresses, including the IPv6 link-local one.
    #[must_use]
    pub fn addresses(&self) -> &[IpNet] {
        self.host.addresses(0)
    }

    /// The neighbour that a packet to this unicast address would be sent to: the address itself, or a gateway. `None`: no
    /// route.
    #[must_use]
    pub fn next_hop(&self, now: Instant, to: IpAddr) -> Option<IpAddr> {
        self.host.next_hop(now, to).map(|(_, next_hop)| next_hop)
    }

    /// The MAC address of a neighbour, if it is known.
    #[must_use]
    pub fn neighbour(&self, ip: IpAddr) -> Option<MacAddr> {
        self.host.neighbour(0, ip)?.mac
    }

    /// Starts a probe; its first request is sent at once.
    pub fn start_probe(&mut self, now: Instant, probe: Probe) -> ProbeId {
        self.host.start_probe(now, probe)
    }

    /// The result of a probe; `None` while it runs (and once so many later ones have ended that it is forgotten).
    #[must_use]
    pub fn probe_result(&self, id: ProbeId) -> Option<ProbeResult> {
        self.host.probe_result(id)
    }

    /// The latest time at which a running probe ends.
    #[must_use]
    pub fn probe_deadline(&self, id: ProbeId) -> Option<Instant> {
        self.host.probe_deadline(id)
    }

    /// Sends a datagram; its source port is bound and stays so.
    ///
    /// # Errors
    /// No route, too long for one packet, or no room.
    pub fn udp_send(
        &mut self,
        now: Instant,
        from_port: u16,
        to: IpAddr,
        port: u16,
        data: &[u8],
    ) -> Result<(), SocketError> {
        let source = self.host.source_to(now, to).ok_or(SocketError::NoRoute)?;
        self.host.stack.udp_send((source, from_port), (to, port), data)?;
        self.host.poll(now);
        Ok(())
    }

    /// Listens on a UDP port.
    ///
    /// # Errors
    /// No room for another port, or port 0.
    pub fn udp_bind(&mut self, port: u16) -> Result<(), SocketError> {
        self.host.stack.bind(port)
    }

    /// The next datagram received on a bound port.
    pub fn udp_recv(&mut self, port: u16) -> Option<Datagram> {
        self.host.stack.udp_recv(port)
    }

    /// Opens a TCP connection.
    ///
    /// # Errors
    /// No route, or no room.
    pub fn tcp_connect(&mut self, now: Instant, to: IpAddr, port: u16) -> Result<TcpId, SocketError> {
        let source = self.host.source_to(now, to).ok_or(SocketError::NoRoute)?;
        let id = self.host.stack.connect(source, to, port)?;
        self.host.poll(now);
        Ok(id)
    }

    /// The state of a connection; `None`: there is no such connection.
    #[must_use]
    pub fn tcp_state(&self, id: TcpId) -> Option<TcpState> {
        self.host.stack.tcp_state(id)
    }

    /// Sends data on a connection, possibly before it is established. Returns the number of bytes accepted.
    ///
    /// # Errors
    /// No such connection, or it can no longer send.
    pub fn tcp_send(&mut self, now: Instant, id: TcpId, data: &[u8]) -> Result<usize, SocketError> {
        let taken = self.host.stack.tcp_send(id, data)?;
        self.host.poll(now);
        Ok(taken)
    }

    /// The data received on a connection since the last call.
    pub fn tcp_recv(&mut self, now: Instant, id: TcpId) -> Vec<u8> {
        let data = self.host.stack.tcp_recv(id);
        self.host.poll(now);
        data
    }

    /// Closes a connection: data sent before is still delivered.
    pub fn tcp_close(&mut self, now: Instant, id: TcpId) {
        self.host.stack.tcp_close(id);
        self.host.poll(now);
    }
}
