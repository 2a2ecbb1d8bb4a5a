//! Compose files: networks, and services on them.
//!
//! | file | reads |
//! | --- | --- |
//! | `networks.rs` | the networks |
//! | `services.rs` | the services |

mod networks;
mod services;

use super::tree::{self, Key, Node, Value};
use super::variables::Expander;
use super::{Draft, Format, NoteKind, Place, ReadError, Source};

/// `compose.yaml`.
pub(super) struct Compose;

impl Format for Compose {
    fn name(&self) -> &'static str {
        "compose"
    }

    fn about(&self) -> &'static str {
        "a compose file: networks, and services on them; variables have their defaults, or the values of a file `.env`"
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        let is_section = |line: &str| {
            let line = line.trim_start_matches([' ', '{', '"', '\t']);
            ["services", "networks"].iter().any(|key| {
                line.strip_prefix(key).is_some_and(|rest| rest.trim_start_matches('"').starts_with(':'))
            })
        };
        let indent = tree::indent(source.text);
        let is_top = |line: &&str| {
            let own = line.len() - line.trim_start().len();
            own <= indent || source.text.starts_with('{')
        };
        tree::can_be(source.text)
            && source.text.contains("macvlan")
            && (source.text.lines().filter(is_top).any(is_section) || is_part(source.text))
    }

    fn read(&self, source: &Source<'_>, index: usize, draft: &mut Draft) -> Result<(), ReadError> {
        let mut documents = tree::documents(source.text, index)?;
        let host = draft.host();
        for document in &mut documents {
            if let Some(whole) = around(document) {
                *document = whole;
            }
            let mut expander = Expander::new(&draft.variables);
            expander.node(document);
            let missing: Vec<String> = expander.missing.into_iter().collect();
            let mut reader = Reader { draft, index, host };
            for name in missing {
                let text = format!("the variable `{name}` is not in the input: it is empty");
                reader.draft.note(NoteKind::Guess, text, None);
            }
            reader.networks(document)?;
            reader.services(document)?;
        }
        Ok(())
    }
}

/// A file around what is a part of one: networks or services by their names.
fn around(document: &Node) -> Option<Node> {
    if document.get("services").is_some() || document.get("networks").is_some() {
        return None;
    }
    let is_network = |node: &Node| node.text_of("driver").is_some();
    let is_service = |node: &Node| node.get("image").is_some() || node.get("networks").is_some();
    let sections = [("networks", document.all(is_network)), ("services", document.all(is_service))];
    let sections: Vec<(Key, Node)> = sections
        .into_iter()
        .filter(|(_, entries)| !entries.is_empty())
        .map(|(name, entries)| {
            let span = document.span.clone();
            let node = Node { value: Value::Map(entries), span: span.clone() };
            (Key { text: name.to_owned(), span }, node)
        })
        .collect();
    (!sections.is_empty()).then(|| Node { value: Value::Map(sections), span: document.span.clone() })
}

/// Whether a text without these sections can be the entries of one.
fn is_part(text: &str) -> bool {
    let has =
        |line: &str| text.lines().any(|known| known.trim().trim_end_matches(['"', '\'']).starts_with(line));
    has("driver: macvlan") || has("image:") && has("networks:")
}

struct Reader<'d> {
    draft: &'d mut Draft,
    /// The number of the input.
    index: usize,
    /// The machine that the containers run on.
    host: usize,
}

impl Reader<'_> {
    fn place(&self, node: &Node) -> Option<Place> {
        Some(Place::new(self.index, node.span.clone()))
    }

    fn error<T>(&self, node: &Node, message: String) -> Result<T, ReadError> {
        Err(ReadError { message, place: self.place(node) })
    }
}
