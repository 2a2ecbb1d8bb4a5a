//! Maps captured frames to devices and their MAC addresses.

use super::pipeline::{DeviceIndex, Ingress};
use super::rewrite::{Addresses, Rewrite};
use crate::frame::{EthHeader, MacAddr, ethertype};
use crate::table::{MAX_VALUE, MacTable};
use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Maximum number of mapped addresses: the range of a table's value.
const MAX_MAPPED: usize = MAX_VALUE as usize + 1;

/// A captured address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Captured {
    /// A MAC address.
    Mac(MacAddr),
    /// An IP address.
    Ip(IpAddr),
}

/// The text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a MAC nor an IP address")]
pub struct BadAddress(pub String);

impl FromStr for Captured {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Captured, BadAddress> {
        let mac = text.parse().map(Captured::Mac).ok();
        mac.or_else(|| text.parse().map(Captured::Ip).ok()).ok_or_else(|| BadAddress(text.to_owned()))
    }
}

impl fmt::Display for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Captured::Mac(mac) => mac.fmt(f),
            Captured::Ip(ip) => ip.fmt(f),
        }
    }
}

/// The device that takes the place of a captured address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Substitute {
    /// The device.
    pub device: DeviceIndex,
    /// Its MAC address.
    pub mac: MacAddr,
}

/// Why an address cannot be mapped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// The address is mapped already.
    #[error("{0} is mapped twice")]
    Twice(Captured),
    /// A group address belongs to no device.
    #[error("{0} is not an address of a device")]
    NoStation(Captured),
    /// The table is full.
    #[error("more than {MAX_MAPPED} addresses are mapped")]
    TooMany,
}

/// Captured addresses, and the devices that take their place.
#[derive(Clone, Debug, Default)]
pub struct AddressMap {
    /// Index into `stands`.
    macs: MacTable,
    /// The same for IP addresses.
    ips: HashMap<IpAddr, u16>,
    stands: Vec<Substitute>,
}

impl AddressMap {
    /// Adds an address.
    ///
    /// # Errors
    /// It is mapped already, or a group address, or the map is full. The map is unchanged then.
    pub fn insert(&mut self, captured: Captured, stand: Substitute) -> Result<(), MapError> {
        let (valid, known) = match captured {
            Captured::Mac(mac) => (mac.is_valid_station(), self.macs.get(mac).is_some()),
            Captured::Ip(ip) => (!ip.is_multicast() && !ip.is_unspecified(), self.ips.contains_key(&ip)),
        };
        if !valid {
            return Err(MapError::NoStation(captured));
        }
        if known {
            return Err(MapError::Twice(captured));
        }
        let index = u16::try_from(self.stands.len()).ok().filter(|index| *index <= MAX_VALUE);
        let index = index.ok_or(MapError::TooMany)?;
        match captured {
            Captured::Mac(mac) => drop(self.macs.insert(mac, index).map_err(|_| MapError::TooMany)?),
            Captured::Ip(ip) => drop(self.ips.insert(ip, index)),
        }
        self.stands.push(stand);
        Ok(())
    }

    /// Whether nothing is mapped.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stands.is_empty()
    }

    /// The device for a MAC address, or else for the IP address with it.
    fn find(&self, mac: MacAddr, ip: Option<IpAddr>) -> Option<Substitute> {
        let index = self.macs.get(mac).or_else(|| self.ips.get(&ip?).copied())?;
        self.stands.get(usize::from(index)).copied()
    }

    /// The devices for a frame's sender and destination.
    fn ends(&self, frame: &[u8]) -> (Option<Substitute>, Option<Substitute>) {
        let Some(Addresses { dst, src }) = Addresses::of(frame) else { return (None, None) };
        let (src_ip, dst_ip) = if self.ips.is_empty() { (None, None) } else { ip_addresses(frame) };
        let receiver = if dst.is_multicast() { None } else { self.find(dst, dst_ip) };
        (self.find(src, src_ip), receiver)
    }
}

/// Where captured frames enter, and in what form.
#[derive(Clone, Debug, Default)]
pub struct Route {
    /// Where a frame with an unmapped sender enters; none: it is left out.
    pub entry: Option<Ingress>,
    /// The mapped addresses.
    pub map: AddressMap,
    /// The changes to every frame.
    pub rewrite: Rewrite,
}

impl Route {
    /// Where all frames enter unchanged, if they do.
    pub(super) fn of_all(&self) -> Option<Ingress> {
        self.entry.filter(|_| self.map.is_empty() && self.rewrite.is_nothing())
    }

    /// Where a frame enters, and its new bytes, built in `scratch`. `None`: it is left out, because its sender is not
    /// mapped.
    pub(super) fn choose<'f>(&self, frame: &[u8], scratch: &'f mut Vec<u8>) -> Option<(Ingress, &'f [u8])> {
        let (sender, receiver) = self.map.ends(frame);
        let sends = sender.map(|stand| Ingress { device: stand.device, from_wire: false });
        let entry = sends.or(self.entry)?;
        scratch.clear();
        scratch.extend_from_slice(frame);
        if let Some(Addresses { dst, src }) = Addresses::of(frame) {
            let new = Addresses {
                dst: receiver.map_or(dst, |stand| stand.mac),
                src: sender.map_or(src, |stand| stand.mac),
            };
            new.put(scratch);
            self.change_arp(scratch);
        }
        self.rewrite.apply(scratch);
        Some((entry, scratch))
    }

    /// The hardware addresses in an ARP packet belong to devices, too.
    fn change_arp(&self, frame: &mut [u8]) {
        if self.map.is_empty() {
            return;
        }
        let Some((ethertype::ARP, at)) = EthHeader::payload(frame) else { return };
        let Some(packet) = frame.get_mut(at..) else { return };
        // For each end: offsets of its hardware address and its IPv4 address.
        for (hardware, protocol) in [(8, 14), (18, 24)] {
            let ip = packet.get(protocol..).and_then(|p| p.first_chunk::<4>()).copied();
            let Some(address) = packet.get_mut(hardware..).and_then(|p| p.first_chunk_mut::<6>()) else {
                return;
            };
            let mac = MacAddr(*address);
            // A request has zero for the MAC address that it asks for.
            let known = if mac.is_valid_station() {
                self.map.find(mac, ip.map(|ip| IpAddr::V4(Ipv4Addr::from(ip))))
            } else {
                None
            };
            if let Some(stand) = known {
                *address = stand.mac.0;
            }
        }
    }
}

/// The source and destination IP addresses of a frame's packet, including ARP.
fn ip_addresses(frame: &[u8]) -> (Option<IpAddr>, Option<IpAddr>) {
    let Some((kind, at)) = EthHeader::payload(frame) else { return (None, None) };
    let v4 = |offset: usize| {
        let bytes = frame.get(at + offset..)?.first_chunk::<4>()?;
        Some(IpAddr::V4(Ipv4Addr::from(*bytes)))
    };
    let v6 = |offset: usize| {
        let bytes = frame.get(at + offset..)?.first_chunk::<16>()?;
        Some(IpAddr::V6(Ipv6Addr::from(*bytes)))
    };
    match kind {
        ethertype::IPV4 => (v4(12), v4(16)),
        ethertype::ARP => (v4(14), v4(24)),
        ethertype::IPV6 => (v6(8), v6(24)),
        _ => (None, None),
    }
}
