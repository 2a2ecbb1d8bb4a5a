//! What container engines do with the settings of a network, in whatever form they get them.

use super::words::{ip_net, pool, range_of};
use super::{Check, Draft, Network, NoteKind, Place};
use crate::macvlan::Mode;
use std::net::IpAddr;

/// The options of the driver that engines know.
const OPTIONS: [&str; 7] =
    ["parent", "macvlan_mode", "mode", "mtu", "com.docker.network.driver.mtu", "ipvlan_mode", "bclim"];

/// Sets the mode to this word, or to the default.
pub(super) fn mode(network: &mut Network, tool: &str, word: Option<&str>, place: Option<Place>) {
    let Some(word) = word else {
        if network.driver == "macvlan" {
            let text = format!("{tool} uses mode bridge where none is given");
            network.note(NoteKind::Default, text, place);
        }
        return;
    };
    match Mode::from_name(word).filter(|mode| *mode != Mode::Source || tool == "podman") {
        Some(mode) => network.mode = mode,
        None => {
            let text =
                format!("{tool} refuses the mode `{word}`: it knows bridge, private, vepa and passthru");
            network.note(NoteKind::Wrong(Check::UnknownMode), text, place);
        }
    }
}

/// Sets what one option of the driver says, and tells of one that it does not know; `shown` is how it was written.
pub(super) fn option(network: &mut Network, name: &str, value: &str, shown: &str, place: Option<Place>) {
    match name {
        "parent" if !value.is_empty() => network.parent = Some(value.to_owned()),
        "mtu" | "com.docker.network.driver.mtu" => network.ports.mtu = value.parse().ok(),
        name if OPTIONS.contains(&name) => {}
        _ => {
            let text = format!("`{shown}` is no option of the driver, which ignores it");
            network.note(NoteKind::Wrong(Check::IgnoredSetting), text, place);
        }
    }
}

/// A network without a subnet gets one, unless its IPAM driver gives no addresses, or DHCP does.
pub(super) fn free_subnet(
    draft: &mut Draft,
    network: &mut Network,
    driver: Option<&str>,
    place: Option<Place>,
) {
    network.ports.dhcp = driver == Some("dhcp");
    let is_without = matches!(driver, Some("dhcp" | "null" | "none"));
    if !network.pools.is_empty() || network.driver != "macvlan" || is_without {
        return;
    }
    let used = draft.networks.iter().flat_map(|n| &n.pools).count();
    let third = u8::try_from(18 + used % 14).unwrap_or(18);
    let subnet = format!("172.{third}.0.0/16");
    let text = format!("no subnet is given; the engine takes a free one, such as {subnet}");
    network.note(NoteKind::Guess, text, place);
    network.pools.extend(pool(draft, &subnet, place));
}

/// Addresses are given out from this range.
pub(super) fn range(network: &mut Network, text: &str, place: Option<Place>) {
    // Podman takes the first and last address, too.
    if let Some((first, last)) = text.split_once('-')
        && let (Ok(first), Ok(last)) = (first.parse::<IpAddr>(), last.parse::<IpAddr>())
        && let Some(pool) = network.pools.iter_mut().find(|pool| pool.subnet.contains(&first))
        && pool.subnet.contains(&last)
    {
        pool.range = Some((first, last));
        return;
    }
    let found = ip_net(text).and_then(|net| {
        let pool = network.pools.iter_mut().find(|pool| pool.subnet.contains(&net.addr()))?;
        pool.range = Some(range_of(net));
        Some(net)
    });
    match found {
        None => {
            let text = format!("the range {text} is in no subnet of the network");
            network.note(NoteKind::Wrong(Check::OutsideSubnet), text, place);
        }
        Some(net) if net.trunc() != net => {
            let text = format!("the range {net} has host bits: it is {}", net.trunc());
            network.note(NoteKind::Wrong(Check::HostBits), text, place);
        }
        Some(_) => {}
    }
}

/// The default router of the subnet that it is in.
pub(super) fn gateway(network: &mut Network, text: &str, place: Option<Place>) {
    let gateway: Option<IpAddr> = text.split('/').next().and_then(|ip| ip.parse().ok());
    let pools = &mut network.pools;
    match gateway.and_then(|ip| pools.iter_mut().find(|p| p.subnet.contains(&ip)).zip(Some(ip))) {
        Some((pool, ip)) => pool.gateway = Some(ip),
        None => {
            let text = format!("the gateway {text} is in no subnet of the network");
            network.note(NoteKind::Wrong(Check::OutsideSubnet), text, place);
        }
    }
}

/// An address that is not given out.
pub(super) fn reserve(network: &mut Network, address: &str) {
    if let Ok(ip) = address.parse::<IpAddr>()
        && let Some(pool) = network.pools.iter_mut().find(|pool| pool.subnet.contains(&ip))
    {
        pool.reserved.push(ip);
    }
}

/// Docker gives the first address of a subnet to the gateway.
pub(super) fn default_gateways(network: &mut Network, place: Option<Place>) {
    if network.internal || network.driver != "macvlan" {
        return;
    }
    let mut told = Vec::new();
    for pool in network.pools.iter_mut().filter(|pool| pool.gateway.is_none()) {
        let first = pool.subnet.hosts().next().filter(|first| pool.subnet.addr() != *first);
        if let Some(first) = first {
            pool.gateway = Some(first);
            told.push(format!("no gateway is given; the engine takes the first address, {first}"));
        }
    }
    told.into_iter().for_each(|text| network.note(NoteKind::Default, text, place));
}
