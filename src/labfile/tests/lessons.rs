//! Lessons, and what is wrong with them.

use super::diagnosed;
use crate::lab::spec::LabSpec;
use crate::labfile::{MAX_CHOICES, Remark, parse, point_out};
use insta::assert_snapshot;

const LAB: &str = "
[nic.eth0]
[macvlan.c1]
parent = \"eth0\"
address = \"192.0.2.1/24\"
[station.win]
address = \"192.0.2.2/24\"
[switch.sw0.port.eth0]
[switch.sw0.port.win]
[[step]]
ping = { from = \"c1\", to = \"win\" }
[[step]]
ping = { from = \"win\", to = \"c1\" }
";

fn with(lesson: &str) -> Result<LabSpec, String> {
    parse("lab.toml", &format!("{LAB}{lesson}")).map_err(|mistakes| {
        let first = &mistakes.list()[0];
        format!("{}: {}; {}", first.key, first.message, first.help.as_deref().unwrap_or_default())
    })
}

fn part(keys: &str) -> String {
    format!("[[lesson]]\nquestion = \"Why?\"\nexplanation = \"So.\"\n{keys}\n")
}

#[test]
fn one_part_takes_all_steps_and_several_share_them() {
    let one = with(&part("").replace("[[lesson]]", "[lesson]")).unwrap();
    assert_eq!((one.lesson.len(), one.lesson[0].steps), (1, 2));
    let two = with(&(part("steps = 1") + &part(""))).unwrap();
    assert_eq!(two.lesson.iter().map(|part| part.steps).collect::<Vec<_>>(), [1, 1]);
    let exact = with(&(part("steps = 0") + &part("steps = 2"))).unwrap();
    assert_eq!(exact.lesson.iter().map(|part| part.steps).collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn steps_that_do_not_fit_are_refused() {
    for (lesson, message) in [
        (part("") + &part(""), "lesson[1]: the key `steps` is missing; "),
        (
            part("steps = 2") + &part("steps = 1"),
            "lesson[2].steps: the lab has 0 steps left for this part; the parts take the steps of the lab one after another",
        ),
        (
            part("steps = 1"),
            "lesson[1].steps: no part takes the last 1 steps of the lab; leave `steps` out in the last part: it takes those that are left",
        ),
    ] {
        assert_eq!(with(&lesson).unwrap_err(), message);
    }
}

fn prediction(keys: &str, right: &[bool]) -> String {
    let choice = |right: &bool| format!("{{ text = \"A.\", right = {right}, why = \"B.\" }}");
    let choices: Vec<String> = right.iter().map(choice).collect();
    part(&format!("[[lesson.prediction]]\n{keys}\nchoices = [{}]", choices.join(", ")))
}

#[test]
fn a_prediction_has_one_right_answer_or_says_so() {
    assert!(with(&prediction("", &[true, false])).is_ok());
    assert!(with(&prediction("several = true", &[true, false, true])).is_ok());
    let wrong = |keys, right: &[bool]| with(&prediction(keys, right)).unwrap_err();
    let key = "lesson[1].prediction[1].choices: ";
    for (keys, right, message) in [
        ("", &[false, false][..], "none of the choices is right; add `right = true` to the one that is"),
        (
            "several = true",
            &[false, false],
            "none of the choices is right; add `right = true` to the one that is",
        ),
        ("", &[true, true], "2 of the choices are right; say so with `several = true`"),
        ("several = true", &[true, false], "only one of the choices is right; leave out `several`"),
    ] {
        assert_eq!(wrong(keys, right), format!("{key}{message}"));
    }
}

#[test]
fn a_prediction_has_a_limit_of_choices() {
    let choices = |n: usize| (0..n).map(|i| i == 0).collect::<Vec<_>>();
    assert!(with(&prediction("", &choices(MAX_CHOICES))).is_ok());
    for n in [0, 1, MAX_CHOICES + 1] {
        let error = with(&prediction("", &choices(n))).unwrap_err();
        assert_eq!(error, format!("lesson[1].prediction[1].choices: {n} choices; a prediction has 2 to 9"));
    }
}

#[test]
fn what_is_wrong_in_a_lesson_is_shown_at_its_place() {
    let text = r#"
        [nic.eth0]
        [station.win]
        [lesson]
        question = "Two\nlines?"
        explanaton = "So."
        explanation = ""
        rules = ["R14", "R1400"]
        [lesson.prediction]
        choices = [{ text = "Yes.", why = "So." }, { txt = "No.", right = true, why = "So." }]
        [lesson.exercise]
        task = "Do it."
        goals = [{ ping = { from = "win", to = "eth0" } }]
        keep = ["sw9"]
        solution = []
    "#;
    assert_snapshot!(diagnosed(text));
}

#[test]
fn the_changes_of_an_exercise_have_a_limit() {
    let exercise = |n: i64| {
        let step = "{ set = { device = \"c1\", up = true }, expect = \"ok\" }";
        part(&format!(
            "[lesson.exercise]\ntask = \"Do it.\"\nchanges = {n}\nsolution = [{step}]\ngoals = [{step}]"
        ))
    };
    assert!(with(&exercise(0)).is_ok() && with(&exercise(1000)).is_ok());
    for n in [-1, 1001] {
        let error = format!("lesson[1].exercise.changes: {n} is out of range; use a number from 0 to 1000");
        assert_eq!(with(&exercise(n)).unwrap_err(), error);
    }
}

#[test]
fn goals_can_name_what_the_solution_adds() {
    let exercise = |name| {
        part(&format!(
            "[lesson.exercise]\ntask = \"Do it.\"\n\
             solution = [{{ add = {{ macvlan = \"c2\", parent = \"eth0\", address = \"192.0.2.3/24\" }} }}]\n\
             goals = [{{ ping = {{ from = \"win\", to = \"{name}\" }}, expect = \"reply\" }}]"
        ))
    };
    assert!(with(&exercise("c2")).is_ok());
    assert_eq!(
        with(&exercise("c3")).unwrap_err(),
        "lesson[1].exercise.goals[1].ping.to: there is no device `c3`; did you mean `c1`?"
    );
}

/// A part of a lesson can be asked for that the file writes as the only one, without a list.
#[test]
fn remarks_are_pointed_out_at_the_nearest_place() {
    let text = "[nic.eth0]\n[lesson]\nrules = [\"R14\", \"R17\"]\n[lesson.exercise]\ngoals = []\n";
    let at = |key: &str| {
        let remark = Remark { key: key.to_owned(), message: "wrong".to_owned(), help: String::new() };
        let errors = point_out("lab.toml", text, [remark]).unwrap();
        (errors.list()[0].line, errors.list()[0].column)
    };
    assert_eq!(at("lesson[1].rules[2]"), (3, 17));
    assert_eq!(at("lesson[1].exercise.goals[3]"), (5, 9));
    assert_eq!(at("lesson[1].exercise.changes"), (4, 1));
    assert_eq!(at("lesson[1]"), (2, 2));
    assert_eq!(at("step[4].expect"), (1, 1));
    assert!(point_out("lab.toml", text, []).is_none());
}
