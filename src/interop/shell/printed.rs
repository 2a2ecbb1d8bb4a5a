//! What `ip` and `ifconfig` print.

use super::super::words::{ip_net, mac, vlan_id};
use super::super::{Interface, Kind, Lower, Place, Role, Space};
use super::Context;
use super::ip::{mode_of, route};
use crate::macvlan::{DEFAULT_QUEUE, MacvlanFlags};
use crate::station::IpNet;
use crate::switch::PortState;
use std::net::IpAddr;

/// Whether there is a line that begins the description of an interface.
pub(super) fn begins(text: &str) -> bool {
    text.lines().any(|line| header(line.trim_end()).is_some())
}

/// Reads the interfaces that a command printed, and the routes, into the machine that it was run in.
pub(super) fn read(context: &mut Context<'_>, text: &str, start: usize) {
    let mut name: Option<String> = None;
    // Pasted text can be indented as a whole.
    let mut indent = 0;
    let mut at = start;
    for raw in text.split_inclusive('\n') {
        let span = at..at + raw.trim_end().len();
        at += raw.len();
        let line = raw.trim_end();
        let words: Vec<&str> = line.split_whitespace().collect();
        if let Some(found) = header(line) {
            context.place = Some(Place::new(context.index, span));
            indent = indent_of(line);
            // A pod's first interface is of the network of its cluster.
            let of_cluster = context.machine().role == Role::Pod && found.name == "eth0";
            name = Some(found.name.to_owned()).filter(|_| !of_cluster);
            if found.name != "lo" && !of_cluster {
                begin(context, &found);
                // The old form of ifconfig has the MAC address in the same line.
                if let [_, "Link", .., "HWaddr", address] = words.as_slice() {
                    detail(context, found.name, &["ether", address]);
                }
            }
        } else if let Some(known) = &name
            && indent_of(line) > indent
        {
            let kind = words.first().and_then(|word| word.strip_prefix("link/"));
            match kind.filter(|kind| !matches!(*kind, "ether" | "loopback")) {
                // Tunnels and the like have no Ethernet frames.
                Some(kind) => {
                    context.left_out(&format!("{known}, of type {kind}"));
                    context.machine().interfaces.retain(|interface| interface.name != *known);
                    name = None;
                }
                None => detail(context, known, &words),
            }
        } else {
            name = None;
            add_route(context, &words);
        }
    }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The device that another one is on, as it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Link<'a> {
    Named(&'a str),
    /// By its number, in another namespace.
    Index(u32),
}

/// The line that begins the description of an interface.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) name: &'a str,
    /// `eth0:1`: another address of eth0.
    pub(super) is_alias: bool,
    pub(super) index: Option<u32>,
    pub(super) link: Option<Link<'a>>,
    pub(super) flags: Vec<&'a str>,
    /// Its state is UP.
    pub(super) is_up: bool,
    pub(super) mtu: Option<u32>,
    pub(super) master: Option<&'a str>,
    /// `bridge link` shows it, as a port.
    pub(super) is_port: bool,
    /// Its state as a port.
    pub(super) state: Option<&'a str>,
}

/// `7: mv0@eth0: <BROADCAST,UP,LOWER_UP> mtu 1500 …`, or `eth0: flags=4163<UP,…>  mtu 1500` of ifconfig, or
/// `eth0      Link encap:Ethernet  HWaddr …` of its older versions.
fn header(line: &str) -> Option<Seen<'_>> {
    let line = line.trim_start();
    if let Some((name, _)) = line.split_once(" Link encap:") {
        let name = name.trim_end();
        return Some(seen(name, None, "UP", "")).filter(|_| !name.contains(char::is_whitespace));
    }
    if let Some((name, rest)) = line.split_once(": flags=") {
        let (flags, rest) = rest.split_once('<')?.1.split_once('>')?;
        return Some(seen(name, None, flags, rest));
    }
    let (index, rest) = line.split_once(": ")?;
    let index: u32 = index.parse().ok()?;
    let (name, rest) = rest.split_once(": <")?;
    let (flags, rest) = rest.split_once('>')?;
    let (name, link) = name.split_once('@').map_or((name, None), |(name, link)| (name, Some(link)));
    let number = |link: &str| link.strip_prefix("if").and_then(|number| number.parse().ok());
    let link =
        link.filter(|link| *link != "NONE").map(|link| number(link).map_or(Link::Named(link), Link::Index));
    let plain = !name.is_empty() && !name.contains(char::is_whitespace);
    plain.then_some(Seen { index: Some(index), ..seen(name, link, flags, rest) })
}

