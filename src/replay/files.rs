//! The output files of a replay, owned by the writer thread.

use super::outputs::OutputError;
use super::writer_queue::Full;
use crate::capture::{RecordFile, RecordFormat};
use std::io::{self, Write};
use std::path::PathBuf;

/// Files that stay open between two writes. A lab may have more devices than a process may have open files, so the
/// others are opened for each write.
const MAX_OPEN: usize = 128;

/// The destination of a file's bytes.
enum OutputState {
    /// None: it is created on first use, which is rare.
    File(Option<RecordFile>, RecordFormat),
    Stream(Box<dyn Write + Send>),
    /// A write failed, or the reader is gone.
    Closed,
}

/// A file, and its name in messages.
struct Named {
    path: PathBuf,
    place: OutputState,
}

/// All files, by number.
#[derive(Default)]
pub(super) struct Files {
    files: Vec<Named>,
    /// The files that hold a descriptor.
    open: usize,
    /// The files that can be written to.
    alive: usize,
    failure: Option<OutputError>,
}

impl Files {
    /// Adds a file and creates it at once, so that errors are found early.
    pub(super) fn begin(&mut self, path: PathBuf, format: RecordFormat) -> Result<(), OutputError> {
        let file = RecordFile::create(&path, format).map_err(|e| OutputError::new(&path, e))?;
        let file = self.admitted(file).map_err(|e| OutputError::new(&path, e))?;
        self.add(path, OutputState::File(Some(file), format));
        Ok(())
    }

    /// Adds a file that is created on the first write.
    pub(super) fn announce(&mut self, path: PathBuf, format: RecordFormat) {
        self.add(path, OutputState::File(None, format));
    }

    /// Adds a stream.
    pub(super) fn stream(&mut self, stream: Box<dyn Write + Send>, name: PathBuf) {
        self.add(name, OutputState::Stream(stream));
    }

    fn add(&mut self, path: PathBuf, place: OutputState) {
        self.files.push(Named { path, place });
        self.alive += 1;
    }

    /// Keeps a new file open, if the limit allows it.
    fn admitted(&mut self, mut file: RecordFile) -> io::Result<RecordFile> {
        if self.open < MAX_OPEN {
            self.open += 1;
        } else {
            file.close()?;
        }
        Ok(file)
    }

    /// Writes a buffer. Returns whether to continue.
    pub(super) fn write(&mut self, full: &Full) -> bool {
        if let Err(error) = self.try_write(full) {
            let Some(named) = self.files.get_mut(full.file as usize) else { return false };
            // The file ends with its last whole record, and gets its name all the same.
            let committed = std::mem::replace(&mut named.place, OutputState::Closed).commit();
            self.alive -= 1;
            // A closed pipe is not an error.
            if error.kind() != io::ErrorKind::BrokenPipe {
                self.failure.get_or_insert(OutputError::new(&named.path, error));
            } else if let Err(error) = committed {
                self.failure.get_or_insert(OutputError::new(&named.path, error));
            }
        }
        self.failure.is_none() && self.alive > 0
    }

    fn try_write(&mut self, Full { file, bytes }: &Full) -> io::Result<()> {
        let Some(Named { path, place }) = self.files.get_mut(*file as usize) else { return Ok(()) };
        match place {
            OutputState::Closed => Ok(()),
            OutputState::Stream(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
            OutputState::File(Some(file), _) => {
                let was_open = file.is_open();
                let written = file.append(bytes);
                if !was_open {
                    file.close()?;
                }
                written
            }
            OutputState::File(none, format) => {
                let mut file = RecordFile::create(path, *format)?;
                let written = file.append(bytes);
                let kept = file.close();
                *none = Some(file);
                written.and(kept)
            }
        }
    }

    /// Gives every file its name. Returns the first error.
    pub(super) fn finish(mut self) -> Result<(), OutputError> {
        for Named { path, place } in self.files {
            if let Err(error) = place.commit() {
                self.failure.get_or_insert(OutputError::new(&path, error));
            }
        }
        self.failure.map_or(Ok(()), Err)
    }
}

impl OutputState {
    fn commit(self) -> io::Result<()> {
        match self {
            OutputState::File(Some(file), _) => file.commit(),
            OutputState::File(None, _) | OutputState::Stream(_) | OutputState::Closed => Ok(()),
        }
    }
}
