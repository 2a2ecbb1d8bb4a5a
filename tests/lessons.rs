//! Lessons: the course does what it says, goals are judged, and teachers' files are checked.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, root, stderr, stdout};
use macvlab::lab::Options;
use macvlab::labfile::{Index, check, parse, write};
use macvlab::lesson::{Exercise, Fault, Lesson, Progress, course};
use macvlab::verdict::Rule;
use std::collections::BTreeSet;

/// The lessons of the course, by name.
fn lessons() -> impl Iterator<Item = (&'static str, Lesson)> {
    course::ALL.iter().map(|lesson| (lesson.name, lesson.lesson().unwrap_or_else(|e| panic!("{e}"))))
}

fn run(args: &[&str], typed: &str) -> (Option<i32>, String, String) {
    let output = macvlab(root(), args, typed.as_bytes());
    (output.status.code(), stdout(&output), stderr(&output))
}

fn demo(args: &[&str], typed: &str) -> (Option<i32>, String, String) {
    run(&[&["demo"], args].concat(), typed)
}

/// Runs a command about a lesson that is a file in an empty folder.
fn with_file(command: &[&str], text: &str, typed: &str) -> (Option<i32>, String, String) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine.toml"), text).unwrap();
    let output = macvlab(dir.path(), command, typed.as_bytes());
    (output.status.code(), stdout(&output), stderr(&output))
}

#[test]
fn the_course_is_without_faults_and_warnings() {
    for (name, lesson) in lessons() {
        assert_eq!(lesson.faults(&Options::default()), [], "{name}");
        assert!(lesson.lab().steps.iter().all(|step| step.expect.is_some()), "{name}");
        let text = course::named(name).unwrap().text;
        assert!(check(name, text).unwrap().warnings.is_none(), "{name}");
        let again = parse(name, &write(lesson.lab())).unwrap();
        assert_eq!(write(&again), write(lesson.lab()), "{name}");
        assert_eq!(again.lesson.len(), lesson.parts().len(), "{name}");
    }
}

#[test]
fn the_files_are_the_course() {
    let files = std::fs::read_dir(root().join("fixtures/lessons")).unwrap();
    let mut files: Vec<_> = files.map(|e| std::fs::read_to_string(e.unwrap().path()).unwrap()).collect();
    let mut course: Vec<_> = course::ALL.iter().map(|lesson| lesson.text.to_owned()).collect();
    files.sort();
    course.sort();
    assert!(files == course);
    let names: BTreeSet<_> = course::ALL.iter().map(|lesson| lesson.name).collect();
    assert_eq!(names.len(), course::ALL.len());
}

/// Who guesses always the same letter learns nothing, so the right one is at every place; and rules named in a text are
/// rules, of which the list has those that decide.
#[test]
fn the_course_asks_and_explains() {
    let (mut first, mut questions, mut exercises, mut whys) = (0, 0, 0, 0);
    for (name, lesson) in lessons() {
        for part in lesson.parts() {
            let spec = part.spec();
            assert!(!spec.predictions.is_empty() && !spec.rules.is_empty(), "{name}: {}", spec.question);
            for prediction in &spec.predictions {
                assert!(part.question_of(prediction).ends_with('?'));
                questions += 1;
                whys += usize::from(prediction.after);
                first += usize::from(prediction.choices[0].right);
                for choice in &prediction.choices {
                    assert!(choice.text.ends_with('.') && choice.why.ends_with(['.', '"']), "{}", choice.why);
                }
            }
            let words = spec.explanation.split(|c: char| !c.is_ascii_alphanumeric());
            let is_id = |word: &&str| {
                let digits = word.strip_prefix(['R', 'V', 'S']).unwrap_or_default();
                digits.starts_with(|c: char| c.is_ascii_digit())
            };
            let named: Vec<_> = words.filter(is_id).map(|word| Rule::from_id(word).expect(word)).collect();
            assert!(named.contains(&spec.rules[0]), "{name}: {}", spec.explanation);
            exercises += usize::from(part.exercise().is_some());
        }
    }
    assert!(first * 2 < questions, "{first} of {questions}");
    assert!(exercises >= 8 && whys >= 8, "{exercises} {whys}");
}

