//! Traverses the parsed TOML: tables, values with their positions, and the errors found.

use super::declared::Declared;
use super::diagnostic::{Diagnostics, Found, LineIndex, Severity};
use super::names::{Names, Reference, Want};
use super::suggest;
use std::fmt;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The path of a value in the file's tree.
#[derive(Clone, Copy)]
pub(super) enum Path<'p> {
    Root,
    Key(&'p Path<'p>, &'p str),
    /// Counted from 1.
    Index(&'p Path<'p>, usize),
}

impl<'p> Path<'p> {
    pub(super) fn key(&'p self, key: &'p str) -> Path<'p> {
        Path::Key(self, key)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Key(Path::Root, key) => f.write_str(key),
            Path::Key(parent, key) => write!(f, "{parent}.{key}"),
            Path::Index(parent, i) => write!(f, "{parent}[{i}]"),
        }
    }
}

/// A value with its position and path.
#[derive(Clone)]
pub(super) struct Node<'p, 't> {
    pub(super) path: Path<'p>,
    pub(super) span: Range<usize>,
    pub(super) value: &'p DeValue<'t>,
}

/// The results so far.
pub(super) struct Reader<'t> {
    pub(super) lines: LineIndex<'t>,
    pub(super) names: Names<'t>,
    pub(super) problems: Found,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Reader<'t> {
        Reader { lines: LineIndex::new(text), names: Names::default(), problems: Found::default() }
    }

    /// For a step of an existing lab.
    pub(super) fn beside(before: &'t Declared, text: &'t str) -> Reader<'t> {
        Reader { names: Names::beside(before), ..Reader::new(text) }
    }

    /// The result, or all errors. `name` is the text's name in diagnostics.
    pub(super) fn finish<T>(self, name: &str, text: &str, read: Option<T>) -> Result<T, Diagnostics> {
        match read {
            Some(read) if self.problems.is_empty() => Ok(read),
            _ => Err(Diagnostics::of(self.problems, Severity::Error, name, text, &self.lines)),
        }
    }

    /// Whether the limit of stored errors is reached, as [`Found::full`].
    pub(super) fn full(&mut self) -> bool {
        self.problems.full()
    }

    /// Adds an error.
    pub(super) fn problem(
        &mut self,
        key: String,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        self.problem_with(key, span, message, help, None);
    }

    /// Adds an error that concerns another place as well.
    pub(super) fn problem_with(
        &mut self,
        key: String,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
        other: Option<(Range<usize>, String)>,
    ) {
        self.problems.add(key, span, message.into(), help.into(), other);
    }

    /// Adds an error for this value, with a hint.
    pub(super) fn wrong<T>(
        &mut self,
        node: &Node<'_, '_>,
        message: impl Into<String>,
        help: &str,
    ) -> Option<T> {
        let help = (!help.is_empty()).then(|| help.to_owned());
        self.problem(node.path.to_string(), node.span.clone(), message, help);
        None
    }

    /// Adds an error that this value has the wrong type.
    pub(super) fn wrong_type<T>(&mut self, node: &Node<'_, '_>, wanted: &str) -> Option<T> {
        self.wrong(node, format!("expected {wanted}, found {}", type_name(node.value)), "")
    }

    /// Records that the value names a device or switch, to be resolved when all are known.
    pub(super) fn refer(&mut self, node: &Node<'_, '_>, name: &str, want: Want) {
        let (key, span) = (node.path.to_string(), node.span.clone());
        self.names.references.push(Reference { name: name.to_owned(), want, key, span });
    }
}

/// The name of the value's type in messages.
pub(super) fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A table with its position and path.
pub(super) struct Table<'p, 't> {
    pub(super) path: Path<'p>,
    pub(super) span: Range<usize>,
    map: &'p DeTable<'t>,
}

impl<'p, 't> Table<'p, 't> {
    pub(super) fn root(map: &'p DeTable<'t>) -> Table<'p, 't> {
        Table { path: Path::Root, span: 0..0, map }
    }

    /// The value as a table; any other type is an error.
    pub(super) fn of(cx: &mut Reader<'_>, node: &Node<'p, 't>) -> Option<Table<'p, 't>> {
        match node.value {
            DeValue::Table(map) => Some(Table { path: node.path, span: node.span.clone(), map }),
            _ => cx.wrong_type(node, "a table"),
        }
    }

    /// Reports the keys that are not in the list.
    pub(super) fn only(&self, cx: &mut Reader<'_>, known: &[&str]) {
        let unknown = |key: &str| !known.contains(&key);
        if !self.map.keys().any(|key| unknown(key.get_ref())) {
            return;
        }
        for (key, _) in self.entries() {
            let word = key.get_ref().as_ref();
            if unknown(word) && !cx.full() {
                let path = self.path.key(word).to_string();
                cx.problem(path, key.span(), format!("unknown key `{word}`"), suggest::hint(word, known));
            }
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// The value of a key, of any type.
    pub(super) fn node(&'p self, key: &'p str) -> Option<Node<'p, 't>> {
        let value = self.map.get(key)?;
        Some(Node { path: self.path.key(key), span: value.span(), value: value.get_ref() })
    }

    /// The position of a key.
    pub(super) fn key_span(&self, key: &str) -> Option<Range<usize>> {
        self.map.get_key_value(key).map(|(k, _)| k.span())
    }

    /// The key's value; `None` if the key is missing or its value is wrong, which is reported.
    pub(super) fn get<T>(
        &self,
        cx: &mut Reader<'_>,
        key: &str,
        read: impl FnOnce(&mut Reader<'_>, &Node<'_, '_>) -> Option<T>,
    ) -> Option<T> {
        let value = self.map.get(key)?;
        read(cx, &Node { path: self.path.key(key), span: value.span(), value: value.get_ref() })
    }

    /// As [`Table::get`]; a missing key is an error.
    pub(super) fn require<T>(
        &self,
        cx: &mut Reader<'_>,
        key: &str,
        read: impl FnOnce(&mut Reader<'_>, &Node<'_, '_>) -> Option<T>,
    ) -> Option<T> {
        if !self.has(key) {
            cx.problem(self.path.to_string(), self.span.clone(), format!("the key `{key}` is missing"), None);
        }
        self.get(cx, key, read)
    }

    /// All entries in the order of the file.
    pub(super) fn entries(&self) -> Vec<(&'p Spanned<std::borrow::Cow<'t, str>>, &'p Spanned<DeValue<'t>>)> {
        let mut all: Vec<_> = self.map.iter().collect();
        all.sort_by_key(|(key, _)| key.span().start);
        all
    }
}

/// A list's elements; wrong ones are reported and left out.
pub(super) fn list<T>(
    cx: &mut Reader<'_>,
    node: &Node<'_, '_>,
    what: &str,
    mut read: impl FnMut(&mut Reader<'_>, &Node<'_, '_>) -> Option<T>,
) -> Option<Vec<T>> {
    let DeValue::Array(array) = node.value else {
        return cx.wrong_type(node, what);
    };
    let mut all = Vec::with_capacity(array.len());
    for (i, value) in array.iter().enumerate() {
        let element =
            Node { path: Path::Index(&node.path, i + 1), span: value.span(), value: value.get_ref() };
        all.extend(read(cx, &element));
    }
    Some(all)
}
