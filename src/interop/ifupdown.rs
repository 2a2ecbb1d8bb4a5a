//! `/etc/network/interfaces` of ifupdown and ifupdown2. The commands in it are carried out as commands.

use super::words::{ip_net, mac, vlan_id};
use super::{Check, Draft, Format, Interface, Kind, Lower, NoteKind, Place, ReadError, Source, shell};
use crate::macvlan::Mode;
use crate::station::IpNet;

/// The configuration of ifupdown.
pub(super) struct Ifupdown;

/// The words that begin a stanza.
const STANZAS: [&str; 9] =
    ["iface", "auto", "mapping", "source", "source-directory", "rename", "no-auto-down", "template", "vlan"];

/// Maximum number of commands of one interface.
const MAX_COMMANDS: usize = 500;

/// An interface, with its options in order.
struct Stanza<'a> {
    name: &'a str,
    method: &'a str,
    options: Vec<(&'a str, String, Place)>,
    place: Place,
}

impl Format for Ifupdown {
    fn name(&self) -> &'static str {
        "ifupdown"
    }

    fn about(&self) -> &'static str {
        "/etc/network/interfaces of ifupdown and ifupdown2, with its commands"
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        let first = source.first_word();
        if !STANZAS.contains(&first) && !first.starts_with("allow-") {
            return false;
        }
        let is_iface = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            matches!(words.as_slice(), ["iface", _, "inet" | "inet6", ..])
        };
        let is_auto = |line: &str| line.starts_with("auto ");
        let is_short = |line: &str| line.starts_with("iface ") && line.split_whitespace().count() == 2;
        source.text.lines().any(is_iface)
            || source.text.lines().any(is_auto) && source.text.lines().any(is_short)
    }

    fn read(&self, source: &Source<'_>, index: usize, draft: &mut Draft) -> Result<(), ReadError> {
        let stanzas = stanzas(source.text, index, draft)?;
        let host = draft.host();
        for stanza in &stanzas {
            if draft.is_full() {
                break;
            }
            if stanza.name != "lo" {
                Reader { draft: &mut *draft, host, stanza }.read();
            }
        }
        Ok(())
    }
}

fn stanzas<'a>(text: &'a str, index: usize, draft: &mut Draft) -> Result<Vec<Stanza<'a>>, ReadError> {
    let mut stanzas: Vec<Stanza<'a>> = Vec::new();
    // Options belong to the interface whose stanza is open.
    let (mut is_open, mut continued) = (false, false);
    let mut at = 0;
    for raw in text.split_inclusive('\n') {
        let line = raw.trim();
        let place = Place::new(index, at..at + raw.trim_end().len());
        at += raw.len();
        let is_rest = std::mem::replace(&mut continued, line.ends_with('\\'));
        let line = line.trim_end_matches('\\').trim_end();
        if is_rest {
            if let Some((_, value, _)) = stanzas.last_mut().and_then(|stanza| stanza.options.last_mut()) {
                value.push(' ');
                value.push_str(line);
            }
            continue;
        }
        let Some(word) = line.split_whitespace().next().filter(|word| !word.starts_with('#')) else {
            continue;
        };
        let rest = line[word.len()..].trim();
        if word == "iface" {
            let mut words = rest.split_whitespace();
            let Some(name) = words.next() else {
                return Err(ReadError { message: "`iface` without a name".into(), place: Some(place) });
            };
            let method = words.nth(1).unwrap_or("static");
            stanzas.push(Stanza { name, method, options: Vec::new(), place });
            is_open = true;
        } else if STANZAS.contains(&word) || word.starts_with("allow-") {
            is_open = false;
            if word.starts_with("source") {
                draft.note(
                    NoteKind::LeftOut,
                    format!("`{line}`: give that file as another input"),
                    Some(place),
                );
            }
        } else if let Some(stanza) = stanzas.last_mut().filter(|_| is_open) {
            stanza.options.push((word, rest.to_owned(), place));
        } else {
            let line: String = line.chars().take(60).collect();
            let message = format!("`{line}` belongs to no interface");
            return Err(ReadError { message, place: Some(place) });
        }
    }
    Ok(stanzas)
}

struct Reader<'r, 'a> {
    draft: &'r mut Draft,
    host: usize,
    stanza: &'r Stanza<'a>,
}

impl Reader<'_, '_> {
    fn interface(&mut self, name: &str) -> &mut Interface {
        self.draft.machines[self.host].interface_mut(name)
    }

    fn option(&self, names: &[&str]) -> Option<&str> {
        let dashed = |key: &str| key.replace('_', "-");
        let mut options = self.stanza.options.iter();
        options.find(|(key, ..)| names.contains(&dashed(key).as_str())).map(|(_, value, _)| value.as_str())
    }

