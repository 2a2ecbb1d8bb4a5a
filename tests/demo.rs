//! The built-in experiments, one by one.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, root, stderr, stdout};

fn demo(args: &[&str]) -> (Option<i32>, String, String) {
    let output = macvlab(root(), &[&["demo"], args].concat(), b"");
    (output.status.code(), stdout(&output), stderr(&output))
}

const DEMOS: [&str; 8] =
    ["vepa", "vepa-hairpin", "private", "private-static", "bridge", "passthru", "host", "host-hairpin"];

#[test]
fn every_step_of_every_experiment_has_a_cause() {
    let mut causes = 0;
    for name in DEMOS {
        let (code, text, _) = demo(&[name]);
        assert_eq!(code, Some(0), "{name}");
        let mut lines = text.lines();
        while lines.by_ref().any(|line| line.ends_with(", because")) {
            let cause = lines.next().unwrap();
            let is_one = cause.starts_with("    ") && !cause.trim().is_empty();
            assert!(is_one, "no cause before {cause:?} in\n{text}");
            causes += 1;
        }
    }
    assert!(causes > 10, "{causes}");
}

#[test]
fn one_experiment() {
    let (code, text, _) = demo(&["bridge"]);
    assert_eq!(code, Some(0));
    insta::assert_snapshot!(text);
}

#[test]
fn experiments_and_lessons_are_listed_and_can_be_had() {
    let (code, text, _) = demo(&["--list"]);
    assert_eq!(code, Some(0));
    let (experiments, lessons) = text.split_once("\nLessons,").unwrap();
    assert_eq!(experiments.lines().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>(), DEMOS);
    for line in lessons.lines().skip(1) {
        let name = line.split(' ').next().unwrap();
        let (code, text, _) = demo(&[&format!("lesson:{name}"), "--show"]);
        assert!(code == Some(0) && text.contains("[[lesson]]"), "{name}");
    }
}

#[test]
fn wrong_usage() {
    for args in [
        &["--tour", "--quiz"][..],
        &["nobody"],
        &["nobody", "--quiz"],
        &["private-static", "--tour"],
        &["lesson:nobody", "--show"],
        &["nobody.toml", "--tour"],
        &["--quiz", "--list"],
        &["--worksheet", "--answers"],
        &["vepa", "--tour", "--show"],
    ] {
        let (code, text, said) = demo(args);
        assert!(code == Some(2) && text.is_empty() && !said.is_empty(), "{args:?}");
    }
}
