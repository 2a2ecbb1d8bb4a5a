//! What a user sees of the commands: output, diagnostics, files, exit codes.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, stderr, stdout};
use macvlab::capture::{PcapWriter, Reader};
use macvlab::time::Instant;
use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Stdio};

const LAB: &str = r#"
title = "Two ports"

[nic.eth0]
mac = "02:00:00:00:00:01"

[macvlan.c1]
parent = "eth0"
mode = "bridge"
mac = "02:00:00:00:00:11"

[macvlan.c2]
parent = "eth0"
mode = "private"
mac = "02:00:00:00:00:12"

[station.win]
mac = "02:00:00:00:00:21"

[switch.sw0.port.eth0]
[switch.sw0.port.win]

[[step]]
inject = { at = "win", frame = "0200000000110200000000210800" }
expect = { delivered = ["c1"] }
"#;

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lab.toml"), LAB).unwrap();
    dir
}

fn frame(dst: u8) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, dst, 2, 0, 0, 0, 0, 0x21, 8, 0];
    frame.resize(60, 0);
    frame
}

/// A capture of a frame for c1, a broken record, and a frame for c2.
fn capture(broken: bool) -> Vec<u8> {
    let mut pcap = PcapWriter::new(Vec::new()).unwrap();
    pcap.write(Instant::from_nanos(1_000_000_001), &frame(0x11), 60).unwrap();
    if broken {
        pcap.write(Instant::from_nanos(2_000_000_000), &[0; 13], 13).unwrap();
    }
    pcap.write(Instant::from_nanos(3_000_000_000), &frame(0x12), 60).unwrap();
    pcap.finish().unwrap()
}

fn times(path: &Path) -> Vec<u64> {
    let mut reader = Reader::new(Cursor::new(std::fs::read(path).unwrap())).unwrap();
    let mut times = Vec::new();
    while let Some(record) = reader.next_record() {
        times.push(record.unwrap().time.as_nanos());
    }
    times
}

#[test]
fn run_tells_what_held() {
    let dir = folder();
    let output = macvlab(dir.path(), &["run", "lab.toml"], b"");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.starts_with("Two ports\n✓ step 1: win sends a frame"), "{text}");
    assert!(
        text.ends_with("delivered to c1, as expected\nsteps 1, expectations held 1, failed 0\n"),
        "{text}"
    );
}

#[test]
fn run_fails_if_an_expectation_does_not_hold() {
    let dir = folder();
    let wrong = LAB.replace(r#"["c1"]"#, r#"["c2"]"#);
    let output = macvlab(dir.path(), &["run", "-"], wrong.as_bytes());
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("expected delivered to c2, got delivered to c1"), "{}", stdout(&output));
    let output = macvlab(dir.path(), &["run", "-", "--quiet"], wrong.as_bytes());
    assert_eq!(
        (output.status.code(), stdout(&output), stderr(&output)),
        (Some(1), String::new(), String::new())
    );
}