    fn read(&mut self) {
        // `eth0:1` is another address of eth0.
        let (name, is_alias) = match self.stanza.name.split_once(':') {
            Some((name, _)) => (name, true),
            None => (self.stanza.name, false),
        };
        self.commands(&["pre-up"]);
        self.kind(name);
        let (place, is_dynamic) = (self.stanza.place, self.stanza.method == "dhcp");
        let address = self.option(&["hwaddress", "hw-mac-address"]);
        let address =
            address.and_then(|text| mac(text.rsplit(' ').next()?)).filter(|mac| !mac.is_multicast());
        let mtu = self.option(&["mtu"]).and_then(|mtu| mtu.parse().ok());
        let interface = self.interface(name);
        interface.place = interface.place.or(Some(place));
        interface.dynamic |= is_dynamic;
        interface.up = Some(true);
        (interface.mac, interface.mtu) = (address.or(interface.mac), mtu.or(interface.mtu));
        self.addresses(name);
        if !is_alias {
            self.bridge(name);
        }
        self.virtual_addresses(name);
        self.commands(&["up", "post-up"]);
    }

    /// The commands of these options, with the variables that ifupdown sets.
    fn commands(&mut self, when: &[&str]) {
        let host = self.draft.host();
        for (_, command, place) in
            self.stanza.options.iter().filter(|(key, ..)| when.contains(key)).take(MAX_COMMANDS)
        {
            let command = command.replace("${IFACE}", "$IFACE").replace("$IFACE", self.stanza.name);
            shell::run_in(self.draft, (host, host), *place, &command);
        }
    }

    /// What the name and the options say that the interface is, unless a command made it.
    fn kind(&mut self, name: &str) {
        if self.interface(name).kind != Kind::Nic {
            return;
        }
        let numbered = name.rsplit_once('.').and_then(|(lower, id)| Some((lower, id.parse().ok()?)));
        let by_name = name.strip_prefix("vlan").and_then(|id| id.parse().ok());
        let id = self.option(&["vlan-id"]).and_then(|id| id.parse().ok());
        let id = id.or(numbered.map(|(_, id)| id)).or(by_name).and_then(vlan_id);
        let lower = self.option(&["vlan-raw-device"]).or(numbered.map(|(lower, _)| lower)).map(str::to_owned);
        if let (Some(lower), Some(id)) = (lower, id) {
            self.interface(name).kind = Kind::Vlan { lower: Lower::Named(self.host, lower), id };
        } else if self.option(&["bridge-ports"]).is_some() {
            let vlan_filtering = self.option(&["bridge-vlan-aware"]) == Some("yes");
            let ageing = self.option(&["bridge-ageing"]).and_then(|time| time.parse().ok());
            self.interface(name).kind = Kind::Bridge { vlan_filtering, ageing };
        }
    }

    fn bridge(&mut self, name: &str) {
        let ports: Vec<String> = self
            .option(&["bridge-ports"])
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        for port in ports.iter().filter(|port| *port != "none") {
            if port == "regex" || port.contains('*') {
                let text = format!("`{name}`: bridge_ports {}", ports.join(" "));
                return self.draft.note(NoteKind::LeftOut, text, Some(self.stanza.place));
            }
            let port = self.interface(port);
            (port.master, port.up) = (Some(name.to_owned()), Some(true));
        }
    }

    fn addresses(&mut self, name: &str) {
        let mask = self.option(&["netmask"]).map(str::to_owned);
        let options = self.stanza.options.iter();
        for (_, text, place) in options.filter(|(key, ..)| *key == "address") {
            let text = text.split_whitespace().next().unwrap_or_default();
            let masked = mask.as_deref().filter(|_| !text.contains('/'));
            let net: Option<IpNet> = match masked {
                Some(mask) => ip_net(&format!("{text}/{mask}")),
                None => ip_net(text),
            };
            match net {
                Some(net) => {
                    let interface = self.interface(name);
                    if !interface.addresses.contains(&net) {
                        interface.addresses.push(net);
                    }
                }
                None => {
                    let text = format!("`{text}` is not an address");
                    self.draft.note(NoteKind::Wrong(Check::NotAnAddress), text, Some(*place));
                }
            }
        }
        let options = self.stanza.options.iter();
        for (_, text, place) in options.filter(|(key, ..)| *key == "gateway") {
            if let Ok(gateway) = text.parse() {
                self.draft.gateway(self.host, name, gateway, Some(*place));
            }
        }
    }

    /// `address-virtual 00:00:5e:00:01:01 192.0.2.1/24` of ifupdown2: a macvlan with this MAC address.
    fn virtual_addresses(&mut self, name: &str) {
        let options = self.stanza.options.iter().filter(|(key, ..)| *key == "address-virtual");
        for (number, (_, text, place)) in options.enumerate() {
            let mut words = text.split_whitespace();
            let address = words.next().and_then(mac).filter(|mac| !mac.is_multicast());
            let Some(address) = address else {
                let text = format!("`address-virtual {text}`: no MAC address");
                self.draft.note(NoteKind::LeftOut, text, Some(*place));
                continue;
            };
            let lower = Lower::Named(self.host, name.to_owned());
            let mut port = Interface::macvlan(format!("{name}-v{number}"), lower, Some(Mode::Private));
            (port.mac, port.place, port.up) = (Some(address), Some(*place), Some(true));
            port.addresses = words.filter_map(ip_net).collect();
            port.note(NoteKind::Default, "ifupdown2 makes a macvlan in mode private for a virtual address");
            self.draft.machines[self.host].interfaces.push(port);
        }
    }
}
