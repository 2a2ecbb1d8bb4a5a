//! What is read: labs and captures.

use super::terminal::{Terminal, is_dash};
use super::{Failure, demos};
use macvlab::capture::{BadRecord, Reader};
use macvlab::lab::LabSpec;
use macvlab::labfile::{self, LoadError};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bad records of one capture that are told one by one; the rest is counted.
const MAX_BAD_TOLD: u64 = 20;

/// What a built-in lab is called where a file could stand: `demo:vepa`.
const BUILT_IN: &str = "demo:";

/// Reads a lab from a file, or from standard input, or takes a built-in one.
pub(super) fn lab(path: &Path, terminal: &Terminal) -> Result<LabSpec, Failure> {
    let shown = |mistakes: &labfile::Diagnostics| Failure::Shown(mistakes.render(terminal.error_colour));
    if let Some(name) = path.to_str().and_then(|path| path.strip_prefix(BUILT_IN)) {
        let text = demos::named(name)?.text;
        return labfile::parse(&format!("{BUILT_IN}{name}"), text).map_err(|mistakes| shown(&mistakes));
    }
    if !is_dash(path) {
        return labfile::load(path).map_err(|e| match e {
            LoadError::Mistakes(mistakes) => shown(&mistakes),
            e => Failure::Because(e.to_string()),
        });
    }
    let mut text = String::new();
    // One byte more than allowed is enough to see that it is too long.
    let limit = labfile::MAX_FILE as u64 + 1;
    io::stdin()
        .lock()
        .take(limit)
        .read_to_string(&mut text)
        .map_err(|e| Failure::about("standard input", e))?;
    labfile::parse("<standard input>", &text).map_err(|mistakes| shown(&mistakes))
}

/// A capture that is being read.
pub(super) struct Capture {
    /// What people call it.
    pub(super) name: String,
    pub(super) reader: Reader,
    /// Bytes of the file, compressed as it may be; `None` if that cannot be known.
    pub(super) total_bytes: Option<u64>,
    /// Bytes of the file that were read.
    pub(super) read_bytes: Arc<AtomicU64>,
    bad: u64,
}

impl Capture {
    /// Opens a capture file, or standard input.
    pub(super) fn open(path: &Path) -> Result<Capture, Failure> {
        let read_bytes = Arc::new(AtomicU64::new(0));
        let (name, total_bytes, input): (_, _, Box<dyn Read + Send>) = if is_dash(path) {
            ("<standard input>".to_owned(), None, Box::new(io::stdin()))
        } else {
            let file = File::open(path).map_err(|e| Failure::about(path.display(), e))?;
            let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|m| m.len());
            (path.display().to_string(), size, Box::new(file))
        };
        let counted = Counted { input, count: Arc::clone(&read_bytes) };
        let reader = Reader::new(counted).map_err(|e| Failure::about(&name, e))?;
        Ok(Capture { name, reader, total_bytes, read_bytes, bad: 0 })
    }

    /// Tells of a bad record, unless too many were told of.
    pub(super) fn tell(&mut self, bad: &BadRecord, terminal: &Terminal) {
        self.bad += 1;
        // The one after which nothing can be read is never left out.
        if self.bad <= MAX_BAD_TOLD || bad.is_fatal() {
            terminal.say(format_args!("{}: {bad}", self.name));
        }
    }

    /// Tells how many bad records there were, if not all were told of; answers the same.
    pub(super) fn tell_rest(&self, terminal: &Terminal) -> u64 {
        if self.bad > MAX_BAD_TOLD {
            terminal.say(format_args!("{}: bad records in all: {}", self.name, self.bad));
        }
        self.bad
    }
}

/// Counts what is read.
struct Counted {
    input: Box<dyn Read + Send>,
    count: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buf)?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}
