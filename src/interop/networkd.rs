//! `.netdev` and `.network` files of systemd-networkd: several inputs, or several files in one.

use super::ini::{self, Ini, Section, is_yes};
use super::pattern::matches;
use super::shell::{add_vlans, vlan_range};
use super::words::{destination, ip_net, mac, vlan_id};
use super::{
    Check, Draft, Format, Interface, Kind, Lower, NoteKind, Origin, Place, ReadError, Route, Source,
};
use crate::frame::VlanId;
use crate::macvlan::Mode;
use crate::switch::PortFlag;
use std::net::IpAddr;

/// The files of systemd-networkd.
pub(super) struct Networkd;

/// Maximum number of lines that are told to be no assignments.
const MAX_STRAY: usize = 50;

/// What is noted as long as only a .network file names a device.
const NOT_DESCRIBED: &str = "no .netdev file describes it; without one networkd does not make it";

/// What is noted as long as only a .netdev file names a device.
const NOT_MATCHED: &str = "no .network file matches it, so networkd leaves it down";

impl Format for Networkd {
    fn name(&self) -> &'static str {
        "networkd"
    }

    fn about(&self) -> &'static str {
        ".netdev and .network files of systemd-networkd, also several in one text"
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        let has = |section: &str| source.text.lines().any(|line| line.trim() == section);
        has("[NetDev]") || has("[Match]") && (has("[Network]") || has("[Link]") || has("[Address]"))
    }

    fn read(&self, source: &Source<'_>, index: usize, draft: &mut Draft) -> Result<(), ReadError> {
        let is_file =
            |name: &str| [".netdev", ".network", ".link", ".conf"].iter().any(|end| name.ends_with(end));
        let ini = ini::read(source.text, index, is_file);
        ini.note_more(draft);
        let Ini { sections, stray, .. } = ini;
        if !sections.iter().any(|section| matches!(section.name, "NetDev" | "Match")) {
            let place = stray.first().map(|(_, place)| *place);
            return Err(ReadError { message: "no section [NetDev] or [Match]".into(), place });
        }
        let host = draft.host();
        for (line, place) in stray.into_iter().take(MAX_STRAY) {
            let line: String = line.chars().take(60).collect();
            let text = format!("`{line}`: networkd ignores a line that is no assignment in a section");
            draft.note(NoteKind::Wrong(Check::IgnoredSetting), text, Some(place));
        }
        for unit in units(&sections) {
            if draft.is_full() {
                break;
            }
            let mut reader = Reader { draft: &mut *draft, host, unit };
            if reader.section("NetDev").is_some() {
                reader.netdev();
            } else {
                reader.network();
            }
        }
        Ok(())
    }
}

/// The flags of a bridge's port, in the section `[Bridge]` of its `.network` file.
pub(super) const PORT_FLAGS: [(&str, PortFlag); 5] = [
    ("HairPin", PortFlag::Hairpin),
    ("Isolated", PortFlag::Isolated),
    ("Learning", PortFlag::Learning),
    ("UnicastFlood", PortFlag::Flood),
    ("MulticastFlood", PortFlag::McastFlood),
];

/// The sections of each file. Where no line names the files, one begins with `[NetDev]` or `[Match]`.
fn units<'s, 'a>(sections: &'s [Section<'a>]) -> Vec<&'s [Section<'a>]> {
    let mut starts = vec![0];
    for (at, section) in sections.iter().enumerate().skip(1) {
        let before = &sections[at - 1];
        let begins = match section.name {
            "Match" => true,
            "NetDev" => before.name != "Match",
            _ => false,
        };
        if section.file != before.file || begins {
            starts.push(at);
        }
    }
    let ends = starts.iter().copied().skip(1).chain([sections.len()]);
    starts.iter().zip(ends).map(|(start, end)| &sections[*start..end]).collect()
}

struct Reader<'r, 'a> {
    draft: &'r mut Draft,
    host: usize,
    unit: &'r [Section<'a>],
}

impl<'r, 'a> Reader<'r, 'a> {
    fn section(&self, name: &str) -> Option<&'r Section<'a>> {
        self.unit.iter().find(|section| section.name == name)
    }

    fn sections(&self, name: &'static str) -> impl Iterator<Item = &'r Section<'a>> + use<'r, 'a> {
        self.unit.iter().filter(move |section| section.name == name)
    }

