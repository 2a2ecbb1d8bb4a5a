//! MAC addresses.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;

/// A 48-bit MAC address (EUI-48, IEEE 802 clause 8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(pub [u8; 6]);

/// The text is not a MAC address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a MAC address: six pairs of hex digits, as in 02:42:c0:a8:80:de")]
pub struct BadMac(pub String);

impl MacAddr {
    /// 00:00:00:00:00:00, invalid as source and destination.
    pub const ZERO: MacAddr = MacAddr([0; 6]);
    /// ff:ff:ff:ff:ff:ff.
    pub const BROADCAST: MacAddr = MacAddr([0xff; 6]);
    /// 01:00:5e:00:00:01: the group of IPv4's 224.0.0.1, which every IPv4 device that is up has joined.
    pub const ALL_HOSTS_V4: MacAddr = MacAddr([0x01, 0x00, 0x5e, 0, 0, 1]);
    /// 33:33:00:00:00:01: the group of IPv6's ff02::1.
    pub const ALL_NODES_V6: MacAddr = MacAddr([0x33, 0x33, 0, 0, 0, 1]);

    /// The address as an integer below 2^48, first byte most significant.
    #[inline]
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        // In two parts: as eight bytes at once it compiles to a dozen vector instructions instead of two loads.
        let [a, b, c, d, e, f] = self.0;
        (u32::from_be_bytes([a, b, c, d]) as u64) << 16 | u16::from_be_bytes([e, f]) as u64
    }

    /// From the low 48 bits of an integer, the inverse of [`MacAddr::to_u64`].
    #[must_use]
    pub const fn from_u64(n: u64) -> MacAddr {
        let [_, _, a, b, c, d, e, f] = n.to_be_bytes();
        MacAddr([a, b, c, d, e, f])
    }

    /// Group bit set: a multicast address, broadcast included.
    #[inline]
    #[must_use]
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// ff:ff:ff:ff:ff:ff.
    #[inline]
    #[must_use]
    pub const fn is_broadcast(self) -> bool {
        self.to_u64() == 0xffff_ffff_ffff
    }

    /// All bits zero.
    #[inline]
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.to_u64() == 0
    }

    /// Whether a device can have this address: neither multicast nor zero (the kernel's `is_valid_ether_addr`).
    #[must_use]
    pub const fn is_valid_station(self) -> bool {
        !self.is_multicast() && !self.is_zero()
    }

    /// 01:80:c2:00:00:00 to 0f, the addresses reserved for link-local protocols (IEEE 802.1Q table 8-1):
    /// the last nibble, or `None` for any other address.
    #[must_use]
    pub const fn reserved_group(self) -> Option<u8> {
        let n = self.to_u64();
        if n & !0xf == 0x0180_c200_0000 { Some((n & 0xf) as u8) } else { None }
    }

    /// The address that Docker up to 27 gave a container: 02:42, then the bytes of its IPv4 address.
    #[must_use]
    pub const fn docker(ip: Ipv4Addr) -> MacAddr {
        let [a, b, c, d] = ip.octets();
        MacAddr([0x02, 0x42, a, b, c, d])
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for MacAddr {
    type Err = BadMac;

    fn from_str(s: &str) -> Result<MacAddr, BadMac> {
        let bad = || BadMac(s.to_owned());
        let mut bytes = [0; 6];
        let separator = if s.contains('-') { '-' } else { ':' };
        let mut parts = s.split(separator);
        for byte in &mut bytes {
            let part = parts.next().ok_or_else(bad)?;
            if part.len() != 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(bad());
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| bad())?;
        }
        if parts.next().is_some() {
            return Err(bad());
        }
        Ok(MacAddr(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_number_round_trip() {
        let mac: MacAddr = "00:0c:29:F1:38:bf".parse().unwrap();
        assert_eq!(mac.to_string(), "00:0c:29:f1:38:bf");
        assert_eq!(MacAddr::from_u64(mac.to_u64()), mac);
        assert_eq!("00-0c-29-f1-38-bf".parse(), Ok(mac));
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for s in [
            "",
            "00:0c:29:f1:38",
            "00:0c:29:f1:38:bf:00",
            "0:c:29:f1:38:bf",
            "00:0c:29:f1:38:+f",
            "zz:0c:29:f1:38:bf",
        ] {
            assert!(s.parse::<MacAddr>().is_err(), "{s}");
        }
    }

    #[test]
    fn reserved_groups() {
        assert_eq!("01:80:c2:00:00:0e".parse::<MacAddr>().unwrap().reserved_group(), Some(14));
        assert_eq!("01:80:c2:00:00:10".parse::<MacAddr>().unwrap().reserved_group(), None);
    }
}
