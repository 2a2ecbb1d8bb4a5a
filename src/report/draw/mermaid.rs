//! A diagram as a Mermaid flowchart, for documents that render Mermaid.

use super::graph::{EdgeLook, NodeStyle, Statement, statements};
use super::scene::Scene;
use crate::report::words::printable;
use std::fmt::Write as _;

/// A Mermaid flowchart.
#[must_use]
pub fn mermaid(scene: &Scene) -> String {
    let mut out = String::from("flowchart TB\n");
    if !scene.title.is_empty() {
        let _ = writeln!(out, "    accTitle: {}", one_line(&scene.title));
    }
    let mut depth = 1;
    for statement in statements(scene) {
        if matches!(statement, Statement::Close) {
            depth -= 1;
        }
        let pad = "    ".repeat(depth);
        let _ = match statement {
            Statement::Open { id, label } => {
                depth += 1;
                writeln!(out, "{pad}subgraph {id}[\"{}\"]", escape(&label))
            }
            Statement::Close => writeln!(out, "{pad}end"),
            Statement::Node { id, look, lines } => {
                let label = lines.iter().map(|line| escape(line)).collect::<Vec<_>>().join("<br/>");
                match look {
                    NodeStyle::Device => writeln!(out, "{pad}{id}[\"{label}\"]"),
                    NodeStyle::Socket => writeln!(out, "{pad}{id}([\"{label}\"])"),
                    NodeStyle::Refused => writeln!(out, "{pad}{id}[\"{label}\"]:::refused"),
                }
            }
            Statement::Edge { from, to, look } => {
                let line = match look {
                    EdgeLook::Inside => "---",
                    EdgeLook::Cable => "===",
                    EdgeLook::Refused => "-.-",
                };
                writeln!(out, "{pad}{from} {line} {to}")
            }
        };
    }
    out.push_str("    classDef refused stroke-dasharray: 5 5\n");
    out
}

/// Letters, digits, and harmless characters between them.
fn harmless(c: char) -> bool {
    c.is_alphanumeric() || " .,:-_/+✗".contains(c)
}

/// Mermaid's escape for all other characters: their code points.
pub(in crate::report) fn escape(text: &str) -> String {
    printable(text).chars().fold(String::new(), |mut out, c| {
        if harmless(c) {
            out.push(c);
        } else {
            let _ = write!(out, "#{};", u32::from(c));
        }
        out
    })
}

/// A title, in which Mermaid knows no escapes: on one line, without special characters.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if harmless(c) { c } else { ' ' }).collect()
}
