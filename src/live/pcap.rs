//! A capture in the place of somebody: what was recorded comes in as it was spaced, and what goes out is recorded.

use super::backend::{Backend, Presence, Rim, Wait};
use super::file::create_file;
use crate::capture::{PcapWriter, Reader};
use crate::frame::Frame;
use crate::sys::BATCH;
use crate::time::Instant;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Duration;

pub(super) struct Pcap {
    from: Option<Source>,
    to: Option<PcapWriter<BufWriter<File>>>,
    /// Gone once what goes out cannot be recorded any more.
    presence: Presence,
}

struct Source {
    reader: Reader,
    /// The first frame's time in the capture, and when it came in.
    began: Option<(Instant, Instant)>,
    next: Vec<u8>,
    /// Of the next frame, since the first.
    offset: Duration,
}

impl Pcap {
    pub(super) fn open(from: Option<&Path>, to: Option<&Path>) -> Result<Pcap, String> {
        let told = |path: &Path, e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let mut no_rim = Rim::default();
        let from = match from {
            None => None,
            Some(path) => {
                let file = File::open(path).map_err(|e| told(path, &e))?;
                let reader = Reader::new(file).map_err(|e| told(path, &e))?;
                Source { reader, began: None, next: Vec::new(), offset: Duration::ZERO }.ahead(&mut no_rim)
            }
        };
        let to = match to {
            None => None,
            Some(path) => {
                let file = BufWriter::new(create_file(path).map_err(|e| told(path, &e))?);
                Some(PcapWriter::new(file).map_err(|e| told(path, &e))?)
            }
        };
        Ok(Pcap { from, to, presence: Presence::Here })
    }
}

impl Source {
    /// Reads the next frame; `None` at the end.
    fn ahead(mut self, rim: &mut Rim) -> Option<Source> {
        loop {
            match self.reader.next_record()? {
                Ok(record) => {
                    record.data.clone_into(&mut self.next);
                    let (first, _) = *self.began.get_or_insert((record.time, Instant::ZERO));
                    self.offset = record.time.since(first);
                    return Some(self);
                }
                Err(_) => rim.in_malformed += 1,
            }
        }
    }

    /// When the next frame is to come in; the first comes at once.
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

    fn receive(&mut self, now: Instant, rim: &mut Rim, take: &mut dyn FnMut(&[u8])) {
        for _ in 0..BATCH {
            let Some(mut source) = self.from.take_if(|s| s.due() <= now) else { return };
            if let Some((_, came)) = &mut source.began
                && *came == Instant::ZERO
            {
                *came = now;
            }
            take(&source.next);
            self.from = source.ahead(rim);
        }
    }

    fn send(&mut self, now: Instant, rim: &mut Rim, frames: &[Frame]) {
        let Some(to) = &mut self.to else { return rim.sent(frames) };
        let write = |frame: &Frame| to.write(now, frame, 0);
        let written = frames.iter().try_for_each(write).map_err(|e| e.to_string());
        match written.and_then(|()| to.get_mut().flush().map_err(|e| e.to_string())) {
            Ok(()) => rim.sent(frames),
            Err(why) => {
                rim.out_dropped += frames.len() as u64;
                (self.to, self.presence) = (None, Presence::Gone(why));
            }
        }
    }

    fn presence(&self) -> &Presence {
        &self.presence
    }

    fn is_over(&self) -> bool {
        self.from.is_none()
    }
}
