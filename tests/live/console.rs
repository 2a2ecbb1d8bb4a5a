//! Requests on standard input.

use crate::net::{Live, frames, until};
use macvlab::capture::PcapWriter;
use macvlab::time::Instant;
use std::fs::File;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

const LAB: &str = "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\nmode = \"vepa\"\n\
                   [macvlan.c2]\nparent = \"eth0\"\nmode = \"source\"\n";
const WIRE: [&str; 2] = ["--attach", "eth0=unix:wire.sock"];

fn type_in(live: &mut Live, lines: &[u8]) {
    live.stdin.as_mut().unwrap().write_all(lines).unwrap();
}

/// Standard output and standard error.
fn said(out: Output) -> [String; 2] {
    [out.stdout, out.stderr].map(|said| String::from_utf8(said).unwrap())
}

/// Whether this device is shown with this mode.
fn has_mode(shown: &str, device: &str, mode: &str) -> bool {
    shown.lines().any(|l| l.starts_with(device) && l.split_whitespace().nth(2) == Some(mode))
}

#[test]
fn a_request_that_was_made_before_the_end_is_answered() {
    for signal in ["-INT", "-TERM"] {
        let dir = tempfile::tempdir().unwrap();
        let mut live = Live::with_stdin(dir.path(), LAB, &WIRE);
        let requests = b"# c1 and its sibling reach each other\nset c1 mode=bridge\n\n\
                         set c2 sources={ add = [\"02:00:00:00:00:01\"] }  # one word\n\
                         show\ndump --as pcapng -o 'last hops.pcapng'\nremove c2\nshow\n";
        type_in(&mut live, requests);
        // It has hardly had time to read them.
        let [out, err] = said(live.end_with(signal));
        assert!(has_mode(&out, "c1", "bridge"), "{out}");
        // Once before c2 is removed, and once after it.
        let shown = |device| out.lines().filter(|l| l.starts_with(device) && l.contains("macvlan")).count();
        assert_eq!([shown("c1"), shown("c2")], [2, 1], "{out}");
        assert!(frames(&dir.path().join("last hops.pcapng")).is_empty());
        assert!(err.contains("last hops.pcapng: ") && !err.contains("line"), "{err}");
    }
}

#[test]
fn mistakes_are_told_with_their_lines_and_the_lab_lives_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut live = Live::with_stdin(dir.path(), LAB, &WIRE);
    type_in(
        &mut live,
        b"shwo\nset c1 mode=red\n\nadd c9 parent=eth0 mode=passthru\nset \"c1\ndashboard\nquit\n",
    );
    type_in(&mut live, b"set c1 mode\nset\n\xff\xfe\ndump -o 'a\0b'\nremove \0\n");
    type_in(&mut live, &[b'{'; 1_000_000]);
    type_in(&mut live, b"\nset c1 mode=");
    type_in(&mut live, &[b'\\'; 60_000]);
    type_in(&mut live, b"\nhelp\nset --help\nset c1 mode=private\n");
    until("the last request is done", || has_mode(&live.ctl("show").1, "c1", "private"));
    let [out, err] = said(live.end_with("-INT"));
    for (line, why) in [
        (1, "error: unrecognized subcommand 'shwo'\n\n  tip: a similar subcommand exists: 'show'"),
        (2, "error: `red` is not a mode"),
        (4, "EINVAL (Invalid argument): R50 "),
        (5, "error: `\"` is never closed"),
        (6, "error: the dashboard needs a separate terminal"),
        (7, "error: Ctrl-C or SIGTERM ends the lab"),
        (8, "error: `mode` is not KEY=VALUE"),
        (9, "error: the following required arguments were not provided"),
        (10, "error: a line that is not UTF-8"),
        (11, r"error: a\u{0}b: "),
        (12, "error: "),
        (13, "error: a line longer than any request"),
        (14, "error: a request of "),
    ] {
        assert!(err.contains(&format!("line {line}: {why}")), "line {line}: {why}: {err}");
    }
    assert!(!err.contains("line 3:") && !err.contains("line 15:"), "{err}");
    assert!(out.contains("Requests:\n  show ") && out.contains("set <NAME> [KEY=VALUE]..."), "{out}");
}

