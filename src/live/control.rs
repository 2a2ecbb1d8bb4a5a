//! Requests on UNIX sockets, while the lab runs.
//!
//! A request is one line of JSON; an answer is a line, and as many bytes as it says, once or more often:
//!
//! ```text
//! {"do":"show","as":"text"}                        the devices, and what is attached to them
//! {"do":"counters","as":"json"}                    what every device counted, and what crossed its boundary
//! {"do":"fdb","as":"text"}                         what the switches have learned, and were told
//! {"do":"dump","as":"pcapng","last":100}           the last hops; without a number, all that are remembered
//! {"do":"change","step":"set = { device = \"c1\", mode = \"bridge\" }"}
//!                                                  a step of the lab file: set, add or remove
//! {"ok":true,"bytes":123}                          and 123 bytes
//! {"ok":true,"bytes":32800,"more":true}            and 32800 bytes, and then another such line
//! {"ok":false,"error":"…"}                         what came before is worth nothing
//! ```
//!
//! Forwarding comes first. One turn of the loop makes one piece of one answer, callers take turns, and a caller's next
//! request is read when its last answer is with the system. Callers who have not asked make room for others, and who does not
//! read is sent away.

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

/// The most who are served at the same time; others wait until one of them has nothing to ask, or has gone.
const MAX_CALLERS: usize = 16;

/// What requests are about.
pub(super) struct RequestContext<'a> {
    pub(super) names: &'a mut Index,
    pub(super) lab: &'a mut Lab,
    pub(super) places: &'a [Attachment],
    pub(super) history: &'a mut History,
    pub(super) observer: &'a mut dyn Monitor,
    pub(super) now: Instant,
}

/// The end of a connection for somebody in this process, who asks as those do who come by a path.
///
/// The lab does not end before this socket is closed or nothing comes from it for a while; see [`Engine::ask_here`].
///
/// [`Engine::ask_here`]: super::Engine::ask_here
#[derive(Debug)]
pub struct RequestHandle {
    /// Requests and answers, as on the socket of a path.
    pub socket: UnixStream,
    /// Its other end is closed when the lab is about to end: what is asked for now is still answered, and then it is time
    /// to close the socket.
    pub last_call: PipeReader,
}

/// The sockets, and who talks to them.
#[derive(Default)]
pub(super) struct Control {
    listening: Vec<Listening>,
    /// Whose turn is next comes first.
    callers: Vec<Caller>,
    /// Nobody else can be served now.
    full: bool,
    /// Open until the lab is about to end.
    bells: Vec<PipeWriter>,
}

impl Control {
    /// Listens at one more path.
    pub(super) fn listen(&mut self, path: &Path) -> io::Result<()> {
        self.listening.push(Listening::at(path)?);
        Ok(())
    }

    /// Lets somebody in this process ask.
    pub(super) fn ask_here(&mut self, now: Instant) -> io::Result<RequestHandle> {
        let (socket, far) = UnixStream::pair()?;
        let (last_call, bell) = io::pipe()?;
        far.set_nonblocking(true)?;
        self.callers.push(Caller::new(far, true, now));
        self.bells.push(bell);
        Ok(RequestHandle { socket, last_call })
    }

    /// Tells those in this process that the lab is about to end.
    pub(super) fn last_call(&mut self) {
        self.bells.clear();
    }

    /// When somebody in this process asked last, or was answered; `None`: nobody there can ask any more.
    pub(super) fn asked_here(&self) -> Option<Instant> {
        self.callers.iter().filter(|caller| caller.is_here()).map(Caller::since).max()
    }

    /// What to wait for.
    pub(super) fn wait(&self) -> impl Iterator<Item = (BorrowedFd<'_>, Interest)> {
        let more = if self.full { &[] } else { self.listening.as_slice() };
        let more = more.iter().map(|listening| (listening.listener().as_fd(), Interest::In));
        more.chain(self.callers.iter().map(Caller::wait))
    }

    /// Whether something can be done for a caller without waiting.
    pub(super) fn has_work(&self) -> bool {
        self.callers.iter().any(Caller::has_work)
    }

    /// Serves the callers as far as that goes without waiting, with one piece of one answer. `came`: something came at the
    /// sockets.
    pub(super) fn serve(&mut self, came: bool, desk: &mut RequestContext<'_>) {
        let now = desk.now;
        if self.callers.is_empty() && !came {
            return;
        }
        if came || (self.full && self.has_room(now)) {
            self.accept(now);
            self.callers.iter_mut().for_each(|caller| caller.exchange(now));
        }
        if let Some(turn) = self.callers.iter().position(Caller::has_work) {
            self.callers[turn].work(desk);
            self.callers.rotate_left(turn + 1);
        }
        self.callers.retain(|caller| !caller.is_over(now));
        desk.history.want(self.callers.iter().filter_map(Caller::wants).min().unwrap_or(u64::MAX));
    }

    /// How many are served who are not in this process.
    fn guests(&self) -> usize {
        self.callers.iter().filter(|caller| !caller.is_here()).count()
    }

    /// Whether one more can be served.
    fn has_room(&self, now: Instant) -> bool {
        self.guests() < MAX_CALLERS || self.callers.iter().any(|caller| caller.idle(now).is_some())
    }

    /// Lets in who waits. Where all places are taken, who has asked nothing for the longest time leaves.
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
