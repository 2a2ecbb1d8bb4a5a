//! The reachability matrix as output: tables as text, Markdown or HTML, or one JSON object per cell.

mod html;
mod layout;
mod tables;

use crate::matrix::{Cell, Explained, Group, Lost, Setup, Shape};
use crate::report::Explanation;
use crate::report::words::printable;
use crate::verdict::Rule;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// The output format of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatrixForm {
    /// Tables for a terminal, with ANSI colours or without.
    Text {
        /// With colours.
        colour: bool,
    },
    /// Tables in Markdown.
    Markdown,
    /// One self-contained HTML page.
    Html,
    /// One JSON object per cell.
    Json,
}

/// The cells of a group: for each column those of the group's pairs, in their order.
pub type Columns = Vec<Vec<Explained>>;

/// Writes a matrix, one group of cells after another.
#[derive(Debug)]
pub struct MatrixReport<W: Write> {
    writer: W,
    form: MatrixForm,
    /// Every cell is explained below its table.
    explains: bool,
    /// Number written so far.
    groups: usize,
    /// The tables of a page, which begins with an overview of them.
    page: html::Tables,
    /// Rules used.
    rules: BTreeSet<Rule>,
}

impl<W: Write> MatrixReport<W> {
    /// Writes to `writer`, preferably buffered; with `explains`, every cell with the path of the frame that made the
    /// difference.
    pub fn new(writer: W, form: MatrixForm, explains: bool) -> MatrixReport<W> {
        let (page, rules) = (html::Tables::default(), BTreeSet::new());
        MatrixReport { writer, form, explains, groups: 0, page, rules }
    }

    /// Writes the cells of one group.
    ///
    /// # Errors
    /// Writing fails.
    pub fn group(&mut self, group: &Group, columns: &Columns) -> io::Result<()> {
        self.rules.extend(columns.iter().flatten().flat_map(|e| rules_of(&e.cell)));
        match self.form {
            MatrixForm::Json => self.json(group, columns)?,
            MatrixForm::Html => self.page.group(self.groups, group, columns, self.explains),
            MatrixForm::Markdown => tables::markdown(&mut self.writer, self.groups, group, columns)?,
            MatrixForm::Text { colour } => {
                tables::text(&mut self.writer, self.groups, group, columns, colour)?;
            }
        }
        if self.explains && matches!(self.form, MatrixForm::Text { .. } | MatrixForm::Markdown) {
            self.explain(group, columns)?;
        }
        self.groups += 1;
        Ok(())
    }

    /// Writes the rules used, flushes, and returns the writer.
    ///
    /// # Errors
    /// Writing fails.
    pub fn finish(mut self) -> io::Result<W> {
        match self.form {
            MatrixForm::Json => {}
            MatrixForm::Html => self.page.write(&mut self.writer, &self.rules)?,
            MatrixForm::Markdown => tables::markdown_rules(&mut self.writer, &self.rules)?,
            MatrixForm::Text { colour } => tables::text_rules(&mut self.writer, &self.rules, colour)?,
        }
        self.writer.flush()?;
        Ok(self.writer)
    }

    fn json(&mut self, group: &Group, columns: &Columns) -> io::Result<()> {
        for ((_, setup), cells) in group.columns.iter().zip(columns) {
            for explained in cells {
                let line = Line::new(setup, explained, self.explains);
                serde_json::to_writer(&mut self.writer, &line)?;
                self.writer.write_all(b"\n")?;
            }
        }
        Ok(())
    }

    /// Every cell, row by row.
    fn explain(&mut self, group: &Group, columns: &Columns) -> io::Result<()> {
        let (colour, markdown) = match self.form {
            MatrixForm::Text { colour } => (colour, false),
            _ => (false, true),
        };
        for (heading, explained) in by_row(group, columns) {
            let text = explanation(explained, colour);
            if markdown {
                let heading = tables::cell_of_markdown(&heading);
                writeln!(self.writer, "\n### {heading}\n\n```text\n{}```", text.replace("```", "'''"))?;
            } else {
                write!(self.writer, "\n-- {} --\n{text}", printable(&heading))?;
            }
        }
        Ok(())
    }
}

