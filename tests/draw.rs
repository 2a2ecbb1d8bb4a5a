//! Drawings and pages, as a user asks for them.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{labs, macvlab, needs, root, stderr, stdout};
use std::io::Write;
use std::process::{Command, Stdio};

const VEPA: &str = "fixtures/labs/arp-vepa-hairpin.toml";

#[test]
fn every_format_goes_to_standard_output() {
    for (format, begins) in [("svg", "<svg xmlns="), ("mermaid", "flowchart TB\n"), ("dot", "graph lab {\n")]
    {
        let output = macvlab(root(), &["draw", VEPA, "--format", format], b"");
        let text = stdout(&output);
        assert!(output.status.success() && text.starts_with(begins), "{text}");
        assert!(text.contains("hairpin on") && text.contains("192.168.128.222/24"), "{text}");
    }
}

#[test]
fn steps_are_run_before() {
    let lab = std::fs::read(labs()["mode-change-live"].clone()).unwrap();
    let draw = |after: &str| macvlab(root(), &["draw", "-", "--after", after, "--format", "mermaid"], &lab);
    assert_ne!(stdout(&draw("0")), stdout(&draw("4")));
    let too_many = draw("999");
    assert_eq!(too_many.status.code(), Some(2));
    assert!(stderr(&too_many).contains("there is no `--after 999`"), "{}", stderr(&too_many));
}

#[test]
fn files_are_whole_or_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let lab = labs()["arp-vepa"].to_str().unwrap().to_owned();
    let run = |args: &[&str]| macvlab(dir.path(), args, b"");
    assert!(run(&["draw", &lab, "-o", "lab.svg"]).status.success());
    assert!(run(&["run", &lab, "-q", "--html", "run.html"]).status.success());
    assert!(run(&["demo", "vepa", "--html", "demo.html"]).status.success());
    let page = std::fs::read_to_string(dir.path().join("run.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    for args in [["draw", &lab, "-o", "no/lab.svg"].as_slice(), &["run", &lab, "-q", "--html", "no/run.html"]]
    {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("no/"), "{}", stderr(&output));
    }
    let mut names: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["demo.html", "lab.svg", "run.html"]);
}

/// Standard output does not depend on which other files are written.
#[test]
fn a_page_changes_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let lab = labs()["vlan-parent"].to_str().unwrap().to_owned();
    for view in ["--json", "--explain"] {
        let alone = stdout(&macvlab(dir.path(), &["run", &lab, view], b""));
        let beside = stdout(&macvlab(dir.path(), &["run", &lab, view, "--html", "out.html"], b""));
        assert_eq!(alone, beside);
    }
    let both = macvlab(dir.path(), &["run", &lab, "--html", "-", "--json"], b"");
    assert_eq!(both.status.code(), Some(2));
    let page = macvlab(dir.path(), &["run", &lab, "--html", "-"], b"");
    assert!(stdout(&page).starts_with("<!doctype html>"));
}

#[test]
fn graphviz_reads_every_lab() {
    if !needs::programs(&["dot"]) {
        return;
    }
    let mut graphs = Vec::new();
    for path in labs().values() {
        graphs.extend(macvlab(root(), &["draw", path.to_str().unwrap(), "--format", "dot"], b"").stdout);
    }
    let mut dot = Command::new("dot")
        .args(["-Tcanon"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = dot.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(&graphs).unwrap());
    let output = dot.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
    assert_eq!(stdout(&output).matches("graph lab {").count(), labs().len());
}
