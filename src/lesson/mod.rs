//! Lessons: labs that ask. A part of a lesson has a question, predictions, a run that shows the answer, and an explanation
//! that names the rules; an exercise has goals, which the engine checks behind the learner's own steps.
//!
//! The texts and the goals are in the lab file ([`PartSpec`]). Here a lesson is run, answered and judged, without input and
//! output: a terminal and a page show the same. Texts are plain strings, so a translation can look each up by the English one.
//!
//! ```
//! use macvlab::labfile::Index;
//! use macvlab::lab::Options;
//! use macvlab::lesson::{Lesson, course};
//!
//! let lesson = course::named("vepa").unwrap().lesson()?;
//! let exercise = lesson.parts().find_map(|part| part.exercise()).unwrap();
//! let names = Index::of(&exercise.start());
//! let nothing = exercise.judge(&[], &Options::default());
//! assert!(!nothing.reached());
//! let change = names.parse_step(r#"set = { switch = "sw0", port = "eth0", hairpin = true }"#)?;
//! assert!(exercise.judge(&[change], &Options::default()).reached());
//! # Ok::<(), macvlab::labfile::Diagnostics>(())
//! ```
//!
//! | file | content |
//! | --- | --- |
//! | `course.rs` | the first course, which is built in |
//! | `judge.rs` | goals, and what the learner's steps come to |
//! | `progress.rs` | what a learner has answered and solved |
//! | `review.rs` | whether a lesson does what it says |
//! | `shown.rs` | the rules that a run shows, and where |
//! | `translation.rs` | lessons in another language |

pub mod course;
mod judge;
mod progress;
mod review;
mod shown;
#[cfg(feature = "report")]
mod translation;

pub use judge::{GoalResult, Judgement};
pub use progress::{PartProgress, Progress, Score};
pub use review::Fault;
pub use shown::{Shown, shown};

use crate::lab::spec::{ExerciseSpec, LabSpec, PartSpec, PredictionSpec, StepSpec};
use crate::lab::{Event, Lab, Options};
use std::ops::Range;

/// A lab that is a lesson.
#[derive(Clone, Debug)]
pub struct Lesson {
    lab: LabSpec,
}

impl Lesson {
    /// The lesson that a lab is; `None`: it is a lab without one.
    #[must_use]
    pub fn of(lab: LabSpec) -> Option<Lesson> {
        (!lab.lesson.is_empty()).then_some(Lesson { lab })
    }

    /// The lab.
    #[must_use]
    pub fn lab(&self) -> &LabSpec {
        &self.lab
    }

    /// The title of the lab; if it has none, the first question.
    #[must_use]
    pub fn title(&self) -> &str {
        match (self.lab.title.as_str(), self.lab.lesson.first()) {
            ("", Some(part)) => &part.question,
            (title, _) => title,
        }
    }

    /// Its parts, in order.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = Part<'_>> {
        let mut end = 0;
        self.lab.lesson.iter().enumerate().map(move |(index, spec)| {
            let begin = end;
            end = (begin + spec.steps).min(self.lab.steps.len());
            Part { lab: &self.lab, index, spec, steps: begin..end }
        })
    }

    /// Everything that happens in the lab's own steps. Its steps are numbered from 1; [`Part::numbers`] says which are
    /// whose.
    #[must_use]
    pub fn run(&self, options: &Options) -> Vec<Event> {
        run(&self.lab, options)
    }
}

/// Runs a lab. Explanations need every decision.
fn run(lab: &LabSpec, options: &Options) -> Vec<Event> {
    let mut events = Vec::new();
    let options = options.clone().with_decisions(true).with_changes(true);
    Lab::new(lab, options).run(&mut |event| events.push(event.clone()));
    events
}

/// A part of a lesson.
#[derive(Clone, Debug)]
pub struct Part<'l> {
    lab: &'l LabSpec,
    index: usize,
    spec: &'l PartSpec,
    steps: Range<usize>,
}

impl<'l> Part<'l> {
    /// Its place among the parts, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// What the file says.
    #[must_use]
    pub fn spec(&self) -> &'l PartSpec {
        self.spec
    }

    /// The question of one of its predictions.
    #[must_use]
    pub fn question_of<'p>(&self, prediction: &'p PredictionSpec) -> &'p str
    where
        'l: 'p,
    {
        prediction.question.as_ref().unwrap_or(&self.spec.question)
    }

    /// The numbers of its steps in a [run](Lesson::run) of the lesson, from 1.
    #[must_use]
    pub fn numbers(&self) -> Range<usize> {
        self.steps.start + 1..self.steps.end + 1
    }

    /// Its exercise, if it has one.
    #[must_use]
    pub fn exercise(&self) -> Option<Exercise<'l>> {
        let spec = self.spec.exercise.as_ref()?;
        Some(Exercise { lab: self.lab, before: self.steps.end, spec })
    }
}

/// The exercise of a part.
#[derive(Clone, Copy, Debug)]
pub struct Exercise<'l> {
    lab: &'l LabSpec,
    /// How many of the lab's steps go before it.
    before: usize,
    spec: &'l ExerciseSpec,
}

impl<'l> Exercise<'l> {
    /// What the file says.
    #[must_use]
    pub fn spec(&self) -> &'l ExerciseSpec {
        self.spec
    }

    /// The lab as the learner finds it: with the steps up to this point.
    #[must_use]
    pub fn start(&self) -> LabSpec {
        self.with(&[])
    }

    /// The lab with more steps behind, all in its last part. The solutions stay, for what a bridge may have as a port at
    /// some time is settled when a lab is made.
    fn with(&self, steps: &[StepSpec]) -> LabSpec {
        let before = self.lab.steps.iter().take(self.before);
        let steps: Vec<StepSpec> = before.chain(steps).cloned().collect();
        let mut lesson = self.lab.lesson.clone();
        lesson.iter_mut().for_each(|part| part.steps = 0);
        lesson.iter_mut().next_back().into_iter().for_each(|part| part.steps = steps.len());
        LabSpec { steps, lesson, ..self.lab.clone() }
    }

    /// The lab with the steps of the solution, then the goals.
    #[must_use]
    pub fn solved(&self) -> LabSpec {
        self.with(&[&self.spec.solution[..], &self.spec.goals].concat())
    }
}
