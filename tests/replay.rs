//! `macvlab replay` as a user sees it: every option, every output, every exit code.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, stderr, stdout};
use macvlab::capture::{PcapWriter, Reader};
use macvlab::frame::MacAddr;
use macvlab::time::Instant;
use std::io::Cursor;
use std::path::Path;
use std::process::Output;

const LAB: &str = r#"
[nic.eth0]
mac = "02:00:00:00:00:01"
[macvlan.c1]
parent = "eth0"
mode = "bridge"
mac = "02:00:00:00:00:11"
[macvlan.c2]
parent = "eth0"
mode = "bridge"
mac = "02:00:00:00:00:12"
[station.win]
mac = "02:00:00:00:00:21"
[switch.sw0.port.eth0]
[switch.sw0.port.win]
"#;

const C1: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x11]);
const C2: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x12]);
const WIN: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x21]);
const STRANGER: MacAddr = MacAddr([0, 0x50, 0x56, 0, 0, 1]);

/// A frame with an IPv4 packet from 192.0.2.`src` to 192.0.2.`dst`.
fn ipv4(dst_mac: MacAddr, src_mac: MacAddr, src: u8, dst: u8) -> Vec<u8> {
    let mut frame = [&dst_mac.0[..], &src_mac.0, &[8, 0, 0x45]].concat();
    frame.resize(60, 0);
    frame[26..30].copy_from_slice(&[192, 0, 2, src]);
    frame[30..34].copy_from_slice(&[192, 0, 2, dst]);
    frame
}

fn pcap(frames: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut pcap = PcapWriter::new(Vec::new()).unwrap();
    for (ms, frame) in frames {
        pcap.write(Instant::from_nanos(ms * 1_000_000), frame, 0).unwrap();
    }
    pcap.finish().unwrap()
}

/// To c1, to c2, to broadcast, ten milliseconds apart, from an unknown sender.
fn three() -> Vec<u8> {
    let to = [C1, C2, MacAddr::BROADCAST];
    let frames = to.iter().zip([0, 10, 20]).map(|(mac, ms)| (ms, ipv4(*mac, STRANGER, 7, 8)));
    pcap(&frames.collect::<Vec<_>>())
}

/// A folder with the lab, and the three frames in `in.pcap`.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lab.toml"), LAB).unwrap();
    std::fs::write(dir.path().join("in.pcap"), three()).unwrap();
    dir
}

fn replay(dir: &Path, args: &[&str]) -> Output {
    macvlab(dir, &[&["replay", "--lab", "lab.toml"], args].concat(), b"")
}

/// A replay that must succeed without output on standard error.
fn replayed(dir: &Path, args: &[&str]) -> String {
    let output = replay(dir, args);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{args:?}");
    stdout(&output)
}

/// Times in milliseconds and frames of a capture that must be valid.
fn frames(path: &Path) -> Vec<(u64, Vec<u8>)> {
    let mut reader = Reader::new(Cursor::new(std::fs::read(path).unwrap())).unwrap();
    let mut frames = Vec::new();
    while let Some(record) = reader.next_record() {
        let record = record.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        frames.push((record.time.as_nanos() / 1_000_000, record.data.to_vec()));
    }
    frames
}

/// The times of the frames that a device received.
fn times(dir: &Path, device: &str) -> Vec<u64> {
    frames(&dir.join(format!("out/{device}.pcap"))).into_iter().map(|(ms, _)| ms).collect()
}

fn entries(dir: &Path) -> Vec<String> {
    let name = |e: std::io::Result<std::fs::DirEntry>| e.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> = std::fs::read_dir(dir).unwrap().map(name).collect();
    names.sort();
    names
}

