//! Lessons on paper: a page with the questions, or one with the answers, that prints well.

use crate::lab::spec::PredictionSpec;
use crate::lab::{Event, Lab, Options};
use crate::labfile::write_action;
use crate::language::{Language, spaced};
use crate::lesson::{Exercise, Lesson, Part};
use crate::report::draw::{Layout, STYLE, Scene, embedded_svg, escape};
use crate::report::words::{expectation, step_in_words};
use std::fmt::Write as _;

/// The style of the page.
const PAGE_STYLE: &str = include_str!("worksheet.css");

/// Which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sheet {
    /// For learners: figures, questions, choices, and space to write.
    Questions,
    /// For teachers: what is right, and why.
    Answers,
}

/// A page with these lessons, each beginning on a new sheet of paper. Both pages number the questions alike.
///
/// ```
/// use macvlab::lesson::course;
/// use macvlab::report::worksheet::{Sheet, page};
///
/// let lessons = [course::named("vepa").unwrap().lesson()?];
/// let [sheet, key] = [Sheet::Questions, Sheet::Answers].map(|sheet| page(&lessons, sheet));
/// assert!(sheet.contains("<svg") && !sheet.contains("hairpin = true"));
/// assert!(key.contains("hairpin = true"), "the solution of the exercise");
/// # Ok::<(), macvlab::labfile::Diagnostics>(())
/// ```
#[must_use]
pub fn page(lessons: &[Lesson], sheet: Sheet) -> String {
    page_in(Language::English, lessons, sheet)
}

/// The same in another language, in which the lessons [are already](Lesson::in_language).
#[must_use]
pub fn page_in(language: Language, lessons: &[Lesson], sheet: Sheet) -> String {
    let mut page = Page { language, sheet, question: 0, out: String::new() };
    let title = match sheet {
        Sheet::Questions => "Worksheet",
        Sheet::Answers => "Answers",
    };
    let (tag, title) = (language.tag(), language.say(title));
    let _ = writeln!(
        page.out,
        "<!DOCTYPE html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <style>\n{PAGE_STYLE}{STYLE}</style>\n</head>\n<body>"
    );
    for lesson in lessons {
        page.lesson(lesson);
    }
    page.out.push_str("</body>\n</html>\n");
    page.out
}

/// A page that is being written.
struct Page {
    language: Language,
    sheet: Sheet,
    /// The number of the last question.
    question: usize,
    out: String,
}

impl Page {
    /// An element with a text.
    fn text(&mut self, element: &str, text: &str) {
        let name = element.split(' ').next().unwrap_or_default();
        let _ = writeln!(self.out, "<{element}>{}</{name}>", escape(text));
    }

    /// An element with a sentence of the page's own, which the catalogue has.
    fn say(&mut self, element: &str, english: &str) {
        let text = self.language.say(english).into_owned();
        self.text(element, &text);
    }

    fn lesson(&mut self, lesson: &Lesson) {
        self.out.push_str("<section>\n");
        self.text("h1", lesson.title());
        if self.sheet == Sheet::Questions {
            let [name, date] = ["Name:", "Date:"].map(|word| self.language.say(word));
            let _ = writeln!(self.out, "<p class=\"name\">{name} <span></span> {date} <span></span></p>");
            let mut scene = Scene::default();
            Lab::new(lesson.lab(), Options::default()).flush(&mut |event: &Event| _ = scene.event(event));
            let figure = embedded_svg(&scene, &Layout::of(&scene));
            let _ = writeln!(self.out, "<figure>{figure}</figure>");
        }
        for part in lesson.parts() {
            self.part(lesson, &part);
        }
        self.out.push_str("</section>\n");
    }

    fn part(&mut self, lesson: &Lesson, part: &Part<'_>) {
        for prediction in part.spec().predictions.iter().filter(|prediction| !prediction.after) {
            self.prediction(part, prediction);
        }
        let steps = lesson.lab().steps.get(part.numbers().start - 1..part.numbers().end - 1);
        let steps = steps.unwrap_or_default();
        if self.sheet == Sheet::Questions && !steps.is_empty() {
            let words: Vec<String> = steps.iter().map(step_in_words).collect();
            self.say("p class=\"run\"", &format!("Then it is tried: {}.", words.join("; ")));
        }
        for prediction in part.spec().predictions.iter().filter(|prediction| prediction.after) {
            self.prediction(part, prediction);
        }
        match self.sheet {
            Sheet::Questions => self.space("What happened, and why?"),
            Sheet::Answers => {
                self.text("p class=\"explanation\"", &part.spec().explanation);
                for rule in &part.spec().rules {
                    let [title, why] = [rule.title(), rule.why()].map(|text| self.language.say(text));
                    let text = format!("{} {title}{}{why}", rule.id(), self.language.say(": "));
                    self.text("p class=\"rule\"", &text);
                }
            }
        }
        if let Some(exercise) = part.exercise() {
            self.exercise(&exercise);
        }
    }

    fn prediction(&mut self, part: &Part<'_>, prediction: &PredictionSpec) {
        self.question += 1;
        let number = self.question;
        let question = part.question_of(prediction);
        self.text("h2", &format!("{number}. {question}"));
        self.out.push_str("<ol type=\"a\">\n");
        for choice in &prediction.choices {
            match self.sheet {
                Sheet::Questions => self.text("li class=\"box\"", &choice.text),
                Sheet::Answers if choice.right => {
                    self.text("li class=\"right\"", &spaced(&choice.text, &choice.why));
                }
                Sheet::Answers => self.text("li", &spaced(&choice.text, &choice.why)),
            }
        }
        self.out.push_str("</ol>\n");
    }

    fn exercise(&mut self, exercise: &Exercise<'_>) {
        self.question += 1;
        let spec = exercise.spec();
        self.text("h2", &format!("{}. {}", self.question, spec.task));
        match self.sheet {
            Sheet::Questions => {
                for goal in &spec.goals {
                    let expected = goal.expect.as_ref().map(expectation).unwrap_or_default();
                    self.say("p class=\"goal\"", &format!("Goal: {}: {expected}.", step_in_words(goal)));
                }
                self.space("Your steps, and why they help:");
            }
            Sheet::Answers => {
                for step in &spec.solution {
                    self.text("pre", &write_action(step));
                }
                self.text("p class=\"explanation\"", &spec.explanation);
            }
        }
    }

    /// Lines to write on.
    fn space(&mut self, label: &str) {
        self.say("p class=\"label\"", label);
        self.out.push_str("<div class=\"lines\"></div>\n");
    }
}
