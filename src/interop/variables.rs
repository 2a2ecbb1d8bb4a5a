//! Variables: `NAME=VALUE` of an `.env` file, and their use as `${NAME:-default}`.

use super::tree::{Node, Value};
use super::{Draft, Format, Place, ReadError, Source};
use std::collections::{BTreeMap, BTreeSet};

/// Maximum length of all texts of an input together, once their variables have their values, in bytes.
const MAX_EXPANDED: usize = 4 << 20;
/// Maximum depth of variables in the defaults of others.
const MAX_NESTED: usize = 8;

/// A file of variables for other inputs.
pub(super) struct DotEnv;

impl Format for DotEnv {
    fn name(&self) -> &'static str {
        "env"
    }

    fn about(&self) -> &'static str {
        "a file `.env` with variables of a compose file that is another input"
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        let name = source.name.rsplit(['/', '\\']).next().unwrap_or_default();
        name.ends_with(".env") && source.text.lines().all(|line| line.trim().is_empty() || is_setting(line))
    }

    fn is_for_others(&self) -> bool {
        true
    }

    fn read(&self, source: &Source<'_>, index: usize, draft: &mut Draft) -> Result<(), ReadError> {
        let mut start = 0;
        for line in source.text.split_inclusive('\n') {
            let (own, after) = (start, start + line.len());
            start = after;
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((name, value)) = line.strip_prefix("export ").unwrap_or(line).split_once('=') else {
                let place = Some(Place::new(index, own..after));
                return Err(ReadError { message: "a variable is NAME=VALUE".to_owned(), place });
            };
            draft.variables.insert(name.trim().to_owned(), unquoted(value.trim()).to_owned());
        }
        Ok(())
    }
}

fn is_setting(line: &str) -> bool {
    let line = line.trim();
    let line = line.strip_prefix("export ").unwrap_or(line);
    line.starts_with('#') || line.split_once('=').is_some_and(|(name, _)| is_name(name.trim()))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|value| value.split(quote).next()) {
            return inner;
        }
    }
    value.split(" #").next().unwrap_or(value).trim_end()
}

/// Gives values to the variables in all texts of a document.
pub(super) struct Expander<'v> {
    values: &'v BTreeMap<String, String>,
    /// How many bytes there may still be.
    left: usize,
    /// Variables without a value.
    pub(super) missing: BTreeSet<String>,
}

impl<'v> Expander<'v> {
    /// With these values.
    pub(super) fn new(values: &'v BTreeMap<String, String>) -> Expander<'v> {
        Expander { values, left: MAX_EXPANDED, missing: BTreeSet::new() }
    }

    /// Expands a part of a document.
    pub(super) fn node(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::Null => {}
            Value::Text(text) if text.contains('$') => {
                let expanded = self.text(text, 0);
                if expanded.len() <= self.left {
                    self.left -= expanded.len();
                    *text = expanded;
                }
            }
            Value::Text(_) => {}
            Value::List(list) => list.iter_mut().for_each(|node| self.node(node)),
            Value::Map(entries) => entries.iter_mut().for_each(|(_, node)| self.node(node)),
        }
    }

    fn text(&mut self, text: &str, depth: usize) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if out.len() > self.left {
                break;
            }
            if let Some(after) = rest.strip_prefix('$') {
                out.push('$');
                rest = after;
            } else if let Some(inner) = rest.strip_prefix('{') {
                let end = closing(inner).unwrap_or(inner.len());
                out.push_str(&self.braced(&inner[..end], depth));
                rest = inner.get(end + 1..).unwrap_or_default();
            } else {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                if end == 0 {
                    out.push('$');
                } else {
                    out.push_str(&self.value(&rest[..end]));
                }
                rest = &rest[end..];
            }
        }
        out.push_str(rest);
        out
    }

    /// `NAME`, `NAME:-default`, `NAME-default`, `NAME:?message`, `NAME:+instead`.
    fn braced(&mut self, inner: &str, depth: usize) -> String {
        let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len());
        let (name, operation) = inner.split_at(end);
        let (operation, empty_too) = match operation.strip_prefix(':') {
            Some(operation) => (operation, true),
            None => (operation, false),
        };
        let known = self.values.get(name).filter(|value| !empty_too || !value.is_empty());
        match (operation.chars().next(), known) {
            (Some('+'), Some(_)) | (Some('-'), None) if depth < MAX_NESTED => {
                self.text(&operation[1..], depth + 1)
            }
            (Some('+'), None) => String::new(),
            (_, Some(value)) => value.clone(),
            _ => self.value(name),
        }
    }

    fn value(&mut self, name: &str) -> String {
        self.values.get(name).cloned().unwrap_or_else(|| {
            self.missing.insert(name.to_owned());
            String::new()
        })
    }
}

/// Where the brace closes that is open before this text.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
        None
    })
}
