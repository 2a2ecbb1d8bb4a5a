//! Hidden folders for files that need a name before they are whole.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

const PREFIX: &str = ".macvlab-";
const SUFFIX: &str = ".part";

/// Most leftovers that are looked at in one folder; the next program goes on.
const MAX_SWEPT: usize = 10_000;

/// Names that [`sweep`] knows.
pub(super) fn names() -> tempfile::Builder<'static, 'static> {
    let mut names = tempfile::Builder::new();
    names.prefix(PREFIX).suffix(SUFFIX);
    names
}

/// By destination: the scratch folders of this program. One without is a folder that was swept.
static FOLDERS: Mutex<BTreeMap<PathBuf, Weak<Scratch>>> = Mutex::new(BTreeMap::new());

/// A folder beside the destination of some files. It is locked as long as the program lives that made it; unlocked ones
/// are leftovers.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    /// `None` where folders cannot be locked: then nobody takes it for a leftover either.
    _lock: Option<File>,
    next: AtomicU64,
}

impl Scratch {
    /// The one beside the files of this folder.
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
                // Another program took it for a leftover before it was locked.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                lock => {
                    let (path, next) = (made.keep(), AtomicU64::new(0));
                    return Ok(Scratch { path, _lock: lock.ok(), next });
                }
            }
        }
    }

    /// A name in it that no other file has.
    pub(super) fn name(&self) -> PathBuf {
        self.path.join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // If that does not work, the next program that writes here will try again.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Waits for the lock of a folder that was just made.
fn lock(path: &Path) -> io::Result<File> {
    let folder = File::open(path)?;
    folder.lock()?;
    // It may be gone by now.
    std::fs::symlink_metadata(path)?;
    Ok(folder)
}

/// Removes what killed programs left in a folder; each program looks once.
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
        // A sweep that fails costs room on the disk, and no output.
        let _ = remove_leftover(&leftover.path());
    }
}

/// Removes a scratch folder, or a file that was to replace another, if it is one of this user and the program is gone.
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

/// What is not ours cannot be removed anyway, but for the superuser.
#[cfg(not(target_os = "linux"))]
fn is_ours(_: &std::fs::Metadata) -> bool {
    true
}

/// Removes the parts of all outputs that have not got their names yet: for a program that is about to exit without
/// dropping them. Outputs cannot be completed afterwards.
pub fn abandon_outputs() {
    for scratch in FOLDERS.lock().values().filter_map(Weak::upgrade) {
        let _ = std::fs::remove_dir_all(&scratch.path);
    }
}
