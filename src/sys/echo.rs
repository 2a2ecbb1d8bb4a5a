//! Echo requests without raw sockets (icmp(7)).

use super::set_option;
use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsFd as _, FromRawFd as _, OwnedFd};

/// A socket for ICMP echo in the thread's namespace: what is sent gets an identifier, what is received are the answers to
/// it, and errors of the stack are told at once.
pub(crate) fn echo_socket() -> io::Result<UdpSocket> {
    // SAFETY: no pointers are passed; the descriptor is checked before it is owned.
    let fd =
        unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, libc::IPPROTO_ICMP) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `fd` was just opened and belongs to nobody else.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    set_option(fd.as_fd(), libc::IPPROTO_IP, libc::IP_RECVERR, &1_i32)?;
    Ok(UdpSocket::from(fd))
}
