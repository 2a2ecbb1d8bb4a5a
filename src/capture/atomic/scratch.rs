//! Hidden folders for files that need a name before they are complete.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

const PREFIX: &str = ".macvlab-";
const SUFFIX: &str = ".part";

/// Maximum number of leftovers examined in one folder; the next program continues.
const MAX_SWEPT: usize = 10_000;

/// Names that [`sweep`] recognizes.
pub(super) fn names() -> tempfile::Builder<'static, 'static> {
    let mut names = tempfile::Builder::new();
    names.prefix(PREFIX).suffix(SUFFIX);
    names
}

/// This program's scratch folders, by destination. `None`: the folder was swept.
static FOLDERS: Mutex<BTreeMap<PathBuf, Weak<Scratch>>> = Mutex::new(BTreeMap::new());

/// A folder next to the destination of some files. It is locked while the program that created it runs; unlocked ones
/// are leftovers.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    /// `None` where folders cannot be locked: then it is never treated as a leftover either.
    _lock: Option<File>,
    next: AtomicU64,
}

impl Scratch {
    /// The scratch folder for files in this folder.
    pub(super) fn of(folder: &Path) -> io::Result<Arc<Scratch>> {
        let mut folders = FOLDERS.lock();
        if let Some(scratch) = folders.get(folder).and_then(Weak::upgrade) {
            return Ok(scratch);
        }
        let scratch = Arc::new(Scratch::create(folder)?);
        folders.insert(folder.to_path_buf(), Arc::downgrade(&scratch));
        Ok(scratch)
    }

    fn create(folder: &Path) -> io::Result<Scratch> {
        loop {
            let made = names().tempdir_in(folder)?;
            match lock(made.path()) {
                // Another program treated it as a leftover before it was locked.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                lock => {
                    let (path, next) = (made.keep(), AtomicU64::new(0));
                    return Ok(Scratch { path, _lock: lock.ok(), next });
                }
            }
        }
    }

    /// An unused name in it.
    pub(super) fn name(&self) -> PathBuf {
        self.path.join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // If that fails, the next program that writes here tries again.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Waits for the lock of a new folder.
fn lock(path: &Path) -> io::Result<File> {
    let folder = File::open(path)?;
    folder.lock()?;
    // It may have been removed meanwhile.
    std::fs::symlink_metadata(path)?;
    Ok(folder)
}

/// Removes the leftovers of killed programs in a folder; each program checks once.
pub(super) fn sweep(folder: &Path) {
    if FOLDERS.lock().contains_key(folder) {
        return;
    }
    FOLDERS.lock().insert(folder.to_path_buf(), Weak::new());
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let is_scratch = |name: &std::ffi::OsStr| {
        name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
    };
    let leftovers = entries.filter_map(Result::ok).filter(|entry| is_scratch(&entry.file_name()));
    for leftover in leftovers.take(MAX_SWEPT) {
        // A failed sweep costs disk space, but no output.
        let _ = remove_leftover(&leftover.path());
    }
}

/// Removes a scratch folder, or a file that was to replace another, if this user owns it and its program has ended.
fn remove_leftover(path: &Path) -> io::Result<()> {
    let told = std::fs::symlink_metadata(path)?;
    if !(told.is_dir() || told.is_file()) || !is_ours(&told) {
        return Ok(());
    }
    match File::open(path)?.try_lock() {
        Ok(()) if told.is_dir() => std::fs::remove_dir_all(path),
        Ok(()) => std::fs::remove_file(path),
        Err(_) => Ok(()),
    }
}

#[cfg(target_os = "linux")]
fn is_ours(told: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    told.uid() == nix::unistd::geteuid().as_raw()
}

/// Only the superuser could remove other users' files.
#[cfg(not(target_os = "linux"))]
fn is_ours(_: &std::fs::Metadata) -> bool {
    true
}

/// Removes the temporary files of all outputs: for a program that is about to exit without dropping them. Outputs
/// cannot be completed afterwards.
pub fn abandon_outputs() {
    for scratch in FOLDERS.lock().values().filter_map(Weak::upgrade) {
        let _ = std::fs::remove_dir_all(&scratch.path);
    }
}
