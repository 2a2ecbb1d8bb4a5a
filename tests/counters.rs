//! What every lab's devices count, as the kernel counts it: `macvlab verify` compares the counters of the running kernel with
//! those of the same labs.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{labs, load, root};
use macvlab::lab::{Event, Lab};
use std::fmt::Write as _;

/// To renew it, after `macvlab verify fixtures/labs/*.toml` has agreed: `TRYCMD=overwrite cargo test --test counters`.
#[test]
fn every_lab_counts_what_the_kernel_counted() {
    let mut now = String::new();
    for (name, path) in labs() {
        let (spec, options) = load(&path);
        writeln!(now, "{name}").unwrap();
        Lab::new(&spec, options).run(&mut |event| {
            if let Event::Counters { device, counters: c } = event {
                writeln!(
                    now,
                    "  {device}: rx {} packets {} bytes {} dropped {} errors {} multicast, tx {} packets {} bytes {} dropped",
                    c.rx_packets,
                    c.rx_bytes,
                    c.rx_dropped,
                    c.rx_errors,
                    c.multicast,
                    c.tx_packets,
                    c.tx_bytes,
                    c.tx_dropped
                )
                .unwrap();
            }
        });
    }
    let path = root().join("tests/counters.txt");
    if std::env::var_os("TRYCMD").is_some_and(|v| v == "overwrite") {
        std::fs::write(&path, &now).unwrap();
    }
    let recorded = std::fs::read_to_string(path).unwrap();
    for (line, (now, recorded)) in now.lines().zip(recorded.lines()).enumerate() {
        assert_eq!(now, recorded, "tests/counters.txt, line {}", line + 1);
    }
    assert_eq!(now.lines().count(), recorded.lines().count(), "tests/counters.txt is old");
}
