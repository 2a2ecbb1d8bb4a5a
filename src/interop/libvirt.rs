//! libvirt's XML: domains and networks, and interfaces without the rest of their domain.

use super::words::mac;
use super::{
    Attachment, Check, Draft, Format, Interface, Kind, Lower, Network, NoteKind, Origin, Place, ReadError,
    Role, Source,
};
use crate::macvlan::Mode;
use crate::switch::PortFlag;
use roxmltree::{Document, Node, ParsingOptions};
use std::ops::Range;

/// Maximum number of nodes of one input: elements, texts and comments.
const MAX_NODES: u32 = 500_000;

/// The XML of libvirt.
pub(super) struct Libvirt;

impl Format for Libvirt {
    fn name(&self) -> &'static str {
        "libvirt"
    }

    fn about(&self) -> &'static str {
        "libvirt's XML: domains, networks, and single interfaces"
    }

    fn is_output(&self) -> bool {
        true
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        begins(source.text)
    }

    fn read(&self, source: &Source<'_>, index: usize, draft: &mut Draft) -> Result<(), ReadError> {
        let host = draft.host();
        read(draft, host, source.text, index, 0)
    }
}

/// Whether the text begins with an element of libvirt.
pub(super) fn begins(text: &str) -> bool {
    let text = text.trim_start();
    let tags = ["<domain ", "<domain>", "<network ", "<network>", "<interface type="];
    text.starts_with('<') && tags.iter().any(|tag| text.contains(tag))
}

/// The part of a text that is elements of libvirt, which may have prose around it.
pub(super) fn part(text: &str) -> Option<Range<usize>> {
    let tags = ["<domain ", "<domain>", "<network>", "<network ", "<devices>", "<interface type="];
    let start = tags.iter().filter_map(|tag| text.find(tag)).min()?;
    let end = text.rfind("</")?;
    let end = end + text[end..].find('>')? + 1;
    (start < end && begins(&text[start..end])).then_some(start..end)
}

/// Reads one text, which begins at this byte of its input.
pub(super) fn read(
    draft: &mut Draft,
    host: usize,
    text: &str,
    index: usize,
    start: usize,
) -> Result<(), ReadError> {
    // Several elements one after another are no document, unless one is around them.
    let (head, tail) = ("<all>", "</all>");
    let whole = format!("{head}{}{tail}", without_declarations(text));
    let span = |range: Range<usize>| {
        let within = |at: usize| start + at.saturating_sub(head.len()).min(text.len());
        Place::new(index, within(range.start)..within(range.end))
    };
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&whole, options).map_err(|error| {
        let at = byte_of(&whole, error.pos());
        let message = error.to_string();
        let message = message.rsplit_once(" at ").map_or(message.as_str(), |(message, _)| message);
        ReadError { message: format!("not valid XML: {message}"), place: Some(span(at..at)) }
    })?;
    let mut reader = Reader { draft, host, span: &span };
    let is_whole = |node: &Node<'_, '_>| node.children().any(|child| child.is_element());
    let mut found = false;
    for node in document.root_element().descendants() {
        if reader.draft.is_full() {
            break;
        }
        found |= match node.tag_name().name() {
            "domain" if is_whole(&node) => {
                reader.domain(node);
                true
            }
            "network" if is_whole(&node) => {
                reader.network(node);
                true
            }
            "interface" if node.attribute("type").is_some() && !is_inside(node) => {
                let guest = reader.draft.machine("guest", Role::Guest, Some(host));
                reader.interface(guest, node);
                true
            }
            _ => false,
        };
    }
    let error = || ReadError { message: "no domain, network or interface".into(), place: None };
    found.then_some(()).ok_or_else(error)
}

/// Whether an element is a part of a domain or a network.
fn is_inside(node: Node<'_, '_>) -> bool {
    node.ancestors().skip(1).any(|above| matches!(above.tag_name().name(), "domain" | "network"))
}

