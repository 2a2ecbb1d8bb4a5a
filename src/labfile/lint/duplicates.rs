//! Addresses that two devices of one broadcast domain have.

use super::Lint;
use super::domain::{DomainId, Member};
use super::places::Mark;
use crate::frame::MacAddr;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// MAC addresses. Devices that share one by design, as a NIC and its passthru port, have the same owner.
pub(super) fn macs(lint: &mut Lint<'_, '_>, members: &[Member<'_>]) {
    let mut first: BTreeMap<(DomainId, MacAddr), &Member<'_>> = BTreeMap::new();
    for member in members {
        let Some(mac) = member.device.mac else { continue };
        let taken = *first.entry((member.domain, mac)).or_insert(member);
        let given = |m: &Member<'_>| lint.places.get(&m.device.name).is_some_and(|place| place.has("mac"));
        // Two that are made from IP addresses are the same because these are.
        if taken.owner == member.owner || !(given(taken) || given(member)) {
            continue;
        }
        let at = |m: &Member<'_>| lint.places.get(&m.device.name).map(|place| place.value("mac"));
        let message = format!("the MAC address {mac} is used twice in one broadcast domain");
        let help = "frames reach only one of the two devices: use different addresses";
        lint.warn("duplicate-mac", at(member), message, help, of(at(taken), taken));
    }
}

/// IP addresses.
pub(super) fn ips(lint: &mut Lint<'_, '_>, members: &[Member<'_>]) {
    let mut first: BTreeMap<(DomainId, IpAddr), (&Member<'_>, usize)> = BTreeMap::new();
    for member in members {
        for (index, net) in member.device.address.iter().enumerate() {
            let ip = net.addr();
            let (taken, before) = *first.entry((member.domain, ip)).or_insert((member, index));
            if taken.owner == member.owner {
                continue;
            }
            let at = |m: &Member<'_>, index| {
                lint.places.get(&m.device.name).map(|place| place.element("address", index))
            };
            let message = format!("the IP address {ip} is used twice in one broadcast domain");
            let help = "other devices reach only one of the two: use different addresses";
            lint.warn("duplicate-ip", at(member, index), message, help, of(at(taken, before), taken));
        }
    }
}

fn of(mark: Option<Mark>, device: &Member<'_>) -> Option<(Mark, String)> {
    mark.map(|mark| (mark, format!("`{}` has it already", device.device.name)))
}
