//! A client of a live lab.

use super::answer::{Answer, Unanswered};
use super::control::RequestContext;
use crate::sys::Interest;
use crate::time::Instant;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Maximum length of a request to a live lab, in bytes; a client that sends a longer one is disconnected.
pub const MAX_REQUEST: usize = 64 * 1024;

/// How long a client of a live lab may take to read 32 KiB of an answer; a slower one is disconnected.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long an idle client keeps its connection, if others wait.
const GRACE: Duration = Duration::from_secs(1);

/// The peer of a socket, and the data in flight: requests that were read and not answered yet, the current answer, and
/// the chunk of it that is being written.
pub(super) struct Caller {
    socket: UnixStream,
    /// Whether it is in this process.
    here: bool,
    requests: Vec<u8>,
    /// The length of the first request, if it is complete.
    whole: Option<usize>,
    answer: Option<Answer>,
    piece: Vec<u8>,
    written: usize,
    /// When data was last read from it, or a chunk was made for it.
    since: Instant,
    /// It sends no more requests.
    silent: bool,
    gone: bool,
}

impl Caller {
    pub(super) fn new(socket: UnixStream, here: bool, since: Instant) -> Caller {
        let (requests, piece) = (Vec::new(), Vec::new());
        let (whole, answer, written) = (None, None, 0);
        Caller { socket, here, requests, whole, answer, piece, written, since, silent: false, gone: false }
    }

    pub(super) fn is_here(&self) -> bool {
        self.here
    }

    /// When data was last read from it, or a chunk was made for it.
    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// Events to wait for: there is one answer at a time, so a client that does not read is not read from.
    pub(super) fn wait(&self) -> (BorrowedFd<'_>, Interest) {
        let way = match (self.is_to_read(), self.has_work()) {
            (true, _) => Interest::Out,
            (false, true) => Interest::Neither,
            (false, false) => Interest::In,
        };
        (self.socket.as_fd(), way)
    }

    /// Whether it can be served without blocking.
    pub(super) fn has_work(&self) -> bool {
        !self.gone && !self.is_to_read() && (self.answer.is_some() || self.whole.is_some())
    }

    /// How long it has been idle, if long enough to make room for another client.
    pub(super) fn idle(&self, now: Instant) -> Option<Duration> {
        let asks = self.is_to_read() || self.answer.is_some() || self.whole.is_some();
        let idle = now.since(self.since);
        (!self.here && !asks && idle >= GRACE).then_some(idle)
    }

    /// It has disconnected, has no more requests, or does not read.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        let does_not_read = self.is_to_read() && now.since(self.since) >= PATIENCE;
        self.gone || does_not_read || (self.silent && !self.is_to_read() && !self.has_work())
    }

    /// The first hop still to be sent to it.
    pub(super) fn wants(&self) -> Option<u64> {
        self.answer.as_ref().and_then(Answer::wants)
    }

    /// Buffered bytes, to and from it.
    #[cfg(test)]
    pub(super) fn holds(&self) -> usize {
        self.piece.capacity() + self.requests.capacity()
    }

    /// Whether data is on its way to it.
    fn is_to_read(&self) -> bool {
        self.written < self.piece.len()
    }

    /// Writes pending data, and reads if nothing is pending.
    pub(super) fn exchange(&mut self, now: Instant) {
        self.write();
        if !self.gone && !self.silent && !self.is_to_read() && !self.has_work() {
            self.read(now);
        }
    }

    fn read(&mut self, now: Instant) {
        let mut chunk = [0; 4096];
        match self.socket.read(&mut chunk) {
            Ok(0) => self.silent = true,
            Ok(n) => {
                self.since = now;
                let before = self.requests.len();
                self.requests.extend_from_slice(&chunk[..n]);
                self.whole = line_end(&self.requests, before);
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.gone = true,
        }
        if self.whole.unwrap_or(self.requests.len()) > MAX_REQUEST {
            self.refuse(&Unanswered::TooLong, now);
            (self.requests, self.whole, self.silent) = (Vec::new(), None, true);
        }
    }

    /// Makes the next chunk of its answer, or the first one of the answer to its next request.
    pub(super) fn work(&mut self, context: &mut RequestContext<'_>) {
        let made = match self.answer.take() {
            Some(answer) => Ok(answer),
            None => {
                let Some(line) = self.next_request() else { return };
                Answer::to(&line, context)
            }
        };
        let now = context.now;
        let piece = made.and_then(|mut answer| answer.next(context.history).map(|piece| (answer, piece)));
        match piece {
            Ok((answer, piece)) => {
                self.answer = piece.more.then_some(answer);
                self.say(piece.into_said(), now);
            }
            Err(why) => self.refuse(&why, now),
        }
        self.write();
    }

    /// Takes the first request from the input.
    fn next_request(&mut self) -> Option<Vec<u8>> {
        let end = self.whole?;
        let line = self.requests.drain(..=end).collect();
        self.whole = line_end(&self.requests, 0);
        Some(line)
    }

    fn refuse(&mut self, why: &Unanswered, now: Instant) {
        self.say(why.said(), now);
    }

    fn say(&mut self, piece: Vec<u8>, now: Instant) {
        (self.piece, self.written, self.since) = (piece, 0, now);
    }

    fn write(&mut self) {
        while self.is_to_read() {
            match self.socket.write(&self.piece[self.written..]) {
                Ok(n) => self.written += n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.gone = true;
                    return;
                }
            }
        }
        (self.piece, self.written) = (Vec::new(), 0);
    }
}

/// The end of the first line; there is none before `from`.
fn line_end(bytes: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.iter().position(|b| *b == b'\n').map(|at| from + at)
}
