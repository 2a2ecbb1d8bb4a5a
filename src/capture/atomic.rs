//! Files that appear under their name only when they are whole.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempPath};

/// Bytes collected before a write.
const BUFFER_BYTES: usize = 128 * 1024;

/// A file that is written beside its destination and takes its place on [`AtomicFile::commit`]. Dropped without that,
/// it leaves nothing behind, and a file of that name stays what it was.
///
/// A destination that exists and is no ordinary file (a terminal, a named pipe, `/dev/null`) is written to directly.
#[derive(Debug)]
pub struct AtomicFile {
    file: BufWriter<File>,
    place: Place,
}

impl AtomicFile {
    /// Begins a file that will be at `path`. A symbolic link there will be kept, and its target replaced.
    ///
    /// # Errors
    /// The folder does not exist or cannot be written to.
    pub fn create(path: &Path) -> io::Result<AtomicFile> {
        let (place, file) = Place::take(path)?;
        Ok(AtomicFile { file: BufWriter::with_capacity(BUFFER_BYTES, file), place })
    }

    /// Gives the file its name, in one step.
    ///
    /// # Errors
    /// The last bytes cannot be written, or the name cannot be taken; the temporary file is then removed.
    pub fn commit(mut self) -> io::Result<()> {
        self.file.flush()?;
        self.place.commit()
    }
}

/// Where a file is while it is written, and where it will be.
#[derive(Debug)]
pub(super) struct Place {
    /// The temporary file's path and the final one; none for a file that is where it will be.
    rename: Option<(TempPath, PathBuf)>,
}

impl Place {
    /// Begins a file that will be at `path`. Dropped without a commit, the place is as it was.
    pub(super) fn take(path: &Path) -> io::Result<(Place, File)> {
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        if std::fs::metadata(&path).is_ok_and(|m| !m.is_file()) {
            return Ok((Place { rename: None }, File::options().write(true).open(&path)?));
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let (file, temporary) = temporary_file(folder)?.into_parts();
        Ok((Place { rename: Some((temporary, path)) }, file))
    }

    /// A file that is where it will be.
    pub(super) fn final_one() -> Place {
        Place { rename: None }
    }

    /// Where an ordinary file is while it is written, so that it can be closed and opened again.
    pub(super) fn temporary(&self) -> Option<&Path> {
        self.rename.as_ref().map(|(temporary, _)| temporary.as_ref())
    }

    /// Gives the file its name.
    pub(super) fn commit(self) -> io::Result<()> {
        match self.rename {
            Some((temporary, path)) => temporary.persist(path).map_err(|e| e.error),
            None => Ok(()),
        }
    }
}

/// A temporary file with the permissions that any new file would have.
fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".macvlab-").suffix(".part");
    #[cfg(unix)]
    let permissions = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(permissions);
    builder.tempfile_in(folder)
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
