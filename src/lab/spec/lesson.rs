//! Lessons: what a lab file says to a learner. The `lesson` module runs them.

use super::{LabSpec, Name, StepSpec};
use crate::verdict::Rule;

/// A part of a lesson: a question, what the learner predicts, steps of the lab that show the answer, and the explanation;
/// then, if there is one, an exercise. Every text is one line.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PartSpec {
    /// The question, in one sentence.
    pub question: String,
    /// What the learner is asked.
    pub predictions: Vec<PredictionSpec>,
    /// How many of the lab's steps belong to this part, behind those of the parts before it.
    pub steps: usize,
    /// The rules that make the difference, the most important first; the part's run must show each of them.
    pub rules: Vec<Rule>,
    /// Why it is so.
    pub explanation: String,
    /// What the learner does next, in the lab as it is behind the part's steps.
    pub exercise: Option<ExerciseSpec>,
}

/// A question with its possible answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PredictionSpec {
    /// The question; `None`: that of the part.
    pub question: Option<String>,
    /// It is asked when the learner has seen the run, for it gives away what happens there.
    pub after: bool,
    /// More than one of the choices is right; the learner chooses any of them.
    pub several: bool,
    /// The possible answers.
    pub choices: Vec<ChoiceSpec>,
}

/// A possible answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChoiceSpec {
    /// The answer.
    pub text: String,
    /// It is right.
    pub right: bool,
    /// What is said to who chooses it: why it is right; or why one may think so, and why it is not so.
    pub why: String,
}

/// Something that the learner must make the lab do.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ExerciseSpec {
    /// What to do, in one sentence.
    pub task: String,
    /// What is asked of the lab behind the learner's steps; each has an expectation.
    pub goals: Vec<StepSpec>,
    /// How many changes are allowed; `None`: any number.
    pub changes: Option<usize>,
    /// Devices, hosts and switches that must not be changed.
    pub keep: Vec<Name>,
    /// Hints, each more telling than the one before.
    pub hints: Vec<String>,
    /// Steps that reach the goals.
    pub solution: Vec<StepSpec>,
    /// Why the solution helps; empty: nothing is said.
    pub explanation: String,
}

impl LabSpec {
    /// The steps of the lab, then the solutions and the goals of its lesson: all that can name devices.
    pub fn all_steps(&self) -> impl Iterator<Item = &StepSpec> {
        let exercises = self.lesson.iter().filter_map(|part| part.exercise.as_ref());
        self.steps
            .iter()
            .chain(exercises.flat_map(|exercise| exercise.solution.iter().chain(&exercise.goals)))
    }
}
