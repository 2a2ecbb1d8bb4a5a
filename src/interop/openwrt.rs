//! `/etc/config/network` of OpenWrt.

use super::words::{destination, ip_net, mac, vlan_id};
use super::{
    Check, Draft, Format, Interface, Kind, Lower, NoteKind, Origin, Place, ReadError, Route, Source,
};
use crate::macvlan::Mode;
use std::collections::BTreeMap;

/// The configuration of OpenWrt's netifd.
pub(super) struct Uci;

/// `config TYPE 'NAME'`
struct Section {
    kind: String,
    name: Option<String>,
    options: Vec<(String, String, Place)>,
    place: Place,
}

impl Section {
    fn value(&self, key: &str) -> Option<&str> {
        self.options.iter().rfind(|(known, ..)| known == key).map(|(_, value, _)| value.as_str())
    }

    /// The words of a list, which may also be an option with blanks.
    fn words(&self, key: &str) -> Vec<&str> {
        let values = self.options.iter().filter(|(known, ..)| known == key);
        values.flat_map(|(_, value, _)| value.split_whitespace()).collect()
    }

    fn place_of(&self, key: &str) -> Place {
        self.options.iter().find(|(known, ..)| known == key).map_or(self.place, |(_, _, place)| *place)
    }
}

impl Format for Uci {
    fn name(&self) -> &'static str {
        "openwrt"
    }

    fn about(&self) -> &'static str {
        "/etc/config/network of OpenWrt (UCI)"
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        if !["config", "package"].contains(&source.first_word()) {
            return false;
        }
        let is_config = |line: &str| {
            let mut words = line.split_whitespace();
            words.next() == Some("config")
                && words
                    .next()
                    .is_some_and(|kind| ["interface", "device"].contains(&kind.trim_matches(['\'', '"'])))
        };
        source.text.lines().any(is_config)
            && source.text.lines().any(|line| line.trim_start().starts_with("option "))
    }

    fn read(&self, source: &Source<'_>, index: usize, draft: &mut Draft) -> Result<(), ReadError> {
        let sections = sections(source.text, index)?;
        let host = draft.host();
        draft.machines[host].forwarding = true;
        let mut reader = Reader { draft, host, devices: BTreeMap::new() };
        let of = |kind: &'static str| sections.iter().filter(move |section| section.kind == kind);
        for (number, section) in of("device").enumerate() {
            if !reader.draft.is_full() {
                reader.device(section, number);
            }
        }
        for section in of("interface") {
            if !reader.draft.is_full() {
                reader.interface(section);
            }
        }
        of("route").chain(of("route6")).for_each(|section| reader.route(section));
        for section in
            sections.iter().filter(|s| ["bridge-vlan", "rule", "switch_vlan"].contains(&s.kind.as_str()))
        {
            reader.draft.note(NoteKind::LeftOut, format!("config {}", section.kind), Some(section.place));
        }
        Ok(())
    }
}

fn sections(text: &str, index: usize) -> Result<Vec<Section>, ReadError> {
    let mut sections: Vec<Section> = Vec::new();
    let mut at = 0;
    for raw in text.split_inclusive('\n') {
        let place = Place::new(index, at..at + raw.trim_end().len());
        at += raw.len();
        let refused = |message: &str| ReadError { message: message.to_owned(), place: Some(place) };
        let line = raw.trim();
        if line.starts_with('#') {
            continue;
        }
        let words = shell_words::split(line).map_err(|_| refused("a quote is not closed"))?;
        let words: Vec<&str> =
            words.iter().map(String::as_str).take_while(|word| !word.starts_with('#')).collect();
        match (words.as_slice(), sections.last_mut()) {
            ([] | ["package", ..], _) => {}
            (["config", kind, name @ ..], _) => sections.push(Section {
                kind: (*kind).to_owned(),
                name: name.first().map(|name| (*name).to_owned()),
                options: Vec::new(),
                place,
            }),
            (["option" | "list", key, value], Some(section)) => {
                section.options.push(((*key).to_owned(), (*value).to_owned(), place));
            }
            (["option" | "list", ..], None) => return Err(refused("an option before the first `config`")),
            _ => {
                return Err(refused(
                    "not a line of UCI: `config`, `option` or `list`, with a name and a value",
                ));
            }
        }
    }
    Ok(sections)
}

