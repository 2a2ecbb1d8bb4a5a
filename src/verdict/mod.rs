//! Verdicts: what was decided about a frame, and the catalogue of the rules that decide.

mod catalogue;
mod rule;

pub use rule::{Rule, RuleKind};
