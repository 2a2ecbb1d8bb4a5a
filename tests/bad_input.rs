//! Bad input: every error is reported with its place and exit code 2, and existing files stay unchanged.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, stderr, stdout};
use macvlab::capture::{PcapWriter, PcapngWriter, Reader};
use macvlab::time::Instant;
use std::io::Cursor;
use std::path::Path;

const LAB: &str = r#"title = "Two ports"
[nic.eth0]
[macvlan.c1]
parent = "eth0"
mac = "02:00:00:00:00:11"
[macvlan.c2]
parent = "eth0"
mac = "02:00:00:00:00:12"
[station.win]
[switch.sw0.port.eth0]
hairpin = true
[switch.sw0.port.win]
[[step]]
inject = { at = "win", ethernet = {} }
"#;

/// The error, how the lab is broken (by replacing a text with another), and the reported place.
const MISTAKES: &[(&str, &str, &str, &str)] = &[
    ("a typo in a key", "hairpin = true", "hairpn = true", "11:1"),
    ("an unknown mode", "mac = \"02:00:00:00:00:11\"", "mode = \"veepa\"", "5:8"),
    ("a malformed address", "02:00:00:00:00:11", "02:00:00:00:11", "5:7"),
    (
        "a parent that is missing",
        "parent = \"eth0\"\nmac = \"02:00:00:00:00:12\"",
        "parent = \"eth1\"",
        "7:10",
    ),
    ("a port on itself", "parent = \"eth0\"\nmac = \"02:00:00:00:00:12\"", "parent = \"c2\"", "6:10"),
    (
        "ports on each other",
        "parent = \"eth0\"\nmac = \"02:00:00:00:00:11\"\n[macvlan.c2]\nparent = \"eth0\"",
        "parent = \"c2\"\n[macvlan.c2]\nparent = \"c1\"",
        "3:10",
    ),
    ("a device that is wired twice", "[[step]]", "[switch.sw1.port.win]\n[[step]]", "13:"),
    ("a bad IP address", "[station.win]", "[station.win]\naddress = [\"192.0.2.256/24\"]", "10:12"),
    ("a step at an unknown device", "at = \"win\"", "at = \"c9\"", "14:17"),
    ("no TOML", "[nic.eth0]", "[nic.eth0", "2:"),
];

#[test]
fn mistakes_in_a_lab_are_told_with_their_place_and_nothing_is_written() {
    for (what, right, wrong, place) in MISTAKES {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let text = LAB.replacen(right, wrong, 1);
        assert_ne!(text, LAB, "{what}");
        std::fs::write(path("lab.toml"), text).unwrap();
        std::fs::write(path("old.pcapng"), "as it was").unwrap();
        let commands: [&[&str]; 4] = [
            &["run", "lab.toml", "--pcap", "new.pcapng"],
            &["run", "lab.toml", "--pcap", "old.pcapng"],
            &["replay", "-", "--lab", "lab.toml", "-o", "old.pcapng", "--out-dir", "new"],
            &["check", "lab.toml"],
        ];
        for args in commands {
            let output = macvlab(dir.path(), args, &pcap(1));
            let said = stderr(&output);
            assert_eq!(
                (output.status.code(), stdout(&output).as_str()),
                (Some(2), ""),
                "{what}: {args:?}: {said}"
            );
            assert!(said.contains(&format!("lab.toml:{place}")), "{what}, {args:?}: not at {place}:\n{said}");
        }
        assert_eq!(std::fs::read_to_string(path("old.pcapng")).unwrap(), "as it was", "{what}");
        assert_eq!(entries(dir.path()), ["lab.toml", "old.pcapng"], "{what}");
    }
}

#[test]
fn the_lab_is_good_without_the_mistakes() {
    let dir = tempfile::tempdir().unwrap();
    let output = macvlab(dir.path(), &["check", "-"], LAB.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

fn entries(dir: &Path) -> Vec<String> {
    let name = |e: std::io::Result<std::fs::DirEntry>| e.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> = std::fs::read_dir(dir).unwrap().map(name).collect();
    names.sort();
    names
}

fn frame() -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 0x11, 2, 0, 0, 0, 0, 0x21, 8, 0];
    frame.resize(60, 0);
    frame
}

fn pcap(frames: u64) -> Vec<u8> {
    let mut pcap = PcapWriter::new(Vec::new()).unwrap();
    for n in 0..frames {
        pcap.write(Instant::from_nanos(n), &frame(), 60).unwrap();
    }
    pcap.finish().unwrap()
}

fn pcapng() -> Vec<u8> {
    let mut file = PcapngWriter::new(Vec::new()).unwrap();
    let interface = file.add_interface("eth0", "", None).unwrap();
    for n in 0..2 {
        let (frame, time) = (frame(), Instant::from_nanos(n));
        let packet = macvlab::capture::Packet {
            interface,
            time,
            frame: &frame,
            orig_len: 0,
            direction: None,
            packet_type: None,
            packet_id: None,
            comment: "",
        };
        file.write(&packet).unwrap();
    }
    file.finish().unwrap()
}

