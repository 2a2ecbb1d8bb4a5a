//! The services of a compose file.

use super::super::tree::{Key, Node, Value};
use super::super::words::{ip_net, mac};
use super::super::{Attachment, Check, NoteKind, Place, ReadError, Role};
use super::Reader;
use super::networks::real_name;
use crate::station::Sysctl;

/// Maximum number of containers of one service.
const MAX_REPLICAS: usize = 64;
/// Maximum number of services that extend each other.
const MAX_EXTENDED: usize = 16;

impl Reader<'_> {
    /// Reads the section `services`.
    pub(super) fn services(&mut self, document: &Node) -> Result<(), ReadError> {
        let Some(services) = document.get("services") else { return Ok(()) };
        if matches!(services.value, Value::Text(_) | Value::List(_)) {
            return self.error(services, "`services` has a name for each service".to_owned());
        }
        for (key, service) in services.entries() {
            let layers = self.layers(service, services);
            self.service(key, &Service { layers }, document)?;
        }
        Ok(())
    }

    /// A service, and those that it extends.
    fn layers<'n>(&mut self, service: &'n Node, services: &'n Node) -> Vec<&'n Node> {
        let mut layers = vec![service];
        while let Some(extends) = layers.last().and_then(|last| last.get("extends")) {
            if extends.get("file").is_some() || layers.len() >= MAX_EXTENDED {
                let text = "`extends`: what is in another file, or too far";
                let place = self.place(extends);
                self.draft.note(NoteKind::LeftOut, text, place);
                break;
            }
            let name = extends.text().or(extends.text_of("service"));
            let Some(base) = name.and_then(|name| services.get(name)) else { break };
            layers.push(base);
        }
        layers
    }

    fn service(&mut self, key: &Key, service: &Service<'_>, document: &Node) -> Result<(), ReadError> {
        let place = Some(Place::new(self.index, key.span.clone()));
        let name = service.text("container_name").unwrap_or(&key.text);
        if let Some(mode) = service.text("network_mode")
            && (mode == "host" || mode.contains(':'))
        {
            let text = format!("`{name}` has the interfaces of another (`network_mode: {mode}`)");
            self.draft.note(NoteKind::LeftOut, text, place);
            return Ok(());
        }
        let attachments = self.attachments(service, document, place)?;
        if attachments.is_empty() {
            return Ok(());
        }
        let is_macvlan = |a: &Attachment| {
            self.draft.network(&a.network, self.host).is_some_and(|network| network.driver == "macvlan")
        };
        let ports = service.get("ports").filter(|ports| !ports.list().is_empty());
        if attachments.iter().all(is_macvlan)
            && let Some(ports) = ports
        {
            let text = format!(
                "`ports` of `{name}` have no effect on a macvlan network: its ports are open as they are"
            );
            let place = self.place(ports);
            self.draft.note(NoteKind::Wrong(Check::PublishedPort), text, place);
        }
        let count = service.get("deploy").and_then(|deploy| deploy.text_of("replicas"));
        let count = count.or(service.text("scale")).and_then(|count| count.parse().ok()).unwrap_or(1_usize);
        if count > MAX_REPLICAS {
            let text = format!("the containers of `{name}` after the first {MAX_REPLICAS}");
            self.draft.note(NoteKind::LeftOut, text, place);
        }
        for number in 1..=count.min(MAX_REPLICAS) {
            let own = if count == 1 { name.to_owned() } else { format!("{name}-{number}") };
            let at = self.draft.machine(&own, Role::Container, Some(self.host));
            let machine = &mut self.draft.machines[at];
            machine.place = place;
            machine.attachments.clone_from(&attachments);
            for (key, value) in service.settings("sysctls") {
                if key == "net.ipv4.ip_forward" || key == "net.ipv6.conf.all.forwarding" {
                    machine.forwarding = value != "0";
                } else if let (Some(sysctl), Ok(value)) = (of_all(&key), value.parse::<u8>()) {
                    machine.sysctls.set(sysctl, value.min(sysctl.max()));
                }
            }
        }
        Ok(())
    }

    /// Its networks, the one with the default route first.
    fn attachments(
        &mut self,
        service: &Service<'_>,
        document: &Node,
        place: Option<Place>,
    ) -> Result<Vec<Attachment>, ReadError> {
        let mut found: Vec<(i64, i64, Attachment)> = Vec::new();
        for (key, node) in service.networks() {
            let network = match document.at(&["networks", &key.text]) {
                Some(network) => network,
                None if key.text == "default" => continue,
                // A part of a file: its networks are elsewhere.
                None if document.get("networks").is_none() => &NOTHING,
                None => {
                    let message = format!("there is no network `{}` in `networks`", key.text);
                    return Err(ReadError { message, place: Some(Place::new(self.index, key.span.clone())) });
                }
            };
            let mut attachment = Attachment {
                network: real_name(&key.text, network).to_owned(),
                mac: node.text_of("mac_address").and_then(mac),
                interface: node.text_of("interface_name").map(str::to_owned),
                place,
                ..Attachment::default()
            };
            for key in ["ipv4_address", "ipv6_address"] {
                let Some(text) = node.text_of(key) else { continue };
                match ip_net(text.split('/').next().unwrap_or_default()) {
                    Some(net) => attachment.addresses.push(net),
                    None => {
                        let text = format!("`{key}`: `{text}` is not an address");
                        let place = node.get(key).and_then(|node| self.place(node));
                        self.draft.note(NoteKind::Wrong(Check::NotAnAddress), text, place);
                    }
                }
            }
            let number = |key: &str| node.text_of(key).and_then(|text| text.parse().ok()).unwrap_or(0_i64);
            found.push((number("gw_priority"), number("priority"), attachment));
        }
        if let Some(network) = service.text("network_mode") {
            let network = network.to_owned();
            found.push((0, 0, Attachment { network, place, ..Attachment::default() }));
        }
        // The interfaces are made by priority and name; the MAC address of a service is that of the first.
        found.sort_by(|(_, a, one), (_, b, other)| b.cmp(a).then_with(|| one.network.cmp(&other.network)));
        for (number, (_, _, attachment)) in found.iter_mut().enumerate() {
            attachment.interface.get_or_insert_with(|| format!("eth{number}"));
            if number == 0 {
                attachment.mac = attachment.mac.or_else(|| service.text("mac_address").and_then(mac));
            }
        }
        found.sort_by(|(a, _, one), (b, _, other)| b.cmp(a).then_with(|| one.network.cmp(&other.network)));
        Ok(found.into_iter().map(|(_, _, attachment)| attachment).collect())
    }
}

