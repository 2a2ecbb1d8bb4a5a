//! The benchmark runs and reports its results. No test checks speed.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, root, stderr, stdout};
use std::collections::BTreeSet;

#[test]
fn json_has_a_line_for_everything() {
    let args =
        ["bench", "--time", "0.01", "--ports", "4", "--stations", "64,256", "--threads", "1,2", "--json"];
    let output = macvlab(root(), &args, b"");
    assert!(output.status.success(), "{}", stderr(&output));
    let lines: Vec<serde_json::Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let whats: BTreeSet<&str> = lines.iter().map(|l| l["what"].as_str().unwrap()).collect();
    for what in [
        "macvlab, vepa",
        "macvlab, passthru",
        "headers only: the baseline",
        "the same on std HashMap",
        "the same on a list",
        "forward and learn",
    ] {
        assert!(whats.contains(what), "{whats:?}");
    }
    for line in &lines {
        assert!(line["ns"].as_f64().unwrap() > 0.0 && line["per_second"].as_f64().unwrap() > 0.0, "{line}");
        assert!(line["size"].as_u64().unwrap() > 0, "{line}");
        assert_eq!(line["times_limit"].is_f64(), line["group"] == "decide", "{line}");
        assert_eq!(line["memory_bytes"].is_u64(), whats_own_switch(line), "{line}");
    }
    // 10 tables, two sizes, two hit rates; two numbers of threads; three floods; five paths through two switches.
    assert_eq!(lines.len(), 10 * 4 + 2 + 3 + 5 * 2);
}

fn whats_own_switch(line: &serde_json::Value) -> bool {
    line["group"] == "switch" && line["what"].as_str().is_some_and(|what| what.starts_with("forward"))
}

#[test]
fn a_table_for_people() {
    let args =
        ["bench", "--time", "0", "--ports", "2", "--stations", "64", "--receivers", "2", "--size", "64"];
    let text = stdout(&macvlab(root(), &args, b""));
    for title in [
        "million decisions per second",
        "x baseline",
        "threads",
        "million copies per second",
        "million frames per second through a switch",
    ] {
        assert!(text.contains(title), "{text}");
    }
}

#[test]
fn a_picture_is_well_formed_and_has_a_line_for_each_way() {
    let dir = tempfile::tempdir().unwrap();
    let args =
        ["bench", "--time", "0", "--ports", "2,16", "--stations", "64", "--size", "64", "--plot", "out.svg"];
    let output = macvlab(dir.path(), &args, b"");
    assert!(output.status.success(), "{}", stderr(&output));
    let svg = std::fs::read_to_string(dir.path().join("out.svg")).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
    // The baseline, one mode and four other tables, twice; five paths through a switch.
    assert_eq!(svg.matches("<polyline").count(), 2 * 6 + 5, "{svg}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    for what in
        ["macvlab, vepa", "the same on std HashMap", "forward and learn", "50 % of the destinations known"]
    {
        assert!(svg.contains(what), "{svg}");
    }
}

#[test]
fn the_kernel_takes_part_or_it_is_said_why_not() {
    let args = [
        "bench",
        "--time",
        "0",
        "--ports",
        "2",
        "--stations",
        "64",
        "--receivers",
        "2",
        "--hits",
        "100",
        "--size",
        "64",
        "--kernel",
    ];
    let output = macvlab(root(), &args, b"");
    if output.status.success() {
        assert!(stdout(&output).contains("a socket path"), "{}", stdout(&output));
    } else {
        // Without the feature, or without permission to create namespaces.
        assert_eq!(output.status.code(), Some(2));
        let said = stderr(&output);
        assert!(said.contains("kernel support") || said.contains("namespaces"), "{said}");
    }
}

#[test]
fn wrong_usage_is_refused() {
    for args in [
        ["--ports", "0"],
        ["--time", "-1"],
        ["--threads", "none"],
        ["--hits", "101"],
        ["--stations", "1"],
        ["--size", "13"],
    ] {
        let output = macvlab(root(), &["bench", args[0], args[1]], b"");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}
