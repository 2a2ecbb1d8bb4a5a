//! Act, undo, redo, export.

use super::super::{Denied, MAX_ACTIONS, Session};
use super::{act, classic, session};
use crate::frame::Frame;
use crate::lab::spec::Action;
use crate::lab::{Event, Lab, LabSpec, Options};
use crate::labfile::parse;
use crate::time::Instant;
use serde_json::Value;

const PING: &str = r#"ping = { from = "c1", to = "c2" }"#;
const HAIRPIN: &str = r#"set = { switch = "sw0", port = "eth0", hairpin = true }"#;
const PRIVATE: &str = r#"set = { device = "c2", mode = "private" }"#;
const WAIT: &str = "wait = \"120s\"";
const SECOND_PASSTHRU: &str = r#"add = { macvlan = "c3", parent = "eth0", mode = "passthru" }"#;

/// The text of this lab's run. Expectations are left out: the session has none, its export does.
fn run(spec: &LabSpec) -> Vec<String> {
    let mut events = Vec::new();
    let summary = Lab::new(spec, Options { decisions: true, changes: true, ..Options::default() })
        .run(&mut |event| events.push(event.clone()));
    assert!(summary.ok(), "{summary:?}");
    neutral_events(events.iter())
}

fn neutral_events<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<String> {
    let neutral = |event: &Event| match event.clone() {
        Event::Step { step, spec } => {
            let (expect, line) = (None, 0);
            Event::Step { step, spec: crate::lab::spec::StepSpec { expect, line, ..spec } }
        }
        Event::Result { step, outcome, rtt, receivers, .. } => {
            Event::Result { step, outcome, rtt, receivers, held: None, found: None }
        }
        event => event,
    };
    events.map(|event| format!("{:?}", neutral(event))).collect()
}

