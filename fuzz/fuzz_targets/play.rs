//! A playground session, without a network. The first byte selects a lab of the fixtures; each following line is a
//! request: the path, a space, and the body.
#![no_main]

use hyper::Request;
use libfuzzer_sys::{Corpus, fuzz_target};
use macvlab::lab::Options;
use macvlab::labfile::parse;
use macvlab::play::{Denied, Session, answer};
use macvlab_fuzz::{is_json, lab, run};

/// Maximum number of lines: an undo runs everything again.
const MAX_LINES: usize = 8;
/// Maximum number of requests in a step: they take time, and find nothing new.
const MAX_COUNT: u32 = 10;
/// Every status that a response can have.
const STATUS: [u16; 8] = [200, 400, 403, 404, 405, 413, 415, 422];

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((choice, text)) = data.split_first() else { return Corpus::Reject };
    let Ok(text) = std::str::from_utf8(text) else { return Corpus::Reject };
    let (name, spec) = lab(*choice);
    // Captures are files, which a session does not read.
    if spec.steps.iter().any(|s| matches!(s.action, macvlab::lab::spec::Action::Replay { .. })) {
        return Corpus::Reject;
    }
    let mut session =
        Session::open(spec.clone(), Options::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    for line in text.lines().take(MAX_LINES).filter(|line| !asks_for_much(line)) {
        let (what, body) = line.split_once(' ').unwrap_or((line, ""));
        let method = if ["act", "undo", "redo", "reset"].contains(&what) { "POST" } else { "GET" };
        ask(&mut session, method, what, body);
    }
    again(&mut session);
    let exported = session.export();
    let spec = parse("exported.toml", &exported).unwrap_or_else(|e| panic!("{e}\n{exported}"));
    if let Some(summary) = run(&spec, Options::default(), &mut |_| {}) {
        assert!(summary.ok(), "{name}: an exported session holds\n{exported}");
    }
    Corpus::Keep
});

/// Sends a request, and returns the body of the response.
fn ask(session: &mut Session, method: &str, what: &str, body: &str) -> Vec<u8> {
    let request =
        Request::builder().method(method).uri("/").header("content-type", "application/json").body(());
    let (head, ()) = request.expect("a request").into_parts();
    let response = answer(session, what, &head, body.as_bytes());
    assert!(STATUS.contains(&response.status().as_u16()), "{what} {body}: {}", response.status());
    let json = response.headers()["content-type"] == "application/json";
    let body = response.into_body().to_vec();
    assert!(!json || is_json(&body));
    body
}

/// Undo followed by redo restores the state.
fn again(session: &mut Session) {
    let before = ask(session, "GET", "state", "");
    if session.undo().is_ok() {
        match session.redo() {
            Ok(_) => {}
            // The sanitizer is slow, and the machine may be busy.
            Err(Denied::TookTooLong(_)) => return,
            Err(e) => panic!("{e}"),
        }
        let after = ask(session, "GET", "state", "");
        assert!(before == after, "{}\n{}", String::from_utf8_lossy(&before), String::from_utf8_lossy(&after));
    }
}

/// Whether a line has a `count` that is large.
fn asks_for_much(line: &str) -> bool {
    line.split("count").skip(1).any(|rest| {
        let digits = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let end = digits.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(digits.len());
        let number = digits[..end].replace('_', "");
        // 0x… and other notations are rare and mostly large.
        !number.is_empty() && number.parse::<u32>().map_or(number.starts_with('0'), |n| n > MAX_COUNT)
    })
}
