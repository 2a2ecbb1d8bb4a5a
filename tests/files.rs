//! Output files: a command never writes to an unintended file, and errors name the file.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, stderr, stdout};
use macvlab::capture::PcapWriter;
use macvlab::time::Instant;
use std::path::Path;
use std::process::{Command, Stdio};

const LAB: &str = "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\nmac = \"02:00:00:00:00:11\"\n\
                   [[step]]\nreplay = { capture = \"step.pcap\", at = \"eth0\" }\n";

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut pcap = PcapWriter::new(Vec::new()).unwrap();
    pcap.write(Instant::from_nanos(1), &[0xff; 60], 60).unwrap();
    let pcap = pcap.finish().unwrap();
    std::fs::write(dir.path().join("lab.toml"), LAB).unwrap();
    std::fs::write(dir.path().join("step.pcap"), &pcap).unwrap();
    std::fs::write(dir.path().join("in.pcap"), &pcap).unwrap();
    std::fs::create_dir(dir.path().join("captures")).unwrap();
    std::fs::write(dir.path().join("captures/a.pcapng"), &pcap).unwrap();
    std::os::unix::fs::symlink("lab.toml", dir.path().join("symlink")).unwrap();
    std::fs::hard_link(dir.path().join("lab.toml"), dir.path().join("hardlink")).unwrap();
    dir
}

/// Every file below a folder, with its contents.
fn contents(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path))
        } else {
            all.push((path.clone(), std::fs::read(path).unwrap()))
        }
    }
    all.sort();
    all
}

#[test]
fn an_output_is_no_input_and_no_other_output() {
    let cases: [(&[&str], [&str; 2]); 15] = [
        (&["run", "lab.toml", "--pcap", "x", "--html", "./x"], ["--pcap", "--html"]),
        (&["run", "lab.toml", "--pcap", "new/../x", "--html", "x"], ["--pcap", "--html"]),
        (&["run", "lab.toml", "--pcap", "lab.toml"], ["LAB", "--pcap"]),
        (&["run", "lab.toml", "--html", "symlink"], ["LAB", "--html"]),
        (&["run", "symlink", "--html", "hardlink"], ["LAB", "--html"]),
        (&["run", "lab.toml", "--pcap", "step.pcap"], ["step", "--pcap"]),
        (&["draw", "lab.toml", "-o", "hardlink"], ["LAB", "--output"]),
        (&["matrix", "lab.toml", "--html", "lab.toml"], ["LAB", "--html"]),
        (&["generate", "lab.toml", "--lab", "lab.toml"], ["--lab", "OUT"]),
        (
            &["replay", "in.pcap", "--lab", "lab.toml", "-o", "od/c1.pcap", "--out-dir", "od"],
            ["--out-dir", "-o"],
        ),
        (&["replay", "in.pcap", "--lab", "lab.toml", "-o", "in.pcap"], ["CAPTURE", "-o"]),
        (&["replay", "in.pcap", "--lab", "lab.toml", "-o", "lab.toml"], ["--lab", "-o"]),
        (&["replay", "in.pcap", "--lab", "lab.toml", "--map-file", "map", "-o", "map"], ["--map-file", "-o"]),
        (&["replay", "c1.pcap", "--lab", "lab.toml", "--out-dir", "."], ["CAPTURE", "--out-dir"]),
        (&["replay", "captures", "--lab", "lab.toml", "-o", "captures"], ["CAPTURE", "-o"]),
    ];
    for (args, named) in cases {
        let dir = folder();
        std::fs::write(dir.path().join("map"), "02:00:00:00:00:99 c1\n").unwrap();
        std::fs::copy(dir.path().join("in.pcap"), dir.path().join("c1.pcap")).unwrap();
        std::fs::create_dir(dir.path().join("new")).unwrap();
        let before = contents(dir.path());
        let output = macvlab(dir.path(), args, b"");
        let said = stderr(&output);
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""), "{args:?}: {said}");
        assert!(said.trim_end().ends_with("are the same file"), "{args:?}: {said}");
        assert!(named.iter().all(|name| said.contains(name)), "{args:?}: {said}");
        assert_eq!(contents(dir.path()), before, "{args:?}");
        assert!(!dir.path().join("od").exists(), "{args:?}");
    }
}

