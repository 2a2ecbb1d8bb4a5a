//! Receives frames one by one with the kernel's classification, for comparisons.

use super::last_error;
use super::packet::{PacketSocket, link_address, tag_of};
use crate::errno::ErrorNumber;
use std::io;
use std::mem::{size_of, size_of_val, zeroed};
use std::os::fd::AsRawFd;

/// Buffer size for the longest frame that a veth carries, with its header.
pub(crate) const BUFFER_BYTES: usize = 65536 + 64;

/// A frame from a packet socket.
#[derive(Debug)]
pub(crate) struct Received {
    /// The frame, with its outermost tag restored.
    pub(crate) bytes: Vec<u8>,
    /// The kernel's `pkt_type`.
    pub(crate) packet_type: u8,
    /// The device that it was at last for: a macvlan, of a frame that its parent passed on within the namespace.
    pub(crate) ifindex: u32,
}

impl PacketSocket {
    /// A socket that also reports tags and does not see frames sent from its own side.
    pub(crate) fn listener() -> io::Result<PacketSocket> {
        let socket = PacketSocket::new()?;
        socket.set(libc::SOL_PACKET, libc::PACKET_AUXDATA, &1_i32)?;
        // Kernels before 4.20 lack it; outgoing frames are discarded after reading, too.
        let _ = socket.set(libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &1_i32);
        Ok(socket)
    }

    /// Makes the kernel count frames as handled, and queues none of them.
    pub(crate) fn swallow(&self) -> io::Result<()> {
        let mut reject = libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: 0 };
        let program = libc::sock_fprog { len: 1, filter: &raw mut reject };
        self.set(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
    }

    /// Receives from this device, and discards leftovers of the previous one: its `ENETDOWN`, and unread frames.
    pub(crate) fn listen_to(&self, ifindex: u32, protocol: u16) -> io::Result<()> {
        self.bind(ifindex, protocol)?;
        let mut scratch = [0; 1];
        while !matches!(self.recv(&mut scratch), Err(ErrorNumber(libc::EAGAIN))) {}
        Ok(())
    }

    /// Sends a frame unchanged.
    pub(crate) fn send(&self, ifindex: u32, frame: &[u8]) -> Result<(), ErrorNumber> {
        let address = link_address(ifindex, 0);
        // SAFETY: frame and address live through the call and are passed with their sizes.
        let n = unsafe {
            libc::sendto(
                self.fd.as_raw_fd(),
                frame.as_ptr().cast(),
                frame.len(),
                0,
                (&raw const address).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        };
        if n < 0 { Err(last_error()) } else { Ok(()) }
    }

    /// The next frame, truncated to the size of `scratch`; `EAGAIN` if there is none.
    pub(crate) fn recv(&self, scratch: &mut [u8]) -> Result<Received, ErrorNumber> {
        // SAFETY: all-zero is a valid value of these C structures.
        let (mut address, mut message): (libc::sockaddr_ll, libc::msghdr) = unsafe { (zeroed(), zeroed()) };
        let mut control = [0_u64; 16];
        let mut part = libc::iovec { iov_base: scratch.as_mut_ptr().cast(), iov_len: scratch.len() };
        message.msg_name = (&raw mut address).cast();
        message.msg_namelen = size_of_val(&address) as libc::socklen_t;
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&control);
        // SAFETY: every pointer in `message` is to a live local of the size given with it.
        let n = unsafe { libc::recvmsg(self.fd.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT) };
        let Ok(n) = usize::try_from(n) else {
            return Err(last_error());
        };
        let mut bytes = scratch.get(..n).unwrap_or_default().to_vec();
        if let Some((tpid, tci)) = tag_of(&message) {
            let at = bytes.len().min(12);
            let [a, b] = tpid.to_be_bytes();
            let [c, d] = tci.to_be_bytes();
            bytes.splice(at..at, [a, b, c, d]);
        }
        let ifindex = u32::try_from(address.sll_ifindex).unwrap_or_default();
        Ok(Received { bytes, packet_type: address.sll_pkttype, ifindex })
    }
}
