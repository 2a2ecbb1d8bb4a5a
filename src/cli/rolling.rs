//! A capture of something that goes on: written where it will stay, readable at any time, and no longer than wanted.

use super::Failure;
use macvlab::capture::CaptureError;
use macvlab::lab::Event;
use macvlab::live::create_file;
use macvlab::report::AnnotatedCapture;
use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write};
use std::path::{Path, PathBuf};

/// A capture that goes on in the other of two files when one is full.
///
/// Both are opened at the beginning, so that what is wrong with them is said before anything runs.
pub(super) struct Rolling {
    /// The files, with their names; the second is there only if there is a limit.
    files: Vec<(File, PathBuf)>,
    /// Which of them is written to.
    at: usize,
    capture: AnnotatedCapture<Counting>,
    /// Bytes in one file.
    limit: u64,
    /// The devices, for the beginning of the next file.
    lab: Option<Event>,
    failure: Option<Failure>,
}

/// Counts what is written.
struct Counting {
    file: BufWriter<File>,
    bytes: u64,
}

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Rolling {
    /// Begins at this path; with a limit in bytes, goes on in a second file beside it, PATH.2, and so on in turn.
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
        Ok(Rolling { files, at: 0, capture, limit, lab: None, failure: None })
    }

    /// Writes an event, if it is to be seen in a capture.
    pub(super) fn event(&mut self, event: &Event) {
        if let Event::Lab { .. } = event {
            self.lab = Some(event.clone());
        }
        let written = |rolling: &mut Rolling| {
            rolling.capture.event(event)?;
            let size = rolling.capture.get_mut().bytes + rolling.capture.collected() as u64;
            if size >= rolling.limit { rolling.turn() } else { Ok(()) }
        };
        self.attempt(written);
    }

    /// Hands on what was collected.
    pub(super) fn flush(&mut self) {
        self.attempt(|rolling| rolling.capture.flush());
    }

    /// After the first failure nothing more is written.
    fn attempt(&mut self, write: impl FnOnce(&mut Rolling) -> Result<(), CaptureError>) {
        if self.failure.is_none()
            && let Err(e) = write(self)
        {
            self.failure = Some(Failure::about(self.files[self.at].1.display(), e));
        }
    }

    /// Begins the other file anew.
    fn turn(&mut self) -> Result<(), CaptureError> {
        self.capture.flush()?;
        self.at = (self.at + 1) % self.files.len();
        let mut file = &self.files[self.at].0;
        file.set_len(0)?;
        file.rewind()?;
        self.capture = begin(file)?;
        self.lab.as_ref().map_or(Ok(()), |lab| self.capture.event(lab))
    }

    /// Completes it.
    pub(super) fn finish(self) -> Result<(), Failure> {
        self.failure.map_or(Ok(()), Err)?;
        let path = &self.files[self.at].1;
        self.capture.finish().map(drop).map_err(|e| Failure::about(path.display(), e))
    }
}

fn begin(file: &File) -> Result<AnnotatedCapture<Counting>, CaptureError> {
    AnnotatedCapture::new(Counting { file: BufWriter::new(file.try_clone()?), bytes: 0 })
}
