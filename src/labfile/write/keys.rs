//! TOML basics: keys, strings, tables.

use crate::labfile::scalar::UNITS;
use std::fmt::Display;
use std::time::Duration;

/// Keys with their values, written one per line or as an inline table.
#[derive(Default)]
pub(super) struct Keys(Vec<(String, String)>);

impl Keys {
    /// A value in TOML syntax.
    pub(super) fn put(&mut self, key: &str, value: String) {
        self.0.push((key.to_owned(), value));
    }

    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.put(key, quote(value));
    }

    /// A list of strings, left out if it is empty.
    pub(super) fn texts<T: Display>(&mut self, key: &str, values: &[T]) {
        if !values.is_empty() {
            self.put(key, list(values));
        }
    }

    /// A number or boolean, left out if it is the default.
    pub(super) fn unless<T: Display + PartialEq>(&mut self, key: &str, value: &T, default: &T) {
        if value != default {
            self.put(key, value.to_string());
        }
    }

    pub(super) fn maybe<T: Display>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value {
            self.put(key, value.to_string());
        }
    }

    pub(super) fn extend(&mut self, more: Keys) {
        self.0.extend(more.0);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One per line, with aligned equals signs.
    pub(super) fn lines(&self) -> String {
        let width = self.0.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
        self.0.iter().map(|(key, value)| format!("{key:width$} = {value}\n")).collect()
    }

    pub(super) fn inline(&self) -> String {
        if self.0.is_empty() {
            return "{}".to_owned();
        }
        let all: Vec<String> = self.0.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        format!("{{ {} }}", all.join(", "))
    }
}

/// A list of strings.
pub(super) fn list<T: Display>(values: &[T]) -> String {
    let quoted: Vec<String> = values.iter().map(|v| quote(&v.to_string())).collect();
    format!("[{}]", quoted.join(", "))
}

/// A basic string.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A name as a key, quoted if it must be.
pub(super) fn bare(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if !name.is_empty() && name.bytes().all(plain) { name.to_owned() } else { quote(name) }
}

/// A duration in the longest unit that keeps it a whole number; at most seconds.
pub(super) fn duration(duration: Duration) -> String {
    let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let fits = |(name, unit): &&(&str, u64)| ns % unit == 0 && !["h", "m"].contains(name);
    let (name, unit) = UNITS.iter().find(fits).unwrap_or(&("ns", 1));
    format!("{}{name}", ns / unit)
}

/// Bytes as a string of hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let digits = bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    });
    quote(&digits)
}
