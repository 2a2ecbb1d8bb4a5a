//! What happens in every lab, as it was when the kernel agreed: `macvlab verify` compares the running kernel with the same
//! labs. What the devices count is recorded in full; of hops and decisions, how many there are and a digest.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{labs, load, root};
use macvlab::lab::{Event, Lab};
use macvlab::report::{CountersTable, JsonLines};
use std::fmt::Write as _;

/// FNV-1a, 64 bits: the same on every platform and in every release.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A digest that differs: compare `macvlab run --explain LAB` before and after the change.
///
/// To renew it, after `macvlab verify fixtures/labs/*.toml` has agreed: `TRYCMD=overwrite cargo test --test recorded`.
#[test]
fn every_lab_runs_as_when_the_kernel_agreed() {
    let mut now = String::new();
    for (name, path) in labs() {
        let (spec, options) = load(&path);
        writeln!(now, "# {name}").unwrap();
        let (mut counters, mut shown) = (CountersTable::new(), 0);
        let mut lines = JsonLines::new(Vec::new());
        Lab::new(&spec, options.with_decisions(true)).run(&mut |event| {
            if matches!(event, Event::Hop(_) | Event::Decision(_)) {
                lines.event(event).unwrap();
                shown += 1;
            }
            counters.event(event);
        });
        let digest = fnv(&lines.finish().unwrap());
        writeln!(now, "{}{shown} hops and decisions: {digest:016x}\n", counters.render()).unwrap();
    }
    let path = root().join("tests/recorded.txt");
    if std::env::var_os("TRYCMD").is_some_and(|v| v == "overwrite") {
        std::fs::write(&path, &now).unwrap();
    }
    let recorded = std::fs::read_to_string(path).unwrap();
    for (line, (now, recorded)) in now.lines().zip(recorded.lines()).enumerate() {
        assert_eq!(now, recorded, "tests/recorded.txt, line {}", line + 1);
    }
    assert_eq!(now.lines().count(), recorded.lines().count(), "tests/recorded.txt is old");
}
