//! What the learner's steps come to: the goals, and the terms of the exercise.

use super::{Exercise, run, shown};
use crate::lab::spec::{Name, StepSpec};
use crate::lab::{Event, Options, Outcome};
use std::collections::BTreeMap;

/// What came of a goal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoalResult {
    /// The number of its step in the judged run ([`Judgement::events`]).
    pub step: usize,
    /// What came of it; `None`: the run ended before.
    pub outcome: Option<Outcome>,
    /// It is what the goal asks for.
    pub held: bool,
}

/// What a learner's steps come to.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The goals, in the order of the file.
    pub goals: Vec<GoalResult>,
    /// How many changes were made; what was refused has changed nothing.
    pub changes: usize,
    /// How many changes are allowed; `None`: any number.
    pub allowed: Option<usize>,
    /// The learner's steps that changed what must not be changed, counted from 0, and what they changed.
    pub touched: Vec<(usize, Name)>,
    /// The learner's steps that were refused, counted from 0.
    pub refused: Vec<usize>,
    /// The whole run: the lab's steps before the exercise, the learner's, then the goals.
    pub events: Vec<Event>,
}

impl Judgement {
    /// Every goal is reached, within the terms of the exercise.
    #[must_use]
    pub fn reached(&self) -> bool {
        self.goals.iter().all(|goal| goal.held) && !self.has_too_many_changes() && self.touched.is_empty()
    }

    /// More changes were made than are allowed.
    #[must_use]
    pub fn has_too_many_changes(&self) -> bool {
        self.allowed.is_some_and(|allowed| self.changes > allowed)
    }
}

impl Exercise<'_> {
    /// Runs the learner's steps in the lab, asks it for the goals, and judges. The same steps give the same result, always.
    #[must_use]
    pub fn judge(&self, steps: &[StepSpec], options: &Options) -> Judgement {
        let all = [steps, &self.spec.goals].concat();
        let events = run(&self.with(&all), options);
        let results: BTreeMap<usize, (Outcome, Option<bool>)> = events.iter().filter_map(result).collect();
        // Steps are numbered from 1.
        let first = self.before + 1;
        let is_refused =
            |index: &usize| matches!(results.get(&(first + index)), Some((Outcome::Refused(_), _)) | None);
        let (mut changes, mut touched) = (0, Vec::new());
        for (index, step) in steps.iter().enumerate().filter(|(_, step)| step.action.is_change()) {
            if is_refused(&index) {
                continue;
            }
            changes += 1;
            let subject = shown::subject_of(&step.action);
            if self.spec.keep.contains(&subject) {
                touched.push((index, subject));
            }
        }
        let goals = (0..self.spec.goals.len()).map(|index| {
            let step = first + steps.len() + index;
            let (outcome, held) = results.get(&step).copied().unzip();
            GoalResult { step, outcome, held: held.flatten() == Some(true) }
        });
        Judgement {
            goals: goals.collect(),
            changes,
            allowed: self.spec.changes,
            touched,
            refused: (0..steps.len()).filter(is_refused).collect(),
            events,
        }
    }
}

fn result(event: &Event) -> Option<(usize, (Outcome, Option<bool>))> {
    match event {
        Event::Result { step, outcome, held, .. } => Some((*step, (*outcome, *held))),
        _ => None,
    }
}
