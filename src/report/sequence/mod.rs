//! A run as a sequence diagram: a lane for each device, an arrow for each hop with its rule, the ways that a rule shut, and
//! what came of each step; as SVG or for Mermaid.
//!
//! | file | what it does |
//! | --- | --- |
//! | `teller.rs` | makes the story of the hop log |
//! | `lanes.rs` | which devices take part, and in which order they stand |
//! | `svg.rs` | a picture |
//! | `mermaid.rs` | statements for Mermaid |
//!
//! Frames stand in the order in which they began, each with its whole way; what looks the same several times in one step is
//! told once. A story has at most [`MAX_ARROWS`] arrows: of what comes after them each step says how much it is.

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

/// The most arrows and notes of one story: about what a person scrolls through, and Mermaid still lays out.
pub const MAX_ARROWS: usize = 300;

/// What happened in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// The lab's title.
    pub title: String,
    /// The devices that take part, from left to right.
    pub lanes: Vec<Lane>,
    /// What happened, in order.
    pub entries: Vec<Entry>,
}

/// A device that takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: String,
}

/// One thing that happened; lanes by their index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A step begins; or something is said about the lab.
    Heading(String),
    /// A frame begins its way.
    Frame {
        /// What it is.
        text: String,
        /// How many went the same way in this step.
        times: usize,
    },
    /// It goes from one device to another, or arrives at one's own stack.
    Arrow {
        /// From here.
        from: usize,
        /// To here.
        to: usize,
        /// What happens there.
        kind: ArrowKind,
        /// By this rule.
        rule: Rule,
    },
    /// A rule shuts a way.
    Shut {
        /// Where that is decided.
        lane: usize,
        /// The ways.
        ways: String,
        /// The rule.
        rule: Rule,
    },
    /// What comes of a step.
    Result {
        /// In words.
        text: String,
        /// The expectation held; `None`: there was none.
        held: Option<bool>,
    },
    /// Hops that are not drawn.
    More {
        /// Of so many frames.
        frames: usize,
        /// So many.
        hops: usize,
    },
}

/// What happens at the end of an arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrowKind {
    /// The frame is there.
    Gets,
    /// The device sees that it is for another host.
    Ignores,
    /// It ends.
    Ends,
}

/// `R126a Hairpin`, in front of it what is not plain.
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

/// What is said of hops that are not drawn.
fn more_text(frames: usize, hops: usize) -> String {
    format!("{hops} more hops of {frames} frames are not drawn: a diagram has at most {MAX_ARROWS} arrows")
}

/// What came of a step, with a sign before it.
fn result_text(text: &str, held: Option<bool>) -> String {
    match held {
        Some(true) => format!("✓ {text}, as expected"),
        Some(false) => format!("✗ {text}, not as expected"),
        None => format!("· {text}"),
    }
}
