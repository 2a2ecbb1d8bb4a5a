//! stub
use crate::lab::spec::LabSpec;
/// Writes.
#[must_use]
pub fn write(spec: &LabSpec) -> String { spec.title.clone() }
