//! However and whenever a command is killed: its outputs are complete or absent, and nothing else is left.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::macvlab;
use macvlab::capture::Reader;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const KILLS: u32 = 40;
const REQUESTS: u32 = 6;

/// A command that writes files, all of them into the folder `out`.
struct Writes {
    args: &'static [&'static str],
    kills: u32,
}

const fn writes(args: &'static [&'static str]) -> Writes {
    Writes { args, kills: KILLS }
}

const COMMANDS: &[Writes] = &[
    writes(&["replay", "in.pcap", "--lab", "lab.toml", "-q", "--out-dir", "out"]),
    writes(&["replay", "in.pcap", "--lab", "lab.toml", "-q", "-o", "out/o.pcapng"]),
    writes(&["run", "-q", "lab.toml", "--pcap", "out/r.pcapng"]),
    writes(&["run", "-q", "lab.toml", "--html", "out/r.html"]),
    writes(&["generate", "out/g.pcap", "--frames", "1500"]),
    writes(&["matrix", "--modes", "vepa", "--wire", "cable", "--html", "out/m.html"]),
    writes(&["draw", "lab.toml", "--sequence", "-o", "out/d.svg"]),
];

/// The inputs: a lab with some steps, and a capture.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut lab = "[nic.eth0]\naddress = [\"192.0.2.1/24\"]\n[macvlan.c1]\nparent = \"eth0\"\n\
                   [macvlan.c2]\nparent = \"eth0\"\nmode = \"bridge\"\n[station.win]\naddress = [\"192.0.2.2/24\"]\n\
                   [switch.sw0.port.eth0]\n[switch.sw0.port.win]\n"
        .to_owned();
    lab.push_str(&"[[step]]\nping = { from = \"eth0\", to = \"win\" }\nexpect = \"reply\"\n".repeat(8));
    std::fs::write(dir.path().join("lab.toml"), lab).unwrap();
    let made = macvlab(dir.path(), &["generate", "in.pcap", "--frames", "400", "--broadcasts", "50"], b"");
    assert!(made.status.success());
    dir
}

type Files = BTreeMap<String, Vec<u8>>;

/// The entries of a folder, including hidden files and folders.
fn files(folder: &Path) -> Files {
    let Ok(entries) = std::fs::read_dir(folder) else { return Files::new() };
    let file = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        (entry.file_name().into_string().unwrap(), bytes)
    };
    entries.map(file).collect()
}

fn empty(folder: &Path) {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir(folder).unwrap();
}

/// Whether a file is complete: a capture ends with a whole record, a page and a drawing with their last tag.
fn is_whole(name: &str, bytes: &[u8]) -> bool {
    let ends = |tag: &str| bytes.trim_ascii_end().ends_with(tag.as_bytes());
    match name.rsplit_once('.').map(|(_, kind)| kind) {
        Some("html") => ends("</html>"),
        Some("svg") => ends("</svg>"),
        Some("pcap" | "pcapng") => {
            let Ok(mut reader) = Reader::new(std::io::Cursor::new(bytes.to_vec())) else { return false };
            std::iter::from_fn(|| reader.next_record().map(|record| record.is_ok())).all(|good| good)
        }
        _ => false,
    }
}

/// Where it is installed, capinfos reads every capture to its end; our own reader does in any case.
fn captures_are_good_elsewhere(folder: &Path) {
    for name in files(folder).keys().filter(|name| name.contains(".pcap")) {
        let read = Command::new("capinfos").args(["-c", "-T", "-r", name]).current_dir(folder).output();
        let good = read.as_ref().map_or(true, |output| output.status.success());
        assert!(good, "{name}: {read:?}");
    }
}

/// Delays that are the same for every run of the tests.
struct Moments(u64);

impl Moments {
    fn next(&mut self, within: Duration) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        within.mul_f64((self.0 >> 40) as f64 / f64::from(1 << 24))
    }
}

