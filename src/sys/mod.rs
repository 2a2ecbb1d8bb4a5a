//! System calls that no crate wraps: packet sockets with auxiliary data and rings, many frames per call, TAP devices,
//! and changes to devices and to the process's privileges.
//!
//! The only unsafe code of the project's Linux side. Every function checks its arguments itself and is safe to call.
#![allow(unsafe_code)]

mod batch;
mod capabilities;
#[cfg(feature = "kernel")]
mod echo;
#[cfg(feature = "kernel")]
mod features;
mod ioctl;
#[cfg(feature = "kernel")]
mod listen;
mod packet;
mod poll;
mod ring;
mod tap;

pub(crate) use batch::{BATCH, Inbox, Outbox};
pub(crate) use capabilities::drop_capabilities;
#[cfg(feature = "kernel")]
pub(crate) use echo::echo_socket;
#[cfg(feature = "kernel")]
pub(crate) use features::{feature_bits, features_off, multicast};
pub(crate) use ioctl::{index_of, is_running, mtu_of, set_mac, set_mtu, set_up};
#[cfg(feature = "kernel")]
pub(crate) use listen::{BUFFER_BYTES, Received};
pub(crate) use packet::{EVERY_PROTOCOL, PacketSocket};
pub(crate) use poll::{Interest, Poll};
pub(crate) use ring::Ring;
pub(crate) use tap::open_tap;

use crate::errno::ErrorNumber;
use std::io;
use std::mem::size_of_val;
use std::os::fd::{AsRawFd, BorrowedFd};

fn last_error() -> ErrorNumber {
    ErrorNumber(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))
}

fn set_option<T>(
    socket: BorrowedFd<'_>,
    level: libc::c_int,
    option: libc::c_int,
    value: &T,
) -> io::Result<()> {
    let len = libc::socklen_t::try_from(size_of_val(value)).map_err(io::Error::other)?;
    // SAFETY: `value` lives through the call and `len` is its size.
    let rc =
        unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, std::ptr::from_ref(value).cast(), len) };
    if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sets the size of each of a socket's queues to this many bytes, as far as the system allows.
pub(crate) fn enlarge_queues(socket: BorrowedFd<'_>, bytes: i32) {
    for (force, polite) in [(libc::SO_RCVBUFFORCE, libc::SO_RCVBUF), (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF)]
    {
        if set_option(socket, libc::SOL_SOCKET, force, &bytes).is_err() {
            let _ = set_option(socket, libc::SOL_SOCKET, polite, &bytes);
        }
    }
}
