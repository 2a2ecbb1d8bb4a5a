//! That the benchmark runs and says what it measured. How fast anything is, no test says.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, root, stderr, stdout};
use std::collections::BTreeSet;

#[test]
fn json_has_a_line_for_everything() {
    let output = macvlab(root(), &["bench", "--time", "0.01", "--ports", "4", "--json"], b"");
    assert!(output.status.success(), "{}", stderr(&output));
    let lines: Vec<serde_json::Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let whats: BTreeSet<&str> = lines.iter().map(|l| l["what"].as_str().unwrap()).collect();
    for what in
        ["macvlab, vepa", "macvlab, passthru", "headers only: the limit", "HashMap, fx", "linear search"]
    {
        assert!(whats.contains(what), "{whats:?}");
    }
    for line in &lines {
        assert!(line["ns"].as_f64().unwrap() > 0.0 && line["per_second"].as_f64().unwrap() > 0.0, "{line}");
        assert!(line["size"].as_u64().unwrap() > 0, "{line}");
    }
    // 10 ways, two sizes, two shares of hits; three floods, three switches.
    assert_eq!(lines.len(), 10 * 4 + 6);
}

#[test]
fn a_table_for_people() {
    let output = macvlab(root(), &["bench", "--time", "0", "--ports", "2"], b"");
    let text = stdout(&output);
    for title in ["million decisions a second", "million copies a second", "million frames a second"] {
        assert!(text.contains(title), "{text}");
    }
}

#[test]
fn wrong_usage_is_refused() {
    for args in [["--ports", "0"], ["--time", "-1"]] {
        let output = macvlab(root(), &["bench", args[0], args[1]], b"");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}
