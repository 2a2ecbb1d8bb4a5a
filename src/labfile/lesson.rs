//! Lessons: `[lesson]`, or `[[lesson]]` for each part.

use super::names::Want;
use super::read::{Node, Reader, Table, list};
use super::scalar;
use super::step;
use super::suggest;
use crate::lab::spec::{ChoiceSpec, ExerciseSpec, PartSpec, PredictionSpec, StepSpec};
use crate::verdict::Rule;
use toml::de::DeValue;

/// Maximum number of choices of one prediction: each is answered with one digit or letter.
pub const MAX_CHOICES: usize = 9;

/// Maximum number of changes that an exercise may allow.
const MAX_CHANGES: i64 = 1000;

/// Reads the parts; `steps` is how many steps the lab has.
pub(super) fn lesson(cx: &mut Reader<'_>, node: &Node<'_, '_>, steps: usize) -> Option<Vec<PartSpec>> {
    let DeValue::Array(array) = node.value else {
        let mut left = steps;
        return part(cx, node, true, &mut left).map(|part| vec![part]);
    };
    let (mut left, mut number) = (steps, 0);
    list(cx, node, "a table, or a list of the lesson's parts, each starting with [[lesson]]", |cx, node| {
        number += 1;
        part(cx, node, number == array.len(), &mut left)
    })
}

/// A part; `left` is how many steps of the lab are left for it and those behind it.
fn part(cx: &mut Reader<'_>, node: &Node<'_, '_>, is_last: bool, left: &mut usize) -> Option<PartSpec> {
    let table = Table::of(cx, node)?;
    table.only(cx, &["question", "prediction", "steps", "rules", "explanation", "exercise"]);
    let question = table.require(cx, "question", line);
    let explanation = table.require(cx, "explanation", line);
    let predictions = table.get(cx, "prediction", |cx, node| match node.value {
        DeValue::Table(_) => prediction(cx, node).map(|one| vec![one]),
        _ => list(cx, node, "a list of predictions, each starting with [[lesson.prediction]]", prediction),
    });
    let rules = table.get(cx, "rules", |cx, node| list(cx, node, "a list of rules", rule));
    let steps = own_steps(cx, &table, is_last, left);
    let exercise = table.get(cx, "exercise", exercise);
    Some(PartSpec {
        question: question?,
        predictions: predictions.unwrap_or_default(),
        steps: steps?,
        rules: rules.unwrap_or_default(),
        explanation: explanation?,
        exercise,
    })
}

/// How many steps of the lab the part takes. The last takes those that are left.
fn own_steps(cx: &mut Reader<'_>, table: &Table<'_, '_>, is_last: bool, left: &mut usize) -> Option<usize> {
    let most = i64::try_from(*left).unwrap_or(i64::MAX);
    let here = if is_last && !table.has("steps") {
        *left
    } else {
        let given =
            table.require(cx, "steps", |cx, node| scalar::integer(cx, node, 0, i64::from(u32::MAX)))?;
        if given > most {
            return table.get(cx, "steps", |cx, node| {
                let help = "the parts take the steps of the lab one after another";
                cx.wrong(node, format!("the lab has {most} steps left for this part"), help)
            });
        }
        usize::try_from(given).unwrap_or_default()
    };
    *left -= here;
    if is_last && *left > 0 {
        return table.get(cx, "steps", |cx, node| {
            let help = "leave `steps` out in the last part: it takes those that are left";
            cx.wrong(node, format!("no part takes the last {left} steps of the lab"), help)
        });
    }
    Some(here)
}

