//! Reports: views of the hop log. Nothing is decided here; every word comes from the events and the rule catalogue.
//!
//! A view takes one [`Event`](crate::lab::Event) after another and writes as it goes, so that a run of any length is
//! reported in constant memory, and several views can follow one run.

mod counters;
pub mod draw;
mod explain;
mod hosts;
pub mod html;
mod json;
mod matrix;
#[cfg(feature = "capture")]
mod pcapng;
mod reasons;
pub mod sequence;
mod sinks;
mod tables;
#[cfg(test)]
mod tests;
mod text;
mod why;
mod words;
#[cfg(feature = "labfile")]
pub mod worksheet;

pub use counters::{CountersTable, counters_table};
pub use explain::Explanation;
pub use hosts::known_since;
pub use json::JsonLines;
#[cfg(all(feature = "live", target_os = "linux"))]
pub(crate) use json::because as because_as_json;
pub use matrix::{Columns, MatrixForm, MatrixReport};
#[cfg(feature = "capture")]
pub use pcapng::{AnnotatedBlocks, AnnotatedCapture};

pub use reasons::{Reason, StepLog, because};
pub use text::{Detail, TextReport};
pub use why::WhyReport;
#[cfg(all(feature = "live", target_os = "linux"))]
pub(crate) use words::{fdb_kind, list};
pub use words::{outcome_in_words, step_in_words};
