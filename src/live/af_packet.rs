//! An interface of this machine, through a packet socket (packet(7)).
//!
//! Frames come with a virtio header, for whoever sends to a veth leaves checksums and segmentation undone, and a NIC puts
//! segments together; with their tag beside them, for the kernel takes it off; and without those that this side sent. The
//! interface is promiscuous as long as the socket is open. The crate pnet has none of this, so system calls are used.

use super::backend::{Backend, Presence, RETRY, Rim, Wait, send_all};
use super::coalesce::Parcels;
use super::offload::{Malformed, complete};
use crate::errno::ErrorNumber;
use crate::frame::Frame;
use crate::sys::{self, BATCH, EVERY_PROTOCOL, Inbox, Outbox, PacketSocket};
use crate::time::Instant;
use std::io;
use std::os::fd::AsFd as _;

/// Asked for in each direction: some milliseconds of a fast link.
const QUEUE_BYTES: i32 = 8 * 1024 * 1024;

/// Messages that are received with one call even if each is long.
const FEW: usize = 8;

pub(super) struct AfPacket {
    name: String,
    socket: PacketSocket,
    /// The interface that the socket is bound to, while that is there.
    bound: Option<u32>,
    presence: Presence,
    look_again: Instant,
    inbox: Inbox,
    /// Messages received with the next call.
    at_once: usize,
    outbox: Outbox,
    parcels: Parcels,
    scratch: Vec<u8>,
}

impl AfPacket {
    pub(super) fn open(name: &str) -> Result<AfPacket, String> {
        let socket = PacketSocket::new().map_err(|e| match e.raw_os_error() {
            Some(libc::EPERM) => {
                "a packet socket needs CAP_NET_RAW: run it with sudo, or in a namespace of your own"
                    .to_owned()
            }
            _ => e.to_string(),
        })?;
        socket.with_offloads().map_err(|e| format!("a packet socket with offloads: {e}"))?;
        sys::enlarge_queues(socket.as_fd(), QUEUE_BYTES);
        let mut backend = AfPacket {
            name: name.to_owned(),
            socket,
            bound: None,
            presence: Presence::Here,
            look_again: Instant::ZERO,
            inbox: Inbox::new(),
            at_once: BATCH,
            outbox: Outbox::default(),
            parcels: Parcels::default(),
            scratch: Vec::new(),
        };
        backend.look();
        match (backend.bound, backend.presence.clone()) {
            (None, Presence::Away(why)) => Err(why),
            _ => Ok(backend),
        }
    }

    /// Finds out how the interface stands; one that has come back is taken again.
    fn look(&mut self) {
        self.presence = match sys::index_of(&self.socket, &self.name) {
            Err(ErrorNumber(libc::ENODEV)) => {
                self.bound = None;
                Presence::Away(format!("there is no interface `{}`", self.name))
            }
            Err(e) => Presence::Away(e.to_string()),
            Ok(index) => match self.take(index).map(|()| sys::is_running(&self.socket, &self.name)) {
                Err(e) => Presence::Away(e.to_string()),
                Ok(Ok(true)) => Presence::Here,
                Ok(_) => Presence::Away(format!("{} is down or has no carrier", self.name)),
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

    fn receive(&mut self, now: Instant, rim: &mut Rim, take: &mut dyn FnMut(&[u8])) {
        if now >= self.look_again {
            self.look_again = now + RETRY;
            self.look();
        }
        match self.inbox.receive(self.socket.as_fd(), self.at_once) {
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
            // The interface went down or away; that is told once.
            Err(_) => return self.look(),
        }
        let (mut messages, mut frames) = (0, 0);
        for message in self.inbox.messages() {
            let done = if message.cut {
                Err(Malformed)
            } else {
                complete(message.bytes, message.tag, &mut self.scratch, take)
            };
            rim.in_malformed += u64::from(done.is_err());
            messages += 1;
            frames += done.unwrap_or(1);
        }
        // Long packets come as many frames: what is taken at once should fit the caches.
        self.at_once = (BATCH * messages / frames.max(1)).clamp(FEW, BATCH);
    }

    fn send(&mut self, _now: Instant, rim: &mut Rim, frames: &[Frame]) {
        if self.bound.is_some() {
            self.parcels.pack(frames);
            let parcels = &self.parcels;
            send_all(&mut self.outbox, self.socket.as_fd(), frames, rim, |n| {
                parcels.list().get(n).map(|p| (p.frames.clone(), parcels.parts(p, frames)))
            });
        } else {
            rim.out_dropped += frames.len() as u64;
        }
    }

    fn presence(&self) -> &Presence {
        &self.presence
    }

    fn missed(&mut self) -> u64 {
        self.socket.missed()
    }
}
