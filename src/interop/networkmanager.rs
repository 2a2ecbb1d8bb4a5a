//! NetworkManager's keyfiles (`/etc/NetworkManager/system-connections/*.nmconnection`): one connection, or several one after
//! another.

use super::ini::{self, Ini, Section, is_yes};
use super::words::{destination, ip_net, mac, vlan_id};
use super::{
    Check, Draft, Format, Interface, Kind, Lower, NoteKind, Origin, Place, ReadError, Route, Source,
};
use crate::macvlan::Mode;
use crate::switch::PortFlag;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The keyfiles of NetworkManager.
pub(super) struct NetworkManager;

impl Format for NetworkManager {
    fn name(&self) -> &'static str {
        "networkmanager"
    }

    fn about(&self) -> &'static str {
        "keyfiles of NetworkManager (.nmconnection), also several in one text"
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        let mut lines = source.text.lines().map(str::trim);
        source.first_word().starts_with('[')
            && lines.any(|line| line == "[connection]")
            && lines.any(|line| line.starts_with("type"))
    }

    fn read(&self, source: &Source<'_>, index: usize, draft: &mut Draft) -> Result<(), ReadError> {
        let ini = ini::read(source.text, index, |name| name.ends_with(".nmconnection"));
        ini.note_more(draft);
        let Ini { sections, stray, .. } = ini;
        if let Some((line, place)) = stray.first() {
            let line: String = line.chars().take(60).collect();
            let message = format!(
                "`{line}` is not a key-value pair, group, or comment: NetworkManager refuses the file"
            );
            return Err(ReadError { message, place: Some(*place) });
        }
        let units: Vec<&[Section<'_>]> = units(&sections);
        // Connections refer to one another by UUID, by the interface's name, or by their own.
        let mut names = BTreeMap::new();
        for unit in &units {
            let connection = Connection { unit, names: &BTreeMap::new() };
            let name = connection.name();
            names.extend(connection.value("connection", "id").map(|id| (id.to_owned(), name.clone())));
            names.extend(connection.value("connection", "uuid").map(|uuid| (uuid.to_owned(), name)));
        }
        let host = draft.host();
        for unit in units {
            if draft.is_full() {
                break;
            }
            Connection { unit, names: &names }.read(draft, host);
        }
        Ok(())
    }
}

fn units<'s, 'a>(sections: &'s [Section<'a>]) -> Vec<&'s [Section<'a>]> {
    let starts = sections.iter().enumerate().filter(|(_, section)| section.name == "connection");
    let mut starts: Vec<usize> = starts.map(|(at, _)| at).collect();
    // What stands before the first is a part of it.
    if let Some(first) = starts.first_mut() {
        *first = 0;
    }
    let ends = starts.iter().copied().skip(1).chain([sections.len()]);
    starts.iter().zip(ends).map(|(start, end)| &sections[*start..end]).collect()
}

struct Connection<'s, 'a> {
    unit: &'s [Section<'a>],
    names: &'s BTreeMap<String, String>,
}

