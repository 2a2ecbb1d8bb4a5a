//! A run as a sequence diagram: a lane for each device, an arrow for each hop with its rule, the candidates that a rule
//! filtered, and the outcome of each step; as SVG or for Mermaid.
//!
//! | file | what it does |
//! | --- | --- |
//! | `builder.rs` | builds the story from the hop log |
//! | `lanes.rs` | which devices take part, and their order |
//! | `svg.rs` | SVG |
//! | `mermaid.rs` | statements for Mermaid |
//!
//! Frames are in the order in which they began, each with its whole path; equal ones in one step appear once. A story
//! has at most [`MAX_ARROWS`] arrows: each step reports how many more there are.

mod builder;
mod lanes;
mod mermaid;
mod svg;
#[cfg(test)]
mod tests;

pub use builder::SequenceBuilder;
pub use mermaid::mermaid;
pub use svg::svg;

use crate::verdict::Rule;

/// Maximum number of arrows and notes in a story: about what a person scrolls through, and Mermaid still lays out.
pub const MAX_ARROWS: usize = 300;

/// The events of a run as a diagram shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// The lab's title.
    pub title: String,
    /// The participating devices, from left to right.
    pub lanes: Vec<Lane>,
    /// The entries, in order.
    pub entries: Vec<Entry>,
}

/// A participating device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
}

/// One entry; lanes by their index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A step begins, or a note about the lab.
    Heading(String),
    /// A frame begins its path.
    Frame {
        /// A summary of the frame.
        text: String,
        /// How many equal frames took the same path in this step.
        times: usize,
    },
    /// The frame goes from one device to another, or arrives at the device's own stack.
    Arrow {
        /// The sending lane.
        from: usize,
        /// The receiving lane.
        to: usize,
        /// The outcome at the receiving end.
        kind: ArrowKind,
        /// The rule.
        rule: Rule,
    },
    /// A rule filters candidates.
    Withheld {
        /// Where that is decided.
        lane: usize,
        /// The candidates.
        ways: String,
        /// The rule.
        rule: Rule,
    },
    /// The outcome of a step.
    Result {
        /// In words.
        text: String,
        /// Whether the expectation held; `None`: there was none.
        held: Option<bool>,
    },
    /// Hops that are not drawn.
    More {
        /// Number of their frames.
        frames: usize,
        /// Number of hops.
        hops: usize,
    },
}

/// The outcome at the end of an arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrowKind {
    /// The frame arrives.
    Gets,
    /// The device sees that it is for another host.
    Ignores,
    /// The frame is dropped.
    Ends,
}

/// `R126a Hairpin`, preceded by the outcome if it is not a plain arrival.
fn arrow_text(kind: ArrowKind, own: bool, rule: Rule) -> String {
    let told = match (kind, own) {
        (ArrowKind::Ends, _) => "ends: ",
        (ArrowKind::Ignores, true) => "own stack ignores: ",
        (ArrowKind::Ignores, false) => "ignored there: ",
        (ArrowKind::Gets, true) => "own stack gets: ",
        (ArrowKind::Gets, false) => "",
    };
    format!("{told}{rule} {}", rule.title())
}

/// `ARP who-has … (3 times)`.
fn frame_text(text: &str, times: usize) -> String {
    if times == 1 { text.to_owned() } else { format!("{text} ({times} times)") }
}

/// The note about hops that are not drawn.
fn more_text(frames: usize, hops: usize) -> String {
    format!("{hops} more hops of {frames} frames are not drawn: a diagram has at most {MAX_ARROWS} arrows")
}

/// The outcome of a step, with a leading sign.
fn result_text(text: &str, held: Option<bool>) -> String {
    match held {
        Some(true) => format!("✓ {text}, as expected"),
        Some(false) => format!("✗ {text}, not as expected"),
        None => format!("· {text}"),
    }
}
