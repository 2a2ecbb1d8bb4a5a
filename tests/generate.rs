//! Generated captures.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, root, stderr, stdout};
use std::path::Path;

fn generate(dir: &Path, args: &[&str]) -> Vec<u8> {
    let output = macvlab(dir, &[&["generate", "out.pcap"], args].concat(), b"");
    assert!(output.status.success(), "{}", stderr(&output));
    std::fs::read(dir.join("out.pcap")).unwrap()
}

#[test]
fn the_same_arguments_give_the_same_bytes_and_the_seed_others() {
    let dir = tempfile::tempdir().unwrap();
    let mixed =
        ["--frames", "500", "--strangers", "10", "--groups", "10", "--broadcasts", "5", "--vlan", "20"];
    let first = generate(dir.path(), &mixed);
    assert_eq!(first, generate(dir.path(), &mixed));
    assert_ne!(first, generate(dir.path(), &[&mixed[..], &["--seed", "2"]].concat()));
    let stdout = macvlab(dir.path(), &[&["generate", "-"], &mixed[..]].concat(), b"").stdout;
    assert_eq!(first, stdout);
}

#[test]
fn a_size_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    // A header of 24 bytes, and records of 16 + 64.
    assert_eq!(generate(dir.path(), &["--bytes", "1k", "--size", "64"]).len(), 24 + 12 * 80);
    assert_eq!(generate(dir.path(), &["--frames", "3", "--size", "1500"]).len(), 24 + 3 * 1516);
}

#[test]
fn a_capture_for_a_lab_replays_at_its_ports() {
    let dir = tempfile::tempdir().unwrap();
    let lab = root().join("fixtures/labs/arp-private.toml");
    let lab = lab.to_str().unwrap();
    generate(dir.path(), &["--frames", "200", "--lab", lab]);
    let output = macvlab(dir.path(), &["replay", "out.pcap", "--lab", lab], b"");
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("frames arrived at eth0: 200"), "{text}");
    assert!(text.contains("       200  R14   Unicast to a port"), "{text}");
}

#[test]
fn what_cannot_be_made_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (args, said) in [
        (&["--groups", "60", "--broadcasts", "41"][..], "add up to more than 100"),
        (&["--size", "13"], "14 to 65535"),
        (&["--bytes", "lots"], "a size is a number"),
    ] {
        let output = macvlab(dir.path(), &[&["generate", "out.pcap"], args].concat(), b"");
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
        assert!(!dir.path().join("out.pcap").exists());
    }
}
