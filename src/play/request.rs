//! What a page asks of a workspace and its session. Each request comes with the language of the page, in which sentences are
//! answered; files are the same in all.
//!
//! | name | body | answer |
//! | --- | --- | --- |
//! | `open` | `{"text": "…"}`: a lab file, or anything that `macvlab import` reads | the same as for `state` |
//! | `findings` | | what is wrong with the network as it was opened: a list of the objects of `macvlab diagnose --format json` |
//! | `capture NAME` | a capture, which steps replay by this name; not by HTTP | a [`View`](super::View), if a lab is open |
//! | `words` | | the page's own words: an object of English texts and what they are in its language |
//! | `state` | | a [`View`](super::View): the session's state, and the page's content |
//! | `act` | `{"step": {"ping": {"from": "c1", "to": "c2"}}}`, any step of a lab file, or `{"toml": "…"}`, its text | the news, and `"told"`, the outcome |
//! | `undo`, `redo`, `reset` | | the same |
//! | `why` | `{"step": 3}`: a step that got no reply | the object of `macvlab why --json` |
//! | `course` | `{"progress": {"vepa": {"parts": [{"answers": [1], "solved": true}]}}}`: by the lesson's key, what a page has kept | the lessons that can be taken, with the score |
//! | `take` | `{"name": "vepa"}`, a built-in lesson, or `{}`: what was open before | the news, at the first question |
//! | `lesson` | | the lesson that is taken |
//! | `part`, `exercise` | `{"part": 2}`, from 1 | the news, at the part's question or exercise |
//! | `run` | `{"part": 2}` | the news: the part's steps were run |
//! | `lab.toml` | | the session as a lab file |
//! | `events.jsonl` | | the events, as `macvlab run --json` writes them |
//! | `traffic.pcapng` | | every hop as a packet |

use super::answer::{Refusal, Refused};
use super::lesson::Kept;
use super::study::Place;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::num::NonZeroUsize;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verb {
    /// To open another network.
    Open,
    /// What is wrong with it.
    Findings,
    /// The page's own words.
    Words,
    /// The whole state.
    State,
    /// To execute a step.
    Act,
    /// What would help where a step got no reply.
    Why,
    /// To undo the last action.
    Undo,
    /// To redo the next one.
    Redo,
    /// To return to the devices as declared.
    Reset,
    /// The lessons that can be taken.
    Course,
    /// To take one of them, or to leave them.
    Take,
    /// The lesson that is taken.
    Lesson,
    /// To go to the question of a part.
    Part,
    /// To go to its exercise.
    Exercise,
    /// To run its steps.
    Run,
    /// The lab file.
    Lab,
    /// The events.
    Events,
    /// The capture.
    Traffic,
}

impl Verb {
    /// The verb of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Verb> {
        Some(match name {
            "open" => Verb::Open,
            "findings" => Verb::Findings,
            "words" => Verb::Words,
            "state" => Verb::State,
            "act" => Verb::Act,
            "why" => Verb::Why,
            "undo" => Verb::Undo,
            "redo" => Verb::Redo,
            "reset" => Verb::Reset,
            "course" => Verb::Course,
            "take" => Verb::Take,
            "lesson" => Verb::Lesson,
            "part" => Verb::Part,
            "exercise" => Verb::Exercise,
            "run" => Verb::Run,
            "lab.toml" => Verb::Lab,
            "events.jsonl" => Verb::Events,
            "traffic.pcapng" => Verb::Traffic,
            _ => return None,
        })
    }

    /// Whether it only reads, and has no body.
    #[must_use]
    pub fn reads(self) -> bool {
        matches!(
            self,
            Verb::State
                | Verb::Findings
                | Verb::Words
                | Verb::Lesson
                | Verb::Lab
                | Verb::Events
                | Verb::Traffic
        )
    }

    /// The request with this body.
    ///
    /// # Errors
    /// [`Refusal::Malformed`].
    pub fn with(self, body: &[u8]) -> Result<Request, Refused> {
        Ok(Request::Session(match self {
            Verb::Open => return Ok(Request::Open(from_json::<Open>(body, "a text to open")?.text)),
            Verb::Findings => return Ok(Request::Findings),
            Verb::Words => return Ok(Request::Words),
            Verb::State => Ask::State,
            Verb::Act => Ask::Act(from_json::<Act>(body, "an action")?.into_toml()),
            Verb::Why => Ask::Why(from_json::<Why>(body, "a step's number")?.step),
            Verb::Undo => Ask::Undo,
            Verb::Redo => Ask::Redo,
            Verb::Reset => Ask::Reset,
            Verb::Course => Ask::Course(from_json::<Kept>(body, "a progress")?),
            Verb::Take => Ask::Take(from_json::<Take>(body, "the name of a lesson")?.name),
            Verb::Lesson => Ask::Lesson,
            Verb::Part => Ask::GoTo(Place { part: part(body)?, exercise: false }),
            Verb::Exercise => Ask::GoTo(Place { part: part(body)?, exercise: true }),
            Verb::Run => Ask::Run(part(body)?),
            Verb::Lab => Ask::Lab,
            Verb::Events => Ask::Events,
            Verb::Traffic => Ask::Traffic,
        }))
    }
}