impl<'s> Connection<'s, '_> {
    fn section(&self, name: &str) -> Option<&'s Section<'_>> {
        self.unit.iter().find(|section| section.name == name)
    }

    fn value(&self, section: &str, key: &str) -> Option<&'s str> {
        self.unit.iter().filter(|s| s.name == section).find_map(|section| section.value(key))
    }

    /// The interface's name; a connection without one gets its own as the name.
    fn name(&self) -> String {
        let name = self.value("connection", "interface-name").or_else(|| self.value("connection", "id"));
        name.unwrap_or("eth0").to_owned()
    }

    fn interface_of(&self, reference: &str) -> String {
        self.names.get(reference).cloned().unwrap_or_else(|| reference.to_owned())
    }

    fn read(&self, draft: &mut Draft, host: usize) {
        let (Some(section), Some(kind)) = (self.section("connection"), self.value("connection", "type"))
        else {
            return;
        };
        let (name, place) = (self.name(), section.place);
        let mut notes = Vec::new();
        let kind = match kind {
            "macvlan" => match self.macvlan(draft, host, &mut notes) {
                Some(kind) => kind,
                None => return,
            },
            "vlan" => {
                let id = self.value("vlan", "id").and_then(|id| id.parse().ok()).and_then(vlan_id);
                let (Some(parent), Some(id)) = (self.value("vlan", "parent"), id) else {
                    let text = format!("`{name}`: a VLAN needs `parent` and `id`: NetworkManager refuses it");
                    return draft.note(NoteKind::Wrong(Check::IgnoredSetting), text, Some(place));
                };
                Kind::Vlan { lower: Lower::Named(host, self.interface_of(parent)), id }
            }
            "bridge" => Kind::Bridge {
                vlan_filtering: self.value("bridge", "vlan-filtering").is_some_and(is_yes),
                ageing: self.value("bridge", "ageing-time").and_then(|time| time.parse().ok()),
            },
            "dummy" => Kind::Dummy,
            "ethernet" | "802-3-ethernet" => Kind::Nic,
            "loopback" => return,
            kind => {
                return draft.note(
                    NoteKind::LeftOut,
                    format!("`{name}`: a connection of type {kind}"),
                    Some(place),
                );
            }
        };
        let master = self.value("connection", "controller").or_else(|| self.value("connection", "master"));
        let interface = draft.machines[host].interface_mut(&name);
        (interface.kind, interface.place, interface.up) = (kind, Some(place), Some(true));
        let connection = self.value("connection", "id").unwrap_or(&name).to_owned();
        interface.origin = Some(Origin::NetworkManager { connection });
        interface.master = master.map(|master| self.interface_of(master));
        let ethernet = |key| self.value("ethernet", key).or_else(|| self.value("802-3-ethernet", key));
        let own =
            ethernet("cloned-mac-address").and_then(mac).or_else(|| ethernet("mac-address").and_then(mac));
        interface.mac = own.filter(|mac| !mac.is_multicast() && !mac.is_zero());
        interface.mtu = ethernet("mtu").and_then(|mtu| mtu.parse().ok()).filter(|mtu| *mtu != 0);
        if let Some(value) = self.value("bridge-port", "hairpin-mode") {
            interface.port_flags.push((PortFlag::Hairpin, is_yes(value)));
        }
        for (kind, text) in notes {
            interface.note(kind, text);
        }
        if interface.master.is_none() {
            self.ip(draft, host, &name);
        }
    }

    fn macvlan(&self, draft: &mut Draft, host: usize, notes: &mut Vec<(NoteKind, String)>) -> Option<Kind> {
        let (name, section) = (self.name(), self.section("macvlan"));
        let place = section.or(self.unit.first()).map(|section| section.place);
        let says = |key: &str| section.and_then(|section| section.value(key));
        let wrong = |draft: &mut Draft, check, text: String| draft.note(NoteKind::Wrong(check), text, place);
        let hardware = self.value("ethernet", "mac-address").and_then(mac);
        let parent = match (says("parent"), hardware) {
            (Some(parent), _) => self.interface_of(parent),
            (None, Some(_)) => {
                notes.push((
                    NoteKind::Guess,
                    "its parent is given by a MAC address: taken to be eth0".to_owned(),
                ));
                "eth0".to_owned()
            }
            (None, None) => {
                let text = format!("`{name}`: a macvlan needs `parent`: NetworkManager refuses it");
                wrong(draft, Check::BadParent, text);
                return None;
            }
        };
        let mode = match says("mode") {
            Some("1") => Mode::Vepa,
            Some("2") => Mode::Bridge,
            Some("3") => Mode::Private,
            Some("4") => Mode::Passthru,
            Some("5") => Mode::Source,
            word => {
                let word = word.map_or("no `mode`".to_owned(), |word| format!("mode `{word}`"));
                let text = format!(
                    "`{name}`: {word}; a keyfile has 1 (vepa), 2 (bridge), 3 (private), 4 (passthru) or 5 (source), \
                     and no port is made without"
                );
                wrong(draft, Check::UnknownMode, text);
                return None;
            }
        };
        let nopromisc = says("promiscuous").is_some_and(|word| !is_yes(word));
        if nopromisc && mode != Mode::Passthru {
            let text = format!(
                "`{name}`: `promiscuous=false` is for mode 4 (passthru) only: NetworkManager refuses the connection"
            );
            wrong(draft, Check::IgnoredSetting, text);
            return None;
        }
        let mut port = Interface::macvlan(name, Lower::Named(host, parent), Some(mode));
        if let Kind::Macvlan { tap, flags, .. } = &mut port.kind {
            (*tap, flags.nopromisc) = (says("tap").is_some_and(is_yes), nopromisc);
        }
        Some(port.kind)
    }

    fn ip(&self, draft: &mut Draft, host: usize, name: &str) {
        for family in ["ipv4", "ipv6"] {
            let Some(section) = self.section(family) else { continue };
            if family == "ipv4" && section.value("method").unwrap_or("auto") == "auto" {
                draft.machines[host].interface_mut(name).dynamic = true;
            }
            if section.value("method") == Some("shared") {
                draft.machines[host].forwarding = true;
            }
            for entry in section.entries.iter().filter(|entry| is_numbered(entry.key, "address")) {
                self.address(draft, host, name, &entry.value, entry.place);
            }
            if let Some(entry) = section.last("gateway") {
                gateway(draft, host, name, &entry.value, entry.place);
            }
            for entry in section.entries.iter().filter(|entry| is_numbered(entry.key, "route")) {
                let parts: Vec<&str> = entry.value.split(',').map(str::trim).collect();
                let via = parts
                    .get(1)
                    .and_then(|via| via.parse::<IpAddr>().ok())
                    .filter(|via| !via.is_unspecified());
                let Some(to) = parts.first().and_then(|to| destination(to, via)) else { continue };
                let metric = parts.get(2).and_then(|metric| metric.parse().ok());
                let route = Route { to, via, dev: Some(name.to_owned()), src: None, metric };
                draft.machines[host].routes.push(route);
            }
        }
    }

    /// `192.0.2.9/24,192.0.2.1`: the gateway is after the comma. Several are separated by semicolons.
    fn address(&self, draft: &mut Draft, host: usize, name: &str, value: &str, place: Place) {
        for one in value.split(';').map(str::trim).filter(|one| !one.is_empty()) {
            let (address, router) = one.split_once(',').unwrap_or((one, ""));
            let Some(net) = ip_net(address.trim()) else {
                let text = format!("`{address}` is not an address");
                draft.note(NoteKind::Wrong(Check::NotAnAddress), text, Some(place));
                continue;
            };
            let interface = draft.machines[host].interface_mut(name);
            if !interface.addresses.contains(&net) {
                interface.addresses.push(net);
            }
            if !router.trim().is_empty() {
                gateway(draft, host, name, router, place);
            }
        }
    }
}

/// `address`, `addresses`, `address1`
fn is_numbered(key: &str, name: &str) -> bool {
    let end = key.strip_prefix(name);
    end.is_some_and(|end| end.is_empty() || end == "es" || end.bytes().all(|b| b.is_ascii_digit()))
}

fn gateway(draft: &mut Draft, host: usize, name: &str, text: &str, place: Place) {
    match text.trim().parse::<IpAddr>() {
        Ok(gateway) => draft.gateway(host, name, gateway, Some(place)),
        Err(_) => {
            let text = format!("`{text}` is not an address");
            draft.note(NoteKind::Wrong(Check::NotAnAddress), text, Some(place));
        }
    }
}
