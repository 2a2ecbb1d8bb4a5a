//! Writes the parts of a lesson.

use super::keys::{Keys, list, quote};
use super::step;
use crate::lab::spec::{ChoiceSpec, ExerciseSpec, PartSpec, PredictionSpec, StepSpec};

/// The tables of a part. The last part takes the steps that are left, and need not count them.
pub(super) fn part(part: &PartSpec, is_last: bool) -> String {
    let mut keys = Keys::default();
    keys.text("question", &part.question);
    if !is_last {
        keys.put("steps", part.steps.to_string());
    }
    keys.texts("rules", &part.rules);
    keys.text("explanation", &part.explanation);
    let mut out = format!("\n[[lesson]]\n{}", keys.lines());
    for prediction in &part.predictions {
        out.push_str(&format!("\n[[lesson.prediction]]\n{}", prediction_keys(prediction).lines()));
    }
    if let Some(exercise) = &part.exercise {
        out.push_str(&format!("\n[lesson.exercise]\n{}", exercise_keys(exercise).lines()));
    }
    out
}

fn prediction_keys(prediction: &PredictionSpec) -> Keys {
    let mut keys = Keys::default();
    prediction.question.iter().for_each(|question| keys.text("question", question));
    keys.unless("after", &prediction.after, &false);
    keys.unless("several", &prediction.several, &false);
    keys.put("choices", one_per_line(prediction.choices.iter().map(choice)));
    keys
}

fn choice(choice: &ChoiceSpec) -> String {
    let mut keys = Keys::default();
    keys.text("text", &choice.text);
    keys.unless("right", &choice.right, &false);
    keys.text("why", &choice.why);
    keys.inline()
}

fn exercise_keys(exercise: &ExerciseSpec) -> Keys {
    let mut keys = Keys::default();
    keys.text("task", &exercise.task);
    keys.put("goals", steps(&exercise.goals));
    keys.maybe("changes", exercise.changes);
    if !exercise.keep.is_empty() {
        keys.put("keep", list(&exercise.keep));
    }
    if !exercise.hints.is_empty() {
        keys.put("hints", one_per_line(exercise.hints.iter().map(|hint| quote(hint))));
    }
    keys.put("solution", steps(&exercise.solution));
    if !exercise.explanation.is_empty() {
        keys.text("explanation", &exercise.explanation);
    }
    keys
}

fn steps(steps: &[StepSpec]) -> String {
    one_per_line(steps.iter().map(|step| step::keys(step).inline()))
}

fn one_per_line(values: impl Iterator<Item = String>) -> String {
    let lines: String = values.map(|value| format!("    {value},\n")).collect();
    format!("[\n{lines}]")
}
