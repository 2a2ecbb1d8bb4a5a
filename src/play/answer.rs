//! Answers to requests, whatever carries them.

use super::denied::Denied;
use super::lesson::{GoalsNow, PlaceNow};
use super::request::Ask;
use super::session::Session;
use super::state::{ActionResult, View};
use crate::language::Language;
use crate::report::JsonLines;
use serde::Serialize;

/// The media type of all but files.
pub(super) const JSON: &str = "application/json";

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its media type.
    pub media: &'static str,
    /// The name under which users save it, if it is a file.
    pub file: Option<&'static str>,
    /// Its bytes.
    pub body: Vec<u8>,
}

impl Answer {
    pub(super) fn json_text(text: &str) -> Answer {
        Answer { media: JSON, file: None, body: text.as_bytes().to_vec() }
    }
}

/// The kind of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such request.
    Unknown,
    /// The body is not what the request needs.
    Malformed,
    /// The session cannot do it.
    Denied,
    /// An internal error.
    Broken,
}

/// Why a request was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Refused {
    /// Its kind.
    pub kind: Refusal,
    /// A sentence for users.
    pub why: String,
}

impl Refused {
    /// A refusal of this kind.
    pub fn new(kind: Refusal, why: impl ToString) -> Refused {
        Refused { kind, why: why.to_string() }
    }

    /// The same with its sentence in another language.
    #[must_use]
    pub fn in_language(mut self, language: Language) -> Refused {
        language.put(&mut self.why);
        self
    }

    /// As `{ "error": "…" }`.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::json!({ "error": self.why }).to_string()
    }
}

impl From<Denied> for Refused {
    fn from(denied: Denied) -> Refused {
        Refused::new(Refusal::Denied, denied)
    }
}

/// What a page shows, and the outcome of the action that led to it.
#[derive(Serialize)]
struct Told {
    told: Option<ActionResult>,
    /// Where the learner is in the lesson.
    #[serde(skip_serializing_if = "Option::is_none")]
    lesson: Option<PlaceNow>,
    /// At an exercise, what the learner's steps come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    goals: Option<GoalsNow>,
    #[serde(flatten)]
    view: View,
}

impl Told {
    /// This view of a session, in sentences of this language.
    fn of(session: &Session, told: Option<ActionResult>, view: View, language: Language) -> Told {
        Told {
            told: told.map(|told| told.in_language(language)),
            lesson: session.place(),
            goals: session.goals().map(|goals| goals.in_language(language)),
            view: view.in_language(language),
        }
    }
}

/// Answers a request to a session, in sentences of this language.
///
/// # Errors
/// [`Refused`]: nothing has changed.
pub fn answer(session: &mut Session, ask: Ask, language: Language) -> Result<Answer, Refused> {
    let told = match ask {
        Ask::State => return json(&Told::of(session, None, session.view(), language)),
        Ask::Lab => return Ok(file("lab.toml", "application/toml", session.export().into_bytes())),
        Ask::Events => {
            let mut lines = JsonLines::new(Vec::new());
            session.events().try_for_each(|event| lines.event(event)).map_err(broken)?;
            return Ok(file("events.jsonl", "application/jsonl", lines.finish().map_err(broken)?));
        }
        Ask::Traffic => {
            return Ok(file("traffic.pcapng", "application/x-pcapng", session.traffic().map_err(broken)?));
        }
        Ask::Why(step) => return json(&session.why(step)?.in_language(language)),
        Ask::Course(kept) => return json(&session.course(&kept)?.in_language(language)),
        Ask::Lesson => return json(&session.lesson(language)?),
        Ask::Take(Some(name)) => session.take(&name).map(|()| None)?,
        Ask::Take(None) => session.leave().map(|()| None)?,
        Ask::GoTo(place) => session.go_to(place).map(|()| None)?,
        Ask::Run(part) => session.run_part(part)?,
        Ask::Act(step) => Some(session.act(&step)?),
        Ask::Redo => Some(session.redo()?),
        Ask::Undo => session.undo().map(|()| None)?,
        Ask::Reset => session.reset().map(|()| None)?,
    };
    news(session, told, language)
}

/// The view of a session that was just opened.
pub(super) fn open_view(session: &mut Session, language: Language) -> Result<Answer, Refused> {
    news(session, None, language)
}

fn news(session: &mut Session, told: Option<ActionResult>, language: Language) -> Result<Answer, Refused> {
    let view = session.news();
    json(&Told::of(session, told, view, language))
}

/// A download with this name.
fn file(name: &'static str, media: &'static str, body: Vec<u8>) -> Answer {
    Answer { media, file: Some(name), body }
}

pub(super) fn json(content: &impl Serialize) -> Result<Answer, Refused> {
    let body = serde_json::to_vec(content).map_err(broken)?;
    Ok(Answer { media: JSON, file: None, body })
}

fn broken(why: impl ToString) -> Refused {
    Refused::new(Refusal::Broken, why)
}
