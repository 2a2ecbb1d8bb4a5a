//! A matrix as one HTML page: no script, no other file, usable with keyboard and screen reader, and every text from a
//! lab escaped.

use super::layout::{Layout, Row};
use super::{Columns, by_row, explanation, rules_of};
use crate::matrix::{Cell, Group, Reach};
use crate::report::draw::escape;
use crate::verdict::Rule;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};

const STYLE: &str = include_str!("matrix.css");

/// The tables of a page, written once all are known: it begins with an overview of them.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// The rows of the overview.
    overview: String,
    /// The columns of the overview: the set-ups of the first table.
    setups: Vec<String>,
    /// The order of the signs in a cell of the overview.
    order: String,
    /// How many tables there are.
    number: usize,
    tables: String,
}

impl Tables {
    /// Adds a table.
    pub(super) fn group(&mut self, number: usize, group: &Group, columns: &Columns, explains: bool) {
        let heading = if group.heading.is_empty() { "The lab" } else { &group.heading };
        let heading = escape(heading);
        if self.number == 0 {
            self.setups = group.columns.iter().map(|(label, _)| label.clone()).collect();
            let pairs = columns.first().into_iter().flatten();
            let pairs: Vec<String> =
                pairs.map(|ping| format!("{} to {}", ping.cell.from, ping.cell.to)).collect();
            self.order = pairs.join(", ");
        }
        self.number += 1;
        _ = write!(self.overview, "<tr><th scope=\"row\"><a href=\"#g{number}\">{heading}</a></th>");
        for cells in columns {
            let signs: String = cells.iter().map(|ping| small(&ping.cell)).collect();
            _ = write!(self.overview, "<td class=\"signs\">{signs}</td>");
        }
        self.overview.push_str("</tr>\n");
        table(&mut self.tables, (number, &heading), &Layout::of(group, columns));
        if explains {
            explained(&mut self.tables, group, columns);
        }
        self.tables.push_str("</section>\n");
    }

    /// Writes the page: overview, tables, rules.
    pub(super) fn write(&self, out: &mut impl Write, rules: &BTreeSet<Rule>) -> io::Result<()> {
        begin(out)?;
        if self.number > 1 {
            let heads = self.setups.iter().map(|label| format!("<th scope=\"col\">{}</th>", escape(label)));
            let heads: String = heads.collect();
            writeln!(
                out,
                "<section aria-labelledby=\"overview\">\n<h2 id=\"overview\">Overview</h2>\n\
                 <p>Each cell has a sign for each ping, in the order of the table's rows; in the first table: {}.</p>\n\
                 <div class=\"wide\" role=\"region\" aria-labelledby=\"overview\" tabindex=\"0\">\n<table>\n\
                 <thead><tr><th scope=\"col\">table</th>{heads}</tr></thead>\n<tbody>\n{}</tbody>\n</table>\n</div>\n</section>",
                escape(&self.order),
                self.overview
            )?;
        }
        out.write_all(self.tables.as_bytes())?;
        end(out, rules)
    }
}

/// The start of the page.
fn begin(out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Who reaches whom</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>Who reaches whom</h1>\n\
         <p>Each cell is a ping in a fresh lab, in which nothing has been learned, and the rule that made the \
         difference: with a reply, the rule that brought the first frame to the target; otherwise, the rule that kept the \
         first lost frame from its destination.</p>\n<ul class=\"legend\" aria-label=\"Legend\">\n"
    )?;
    for reach in [Reach::Reply, Reach::Unreachable, Reach::NoReply, Reach::OneWay] {
        writeln!(out, "<li>{} {}</li>", mark(reach), meaning(reach))?;
    }
    writeln!(out, "</ul>")
}

/// Every cell of a table, explained.
fn explained(out: &mut String, group: &Group, columns: &Columns) {
    out.push_str("<details><summary>Every cell explained</summary>\n");
    for (heading, explained) in by_row(group, columns) {
        let heading = escape(&heading);
        let text = explanation(explained, false);
        let text = text.lines().map(escape).collect::<Vec<_>>().join("\n");
        _ = writeln!(out, "<details class=\"cell\"><summary>{heading}</summary><pre>{text}</pre></details>");
    }
    out.push_str("</details>\n");
}

/// The rules, and the end of the page.
fn end(out: &mut impl Write, rules: &BTreeSet<Rule>) -> io::Result<()> {
    if !rules.is_empty() {
        writeln!(out, "<section aria-labelledby=\"rules\">\n<h2 id=\"rules\">The rules</h2>\n<dl>")?;
        for rule in rules {
            let (id, title, why, kernel) = (rule.id(), rule.title(), rule.why(), escape(rule.kernel()));
            writeln!(
                out,
                "<dt id=\"{id}\">{id} {}</dt><dd>{} <small>In the kernel: {kernel}.</small></dd>",
                escape(title),
                escape(why)
            )?;
        }
        writeln!(out, "</dl>\n</section>")?;
    }
    writeln!(out, "</main>\n</body>\n</html>")
}

/// A table, in a section that stays open.
fn table(out: &mut String, (number, heading): (usize, &str), layout: &Layout<'_>) {
    _ = writeln!(
        out,
        "<section aria-labelledby=\"g{number}\">\n<h2 id=\"g{number}\">{heading}</h2>\n\
         <div class=\"wide\" role=\"region\" aria-labelledby=\"g{number}\" tabindex=\"0\">\n<table>\n<thead><tr>"
    );
    for head in &layout.header {
        _ = writeln!(out, "<th scope=\"col\">{}</th>", escape(head));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for Row { names, cells } in &layout.rows {
        out.push_str("<tr>");
        for name in names {
            _ = writeln!(out, "<th scope=\"row\">{}</th>", escape(name));
        }
        for cell in cells {
            match cell {
                Some(cell) => result(out, cell),
                None => out.push_str("<td class=\"self\"><span aria-label=\"itself\">–</span></td>\n"),
            }
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

fn result(out: &mut String, cell: &Cell) {
    let (class, mark) = (cell.reach.name(), mark(cell.reach));
    let rules = rules_of(cell).map(|rule| {
        let (id, title) = (rule.id(), escape(rule.title()));
        format!(" <a href=\"#{id}\" title=\"{title}\">{id}</a>")
    });
    let rules: String = rules.collect();
    _ = writeln!(out, "<td class=\"{class}\">{mark}{rules}</td>");
}

/// A cell's sign alone, for the overview.
fn small(cell: &Cell) -> String {
    let (class, sign) = (cell.reach.name(), sign(cell.reach));
    let title = escape(&format!("{} to {}: {class}", cell.from, cell.to));
    format!("<span class=\"{class}\" title=\"{title}\">{sign}</span>")
}

fn sign(reach: Reach) -> char {
    match reach {
        Reach::Reply => '●',
        Reach::Unreachable => '✕',
        Reach::NoReply => '○',
        Reach::OneWay => '→',
    }
}

/// A sign and a word: information is never carried by colour alone.
fn mark(reach: Reach) -> String {
    let sign = sign(reach);
    format!(
        "<span class=\"{0}\"><span class=\"sign\" aria-hidden=\"true\">{sign}</span> {0}</span>",
        reach.name()
    )
}

fn meaning(reach: Reach) -> &'static str {
    match reach {
        Reach::Reply => "a reply arrives",
        Reach::Unreachable => "no route or neighbour",
        Reach::NoReply => "no reply: the request is lost",
        Reach::OneWay => "no reply: the request reaches the target's stack, the reply is lost",
    }
}