/// A cell as JSON.
#[derive(Serialize)]
struct Line<'a> {
    modes: &'a [String],
    wire: &'static str,
    hairpin: bool,
    neighbours: &'static str,
    from: &'a str,
    to: &'a str,
    result: &'static str,
    rule: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    also: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<String>,
}

impl<'a> Line<'a> {
    fn new(setup: &'a Setup, explained: &'a Explained, explains: bool) -> Line<'a> {
        let cell = &explained.cell;
        Line {
            modes: &setup.modes,
            wire: setup.wire(),
            hairpin: setup.hairpin,
            neighbours: setup.neighbours(),
            from: &cell.from,
            to: &cell.to,
            result: cell.reach.name(),
            rule: cell.rule.map(Rule::id),
            also: cell.also.map(Rule::id),
            explanation: explains.then(|| explanation(explained, false)),
        }
    }
}

/// Every cell, row by row, with its result: `c1 pings c2, switch: unreachable R126`.
fn by_row<'a>(group: &'a Group, columns: &'a Columns) -> impl Iterator<Item = (String, &'a Explained)> {
    let rows = columns.first().map_or(0, Vec::len);
    let cells = move |row: usize| {
        let label = match &group.shape {
            Shape::Setups(labels) => labels.get(row).map(|label| format!("{label}, ")),
            _ => None,
        };
        let label = label.unwrap_or_default();
        let cell = move |((above, _), cells): (&'a (String, Setup), &'a Vec<Explained>)| {
            let explained = cells.get(row)?;
            let Cell { from, to, .. } = &explained.cell;
            Some((format!("{from} pings {to}, {label}{above}: {}", in_words(&explained.cell)), explained))
        };
        group.columns.iter().zip(columns).filter_map(cell)
    };
    (0..rows).flat_map(cells)
}

/// The rules of a cell, in the order in which they decided.
fn rules_of(cell: &Cell) -> impl Iterator<Item = Rule> + use<> {
    cell.also.into_iter().chain(cell.rule)
}

/// `reply R19`, `unreachable R34+R126`.
fn in_words(cell: &Cell) -> String {
    let rules: Vec<&str> = rules_of(cell).map(Rule::id).collect();
    format!("{} {}", cell.reach.name(), rules.join("+")).trim_end().to_owned()
}

/// The evidence for a cell: the first frame lost, or else the first received, and that frame's whole path.
fn explanation(explained: &Explained, colour: bool) -> String {
    let Explained { cell, journey, devices } = explained;
    let what = match (cell.lost, cell.rule) {
        (Some(lost), _) => format!("The first frame lost is {}.", lost_in_words(lost)),
        (None, Some(_)) if journey.is_some() => format!("The first frame that {} gets is this one.", cell.to),
        (None, Some(rule)) => {
            let at = cell.at.as_deref().unwrap_or(&cell.to);
            format!("The device {at} is refused: {rule} {}. {}", rule.title(), rule.why())
        }
        (None, None) => "No frame is sent that a device of the lab would get.".to_owned(),
    };
    let mut text = printable(&what).into_bytes();
    text.push(b'\n');
    if let Some(journey) = journey {
        // Writing into memory does not fail.
        let _ = Explanation::new(&mut text, devices, colour).journey(journey);
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn lost_in_words(lost: Lost) -> &'static str {
    match lost {
        Lost::Solicitation => "the request for the neighbour's MAC address",
        Lost::Advertisement => "the reply with the neighbour's MAC address",
        Lost::Request => "the echo request",
        Lost::Answer => "the echo reply",
        Lost::Other => "this frame",
    }
}
