//! The system calls that no crate wraps: packet sockets with auxiliary data, echo sockets, and three ioctls on devices.
//!
//! The only unsafe code of this room. Every function checks its arguments itself and is safe to call.
#![allow(unsafe_code)]

use super::observed::ErrorNumber;
use crate::frame::MacAddr;
use std::io;
use std::mem::{size_of, size_of_val, zeroed};
use std::net::UdpSocket;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// `ETH_P_ALL`.
pub(super) const EVERY_PROTOCOL: u16 = 0x0003;
/// `PACKET_IGNORE_OUTGOING` (linux/if_packet.h).
const PACKET_IGNORE_OUTGOING: libc::c_int = 23;
/// Room for the longest frame that a veth carries, with its header.
pub(super) const BUFFER_BYTES: usize = 65536 + 64;

/// A packet socket (packet(7)), raw: frames with their Ethernet header.
#[derive(Debug)]
pub(super) struct PacketSocket {
    fd: OwnedFd,
}

/// A frame off a packet socket.
#[derive(Debug)]
pub(super) struct Received {
    /// The frame, its outermost tag put back in place.
    pub(super) bytes: Vec<u8>,
    /// The kernel's `pkt_type`.
    pub(super) packet_type: u8,
}

fn last_error() -> ErrorNumber {
    ErrorNumber(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl PacketSocket {
    /// A socket in the thread's namespace that receives nothing until it is bound.
    pub(super) fn new() -> io::Result<PacketSocket> {
        let flags = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: no pointers are passed; the descriptor is checked before it is owned.
        let fd = unsafe { libc::socket(libc::AF_PACKET, flags, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` was just opened and belongs to nobody else.
        Ok(PacketSocket { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// One that also hands out tags and does not see what its own side sends.
    pub(super) fn listener() -> io::Result<PacketSocket> {
        let socket = PacketSocket::new()?;
        set_option(socket.as_fd(), libc::SOL_PACKET, libc::PACKET_AUXDATA, &1_i32)?;
        // Kernels before 4.20 lack it; outgoing frames are thrown away when they are read, too.
        let _ = set_option(socket.as_fd(), libc::SOL_PACKET, PACKET_IGNORE_OUTGOING, &1_i32);
        Ok(socket)
    }

    /// Accepts frames for the kernel's eyes (they count as handled) and queues none of them.
    pub(super) fn swallow(&self) -> io::Result<()> {
        let mut reject = libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: 0 };
        let program = libc::sock_fprog { len: 1, filter: &raw mut reject };
        set_option(self.as_fd(), libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
    }

    /// Receives from this device: one ethertype, or [`EVERY_PROTOCOL`]. May be called again when the device is gone.
    pub(super) fn bind(&self, ifindex: u32, protocol: u16) -> io::Result<()> {
        let address = link_address(ifindex, protocol);
        let len = libc::socklen_t::try_from(size_of_val(&address)).map_err(io::Error::other)?;
        // SAFETY: `address` lives through the call and `len` is its size.
        let rc = unsafe { libc::bind(self.fd.as_raw_fd(), (&raw const address).cast(), len) };
        if rc != 0 {
            return Err(io::Error::last_os_error());
        }
        // What the former device left behind: its ENETDOWN, and frames nobody fetched.
        let mut scratch = [0; 1];
        while !matches!(self.recv(&mut scratch), Err(ErrorNumber(libc::EAGAIN))) {}
        Ok(())
    }

    /// Sends a frame as it is.
    pub(super) fn send(&self, ifindex: u32, frame: &[u8]) -> Result<(), ErrorNumber> {
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

    /// The next frame, as far as `scratch` has room for it; `EAGAIN` if there is none.
    pub(super) fn recv(&self, scratch: &mut [u8]) -> Result<Received, ErrorNumber> {
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
        // SAFETY: every pointer in `message` is to a live local of the size given beside it.
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
        Ok(Received { bytes, packet_type: address.sll_pkttype })
    }
}

/// The tag that the kernel set aside, from a received message's control data.
fn tag_of(message: &libc::msghdr) -> Option<(u16, u16)> {
    // SAFETY: `message` was filled by recvmsg and its control buffer is alive in the caller; the CMSG functions stay
    // inside it. The payload is copied out unaligned after its kind and length were checked.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while !header.is_null() {
            let here = &*header;
            let enough = here.cmsg_len >= libc::CMSG_LEN(size_of::<libc::tpacket_auxdata>() as u32) as usize;
            if here.cmsg_level == libc::SOL_PACKET && here.cmsg_type == libc::PACKET_AUXDATA && enough {
                let aux: libc::tpacket_auxdata =
                    libc::CMSG_DATA(header).cast::<libc::tpacket_auxdata>().read_unaligned();
                if aux.tp_status & libc::TP_STATUS_VLAN_VALID == 0 {
                    return None;
                }
                let named = aux.tp_status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
                return Some((if named { aux.tp_vlan_tpid } else { 0x8100 }, aux.tp_vlan_tci));
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
    None
}

/// A socket for ICMP echo (icmp(7)) in the thread's namespace: what is sent gets an identifier, what is received are the
/// answers to it, and errors of the stack are told at once.
pub(super) fn echo_socket() -> io::Result<UdpSocket> {
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

/// Sets an option of a socket.
fn set_option<T>(fd: BorrowedFd<'_>, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
    let len = libc::socklen_t::try_from(size_of_val(value)).map_err(io::Error::other)?;
    // SAFETY: `value` lives through the call and `len` is its size.
    let rc =
        unsafe { libc::setsockopt(fd.as_raw_fd(), level, option, std::ptr::from_ref(value).cast(), len) };
    if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn link_address(ifindex: u32, protocol: u16) -> libc::sockaddr_ll {
    // SAFETY: all-zero is a valid sockaddr_ll.
    let mut address: libc::sockaddr_ll = unsafe { zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = protocol.to_be();
    address.sll_ifindex = i32::try_from(ifindex).unwrap_or(i32::MAX);
    address
}

/// An `ifreq` for the device with this name in the socket's namespace.
fn request_for(ifname: &str) -> libc::ifreq {
    // SAFETY: all-zero is a valid ifreq.
    let mut request: libc::ifreq = unsafe { zeroed() };
    for (to, from) in request.ifr_name.iter_mut().take(libc::IFNAMSIZ - 1).zip(ifname.bytes()) {
        *to = from as libc::c_char;
    }
    request
}

fn ioctl(socket: &PacketSocket, number: libc::Ioctl, request: &mut libc::ifreq) -> Result<(), ErrorNumber> {
    // SAFETY: `request` is a live ifreq, the argument of every ioctl used here; a pointer inside it is to a buffer
    // that the caller keeps alive.
    let rc = unsafe { libc::ioctl(socket.fd.as_raw_fd(), number, std::ptr::from_mut(request)) };
    if rc < 0 { Err(last_error()) } else { Ok(()) }
}

/// Joins or leaves a group on a device, as `ip maddress add|del` does.
pub(super) fn multicast(
    socket: &PacketSocket,
    ifname: &str,
    mac: MacAddr,
    join: bool,
) -> Result<(), ErrorNumber> {
    let mut request = request_for(ifname);
    // SAFETY: all-zero is a valid sockaddr.
    let mut address: libc::sockaddr = unsafe { zeroed() };
    address.sa_family = libc::AF_UNSPEC as u16;
    for (to, from) in address.sa_data.iter_mut().zip(mac.0) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_hwaddr = address;
    ioctl(socket, if join { libc::SIOCADDMULTI } else { libc::SIOCDELMULTI }, &mut request)
}

/// The index of the device with this name: how a program finds out that there is none.
pub(super) fn index_of(socket: &PacketSocket, ifname: &str) -> Result<u32, ErrorNumber> {
    let mut request = request_for(ifname);
    ioctl(socket, libc::SIOCGIFINDEX, &mut request)?;
    // SAFETY: SIOCGIFINDEX succeeded, so the kernel filled this field of the union.
    let index = unsafe { request.ifr_ifru.ifru_ifindex };
    u32::try_from(index).map_err(|_| ErrorNumber(libc::ENODEV))
}

/// `ETHTOOL_GSTRINGS`, `ETHTOOL_SFEATURES`, `ETH_SS_FEATURES` (linux/ethtool.h).
const GET_STRINGS: u32 = 0x1b;
const GET_STRING_SET_INFO: u32 = 0x37;
const SET_FEATURES: u32 = 0x3b;
const FEATURE_STRINGS: u32 = 4;
/// Length of a feature's name.
const STRING_BYTES: usize = 32;

fn ethtool(socket: &PacketSocket, ifname: &str, buffer: &mut [u32]) -> Result<(), ErrorNumber> {
    let mut request = request_for(ifname);
    request.ifr_ifru.ifru_data = buffer.as_mut_ptr().cast();
    ioctl(socket, libc::SIOCETHTOOL, &mut request)
}

/// The bit numbers of device features with one of these names (they are the same for every device).
pub(super) fn feature_bits(
    socket: &PacketSocket,
    ifname: &str,
    names: &[&str],
) -> Result<Vec<usize>, ErrorNumber> {
    // struct ethtool_sset_info: cmd, reserved, mask (64 bits), data.
    let mut info = [GET_STRING_SET_INFO, 0, 1 << FEATURE_STRINGS, 0, 0];
    ethtool(socket, ifname, &mut info)?;
    let count = (info[4] as usize).min(512);
    // struct ethtool_gstrings: cmd, set, count, then the strings.
    let mut strings = vec![0_u32; 3 + count * STRING_BYTES / 4];
    strings[0] = GET_STRINGS;
    strings[1] = FEATURE_STRINGS;
    strings[2] = info[4].min(512);
    ethtool(socket, ifname, &mut strings)?;
    let bytes: Vec<u8> = strings[3..].iter().flat_map(|w| w.to_ne_bytes()).collect();
    let name_at = |i: usize| {
        let raw = &bytes[i * STRING_BYTES..(i + 1) * STRING_BYTES];
        String::from_utf8_lossy(raw.split(|b| *b == 0).next().unwrap_or_default()).into_owned()
    };
    Ok((0..count).filter(|i| names.contains(&name_at(*i).as_str())).collect())
}

/// Turns device features off.
pub(super) fn features_off(socket: &PacketSocket, ifname: &str, bits: &[usize]) -> Result<(), ErrorNumber> {
    let words = bits.iter().max().map_or(0, |b| b / 32 + 1);
    // struct ethtool_sfeatures: cmd, size, then for each 32 features: which are meant, which are wanted.
    let mut request = vec![0_u32; 2 + words * 2];
    request[0] = SET_FEATURES;
    request[1] = u32::try_from(words).unwrap_or(0);
    for bit in bits {
        request[2 + bit / 32 * 2] |= 1 << (bit % 32);
    }
    ethtool(socket, ifname, &mut request)
}
