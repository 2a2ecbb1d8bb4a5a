//! One frame per datagram, without a header: the format of QEMU's `-netdev dgram`, GNS3 and Dynamips.

use super::backend::{Backend, BoundaryCounters, MAX_FRAME, Wait, send_all};
use crate::frame::Frame;
use crate::sys::{self, BATCH, Inbox, Outbox};
use crate::time::Instant;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd as _;

/// Requested queue size in each direction, in bytes.
const QUEUE_BYTES: i32 = 4 * 1024 * 1024;

pub(super) struct Udp {
    socket: UdpSocket,
    inbox: Inbox,
    outbox: Outbox,
}

impl Udp {
    pub(super) fn open(local: SocketAddr, remote: SocketAddr) -> Result<Udp, String> {
        let socket = UdpSocket::bind(local).map_err(|e| format!("{local}: {e}"))?;
        socket.connect(remote).map_err(|e| format!("{remote}: {e}"))?;
        socket.set_nonblocking(true).map_err(|e| e.to_string())?;
        sys::enlarge_queues(socket.as_fd(), QUEUE_BYTES);
        Ok(Udp { socket, inbox: Inbox::of(BATCH), outbox: Outbox::default() })
    }
}

impl Backend for Udp {
    fn wait(&self) -> Wait<'_> {
        Wait { fd: Some(self.socket.as_fd()), ..Wait::default() }
    }

    fn receive(&mut self, _now: Instant, counters: &mut BoundaryCounters, take: &mut dyn FnMut(&[u8])) {
        // No data, or, reported once by ICMP, no listener.
        if self.inbox.receive(self.socket.as_fd()).is_err() {
            return;
        }
        for message in self.inbox.messages() {
            if message.cut || message.bytes.len() > MAX_FRAME {
                counters.in_malformed += 1;
            } else {
                take(message.bytes);
            }
        }
    }

    fn send(&mut self, _now: Instant, counters: &mut BoundaryCounters, frames: &[Frame]) {
        send_all(&mut self.outbox, self.socket.as_fd(), frames, counters, |n| {
            frames.get(n).map(|frame| (n..n + 1, std::iter::once(&**frame)))
        });
    }
}
