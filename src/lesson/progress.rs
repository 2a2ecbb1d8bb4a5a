//! What a learner has answered and solved, as a value that its owner keeps where it likes.

use super::{Judgement, Lesson};

/// How far a learner is in one lesson.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "report", derive(serde::Deserialize), serde(default))]
pub struct Progress {
    /// One entry for each part.
    pub parts: Vec<PartProgress>,
}

/// How far a learner is in a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "report", derive(serde::Deserialize), serde(default))]
pub struct PartProgress {
    /// For each prediction the first choice that was made, counted from 0; `None`: none yet.
    pub answers: Vec<Option<usize>>,
    /// How many hints were shown.
    pub hints: usize,
    /// The goals of its exercise were reached.
    pub solved: bool,
}

/// A number of answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// How many predictions were answered.
    pub asked: usize,
    /// How many of the first answers were right.
    pub right: usize,
    /// How many exercises were solved.
    pub solved: usize,
}

impl Progress {
    /// That of a learner who begins.
    #[must_use]
    pub fn new(lesson: &Lesson) -> Progress {
        let part = |part: super::Part<'_>| PartProgress {
            answers: vec![None; part.spec().predictions.len()],
            ..PartProgress::default()
        };
        Progress { parts: lesson.parts().map(part).collect() }
    }

    /// The same for this lesson, which may have changed since: what it does not have is left out.
    #[must_use]
    pub fn fitted(mut self, lesson: &Lesson) -> Progress {
        self.parts.resize_with(lesson.parts().len(), PartProgress::default);
        for (spec, part) in lesson.lab().lesson.iter().zip(&mut self.parts) {
            part.answers.resize(spec.predictions.len(), None);
            for (prediction, answer) in spec.predictions.iter().zip(&mut part.answers) {
                *answer = answer.filter(|choice| *choice < prediction.choices.len());
            }
            part.solved &= spec.exercise.is_some();
        }
        self
    }

    /// The learner chooses; the first choice counts. Everything is counted from 0. Returns whether the choice is right; `None`: there is none of
    /// this number.
    pub fn answer(&mut self, lesson: &Lesson, part: usize, prediction: usize, choice: usize) -> Option<bool> {
        let asked = lesson.lab().lesson.get(part)?.predictions.get(prediction)?;
        let right = asked.choices.get(choice)?.right;
        let answer = self.parts.get_mut(part)?.answers.get_mut(prediction)?;
        answer.get_or_insert(choice);
        Some(right)
    }

    /// The next hint for the exercise of a part, if there is one.
    pub fn hint<'l>(&mut self, lesson: &'l Lesson, part: usize) -> Option<&'l str> {
        let exercise = lesson.lab().lesson.get(part)?.exercise.as_ref()?;
        let progress = self.parts.get_mut(part)?;
        let hint = exercise.hints.get(progress.hints)?;
        progress.hints += 1;
        Some(hint)
    }

    /// The learner's steps were judged. What is solved stays solved.
    pub fn judged(&mut self, part: usize, judgement: &Judgement) {
        if let Some(part) = self.parts.get_mut(part) {
            part.solved |= judgement.reached();
        }
    }

    /// The answers so far.
    #[must_use]
    pub fn score(&self, lesson: &Lesson) -> Score {
        let mut score = Score::default();
        for (spec, part) in lesson.lab().lesson.iter().zip(&self.parts) {
            for (prediction, answer) in spec.predictions.iter().zip(&part.answers) {
                let chosen = answer.and_then(|choice| prediction.choices.get(choice));
                score.asked += usize::from(chosen.is_some());
                score.right += usize::from(chosen.is_some_and(|choice| choice.right));
            }
            score.solved += usize::from(part.solved);
        }
        score
    }

    /// Every prediction is answered and every exercise solved.
    #[must_use]
    pub fn is_complete(&self, lesson: &Lesson) -> bool {
        self.next(lesson).is_none()
    }

    /// The first part with a prediction that is not answered or an exercise that is not solved, counted from 0.
    #[must_use]
    pub fn next(&self, lesson: &Lesson) -> Option<usize> {
        let mut parts = lesson.lab().lesson.iter().zip(&self.parts);
        parts.position(|(spec, part)| {
            part.answers.iter().any(Option::is_none) || (spec.exercise.is_some() && !part.solved)
        })
    }
}