struct Reader<'r> {
    draft: &'r mut Draft,
    host: usize,
    /// The device of each interface.
    devices: BTreeMap<String, String>,
}

impl Reader<'_> {
    fn at(&mut self, name: &str) -> &mut Interface {
        self.draft.machines[self.host].interface_mut(name)
    }

    /// A device that is there or is made: `X.10` is VLAN 10 on X.
    fn named(&mut self, name: &str, place: Place) {
        let host = self.host;
        let is_known = self.draft.machines[host].interface(name).is_some();
        let interface = self.at(name);
        interface.place = interface.place.or(Some(place));
        if let (false, Some((lower, id))) = (is_known, name.rsplit_once('.'))
            && let Some(id) = id.parse().ok().and_then(vlan_id)
        {
            interface.kind = Kind::Vlan { lower: Lower::Named(host, lower.to_owned()), id };
        }
    }

    fn device(&mut self, section: &Section, number: usize) {
        let place = section.place;
        let kind = section.value("type").unwrap_or_default();
        let fallback = format!("{kind}{number}");
        let name = section.value("name").unwrap_or(&fallback).to_owned();
        let lower = section.value("ifname").map(|lower| Lower::Named(self.host, lower.to_owned()));
        let made = match (kind, lower) {
            ("", _) => Kind::Nic,
            ("macvlan", Some(lower)) => self.macvlan(&name, section, lower),
            ("8021q", Some(lower)) => {
                match section.value("vid").and_then(|id| id.parse().ok()).and_then(vlan_id) {
                    Some(id) => Kind::Vlan { lower, id },
                    None => {
                        return self.draft.note(NoteKind::LeftOut, format!("`{name}`: no vid"), Some(place));
                    }
                }
            }
            ("bridge", _) => {
                for port in section.words("ports") {
                    self.named(port, place);
                    self.at(port).master = Some(name.clone());
                }
                Kind::Bridge { vlan_filtering: section.value("vlan_filtering") == Some("1"), ageing: None }
            }
            ("macvlan" | "8021q", None) => {
                let text =
                    format!("`{name}`: a device of type {kind} needs `ifname`: netifd does not make it");
                return self.draft.note(NoteKind::Wrong(Check::BadParent), text, Some(place));
            }
            _ => {
                let text = format!("`{name}`: a device of type {kind}");
                return self.draft.note(NoteKind::LeftOut, text, Some(place));
            }
        };
        if let Some(lower) = section.value("ifname").filter(|_| kind != "bridge") {
            self.named(lower, place);
        }
        self.named(&name, place);
        let interface = self.at(&name);
        if made != Kind::Nic {
            interface.kind = made;
        }
        Self::common(interface, section);
        let section_name = section.name.clone().unwrap_or_else(|| format!("@device[{number}]"));
        interface.origin = Some(Origin::Uci { section: section_name });
        // The notes about a mode are those of the device.
        if let Kind::Macvlan { mode: None, .. } = interface.kind
            && section.value("mode").is_none()
        {
            interface.note(
                NoteKind::Default,
                "netifd leaves the mode to the kernel where none is given, which uses vepa",
            );
        }
    }

    fn common(interface: &mut Interface, section: &Section) {
        let own = section.value("macaddr").and_then(mac).filter(|mac| !mac.is_multicast() && !mac.is_zero());
        interface.mac = own.or(interface.mac);
        interface.mtu = section.value("mtu").and_then(|mtu| mtu.parse().ok()).or(interface.mtu);
        interface.up = Some(section.value("enabled") != Some("0"));
    }

    /// What netifd does not know it does not send to the kernel, whose default is vepa.
    fn macvlan(&mut self, name: &str, section: &Section, lower: Lower) -> Kind {
        let word = section.value("mode");
        let mode = word.and_then(Mode::from_name).filter(|mode| *mode != Mode::Source);
        if let (Some(word), None) = (word, mode) {
            let text =
                format!("`{name}`: netifd knows no mode `{word}` and ignores it, so the kernel uses vepa");
            self.draft.note(NoteKind::Wrong(Check::UnknownMode), text, Some(section.place_of("mode")));
        }
        for key in ["macvlan_mode", "macvlanmode"] {
            if section.value(key).is_some() {
                let text = format!("`{name}`: netifd ignores the option `{key}`; its word is `mode`");
                self.draft.note(NoteKind::Wrong(Check::IgnoredSetting), text, Some(section.place_of(key)));
            }
        }
        Interface::macvlan(name, lower, mode).kind
    }

    fn interface(&mut self, section: &Section) {
        let Some(own) = section.name.as_deref() else { return };
        let devices = [section.words("device"), section.words("ifname")].concat();
        let place = section.place;
        let name = if section.value("type") == Some("bridge") {
            let bridge = format!("br-{own}");
            for port in &devices {
                self.named(port, place);
                self.at(port).master = Some(bridge.clone());
            }
            self.at(&bridge).kind = Kind::Bridge { vlan_filtering: false, ageing: None };
            bridge
        } else {
            let Some(device) = devices.first() else { return };
            // `@wan` is the device of another interface.
            let other = device.strip_prefix('@').and_then(|other| self.devices.get(other)).cloned();
            other.unwrap_or_else(|| device.trim_start_matches('@').to_owned())
        };
        self.devices.insert(own.to_owned(), name.clone());
        if name == "lo" || section.value("proto").is_some_and(|proto| proto == "none") {
            return;
        }
        self.named(&name, place);
        let interface = self.at(&name);
        if section.value("macaddr").is_some() || section.value("mtu").is_some() {
            Self::common(interface, section);
        }
        interface.up = Some(interface.up.unwrap_or(true));
        match section.value("proto") {
            Some("dhcp") => interface.dynamic = true,
            Some("static") | None => self.addresses(&name, section),
            Some("dhcpv6") => {}
            Some("pppoe") => {
                interface.dynamic = true;
                interface.note(NoteKind::LeftOut, "PPPoE: taken to be an address on the device");
            }
            Some(proto) => interface.note(NoteKind::LeftOut, format!("proto {proto}")),
        }
    }

    fn addresses(&mut self, name: &str, section: &Section) {
        let mask = section.value("netmask");
        for text in [section.words("ipaddr"), section.words("ip6addr")].concat() {
            let masked = mask.filter(|_| !text.contains(['/', ':']));
            let net = masked.map_or_else(|| ip_net(text), |mask| ip_net(&format!("{text}/{mask}")));
            match net {
                Some(net) => {
                    let interface = self.at(name);
                    if !interface.addresses.contains(&net) {
                        interface.addresses.push(net);
                    }
                }
                None => {
                    let text = format!("`{text}` is not an address");
                    self.draft.note(NoteKind::Wrong(Check::NotAnAddress), text, Some(section.place));
                }
            }
        }
        for gateway in ["gateway", "ip6gw"].iter().filter_map(|key| section.value(key)?.parse().ok()) {
            self.draft.gateway(self.host, name, gateway, Some(section.place));
        }
    }

    fn route(&mut self, section: &Section) {
        let via = section.value("gateway").and_then(|via| via.parse().ok());
        let target = section.value("target").unwrap_or("default");
        let to = match section.value("netmask") {
            Some(mask) => ip_net(&format!("{target}/{mask}")).map(|net| net.trunc()),
            None => destination(target, via),
        };
        let dev = section.value("interface").and_then(|interface| self.devices.get(interface)).cloned();
        match to {
            Some(to) => {
                let metric = section.value("metric").and_then(|metric| metric.parse().ok());
                self.draft.machines[self.host].routes.push(Route { to, via, dev, src: None, metric });
            }
            None => {
                self.draft.note(NoteKind::LeftOut, format!("the route to `{target}`"), Some(section.place))
            }
        }
    }
}
