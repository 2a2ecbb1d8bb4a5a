//! Ctrl-C: run and replay end early, and their outputs are valid.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::catches_signals;
use macvlab::capture::{PcapWriter, Reader};
use macvlab::time::Instant;
use std::fmt::Write as _;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// The exit code after Ctrl-C.
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

/// Waits for the first events, which come after the program has installed its handler; then sends it a signal, and
/// reads the other events.
fn signal_at_the_first_event(child: &mut Child, signal: &str) -> std::thread::JoinHandle<String> {
    let (mut stdout, mut first) = (child.stdout.take().unwrap(), [0]);
    assert_eq!(stdout.read(&mut first).unwrap(), 1, "nothing came out");
    send(child, signal);
    std::thread::spawn(move || {
        let mut rest = vec![first[0]];
        stdout.read_to_end(&mut rest).unwrap();
        String::from_utf8(rest).unwrap()
    })
}

fn send(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

/// Waits for a condition, with a timeout.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("not within a minute: {what}");
}

/// The exit of a program that is to end by itself, which it must within a minute.
fn ended(mut child: Child) -> Output {
    let mut over = false;
    for _ in 0..6000 {
        over = child.try_wait().unwrap().is_some();
        if over {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    if !over {
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    assert!(over, "it did not end");
    output
}

/// The frames of a capture, which must be valid.
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
    // The events are not read yet, so the run blocks when the pipe is full, long before its end.
    let mut child = start(dir.path(), &["run", "lab.toml", "--json", "--pcap", "out.pcapng"]);
    let events = signal_at_the_first_event(&mut child, "-INT");
    let output = ended(child);
    let events = events.join().unwrap();
    assert_eq!(output.status.code(), INTERRUPTED);
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "interrupted; the outputs are valid as far as they go\n"
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
    let args = ["replay", "-", "--lab", "lab.toml", "--json", "-o", "all.pcapng", "--out-dir", "out"];
    let mut child = start(dir.path(), &args);
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
    // The input stays open without more data: that must not block the program.
    let events = signal_at_the_first_event(&mut child, "-INT");
    let output = ended(child);
    events.join().unwrap();
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
    let mut child = start(dir.path(), &["demo", "vepa", "--quiz"]);
    // Kept open to the end: a quiz whose input ends stops as well, and must not before it gets the signal.
    let mut answers = child.stdin.take().unwrap();
    answers.write_all(b"b\n").unwrap();
    // The second prompt comes after the first answer.
    let (mut seen, mut byte) = (Vec::new(), [0]);
    while String::from_utf8_lossy(&seen).matches("Your answer").count() < 2 {
        assert_eq!(child.stdout.as_mut().unwrap().read(&mut byte).unwrap(), 1, "the quiz ended");
        seen.push(byte[0]);
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), INTERRUPTED);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "\n1 of 1 right: all of them.\n");
    drop(answers);
}

const LAB: &str = "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\n";

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_named_pipe_without_a_writer_keeps_nobody() {
    for signal in ["-INT", "-TERM"] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("lab.toml"), LAB).unwrap();
        make_pipe(&dir.path().join("in"));
        let child = start(dir.path(), &["replay", "in", "--lab", "lab.toml", "-o", "all.pcapng"]);
        until("it listens", || catches_signals(&child));
        send(&child, signal);
        let output = ended(child);
        assert_eq!(output.status.code(), INTERRUPTED);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "something was written");
    }
}

#[test]
fn an_ordinary_folder_of_captures_is_replayed_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lab.toml"), LAB).unwrap();
    std::fs::create_dir(dir.path().join("in")).unwrap();
    std::fs::write(dir.path().join("in/a.pcap"), PcapWriter::new(Vec::new()).unwrap().finish().unwrap())
        .unwrap();
    let child = start(dir.path(), &["replay", "in", "--lab", "lab.toml", "-o", "out", "--jobs", "1"]);
    let output = ended(child);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

/// An endless stream of pcapng blocks without packets.
fn endless(mut stdin: impl Write + Send + 'static) {
    let block = |kind: u32, body: &[u8]| {
        let len = (body.len() as u32 + 12).to_le_bytes();
        [&kind.to_le_bytes()[..], &len, body, &len].concat()
    };
    let section = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
    let head = [block(0x0a0d_0d0a, &section), block(1, &[1, 0, 0, 0, 0, 0, 0, 0])].concat();
    let nothing = block(4, &[0; 4]).repeat(4096);
    std::thread::spawn(move || {
        // Until the reader is gone.
        let _ = stdin.write_all(&head);
        while stdin.write_all(&nothing).is_ok() {}
    });
}

#[test]
fn an_endless_capture_without_a_packet_keeps_nobody() {
    for signal in ["-INT", "-TERM"] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("lab.toml"), LAB).unwrap();
        let mut child = start(dir.path(), &["replay", "-", "--lab", "lab.toml", "-o", "all.pcapng"]);
        endless(child.stdin.take().unwrap());
        until("it reads", || catches_signals(&child) && has_open_output(&child, dir.path()));
        send(&child, signal);
        let output = ended(child);
        assert_eq!(output.status.code(), INTERRUPTED);
        no_part_is_left(dir.path());
        // It may not have installed its handler yet: then there is no output.
        if dir.path().join("all.pcapng").exists() {
            assert_eq!(frames(&dir.path().join("all.pcapng")), 0);
        }
    }
}

/// Whether the program has opened an output in this folder.
fn has_open_output(child: &Child, dir: &Path) -> bool {
    let Ok(descriptors) = std::fs::read_dir(format!("/proc/{}/fd", child.id())) else { return false };
    descriptors.flatten().any(|fd| std::fs::read_link(fd.path()).is_ok_and(|to| to.starts_with(dir)))
}
