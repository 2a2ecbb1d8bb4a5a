//! `macvlab demo --tour`, `--quiz`, `--worksheet` and `--answers`: lessons in the terminal and on paper.
//!
//! | file | what it does |
//! | --- | --- |
//! | `mod.rs` | finds the lessons that are meant |
//! | `guide.rs` | shows a lesson: questions, steps, explanations |
//! | `answer.rs` | what the learner types |
//! | `tour.rs` | one lesson after another, with the answers |
//! | `quiz.rs` | the same with the learner's predictions, and a score |
//! | `exercise.rs` | the learner's own steps |

mod answer;
mod exercise;
mod guide;
mod quiz;
mod tour;

pub(super) use quiz::quiz;
pub(super) use tour::tour;

use super::terminal::{Output, Terminal, is_dash};
use super::{Exit, Failure, input, run};
use macvlab::lab::{LabSpec, Options};
use macvlab::lesson::{Lesson, course};
use macvlab::report::worksheet::{self, Sheet};
use std::path::Path;

/// Prefix of a built-in lesson where a lab file is named: `lesson:vepa`.
pub(super) const BUILT_IN: &str = "lesson:";

/// A lesson, and what its runs need.
struct Loaded {
    lesson: Lesson,
    options: Options,
}

/// The text of a built-in lesson.
pub(super) fn named(name: &str) -> Result<&'static str, Failure> {
    course::named(name).map(|lesson| lesson.text).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Failure {
    let name = name.escape_debug();
    Failure::Because(format!(
        "there is no lesson `{name}`; `macvlab demo --list` lists them, and the name of a file ends in .toml"
    ))
}

/// The named lesson, which is built in or a file; without a name the whole course.
fn load(name: Option<&str>, terminal: &Terminal) -> Result<Vec<Loaded>, Failure> {
    let Some(name) = name else {
        return course::ALL
            .iter()
            .map(|lesson| from_file(&format!("{BUILT_IN}{}", lesson.name), terminal))
            .collect();
    };
    let path = Path::new(name);
    let is_file = path.extension().is_some_and(|end| end == "toml") || is_dash(path) || path.exists();
    let one = match course::named(name) {
        Some(_) => from_file(&format!("{BUILT_IN}{name}"), terminal),
        None if is_file || name.starts_with(BUILT_IN) => from_file(name, terminal),
        None => Err(unknown(name)),
    };
    one.map(|lesson| vec![lesson])
}

fn from_file(name: &str, terminal: &Terminal) -> Result<Loaded, Failure> {
    let path = Path::new(name);
    let lab = input::lab(path, terminal)?;
    let options = options(path, &lab, terminal)?;
    match Lesson::of(lab) {
        Some(lesson) => Ok(Loaded { lesson: lesson.in_language(terminal.language), options }),
        None => Err(Failure::about(name, "this lab is no lesson: it has no [lesson]")),
    }
}

/// What runs of a lesson need: the captures that its steps replay.
pub(super) fn options(path: &Path, lab: &LabSpec, terminal: &Terminal) -> Result<Options, Failure> {
    let folder = path.parent().filter(|_| !is_dash(path)).unwrap_or(Path::new(""));
    let mut with_all_steps = lab.clone();
    with_all_steps.steps = lab.all_steps().cloned().collect();
    let (captures, _) = run::captures(&with_all_steps, folder, terminal)?;
    Ok(Options::default().with_captures(captures))
}

/// Writes a page to print.
pub(super) fn print(
    name: Option<&str>,
    sheet: Sheet,
    output: &Path,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let lessons: Vec<Lesson> = load(name, terminal)?.into_iter().map(|loaded| loaded.lesson).collect();
    let page = worksheet::page_in(terminal.language, &lessons, sheet);
    Output::create(output, terminal)?.write_whole(page.as_bytes())?;
    Ok(Exit::Held)
}