#[test]
fn outputs_that_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lab.toml"), LAB).unwrap();
    std::fs::write(dir.path().join("in.pcap"), pcap(2)).unwrap();
    std::fs::create_dir(dir.path().join("folder")).unwrap();
    let commands: [&[&str]; 6] = [
        &["run", "lab.toml", "--pcap", "/nonexistent/x.pcapng"],
        &["run", "lab.toml", "--pcap", "folder"],
        &["replay", "in.pcap", "--lab", "lab.toml", "-o", "/nonexistent/x.pcapng"],
        &["replay", "in.pcap", "--lab", "lab.toml", "-o", "folder"],
        &["replay", "in.pcap", "--lab", "lab.toml", "--out-dir", "lab.toml"],
        &["replay", "in.pcap", "--lab", "lab.toml", "--out-dir", "in.pcap/out"],
    ];
    for args in commands {
        let output = macvlab(dir.path(), args, b"");
        let named = args.last().unwrap();
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""), "{args:?}");
        assert!(stderr(&output).starts_with(&format!("error: {named}: ")), "{args:?}: {}", stderr(&output));
    }
    assert_eq!(entries(dir.path()), ["folder", "in.pcap", "lab.toml"]);
    assert!(entries(&dir.path().join("folder")).is_empty());
    assert_eq!(std::fs::read(dir.path().join("in.pcap")).unwrap(), pcap(2));
}

/// Every frame of a capture that must be valid.
fn count(path: &Path) -> usize {
    let mut reader = Reader::new(Cursor::new(std::fs::read(path).unwrap())).unwrap();
    let mut count = 0;
    while let Some(record) = reader.next_record() {
        record.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        count += 1;
    }
    count
}

/// Replays a capture. Returns the exit code and, if there are outputs, checks that they are valid captures.
fn replayed(capture: &[u8]) -> Option<i32> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lab.toml"), LAB).unwrap();
    let args = ["replay", "-", "--lab", "lab.toml", "-o", "all.pcapng", "--out-dir", "out"];
    let output = macvlab(dir.path(), &args, capture);
    let said = stderr(&output);
    assert!(!said.contains("panicked"), "{said}");
    if output.status.code() != Some(0) {
        assert!(said.contains("<standard input>"), "{said}");
    }
    match entries(dir.path()).as_slice() {
        // Invalid from its first bytes on.
        [lab] => assert_eq!((lab.as_str(), output.status.code()), ("lab.toml", Some(2))),
        _ => {
            assert_eq!(entries(dir.path()), ["all.pcapng", "lab.toml", "out"]);
            assert_eq!(entries(&dir.path().join("out")), ["c1.pcap", "c2.pcap", "eth0.pcap", "win.pcap"]);
            let received: usize =
                entries(&dir.path().join("out")).iter().map(|f| count(&dir.path().join("out").join(f))).sum();
            assert!(received <= count(&dir.path().join("all.pcapng")));
        }
    }
    output.status.code()
}

#[test]
fn truncated_captures_leave_whole_outputs() {
    for whole in [pcap(2), pcapng()] {
        assert_eq!(replayed(&whole), Some(0));
        let mut codes = Vec::new();
        for len in (0..whole.len()).step_by(7) {
            codes.push(replayed(&whole[..len]));
        }
        // A truncation between two records cannot be detected; all others are.
        assert!(codes.iter().all(|c| matches!(c, Some(0 | 2))), "{codes:?}");
        assert!(codes.iter().filter(|c| **c == Some(0)).count() <= 3, "{codes:?}");
    }
}

#[test]
fn hostile_captures_leave_whole_outputs() {
    let spoilt = |whole: &[u8], at: usize, bytes: &[u8]| {
        let mut file = whole.to_vec();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let (pcap, pcapng) = (pcap(2), pcapng());
    // A record that claims to be 4 GiB long, one longer than the frame was, a link type other than Ethernet.
    assert_eq!(replayed(&spoilt(&pcap, 24 + 8, &[0xff; 4])), Some(2));
    assert_eq!(replayed(&spoilt(&pcap, 20, &[101, 0, 0, 0])), Some(2));
    // A section header, and a block, of an impossible length.
    assert_eq!(replayed(&spoilt(&pcapng, 4, &[0xff; 4])), Some(2));
    let first_block = usize::from(pcapng[4]);
    assert_eq!(replayed(&spoilt(&pcapng, first_block + 4, &[0xff; 4])), Some(2));
    assert_eq!(replayed(&spoilt(&pcapng, first_block + 4, &[0; 4])), Some(2));
    // Compressed, and truncated or followed by garbage.
    assert_eq!(replayed(&[0x1f, 0x8b, 8, 0, 1, 2, 3]), Some(2));
    assert_eq!(replayed(&[0x28, 0xb5, 0x2f, 0xfd, 0xff, 0xff]), Some(2));
    assert_eq!(replayed(b""), Some(2));
}
