//! A diagram for Graphviz.

use super::graph::{EdgeLook, NodeStyle, Statement, statements};
use super::scene::Scene;
use crate::report::words::printable;
use std::fmt::Write as _;

/// A graph in the DOT language.
#[must_use]
pub fn dot(scene: &Scene) -> String {
    let mut out = String::from("graph lab {\n    rankdir=TB\n");
    out.push_str("    node [shape=box, style=rounded, fontname=\"sans-serif\"]\n");
    let _ = writeln!(out, "    label=\"{}\"", escape(&scene.title));
    let mut depth = 1;
    for statement in statements(scene) {
        if matches!(statement, Statement::Close) {
            depth -= 1;
        }
        let pad = "    ".repeat(depth);
        let _ = match statement {
            Statement::Open { id, label } => {
                depth += 1;
                writeln!(out, "{pad}subgraph cluster_{id} {{\n{pad}    label=\"{}\"", escape(&label))
            }
            Statement::Close => writeln!(out, "{pad}}}"),
            Statement::Node { id, look, lines } => {
                let label = lines.iter().map(|line| escape(line)).collect::<Vec<_>>().join("\\n");
                let style = match look {
                    NodeStyle::Device => "",
                    NodeStyle::Socket => "shape=oval, ",
                    NodeStyle::Refused => "style=\"rounded,dashed\", ",
                };
                writeln!(out, "{pad}{id} [{style}label=\"{label}\"]")
            }
            Statement::Edge { from, to, look } => {
                let style = match look {
                    EdgeLook::Inside => "",
                    EdgeLook::Cable => " [penwidth=3]",
                    EdgeLook::Refused => " [style=dashed]",
                };
                writeln!(out, "{pad}{from} -- {to}{style}")
            }
        };
    }
    out.push_str("}\n");
    out
}

/// Text inside double quotes, where a backslash begins an escape.
fn escape(text: &str) -> String {
    printable(text).replace('\\', "\\\\").replace('"', "\\\"")
}