/// A request to a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request {
    /// To open what this text describes.
    Open(String),
    /// What is wrong with the network.
    Findings,
    /// To let steps replay these bytes by this name.
    Capture(String, Vec<u8>),
    /// The page's own words.
    Words,
    /// A request to the session.
    Session(Ask),
}

/// A request to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ask {
    /// The whole state.
    State,
    /// To execute a step, which is text of a lab file.
    Act(String),
    /// What would help where the step of this number got no reply.
    Why(usize),
    /// To undo the last action.
    Undo,
    /// To redo the next one.
    Redo,
    /// To return to the devices as declared.
    Reset,
    /// The lessons that can be taken, with this progress.
    Course(Kept),
    /// To take the lesson of this name; without one to return to what was open before.
    Take(Option<String>),
    /// The lesson that is taken.
    Lesson,
    /// To go to a place in it.
    GoTo(Place),
    /// To run the steps of a part, counted from 0.
    Run(usize),
    /// The lab file.
    Lab,
    /// The events.
    Events,
    /// The capture.
    Traffic,
}

impl Request {
    /// The request of this name and body.
    ///
    /// # Errors
    /// [`Refusal::Unknown`], [`Refusal::Malformed`].
    pub fn parse(name: &str, body: &[u8]) -> Result<Request, Refused> {
        if let Some(file) = name.strip_prefix("capture ") {
            return Ok(Request::Capture(file.to_owned(), body.to_vec()));
        }
        let unknown = || Refused::new(Refusal::Unknown, "the playground has no such path");
        Verb::named(name).ok_or_else(unknown)?.with(body)
    }
}

fn from_json<T: DeserializeOwned>(body: &[u8], what: &str) -> Result<T, Refused> {
    let wrong = |e| Refused::new(Refusal::Malformed, format!("this is not {what} in JSON: {e}"));
    serde_json::from_slice(body).map_err(wrong)
}

/// The body of an action request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum Act {
    /// The keys of a step: `{"ping": {"from": "c1", "to": "c2"}}`.
    Step(Map<String, Value>),
    /// The text of the step: `ping = { from = "c1", to = "c2" }`.
    Toml(String),
}

/// The body of the request to open a text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    text: String,
}

/// The body of the question what would help.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    /// The number of the step that got no reply, from 1.
    step: usize,
}

/// The body of a request for a lesson.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Take {
    #[serde(default)]
    name: Option<String>,
}

/// The body of a request for a part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfPart {
    /// Its number, from 1.
    part: NonZeroUsize,
}

/// A part, counted from 0.
fn part(body: &[u8]) -> Result<usize, Refused> {
    Ok(from_json::<OfPart>(body, "a part's number")?.part.get() - 1)
}

impl Act {
    /// The step as text of a lab file.
    fn into_toml(self) -> String {
        match self {
            Act::Step(step) => step.iter().map(|(key, value)| format!("{}\n", pair(key, value))).collect(),
            Act::Toml(text) => text,
        }
    }
}

fn pair(key: &str, value: &Value) -> String {
    format!("{} = {}", quoted(key), toml(value))
}

/// Converts a JSON value to TOML. `null`, which TOML lacks, is written and then refused.
fn toml(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(list) => format!("[{}]", list.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Object(table) => {
            let pairs: Vec<String> = table.iter().map(|(key, value)| pair(key, value)).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// A string: TOML has JSON's escapes, and DEL must be escaped as well.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}