    fn value(&self, section: &str, key: &str) -> Option<&'r str> {
        self.unit.iter().rev().filter(|s| s.name == section).find_map(|section| section.value(key))
    }

    fn note(&mut self, kind: NoteKind, text: impl Into<String>, place: Place) {
        self.draft.note(kind, text, Some(place));
    }

    fn interface(&mut self, name: &str) -> &mut Interface {
        self.draft.machines[self.host].interface_mut(name)
    }

    /// A device that networkd makes.
    fn netdev(&mut self) {
        let Some(section) = self.section("NetDev") else { return };
        let place = section.place;
        let (Some(name), Some(kind)) = (self.value("NetDev", "Name"), self.value("NetDev", "Kind")) else {
            let text = "a .netdev file without Name= or Kind=: networkd ignores it";
            return self.note(NoteKind::Wrong(Check::IgnoredSetting), text, place);
        };
        // A .network file may have been read before, which says what is below.
        let known = self.draft.machines[self.host].interface(name);
        let lower = known.and_then(Interface::lower).cloned();
        let is_matched = known.is_some_and(|known| known.up == Some(true));
        let lower = lower.unwrap_or_else(|| Lower::Named(self.host, String::new()));
        let mut notes = Vec::new();
        let made = match kind {
            "macvlan" | "macvtap" => Some(self.macvlan(name, kind == "macvtap", lower, &mut notes)),
            "vlan" => match self.value("VLAN", "Id").and_then(|id| id.parse().ok()).and_then(vlan_id) {
                Some(id) => Some(Kind::Vlan { lower, id }),
                None => {
                    let text = format!("`{name}`: a VLAN needs Id= from 1 to 4094: networkd makes no device");
                    self.note(NoteKind::Wrong(Check::IgnoredSetting), text, place);
                    None
                }
            },
            "bridge" => Some(Kind::Bridge {
                vlan_filtering: self.value("Bridge", "VLANFiltering").is_some_and(is_yes),
                ageing: self
                    .value("Bridge", "AgeingTimeSec")
                    .and_then(|time| time.trim_end_matches('s').parse().ok()),
            }),
            "dummy" => Some(Kind::Dummy),
            "veth" => self.veth(name),
            kind => {
                self.note(NoteKind::LeftOut, format!("`{name}`: a device of kind {kind}"), place);
                None
            }
        };
        let Some(kind) = made else { return };
        let mac = self.value("NetDev", "MACAddress").and_then(mac).filter(|mac| !mac.is_multicast());
        let mtu = self.value("NetDev", "MTUBytes").and_then(|mtu| mtu.parse().ok());
        let interface = self.interface(name);
        interface.notes.retain(|note| note.text != NOT_DESCRIBED);
        (interface.kind, interface.place) = (kind, Some(place));
        interface.origin = Some(Origin::Networkd { device: name.to_owned() });
        (interface.mac, interface.mtu) = (mac.or(interface.mac), mtu.or(interface.mtu));
        for (kind, text) in notes {
            interface.note(kind, text);
        }
        if !is_matched {
            interface.up = Some(false);
            interface.note(NoteKind::Default, NOT_MATCHED);
        }
    }

    fn macvlan(&mut self, name: &str, tap: bool, lower: Lower, notes: &mut Vec<(NoteKind, String)>) -> Kind {
        let (own, other) = if tap { ("MACVTAP", "MACVLAN") } else { ("MACVLAN", "MACVTAP") };
        if let Some(section) = self.section(other) {
            let text = format!("`{name}`: networkd ignores [{other}] here, where [{own}] holds");
            self.note(NoteKind::Wrong(Check::IgnoredSetting), text, section.place);
        }
        let word = self.value(own, "Mode");
        let mode = word.and_then(Mode::from_name);
        match (word, mode) {
            (None, _) => {
                let text = "networkd leaves the mode to the kernel where none is given, which uses vepa";
                notes.push((NoteKind::Default, text.to_owned()));
            }
            (Some(word), None) => {
                let text = format!("networkd knows no mode `{word}` and ignores it, so the kernel uses vepa");
                notes.push((NoteKind::Wrong(Check::UnknownMode), text));
            }
            _ => {}
        }
        let mut port = Interface::macvlan(name, lower, mode);
        if let Kind::Macvlan { tap: is_tap, sources, .. } = &mut port.kind {
            *is_tap = tap;
            let listed = self.sections(own).flat_map(|section| section.all("SourceMACAddress"));
            let words = listed.flat_map(|entry| entry.value.split_whitespace().map(mac).collect::<Vec<_>>());
            sources.extend(words.flatten());
        }
        port.kind
    }

    fn veth(&mut self, name: &str) -> Option<Kind> {
        let peer = self.value("Peer", "Name").filter(|peer| *peer != name)?;
        let (end, mac) =
            (Lower::Named(self.host, name.to_owned()), self.value("Peer", "MACAddress").and_then(mac));
        let other = self.interface(peer);
        (other.kind, other.mac) = (Kind::Veth(end), mac);
        Some(Kind::Veth(Lower::Named(self.host, peer.to_owned())))
    }

    /// What networkd does with a device.
    fn network(&mut self) {
        let Some(section) = self.section("Match") else { return };
        if let Some(name) = self.value("Link", "Name") {
            // A .link file gives the device a name.
            let mac = self.value("Match", "MACAddress").and_then(mac);
            let interface = self.interface(name);
            interface.mac = interface.mac.or(mac);
            interface.place = interface.place.or(Some(section.place));
            return;
        }
        for name in self.matched(section) {
            let mac = self.value("Match", "MACAddress").and_then(mac);
            let link_mac = self.value("Link", "MACAddress").and_then(mac_of_device);
            let mtu = self.value("Link", "MTUBytes").and_then(|mtu| mtu.parse().ok());
            let says = |key| self.value("Link", key).is_some_and(is_yes);
            let (promisc, allmulticast) = (says("Promiscuous"), says("AllMulticast"));
            let is_down =
                self.value("Link", "ActivationPolicy").is_some_and(|policy| policy.contains("down"));
            let interface = self.interface(&name);
            interface.place = interface.place.or(Some(section.place));
            interface.notes.retain(|note| note.text != NOT_MATCHED);
            interface.mac = link_mac.or(interface.mac).or(mac);
            interface.mtu = mtu.or(interface.mtu);
            (interface.promisc, interface.allmulticast) = (promisc, allmulticast);
            interface.up = Some(!is_down);
            self.stack(&name);
            self.addresses(&name);
            self.routes(&name);
            self.bridge_port(&name);
        }
    }

    /// The names that `[Match]` stands for: devices that are known, or one that is not.
    fn matched(&mut self, section: &Section<'_>) -> Vec<String> {
        let known: Vec<String> =
            self.draft.machines[self.host].interfaces.iter().map(|i| i.name.clone()).collect();
        let patterns: Vec<String> = section
            .all("Name")
            .iter()
            .flat_map(|entry| entry.value.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        let mut names = Vec::new();
        for pattern in patterns.iter().filter(|pattern| !pattern.starts_with('!')) {
            if !pattern.contains(['*', '?', '[']) {
                names.push(pattern.clone());
                continue;
            }
            let found: Vec<&String> = known.iter().filter(|name| matches(pattern, name)).collect();
            if found.is_empty() {
                let end = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
                let name = format!("{}0", &pattern[..end]);
                let text = format!("Name={pattern}: taken to be one NIC, {name}");
                self.note(NoteKind::Guess, text, section.place);
                names.push(name);
            } else {
                names.extend(found.into_iter().cloned());
            }
        }
        if patterns.is_empty() {
            let name = "eth0".to_owned();
            self.note(NoteKind::Guess, "[Match] has no Name=: taken to be one NIC, eth0", section.place);
            names.push(name);
        }
        names.retain(|name| name != "lo");
        names.dedup();
        names
    }

    /// The devices on this one, and the bridge that it is a port of.
    fn stack(&mut self, name: &str) {
        let networks: Vec<&Section<'a>> = self.sections("Network").collect();
        for (key, tap) in [("MACVLAN", false), ("MACVTAP", true)] {
            for upper in networks.iter().flat_map(|section| section.all(key)) {
                let lower = Lower::Named(self.host, name.to_owned());
                for word in upper.value.split_whitespace() {
                    self.upper(word, lower.clone(), upper.place, |lower| {
                        let mut port = Interface::macvlan(word, lower, None);
                        if let Kind::Macvlan { tap: is_tap, .. } = &mut port.kind {
                            *is_tap = tap;
                        }
                        port.kind
                    });
                }
            }
        }
        for upper in networks.iter().flat_map(|section| section.all("VLAN")) {
            for word in upper.value.split_whitespace() {
                // Until a .netdev file says it, the number at the end of the name is the id.
                let number = word.rsplit(|c: char| !c.is_ascii_digit()).next();
                let id = number.and_then(|id| id.parse().ok()).and_then(vlan_id);
                let Some(id) = id.or_else(|| vlan_id(1)) else { continue };
                let lower = Lower::Named(self.host, name.to_owned());
                self.upper(word, lower, upper.place, |lower| Kind::Vlan { lower, id });
            }
        }
        if let Some(bridge) = self.value("Network", "Bridge") {
            self.interface(name).master = Some(bridge.to_owned());
        }
        for key in ["Bond", "VRF", "IPVLAN", "VXLAN", "Tunnel"] {
            if let Some(value) = self.value("Network", key) {
                self.interface(name).note(NoteKind::LeftOut, format!("{key}={value}"));
            }
        }
    }

    /// A device on another one: it is described before, or later, or not at all.
    fn upper(&mut self, name: &str, below: Lower, place: Place, make: impl FnOnce(Lower) -> Kind) {
        let is_known = self.draft.machines[self.host].interface(name).is_some_and(|i| i.lower().is_some());
        let interface = self.interface(name);
        interface.place = interface.place.or(Some(place));
        match &mut interface.kind {
            Kind::Macvlan { lower, .. } | Kind::Vlan { lower, .. } if is_known => *lower = below,
            kind => {
                *kind = make(below);
                interface.note(NoteKind::Guess, NOT_DESCRIBED);
            }
        }
    }

    fn addresses(&mut self, name: &str) {
        let networks = self.sections("Network").chain(self.sections("Address"));
        for entry in networks.flat_map(|section| section.all("Address")) {
            match ip_net(&entry.value) {
                Some(net) => {
                    let interface = self.interface(name);
                    if !interface.addresses.contains(&net) {
                        interface.addresses.push(net);
                    }
                }
                None => {
                    let text = format!("`{}` is not an address: networkd ignores it", entry.value);
                    self.note(NoteKind::Wrong(Check::NotAnAddress), text, entry.place);
                }
            }
        }
        if self.value("Network", "DHCP").is_some_and(|word| is_yes(word) || word == "ipv4") {
            self.interface(name).dynamic = true;
        }
        let forwards = ["IPForward", "IPv4Forwarding", "IPv6Forwarding", "IPMasquerade"];
        let forwards = forwards.iter().filter_map(|key| self.value("Network", key));
        if forwards.into_iter().any(|word| is_yes(word) || word.starts_with("ip") || word == "both") {
            self.draft.machines[self.host].forwarding = true;
        }
        for section in self.sections("Neighbor") {
            let address = section.value("Address").and_then(|address| address.parse::<IpAddr>().ok());
            if let (Some(address), Some(mac)) = (address, section.value("LinkLayerAddress").and_then(mac)) {
                self.interface(name).neighbours.insert(address, mac);
            }
        }
    }

    fn routes(&mut self, name: &str) {
        for entry in self.sections("Network").flat_map(|section| section.all("Gateway")) {
            let Ok(gateway) = entry.value.parse::<IpAddr>() else {
                if !entry.value.starts_with('_') {
                    let text = format!("`{}` is not an address: networkd ignores it", entry.value);
                    self.note(NoteKind::Wrong(Check::NotAnAddress), text, entry.place);
                }
                continue;
            };
            self.draft.gateway(self.host, name, gateway, Some(entry.place));
        }
        for section in self.sections("Route") {
            let via = section.value("Gateway").and_then(|via| via.parse::<IpAddr>().ok());
            let to = destination(section.value("Destination").unwrap_or("default"), via);
            let Some(to) = to.filter(|_| !section.entries.is_empty()) else {
                self.note(NoteKind::LeftOut, "a route without a destination", section.place);
                continue;
            };
            let src = section.value("PreferredSource").and_then(|src| src.parse().ok());
            let metric = section.value("Metric").and_then(|metric| metric.parse().ok());
            match via {
                Some(via) if to.prefix_len() == 0 && src.is_none() && metric.is_none() => {
                    self.draft.gateway(self.host, name, via, Some(section.place));
                }
                _ => {
                    let route = Route { to, via, dev: Some(name.to_owned()), src, metric };
                    self.draft.machines[self.host].routes.push(route);
                }
            }
        }
    }

    fn bridge_port(&mut self, name: &str) {
        for (key, flag) in PORT_FLAGS {
            if let Some(value) = self.value("Bridge", key) {
                self.interface(name).port_flags.push((flag, is_yes(value)));
            }
        }
        for section in self.sections("BridgeVLAN") {
            let vlans = self.interface(name).vlans.get_or_insert_default();
            let own = section.value("PVID").and_then(vlan_range);
            let untagged = section.all("EgressUntagged");
            let listed = section.all("VLAN");
            let ranges = |entries: &[&ini::Entry<'_>]| -> Vec<VlanId> {
                let words = entries.iter().flat_map(|entry| entry.value.split_whitespace());
                words.filter_map(vlan_range).flatten().collect()
            };
            let untagged = ranges(&untagged);
            for id in ranges(&listed).into_iter().filter(|id| !untagged.contains(id)) {
                add_vlans(vlans, [id].into_iter(), false, false);
            }
            add_vlans(vlans, untagged.iter().copied(), false, true);
            for id in own.into_iter().flatten() {
                let is_untagged = untagged.contains(&id);
                add_vlans(vlans, [id].into_iter(), true, is_untagged);
            }
        }
        if let Some(section) = self.section("BridgeFDB") {
            self.note(NoteKind::LeftOut, "[BridgeFDB]", section.place);
        }
    }
}

fn mac_of_device(text: &str) -> Option<crate::frame::MacAddr> {
    mac(text).filter(|mac| !mac.is_multicast() && !mac.is_zero())
}
