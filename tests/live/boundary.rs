//! Peers on sockets and captures, which need neither root nor namespaces.

use crate::net::{Live, frames, until};
use macvlab::capture::{PcapWriter, Reader};
use macvlab::time::Instant;
use std::io::{Read as _, Write as _};
use std::net::UdpSocket;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

/// Two stations on a switch.
pub(crate) const LAB: &str = "[station.a]\n[station.b]\n[switch.sw.port.a]\n[switch.sw.port.b]\n";

/// A broadcast of this length, with the given last byte of its source address.
pub(crate) fn frame(from: u8, length: usize) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, from, 0x88, 0xb5]);
    frame.resize(length, from);
    frame
}

pub(crate) fn framed(frame: &[u8]) -> Vec<u8> {
    [&u32::try_from(frame.len()).unwrap().to_be_bytes(), frame].concat()
}

pub(crate) fn connect(path: &Path) -> UnixStream {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

pub(crate) fn read_frame(stream: &mut UnixStream) -> Vec<u8> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut frame).unwrap();
    frame
}

/// `[in_frames, in_malformed]` at a device.
fn came_in(live: &Live, device: &str) -> [u64; 2] {
    let counters = live.attached(device);
    ["in_frames", "in_malformed"].map(|key| counters[key].as_u64().unwrap())
}

