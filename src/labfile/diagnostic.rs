//! Errors in a lab file, and their display.

use crate::plain::plain;
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::fmt;
use std::ops::Range;

/// Maximum number of errors shown; any more are counted.
pub const MAX_SHOWN: usize = 50;

/// Lines longer than this (in bytes) are not shown.
const MAX_SHOWN_LINE: usize = 4096;

/// An error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Line, from 1.
    pub line: usize,
    /// Column, in characters from 1.
    pub column: usize,
    /// The key concerned, `macvlan.c1.mode`; steps and other list elements are counted from 1, `step[3].ping.from`.
    /// Empty if there is none.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// How to fix it.
    pub help: Option<String>,
    /// The bytes concerned.
    pub span: Range<usize>,
    /// A related place, and its label.
    pub other: Option<(Range<usize>, String)>,
}

/// All errors of a lab file; never empty.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    name: String,
    text: String,
    list: Vec<Diagnostic>,
    more: usize,
}

impl Diagnostics {
    pub(super) fn new(name: &str, text: &str, list: Vec<Diagnostic>, more: usize) -> Diagnostics {
        // Lines of the file are escaped when they are rendered, so that the marks stay in place.
        Diagnostics { name: plain(name), text: text.to_owned(), list, more }
    }

    /// The errors, in the order of the file; at most [`MAX_SHOWN`].
    #[must_use]
    pub fn list(&self) -> &[Diagnostic] {
        &self.list
    }

    /// The number of further errors.
    #[must_use]
    pub fn more(&self) -> usize {
        self.more
    }

    /// The text for users: each error with its line of the file, with or without colours.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let mut out = String::new();
        for diagnostic in &self.list {
            out.push_str(&renderer.render(&[self.group(diagnostic)]));
            out.push_str("\n\n");
        }
        let all = self.list.len() + self.more;
        if self.more > 0 {
            out.push_str(&format!("{all} errors, the first {} shown\n", self.list.len()));
        } else if all > 1 {
            out.push_str(&format!("{all} errors\n"));
        }
        out
    }

    fn group<'a>(&'a self, diagnostic: &'a Diagnostic) -> Group<'a> {
        let title = Level::ERROR.primary_title(diagnostic.message.as_str());
        let lines = Line::around(&self.text, &diagnostic.span);
        let mut group = if lines.text.len() > MAX_SHOWN_LINE {
            let origin =
                Origin::path(self.name.as_str()).line(diagnostic.line).char_column(diagnostic.column);
            title.element(origin)
        } else {
            let mut snippet =
                Snippet::source(lines.text).line_start(diagnostic.line).path(self.name.as_str());
            let mark = AnnotationKind::Primary.span(lines.clip(&diagnostic.span));
            snippet = snippet
                .annotation(mark.label((!diagnostic.key.is_empty()).then_some(diagnostic.key.as_str())));
            if let Some((span, label)) = diagnostic.other.as_ref().filter(|(span, _)| lines.holds(span)) {
                snippet =
                    snippet.annotation(AnnotationKind::Context.span(lines.clip(span)).label(label.as_str()));
            }
            title.element(snippet)
        };
        if let Some((span, label)) = diagnostic.other.as_ref().filter(|(span, _)| !lines.holds(span)) {
            let line = Line::around(&self.text, span);
            if line.text.len() <= MAX_SHOWN_LINE {
                let mark = AnnotationKind::Context.span(line.clip(span)).label(label.as_str());
                let number = LineIndex::new(&self.text).line(span.start);
                let snippet = Snippet::source(line.text).line_start(number).path(self.name.as_str());
                group = group.element(snippet.annotation(mark));
            }
        }
        match &diagnostic.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

/// A line of the file and its offset.
struct Line<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Line<'a> {
    /// The line in which the span begins.
    fn around(text: &'a str, span: &Range<usize>) -> Line<'a> {
        let at = floor(text, span.start);
        let (before, behind) = text.split_at(at);
        let start = before.rfind('\n').map_or(0, |i| i + 1);
        let end = behind.find('\n').map_or(text.len(), |i| at + i);
        Line { text: text.get(start..end).unwrap_or_default().trim_end_matches('\r'), start }
    }

    fn holds(&self, span: &Range<usize>) -> bool {
        (self.start..=self.start + self.text.len()).contains(&span.start)
    }

    /// The part of the span within the line.
    fn clip(&self, span: &Range<usize>) -> Range<usize> {
        let place = |at: usize| floor(self.text, at.saturating_sub(self.start));
        place(span.start)..place(span.end).max(place(span.start))
    }
}

/// The nearest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}

/// The offsets of the lines of a text.
pub(super) struct LineIndex<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> LineIndex<'a> {
    pub(super) fn new(text: &'a str) -> LineIndex<'a> {
        let behind_newlines = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1);
        LineIndex { text, starts: std::iter::once(0).chain(behind_newlines).collect() }
    }

    /// The line of this byte, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    /// The column of this byte in characters, from 1.
    pub(super) fn column(&self, at: usize) -> usize {
        let at = floor(self.text, at);
        let start = self.starts.get(self.line(at).saturating_sub(1)).copied().unwrap_or(0);
        self.text.get(start..at).map_or(1, |s| s.chars().count() + 1)
    }
}
