//! Clients that request more than they read, and more clients than are served.

use crate::boundary::{LAB, connect, frame, framed, read_frame};
use crate::net::{Live, until};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

/// Peak memory of a process, in KiB.
fn peak(live: &Live) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", live.pid())).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn callers_who_never_read_hold_up_neither_frames_nor_others() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["--attach", "a=unix:a.sock", "--attach", "b=unix:b.sock", "--history", "2000"];
    let live = Live::here(dir.path(), LAB, &args);
    let [mut a, mut b] = ["a.sock", "b.sock"].map(|name| connect(&dir.path().join(name)));
    until("both are here", || ["a", "b"].iter().all(|d| live.presence(d) == "here"));
    for _ in 0..1000 {
        a.write_all(&framed(&frame(1, 1500))).unwrap();
        assert_eq!(read_frame(&mut b).len(), 1500);
    }
    let before = peak(&live);
    let deaf: Vec<UnixStream> = (0..8)
        .map(|n| {
            let mut deaf = connect(&live.socket);
            let form = if n % 2 == 0 { "json" } else { "pcapng" };
            deaf.write_all(format!("{{\"do\":\"dump\",\"as\":\"{form}\"}}\n").repeat(120).as_bytes())
                .unwrap();
            deaf
        })
        .collect();
    for _ in 0..100 {
        a.write_all(&framed(&frame(1, 1400))).unwrap();
        assert_eq!(read_frame(&mut b).len(), 1400);
    }
    let (ok, shown) = live.ctl("dump --as json");
    assert!(ok && shown.lines().filter(|l| l.contains("frame_id")).count() == 2000, "{ok}");
    let more = peak(&live) - before;
    assert!(more < 32 * 1024, "{more} KiB for those who do not read");
    // They are disconnected, and have only what they were sent before.
    for mut deaf in deaf {
        until("it is sent away", || deaf.write_all(b" ").is_err());
        let mut all = Vec::new();
        let _ = deaf.read_to_end(&mut all);
        assert!(all.starts_with(b"{") && all.len() < 1 << 20);
    }
    live.end("-TERM");
}

#[test]
fn callers_who_ask_nothing_make_room_for_others() {
    let dir = tempfile::tempdir().unwrap();
    let live = Live::here(dir.path(), LAB, &["--attach", "a=unix:a.sock"]);
    let _silent: Vec<UnixStream> = (0..40).map(|_| connect(&live.socket)).collect();
    for _ in 0..3 {
        let (ok, shown) = live.ctl("show");
        assert!(ok && shown.contains("station"), "{shown}");
    }
    live.end("-TERM");
}

#[test]
fn a_history_has_a_limit() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lab.toml"), LAB).unwrap();
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_macvlab"))
        .args(["live", "lab.toml", "--attach", "a=unix:a.sock", "--history", "1000001"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.contains("a number from 0 to 1000000"), "{said}");
}
