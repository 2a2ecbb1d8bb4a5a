//! TAP devices (Documentation/networking/tuntap).

use super::ioctl::{ioctl, request_for};
use super::last_error;
use crate::errno::ErrorNumber;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt as _;

/// Opens the TAP device with this name; one that does not exist is created, and removed when the file is closed. Frames
/// have a virtio header, and frames from the device's host may lack checksums and segmentation.
pub(crate) fn open_tap(ifname: &str) -> io::Result<File> {
    let file = File::options().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun")?;
    let error = |ErrorNumber(number)| io::Error::from_raw_os_error(number);
    let mut request = request_for(ifname);
    request.ifr_ifru.ifru_flags = (libc::IFF_TAP | libc::IFF_NO_PI | libc::IFF_VNET_HDR) as libc::c_short;
    ioctl(file.as_fd(), libc::TUNSETIFF, &mut request).map_err(error)?;
    let left_to_us = libc::c_ulong::from(libc::TUN_F_CSUM | libc::TUN_F_TSO4 | libc::TUN_F_TSO6);
    // SAFETY: the argument of TUNSETOFFLOAD is a number.
    let rc = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETOFFLOAD, left_to_us) };
    if rc < 0 { Err(error(last_error())) } else { Ok(file) }
}
