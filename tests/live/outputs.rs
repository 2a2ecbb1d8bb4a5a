//! Outputs that fail while the lab runs.

use crate::boundary::{connect, frame, framed, read_frame};
use crate::net::{Live, frames, until};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Two stations on a switch, and a third.
const LAB: &str =
    "[station.a]\n[station.b]\n[station.c]\n[switch.sw.port.a]\n[switch.sw.port.b]\n[switch.sw.port.c]\n";

/// Files are limited to 16 blocks of 512 bytes: a further write fails in the middle of a frame, as on a full disk.
const SMALL_FILES: &str = "trap '' XFSZ; ulimit -f 16";

/// Sends frames until an output has failed, and checks that they still reach their station; returns how many were sent,
/// and the final output.
fn until_it_fails(dir: &Path, args: &[&str], file: &str) -> (usize, Output) {
    let all = [&["--attach", "a=unix:a.sock", "--attach", "b=unix:b.sock"], args].concat();
    let live = Live::start(Live::behind(SMALL_FILES, dir, LAB, &all), dir);
    let (mut a, mut b) = (connect(&dir.join("a.sock")), connect(&dir.join("b.sock")));
    until("both are here", || ["a", "b"].iter().all(|d| live.presence(d) == "here"));
    let said = || std::fs::read_to_string(dir.join("said")).unwrap();
    let mut sent = 0;
    let mut cross = || {
        a.write_all(&framed(&frame(1, 1000))).unwrap();
        assert_eq!(read_frame(&mut b), frame(1, 1000));
        sent += 1;
    };
    until("it is said", || {
        cross();
        said().contains("error: ")
    });
    (0..20).for_each(|_| cross());
    assert!(live.ctl("show").0, "it still answers");
    live.signal("-TERM");
    let out = live.wait();
    assert_eq!(out.status.code(), Some(2), "{}", said());
    assert_eq!(said().matches("error: ").count(), 1, "{}", said());
    assert!(said().contains(&format!("{file}: File too large")), "{}", said());
    (sent, out)
}

#[test]
fn a_capture_that_finds_no_room_is_told_of_at_once_and_ends_with_a_whole_packet() {
    let dir = tempfile::tempdir().unwrap();
    let (_, out) = until_it_fails(dir.path(), &["--pcap", "all.pcapng", "--quiet"], "all.pcapng");
    assert!(out.stdout.is_empty());
    let kept = frames(&dir.path().join("all.pcapng"));
    assert!(!kept.is_empty() && kept.iter().all(|kept| *kept == frame(1, 1000)), "{}", kept.len());
}

#[test]
fn so_is_a_capture_in_the_place_of_a_station() {
    let dir = tempfile::tempdir().unwrap();
    let (sent, out) = until_it_fails(dir.path(), &["--attach", "c=pcap:,c.pcap"], "c (pcap:,c.pcap)");
    let kept = frames(&dir.path().join("c.pcap"));
    assert_eq!(kept, vec![frame(1, 1000); 8]);
    // Frames that are not in it were not sent.
    let shown = String::from_utf8(out.stdout).unwrap();
    let row: Vec<&str> = shown.lines().find(|l| l.contains("c.pcap")).unwrap().split_whitespace().collect();
    let [out_frames, out_dropped] = [6, 8].map(|column| row[column].parse::<usize>().unwrap());
    assert!(out_frames == 8 && (1..=sent - 8).contains(&out_dropped), "{shown}");
}

fn macvlab(dir: &Path, args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_macvlab"));
    command.args(args.split(' ')).current_dir(dir).env_remove("SUDO_UID").env_remove("SUDO_GID");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn a_device_without_room_is_no_place_for_a_capture() {
    let dir = tempfile::tempdir().unwrap();
    for output in ["--pcap /dev/full", "--attach b=pcap:,/dev/full"] {
        let args = format!("live --relay --attach a=unix:a.sock {output}");
        let out = macvlab(dir.path(), &args).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{said}");
        assert!(said.contains("/dev/full: No space left on device"), "{said}");
    }
}

#[test]
fn it_ends_when_standard_output_was_all_and_is_read_no_more() {
    let dir = tempfile::tempdir().unwrap();
    for form in ["--json", "--explain"] {
        let args = format!("live --relay --attach a=unix:a.sock {form}");
        let mut child = macvlab(dir.path(), &args).spawn().unwrap();
        // Nothing happens in this lab; the closed pipe is detected all the same.
        drop(child.stdout.take());
        let out = child.wait_with_output().unwrap();
        assert_eq!(out.status.code(), Some(0), "{form}: {out:?}");
    }
    let mut full = macvlab(dir.path(), "live --relay --attach a=unix:a.sock --json");
    let out = full.stdout(File::create("/dev/full").unwrap()).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert_eq!(said.matches("standard output: No space left on device").count(), 1, "{said}");
}

#[test]
fn it_goes_on_without_standard_output_if_it_is_recorded_or_can_be_asked() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Live::command(dir.path(), LAB, &["--attach", "a=unix:a.sock", "--json"]);
    // A pipe without a reader from the beginning.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    let ctl = |line: &str| {
        let mut ctl = macvlab(dir.path(), &format!("ctl control.sock {line}"));
        ctl.output().unwrap().status.success()
    };
    until("it answers", || ctl("show"));
    let mut a = connect(&dir.path().join("a.sock"));
    a.write_all(&framed(&frame(1, 60))).unwrap();
    drop(a);
    until("what it told went nowhere, and it answers", || ctl("set a up=false") && ctl("show"));
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
