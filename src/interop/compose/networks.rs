//! The networks of a compose file.

use super::super::tree::{Key, Node, Value};
use super::super::words::pool;
use super::super::{Check, Network, NoteKind, Place, ReadError, engine};
use super::Reader;

/// What a network can have.
const KNOWN: [&str; 12] = [
    "name",
    "driver",
    "driver_opts",
    "ipam",
    "external",
    "internal",
    "attachable",
    "enable_ipv4",
    "enable_ipv6",
    "labels",
    "config_only",
    "config_from",
];

impl Reader<'_> {
    /// Reads the section `networks`.
    pub(super) fn networks(&mut self, document: &Node) -> Result<(), ReadError> {
        let Some(networks) = document.get("networks") else { return Ok(()) };
        if matches!(networks.value, Value::Text(_) | Value::List(_)) {
            return self.error(networks, "`networks` has a name for each network".to_owned());
        }
        for (key, network) in networks.entries() {
            if !is_external(network) {
                self.network(key, network);
            }
        }
        Ok(())
    }

    fn network(&mut self, key: &Key, node: &Node) {
        let place = Some(Place::new(self.index, key.span.clone()));
        let driver = node.text_of("driver").unwrap_or("bridge");
        let mut network =
            Network { place, ..Network::new(real_name(&key.text, node), "compose", driver, Some(self.host)) };
        network.internal = node.is("internal");
        self.options(node, &mut network);
        if driver == "macvlan" {
            self.ipam(node, &mut network);
        }
        let unknown = |(key, _): &&(Key, Node)| {
            !KNOWN.contains(&key.text.as_str()) && !key.text.starts_with("x-") && key.text != "<<"
        };
        for (key, _) in node.entries().iter().filter(unknown) {
            let text = format!("compose knows no `{}` of a network, and refuses the file", key.text);
            let place = Some(Place::new(self.index, key.span.clone()));
            network.note(NoteKind::Wrong(Check::IgnoredSetting), text, place);
        }
        self.draft.put(network);
    }

    fn options(&self, node: &Node, network: &mut Network) {
        let options = node.entries_of("driver_opts");
        let mode = options.iter().find(|(key, _)| key.text == "macvlan_mode" || key.text == "mode");
        let place = mode.and_then(|(_, value)| self.place(value)).or(network.place);
        let word = mode.and_then(|(_, value)| value.text()).filter(|word| !word.is_empty());
        engine::mode(network, "docker", word, place);
        for (key, value) in options {
            let text = value.text().unwrap_or_default();
            engine::option(network, &key.text, text, &format!("{}: {text}", key.text), self.place(value));
        }
        let is_asked = options.iter().any(|(key, _)| key.text == "parent");
        if is_asked && network.parent.is_none() && network.driver == "macvlan" {
            network.note(NoteKind::Guess, "its parent has no name in the input: eth0", place);
            network.parent = Some("eth0".to_owned());
        }
    }

    fn ipam(&mut self, node: &Node, network: &mut Network) {
        let place = network.place;
        let ipam = node.get("ipam");
        let driver = ipam.and_then(|ipam| ipam.text_of("driver"));
        let configs = ipam.map_or(&[][..], |ipam| ipam.list_of("config"));
        for config in configs {
            if let Some(subnet) = config.get("subnet").filter(|subnet| subnet.text() != Some("")) {
                let found = pool(self.draft, subnet.text().unwrap_or_default(), self.place(subnet));
                network.pools.extend(found);
            }
        }
        engine::free_subnet(self.draft, network, driver, place);
        for config in configs {
            let text = |key: &str| config.get(key).and_then(|node| Some((node, node.text()?)));
            if let Some((node, range)) = text("ip_range").filter(|(_, text)| !text.is_empty()) {
                engine::range(network, range, self.place(node));
            }
            if let Some((node, gateway)) = text("gateway").filter(|(_, text)| !text.is_empty()) {
                engine::gateway(network, gateway, self.place(node));
            }
            for (_, address) in config.entries_of("aux_addresses") {
                engine::reserve(network, address.text().unwrap_or_default());
            }
        }
        engine::default_gateways(network, place);
    }
}

/// Whether something else makes the network.
fn is_external(node: &Node) -> bool {
    node.is("external") || !node.entries_of("external").is_empty()
}

/// The name that the engine knows: a network that compose makes has that of the file, where none is given.
pub(super) fn real_name<'n>(key: &'n str, node: &'n Node) -> &'n str {
    let old = node.at(&["external", "name"]).and_then(Node::text);
    node.text_of("name").or(old).unwrap_or(key)
}
