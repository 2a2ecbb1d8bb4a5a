//! Every example runs and prints something.

use std::process::Command;

#[test]
fn every_example_runs() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert!(names.len() >= 7, "{names:?}");
    // `cargo test` builds the examples next to the tests.
    let built = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("examples");
    for name in names {
        let out = Command::new(built.join(&name)).output().unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
        assert!(!out.stdout.is_empty(), "{name} says nothing");
    }
}
