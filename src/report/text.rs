//! Text output: each hop with its rule, or one line for each step.

use super::hosts::known_since;
use super::reasons::{Reason, StepLog};
use super::tables;
use super::words::{expectation, millis, not_enslaved, outcome_in_words, step_in_words};
use crate::frame::PacketType;
use crate::frame::summary;
use crate::lab::spec::{Expect, Name, StepSpec};
use crate::lab::{Event, Found, Hop, HopKind, Outcome, Receivers, SetupStage};
use crate::language::{Language, columns, padded, spaced};
use crate::time::Instant;
use crate::verdict::Rule;
use anstyle::{AnsiColor, Style};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::time::Duration;

/// The device column is at most this wide, in columns.
const MAX_DEVICE_WIDTH: usize = 24;

/// The width of the column that says what happens at a hop.
const WHAT_WIDTH: usize = 10;

/// Maximum number of drops named in a step's line.
const MAX_DROPS_TOLD: usize = 8;

/// The level of detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// One line for each step.
    Steps,
    /// Every hop, and the rules that decided.
    Hops,
}

/// Colours, or their absence.
#[derive(Clone, Copy, Debug, Default)]
struct Styles {
    title: Style,
    device: Style,
    rule: Style,
    good: Style,
    bad: Style,
    faint: Style,
}

impl Styles {
    fn new(colour: bool) -> Styles {
        if !colour {
            return Styles::default();
        }
        Styles {
            title: Style::new().bold(),
            device: AnsiColor::Cyan.on_default(),
            rule: AnsiColor::Yellow.on_default(),
            good: AnsiColor::Green.on_default().bold(),
            bad: AnsiColor::Red.on_default().bold(),
            faint: Style::new().dimmed(),
        }
    }
}

/// Data of the current step.
#[derive(Debug)]
struct Running {
    spec: StepSpec,
    /// Rules that decided about a frame.
    rules: BTreeSet<Rule>,
    /// The first drops, unique by rule and device.
    drops: Vec<(Rule, Name)>,
    /// Whether there were more.
    more_drops: bool,
    /// Since when the neighbour that is asked is known, for the end of the outcome.
    known: String,
}

impl Running {
    fn new(spec: &StepSpec) -> Running {
        Running {
            spec: spec.clone(),
            rules: BTreeSet::new(),
            drops: Vec::new(),
            more_drops: false,
            known: String::new(),
        }
    }

    fn note(&mut self, hop: &Hop) {
        let (HopKind::Receive(_, rule) | HopKind::Transmit(rule) | HopKind::Drop(rule)) = hop.kind else {
            return;
        };
        self.rules.insert(rule);
        if !matches!(hop.kind, HopKind::Drop(_)) {
            return;
        }
        let told = self.drops.iter().any(|(r, device)| (*r, device) == (rule, &hop.device));
        if !told && self.drops.len() < MAX_DROPS_TOLD {
            self.drops.push((rule, hop.device.clone()));
        } else {
            self.more_drops |= !told;
        }
    }

    /// The drops, as the end of a line.
    fn dropped(&self, language: Language) -> String {
        if self.drops.is_empty() {
            return String::new();
        }
        let say = |text| language.say(text);
        let drops =
            self.drops.iter().map(|(rule, device)| format!("{rule} {} ({device})", say(rule.title())));
        let more = if self.more_drops { say(" and more") } else { "".into() };
        format!("{}{}{more}", say("; dropped by "), drops.collect::<Vec<_>>().join(&say(", ")))
    }
}

/// Writes events as text.
#[derive(Debug)]
pub struct TextReport<W: Write> {
    writer: W,
    detail: Detail,
    language: Language,
    styles: Styles,
    device_width: usize,
    running: Option<Running>,
    step_log: StepLog,
    /// The time of the step's first hop; without steps, of the run's.
    start: Option<Instant>,
}

