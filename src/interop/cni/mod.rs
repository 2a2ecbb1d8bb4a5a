//! CNI: configurations as in `/etc/cni/net.d`, NetworkAttachmentDefinitions with them, and the pods of a cluster that name
//! them in an annotation.
//!
//! | file | reads |
//! | --- | --- |
//! | `config.rs` | a configuration, or a list of plugins |
//! | `ipam.rs` | where the addresses come from |
//! | `pods.rs` | pods, and what makes pods |

mod config;
mod ipam;
mod pods;

use super::tree::{self, Node};
use super::{Draft, Format, NoteKind, Place, ReadError, Role, Source};
use std::collections::BTreeSet;

/// The annotation of a pod that names its networks.
const NETWORKS: &str = "k8s.v1.cni.cncf.io/networks";

/// Configurations of CNI, alone or in Kubernetes.
pub(super) struct Cni;

impl Format for Cni {
    fn name(&self) -> &'static str {
        "cni"
    }

    fn about(&self) -> &'static str {
        "CNI configurations, NetworkAttachmentDefinitions, pods with their annotations: JSON or YAML, as `kubectl get` shows it"
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        let has = |word: &str| source.text.contains(word);
        let is_config = has("\"cniVersion\"") || has("\"master\"") && has("\"type\"");
        tree::can_be(source.text)
            && (has("NetworkAttachmentDefinition") || has(NETWORKS) || is_config && has("\"macvlan\""))
    }

    fn read(&self, source: &Source<'_>, index: usize, draft: &mut Draft) -> Result<(), ReadError> {
        let mut reader = Reader { draft, index, ignored: BTreeSet::new(), anywhere: Vec::new() };
        for document in tree::documents(source.text, index)? {
            reader.document(&document)?;
        }
        if !reader.anywhere.is_empty() {
            let (names, nodes) = (listed(&reader.anywhere), reader.draft.machines.iter());
            let nodes: Vec<&str> = nodes.filter(|m| m.role == Role::Host).map(|m| m.name.as_str()).collect();
            let text = format!("the nodes of {names} are not in the input: taken to be {}", listed(&nodes));
            reader.draft.note(NoteKind::Guess, text, None);
        }
        if !reader.ignored.is_empty() {
            let kinds: Vec<&str> = reader.ignored.iter().map(String::as_str).collect();
            let text = format!("{}: they make no networks", kinds.join(", "));
            draft.note(NoteKind::LeftOut, text, None);
        }
        Ok(())
    }
}

struct Reader<'d> {
    draft: &'d mut Draft,
    /// The number of the input.
    index: usize,
    /// Kinds of objects that have no part in this.
    ignored: BTreeSet<String>,
    /// What makes pods on nodes that the input does not name.
    anywhere: Vec<String>,
}

impl Reader<'_> {
    fn document(&mut self, document: &Node) -> Result<(), ReadError> {
        match document.text_of("kind") {
            Some("NetworkAttachmentDefinition") => self.attachment_definition(document),
            Some(kind) if pods::makes_pods(kind) => self.pods(kind, document),
            Some(_) if document.get("items").is_some() => {
                document.list_of("items").iter().try_for_each(|item| self.document(item))
            }
            Some(kind) => {
                self.ignored.insert(kind.to_owned());
                Ok(())
            }
            None if !document.list().is_empty() => {
                document.list().iter().try_for_each(|item| self.document(item))
            }
            None => {
                let name = document.text_of("name").unwrap_or("network").to_owned();
                self.config("cni", &name, document);
                Ok(())
            }
        }
    }

    /// A NetworkAttachmentDefinition, whose configuration is a string.
    fn attachment_definition(&mut self, document: &Node) -> Result<(), ReadError> {
        let Some(name) = document.at(&["metadata", "name"]).and_then(Node::text) else {
            return Err(self.error(document, "a NetworkAttachmentDefinition without `metadata.name`"));
        };
        let name = qualified(name, namespace(document));
        let Some(config) = document.at(&["spec", "config"]) else {
            let text = format!("`{name}` has no `spec.config`: its configuration is in a file of each node");
            self.draft.note(NoteKind::LeftOut, text, Some(self.place(document)));
            return Ok(());
        };
        let config = match config.text() {
            Some(text) => tree::inner(text, &config.span, self.index)?,
            None => return Err(self.error(config, "`spec.config` is a string with JSON in it")),
        };
        self.config("nad", &name, &config);
        Ok(())
    }

    fn place(&self, node: &Node) -> Place {
        Place::new(self.index, node.span.clone())
    }

    fn error(&self, node: &Node, message: &str) -> ReadError {
        ReadError { message: message.to_owned(), place: Some(self.place(node)) }
    }
}

fn namespace(document: &Node) -> &str {
    document.at(&["metadata", "namespace"]).and_then(Node::text).unwrap_or("default")
}

/// The name of a network among those of all namespaces.
fn qualified(name: &str, namespace: &str) -> String {
    if namespace == "default" { name.to_owned() } else { format!("{namespace}/{name}") }
}

/// Names as a phrase; many are counted.
fn listed(names: &[impl AsRef<str>]) -> String {
    const MOST: usize = 6;
    let first: Vec<String> = names.iter().take(MOST).map(|name| format!("`{}`", name.as_ref())).collect();
    match names.len() {
        0..=MOST => first.join(", "),
        count => format!("{} and {} more", first.join(", "), count - MOST),
    }
}
