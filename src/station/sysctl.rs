//! Settings of interfaces, by their names under `net.ipv4.conf` and `net.ipv6.conf`.

/// A setting of an interface. Its value is 0 by default, as in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Sysctl {
    /// Which ARP requests are answered. 0: for any address of the host; 1: for one of the interface; 2: for one of the
    /// interface in the sender's subnet; 3: as 0, except for addresses of scope `host`, which a lab does not have; 4 to 7:
    /// as 0; 8: none.
    ArpIgnore,
    /// The source address of ARP requests. 0: that of the packet to send; 1: the same, if it is in the target's subnet on
    /// the interface; 2: always the interface's best one.
    ArpAnnounce,
    /// 1: ARP requests are answered only on the interface by which packets for the sender leave.
    ArpFilter,
    /// 1: a gratuitous ARP request announces each IPv4 address when the interface comes up, or has a new MAC address.
    ArpNotify,
    /// 1: the same for IPv6, by an unsolicited neighbour advertisement.
    NdiscNotify,
    /// Source validation of IPv4 packets (RFC 3704). 0: none; 1: packets to the source leave by the same interface
    /// (strict); 2: there is a route to the source (loose).
    RpFilter,
    /// 1: ARP requests for addresses that the host forwards to by another interface are answered.
    ProxyArp,
}

impl Sysctl {
    /// All of them.
    pub const ALL: [Sysctl; 7] = [
        Sysctl::ArpIgnore,
        Sysctl::ArpAnnounce,
        Sysctl::ArpFilter,
        Sysctl::ArpNotify,
        Sysctl::NdiscNotify,
        Sysctl::RpFilter,
        Sysctl::ProxyArp,
    ];

    /// Its name: `arp_ignore`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Sysctl::ArpIgnore => "arp_ignore",
            Sysctl::ArpAnnounce => "arp_announce",
            Sysctl::ArpFilter => "arp_filter",
            Sysctl::ArpNotify => "arp_notify",
            Sysctl::NdiscNotify => "ndisc_notify",
            Sysctl::RpFilter => "rp_filter",
            Sysctl::ProxyArp => "proxy_arp",
        }
    }

    /// Its highest value.
    #[must_use]
    pub const fn max(self) -> u8 {
        match self {
            Sysctl::ArpIgnore => 8,
            Sysctl::ArpAnnounce | Sysctl::RpFilter => 2,
            Sysctl::ArpFilter | Sysctl::ArpNotify | Sysctl::NdiscNotify | Sysctl::ProxyArp => 1,
        }
    }
}

/// The settings of one interface, or of all interfaces of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sysctls([u8; Sysctl::ALL.len()]);

impl Sysctls {
    /// The value of a setting.
    #[must_use]
    pub const fn get(self, sysctl: Sysctl) -> u8 {
        self.0[sysctl as usize]
    }

    /// Whether a setting is on: not 0.
    #[must_use]
    pub const fn is_on(self, sysctl: Sysctl) -> bool {
        self.get(sysctl) != 0
    }

    /// Changes a setting.
    pub const fn set(&mut self, sysctl: Sysctl, value: u8) {
        self.0[sysctl as usize] = value;
    }

    /// The settings in effect on an interface: the higher value of its own and the one for `all` (`IN_DEV_MAXCONF`,
    /// `IN_DEV_ORCONF`).
    #[must_use]
    pub fn with_all(self, all: Sysctls) -> Sysctls {
        Sysctls(std::array::from_fn(|index| self.0[index].max(all.0[index])))
    }
}
