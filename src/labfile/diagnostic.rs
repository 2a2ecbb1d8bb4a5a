//! Errors in a lab file, warnings about it, and their display.

use crate::plain::plain;
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::fmt;
use std::ops::Range;

/// Maximum number of errors or warnings shown; any more are counted.
pub const MAX_SHOWN: usize = 50;

/// Lines longer than this (in bytes) are not shown.
const MAX_SHOWN_LINE: usize = 4096;

/// What a list of diagnostics is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, and probably does not say what was meant.
    Warning,
}

impl Severity {
    fn level(self) -> Level<'static> {
        match self {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Severity::Error => "errors",
            Severity::Warning => "warnings",
        }
    }
}

/// An error or a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Line, from 1.
    pub line: usize,
    /// Column, in characters from 1.
    pub column: usize,
    /// The key concerned, `macvlan.c1.mode`; steps and other list elements are counted from 1, `step[3].ping.from`.
    /// Empty if there is none.
    pub key: String,
    /// The name of a warning, which stays the same: `duplicate-mac`. Errors have none.
    pub id: Option<&'static str>,
    /// What is wrong.
    pub message: String,
    /// How to fix it.
    pub help: Option<String>,
    /// The bytes concerned.
    pub span: Range<usize>,
    /// A related place, and its label.
    pub other: Option<(Range<usize>, String)>,
}

/// The diagnostics found so far.
///
/// Ten times the number shown is kept, so that the first by line are shown; no more, because a file with a million errors
/// must not exhaust the memory.
#[derive(Default)]
pub(super) struct Found {
    list: Vec<Diagnostic>,
    more: usize,
}

impl Found {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether no more are kept. Counts one: for those whose text is expensive to build.
    pub(super) fn full(&mut self) -> bool {
        let full = self.list.len() >= MAX_SHOWN * 10;
        self.more += usize::from(full);
        full
    }

    /// Adds one, with another place that it concerns.
    pub(super) fn add(
        &mut self,
        key: String,
        span: Range<usize>,
        message: String,
        help: Option<String>,
        other: Option<(Range<usize>, String)>,
    ) {
        self.add_named(None, key, span, message, help, other);
    }

    /// The same with a name.
    pub(super) fn add_named(
        &mut self,
        id: Option<&'static str>,
        key: String,
        span: Range<usize>,
        message: String,
        help: Option<String>,
        other: Option<(Range<usize>, String)>,
    ) {
        if !self.full() {
            // The line and the column are known once it is clear that it is shown.
            self.list.push(Diagnostic { line: 0, column: 0, key, id, message, help, span, other });
        }
    }
}

/// All errors of a lab file, or all warnings about it; never empty.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    severity: Severity,
    name: String,
    text: String,
    list: Vec<Diagnostic>,
    more: usize,
}

impl Diagnostics {
    /// Those that were found in the text of this name.
    pub(super) fn of(
        found: Found,
        severity: Severity,
        name: &str,
        text: &str,
        lines: &LineIndex<'_>,
    ) -> Diagnostics {
        let Found { mut list, mut more } = found;
        list.sort_by_key(|d| d.span.start);
        more += list.len().saturating_sub(MAX_SHOWN);
        list.truncate(MAX_SHOWN);
        for diagnostic in &mut list {
            diagnostic.line = lines.line(diagnostic.span.start);
            diagnostic.column = lines.column(diagnostic.span.start);
        }
        // Lines of the file are escaped when they are rendered, so that the marks stay in place.
        Diagnostics { severity, name: plain(name), text: text.to_owned(), list, more }
    }

    /// Whether these are errors or warnings.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The same as errors, for a user who tolerates no warnings.
    #[must_use]
    pub fn denied(self) -> Diagnostics {
        Diagnostics { severity: Severity::Error, ..self }
    }

    /// In the order of the file; at most [`MAX_SHOWN`].
    #[must_use]
    pub fn list(&self) -> &[Diagnostic] {
        &self.list
    }

    /// The number of all of them.
    #[must_use]
    pub fn count(&self) -> usize {
        self.list.len() + self.more
    }

    /// The number of those that are not in the list.
    #[must_use]
    pub fn more(&self) -> usize {
        self.more
    }

    /// The text for users: each with its line of the file, with or without colours.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let mut out = String::new();
        for diagnostic in &self.list {
            out.push_str(&renderer.render(&[self.group(diagnostic)]));
            out.push_str("\n\n");
        }
        let (all, what) = (self.count(), self.severity.plural());
        if self.more > 0 {
            out.push_str(&format!("{all} {what}, the first {} shown\n", self.list.len()));
        } else if all > 1 {
            out.push_str(&format!("{all} {what}\n"));
        }
        out
    }

    fn group<'a>(&'a self, diagnostic: &'a Diagnostic) -> Group<'a> {
        let title = self.severity.level().primary_title(diagnostic.message.as_str());
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
