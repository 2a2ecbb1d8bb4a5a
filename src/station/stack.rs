//! UDP and TCP: smoltcp on a packet device, with the echo service (RFC 862) on port 7.
//!
//! smoltcp sees only packets addressed to this host: unicast TCP, and UDP for a bound port. ICMP, routes and neighbours
//! are handled outside it. It has no configured addresses: each socket specifies the one to use.

use super::probe::Unreachable;
use crate::time::Instant;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::{tcp, udp};
use smoltcp::time::{Duration as SmolDuration, Instant as SmolInstant};
use smoltcp::wire::{HardwareAddress, IpEndpoint};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

/// The port of the echo service.
pub const ECHO_PORT: u16 = 7;
/// Maximum number of bound UDP ports, including the echo service's.
const MAX_UDP_PORTS: usize = 64;
/// Maximum number of outgoing TCP connections.
const MAX_TCP_CLIENTS: usize = 64;
/// Maximum number of TCP connections of the echo service; any more are refused.
const MAX_TCP_ECHOES: usize = 32;
/// Buffer size of a TCP connection in each direction, in bytes.
const TCP_BUFFER: usize = 16 * 1024;
/// Buffer size of a UDP port in each direction, in bytes and datagrams: one of maximum length, or several usual ones.
const UDP_BUFFER: usize = 64 * 1024;
const UDP_DATAGRAMS: usize = 32;
/// The first of the ports used when the caller specifies none (RFC 6335 6).
const EPHEMERAL: u16 = 49152;
/// A connection is aborted when its peer has not acknowledged for this long.
const TCP_TIMEOUT: SmolDuration = SmolDuration::from_secs(60);

/// A TCP connection made by this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TcpId(u32);

/// The state of a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpState {
    /// No reply yet.
    Connecting,
    /// Open, at least for receiving.
    Open,
    /// Closed by both sides.
    Closed,
    /// Failed: it could not be established, or was aborted.
    Failed(Unreachable),
}

/// The host has no free socket, or no source address, or the data is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SocketError {
    /// Every socket of this kind is in use (or, for sending, its buffer is full).
    #[error("no free socket of this kind")]
    NoRoom,
    /// No address of the destination's family, no route, or no such port.
    #[error("no route to this address")]
    NoRoute,
    /// Too long for one packet of this mtu: nothing is sent in fragments.
    #[error("too long for one packet of the device's mtu")]
    TooLong,
    /// No such connection or port.
    #[error("no such socket")]
    NoSocket,
}

/// A UDP datagram received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// The sender's IP address.
    pub from: IpAddr,
    /// The source port.
    pub from_port: u16,
    /// The data.
    pub data: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Client {
    handle: Option<SocketHandle>,
    local_port: u16,
    closing: bool,
    /// No longer used by the caller: it is removed once closed.
    detached: bool,
    failed: Option<Unreachable>,
    /// Data sent before the connection was established.
    early: Vec<u8>,
}

pub(super) struct Stack {
    device: PacketDevice,
    iface: Interface,
    sockets: SocketSet<'static>,
    udp: BTreeMap<u16, SocketHandle>,
    clients: BTreeMap<TcpId, Client>,
    echoes: Vec<SocketHandle>,
    next_client: u32,
    next_port: u16,
    seed: u64,
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (udp, clients) = (&self.udp, &self.clients);
        f.debug_struct("Stack").field("udp", udp).field("clients", clients).finish_non_exhaustive()
    }
}

fn smol(now: Instant) -> SmolInstant {
    SmolInstant::from_micros(i64::try_from(now.as_nanos() / 1000).unwrap_or(i64::MAX))
}

impl Stack {
    /// `seed` determines the initial sequence numbers.
    pub(super) fn new(seed: u64, mtu: u32, now: Instant) -> Stack {
        let mut device = PacketDevice::default();
        let iface = interface(&mut device, seed, mtu, now);
        Stack {
            device,
            iface,
            sockets: SocketSet::new(Vec::new()),
            udp: BTreeMap::new(),
            clients: BTreeMap::new(),
            echoes: Vec::new(),
            next_client: 0,
            next_port: EPHEMERAL,
            seed,
        }
    }

    /// smoltcp reads the mtu once, so a new one needs a new interface; connections survive.
    pub(super) fn set_mtu(&mut self, mtu: u32, now: Instant) {
        if self.device.mtu == mtu as usize {
            return;
        }
        self.seed = self.seed.wrapping_add(1);
        self.iface = interface(&mut self.device, self.seed, mtu, now);
    }