#[test]
fn the_lesson_of_the_hairpin() {
    let mut session = session();
    assert_eq!(
        act(&mut session, PING),
        "unreachable: no neighbour answers; R126 why the first frame was lost (at sw0.eth0)"
    );
    assert_eq!(act(&mut session, HAIRPIN), "done");
    assert_eq!(act(&mut session, PING), "a reply after 0.008 ms; R19 how the first frame reached c2");
    assert_eq!(act(&mut session, PRIVATE), "done");
    // c2's MAC address is known by now, and unicast passes whatever the mode.
    assert_eq!(
        act(&mut session, PING),
        "a reply after 0.004 ms (02:42:c0:a8:80:e9 known since step 3); R14 how the first frame reached c2"
    );
    let arping = r#"arping = { from = "c1", to = "c2" }"#;
    assert_eq!(act(&mut session, arping), "no reply; R19a why the first frame was lost (at eth0)");
    // A device that goes down forgets its neighbours.
    act(&mut session, r#"set = { device = "c1", up = false }"#);
    act(&mut session, r#"set = { device = "c1", up = true }"#);
    assert_eq!(
        act(&mut session, PING),
        "unreachable: no neighbour answers; R19a why the first frame was lost (at eth0)"
    );
    let state = session.state();
    let done: Vec<&str> = state.done.iter().map(|step| step.action.as_str()).collect();
    let hairpin = "sw0: hairpin on at the port of eth0";
    let private = "c2 changes to mode private";
    assert_eq!(done[..5], ["c1 pings c2", hairpin, "c1 pings c2", private, "c1 pings c2"]);
    assert!(state.done[0].failed && !state.done[2].failed);
}

#[test]
fn a_refusal_is_the_kernels_with_its_rule() {
    let mut session = session();
    let refused = session.act(SECOND_PASSTHRU).unwrap();
    assert!(
        refused.failed && refused.outcome.starts_with("refused with EINVAL (Invalid argument)"),
        "{refused:?}"
    );
    assert_eq!(refused.because[0].rule, "R50");
    assert!(session.state().devices.iter().all(|device| device.name != "c3"));
}

#[test]
fn receivers_and_devices_that_are_passed_over() {
    let mut session = session();
    let neutral_events = act(&mut session, r#"inject = { at = "c1", ethernet = {} }"#);
    assert_eq!(
        neutral_events,
        "delivered to win; R126 filtered from eth0 and c2, at sw0.eth0; S1 win got it"
    );
}

#[test]
fn what_is_undone_has_not_been() {
    let mut session = session();
    let fresh = neutral_events(session.events());
    act(&mut session, PING);
    let pinged = (neutral_events(session.events()), session.state());
    act(&mut session, HAIRPIN);
    act(&mut session, PRIVATE);
    assert_eq!(session.state().undo.as_deref(), Some("c2 changes to mode private"));
    session.undo().unwrap();
    session.undo().unwrap();
    assert_eq!(neutral_events(session.events()), pinged.0);
    assert_eq!(session.state().done, pinged.1.done);
    assert_eq!(session.state().devices, pinged.1.devices);
    assert_eq!(session.state().redo.as_deref(), Some("sw0: hairpin on at the port of eth0"));
    session.undo().unwrap();
    assert_eq!(neutral_events(session.events()), fresh);
    assert!(matches!(session.undo(), Err(Denied::NothingToUndo)));
    assert_eq!(neutral_events(session.events()), fresh);
}

#[test]
fn what_is_done_again_is_the_same() {
    let mut session = session();
    for step in [PING, HAIRPIN, PING, SECOND_PASSTHRU, PRIVATE] {
        act(&mut session, step);
    }
    let (events, state) = (neutral_events(session.events()), session.state());
    session.reset().unwrap();
    assert!(session.state().done.is_empty() && session.state().undo.is_none());
    for neutral_events in &state.done {
        assert_eq!(&session.redo().unwrap(), neutral_events);
    }
    assert_eq!(neutral_events(session.events()), events);
    assert_eq!(session.state(), state);
    assert!(matches!(session.redo(), Err(Denied::NothingToRedo)));
}

#[test]
fn a_new_action_ends_what_could_be_done_again() {
    let mut session = session();
    act(&mut session, PING);
    session.undo().unwrap();
    act(&mut session, HAIRPIN);
    assert!(matches!(session.redo(), Err(Denied::NothingToRedo)));
    // A denied action does not.
    session.undo().unwrap();
    assert!(session.act("ping = {}").is_err());
    assert_eq!(session.redo().unwrap().action, "sw0: hairpin on at the port of eth0");
}

#[test]
fn the_export_runs_to_the_same_events_and_holds() {
    let mut session = session();
    for step in [
        PING,
        HAIRPIN,
        PING,
        SECOND_PASSTHRU,
        PRIVATE,
        "wait = \"2s\"",
        r#"set = { device = "c1", mac = "00:0c:29:f1:38:bf" }"#,
        r#"add = { macvlan = "c3", parent = "eth0", mode = "bridge", address = "192.168.128.9/24" }"#,
        r#"udp = { from = "c3", to = "192.168.128.1" }"#,
        r#"inject = { at = "c1", ethernet = { dst = "c2" } }"#,
        r#"inject = { at = "eth0", from = "wire", frame = "ffffffffffff02000000000988b5" }"#,
        r#"set = { device = "eth0", up = false }"#,
        r#"remove = "c3""#,
        r#"ping = { from = "c3", to = "c1" }"#,
        r#"set = { device = "eth0", up = true }"#,
        r#"tcp = { from = "win", to = "c1" }"#,
    ] {
        act(&mut session, step);
    }
    let spec = parse("lab.toml", &session.export()).unwrap();
    assert_eq!(run(&spec), neutral_events(session.events()));
    // The reopened lab is the same session, and its expectations are those that it has already.
    let again = Session::open(spec, Options::default()).unwrap();
    assert_eq!(again.state().done.len(), 16);
    assert_eq!(again.export(), session.export());
}

#[test]
fn every_lab_of_the_fixtures_can_be_opened_and_exported() {
    let labs = std::fs::read_dir("fixtures/labs").unwrap().map(|entry| entry.unwrap().path());
    let mut steps = 0;
    for path in labs {
        let spec = crate::labfile::load(&path).unwrap();
        if spec.steps.iter().any(|step| matches!(step.action, Action::Replay { .. })) {
            continue;
        }
        let mut session = Session::open(spec, Options::default()).unwrap();
        let exported = parse("lab.toml", &session.export()).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        let events = neutral_events(session.events());
        assert_eq!(run(&exported), events, "{path:?}");
        session.reset().unwrap();
        while session.redo().is_ok() {
            steps += 1;
        }
        assert_eq!(neutral_events(session.events()), events, "{path:?}");
    }
    assert!(steps > 300, "{steps}");
}

/// Adds an answer to what a page shows, as its script does.
fn add(shown: &mut Value, answer: Value) {
    let lists = [
        "names",
        "texts",
        "rules",
        "frames",
        "drawings",
        "scenes",
        "moments",
        "decisions",
        "steps",
        "fdb",
        "neighbours",
    ];
    let before = std::mem::replace(shown, answer);
    if shown["after"].is_null() {
        return;
    }
    assert_eq!(shown["after"], before["at"]);
    let places = lists.map(|list| ("bundle", list)).into_iter().chain([("state", "done")]);
    for (part, list) in places {
        let mut all = before[part][list].as_array().unwrap().clone();
        all.extend(shown[part][list].as_array().unwrap().iter().cloned());
        shown[part][list] = all.into();
    }
    shown["after"] = Value::Null;
}

#[test]
fn the_news_of_every_step_add_up_to_the_whole() {
    for path in std::fs::read_dir("fixtures/labs").unwrap().map(|entry| entry.unwrap().path()) {
        let spec = crate::labfile::load(&path).unwrap();
        let Ok(mut session) = Session::open(spec, Options::default()) else { continue };
        session.reset().unwrap();
        let mut shown = serde_json::to_value(session.news()).unwrap();
        while session.redo().is_ok() {
            add(&mut shown, serde_json::to_value(session.news()).unwrap());
        }
        let whole = serde_json::to_value(session.view()).unwrap();
        assert_eq!(shown["state"], whole["state"], "{path:?}");
        for (list, value) in whole["bundle"].as_object().unwrap() {
            assert!(shown["bundle"][list] == *value, "{path:?}: {list}: {} {value}", shown["bundle"][list]);
        }
    }
}

#[test]
fn the_news_of_a_step_do_not_grow_with_the_session() {
    let mut session = session();
    act(&mut session, HAIRPIN);
    let mut lengths = Vec::new();
    for _ in 0..200 {
        act(&mut session, PING);
        lengths.push(serde_json::to_string(&session.news()).unwrap().len());
    }
    assert!(lengths[199] < lengths[10] + 200, "{} then {}", lengths[10], lengths[199]);
}

#[test]
fn a_switch_gets_its_own_device_when_a_port_is_put_on_it() {
    let mut session = session();
    act(&mut session, PING);
    let on_switch = r#"add = { macvlan = "b1", parent = "sw0", address = "192.168.128.77/24" }"#;
    assert_eq!(act(&mut session, on_switch), "done");
    assert!(act(&mut session, r#"ping = { from = "b1", to = "win" }"#).starts_with("a reply"));
    let spec = parse("lab.toml", &session.export()).unwrap();
    assert_eq!(run(&spec), neutral_events(session.events()));
    session.undo().unwrap();
    session.undo().unwrap();
    assert!(session.state().devices.iter().all(|device| device.name != "b1"));
}

#[test]
fn what_is_no_step_is_denied_in_a_sentence() {
    let mut session = session();
    let before = neutral_events(session.events());
    for (step, said) in [
        ("", "the step has no action: use one of"),
        ("ping = { from = \"c1\", to = \"c9\" }", "there is no device `c9`: did you mean `c1`?"),
        ("set = { device = \"c1\", mode = \"brigde\" }", "did you mean `bridge`?"),
        ("wait = \"1s\"\n[nic.eth1]", "this is more than a step"),
        ("wait = ", "wait"),
        ("replay = { capture = \"/etc/passwd\", at = \"c1\" }", "the capture `/etc/passwd` was not opened"),
    ] {
        let denied = session.act(step).unwrap_err().to_string();
        assert!(denied.contains(said) || said == "wait", "{step}: {denied}");
    }
    assert_eq!(neutral_events(session.events()), before);
}

#[test]
fn a_step_without_end_is_not_done() {
    let mut session = session();
    act(&mut session, HAIRPIN);
    let before = (neutral_events(session.events()), session.state());
    // Filling it with pings would exceed an action's time.
    session.leave_room(100);
    let denied = session.act(r#"ping = { from = "c1", to = "c2", count = 86400 }"#).unwrap_err();
    assert!(matches!(denied, Denied::TooManyEvents), "{denied}");
    assert_eq!((neutral_events(session.events()), session.state()), before);
    assert!(act(&mut session, PING).starts_with("a reply"));
}

#[test]
fn a_step_whose_events_just_fit_is_done() {
    let mut session = session();
    act(&mut session, HAIRPIN);
    // How the devices stand is not counted.
    let counted =
        |session: &Session| session.events().take_while(|e| !matches!(e, Event::Counters { .. })).count();
    let before = counted(&session);
    act(&mut session, PING);
    let needed = counted(&session) - before;
    for (room, fits) in [(needed, true), (needed - 1, false)] {
        session.undo().unwrap();
        session.leave_room(room);
        assert_eq!(session.act(PING).is_ok(), fits, "{room} of {needed}");
        if !fits {
            act(&mut session, PING);
        }
    }
}

#[test]
fn a_session_has_an_end() {
    let mut spec = classic();
    spec.steps = vec![crate::labfile::parse_step(&spec, WAIT).unwrap(); MAX_ACTIONS];
    let mut session = Session::open(spec.clone(), Options::default()).unwrap();
    assert!(matches!(session.act(WAIT), Err(Denied::TooManyActions)));
    session.undo().unwrap();
    act(&mut session, WAIT);
    spec.steps.push(spec.steps[0].clone());
    assert!(matches!(Session::open(spec, Options::default()), Err(Denied::TooManyActions)));
}

#[test]
fn the_traffic_is_a_capture_with_rules() {
    let mut session = session();
    act(&mut session, PING);
    let capture = session.traffic().unwrap();
    let mut reader = crate::capture::Reader::new(std::io::Cursor::new(capture)).unwrap();
    let mut frames = 0;
    while let Some(record) = reader.next_record() {
        record.unwrap();
        frames += 1;
    }
    let hops = session.events().filter(|event| matches!(event, Event::Hop(_))).count();
    assert_eq!(frames, hops);
    assert!(frames > 10);
}

#[test]
fn a_session_keeps_a_limited_number_of_frame_bytes() {
    let frame = Frame::from([vec![0xff; 6], vec![2; 6], vec![0x88, 0xb5], vec![0; 60_000]].concat());
    let frames = vec![(Instant::ZERO, frame); 600].into();
    let captures = [("large.pcap".into(), frames)].into();
    let mut session = Session::open(classic(), Options { captures, ..Options::default() }).unwrap();
    act(&mut session, HAIRPIN);
    let large = r#"replay = { capture = "large.pcap", at = "eth0" }"#;
    let denied = session.act(large).unwrap_err();
    assert!(matches!(denied, Denied::TooManyBytes), "{denied}");
    assert!(denied.to_string().contains("more than 32 MiB of frames"), "{denied}");
    assert_eq!(session.state().done.len(), 1, "nothing has happened");
    assert_eq!(act(&mut session, PING), "a reply after 0.008 ms; R19 how the first frame reached c2");
}

#[test]
fn work_that_does_not_end_is_ended() {
    let mut run = super::super::run::Run::built(&classic(), &Options::default());
    let waits = run.watched(Some(std::time::Duration::from_millis(1)), &super::super::WatchThread, |run| {
        // A step that does not end checks again and again whether to stop.
        while run.in_time().is_ok() {
            std::thread::yield_now();
        }
        Ok(())
    });
    assert_eq!(
        waits.unwrap_err().to_string(),
        "that was stopped after 1ms: an action runs for at most 10s, and all actions of a session together for 30s"
    );
}
