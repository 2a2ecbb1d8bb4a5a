//! Frames built from fields: those that an `inject` step sends unless it gives them in hex.

use super::{Frame, MacAddr, Tag, ethertype};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use etherparse::{
    ArpEthIpv4Packet, ArpOperation, ArpPacket, IcmpEchoHeader, Icmpv4Header, Icmpv4Type, Icmpv6Header,
    Icmpv6Type, IpNumber, Ipv4Header, Ipv6Header, UdpHeader,
};

/// A MAC address, or the device that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MacRef {
    /// The address.
    Addr(MacAddr),
    /// The device's current MAC address.
    Device(String),
}

/// An IP address, or the device that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IpRef {
    /// The address.
    Addr(IpAddr),
    /// The device's first IP address of the required family.
    Device(String),
}

/// The fields of a crafted frame; defaults come from the sending device, the target device or the standard.
#[derive(Clone, Debug, PartialEq)]
pub struct Craft {
    /// Destination MAC address.
    pub dst: Option<MacRef>,
    /// Source MAC address.
    pub src: Option<MacRef>,
    /// Tags, outermost first.
    pub tags: Vec<Tag>,
    /// Zero bytes are appended up to this length (header included); none: no padding.
    pub pad: usize,
    /// The content.
    pub body: CraftBody,
}

/// The content of a crafted frame.
#[derive(Clone, Debug, PartialEq)]
pub enum CraftBody {
    /// `ethernet = { dst, src, ethertype, payload }`
    Ethernet {
        /// The ethertype after the tags.
        ethertype: u16,
        /// The bytes after it.
        payload: Vec<u8>,
    },
    /// `arp = { op, sender_mac, sender_ip, target_mac, target_ip }` (RFC 826). `dst` defaults to broadcast for a
    /// request.
    Arp {
        /// 1 request, 2 reply.
        op: u16,
        /// `ar$sha`; default: the frame's source.
        sender_mac: Option<MacRef>,
        /// `ar$spa`; default: the sending device's IPv4 address, otherwise 0.0.0.0.
        sender_ip: Option<IpRef>,
        /// `ar$tha`; default: zero.
        target_mac: Option<MacRef>,
        /// `ar$tpa`.
        target_ip: IpRef,
    },
    /// `icmp = { from, to, … }`: an echo request.
    Icmp {
        /// Source IP address; default: the sending device's.
        from: Option<IpRef>,
        /// Destination IP address.
        to: IpRef,
        /// Identifier.
        id: u16,
        /// Sequence number.
        seq: u16,
        /// TTL or hop limit (64).
        ttl: u8,
        /// Bytes of echo data.
        size: u16,
    },
    /// `udp = { from, to, sport, dport, payload }`
    Udp {
        /// Source IP address; default: the sending device's.
        from: Option<IpRef>,
        /// Destination IP address.
        to: IpRef,
        /// Source port.
        sport: u16,
        /// Destination port.
        dport: u16,
        /// TTL or hop limit (64).
        ttl: u8,
        /// The data.
        payload: Vec<u8>,
    },
}

/// The families of IP addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// IPv4
    V4,
    /// IPv6
    V6,
}

impl Family {
    /// The family of an address.
    #[must_use]
    pub const fn of(addr: IpAddr) -> Family {
        match addr {
            IpAddr::V4(_) => Family::V4,
            IpAddr::V6(_) => Family::V6,
        }
    }
}

/// Provides the devices' addresses when a frame is crafted.
pub trait Resolve {
    /// The device's current MAC address; `None`: no such device.
    fn mac_of(&self, device: &str) -> Option<MacAddr>;

    /// The device's first IP address of this family; `None`: it has none, or there is no such device.
    fn ip_of(&self, device: &str, family: Family) -> Option<IpAddr>;
}

