//! What `ip` and `ifconfig` print.

use super::super::words::mac;
use super::super::{Kind, Lower, Place};
use super::Context;
use super::ip::{mode_of, route};
use crate::frame::VlanId;
use crate::macvlan::MacvlanFlags;
use crate::station::IpNet;
use std::net::IpAddr;

/// Whether there is a line that begins the description of an interface.
pub(super) fn begins(text: &str) -> bool {
    text.lines().any(|line| header(line.trim_end()).is_some())
}

/// Reads the interfaces that a command printed, and the routes, into the machine that it was run in.
pub(super) fn read(context: &mut Context<'_>, text: &str, start: usize) {
    let mut name: Option<String> = None;
    let mut at = start;
    for raw in text.split_inclusive('\n') {
        let span = at..at + raw.trim_end().len();
        at += raw.len();
        let line = raw.trim_end();
        if let Some(found) = header(line) {
            context.place = Some(Place::new(context.index, span));
            name = Some(found.name.to_owned());
            if found.name == "lo" {
                name = None;
                continue;
            }
            begin(context, &found);
        } else if let Some(name) = &name
            && line.starts_with([' ', '\t'])
        {
            detail(context, name, line.trim());
        } else if let Some(printed) = printed_route(line) {
            name = None;
            let known = &mut context.machine().routes;
            if !known.contains(&printed) {
                known.push(printed);
            }
        } else {
            name = None;
        }
    }
}

/// The line that begins the description of an interface.
struct Header<'a> {
    name: &'a str,
    index: Option<u32>,
    /// After the `@`: a name, or `if` and a number in another namespace.
    link: Option<&'a str>,
    flags: &'a str,
    rest: &'a str,
}

/// `7: mv0@eth0: <BROADCAST,UP,LOWER_UP> mtu 1500 …`, or `eth0: flags=4163<UP,…>  mtu 1500` of ifconfig.
fn header(line: &str) -> Option<Header<'_>> {
    if line.starts_with([' ', '\t']) {
        return None;
    }
    if let Some((name, rest)) = line.split_once(": flags=") {
        let flags = rest.split_once('<')?.1.split_once('>')?;
        return Some(Header { name, index: None, link: None, flags: flags.0, rest: flags.1 });
    }
    let (index, rest) = line.split_once(": ")?;
    let index: u32 = index.parse().ok()?;
    let (name, rest) = rest.split_once(": <")?;
    let (flags, rest) = rest.split_once('>')?;
    let (name, link) = match name.split_once('@') {
        Some((name, link)) => (name, Some(link)),
        None => (name, None),
    };
    let plain = !name.is_empty() && !name.contains(char::is_whitespace);
    plain.then_some(Header { name, index: Some(index), link, flags, rest })
}

fn begin(context: &mut Context<'_>, found: &Header<'_>) {
    let machine = context.machine;
    let lower = match found.link.map(|link| (link, link.strip_prefix("if").and_then(|n| n.parse().ok()))) {
        None | Some(("NONE", _)) => None,
        Some((_, Some(number))) => Some(Lower::Index(None, number)),
        Some((link, None)) => Some(Lower::Named(machine, link.to_owned())),
    };
    let interface = context.interface(found.name);
    interface.index = found.index.or(interface.index);
    interface.addresses.clear();
    let flag = |flag: &str| found.flags.split(',').any(|known| known == flag);
    // Some copies have lost the word; what has a carrier is up.
    interface.up = Some(flag("UP") || flag("LOWER_UP") || found.rest.contains(" state UP "));
    interface.seen = true;
    interface.promisc |= flag("PROMISC");
    interface.allmulticast |= flag("ALLMULTI");
    let mut words = found.rest.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "mtu" => interface.mtu = words.next().and_then(|mtu| mtu.parse().ok()).filter(|mtu| *mtu != 1500),
            "master" => interface.master = words.next().map(str::to_owned),
            _ => {}
        }
    }
    // A name of the form X.10 on X is a VLAN; every other interface on another is taken to be a macvlan until its details
    // say more.
    if let (Kind::Nic, Some(lower)) = (&interface.kind, lower) {
        let vlan = found.name.rsplit_once('.').and_then(|(_, id)| VlanId::new(id.parse().ok()?));
        interface.kind = match (vlan, &lower) {
            (Some(id), Lower::Named(..)) => Kind::Vlan { lower, id },
            _ => {
                let flags = MacvlanFlags::default();
                Kind::Macvlan { lower, mode: None, tap: false, flags, sources: Vec::new() }
            }
        };
    }
}

/// A line about the interface.
fn detail(context: &mut Context<'_>, name: &str, line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let interface = context.interface(name);
    match words.as_slice() {
        ["link/ether" | "ether", address, ..] => interface.mac = mac(address).or(interface.mac),
        ["inet" | "inet6", address, rest @ ..] => {
            let link_local = |net: &IpNet| matches!(net.addr(), IpAddr::V6(ip) if ip.is_unicast_link_local());
            interface.addresses.extend(address_of(address, rest).filter(|net| !link_local(net)));
        }
        [kind @ ("macvlan" | "macvtap"), "mode", mode, ..] => {
            if let Kind::Macvlan { mode: known, tap, flags, .. } = &mut interface.kind {
                (*known, *tap) = (mode_of(mode), *kind == "macvtap");
                flags.nopromisc = words.contains(&"nopromisc");
            }
        }
        ["vlan", "protocol", _, "id", id, ..] => {
            let id = id.parse().ok().and_then(VlanId::new);
            if let (Some(lower), Some(id)) = (interface.lower().cloned(), id) {
                interface.kind = Kind::Vlan { lower, id };
            }
        }
        ["bridge", "forward_delay", ..] => {
            let filtering = words.windows(2).any(|pair| pair == ["vlan_filtering", "1"]);
            interface.kind = Kind::Bridge { vlan_filtering: filtering, ageing: None };
        }
        ["bridge_slave", rest @ ..] => {
            let rest: Vec<&str> = rest.to_vec();
            context.port_flags(name, &rest);
        }
        ["veth", ..] => {
            if let Some(lower) = interface.lower().cloned() {
                interface.kind = Kind::Veth(lower);
            }
        }
        ["dummy", ..] => interface.kind = Kind::Dummy,
        _ => {}
    }
}

fn address_of(address: &str, rest: &[&str]) -> Option<IpNet> {
    let net = super::super::words::ip_net(address)?;
    let after = |key: &str| rest.iter().skip_while(|word| **word != key).nth(1).copied();
    if let Some(mask) = after("netmask").and_then(|mask| mask.parse().ok()) {
        return IpNet::with_netmask(net.addr(), mask).ok();
    }
    match after("prefixlen").and_then(|length| length.parse().ok()) {
        Some(length) => IpNet::new(net.addr(), length).ok(),
        None => Some(net),
    }
}

/// A line of `ip route`, unless it is one that the kernel makes by itself.
fn printed_route(line: &str) -> Option<super::super::Route> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_route =
        words.contains(&"dev") && words.iter().any(|word| ["via", "scope", "proto", "metric"].contains(word));
    let own = words.windows(2).any(|pair| pair == ["proto", "kernel"]);
    if !is_route || own || !words.first()?.chars().all(|c| c.is_ascii_hexdigit() || ".:/defaulth".contains(c))
    {
        return None;
    }
    route(&words).filter(|route| route.via.is_some() || route.dev.is_some())
}
