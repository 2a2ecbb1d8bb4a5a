//! MAC addresses that no device can have, where the kernel accepts them.

use super::Lint;
use crate::frame::MacAddr;
use crate::lab::spec::LabSpec;
use std::net::IpAddr;

fn what(mac: MacAddr) -> &'static str {
    if mac.is_zero() { "the zero address" } else { "a group address" }
}

/// Static neighbours.
pub(super) fn neighbours(lint: &mut Lint<'_, '_>, spec: &LabSpec) {
    for (device, ip) in spec.stacks() {
        for (neighbour, mac) in ip.neighbours.iter().filter(|(_, mac)| !mac.is_valid_station()) {
            let same = |text: &str| text.parse() == Ok::<IpAddr, _>(*neighbour);
            let at = lint.places.get(device).map(|place| place.entry("neighbours", same));
            let message = format!("the MAC address of the neighbour {neighbour} is {}", what(*mac));
            lint.warn(
                "group-mac",
                at,
                message,
                "no device has such an address: use that of the neighbour",
                None,
            );
        }
    }
}

/// Entries of the forwarding databases. The zero address is refused.
pub(super) fn entries(lint: &mut Lint<'_, '_>, spec: &LabSpec) {
    for switch in &spec.switches {
        for (index, entry) in switch.fdb.iter().enumerate().filter(|(_, entry)| entry.mac.is_multicast()) {
            let at = lint.places.get(&switch.name).map(|place| place.element("fdb", index));
            let message = format!("the switch does not use the entry of {}", entry.mac);
            lint.warn("group-mac", at, message, "it floods frames for group addresses", None);
        }
    }
}