/// Why a frame cannot be crafted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CraftError {
    /// The named device does not exist.
    #[error("there is no device `{0}`")]
    NoDevice(String),
    /// The named device has no IP address of the required family.
    #[error("`{0}` has no {1} address")]
    NoAddress(String, &'static str),
    /// The two ends are of different families.
    #[error("{0} and {1} belong to different address families")]
    Families(IpAddr, IpAddr),
    /// ARP handles IPv4 addresses only.
    #[error("{0} is not an IPv4 address, and ARP supports no others")]
    ArpNotV4(IpAddr),
    /// The packet's destination MAC address is unknown.
    #[error("{0} is an IP address, not a device: specify the frame's `dst`")]
    NoDestination(IpAddr),
    /// It does not fit into an IP packet.
    #[error("{0} bytes do not fit into an IP packet")]
    TooLong(usize),
}

impl Craft {
    /// The frame that the device `at` sends.
    ///
    /// # Errors
    /// [`CraftError`] if a required device or address is missing, or the frame gets too long.
    pub fn build(&self, at: &str, resolve: &dyn Resolve) -> Result<Frame, CraftError> {
        let src = match &self.src {
            Some(r) => r.resolve(resolve)?,
            None => mac_of(at, resolve)?,
        };
        let given = self.dst.as_ref().map(|r| r.resolve(resolve)).transpose()?;
        let (dst, ethertype, payload) = match &self.body {
            CraftBody::Ethernet { ethertype, payload } => {
                (given.unwrap_or(MacAddr::BROADCAST), *ethertype, payload.clone())
            }
            CraftBody::Arp { .. } => {
                let (usual, packet) = self.arp(at, src, resolve)?;
                (given.unwrap_or(usual), ethertype::ARP, packet)
            }
            CraftBody::Icmp { .. } | CraftBody::Udp { .. } => self.packet(at, given, resolve)?,
        };
        let mut bytes = Vec::with_capacity(14 + 4 * self.tags.len() + payload.len());
        bytes.extend_from_slice(&dst.0);
        bytes.extend_from_slice(&src.0);
        for tag in &self.tags {
            bytes.extend_from_slice(&tag.tpid.to_be_bytes());
            bytes.extend_from_slice(&tag.tci.to_be_bytes());
        }
        bytes.extend_from_slice(&ethertype.to_be_bytes());
        bytes.extend_from_slice(&payload);
        bytes.resize(bytes.len().max(self.pad), 0);
        Ok(bytes.into())
    }

    /// The default destination of an ARP packet, and the packet.
    fn arp(&self, at: &str, src: MacAddr, resolve: &dyn Resolve) -> Result<(MacAddr, Vec<u8>), CraftError> {
        let CraftBody::Arp { op, sender_mac, sender_ip, target_mac, target_ip } = &self.body else {
            return Ok((MacAddr::BROADCAST, Vec::new()));
        };
        let sender_mac = sender_mac.as_ref().map_or(Ok(src), |r| r.resolve(resolve))?;
        let target_mac = target_mac.as_ref().map_or(Ok(MacAddr::ZERO), |r| r.resolve(resolve))?;
        let sender_ip = match sender_ip {
            Some(r) => arp_address(r.resolve(Family::V4, resolve)?)?,
            None => match resolve.ip_of(at, Family::V4) {
                Some(IpAddr::V4(a)) => a,
                _ => Ipv4Addr::UNSPECIFIED,
            },
        };
        let target_ip = arp_address(target_ip.resolve(Family::V4, resolve)?)?;
        let packet = ArpPacket::from(ArpEthIpv4Packet {
            operation: ArpOperation(*op),
            sender_mac: sender_mac.0,
            sender_ipv4: sender_ip.octets(),
            target_mac: target_mac.0,
            target_ipv4: target_ip.octets(),
        });
        let dst = if *op == 1 || target_mac.is_zero() { MacAddr::BROADCAST } else { target_mac };
        Ok((dst, packet.to_bytes().to_vec()))
    }