#[test]
fn frames_behind_their_lengths_both_ways() {
    let dir = tempfile::tempdir().unwrap();
    let (a_path, b_path) = (dir.path().join("a.sock"), dir.path().join("b.sock"));
    let listener = UnixListener::bind(&b_path).unwrap();
    let live =
        Live::here(dir.path(), LAB, &["--attach", "a=unix:a.sock", "--attach", "b=unix-connect:b.sock"]);
    let (mut b, _) = listener.accept().unwrap();
    b.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut a = connect(&a_path);
    until("both are here", || ["a", "b"].iter().all(|d| live.presence(d) == "here"));
    // Several in one write, and one in several.
    let sent = [frame(1, 60), frame(1, 1514), frame(1, 14)];
    let bytes: Vec<u8> = sent.iter().flat_map(|f| framed(f)).collect();
    let (head, tail) = bytes.split_at(2);
    a.write_all(head).unwrap();
    std::thread::sleep(Duration::from_millis(30));
    let (middle, tail) = tail.split_at(500);
    a.write_all(middle).unwrap();
    std::thread::sleep(Duration::from_millis(30));
    a.write_all(tail).unwrap();
    for frame in &sent {
        assert_eq!(read_frame(&mut b), *frame);
    }
    b.write_all(&framed(&frame(2, 100))).unwrap();
    assert_eq!(read_frame(&mut a), frame(2, 100));
    let (_, known) = live.ctl("fdb");
    for (mac, port) in [("02:00:00:00:00:01", "sw.a"), ("02:00:00:00:00:02", "sw.b")] {
        assert!(
            known.lines().any(|l| l.contains(mac) && l.contains(port) && l.contains("learned")),
            "{known}"
        );
    }
    let (_, known) = live.ctl("fdb --json");
    assert_eq!(known.lines().filter(|l| l.starts_with(r#"{"event":"fdb""#)).count(), 2, "{known}");
    live.end("-INT");
    assert!(!a_path.exists(), "the socket is left");
    assert_eq!(a.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn a_peer_that_leaves_takes_its_station_down_and_the_next_is_welcome() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.sock");
    let live = Live::here(dir.path(), LAB, &["--attach", "a=unix:a.sock", "--attach", "b=pcap:,b.pcap"]);
    let link = |device: &str| {
        let (_, shown) = live.ctl("show");
        let line = shown.lines().find(|l| l.starts_with(device)).unwrap().to_owned();
        line.contains(" up ")
    };
    assert!(!link("a "), "nobody has come yet");
    let peer = connect(&path);
    until("a is up", || link("a "));
    drop(peer);
    until("a is down", || !link("a ") && live.presence("a") == "away");
    let mut peer = connect(&path);
    until("a is up again", || link("a "));
    peer.write_all(&framed(&frame(1, 60))).unwrap();
    until("its frame is there", || came_in(&live, "a") == [1, 0]);
    // Invalid lengths: a peer that sends them is disconnected, and counted.
    for (before, nonsense) in [0_u32, 70_000, u32::MAX].into_iter().enumerate() {
        peer.write_all(&nonsense.to_be_bytes()).unwrap();
        until("it was sent away", || came_in(&live, "a")[1] > before as u64);
        peer = connect(&path);
    }
    let said = live.end("-TERM");
    assert!(said.contains("a (unix:a.sock): the peer has left"), "{said}");
    assert_eq!(frames(&dir.path().join("b.pcap")), [frame(1, 60)]);
}

#[test]
fn a_frame_in_each_datagram_and_a_peer_that_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let free = || UdpSocket::bind("127.0.0.1:0").unwrap();
    let (a, b) = (free(), free());
    let [lab_a, lab_b] = [free(), free()].map(|s| s.local_addr().unwrap());
    let (a_address, b_address) = (a.local_addr().unwrap(), b.local_addr().unwrap());
    let attach_a = format!("a=udp:{lab_a},{a_address}");
    let attach_b = format!("b=udp:{lab_b},{b_address}");
    let live = Live::here(dir.path(), LAB, &["--attach", &attach_a, "--attach", &attach_b]);
    b.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut buffer = [0; 2000];
    a.send_to(&frame(1, 60), lab_a).unwrap();
    let n = b.recv(&mut buffer).unwrap();
    assert_eq!(buffer[..n], frame(1, 60));
    // There is no listener at b: frames for it are lost, and nothing else.
    drop(b);
    for _ in 0..3 {
        a.send_to(&frame(1, 61), lab_a).unwrap();
    }
    until("they came", || came_in(&live, "a")[0] == 4);
    let b = UdpSocket::bind(b_address).unwrap();
    b.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    a.send_to(&frame(1, 62), lab_a).unwrap();
    let n = b.recv(&mut buffer).unwrap();
    assert_eq!(buffer[..n], frame(1, 62));
    live.end("-INT");
}

#[test]
fn nonsense_breaks_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (a, lab_a) = (UdpSocket::bind("127.0.0.1:0").unwrap(), "127.0.0.1:0");
    let lab_a = UdpSocket::bind(lab_a).unwrap().local_addr().unwrap();
    let attach = format!("c1=udp:{lab_a},{}", a.local_addr().unwrap());
    let lab = "[nic.eth0]\naddress = \"10.0.0.1/24\"\n[macvlan.c1]\nparent = \"eth0\"\nmode = \"bridge\"\n\
               [macvlan.c2]\nparent = \"eth0\"\nmode = \"bridge\"\naddress = \"10.0.0.2/24\"\n";
    let live = Live::here(dir.path(), lab, &["--attach", &attach, "--attach", "eth0=pcap:,out.pcap"]);
    let mut state = 1_u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as u8
    };
    let count = 2000_u64;
    for i in 0..count {
        let mut bytes: Vec<u8> = (0..i * 7 % 1700).map(|_| random()).collect();
        // Half of them look almost like valid requests.
        let like = [
            &[0xff; 6][..],
            &[2, 0, 0, 0, 0, 9],
            [&[8, 0], &[8, 6], &[0x86, 0xdd], &[0x81, 0][..]][i as usize % 4],
        ]
        .concat();
        if i % 2 == 0 && bytes.len() >= like.len() {
            bytes[..like.len()].copy_from_slice(&like);
        }
        a.send_to(&bytes, lab_a).unwrap();
        if i % 50 == 0 {
            until("they came", || came_in(&live, "c1").iter().sum::<u64>() > i);
        }
    }
    until("all came", || came_in(&live, "c1").iter().sum::<u64>() == count);
    let said = live.end("-INT");
    assert!(!said.contains("panic"), "{said}");
    assert!(!frames(&dir.path().join("out.pcap")).is_empty());
}

/// How long a flood lasts.
const FLOOD: Duration = Duration::from_secs(10);

#[test]
fn a_flood_is_dropped_and_counted_and_requests_are_answered_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.sock");
    let listener_path = dir.path().join("b.sock");
    let live = Live::here(dir.path(), LAB, &["--attach", "a=unix:a.sock", "--attach", "b=unix:b.sock"]);
    let mut a = connect(&path);
    // A peer that never reads.
    let _b = connect(&listener_path);
    until("both are here", || ["a", "b"].iter().all(|d| live.presence(d) == "here"));
    let memory = |live: &Live| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", live.pid())).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let burst: Vec<u8> = (0..1000).flat_map(|_| framed(&frame(1, 1000))).collect();
    for _ in 0..5 {
        a.write_all(&burst).unwrap();
    }
    until("5000 came", || came_in(&live, "a")[0] == 5000);
    let before = memory(&live);
    let (began, mut offered) = (std::time::Instant::now(), 5000);
    while began.elapsed() < FLOOD {
        a.write_all(&burst).unwrap();
        offered += 1000;
    }
    until("all came", || came_in(&live, "a")[0] == offered);
    let counters = live.attached("b");
    let (sent, dropped) =
        (counters["out_frames"].as_u64().unwrap(), counters["out_dropped"].as_u64().unwrap());
    assert_eq!(sent + dropped, offered);
    assert!(dropped > offered / 2, "{counters}");
    assert!(memory(&live) < before + 20_000, "{before} kB became {} kB", memory(&live));
    live.end("-TERM");
}

