//! `ip link`, `ip addr`, `ip route`, `ip neigh`, `ip netns`.

use super::super::words::{destination, ip_net, mac, vlan_id};
use super::super::{Check, Draft, Kind, Lower, NoteKind, Role, Route};
use super::Context;
use super::printed::{mask_in, set_queue};
use crate::macvlan::{MacvlanFlags, Mode};
use crate::switch::PortFlag;
use std::net::IpAddr;

impl Context<'_> {
    /// Carries out a command of iproute2.
    pub(super) fn ip(&mut self, words: &[&str]) {
        let mut words = words;
        while let [option, rest @ ..] = words
            && option.starts_with('-')
        {
            let option = option.trim_start_matches('-');
            if matches!(option, "n" | "netns")
                && let [name, rest @ ..] = rest
            {
                self.machine = self.namespace(name);
                words = rest;
                continue;
            }
            words = rest;
        }
        let Some((object, rest)) = words.split_first() else { return };
        match *object {
            "link" | "l" | "li" => self.link(rest),
            "addr" | "address" | "a" | "ad" => self.addr(rest),
            "route" | "r" | "ro" => self.ip_route(rest),
            "neigh" | "neighbor" | "neighbour" | "n" => self.neigh(rest),
            "netns" => self.netns(rest),
            "maddr" | "maddress" => self.maddr(rest),
            "rule" if rest.first().is_some_and(|verb| verb.starts_with('a')) => {
                self.left_out(&format!("ip rule {}: a lab has one routing table", rest.join(" ")));
            }
            _ => {}
        }
    }

    pub(super) fn namespace(&mut self, name: &str) -> usize {
        let place = self.place;
        let at = self.draft.machine(name, Role::Namespace, Some(self.host));
        self.draft.machines[at].place.get_or_insert_with(|| place.unwrap_or(super::Place::new(0, 0..0)));
        at
    }

    fn netns(&mut self, words: &[&str]) {
        match words {
            ["add" | "a", name, ..] => {
                self.namespace(name);
            }
            ["del" | "delete" | "d", name, ..] => {
                if let Some(at) = self.draft.find(name, Some(self.host)) {
                    self.draft.machines[at].interfaces.clear();
                }
            }
            ["exec" | "e" | "ex", name, inner @ ..] => {
                self.machine = self.namespace(name);
                let inner: Vec<String> = inner.iter().map(|word| (*word).to_owned()).collect();
                self.run(&inner);
            }
            _ => {}
        }
    }

    fn link(&mut self, words: &[&str]) {
        match words {
            ["add" | "a", rest @ ..] => self.link_add(rest),
            ["set" | "s", rest @ ..] => self.link_set(rest),
            ["del" | "delete" | "d", rest @ ..] => {
                let name = rest.iter().find(|word| **word != "dev" && **word != "link").copied();
                self.machine().interfaces.retain(|interface| Some(interface.name.as_str()) != name);
            }
            _ => {}
        }
    }

    fn link_add(&mut self, words: &[&str]) {
        let kind_at = words.iter().position(|word| *word == "type");
        let (common, special) = words.split_at(kind_at.unwrap_or(words.len()));
        let Some((kind, special)) = special.get(1..).and_then(<[&str]>::split_first) else { return };
        let (mut name, mut lower, mut settings) = (None, None, Vec::new());
        // Its parent, and the other end of a pair, are where the command is given.
        let (here, mut there) = (self.machine, self.machine);
        let mut common = common.iter().copied();
        while let Some(word) = common.next() {
            match word {
                "link" => lower = common.next(),
                "name" | "dev" => name = common.next(),
                "netns" => there = common.next().map_or(here, |name| self.namespace(name)),
                "address" | "mtu" | "index" | "txqueuelen" => {
                    settings.push((word, common.next().unwrap_or_default()))
                }
                "up" => settings.push(("up", "")),
                word if name.is_none() => name = Some(word),
                _ => {}
            }
        }
        let automatic = format!("{kind}{}", self.machine().interfaces.len());
        let name = name.unwrap_or(&automatic);
        // The kernel refuses a name that is in use (EEXIST). What was only named before is described now.
        let exists = |at: usize, name: &str| {
            self.draft.machines[at].interface(name).is_some_and(|i| i.kind != Kind::Nic)
        };
        if exists(there, name) || peer_of(special).is_some_and(|peer| exists(here, peer)) {
            return;
        }
        let Some(kind) = self.new_kind(kind, lower, special) else { return };
        self.machine = there;
        self.made = Some((there, Some(name.to_owned())));
        let interface = self.interface(name);
        // A device is made down.
        (interface.kind, interface.up) = (kind, Some(false));
        interface.group_fwd_mask = mask_in(special).unwrap_or_default();
        set_queue(interface, special);
        for (key, value) in settings {
            self.set_common(name, key, value);
        }
        if let Some(peer) = peer_of(special) {
            self.machine = here;
            self.add_peer((there, name), peer, special);
        }
    }

    /// The other end of a veth pair, with what is set for it, and perhaps in another namespace.
    fn add_peer(&mut self, (there, name): (usize, &str), peer: &str, special: &[&str]) {
        let end = Lower::Named(there, name.to_owned());
        let here = self.machine;
        let made = self.interface(peer);
        (made.kind, made.up) = (Kind::Veth(end), Some(false));
        let at = special.iter().position(|word| *word == peer).map_or(special.len(), |at| at + 1);
        self.set_common_words(peer, special.get(at..).unwrap_or_default());
        self.machine = here;
    }

    /// What `type KIND …` makes; `None`: nothing that a lab has.
    fn new_kind(&mut self, kind: &str, lower: Option<&str>, special: &[&str]) -> Option<Kind> {
        let machine = self.machine;
        let below = |lower: Option<&str>| Lower::Named(machine, lower.unwrap_or("eth0").to_owned());
        let after = |key: &str| special.iter().skip_while(|word| **word != key).nth(1).copied();
        Some(match kind {
            "macvlan" | "macvtap" => {
                let mode = after("mode");
                let known = mode.and_then(mode_of);
                match (mode, known) {
                    (Some(word), None) => {
                        self.note(
                            NoteKind::Wrong(Check::UnknownMode),
                            format!("ip knows no mode `{word}`, and makes no device"),
                        );
                        return None;
                    }
                    (None, _) => {
                        self.note(NoteKind::Default, "the kernel uses mode vepa where none is given")
                    }
                    _ => {}
                }
                let flags = MacvlanFlags {
                    nopromisc: special.contains(&"nopromisc"),
                    nodst: special.contains(&"nodst"),
                };
                Kind::Macvlan {
                    lower: below(lower),
                    mode: known,
                    tap: kind == "macvtap",
                    flags,
                    sources: Vec::new(),
                }
            }
            "vlan" => match after("id").and_then(|id| id.parse().ok()).and_then(vlan_id) {
                Some(id) => Kind::Vlan { lower: below(lower), id },
                None => {
                    self.left_out("a VLAN device without an id");
                    return None;
                }
            },
            "bridge" => Kind::Bridge {
                vlan_filtering: after("vlan_filtering") == Some("1"),
                ageing: after("ageing_time")
                    .and_then(|time| time.parse::<u64>().ok())
                    .map(|centi| centi / 100),
            },
            "veth" => Kind::Veth(Lower::Named(machine, peer_of(special).unwrap_or("veth1").to_owned())),
            "dummy" | "ifb" => Kind::Dummy,
            kind => {
                self.left_out(&format!("a device of type {kind}"));
                return None;
            }
        })
    }

    fn link_set(&mut self, words: &[&str]) {
        let mut words = words;
        if let ["dev" | "group", rest @ ..] = words {
            words = rest;
        }
        let Some((name, rest)) = words.split_first() else { return };
        // `ip link set up dev eth0`
        let (name, rest): (&str, Vec<&str>) = match words.iter().position(|word| *word == "dev") {
            Some(at) if at > 0 => match words.get(at + 1) {
                Some(dev) => (dev, [&words[..at], words.get(at + 2..).unwrap_or_default()].concat()),
                None => return,
            },
            _ => (name, rest.to_vec()),
        };
        // The loopback interface is always there.
        if name == "lo" {
            return;
        }
        let name = name.to_owned();
        if let Some(at) = rest.iter().position(|word| *word == "type") {
            self.set_common_words(&name, &rest[..at]);
            self.set_special(&name, &rest[at + 1..]);
        } else {
            self.set_common_words(&name, &rest);
        }
    }

    fn set_common_words(&mut self, name: &str, words: &[&str]) {
        let mut name = name.to_owned();
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            match word {
                "up" | "down" | "nomaster" => self.set_common(&name, word, ""),
                "name" => {
                    if let Some(new) = words.next() {
                        rename(self.draft, self.machine, &name, new);
                        name = new.to_owned();
                    }
                }
                "netns" => {
                    if let Some(target) = words.next() {
                        // What else is set is set there.
                        self.machine = self.move_to(&name, target);
                    }
                }
                word => {
                    let value = words.next().unwrap_or_default();
                    self.set_common(&name, word, value);
                }
            }
        }
    }

    fn set_common(&mut self, name: &str, key: &str, value: &str) {
        let interface = self.interface(name);
        match key {
            "up" => interface.up = Some(true),
            "down" => interface.up = Some(false),
            "address" => match mac(value) {
                Some(mac) => interface.mac = Some(mac),
                None => {
                    self.note(NoteKind::Wrong(Check::NotAnAddress), format!("`{value}` is not a MAC address"))
                }
            },
            "mtu" => interface.mtu = value.parse().ok().or(interface.mtu),
            "index" => interface.index = value.parse().ok(),
            "master" => interface.master = Some(value.to_owned()),
            "nomaster" => interface.master = None,
            "promisc" => interface.promisc = value == "on",
            "allmulticast" => interface.allmulticast = value == "on",
            _ => {}
        }
    }

    /// `ip link set DEV type macvlan …`, `type bridge …`, `type bridge_slave …`
    fn set_special(&mut self, name: &str, words: &[&str]) {
        let Some((kind, rest)) = words.split_first() else { return };
        let after = |key: &str| rest.iter().skip_while(|word| **word != key).nth(1).copied();
        let interface = self.interface(name);
        if let ("bridge" | "bridge_slave" | "bridge-slave", Some(mask)) = (*kind, mask_in(rest)) {
            interface.group_fwd_mask = mask;
        }
        match (*kind, &mut interface.kind) {
            ("macvlan" | "macvtap", Kind::Macvlan { mode, sources, flags, .. }) => {
                if let Some(new) = after("mode").and_then(mode_of) {
                    *mode = Some(new);
                }
                flags.nopromisc |= rest.contains(&"nopromisc");
                if let Some(at) = rest.iter().position(|word| *word == "macaddr") {
                    let macs = rest[at + 1..].iter().filter_map(|word| mac(word));
                    match rest.get(at + 1).copied() {
                        Some("add" | "set") => sources.extend(macs),
                        Some("flush") => sources.clear(),
                        Some("del") => {
                            let gone: Vec<_> = macs.collect();
                            sources.retain(|mac| !gone.contains(mac));
                        }
                        _ => {}
                    }
                }
            }
            ("bridge", Kind::Bridge { vlan_filtering, ageing }) => {
                *vlan_filtering = after("vlan_filtering").map_or(*vlan_filtering, |value| value == "1");
                *ageing =
                    after("ageing_time").and_then(|t| t.parse::<u64>().ok()).map(|t| t / 100).or(*ageing);
            }
            ("bridge_slave" | "bridge-slave", _) => self.port_flags(name, rest),
            _ => {}
        }
    }

    /// `hairpin on learning off …`
    pub(super) fn port_flags(&mut self, name: &str, words: &[&str]) {
        let pairs = words.iter().zip(words.iter().skip(1));
        let flags: Vec<(PortFlag, bool)> = pairs
            .filter_map(|(key, value)| {
                let key = if *key == "hairpin_mode" { "hairpin" } else { key };
                let flag = PortFlag::ALL.into_iter().find(|flag| flag.name() == key)?;
                match *value {
                    "on" | "1" | "true" | "yes" => Some((flag, true)),
                    "off" | "0" | "false" | "no" => Some((flag, false)),
                    // `state learning`
                    _ => None,
                }
            })
            .collect();
        let interface = self.interface(name);
        for (flag, on) in flags {
            interface.port_flags.retain(|(known, _)| *known != flag);
            interface.port_flags.push((flag, on));
        }
    }

    /// Moves a device to a namespace, by its name or a process. Returns the machine that it is in.
    fn move_to(&mut self, name: &str, target: &str) -> usize {
        let from = self.machine;
        let target = if target == "1" { self.host } else { self.namespace(target) };
        // If it was not described, it was there before.
        self.interface(name);
        let interfaces = &mut self.draft.machines[from].interfaces;
        if let Some(at) = interfaces.iter().position(|interface| interface.name == name) {
            let mut interface = interfaces.remove(at);
            // Addresses are lost on the way, and the device goes down.
            interface.addresses.clear();
            interface.up = Some(false);
            self.draft.machines[target].interfaces.push(interface);
            refer(self.draft, (from, name), (target, name));
        }
        target
    }

    fn addr(&mut self, words: &[&str]) {
        let Some((verb, rest)) = words.split_first() else { return };
        let dev = rest.iter().skip_while(|word| **word != "dev").nth(1).copied();
        let address = rest.iter().find_map(|word| ip_net(word));
        match (*verb, dev, address) {
            ("add" | "a" | "replace" | "change", Some(dev), Some(address)) => {
                if dev == "lo" {
                    self.machine().loopback.push(address);
                    return;
                }
                let interface = self.interface(dev);
                if !interface.addresses.contains(&address) {
                    interface.addresses.push(address);
                }
            }
            ("del" | "delete" | "d", Some(dev), Some(address)) => {
                self.interface(dev).addresses.retain(|net| net.addr() != address.addr());
            }
            ("flush" | "f", dev, _) => {
                if let Some(dev) = dev.or_else(|| rest.last().copied()) {
                    self.interface(dev).addresses.clear();
                }
            }
            ("add" | "a", _, _) => self.left_out(&format!("ip addr {}", words.join(" "))),
            _ => {}
        }
    }

    fn ip_route(&mut self, words: &[&str]) {
        let Some((verb, rest)) = words.split_first() else { return };
        let is_add = matches!(*verb, "add" | "a" | "replace" | "append" | "change");
        if !is_add && !matches!(*verb, "del" | "delete" | "d") {
            return;
        }
        if let Some(kind @ ("blackhole" | "unreachable" | "prohibit" | "multicast")) = rest.first().copied() {
            return self.left_out(&format!("a {kind} route"));
        }
        match route(rest) {
            Some(route) if is_add => {
                if *verb != "append" {
                    self.machine().routes.retain(|r| r.to != route.to || r.metric != route.metric);
                }
                self.machine().routes.push(route);
            }
            Some(route) => self
                .machine()
                .routes
                .retain(|known| known.to != route.to || route.dev.is_some() && known.dev != route.dev),
            None => self.left_out(&format!("ip route {}", words.join(" "))),
        }
    }

    /// `ip maddr add 01:00:5e:00:00:05 dev eth0`
    fn maddr(&mut self, words: &[&str]) {
        let Some((verb, rest)) = words.split_first() else { return };
        let dev = rest.iter().skip_while(|word| **word != "dev").nth(1);
        let (Some(dev), Some(group)) = (dev, rest.iter().find_map(|word| mac(word))) else { return };
        let groups = &mut self.interface(dev).multicast;
        groups.retain(|known| *known != group);
        if matches!(*verb, "add" | "a") {
            groups.push(group);
        }
    }

    fn neigh(&mut self, words: &[&str]) {
        let Some((verb, rest)) = words.split_first() else { return };
        let after = |key: &str| rest.iter().skip_while(|word| **word != key).nth(1).copied();
        let address = rest.iter().find_map(|word| word.parse::<IpAddr>().ok());
        let (Some(address), Some(dev)) = (address, after("dev")) else { return };
        match (*verb, after("lladdr").and_then(mac)) {
            ("add" | "a" | "replace" | "change", Some(mac)) => {
                self.interface(dev).neighbours.insert(address, mac);
            }
            ("del" | "delete" | "d", _) => {
                self.interface(dev).neighbours.remove(&address);
            }
            _ => {}
        }
    }
}

