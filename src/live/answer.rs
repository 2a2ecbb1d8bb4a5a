//! Answers to requests, made piece by piece.

use super::control::RequestContext;
use super::engine::{Attachment, Crossing, tell};
use super::history::{Forgotten, History};
use super::tables;
use crate::capture::CaptureError;
use crate::lab::{Event, FdbChange, Known, Outcome};
use crate::report::{AnnotatedCapture, Detail, JsonLines, TextReport};
use crate::switch::FdbEntry;
use serde::Deserialize;
use serde_json::json;
use std::io::Write as _;
use std::ops::Range;

/// A piece of an answer is made of whole lines or packets, the last of which reaches this number of bytes: so many, and
/// those of one line, wait for a caller.
pub(super) const PIECE: usize = 32 * 1024;

/// What answers are shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Form {
    Text,
    Json,
    Pcapng,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
enum Request {
    Show {
        #[serde(rename = "as")]
        form: Form,
    },
    Counters {
        #[serde(rename = "as")]
        form: Form,
    },
    Fdb {
        #[serde(rename = "as")]
        form: Form,
    },
    Dump {
        #[serde(rename = "as")]
        form: Form,
        last: Option<usize>,
    },
    Change {
        step: String,
    },
}

/// Why there is no answer, or no more of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    #[error("this is no request: {0}")]
    NoRequest(#[from] serde_json::Error),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Unwritable(#[from] CaptureError),
    #[error(
        "the hops were forgotten before they were read: read the answer faster, ask for fewer with `last`, or remember more"
    )]
    Forgotten,
}

impl From<std::io::Error> for Unanswered {
    fn from(e: std::io::Error) -> Unanswered {
        Unanswered::Unwritable(e.into())
    }
}

impl From<Forgotten> for Unanswered {
    fn from(_: Forgotten) -> Unanswered {
        Unanswered::Forgotten
    }
}

/// What is still to be said.
pub(super) enum Answer {
    /// Text, and how far it was handed out.
    Text(Vec<u8>, usize),
    /// Lines of JSON about what stands at one moment.
    Lines(Box<dyn Iterator<Item = Line>>, JsonLines<Vec<u8>>),
    /// Hops, by their numbers.
    Hops(Range<u64>, Writer),
}

/// What a line of JSON tells of.
pub(super) enum Line {
    Event(Event),
    Crossing(Crossing),
}

/// A part of an answer.
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// There is more to come.
    pub(super) more: bool,
}

impl Piece {
    /// The piece with the line before it that says what it is.
    pub(super) fn into_said(self) -> Vec<u8> {
        let Piece { bytes, more } = self;
        let head = if more {
            json!({ "ok": true, "bytes": bytes.len(), "more": true })
        } else {
            json!({ "ok": true, "bytes": bytes.len() })
        };
        [format!("{head}\n").into_bytes(), bytes].concat()
    }
}

impl Unanswered {
    /// The line that says so.
    pub(super) fn said(&self) -> Vec<u8> {
        refusal(&self.to_string())
    }
}

/// The line that says why a request is not answered.
pub(super) fn refusal(why: &str) -> Vec<u8> {
    format!("{}\n", json!({ "ok": false, "error": why })).into_bytes()
}

impl Answer {
    /// The answer to one line; what it asks for is done.
    pub(super) fn to(line: &[u8], desk: &mut RequestContext<'_>) -> Result<Answer, Unanswered> {
        match serde_json::from_slice(line)? {
            Request::Show { form } => show(desk, form),
            Request::Counters { form } => counters(desk, form),
            Request::Fdb { form } => fdb(desk, form),
            Request::Dump { form, last } => {
                let mut writer = Writer::new(form)?;
                writer
                    .event(&Event::Lab { title: desk.lab.title().to_owned(), devices: desk.lab.devices() })?;
                Ok(Answer::Hops(desk.history.last(last.unwrap_or(usize::MAX)), writer))
            }
            Request::Change { step } => change(desk, &step),
        }
    }

    /// The next part.
    pub(super) fn next(&mut self, history: &History) -> Result<Piece, Unanswered> {
        match self {
            Answer::Text(text, at) => {
                let begin = *at;
                *at = text.len().min(begin + PIECE);
                Ok(Piece { bytes: text[begin..*at].to_vec(), more: *at < text.len() })
            }
            Answer::Lines(all, json) => {
                let mut more = true;
                while more && json.get_mut().len() < PIECE {
                    match all.next() {
                        Some(Line::Event(event)) => json.event(&event)?,
                        Some(Line::Crossing(crossing)) => {
                            writeln!(json.get_mut(), "{}", tables::crossing_as_json(&crossing))?;
                        }
                        None => more = false,
                    }
                }
                Ok(Piece { bytes: std::mem::take(json.get_mut()), more })
            }
            Answer::Hops(numbers, writer) => {
                while writer.has_room() {
                    let Some(number) = numbers.next() else { return writer.last() };
                    writer.event(&Event::Hop(history.get(number)?.clone()))?;
                }
                writer.take()
            }
        }
    }

    /// The first hop that it is still to tell of.
    pub(super) fn wants(&self) -> Option<u64> {
        match self {
            Answer::Hops(numbers, _) => Some(numbers.start),
            Answer::Text(..) | Answer::Lines(..) => None,
        }
    }
}

