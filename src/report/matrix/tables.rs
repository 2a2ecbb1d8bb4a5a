//! A matrix as tables, for a terminal or a document.

use super::{Columns, in_words};
use crate::matrix::{Group, Shape};
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

/// The rules that were named, with their reasons.
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
    let (header, rows) = match group.shape {
        Shape::Square => square(columns),
        Shape::Columns => side_by_side(group, columns),
    };
    let texts = |row: Vec<String>| row.into_iter().map(|cell| text(&cell)).collect::<Vec<_>>();
    table.set_header(texts(header));
    table.add_rows(rows.into_iter().map(texts));
    table
}

/// What a table says: its heading, and its rows.
pub(super) type Rows = (Vec<String>, Vec<Vec<String>>);

/// Who asks downwards, whom rightwards.
pub(super) fn square(columns: &Columns) -> Rows {
    let cells: Vec<_> = columns.iter().flatten().map(|explained| &explained.cell).collect();
    let mut names: Vec<&str> = Vec::new();
    for name in cells.iter().flat_map(|cell| [&cell.from, &cell.to]) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let cell = |from: &str, to: &str| {
        let cell = cells.iter().find(|cell| cell.from == from && cell.to == to);
        cell.map_or_else(|| "-".to_owned(), |cell| in_words(cell))
    };
    let row = |from: &&str| {
        let cells = names.iter().map(|to| cell(from, to));
        [(*from).to_owned()].into_iter().chain(cells).collect()
    };
    let header = ["from \\ to"].iter().chain(&names).map(|name| (*name).to_owned()).collect();
    (header, names.iter().map(row).collect())
}

/// A row for each ping.
pub(super) fn side_by_side(group: &Group, columns: &Columns) -> Rows {
    let above = group.columns.iter().map(|(heading, _)| heading.clone());
    let header = ["from".to_owned(), "to".to_owned()].into_iter().chain(above).collect();
    let first = columns.first().map(Vec::as_slice).unwrap_or_default();
    let row = |(row, ping): (usize, &crate::matrix::Explained)| {
        let cells = columns.iter().filter_map(|column| column.get(row)).map(|e| in_words(&e.cell));
        [ping.cell.from.clone(), ping.cell.to.clone()].into_iter().chain(cells).collect()
    };
    (header, first.iter().enumerate().map(row).collect())
}

/// Text that Markdown takes as it is.
pub(super) fn cell_of_markdown(text: &str) -> String {
    let special = |c: char| matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#');
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}
