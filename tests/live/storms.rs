//! External loops: they are reported, limited and seen to end.

use crate::boundary::{connect, frame, framed};
use crate::net::{Live, Net, can_run, until};
use std::io::{Read as _, Write as _};
use std::net::UdpSocket;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// The output of a `macvlab live` so far.
fn said(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("said")).unwrap()
}

fn is_named(dir: &Path, way: &str) -> bool {
    said(dir).contains(&format!("a loop outside the lab: broadcasts that {way};"))
}

fn looped(live: &Live, devices: &[&str]) -> u64 {
    devices.iter().map(|device| live.attached(device)["in_looped"].as_u64().unwrap()).sum()
}

/// The frames received until none arrive for a second.
fn drain(peer: &mut UnixStream) -> Vec<Vec<u8>> {
    let mut bytes = Vec::new();
    peer.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    // It ends when the time is over.
    peer.read_to_end(&mut bytes).unwrap_err();
    let mut frames = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some((length, behind)) = rest.split_first_chunk() {
        let (frame, behind) = behind.split_at(u32::from_be_bytes(*length) as usize);
        frames.push(frame.to_vec());
        rest = behind;
    }
    frames
}

/// Frames that a test sends; a kernel's interfaces send announcements besides.
fn is_ours(frame: &[u8]) -> bool {
    frame[12..14] == [0x88, 0xb5]
}

/// Both ends of one cable are attached, so frames sent to `peer` circulate.
fn is_found_and_limited(live: &Live, dir: &Path) -> UnixStream {
    let mut peer = connect(&dir.join("c.sock"));
    until("c is here", || live.presence("c") == "here");
    peer.write_all(&framed(&frame(1, 60))).unwrap();
    until("the loop is named", || is_named(dir, "leave by a and b keep coming back by a and b"));
    drain(&mut peer);
    assert!(looped(live, &["a", "b"]) > 0);
    let (_, shown) = live.ctl("counters");
    assert!(shown.contains("in_looped"), "{shown}");
    // The next one leaves, and is dropped on return: it comes back to c once, by hairpin.
    peer.write_all(&framed(&frame(2, 60))).unwrap();
    let mut got = drain(&mut peer);
    got.retain(|frame| is_ours(frame));
    assert_eq!(got, [frame(2, 60)]);
    peer
}

#[test]
fn a_cable_whose_ends_are_both_attached_is_a_loop() {
    let dir = tempfile::tempdir().unwrap();
    // An address where no other test looks for a free port.
    let ports = [(); 2].map(|()| UdpSocket::bind("127.0.0.7:0").unwrap());
    let [one, two] = ports.map(|socket| socket.local_addr().unwrap());
    let (a, b) = (format!("a=udp:{one},{two}"), format!("b=udp:{two},{one}"));
    let args = ["--quiet", "--attach", &a, "--attach", &b, "--attach", "c=unix:c.sock"];
    let live = Live::start(Live::behind("true", dir.path(), "", &args), dir.path());
    is_found_and_limited(&live, dir.path());
    assert_eq!(said(dir.path()).matches("a loop").count(), 1, "{}", said(dir.path()));
    live.end("-TERM");
}

#[test]
fn a_veth_pair_whose_ends_are_both_attached_is_a_loop_until_it_is_gone() {
    if !can_run(&["ip"]) {
        return;
    }
    let net = Net::new(&["lab"]);
    net.veth(("lab", "one"), ("lab", "two"));
    let args = ["--attach", "a=af_packet:one", "--attach", "b=af_packet:two", "--attach", "c=unix:c.sock"];
    let live = net.live_heard("lab", "", &args);
    let _peer = is_found_and_limited(&live, net.dir.path());
    net.ip("-n lab link del one");
    until("its end is told", || said(net.dir.path()).contains("the loop is over"));
    // Kernels send by themselves, so the cable may have been tested more than once; but it is reported once only.
    assert_eq!(said(net.dir.path()).matches("a loop outside").count(), 1, "{}", said(net.dir.path()));
    live.end("-TERM");
}

#[test]
fn two_relays_back_to_back_are_a_loop() {
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [one, two] = dirs.each_ref().map(|dir| dir.path());
    let start = |dir: &Path, back: String| {
        let args = ["--attach", &back, "--attach", "c=unix:c.sock"];
        let live = Live::start(Live::behind("true", dir, "", &args), dir);
        let peer = connect(&dir.join("c.sock"));
        until("c is here", || live.presence("c") == "here");
        (live, peer)
    };
    let (first, mut peer) = start(one, "a=unix:a.sock".to_owned());
    let (second, mut other) = start(two, format!("a=unix-connect:{}", one.join("a.sock").display()));
    until("both are here", || [&first, &second].iter().all(|live| live.presence("a") == "here"));
    peer.write_all(&framed(&frame(1, 60))).unwrap();
    // Either finds it, or both; one is enough to limit it.
    until("the loop is named", || {
        [one, two].iter().any(|dir| is_named(dir, "leave by a keep coming back by a"))
    });
    drain(&mut peer);
    drain(&mut other);
    assert!(looped(&first, &["a"]) + looped(&second, &["a"]) > 0);
    // Both are reached by frames that both send, a few times at most.
    peer.write_all(&framed(&frame(2, 60))).unwrap();
    other.write_all(&framed(&frame(3, 60))).unwrap();
    for (peer, foreign) in [(&mut peer, frame(3, 60)), (&mut other, frame(2, 60))] {
        let frames = drain(peer);
        assert!(frames.contains(&foreign) && frames.len() < 10, "{frames:?}");
    }
    first.end("-TERM");
    second.end("-TERM");
}
