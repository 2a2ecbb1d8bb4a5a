//! Where labs are opened from what users bring: a text, and captures for its steps.

use super::answer::{Answer, Refusal, Refused, answer, open_view};
use super::request::Request;
use super::session::Session;
use super::watchdog::Watchdog;
use crate::capture::{Reader, hold};
use crate::lab::{Captures, Options};
use crate::labfile;
use crate::limits::{Budget, STEP_CAPTURE_BYTES};
use std::io::Cursor;

/// A session that begins when a lab is opened. Its requests are those of a [`Session`] and
///
/// | name | body | answer |
/// | --- | --- | --- |
/// | `open` | the text of a lab file | a [`View`](super::View) |
/// | `capture NAME` | a capture, which steps replay by this name | a [`View`](super::View), if a lab is open |
pub struct Workspace {
    session: Option<Session>,
    captures: Captures,
    budget: Budget,
    watchdog: fn() -> Box<dyn Watchdog>,
}

impl Workspace {
    /// An empty workspace, whose sessions are watched by these.
    #[must_use]
    pub fn new(watchdog: fn() -> Box<dyn Watchdog>) -> Workspace {
        let budget = Budget::new("bytes of frames in all captures", STEP_CAPTURE_BYTES);
        Workspace { session: None, captures: Captures::new(), budget, watchdog }
    }

    /// Answers a request.
    ///
    /// # Errors
    /// [`Refused`]: nothing has changed.
    pub fn answer(&mut self, name: &str, body: &[u8]) -> Result<Answer, Refused> {
        if name == "open" {
            return self.open(body);
        }
        if let Some(("capture", file)) = name.split_once(' ') {
            return self.capture(file, body);
        }
        let session = self.session.as_mut().ok_or_else(nothing)?;
        answer(session, Request::parse(name, body)?)
    }

    fn open(&mut self, text: &[u8]) -> Result<Answer, Refused> {
        let wrong = |e| Refused::new(Refusal::Malformed, format!("the lab is not text in UTF-8: {e}"));
        let text = std::str::from_utf8(text).map_err(wrong)?;
        let spec = labfile::parse("the lab", text);
        let spec = spec.map_err(|errors| Refused::new(Refusal::Malformed, errors.render(false)))?;
        let options = Options::default().with_captures(self.captures.clone());
        let session = self.session.insert(Session::watched(spec, options, (self.watchdog)())?);
        open_view(session)
    }

    fn capture(&mut self, name: &str, body: &[u8]) -> Result<Answer, Refused> {
        let wrong = |e: &dyn std::fmt::Display| Refused::new(Refusal::Malformed, format!("{name}: {e}"));
        let mut budget = self.budget;
        let reader = Reader::new(Cursor::new(body.to_vec())).map_err(|e| wrong(&e))?;
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
        match &mut self.session {
            Some(session) => {
                session.add_capture(name.into(), frames)?;
                open_view(session)
            }
            None => Ok(Answer::json_text("{}")),
        }
    }
}

fn nothing() -> Refused {
    Refused::new(Refusal::Denied, "no lab is open")
}
