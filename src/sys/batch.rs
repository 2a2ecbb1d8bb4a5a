//! Many datagrams or frames per call: recvmmsg(2) and sendmmsg(2).

use super::packet::tag_of;
use std::io;
use std::mem::{size_of_val, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::null_mut;

/// Maximum number of messages per call.
pub(crate) const BATCH: usize = 64;

/// Buffer size for one message, in bytes: a full IP packet with its Ethernet header, tags and preceding headers. Not a
/// power of two, so that the starts of messages do not share cache sets.
const SLOT: usize = 65_536 + 5 * 64;

/// Buffer size for the control data of one message, in words: a `tpacket_auxdata` with its header.
const CONTROL: usize = 8;

/// Buffers for the messages of one receive call.
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    control: Vec<[u64; CONTROL]>,
    parts: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
    filled: usize,
}

// SAFETY: its pointers are only to its own heap memory, which moves with it, and are written anew for each call.
unsafe impl Send for Inbox {}

/// A received message, fixed up in place.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    /// Its bytes, as far as they fit.
    pub(crate) bytes: &'a mut [u8],
    /// Whether it was truncated.
    pub(crate) cut: bool,
    /// The tag that a packet socket removed: type and control information.
    pub(crate) tag: Option<(u16, u16)>,
}

impl Inbox {
    /// Buffers for this many messages.
    pub(crate) fn of(messages: usize) -> Inbox {
        Inbox {
            bytes: vec![0; SLOT * messages],
            control: vec![[0; CONTROL]; messages],
            parts: Vec::with_capacity(messages),
            headers: Vec::with_capacity(messages),
            filled: 0,
        }
    }

    /// Receives available messages without waiting; returns their number.
    ///
    /// # Errors
    /// `WouldBlock` if there are none.
    pub(crate) fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        self.parts.clear();
        self.headers.clear();
        self.filled = 0;
        let slots = self.bytes.chunks_exact_mut(SLOT).zip(&mut self.control);
        for (slot, control) in slots {
            self.parts.push(libc::iovec { iov_base: slot.as_mut_ptr().cast(), iov_len: slot.len() });
            // SAFETY: all-zero is a valid mmsghdr.
            let mut header: libc::mmsghdr = unsafe { zeroed() };
            header.msg_hdr.msg_control = control.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = size_of_val(control) as _;
            self.headers.push(header);
        }
        for (header, part) in self.headers.iter_mut().zip(&mut self.parts) {
            header.msg_hdr.msg_iov = part;
            header.msg_hdr.msg_iovlen = 1;
        }
        // SAFETY: every pointer in the headers is to a part of this structure, of the size given with it, and nothing
        // in it moves during the call.
        let n = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                self.headers.len() as libc::c_uint,
                libc::MSG_DONTWAIT as _,
                null_mut(),
            )
        };
        self.filled = usize::try_from(n).map_err(|_| io::Error::last_os_error())?;
        Ok(self.filled)
    }

    /// Receives the next message, if there is one.
    pub(crate) fn next(&mut self, socket: BorrowedFd<'_>) -> Option<Message<'_>> {
        self.receive(socket).ok()?;
        self.messages().next()
    }

    /// The messages of the last call.
    pub(crate) fn messages(&mut self) -> impl Iterator<Item = Message<'_>> {
        self.bytes.chunks_exact_mut(SLOT).zip(&self.headers).take(self.filled).map(|(slot, header)| {
            let len = (header.msg_len as usize).min(slot.len());
            Message {
                bytes: &mut slot[..len],
                cut: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
                tag: tag_of(&header.msg_hdr),
            }
        })
    }
}

/// The headers for sending many messages with one call.
#[derive(Default)]
pub(crate) struct Outbox {
    parts: Vec<libc::iovec>,
    /// Number of parts of each message.
    counts: Vec<usize>,
    headers: Vec<libc::mmsghdr>,
}

// SAFETY: what its pointers lead to is written anew for each call, and not read between calls.
unsafe impl Send for Outbox {}

impl Outbox {
    /// Sends the first of these messages, at most [`BATCH`], each in parts; returns how many were accepted.
    ///
    /// # Errors
    /// The first message was not accepted; `WouldBlock` if there is no room for it.
    pub(crate) fn send<'a, M>(
        &mut self,
        socket: BorrowedFd<'_>,
        messages: impl Iterator<Item = M>,
    ) -> io::Result<usize>
    where
        M: Iterator<Item = &'a [u8]>,
    {
        self.parts.clear();
        self.counts.clear();
        self.headers.clear();
        for message in messages.take(BATCH) {
            let before = self.parts.len();
            self.parts.extend(message.map(|bytes| libc::iovec {
                iov_base: bytes.as_ptr().cast_mut().cast(),
                iov_len: bytes.len(),
            }));
            self.counts.push(self.parts.len() - before);
        }
        let mut rest = self.parts.as_mut_slice();
        for count in &self.counts {
            let (parts, behind) = rest.split_at_mut(*count);
            rest = behind;
            // SAFETY: all-zero is a valid mmsghdr.
            let mut header: libc::mmsghdr = unsafe { zeroed() };
            header.msg_hdr.msg_iov = parts.as_mut_ptr();
            header.msg_hdr.msg_iovlen = parts.len() as _;
            self.headers.push(header);
        }
        // SAFETY: the headers point to the parts, and these to bytes that live for 'a, which is longer than this call, and
        // are only read.
        let n = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                self.headers.len() as libc::c_uint,
                libc::MSG_DONTWAIT as _,
            )
        };
        usize::try_from(n).map_err(|_| io::Error::last_os_error())
    }
}
