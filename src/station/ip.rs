//! IP addresses with their prefix length, and the IP configuration of interfaces.

use super::Sysctls;
use crate::frame::MacAddr;
use std::collections::BTreeMap;
use std::net::IpAddr;

pub use ipnet::IpNet;

/// The IP configuration of a device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IpSpec {
    /// Its IP addresses; none, and no host: the device only sends injected frames and records received ones.
    pub address: Vec<IpNet>,
    /// Default routers: at most one for each family.
    pub gateway: Vec<IpAddr>,
    /// Static neighbour entries.
    pub neighbours: BTreeMap<IpAddr, MacAddr>,
    /// Its settings.
    pub sysctls: Sysctls,
}

/// This IP address, and nothing else.
impl From<IpNet> for IpSpec {
    fn from(address: IpNet) -> IpSpec {
        IpSpec { address: vec![address], ..IpSpec::default() }
    }
}

impl IpSpec {
    /// 02:42 and the first IPv4 address, as Docker up to 27 did; without one, derived from the device's name.
    #[must_use]
    pub fn default_mac(&self, name: &str) -> MacAddr {
        let v4 = self.address.iter().find_map(|n| match n.addr() {
            IpAddr::V4(a) => Some(a),
            IpAddr::V6(_) => None,
        });
        v4.map_or_else(|| default_mac(name), MacAddr::docker)
    }
}

/// A locally administered MAC address derived from a device's name, the same in every run: 02, then 40 bits of an
/// FNV-1a hash.
#[must_use]
pub fn default_mac(name: &str) -> MacAddr {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    MacAddr::from_u64(0x0200_0000_0000 | (hash ^ (hash >> 40)) & 0xff_ffff_ffff)
}
