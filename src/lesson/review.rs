//! Whether a lesson does what it says. The reader of the file has checked what can be seen without running it.

use super::{Exercise, Judgement, Lesson, Part, shown};
use crate::lab::spec::Name;
use crate::lab::{Event, Options};
use crate::labfile::Remark;
use crate::verdict::Rule;
use std::collections::BTreeSet;

/// A lesson does not do what it says. Parts, rules, goals and steps are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// What a step of the lab expects is not what happens.
    Unexpected {
        /// The step.
        step: usize,
    },
    /// The run of a part, and of its exercise, does not show a rule that it names.
    NotShown {
        /// The part.
        part: usize,
        /// The place of the rule in the list.
        index: usize,
        /// The rule.
        rule: Rule,
    },
    /// The goals of an exercise are reached by doing nothing.
    ReachedAtOnce {
        /// The part.
        part: usize,
    },
    /// The solution does not reach a goal.
    NotReached {
        /// The part.
        part: usize,
        /// The goal.
        goal: usize,
    },
    /// A step of the solution is refused.
    Refused {
        /// The part.
        part: usize,
        /// The step of the solution.
        step: usize,
    },
    /// The solution makes more changes than are allowed.
    TooManyChanges {
        /// The part.
        part: usize,
        /// How many it makes.
        made: usize,
        /// How many are allowed.
        allowed: usize,
    },
    /// The solution changes what must not be changed.
    Touched {
        /// The part.
        part: usize,
        /// The step of the solution.
        step: usize,
        /// What it changes.
        name: Name,
    },
}

impl Lesson {
    /// What is wrong with the lesson, in the order of its parts.
    #[must_use]
    pub fn faults(&self, options: &Options) -> Vec<Fault> {
        let events = self.run(options);
        let mut faults: Vec<Fault> = events.iter().filter_map(unexpected).collect();
        let shown = shown::shown(&events);
        for part in self.parts() {
            let own = |shown: &&shown::Shown| shown.step == 0 || part.numbers().contains(&shown.step);
            let mut rules: BTreeSet<Rule> = shown.iter().filter(own).map(|shown| shown.rule).collect();
            let tried = part.exercise().map(|exercise| try_out(&part, &exercise, options));
            if let Some((judgements, more)) = tried {
                let seen = judgements.iter().flat_map(|judgement| shown::shown(&judgement.events));
                rules.extend(seen.map(|shown| shown.rule));
                faults.extend(more);
            }
            let named = part.spec().rules.iter().enumerate();
            let missing = named.filter(|(_, rule)| !rules.contains(rule));
            let part = part.index();
            faults.extend(missing.map(|(index, rule)| Fault::NotShown { part, index, rule: *rule }));
        }
        faults
    }
}

fn unexpected(event: &Event) -> Option<Fault> {
    match event {
        Event::Result { step, held: Some(false), .. } => Some(Fault::Unexpected { step: step - 1 }),
        _ => None,
    }
}

/// An exercise without a step, and with its solution.
fn try_out(part: &Part<'_>, exercise: &Exercise<'_>, options: &Options) -> ([Judgement; 2], Vec<Fault>) {
    let part = part.index();
    let nothing = exercise.judge(&[], options);
    let solved = exercise.judge(&exercise.spec().solution, options);
    let mut faults = Vec::new();
    if nothing.reached() {
        faults.push(Fault::ReachedAtOnce { part });
    }
    faults.extend(solved.refused.iter().map(|step| Fault::Refused { part, step: *step }));
    let unreached = solved.goals.iter().enumerate().filter(|(_, goal)| !goal.held);
    faults.extend(unreached.map(|(goal, _)| Fault::NotReached { part, goal }));
    if let Some(allowed) = solved.allowed.filter(|_| solved.has_too_many_changes()) {
        faults.push(Fault::TooManyChanges { part, made: solved.changes, allowed });
    }
    let touched = solved.touched.iter();
    faults.extend(touched.map(|(step, name)| Fault::Touched { part, step: *step, name: name.clone() }));
    ([nothing, solved], faults)
}

impl From<&Fault> for Remark {
    fn from(fault: &Fault) -> Remark {
        let exercise = |part: &usize, key: String| format!("lesson[{}].exercise.{key}", part + 1);
        let (key, message, help) = match fault {
            Fault::Unexpected { step } => (
                format!("step[{}].expect", step + 1),
                "this is not what comes of the step".to_owned(),
                "`macvlab run` shows what comes of it, and why",
            ),
            Fault::NotShown { part, index, rule } => (
                format!("lesson[{}].rules[{}]", part + 1, index + 1),
                format!("the run of this part does not show {rule} ({})", rule.title()),
                "`macvlab run --explain` shows which rules decide",
            ),
            Fault::ReachedAtOnce { part } => (
                exercise(part, "goals".to_owned()),
                "the goals are reached without a change".to_owned(),
                "a goal is something that the lab does not do yet",
            ),
            Fault::NotReached { part, goal } => (
                exercise(part, format!("goals[{}]", goal + 1)),
                "the solution does not reach this goal".to_owned(),
                "",
            ),
            Fault::Refused { part, step } => (
                exercise(part, format!("solution[{}]", step + 1)),
                "this step of the solution is refused".to_owned(),
                "",
            ),
            Fault::TooManyChanges { part, made, allowed } => (
                exercise(part, "changes".to_owned()),
                format!("the solution makes {made} changes, and {allowed} are allowed"),
                "",
            ),
            Fault::Touched { part, step, name } => (
                exercise(part, format!("solution[{}]", step + 1)),
                format!("the solution changes `{name}`, which `keep` forbids"),
                "",
            ),
        };
        Remark { key, message, help: help.to_owned() }
    }
}
