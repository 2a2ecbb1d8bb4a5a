//! A lesson that is taken in a session, and the place of the learner in it.

use super::denied::Denied;
use super::lesson::{LessonNow, PartNow, PlaceNow};
use crate::lab::Options;
use crate::lab::spec::{LabSpec, StepSpec};
use crate::language::Language;
use crate::lesson::{Exercise, Lesson, Part, Shown, course, shown};

/// Where a learner is in a lesson.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The part, counted from 0.
    pub part: usize,
    /// At its exercise; otherwise at its question.
    pub exercise: bool,
}

/// A lesson that is taken.
#[derive(Clone, Debug)]
pub(super) struct Study {
    pub(super) lesson: Lesson,
    /// Its name, if it is built in.
    pub(super) name: Option<&'static str>,
    place: Place,
}

impl Study {
    /// The lesson that a lab is, from its beginning.
    pub(super) fn of(lab: &LabSpec) -> Option<Study> {
        let lesson = Lesson::of(lab.clone())?;
        let is_it = |built: &&course::BuiltIn| built.lesson().is_ok_and(|own| own.lab().lesson == lab.lesson);
        let name = course::ALL.iter().find(is_it).map(|built| built.name);
        Some(Study { lesson, name, place: Place::default() })
    }

    /// A built-in lesson, from its beginning.
    pub(super) fn named(name: &str) -> Result<Study, Denied> {
        let built = course::named(name).ok_or_else(|| Denied::NoLesson(name.to_owned()))?;
        Ok(Study { lesson: built.lesson()?, name: Some(built.name), place: Place::default() })
    }

    /// The same at another place.
    pub(super) fn at(&self, place: Place) -> Result<Study, Denied> {
        let part = self.lesson.parts().nth(place.part).ok_or(Denied::NoPart(place.part + 1))?;
        if place.exercise && part.exercise().is_none() {
            return Err(Denied::NoExercise(place.part + 1));
        }
        Ok(Study { place, ..self.clone() })
    }

    /// The lab as the learner finds it at this place, and the steps that are to be run there. It is a lab as any other: the
    /// lesson is not part of it, so that it can be saved at any point.
    pub(super) fn start(&self) -> (LabSpec, Vec<StepSpec>) {
        let numbers = self.part().map(|part| part.numbers()).unwrap_or(1..1);
        let (before, own) = if self.place.exercise {
            (numbers.end - 1, Vec::new())
        } else {
            let all = self.lesson.lab().steps.iter();
            (numbers.start - 1, all.skip(numbers.start - 1).take(numbers.len()).cloned().collect())
        };
        let steps = self.lesson.lab().steps.iter().take(before).cloned().collect();
        (LabSpec { steps, lesson: Vec::new(), ..self.lesson.lab().clone() }, own)
    }

    fn part(&self) -> Option<Part<'_>> {
        self.lesson.parts().nth(self.place.part)
    }

    /// The exercise at which the learner is.
    pub(super) fn exercise(&self) -> Option<Exercise<'_>> {
        self.part().filter(|_| self.place.exercise)?.exercise()
    }

    /// All that a page shows of the lesson, in this language.
    pub(super) fn now(&self, options: &Options, language: Language) -> LessonNow {
        let shown: Vec<Shown> = shown(&self.lesson.run(options)).into_iter().collect();
        let lesson = self.lesson.clone().in_language(language);
        LessonNow {
            key: self.key(),
            name: self.name,
            title: lesson.title().to_owned(),
            parts: lesson.parts().map(|part| PartNow::of(&part, &shown, language)).collect(),
        }
    }

    /// Where the learner is, for the page.
    pub(super) fn place(&self) -> PlaceNow {
        let Place { part, exercise } = self.place;
        PlaceNow { key: self.key(), part: part + 1, exercise }
    }

    /// Under which a page keeps the progress.
    pub(super) fn key(&self) -> String {
        // No built-in lesson has a name with a space.
        self.name.map_or_else(|| format!("own {}", self.lesson.title()), str::to_owned)
    }
}
