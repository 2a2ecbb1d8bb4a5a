//! Errors that show only when a lab runs, pointed out in the file.

use super::diagnostic::{Diagnostics, Found, LineIndex, Severity};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// An error in a file that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The key concerned, as [`Diagnostic::key`](super::Diagnostic::key) has it: `lesson[2].exercise.goals[1]`.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// How to fix it; empty: nothing is said.
    pub help: String,
}

/// The errors, each with its place in the file: that of its key, or of the nearest table around it that the file has. `None`:
/// there are none.
///
/// ```
/// use macvlab::labfile::{Remark, point_out};
///
/// let remark = Remark { key: "nic.eth0.mtu".into(), message: "too small".into(), help: String::new() };
/// let errors = point_out("lab.toml", "[nic.eth0]\nmtu = 68\n", [remark]).unwrap();
/// assert_eq!((errors.list()[0].line, errors.list()[0].column), (2, 7));
/// ```
#[must_use]
pub fn point_out(name: &str, text: &str, remarks: impl IntoIterator<Item = Remark>) -> Option<Diagnostics> {
    let (root, _) = DeTable::parse_recoverable(text);
    let mut found = Found::default();
    for Remark { key, message, help } in remarks {
        let span = span(&root, &key);
        found.add(key, span, message, (!help.is_empty()).then_some(help), None);
    }
    let lines = LineIndex::new(text);
    (!found.is_empty()).then(|| Diagnostics::of(found, Severity::Error, name, text, &lines))
}

/// The place of a key.
fn span(root: &Spanned<DeTable<'_>>, key: &str) -> Range<usize> {
    let mut words = key.split('.').flat_map(|word| word.split_inclusive('['));
    let first = words.next().unwrap_or_default().trim_end_matches('[');
    let Some((name, mut at)) = root.get_ref().get_key_value(first) else { return 0..0 };
    // A table's own place is its header, which `span` has as that of its name.
    let mut span = if matches!(at.get_ref(), DeValue::Table(_)) { name.span() } else { at.span() };
    for word in words {
        let index = word.strip_suffix(']').and_then(|n| n.parse::<usize>().ok());
        let next = match (at.get_ref(), index) {
            (DeValue::Array(array), Some(n)) => array.get(n.wrapping_sub(1)),
            // `[lesson]` is the only element of its list.
            (DeValue::Table(_), Some(_)) => continue,
            (DeValue::Table(table), None) => table.get(word.trim_end_matches('[')),
            _ => None,
        };
        let Some(next) = next else { break };
        (at, span) = (next, next.span());
    }
    span
}
