//! What a page shows of a lesson. What is asked, what is right and what is reached comes from [`crate::lesson`]; here it is
//! put in words.

use super::denied::Denied;
use super::study::Study;
use crate::lab::Event;
use crate::lab::spec::{ChoiceSpec, Name, PredictionSpec, StepSpec};
use crate::labfile;
use crate::language::Language;
use crate::lesson::{Exercise, Judgement, Part, Progress, Score, Shown, course};
use crate::report::{outcome_in_words, step_in_words};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a learner is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlaceNow {
    /// The key of the lesson.
    pub key: String,
    /// The part, from 1.
    pub part: usize,
    /// At the exercise of the part; otherwise at its question.
    pub exercise: bool,
}

/// A lesson as a page shows it.
#[derive(Clone, Debug, Serialize)]
pub struct LessonNow {
    /// Under which the page keeps the progress.
    pub key: String,
    /// The name of a built-in lesson.
    pub name: Option<&'static str>,
    /// Its title.
    pub title: String,
    /// Its parts.
    pub parts: Vec<PartNow>,
}

/// A part of a lesson.
#[derive(Clone, Debug, Serialize)]
pub struct PartNow {
    /// The question.
    pub question: String,
    /// The first of its steps, from 1.
    pub first: usize,
    /// How many steps it has.
    pub steps: usize,
    /// What is asked.
    pub predictions: Vec<PredictionNow>,
    /// The rules that make the difference.
    pub rules: Vec<RuleNow>,
    /// Why it is so.
    pub explanation: String,
    /// Its exercise.
    pub exercise: Option<ExerciseNow>,
}

/// A prediction.
#[derive(Clone, Debug, Serialize)]
pub struct PredictionNow {
    /// What is asked.
    pub question: String,
    /// It is asked when the run was seen.
    pub after: bool,
    /// More than one choice is right.
    pub several: bool,
    /// The choices.
    pub choices: Vec<ChoiceNow>,
}

/// A choice of a prediction.
#[derive(Clone, Debug, Serialize)]
pub struct ChoiceNow {
    /// The answer.
    pub text: String,
    /// It is right.
    pub right: bool,
    /// What is said to who chooses it.
    pub why: String,
}

/// A rule that makes the difference in a part.
#[derive(Clone, Debug, Serialize)]
pub struct RuleNow {
    /// Its id.
    pub rule: &'static str,
    /// Its title.
    pub title: String,
    /// Its reason.
    pub why: String,
    /// Where it decides in the part's steps: the number of the step, and the device.
    pub places: Vec<(usize, Name)>,
}

/// An exercise.
#[derive(Clone, Debug, Serialize)]
pub struct ExerciseNow {
    /// What to do.
    pub task: String,
    /// How many changes are allowed.
    pub changes: Option<usize>,
    /// What must not be changed.
    pub keep: Vec<Name>,
    /// Hints, one after another.
    pub hints: Vec<String>,
    /// Steps that reach the goals: in words, and as text of a lab file.
    pub solution: Vec<(String, String)>,
    /// Why they do; empty: nothing is said.
    pub explanation: String,
}

impl PartNow {
    /// A part of a lesson whose texts are in this language.
    pub(super) fn of(part: &Part<'_>, shown: &[Shown], language: Language) -> PartNow {
        let (spec, numbers) = (part.spec(), part.numbers());
        let rule = |rule: &crate::verdict::Rule| {
            let here = shown.iter().filter(|shown| shown.rule == *rule && numbers.contains(&shown.step));
            RuleNow {
                rule: rule.id(),
                title: language.say(rule.title()).into_owned(),
                why: language.say(rule.why()).into_owned(),
                places: here.map(|shown| (shown.step, shown.at.clone())).collect(),
            }
        };
        PartNow {
            question: spec.question.clone(),
            first: numbers.start,
            steps: numbers.len(),
            predictions: spec.predictions.iter().map(|asked| prediction(part, asked)).collect(),
            rules: spec.rules.iter().map(rule).collect(),
            explanation: spec.explanation.clone(),
            exercise: part.exercise().map(|exercise| ExerciseNow::of(&exercise, language)),
        }
    }
}

fn prediction(part: &Part<'_>, asked: &PredictionSpec) -> PredictionNow {
    let choice = |choice: &ChoiceSpec| {
        let ChoiceSpec { text, right, why } = choice.clone();
        ChoiceNow { text, right, why }
    };
    PredictionNow {
        question: part.question_of(asked).to_owned(),
        after: asked.after,
        several: asked.several,
        choices: asked.choices.iter().map(choice).collect(),
    }
}

impl ExerciseNow {
    fn of(exercise: &Exercise<'_>, language: Language) -> ExerciseNow {
        let spec = exercise.spec();
        let step = |step: &StepSpec| (language.put_in(step_in_words(step)), labfile::write_action(step));
        ExerciseNow {
            task: spec.task.clone(),
            changes: spec.changes,
            keep: spec.keep.clone(),
            hints: spec.hints.clone(),
            solution: spec.solution.iter().map(step).collect(),
            explanation: spec.explanation.clone(),
        }
    }
}

