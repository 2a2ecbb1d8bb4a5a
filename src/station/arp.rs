//! ARP for IPv4 on Ethernet (RFC 826).

use crate::frame::MacAddr;
use etherparse::{ArpEthIpv4Packet, ArpOperation, ArpPacketSlice};
use std::net::Ipv4Addr;

/// A request or a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arp {
    pub(super) request: bool,
    pub(super) sender_mac: MacAddr,
    pub(super) sender_ip: Ipv4Addr,
    pub(super) target_mac: MacAddr,
    pub(super) target_ip: Ipv4Addr,
}

impl Arp {
    /// `None`: not about IPv4 on Ethernet, neither request nor reply, or truncated.
    pub(super) fn parse(payload: &[u8]) -> Option<Arp> {
        let arp = ArpPacketSlice::from_slice(payload).ok()?.to_packet().try_eth_ipv4().ok()?;
        let request = match arp.operation {
            ArpOperation::REQUEST => true,
            ArpOperation::REPLY => false,
            _ => return None,
        };
        Some(Arp {
            request,
            sender_mac: MacAddr(arp.sender_mac),
            sender_ip: arp.sender_ipv4.into(),
            target_mac: MacAddr(arp.target_mac),
            target_ip: arp.target_ipv4.into(),
        })
    }

    /// The 28 bytes.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        ArpEthIpv4Packet {
            operation: if self.request { ArpOperation::REQUEST } else { ArpOperation::REPLY },
            sender_mac: self.sender_mac.0,
            sender_ipv4: self.sender_ip.octets(),
            target_mac: self.target_mac.0,
            target_ipv4: self.target_ip.octets(),
        }
        .to_bytes()
        .to_vec()
    }

    /// A request for `target_ip`.
    pub(super) fn request(sender_mac: MacAddr, sender_ip: Ipv4Addr, target_ip: Ipv4Addr) -> Arp {
        Arp { request: true, sender_mac, sender_ip, target_mac: MacAddr::ZERO, target_ip }
    }

    /// The reply to this request from the owner of the requested address.
    pub(super) fn answer(&self, own_mac: MacAddr) -> Arp {
        Arp {
            request: false,
            sender_mac: own_mac,
            sender_ip: self.target_ip,
            target_mac: self.sender_mac,
            target_ip: self.sender_ip,
        }
    }

    /// Whether it announces the sender's own address; a reply must name the sender as its target too (the kernel's
    /// `arp_is_garp`).
    pub(super) fn is_gratuitous(&self) -> bool {
        self.sender_ip == self.target_ip && (self.request || self.sender_mac == self.target_mac)
    }
}