/// The exercise of a lesson, by its place among the exercises.
fn judged(name: &str, place: usize, steps: &[&str]) -> macvlab::lesson::Judgement {
    let lesson = course::named(name).unwrap().lesson().unwrap();
    let exercise: Exercise<'_> = lesson.parts().filter_map(|part| part.exercise()).nth(place).unwrap();
    let mut names = Index::of(&exercise.start());
    let mut typed = Vec::new();
    for step in steps {
        let step = names.parse_step(step).unwrap_or_else(|e| panic!("{e}"));
        names.did(&step, |_| true);
        typed.push(step);
    }
    exercise.judge(&typed, &Options::default())
}

const HAIRPIN: &str = "set = { switch = \"sw0\", port = \"eth0\", hairpin = true }";

#[test]
fn goals_are_judged_behind_the_learners_steps() {
    let done = judged("vepa", 0, &[HAIRPIN]);
    assert!(done.reached() && done.changes == 1 && done.goals.iter().all(|goal| goal.held));
    let nothing = judged("vepa", 0, &[]);
    assert!(!nothing.reached() && nothing.goals.iter().all(|goal| !goal.held && goal.outcome.is_some()));
    // Looking is no change.
    let looked = judged("vepa", 0, &["ping = { from = \"c1\", to = \"win\" }", HAIRPIN, "wait = \"1s\""]);
    assert!(looked.reached() && looked.changes == 1);
}

#[test]
fn the_terms_of_an_exercise_hold() {
    let modes = ["c1", "c2"].map(|port| format!("set = {{ device = \"{port}\", mode = \"bridge\" }}"));
    let done = judged("vepa", 0, &[&modes[0], &modes[1]]);
    assert!(done.goals.iter().all(|goal| goal.held), "it works");
    assert!(!done.reached() && done.has_too_many_changes());
    let touched: Vec<_> = done.touched.iter().map(|(step, name)| (*step, name.as_str())).collect();
    assert_eq!(touched, [(0, "c1"), (1, "c2")]);
    // What is refused has changed nothing.
    let refused = "set = { device = \"c1\", mode = \"passthru\" }";
    let done = judged("vepa", 0, &[refused, HAIRPIN]);
    assert!(done.reached() && done.refused == [0] && done.changes == 1);
}

/// A bridge has room for what only the solution makes a port of it.
#[test]
fn a_learner_can_do_what_the_solution_does() {
    let lab = r#"
        [nic.eth0]
        [macvlan.c1]
        parent = "eth0"
        mode = "passthru"
        [station.win]
        address = "192.0.2.3/24"
        [switch.br0]
        address = "192.0.2.4/24"
        [switch.br0.port.c1]
        [switch.sw0.port.eth0]
        [switch.sw0.port.win]
        [lesson]
        question = "Does the bridge br0 reach win?"
        explanation = "It has no port."
        [lesson.exercise]
        task = "Make br0 reach win."
        goals = [{ ping = { from = "br0", to = "win" }, expect = "reply" }]
        solution = [{ set = { device = "c1", master = "br0" } }]
    "#;
    let lesson = Lesson::of(parse("lab.toml", lab).unwrap()).unwrap();
    assert_eq!(lesson.title(), "Does the bridge br0 reach win?");
    assert_eq!(lesson.faults(&Options::default()), []);
    let exercise = lesson.parts().next().unwrap().exercise().unwrap();
    let start = exercise.start();
    let typed = Index::of(&start).parse_step("set = { device = \"c1\", master = \"br0\" }").unwrap();
    assert!(exercise.judge(&[typed], &Options::default()).reached());
    assert!(parse("lab.toml", &write(&exercise.solved())).is_ok());
}

/// Other ways than that of the file are as good.
#[test]
fn every_way_to_a_goal_counts() {
    let back = [
        "remove = \"c1\"",
        "add = { macvlan = \"c1\", parent = \"eth0\", mode = \"vepa\", address = \"192.168.128.222/24\" }",
    ];
    assert!(judged("passthru", 0, &back).reached());
    assert!(judged("forged", 0, &["arping = { from = \"c2\", to = \"win\" }"]).reached());
    assert!(!judged("forged", 0, &["ping = { from = \"c1\", to = \"win\" }"]).reached());
    let route = |to: &str| {
        format!("set = {{ host = \"docker1\", routes = {{ add = [{{ to = \"{to}\", dev = \"shim\" }}] }} }}")
    };
    assert!(judged("host", 0, &[&route("192.168.128.192/26")]).reached());
    assert!(!judged("host", 0, &[&route("192.168.128.222/32")]).reached(), "c2 is not reached");
    // A bridge sibling reaches c3 by itself; so does everyone with hairpin, which the exercise excludes.
    assert!(!judged("bridge", 0, &[HAIRPIN]).reached());
}