    /// Whether this UDP port is bound.
    pub(super) fn has_udp(&self, port: u16) -> bool {
        port == ECHO_PORT || self.udp.contains_key(&port)
    }

    /// Handles a packet for a socket.
    pub(super) fn receive(&mut self, packet: Vec<u8>, udp_port: Option<u16>) {
        match udp_port {
            Some(ECHO_PORT) => {
                let _ = self.bind(ECHO_PORT);
            }
            Some(_) => {}
            None => self.listen(),
        }
        self.device.rx.push_back(packet);
    }

    /// Packets to send.
    pub(super) fn pop_transmit(&mut self) -> Option<Vec<u8>> {
        self.device.tx.pop_front()
    }

    /// Runs the sockets; true if packets were received. Outgoing packets are in [`Stack::pop_transmit`] afterwards.
    pub(super) fn poll(&mut self, now: Instant) -> bool {
        let came_in = !self.device.rx.is_empty();
        if self.sockets.iter().next().is_none() && !came_in {
            return false;
        }
        // One packet at a time, so that each connection request finds a listener.
        loop {
            self.device.admit = 1;
            self.iface.poll(smol(now), &mut self.device, &mut self.sockets);
            self.serve();
            if self.device.rx.is_empty() {
                break;
            }
            self.listen();
        }
        self.iface.poll(smol(now), &mut self.device, &mut self.sockets);
        self.reap();
        came_in
    }

    /// When the sockets need to run next, if nothing arrives.
    pub(super) fn poll_at(&mut self, now: Instant) -> Option<Instant> {
        let at = self.iface.poll_at(smol(now), &self.sockets)?;
        let ns = u64::try_from(at.total_micros()).unwrap_or(0).saturating_mul(1000);
        // Microseconds are coarser than time here: never go back, never stand still.
        Some(Instant::from_nanos(ns).max(Instant::from_nanos(now.as_nanos().saturating_add(1000))))
    }

    fn listen(&mut self) {
        let listening =
            |set: &SocketSet<'static>, h: &SocketHandle| set.get::<tcp::Socket<'_>>(*h).is_listening();
        if self.echoes.len() >= MAX_TCP_ECHOES || self.echoes.iter().any(|h| listening(&self.sockets, h)) {
            return;
        }
        let mut socket = new_tcp();
        if socket.listen(ECHO_PORT).is_ok() {
            self.echoes.push(self.sockets.add(socket));
        }
    }

    /// The echo service: returns received data, and closes when the peer has closed.
    fn serve(&mut self) {
        for handle in &self.echoes {
            let socket = self.sockets.get_mut::<tcp::Socket<'_>>(*handle);
            while socket.can_send() {
                let room = socket.send_capacity() - socket.send_queue();
                let Ok(data) = socket.recv(|b| (b.len().min(room), b[..b.len().min(room)].to_vec())) else {
                    break;
                };
                if data.is_empty() || socket.send_slice(&data).is_err() {
                    break;
                }
            }
            if socket.state() == tcp::State::CloseWait && !socket.can_recv() {
                socket.close();
            }
        }
        for client in self.clients.values_mut().filter(|c| !c.early.is_empty()) {
            let Some(handle) = client.handle else { continue };
            let socket = self.sockets.get_mut::<tcp::Socket<'_>>(handle);
            if let Ok(sent) = socket.send_slice(&client.early) {
                client.early.drain(..sent.min(client.early.len()));
            }
        }
        if let Some(handle) = self.udp.get(&ECHO_PORT) {
            let socket = self.sockets.get_mut::<udp::Socket<'_>>(*handle);
            while let Ok((data, meta)) = socket.recv().map(|(d, m)| (d.to_vec(), m)) {
                // A forged datagram must not make two echo services reply to each other for ever.
                if meta.endpoint.port != ECHO_PORT {
                    let _ = socket.send_slice(&data, meta);
                }
            }
        }
    }

