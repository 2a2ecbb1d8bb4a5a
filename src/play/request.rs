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
    /// Whether the request of this name only reads, and has no body; `None`: no request that HTTP carries has this name.
    #[must_use]
    pub fn reads(name: &str) -> Option<bool> {
        match name {
            "findings" | "words" | "state" | "lesson" | "lab.toml" | "events.jsonl" | "traffic.pcapng" => {
                Some(true)
            }
            "open" | "act" | "why" | "undo" | "redo" | "reset" | "course" | "take" | "part" | "exercise"
            | "run" => Some(false),
            _ => None,
        }
    }

    /// The request of this name and body.
    ///
    /// # Errors
    /// [`Refusal::Unknown`], [`Refusal::Malformed`].
    pub fn parse(name: &str, body: &[u8]) -> Result<Request, Refused> {
        Ok(Request::Session(match name {
            "open" => return Ok(Request::Open(from_json::<Open>(body, "a text to open")?.text)),
            "findings" => return Ok(Request::Findings),
            "words" => return Ok(Request::Words),
            "state" => Ask::State,
            "act" => Ask::Act(from_json::<Act>(body, "an action")?.into_toml()),
            "why" => Ask::Why(from_json::<Why>(body, "a step's number")?.step),
            "undo" => Ask::Undo,
            "redo" => Ask::Redo,
            "reset" => Ask::Reset,
            "course" => Ask::Course(from_json::<Kept>(body, "a progress")?),
            "take" => Ask::Take(from_json::<Take>(body, "the name of a lesson")?.name),
            "lesson" => Ask::Lesson,
            "part" => Ask::GoTo(Place { part: part(body)?, exercise: false }),
            "exercise" => Ask::GoTo(Place { part: part(body)?, exercise: true }),
            "run" => Ask::Run(part(body)?),
            "lab.toml" => Ask::Lab,
            "events.jsonl" => Ask::Events,
            "traffic.pcapng" => Ask::Traffic,
            name => match name.strip_prefix("capture ") {
                Some(file) => return Ok(Request::Capture(file.to_owned(), body.to_vec())),
                None => return Err(Refused::new(Refusal::Unknown, "the playground has no such path")),
            },
        }))
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

#[cfg(test)]
mod tests {
    use super::Request;

    #[test]
    fn every_documented_request_is_known_with_its_method() {
        let table = include_str!("request.rs").lines().take_while(|line| line.starts_with("//!"));
        let rows: Vec<(&str, bool)> = table
            .filter_map(|line| line.strip_prefix("//! | `")?.split_once(" | "))
            .flat_map(|(names, rest)| {
                let has_body = !rest.starts_with('|');
                names
                    .split(['`', ','])
                    .map(str::trim)
                    .filter(|name| !name.is_empty())
                    .map(move |name| (name, has_body))
            })
            .filter(|(name, _)| *name != "capture NAME")
            .collect();
        assert_eq!(rows.len(), 18, "{rows:?}");
        for (name, has_body) in rows {
            let changes = ["undo", "redo", "reset"].contains(&name);
            assert_eq!(Request::reads(name), Some(!has_body && !changes), "{name}");
            // What has no body needs none.
            assert!(has_body || Request::parse(name, b"").is_ok(), "{name}");
        }
        assert_eq!(Request::reads("capture x"), None, "captures are not sent by HTTP");
    }
}