/// What the learner's steps come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GoalsNow {
    /// The goals.
    pub goals: Vec<GoalNow>,
    /// How many changes were made.
    pub changes: usize,
    /// How many are allowed; `None`: any number.
    pub allowed: Option<usize>,
    /// More were made than are allowed.
    pub too_many: bool,
    /// What was changed and must not be.
    pub touched: Vec<Name>,
    /// All goals are reached within the terms.
    pub reached: bool,
}

/// A goal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GoalNow {
    /// What is asked of the lab: `c1 pings c2`.
    pub action: String,
    /// What came of it; empty: the run ended before.
    pub outcome: String,
    /// It is as it must be.
    pub held: bool,
}

impl GoalsNow {
    pub(super) fn of(exercise: &Exercise<'_>, judgement: &Judgement) -> GoalsNow {
        let goals = judgement.goals.iter().zip(&exercise.spec().goals).map(|(goal, spec)| {
            let outcome = judgement.events.iter().find_map(|event| match event {
                Event::Result { step, outcome, rtt, receivers, .. } if *step == goal.step => {
                    Some(outcome_in_words(&spec.action, *outcome, *rtt, receivers))
                }
                _ => None,
            });
            GoalNow { action: step_in_words(spec), outcome: outcome.unwrap_or_default(), held: goal.held }
        });
        GoalsNow {
            goals: goals.collect(),
            changes: judgement.changes,
            allowed: judgement.allowed,
            too_many: judgement.has_too_many_changes(),
            touched: judgement.touched.iter().map(|(_, name)| name.clone()).collect(),
            reached: judgement.reached(),
        }
    }

    /// The same with its sentences in another language.
    #[must_use]
    pub fn in_language(mut self, language: Language) -> GoalsNow {
        let texts = self.goals.iter_mut().flat_map(|goal| [&mut goal.action, &mut goal.outcome]);
        texts.for_each(|text| language.put(text));
        self
    }
}

/// The progress that a page kept: for each lesson's key, what was answered and solved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kept {
    /// The lessons.
    pub progress: BTreeMap<String, Progress>,
}

/// The lessons that can be taken, and how far the learner is.
#[derive(Clone, Debug, Serialize)]
pub struct CourseNow {
    /// The built-in lessons, in the order in which they are taken; before them the lesson of the lab, if it is another.
    pub lessons: Vec<CourseLesson>,
    /// The answers in all of them.
    pub score: ScoreNow,
}

/// A lesson that can be taken.
#[derive(Clone, Debug, Serialize)]
pub struct CourseLesson {
    /// Under which the page keeps the progress.
    pub key: String,
    /// The name by which it is taken; `None`: it is the lesson of the lab.
    pub name: Option<&'static str>,
    /// Its title.
    pub title: String,
    /// How many parts it has.
    pub parts: usize,
    /// The first part that is not done, from 1; `None`: all are done.
    pub next: Option<usize>,
    /// The answers.
    pub score: ScoreNow,
}

/// A number of answers.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct ScoreNow {
    /// Predictions that were answered.
    pub asked: usize,
    /// First answers that were right.
    pub right: usize,
    /// Exercises that were solved.
    pub solved: usize,
}

impl From<Score> for ScoreNow {
    fn from(Score { asked, right, solved }: Score) -> ScoreNow {
        ScoreNow { asked, right, solved }
    }
}

impl Kept {
    /// The course with this progress. `opened` is the lesson that the lab is.
    pub(super) fn course(&self, opened: Option<&Study>) -> Result<CourseNow, Denied> {
        let own = opened.filter(|study| study.name.is_none()).cloned();
        let built_in = course::ALL.iter().map(|built| Study::named(built.name));
        let studies: Vec<Study> = own.map(Ok).into_iter().chain(built_in).collect::<Result<_, _>>()?;
        let lessons: Vec<CourseLesson> = studies.iter().map(|study| self.lesson(study)).collect();
        let mut score = ScoreNow::default();
        for one in &lessons {
            score.asked += one.score.asked;
            score.right += one.score.right;
            score.solved += one.score.solved;
        }
        Ok(CourseNow { lessons, score })
    }

    fn lesson(&self, study: &Study) -> CourseLesson {
        let (lesson, key) = (&study.lesson, study.key());
        let kept = self.progress.get(&key).cloned().unwrap_or_default().fitted(lesson);
        CourseLesson {
            key,
            name: study.name,
            title: lesson.title().to_owned(),
            parts: lesson.parts().len(),
            next: kept.next(lesson).map(|part| part + 1),
            score: kept.score(lesson).into(),
        }
    }
}

impl CourseNow {
    /// The same with its titles in another language.
    #[must_use]
    pub fn in_language(mut self, language: Language) -> CourseNow {
        self.lessons.iter_mut().for_each(|lesson| language.put_title(&mut lesson.title));
        self
    }
}
