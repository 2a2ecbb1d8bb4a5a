//! Topologies of containerlab: nodes, their links, and the commands that are executed in them.

use super::tree::{self, Node};
use super::words::{ip_net, mac};
use super::{
    Attachment, Check, Draft, Format, Interface, Kind, Lower, NoteKind, Origin, Place, ReadError, Role,
    Source, shell,
};
use crate::macvlan::{MacvlanFlags, Mode};

/// `*.clab.yml`.
pub(super) struct Containerlab;

impl Format for Containerlab {
    fn name(&self) -> &'static str {
        "containerlab"
    }

    fn about(&self) -> &'static str {
        "topologies of containerlab, with links to macvlans and the commands in `exec`"
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        let is_topology =
            |line: &str| line.starts_with("topology:") || line.trim_start().starts_with("\"topology\":");
        let has_macvlan = source.text.contains("macvlan") || source.text.contains("mgmt:");
        tree::can_be(source.text) && has_macvlan && source.text.lines().any(is_topology)
    }

    fn read(&self, source: &Source<'_>, index: usize, draft: &mut Draft) -> Result<(), ReadError> {
        let documents = tree::documents(source.text, index)?;
        let host = draft.host();
        let mut reader = Reader { draft, index, host };
        for (document, topology) in documents.iter().filter_map(|d| Some((d, d.get("topology")?))) {
            // The network of the nodes' first interface, if it is not the one that containerlab makes.
            let network = document.at(&["mgmt", "network"]).and_then(Node::text);
            for (key, node) in topology.entries_of("nodes") {
                if !is_bridge(node) {
                    let at = reader.draft.machine(&key.text, Role::Container, Some(host));
                    let place = Some(Place::new(index, key.span.clone()));
                    let node = &mut reader.draft.machines[at];
                    node.place = place;
                    node.attachments.extend(network.map(|network| Attachment {
                        network: network.to_owned(),
                        interface: Some("eth0".to_owned()),
                        place,
                        ..Attachment::default()
                    }));
                }
            }
            for link in topology.list_of("links") {
                reader.link(link, topology)?;
            }
            reader.tell_foreign_macs(topology);
            for (key, node) in topology.entries_of("nodes").iter().filter(|(_, node)| !is_bridge(node)) {
                let Some(at) = reader.draft.find(&key.text, Some(host)) else { continue };
                for line in node.list_of("exec") {
                    let place = Place::new(index, line.span.clone());
                    shell::run_in(reader.draft, (host, at), place, line.text().unwrap_or_default());
                }
            }
        }
        Ok(())
    }
}

/// Whether a node is a bridge of the host.
fn is_bridge(node: &Node) -> bool {
    node.text_of("kind").is_some_and(|kind| kind.ends_with("bridge"))
}

struct Reader<'d> {
    draft: &'d mut Draft,
    /// The number of the input.
    index: usize,
    host: usize,
}

/// One end of a link.
struct End {
    node: String,
    interface: String,
    mac: Option<String>,
    addresses: Vec<String>,
}