    /// Removes closed connections.
    fn reap(&mut self) {
        let sockets = &mut self.sockets;
        self.echoes.retain(|h| {
            let open = sockets.get::<tcp::Socket<'_>>(*h).is_open();
            if !open {
                sockets.remove(*h);
            }
            open
        });
        for client in self.clients.values_mut() {
            let Some(handle) = client.handle else { continue };
            let socket = sockets.get::<tcp::Socket<'_>>(handle);
            // Data that the peer sent can still be read.
            if !socket.is_open() && !socket.can_recv() {
                if !client.closing {
                    client.failed = Some(Unreachable::Refused);
                }
                client.handle = None;
                sockets.remove(handle);
            }
        }
        self.clients.retain(|_, c| !(c.detached && c.handle.is_none()));
        if self.clients.len() > MAX_TCP_CLIENTS {
            let over = self.clients.iter().find(|(_, c)| c.handle.is_none()).map(|(id, _)| *id);
            over.map(|id| self.clients.remove(&id));
        }
    }

    /// Whether another UDP port can be bound.
    pub(super) fn has_room_for_udp(&self) -> bool {
        self.udp.len() < MAX_UDP_PORTS
    }

    /// Binds a UDP port; does nothing if it is bound already.
    pub(super) fn bind(&mut self, port: u16) -> Result<(), SocketError> {
        if self.udp.contains_key(&port) {
            return Ok(());
        }
        if !self.has_room_for_udp() {
            return Err(SocketError::NoRoom);
        }
        let buffer =
            || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; UDP_DATAGRAMS], vec![0; UDP_BUFFER]);
        let mut socket = udp::Socket::new(buffer(), buffer());
        socket.bind(port).map_err(|_| SocketError::NoSocket)?;
        self.udp.insert(port, self.sockets.add(socket));
        Ok(())
    }

    pub(super) fn unbind(&mut self, port: u16) {
        if let Some(handle) = self.udp.remove(&port) {
            self.sockets.remove(handle);
        }
    }

    /// An unused port.
    pub(super) fn free_port(&mut self) -> u16 {
        loop {
            let port = self.next_port;
            self.next_port = if port == u16::MAX { EPHEMERAL } else { port + 1 };
            if !self.udp.contains_key(&port) && !self.clients.values().any(|c| c.local_port == port) {
                return port;
            }
        }
    }

    pub(super) fn udp_send(
        &mut self,
        from: (IpAddr, u16),
        to: (IpAddr, u16),
        data: &[u8],
    ) -> Result<(), SocketError> {
        let header = if to.0.is_ipv4() { 28 } else { 48 };
        if data.len() + header > self.device.mtu {
            return Err(SocketError::TooLong);
        }
        self.bind(from.1)?;
        let handle = self.udp.get(&from.1).ok_or(SocketError::NoSocket)?;
        let mut meta = udp::UdpMetadata::from(IpEndpoint::new(to.0.into(), to.1));
        meta.local_address = Some(from.0.into());
        self.sockets.get_mut::<udp::Socket<'_>>(*handle).send_slice(data, meta).map_err(|e| match e {
            udp::SendError::BufferFull => SocketError::NoRoom,
            udp::SendError::Unaddressable => SocketError::NoRoute,
        })
    }

    pub(super) fn udp_recv(&mut self, port: u16) -> Option<Datagram> {
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(*self.udp.get(&port)?);
        let (data, meta) = socket.recv().ok()?;
        let data = data.to_vec();
        Some(Datagram { from: meta.endpoint.addr.into(), from_port: meta.endpoint.port, data })
    }

    pub(super) fn connect(&mut self, from: IpAddr, to: IpAddr, port: u16) -> Result<TcpId, SocketError> {
        if self.clients.values().filter(|c| c.handle.is_some()).count() >= MAX_TCP_CLIENTS {
            return Err(SocketError::NoRoom);
        }
        let local_port = self.free_port();
        let mut socket = new_tcp();
        socket
            .connect(self.iface.context(), (to, port), (from, local_port))
            .map_err(|_| SocketError::NoRoute)?;
        let handle = Some(self.sockets.add(socket));
        let id = TcpId(self.next_client);
        self.next_client = self.next_client.wrapping_add(1);
        let (closing, detached, failed, early) = (false, false, None, Vec::new());
        let client = Client { handle, local_port, closing, detached, failed, early };
        self.clients.insert(id, client);
        Ok(id)
    }

    fn client(&mut self, id: TcpId) -> Option<&mut tcp::Socket<'static>> {
        let handle = self.clients.get(&id)?.handle?;
        Some(self.sockets.get_mut(handle))
    }

    pub(super) fn tcp_state(&self, id: TcpId) -> Option<TcpState> {
        let client = self.clients.get(&id)?;
        Some(match (client.handle, client.failed) {
            (_, Some(why)) => TcpState::Failed(why),
            (None, None) => TcpState::Closed,
            (Some(handle), None) => match self.sockets.get::<tcp::Socket<'_>>(handle).state() {
                tcp::State::SynSent => TcpState::Connecting,
                tcp::State::TimeWait | tcp::State::Closed => TcpState::Closed,
                _ => TcpState::Open,
            },
        })
    }

    pub(super) fn tcp_send(&mut self, id: TcpId, data: &[u8]) -> Result<usize, SocketError> {
        let socket = self.client(id).ok_or(SocketError::NoSocket)?;
        if let Ok(sent) = socket.send_slice(data) {
            return Ok(sent);
        }
        if !matches!(socket.state(), tcp::State::SynSent | tcp::State::SynReceived) {
            return Err(SocketError::NoSocket);
        }
        let early = &mut self.clients.get_mut(&id).ok_or(SocketError::NoSocket)?.early;
        let taken = data.len().min(TCP_BUFFER.saturating_sub(early.len()));
        early.extend(data.iter().take(taken));
        Ok(taken)
    }

    pub(super) fn tcp_recv(&mut self, id: TcpId) -> Vec<u8> {
        let Some(socket) = self.client(id) else { return Vec::new() };
        let mut all = Vec::new();
        while let Ok(part) = socket.recv(|b| (b.len(), b.to_vec())) {
            if part.is_empty() {
                break;
            }
            all.extend(part);
        }
        all
    }

    pub(super) fn tcp_close(&mut self, id: TcpId) {
        if let Some(socket) = self.client(id) {
            socket.close();
        }
        if let Some(client) = self.clients.get_mut(&id) {
            client.closing = true;
        }
    }

    /// Detaches a connection, which continues until it is closed.
    pub(super) fn tcp_detach(&mut self, id: TcpId) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.detached = true;
        }
    }

    /// Removes a connection without informing the peer, whatever its state.
    pub(super) fn tcp_forget(&mut self, id: TcpId) {
        if let Some(handle) = self.clients.remove(&id).and_then(|c| c.handle) {
            self.sockets.remove(handle);
        }
    }

    /// A packet of this TCP port could not be delivered: a connection being established fails (`tcp_v4_err`), an open
    /// one continues.
    pub(super) fn tcp_unreachable(&mut self, local_port: u16, why: Unreachable) {
        for client in self.clients.values_mut().filter(|c| c.local_port == local_port) {
            let Some(handle) = client.handle else { continue };
            if self.sockets.get::<tcp::Socket<'_>>(handle).state() == tcp::State::SynSent {
                self.sockets.remove(handle);
                client.handle = None;
                client.failed = Some(why);
            }
        }
    }
}

