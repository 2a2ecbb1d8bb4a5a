//! The outputs of a run: text or events on standard output, an annotated capture, a page.

use super::Failure;
use super::terminal::{Out, Output, Terminal, about_output, is_dash};
use macvlab::capture::CaptureError;
use macvlab::lab::{Event, LabSpec, Options};
use macvlab::labfile;
use macvlab::language::Language;
use macvlab::report::html::{Bundle, Recorder, page_in};
use macvlab::report::{AnnotatedCapture, Detail, JsonLines, TextReport};
use std::path::{Path, PathBuf};

/// The output on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    Json,
    Text(Detail),
}

/// The output files of a run; `-` is standard output.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    /// An annotated capture.
    pub(super) capture: Option<PathBuf>,
    /// A page that shows the run.
    pub(super) page: Option<PathBuf>,
}

impl Shown {
    /// Reads the flags. If a file is standard output, nothing else is printed there.
    ///
    /// clap ensures that at most one of the flags is given.
    pub(super) fn of(json: bool, explain: bool, quiet: bool, files: &Files) -> Result<Shown, Failure> {
        let dash = |path: &Option<PathBuf>| path.as_ref().is_some_and(|path| is_dash(path));
        let what = match (dash(&files.capture), dash(&files.page)) {
            (true, true) => {
                let why = "the capture and the page cannot both go to standard output";
                return Err(Failure::Because(why.to_owned()));
            }
            (true, _) => Some("capture"),
            (_, true) => Some("page"),
            _ => None,
        };
        if let Some(what) = what.filter(|_| json || explain) {
            let why = format!(
                "the {what} goes to standard output, so it cannot be combined with --json or --explain"
            );
            return Err(Failure::Because(why));
        }
        let taken = what.is_some();
        Ok(match (json, explain) {
            _ if taken || quiet => Shown::Nothing,
            (true, _) => Shown::Json,
            (_, true) => Shown::Text(Detail::Hops),
            _ => Shown::Text(Detail::Steps),
        })
    }
}

/// The outputs of one run.
pub(super) struct Views {
    json: Option<JsonLines<Out>>,
    text: Option<TextReport<Out>>,
    capture: Option<(AnnotatedCapture<Output>, PathBuf)>,
    page: Option<(Recorder, Output, PathBuf)>,
    /// The language of the page.
    language: Language,
    /// The first error; the output that it happened to is closed.
    failure: Option<Failure>,
}

impl Views {
    /// Opens the outputs.
    pub(super) fn open(shown: Shown, files: Files, terminal: &Terminal) -> Result<Views, Failure> {
        let (json, text) = match shown {
            Shown::Nothing => (None, None),
            Shown::Json => (Some(JsonLines::new(terminal.out())), None),
            Shown::Text(detail) => {
                let text = TextReport::new(terminal.out(), detail, terminal.colour);
                (None, Some(text.in_language(terminal.language)))
            }
        };
        let capture = match files.capture {
            Some(path) => {
                let file = Output::create(&path, terminal)?;
                let capture = AnnotatedCapture::new(file).map_err(|e| about_output(&path, e))?;
                Some((capture, path))
            }
            None => None,
        };
        let page = match files.page {
            Some(path) => Some((Recorder::default(), Output::create(&path, terminal)?, path)),
            None => None,
        };
        Ok(Views { json, text, capture, page, language: terminal.language, failure: None })
    }

    /// Shows an event. An output that fails is not written to again; the others continue.
    pub(super) fn event(&mut self, event: &Event) {
        if let Some((recorder, ..)) = &mut self.page {
            recorder.event(event);
        }
        if let Some(text) = &mut self.text
            && let Err(e) = text.event(event)
        {
            self.text = None;
            self.fail(e.into());
        }
        // These events are emitted for the page and for the causes of results.
        if matches!(event, Event::Decision(_) | Event::Devices { .. } | Event::Fdb(_)) {
            if let Some(json) = &mut self.json {
                json.note(event);
            }
            return;
        }
        if let Some(json) = &mut self.json
            && let Err(e) = json.event(event)
        {
            self.json = None;
            self.fail(e.into());
        }
        if let Some((capture, path)) = &mut self.capture
            && let Err(e) = capture.event(event)
        {
            let failure = about_output(path, e);
            self.capture = None;
            self.fail(failure);
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
    }

    /// Errors since the last call, for callers that do not wait for the end.
    pub(super) fn take_failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }

    /// Whether standard output still shows anything.
    pub(super) fn shows(&self) -> bool {
        self.json.is_some() || self.text.is_some()
    }

    /// Flushes the outputs, for live viewers.
    pub(super) fn flush(&mut self) {
        let json = self.json.as_mut().map_or(Ok(()), JsonLines::flush);
        let text = self.text.as_mut().map_or(Ok(()), TextReport::flush);
        if let Err(e) = json.and(text) {
            (self.json, self.text) = (None, None);
            self.fail(e.into());
        }
    }

    /// Whether decisions and changes are needed: a page shows them, and causes are found from them, for the JSON and for
    /// the line of a step.
    pub(super) fn wants_all(&self) -> bool {
        let causes = self.text.as_ref().is_some_and(TextReport::names_causes);
        self.page.is_some() || self.json.is_some() || causes
    }

    /// Completes the outputs. A page tells what would help in the lab that was run, if it is given.
    pub(super) fn finish(self, ran: Option<(&LabSpec, &Options)>) -> Result<(), Failure> {
        let json = self.json.map_or(Ok(()), |json| json.finish().map(drop)).map_err(Failure::from);
        let text = self.text.map_or(Ok(()), |text| text.finish().map(drop)).map_err(Failure::from);
        if let Some((capture, path)) = self.capture {
            let whole = capture.finish().and_then(|file| file.commit().map_err(CaptureError::from));
            whole.map_err(|e| about_output(&path, e))?;
        }
        if let Some((recorder, file, path)) = self.page {
            let mut bundle = recorder.finish();
            if let Some((spec, options)) = ran {
                look_for_remedies(&mut bundle, spec, options);
            }
            put_page(bundle, file, &path, self.language)?;
        }
        self.failure.map_or(Ok(()), Err)?;
        json.and(text)
    }
}

/// Adds what would help where a step of the lab got no reply.
pub(super) fn look_for_remedies(bundle: &mut Bundle, spec: &LabSpec, options: &Options) {
    bundle.look_for_remedies(spec, options, &labfile::tried_text);
}

/// Writes a standalone page.
pub(super) fn write_page(bundle: Bundle, path: &Path, terminal: &Terminal) -> Result<(), Failure> {
    put_page(bundle, Output::create(path, terminal)?, path, terminal.language)
}

fn put_page(bundle: Bundle, file: Output, path: &Path, language: Language) -> Result<(), Failure> {
    let page = page_in(language, &bundle.in_language(language)).map_err(|e| about_output(path, e))?;
    file.write_whole(page.as_bytes())
}