#[test]
fn run_explains_with_rules_and_writes_events() {
    let dir = folder();
    let text = stdout(&macvlab(dir.path(), &["run", "lab.toml", "--explain"], b""));
    assert!(text.contains("R14   Unicast to a port: The destination is this port's MAC address"), "{text}");
    let events = stdout(&macvlab(dir.path(), &["run", "lab.toml", "--json"], b""));
    assert!(events.lines().all(|line| line.starts_with(r#"{"event":""#)), "{events}");
    assert!(
        events.contains(r#""event":"receive","step":1,"time_ns":"#) && events.contains(r#""rule":"R14""#)
    );
    let again = stdout(&macvlab(dir.path(), &["run", "lab.toml", "--json"], b""));
    assert_eq!(events, again);
}

#[test]
fn run_writes_an_annotated_capture() {
    let dir = folder();
    let output = macvlab(dir.path(), &["run", "lab.toml", "--pcap", "out.pcapng", "-q"], b"");
    assert_eq!(output.status.code(), Some(0));
    let file = std::fs::read(dir.path().join("out.pcapng")).unwrap();
    let piped = macvlab(dir.path(), &["run", "lab.toml", "--pcap", "-"], b"");
    assert_eq!(piped.stdout, file);
    assert!(!times(&dir.path().join("out.pcapng")).is_empty());
}

#[test]
fn a_mistake_in_the_lab_is_shown_and_nothing_is_run() {
    let dir = folder();
    let output = macvlab(dir.path(), &["run", "-", "--pcap", "out.pcapng"], b"[nic.eth0]\nmak = \"x\"\n");
    assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()));
    assert!(stderr(&output).contains("<standard input>:2:1"), "{}", stderr(&output));
    assert!(!dir.path().join("out.pcapng").exists());
    let output = macvlab(dir.path(), &["check", "lab.toml", "-"], b"title = 3");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stdout(&output), "lab.toml: ok: devices 4, switches 1, steps 1\n");
}

/// A running lab's switch port moves to another VLAN and back: what was learned in the VLAN that it leaves is forgotten,
/// and the entry made by hand stays. Then its network refuses a forged sender, and admits it again.
const CHANGED_PORT: &[u8] = b"[station.a]
address = '10.0.0.1/24'
[station.b]
address = '10.0.0.2/24'
[station.c]
[switch.sw0]
vlan_filtering = true
[switch.sw0.port.a]
[switch.sw0.port.b]
[switch.sw0.port.c]
[[step]]
ping = { from = 'a', to = 'b' }
expect = 'reply'
[[step]]
set = { switch = 'sw0', fdb = { mac = '02:00:00:00:00:99', port = 'b', vlan = 1 } }
expect = 'ok'
[[step]]
inject = { at = 'a', ethernet = { dst = 'b' } }
expect = { delivered = ['b'] }
[[step]]
set = { switch = 'sw0', port = 'b', vlan = { pvid = 20, untagged = [20] } }
expect = 'ok'
[[step]]
inject = { at = 'a', ethernet = { dst = 'b' } }
expect = { delivered = [], seen = ['c'] }
[[step]]
set = { switch = 'sw0', port = 'b', vlan = { pvid = 1, untagged = [1], tagged = [20] } }
expect = 'ok'
[[step]]
inject = { at = 'a', ethernet = { dst = 'b' } }
expect = { delivered = ['b'], seen = ['c'] }
[[step]]
inject = { at = 'a', ethernet = { dst = '02:00:00:00:00:99' } }
expect = { delivered = [], seen = ['b'] }
[[step]]
set = { switch = 'sw0', fdb_del = { mac = '02:00:00:00:00:99', vlan = 20 } }
expect = 'ENOENT'
[[step]]
set = { switch = 'sw0', fdb_del = { mac = '02:00:00:00:00:99', vlan = 1 } }
expect = 'ok'
[[step]]
inject = { at = 'a', ethernet = { dst = '02:00:00:00:00:99' } }
expect = { delivered = [], seen = ['b', 'c'] }
[[step]]
set = { switch = 'sw0', port = 'a', policy = { kind = 'vmware', promiscuous = 'accept' } }
expect = 'ok'
[[step]]
inject = { at = 'a', ethernet = { dst = 'c', src = '02:00:00:00:00:77' } }
expect = { delivered = [] }
[[step]]
set = { switch = 'sw0', port = 'a', policy = 'none' }
expect = 'ok'
[[step]]
inject = { at = 'a', ethernet = { dst = 'c', src = '02:00:00:00:00:77' } }
expect = { delivered = ['c'], seen = ['b'] }
";

#[test]
fn every_key_of_a_switch_port_can_be_set() {
    let dir = folder();
    let output = macvlab(dir.path(), &["run", "-"], CHANGED_PORT);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", stderr(&output));
    assert!(text.contains("sw0: the port of b has pvid 20, untagged [20], tagged []"), "{text}");
    assert!(text.contains("sw0: the policy vmware at the port of a"), "{text}");
    let events = stdout(&macvlab(dir.path(), &["run", "-", "--json"], CHANGED_PORT));
    assert!(events.contains(r#""fdb":{"mac":"02:00:00:00:00:99","del":true,"vlan":1}"#), "{events}");
    assert!(events.contains(r#""vlan":{"pvid":20,"untagged":[20],"tagged":[]}"#), "{events}");
}

const TWICE: &[u8] = b"[nic.eth0]
cable = 'win'
address = '10.0.0.1/24'
[station.win]
mac = '02:00:00:00:00:02'
address = '10.0.0.1/24'
[macvlan.p]
parent = 'eth0'
mode = 'passthru'
[macvlan.q]
parent = 'eth0'
";

#[test]
fn check_warns_of_what_is_probably_not_meant() {
    let dir = folder();
    let output = macvlab(dir.path(), &["check", "-"], TWICE);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stdout(&output), "-: ok: devices 4, switches 0, steps 0, warnings 2\n");
    let warnings = stderr(&output);
    assert!(warnings.contains("warning: the IP address 10.0.0.1 is used twice"), "{warnings}");
    assert!(warnings.contains("<standard input>:6:11"), "{warnings}");
    assert!(warnings.contains("<standard input>:3:11"), "{warnings}");
    assert!(warnings.contains("warning: the kernel refuses `q`: EINVAL"), "{warnings}");
}

#[test]
fn a_run_warns_unless_it_is_quiet_and_reports_refusals_itself() {
    let dir = folder();
    for args in [&["run", "-"][..], &["explain", "-", "--at", "win", "--arp", "eth0"]] {
        let warnings = stderr(&macvlab(dir.path(), args, TWICE));
        assert!(warnings.contains("warning: the IP address 10.0.0.1 is used twice"), "{warnings}");
        assert!(!warnings.contains("EINVAL"), "{warnings}");
    }
    let quiet = macvlab(dir.path(), &["run", "-", "-q"], TWICE);
    assert_eq!((stdout(&quiet), stderr(&quiet)), (String::new(), String::new()));
}

#[test]
fn denied_warnings_are_errors() {
    let dir = folder();
    let output = macvlab(dir.path(), &["check", "--deny-warnings", "-", "lab.toml"], TWICE);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stdout(&output), "lab.toml: ok: devices 4, switches 1, steps 1\n");
    let errors = stderr(&output);
    assert!(errors.contains("error: the IP address 10.0.0.1 is used twice"), "{errors}");
    assert!(errors.contains("2 errors") && !errors.contains("warning"), "{errors}");
}

#[test]
fn replay_gives_each_device_what_it_receives() {
    let dir = folder();
    std::fs::write(dir.path().join("in.pcap"), capture(false)).unwrap();
    let args = ["replay", "in.pcap", "--lab", "lab.toml", "--out-dir", "out", "-o", "all.pcapng"];
    let output = macvlab(dir.path(), &args, b"");
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    let out = dir.path().join("out");
    let of = |device: &str| times(&out.join(format!("{device}.pcap")));
    assert_eq!(
        (of("c1"), of("c2"), of("eth0"), of("win")),
        (vec![1_000_000_001], vec![3_000_000_000], Vec::new(), Vec::new())
    );
    // Two frames, each arriving at the NIC and received by a port.
    assert_eq!(times(&dir.path().join("all.pcapng")).len(), 4);
    let text = stdout(&output);
    assert!(text.starts_with("in.pcap: frames arrived at eth0: 2\n"), "{text}");
    assert!(text.contains("         2  R14   Unicast to a port\n"), "{text}");
}

#[test]
fn replay_reports_bad_records_and_completes_its_outputs() {
    let dir = folder();
    let args = ["replay", "-", "--lab", "lab.toml", "--out-dir", "out", "-o", "all.pcapng"];
    let output = macvlab(dir.path(), &args, &capture(true));
    assert_eq!(output.status.code(), Some(2));
    let bad = "<standard input>: record 2, at byte 100: a frame of 13 bytes is shorter than an Ethernet header of 14\n";
    assert_eq!(stderr(&output), bad);
    assert_eq!(times(&dir.path().join("out/c2.pcap")), [3_000_000_000]);
    assert_eq!(times(&dir.path().join("all.pcapng")).len(), 4);
    let whole = capture(false);
    let output = macvlab(dir.path(), &args, &whole[..whole.len() - 1]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("record 2, at byte 100: the capture ends here, after 75 of 76 bytes of it")
    );
    assert_eq!(times(&dir.path().join("out/c1.pcap")), [1_000_000_001]);
    assert!(times(&dir.path().join("out/c2.pcap")).is_empty());
}

#[test]
fn replay_stops_at_the_limit_and_sends_from_where_it_is_told() {
    let dir = folder();
    let args = ["replay", "-", "--lab", "lab.toml", "--at", "win", "--limit", "1"];
    let output = macvlab(dir.path(), &args, &capture(false));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("<standard input>: frames sent by win: 1\n"), "{}", stdout(&output));
    let output = macvlab(dir.path(), &["replay", "-", "--lab", "lab.toml", "--at", "c3"], &capture(false));
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stderr(&output), "error: the lab has no device `c3`; it has eth0, c1, c2, win\n");
}

#[test]
fn what_is_no_capture_leaves_no_files() {
    let dir = folder();
    let args = ["replay", "-", "--lab", "lab.toml", "--out-dir", "out", "-o", "all.pcapng"];
    let output = macvlab(dir.path(), &args, b"hello");
    assert_eq!(output.status.code(), Some(2));
    let why = "error: <standard input>: not a capture: it begins with 68 65 6c 6c, unlike pcap and pcapng\n";
    assert_eq!(stderr(&output), why);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn wrong_usage() {
    let dir = folder();
    let usages: [&[&str]; 6] = [
        &[],
        &["walk"],
        &["run"],
        &["run", "lab.toml", "--json", "--explain"],
        &["run", "lab.toml", "--json", "--pcap", "-"],
        &["replay", "-", "--lab", "-"],
    ];
    for args in usages {
        let output = macvlab(dir.path(), args, b"");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stdout(&output).is_empty() && !stderr(&output).is_empty(), "{args:?}");
    }
}

#[test]
fn rules_in_every_form() {
    let dir = folder();
    let rules = |args: &[&str]| macvlab(dir.path(), &[&["rules"], args].concat(), b"");
    assert!(stdout(&rules(&[])).contains("R14   forwarding  Unicast to a port\n"));
    assert!(stdout(&rules(&["r14"])).starts_with("R14 Unicast to a port (forwarding)\nThe destination"));
    assert!(stdout(&rules(&["R14", "--json"])).starts_with(r#"{"id":"R14","kind":"forwarding","title":"#));
    assert!(stdout(&rules(&["--markdown"])).contains("\n| <a id=\"R14\"></a>R14 | Unicast to a port | "));
    assert_eq!(rules(&["R0"]).status.code(), Some(2));
}

#[test]
fn every_demo_can_be_told_in_full_and_is_a_lab_of_its_own() {
    let dir = folder();
    let said = |args: &[&str]| {
        let output = macvlab(dir.path(), args, b"");
        assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()), "{args:?}");
        stdout(&output)
    };
    let (list, table) = (said(&["demo", "--list"]), said(&["demo"]));
    let names: Vec<_> = list
        .lines()
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_once(' ').unwrap().0)
        .collect();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        assert!(table.lines().any(|line| line.starts_with(&format!("{name} "))), "{name}: {table}");
        let steps = said(&["demo", name]);
        assert!(steps.contains("\nstep 1: ") && steps.contains(", because\n    R"), "{name}: {steps}");
        assert!(said(&["demo", name, "--explain"]).contains(" ms  "), "{name}");
        let output = macvlab(dir.path(), &["run", "-", "-q"], said(&["demo", name, "--show"]).as_bytes());
        assert_eq!(output.status.code(), Some(0), "{name}");
    }
    assert_eq!(macvlab(dir.path(), &["demo", "walk"], b"").status.code(), Some(2));
}

