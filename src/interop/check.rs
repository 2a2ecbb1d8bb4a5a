//! What can be wrong with a set-up, by stable names.

/// A kind of mistake, or of trouble to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Check {
    /// A mode that the tool does not know.
    UnknownMode,
    /// A setting that the tool ignores.
    IgnoredSetting,
    /// A subnet or a range that is not the lowest address of itself.
    HostBits,
    /// An address, a range or a gateway that is in no subnet of its network.
    OutsideSubnet,
    /// What is no address, subnet or number.
    NotAnAddress,
    /// A published port of a container on a macvlan network.
    PublishedPort,
    /// Addresses that several nodes give out by themselves.
    NodeLocalRange,
    /// An MTU above the parent's.
    MtuAboveParent,
    /// A parent that is missing, or cannot be one.
    BadParent,
    /// A passthru port beside others.
    PassthruShared,
}

impl Check {
    /// All of them.
    pub const ALL: &[Check] = &[
        Check::UnknownMode,
        Check::IgnoredSetting,
        Check::HostBits,
        Check::OutsideSubnet,
        Check::NotAnAddress,
        Check::PublishedPort,
        Check::NodeLocalRange,
        Check::MtuAboveParent,
        Check::BadParent,
        Check::PassthruShared,
    ];

    /// Its name, which stays the same: `unknown-mode`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Check::UnknownMode => "unknown-mode",
            Check::IgnoredSetting => "ignored-setting",
            Check::HostBits => "host-bits",
            Check::OutsideSubnet => "outside-subnet",
            Check::NotAnAddress => "not-an-address",
            Check::PublishedPort => "published-port",
            Check::NodeLocalRange => "node-local-range",
            Check::MtuAboveParent => "mtu-above-parent",
            Check::BadParent => "bad-parent",
            Check::PassthruShared => "passthru-shared",
        }
    }
}
