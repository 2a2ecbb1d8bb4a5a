//! Bonds of NICs.

use super::{DEFAULT_MTU, DeviceKind, DeviceSpec, LabSpec, Name};
use crate::frame::MacAddr;
use crate::station::{IpNet, IpSpec};

/// `[bond.N]`: NICs of which one at a time sends and receives (`ip link add N type bond mode active-backup miimon 100`).
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct BondSpec {
    /// The NICs that are its ports, in order.
    pub ports: Vec<Name>,
    /// The port that is active whenever it can be (`None`: the active one stays as long as it can).
    pub primary: Option<Name>,
    /// Its address, and that of its ports (default: that of its first port).
    pub mac: Option<MacAddr>,
    /// The host that it belongs to; `None`: its IP stack is its own.
    pub host: Option<Name>,
    /// Its host stack's IP configuration.
    pub ip: IpSpec,
    /// Largest payload in bytes (1500), of its ports as well.
    pub mtu: u32,
    /// Administratively up from the start (true).
    pub up: bool,
    /// The bridge of its host of which it is a port.
    pub master: Option<Name>,
}

impl LabSpec {
    /// And a bond. The NICs are declared before it.
    #[must_use]
    pub fn with_bond(mut self, name: &str, with: impl FnOnce(BondSpec) -> BondSpec) -> LabSpec {
        let spec = with(BondSpec { mtu: DEFAULT_MTU, up: true, ..BondSpec::default() });
        self.devices.push(DeviceSpec::new(name, DeviceKind::Bond(spec)));
        self
    }
}

impl BondSpec {
    /// And one more port.
    #[must_use]
    pub fn with_port(mut self, nic: impl Into<Name>) -> BondSpec {
        self.ports.push(nic.into());
        self
    }

    /// With this port as the primary one.
    #[must_use]
    pub fn with_primary(mut self, nic: impl Into<Name>) -> BondSpec {
        self.primary = Some(nic.into());
        self
    }

    /// With this MAC address.
    #[must_use]
    pub fn with_mac(mut self, mac: MacAddr) -> BondSpec {
        self.mac = Some(mac);
        self
    }

    /// With one more IP address.
    #[must_use]
    pub fn with_address(mut self, address: IpNet) -> BondSpec {
        self.ip.address.push(address);
        self
    }

    /// With this MTU, in bytes.
    #[must_use]
    pub fn with_mtu(mut self, mtu: u32) -> BondSpec {
        self.mtu = mtu;
        self
    }

    /// Administratively up from the start, or not.
    #[must_use]
    pub fn with_up(mut self, up: bool) -> BondSpec {
        self.up = up;
        self
    }

    /// As an interface of this host.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<Name>) -> BondSpec {
        self.host = Some(host.into());
        self
    }

    /// A port of this bridge of its host.
    #[must_use]
    pub fn with_master(mut self, master: impl Into<Name>) -> BondSpec {
        self.master = Some(master.into());
        self
    }
}
