//! EtherTypes, as IANA and IEEE 802 assign them.

/// IPv4 (RFC 894).
pub const IPV4: u16 = 0x0800;
/// ARP (RFC 826).
pub const ARP: u16 = 0x0806;
/// A customer VLAN tag (IEEE 802.1Q clause 9.5).
pub const C_VLAN: u16 = 0x8100;
/// IPv6 (RFC 2464).
pub const IPV6: u16 = 0x86dd;
/// MAC control: PAUSE and priority flow control (IEEE 802.3 clause 31).
pub const MAC_CONTROL: u16 = 0x8808;
/// Slow protocols: LACP, OAM (IEEE 802.3 annex 57A).
pub const SLOW_PROTOCOLS: u16 = 0x8809;
/// 802.1X authentication (IEEE 802.1X clause 11).
pub const EAPOL: u16 = 0x888e;
/// A service VLAN tag (IEEE 802.1Q clause 9.5).
pub const S_VLAN: u16 = 0x88a8;
/// For local experiments (IEEE 802 clause 9.2.3).
pub const LOCAL_EXPERIMENTAL: u16 = 0x88b5;
/// LLDP (IEEE 802.1AB clause 7).
pub const LLDP: u16 = 0x88cc;
