//! Requests on UNIX sockets while the lab runs.
//!
//! A request is one line of JSON; an answer is a header line followed by the number of bytes that it gives, one or more times:
//!
//! ```text
//! {"do":"show","as":"text"}                        the devices, and the attached backends
//! {"do":"counters","as":"json"}                    the devices' counters, and the traffic at the attachments
//! {"do":"fdb","as":"text"}                         the forwarding databases: learned and static entries
//! {"do":"dump","as":"pcapng","last":100}           the last hops; without a number, the whole history
//! {"do":"change","step":"set = { device = \"c1\", mode = \"bridge\" }"}
//!                                                  a step of the lab file: set, add or remove
//! {"ok":true,"bytes":123}                          and 123 bytes
//! {"ok":true,"bytes":32800,"more":true}            and 32800 bytes, followed by another header line
//! {"ok":false,"error":"…"}                         any previous chunks are invalid
//! {"ok":false,"error":"…","errno":"EINVAL","because":[{"rule":"R50","at":null,"text":"…"}]}
//!                                                  the kernel would refuse the change, by this rule
//! ```
//!
//! Forwarding has priority. One turn of the loop makes one chunk of one answer, clients take turns, and a client's next
//! request is read once the system has accepted its last answer. Idle clients make room for others, and a client that
//! does not read is disconnected.

use super::backend::PeerState;
use super::caller::Caller;
use super::engine::{Attachment, Monitor};
use super::history::History;
use super::socket::Listening;
use crate::lab::Lab;
use crate::labfile::Index;
use crate::sys::Interest;
use crate::time::Instant;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Maximum number of clients served at the same time; others wait until one is idle or has disconnected.
const MAX_CALLERS: usize = 16;

/// What requests can refer to.
pub(super) struct RequestContext<'a> {
    pub(super) names: &'a mut Index,
    pub(super) lab: &'a mut Lab,
    pub(super) places: &'a [Attachment],
    pub(super) history: &'a mut History,
    pub(super) monitor: &'a mut dyn Monitor,
    pub(super) now: Instant,
}

/// The client end of a connection within this process, with the same protocol as on a path.
///
/// The lab does not end before this socket is closed or has been idle for a while; see [`Engine::ask_here`].
///
/// [`Engine::ask_here`]: super::Engine::ask_here
#[derive(Debug)]
pub struct RequestHandle {
    /// Requests and answers, as on the socket of a path.
    pub socket: UnixStream,
    /// Its far end is closed when the lab is about to end: pending requests are still answered, and then the client
    /// must close the socket.
    pub last_call: PipeReader,
}

/// The sockets and their clients.
#[derive(Default)]
pub(super) struct Control {
    listening: Vec<Listening>,
    /// In order of turns.
    callers: Vec<Caller>,
    /// Whether no other client can be served now.
    full: bool,
    /// Open until the lab is about to end.
    bells: Vec<PipeWriter>,
}

impl Control {
    /// Listens on another path.
    pub(super) fn listen(&mut self, path: &Path) -> io::Result<()> {
        self.listening.push(Listening::at(path)?);
        Ok(())
    }

    /// Adds a client in this process.
    pub(super) fn ask_here(&mut self, now: Instant) -> io::Result<RequestHandle> {
        let (socket, far) = UnixStream::pair()?;
        let (last_call, bell) = io::pipe()?;
        far.set_nonblocking(true)?;
        self.callers.push(Caller::new(far, true, now));
        self.bells.push(bell);
        Ok(RequestHandle { socket, last_call })
    }

    /// Informs clients in this process that the lab is about to end.
    pub(super) fn last_call(&mut self) {
        self.bells.clear();
    }

    /// When a client in this process last sent a request or got an answer; `None`: there is no such client any more.
    pub(super) fn asked_here(&self) -> Option<Instant> {
        self.callers.iter().filter(|caller| caller.is_here()).map(Caller::since).max()
    }

    /// Events to wait for.
    pub(super) fn wait(&self) -> impl Iterator<Item = (BorrowedFd<'_>, Interest)> {
        let more = if self.full { &[] } else { self.listening.as_slice() };
        let more = more.iter().map(|listening| (listening.listener().as_fd(), Interest::In));
        more.chain(self.callers.iter().map(Caller::wait))
    }

    /// Whether a client can be served without blocking.
    pub(super) fn has_work(&self) -> bool {
        self.callers.iter().any(Caller::has_work)
    }

    /// Serves the clients as far as possible without blocking, with one chunk of one answer. `came`: a socket is ready.
    pub(super) fn serve(&mut self, came: bool, context: &mut RequestContext<'_>) {
        let now = context.now;
        if self.callers.is_empty() && !came {
            return;
        }
        if came || (self.full && self.has_room(now)) {
            self.accept(now);
            self.callers.iter_mut().for_each(|caller| caller.exchange(now));
        }
        if let Some(turn) = self.callers.iter().position(Caller::has_work) {
            self.callers[turn].work(context);
            self.callers.rotate_left(turn + 1);
        }
        self.callers.retain(|caller| !caller.is_over(now));
        context.history.want(self.callers.iter().filter_map(Caller::wants).min().unwrap_or(u64::MAX));
    }

    /// Number of clients served that are not in this process.
    fn guests(&self) -> usize {
        self.callers.iter().filter(|caller| !caller.is_here()).count()
    }

    /// Whether another client can be served.
    fn has_room(&self, now: Instant) -> bool {
        self.guests() < MAX_CALLERS || self.callers.iter().any(|caller| caller.idle(now).is_some())
    }

    /// Accepts waiting clients. If all places are taken, the client that has been idle longest is disconnected.
    fn accept(&mut self, now: Instant) {
        for index in 0..self.listening.len() {
            while self.has_room(now) {
                let Some(socket) = self.listening[index].accept() else { break };
                if self.guests() >= MAX_CALLERS {
                    let idle = self.callers.iter().enumerate().filter_map(|(n, c)| Some((c.idle(now)?, n)));
                    if let Some((_, longest)) = idle.max() {
                        self.callers.remove(longest);
                    }
                }
                self.callers.push(Caller::new(socket, false, now));
            }
        }
        self.full = !self.has_room(now);
    }
}

impl PeerState {
    /// `here`, `away`, `gone` or `failed`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            PeerState::Here => "here",
            PeerState::Away(_) => "away",
            PeerState::Gone(_) => "gone",
            PeerState::Failed(_) => "failed",
        }
    }
}

#[cfg(test)]
#[path = "control_tests.rs"]
mod tests;
