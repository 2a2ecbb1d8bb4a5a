//! A replay at its limits: full disks, closed pipes, more ports than open files, and other programs' filters.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, needs, stderr, stdout};
use macvlab::capture::{FrameSize, PcapWriter, Reader, Traffic, TrafficSpec};
use std::fmt::Write as _;
use std::io::{Cursor, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A lab with this many bridge ports, which have the MAC addresses of generated traffic.
fn lab(ports: u32) -> String {
    let mut lab = "[nic.eth0]\n".to_owned();
    for n in 0..ports {
        let mac = Traffic::station(n);
        write!(lab, "[macvlan.p{n}]\nparent = \"eth0\"\nmode = \"bridge\"\nmac = \"{mac}\"\n").unwrap();
    }
    lab
}

/// Frames for this many ports: 10 % to unknown addresses, 5 % broadcast and 5 % tagged.
fn traffic(ports: u32) -> Traffic {
    Traffic::new(TrafficSpec {
        size: FrameSize::Imix,
        destinations: (0..ports).map(Traffic::station).collect(),
        strangers: 10,
        groups: 0,
        broadcasts: 5,
        tagged: 5,
        seed: 3,
    })
}

fn capture(ports: u32, frames: u32) -> Vec<u8> {
    let mut traffic = traffic(ports);
    let mut pcap = PcapWriter::new(Vec::new()).unwrap();
    for _ in 0..frames {
        let (time, frame) = traffic.next_frame();
        pcap.write(time, frame, 0).unwrap();
    }
    pcap.finish().unwrap()
}

fn folder(ports: u32, frames: u32) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lab.toml"), lab(ports)).unwrap();
    std::fs::write(dir.path().join("in.pcap"), capture(ports, frames)).unwrap();
    dir
}

/// Frames of a capture that must be valid.
fn count(path: &Path) -> usize {
    let mut reader = Reader::new(Cursor::new(std::fs::read(path).unwrap())).unwrap();
    let mut count = 0;
    while let Some(record) = reader.next_record() {
        record.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        count += 1;
    }
    count
}

/// Runs `macvlab replay` in a shell after `before`, which sets limits, for example.
fn limited(dir: &Path, before: &str, args: &str) -> Output {
    let script = format!("{before}; exec \"$0\" replay --lab lab.toml {args}");
    Command::new("sh").args(["-c", &script, env!("CARGO_BIN_EXE_macvlab")]).current_dir(dir).output().unwrap()
}

fn nothing_is_left_half_written(dir: &Path) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.extension().is_none_or(|e| e != "part"), "{}", path.display());
    }
}

#[test]
fn a_port_receives_what_tcpdump_filters_for_it() {
    if !needs::programs(&["tcpdump"]) {
        return;
    }
    let dir = folder(8, 5000);
    let args = ["replay", "in.pcap", "--lab", "lab.toml", "--out-dir", "out", "-q"];
    let output = macvlab(dir.path(), &args, b"");
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    for port in [0, 7] {
        let mac = Traffic::station(port).to_string();
        let filter = format!("ether dst {mac} or ether broadcast");
        let tcpdump = Command::new("tcpdump")
            .args(["--time-stamp-precision=nano", "-r", "in.pcap", "-w", "by_hand.pcap", &filter])
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(tcpdump.status.success(), "{}", stderr(&tcpdump));
        let by_hand = std::fs::read(dir.path().join("by_hand.pcap")).unwrap();
        let received = std::fs::read(dir.path().join(format!("out/p{port}.pcap"))).unwrap();
        assert!(by_hand.len() > 100_000 && received == by_hand, "port {port} differs from tcpdump's");
    }
}

#[test]
fn a_full_disk_leaves_whole_captures_and_says_how_far_it_came() {
    let dir = folder(2, 3000);
    // A file size limit takes the place of a full disk: the write that crosses it is partial, the next one fails.
    let output = limited(dir.path(), "trap '' XFSZ; ulimit -f 200", "in.pcap --out-dir out -o all.pcapng");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.starts_with("error: ") && said.contains("File too large"), "{said}");
    assert!(stdout(&output).starts_with("in.pcap: frames arrived at eth0: "), "{}", stdout(&output));
    let (p0, all) = (count(&dir.path().join("out/p0.pcap")), count(&dir.path().join("all.pcapng")));
    assert!(p0 > 100 && all > 100, "{p0} {all}");
    let size = |name: &str| std::fs::metadata(dir.path().join(name)).unwrap().len();
    // The last frame that fits is there: none is longer than a packet block of 1514 bytes.
    let limit = 200 * 512_u64;
    assert!((limit - 2000..=limit).contains(&size("all.pcapng")), "{}", size("all.pcapng"));
    nothing_is_left_half_written(dir.path());
    nothing_is_left_half_written(&dir.path().join("out"));

    let output = limited(dir.path(), "true", "in.pcap -o /dev/full");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stderr(&output), "error: /dev/full: No space left on device (os error 28)\n");
}

fn start(dir: &Path, args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_macvlab"))
        .args(["replay", "--lab", "lab.toml"])
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn who_stops_reading_ends_the_replay_without_an_error() {
    let dir = folder(2, 20_000);
    // Repeated, so that it would never end by itself.
    let mut child = start(dir.path(), &["in.pcap", "--loop", "0", "-o", "-"]);
    let mut some = [0; 1000];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    assert!(some.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]));
}

#[test]
fn a_thousand_ports_need_no_thousand_open_files() {
    let dir = folder(1000, 4000);
    let output = limited(dir.path(), "ulimit -n 200", "in.pcap --out-dir out -q");
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    let counts: Vec<usize> = (0..1000).map(|n| count(&dir.path().join(format!("out/p{n}.pcap")))).collect();
    // The frames that each port should have: those to it, and the broadcasts.
    let mut expected = vec![0; 1000];
    let mut traffic = traffic(1000);
    for _ in 0..4000 {
        let (_, frame) = traffic.next_frame();
        for (n, expected) in (0..).zip(&mut expected) {
            *expected += usize::from(frame[..6] == Traffic::station(n).0 || frame[..6] == [0xff; 6]);
        }
    }
    assert_eq!(counts, expected);
    assert!(expected[0] > 100);
}

/// Peak memory of a process, in KiB.
fn peak(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn memory_does_not_grow_with_the_capture() {
    let dir = folder(64, 0);
    let mut child = start(dir.path(), &["-", "--out-dir", "out", "-o", "all.pcapng"]);
    let mut stdin = child.stdin.take().unwrap();
    let capture = capture(64, 5000);
    stdin.write_all(&capture[..24]).unwrap();
    for _ in 0..10 {
        stdin.write_all(&capture[24..]).unwrap();
    }
    // All but the frames in flight were replayed, and the end is still to come.
    let peak = peak(&child);
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("<standard input>: frames arrived at eth0: 50000\n"));
    assert!(peak < 64 * 1024, "{peak} KiB");
}
