//! Answers to requests, produced in chunks.

use super::caller::MAX_REQUEST;
use super::control::RequestContext;
use super::engine::{Attachment, AttachmentReport, tell};
use super::history::{Forgotten, History};
use super::tables;
use crate::capture::CaptureError;
use crate::lab::{Event, FdbChange, Known, Outcome};
use crate::report::{AnnotatedCapture, Detail, JsonLines, Reason, TextReport, because, because_as_json};
use crate::switch::FdbEntry;
use crate::verdict::Refusal;
use serde::Deserialize;
use serde_json::json;
use std::io::Write as _;
use std::ops::Range;

/// Size of a chunk in bytes: it consists of whole lines or packets, the last of which reaches this size. That much,
/// plus one line, is buffered for a caller.
pub(super) const PIECE: usize = 32 * 1024;

/// Output formats.
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
    Neigh {
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

/// Why there is no answer, or why it ends early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    #[error("this is not a request: {0}")]
    NoRequest(#[from] serde_json::Error),
    #[error("a request of more than {MAX_REQUEST} bytes")]
    TooLong,
    #[error("{0}")]
    Unacceptable(String),
    #[error("{refusal}: {}", refusal.rule.why())]
    Refused { refusal: Refusal, because: Vec<Reason> },
    #[error(transparent)]
    Unwritable(#[from] CaptureError),
    #[error(
        "the hops left the history before they were read: read the answer faster, request fewer with `last`, or use a larger history"
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

/// The remaining content.
pub(super) enum Answer {
    /// Text, and the offset of the rest.
    Text(Vec<u8>, usize),
    /// Lines of JSON about the state at one moment.
    Lines(Box<dyn Iterator<Item = Line>>, Box<JsonLines<Vec<u8>>>),
    /// Hops, by number.
    Hops(Range<u64>, Writer),
}

/// The subject of a line of JSON.
pub(super) enum Line {
    Event(Event),
    AttachmentReport(AttachmentReport),
}

/// A chunk of an answer.
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// More chunks follow.
    pub(super) more: bool,
}

impl Piece {
    /// The chunk with its header line.
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
    /// The header line.
    pub(super) fn said(&self) -> Vec<u8> {
        let mut head = json!({ "ok": false, "error": self.to_string() });
        if let Unanswered::Refused { refusal, because } = self {
            head["errno"] = refusal.errno.name().into();
            head["because"] = json!(because_as_json(because));
        }
        format!("{head}\n").into_bytes()
    }
}

impl Answer {
    /// Executes one request line and returns the answer.
    pub(super) fn to(line: &[u8], context: &mut RequestContext<'_>) -> Result<Answer, Unanswered> {
        match serde_json::from_slice(line)? {
            Request::Show { form } => show(context, form),
            Request::Counters { form } => counters(context, form),
            Request::Fdb { form } => fdb(context, form),
            Request::Neigh { form } => neighbours(context, form),
            Request::Dump { form, last } => {
                let mut writer = Writer::new(form)?;
                writer.event(&Event::Lab {
                    title: context.lab.title().to_owned(),
                    devices: context.lab.devices(),
                })?;
                Ok(Answer::Hops(context.history.last(last.unwrap_or(usize::MAX)), writer))
            }
            Request::Change { step } => change(context, &step),
        }
    }

    /// The next chunk.
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
                        Some(Line::AttachmentReport(attachment)) => {
                            writeln!(json.get_mut(), "{}", tables::attachment_as_json(&attachment))?;
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

    /// The first hop still to be sent.
    pub(super) fn wants(&self) -> Option<u64> {
        match self {
            Answer::Hops(numbers, _) => Some(numbers.start),
            Answer::Text(..) | Answer::Lines(..) => None,
        }
    }
}

/// Writes the lines or packets of an answer.
pub(super) enum Writer {
    Text(Box<TextReport<Vec<u8>>>),
    Json(Box<JsonLines<Vec<u8>>>),
    Pcapng(Box<AnnotatedCapture<Vec<u8>>>),
}

impl Writer {
    fn new(form: Form) -> Result<Writer, CaptureError> {
        Ok(match form {
            Form::Text => Writer::Text(Box::new(TextReport::new(Vec::new(), Detail::Hops, false))),
            Form::Json => Writer::Json(Box::new(JsonLines::new(Vec::new()))),
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

    /// Whether to extend the chunk.
    fn has_room(&mut self) -> bool {
        let collected = match self {
            Writer::Text(report) => report.get_mut().len(),
            Writer::Json(lines) => lines.get_mut().len(),
            Writer::Pcapng(capture) => capture.collected() + capture.get_mut().len(),
        };
        collected < PIECE
    }

    /// The data written since the last call.
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

    /// The data still to be written.
    fn last(&mut self) -> Result<Piece, Unanswered> {
        let last = std::mem::replace(self, Writer::Json(Box::new(JsonLines::new(Vec::new()))));
        let bytes = match last {
            Writer::Text(report) => report.finish()?,
            Writer::Json(lines) => lines.finish()?,
            Writer::Pcapng(capture) => capture.finish()?,
        };
        Ok(Piece { bytes, more: false })
    }
}

/// Executes a step of the lab file.
fn change(context: &mut RequestContext<'_>, step: &str) -> Result<Answer, Unanswered> {
    let RequestContext { names, lab, history, monitor, now, .. } = context;
    let step = names.parse_step(step).map_err(|errors| Unanswered::Unacceptable(errors.to_string()))?;
    let outcome = lab.change(*now, &step, &mut |event| tell(history, *monitor, event));
    names.did(&step, |name| lab.has(name));
    match outcome {
        Some(outcome @ Outcome::Refused(refusal)) => {
            Err(Unanswered::Refused { refusal, because: because(&step, outcome, &[], &[]) })
        }
        Some(_) => Ok(Answer::Text(Vec::new(), 0)),
        None => Err(Unanswered::Unacceptable("a running lab accepts set, add and remove only".to_owned())),
    }
}

fn show(context: &RequestContext<'_>, form: Form) -> Result<Answer, Unanswered> {
    let (devices, states) = (context.lab.devices(), context.lab.states());
    if form == Form::Text {
        return Ok(text(tables::devices(&devices, states, &attachments(context.places))));
    }
    let states = states.into_iter().map(|(device, state)| Event::State { device, state });
    let title = context.lab.title().to_owned();
    lines(std::iter::once(Event::Lab { title, devices }).chain(states), attachments(context.places))
}

fn counters(context: &RequestContext<'_>, form: Form) -> Result<Answer, Unanswered> {
    let counters = context.lab.counters();
    if form == Form::Text {
        let crossed = tables::attachments(&attachments(context.places));
        return Ok(text(format!("{}\n{crossed}", crate::report::counters_table(&counters))));
    }
    let events = counters.into_iter().map(|(device, counters)| Event::Counters { device, counters });
    lines(events, attachments(context.places))
}

fn fdb(context: &RequestContext<'_>, form: Form) -> Result<Answer, Unanswered> {
    let known = context.lab.known();
    if form == Form::Text {
        return Ok(text(tables::known(&known)));
    }
    let time = context.now;
    let entry = move |known: Known| {
        let Known { switch, port, entry: FdbEntry { vlan, mac, kind, .. } } = known;
        Event::Fdb(FdbChange { step: 0, time, switch, vlan, mac, entry: Some((port, kind)) })
    };
    lines(known.into_iter().map(entry), Vec::new())
}

fn neighbours(context: &RequestContext<'_>, form: Form) -> Result<Answer, Unanswered> {
    let tables = context.lab.neighbours();
    if form == Form::Text {
        return Ok(text(tables::neighbours(&tables, context.lab.now())));
    }
    let table = |(device, entries)| Event::Neighbours { device, entries };
    lines(tables.into_iter().map(table), Vec::new())
}

fn text(text: String) -> Answer {
    Answer::Text(text.into_bytes(), 0)
}

/// Events, and then the attached backends, one JSON object per line.
fn lines(
    events: impl Iterator<Item = Event> + 'static,
    attachments: Vec<AttachmentReport>,
) -> Result<Answer, Unanswered> {
    let all = events.map(Line::Event).chain(attachments.into_iter().map(Line::AttachmentReport));
    Ok(Answer::Lines(Box::new(all), Box::new(JsonLines::new(Vec::new()))))
}

/// Every attachment, in the order of creation.
pub(super) fn attachments(places: &[Attachment]) -> Vec<AttachmentReport> {
    let attachment = |p: &Attachment| AttachmentReport {
        device: p.device.clone(),
        backend: p.name.clone(),
        presence: p.presence.clone(),
        counters: p.counters,
    };
    places.iter().map(attachment).collect()
}
