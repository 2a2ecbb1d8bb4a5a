//! A learner takes a lesson by requests.

use super::super::{Refusal, Refused, Request, Session, answer};
use super::{classic, session};
use crate::lab::Options;
use crate::language::Language;
use crate::lesson::course;
use serde_json::{Value, json};

/// The answer to a request, as JSON.
fn respond(session: &mut Session, name: &str, body: &Value) -> Result<Value, Refused> {
    let Request::Session(ask) = Request::parse(name, body.to_string().as_bytes())? else {
        panic!("{name} is not for a session");
    };
    Ok(serde_json::from_slice(&answer(session, ask, Language::English)?.body).unwrap())
}

fn ask(session: &mut Session, name: &str, body: Value) -> Value {
    respond(session, name, &body).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn refusal(session: &mut Session, name: &str, body: Value) -> (Refusal, String) {
    let refused = respond(session, name, &body).unwrap_err();
    (refused.kind, refused.why)
}

fn lesson(name: &str) -> Session {
    Session::open(course::named(name).unwrap().lesson().unwrap().lab().clone(), Options::default()).unwrap()
}

#[test]
fn a_lesson_opens_at_its_first_question() {
    let mut session = lesson("vepa");
    let state = ask(&mut session, "state", json!({}));
    assert_eq!(state["lesson"], json!({ "key": "vepa", "part": 1, "exercise": false }));
    assert_eq!(state["state"]["done"], json!([]));
    assert!(state["state"]["undo"].is_null() && state["state"]["redo"].is_string());
    let lesson = ask(&mut session, "lesson", json!({}));
    assert_eq!(lesson["name"], "vepa");
    let part = &lesson["parts"][0];
    let whole = course::named("vepa").unwrap().lesson().unwrap();
    assert_eq!(part["question"], whole.lab().lesson[0].question.as_str());
    let asked = part["predictions"][0]["choices"].as_array().unwrap();
    assert!(asked.iter().any(|choice| choice["right"] == true));
    assert!(!part["rules"][0]["places"].as_array().unwrap().is_empty(), "{part}");
    assert!(!session.export().contains("lesson"), "a saved lab is a lab");
}

#[test]
fn every_lesson_of_the_course_can_be_taken_to_its_end() {
    let mut session = session();
    for built in course::ALL {
        ask(&mut session, "take", json!({ "name": built.name }));
        let lesson = ask(&mut session, "lesson", json!({}));
        for (index, part) in lesson["parts"].as_array().unwrap().iter().enumerate() {
            let number = index + 1;
            let at = ask(&mut session, "part", json!({ "part": number }));
            assert_eq!(at["state"]["done"].as_array().unwrap().len() + 1, part["first"], "{at}");
            let ran = ask(&mut session, "run", json!({ "part": number }));
            let last = part["first"].as_u64().unwrap() + part["steps"].as_u64().unwrap() - 1;
            assert_eq!(ran["told"]["step"], last, "{} {number}", built.name);
            let Some(solution) = part["exercise"]["solution"].as_array() else { continue };
            let begun = ask(&mut session, "exercise", json!({ "part": number }));
            assert_eq!(begun["goals"]["reached"], false, "{begun}");
            assert!(begun["state"]["undo"].is_null(), "the steps before are no actions of the learner");
            let mut reached = Value::Null;
            for step in solution {
                reached = ask(&mut session, "act", json!({ "toml": step[1] }))["goals"].clone();
            }
            assert_eq!(reached["reached"], true, "{}: {reached}", built.name);
            let undone = ask(&mut session, "reset", json!({}));
            assert_eq!(
                (&undone["goals"]["reached"], &undone["goals"]["changes"]),
                (&json!(false), &json!(0))
            );
        }
    }
}

#[test]
fn the_terms_of_an_exercise_are_judged() {
    let mut session = lesson("host");
    ask(&mut session, "exercise", json!({ "part": 2 }));
    let kept = ask(&mut session, "act", json!({ "toml": "remove = \"c2\"" }));
    assert_eq!(kept["goals"]["touched"], json!(["c2"]));
    assert_eq!(kept["goals"]["reached"], false);
    let goal = &kept["goals"]["goals"][2];
    assert_eq!((&goal["action"], &goal["held"]), (&json!("docker1 pings win"), &json!(true)));
    for _ in 0..2 {
        ask(&mut session, "act", json!({ "toml": "set = { device = \"shim\", promisc = true }" }));
    }
    assert_eq!(ask(&mut session, "state", json!({}))["goals"]["too_many"], true);
    for _ in 0..3 {
        ask(&mut session, "undo", json!({}));
    }
    assert_eq!(refusal(&mut session, "undo", json!({})).1, "there is nothing to undo");
}

#[test]
fn who_leaves_the_lessons_finds_the_lab_as_it_was() {
    let mut session = session();
    ask(&mut session, "act", json!({ "step": { "ping": { "from": "c1", "to": "c2" } } }));
    let before = session.export();
    assert!(ask(&mut session, "state", json!({}))["lesson"].is_null());
    ask(&mut session, "take", json!({ "name": "bridge" }));
    ask(&mut session, "take", json!({ "name": "vepa" }));
    ask(&mut session, "run", json!({ "part": 1 }));
    let back = ask(&mut session, "take", json!({}));
    assert!(back["lesson"].is_null() && back["goals"].is_null());
    assert_eq!(back["state"]["undo"], "c1 pings c2");
    assert_eq!(session.export(), before);
}

#[test]
fn the_course_counts_what_a_page_has_kept() {
    let mut session = session();
    let none = ask(&mut session, "course", json!({}));
    assert_eq!(none["lessons"].as_array().unwrap().len(), course::ALL.len());
    assert_eq!(none["lessons"][0]["next"], 1);

    let whole = course::named("vepa").unwrap().lesson().unwrap();
    let first = &whole.lab().lesson[0];
    let right =
        |p: &crate::lab::spec::PredictionSpec| p.choices.iter().position(|choice| choice.right).unwrap();
    let answers: Vec<usize> = first.predictions.iter().map(right).collect();
    // More than there is, and choices that there are not: from another version of the lesson.
    let parts =
        json!([{ "answers": answers, "hints": 1, "solved": true }, { "answers": [99, 0, 0, 0, 0] }, {}, {}]);
    let kept = json!({ "progress": { "vepa": { "parts": parts }, "gone": { "parts": [] } } });
    let course = ask(&mut session, "course", kept);
    let vepa = &course["lessons"][1];
    assert_eq!(vepa["next"], 2, "{vepa}");
    assert!(vepa["score"]["right"].as_u64().unwrap() >= answers.len() as u64);
    assert_eq!(vepa["score"], course["score"]);

    let mut own = classic();
    own.title = "Mine".to_owned();
    own.lesson = whole.lab().lesson.iter().take(1).cloned().collect();
    let mut session = Session::open(own, Options::default()).unwrap();
    let course = ask(&mut session, "course", json!({}));
    assert_eq!(course["lessons"][0]["key"], "own Mine");
    assert!(course["lessons"][0]["name"].is_null());
}

#[test]
fn what_there_is_not_is_refused() {
    let mut session = session();
    let mut why = |name: &str, body: Value| refusal(&mut session, name, body);
    assert_eq!(why("lesson", json!({})).1, "this lab is no lesson: take one first");
    assert_eq!(why("run", json!({ "part": 1 })).0, Refusal::Denied);
    assert_eq!(why("take", json!({ "name": "a\nb" })).1, "there is no lesson `a\\nb`");
    for (name, body) in [
        ("part", json!({ "part": 0 })),
        ("part", json!({})),
        ("course", json!({ "progress": 1 })),
        ("take", json!([1, 2])),
    ] {
        assert_eq!(why(name, body).0, Refusal::Malformed, "{name}");
    }
    session.take("figure").unwrap();
    let mut why = |name: &str, body: Value| refusal(&mut session, name, body).1;
    assert_eq!(why("part", json!({ "part": 9 })), "the lesson has no part 9");
    let _ = why("part", json!({ "part": usize::MAX }));
}