#[test]
fn a_capture_is_played_as_it_was_spaced_and_its_end_is_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut capture = PcapWriter::new(Vec::new()).unwrap();
    for i in 0..5_u8 {
        capture.write(Instant::from_nanos(u64::from(i) * 100_000_000), &frame(i, 60), 0).unwrap();
    }
    std::fs::write(dir.path().join("in.pcap"), capture.finish().unwrap()).unwrap();
    std::fs::write(dir.path().join("lab.toml"), LAB).unwrap();
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_macvlab"))
        .args(["live", "lab.toml", "--attach", "a=pcap:in.pcap", "--attach", "b=pcap:,out.pcap", "--json"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    let mut reader = Reader::new(std::fs::File::open(dir.path().join("out.pcap")).unwrap()).unwrap();
    let mut times = Vec::new();
    while let Some(record) = reader.next_record() {
        let record = record.unwrap();
        assert_eq!(record.data, frame(u8::try_from(times.len()).unwrap(), 60));
        times.push(record.time);
    }
    assert_eq!(times.len(), 5);
    // Never before its time.
    assert!(times[4].since(times[0]) >= Duration::from_millis(399), "{times:?}");
    let events = String::from_utf8(out.stdout).unwrap();
    let received =
        events.lines().filter(|l| l.contains(r#""event":"receive""#) && l.contains(r#""device":"b""#));
    assert_eq!(received.count(), 5, "{events}");
}

#[test]
fn a_port_that_is_removed_and_added_is_attached_again() {
    let dir = tempfile::tempdir().unwrap();
    let lab = "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\nmode = \"bridge\"\nmac = \"02:00:00:00:00:01\"\n\
               [macvlan.c2]\nparent = \"eth0\"\nmode = \"bridge\"\n";
    let live = Live::here(dir.path(), lab, &["--attach", "c1=unix:a.sock", "--attach", "c2=pcap:,c2.pcap"]);
    let mut peer = connect(&dir.path().join("a.sock"));
    let send = |peer: &mut UnixStream, length: usize, came: u64| {
        peer.write_all(&framed(&frame(1, length))).unwrap();
        until("it came", || came_in(&live, "c1")[0] == came);
    };
    send(&mut peer, 60, 1);
    live.change("remove c1");
    send(&mut peer, 61, 2);
    live.change("add c1 parent=eth0 mode=bridge mac=02:00:00:00:00:01");
    send(&mut peer, 62, 3);
    for _ in 0..3 {
        live.change("add c3 parent=eth0 mode=bridge");
        live.change("set c3 mtu=1400");
        live.change("remove c3");
    }
    // Changes that the kernel would refuse are refused, with its error.
    let (ok, said) = live.ctl("add c9 parent=eth0 mode=passthru");
    assert!(!ok && said.starts_with("EINVAL"), "{said}");
    let (ok, said) = live.ctl("set c1 colour=red");
    assert!(!ok && said.contains("colour"), "{said}");
    live.end("-INT");
    assert_eq!(frames(&dir.path().join("c2.pcap")), [frame(1, 60), frame(1, 62)]);
}

#[test]
fn the_last_hops_are_dumped_and_a_capture_does_not_outgrow_its_limit() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["--attach", "a=unix:a.sock", "--attach", "b=pcap:,b.pcap", "--pcap", "all.pcapng"];
    let live =
        Live::here(dir.path(), LAB, &[&args[..], &["--pcap-limit", "100k", "--history", "4"]].concat());
    let mut peer = connect(&dir.path().join("a.sock"));
    for i in 0..300 {
        peer.write_all(&framed(&frame(1, 100 + i))).unwrap();
    }
    until("they came", || came_in(&live, "a")[0] == 300);
    let (ok, hops) = live.ctl("dump --as json");
    assert!(ok, "{hops}");
    assert_eq!(hops.lines().filter(|l| l.contains("frame_id")).count(), 4, "{hops}");
    let last = dir.path().join("last.pcapng");
    assert!(live.ctl(&format!("dump --as pcapng -o {}", last.display())).0);
    live.end("-INT");
    assert_eq!(frames(&last).len(), 4);
    for name in ["all.pcapng", "all.pcapng.2"] {
        let path = dir.path().join(name);
        assert!(std::fs::metadata(&path).unwrap().len() < 110_000, "{name}");
        assert!(!frames(&path).is_empty());
    }
}

#[test]
fn a_relay_carries_the_longest_frames_and_a_station_counts_what_is_too_long_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["--attach", "a=unix:a.sock", "--attach", "b=unix:b.sock"];
    let start = |lab: &str| {
        let live = Live::here(dir.path(), lab, &args);
        let [a, b] = ["a.sock", "b.sock"].map(|name| connect(&dir.path().join(name)));
        until("both are here", || ["a", "b"].iter().all(|d| live.presence(d) == "here"));
        (live, a, b)
    };
    let (live, mut a, mut b) = start("");
    for length in [60, 1514, 1519, 9014, 65_535 + 14] {
        a.write_all(&framed(&frame(1, length))).unwrap();
        assert!(read_frame(&mut b) == frame(1, length), "{length}");
    }
    live.end("-TERM");
    let (live, mut a, mut b) = start(LAB);
    for length in [1515, 9014, 13, 60] {
        a.write_all(&framed(&frame(1, length))).unwrap();
    }
    assert_eq!(read_frame(&mut b), frame(1, 60));
    let (_, counted) = live.ctl("counters --json");
    let a = counted.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
    let a = a.into_iter().find(|o| o["event"] == "counters" && o["device"] == "a").unwrap();
    assert_eq!((&a["tx_packets"], &a["tx_dropped"]), (&1.into(), &3.into()), "{a}");
    live.end("-TERM");
}
