//! Echo requests without raw sockets (icmp(7)).

use super::set_option;
use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsFd as _, FromRawFd as _, OwnedFd};

/// A socket for ICMP echo in the thread's namespace: the kernel adds an identifier to requests, delivers only their
/// replies, and reports errors of the stack at once.
pub(crate) fn echo_socket() -> io::Result<UdpSocket> {
    // SAFETY: no pointers are passed; the descriptor is checked before it is owned.
    let fd =
        unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, libc::IPPROTO_ICMP) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `fd` was just opened and has no other owner.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    set_option(fd.as_fd(), libc::IPPROTO_IP, libc::IP_RECVERR, &1_i32)?;
    Ok(UdpSocket::from(fd))
}
