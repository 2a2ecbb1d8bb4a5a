//! Addresses as people and tools write them.

use super::draft::{Draft, Pool};
use super::{Check, NoteKind, Place};
use crate::frame::{MacAddr, VlanId};
use crate::station::IpNet;
use std::net::IpAddr;

/// An address with its prefix length; without one, the address alone.
pub(super) fn ip_net(text: &str) -> Option<IpNet> {
    match text.split_once('/') {
        None => text.parse::<IpAddr>().ok().map(IpNet::from),
        Some((address, length)) => {
            let address: IpAddr = address.parse().ok()?;
            match length.parse::<u8>() {
                Ok(length) => IpNet::new(address, length).ok(),
                // A netmask in place of a length.
                Err(_) => IpNet::with_netmask(address, length.parse().ok()?).ok(),
            }
        }
    }
}

/// The destinations of a route: `default` is everything of the gateway's family.
pub(super) fn destination(text: &str, via: Option<IpAddr>) -> Option<IpNet> {
    match text {
        "default" | "0/0" | "any" if via.is_some_and(|via| via.is_ipv6()) => ip_net("::/0"),
        "default" | "0/0" | "any" | "0.0.0.0" => ip_net("0.0.0.0/0"),
        text => ip_net(text).map(|net| net.trunc()),
    }
}

/// A MAC address, with any of the usual separators, with or without leading zeros.
pub(super) fn mac(text: &str) -> Option<MacAddr> {
    let parts: Vec<&str> = text.split([':', '-']).collect();
    if let [one] = parts.as_slice() {
        let hex: String = one.chars().filter(|c| *c != '.').collect();
        return (hex.len() == 12).then(|| u64::from_str_radix(&hex, 16).ok().map(MacAddr::from_u64))?;
    }
    let bytes: Option<Vec<u8>> = parts.iter().map(|part| u8::from_str_radix(part, 16).ok()).collect();
    bytes?.try_into().ok().map(MacAddr)
}

/// The first and the last address of a range written as a subnet.
pub(super) fn range_of(net: IpNet) -> (IpAddr, IpAddr) {
    (net.network(), net.broadcast())
}

/// The subnet that is exactly this range, if there is one.
pub(super) fn range_text((first, last): (IpAddr, IpAddr)) -> Option<IpNet> {
    let longest = if first.is_ipv4() { 32 } else { 128 };
    (0..=longest)
        .filter_map(|length| IpNet::new(first, length).ok())
        .find(|net| range_of(*net) == (first, last))
}

/// An address, and all after it.
pub(super) fn successors(from: IpAddr) -> impl Iterator<Item = IpAddr> {
    std::iter::successors(Some(from), |ip| match ip {
        IpAddr::V4(ip) => ip.to_bits().checked_add(1).map(|bits| IpAddr::V4(bits.into())),
        IpAddr::V6(ip) => ip.to_bits().checked_add(1).map(|bits| IpAddr::V6(bits.into())),
    })
}

/// A subnet of a managed network. Host bits are what the tool ignores; they are noted.
pub(super) fn pool(draft: &mut Draft, text: &str, place: Option<Place>) -> Option<Pool> {
    let Some(net) = ip_net(text) else {
        draft.note(NoteKind::Wrong(Check::NotAnAddress), format!("`{text}` is not a subnet"), place);
        return None;
    };
    if net.trunc() != net {
        let text = format!("the subnet {net} has host bits: it is {}", net.trunc());
        draft.note(NoteKind::Wrong(Check::HostBits), text, place);
    }
    Some(Pool { subnet: net.trunc(), range: None, gateway: None, reserved: Vec::new(), fixed: None })
}

/// The VLAN of a sub-interface or a port: 1 to 4094.
pub(super) fn vlan_id(id: u16) -> Option<VlanId> {
    VlanId::new(id).filter(|id| (1..=4094).contains(&id.get()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let is = |text: &str, net: &str| assert_eq!(ip_net(text), net.parse().ok(), "{text}");
        is("192.0.2.1/24", "192.0.2.1/24");
        is("192.0.2.1", "192.0.2.1/32");
        is("192.0.2.1/255.255.255.0", "192.0.2.1/24");
        is("2001:db8::1/64", "2001:db8::1/64");
        for bad in ["", "/", "192.0.2.1/33", "192.0.2/24", "192.0.2.1/255.0.255.0"] {
            assert_eq!(ip_net(bad), None, "{bad}");
        }
        let eight = MacAddr([0, 0x0c, 0x29, 0xf1, 0x38, 8]);
        for text in ["00:0c:29:f1:38:08", "0:c:29:F1:38:8", "00-0C-29-F1-38-08", "000c.29f1.3808"] {
            assert_eq!(mac(text), Some(eight), "{text}");
        }
        for bad in ["", "00:0c:29:f1:38", "00:0c:29:f1:38:zz", "00:0c:29:f1:38:08:09", "000:c:29:f1:38:08x"] {
            assert_eq!(mac(bad), None, "{bad}");
        }
    }
}
