//! What `docker inspect` and `podman inspect` print about networks and containers, also where a web page has damaged it:
//! alone, or after the command in a transcript.

use super::tree::{self, Node};
use super::words::{destination, ip_net, mac, pool, range_of};
use super::{
    Attachment, Check, Draft, Format, Network, NoteKind, Place, ReadError, Role, Route, Source, engine,
};
use crate::frame::MacAddr;
use crate::macvlan::Mode;
use crate::station::IpNet;
use std::net::IpAddr;

/// Descriptions of networks and containers by their engine.
pub(super) struct Inspect;

impl Format for Inspect {
    fn name(&self) -> &'static str {
        "inspect"
    }

    fn about(&self) -> &'static str {
        "what `docker inspect` and `podman inspect` print about networks and containers"
    }

    fn is_output(&self) -> bool {
        true
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        source.text.trim_start().starts_with(['[', '{']) && begins(source.text)
    }

    fn read(&self, source: &Source<'_>, index: usize, draft: &mut Draft) -> Result<(), ReadError> {
        let host = draft.host();
        let mut reader = Reader { draft, index, host, place: None };
        match tree::documents(source.text, index) {
            Ok(documents) => documents.iter().for_each(|document| reader.document(document)),
            Err(error) if !reader.damaged(source.text, 0) => return Err(error),
            Err(_) => {}
        }
        Ok(())
    }
}

/// Whether the text has such output.
pub(super) fn begins(text: &str) -> bool {
    let has = |word: &str| text.contains(word);
    let docker = has("\"Driver\"") && has("\"macvlan\"");
    let podman = has("\"driver\"") && has("\"macvlan\"") && (has("\"subnets\"") || has("\"ipam_options\""));
    docker || podman || has("\"NetworkSettings\"") && has("\"Networks\"")
}

/// Reads the output of a command, which begins at this byte of the input.
pub(super) fn output(draft: &mut Draft, host: usize, index: usize, text: &str, start: usize) {
    if !begins(text) {
        return;
    }
    let Some(open) = text.find(['[', '{']) else { return };
    let mut reader = Reader { draft, index, host, place: None };
    match tree::first(&text[open..], index, start + open) {
        Some(document) => reader.document(&document),
        None => {
            reader.damaged(&text[open..], start + open);
        }
    }
}

struct Reader<'d> {
    draft: &'d mut Draft,
    /// The number of the input.
    index: usize,
    /// The machine of the engine.
    host: usize,
    /// The description.
    place: Option<Place>,
}

/// What a container has on a network.
#[derive(Default)]
struct Container {
    name: String,
    addresses: Vec<IpNet>,
    mac: Option<MacAddr>,
    interface: Option<String>,
}

