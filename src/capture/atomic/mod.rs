//! Files that get their name only once they are complete.
//!
//! While it is written, a file has no name at all where the system supports that (Linux: `O_TMPFILE`), so that nothing
//! is left behind however the program ends. Otherwise it is in a hidden [`Scratch`] folder next to its destination, and
//! has a hidden name for the moment in which it replaces another file. The program locks both: leftovers of a killed
//! program are removed by the next one that writes there.

mod scratch;
#[cfg(test)]
mod tests;
#[cfg(target_os = "linux")]
#[path = "unnamed_linux.rs"]
mod unnamed;
#[cfg(not(target_os = "linux"))]
#[path = "no_unnamed.rs"]
mod unnamed;

pub use scratch::abandon_outputs;

use scratch::Scratch;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Size of the write buffer, in bytes.
const BUFFER_BYTES: usize = 128 * 1024;

/// A file that is written next to its destination and replaces it on [`AtomicFile::commit`]. If it is dropped without a
/// commit, nothing is left behind, and an existing file of that name is unchanged.
///
/// A destination that exists and is not a regular file (a terminal, a named pipe, `/dev/null`) is written to directly.
#[derive(Debug)]
pub struct AtomicFile {
    file: BufWriter<File>,
    place: Destination,
}

impl AtomicFile {
    /// Creates a file for `path`. A symbolic link there is kept, and its target replaced.
    ///
    /// # Errors
    /// The folder does not exist or cannot be written to.
    pub fn create(path: &Path) -> io::Result<AtomicFile> {
        let (place, file) = Destination::take(path)?;
        Ok(AtomicFile { file: BufWriter::with_capacity(BUFFER_BYTES, file), place })
    }

    /// Gives the file its name, atomically.
    ///
    /// # Errors
    /// The last bytes cannot be written, or the rename fails; then nothing is left of the file.
    pub fn commit(mut self) -> io::Result<()> {
        self.file.flush()?;
        self.place.commit(Some(self.file.get_ref()))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file's current place and its destination.
#[derive(Debug)]
pub(super) struct Destination {
    now: Now,
    path: PathBuf,
}

/// The place of a file while it is written.
#[derive(Debug)]
enum Now {
    /// At its destination: not a regular file, or readable at any time.
    There,
    /// Unnamed: it disappears when its descriptor is closed.
    Unnamed,
    /// In the scratch folder.
    Named(Part),
}

/// A file in a scratch folder, removed unless it is moved to its destination.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    /// Removed with its last file.
    _scratch: Arc<Scratch>,
}

impl Drop for Part {
    fn drop(&mut self) {
        // It may have been moved. If it cannot be removed, the next program that writes here tries again.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Part {
    /// A new name in the scratch folder next to a destination.
    fn beside(path: &Path) -> io::Result<Part> {
        let scratch = Scratch::of(folder(path))?;
        Ok(Part { path: scratch.name(), _scratch: scratch })
    }
}

/// Replaces the file under a name by an unnamed one. Needs no more disk space than another name.
fn replace(path: &Path, file: &File) -> io::Result<()> {
    // Where files cannot be locked, they are not treated as leftovers either.
    let _ = file.try_lock();
    let named = scratch::names().make_in(folder(path), |part| unnamed::link(file, part))?;
    Ok(named.into_temp_path().persist(path)?)
}

/// The folder of a path.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl Destination {
    /// Creates a file for `path`. If it is dropped without a commit, the destination is unchanged.
    pub(super) fn take(path: &Path) -> io::Result<(Destination, File)> {
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        if std::fs::metadata(&path).is_ok_and(|m| !m.is_file()) {
            let file = File::options().write(true).open(&path)?;
            return Ok((Destination { now: Now::There, path }, file));
        }
        scratch::sweep(folder(&path));
        if let Some(file) = unnamed::create(folder(&path)) {
            return Ok((Destination { now: Now::Unnamed, path }, file));
        }
        let part = Part::beside(&path)?;
        let file = File::options().append(true).create_new(true).open(&part.path)?;
        Ok((Destination { now: Now::Named(part), path }, file))
    }

    /// The destination of a file that is written under its final name.
    pub(super) fn settled() -> Destination {
        Destination { now: Now::There, path: PathBuf::new() }
    }

    /// Whether the file has yet to get its name, and can be closed and opened again until then.
    pub(super) fn is_temporary(&self) -> bool {
        !matches!(self.now, Now::There)
    }

    /// Gives the file a temporary name, so that it can be closed and [opened again](Destination::open).
    pub(super) fn keep(&mut self, file: &File) -> io::Result<()> {
        if let Now::Unnamed = self.now {
            let part = Part::beside(&self.path)?;
            unnamed::link(file, &part.path)?;
            self.now = Now::Named(part);
        }
        Ok(())
    }

    /// Opens the file again for appending.
    pub(super) fn open(&self) -> io::Result<File> {
        match &self.now {
            Now::Named(part) => File::options().append(true).open(&part.path),
            Now::There | Now::Unnamed => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Gives the file its name; a file with a temporary name may be closed.
    pub(super) fn commit(self, file: Option<&File>) -> io::Result<()> {
        if let (Now::Unnamed, Some(file)) = (&self.now, file) {
            match unnamed::link(file, &self.path) {
                // An existing name can only be replaced by a rename.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return replace(&self.path, file),
                done => return done,
            }
        }
        match &self.now {
            Now::Named(part) => std::fs::rename(&part.path, &self.path),
            Now::There => Ok(()),
            Now::Unnamed => Err(io::ErrorKind::NotFound.into()),
        }
    }
}
