//! What a person sees who made a mistake, and what comes of a file without one.

mod fixtures;
mod keys;
mod one_step;
mod reading;
mod references;
mod round_trip;
mod steps;
mod switches;

use super::parse;

/// What is said about this file, which stands indented here.
fn diagnosed(text: &str) -> String {
    let lines: Vec<&str> = text.lines().skip(1).map(|line| line.get(8..).unwrap_or_default()).collect();
    parse("lab.toml", &lines.join("\n"))
        .map_or_else(|d| d.to_string().trim_end().to_owned(), |s| format!("{s:?}"))
}
