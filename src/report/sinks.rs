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

impl EventSink for CountersTable {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        CountersTable::event(self, event);
        Ok(())
    }
}

impl EventSink for Recorder {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        Recorder::event(self, event);
        Ok(())
    }
}

impl EventSink for SequenceBuilder {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        SequenceBuilder::event(self, event);
        Ok(())
    }
}

impl EventSink for Scene {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        Scene::event(self, event);
        Ok(())
    }
}
