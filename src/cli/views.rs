//! What a run is shown as: any of text or events on standard output, and an annotated capture.

use super::Failure;
use super::terminal::{Out, Output, Terminal, is_dash};
use macvlab::capture::CaptureError;
use macvlab::lab::Event;
use macvlab::report::{AnnotatedCapture, Detail, JsonLines, TextReport};
use std::io;
use std::path::PathBuf;

/// What goes to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    Json,
    Text(Detail),
}

impl Shown {
    /// What the flags ask for. `capture` is where a capture goes: if that is standard output, nothing else does.
    ///
    /// clap has seen to it that at most one of the flags is given.
    pub(super) fn of(
        json: bool,
        explain: bool,
        quiet: bool,
        capture: Option<&PathBuf>,
    ) -> Result<Shown, Failure> {
        let taken = capture.is_some_and(|path| is_dash(path));
        if taken && (json || explain) {
            let why = "the capture goes to standard output, so --json and --explain have nowhere to go";
            return Err(Failure::Because(why.to_owned()));
        }
        Ok(match (json, explain) {
            _ if taken || quiet => Shown::Nothing,
            (true, _) => Shown::Json,
            (_, true) => Shown::Text(Detail::Hops),
            _ => Shown::Text(Detail::Steps),
        })
    }
}

/// The views of one run.
pub(super) struct Views {
    json: Option<JsonLines<Out>>,
    text: Option<TextReport<Out>>,
    capture: Option<(AnnotatedCapture<Output>, PathBuf)>,
    /// The first thing that went wrong; the view that it happened to is gone.
    failure: Option<Failure>,
}

impl Views {
    /// Opens them.
    pub(super) fn open(
        shown: Shown,
        capture: Option<PathBuf>,
        terminal: &Terminal,
    ) -> Result<Views, Failure> {
        let (json, text) = match shown {
            Shown::Nothing => (None, None),
            Shown::Json => (Some(JsonLines::new(terminal.out())), None),
            Shown::Text(detail) => (None, Some(TextReport::new(terminal.out(), detail, terminal.colour))),
        };
        let capture = match capture {
            Some(path) => {
                let file = Output::create(&path, terminal)?;
                let capture = AnnotatedCapture::new(file).map_err(|e| Failure::about(path.display(), e))?;
                Some((capture, path))
            }
            None => None,
        };
        Ok(Views { json, text, capture, failure: None })
    }

    /// Shows an event. A view that fails is not written to again; the others go on.
    pub(super) fn event(&mut self, event: &Event) {
        if let Some(json) = &mut self.json
            && let Err(e) = json.event(event)
        {
            self.json = None;
            self.fail(Failure::about("standard output", e));
        }
        if let Some(text) = &mut self.text
            && let Err(e) = text.event(event)
        {
            self.text = None;
            self.fail(Failure::about("standard output", e));
        }
        if let Some((capture, path)) = &mut self.capture
            && let Err(e) = capture.event(event)
        {
            let failure = Failure::about(path.display(), e);
            self.capture = None;
            self.fail(failure);
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
    }

    /// Completes them.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let stdout = |e: io::Error| Failure::about("standard output", e);
        let json = self.json.map_or(Ok(()), |json| json.finish().map(drop)).map_err(stdout);
        let text = self.text.map_or(Ok(()), |text| text.finish().map(drop)).map_err(stdout);
        if let Some((capture, path)) = self.capture {
            let whole = capture.finish().and_then(|file| file.commit().map_err(CaptureError::from));
            whole.map_err(|e| Failure::about(path.display(), e))?;
        }
        self.failure.map_or(Ok(()), Err)?;
        json.and(text)
    }
}
