//! A matrix as one HTML page: no script, no other file, usable with keyboard and screen reader, and every text from a
//! lab escaped.

use super::layout::{Layout, Row};
use super::{Columns, by_row, explanation, rules_of};
use crate::matrix::{Cell, Group, Reach};
use crate::report::draw::escape;
use crate::verdict::Rule;
use std::collections::BTreeSet;
use std::io::{self, Write};

const STYLE: &str = include_str!("matrix.css");

/// The start of the page, with links to the tables if there are several.
pub(super) fn begin(out: &mut impl Write, headings: &[String]) -> io::Result<()> {
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
    writeln!(out, "</ul>")?;
    if headings.len() < 2 {
        return Ok(());
    }
    writeln!(out, "<nav aria-label=\"Tables\">\n<ul class=\"tables\">")?;
    for (number, heading) in headings.iter().enumerate() {
        writeln!(out, "<li><a href=\"#g{number}\">{}</a></li>", escape(heading))?;
    }
    writeln!(out, "</ul>\n</nav>")
}

/// One table.
pub(super) fn group(
    out: &mut impl Write,
    number: usize,
    group: &Group,
    columns: &Columns,
    explains: bool,
) -> io::Result<()> {
    let heading = if group.heading.is_empty() { "The lab" } else { &group.heading };
    let heading = escape(heading);
    writeln!(
        out,
        "<section aria-labelledby=\"g{number}\">\n<h2 id=\"g{number}\">{heading}</h2>\n\
         <div class=\"wide\" role=\"region\" aria-labelledby=\"g{number}\" tabindex=\"0\">\n<table>"
    )?;
    table(out, &Layout::of(group, columns))?;
    writeln!(out, "</table>\n</div>")?;
    if explains {
        writeln!(out, "<details><summary>Every cell explained</summary>")?;
        for (heading, explained) in by_row(group, columns) {
            let heading = escape(&heading);
            let text = explanation(explained, false);
            let text = text.lines().map(escape).collect::<Vec<_>>().join("\n");
            writeln!(out, "<details class=\"cell\"><summary>{heading}</summary><pre>{text}</pre></details>")?;
        }
        writeln!(out, "</details>")?;
    }
    writeln!(out, "</section>")
}

/// The rules, and the end of the page.
pub(super) fn end(out: &mut impl Write, rules: &BTreeSet<Rule>) -> io::Result<()> {
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

fn table(out: &mut impl Write, layout: &Layout<'_>) -> io::Result<()> {
    write!(out, "<thead><tr>")?;
    layout.header.iter().try_for_each(|head| writeln!(out, "<th scope=\"col\">{}</th>", escape(head)))?;
    writeln!(out, "</tr></thead>\n<tbody>")?;
    for Row { names, cells } in &layout.rows {
        write!(out, "<tr>")?;
        names.iter().try_for_each(|name| writeln!(out, "<th scope=\"row\">{}</th>", escape(name)))?;
        for cell in cells {
            match cell {
                Some(cell) => result(out, cell)?,
                None => writeln!(out, "<td class=\"self\"><span aria-label=\"itself\">–</span></td>")?,
            }
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody>")
}

fn result(out: &mut impl Write, cell: &Cell) -> io::Result<()> {
    let (class, mark) = (cell.reach.name(), mark(cell.reach));
    let rules = rules_of(cell).map(|rule| {
        let (id, title) = (rule.id(), escape(rule.title()));
        format!(" <a href=\"#{id}\" title=\"{title}\">{id}</a>")
    });
    let rules: String = rules.collect();
    writeln!(out, "<td class=\"{class}\">{mark}{rules}</td>")
}

/// A sign and a word: information is never carried by colour alone.
fn mark(reach: Reach) -> String {
    let sign = match reach {
        Reach::Reply => "●",
        Reach::Unreachable => "✕",
        Reach::NoReply => "○",
        Reach::OneWay => "→",
    };
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
