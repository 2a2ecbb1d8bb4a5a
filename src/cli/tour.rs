//! `macvlab demo --tour` and `--quiz`: one experiment after another, each with its question, a prediction, the run, the
//! answer and the explanation.

use super::demo::steps;
use super::demos::Demo;
use super::experiment::{Experiment, outcome_in_a_word};
use super::interrupt::Interrupt;
use super::terminal::Terminal;
use super::{Exit, Failure};
use anstyle::{AnsiColor, Style};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Maximum length of an answer line, in bytes.
const MAX_ANSWER: u64 = 1024;

/// The user's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Yes,
    No,
    Quit,
    Nothing,
    Nonsense,
}

impl Said {
    fn of(line: &str) -> Said {
        match line.trim().to_lowercase().as_str() {
            "y" | "yes" => Said::Yes,
            "n" | "no" => Said::No,
            "q" | "quit" | "exit" => Said::Quit,
            "" => Said::Nothing,
            _ => Said::Nonsense,
        }
    }
}

/// The number of predictions, and how many of them were right.
#[derive(Debug, Default)]
struct Score {
    asked: AtomicUsize,
    right: AtomicUsize,
}

impl Score {
    fn count(&self, right: bool) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.right.fetch_add(usize::from(right), Ordering::Relaxed);
    }

    fn in_words(&self) -> String {
        match (self.right.load(Ordering::Relaxed), self.asked.load(Ordering::Relaxed)) {
            (_, 0) => "No predictions, no score.".to_owned(),
            (right, asked) if right == asked => format!("{right} of {asked} right: all of them."),
            (right, asked) => format!("{right} of {asked} right."),
        }
    }
}

/// Shows one experiment after another. On a terminal it waits between them.
pub(super) fn tour(stops: &'static [Demo], terminal: &Terminal) -> Result<Exit, Failure> {
    let waits = io::stdin().is_terminal() && io::stdout().is_terminal();
    let mut held = true;
    for (number, demo) in stops.iter().enumerate() {
        let experiment = Experiment::run(demo, terminal.error_colour)?;
        let guide = Guide { experiment: &experiment, terminal };
        guide.question(number + 1, stops.len())?;
        let predicted = &demo.prediction;
        guide.say("Prediction", &format!("{}. {}", yes_or_no(predicted.yes), predicted.because))?;
        held &= guide.answer(None)?;
        if waits && number + 1 < stops.len() && pause(terminal)? {
            break;
        }
        if terminal.closed() {
            break;
        }
    }
    Ok(if held { Exit::Held } else { Exit::DidNotHold })
}

/// Asks for a prediction before each experiment.
pub(super) fn quiz(stops: &'static [Demo], terminal: &Terminal) -> Result<Exit, Failure> {
    let score = Arc::new(Score::default());
    let seen = Arc::clone(&score);
    Interrupt::ends(move || seen.in_words())?;
    let mut held = true;
    for (number, demo) in stops.iter().enumerate() {
        let experiment = Experiment::run(demo, terminal.error_colour)?;
        let guide = Guide { experiment: &experiment, terminal };
        guide.question(number + 1, stops.len())?;
        let Some(yes) = guess(terminal)? else { break };
        held &= guide.answer(Some((yes, &score)))?;
    }
    let mut out = terminal.out();
    writeln!(out, "{}", score.in_words())?;
    out.flush()?;
    Ok(if held { Exit::Held } else { Exit::DidNotHold })
}

/// Waits for Enter; returns whether to continue.
fn pause(terminal: &Terminal) -> Result<bool, Failure> {
    let typed = ask("Enter to continue, q to quit: ", terminal)?;
    let mut out = terminal.out();
    writeln!(out)?;
    out.flush()?;
    Ok(typed.is_none_or(|line| Said::of(&line) == Said::Quit))
}

/// A prediction; `None`: the user quits.
fn guess(terminal: &Terminal) -> Result<Option<bool>, Failure> {
    loop {
        let Some(line) = ask("Your prediction, y or n (q to quit): ", terminal)? else { return Ok(None) };
        match Said::of(&line) {
            Said::Yes => return Ok(Some(true)),
            Said::No => return Ok(Some(false)),
            Said::Quit => return Ok(None),
            Said::Nothing => {}
            Said::Nonsense => terminal.say("y for yes, n for no, q to quit"),
        }
    }
}

