//! Converts a request to a step of a lab file.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The body of an action request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub(super) enum Act {
    /// The keys of a step: `{"ping": {"from": "c1", "to": "c2"}}`.
    Step(Map<String, Value>),
    /// The text of the step: `ping = { from = "c1", to = "c2" }`.
    Toml(String),
}

/// The body of the question what would help.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    /// The number of the step that got no reply, from 1.
    pub(super) step: usize,
}

impl Act {
    /// The step as text of a lab file.
    pub(super) fn into_toml(self) -> String {
        match self {
            Act::Step(step) => step.iter().map(|(key, value)| format!("{}\n", pair(key, value))).collect(),
            Act::Toml(text) => text,
        }
    }
}

fn pair(key: &str, value: &Value) -> String {
    format!("{} = {}", quoted(key), toml(value))
}

/// Converts a JSON value to TOML. `null`, which TOML lacks, is written and then refused.
fn toml(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(list) => format!("[{}]", list.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Object(table) => {
            let pairs: Vec<String> = table.iter().map(|(key, value)| pair(key, value)).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// A string: TOML has JSON's escapes, and DEL must be escaped as well.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}
