//! What a user sees after an error, and the result of a file without errors.

mod choices;
mod duplicates;
mod fixtures;
mod hosts;
mod keys;
mod lessons;
mod masters;
mod one_step;
mod reading;
mod references;
mod round_trip;
mod steps;
mod switches;
mod warnings;

use super::{Checked, check, parse};

/// The diagnostics for this file, which is indented here.
fn diagnosed(text: &str) -> String {
    let lines: Vec<&str> = text.lines().skip(1).map(|line| line.get(8..).unwrap_or_default()).collect();
    parse("lab.toml", &lines.join("\n"))
        .map_or_else(|d| d.to_string().trim_end().to_owned(), |s| format!("{s:?}"))
}

/// The warnings about this file, which is indented here; none: an empty text.
fn warned(text: &str) -> String {
    let lines: Vec<&str> = text.lines().skip(1).map(|line| line.get(8..).unwrap_or_default()).collect();
    let Checked { warnings, .. } = check("lab.toml", &lines.join("\n")).unwrap_or_else(|e| panic!("{e}"));
    warnings.map(|warnings| warnings.to_string().trim_end().to_owned()).unwrap_or_default()
}
