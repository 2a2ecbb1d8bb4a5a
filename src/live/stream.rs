//! Frames on a UNIX stream socket, each with a length prefix: the format of QEMU's `-netdev stream` and passt.

use super::backend::{Backend, BoundaryCounters, MAX_FRAME, PeerState, RETRY, Wait};
use super::socket::Listening;
use crate::frame::Frame;
use crate::time::Instant;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// Length of the prefix, big-endian, in bytes.
const PREFIX: usize = 4;
/// Size of the read buffer, in bytes: more than the longest frame.
const BUFFER: usize = 256 * 1024;
/// Bytes buffered for a peer that does not read: further frames are dropped.
const MAX_WAITING: usize = 1024 * 1024;

/// How the peer connects.
enum Side {
    Listen(Listening),
    Connect(PathBuf),
}

pub(super) struct Stream {
    side: Side,
    peer: Option<Peer>,
    /// While there is no peer.
    away: PeerState,
    look_again: Instant,
}

struct Peer {
    socket: UnixStream,
    /// Input, and how much of it is an incomplete frame.
    came: Vec<u8>,
    filled: usize,
    /// Pending output.
    waiting: Vec<u8>,
    written: usize,
}

impl Stream {
    /// Accepts one peer after another.
    pub(super) fn listen(path: &Path) -> Result<Stream, String> {
        let listening = Listening::at(path).map_err(|e| e.to_string())?;
        Ok(Stream::new(Side::Listen(listening), "nobody has connected yet"))
    }

    /// Connects to one peer after another.
    pub(super) fn connect(path: &Path) -> Stream {
        let mut stream = Stream::new(Side::Connect(path.to_path_buf()), "nobody listens yet");
        stream.look();
        stream
    }

    fn new(side: Side, away: &str) -> Stream {
        Stream { side, peer: None, away: PeerState::Away(away.to_owned()), look_again: Instant::ZERO }
    }

    /// Looks for a peer.
    fn look(&mut self) {
        let socket = match &self.side {
            Side::Listen(listening) => listening.accept(),
            Side::Connect(path) => UnixStream::connect(path).ok().filter(|s| s.set_nonblocking(true).is_ok()),
        };
        self.peer = socket.map(|socket| Peer {
            socket,
            came: vec![0; BUFFER],
            filled: 0,
            waiting: Vec::new(),
            written: 0,
        });
    }

    fn lose(&mut self, why: &str) {
        self.peer = None;
        self.away = PeerState::Away(why.to_owned());
    }
}

impl Peer {
    /// Reads available data and emits whole frames.
    fn read(
        &mut self,
        counters: &mut BoundaryCounters,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), &'static str> {
        match self.socket.read(&mut self.came[self.filled..]) {
            Ok(0) => return Err("the peer has left"),
            Ok(n) => self.filled += n,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(_) => return Err("the connection broke"),
        }
        let mut rest = &self.came[..self.filled];
        while let Some((length, behind)) = rest.split_first_chunk::<PREFIX>() {
            let length = u32::from_be_bytes(*length) as usize;
            if length == 0 || length > MAX_FRAME {
                counters.in_malformed += 1;
                return Err("the peer sent an invalid frame, and was disconnected");
            }
            let Some((frame, behind)) = behind.split_at_checked(length) else { break };
            take(frame);
            rest = behind;
        }
        let (begins, left) = (self.filled - rest.len(), rest.len());
        self.came.copy_within(begins..self.filled, 0);
        self.filled = left;
        Ok(())
    }

    fn queue(&mut self, frame: &Frame, counters: &mut BoundaryCounters) {
        if self.waiting.len() - self.written > MAX_WAITING {
            counters.out_dropped += 1;
            return;
        }
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        self.waiting.extend_from_slice(&length.to_be_bytes());
        self.waiting.extend_from_slice(frame);
        counters.sent(std::slice::from_ref(frame));
    }

    /// Writes pending output, as far as there is room.
    fn write(&mut self) -> Result<(), &'static str> {
        while self.written < self.waiting.len() {
            match self.socket.write(&self.waiting[self.written..]) {
                Ok(n) => self.written += n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return Err("the peer has left"),
            }
        }
        if self.written > MAX_WAITING || self.written == self.waiting.len() {
            self.waiting.drain(..self.written);
            self.written = 0;
        }
        Ok(())
    }
}

impl Backend for Stream {
    fn wait(&self) -> Wait<'_> {
        match (&self.peer, &self.side) {
            (Some(peer), _) => {
                let room = peer.written < peer.waiting.len();
                Wait { fd: Some(peer.socket.as_fd()), room, at: None }
            }
            (None, Side::Listen(listening)) => {
                Wait { fd: Some(listening.listener().as_fd()), ..Wait::default() }
            }
            (None, Side::Connect(_)) => Wait { at: Some(self.look_again), ..Wait::default() },
        }
    }

    fn receive(&mut self, now: Instant, counters: &mut BoundaryCounters, take: &mut dyn FnMut(&[u8])) {
        let Some(peer) = &mut self.peer else {
            self.look_again = now + RETRY;
            return self.look();
        };
        if let Err(why) = peer.read(counters, take).and_then(|()| peer.write()) {
            self.lose(why);
        }
    }

    fn send(&mut self, _now: Instant, counters: &mut BoundaryCounters, frames: &[Frame]) {
        let Some(peer) = &mut self.peer else {
            counters.out_dropped += frames.len() as u64;
            return;
        };
        for frame in frames {
            peer.queue(frame, counters);
        }
        if let Err(why) = peer.write() {
            self.lose(why);
        }
    }

    fn presence(&self) -> &PeerState {
        if self.peer.is_some() { &PeerState::Here } else { &self.away }
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