#[test]
fn progress_counts_first_answers() {
    let lesson = course::named("vepa").unwrap().lesson().unwrap();
    let mut progress = Progress::new(&lesson);
    assert_eq!(progress.answer(&lesson, 0, 0, 0), Some(false));
    assert_eq!(progress.answer(&lesson, 0, 0, 1), Some(true), "it is told so");
    assert_eq!(progress.answer(&lesson, 0, 1, 2), Some(true));
    for (part, prediction, choice) in [(9, 0, 0), (0, 9, 0), (0, 0, 9)] {
        assert_eq!(progress.answer(&lesson, part, prediction, choice), None);
    }
    let score = progress.score(&lesson);
    assert_eq!((score.asked, score.right, score.solved), (2, 1, 0));
    let hints = std::iter::from_fn(|| progress.hint(&lesson, 0)).count();
    assert_eq!((hints, progress.hint(&lesson, 1)), (3, None));
    progress.answer(&lesson, 1, 0, 0);
    assert!(!progress.is_complete(&lesson));
    let exercise = lesson.parts().next().unwrap().exercise().unwrap();
    progress.judged(0, &exercise.judge(&exercise.spec().solution, &Options::default()));
    progress.judged(0, &exercise.judge(&[], &Options::default()));
    assert!(progress.is_complete(&lesson), "what is solved stays solved");
}

const LESSON: &str = r#"title = "My lesson"
[nic.eth0]
[macvlan.c1]
parent = "eth0"
address = "192.0.2.1/24"
[macvlan.c2]
parent = "eth0"
address = "192.0.2.2/24"
[switch.sw0.port.eth0]
[[step]]
ping = { from = "c1", to = "c2" }
expect = "unreachable"
[lesson]
question = "Does c1 reach c2?"
rules = ["R126"]
explanation = "No."
[lesson.prediction]
choices = [{ text = "Yes.", why = "No." }, { text = "No.", right = true, why = "So it is." }]
[lesson.exercise]
task = "Make c1 reach c2."
goals = [{ ping = { from = "c1", to = "c2" }, expect = "reply" }]
changes = 1
keep = ["c1"]
solution = [{ set = { switch = "sw0", port = "eth0", hairpin = true } }]
"#;

#[test]
fn faults_of_a_lesson_are_found() {
    let faults = |from: &str, to: &str| {
        let text = LESSON.replace(from, to);
        assert!(from == to || text != LESSON, "{from}");
        Lesson::of(parse("lab.toml", &text).unwrap()).unwrap().faults(&Options::default())
    };
    let hairpin = "{ switch = \"sw0\", port = \"eth0\", hairpin = true }";
    assert_eq!(faults("", ""), []);
    assert_eq!(faults("expect = \"unreachable\"", "expect = \"reply\""), [Fault::Unexpected { step: 0 }]);
    let rule = Rule::OwnBroadcastBack;
    assert_eq!(faults("[\"R126\"]", "[\"R126\", \"R17\"]"), [Fault::NotShown { part: 0, index: 1, rule }]);
    assert_eq!(
        faults("to = \"c2\" }, expect = \"reply\"", "to = \"c2\" }, expect = \"failure\""),
        [Fault::ReachedAtOnce { part: 0 }, Fault::NotReached { part: 0, goal: 0 }]
    );
    assert_eq!(faults("hairpin = true", "learning = true"), [Fault::NotReached { part: 0, goal: 0 }]);
    assert_eq!(
        faults(hairpin, "{ device = \"c1\", mode = \"passthru\" }"),
        [Fault::Refused { part: 0, step: 0 }, Fault::NotReached { part: 0, goal: 0 }]
    );
    let two = format!("{hairpin} }}, {{ set = {{ device = \"c1\", mtu = 1400 }}");
    assert_eq!(
        faults(hairpin, &two),
        [
            Fault::TooManyChanges { part: 0, made: 2, allowed: 1 },
            Fault::Touched { part: 0, step: 1, name: "c1".into() }
        ]
    );
}

