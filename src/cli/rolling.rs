//! A capture of a running lab: written in place, readable at any time, and bounded in size.

use super::Failure;
use macvlab::capture::{CaptureError, RecordFile, RecordFormat};
use macvlab::lab::Event;
use macvlab::live::create_file;
use macvlab::report::AnnotatedCapture;
use std::fmt;
use std::fs::File;
use std::io::{self, Seek as _, Write};
use std::path::{Path, PathBuf};

/// A capture that alternates between two files when one is full.
///
/// Both are opened at the beginning, so that errors are reported before anything runs.
pub(super) struct Rolling {
    /// The files, with their names; the second exists only if there is a limit.
    files: Vec<(File, PathBuf)>,
    /// Index of the file being written.
    at: usize,
    capture: AnnotatedCapture<Blocks>,
    /// Maximum size of one file, in bytes.
    limit: u64,
    /// The devices, for the header of the next file.
    lab: Option<Event>,
}

/// Receives whole blocks only, so the file always ends with a whole block.
struct Blocks(RecordFile);

impl Write for Blocks {
    fn write(&mut self, blocks: &[u8]) -> io::Result<usize> {
        self.0.append(blocks)?;
        Ok(blocks.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Rolling {
    /// Starts at this path; with a limit in bytes, continues in a second file next to it, PATH.2, and so on in turn.
    pub(super) fn create(path: &Path, limit: Option<u64>) -> Result<Rolling, Failure> {
        let mut second = path.as_os_str().to_owned();
        second.push(".2");
        let paths = std::iter::once(path.to_path_buf()).chain(limit.map(|_| second.into()));
        let open = |path: PathBuf| match create_file(&path) {
            Ok(file) => Ok((file, path)),
            Err(e) => Err(Failure::about(path.display(), e)),
        };
        let files = paths.map(open).collect::<Result<Vec<_>, _>>()?;
        let capture = begin(&files[0].0).map_err(|e| Failure::about(path.display(), e))?;
        let limit = limit.unwrap_or(u64::MAX);
        Ok(Rolling { files, at: 0, capture, limit, lab: None })
    }

    /// Writes an event, if captures show it.
    ///
    /// # Errors
    /// Writing fails; the file ends with its last whole packet, and nothing more can be written.
    pub(super) fn event(&mut self, event: &Event) -> Result<(), Failure> {
        if let Event::Lab { .. } = event {
            self.lab = Some(event.clone());
        }
        let written = self.capture.event(event).and_then(|()| {
            let size = self.capture.get_mut().0.bytes() + self.capture.collected() as u64;
            if size >= self.limit { self.turn() } else { Ok(()) }
        });
        written.map_err(|e| self.broken(e))
    }

    /// Flushes buffered data.
    ///
    /// # Errors
    /// As for an event.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.capture.flush().map_err(|e| self.broken(e))
    }

    fn broken(&self, why: impl fmt::Display) -> Failure {
        let path = self.files[self.at].1.display();
        Failure::about(path, format_args!("{why}; the capture ends with the last whole packet"))
    }

    /// Starts the other file afresh.
    fn turn(&mut self) -> Result<(), CaptureError> {
        self.capture.flush()?;
        self.at = (self.at + 1) % self.files.len();
        let mut file = &self.files[self.at].0;
        file.set_len(0)?;
        file.rewind()?;
        self.capture = begin(file)?;
        self.lab.as_ref().map_or(Ok(()), |lab| self.capture.event(lab))
    }

    /// Completes the capture.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let path = &self.files[self.at].1;
        self.capture.finish().map(drop).map_err(|e| Failure::about(path.display(), e))
    }
}

/// Starts a file and writes its header at once, so that an unwritable path is detected.
fn begin(file: &File) -> Result<AnnotatedCapture<Blocks>, CaptureError> {
    let mut capture =
        AnnotatedCapture::new(Blocks(RecordFile::growing(file.try_clone()?, RecordFormat::Pcapng)))?;
    capture.flush()?;
    Ok(capture)
}
