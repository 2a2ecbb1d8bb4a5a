//! The devices of a lab as a diagram: SVG, a Mermaid flowchart, Graphviz.
//!
//! | file | what it does |
//! | --- | --- |
//! | `scene.rs` | what is there: collected from the hop log |
//! | `topology.rs` | what sits on what, and which cable goes where |
//! | `layout.rs` | where each thing stands |
//! | `svg.rs` | a picture |
//! | `graph.rs`, `mermaid.rs`, `dot.rs` | statements for programs that find the places themselves |
//!
//! Names come from files that anybody may have written: each format escapes all that could be more than text in it.

mod dot;
mod graph;
mod layout;
mod mermaid;
mod scene;
mod svg;
mod topology;
mod words;

#[cfg(test)]
mod tests;

pub use dot::dot;
pub use layout::{Layout, Place};
pub use mermaid::mermaid;
pub use scene::{Refused, Scene};
pub use svg::{STYLE, embedded_svg, svg};