#[test]
fn machines_of_another_network_are_devices_of_this_lab() {
    let dir = folder();
    // Two machines that exchange packets, one of them behind a router's MAC address, and a third that is not mapped.
    let (near, router) = (MacAddr([0, 1, 2, 3, 4, 5]), MacAddr([0, 1, 2, 3, 4, 6]));
    let talk =
        [(1, ipv4(router, near, 7, 99)), (2, ipv4(near, router, 99, 7)), (3, ipv4(near, STRANGER, 5, 7))];
    std::fs::write(dir.path().join("in.pcap"), pcap(&talk)).unwrap();
    std::fs::write(dir.path().join("who.txt"), "# by IP address\n192.0.2.99 win\n").unwrap();
    let mapped = ["in.pcap", "--map", "00:01:02:03:04:05=c1", "--map-file", "who.txt", "--out-dir", "out"];
    let output = replay(dir.path(), &mapped);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).starts_with("in.pcap: frames sent by mapped devices: 2\n"),
        "{}",
        stdout(&output)
    );
    assert_eq!(stderr(&output), "in.pcap: frames left out, whose senders are not mapped: 1\n");
    assert_eq!(frames(&dir.path().join("out/win.pcap")), [(1, ipv4(WIN, C1, 7, 99))]);
    assert_eq!(frames(&dir.path().join("out/c1.pcap")), [(2, ipv4(C1, WIN, 99, 7))]);
    // The third enters with --at.
    let text = replayed(dir.path(), &[&mapped[..], &["--at", "eth0"]].concat());
    assert!(text.starts_with("in.pcap: frames sent by mapped devices or arrived at eth0: 3\n"), "{text}");
    assert_eq!(frames(&dir.path().join("out/c1.pcap"))[1], (3, ipv4(C1, STRANGER, 5, 7)));
}

#[test]
fn one_absurd_time_is_that_of_no_other_frame() {
    let dir = folder();
    let to_c1 = |ms: &[u64]| pcap(&ms.iter().map(|ms| (*ms, ipv4(C1, STRANGER, 7, 8))).collect::<Vec<_>>());
    let absurd = 2_500_000_000_000;
    std::fs::write(dir.path().join("in.pcap"), to_c1(&[1000, absurd, 2000, 3000])).unwrap();
    replayed(dir.path(), &["in.pcap", "--out-dir", "out"]);
    assert_eq!(times(dir.path(), "c1"), [1000, 1000, 2000, 3000]);
    // Nor does it delay the frames of its capture until another one ends.
    std::fs::write(dir.path().join("too.pcap"), to_c1(&[1500, 2500, 3500])).unwrap();
    replayed(dir.path(), &["in.pcap", "too.pcap", "--out-dir", "out"]);
    assert_eq!(times(dir.path(), "c1"), [1000, 1000, 1500, 2000, 2500, 3000, 3500]);
    // Nor does it delay others, or define the start of a duration.
    std::fs::write(dir.path().join("first.pcap"), to_c1(&[absurd, 1000, 1010, 9000])).unwrap();
    replayed(dir.path(), &["first.pcap", "--speed", "1x", "--duration", "1s", "--out-dir", "out"]);
    assert_eq!(times(dir.path(), "c1"), [1000, 1000, 1010]);
    // A `replay` step does the same.
    let step = "[[step]]\nreplay = { capture = \"in.pcap\", at = \"eth0\" }\n";
    std::fs::write(dir.path().join("step.toml"), format!("{LAB}{step}")).unwrap();
    let output = macvlab(dir.path(), &["run", "step.toml", "--json"], b"");
    let heard = |line: &&str| line.contains("\"device\":\"c1\"") && line.contains("\"event\":\"receive\"");
    let text = stdout(&output);
    let heard: Vec<&str> = text.lines().filter(heard).collect();
    let at = |seconds: u64| format!("\"time_ns\":{}", seconds * 1_000_000_000);
    assert_eq!(heard.len(), 4, "{text}");
    for (line, seconds) in heard.iter().zip([0, 0, 1, 2]) {
        assert!(line.contains(&at(seconds)), "{line}");
    }
}

#[test]
fn addresses_and_tags_are_changed_by_hand() {
    let dir = folder();
    let first_to = |device: &str, args: &[&str]| {
        replayed(dir.path(), &[&["in.pcap", "--limit", "1", "--out-dir", "out"], args].concat());
        frames(&dir.path().join(format!("out/{device}.pcap"))).remove(0).1
    };
    let to_c2 = ["--set-dst", "02:00:00:00:00:12"];
    assert_eq!(first_to("c2", &to_c2), ipv4(C2, STRANGER, 7, 8));
    assert_eq!(first_to("c2", &["--mac", "02:00:00:00:00:11=02:00:00:00:00:12"]), ipv4(C2, STRANGER, 7, 8));
    assert_eq!(first_to("c1", &["--set-src", "02:00:00:00:00:21"]), ipv4(C1, WIN, 7, 8));
    assert_eq!(first_to("c1", &["--enet-smac", "02:00:00:00:00:21"]), ipv4(C1, WIN, 7, 8));
    let tagged = first_to("c1", &["--vlan", "add:5"]);
    assert_eq!(tagged[12..18], [0x81, 0, 0, 5, 8, 0]);
    assert_eq!(first_to("c1", &["--vlan", "del"]), ipv4(C1, STRANGER, 7, 8));
}

