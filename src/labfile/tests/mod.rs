//! What a user sees after an error, and the result of a file without errors.

mod fixtures;
mod keys;
mod one_step;
mod reading;
mod references;
mod round_trip;
mod steps;
mod switches;
mod warnings;

use super::parse;

/// The diagnostics for this file, which is indented here.
fn diagnosed(text: &str) -> String {
    let lines: Vec<&str> = text.lines().skip(1).map(|line| line.get(8..).unwrap_or_default()).collect();
    parse("lab.toml", &lines.join("\n"))
        .map_or_else(|d| d.to_string().trim_end().to_owned(), |s| format!("{s:?}"))
}
