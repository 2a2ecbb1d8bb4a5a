//! The files of a replay, on the side of the thread that writes them.

use super::outputs::OutputError;
use super::writer_queue::Full;
use crate::capture::{RecordFile, RecordFormat};
use std::io::{self, Write};
use std::path::PathBuf;

/// Files that stay open between two writes. A lab may have more devices than a process may have open files, so those
/// of the others are opened for each write.
const MAX_OPEN: usize = 128;

/// Where a file's bytes go.
enum OutputState {
    /// None: it is made when it is needed, which it seldom is.
    File(Option<RecordFile>, RecordFormat),
    Stream(Box<dyn Write + Send>),
    /// A write failed, or nobody reads it any more.
    Closed,
}

/// A file, and what it is called.
struct Named {
    path: PathBuf,
    place: OutputState,
}

/// All of them, by number.
#[derive(Default)]
pub(super) struct Files {
    files: Vec<Named>,
    /// Those that hold a file descriptor.
    open: usize,
    /// Those that can be written to.
    alive: usize,
    failure: Option<OutputError>,
}

impl Files {
    /// One more file, that is begun at once: that it cannot be is found out now.
    pub(super) fn begin(&mut self, path: PathBuf, format: RecordFormat) -> Result<(), OutputError> {
        let file = RecordFile::create(&path, format).map_err(|e| OutputError::new(&path, e))?;
        let file = self.admitted(file).map_err(|e| OutputError::new(&path, e))?;
        self.add(path, OutputState::File(Some(file), format));
        Ok(())
    }

    /// One more file, that is begun when it is written to.
    pub(super) fn announce(&mut self, path: PathBuf, format: RecordFormat) {
        self.add(path, OutputState::File(None, format));
    }

    /// One more file, that is a stream.
    pub(super) fn stream(&mut self, stream: Box<dyn Write + Send>, name: PathBuf) {
        self.add(name, OutputState::Stream(stream));
    }

    fn add(&mut self, path: PathBuf, place: OutputState) {
        self.files.push(Named { path, place });
        self.alive += 1;
    }

    /// Lets a new file stay open, if it may.
    fn admitted(&mut self, mut file: RecordFile) -> io::Result<RecordFile> {
        if self.open < MAX_OPEN {
            self.open += 1;
        } else {
            file.close()?;
        }
        Ok(file)
    }

    /// Writes a buffer. Answers whether there is any point in going on.
    pub(super) fn write(&mut self, full: &Full) -> bool {
        if let Err(error) = self.try_write(full) {
            let Some(named) = self.files.get_mut(full.file as usize) else { return false };
            // The file ends with what is whole, and has its name all the same.
            let committed = std::mem::replace(&mut named.place, OutputState::Closed).commit();
            self.alive -= 1;
            // That nobody reads a pipe any more is no error.
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

    /// Gives every file its name. Answers the first thing that went wrong.
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
