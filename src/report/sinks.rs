//! Every report takes the events of a lab in the same way.

use super::draw::Scene;
use super::html::Recorder;
use super::sequence::SequenceBuilder;
use super::{CountersTable, JsonLines, TextReport};
use crate::lab::{Event, EventSink};
use std::io::{self, Write};

impl<W: Write> EventSink for TextReport<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        TextReport::event(self, event)
    }
}

impl<W: Write> EventSink for JsonLines<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        JsonLines::event(self, event)
    }
}

#[cfg(feature = "capture")]
impl<W: Write> EventSink for super::AnnotatedCapture<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        Ok(super::AnnotatedCapture::event(self, event)?)
    }
}

/// Reports that are kept in memory cannot fail.
macro_rules! infallible {
    ($($report:ty),*) => {
        $(impl EventSink for $report {
            fn event(&mut self, event: &Event) -> io::Result<()> {
                <$report>::event(self, event);
                Ok(())
            }
        })*
    };
}

infallible!(CountersTable, Recorder, Scene, SequenceBuilder);
