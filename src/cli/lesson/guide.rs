//! Shows a lesson. Texts of a file are made plain: they may be anybody's.

use super::Loaded;
use super::answer::letter;
use crate::cli::Failure;
use crate::cli::demo::sent;
use crate::cli::experiment::passages;
use crate::cli::terminal::Terminal;
use anstyle::{AnsiColor, Style};
use macvlab::lab::spec::{PartSpec, PredictionSpec};
use macvlab::lab::{Device, DeviceType, Event};
use macvlab::language::{Language, padded, spaced};
use macvlab::lesson::{Lesson, Part, shown};
use macvlab::plain::plain;
use macvlab::report::{StepLog, outcome_in_words, step_in_words};
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::ops::Range;

/// The end of an outcome that is not the expected one.
pub(super) const NOT_AS_EXPECTED: &str = " (not as expected)";

/// Shows one lesson.
pub(super) struct Guide<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) terminal: &'a Terminal,
    events: Vec<Event>,
}

impl<'a> Guide<'a> {
    pub(super) fn new(loaded: &'a Loaded, terminal: &'a Terminal) -> Guide<'a> {
        let events = loaded.lesson.run(&loaded.options);
        Guide { loaded, terminal, events }
    }

    pub(super) fn lesson(&self) -> &'a Lesson {
        &self.loaded.lesson
    }

    /// Whether every step of the run came out as the file expects.
    pub(super) fn holds(&self) -> bool {
        !self.events.iter().any(|event| matches!(event, Event::Result { held: Some(false), .. }))
    }

    fn bold(&self) -> Style {
        if self.terminal.colour { Style::new().bold() } else { Style::new() }
    }

    /// A line with a label, which is a word of the catalogue.
    pub(super) fn say(&self, word: &str, text: &str) -> io::Result<()> {
        let (bold, mut out) = (self.bold(), self.terminal.out());
        let word = padded(&self.terminal.language.say(&format!("{word}:")), 11);
        writeln!(out, "{bold}{word}{bold:#} {}", self.terminal.wrapped(&plain(text), 12))?;
        out.flush()
    }

    pub(super) fn blank(&self) -> io::Result<()> {
        let mut out = self.terminal.out();
        writeln!(out)?;
        out.flush()
    }

    /// The title and the devices.
    pub(super) fn heading(&self, number: usize, of: usize) -> io::Result<()> {
        let (bold, mut out) = (self.bold(), self.terminal.out());
        let number = self.terminal.said(&format!("{number} of {of}:"));
        let heading = spaced(&number, &plain(self.lesson().title()));
        writeln!(out, "{bold}== {heading} =={bold:#}")?;
        drop(out);
        let mut devices = Vec::new();
        if let Some(event @ Event::Lab { .. }) = self.events.first() {
            Device::follow(&mut devices, event);
        }
        self.say("Set-up", &set_up(&devices, self.terminal.language))?;
        self.blank()
    }

    /// The question of a part, if it has no prediction that says it.
    pub(super) fn question(&self, part: &PartSpec) -> io::Result<()> {
        if part.predictions.iter().any(|prediction| prediction.question.is_none()) {
            return Ok(());
        }
        self.say("Question", &part.question)
    }

    /// A prediction with its choices.
    pub(super) fn choices(&self, part: &Part<'_>, prediction: &PredictionSpec) -> io::Result<()> {
        self.say("Question", part.question_of(prediction))?;
        let mut out = self.terminal.out();
        for (index, choice) in prediction.choices.iter().enumerate() {
            writeln!(out, "  {}) {}", letter(index), self.terminal.wrapped(&plain(&choice.text), 5))?;
        }
        out.flush()
    }

    /// What is to be said about each choice.
    pub(super) fn answers(&self, prediction: &PredictionSpec) -> io::Result<()> {
        for index in 0..prediction.choices.len() {
            self.answer(prediction, index)?;
        }
        Ok(())
    }

    /// What is to be said about a choice.
    pub(super) fn answer(&self, prediction: &PredictionSpec, index: usize) -> io::Result<()> {
        let Some(choice) = prediction.choices.get(index) else { return Ok(()) };
        let mark = self.mark(choice.right);
        let text = spaced(&choice.text, &choice.why);
        let mut out = self.terminal.out();
        writeln!(out, "{mark} {}) {}", letter(index), self.terminal.wrapped(&plain(text), 5))?;
        out.flush()
    }

    pub(super) fn mark(&self, good: bool) -> String {
        let (mark, colour) = if good { ("✓", AnsiColor::Green) } else { ("✗", AnsiColor::Red) };
        let style = if self.terminal.colour { colour.on_default().bold() } else { Style::new() };
        format!("{style}{mark}{style:#}")
    }

    /// The steps of a part: what was sent, what came of it, and the rules that made the difference.
    pub(super) fn steps(&self, part: &Part<'_>) -> Result<(), Failure> {
        let steps = told(&self.events, &part.numbers(), self.terminal.language);
        let mut out = self.terminal.out();
        for step in &steps {
            let number = self.terminal.said(&format!("step {}:", step.number));
            writeln!(out, "\n{}", spaced(&number, &step.action))?;
            sent(&passages(&self.events, step.number), self.terminal.language, &mut out)?;
            writeln!(out, "  {}", self.terminal.wrapped(&step.outcome, 2))?;
        }
        if !steps.is_empty() {
            writeln!(out)?;
        }
        Ok(out.flush()?)
    }

    /// The explanation of a part, and its rules.
    pub(super) fn explanation(&self, part: &Part<'_>) -> io::Result<()> {
        self.say("Explained", &part.spec().explanation)?;
        let style = if self.terminal.colour { AnsiColor::Yellow.on_default() } else { Style::new() };
        let shown = shown(&self.events);
        let mut out = self.terminal.out();
        for rule in &part.spec().rules {
            let here = shown.iter().filter(|s| s.rule == *rule && part.numbers().contains(&s.step));
            let mut places: Vec<&str> = here.map(|shown| shown.at.as_str()).collect();
            places.sort_unstable();
            places.dedup();
            let at = if places.is_empty() { String::new() } else { format!(", at {}", places.join(", ")) };
            let say = |text| self.terminal.language.say(text);
            writeln!(out, "  {style}{:<5}{style:#} {}{}", rule.id(), say(rule.title()), plain(say(&at)))?;
            writeln!(out, "        {}", self.terminal.wrapped(&say(rule.why()), 8))?;
        }
        out.flush()
    }
}

