//! Inputs, and places in them.

use std::fmt;
use std::ops::Range;

/// Maximum length of one input, in bytes.
pub const MAX_BYTES: usize = 4 << 20;

/// A text to import.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// Its name in messages: a file's.
    pub name: String,
    /// What it says.
    pub text: &'a str,
}

impl<'a> Source<'a> {
    /// A text of this name.
    #[must_use]
    pub fn new(name: impl Into<String>, text: &'a str) -> Source<'a> {
        Source { name: name.into(), text }
    }

    /// The first word that is not in a comment.
    pub(super) fn first_word(&self) -> &'a str {
        let mut lines = self.text.lines().map(str::trim_start);
        let line = lines.find(|line| !line.is_empty() && !line.starts_with(['#', ';']));
        line.and_then(|line| line.split_whitespace().next()).unwrap_or_default()
    }

    /// `NAME:LINE:COLUMN` of a place in this input.
    #[must_use]
    pub fn position(&self, place: Place) -> Position<'_> {
        let before = self.text.get(..place.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        Position { name: &self.name, line, column: before[line_start..].chars().count() + 1 }
    }
}

/// A part of an input, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which input, from 0.
    pub source: usize,
    /// Its first byte.
    pub start: usize,
    /// The first byte after it.
    pub end: usize,
}

impl Place {
    /// These bytes of the input with this number.
    #[must_use]
    pub fn new(source: usize, span: Range<usize>) -> Place {
        Place { source, start: span.start, end: span.end }
    }
}

/// A place as people read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position<'a> {
    /// The input's name.
    pub name: &'a str,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl fmt::Display for Position<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.name, self.line, self.column)
    }
}