/// A text of one line, which must not be empty.
fn line(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<String> {
    let text = scalar::text(cx, node)?;
    if text.trim().is_empty() {
        return cx.wrong(node, "the text is empty", "");
    }
    if text.chars().any(char::is_control) {
        let help = "without line breaks and control characters; in a \"\"\"string\"\"\", a \\ at the end of a line joins it with the next";
        return cx.wrong(node, "a text of a lesson is one line", help);
    }
    Some(text)
}

fn rule(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<Rule> {
    let id = scalar::text(cx, node)?;
    Rule::from_id(&id).or_else(|| {
        cx.wrong(node, format!("there is no rule `{}`", id.escape_debug()), "`macvlab rules` lists them")
    })
}

fn prediction(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<PredictionSpec> {
    let table = Table::of(cx, node)?;
    table.only(cx, &["question", "after", "several", "choices"]);
    let question = table.get(cx, "question", line);
    let after = table.get(cx, "after", scalar::boolean).unwrap_or_default();
    let several = table.get(cx, "several", scalar::boolean).unwrap_or_default();
    let choices = table.require(cx, "choices", |cx, node| {
        let choices = list(cx, node, "a list of choices", choice)?;
        let DeValue::Array(array) = node.value else { return None };
        if !(2..=MAX_CHOICES).contains(&array.len()) {
            let help = format!("a prediction has 2 to {MAX_CHOICES}");
            return cx.wrong(node, format!("{} choices", array.len()), &help);
        }
        let right = choices.iter().filter(|choice| choice.right).count();
        let (message, help) = match (several, right) {
            // A choice that could not be read has its own error.
            _ if choices.len() < array.len() => return None,
            (false, 1) | (true, 2..) => return Some(choices),
            (_, 0) => ("none of the choices is right".to_owned(), "add `right = true` to the one that is"),
            (true, _) => ("only one of the choices is right".to_owned(), "leave out `several`"),
            (false, n) => (format!("{n} of the choices are right"), "say so with `several = true`"),
        };
        cx.wrong(node, message, help)
    });
    Some(PredictionSpec { question, after, several, choices: choices? })
}

fn choice(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<ChoiceSpec> {
    let table = Table::of(cx, node)?;
    table.only(cx, &["text", "right", "why"]);
    let text = table.require(cx, "text", line);
    let right = table.get(cx, "right", scalar::boolean).unwrap_or_default();
    let why = table.require(cx, "why", line);
    Some(ChoiceSpec { text: text?, right, why: why? })
}

fn exercise(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<ExerciseSpec> {
    let table = Table::of(cx, node)?;
    table.only(cx, &["task", "goals", "changes", "keep", "hints", "solution", "explanation"]);
    let task = table.require(cx, "task", line);
    // Goals may name the devices that the solution adds.
    let solution =
        table.require(cx, "solution", |cx, node| not_empty(cx, node, "the solution has no step", step::step));
    let goals = table.require(cx, "goals", |cx, node| not_empty(cx, node, "the exercise has no goal", goal));
    let changes = table.get(cx, "changes", |cx, node| scalar::integer(cx, node, 0, MAX_CHANGES));
    let keep = table.get(cx, "keep", |cx, node| {
        list(cx, node, "a list of devices, hosts and switches", |cx, n| scalar::named(cx, n, Want::Pinger))
    });
    let hints = table.get(cx, "hints", |cx, node| list(cx, node, "a list of hints", line));
    let explanation = table.get(cx, "explanation", line);
    Some(ExerciseSpec {
        task: task?,
        goals: goals?,
        changes: changes.and_then(|n| usize::try_from(n).ok()),
        keep: keep.unwrap_or_default(),
        hints: hints.unwrap_or_default(),
        solution: solution?,
        explanation: explanation.unwrap_or_default(),
    })
}

fn not_empty(
    cx: &mut Reader<'_>,
    node: &Node<'_, '_>,
    message: &str,
    read: fn(&mut Reader<'_>, &Node<'_, '_>) -> Option<StepSpec>,
) -> Option<Vec<StepSpec>> {
    let steps = list(cx, node, "a list of steps, as [[step]] has them", read)?;
    let is_empty = matches!(node.value, DeValue::Array(array) if array.is_empty());
    if is_empty { cx.wrong(node, message, "") } else { Some(steps) }
}

/// A step that says what must come of it.
fn goal(cx: &mut Reader<'_>, node: &Node<'_, '_>) -> Option<StepSpec> {
    let goal = step::step(cx, node)?;
    if goal.expect.is_none() {
        let help =
            format!("add `expect`, such as {}", suggest::list(&["\"reply\"", "\"failure\"", "\"ok\""]));
        return cx.wrong(node, "the goal does not say what must come of it", &help);
    }
    Some(goal)
}
