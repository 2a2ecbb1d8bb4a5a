//! The last hops, for whoever asks what happened.

use crate::capture::CaptureError;
use crate::lab::{Event, Hop, Lab};
use crate::report::{AnnotatedCapture, Detail, JsonLines, TextReport};
use std::collections::VecDeque;
use std::io;

/// The last hops, as many as wanted.
#[derive(Debug)]
pub(super) struct History {
    hops: VecDeque<Hop>,
    most: usize,
}

/// What they are shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Form {
    Text,
    Json,
    Pcapng,
}

impl History {
    pub(super) fn of(most: usize) -> History {
        History { hops: VecDeque::new(), most }
    }

    /// Keeps a hop.
    pub(super) fn event(&mut self, event: &Event) {
        if let Event::Hop(hop) = event
            && self.most > 0
        {
            if self.hops.len() >= self.most {
                self.hops.pop_front();
            }
            self.hops.push_back(hop.clone());
        }
    }

    /// Shows the last of them.
    pub(super) fn show(&self, lab: &Lab, form: Form, last: usize) -> Result<Vec<u8>, CaptureError> {
        let first = Event::Lab { title: lab.title().to_owned(), devices: lab.devices() };
        let events = std::iter::once(first)
            .chain(self.hops.iter().skip(self.hops.len().saturating_sub(last)).cloned().map(Event::Hop));
        match form {
            Form::Text => {
                let mut report = TextReport::new(Vec::new(), Detail::Hops, false);
                let written: io::Result<()> = events.into_iter().try_for_each(|e| report.event(&e));
                Ok(written.and_then(|()| report.finish())?)
            }
            Form::Json => {
                let mut lines = JsonLines::new(Vec::new());
                let written: io::Result<()> = events.into_iter().try_for_each(|e| lines.event(&e));
                Ok(written.and_then(|()| lines.finish())?)
            }
            Form::Pcapng => {
                let mut capture = AnnotatedCapture::new(Vec::new())?;
                events.into_iter().try_for_each(|e| capture.event(&e))?;
                capture.finish()
            }
        }
    }
}