#[test]
fn the_lesson_of_the_documents_is_without_faults() {
    let page = std::fs::read_to_string(root().join("docs/lessons.md")).unwrap();
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    let (code, said, wrong) = with_file(&["check", "--deny-warnings", "mine.toml"], text, "");
    assert!(code == Some(0) && said.contains("parts of the lesson 1"), "{wrong}");
}

#[test]
fn check_knows_lessons() {
    let check = |text: &str| with_file(&["check", "mine.toml"], text, "");
    let (code, text, said) = check(LESSON);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert_eq!(text, "mine.toml: ok: devices 3, switches 1, steps 1, parts of the lesson 1\n");
    let wrong = LESSON.replace("hairpin = true", "learning = true").replace("[\"R126\"]", "[\"R17\"]");
    let (code, text, said) = check(&wrong);
    assert_eq!((code, text.as_str()), (Some(2), ""));
    insta::assert_snapshot!(said);
    for lesson in course::ALL {
        let (code, text, said) = run(&["check", "--deny-warnings", &format!("lesson:{}", lesson.name)], "");
        assert!(code == Some(0) && text.contains("parts of the lesson"), "{said}");
    }
}

#[test]
fn a_tour_has_every_part_with_its_answers() {
    let (code, text, said) = demo(&["--tour"], "");
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert_eq!(text.lines().filter(|line| line.starts_with("== ")).count(), course::ALL.len());
    for (name, lesson) in lessons() {
        for part in lesson.parts() {
            for prediction in &part.spec().predictions {
                assert!(text.contains(part.question_of(prediction)), "{name}");
                for choice in &prediction.choices {
                    assert!(text.contains(&format!("{} {}", choice.text, choice.why)), "{name}");
                }
            }
            assert!(text.contains(&part.spec().explanation), "{name}");
            for rule in &part.spec().rules {
                assert!(text.contains(&format!("  {:<5} {}", rule.id(), rule.title())), "{name}: {rule}");
            }
        }
    }
    assert!(!text.contains("✗ goal"), "every solution solves");
    assert!(!text.contains("not as expected"));
}

#[test]
fn one_lesson_of_the_tour() {
    let (code, text, _) = demo(&["private", "--tour"], "");
    assert_eq!(code, Some(0));
    insta::assert_snapshot!(text);
}

/// What a learner types who knows everything.
fn all_right(lesson: &Lesson) -> String {
    let mut typed = String::new();
    for part in lesson.parts() {
        let predictions = &part.spec().predictions;
        for after in [false, true] {
            for prediction in predictions.iter().filter(|prediction| prediction.after == after) {
                let right = prediction.choices.iter().position(|choice| choice.right).unwrap();
                typed.push_str(&format!("{}\n", right + 1));
            }
        }
        if let Some(exercise) = part.exercise() {
            for step in &exercise.spec().solution {
                typed.push_str(&format!("{}\n", macvlab::labfile::write_action(step)));
            }
        }
    }
    typed
}

#[test]
fn who_knows_everything_is_told_so() {
    let typed: String = lessons().map(|(_, lesson)| all_right(&lesson)).collect();
    let (code, text, said) = demo(&["--quiz"], &typed);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let last = text.lines().last().unwrap();
    assert!(last.contains(" right: all of them. ") && last.ends_with(" exercises solved."), "{last}");
    assert!(!text.contains("You are wrong."));
}

#[test]
fn a_quiz_of_one_lesson() {
    let typed = "a\nC\nwhat?\nhint\nset = { device = \"c1\", mode = \"bridge\" }\nset = { device = \"c2\", mode = \"bridge\" }\nundo\nundo\n\
                 set = { switch = \"sw0\", port = \"eth0\", hairpin = true }\n9\n1\n";
    let (code, text, said) = demo(&["vepa", "--quiz"], typed);
    assert_eq!(code, Some(0));
    insta::assert_snapshot!(text);
    insta::assert_snapshot!(said);
}

