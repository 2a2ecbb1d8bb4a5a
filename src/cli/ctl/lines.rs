//! Lines of standard input, with a wait that can be cancelled.

use macvlab::live::MAX_REQUEST;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io::{self, PipeReader, Read as _};
use std::os::fd::AsFd as _;

/// Reads lines as they arrive.
pub(super) struct Lines {
    input: File,
    /// Its far end is closed to cancel the wait.
    last_call: PipeReader,
    /// Bytes read and not yet returned.
    read: Vec<u8>,
    /// The beginning of the current line was discarded.
    too_long: bool,
    /// Cancelled: only input that is already available is still read.
    hurry: bool,
    /// End of input.
    ended: bool,
}

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Without its line break.
    Whole(Vec<u8>),
    /// The line is longer than any request.
    TooLong,
}

impl Lines {
    pub(super) fn of(input: File, last_call: PipeReader) -> Lines {
        Lines { input, last_call, read: Vec::new(), too_long: false, hurry: false, ended: false }
    }

    /// Waits for the next line; the last one may lack its line break. `None`: there are no more lines, or the wait was
    /// cancelled and no other whole line has arrived.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(end) = self.read.iter().position(|b| *b == b'\n') {
                let mut line: Vec<u8> = self.read.drain(..=end).collect();
                line.pop();
                return Ok(Some(self.line(line)));
            }
            if self.ended {
                let rest = std::mem::take(&mut self.read);
                return Ok((self.too_long || !rest.is_empty()).then(|| self.line(rest)));
            }
            if self.read.len() > MAX_REQUEST {
                self.read.clear();
                self.too_long = true;
            }
            if self.comes()? {
                self.read_more()?;
            } else if std::mem::replace(&mut self.hurry, true) {
                return Ok(None);
            }
        }
    }

    fn line(&mut self, line: Vec<u8>) -> Line {
        let too_long = std::mem::take(&mut self.too_long) || line.len() > MAX_REQUEST;
        if too_long { Line::TooLong } else { Line::Whole(line) }
    }

    /// Waits until there is something to read; `false`: the wait was cancelled.
    fn comes(&self) -> io::Result<bool> {
        let mut fds =
            [self.input.as_fd(), self.last_call.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        let timeout = if self.hurry { PollTimeout::ZERO } else { PollTimeout::NONE };
        loop {
            match poll(&mut fds, timeout) {
                Ok(_) => return Ok(fds[0].any().unwrap_or(true)),
                Err(Errno::EINTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    fn read_more(&mut self) -> io::Result<()> {
        let mut chunk = [0; 4096];
        match self.input.read(&mut chunk) {
            Ok(0) => self.ended = true,
            Ok(n) => self.read.extend_from_slice(&chunk[..n]),
            // Another reader was faster, or a signal arrived.
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(e) => return Err(e),
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
