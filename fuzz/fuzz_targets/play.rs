//! A playground session, without a network. The first byte selects a lab of the fixtures; each following line is a
//! request: the path, a space, and the body.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use macvlab::lab::Options;
use macvlab::labfile::parse;
use macvlab::language::Language;
use macvlab::play::{Answer, Denied, Refusal, Request, Session, Workspace};
use macvlab_fuzz::{is_json, lab, run};

/// Maximum number of lines: an undo runs everything again.
const MAX_LINES: usize = 8;
/// Maximum number of requests in a step: they take time, and find nothing new.
const MAX_COUNT: u32 = 10;

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((choice, text)) = data.split_first() else { return Corpus::Reject };
    let Ok(text) = std::str::from_utf8(text) else { return Corpus::Reject };
    let (name, spec) = lab(*choice);
    // Captures are files, which a session does not read.
    if spec.steps.iter().any(|s| matches!(s.action, macvlab::lab::spec::Action::Replay { .. })) {
        return Corpus::Reject;
    }
    let mut workspace =
        Workspace::of(spec.clone(), Options::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    for line in text.lines().take(MAX_LINES).filter(|line| !asks_for_much(line)) {
        let (what, body) = line.split_once(' ').unwrap_or((line, ""));
        ask(&mut workspace, what, body);
    }
    let Some(session) = workspace.session() else { panic!("{name}: nothing is open") };
    again(session);
    let exported = session.export();
    let spec = parse("exported.toml", &exported).unwrap_or_else(|e| panic!("{e}\n{exported}"));
    if let Some(summary) = run(&spec, Options::default(), &mut |_| {}) {
        assert!(summary.ok(), "{name}: an exported session holds\n{exported}");
    }
    Corpus::Keep
});

/// Asks, and checks the answer.
fn ask(workspace: &mut Workspace, what: &str, body: &str) {
    // The target `import` diagnoses.
    if what == "findings" {
        return;
    }
    match Request::parse(what, body.as_bytes())
        .and_then(|request| workspace.respond(request, Language::English))
    {
        Ok(Answer { media, body, .. }) => assert!(media != "application/json" || is_json(&body)),
        Err(refused) => {
            assert!(refused.kind != Refusal::Broken && !refused.why.is_empty(), "{what} {body}: {refused:?}");
        }
    }
}

/// What a page shows.
fn shown(session: &Session) -> String {
    let bundle = session.bundle().to_json().unwrap_or_else(|e| panic!("{e}"));
    format!("{:?} {bundle}", session.state())
}

/// Undo followed by redo restores the state.
fn again(session: &mut Session) {
    let before = shown(session);
    if session.undo().is_ok() {
        match session.redo() {
            Ok(_) => {}
            // The sanitizer is slow, and the machine may be busy.
            Err(Denied::TookTooLong(_)) => return,
            Err(e) => panic!("{e}"),
        }
        let after = shown(session);
        assert!(before == after, "{before}\n{after}");
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
