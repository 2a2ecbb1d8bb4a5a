//! One who asks a live lab.

use super::answer::{Answer, refusal};
use super::control::RequestContext;
use crate::sys::Interest;
use crate::time::Instant;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// The longest request to a live lab, in bytes; who sends a longer one is sent away.
pub const MAX_REQUEST: usize = 64 * 1024;

/// How long a caller of a live lab may take to read 32 KiB of an answer; who takes longer is sent away.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long a caller who asks nothing is left alone, if others wait.
const GRACE: Duration = Duration::from_secs(1);

/// Whoever is at the other end of a socket, and what is under way between the two: requests that were read and not answered
/// yet, the answer that is being made, and the piece of it that is being written.
pub(super) struct Caller {
    socket: UnixStream,
    /// It is in this process.
    here: bool,
    requests: Vec<u8>,
    /// The length of the first request, if it is whole.
    whole: Option<usize>,
    answer: Option<Answer>,
    piece: Vec<u8>,
    written: usize,
    /// When something was read from it last, or a piece was made for it.
    since: Instant,
    /// It asks no more.
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

    /// When something was read from it last, or a piece was made for it.
    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// What to wait for: one answer at a time, so who does not read is not read from.
    pub(super) fn wait(&self) -> (BorrowedFd<'_>, Interest) {
        let way = match (self.is_to_read(), self.has_work()) {
            (true, _) => Interest::Out,
            (false, true) => Interest::Neither,
            (false, false) => Interest::In,
        };
        (self.socket.as_fd(), way)
    }

    /// Whether it can be served without waiting.
    pub(super) fn has_work(&self) -> bool {
        !self.gone && !self.is_to_read() && (self.answer.is_some() || self.whole.is_some())
    }

    /// How long it has asked nothing, if it is long enough to make room for another.
    pub(super) fn idle(&self, now: Instant) -> Option<Duration> {
        let asks = self.is_to_read() || self.answer.is_some() || self.whole.is_some();
        let idle = now.since(self.since);
        (!self.here && !asks && idle >= GRACE).then_some(idle)
    }

    /// It has gone, has nothing more to ask, or does not read.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        let does_not_read = self.is_to_read() && now.since(self.since) >= PATIENCE;
        self.gone || does_not_read || (self.silent && !self.is_to_read() && !self.has_work())
    }

    /// The first hop that it is still to be told of.
    pub(super) fn wants(&self) -> Option<u64> {
        self.answer.as_ref().and_then(Answer::wants)
    }

    /// Bytes that wait for it, and that it has sent.
    #[cfg(test)]
    pub(super) fn holds(&self) -> usize {
        self.piece.capacity() + self.requests.capacity()
    }

    /// Something is on its way to it.
    fn is_to_read(&self) -> bool {
        self.written < self.piece.len()
    }

    /// Writes what is to be written, and reads if there is nothing to do.
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
            self.refuse(&format!("a request of more than {MAX_REQUEST} bytes"), now);
            (self.requests, self.whole, self.silent) = (Vec::new(), None, true);
        }
    }

    /// Makes the next piece of its answer, or the first of the answer to its next request.
    pub(super) fn work(&mut self, desk: &mut RequestContext<'_>) {
        let made = match self.answer.take() {
            Some(answer) => Ok(answer),
            None => {
                let Some(line) = self.next_request() else { return };
                Answer::to(&line, desk)
            }
        };
        let now = desk.now;
        let piece = made.and_then(|mut answer| answer.next(desk.history).map(|piece| (answer, piece)));
        match piece {
            Ok((answer, piece)) => {
                self.answer = piece.more.then_some(answer);
                self.say(piece.into_said(), now);
            }
            Err(why) => self.refuse(&why.to_string(), now),
        }
        self.write();
    }

    /// Takes the first request out of what was read.
    fn next_request(&mut self) -> Option<Vec<u8>> {
        let end = self.whole?;
        let line = self.requests.drain(..=end).collect();
        self.whole = line_end(&self.requests, 0);
        Some(line)
    }

    fn refuse(&mut self, why: &str, now: Instant) {
        self.say(refusal(why), now);
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

/// Where the first line ends; there is no end before `from`.
fn line_end(bytes: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.iter().position(|b| *b == b'\n').map(|at| from + at)
}