fn seen<'a>(name: &'a str, link: Option<Link<'a>>, flags: &'a str, rest: &'a str) -> Seen<'a> {
    let words: Vec<&str> = rest.split_whitespace().collect();
    let after = |key: &str| words.iter().skip_while(|word| **word != key).nth(1).copied();
    let (name, is_alias) = name.split_once(':').map_or((name, false), |(name, _)| (name, true));
    Seen {
        name,
        is_alias,
        index: None,
        link,
        flags: flags.split(',').collect(),
        is_up: after("state") == Some("UP"),
        mtu: after("mtu").and_then(|mtu| mtu.parse().ok()),
        master: after("master"),
        is_port: after("state").is_some() && after("priority").is_some(),
        state: after("state"),
    }
}

/// The description of an interface begins.
pub(super) fn begin(context: &mut Context<'_>, found: &Seen<'_>) {
    let machine = context.machine;
    let interface = context.interface(found.name);
    interface.index = found.index.or(interface.index);
    let flag = |flag: &str| found.flags.contains(&flag);
    // Some copies have lost the word; what has a carrier is up.
    interface.up = Some(flag("UP") || flag("LOWER_UP") || found.is_up);
    // Its addresses follow, if they are shown.
    interface.seen = true;
    interface.listed &= found.is_alias;
    interface.promisc |= flag("PROMISC");
    interface.allmulticast |= flag("ALLMULTI");
    interface.mtu = found.mtu.or(interface.mtu);
    if let Some(master) = found.master {
        interface.master = Some(master.to_owned());
    }
    if found.is_port {
        // The `@` is not to be trusted: it is a name in the wrong namespace.
        interface.port_state = found.state.and_then(kept_state).or(interface.port_state);
        return;
    }
    let lower = found.link.map(|link| match link {
        Link::Named(name) => Lower::Named(machine, name.to_owned()),
        Link::Index(number) => Lower::Index(Space::Host, number),
    });
    // A name of the form X.10 on X is a VLAN, a port of a bridge is a veth; every other interface on another is taken to be
    // a macvlan until its details say more.
    if let (Kind::Nic, Some(lower)) = (&interface.kind, lower) {
        let vlan = found.name.rsplit_once('.').and_then(|(_, id)| vlan_id(id.parse().ok()?));
        interface.kind_guessed = vlan.is_none();
        interface.kind = match (vlan, &lower) {
            (Some(id), Lower::Named(..)) => Kind::Vlan { lower, id },
            (_, Lower::Index(..)) if interface.master.is_some() => Kind::Veth(lower),
            _ => {
                let flags = MacvlanFlags::default();
                Kind::Macvlan { lower, mode: None, tap: false, flags, sources: Vec::new() }
            }
        };
    }
}

