//! Ctrl-C: run and replay end early, and what they wrote is whole.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use macvlab::capture::{PcapWriter, Reader};
use macvlab::time::Instant;
use std::fmt::Write as _;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The exit code of what Ctrl-C ended.
const INTERRUPTED: Option<i32> = Some(130);

fn start(dir: &Path, args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_macvlab"))
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until the output is begun, which is after the program listens; then presses Ctrl-C.
fn interrupt(dir: &Path, child: &Child) {
    let begun = || {
        std::fs::read_dir(dir).unwrap().any(|e| e.unwrap().path().extension().is_some_and(|e| e == "part"))
    };
    for _ in 0..1000 {
        if begun() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(begun(), "no output was begun");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

/// The frames of a capture, which is whole.
fn frames(path: &Path) -> usize {
    let mut reader = Reader::new(Cursor::new(std::fs::read(path).unwrap())).unwrap();
    std::iter::from_fn(|| reader.next_record().map(|r| r.map(|_| ()).unwrap())).count()
}

fn no_part_is_left(dir: &Path) {
    let parts = |e: &std::fs::DirEntry| e.path().extension().is_some_and(|e| e == "part");
    assert_eq!(std::fs::read_dir(dir).unwrap().map(Result::unwrap).filter(parts).count(), 0);
}

#[test]
fn run_ends_with_whole_outputs() {
    let dir = tempfile::tempdir().unwrap();
    let mut lab = "[nic.eth0]\naddress = [\"192.0.2.1/24\"]\n[station.win]\naddress = [\"192.0.2.2/24\"]\n\
                   [switch.sw0.port.eth0]\n[switch.sw0.port.win]\n"
        .to_owned();
    let steps = 5000;
    for _ in 0..steps {
        write!(lab, "[[step]]\nping = {{ from = \"eth0\", to = \"win\" }}\nexpect = \"reply\"\n").unwrap();
    }
    std::fs::write(dir.path().join("lab.toml"), lab).unwrap();
    // Nobody reads the events yet, so the run comes to a halt when the pipe is full, long before its end.
    let mut child = start(dir.path(), &["run", "lab.toml", "--json", "--pcap", "out.pcapng"]);
    interrupt(dir.path(), &child);
    std::thread::sleep(Duration::from_millis(100));
    let mut events = String::new();
    child.stdout.take().unwrap().read_to_string(&mut events).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), INTERRUPTED);
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "interrupted; what was written is whole as far as it goes\n"
    );
    for line in events.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    let results = events.lines().filter(|l| l.starts_with(r#"{"event":"result""#)).count();
    assert!(results < steps, "the run was not interrupted");
    assert!(frames(&dir.path().join("out.pcapng")) >= results);
    no_part_is_left(dir.path());
}

#[test]
fn replay_ends_with_whole_outputs() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lab.toml"), "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\n").unwrap();
    let mut child =
        start(dir.path(), &["replay", "-", "--lab", "lab.toml", "-o", "all.pcapng", "--out-dir", "out"]);
    let mut stdin = child.stdin.take().unwrap();
    let mut pcap = PcapWriter::new(Vec::new()).unwrap();
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 0x21, 8, 6]);
    frame.resize(60, 0);
    let mut sent: u64 = 0;
    let mut more = |records: usize| {
        for _ in 0..records {
            pcap.write(Instant::from_nanos(sent), &frame, 60).unwrap();
            sent += 1;
        }
        let written = stdin.write_all(pcap.get_mut());
        pcap.get_mut().clear();
        written
    };
    more(1000).unwrap();
    interrupt(dir.path(), &child);
    // Records come on and on, until nobody reads them any more.
    while more(1000).is_ok() {}
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), INTERRUPTED, "{}", String::from_utf8_lossy(&output.stderr));
    let received = frames(&dir.path().join("out/c1.pcap"));
    assert!(received > 0);
    // Each frame arrives at the NIC and is received by the port and by the host stack.
    assert_eq!(frames(&dir.path().join("all.pcapng")), 3 * received);
    no_part_is_left(dir.path());
    no_part_is_left(&dir.path().join("out"));
}

#[test]
fn a_quiz_ends_at_once_with_its_score() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = start(dir.path(), &["demo", "--quiz"]);
    // Held to the end: a quiz whose input is over ends as well, and must not before it hears the signal.
    let mut answers = child.stdin.take().unwrap();
    answers.write_all(b"n\n").unwrap();
    // The second prompt is there after the first answer.
    let (mut seen, mut byte) = (Vec::new(), [0]);
    while String::from_utf8_lossy(&seen).matches("Your prediction").count() < 2 {
        assert_eq!(child.stdout.as_mut().unwrap().read(&mut byte).unwrap(), 1, "the quiz ended");
        seen.push(byte[0]);
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), INTERRUPTED);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "\n1 of 1 right: all of them.\n");
    drop(answers);
}
