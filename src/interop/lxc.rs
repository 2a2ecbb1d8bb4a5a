//! The configuration of a container of LXC.

use super::words::{ip_net, mac, vlan_id};
use super::{Check, Draft, Format, Interface, Kind, Lower, NoteKind, Origin, Place, ReadError, Role, Source};
use crate::macvlan::Mode;

/// Containers of LXC.
pub(super) struct Lxc;

impl Format for Lxc {
    fn name(&self) -> &'static str {
        "lxc"
    }

    fn about(&self) -> &'static str {
        "the configuration of a container of LXC (lxc.net.N, or lxc.network of older versions)"
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        if !source.first_word().starts_with("lxc.") {
            return false;
        }
        let begins = |line: &str| ["lxc.net.", "lxc.network."].iter().any(|key| line.starts_with(key));
        source.text.lines().any(|line| begins(line.trim_start()) && line.contains('='))
    }

    fn read(&self, source: &Source<'_>, index: usize, draft: &mut Draft) -> Result<(), ReadError> {
        let host = draft.host();
        let mut containers: Vec<Container<'_>> = vec![Container::default()];
        let mut at = 0;
        for raw in source.text.split_inclusive('\n') {
            let place = Place::new(index, at..at + raw.trim_end().len());
            at += raw.len();
            let line = raw.trim();
            let file = line.strip_prefix('#').and_then(|line| line.trim().strip_suffix("/config"));
            if let Some(path) = file.filter(|path| !path.contains(' ')) {
                // Another file: its folder has the container's name.
                containers.push(Container { name: path.rsplit('/').next(), ..Container::default() });
            }
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((key, value)) = line.split_once('=').map(|(key, value)| (key.trim(), value.trim()))
            else {
                let line: String = line.chars().take(60).collect();
                let message = format!("`{line}` has no `=`: LXC refuses the file");
                return Err(ReadError { message, place: Some(place) });
            };
            if let Some(container) = containers.last_mut() {
                container.set(key, value, place);
            }
        }
        for container in containers.into_iter().filter(|container| !container.nics.is_empty()) {
            let at = draft.machine(container.name.unwrap_or("container"), Role::Container, Some(host));
            for nic in container.nics {
                if draft.is_full() {
                    return Ok(());
                }
                nic.read(draft, host, at);
            }
        }
        Ok(())
    }
}

/// A container.
#[derive(Default)]
struct Container<'a> {
    name: Option<&'a str>,
    nics: Vec<Nic<'a>>,
}

impl<'a> Container<'a> {
    fn set(&mut self, key: &'a str, value: &'a str, place: Place) {
        if let "lxc.uts.name" | "lxc.utsname" = key {
            self.name = Some(value);
        } else if let Some((number, key)) = key.strip_prefix("lxc.net.").and_then(|key| key.split_once('.')) {
            let at = self.nics.iter().position(|nic| nic.number == number).unwrap_or_else(|| {
                self.nics.push(Nic { number, settings: Vec::new(), place });
                self.nics.len() - 1
            });
            self.nics[at].settings.push((key, value));
        } else if let Some(key) = key.strip_prefix("lxc.network.") {
            // In the older form, a type begins an interface.
            if key == "type" || self.nics.is_empty() {
                self.nics.push(Nic { number: "", settings: Vec::new(), place });
            }
            if let Some(nic) = self.nics.last_mut() {
                nic.settings.push((key, value));
            }
        }
    }
}

/// An interface of the container.
struct Nic<'a> {
    number: &'a str,
    settings: Vec<(&'a str, &'a str)>,
    place: Place,
}

