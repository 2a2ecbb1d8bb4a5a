//! Waiting for many descriptors at the same time: ppoll(2), with a list that keeps its memory from one call to the next.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::null;
use std::time::Duration;

/// What is waited for at a descriptor. That the other end is gone is noticed in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// Something to read.
    In,
    /// Room to write.
    Out,
    /// Either.
    Both,
    /// Nothing else.
    Neither,
}

/// What is waited for. A descriptor that is closed in between has come.
#[derive(Debug, Default)]
pub(crate) struct Poll {
    fds: Vec<libc::pollfd>,
}

impl Poll {
    /// Nothing to wait for.
    pub(crate) fn clear(&mut self) {
        self.fds.clear();
    }

    /// Waits for this at a descriptor; answers its place.
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

    /// Waits until one of them has come, a signal, or the time is over.
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

    /// Whether what stands at this place, or any behind it, has come.
    pub(crate) fn came_from(&self, place: usize) -> bool {
        self.fds[place..].iter().any(|fd| fd.revents != 0)
    }

    /// Whether what stands at this place has come.
    pub(crate) fn came(&self, place: usize) -> bool {
        self.fds[place].revents != 0
    }

    /// How many are waited for.
    pub(crate) fn len(&self) -> usize {
        self.fds.len()
    }
}