    /// Destination, ethertype and bytes of an IP packet.
    fn packet(
        &self,
        at: &str,
        given: Option<MacAddr>,
        resolve: &dyn Resolve,
    ) -> Result<(MacAddr, u16, Vec<u8>), CraftError> {
        let (from, to, ttl) = match &self.body {
            CraftBody::Icmp { from, to, ttl, .. } | CraftBody::Udp { from, to, ttl, .. } => (from, to, *ttl),
            _ => return Ok((MacAddr::BROADCAST, ethertype::IPV4, Vec::new())),
        };
        let here = IpRef::Device(at.to_owned());
        let (from, to) = ends(from.as_ref().unwrap_or(&here), to, resolve)?;
        let dst = match (given.or_else(|| group_mac(to)), self.to_device()) {
            (Some(dst), _) => dst,
            (None, Some(device)) => mac_of(device, resolve)?,
            (None, None) => return Err(CraftError::NoDestination(to)),
        };
        match (from, to) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                let (protocol, data) = self.transport_v4(from, to)?;
                Ok((dst, ethertype::IPV4, ipv4(from, to, ttl, protocol, data)?))
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                let (protocol, data) = self.transport_v6(from, to)?;
                Ok((dst, ethertype::IPV6, ipv6(from, to, ttl, protocol, data)?))
            }
            (from, to) => Err(CraftError::Families(from, to)),
        }
    }

    /// The packet's destination device, if it was named.
    fn to_device(&self) -> Option<&str> {
        match &self.body {
            CraftBody::Icmp { to: IpRef::Device(name), .. }
            | CraftBody::Udp { to: IpRef::Device(name), .. } => Some(name),
            _ => None,
        }
    }

    fn transport_v4(&self, from: Ipv4Addr, to: Ipv4Addr) -> Result<(IpNumber, Vec<u8>), CraftError> {
        match &self.body {
            CraftBody::Udp { sport, dport, payload, .. } => {
                let header =
                    UdpHeader::without_ipv4_checksum(*sport, *dport, payload.len()).and_then(|mut header| {
                        header.checksum =
                            header.calc_checksum_ipv4_raw(from.octets(), to.octets(), payload)?;
                        Ok(header)
                    });
                let header = header.map_err(|_| CraftError::TooLong(payload.len()))?;
                Ok((IpNumber::UDP, joined(&header.to_bytes(), payload)))
            }
            body => {
                let (echo, data) = echo(body);
                let header = Icmpv4Header::with_checksum(Icmpv4Type::EchoRequest(echo), &data);
                Ok((IpNumber::ICMP, joined(&header.to_bytes(), &data)))
            }
        }
    }

    fn transport_v6(&self, from: Ipv6Addr, to: Ipv6Addr) -> Result<(IpNumber, Vec<u8>), CraftError> {
        match &self.body {
            CraftBody::Udp { sport, dport, payload, .. } => {
                let header =
                    UdpHeader::without_ipv4_checksum(*sport, *dport, payload.len()).and_then(|mut header| {
                        header.checksum =
                            header.calc_checksum_ipv6_raw(from.octets(), to.octets(), payload)?;
                        Ok(header)
                    });
                let header = header.map_err(|_| CraftError::TooLong(payload.len()))?;
                Ok((IpNumber::UDP, joined(&header.to_bytes(), payload)))
            }
            body => {
                let (echo, data) = echo(body);
                let kind = Icmpv6Type::EchoRequest(echo);
                let header = Icmpv6Header::with_checksum(kind, from.octets(), to.octets(), &data)
                    .map_err(|_| CraftError::TooLong(data.len()))?;
                Ok((IpNumber::IPV6_ICMP, joined(&header.to_bytes(), &data)))
            }
        }
    }
}

impl MacRef {
    /// Resolves the MAC address.
    ///
    /// # Errors
    /// [`CraftError::NoDevice`] if there is no such device.
    pub fn resolve(&self, resolve: &dyn Resolve) -> Result<MacAddr, CraftError> {
        match self {
            MacRef::Addr(mac) => Ok(*mac),
            MacRef::Device(name) => mac_of(name, resolve),
        }
    }
}

impl IpRef {
    /// Resolves the IP address, of this family if a device is named.
    ///
    /// # Errors
    /// [`CraftError::NoAddress`] if the device has none.
    pub fn resolve(&self, family: Family, resolve: &dyn Resolve) -> Result<IpAddr, CraftError> {
        match self {
            IpRef::Addr(addr) => Ok(*addr),
            IpRef::Device(name) => resolve.ip_of(name, family).ok_or_else(|| {
                CraftError::NoAddress(name.clone(), if family == Family::V4 { "IPv4" } else { "IPv6" })
            }),
        }
    }
}

