//! Runs after all other tests, and reports how many of them were skipped.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::needs;
use std::io::Write;

#[test]
fn the_number_of_skipped_tests_is_told() {
    let record = needs::record();
    let skipped = std::fs::read_to_string(&record).unwrap_or_default();
    let count = skipped.lines().count();
    if count > 0 {
        let told = format!(
            "\n{count} tests were SKIPPED; MACVLAB_REQUIRE_TOOLS=1 makes that a failure:\n{skipped}\n"
        );
        std::io::stderr().write_all(told.as_bytes()).unwrap();
        std::fs::remove_file(record).unwrap();
    }
    let required = std::env::var_os("MACVLAB_REQUIRE_TOOLS").is_some();
    assert!(count == 0 || !required, "tests were skipped");
}
