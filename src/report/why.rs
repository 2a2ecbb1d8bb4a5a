//! An answer to "why?", and what would help: sentences, or one JSON object.

use super::words::{list, printable, target};
use crate::lab::spec::Name;
use crate::language::{Language, spaced};
use crate::matrix::{Cell, Lost, Reach};
use crate::station::ProbeKind;
use crate::verdict::Rule;
use crate::why::{Answer, Question, Scope, Tried, TriedText};
use anstyle::{AnsiColor, Style};
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};

/// Maximum number of pairs named for one change.
const MAX_PAIRS: usize = 6;

/// An answer in words. It serializes as the object that `macvlab why --json` writes.
#[derive(Clone, Debug, Serialize)]
pub struct WhyReport {
    from: String,
    to: String,
    kind: &'static str,
    result: &'static str,
    /// What happened, in one sentence.
    told: String,
    rule: Option<&'static str>,
    title: Option<Cow<'static, str>>,
    why: Option<Cow<'static, str>>,
    /// Another rule without which the frame would not have been lost either.
    #[serde(skip_serializing_if = "Option::is_none")]
    also: Option<&'static str>,
    #[serde(skip)]
    causes: Vec<Rule>,
    #[serde(skip)]
    language: Language,
    at: Option<String>,
    lost: Option<&'static str>,
    remedies: Vec<RemedyReport>,
    unlisted: usize,
    tried: usize,
    untried: usize,
    scope: &'static str,
}

/// A change that helps, in words.
#[derive(Clone, Debug, Serialize)]
struct RemedyReport {
    change: String,
    commands: Vec<String>,
    /// The lines of the lab file that make it.
    lab: Vec<String>,
    /// The steps that make it in the running lab.
    steps: Vec<String>,
    gains: Vec<[Name; 2]>,
    losses: Vec<[Name; 2]>,
}

impl WhyReport {
    /// Puts an answer into words. `text` has a change as text of a lab file, such as
    /// [`tried_text`](crate::labfile::tried_text).
    #[must_use]
    pub fn new(question: &Question, answer: &Answer, text: &dyn Fn(&Tried) -> TriedText) -> WhyReport {
        let cell = &answer.explained.cell;
        WhyReport {
            from: question.from.to_string(),
            to: target(&question.to),
            kind: kind(question.kind),
            result: cell.reach.name(),
            told: told(question, answer),
            rule: cell.rule.map(Rule::id),
            title: cell.rule.map(|rule| rule.title().into()),
            why: cell.rule.map(|rule| rule.why().into()),
            also: cell.also.map(Rule::id),
            causes: cell.also.into_iter().chain(cell.rule).collect(),
            language: Language::English,
            at: cell.at.as_ref().map(ToString::to_string),
            lost: cell.lost.map(lost_name),
            remedies: answer.remedies.iter().map(|tried| RemedyReport::new(tried, text(tried))).collect(),
            unlisted: answer.unlisted,
            tried: answer.tried,
            untried: answer.untried,
            scope: match answer.scope {
                Scope::All => "all",
                Scope::Ends => "ends",
                Scope::None => "none",
            },
        }
    }

    /// The same with its sentences in another language.
    #[must_use]
    pub fn in_language(mut self, language: Language) -> WhyReport {
        self.language = language;
        language.put(&mut self.told);
        let cause = self.title.iter_mut().chain(&mut self.why);
        cause.for_each(|text| language.put(text.to_mut()));
        self.remedies.iter_mut().for_each(|remedy| language.put(&mut remedy.change));
        self
    }

    /// What happened, in one sentence.
    #[must_use]
    pub fn told(&self) -> &str {
        &self.told
    }

    /// Writes it as one JSON object on a line.
    ///
    /// # Errors
    /// Writing fails.
    pub fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        out.write_all(b"\n")
    }

    /// Writes it as text, with ANSI colours or without.
    ///
    /// # Errors
    /// Writing fails.
    pub fn text(&self, out: &mut dyn Write, colour: bool) -> io::Result<()> {
        let (bold, yellow) = match colour {
            true => (Style::new().bold(), AnsiColor::Yellow.on_default()),
            false => (Style::new(), Style::new()),
        };
        writeln!(out, "{bold}{}{bold:#}", printable(&self.told))?;
        for cause in &self.causes {
            let [title, why] = [cause.title(), cause.why()].map(|text| self.language.say(text));
            writeln!(out, "  {yellow}{:<5}{yellow:#} {title}\n        {why}", cause.id())?;
        }
        if self.result == Reach::Reply.name() {
            return Ok(());
        }
        if self.remedies.is_empty() {
            let tried = self.tried;
            let told = format!("Nothing helps by itself: {tried} changes were tried in copies of the lab.");
            return writeln!(out, "\n{}", self.sentences(told, String::new()));
        }
        let heading =
            "What would help, the least intrusive first. Each was tried by itself, in a copy of the lab.";
        writeln!(out, "\n{}", self.language.say(heading))?;
        for (number, remedy) in (1..).zip(&self.remedies) {
            writeln!(out, "\n{number}. {bold}{}{bold:#}", printable(&remedy.change))?;
            remedy.text(self.language, out)?;
        }
        let scope = match self.scope {
            "ends" => format!("Other effects were looked for only at {} and {}.", self.from, self.to),
            "none" => "Other effects were not looked for: the lab has too many devices.".to_owned(),
            _ => String::new(),
        };
        let rest = self.sentences(String::new(), scope);
        if rest.is_empty() { Ok(()) } else { writeln!(out, "\n{}", printable(&rest)) }
    }

    /// Sentences in one line, with what was left out between the first and the last.
    fn sentences(&self, first: String, last: String) -> String {
        let more = |number: usize, what: &str| match number {
            0 => String::new(),
            more => format!("{more} more changes {what}."),
        };
        let all = [first, more(self.unlisted, "help"), more(self.untried, "were not tried"), last];
        let said: Vec<_> =
            all.iter().filter(|text| !text.is_empty()).map(|text| self.language.say(text)).collect();
        said.iter().fold(
            String::new(),
            |all, next| if all.is_empty() { next.to_string() } else { spaced(&all, next) },
        )
    }
}

