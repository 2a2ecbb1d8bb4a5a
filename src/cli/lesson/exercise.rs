//! Exercises: the learner types steps until the goals are reached.

use super::answer::ask;
use super::guide::{Guide, NOT_AS_EXPECTED, told};
use super::quiz::{Quits, Taking};
use crate::cli::Failure;
use macvlab::lab::spec::StepSpec;
use macvlab::labfile::{self, Index};
use macvlab::lesson::{Exercise, Judgement};
use macvlab::plain::plain;
use macvlab::report::step_in_words;
use std::io::{self, Write as _};

/// How a step is typed.
const FORM: &str = "a step as in a lab file, such as ping = { from = \"c1\", to = \"c2\" }; \
                    hint, undo, solution, skip, or q to quit";

/// Shows an exercise with its hints and its solution.
pub(super) fn show(guide: &Guide<'_>, exercise: &Exercise<'_>) -> Result<(), Failure> {
    guide.say("Exercise", &exercise.spec().task)?;
    for hint in &exercise.spec().hints {
        guide.say("Hint", hint)?;
    }
    solution(guide, exercise)?;
    let judgement = exercise.judge(&exercise.spec().solution, &guide.loaded.options);
    goals(guide, &judgement)?;
    Ok(guide.blank()?)
}

/// The solution, as it can be typed.
fn solution(guide: &Guide<'_>, exercise: &Exercise<'_>) -> io::Result<()> {
    for step in &exercise.spec().solution {
        guide.say("Solution", &labfile::write_action(step))?;
    }
    explanation(guide, exercise)
}

fn explanation(guide: &Guide<'_>, exercise: &Exercise<'_>) -> io::Result<()> {
    match exercise.spec().explanation.as_str() {
        "" => Ok(()),
        text => guide.say("Explained", text),
    }
}

/// A line that was typed in an exercise.
enum Typed<'t> {
    Nothing,
    Quit,
    Skip,
    Help,
    Hint,
    Solution,
    Undo,
    Step(&'t str),
}

impl Typed<'_> {
    fn of(line: &str) -> Typed<'_> {
        match line.trim() {
            "" => Typed::Nothing,
            "q" | "quit" | "exit" => Typed::Quit,
            "skip" => Typed::Skip,
            "?" | "help" => Typed::Help,
            "hint" => Typed::Hint,
            "solution" => Typed::Solution,
            "undo" => Typed::Undo,
            step => Typed::Step(step),
        }
    }
}

/// Lets the learner type steps until the goals are reached.
pub(super) fn take(
    taking: &mut Taking<'_>,
    part: usize,
    exercise: &Exercise<'_>,
) -> Result<Option<Quits>, Failure> {
    let names = Index::of(&exercise.start());
    let mut steps: Vec<StepSpec> = Vec::new();
    taking.guide.say("Exercise", &exercise.spec().task)?;
    goals(&taking.guide, &exercise.judge(&steps, &taking.guide.loaded.options))?;
    loop {
        let line = ask("Your step (? for help):", taking.guide.terminal)?;
        let has_changed = match line.as_deref().map_or(Typed::Quit, Typed::of) {
            Typed::Quit => return Ok(Some(Quits)),
            Typed::Skip => break,
            Typed::Solution => {
                solution(&taking.guide, exercise)?;
                break;
            }
            Typed::Nothing => false,
            Typed::Help => {
                taking.guide.terminal.say(taking.guide.terminal.language.say(FORM));
                false
            }
            Typed::Hint => {
                let hint = taking.progress.hint(taking.guide.lesson(), part);
                let none = taking.guide.terminal.language.say("there are no more hints");
                taking.guide.say("Hint", hint.unwrap_or(&none))?;
                false
            }
            Typed::Undo => steps.pop().is_some(),
            Typed::Step(text) => match next(&names, &steps).parse_step(text) {
                Ok(step) => {
                    steps.push(step);
                    true
                }
                Err(errors) => {
                    taking.guide.terminal.warn(&errors);
                    false
                }
            },
        };
        if has_changed && tried(taking, part, exercise, &steps)? {
            break;
        }
    }
    taking.guide.blank()?;
    Ok(None)
}

/// Shows what the learner's steps come to; returns whether they reach the goals.
fn tried(
    taking: &mut Taking<'_>,
    part: usize,
    exercise: &Exercise<'_>,
    steps: &[StepSpec],
) -> Result<bool, Failure> {
    let judgement = exercise.judge(steps, &taking.guide.loaded.options);
    own_steps(&taking.guide, &judgement, steps)?;
    goals(&taking.guide, &judgement)?;
    taking.progress.judged(part, &judgement);
    taking.count();
    if judgement.reached() {
        let changes = taking.guide.terminal.language.say(&counted(judgement.changes)).into_owned();
        taking.guide.say("Solved", &changes)?;
        explanation(&taking.guide, exercise)?;
    }
    Ok(judgement.reached())
}

/// The names that the next step can use: what earlier ones add as well.
fn next(names: &Index, steps: &[StepSpec]) -> Index {
    let mut names = names.clone();
    steps.iter().for_each(|step| names.did(step, |_| true));
    names
}

/// What came of the learner's steps.
fn own_steps(guide: &Guide<'_>, judgement: &Judgement, steps: &[StepSpec]) -> Result<(), Failure> {
    let first = judgement.goals.first().map_or(1, |goal| goal.step) - steps.len();
    let (mut out, language) = (guide.terminal.out(), guide.terminal.language);
    for step in told(&judgement.events, &(first..first + steps.len()), language) {
        writeln!(out, "· {}{}{}", step.action, language.say(": "), guide.terminal.wrapped(&step.outcome, 2))?;
    }
    for (index, name) in &judgement.touched {
        let step = steps.get(*index).map(step_in_words).unwrap_or_default();
        let told = format!("leave {name} as it is: {step}");
        writeln!(out, "{} {}", guide.mark(false), plain(language.say(&told)))?;
    }
    if let Some(allowed) = judgement.allowed.filter(|_| judgement.has_too_many_changes()) {
        let made = counted(judgement.changes);
        let told = format!("{made}, and {allowed} allowed: undo takes back the last step");
        writeln!(out, "{} {}", guide.mark(false), language.say(&told))?;
    }
    Ok(out.flush()?)
}

fn counted(changes: usize) -> String {
    match changes {
        0 => "without a change".to_owned(),
        1 => "one change".to_owned(),
        n => format!("{n} changes"),
    }
}

/// The goals, and how each stands.
fn goals(guide: &Guide<'_>, judgement: &Judgement) -> Result<(), Failure> {
    let Some(first) = judgement.goals.first().map(|goal| goal.step) else { return Ok(()) };
    let (mut out, language) = (guide.terminal.out(), guide.terminal.language);
    let steps = told(&judgement.events, &(first..first + judgement.goals.len()), language);
    let [word, colon, unexpected] = ["goal: ", ": ", NOT_AS_EXPECTED].map(|word| language.say(word));
    for (goal, step) in judgement.goals.iter().zip(steps) {
        let outcome = step.outcome.replace(&*unexpected, "");
        let outcome = guide.terminal.wrapped(&outcome, 2);
        writeln!(out, "{} {word}{}{colon}{outcome}", guide.mark(goal.held), step.action)?;
    }
    Ok(out.flush()?)
}
