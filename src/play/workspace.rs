//! Where users open what they bring: a lab or a description of a network, and captures for its steps.

use super::answer::{Answer, Refusal, Refused, answer, json, open_view};
use super::denied::{Denied, MAX_ACTION_TIME};
use super::request::Request;
use super::session::Session;
use super::watchdog::Watchdog;
use crate::capture::{Reader, hold};
use crate::interop::diagnose::{self, Finding};
use crate::interop::{self, Imported, MAX_BYTES, Source};
use crate::lab::{Captures, Options};
use crate::language::Language;
use crate::limits::{Budget, STEP_CAPTURE_BYTES};
use crate::stop::Stop;
use serde_json::Value;
use std::io::Cursor;

/// The name of a text that was pasted.
const PASTED: &str = "the text";

/// A session that begins when something is opened. It answers [requests](Request::parse).
pub struct Workspace {
    opened: Option<Opened>,
    captures: Captures,
    budget: Budget,
    watchdog: fn() -> Box<dyn Watchdog>,
}

/// What is open.
struct Opened {
    session: Session,
    /// As it was opened.
    network: Imported,
    /// The text in which the network has its places.
    text: String,
}

impl Workspace {
    /// An empty workspace, whose sessions are watched by these.
    #[must_use]
    pub fn new(watchdog: fn() -> Box<dyn Watchdog>) -> Workspace {
        let budget = Budget::new("bytes of frames in all captures", STEP_CAPTURE_BYTES);
        Workspace { opened: None, captures: Captures::new(), budget, watchdog }
    }

    /// A workspace in which this lab is open. `options` contains the captures that its steps replay.
    ///
    /// # Errors
    /// [`Denied`]: the lab exceeds the limits of a session.
    #[cfg(not(target_family = "wasm"))]
    pub fn of(lab: crate::lab::LabSpec, options: Options) -> Result<Workspace, Denied> {
        let mut workspace = Workspace::new(|| Box::new(super::watchdog::WatchThread));
        workspace.captures = options.captures.clone();
        // The page does not show the file, so findings have no places in it.
        let mut network = diagnose::of_lab(lab.clone(), &Source::new(PASTED, ""));
        network.places.clear();
        let session = Session::watched(lab, options, (workspace.watchdog)())?;
        workspace.opened = Some(Opened { session, network, text: String::new() });
        Ok(workspace)
    }

    /// The session, if something is open.
    pub fn session(&mut self) -> Option<&mut Session> {
        self.opened.as_mut().map(|opened| &mut opened.session)
    }

    /// Answers the request of this name and body. The name may begin with the tag of a language: `zh-CN:state`.
    ///
    /// # Errors
    /// [`Refused`]: nothing has changed.
    pub fn answer(&mut self, name: &str, body: &[u8]) -> Result<Answer, Refused> {
        let (language, name) = match name.split_once(':') {
            // What else has a colon is the name of a capture.
            Some((tag, name)) if !tag.contains(' ') => (Language::of_tag(tag), name),
            _ => (Language::English, name),
        };
        self.respond(Request::parse(name, body)?, language)
    }

    /// Answers a request, in sentences of this language.
    ///
    /// # Errors
    /// [`Refused`]: nothing has changed.
    pub fn respond(&mut self, request: Request, language: Language) -> Result<Answer, Refused> {
        let answered = match request {
            Request::Open(text) => self.open(text, language),
            Request::Findings => self.findings(language).and_then(|found| json(&found)),
            Request::Capture(name, body) => self.capture(&name, body, language),
            Request::Words => Ok(Answer::json_text(&language.page_words())),
            Request::Session(ask) => match self.session() {
                Some(session) => answer(session, ask, language),
                None => Err(nothing()),
            },
        };
        answered.map_err(|refused| refused.in_language(language))
    }

    fn open(&mut self, text: String, language: Language) -> Result<Answer, Refused> {
        if text.trim().is_empty() {
            return Err(Refused::new(Refusal::Malformed, "there is nothing in the text"));
        }
        if text.len() > MAX_BYTES {
            let why = format!("the text is longer than {MAX_BYTES} bytes");
            return Err(Refused::new(Refusal::Malformed, why));
        }
        let malformed = |error| Refused::new(Refusal::Malformed, error);
        let network = interop::network(&[Source::new(PASTED, &text)]).map_err(malformed)?;
        let options = Options::default().with_captures(self.captures.clone());
        let mut session = Session::watched(network.lab.clone(), options, (self.watchdog)())?;
        if let Some(before) = &self.opened {
            session.follow(&before.session);
        }
        open_view(&mut self.opened.insert(Opened { session, network, text }).session, language)
    }

    /// What is wrong with the network as it was opened.
    fn findings(&self, language: Language) -> Result<Vec<Value>, Refused> {
        let Opened { network, text, .. } = self.opened.as_ref().ok_or_else(nothing)?;
        let stop = Stop::default();
        let options =
            Options { stop: stop.clone(), ..Options::default().with_captures(self.captures.clone()) };
        let mut findings: Vec<Finding> = Vec::new();
        let mut find = || findings = diagnose::diagnose(network, &options);
        (self.watchdog)().watch(Some(MAX_ACTION_TIME), &stop, &mut find).map_err(Denied::from)?;
        if stop.asked() {
            return Err(Denied::TookTooLong(MAX_ACTION_TIME).into());
        }
        let findings: Vec<Finding> = findings.into_iter().map(|found| found.in_language(language)).collect();
        Ok(diagnose::objects(&findings, &[Source::new(PASTED, text)]).collect())
    }

    fn capture(&mut self, name: &str, body: Vec<u8>, language: Language) -> Result<Answer, Refused> {
        let wrong = |e: &dyn std::fmt::Display| Refused::new(Refusal::Malformed, format!("{name}: {e}"));
        let mut budget = self.budget;
        let reader = Reader::new(Cursor::new(body)).map_err(|e| wrong(&e))?;
        let mut first_bad = None;
        let frames = hold(reader, &mut budget, |bad| {
            first_bad.get_or_insert(bad);
        });
        let frames = frames.map_err(|e| wrong(&e))?;
        if let (true, Some(bad)) = (frames.is_empty(), first_bad) {
            return Err(wrong(&bad));
        }
        self.budget = budget;
        self.captures.insert(name.into(), frames.clone());
        match self.session() {
            Some(session) => {
                session.add_capture(name.into(), frames)?;
                open_view(session, language)
            }
            None => Ok(Answer::json_text("{}")),
        }
    }
}

fn nothing() -> Refused {
    Refused::new(Refusal::Denied, "nothing is open")
}
