//! An interface of this machine, through a packet socket (packet(7)) and a ring in memory shared with the kernel.
//!
//! Frames have a virtio header, because a sender on a veth leaves checksums and segmentation undone and a NIC merges
//! segments; their tag is in metadata, because the kernel removes it; and frames sent from this side are not received.
//! The interface is promiscuous while the socket is open. The crate pnet supports none of this, so system calls are
//! used.

use super::backend::{Backend, BoundaryCounters, PeerState, RETRY, Wait, send_all};
use super::coalesce::GsoPackets;
use super::offload::{HEADER_BYTES, complete};
use crate::errno::ErrorNumber;
use crate::frame::Frame;
use crate::sys::{self, EVERY_PROTOCOL, Inbox, Outbox, PacketSocket, Ring};
use crate::time::Instant;
use std::io;
use std::os::fd::AsFd as _;

/// Requested queue size in each direction, in bytes: some milliseconds of a fast link.
const QUEUE_BYTES: i32 = 8 * 1024 * 1024;

/// Frames read per call; long packets yield many frames, so frames are counted.
const AT_ONCE: usize = 256;

/// Payload of an Ethernet frame, in bytes.
const ETHERNET_MTU: u32 = 1500;

pub(super) struct AfPacket {
    name: String,
    socket: PacketSocket,
    /// The interface that the socket is bound to, while it exists.
    bound: Option<u32>,
    presence: PeerState,
    look_again: Instant,
    ring: Ring,
    /// Buffer for frames that are too long for the ring.
    inbox: Inbox,
    outbox: Outbox,
    parcels: GsoPackets,
    scratch: Vec<u8>,
}

impl AfPacket {
    pub(super) fn open(name: &str) -> Result<AfPacket, String> {
        let socket = PacketSocket::new().map_err(|e| match e.raw_os_error() {
            Some(libc::EPERM) => {
                "a packet socket needs CAP_NET_RAW: run it with sudo, or in your own namespace".to_owned()
            }
            _ => e.to_string(),
        })?;
        socket.with_offloads().map_err(|e| format!("a packet socket with offloads: {e}"))?;
        sys::enlarge_queues(socket.as_fd(), QUEUE_BYTES);
        // A missing interface is reported by the check below.
        let mtu = sys::mtu_of(&socket, name).unwrap_or(ETHERNET_MTU);
        let ring = Ring::of(&socket, HEADER_BYTES, mtu).map_err(|e| format!("a ring for its frames: {e}"))?;
        let mut backend = AfPacket {
            name: name.to_owned(),
            socket,
            bound: None,
            presence: PeerState::Here,
            look_again: Instant::ZERO,
            ring,
            inbox: Inbox::of(1),
            outbox: Outbox::default(),
            parcels: GsoPackets::default(),
            scratch: Vec::new(),
        };
        backend.look();
        match (backend.bound, backend.presence.clone()) {
            (None, PeerState::Away(why)) => Err(why),
            _ => Ok(backend),
        }
    }

    /// Checks the interface's state; binds again to one that has come back.
    fn look(&mut self) {
        self.presence = match sys::index_of(&self.socket, &self.name) {
            Err(ErrorNumber(libc::ENODEV)) => {
                self.bound = None;
                PeerState::Away(format!("there is no interface `{}`", self.name))
            }
            Err(e) => PeerState::Away(e.to_string()),
            Ok(index) => match self.take(index).map(|()| sys::is_running(&self.socket, &self.name)) {
                Err(e) => PeerState::Away(e.to_string()),
                Ok(Ok(true)) => PeerState::Here,
                Ok(_) => PeerState::Away(format!("{} is down or has no carrier", self.name)),
            },
        };
    }

    fn take(&mut self, index: u32) -> io::Result<()> {
        if self.bound != Some(index) {
            self.socket.bind(index, EVERY_PROTOCOL)?;
            self.socket.promiscuous(index)?;
            self.bound = Some(index);
        }
        Ok(())
    }
}

impl Backend for AfPacket {
    fn wait(&self) -> Wait<'_> {
        Wait { fd: Some(self.socket.as_fd()), room: false, at: Some(self.look_again) }
    }

    fn receive(&mut self, now: Instant, counters: &mut BoundaryCounters, take: &mut dyn FnMut(&[u8])) {
        if now >= self.look_again {
            self.look_again = now + RETRY;
            self.look();
        }
        let mut frames = 0;
        while frames < AT_ONCE
            && let Some(mut slot) = self.ring.take()
        {
            let came = if slot.waits { self.inbox.next(self.socket.as_fd()) } else { Some(slot.message()) };
            let Some(message) = came.filter(|message| !message.cut) else {
                // Too long for the ring, and the queue had no room for it.
                counters.in_missed += 1;
                frames += 1;
                continue;
            };
            let done = complete(message.bytes, message.tag, &mut self.scratch, take);
            counters.in_malformed += u64::from(done.is_err());
            frames += done.unwrap_or(1);
        }
        // Woken without data: the interface went down or was removed, which is reported once.
        if frames == 0 && self.socket.take_error().is_some() {
            self.look();
        }
    }

    fn send(&mut self, _now: Instant, counters: &mut BoundaryCounters, frames: &[Frame]) {
        if self.bound.is_some() {
            self.parcels.pack(frames);
            let parcels = &self.parcels;
            send_all(&mut self.outbox, self.socket.as_fd(), frames, counters, |n| {
                parcels.list().get(n).map(|p| (p.frames.clone(), parcels.parts(p, frames)))
            });
        } else {
            counters.out_dropped += frames.len() as u64;
        }
    }

    fn presence(&self) -> &PeerState {
        &self.presence
    }

    fn missed(&mut self) -> u64 {
        self.socket.missed()
    }
}