#[test]
fn a_quiz_that_ends_early_has_a_score() {
    for (typed, last) in [
        ("b\nq\n", "1 of 1 right: all of them."),
        ("1\n\nperhaps\n1\nquit\n", "0 of 2 right."),
        ("b\nc", "2 of 2 right: all of them."),
        ("", "No predictions, no score."),
        ("\u{1b}[31m\u{0}\nq\n", "No predictions, no score."),
    ] {
        let (code, text, said) = demo(&["vepa", "--quiz"], typed);
        assert_eq!((code, text.lines().last()), (Some(0), Some(last)), "{typed:?}");
        assert!(!text.contains('\u{1b}') && !said.contains('\u{1b}'));
    }
    let (code, text, _) = demo(&["--quiz"], &"y".repeat(9000));
    assert_eq!((code, text.lines().last()), (Some(0), Some("No predictions, no score.")));
}

#[test]
fn a_typed_line_has_a_limit() {
    // Two answers, because the first line is 4,096 bytes long; and one that is invalid.
    for (spaces, last) in [(4095, "1 of 2 right."), (4093, "No predictions, no score.")] {
        let typed = " ".repeat(spaces) + "bxa\nq\n";
        let typed = if spaces == 4095 { typed.replace("bxa", "ba") } else { typed };
        let (code, text, _) = demo(&["vepa", "--quiz"], &typed);
        assert_eq!((code, text.lines().last()), (Some(0), Some(last)));
    }
}

#[test]
fn a_lesson_of_ones_own() {
    let (code, text, _) = with_file(&["demo", "mine.toml", "--tour"], LESSON, "");
    assert_eq!(code, Some(0));
    assert!(text.starts_with("== 1 of 1: My lesson ==\n"), "{text}");
    let typed = format!("b\n{HAIRPIN}\n");
    let (code, text, _) = with_file(&["demo", "--quiz", "mine.toml"], LESSON, &typed);
    assert_eq!(
        (code, text.lines().last()),
        (Some(0), Some("1 of 1 right: all of them. One exercise solved."))
    );
    // Its run is not as it expects.
    let wrong = LESSON.replace("expect = \"unreachable\"", "expect = \"reply\"");
    assert_eq!(with_file(&["demo", "mine.toml", "--tour"], &wrong, "").0, Some(1));
    let (code, text, said) = with_file(&["demo", "mine.toml", "--tour"], "[nic.eth0]\n", "");
    assert_eq!((code, text.as_str()), (Some(2), ""));
    assert_eq!(said, "error: mine.toml: this lab is no lesson: it has no [lesson]\n");
}

/// Texts of anybody's file can do nothing to a terminal or a page.
#[test]
fn texts_are_texts() {
    let hostile = LESSON.replace("Does c1 reach c2?", "<script>alert(1)</script>\u{202e}?");
    let (_, text, _) = with_file(&["demo", "mine.toml", "--tour"], &hostile, "");
    assert!(text.contains("<script>alert(1)</script>\\u{202e}?"));
    for sheet in ["--worksheet", "--answers"] {
        let (code, page, _) = with_file(&["demo", "mine.toml", sheet], &hostile, "");
        assert!(code == Some(0) && page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
    }
}

#[test]
fn a_worksheet_asks_and_its_key_answers() {
    let pages = ["--worksheet", "--answers"].map(|sheet| demo(&[sheet], "").1);
    for (name, lesson) in lessons() {
        for part in lesson.parts() {
            for prediction in &part.spec().predictions {
                for choice in &prediction.choices {
                    let [asked, answered] = pages.each_ref().map(|page| page.contains(&escaped(&choice.why)));
                    assert!(!asked && answered, "{name}: {}", choice.why);
                }
            }
            let [asked, answered] =
                pages.each_ref().map(|page| page.contains(&escaped(&part.spec().explanation)));
            assert!(!asked && answered, "{name}");
        }
    }
    let numbers = pages.each_ref().map(|page| page.matches("<h2>").count());
    assert_eq!(numbers[0], numbers[1]);
    assert_eq!(pages[0].matches("<figure>").count(), course::ALL.len());
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[test]
fn a_page_is_written_to_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let output = macvlab(dir.path(), &["demo", "vepa", "--worksheet=sheet.html"], b"");
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), ""));
    let page = std::fs::read_to_string(dir.path().join("sheet.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
}
