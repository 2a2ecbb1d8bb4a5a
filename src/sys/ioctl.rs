//! ioctls on devices (netdevice(7)).

use super::last_error;
use crate::errno::ErrorNumber;
use crate::frame::MacAddr;
use std::mem::zeroed;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// An `ifreq` for the device with this name in the socket's namespace.
pub(super) fn request_for(ifname: &str) -> libc::ifreq {
    // SAFETY: all-zero is a valid ifreq.
    let mut request: libc::ifreq = unsafe { zeroed() };
    for (to, from) in request.ifr_name.iter_mut().take(libc::IFNAMSIZ - 1).zip(ifname.bytes()) {
        *to = from as libc::c_char;
    }
    request
}

pub(super) fn ioctl(
    fd: BorrowedFd<'_>,
    number: libc::Ioctl,
    request: &mut libc::ifreq,
) -> Result<(), ErrorNumber> {
    // SAFETY: `request` is a live ifreq, the argument of every ioctl used here; a pointer inside it is to a buffer
    // that the caller keeps alive.
    let rc = unsafe { libc::ioctl(fd.as_raw_fd(), number, std::ptr::from_mut(request)) };
    if rc < 0 { Err(last_error()) } else { Ok(()) }
}

/// The index of the device with this name; an error if there is none.
pub(crate) fn index_of(socket: impl AsFd, ifname: &str) -> Result<u32, ErrorNumber> {
    let mut request = request_for(ifname);
    ioctl(socket.as_fd(), libc::SIOCGIFINDEX, &mut request)?;
    // SAFETY: SIOCGIFINDEX succeeded, so the kernel filled this field of the union.
    let index = unsafe { request.ifr_ifru.ifru_ifindex };
    u32::try_from(index).map_err(|_| ErrorNumber(libc::ENODEV))
}

fn flags_of(socket: BorrowedFd<'_>, ifname: &str) -> Result<i32, ErrorNumber> {
    let mut request = request_for(ifname);
    ioctl(socket, libc::SIOCGIFFLAGS, &mut request)?;
    // SAFETY: SIOCGIFFLAGS succeeded, so the kernel filled this field of the union.
    Ok(i32::from(unsafe { request.ifr_ifru.ifru_flags }))
}

/// Whether the device is up and has carrier.
pub(crate) fn is_running(socket: impl AsFd, ifname: &str) -> Result<bool, ErrorNumber> {
    let wanted = libc::IFF_UP | libc::IFF_RUNNING;
    flags_of(socket.as_fd(), ifname).map(|flags| flags & wanted == wanted)
}

/// Brings the device up.
pub(crate) fn set_up(socket: impl AsFd, ifname: &str) -> Result<(), ErrorNumber> {
    let flags = flags_of(socket.as_fd(), ifname)? | libc::IFF_UP;
    let mut request = request_for(ifname);
    request.ifr_ifru.ifru_flags = flags as libc::c_short;
    ioctl(socket.as_fd(), libc::SIOCSIFFLAGS, &mut request)
}

/// The device's mtu, in bytes.
pub(crate) fn mtu_of(socket: impl AsFd, ifname: &str) -> Result<u32, ErrorNumber> {
    let mut request = request_for(ifname);
    ioctl(socket.as_fd(), libc::SIOCGIFMTU, &mut request)?;
    // SAFETY: SIOCGIFMTU succeeded, so the kernel filled this field of the union.
    let mtu = unsafe { request.ifr_ifru.ifru_mtu };
    u32::try_from(mtu).map_err(|_| ErrorNumber(libc::EINVAL))
}

/// Sets the device's mtu, in bytes.
pub(crate) fn set_mtu(socket: impl AsFd, ifname: &str, mtu: u32) -> Result<(), ErrorNumber> {
    let mut request = request_for(ifname);
    request.ifr_ifru.ifru_mtu = i32::try_from(mtu).unwrap_or(i32::MAX);
    ioctl(socket.as_fd(), libc::SIOCSIFMTU, &mut request)
}

/// Sets the device's MAC address.
pub(crate) fn set_mac(socket: impl AsFd, ifname: &str, mac: MacAddr) -> Result<(), ErrorNumber> {
    let mut request = request_for(ifname);
    // SAFETY: all-zero is a valid sockaddr.
    let mut address: libc::sockaddr = unsafe { zeroed() };
    address.sa_family = libc::ARPHRD_ETHER;
    for (to, from) in address.sa_data.iter_mut().zip(mac.0) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_hwaddr = address;
    ioctl(socket.as_fd(), libc::SIOCSIFHWADDR, &mut request)
}
