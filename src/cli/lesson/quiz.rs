//! `macvlab demo --quiz`

use super::answer::{Said, ask, letter};
use super::guide::Guide;
use super::{Loaded, exercise, load};
use crate::cli::interrupt::Interrupt;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure};
use macvlab::language::Language;
use macvlab::lesson::{Part, Progress, Score};
use parking_lot::Mutex;
use std::io::Write as _;
use std::sync::Arc;

/// The learner has had enough.
pub(super) struct Quits;

/// What the learner does in one lesson.
pub(super) struct Taking<'a> {
    pub(super) guide: Guide<'a>,
    pub(super) progress: Progress,
    /// The score of the lessons before this one.
    before: Score,
    score: Arc<Mutex<Score>>,
}

/// Asks for predictions, and for the learner's own steps; ends with the score.
pub(in crate::cli) fn quiz(name: Option<&str>, terminal: &Terminal) -> Result<Exit, Failure> {
    let lessons = load(name, terminal)?;
    let score = Arc::new(Mutex::new(Score::default()));
    let seen = Arc::clone(&score);
    let language = terminal.language;
    Interrupt::ends(move || in_words(*seen.lock(), language))?;
    let mut held = true;
    for (number, loaded) in lessons.iter().enumerate() {
        let mut taking = Taking::new(loaded, &score, terminal);
        held &= taking.guide.holds();
        taking.guide.heading(number + 1, lessons.len())?;
        if let Some(Quits) = taking.lesson()? {
            break;
        }
    }
    let mut out = terminal.out();
    writeln!(out, "{}", in_words(*score.lock(), language))?;
    out.flush()?;
    Ok(if held { Exit::Held } else { Exit::DidNotHold })
}

fn in_words(score: Score, language: Language) -> String {
    let Score { asked, right, solved } = score;
    let answers = match (right, asked) {
        (_, 0) => "No predictions, no score.".to_owned(),
        (right, asked) if right == asked => format!("{right} of {asked} right: all of them."),
        (right, asked) => format!("{right} of {asked} right."),
    };
    let exercises = match solved {
        0 => String::new(),
        1 => " One exercise solved.".to_owned(),
        solved => format!(" {solved} exercises solved."),
    };
    [answers, exercises].iter().map(|sentence| language.say(sentence)).collect()
}

impl<'a> Taking<'a> {
    fn new(loaded: &'a Loaded, score: &Arc<Mutex<Score>>, terminal: &'a Terminal) -> Taking<'a> {
        Taking {
            guide: Guide::new(loaded, terminal),
            progress: Progress::new(&loaded.lesson),
            before: *score.lock(),
            score: Arc::clone(score),
        }
    }

    fn lesson(&mut self) -> Result<Option<Quits>, Failure> {
        for part in self.guide.lesson().parts() {
            self.guide.question(part.spec())?;
            let Some(choices) = self.ask_all(&part, false)? else { return Ok(Some(Quits)) };
            self.guide.steps(&part)?;
            self.tell(&part, &choices)?;
            let Some(choices) = self.ask_all(&part, true)? else { return Ok(Some(Quits)) };
            self.tell(&part, &choices)?;
            self.guide.explanation(&part)?;
            self.guide.blank()?;
            if let Some(exercise) = part.exercise()
                && let Some(Quits) = exercise::take(self, part.index(), &exercise)?
            {
                return Ok(Some(Quits));
            }
        }
        Ok(None)
    }

    /// The choices that the learner makes at the predictions of a part, each with the number of the prediction; `None`:
    /// the learner quits.
    fn ask_all(&mut self, part: &Part<'_>, after: bool) -> Result<Option<Vec<(usize, usize)>>, Failure> {
        let mut choices = Vec::new();
        for (number, prediction) in part.spec().predictions.iter().enumerate() {
            if prediction.after != after {
                continue;
            }
            self.guide.choices(part, prediction)?;
            let Some(choice) = self.choice(prediction.choices.len())? else { return Ok(None) };
            choices.push((number, choice));
        }
        Ok(Some(choices))
    }

    /// Says what is right; only now it counts.
    fn tell(&mut self, part: &Part<'_>, choices: &[(usize, usize)]) -> Result<(), Failure> {
        for (number, choice) in choices {
            let lesson = self.guide.lesson();
            let right = self.progress.answer(lesson, part.index(), *number, *choice) == Some(true);
            let prediction = &part.spec().predictions[*number];
            let told = if right { "You are right." } else { "You are wrong." };
            self.guide.say("Answer", &self.guide.terminal.language.say(told))?;
            self.guide.answer(prediction, *choice)?;
            for other in (0..prediction.choices.len()).filter(|other| other != choice) {
                if prediction.choices[other].right {
                    self.guide.answer(prediction, other)?;
                }
            }
        }
        self.count();
        Ok(())
    }

    /// Brings the score up to date.
    pub(super) fn count(&self) {
        let (before, here) = (self.before, self.progress.score(self.guide.lesson()));
        *self.score.lock() = Score {
            asked: before.asked + here.asked,
            right: before.right + here.right,
            solved: before.solved + here.solved,
        };
    }

    /// The learner's choice among so many; `None`: the learner quits.
    fn choice(&self, choices: usize) -> Result<Option<usize>, Failure> {
        let last = letter(choices.saturating_sub(1));
        let prompt = format!("Your answer, a to {last} (q to quit):");
        loop {
            let Some(line) = ask(&prompt, self.guide.terminal)? else { return Ok(None) };
            match Said::of(&line, choices) {
                Said::Choice(choice) => return Ok(Some(choice)),
                Said::Quit => return Ok(None),
                Said::Nothing => {}
                Said::Nonsense => {
                    let words =
                        format!("a letter from a to {last}, a number from 1 to {choices}, or q to quit");
                    self.guide.terminal.say(self.guide.terminal.language.say(&words));
                }
            }
        }
    }
}