/// A service with those that it extends, itself first.
struct Service<'n> {
    layers: Vec<&'n Node>,
}

/// What stands for the settings of a network that has none.
static NOTHING: Node = Node { value: Value::Null, span: 0..0 };

impl<'n> Service<'n> {
    fn get(&self, key: &str) -> Option<&'n Node> {
        self.layers.iter().find_map(|layer| layer.get(key))
    }

    fn text(&self, key: &str) -> Option<&'n str> {
        self.layers.iter().find_map(|layer| layer.text_of(key))
    }

    /// Its networks by name, as a list or with settings.
    fn networks(&self) -> Vec<(Key, &'n Node)> {
        let mut all: Vec<(Key, &Node)> = Vec::new();
        for networks in self.layers.iter().filter_map(|layer| layer.get("networks")) {
            let named = networks.list().iter().filter_map(|node| {
                Some((Key { text: node.text()?.to_owned(), span: node.span.clone() }, &NOTHING))
            });
            let with_settings = networks.entries().iter().map(|(key, node)| (key.clone(), node));
            for (key, node) in named.chain(with_settings) {
                if !all.iter().any(|(known, _)| known.text == key.text) {
                    all.push((key, node));
                }
            }
        }
        if all.is_empty() && self.get("network_mode").is_none() {
            all.push((Key { text: "default".to_owned(), span: 0..0 }, &NOTHING));
        }
        all
    }

    /// Settings as `- key=value` or `key: value`.
    fn settings(&self, key: &str) -> Vec<(String, String)> {
        let Some(node) = self.get(key) else { return Vec::new() };
        let listed = node.list().iter().filter_map(|item| item.text()?.split_once('='));
        let mapped =
            node.entries().iter().filter_map(|(key, value)| Some((key.text.as_str(), value.text()?)));
        listed.chain(mapped).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }
}

/// The setting of `net.ipv4.conf.all.NAME`.
fn of_all(key: &str) -> Option<Sysctl> {
    let name = key.strip_prefix("net.ipv4.conf.all.").or(key.strip_prefix("net.ipv6.conf.all."))?;
    Sysctl::ALL.into_iter().find(|sysctl| sysctl.name() == name)
}