impl RemedyReport {
    fn new(tried: &Tried, TriedText { lines, steps }: TriedText) -> RemedyReport {
        let pairs = |pairs: &[(Name, Name)]| pairs.iter().map(|(a, b)| [a.clone(), b.clone()]).collect();
        RemedyReport {
            change: tried.remedy.reads.clone(),
            commands: tried.commands().to_vec(),
            lab: lines,
            steps,
            gains: pairs(&tried.gains),
            losses: pairs(&tried.losses),
        }
    }

    fn text(&self, language: Language, out: &mut dyn Write) -> io::Result<()> {
        for command in &self.commands {
            writeln!(out, "     {}", printable(command))?;
        }
        if !self.lab.is_empty() {
            writeln!(out, "   {}", language.say("In the lab file:"))?;
        }
        for line in &self.lab {
            writeln!(out, "     {}", printable(line))?;
        }
        let effects =
            [("It also makes a way from", &self.gains), ("But it breaks the way from", &self.losses)];
        effects.into_iter().filter(|(_, pairs)| !pairs.is_empty()).try_for_each(|(how, pairs)| {
            let more = pairs.len().saturating_sub(MAX_PAIRS);
            let named =
                pairs.iter().take(MAX_PAIRS).map(|[from, to]| format!("{from}{}{to}", language.say(" to ")));
            let rest = (more > 0).then(|| format!("{more} others"));
            let named: Vec<String> = named.chain(rest).collect();
            let told = language.put_in(format!("{how} {}.", list(&named)));
            writeln!(out, "   {}", printable(&told))
        })
    }
}

/// What happened.
fn told(question: &Question, answer: &Answer) -> String {
    let (from, to) = (&question.from, target(&question.to));
    let how = match question.kind {
        ProbeKind::Ping => "",
        ProbeKind::Arping => " by ARP",
        ProbeKind::Udp => " by UDP",
        ProbeKind::Tcp => " by TCP",
    };
    let Cell { reach, rule, at, lost, .. } = &answer.explained.cell;
    let sender = answer.explained.journey.as_ref().map(|journey| journey.from.clone());
    // What its sender gets wrong is not lost on its way.
    let at = at.as_ref().filter(|at| sender.as_ref() != Some(*at));
    let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
    match (reach, lost, rule) {
        (Reach::Reply, ..) => format!("{from} reaches {to}{how}: a reply comes."),
        (_, Some(Lost::Answer), Some(Rule::NoRoute)) => {
            format!("{from} does not reach {to}{how}: the request arrives, and {to} sends no reply.")
        }
        (_, Some(lost), _) => {
            let sender = sender.map(|sender| format!(" from {sender}")).unwrap_or_default();
            format!(
                "{from} does not reach {to}{how}: {}{sender} is lost{at}.",
                lost_in_words(*lost, question.kind)
            )
        }
        (.., Some(Rule::NoRoute | Rule::NoCarrier | Rule::SendDown)) => {
            format!("{from} does not reach {to}{how}: it sends nothing.")
        }
        (.., Some(_)) => {
            format!("{from} does not reach {to}{how}: the device{} is refused.", at.replacen(" at", "", 1))
        }
        (.., None) => {
            format!("{from} does not reach {to}{how}: no frame is sent that a device of the lab would get.")
        }
    }
}

fn lost_in_words(lost: Lost, kind: ProbeKind) -> &'static str {
    match (lost, kind) {
        (Lost::Solicitation, _) => "the request for a MAC address",
        (Lost::Advertisement, _) => "the reply with the MAC address",
        (Lost::Request, ProbeKind::Ping) => "the echo request",
        (Lost::Answer, ProbeKind::Ping) => "the echo reply",
        (Lost::Request, _) => "the request",
        (Lost::Answer, _) => "the reply",
        (Lost::Other, _) => "a frame",
    }
}

fn lost_name(lost: Lost) -> &'static str {
    match lost {
        Lost::Solicitation => "solicitation",
        Lost::Advertisement => "advertisement",
        Lost::Request => "request",
        Lost::Answer => "reply",
        Lost::Other => "other",
    }
}

fn kind(kind: ProbeKind) -> &'static str {
    match kind {
        ProbeKind::Ping => "ping",
        ProbeKind::Arping => "arping",
        ProbeKind::Udp => "udp",
        ProbeKind::Tcp => "tcp",
    }
}