/// A line from standard input; `None`: end of input. Input that is not text counts as nonsense.
fn ask(prompt: &str, terminal: &Terminal) -> Result<Option<String>, Failure> {
    let mut out = terminal.out();
    write!(out, "{prompt}")?;
    out.flush()?;
    drop(out);
    let mut line = Vec::new();
    let read = io::Read::take(io::stdin().lock(), MAX_ANSWER).read_until(b'\n', &mut line);
    let read = read.map_err(|e| Failure::about("standard input", e))?;
    // On a terminal the user's Enter ends the prompt's line.
    if read == 0 || !io::stdin().is_terminal() {
        let mut out = terminal.out();
        writeln!(out)?;
        out.flush()?;
    }
    Ok((read > 0).then(|| String::from_utf8_lossy(&line).into_owned()))
}

/// Shows one experiment.
struct Guide<'a> {
    experiment: &'a Experiment,
    terminal: &'a Terminal,
}

impl Guide<'_> {
    fn bold(&self) -> Style {
        if self.terminal.colour { Style::new().bold() } else { Style::new() }
    }

    /// A line with a label.
    fn say(&self, word: &str, text: &str) -> io::Result<()> {
        let (bold, mut out) = (self.bold(), self.terminal.out());
        let word = format!("{word}:");
        writeln!(out, "{bold}{word:<11}{bold:#} {}", self.terminal.wrapped(text, 12))?;
        out.flush()
    }

    fn question(&self, number: usize, of: usize) -> io::Result<()> {
        let (bold, mut out) = (self.bold(), self.terminal.out());
        let demo = self.experiment.demo;
        writeln!(out, "{bold}== {number} of {of}: {} =={bold:#}", demo.name)?;
        drop(out);
        self.say("Question", demo.question)?;
        let hairpin = if self.experiment.hairpin() { "on" } else { "off" };
        let mode = self.experiment.mode();
        self.say(
            "Set-up",
            &format!("ports of mode {mode} on eth0, cabled to a switch with hairpin {hairpin}"),
        )
    }

    /// Shows the run, the answer and the lesson; returns whether the run shows them. `guess`: the prediction, and the
    /// score.
    fn answer(&self, guess: Option<(bool, &Score)>) -> io::Result<bool> {
        let Experiment { demo, .. } = self.experiment;
        let mut out = self.terminal.out();
        steps(self.experiment, self.terminal, &mut out)?;
        writeln!(out)?;
        out.flush()?;
        drop(out);
        let Some((yes, outcome)) = self.experiment.answer() else {
            self.say("Answer", "the run does not show one")?;
            return Ok(false);
        };
        let (as_said, words) = match guess {
            Some((guessed, score)) => {
                score.count(guessed == yes);
                (guessed == yes, ["You were wrong.", "You were right."])
            }
            None => (demo.prediction.yes == yes, ["Not as predicted.", "As predicted."]),
        };
        let colour = if as_said { AnsiColor::Green } else { AnsiColor::Red };
        let style = if self.terminal.colour { colour.on_default().bold() } else { Style::new() };
        let verdict = format!("{style}{}{style:#}", words[usize::from(as_said)]);
        let came = outcome_in_a_word(outcome);
        self.say("Answer", &format!("{} ({}: {came}). {verdict}", yes_or_no(yes), demo.tried))?;
        self.say("Explained", demo.lesson)?;
        let name = demo.name;
        self.say(
            "Next",
            &format!("every hop: macvlab demo {name} --explain; its lab: macvlab demo {name} --show"),
        )?;
        let mut out = self.terminal.out();
        writeln!(out)?;
        out.flush()?;
        Ok(self.experiment.holds())
    }
}

fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_and_no_in_their_forms() {
        let said = |line| Said::of(line);
        assert_eq!(
            [said(" Y\n"), said("yes"), said("N"), said("no\r\n")],
            [Said::Yes, Said::Yes, Said::No, Said::No]
        );
        assert_eq!([said("Quit\n"), said("\n"), said("maybe")], [Said::Quit, Said::Nothing, Said::Nonsense]);
    }
}
