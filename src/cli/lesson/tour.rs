//! `macvlab demo --tour`

use super::answer::ask;
use super::guide::Guide;
use super::{exercise, load};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure};
use macvlab::lesson::Part;
use std::io::{self, IsTerminal as _};

/// Shows one lesson after another, with all answers. On a terminal it waits before each answer.
pub(in crate::cli) fn tour(name: Option<&str>, terminal: &Terminal) -> Result<Exit, Failure> {
    let lessons = load(name, terminal)?;
    let waits = io::stdin().is_terminal() && io::stdout().is_terminal();
    let mut held = true;
    'lessons: for (number, loaded) in lessons.iter().enumerate() {
        let guide = Guide::new(loaded, terminal);
        held &= guide.holds();
        guide.heading(number + 1, lessons.len())?;
        for part in loaded.lesson.parts() {
            if !show(&guide, &part, waits)? || terminal.closed() {
                break 'lessons;
            }
        }
    }
    Ok(if held { Exit::Held } else { Exit::DidNotHold })
}

/// Shows a part; returns whether the learner wants more.
fn show(guide: &Guide<'_>, part: &Part<'_>, waits: bool) -> Result<bool, Failure> {
    let predictions = &part.spec().predictions;
    guide.question(part.spec())?;
    for prediction in predictions.iter().filter(|prediction| !prediction.after) {
        guide.choices(part, prediction)?;
    }
    if waits && !goes_on(guide)? {
        return Ok(false);
    }
    guide.steps(part)?;
    for prediction in predictions {
        if prediction.after {
            guide.say("Question", part.question_of(prediction))?;
        }
        guide.answers(prediction)?;
    }
    guide.explanation(part)?;
    guide.blank()?;
    if let Some(exercise) = part.exercise() {
        exercise::show(guide, &exercise)?;
    }
    if waits { goes_on(guide) } else { Ok(true) }
}

/// Waits for Enter.
fn goes_on(guide: &Guide<'_>) -> Result<bool, Failure> {
    let typed = ask("Enter to go on, q to quit:", guide.terminal)?;
    guide.blank()?;
    Ok(typed.is_some_and(|line| !matches!(line.trim(), "q" | "quit" | "exit")))
}
