//! The changes that `ip maddress` and `ethtool` make.

use super::ioctl::{ioctl, request_for};
use super::packet::PacketSocket;
use crate::errno::ErrorNumber;
use crate::frame::MacAddr;
use std::mem::zeroed;
use std::os::fd::AsFd as _;

/// Joins or leaves a group on a device, as `ip maddress add|del` does.
pub(crate) fn multicast(
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
    ioctl(socket.as_fd(), if join { libc::SIOCADDMULTI } else { libc::SIOCDELMULTI }, &mut request)
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
    ioctl(socket.as_fd(), libc::SIOCETHTOOL, &mut request)
}

/// The bit numbers of device features with one of these names (the same for every device).
pub(crate) fn feature_bits(
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
pub(crate) fn features_off(socket: &PacketSocket, ifname: &str, bits: &[usize]) -> Result<(), ErrorNumber> {
    let words = bits.iter().max().map_or(0, |b| b / 32 + 1);
    // struct ethtool_sfeatures: cmd, size, then for each 32 features: mask of valid bits, requested values.
    let mut request = vec![0_u32; 2 + words * 2];
    request[0] = SET_FEATURES;
    request[1] = u32::try_from(words).unwrap_or(0);
    for bit in bits {
        request[2 + bit / 32 * 2] |= 1 << (bit % 32);
    }
    ethtool(socket, ifname, &mut request)
}