/// What writes the lines or packets of an answer.
pub(super) enum Writer {
    Text(Box<TextReport<Vec<u8>>>),
    Json(JsonLines<Vec<u8>>),
    Pcapng(Box<AnnotatedCapture<Vec<u8>>>),
}

impl Writer {
    fn new(form: Form) -> Result<Writer, CaptureError> {
        Ok(match form {
            Form::Text => Writer::Text(Box::new(TextReport::new(Vec::new(), Detail::Hops, false))),
            Form::Json => Writer::Json(JsonLines::new(Vec::new())),
            Form::Pcapng => Writer::Pcapng(Box::new(AnnotatedCapture::new(Vec::new())?)),
        })
    }

    fn event(&mut self, event: &Event) -> Result<(), CaptureError> {
        match self {
            Writer::Text(report) => Ok(report.event(event)?),
            Writer::Json(lines) => Ok(lines.event(event)?),
            Writer::Pcapng(capture) => capture.event(event),
        }
    }

    /// Whether the piece is to grow.
    fn has_room(&mut self) -> bool {
        let collected = match self {
            Writer::Text(report) => report.get_mut().len(),
            Writer::Json(lines) => lines.get_mut().len(),
            Writer::Pcapng(capture) => capture.collected() + capture.get_mut().len(),
        };
        collected < PIECE
    }

    /// What was written since the last time.
    fn take(&mut self) -> Result<Piece, Unanswered> {
        let bytes = match self {
            Writer::Text(report) => std::mem::take(report.get_mut()),
            Writer::Json(lines) => std::mem::take(lines.get_mut()),
            Writer::Pcapng(capture) => {
                capture.flush()?;
                std::mem::take(capture.get_mut())
            }
        };
        Ok(Piece { bytes, more: true })
    }

    /// What is left to be written.
    fn last(&mut self) -> Result<Piece, Unanswered> {
        let last = std::mem::replace(self, Writer::Json(JsonLines::new(Vec::new())));
        let bytes = match last {
            Writer::Text(report) => report.finish()?,
            Writer::Json(lines) => lines.finish()?,
            Writer::Pcapng(capture) => capture.finish()?,
        };
        Ok(Piece { bytes, more: false })
    }
}

/// Carries out a step of the lab file.
fn change(desk: &mut RequestContext<'_>, step: &str) -> Result<Answer, Unanswered> {
    let RequestContext { names, lab, history, observer, now, .. } = desk;
    let step = names.parse_step(step).map_err(|mistakes| Unanswered::Refused(mistakes.to_string()))?;
    let outcome = lab.change(*now, &step, &mut |event| tell(history, *observer, event));
    names.did(&step, |name| lab.has(name));
    match outcome {
        Some(Outcome::Refused(refusal)) => {
            Err(Unanswered::Refused(format!("{refusal}: {}", refusal.rule.why())))
        }
        Some(_) => Ok(Answer::Text(Vec::new(), 0)),
        None => Err(Unanswered::Refused("only set, add and remove can be done to a running lab".to_owned())),
    }
}

fn show(desk: &RequestContext<'_>, form: Form) -> Result<Answer, Unanswered> {
    let (devices, states) = (desk.lab.devices(), desk.lab.states());
    if form == Form::Text {
        return Ok(text(tables::devices(&devices, states, &crossings(desk.places))));
    }
    let states = states.into_iter().map(|(device, state)| Event::State { device, state });
    let title = desk.lab.title().to_owned();
    lines(std::iter::once(Event::Lab { title, devices }).chain(states), crossings(desk.places))
}

fn counters(desk: &RequestContext<'_>, form: Form) -> Result<Answer, Unanswered> {
    let counters = desk.lab.counters();
    if form == Form::Text {
        let crossed = tables::crossings(&crossings(desk.places));
        return Ok(text(format!("{}\n{crossed}", crate::report::counters_table(&counters))));
    }
    let events = counters.into_iter().map(|(device, counters)| Event::Counters { device, counters });
    lines(events, crossings(desk.places))
}

fn fdb(desk: &RequestContext<'_>, form: Form) -> Result<Answer, Unanswered> {
    let known = desk.lab.known();
    if form == Form::Text {
        return Ok(text(tables::known(&known)));
    }
    let time = desk.now;
    let entry = move |known: Known| {
        let Known { switch, port, entry: FdbEntry { vlan, mac, kind, .. } } = known;
        Event::Fdb(FdbChange { step: 0, time, switch, vlan, mac, entry: Some((port, kind)) })
    };
    lines(known.into_iter().map(entry), Vec::new())
}

fn text(text: String) -> Answer {
    Answer::Text(text.into_bytes(), 0)
}

/// Events, and then what is attached, one JSON object a line.
fn lines(
    events: impl Iterator<Item = Event> + 'static,
    crossings: Vec<Crossing>,
) -> Result<Answer, Unanswered> {
    let all = events.map(Line::Event).chain(crossings.into_iter().map(Line::Crossing));
    Ok(Answer::Lines(Box::new(all), JsonLines::new(Vec::new())))
}

/// What crossed the rim.
pub(super) fn crossings(places: &[Attachment]) -> Vec<Crossing> {
    let crossing = |p: &Attachment| Crossing {
        device: p.device.clone(),
        backend: p.spec.clone(),
        presence: p.presence.clone(),
        rim: p.rim,
    };
    places.iter().map(crossing).collect()
}
