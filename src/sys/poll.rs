//! Waits for many descriptors at once: ppoll(2), with a list that reuses its memory.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::null;
use std::time::Duration;

/// The events to wait for at a descriptor. A closed peer is reported in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// Readable.
    In,
    /// Writable.
    Out,
    /// Either.
    Both,
    /// Only a closed peer.
    Neither,
}

/// The descriptors to wait for. One that is closed in between counts as ready.
#[derive(Debug, Default)]
pub(crate) struct Poll {
    fds: Vec<libc::pollfd>,
}

impl Poll {
    /// No descriptors.
    pub(crate) fn clear(&mut self) {
        self.fds.clear();
    }

    /// Adds a descriptor with its events; returns its index.
    pub(crate) fn add(&mut self, fd: BorrowedFd<'_>, way: Interest) -> usize {
        let events = match way {
            Interest::In => libc::POLLIN,
            Interest::Out => libc::POLLOUT,
            Interest::Both => libc::POLLIN | libc::POLLOUT,
            Interest::Neither => 0,
        };
        self.fds.push(libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 });
        self.fds.len() - 1
    }

    /// Waits until one is ready, a signal arrives, or the timeout is over.
    ///
    /// # Errors
    /// Waiting fails.
    pub(crate) fn wait(&mut self, longest: Duration) -> io::Result<()> {
        let timeout = libc::timespec {
            tv_sec: libc::time_t::try_from(longest.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: longest.subsec_nanos() as _,
        };
        let count = self.fds.len() as libc::nfds_t;
        // SAFETY: the list and the time live through the call, the count is the list's, and no signal mask is passed.
        let rc = unsafe { libc::ppoll(self.fds.as_mut_ptr(), count, &raw const timeout, null()) };
        match io::Error::last_os_error() {
            e if rc < 0 && e.kind() != io::ErrorKind::Interrupted => Err(e),
            _ => Ok(()),
        }
    }

    /// Whether the descriptor at this index, or any later one, is ready.
    pub(crate) fn came_from(&self, place: usize) -> bool {
        self.fds[place..].iter().any(|fd| fd.revents != 0)
    }

    /// Whether the descriptor at this index is ready.
    pub(crate) fn came(&self, place: usize) -> bool {
        self.fds[place].revents != 0
    }

    /// The number of descriptors.
    pub(crate) fn len(&self) -> usize {
        self.fds.len()
    }
}
