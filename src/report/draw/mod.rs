//! The devices of a lab as a diagram: SVG, a Mermaid flowchart, Graphviz.
//!
//! | file | what it does |
//! | --- | --- |
//! | `scene.rs` | the devices to draw, collected from the hop log |
//! | `topology.rs` | which device is on which, and where each cable leads |
//! | `group.rs`, `layout.rs` | groups of devices, and the position of each |
//! | `svg.rs` | SVG |
//! | `graph.rs`, `mermaid.rs`, `dot.rs` | statements for programs that compute the layout |
//!
//! Names come from untrusted files: each format escapes everything that could be more than text in it.

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
