//! The guided tour and the quiz, with piped input and output.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, root, stderr, stdout};

fn demo(args: &[&str], typed: &str) -> (Option<i32>, String, String) {
    let output = macvlab(root(), &[&["demo"], args].concat(), typed.as_bytes());
    (output.status.code(), stdout(&output), stderr(&output))
}

/// The questions of the quiz, and the correct answers.
fn answers() -> Vec<String> {
    let (_, tour, _) = demo(&["--tour"], "");
    let answers = tour.lines().filter_map(|line| line.strip_prefix("Answer:     "));
    answers.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn a_tour_has_for_each_experiment_question_prediction_run_answer_and_explanation() {
    let (code, text, said) = demo(&["--tour"], "");
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert_eq!(text.matches("== ").count(), 8);
    for word in ["Question: ", "Set-up: ", "Prediction: ", "step 1: ", "Answer: ", "Explained: ", "Next: "] {
        let times = text.lines().filter(|line| line.starts_with(word)).count();
        assert_eq!(times, 8, "{word}");
    }
    assert_eq!(answers(), ["no", "yes", "no", "yes", "yes", "no", "no", "yes"]);
}

#[test]
fn every_step_of_every_experiment_has_a_cause() {
    let (code, text, _) = demo(&["--tour"], "");
    assert_eq!(code, Some(0));
    let mut lines = text.lines();
    let mut causes = 0;
    while lines.by_ref().any(|line| line.ends_with(", because")) {
        let cause = lines.next().unwrap();
        assert!(
            cause.starts_with("    ") && !cause.trim().is_empty(),
            "no cause before {cause:?} in\n{text}"
        );
        causes += 1;
    }
    assert!(causes > 10, "{text}");
}

#[test]
fn one_stop_of_the_tour() {
    let (code, text, _) = demo(&["private-static", "--tour"], "");
    assert_eq!(code, Some(0));
    insta::assert_snapshot!(text);
}

#[test]
fn whoever_knows_all_is_told_so() {
    let (code, text, said) = demo(&["--quiz"], &(answers().join("\n") + "\n"));
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(text.ends_with("\n8 of 8 right: all of them.\n"), "{text}");
    assert!(!text.contains("Prediction:"), "the prediction is the learner's");
}

#[test]
fn a_quiz_that_ends_early_has_a_score() {
    for (typed, last) in [
        ("y\nq\n", "0 of 1 right."),
        ("no\nYES\n", "2 of 2 right: all of them."),
        ("n\n\nperhaps\nn\nquit\n", "1 of 2 right."),
        ("y\ny", "1 of 2 right."),
        ("", "No predictions, no score."),
        ("\u{1b}[31m\u{0}\nq\n", "No predictions, no score."),
    ] {
        let (code, text, said) = demo(&["--quiz"], typed);
        assert_eq!((code, text.lines().last()), (Some(0), Some(last)), "{typed:?}");
        assert!(!text.contains('\u{1b}') && !said.contains('\u{1b}'));
        assert_eq!(said.is_empty(), !typed.contains("perhaps") && !typed.contains('\u{1b}'), "{said}");
    }
    let (code, text, _) = demo(&["--quiz"], &"y".repeat(5000));
    assert_eq!((code, text.lines().last()), (Some(0), Some("No predictions, no score.")));
}

#[test]
fn an_answer_has_a_limit() {
    // Two answers, because the first is 1,024 bytes long; and one that is invalid.
    for (spaces, last, is_one) in [(1023, "0 of 2 right.", false), (1021, "No predictions, no score.", true)]
    {
        let (code, text, said) = demo(&["--quiz"], &(" ".repeat(spaces) + "yn\nq\n"));
        assert_eq!((code, text.lines().last()), (Some(0), Some(last)));
        assert_eq!(said.contains("y for yes, n for no"), is_one, "{said}");
    }
}

#[test]
fn one_question_of_the_quiz() {
    let (code, text, _) = demo(&["bridge", "--quiz"], "n\n");
    assert_eq!(code, Some(0));
    insta::assert_snapshot!(text);
}

#[test]
fn wrong_usage() {
    for args in [
        &["--tour", "--quiz"][..],
        &["nobody", "--quiz"],
        &["--quiz", "--list"],
        &["vepa", "--tour", "--show"],
    ] {
        let (code, text, said) = demo(args, "");
        assert!(code == Some(2) && text.is_empty() && !said.is_empty(), "{args:?}");
    }
}
