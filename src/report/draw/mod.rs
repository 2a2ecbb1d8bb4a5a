//! The devices of a lab as a diagram: SVG, a Mermaid flowchart, Graphviz.
//!
//! | file | what it does |
//! | --- | --- |
//! | `scene.rs` | what is there: collected from the hop log |
//! | `topology.rs` | what sits on what, and which cable goes where |
//! | `group.rs`, `layout.rs` | what belongs together, and where each thing stands |
//! | `svg.rs` | a picture |
//! | `graph.rs`, `mermaid.rs`, `dot.rs` | statements for programs that find the places themselves |
//!
//! Names come from files that anybody may have written: each format escapes all that could be more than text in it.

mod dot;
mod graph;
mod group;
mod layout;
mod mermaid;
mod scene;
mod svg;
mod topology;
mod words;

#[cfg(test)]
mod tests;

pub use dot::dot;
pub use layout::{Layout, Position, Spot};
pub(super) use mermaid::escape as mermaid_text;
pub use mermaid::mermaid;
pub use scene::{Refused, Scene};
pub(super) use svg::escape;
pub use svg::{DARK_STYLE, STYLE, embedded_svg, svg};
pub(super) use words::kind as kind_in_words;