/// A line about the interface.
pub(super) fn detail(context: &mut Context<'_>, name: &str, words: &[&str]) {
    if name == "lo" {
        return loopback(context, words);
    }
    let interface = context.interface(name);
    match words {
        ["link/ether" | "ether", address, rest @ ..] => {
            interface.mac = mac(address).or(interface.mac);
            let after = |key: &str| rest.iter().skip_while(|word| **word != key).nth(1).copied();
            let by_id = || after("link-netnsid")?.parse().ok().map(Space::Id);
            let space = after("link-netns").map(|name| Space::Named(name.to_owned())).or_else(by_id);
            if let (Some(given), Some(Lower::Index(space, _))) = (space, interface.refers_to()) {
                *space = given;
            }
        }
        ["inet" | "inet6", address, rest @ ..] => {
            let link_local = |net: &IpNet| matches!(net.addr(), IpAddr::V6(ip) if ip.is_unicast_link_local());
            if !interface.listed {
                interface.listed = true;
                interface.addresses.clear();
            }
            interface.addresses.extend(address_of(address, rest).filter(|net| !link_local(net)));
        }
        [kind @ ("macvlan" | "macvtap"), "mode", mode, rest @ ..] => {
            interface.kind_guessed = false;
            // A port of a bridge is taken for the end of a cable until now.
            if let Kind::Veth(lower) = &interface.kind {
                interface.kind = Interface::macvlan("", lower.clone(), None).kind;
            }
            if let Kind::Macvlan { mode: known, tap, flags, sources, .. } = &mut interface.kind {
                (*known, *tap) = (mode_of(mode), *kind == "macvtap");
                flags.nopromisc = rest.contains(&"nopromisc");
                flags.nodst = rest.contains(&"nodst");
                *sources = rest
                    .iter()
                    .skip_while(|word| **word != "remotes")
                    .filter(|word| word.contains(':'))
                    .filter_map(|word| mac(word))
                    .collect();
            }
            set_queue(interface, rest);
        }
        ["vlan", "protocol", _, "id", id, ..] => {
            let id = id.parse().ok().and_then(vlan_id);
            if let (Some(lower), Some(id)) = (interface.refers_to().cloned(), id) {
                interface.kind = Kind::Vlan { lower, id };
            }
        }
        ["bridge", "forward_delay", ..] => {
            let after = |key: &str| words.iter().skip_while(|word| **word != key).nth(1).copied();
            let ageing =
                after("ageing_time").and_then(|time| time.parse::<u64>().ok()).map(|centi| centi / 100);
            interface.kind = Kind::Bridge {
                vlan_filtering: after("vlan_filtering") == Some("1"),
                ageing: ageing.filter(|seconds| *seconds != 300),
            };
            interface.group_fwd_mask = mask_in(words).unwrap_or_default();
        }
        ["bridge_slave" | "hairpin", rest @ ..] => {
            if let Some(state) = after_word(rest, "state") {
                interface.port_state = kept_state(state).or(interface.port_state);
            }
            interface.group_fwd_mask = mask_in(rest).unwrap_or(interface.group_fwd_mask);
            context.port_flags(name, words);
        }
        ["veth", ..] => {
            if let Some(lower) = interface.refers_to().cloned() {
                interface.kind = Kind::Veth(lower);
            }
        }
        ["dummy", ..] => interface.kind = Kind::Dummy,
        [kind, ..] if FOREIGN.contains(kind) => interface.kind = Kind::Other((*kind).to_owned()),
        // The flags of the old ifconfig.
        [.., mtu, metric] if mtu.starts_with("MTU:") && metric.starts_with("Metric:") => {
            interface.up = Some(words.contains(&"UP"));
            interface.promisc |= words.contains(&"PROMISC");
            interface.allmulticast |= words.contains(&"ALLMULTI");
            interface.mtu = mtu.split_once(':').and_then(|(_, n)| n.parse().ok());
        }
        _ => {}
    }
}

/// A line about the loopback interface: its own addresses are on every machine.
fn loopback(context: &mut Context<'_>, words: &[&str]) {
    if let ["inet" | "inet6", address, rest @ ..] = words
        && let Some(net) = address_of(address, rest).filter(|net| !net.addr().is_loopback())
        && !context.machine().loopback.contains(&net)
    {
        context.machine().loopback.push(net);
    }
}

/// Types of devices that a lab does not have.
pub(super) const FOREIGN: [&str; 22] = [
    "bareudp",
    "bond",
    "can",
    "erspan",
    "geneve",
    "gre",
    "gretap",
    "ip6gre",
    "ip6gretap",
    "ip6tnl",
    "ipip",
    "ipvlan",
    "ipvtap",
    "macsec",
    "nlmon",
    "sit",
    "team",
    "tun",
    "vcan",
    "vrf",
    "vxlan",
    "wireguard",
];

