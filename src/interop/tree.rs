//! YAML and JSON as a tree that knows where in the text each part is.

use super::yaml::{self, Wrong};
use super::{Place, ReadError};
use serde::de::IgnoredAny;
use std::ops::Range;

/// Maximum depth of lists and maps in each other.
pub(super) const MAX_DEPTH: usize = 48;
/// Maximum number of scalars, lists and maps of one input, with what aliases repeat.
pub(super) const MAX_NODES: usize = 100_000;
/// Maximum number of documents of one input.
pub(super) const MAX_DOCUMENTS: usize = 1_000;

/// A part of a document.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Node {
    pub(super) value: Value,
    /// Where it is, in bytes.
    pub(super) span: Range<usize>,
}

/// What it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Value {
    #[default]
    Null,
    /// A string, number or truth value.
    Text(String),
    List(Vec<Node>),
    /// Keys with their values, in the order of the text.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) span: Range<usize>,
}

impl Node {
    /// The entries whose values are like this.
    pub(super) fn all(&self, like: impl Fn(&Node) -> bool) -> Vec<(Key, Node)> {
        self.entries().iter().filter(|(_, node)| like(node)).cloned().collect()
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(known, _)| known.text == key).map(|(_, node)| node)
    }

    /// The value at the end of a path of keys.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Its text, if it is a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The text of a key's value; none if it is empty.
    pub(super) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text().filter(|text| !text.is_empty())
    }

    /// Whether a key's value is true.
    pub(super) fn is(&self, key: &str) -> bool {
        self.text_of(key).is_some_and(|text| matches!(text, "true" | "yes" | "on" | "1"))
    }

    /// The elements of a list; of anything else none.
    pub(super) fn list(&self) -> &[Node] {
        match &self.value {
            Value::List(list) => list,
            Value::Null | Value::Text(_) | Value::Map(_) => &[],
        }
    }

    /// The elements of a key's list.
    pub(super) fn list_of(&self, key: &str) -> &[Node] {
        self.get(key).map_or(&[], Node::list)
    }

    /// The keys and values of a map; of anything else none.
    pub(super) fn entries(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Null | Value::Text(_) | Value::List(_) => &[],
        }
    }

    /// The keys and values of a key's map.
    pub(super) fn entries_of(&self, key: &str) -> &[(Key, Node)] {
        self.get(key).map_or(&[], Node::entries)
    }

    /// Changes all places in it.
    fn place(&mut self, change: &impl Fn(&mut Range<usize>)) {
        change(&mut self.span);
        match &mut self.value {
            Value::Null | Value::Text(_) => {}
            Value::List(list) => list.iter_mut().for_each(|node| node.place(change)),
            Value::Map(entries) => {
                for (key, node) in entries {
                    change(&mut key.span);
                    node.place(change);
                }
            }
        }
    }
}

/// By how much the text as a whole is indented: its first line that is no comment.
pub(super) fn indent(text: &str) -> usize {
    let mut lines =
        text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    lines.next().map_or(0, |line| line.len() - line.trim_start().len())
}

/// Whether a text can be YAML or JSON: its first line that is no comment looks so.
pub(super) fn can_be(text: &str) -> bool {
    let lines = text.lines().map(|line| line.trim_start_matches('\u{feff}').trim_end());
    let Some(first) = lines.into_iter().find(|line| !line.is_empty() && !line.trim_start().starts_with('#'))
    else {
        return false;
    };
    let is_key = |key: &str| {
        let key = key.trim_matches(['"', '\'']);
        !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
    };
    let first = first.trim_start();
    first.starts_with(['{', '['])
        || first.starts_with("---")
        || first.starts_with("- ")
        || first.strip_suffix(':').or(first.split_once(": ").map(|(key, _)| key)).is_some_and(is_key)
}

/// The documents of a text, which is the input of this number.
pub(super) fn documents(text: &str, index: usize) -> Result<Vec<Node>, ReadError> {
    if !text.trim_start().starts_with(['{', '[']) {
        return yaml(text, index, 0);
    }
    // JSON, of which several values may follow each other.
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let (mut documents, mut start) = (Vec::new(), 0);
    loop {
        match values.next() {
            None => return Ok(documents),
            // It may be YAML that begins like JSON; otherwise its error is the better one.
            Some(Err(error)) => {
                return yaml(text, index, 0).map_err(|_| {
                    let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
                    let at = lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
                    refused(plain(&error.to_string()), at, index)
                });
            }
            Some(Ok(_)) => {
                let end = values.byte_offset();
                documents.extend(yaml(&text[start..end], index, start)?);
                start = end;
            }
        }
        if documents.len() > MAX_DOCUMENTS {
            return Err(refused(format!("more than {MAX_DOCUMENTS} documents"), start, index));
        }
    }
}

/// The value of JSON at the beginning of a text, which begins at this byte of the input; what follows it is something else.
pub(super) fn first(text: &str, index: usize, base: usize) -> Option<Node> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    yaml(text.get(..values.byte_offset())?, index, base).ok()?.into_iter().next()
}

/// A document in a string of another one: everything in it is where the string is.
pub(super) fn inner(text: &str, span: &Range<usize>, index: usize) -> Result<Node, ReadError> {
    let inside = |error: ReadError| ReadError {
        place: Some(Place::new(index, span.clone())),
        message: format!("in this string: {}", error.message),
    };
    let mut node = documents(text, index).map_err(inside)?.into_iter().next().unwrap_or_default();
    node.place(&|place| *place = span.clone());
    Ok(node)
}

fn yaml(text: &str, index: usize, base: usize) -> Result<Vec<Node>, ReadError> {
    let read = yaml::documents(text);
    let mut documents = read.map_err(|Wrong { message, at }| refused(plain(&message), base + at, index))?;
    documents.iter_mut().for_each(|node| {
        node.place(&|place| *place = place.start.saturating_add(base)..place.end.saturating_add(base));
    });
    Ok(documents)
}

fn refused(message: String, at: usize, index: usize) -> ReadError {
    ReadError { message, place: Some(Place::new(index, at..at)) }
}

/// A parser's message without its position, which is told before it.
fn plain(message: &str) -> String {
    let line = message.lines().next().unwrap_or(message);
    let end = [" at line ", ", line "].iter().filter_map(|mark| line.find(mark)).min();
    line[..end.unwrap_or(line.len())].to_owned()
}
