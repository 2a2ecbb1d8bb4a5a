//! What the networks where macvlan fails in practice do at a port, beyond a switch's work (rules P1 to P5).

use super::{Policy, Port};
use crate::frame::{EthHeader, ethertype};
use crate::verdict::Rule;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

impl Port {
    /// The rule by which the network takes nothing of this from the NIC.
    pub(super) fn policy_in(&self, frame: &[u8], header: &EthHeader) -> Result<(), Rule> {
        self.policy.map_or(Ok(()), |policy| self.takes(policy, frame, header))
    }

    fn takes(&self, policy: Policy, frame: &[u8], header: &EthHeader) -> Result<(), Rule> {
        let (ok, rule) = match policy {
            Policy::VirtualSwitch { accepts, .. } => {
                self.unchanged(accepts.mac_changes)?;
                (accepts.forged_transmits || header.src == self.effective, Rule::PolicyForged)
            }
            Policy::Wifi => (header.src == self.assigned.mac, Rule::PolicyWifi),
            Policy::Cloud => {
                (header.src == self.assigned.mac && self.owns_ip(frame, header), Rule::PolicyCloud)
            }
        };
        if ok { Ok(()) } else { Err(rule) }
    }

    /// The rule by which the network gives nothing of this to the NIC.
    pub(super) fn policy_out(&self, header: &EthHeader) -> Result<(), Rule> {
        self.policy.map_or(Ok(()), |policy| self.gives(policy, header))
    }

    fn gives(&self, policy: Policy, header: &EthHeader) -> Result<(), Rule> {
        let (ok, rule) = match policy {
            Policy::VirtualSwitch { accepts, .. } => {
                self.unchanged(accepts.mac_changes)?;
                (accepts.promiscuous || header.dst == self.effective, Rule::PolicyPromiscuous)
            }
            Policy::Wifi => (header.dst == self.assigned.mac, Rule::PolicyWifi),
            Policy::Cloud => (header.dst == self.assigned.mac, Rule::PolicyCloud),
        };
        if ok || header.dst.is_multicast() { Ok(()) } else { Err(rule) }
    }

    fn unchanged(&self, changes_accepted: bool) -> Result<(), Rule> {
        let ok = changes_accepted || self.effective == self.assigned.mac;
        if ok { Ok(()) } else { Err(Rule::PolicyMacChange) }
    }

    /// The source IP address is an assigned one, or one that needs no assignment: none yet, or link-local. Frames that
    /// carry no IP have none to check; those too short to show theirs are refused.
    fn owns_ip(&self, frame: &[u8], header: &EthHeader) -> bool {
        let (kind, at) = EthHeader::payload(frame).unwrap_or((header.ethertype, frame.len()));
        let payload = frame.get(at..).unwrap_or_default();
        let source = match kind {
            ethertype::IPV4 => bytes(payload, 12).map(|a: [u8; 4]| IpAddr::V4(Ipv4Addr::from(a))),
            // The sender's addresses of Ethernet and IPv4 (RFC 826): hardware at 8, protocol at 14.
            ethertype::ARP => bytes(payload, 14).map(|a: [u8; 4]| IpAddr::V4(Ipv4Addr::from(a))),
            ethertype::IPV6 => bytes(payload, 8).map(|a: [u8; 16]| IpAddr::V6(Ipv6Addr::from(a))),
            _ => return true,
        };
        let own_hardware = kind != ethertype::ARP || bytes(payload, 8) == Some(self.assigned.mac.0);
        own_hardware
            && source.is_some_and(|ip| {
                let free = match ip {
                    IpAddr::V4(ip) => ip.is_unspecified() || ip.is_link_local(),
                    IpAddr::V6(ip) => ip.is_unspecified() || ip.is_unicast_link_local(),
                };
                free || self.assigned.ips.contains(&ip)
            })
    }
}

/// `N` bytes from an offset on, if they are there.
fn bytes<const N: usize>(payload: &[u8], at: usize) -> Option<[u8; N]> {
    payload.get(at..)?.first_chunk().copied()
}