#[test]
fn a_filter_chooses_what_is_written_shown_and_counted_by_rule() {
    let dir = folder();
    let common = ["in.pcap", "--out-dir", "out", "-o", "all.pcapng"];
    let text = replayed(dir.path(), &[&common[..], &["--filter", "device=c1,verdict=receive"]].concat());
    assert_eq!((times(dir.path(), "c1"), times(dir.path(), "c2")), (vec![0, 20], vec![]));
    assert_eq!(frames(&dir.path().join("all.pcapng")).len(), 2);
    let rules = text.split_once("hops by rule\n").unwrap().1;
    assert_eq!(rules, "         1  R14   Unicast to a port\n         1  R18   A broadcast from outside\n");
    // The devices' counters are unchanged.
    assert!(text.contains("c2                 2       120"), "{text}");
    let told =
        replayed(dir.path(), &["in.pcap", "--json", "--filter", "rule!=R14", "--filter", "verdict=receive"]);
    let receivers: Vec<_> = told
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|event| event["frame"].is_string())
        .map(|event| format!("{} {}", event["event"].as_str().unwrap(), event["device"].as_str().unwrap()))
        .collect();
    assert_eq!(receivers, ["receive c1", "receive c2", "receive eth0"]);
}

#[test]
fn passes_and_limits() {
    let dir = folder();
    let c1 = |args: &[&str]| {
        replayed(dir.path(), &[&["in.pcap", "--out-dir", "out"], args].concat());
        times(dir.path(), "c1")
    };
    assert_eq!(c1(&["--loop", "3"]), [0, 20, 30, 50, 60, 80]);
    assert_eq!(c1(&["--loop", "0", "--limit", "5"]), [0, 20, 30]);
    assert_eq!(c1(&["--loop", "0", "--duration", "60ms"]), [0, 20, 30, 50]);
    assert_eq!(c1(&["--duration", "20ms"]), [0]);
    let text = replayed(dir.path(), &["in.pcap", "--loop", "2"]);
    assert!(text.starts_with("in.pcap: frames arrived at eth0: 6\n"), "{text}");
}