impl<W: Write> TextReport<W> {
    /// Writes to `writer`, preferably buffered; uses ANSI colours only if `colour`.
    pub fn new(writer: W, detail: Detail, colour: bool) -> TextReport<W> {
        TextReport {
            writer,
            detail,
            language: Language::English,
            styles: Styles::new(colour),
            device_width: 0,
            running: None,
            step_log: StepLog::default(),
            start: None,
        }
    }

    /// The same in another language.
    #[must_use]
    pub fn in_language(mut self, language: Language) -> TextReport<W> {
        self.language = language;
        self
    }

    /// Writes one event.
    ///
    /// # Errors
    /// Writing fails.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        if self.names_causes() {
            self.step_log.event(event);
        }
        match event {
            Event::Lab { title, devices } => {
                let widths = devices.iter().map(|d| columns(&d.name));
                self.device_width = widths.max().unwrap_or_default().min(MAX_DEVICE_WIDTH);
                let style = self.styles.title;
                if title.is_empty() { Ok(()) } else { writeln!(self.writer, "{style}{title}{style:#}") }
            }
            Event::Setup { device, stage, refusal, expected, .. } => {
                let what = match stage {
                    SetupStage::Create => "is not created",
                    SetupStage::Enslave => not_enslaved(*refusal),
                    SetupStage::Up => "stays down",
                };
                let (mark, style) = self.mark(Some(*expected));
                let expected = if *expected { ", as expected" } else { "" };
                let told = self.language.put_in(format!("{device} {what}{expected}: {refusal}"));
                writeln!(self.writer, "{style}{mark}{style:#} {told}")
            }
            Event::Step { step, spec } => self.step(*step, spec),
            Event::Hop(hop) => self.hop(hop),
            Event::Known { neighbour, since_step, .. } => {
                if let Some(running) = &mut self.running {
                    running.known = known_since(neighbour, *since_step);
                }
                Ok(())
            }
            Event::Result { step, outcome, rtt, receivers, held, found } => {
                self.result(*step, *outcome, *rtt, receivers, (*held, found.as_ref()))
            }
            Event::Counters { .. }
            | Event::State { .. }
            | Event::Decision(_)
            | Event::Devices { .. }
            | Event::Fdb(_)
            | Event::Neighbour(_)
            | Event::Neighbours { .. } => Ok(()),
        }
    }

    /// Whether the line of a step says why a ping failed, for which it takes decisions and changes of devices.
    #[must_use]
    pub fn names_causes(&self) -> bool {
        self.detail == Detail::Steps
    }

    /// The underlying writer.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.writer
    }

    /// Flushes buffered data.
    ///
    /// # Errors
    /// Writing fails.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    /// Flushes, and returns the writer.
    ///
    /// # Errors
    /// Flushing fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.writer.flush()?;
        Ok(self.writer)
    }

    fn mark(&self, held: Option<bool>) -> (char, Style) {
        match held {
            Some(true) => ('✓', self.styles.good),
            Some(false) => ('✗', self.styles.bad),
            None => ('·', self.styles.faint),
        }
    }

    fn step(&mut self, step: usize, spec: &StepSpec) -> io::Result<()> {
        self.start = None;
        self.running = Some(Running::new(spec));
        if self.detail != Detail::Hops {
            return Ok(());
        }
        let style = self.styles.title;
        let what = self.began(step, spec);
        writeln!(self.writer, "\n{style}{what}{style:#}")
    }

    /// `step 1: c1 pings c2`
    fn began(&self, step: usize, spec: &StepSpec) -> String {
        let [number, what] =
            [format!("step {step}:"), step_in_words(spec)].map(|text| self.language.put_in(text));
        spaced(&number, &what)
    }

    fn hop(&mut self, hop: &Hop) -> io::Result<()> {
        if let Some(running) = &mut self.running {
            running.note(hop);
        }
        let start = *self.start.get_or_insert(hop.time);
        if self.detail != Detail::Hops {
            return Ok(());
        }
        self.hop_line(hop, hop.time.since(start))
    }

    fn hop_line(&mut self, hop: &Hop, since: Duration) -> io::Result<()> {
        let Styles { device, rule: rule_style, bad, faint, .. } = self.styles;
        let plain = Style::new();
        let (what, style, rule) = match hop.kind {
            HopKind::Arrive(_) => ("↓ arrives", plain, None),
            HopKind::Receive(_, rule) => ("● receives", plain, Some(rule)),
            HopKind::Transmit(rule) => ("→ sends", plain, Some(rule)),
            HopKind::Drop(rule) => ("✗ drops", bad, Some(rule)),
        };
        let (id, title) = rule.map_or(("", ""), |r| (r.id(), r.title()));
        let open = if title.is_empty() { "" } else { "  (" };
        let close = if title.is_empty() { "" } else { ")" };
        let other = match hop.kind {
            HopKind::Receive(PacketType::OtherHost, _) => " [for another host]",
            _ => "",
        };
        let say = |text| self.language.say(text);
        let (what, title, other) = (padded(&say(what), WHAT_WIDTH), say(title), say(other));
        let (time, frame) = (millis(since), summary(&hop.frame));
        let name = padded(&hop.device, self.device_width);
        writeln!(
            self.writer,
            "{time:>12} ms  {device}{name}{device:#}  {style}{what}{style:#}  {rule_style}{id:<5}{rule_style:#} \
             {frame}{other}{faint}{open}{title}{close}{faint:#}"
        )
    }

    fn result(
        &mut self,
        step: usize,
        outcome: Outcome,
        rtt: Option<Duration>,
        receivers: &Receivers,
        (held, found): (Option<bool>, Option<&Found>),
    ) -> io::Result<()> {
        let Some(running) = self.running.take() else { return Ok(()) };
        let (mark, style) = self.mark(held);
        let got = outcome_in_words(&running.spec.action, outcome, rtt, receivers) + &running.known;
        let got = got + &tables::found(found);
        let verdict = self.language.put_in(verdict(&running.spec, &got, held));
        if self.detail == Detail::Hops {
            writeln!(self.writer, "  {style}{mark}{style:#} {verdict}")?;
            let mut rules = running.rules;
            rules.extend(outcome.rule());
            return self.rules(&rules);
        }
        let (what, colon) = (self.began(step, &running.spec), self.language.say(": "));
        write!(self.writer, "{style}{mark}{style:#} {what}{colon}{verdict}")?;
        let because = match self.step_log.end(outcome) {
            Some((_, reasons)) if silent(outcome) && !reasons.is_empty() => {
                let named =
                    |reason: &Reason| format!("{}{}", self.language.say("; "), reason.named(self.language));
                reasons.iter().map(named).collect()
            }
            _ if silent(outcome) || held == Some(false) => running.dropped(self.language),
            _ => String::new(),
        };
        writeln!(self.writer, "{because}")
    }

    /// Rules with their reasons, in the order of the catalogue.
    fn rules(&mut self, rules: &BTreeSet<Rule>) -> io::Result<()> {
        let Styles { rule: style, faint, .. } = self.styles;
        for rule in rules {
            let [title, colon, why] = [rule.title(), ": ", rule.why()].map(|text| self.language.say(text));
            let id = rule.id();
            writeln!(self.writer, "    {style}{id:<5}{style:#} {title}{colon}{faint}{why}{faint:#}")?;
        }
        Ok(())
    }
}

/// No reply.
fn silent(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Unreachable(_) | Outcome::NoReply)
}

/// The outcome, and the expectation if it differs.
fn verdict(spec: &StepSpec, got: &str, held: Option<bool>) -> String {
    match (held, &spec.expect) {
        (Some(false), Some(expect)) => {
            let expect = match (expect, &spec.action) {
                (Expect::Ok, _) => "success".to_owned(),
                (expect, _) => expectation(expect),
            };
            format!("expected {expect}, got {got}")
        }
        (Some(true), _) => format!("{got}, as expected"),
        _ => got.to_owned(),
    }
}