/// A step in words.
pub(super) struct Told {
    pub(super) number: usize,
    pub(super) action: String,
    pub(super) outcome: String,
}

/// The steps of these numbers in words, each with the reasons for its outcome.
pub(super) fn told(events: &[Event], numbers: &Range<usize>, language: Language) -> Vec<Told> {
    let say = |text: &str| language.say(text).into_owned();
    let mut log = StepLog::default();
    let mut told = Vec::new();
    for event in events {
        log.event(event);
        let Event::Result { step, outcome, rtt, receivers, held, .. } = event else { continue };
        let Some((spec, reasons)) = log.end(*outcome) else { continue };
        if !numbers.contains(step) {
            continue;
        }
        let mut words = say(&outcome_in_words(&spec.action, *outcome, *rtt, receivers));
        if *held == Some(false) {
            words.push_str(&say(NOT_AS_EXPECTED));
        }
        for reason in reasons {
            words.push_str(&say("; "));
            words.push_str(&reason.named(language));
        }
        let action = plain(say(&step_in_words(&spec)));
        told.push(Told { number: *step, action, outcome: plain(words) });
    }
    told
}

/// The devices in one sentence: ports by parent and mode, then what the switches connect.
fn set_up(devices: &[Device], language: Language) -> String {
    let mut ports: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    let mut switches: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for device in devices {
        match (device.kind, &device.parent) {
            (DeviceType::Macvlan | DeviceType::Macvtap, Some(parent)) => {
                let mode = device.mode.map(|mode| mode.name()).unwrap_or_default();
                ports.entry((parent, mode)).or_default().push(&device.name);
            }
            (DeviceType::SwitchPort, Some(switch)) => {
                let Some(peer) = device.peer.as_deref() else { continue };
                let hairpin = device.port.is_some_and(|port| port.flags.hairpin);
                let name = if hairpin { format!("{peer} (hairpin on)") } else { peer.to_owned() };
                switches.entry(switch).or_default().push(name);
            }
            _ => {}
        }
    }
    let ports =
        ports.iter().map(|((parent, mode), names)| format!("{} on {parent} in mode {mode}", and(names)));
    let switches =
        switches.iter().map(|(switch, names)| format!("the switch {switch} connects {}", and(names)));
    let parts: Vec<String> = ports.chain(switches).map(|part| language.say(&part).into_owned()).collect();
    parts.join(&language.say("; "))
}

fn and<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}
