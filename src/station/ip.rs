//! Addresses with their subnet.

use crate::frame::MacAddr;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// An IP address with the length of its subnet's prefix: 0 to 32 bits, or 0 to 128.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IpNet {
    addr: IpAddr,
    prefix: u8,
}

impl IpNet {
    /// An address in a subnet of this prefix length, in bits; `None`: addresses of its family are not that long.
    #[must_use]
    pub const fn new(addr: IpAddr, prefix: u8) -> Option<IpNet> {
        if prefix <= IpNet::longest(addr) { Some(IpNet { addr, prefix }) } else { None }
    }

    /// The longest prefix of the address's family, in bits.
    #[must_use]
    pub const fn longest(addr: IpAddr) -> u8 {
        if addr.is_ipv4() { 32 } else { 128 }
    }

    /// The address.
    #[must_use]
    pub const fn addr(&self) -> IpAddr {
        self.addr
    }

    /// The length of the prefix, in bits.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether `other` lies in this address's subnet.
    #[must_use]
    pub fn contains(&self, other: IpAddr) -> bool {
        match (self.addr, other) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let host_bits = 32 - u32::from(self.prefix);
                u64::from(a.to_bits() ^ b.to_bits()) >> host_bits == 0
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let host_bits = 128 - u32::from(self.prefix);
                host_bits == 128 || (a.to_bits() ^ b.to_bits()) >> host_bits == 0
            }
            _ => false,
        }
    }
}

impl fmt::Display for IpNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.prefix)
    }
}

/// A text that is not an IP address with the length of a prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IP address with a prefix length, as in \"192.0.2.1/24\" or \"2001:db8::1/64\"")]
pub struct BadIpNet(pub String);

impl FromStr for IpNet {
    type Err = BadIpNet;

    fn from_str(text: &str) -> Result<IpNet, BadIpNet> {
        let parse = |text: &str| {
            let (addr, prefix) = text.split_once('/')?;
            let digits = prefix.bytes().all(|b| b.is_ascii_digit());
            IpNet::new(addr.parse().ok()?, prefix.parse().ok().filter(|_| digits)?)
        };
        parse(text).ok_or_else(|| BadIpNet(text.to_owned()))
    }
}

/// What a device with an IP stack is configured with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IpSpec {
    /// Its addresses; none: the device only sends what is injected and records what it receives.
    pub address: Vec<IpNet>,
    /// Default routers: at most one for each family.
    pub gateway: Vec<IpAddr>,
    /// Static neighbour entries.
    pub neighbours: BTreeMap<IpAddr, MacAddr>,
}

/// This address, and nothing else.
impl From<IpNet> for IpSpec {
    fn from(address: IpNet) -> IpSpec {
        IpSpec { address: vec![address], ..IpSpec::default() }
    }
}

impl IpSpec {
    /// 02:42 and the first IPv4 address, as Docker up to 27 did; without one, made from the device's name.
    #[must_use]
    pub fn default_mac(&self, name: &str) -> MacAddr {
        let v4 = self.address.iter().find_map(|n| match n.addr {
            IpAddr::V4(a) => Some(a),
            IpAddr::V6(_) => None,
        });
        v4.map_or_else(|| default_mac(name), MacAddr::docker)
    }
}

/// A locally administered address made from a device's name, the same in every run: 02, then 40 bits of an FNV-1a hash.
#[must_use]
pub fn default_mac(name: &str) -> MacAddr {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    MacAddr::from_u64(0x0200_0000_0000 | (hash ^ (hash >> 40)) & 0xff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_again() {
        for text in ["10.0.0.1/0", "10.0.0.1/32", "fd00::1/128"] {
            assert_eq!(text.parse::<IpNet>().map(|net| net.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/+8", "fd00::1/129", "/8", "10.0/8"]
        {
            assert_eq!(text.parse::<IpNet>(), Err(BadIpNet(text.to_owned())));
        }
    }

    #[test]
    fn no_prefix_is_longer_than_its_addresses() {
        let (v4, v6): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [0xfd; 16].into());
        assert_eq!((IpNet::new(v4, 33), IpNet::new(v6, 129)), (None, None));
        for (addr, other) in [(v4, [10, 0, 0, 2].into()), (v6, [0xfe; 16].into())] {
            let net = |prefix| IpNet::new(addr, prefix).unwrap();
            let longest = net(IpNet::longest(addr));
            assert!(longest.contains(addr) && !longest.contains(other));
            assert!(net(0).contains(other));
        }
    }
}
