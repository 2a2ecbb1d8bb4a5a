//! A matrix as tables, for a terminal or a document.

use super::layout::{Layout, Row};
use super::{Columns, in_words};
use crate::matrix::Group;
use crate::report::words::printable;
use crate::verdict::Rule;
use anstyle::{AnsiColor, Style};
use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{ContentArrangement, Table, TableStyle};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// For a terminal.
pub(super) fn text(
    out: &mut impl Write,
    number: usize,
    group: &Group,
    columns: &Columns,
    colour: bool,
) -> io::Result<()> {
    let bold = if colour { Style::new().bold() } else { Style::new() };
    let space = if number == 0 { "" } else { "\n" };
    if !group.heading.is_empty() {
        writeln!(out, "{space}{bold}{}{bold:#}", printable(&group.heading))?;
    }
    let table = table(group, columns, NOTHING, printable);
    table.lines().try_for_each(|line| writeln!(out, " {}", line.trim_end()))
}

/// For a document.
pub(super) fn markdown(
    out: &mut impl Write,
    number: usize,
    group: &Group,
    columns: &Columns,
) -> io::Result<()> {
    let space = if number == 0 { "" } else { "\n" };
    if !group.heading.is_empty() {
        writeln!(out, "{space}## {}\n", cell_of_markdown(&group.heading))?;
    }
    let table = table(group, columns, ASCII_MARKDOWN, cell_of_markdown);
    table.lines().try_for_each(|line| writeln!(out, "{}", line.trim_end()))
}

/// The rules used, with their reasons.
pub(super) fn text_rules(out: &mut impl Write, rules: &BTreeSet<Rule>, colour: bool) -> io::Result<()> {
    let style = if colour { AnsiColor::Yellow.on_default() } else { Style::new() };
    if !rules.is_empty() {
        writeln!(out)?;
    }
    rules.iter().try_for_each(|rule| {
        let (id, title, why) = (rule.id(), rule.title(), rule.why());
        writeln!(out, "{style}{id:<5}{style:#} {title}: {why}")
    })
}

/// The same for a document.
pub(super) fn markdown_rules(out: &mut impl Write, rules: &BTreeSet<Rule>) -> io::Result<()> {
    if !rules.is_empty() {
        writeln!(out)?;
    }
    rules.iter().try_for_each(|rule| writeln!(out, "- **{}** {}: {}", rule.id(), rule.title(), rule.why()))
}

fn table(group: &Group, columns: &Columns, style: TableStyle, text: fn(&str) -> String) -> Table {
    let mut table = Table::new();
    table.load_style(style).set_content_arrangement(ContentArrangement::Disabled);
    let layout = Layout::of(group, columns);
    table.set_header(layout.header.iter().map(|head| text(head)));
    for Row { names, cells } in &layout.rows {
        let cells = cells.iter().map(|cell| cell.map_or_else(|| "-".to_owned(), in_words));
        table.add_row(names.iter().cloned().chain(cells).map(|cell| text(&cell)));
    }
    table
}

/// Escapes text for Markdown.
pub(super) fn cell_of_markdown(text: &str) -> String {
    let special = |c: char| matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#');
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}