/// The text with blanks for `<?xml …?>`, which can only be at the begin of a document.
fn without_declarations(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<?xml") {
        let end = after.find("?>").map_or(after.len(), |end| end + 2);
        out.push_str(before);
        out.push_str(&" ".repeat("<?xml".len() + end));
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

/// The byte at a row and a column, both from 1; columns are characters.
fn byte_of(text: &str, at: roxmltree::TextPos) -> usize {
    let rows = usize::try_from(at.row).unwrap_or(1).saturating_sub(1);
    let before: usize = text.split_inclusive('\n').take(rows).map(str::len).sum();
    let columns = usize::try_from(at.col).unwrap_or(1).saturating_sub(1);
    before + text[before..].chars().take(columns).map(char::len_utf8).sum::<usize>()
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.tag_name().name() == name)
}

fn child_attribute<'a>(node: Node<'a, '_>, name: &str, attribute: &str) -> Option<&'a str> {
    child(node, name)?.attribute(attribute).map(str::trim).filter(|value| !value.is_empty())
}

/// A mode in libvirt's words.
fn mode_of(word: &str) -> Option<Mode> {
    match word {
        "passthrough" => Some(Mode::Passthru),
        "vepa" | "bridge" | "private" => Mode::from_name(word),
        _ => None,
    }
}

struct Reader<'r> {
    draft: &'r mut Draft,
    host: usize,
    span: &'r dyn Fn(Range<usize>) -> Place,
}