#[test]
fn what_several_may_write_to_is_no_file() {
    let dir = folder();
    let args = ["run", "lab.toml", "--quiet", "--pcap", "/dev/null", "--html", "/dev/null"];
    let output = macvlab(dir.path(), &args, b"");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn results_that_are_lost_are_an_error_of_every_command() {
    let dir = folder();
    let commands: &[&[&str]] = &[
        &["check", "lab.toml"],
        &["run", "lab.toml"],
        &["run", "lab.toml", "--json"],
        &["run", "lab.toml", "--quiet", "--pcap", "-"],
        &["run", "lab.toml", "--quiet", "--html", "-"],
        &["explain", "demo:vepa", "--at", "c1", "--arp", "c2"],
        &["explain", "demo:vepa", "--at", "c1", "--arp", "c2", "--json"],
        &["matrix", "--modes", "vepa"],
        &["matrix", "--modes", "vepa", "--json"],
        &["matrix", "--modes", "vepa", "--html", "-"],
        &["draw", "lab.toml"],
        &["demo"],
        &["demo", "--list"],
        &["demo", "--tour"],
        &["demo", "vepa", "--html", "-"],
        &["demo", "vepa", "--show"],
        &["rules"],
        &["rules", "R14", "--json"],
        &["generate", "-", "--frames", "10"],
        &["replay", "in.pcap", "--lab", "lab.toml"],
        &["replay", "in.pcap", "--lab", "lab.toml", "--quiet", "-o", "-"],
        &["replay", "captures", "--lab", "lab.toml"],
        &["bench", "--time", "0", "--ports", "1", "--receivers", "1", "--stations", "2", "--threads", "1"],
        &["completions", "bash"],
        &["man"],
    ];
    for args in commands {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_macvlab"));
        command.args(*args).current_dir(dir.path()).stdin(Stdio::null()).stdout(full);
        let output = command.output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert_eq!(said.matches("standard output: ").count(), 1, "{args:?}: {said}");
        assert!(said.contains("No space left on device"), "{args:?}: {said}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let dir = folder();
    let commands: &[&[&str]] = &[
        &["matrix", "--modes", "vepa", "--html", "/dev/full"],
        &["run", "lab.toml", "--quiet", "--html", "/dev/full"],
        &["run", "lab.toml", "--quiet", "--pcap", "/dev/full"],
        &["demo", "vepa", "--html", "/dev/full"],
        &["draw", "lab.toml", "-o", "/dev/full"],
        &["generate", "/dev/full"],
        &["replay", "in.pcap", "--lab", "lab.toml", "-o", "/dev/full"],
    ];
    for args in commands {
        let output = macvlab(dir.path(), args, b"");
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains("/dev/full: "), "{args:?}: {said}");
    }
}

#[test]
fn names_do_nothing_to_a_terminal() {
    let dir = folder();
    let name = "a\u{1b}[2J\u{9b}31m.toml";
    std::fs::write(dir.path().join(name), "[nic.eth0]\n").unwrap();
    std::fs::write(
        dir.path().join(format!("bad{name}")),
        "[nic.\"eth\u{1b}[31m0\"]\nhairpn = \"\u{1b}[31m\"\n",
    )
    .unwrap();
    std::fs::write(dir.path().join(format!("{name}.pcap")), "no capture").unwrap();
    let (bad, capture) = (format!("bad{name}"), format!("{name}.pcap"));
    let commands: &[&[&str]] = &[
        &["check", name, &bad, "missing\u{1b}[2J"],
        &["run", &bad, "--explain"],
        &["replay", &capture, "--lab", name],
        &["replay", "in.pcap", "--lab", name, "--at", "\u{1b}[2J"],
        &["replay", "in.pcap", "--lab", name, "-o", "no\u{1b}[2J/x"],
        &["explain", "demo:vepa", "--at", "\u{1b}[2J", "--arp", "c2"],
        &["matrix", name, "--from", "\u{1b}[2J"],
        &["demo", "\u{1b}[2J"],
        &["rules", "\u{1b}[2J"],
    ];
    for args in commands {
        let output = macvlab(dir.path(), args, b"");
        let shown = stdout(&output) + &stderr(&output);
        let harmless = |c: char| c == '\n' || !c.is_control();
        assert!(shown.chars().all(harmless), "{args:?}: {shown:?}");
        assert!(output.status.code().is_some_and(|code| code == 2), "{args:?}: {shown}");
    }
}