/// Runs a command to its end; returns its duration and its outputs.
#[allow(clippy::disallowed_methods, reason = "moments are chosen by how long a command takes")]
fn reference(dir: &Path, args: &[&str]) -> (Duration, Files) {
    empty(&dir.join("out"));
    let begin = Instant::now();
    let output = macvlab(dir, args, b"");
    assert!(output.status.success(), "{args:?}: {}", common::stderr(&output));
    let files = files(&dir.join("out"));
    assert!(!files.is_empty(), "{args:?}");
    (begin.elapsed(), files)
}

/// Sends a signal after this time; returns how the command ended, which it must within a minute.
fn ended_by(dir: &Path, args: &[&str], signal: Signal, after: Duration) -> std::process::ExitStatus {
    let mut command = Command::new(env!("CARGO_BIN_EXE_macvlab"));
    command.args(args).current_dir(dir).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    std::thread::sleep(after);
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
    for _ in 0..30_000 {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    panic!("{args:?}: {signal} did not end it");
}

#[test]
fn killed_commands_leave_whole_files_or_none() {
    let dir = folder();
    let out = dir.path().join("out");
    let mut moments = Moments(7);
    for Writes { args, kills } in COMMANDS {
        let (takes, whole) = reference(dir.path(), args);
        for _ in 0..*kills {
            empty(&out);
            ended_by(dir.path(), args, Signal::SIGKILL, moments.next(takes));
            for (name, bytes) in files(&out) {
                assert_eq!(whole.get(&name).map(|whole| *whole == bytes), Some(true), "{args:?}: {name}");
            }
        }
    }
}

#[test]
fn killed_commands_leave_the_file_that_was_there_or_the_new_one() {
    let dir = folder();
    let out = dir.path().join("out");
    let mut moments = Moments(8);
    for Writes { args, kills } in COMMANDS {
        let (takes, whole) = reference(dir.path(), args);
        for name in whole.keys() {
            std::fs::write(out.join(name), "as it was").unwrap();
        }
        for _ in 0..kills / 5 {
            ended_by(dir.path(), args, Signal::SIGKILL, moments.next(takes));
            let now = files(&out);
            for (name, bytes) in &whole {
                assert!(now[name] == *bytes || now[name] == b"as it was", "{args:?}: {name}");
            }
        }
        // A file that was about to replace another one can be left; the next command removes it.
        assert!(macvlab(dir.path(), args, b"").status.success());
        assert!(files(&out) == whole, "{args:?}: {:?}", files(&out).keys());
    }
}

#[test]
fn one_request_ends_every_command_with_whole_files() {
    let dir = folder();
    let out = dir.path().join("out");
    let mut moments = Moments(9);
    for Writes { args, .. } in COMMANDS {
        let (takes, whole) = reference(dir.path(), args);
        for signal in [Signal::SIGINT, Signal::SIGTERM] {
            for _ in 0..REQUESTS {
                empty(&out);
                let status = ended_by(dir.path(), args, signal, moments.next(takes));
                // The system ends it before it can install a handler.
                let early = status.signal() == Some(signal as i32);
                assert!(early || matches!(status.code(), Some(0 | 130)), "{args:?}: {status}");
                for (name, bytes) in files(&out) {
                    assert!(whole.contains_key(&name), "{args:?} left {name}");
                    assert!(is_whole(&name, &bytes), "{args:?}: {name} is not whole");
                }
            }
            captures_are_good_elsewhere(&out);
        }
    }
}

#[cfg(feature = "kernel")]
#[test]
fn a_killed_verify_leaves_the_page_that_was_there() {
    if !common::needs::root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (out, args) =
        (dir.path().join("out"), ["verify", "--random", "2", "--seed", "1", "--rules", "out/r.md"]);
    let (takes, whole) = reference(dir.path(), &args);
    let mut moments = Moments(10);
    for signal in [Signal::SIGKILL, Signal::SIGINT, Signal::SIGTERM] {
        for _ in 0..3 {
            empty(&out);
            std::fs::write(out.join("r.md"), "as it was").unwrap();
            ended_by(dir.path(), &args, signal, moments.next(takes));
            let page = files(&out).remove("r.md").unwrap();
            assert!(page == b"as it was" || page == whole["r.md"], "{}", String::from_utf8_lossy(&page));
        }
    }
}
