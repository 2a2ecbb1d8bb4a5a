//! Steps and requests to a running lab. The first byte selects a lab of the fixtures; each following line is a request
//! of `ctl` if it begins with `{`, otherwise a step in lab file syntax.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use macvlab::lab::spec::{Action, StepSpec};
use macvlab::lab::{Event, LabSpec};
use macvlab::labfile::{parse_step, write};
use macvlab::live::{Engine, Monitor, Settings};
use macvlab_fuzz::{Budget, Views, is_short, lab, told_in_full};

/// Maximum number of lines.
const MAX_LINES: usize = 8;

struct Silent;

impl Monitor for Silent {
    fn event(&mut self, _: &Event) {}
    fn news(&mut self, _: &str) {}
}

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((choice, text)) = data.split_first() else { return Corpus::Reject };
    let Ok(text) = std::str::from_utf8(text) else { return Corpus::Reject };
    let (_, spec) = lab(*choice);
    let (requests, steps): (Vec<&str>, Vec<&str>) =
        text.lines().take(MAX_LINES).partition(|line| line.starts_with('{'));
    if !requests.is_empty() {
        asked(spec, &requests);
    }
    if !steps.is_empty() {
        stepped(spec, &steps);
    }
    Corpus::Keep
});

/// Requests to a lab in real time, in which no time passes.
fn asked(spec: &LabSpec, requests: &[&str]) {
    let mut engine = Engine::new(spec, Settings { history: 100, hops: true, duration: None });
    for request in requests {
        let answer = engine.answer(request.as_bytes(), &mut Silent);
        check_answer(request, &answer);
    }
}

/// An answer arrives in chunks, each after a line with its length and whether more follow.
fn check_answer(request: &str, mut answer: &[u8]) {
    loop {
        let end = answer.iter().position(|b| *b == b'\n').expect("a piece begins with a line");
        let head: serde_json::Value = serde_json::from_slice(&answer[..end]).expect("that is JSON");
        answer = &answer[end + 1..];
        if head["ok"] != true {
            assert!(head["error"].as_str().is_some_and(|e| !e.is_empty()), "{request}: {head}");
            break;
        }
        let bytes = head["bytes"].as_u64().expect("a piece has a length") as usize;
        answer = answer.get(bytes..).expect("a piece is as long as it says");
        if head["more"] != true {
            break;
        }
    }
    assert!(answer.is_empty(), "{request}: {} bytes behind the answer", answer.len());
}

/// Steps of a running lab.
fn stepped(spec: &LabSpec, lines: &[&str]) {
    let mut spec = spec.clone().with_steps(Vec::new());
    let (mut lab, mut budget) = Budget::lab(&spec, told_in_full());
    let mut views = Views::new(lines.iter().map(|line| line.len()).sum());
    for line in lines {
        let step = match parse_step(&spec, line) {
            Ok(step) => step,
            Err(mistakes) => {
                let shown = mistakes.render(false);
                assert!(
                    !shown.is_empty() && shown.chars().all(|c| c == '\n' || !c.is_control()),
                    "{shown:?}"
                );
                continue;
            }
        };
        // Steps read no files.
        if !is_short(&step.action) || matches!(step.action, Action::Replay { .. }) || budget.is_spent() {
            continue;
        }
        lab.step(&step, &mut |event| {
            budget.spend();
            views.event(event);
        });
        same_when_written(&spec, &step);
        spec.steps.push(step);
    }
    lab.finish(&mut |event| views.event(event));
    views.finish(&lab.devices());
}

/// A step can be appended to others, and reads back unchanged.
fn same_when_written(spec: &LabSpec, step: &StepSpec) {
    let alone = LabSpec::default().with_steps(vec![step.clone()]);
    let text = write(&alone);
    let (_, line) = text.split_once("[[step]]").unwrap_or_else(|| panic!("no step is written: {text}"));
    let again = parse_step(spec, line).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(&again, step, "{text}");
}
