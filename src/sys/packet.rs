//! Packet sockets (packet(7)).

use super::set_option;
use crate::frame::ethertype;
use std::io;
use std::mem::{size_of, size_of_val, zeroed};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// `ETH_P_ALL`.
pub(crate) const EVERY_PROTOCOL: u16 = 0x0003;

/// A packet socket (packet(7)), raw: frames with their Ethernet header.
#[derive(Debug)]
pub(crate) struct PacketSocket {
    pub(super) fd: OwnedFd,
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl PacketSocket {
    /// A socket in the thread's namespace that receives nothing until it is bound.
    pub(crate) fn new() -> io::Result<PacketSocket> {
        let flags = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: no pointers are passed; the descriptor is checked before it is owned.
        let fd = unsafe { libc::socket(libc::AF_PACKET, flags, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` was just opened and has no other owner.
        Ok(PacketSocket { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    pub(super) fn set<T>(&self, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
        set_option(self.fd.as_fd(), level, option, value)
    }

    /// Frames have a virtio header, tags are in control data, and frames sent from its own side are not seen (Linux
    /// 4.20).
    pub(crate) fn with_offloads(&self) -> io::Result<()> {
        self.set(libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &1_i32)?;
        self.set(libc::SOL_PACKET, libc::PACKET_AUXDATA, &1_i32)?;
        self.set(libc::SOL_PACKET, libc::PACKET_VNET_HDR, &1_i32)
    }

    /// Makes the device promiscuous as long as the socket exists.
    pub(crate) fn promiscuous(&self, ifindex: u32) -> io::Result<()> {
        let request = libc::packet_mreq {
            mr_ifindex: i32::try_from(ifindex).unwrap_or(i32::MAX),
            mr_type: libc::PACKET_MR_PROMISC as libc::c_ushort,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        self.set(libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &request)
    }

    /// The error of the socket's device, reported once.
    pub(crate) fn take_error(&self) -> Option<io::Error> {
        let mut error: libc::c_int = 0;
        let mut len = size_of_val(&error) as libc::socklen_t;
        let (fd, level) = (self.fd.as_raw_fd(), libc::SOL_SOCKET);
        // SAFETY: `error` lives through the call and `len` is its size.
        let rc =
            unsafe { libc::getsockopt(fd, level, libc::SO_ERROR, (&raw mut error).cast(), &raw mut len) };
        (rc == 0 && error != 0).then(|| io::Error::from_raw_os_error(error))
    }

    /// Frames dropped because the queue was full, since the last call.
    pub(crate) fn missed(&self) -> u64 {
        let mut counted = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
        let mut len = size_of_val(&counted) as libc::socklen_t;
        // SAFETY: `counted` lives through the call and `len` is its size.
        let rc = unsafe {
            libc::getsockopt(
                self.fd.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut counted).cast(),
                &raw mut len,
            )
        };
        if rc == 0 { counted.tp_drops.into() } else { 0 }
    }

    /// Receives from this device: one ethertype, or [`EVERY_PROTOCOL`]. May be called again when the device is gone.
    pub(crate) fn bind(&self, ifindex: u32, protocol: u16) -> io::Result<()> {
        let address = link_address(ifindex, protocol);
        let len = libc::socklen_t::try_from(size_of_val(&address)).map_err(io::Error::other)?;
        // SAFETY: `address` lives through the call and `len` is its size.
        let rc = unsafe { libc::bind(self.fd.as_raw_fd(), (&raw const address).cast(), len) };
        if rc != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

/// The tag that the kernel removed, from a received message's control data.
pub(super) fn tag_of(message: &libc::msghdr) -> Option<(u16, u16)> {
    // SAFETY: `message` was filled by recvmsg and its control buffer is alive in the caller; the CMSG functions stay
    // inside it. The payload is copied unaligned after its kind and length were checked.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while !header.is_null() {
            let here = &*header;
            let enough = here.cmsg_len >= libc::CMSG_LEN(size_of::<libc::tpacket_auxdata>() as u32) as usize;
            if here.cmsg_level == libc::SOL_PACKET && here.cmsg_type == libc::PACKET_AUXDATA && enough {
                let aux: libc::tpacket_auxdata =
                    libc::CMSG_DATA(header).cast::<libc::tpacket_auxdata>().read_unaligned();
                return tag_of_status(aux.tp_status, aux.tp_vlan_tpid, aux.tp_vlan_tci);
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
    None
}

/// The tag that the kernel removed, if the status says that there was one.
pub(super) fn tag_of_status(status: u32, tpid: u16, tci: u16) -> Option<(u16, u16)> {
    let named = status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
    let tag = (if named { tpid } else { ethertype::C_VLAN }, tci);
    (status & libc::TP_STATUS_VLAN_VALID != 0).then_some(tag)
}

pub(super) fn link_address(ifindex: u32, protocol: u16) -> libc::sockaddr_ll {
    // SAFETY: all-zero is a valid sockaddr_ll.
    let mut address: libc::sockaddr_ll = unsafe { zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = protocol.to_be();
    address.sll_ifindex = i32::try_from(ifindex).unwrap_or(i32::MAX);
    address
}