impl Reader<'_> {
    fn document(&mut self, document: &Node) {
        let one = std::slice::from_ref(document);
        for object in if document.list().is_empty() { one } else { document.list() } {
            self.place = Some(Place::new(self.index, object.span.clone()));
            if object.get("NetworkSettings").is_some() {
                self.container(object);
            } else if object.get("Driver").is_some() {
                self.docker(object);
            } else if object.get("driver").is_some() {
                self.podman(object);
            }
        }
    }

    fn network(&self, name: &str, tool: &str, driver: &str) -> Network {
        Network { place: self.place, ..Network::new(name, tool, driver, Some(self.host)) }
    }

    /// A network, as Docker shows it.
    fn docker(&mut self, object: &Node) {
        let Some(name) = object.text_of("Name") else { return };
        let mut network = self.network(name, "docker", object.text_of("Driver").unwrap_or("bridge"));
        let option = |key: &str| object.get("Options").and_then(|options| options.text_of(key));
        network.parent = option("parent").map(str::to_owned);
        network.mode = option("macvlan_mode").and_then(Mode::from_name).unwrap_or(Mode::Bridge);
        network.ports.mtu = option("com.docker.network.driver.mtu").and_then(|mtu| mtu.parse().ok());
        network.internal = object.is("Internal");
        for config in object.get("IPAM").map_or(&[][..], |ipam| ipam.list_of("Config")) {
            let found = config.text_of("Subnet").and_then(|s| pool(self.draft, s, self.place));
            let Some(mut one) = found else { continue };
            one.gateway = config.text_of("Gateway").and_then(ip_net).map(|net| net.addr());
            one.range = config.text_of("IPRange").and_then(ip_net).map(range_of);
            let reserved = config.entries_of("AuxiliaryAddresses").iter();
            one.reserved = reserved.filter_map(|(_, ip)| ip.text()?.parse().ok()).collect();
            network.pools.push(one);
        }
        self.draft.put(network);
        for (id, container) in object.entries_of("Containers") {
            let short: String = id.text.chars().take(12).collect();
            let addresses = ["IPv4Address", "IPv6Address"];
            let addresses = addresses.iter().filter_map(|key| ip_net(container.text_of(key)?)).collect();
            let mac = container.text_of("MacAddress").and_then(mac);
            let name_of = container.text_of("Name").unwrap_or(&short).to_owned();
            self.connect(name, Container { name: name_of, addresses, mac, interface: None });
        }
    }

    /// A network, as Podman shows and keeps it.
    fn podman(&mut self, object: &Node) {
        let Some(name) = object.text_of("name") else { return };
        let mut network = self.network(name, "podman", object.text_of("driver").unwrap_or("bridge"));
        let option = |key: &str| object.get("options").and_then(|options| options.text_of(key));
        network.parent = object.text_of("network_interface").map(str::to_owned);
        if network.driver == "macvlan" {
            engine::mode(&mut network, "podman", option("mode"), self.place);
            if network.parent.is_none() {
                let text = "it has no parent: podman takes the interface with the default route, here eth0";
                network.note(NoteKind::Guess, text, self.place);
                network.parent = Some("eth0".to_owned());
            }
        }
        network.ports.mtu = option("mtu").and_then(|mtu| mtu.parse().ok());
        network.internal = object.is("internal") || option("no_default_route").is_some_and(|o| o != "false");
        let driver = object.get("ipam_options").and_then(|options| options.text_of("driver"));
        network.ports.dhcp = driver == Some("dhcp");
        for subnet in object.list_of("subnets") {
            let found = subnet.text_of("subnet").and_then(|s| pool(self.draft, s, self.place));
            let Some(mut one) = found else { continue };
            let address = |node: &Node, key: &str| node.text_of(key)?.parse::<IpAddr>().ok();
            one.gateway = address(subnet, "gateway");
            one.range = subnet.get("lease_range").map(|range| {
                let (first, last) = range_of(one.subnet);
                let start = address(range, "start_ip").unwrap_or(first);
                (start, address(range, "end_ip").unwrap_or(last))
            });
            network.pools.push(one);
        }
        for route in object.list_of("routes") {
            let via = route.text_of("gateway").and_then(|gateway| gateway.parse().ok());
            let to = route.text_of("destination").and_then(|to| destination(to, via));
            network.routes.extend(to.map(|to| Route { to, via, dev: None, src: None, metric: None }));
        }
        self.draft.put(network);
        for (id, container) in object.entries_of("containers") {
            let short: String = id.text.chars().take(12).collect();
            for (interface, settings) in container.entries_of("interfaces") {
                let subnets = settings.list_of("subnets").iter();
                let on_network = Container {
                    name: container.text_of("name").unwrap_or(&short).to_owned(),
                    addresses: subnets.filter_map(|subnet| ip_net(subnet.text_of("ipnet")?)).collect(),
                    mac: settings.text_of("mac_address").and_then(mac),
                    interface: Some(interface.text.clone()),
                };
                self.connect(name, on_network);
            }
        }
    }

    /// A container, as both show it.
    fn container(&mut self, object: &Node) {
        let name = object.text_of("Name").unwrap_or("container").trim_start_matches('/').to_owned();
        let networks = object.get("NetworkSettings").map_or(&[][..], |all| all.entries_of("Networks"));
        for (network, settings) in networks {
            let net = |address: &str, length: &str| {
                let address = settings.text_of(address)?.parse::<IpAddr>().ok()?;
                IpNet::new(address, settings.text_of(length)?.parse().ok()?).ok()
            };
            let v6 = net("GlobalIPv6Address", "GlobalIPv6PrefixLen");
            let addresses = net("IPAddress", "IPPrefixLen").into_iter().chain(v6).collect();
            let mac = settings.text_of("MacAddress").and_then(mac);
            self.connect(&network.text, Container { name: name.clone(), addresses, mac, interface: None });
        }
        let is_macvlan = |network: &str| {
            self.draft.network(network, self.host).is_some_and(|network| network.driver == "macvlan")
        };
        let ports = object.get("HostConfig").map_or(&[][..], |config| config.entries_of("PortBindings"));
        if !ports.is_empty() && networks.iter().all(|(network, _)| is_macvlan(&network.text)) {
            let text = format!(
                "published ports of `{name}` have no effect on a macvlan network: its ports are open as they are"
            );
            self.draft.note(NoteKind::Wrong(Check::PublishedPort), text, self.place);
        }
    }

    fn connect(&mut self, network: &str, container: Container) {
        let at = self.draft.machine(&container.name, Role::Container, Some(self.host));
        let place = self.place;
        let machine = &mut self.draft.machines[at];
        machine.place = machine.place.or(place);
        let given = Attachment {
            network: network.to_owned(),
            seen: container.addresses,
            mac: container.mac,
            interface: container.interface,
            place,
            ..Attachment::default()
        };
        match machine.attachments.iter_mut().find(|attachment| attachment.network == network) {
            Some(known) => {
                let interface = given.interface.clone().or(known.interface.take());
                *known = Attachment { place: known.place, interface, ..given };
            }
            None => machine.attachments.push(given),
        }
    }

    /// Text that is no JSON any more: keys and values are taken where they still stand side by side on a line. Whether
    /// there was a network.
    fn damaged(&mut self, text: &str, start: usize) -> bool {
        self.place = Some(Place::new(self.index, start..start + text.trim_end().len()));
        let text = text.split("\n]").next().unwrap_or(text);
        let mut network = self.network("", "docker", "macvlan");
        let (mut containers, mut inside, mut mode) = (Vec::<Container>::new(), false, None);
        for line in text.lines().take(MAX_LINES) {
            let parts: Vec<&str> = line.split('"').collect();
            for pair in parts.iter().skip(1).step_by(2).collect::<Vec<_>>().windows(2) {
                let (key, value) = (*pair[0], *pair[1]);
                match key {
                    "Containers" => inside = true,
                    "Name" if network.name.is_empty() => network.name = value.to_owned(),
                    "Name" => containers.push(Container { name: value.to_owned(), ..Container::default() }),
                    "IPv4Address" | "IPv6Address" => {
                        if let Some(container) = containers.last_mut() {
                            container.addresses.extend(ip_net(value));
                        }
                    }
                    "Subnet" => network.pools.extend(pool(self.draft, value, self.place)),
                    "Gateway" => {
                        if let Some(pool) = network.pools.last_mut() {
                            pool.gateway = ip_net(value).map(|net| net.addr());
                        }
                    }
                    "parent" => network.parent = Some(value.to_owned()),
                    "macvlan_mode" => mode = Mode::from_name(value),
                    _ => {}
                }
            }
            // The key of an address may be lost, and quotes with it.
            if let (Some(container), Some(found)) = (
                containers.last_mut(),
                parts.iter().find_map(|part| mac(part).filter(|_| part.contains(':'))),
            ) {
                container.mac = Some(found);
            }
            inside |= line.contains("\"Containers\"");
        }
        if network.name.is_empty() {
            return false;
        }
        let name = network.name.clone();
        let text = format!("the description of network `{name}` is not valid JSON; it was read in part");
        self.draft.note(NoteKind::Guess, text, self.place);
        // What was lost may be known from the command that made it.
        if let Some(known) = self.draft.network(&name, self.host) {
            network.parent = network.parent.or_else(|| known.parent.clone());
            mode = mode.or(Some(known.mode));
        }
        network.mode = mode.unwrap_or(network.mode);
        self.draft.put(network);
        for container in containers.into_iter().filter(|_| inside) {
            self.connect(&name, container);
        }
        true
    }
}

/// Maximum number of lines of a damaged description.
const MAX_LINES: usize = 10_000;