impl Reader<'_> {
    fn note(&mut self, kind: NoteKind, text: impl Into<String>, node: Node<'_, '_>) {
        let place = (self.span)(node.range());
        self.draft.note(kind, text, Some(place));
    }

    fn domain(&mut self, node: Node<'_, '_>) {
        let name = child(node, "name").and_then(|name| name.text()).map_or("guest", str::trim);
        let guest = self.draft.machine(name, Role::Guest, Some(self.host));
        self.draft.machines[guest].place = Some((self.span)(child(node, "name").unwrap_or(node).range()));
        let devices = child(node, "devices").map(|devices| devices.children());
        for device in devices.into_iter().flatten().filter(|device| device.tag_name().name() == "interface") {
            self.interface(guest, device);
        }
    }

    fn interface(&mut self, guest: usize, node: Node<'_, '_>) {
        let machine = &self.draft.machines[guest];
        let name = format!("eth{}", machine.interfaces.len() + machine.attachments.len());
        let domain = machine.name.clone();
        let given = child_attribute(node, "mac", "address");
        let address = given.and_then(mac).filter(|mac| !mac.is_multicast() && !mac.is_zero());
        if let (Some(given), None) = (given, address) {
            let text =
                format!("`{domain}`: `{given}` is not the MAC address of a device: libvirt refuses it");
            self.note(NoteKind::Wrong(Check::NotAnAddress), text, node);
        }
        let kind = node.attribute("type").unwrap_or_default();
        let mut made = match kind {
            "direct" => self.direct(&domain, &name, node),
            "bridge" => self.port_of_bridge(guest, &name, node),
            "network" => {
                let Some(network) = child_attribute(node, "source", "network") else { return };
                let place = Some((self.span)(node.range()));
                self.draft.machines[guest].attachments.push(Attachment {
                    network: network.to_owned(),
                    mac: address,
                    interface: Some(name),
                    place,
                    ..Attachment::default()
                });
                return;
            }
            kind => {
                let text = format!("`{domain}`: an interface of type {kind}");
                self.note(NoteKind::LeftOut, text, node);
                None
            }
        };
        if let Some(interface) = &mut made {
            (interface.mac, interface.dynamic) = (address, true);
            interface.place = Some((self.span)(node.range()));
            interface.mtu = child_attribute(node, "mtu", "size").and_then(|size| size.parse().ok());
            if child_attribute(node, "link", "state") == Some("down") {
                interface.up = Some(false);
            }
            for (part, what) in [("virtualport", "its virtual port"), ("vlan", "its VLAN tags")] {
                if child(node, part).is_some() {
                    interface.note(NoteKind::LeftOut, what);
                }
            }
        }
        self.draft.machines[guest].interfaces.extend(made);
    }

    /// `<interface type='direct'>`: a macvtap.
    fn direct(&mut self, domain: &str, name: &str, node: Node<'_, '_>) -> Option<Interface> {
        let Some(parent) = child_attribute(node, "source", "dev") else {
            let text = format!("`{domain}`: a direct interface without `<source dev=…>`: libvirt refuses it");
            self.note(NoteKind::Wrong(Check::BadParent), text, node);
            return None;
        };
        let word = child_attribute(node, "source", "mode");
        let mode = word.map_or(Some(Mode::Vepa), mode_of);
        if let (Some(word), None) = (word, mode) {
            let hint = if word == "passthru" { "; its word is `passthrough`" } else { "" };
            let text = format!("`{domain}`: libvirt knows no mode `{word}`, and refuses the domain{hint}");
            self.note(NoteKind::Wrong(Check::UnknownMode), text, node);
        }
        // What was meant, if that is clear.
        let mode = mode.or_else(|| word.and_then(Mode::from_name))?;
        let lower = Lower::Named(self.host, parent.to_owned());
        let mut port = Interface::macvlan(name, lower, Some(mode));
        if let Kind::Macvlan { tap, .. } = &mut port.kind {
            *tap = true;
        }
        port.place = Some((self.span)(node.range()));
        port.origin = Some(Origin::Libvirt { domain: domain.to_owned(), parent: parent.to_owned() });
        if word.is_none() {
            port.note(NoteKind::Default, "libvirt uses mode vepa where none is given");
        }
        Some(port)
    }

    /// `<interface type='bridge'>`: a tap that is a port of a bridge of the host.
    fn port_of_bridge(&mut self, guest: usize, name: &str, node: Node<'_, '_>) -> Option<Interface> {
        let bridge = child_attribute(node, "source", "bridge")?;
        let target = child_attribute(node, "target", "dev").map(str::to_owned);
        let port = self.draft.cable_to(self.host, target, bridge, (guest, name));
        if let Some(isolated) = child_attribute(node, "port", "isolated") {
            let port = self.draft.machines[self.host].interface_mut(&port);
            port.port_flags.push((PortFlag::Isolated, isolated == "yes"));
        }
        Some(Interface::new(name, Kind::Veth(Lower::Named(self.host, port))))
    }

    fn network(&mut self, node: Node<'_, '_>) {
        let Some(name) = child(node, "name").and_then(|name| name.text()).map(str::trim) else { return };
        let forward = child(node, "forward");
        let how = forward.map_or("isolated", |forward| forward.attribute("mode").unwrap_or("nat"));
        let bridge = child_attribute(node, "bridge", "name");
        let devices = forward.into_iter().flat_map(|forward| {
            let listed = forward.children().filter(|child| child.tag_name().name() == "interface");
            forward.attribute("dev").into_iter().chain(listed.filter_map(|listed| listed.attribute("dev")))
        });
        let mut parents: Vec<&str> = Vec::new();
        for device in devices {
            if !parents.contains(&device) {
                parents.push(device);
            }
        }
        let mode = mode_of(how);
        let (driver, parents) = match (mode, bridge) {
            (Some(Mode::Bridge), Some(bridge)) => ("bridge", vec![bridge]),
            (Some(_), _) if parents.is_empty() => {
                let text = format!("network `{name}`: mode {how} needs a device: libvirt cannot start it");
                return self.note(NoteKind::Wrong(Check::BadParent), text, node);
            }
            (Some(_), _) => ("macvlan", parents),
            // Its parent is a bridge of libvirt's, with NAT or without a way out.
            (None, _) => (how, vec![""]),
        };
        // On several devices, it is several networks of one name.
        for parent in parents {
            let mut network = Network::new(name, "libvirt", driver, Some(self.host));
            network.parent = (!parent.is_empty()).then(|| parent.to_owned());
            network.mode = mode.unwrap_or_default();
            network.ports.mtu = child_attribute(node, "mtu", "size").and_then(|size| size.parse().ok());
            network.place = Some((self.span)(node.range()));
            self.draft.networks.push(network);
        }
    }
}