#[test]
fn the_end_of_the_input_does_not_end_the_lab() {
    let dir = tempfile::tempdir().unwrap();
    let mut live = Live::with_stdin(dir.path(), LAB, &WIRE);
    type_in(&mut live, b"set c1 mode=private");
    live.stdin = None;
    let reads = || {
        let threads = std::fs::read_dir(format!("/proc/{}/task", live.pid())).unwrap();
        let name = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("comm"));
        threads.filter_map(|t| name(t.unwrap()).ok()).any(|name| name == "console\n")
    };
    until("nobody reads any more", || !reads());
    assert!(has_mode(&live.ctl("show").1, "c1", "private"));
    live.change("set c1 mode=bridge");
    live.end("-INT");
}

#[test]
fn answers_leave_standard_output_to_the_events() {
    let dir = tempfile::tempdir().unwrap();
    let mut live = Live::with_stdin(dir.path(), LAB, &[&WIRE[..], &["--json"]].concat());
    type_in(&mut live, b"show\ncounters\nhelp\n");
    let [out, err] = said(live.end_with("-INT"));
    for line in out.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    }
    assert!(out.contains(r#""event":"state""#), "{out}");
    assert!(has_mode(&err, "c1", "vepa") && err.contains("rx_packets") && err.contains("Requests:"), "{err}");
}

#[test]
fn the_end_of_a_capture_waits_for_the_requests_of_a_file() {
    // They take longer than the lab waits without requests.
    const TIMES: usize = 2000;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lab.toml"), LAB).unwrap();
    let mut capture = PcapWriter::new(Vec::new()).unwrap();
    capture.write(Instant::ZERO, &[0xff; 60], 0).unwrap();
    std::fs::write(dir.path().join("in.pcap"), capture.finish().unwrap()).unwrap();
    std::fs::write(dir.path().join("requests"), "fdb --json\nshow\n".repeat(TIMES) + "remove c1\nshow")
        .unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_macvlab"))
        .args(["live", "lab.toml", "--attach", "eth0=pcap:in.pcap", "--control", "-", "-q"])
        .current_dir(dir.path())
        .stdin(File::open(dir.path().join("requests")).unwrap())
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    let [out, err] = said(out);
    let shown = |device: &str| out.lines().filter(|l| l.starts_with(device)).count();
    assert_eq!([shown("eth0 "), shown("c1 "), err.len()], [TIMES + 1, TIMES, 0], "{err}");
}

#[test]
fn requests_without_end_do_not_keep_it_from_ending() {
    let dir = tempfile::tempdir().unwrap();
    let mut live = Live::with_stdin(dir.path(), LAB, &WIRE);
    let mut stdin = live.stdin.take().unwrap();
    let typist = std::thread::spawn(move || while stdin.write_all(b"fdb\n").is_ok() {});
    live.signal("-TERM");
    until("it ends", || live.has_ended());
    assert_eq!(live.wait().status.code(), Some(0));
    typist.join().unwrap();
}

#[test]
fn answers_that_nobody_reads_do_not_keep_it_from_ending() {
    let dir = tempfile::tempdir().unwrap();
    let mut live = Live::with_stdin(dir.path(), LAB, &WIRE);
    // Their answers exceed a pipe's buffer.
    type_in(&mut live, "show\n".repeat(3000).as_bytes());
    live.signal("-TERM");
    until("it ends", || live.has_ended());
    let out = live.wait();
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    let [_, err] = said(out);
    assert!(err.contains("standard output is not being read, so the counters are not shown"), "{err}");
}

#[test]
fn standard_input_is_one_thing_only() {
    let out = Command::new(env!("CARGO_BIN_EXE_macvlab"))
        .args(["live", "-", "--attach", "eth0=unix:wire.sock", "--control", "-"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(2), "{out:?}");
    let [_, err] = said(out);
    assert!(err.contains("the lab comes from standard input, so requests cannot"), "{err}");
}