fn interface(device: &mut PacketDevice, seed: u64, mtu: u32, now: Instant) -> Interface {
    // Below IPv4's minimum mtu (RFC 791) there is no room for a segment; above 65535 no packet has a length.
    device.mtu = usize::try_from(mtu).unwrap_or(usize::MAX).clamp(68, 65535);
    let mut config = Config::new(HardwareAddress::Ip);
    config.random_seed = seed;
    let mut iface = Interface::new(config, device, smol(now));
    iface.set_any_ip(true);
    iface
}

fn new_tcp() -> tcp::Socket<'static> {
    let buffer = || tcp::SocketBuffer::new(vec![0; TCP_BUFFER]);
    let mut socket = tcp::Socket::new(buffer(), buffer());
    socket.set_timeout(Some(TCP_TIMEOUT));
    socket.set_ack_delay(None);
    socket
}

/// Queues of packets in and out.
#[derive(Debug, Default)]
struct PacketDevice {
    rx: VecDeque<Vec<u8>>,
    tx: VecDeque<Vec<u8>>,
    /// Packets that may still be read from `rx`.
    admit: usize,
    mtu: usize,
}

struct Received(Vec<u8>);
struct Sender<'a>(&'a mut VecDeque<Vec<u8>>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

impl TxToken for Sender<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut packet = vec![0; len];
        let result = f(&mut packet);
        self.0.push_back(packet);
        result
    }
}

impl Device for PacketDevice {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sender<'a>;

    fn receive(&mut self, _: SmolInstant) -> Option<(Received, Sender<'_>)> {
        self.admit = self.admit.checked_sub(1)?;
        Some((Received(self.rx.pop_front()?), Sender(&mut self.tx)))
    }

    fn transmit(&mut self, _: SmolInstant) -> Option<Sender<'_>> {
        Some(Sender(&mut self.tx))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        capabilities
    }
}