impl Nic<'_> {
    fn value(&self, keys: &[&str]) -> Option<&str> {
        self.settings
            .iter()
            .rfind(|(key, value)| keys.contains(key) && !value.is_empty())
            .map(|(_, value)| *value)
    }

    fn read(&self, draft: &mut Draft, host: usize, container: usize) {
        let number = draft.machines[container].interfaces.len();
        let name = self.value(&["name"]).map_or_else(|| format!("eth{number}"), str::to_owned);
        let who = draft.machines[container].name.clone();
        let kind = self.value(&["type"]).unwrap_or_default();
        let link = self.value(&["link"]).map(|link| Lower::Named(host, link.to_owned()));
        let interface = match (kind, link) {
            ("macvlan", Some(lower)) => self.macvlan(draft, &who, &name, lower),
            ("vlan", Some(lower)) => {
                let id = self.value(&["vlan.id"]).and_then(|id| id.parse().ok()).and_then(vlan_id);
                id.map(|id| Interface::new(name.clone(), Kind::Vlan { lower, id }))
            }
            ("veth", Some(Lower::Named(_, bridge))) => {
                let pair = self.value(&["veth.pair"]).map(str::to_owned);
                let port = draft.cable_to(host, pair, &bridge, (container, &name));
                Some(Interface::new(name.clone(), Kind::Veth(Lower::Named(host, port))))
            }
            ("phys", Some(Lower::Named(_, nic))) => Some(Interface::new(nic, Kind::Nic)),
            ("empty" | "none", _) => None,
            ("macvlan" | "vlan" | "phys", None) => {
                let text =
                    format!("`{who}`: an interface of type {kind} needs `link`: LXC does not start it");
                draft.note(NoteKind::Wrong(Check::BadParent), text, Some(self.place));
                None
            }
            (kind, _) => {
                draft.note(
                    NoteKind::LeftOut,
                    format!("`{who}`: an interface of type {kind}"),
                    Some(self.place),
                );
                None
            }
        };
        let Some(mut interface) = interface else { return };
        let random = |text: &str| text.contains(['x', 'X']);
        let own = self.value(&["hwaddr"]).filter(|text| !random(text)).and_then(mac);
        interface.mac = own.filter(|mac| !mac.is_multicast() && !mac.is_zero());
        interface.mtu = self.value(&["mtu"]).and_then(|mtu| mtu.parse().ok());
        interface.place = Some(self.place);
        let keys = ["ipv4.address", "ipv4", "ipv6.address", "ipv6"];
        for text in self.settings.iter().filter(|(key, _)| keys.contains(key)).map(|(_, value)| *value) {
            // The broadcast address may follow.
            match text.split_whitespace().next().and_then(ip_net) {
                Some(net) => interface.addresses.push(net),
                None => {
                    let text = format!("`{who}`: `{text}` is not an address");
                    draft.note(NoteKind::Wrong(Check::NotAnAddress), text, Some(self.place));
                }
            }
        }
        interface.dynamic = interface.addresses.is_empty();
        let key = match self.number {
            "" => "lxc.network".to_owned(),
            number => format!("lxc.net.{number}"),
        };
        interface.origin = Some(Origin::Lxc { container: who, key });
        let name = interface.name.clone();
        draft.machines[container].place = draft.machines[container].place.or(Some(self.place));
        draft.machines[container].interfaces.push(interface);
        for gateway in
            ["ipv4.gateway", "ipv6.gateway"].iter().filter_map(|key| self.value(&[key])?.parse().ok())
        {
            draft.gateway(container, &name, gateway, Some(self.place));
        }
    }

    fn macvlan(&self, draft: &mut Draft, who: &str, name: &str, lower: Lower) -> Option<Interface> {
        let word = self.value(&["macvlan.mode"]);
        let mode = word.map_or(Some(Mode::Private), Mode::from_name).filter(|mode| *mode != Mode::Source);
        let Some(mode) = mode else {
            let text = format!(
                "`{who}`: LXC knows no mode `{}`, and refuses the container",
                word.unwrap_or_default()
            );
            draft.note(NoteKind::Wrong(Check::UnknownMode), text, Some(self.place));
            return None;
        };
        let mut port = Interface::macvlan(name, lower, Some(mode));
        port.place = Some(self.place);
        if word.is_none() {
            port.note(NoteKind::Default, "LXC uses mode private where none is given");
        }
        Some(port)
    }
}