/// Both ends' IP addresses, of one family: that of a given address, otherwise the first of IPv4 and IPv6 that both
/// have.
fn ends(from: &IpRef, to: &IpRef, resolve: &dyn Resolve) -> Result<(IpAddr, IpAddr), CraftError> {
    let given = |r: &IpRef| match r {
        IpRef::Addr(a) => Some(Family::of(*a)),
        IpRef::Device(_) => None,
    };
    let both = |family| Ok((from.resolve(family, resolve)?, to.resolve(family, resolve)?));
    match given(to).or(given(from)) {
        Some(family) => match both(family)? {
            (from, to) if Family::of(from) != Family::of(to) => Err(CraftError::Families(from, to)),
            ends => Ok(ends),
        },
        None => both(Family::V4).or_else(|e: CraftError| both(Family::V6).map_err(|_| e)),
    }
}

fn mac_of(device: &str, resolve: &dyn Resolve) -> Result<MacAddr, CraftError> {
    resolve.mac_of(device).ok_or_else(|| CraftError::NoDevice(device.to_owned()))
}

fn arp_address(addr: IpAddr) -> Result<Ipv4Addr, CraftError> {
    match addr {
        IpAddr::V4(a) => Ok(a),
        IpAddr::V6(_) => Err(CraftError::ArpNotV4(addr)),
    }
}

/// The group address of a multicast or broadcast IP address (RFC 1112 section 6.4, RFC 2464 section 7).
fn group_mac(addr: IpAddr) -> Option<MacAddr> {
    match addr {
        IpAddr::V4(a) if a.is_broadcast() => Some(MacAddr::BROADCAST),
        IpAddr::V4(a) if a.is_multicast() => {
            let [_, b, c, d] = a.octets();
            Some(MacAddr([0x01, 0x00, 0x5e, b & 0x7f, c, d]))
        }
        IpAddr::V6(a) if a.is_multicast() => {
            let [.., b, c, d, e] = a.octets();
            Some(MacAddr([0x33, 0x33, b, c, d, e]))
        }
        _ => None,
    }
}

/// Identifier and sequence number of an echo request, and its data: incrementing bytes, as from `ping`.
fn echo(body: &CraftBody) -> (IcmpEchoHeader, Vec<u8>) {
    match body {
        CraftBody::Icmp { id, seq, size, .. } => {
            (IcmpEchoHeader { id: *id, seq: *seq }, (0..*size).map(|i| i as u8).collect())
        }
        _ => (IcmpEchoHeader { id: 0, seq: 0 }, Vec::new()),
    }
}

fn ipv4(
    from: Ipv4Addr,
    to: Ipv4Addr,
    ttl: u8,
    protocol: IpNumber,
    data: Vec<u8>,
) -> Result<Vec<u8>, CraftError> {
    let len = u16::try_from(data.len()).map_err(|_| CraftError::TooLong(data.len()))?;
    let mut header = Ipv4Header::new(len, ttl, protocol, from.octets(), to.octets())
        .map_err(|_| CraftError::TooLong(data.len()))?;
    header.header_checksum = header.calc_header_checksum();
    Ok(joined(&header.to_bytes(), &data))
}

fn ipv6(
    from: Ipv6Addr,
    to: Ipv6Addr,
    ttl: u8,
    protocol: IpNumber,
    data: Vec<u8>,
) -> Result<Vec<u8>, CraftError> {
    let header = Ipv6Header {
        payload_length: u16::try_from(data.len()).map_err(|_| CraftError::TooLong(data.len()))?,
        next_header: protocol,
        hop_limit: ttl,
        source: from.octets(),
        destination: to.octets(),
        ..Ipv6Header::default()
    };
    Ok(joined(&header.to_bytes(), &data))
}

fn joined(head: &[u8], tail: &[u8]) -> Vec<u8> {
    [head, tail].concat()
}

#[cfg(test)]
mod tests;
