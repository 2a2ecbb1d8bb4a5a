//! Pods with secondary networks, and the objects that make pods.

use super::super::tree::{self, Node, Value};
use super::super::words::{ip_net, mac};
use super::super::{Attachment, Check, Draft, NoteKind, Place, ReadError, Role};
use super::{NETWORKS, Reader, namespace, qualified};
use std::net::IpAddr;

/// The annotation in which Multus writes what a pod got.
const STATUS: &str = "k8s.v1.cni.cncf.io/network-status";

/// Maximum number of pods that one object makes.
const MAX_REPLICAS: usize = 64;

/// Whether objects of this kind make pods, or are one.
pub(super) fn makes_pods(kind: &str) -> bool {
    matches!(
        kind,
        "Pod" | "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController" | "Job"
    )
}

impl Reader<'_> {
    /// Reads an object that makes pods.
    pub(super) fn pods(&mut self, kind: &str, document: &Node) -> Result<(), ReadError> {
        let pod = if kind == "Pod" { Some(document) } else { document.at(&["spec", "template"]) };
        let Some(pod) = pod else { return Ok(()) };
        let place = self.place(document.get("metadata").unwrap_or(document));
        let annotation = |name: &str| {
            pod.at(&["metadata", "annotations", name]).and_then(|node| Some((node, node.text()?)))
        };
        let attachments = match annotation(NETWORKS) {
            None => return Ok(()),
            Some((node, text)) => self.networks(node, text, namespace(document))?,
        };
        let given = match annotation(STATUS) {
            None => Node::default(),
            Some((node, text)) => tree::inner(text, &node.span, self.index)?,
        };
        let name = document.at(&["metadata", "name"]).or(document.at(&["metadata", "generateName"]));
        let name = name.and_then(Node::text).unwrap_or("pod").trim_end_matches('-');
        let spec = pod.get("spec");
        let selected =
            |spec: &'_ Node| spec.at(&["nodeSelector", "kubernetes.io/hostname"])?.text().map(str::to_owned);
        let node =
            spec.and_then(|spec| spec.text_of("nodeName").map(str::to_owned).or_else(|| selected(spec)));
        for (name, number) in self.replicas(kind, name, document) {
            let on = match (&node, kind) {
                (Some(node), _) => self.draft.machine(node, Role::Host, None),
                (None, "DaemonSet") => any_node(self.draft, number),
                (None, _) => {
                    let pods = self.draft.machines.iter().filter(|m| m.role == Role::Pod).count();
                    any_node(self.draft, pods)
                }
            };
            let at = self.draft.machine(&name, Role::Pod, Some(on));
            let mut attachments = attachments.clone();
            attachments.iter_mut().for_each(|attachment| status(&given, attachment));
            let machine = &mut self.draft.machines[at];
            machine.place = Some(place);
            machine.attachments = attachments;
        }
        if node.is_none() {
            self.anywhere.push(name.to_owned());
        }
        Ok(())
    }

    /// The names of the pods that an object makes, with their numbers.
    fn replicas(&mut self, kind: &str, name: &str, document: &Node) -> Vec<(String, usize)> {
        let count = match kind {
            "Pod" | "Job" => return vec![(name.to_owned(), 0)],
            "DaemonSet" => 2,
            _ => {
                let count = document.at(&["spec", "replicas"]).and_then(Node::text);
                count.and_then(|count| count.parse().ok()).unwrap_or(1)
            }
        };
        if count > MAX_REPLICAS {
            let text = format!("the pods of `{name}` after the first {MAX_REPLICAS}");
            self.draft.note(NoteKind::LeftOut, text, Some(self.place(document)));
        }
        let first = usize::from(kind != "StatefulSet");
        let number = |number: usize| (format!("{name}-{}", number + first), number);
        if count == 1 && kind != "StatefulSet" {
            return vec![(name.to_owned(), 0)];
        }
        (0..count.min(MAX_REPLICAS)).map(number).collect()
    }

    /// The value of the annotation: names, or a list in JSON.
    fn networks(&mut self, node: &Node, text: &str, namespace: &str) -> Result<Vec<Attachment>, ReadError> {
        let place = self.place(node);
        if !text.trim_start().starts_with(['[', '{']) {
            let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
            let all = names.enumerate().map(|(number, name)| short(name, number, namespace, place));
            return Ok(all.collect());
        }
        let list = tree::inner(text, &node.span, self.index)?;
        let elements = match &list.value {
            Value::Map(_) => std::slice::from_ref(&list),
            Value::Null | Value::Text(_) | Value::List(_) => list.list(),
        };
        let mut attachments = Vec::new();
        for (number, element) in elements.iter().enumerate() {
            let Some(name) = element.text_of("name") else {
                return Err(self.error(node, "an element without `name`"));
            };
            let mut attachment =
                short(name, number, element.text_of("namespace").unwrap_or(namespace), place);
            if let Some(interface) = element.text_of("interface") {
                attachment.interface = Some(interface.to_owned());
            }
            let ips =
                element.list_of("ips").iter().chain(element.get("ips").filter(|ips| ips.text().is_some()));
            for ip in ips.filter_map(Node::text) {
                match ip_net(ip) {
                    Some(net) => attachment.addresses.push(net),
                    None => {
                        let text = format!("`{ip}` is not an address");
                        self.draft.note(NoteKind::Wrong(Check::NotAnAddress), text, Some(place));
                    }
                }
            }
            attachment.mac = element.text_of("mac").and_then(mac);
            let routers = element.list_of("default-route").iter().filter_map(Node::text);
            attachment.gateways = routers.filter_map(|ip| ip.parse::<IpAddr>().ok()).collect();
            attachments.push(attachment);
        }
        Ok(attachments)
    }
}

/// `NAMESPACE/NAME@INTERFACE`, of which only the name must be there.
fn short(text: &str, number: usize, namespace: &str, place: Place) -> Attachment {
    let (name, interface) = match text.split_once('@') {
        Some((name, interface)) => (name, interface.to_owned()),
        None => (text, format!("net{}", number + 1)),
    };
    let (namespace, name) = name.split_once('/').unwrap_or((namespace, name));
    Attachment {
        network: qualified(name, namespace),
        interface: Some(interface),
        place: Some(place),
        ..Attachment::default()
    }
}

/// What the pod got, according to Multus.
fn status(given: &Node, attachment: &mut Attachment) {
    let is_this = |entry: &&Node| {
        entry.text_of("interface").map(str::to_owned) == attachment.interface && !entry.is("default")
    };
    let Some(entry) = given.list().iter().find(is_this) else { return };
    let ips: Vec<_> = entry.list_of("ips").iter().filter_map(|ip| ip_net(ip.text()?)).collect();
    if !ips.is_empty() {
        attachment.addresses = ips;
    }
    attachment.mac = entry.text_of("mac").and_then(mac).or(attachment.mac);
}

/// A node of the input, or one of two that are assumed.
fn any_node(draft: &mut Draft, number: usize) -> usize {
    let nodes: Vec<usize> =
        (0..draft.machines.len()).filter(|m| draft.machines[*m].role == Role::Host).collect();
    match nodes.as_slice() {
        [] => draft.machine("node1", Role::Host, None),
        [first] if number % 2 == 1 && draft.machines[*first].name == "node1" => {
            draft.machine("node2", Role::Host, None)
        }
        nodes => nodes[number % nodes.len()],
    }
}
