//! Clients that request much, read little, or are idle, with a clock that the test sets.

use super::*;
use crate::frame::Frame;
use crate::lab::{Event, Hop, HopKind, Options};
use crate::live::PATIENCE;
use crate::verdict::Rule;
use std::io::{Read as _, Write as _};
use std::time::Duration;

struct Nobody;

impl Monitor for Nobody {
    fn event(&mut self, _: &Event) {}
    fn news(&mut self, _: &str) {}
}

/// A lab, its clients, and the time.
struct Room {
    control: Control,
    names: Index,
    lab: Lab,
    history: History,
    now: Instant,
    dir: tempfile::TempDir,
}

impl Room {
    fn new() -> Room {
        let lab = "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\n";
        let spec = crate::labfile::parse("lab.toml", lab).unwrap();
        let (names, lab) = (Index::of(&spec), Lab::new(&spec, Options::default()));
        let (history, now, mut control) = (History::of(10_000), Instant::ZERO, Control::default());
        let dir = tempfile::tempdir().unwrap();
        control.listen(&dir.path().join("lab.sock")).unwrap();
        Room { control, names, lab, history, now, dir }
    }

    fn call(&self) -> UnixStream {
        let caller = UnixStream::connect(self.dir.path().join("lab.sock")).unwrap();
        caller.set_nonblocking(true).unwrap();
        caller
    }

    /// One turn of the loop.
    fn turn(&mut self) {
        let Room { control, names, lab, history, now, .. } = self;
        let (places, monitor) = (&[][..], &mut Nobody);
        control.serve(true, &mut RequestContext { names, lab, places, history, monitor, now: *now });
    }

    fn later(&mut self, time: Duration) {
        self.now += time;
        self.turn();
    }

    /// Stores this many hops of frames of this length.
    fn remember(&mut self, hops: usize, length: usize) {
        for n in 0..hops {
            let (time, device, kind) = (self.now, "c1".into(), HopKind::Transmit(Rule::Hairpin));
            let frame = Frame::from(vec![0xff; length]);
            self.history.event(&Event::Hop(Hop { step: 0, time, device, kind, frame, frame_id: n as u64 }));
        }
    }
}

const SHOW: &[u8] = b"{\"do\":\"show\",\"as\":\"json\"}\n";
const DUMP: &[u8] = b"{\"do\":\"dump\",\"as\":\"json\"}\n";

/// The data that a client has received, and whether the socket is closed.
fn read(mut caller: &UnixStream) -> (Vec<u8>, bool) {
    let mut all = Vec::new();
    let waits = |e: std::io::Error| e.kind() == std::io::ErrorKind::WouldBlock;
    let ended = !caller.read_to_end(&mut all).is_err_and(waits);
    (all, ended)
}

/// The bodies of whole answers; `None`: the request was refused.
fn answers(mut bytes: &[u8]) -> Vec<Option<String>> {
    let (mut all, mut body) = (Vec::new(), Vec::new());
    while !bytes.is_empty() {
        let end = bytes.iter().position(|b| *b == b'\n').unwrap();
        let head: serde_json::Value = serde_json::from_slice(&bytes[..end]).unwrap();
        bytes = &bytes[end + 1..];
        if head["ok"] == false {
            all.push(None);
            continue;
        }
        let length = usize::try_from(head["bytes"].as_u64().unwrap()).unwrap();
        body.extend_from_slice(&bytes[..length]);
        bytes = &bytes[length..];
        if head["more"] != true {
            all.push(Some(String::from_utf8(std::mem::take(&mut body)).unwrap()));
        }
    }
    all
}

#[test]
fn a_turn_makes_one_piece_and_callers_take_turns() {
    let mut room = Room::new();
    room.remember(300, 1000);
    let (mut greedy, mut modest) = (room.call(), room.call());
    greedy.write_all(&DUMP.repeat(10)).unwrap();
    modest.write_all(SHOW).unwrap();
    room.turn();
    let first = read(&greedy).0.len();
    assert!((1..40_000).contains(&first), "{first}");
    room.turn();
    assert_eq!(answers(&read(&modest).0).len(), 1);
    // The complete answer arrives in the end, identical to a single one.
    let mut all = Vec::new();
    greedy.write_all(SHOW).unwrap();
    for _ in 0..500 {
        room.turn();
        all.extend(read(&greedy).0);
    }
    drop(modest);
    let text = String::from_utf8(all).unwrap();
    assert_eq!(text.matches("\"frame_id\":299").count(), 10);
    assert_eq!(text.matches("\"event\":\"state\"").count(), 2);
}