impl Reader<'_> {
    fn link(&mut self, link: &Node, topology: &Node) -> Result<(), ReadError> {
        let place = Place::new(self.index, link.span.clone());
        let error = |message: &str| ReadError { message: message.to_owned(), place: Some(place) };
        let single = link.get("endpoint");
        let ends: Vec<End> = single.into_iter().chain(link.list_of("endpoints")).filter_map(end).collect();
        let kind = link.text_of("type");
        match ends.as_slice() {
            [own, outside] | [outside, own] if outside.node == "macvlan" => {
                self.macvlan(own, &outside.interface, link, place);
            }
            [own] if kind == Some("macvlan") => {
                let parent = link.text_of("host-interface");
                let parent =
                    parent.ok_or_else(|| error("a link of type macvlan without `host-interface`"))?;
                self.macvlan(own, parent, link, place);
            }
            [one, other] if matches!(kind, None | Some("veth")) => self.veth(one, other, topology, place),
            _ => {
                let text = format!("a link of type {}", kind.unwrap_or("unknown"));
                self.draft.note(NoteKind::LeftOut, text, Some(place));
            }
        }
        Ok(())
    }

    /// A virtual machine in a container has a MAC address of its own, which a macvlan does not know.
    fn tell_foreign_macs(&mut self, topology: &Node) {
        let kinds = |key: &str| topology.at(&["kinds", key]);
        let default = topology.at(&["defaults", "kind"]).and_then(Node::text);
        for (key, node) in topology.entries_of("nodes") {
            let kind = node.text_of("kind").or(default).unwrap_or_default();
            let image = node.text_of("image").or(kinds(kind).and_then(|kind| kind.text_of("image")));
            if !kind.starts_with("vr-") && !image.is_some_and(|image| image.contains("vrnetlab")) {
                continue;
            }
            let Some(at) = self.draft.find(&key.text, Some(self.host)) else { continue };
            for port in &mut self.draft.machines[at].interfaces {
                if matches!(port.kind, Kind::Macvlan { mode, .. } if mode != Some(Mode::Passthru)) {
                    let text = "a virtual machine in this node has another MAC address, for which this port gets \
                                no answers; `mode: passthru` gets all";
                    port.note(NoteKind::Wrong(Check::MacBehind), text);
                }
            }
        }
    }

    fn macvlan(&mut self, own: &End, parent: &str, link: &Node, place: Place) {
        let at = self.draft.machine(&own.node, Role::Container, Some(self.host));
        let word = link.text_of("mode");
        let mode = word.and_then(Mode::from_name);
        let kind = Kind::Macvlan {
            lower: Lower::Named(self.host, parent.to_owned()),
            mode: mode.or(Some(Mode::Bridge)),
            tap: false,
            flags: MacvlanFlags::default(),
            sources: Vec::new(),
        };
        let mut port = interface(own, kind, place);
        port.promisc = true;
        port.origin = Some(Origin::Containerlab {
            node: own.node.clone(),
            interface: own.interface.clone(),
            parent: parent.to_owned(),
            mac: own.mac.clone(),
        });
        port.note(NoteKind::Default, "containerlab sets its macvlans promiscuous");
        match (word, mode) {
            (None, _) => port.note(NoteKind::Default, "containerlab uses mode bridge where none is given"),
            (Some(word), None) => {
                let text = format!("containerlab refuses the mode `{word}`");
                port.note(NoteKind::Wrong(Check::UnknownMode), text);
            }
            (Some(_), Some(_)) => {}
        }
        self.draft.machines[at].interfaces.push(port);
    }

    /// A veth pair between two nodes, or of a node and a bridge or the host.
    fn veth(&mut self, one: &End, other: &End, topology: &Node, place: Place) {
        let is_managed = |end: &End| end.node == "mgmt-net";
        if is_managed(one) || is_managed(other) {
            return self.draft.note(NoteKind::LeftOut, "a link to the management network", Some(place));
        }
        let mut find = |end: &End| {
            let bridge = topology.at(&["nodes", &end.node]).is_some_and(is_bridge);
            let machine = match end.node.as_str() {
                "host" => self.host,
                _ if bridge => self.host,
                name => self.draft.machine(name, Role::Container, Some(self.host)),
            };
            (machine, bridge.then(|| end.node.clone()))
        };
        let ((a, a_bridge), (b, b_bridge)) = (find(one), find(other));
        for (machine, end, bridge, peer, peer_name) in
            [(a, one, a_bridge, b, &other.interface), (b, other, b_bridge, a, &one.interface)]
        {
            let mut interface = interface(end, Kind::Veth(Lower::Named(peer, peer_name.clone())), place);
            interface.master = bridge;
            self.draft.machines[machine].interfaces.push(interface);
        }
    }
}

fn interface(end: &End, kind: Kind, place: Place) -> Interface {
    let mut interface = Interface::new(end.interface.clone(), kind);
    interface.place = Some(place);
    interface.mac = end.mac.as_deref().and_then(mac);
    interface.addresses = end.addresses.iter().filter_map(|address| ip_net(address)).collect();
    interface
}

/// `NODE:INTERFACE`, or a map.
fn end(node: &Node) -> Option<End> {
    if let Some((name, interface)) = node.text().and_then(|text| text.split_once(':')) {
        let (node, interface) = (name.to_owned(), interface.to_owned());
        return Some(End { node, interface, mac: None, addresses: Vec::new() });
    }
    let addresses = ["ipv4", "ipv6"].iter().filter_map(|key| node.text_of(key)).map(str::to_owned).collect();
    Some(End {
        node: node.text_of("node")?.to_owned(),
        interface: node.text_of("interface")?.to_owned(),
        mac: node.text_of("mac").map(str::to_owned),
        addresses,
    })
}