/// The state of a port of a bridge, unless the port has it by itself: disabled is one without a carrier.
fn kept_state(word: &str) -> Option<PortState> {
    match word {
        "listening" => Some(PortState::Listening),
        "learning" => Some(PortState::Learning),
        "blocking" => Some(PortState::Blocking),
        _ => None,
    }
}

fn after_word<'w>(words: &[&'w str], key: &str) -> Option<&'w str> {
    words.iter().skip_while(|word| **word != key).nth(1).copied()
}

/// `group_fwd_mask 0x8`, of a bridge or a port of one.
pub(super) fn mask_in(words: &[&str]) -> Option<u16> {
    let mask = after_word(words, "group_fwd_mask")?;
    match mask.strip_prefix("0x") {
        Some(hex) => u16::from_str_radix(hex, 16).ok(),
        None => mask.parse().ok(),
    }
}

/// Broadcasts to more groups than this share the queue, by default.
const DEFAULT_BCLIM: i32 = 1;

/// `bcqueuelen 2000 bclim 1` of a macvlan. The usual values need no mention.
pub(super) fn set_queue(interface: &mut Interface, words: &[&str]) {
    let length = after_word(words, "bcqueuelen").and_then(|length| length.parse().ok());
    if length.is_some() {
        interface.bcqueuelen = length.filter(|length| *length != DEFAULT_QUEUE);
    }
    let limit = after_word(words, "bclim").and_then(|limit| limit.parse().ok());
    if limit.is_some() {
        interface.bclim = limit.filter(|limit| *limit != DEFAULT_BCLIM);
    }
}

fn address_of(address: &str, rest: &[&str]) -> Option<IpNet> {
    // `inet addr:192.0.2.10 Bcast:192.0.2.255 Mask:255.255.255.0`, `inet6 addr: 2001:db8::1/64`
    if let Some(old) = address.strip_prefix("addr:") {
        let net = ip_net(if old.is_empty() { rest.first()? } else { old })?;
        let mask = rest.iter().find_map(|word| word.strip_prefix("Mask:")?.parse().ok());
        return mask.map_or(Some(net), |mask| IpNet::with_netmask(net.addr(), mask).ok());
    }
    let net = ip_net(address)?;
    let after = |key: &str| rest.iter().skip_while(|word| **word != key).nth(1).copied();
    // Other systems print `netmask 0xffffff00`.
    let hex = |mask: &str| Some(IpAddr::V4(u32::from_str_radix(mask.strip_prefix("0x")?, 16).ok()?.into()));
    if let Some(mask) = after("netmask").and_then(|mask| mask.parse().ok().or_else(|| hex(mask))) {
        return IpNet::with_netmask(net.addr(), mask).ok();
    }
    match after("prefixlen").and_then(|length| length.parse().ok()) {
        Some(length) => IpNet::new(net.addr(), length).ok(),
        None => Some(net),
    }
}

/// Takes a line of `ip route`.
pub(super) fn add_route(context: &mut Context<'_>, words: &[&str]) {
    if let Some(printed) = printed_route(words) {
        let known = &mut context.machine().routes;
        if !known.contains(&printed) {
            known.push(printed);
        }
    }
}

/// A line of `ip route`, unless it is one that the kernel makes by itself.
fn printed_route(words: &[&str]) -> Option<super::super::Route> {
    let is_route =
        words.contains(&"dev") && words.iter().any(|word| ["via", "scope", "proto", "metric"].contains(word));
    let own = words.windows(2).any(|pair| pair == ["proto", "kernel"]);
    if !is_route || own || !words.first()?.chars().all(|c| c.is_ascii_hexdigit() || ".:/defaulth".contains(c))
    {
        return None;
    }
    let route = route(words).filter(|route| route.via.is_some() || route.dev.is_some())?;
    // The metric of an IPv6 route that was made without one.
    let usual = route.to.addr().is_ipv6() && route.metric == Some(1024);
    Some(super::super::Route { metric: route.metric.filter(|_| !usual), ..route })
}