#[test]
fn completions_and_manual_pages() {
    let dir = folder();
    let said = |args: &[&str]| macvlab(dir.path(), args, b"");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = stdout(&said(&["completions", shell]));
        assert!(text.contains("macvlab") && text.contains("replay") && text.contains("out-dir"), "{shell}");
    }
    let page = stdout(&said(&["man"]));
    assert!(page.contains(".TH macvlab 1") && page.contains("Exit codes"), "{page}");
    let page = stdout(&said(&["man", "run"]));
    assert!(page.contains(".TH macvlab-run 1") && page.contains("pcap"), "{page}");
    assert_eq!(said(&["man", "walk"]).status.code(), Some(2));
}

#[test]
fn colours_only_when_wanted() {
    let dir = folder();
    let run = |color: &str| stdout(&macvlab(dir.path(), &["run", "lab.toml", "--color", color], b""));
    assert!(
        !run("auto").contains('\x1b') && !run("never").contains('\x1b') && run("always").contains('\x1b')
    );
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_success() {
    let dir = folder();
    let mut child = Command::new(env!("CARGO_BIN_EXE_macvlab"))
        .args(["rules", "--markdown"])
        .current_dir(dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}

const NOT_REACHED: &[u8] = b"[nic.eth0]
address = '10.0.0.1/24'
[nic.eth1]
[macvlan.a]
parent = 'eth0'
mac = '02:00:00:00:00:0a'
address = '10.0.0.10/24'
[macvlan.b]
parent = 'eth1'
mac = '02:00:00:00:00:0a'
address = '10.0.0.11/24'
[macvlan.c]
parent = 'eth0'
address = '10.0.0.12/24'
up = false
[station.d]
address = '10.0.0.13/24'
neighbours = { '10.0.0.1' = '02:00:00:00:00:99' }
[switch.sw0.port.eth0]
[switch.sw0.port.eth1]
[switch.sw0.port.d]
[[step]]
ping = { from = 'a', to = 'b' }
[[step]]
ping = { from = 'eth0', to = 'a' }
[[step]]
ping = { from = 'c', to = 'a' }
[[step]]
ping = { from = 'a', to = '10.0.0.99' }
[[step]]
ping = { from = 'd', to = 'eth0', timeout = '1s' }
";

/// The cause is the one that the matrix shows, whether or not a device has dropped a frame.
#[test]
fn the_line_of_a_ping_that_fails_ends_with_its_cause() {
    let dir = folder();
    let output = macvlab(dir.path(), &["run", "-"], NOT_REACHED);
    let text = stdout(&output);
    let causes: Vec<_> = text.lines().filter_map(|line| Some(line.split_once("; ")?.1)).collect();
    let expected = [
        "R19b Not back to the sender (eth1)",
        "R34 The host stack sends on the wire and R126 Not back out of the arrival port (sw0.eth0)",
        "S3 No route (c)",
        "S4 No device has this address (a)",
        "S5 Wrong MAC address for the neighbour (d)",
    ];
    assert_eq!(causes, expected, "{text}");
}