#[test]
fn captures_are_merged_and_a_folder_is_replayed_one_by_one() {
    let dir = folder();
    let captures = dir.path().join("captures");
    std::fs::create_dir(&captures).unwrap();
    std::fs::write(captures.join("late.pcap"), pcap(&[(15, ipv4(C1, WIN, 1, 2))])).unwrap();
    std::fs::write(captures.join("notes.txt"), "no capture").unwrap();
    let three = zstd::bulk::compress(&three(), 1).unwrap();
    std::fs::write(captures.join("three.pcap.zst"), three).unwrap();
    let merged = ["captures/late.pcap", "captures/three.pcap.zst", "--out-dir", "out"];
    let text = replayed(dir.path(), &merged);
    assert!(text.starts_with("captures/late.pcap, captures/three.pcap.zst: frames arrived at eth0: 4\n"));
    assert_eq!(times(dir.path(), "c1"), [0, 15, 20]);

    let text = replayed(dir.path(), &["captures", "--out-dir", "each", "-o", "told", "--jobs", "2"]);
    let expected = "capture  frames  left out  bad  received  transmitted  dropped\n\
                    late          1         0    0         1            0        0\n\
                    three         3         0    0         5            0        0\n";
    assert_eq!(text, expected);
    assert_eq!(entries(&dir.path().join("each")), ["late", "three"]);
    assert_eq!(frames(&dir.path().join("each/three/c1.pcap")).len(), 2);
    assert_eq!(entries(&dir.path().join("told")), ["late.pcapng", "three.pcapng"]);
    assert_eq!(frames(&dir.path().join("told/late.pcapng")).len(), 2);
    let output = replay(dir.path(), &["captures", "-o", "-"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{}", stderr(&output));
    // An invalid one does not keep the others from being replayed.
    std::fs::write(captures.join("broken.cap"), "no capture either").unwrap();
    let output = replay(dir.path(), &["captures", "-q", "--out-dir", "again"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).starts_with("error: captures/broken.cap: not a capture"), "{}", stderr(&output));
    assert_eq!(entries(&dir.path().join("again")), ["late", "three"]);
}

#[test]
fn the_pace_changes_nothing_but_the_time_it_takes() {
    let dir = folder();
    replayed(dir.path(), &["in.pcap", "-o", "max.pcapng"]);
    for pace in [["--speed", "100x"], ["--pps", "1000"], ["--mbps", "10"], ["--multiplier", "50"]] {
        replayed(dir.path(), &[&["in.pcap", "-o", "paced.pcapng"], &pace[..]].concat());
        let of = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
        assert_eq!(of("paced.pcapng"), of("max.pcapng"), "{pace:?}");
    }
    let output = replay(dir.path(), &["in.pcap", "--stats"]);
    assert!(stderr(&output).starts_with("3 frames, 180 bytes in "), "{}", stderr(&output));
}

#[test]
fn what_cannot_be_is_said_before_anything_starts() {
    let dir = folder();
    let lab = format!(
        "{LAB}[nic.eth1]\nup = false\n[macvlan.p]\nparent = \"eth0\"\nmode = \"passthru\"\n[macvlan.d]\nparent = \"eth0\"\nup = false\n"
    );
    std::fs::write(dir.path().join("lab.toml"), lab).unwrap();
    std::fs::write(dir.path().join("who.txt"), "192.0.2.7 c1\n\n192.0.2.8\n").unwrap();
    let refusals: [(&[&str], &str); 20] = [
        (&["--at", "eth1"], "no frames can enter at eth1: it is down"),
        (&["--at", "d"], "no frames can enter at d: it is down"),
        (&["--at", "p"], "no frames can enter at p: it was refused with EINVAL (Invalid argument): R50 "),
        (&["--at", "c9"], "the lab has no device `c9`; it has eth0, c1, c2, win"),
        (&[], "the lab has several NICs (eth0, eth1); name the device where frames enter with --at or --map"),
        (
            &["--map", "192.0.2.7=c9"],
            "--map 192.0.2.7=c9: the lab has no device `c9`; it has eth0, c1, c2, win",
        ),
        (&["--map", "192.0.2.7=d"], "--map 192.0.2.7=d: no frames can enter at d: it is down"),
        (
            &["--map", "192.0.2.7=c1", "--map", "192.0.2.7=c2"],
            "--map 192.0.2.7=c2: 192.0.2.7 is mapped twice",
        ),
        (
            &["--map", "ff:ff:ff:ff:ff:ff=c1"],
            "--map ff:ff:ff:ff:ff:ff=c1: ff:ff:ff:ff:ff:ff is not an address",
        ),
        (
            &["--map", "192.0.2.7"],
            "invalid value '192.0.2.7' for '--map <ADDR=DEVICE>': a map is ADDR=DEVICE",
        ),
        (&["--map-file", "who.txt"], "who.txt:3: a line is ADDR DEVICE"),
        (&["--map-file", "none.txt"], "none.txt: No such file"),
        (&["--at", "c1", "--filter", "device=c9"], "the filter names the device `c9`; the lab has eth0, c1"),
        (&["--filter", "rule=R0"], "invalid value 'rule=R0' for '--filter <KIND=VALUE>': there is no rule"),
        (&["--speed", "1x", "--pps", "5"], "the argument '--speed <FACTOR>' cannot be used with"),
        (&["--pps", "0"], "invalid value '0' for '--pps <N>': a rate is a positive number"),
        (&["--vlan", "4095"], "invalid value '4095' for '--vlan <EDIT>'"),
        (&["--duration", "5"], "invalid value '5' for '--duration <TIME>': a time is a number and a unit"),
        (&["--jobs", "2"], "--jobs is for a folder of captures"),
        (&["none.pcap"], "none.pcap: No such file"),
    ];
    for (args, why) in refusals {
        let output =
            replay(dir.path(), &[&["in.pcap", "--out-dir", "out", "-o", "all.pcapng"], args].concat());
        let said = stderr(&output);
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""), "{args:?}: {said}");
        assert!(said.strip_prefix("error: ").is_some_and(|s| s.starts_with(why)), "{args:?}: {said}");
        assert_eq!(entries(dir.path()), ["in.pcap", "lab.toml", "who.txt"], "{args:?}");
    }
    let output = replay(dir.path(), &["-", "--loop", "2", "--at", "c1"]);
    assert_eq!(stderr(&output), "error: standard input cannot be read again, as --loop would have to\n");
}