#[test]
fn a_caller_that_does_not_read_is_not_read_from_and_is_closed() {
    let mut room = Room::new();
    room.remember(1000, 1000);
    let mut deaf = room.call();
    deaf.write_all(&DUMP.repeat(200)).unwrap();
    (0..500).for_each(|_| room.turn());
    let held: usize = room.control.callers.iter().map(Caller::holds).sum();
    assert!(held < 100_000, "{held}");
    assert!(!room.control.has_work(), "it is not made ahead");
    // Hops of its answer are stored as long as it may still read them.
    room.remember(20_000, 100);
    assert!(room.history.get(999).is_ok());
    room.later(PATIENCE - Duration::from_millis(1));
    assert_eq!(room.control.callers.len(), 1);
    room.later(Duration::from_millis(1));
    assert!(room.control.callers.is_empty());
    assert!(read(&deaf).1);
    assert!(room.history.get(999).is_err());
}

#[test]
fn a_caller_too_slow_for_the_history_is_informed() {
    let mut room = Room::new();
    room.remember(1000, 1000);
    let mut slow = room.call();
    slow.write_all(DUMP).unwrap();
    (0..20).for_each(|_| room.turn());
    room.remember(8, 32 << 20);
    let mut all = Vec::new();
    for _ in 0..20 {
        all.extend(read(&slow).0);
        room.turn();
    }
    let text = String::from_utf8(all).unwrap();
    assert!(text.lines().last().unwrap().contains("the hops left the history before they were read"));
}

#[test]
fn a_silent_caller_makes_room() {
    let mut room = Room::new();
    let mut silent: Vec<UnixStream> = Vec::new();
    for _ in 0..MAX_CALLERS {
        silent.push(room.call());
        room.later(Duration::from_millis(1));
    }
    // One of them has sent half a word, later.
    silent[0].write_all(b"{").unwrap();
    room.later(Duration::from_millis(1));
    let mut next = room.call();
    next.write_all(SHOW).unwrap();
    room.turn();
    assert!(read(&next).0.is_empty(), "every client is given a moment");
    room.later(Duration::from_secs(1));
    room.turn();
    assert_eq!(answers(&read(&next).0).len(), 1);
    let gone: Vec<bool> = silent.iter().map(|caller| read(caller).1).collect();
    assert_eq!(gone.iter().position(|gone| *gone), Some(1), "the one that has been idle longest");
    assert_eq!(gone.iter().filter(|gone| **gone).count(), 1);
    assert_eq!(room.control.guests(), MAX_CALLERS);
}

#[test]
fn callers_in_this_process_stay() {
    let mut room = Room::new();
    let handle = room.control.ask_here(room.now).unwrap();
    handle.socket.set_nonblocking(true).unwrap();
    let _silent: Vec<UnixStream> = (0..2 * MAX_CALLERS).map(|_| room.call()).collect();
    for _ in 0..2 * MAX_CALLERS {
        room.later(Duration::from_secs(1));
    }
    assert!(room.control.asked_here().is_some() && room.control.guests() == MAX_CALLERS);
    (&handle.socket).write_all(SHOW).unwrap();
    room.turn();
    assert_eq!(answers(&read(&handle.socket).0).len(), 1);
}

#[test]
fn a_request_is_carried_out_after_its_caller_hung_up() {
    let mut room = Room::new();
    let mut caller = room.call();
    caller.write_all(&[SHOW, b"nonsense\n", SHOW].concat()).unwrap();
    caller.shutdown(std::net::Shutdown::Write).unwrap();
    (0..5).for_each(|_| room.turn());
    let (all, ended) = read(&caller);
    let told: Vec<bool> = answers(&all).iter().map(Option::is_some).collect();
    assert_eq!((told, ended), (vec![true, false, true], true));
    assert!(room.control.callers.is_empty());
}

#[test]
fn a_request_without_an_end_is_refused() {
    let mut room = Room::new();
    let mut caller = room.call();
    for _ in 0..20 {
        // Data that no longer fits into the socket is discarded.
        let _ = caller.write(&[b'x'; 4096]);
        room.turn();
    }
    let (all, ended) = read(&caller);
    assert_eq!((answers(&all), ended), (vec![None], true));
    assert!(String::from_utf8(all).unwrap().contains("more than 65536 bytes"));
}

/// Both in words, and as the rule that a program can look up.
#[test]
fn a_refused_change_names_its_rule() {
    let mut room = Room::new();
    let mut caller = room.call();
    room.turn();
    let step = r#"add = { macvlan = \"c2\", parent = \"eth0\", mode = \"passthru\" }"#;
    caller.write_all(format!("{{\"do\":\"change\",\"step\":\"{step}\"}}\n").as_bytes()).unwrap();
    room.turn();
    room.turn();
    let head: serde_json::Value = serde_json::from_slice(&read(&caller).0).unwrap();
    assert_eq!((&head["ok"], &head["errno"]), (&false.into(), &"EINVAL".into()), "{head}");
    let cause = serde_json::json!([{ "rule": "R50", "at": null, "text": "refused with EINVAL" }]);
    assert_eq!(head["because"], cause, "{head}");
    assert!(head["error"].as_str().unwrap().contains("R50 Passthru takes the parent alone: "), "{head}");
}
