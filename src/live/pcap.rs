//! A capture as a backend: recorded frames arrive with their spacing, and outgoing frames are recorded.

use super::backend::{Backend, BoundaryCounters, PeerState, Wait};
use super::file::create_file;
use crate::capture::{CaptureError, PcapWriter, Reader, RecordFile, RecordFormat, Steady};
use crate::frame::Frame;
use crate::sys::BATCH;
use crate::time::Instant;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

pub(super) struct Pcap {
    from: Option<Source>,
    to: Option<Recording>,
    /// `Failed` once outgoing frames cannot be recorded any more.
    presence: PeerState,
}

struct Source {
    reader: Steady,
    /// The first frame's time in the capture, and when it entered.
    began: Option<(Instant, Instant)>,
    next: Vec<u8>,
    /// Time of the next frame since the first.
    offset: Duration,
}

/// The recording of outgoing frames, until it fails.
struct Recording {
    records: PcapWriter<Vec<u8>>,
    file: RecordFile,
}

/// Length of a record header, in bytes.
const RECORD_HEADER: u64 = 16;

impl Recording {
    fn create(path: &Path) -> Result<Recording, CaptureError> {
        let file = RecordFile::growing(create_file(path)?, RecordFormat::Pcap);
        let mut recording = Recording { records: PcapWriter::new(Vec::new())?, file };
        recording.write()?;
        Ok(recording)
    }

    /// Writes buffered data.
    fn write(&mut self) -> Result<(), CaptureError> {
        let records = self.records.get_mut();
        let written = self.file.append(records);
        records.clear();
        Ok(written?)
    }

    /// Records frames; returns how many are complete in the file, and the error if not all are.
    fn record(&mut self, now: Instant, frames: &[Frame]) -> (usize, Result<(), CaptureError>) {
        let before = self.file.bytes();
        let collected = frames.iter().try_for_each(|frame| self.records.write(now, frame, 0));
        let written = self.write().and(collected);
        let mut room = self.file.bytes() - before;
        let fits = |frame: &&Frame| {
            let rest = room.checked_sub(RECORD_HEADER + frame.len() as u64);
            room = rest.unwrap_or(0);
            rest.is_some()
        };
        (frames.iter().take_while(fits).count(), written)
    }
}

impl Pcap {
    pub(super) fn open(from: Option<&Path>, to: Option<&Path>) -> Result<Pcap, String> {
        let told = |path: &Path, e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let mut no_rim = BoundaryCounters::default();
        let from = match from {
            None => None,
            Some(path) => {
                let file = File::open(path).map_err(|e| told(path, &e))?;
                let reader = Reader::new(file).map_err(|e| told(path, &e))?;
                let reader = Steady::new(reader);
                Source { reader, began: None, next: Vec::new(), offset: Duration::ZERO }.ahead(&mut no_rim)
            }
        };
        let to = to.map(|path| Recording::create(path).map_err(|e| told(path, &e))).transpose()?;
        Ok(Pcap { from, to, presence: PeerState::Here })
    }
}

impl Source {
    /// Reads the next frame; `None` at the end.
    fn ahead(mut self, counters: &mut BoundaryCounters) -> Option<Source> {
        loop {
            match self.reader.next_record()? {
                Ok(record) => {
                    record.data.clone_into(&mut self.next);
                    let (first, _) = *self.began.get_or_insert((record.time, Instant::ZERO));
                    self.offset = record.time.since(first);
                    return Some(self);
                }
                Err(_) => counters.in_malformed += 1,
            }
        }
    }

    /// When the next frame is due; the first is due at once.
    fn due(&self) -> Instant {
        match self.began {
            Some((_, came)) if came != Instant::ZERO => came + self.offset,
            _ => Instant::ZERO,
        }
    }
}

impl Backend for Pcap {
    fn wait(&self) -> Wait<'_> {
        Wait { at: self.from.as_ref().map(Source::due), ..Wait::default() }
    }

    fn receive(&mut self, now: Instant, counters: &mut BoundaryCounters, take: &mut dyn FnMut(&[u8])) {
        for _ in 0..BATCH {
            let Some(mut source) = self.from.take_if(|s| s.due() <= now) else { return };
            if let Some((_, came)) = &mut source.began
                && *came == Instant::ZERO
            {
                *came = now;
            }
            take(&source.next);
            self.from = source.ahead(counters);
        }
    }

    fn send(&mut self, now: Instant, counters: &mut BoundaryCounters, frames: &[Frame]) {
        let Some(to) = &mut self.to else {
            match self.presence {
                PeerState::Here => counters.sent(frames),
                _ => counters.out_dropped += frames.len() as u64,
            }
            return;
        };
        let (whole, written) = to.record(now, frames);
        let (kept, lost) = frames.split_at(whole);
        counters.sent(kept);
        counters.out_dropped += lost.len() as u64;
        if let Err(e) = written {
            self.to = None;
            self.presence = PeerState::Failed(format!("{e}; the capture ends with the last whole frame"));
        }
    }

    fn presence(&self) -> &PeerState {
        &self.presence
    }

    fn can_loop(&self) -> bool {
        false
    }

    fn is_over(&self) -> bool {
        self.from.is_none()
    }
}