/// A route from the words after `add`, or as it is printed.
pub(super) fn route(words: &[&str]) -> Option<Route> {
    let words = match words {
        ["to" | "unicast", rest @ ..] => rest,
        words => words,
    };
    let (to, rest) = words.split_first()?;
    let after = |key: &str| rest.iter().skip_while(|word| **word != key).nth(1).copied();
    let via = match after("via") {
        Some("inet" | "inet6") => rest.iter().find_map(|word| word.parse().ok()),
        via => via.and_then(|via| via.parse().ok()),
    };
    Some(Route {
        to: destination(to, via)?,
        via,
        dev: after("dev").map(str::to_owned),
        src: after("src").and_then(|src| src.parse().ok()),
        metric: after("metric").and_then(|metric| metric.parse().ok()),
    })
}

/// A mode as `ip` writes it; libvirt's word is understood.
pub(super) fn mode_of(word: &str) -> Option<Mode> {
    Mode::from_name(word)
}

fn peer_of<'a>(words: &[&'a str]) -> Option<&'a str> {
    match words {
        ["peer", "name" | "dev", name, ..] | ["peer", name, ..] => Some(name),
        _ => None,
    }
}

/// A device has another name from now on.
fn rename(draft: &mut Draft, machine: usize, old: &str, new: &str) {
    draft.machines[machine].interface_mut(old).name = new.to_owned();
    for interface in &mut draft.machines[machine].interfaces {
        if interface.master.as_deref() == Some(old) {
            interface.master = Some(new.to_owned());
        }
    }
    refer(draft, (machine, old), (machine, new));
}

/// Whatever refers to a device refers to its new place.
fn refer(draft: &mut Draft, old: (usize, &str), new: (usize, &str)) {
    for interface in draft.machines.iter_mut().flat_map(|machine| &mut machine.interfaces) {
        if let Some(lower) = interface.refers_to()
            && *lower == Lower::Named(old.0, old.1.to_owned())
        {
            *lower = Lower::Named(new.0, new.1.to_owned());
        }
    }
}
