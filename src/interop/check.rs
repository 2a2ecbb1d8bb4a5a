//! What can be wrong with a set-up, by stable names.

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// As designed, and often a surprise.
    Info,
    /// It works, but probably not as it was meant.
    Warning,
    /// It does not work.
    Error,
}

impl Severity {
    /// Its word: `info`, `warning`, `error`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// Declares the checks: variant, name, severity, title, and what it is.
macro_rules! checks {
    ($($(#[$doc:meta])* $variant:ident = $id:literal, $severity:ident, $title:literal;)*) => {
        /// A kind of mistake, or of trouble to come.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Check {
            $($(#[$doc])* $variant,)*
        }

        impl Check {
            /// All of them.
            pub const ALL: &[Check] = &[$(Check::$variant,)*];

            /// Its name, which stays the same: `unknown-mode`.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self {
                    $(Check::$variant => $id,)*
                }
            }

            /// How bad it is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self {
                    $(Check::$variant => Severity::$severity,)*
                }
            }

            /// A title of a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self {
                    $(Check::$variant => $title,)*
                }
            }
        }
    };
}

checks! {
    /// A mode that the tool does not know.
    UnknownMode = "unknown-mode", Error, "A mode that the tool does not know";
    /// A setting that the tool ignores.
    IgnoredSetting = "ignored-setting", Warning, "A setting that the tool ignores";
    /// A subnet or a range that is not the lowest address of itself.
    HostBits = "host-bits", Warning, "A subnet or range with host bits";
    /// An address, a range or a gateway that is in no subnet of its network.
    OutsideSubnet = "outside-subnet", Error, "An address outside of its subnet";
    /// What is no address, subnet or number.
    NotAnAddress = "not-an-address", Error, "Not an address";
    /// A published port of a container on a macvlan network.
    PublishedPort = "published-port", Warning, "A published port without effect";
    /// Addresses that several nodes give out by themselves.
    NodeLocalRange = "node-local-range", Error, "Several nodes give out the same addresses";
    /// An MTU above the parent's.
    MtuAboveParent = "mtu-above-parent", Error, "An MTU above the parent's";
    /// A parent that is missing, or cannot be one.
    BadParent = "bad-parent", Error, "A parent that is missing or cannot be one";
    /// A network without a parent.
    NoParent = "no-parent", Warning, "A network without a parent";
    /// Behind a port is a machine with another MAC address.
    MacBehind = "mac-behind", Error, "A machine with another MAC address behind a port";
    /// A passthru port beside others.
    PassthruShared = "passthru-shared", Error, "A passthru port beside others";
    /// A parent that is a port of a bridge or bond, or that has other uses (`EBUSY`).
    ParentBusy = "parent-busy", Error, "The parent is in use otherwise";
    /// A device that the kernel refuses, for another reason.
    Refused = "refused", Error, "The kernel refuses a device";
    /// A MAC address that is used twice.
    DuplicateMac = "duplicate-mac", Error, "A MAC address that two devices have";
    /// An IP address that is used twice.
    DuplicateIp = "duplicate-ip", Error, "An IP address that two devices have";
    /// A gateway that is in no subnet of its device.
    GatewayOutside = "gateway-outside", Error, "A gateway outside of the subnet";
    /// A gateway whose address no device has.
    GatewayMissing = "gateway-missing", Warning, "A gateway that no device has";
    /// A MAC address of an entry that no device can have.
    GroupMac = "group-mac", Error, "A MAC address that no device can have";
    /// A host and a port on its own NIC do not reach each other.
    HostIsolated = "host-isolated", Warning, "The host does not reach its own ports";
    /// vepa ports of one parent do not reach each other, because the switch does not reflect.
    VepaWithoutHairpin = "vepa-without-hairpin", Error, "vepa ports behind a switch without hairpin";
    /// Ports of one parent do not reach each other, because one is private.
    PrivateIsolated = "private-isolated", Info, "Private ports do not reach each other";
    /// Ports of one parent do not reach each other, for another reason.
    PortsApart = "ports-apart", Error, "Ports of one parent do not reach each other";
    /// The network outside drops the MAC addresses of ports, as hypervisors, access points and clouds do.
    ForeignMac = "foreign-mac", Error, "The network filters the ports' MAC addresses";
    /// A NIC of a virtual machine, whose virtual switch drops frames of ports as it comes.
    VirtualNic = "virtual-nic", Info, "A host that is a virtual machine";
    /// A frame's VLAN is not allowed at a switch port, or at a device.
    VlanApart = "vlan-apart", Error, "A VLAN ends at a switch port";
    /// A device on the way is down, or has no carrier.
    DeviceDown = "device-down", Error, "A device is down";
    /// A machine has no route to another one, or back.
    NoRoute = "no-route", Error, "A route is missing";
    /// A neighbour entry has a MAC address that its device does not have.
    NeighbourWrong = "neighbour-wrong", Error, "A neighbour entry is wrong";
    /// A device does not reach another one, for another reason.
    Unreachable = "unreachable", Error, "A device does not reach another";
}

impl Check {
    /// The check of this name.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Check> {
        Check::ALL.iter().copied().find(|check| check.id() == id)
    }
}
