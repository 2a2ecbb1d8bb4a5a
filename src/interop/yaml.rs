//! YAML as a tree, made of a parser's events: aliases stand for what they name, and merge keys (`<<`) are carried out.

use super::tree::{Key, MAX_DEPTH, MAX_DOCUMENTS, MAX_NODES, Node, Value};
use granit_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What is wrong with a text.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) message: String,
    /// At which byte.
    pub(super) at: usize,
}

/// The documents of a text that have something in them.
pub(super) fn documents(text: &str) -> Result<Vec<Node>, Wrong> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Wrong {
            message: error.to_string(),
            at: error.marker().byte_offset().unwrap_or_default(),
        })?;
        builder.event(event, bytes(&span))?;
    }
    Ok(builder.documents)
}

fn bytes(span: &Span) -> Range<usize> {
    span.byte_range().unwrap_or_default()
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    /// The lists and maps that are not complete.
    open: Vec<Open>,
    /// What aliases may name, by the parser's number.
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

/// A list or map that is not complete.
struct Open {
    node: Node,
    anchor: usize,
    /// In a map: the key whose value is next.
    key: Option<(Node, IsMerge)>,
    /// Its keys.
    keys: BTreeSet<String>,
    /// What merge keys add.
    merged: Vec<Node>,
}

/// Whether a scalar is the merge key; in quotes it is a key like others.
type IsMerge = bool;

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Range<usize>) -> Result<(), Wrong> {
        match event {
            Event::DocumentStart(..) if self.documents.len() >= MAX_DOCUMENTS => {
                Err(wrong(format!("more than {MAX_DOCUMENTS} documents"), span.start))
            }
            Event::DocumentEnd => {
                self.anchors.clear();
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain && tag.is_none();
                let is_merge = is_plain && text == "<<";
                let value = if is_plain { plain(&text) } else { Value::Text(text.into_owned()) };
                self.count(1, 0, span.start)?;
                self.complete(Node { value, span }, anchor, is_merge)
            }
            Event::SequenceStart(_, anchor, _) => self.begin(Value::List(Vec::new()), anchor, span),
            Event::MappingStart(_, anchor, _) => self.begin(Value::Map(Vec::new()), anchor, span),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => {
                    let (node, anchor) = open.merged(span.start)?;
                    self.complete(node, anchor, false)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let named = self.anchors.get(&anchor).cloned();
                // A list that contains itself is not complete yet.
                let named =
                    named.ok_or_else(|| wrong("an alias of what it is in itself".to_owned(), span.start))?;
                let (nodes, depth) = measure(&named);
                self.count(nodes, depth, span.start)?;
                self.complete(Node { span, ..named }, 0, false)
            }
            _ => Ok(()),
        }
    }

    /// So many more nodes, the deepest of which is so deep.
    fn count(&mut self, nodes: usize, depth: usize, at: usize) -> Result<(), Wrong> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return Err(wrong(format!("more than {MAX_NODES} values, with what aliases repeat"), at));
        }
        if self.open.len() + depth > MAX_DEPTH {
            return Err(wrong(format!("lists and maps in each other more than {MAX_DEPTH} deep"), at));
        }
        Ok(())
    }

    fn begin(&mut self, value: Value, anchor: usize, span: Range<usize>) -> Result<(), Wrong> {
        self.count(1, 1, span.start)?;
        let node = Node { value, span };
        self.open.push(Open { node, anchor, key: None, keys: BTreeSet::new(), merged: Vec::new() });
        Ok(())
    }

    /// Puts a node where it belongs.
    fn complete(&mut self, node: Node, anchor: usize, is_merge: IsMerge) -> Result<(), Wrong> {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(open) => open.put(node, is_merge),
            None if node.value == Value::Null => Ok(()),
            None => {
                self.documents.push(node);
                Ok(())
            }
        }
    }
}

impl Open {
    fn put(&mut self, node: Node, is_merge: IsMerge) -> Result<(), Wrong> {
        match &mut self.node.value {
            Value::Map(entries) => match self.key.take() {
                None => self.key = Some((node, is_merge)),
                Some((_, true)) => self.merged.push(node),
                // A key that is no scalar has no name, and nothing asks for it.
                Some((Node { value: Value::Text(text), span }, false)) => {
                    if !self.keys.insert(text.clone()) {
                        return Err(wrong(format!("duplicate mapping key: {text}"), span.start));
                    }
                    entries.push((Key { text, span }, node));
                }
                Some(_) => {}
            },
            Value::List(list) => list.push(node),
            Value::Null | Value::Text(_) => {}
        }
        Ok(())
    }

    /// The whole, with what merge keys add: the keys that it does not have itself.
    fn merged(mut self, at: usize) -> Result<(Node, usize), Wrong> {
        let maps = std::mem::take(&mut self.merged).into_iter().flat_map(|node| match node.value {
            Value::List(list) => list,
            value => vec![Node { value, span: node.span }],
        });
        for map in maps {
            let (Value::Map(more), Value::Map(entries)) = (map.value, &mut self.node.value) else {
                return Err(wrong("a merge key takes a map, or a list of maps".to_owned(), at));
            };
            let new = more.into_iter().filter(|(key, _)| self.keys.insert(key.text.clone()));
            entries.extend(new);
        }
        Ok((self.node, self.anchor))
    }
}

/// A scalar without quotes: null and truth values have several spellings (YAML 1.2.2, 10.3.2).
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "True" | "TRUE" => Value::Text("true".to_owned()),
        "False" | "FALSE" => Value::Text("false".to_owned()),
        text => Value::Text(text.to_owned()),
    }
}

/// The number of nodes in a tree, and how deep lists and maps are in each other.
fn measure(node: &Node) -> (usize, usize) {
    let inner = |all: &mut dyn Iterator<Item = &Node>| {
        let (nodes, depth) = all.map(measure).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1.max(one.1)));
        (nodes + 1, depth + 1)
    };
    match &node.value {
        Value::Null | Value::Text(_) => (1, 0),
        Value::List(list) => inner(&mut list.iter()),
        Value::Map(entries) => inner(&mut entries.iter().map(|(_, node)| node)),
    }
}

fn wrong(message: String, at: usize) -> Wrong {
    Wrong { message, at }
}
