//! Findings as JSON.

use super::super::Source;
use super::Finding;
use serde_json::{Value, json};

/// An object for each finding, with its place in the input: `at`, `null` if it has none.
pub fn objects<'a>(findings: &'a [Finding], sources: &'a [Source<'_>]) -> impl Iterator<Item = Value> + 'a {
    findings.iter().filter_map(|finding| {
        let mut object = serde_json::to_value(finding).ok()?;
        let at = finding.place.and_then(|place| Some((sources.get(place.source)?, place)));
        object["at"] = at.map_or(Value::Null, |(source, place)| {
            let position = source.position(place);
            json!({ "input": source.name, "line": position.line, "column": position.column })
        });
        Some(object)
    })
}
