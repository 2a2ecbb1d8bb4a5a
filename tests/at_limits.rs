//! Some of the limits of `docs/limits.md`, as a user sees them.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, stderr};
use macvlab::capture::PcapWriter;
use macvlab::time::Instant;
use std::fs;
use std::path::Path;

const LAB: &str = "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\n";

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("lab.toml"), LAB).unwrap();
    dir
}

/// Replays a capture; returns the exit code and the messages.
fn replay(dir: &Path, more: &[&str]) -> (Option<i32>, String) {
    let output = macvlab(dir, &[&["replay", "in.pcap", "--lab", "lab.toml", "-q"], more].concat(), b"");
    (output.status.code(), stderr(&output))
}

#[test]
fn a_map_file_has_a_limit() {
    let dir = folder();
    let mut capture = PcapWriter::new(Vec::new()).unwrap();
    capture.write(Instant::ZERO, &[0xff; 60], 0).unwrap();
    fs::write(dir.path().join("in.pcap"), capture.finish().unwrap()).unwrap();
    for (bytes, taken) in [(8 << 20, true), ((8 << 20) + 1, false)] {
        fs::write(dir.path().join("map"), "#".repeat(bytes)).unwrap();
        let (code, said) = replay(dir.path(), &["--map-file", "map", "--at", "eth0"]);
        assert_eq!(code, Some(if taken { 0 } else { 2 }), "{said}");
        assert_eq!(said.contains("map: longer than 8388608 bytes"), !taken, "{said}");
    }
    // It reports no length, and is endless.
    let (code, said) = replay(dir.path(), &["--map-file", "/dev/zero", "--at", "eth0"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("/dev/zero: longer than 8388608 bytes"), "{said}");
}

#[test]
fn twenty_bad_records_are_told_and_all_are_counted() {
    let dir = folder();
    for bad in [20, 21] {
        let mut capture = PcapWriter::new(Vec::new()).unwrap();
        capture.write(Instant::ZERO, &[0xff; 60], 0).unwrap();
        let mut capture = capture.finish().unwrap();
        for _ in 0..bad {
            // Too short for an Ethernet header.
            for field in [0_u32, 0, 13, 13] {
                capture.extend(field.to_le_bytes());
            }
            capture.extend([0; 13]);
        }
        fs::write(dir.path().join("in.pcap"), capture).unwrap();
        let (_, said) = replay(dir.path(), &["--at", "eth0"]);
        assert_eq!(said.matches("a frame of 13 bytes").count(), 20, "{said}");
        assert_eq!(said.contains("in.pcap: bad records in all: 21"), bad > 20, "{said}");
    }
}

#[test]
fn leftovers_are_removed_some_at_a_time() {
    let dir = folder();
    for n in 0..10_001 {
        fs::write(dir.path().join(format!(".macvlab-{n}.part")), "").unwrap();
    }
    for left in [1, 0] {
        let output = macvlab(dir.path(), &["generate", "out.pcap", "--frames", "1"], b"");
        assert!(output.status.success(), "{}", stderr(&output));
        let names = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(names.filter(|name| name.to_str().unwrap().ends_with(".part")).count(), left);
    }
}
