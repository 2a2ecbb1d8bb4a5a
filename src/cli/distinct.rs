//! No output takes the place of an input, or of another output.

use super::Failure;
use super::terminal::is_dash;
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// How two names are known to be one file: by what the system says of an existing one, or by where they lead.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    #[cfg_attr(not(unix), expect(dead_code, reason = "only there files have numbers"))]
    Number(u64, u64),
    Path(PathBuf),
}

/// The files of a command, each with the words by which its user knows it.
#[derive(Default)]
pub(super) struct Distinct {
    files: HashMap<Key, String>,
    /// The folder that was resolved last: many files are in the same one.
    folder: Option<(PathBuf, PathBuf)>,
}

impl Distinct {
    /// This file is read.
    pub(super) fn read(&mut self, words: &str, path: &Path) {
        for key in self.keys(path) {
            self.files.entry(key).or_insert_with(|| format!("{words} {}", path.display()));
        }
    }

    /// This file is written.
    ///
    /// # Errors
    /// It is read, or written by another name.
    pub(super) fn write(&mut self, words: &str, path: &Path) -> Result<(), Failure> {
        for key in self.keys(path) {
            let words = format!("{words} {}", path.display());
            if let Some(other) = self.files.get(&key) {
                return Err(Failure::Because(format!("{other} and {words} are the same file")));
            }
            self.files.insert(key, words);
        }
        Ok(())
    }

    /// None of standard input or output, and of what can be written to by several: terminals, pipes, `/dev/null`.
    fn keys(&mut self, path: &Path) -> Vec<Key> {
        if is_dash(path) {
            return Vec::new();
        }
        match std::fs::metadata(path) {
            Ok(file) if !file.is_file() => Vec::new(),
            Ok(file) => std::fs::canonicalize(path).map(Key::Path).into_iter().chain(number(&file)).collect(),
            Err(_) => vec![Key::Path(self.will_be(path))],
        }
    }

    /// Where a file will be that is not there yet, nor perhaps its folder.
    fn will_be(&mut self, path: &Path) -> PathBuf {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().unwrap_or_default();
        match &self.folder {
            Some((known, resolved)) if known == folder => resolved.join(name),
            _ => {
                let resolved = resolve(folder);
                let whole = resolved.join(name);
                self.folder = Some((folder.to_path_buf(), resolved));
                whole
            }
        }
    }
}

/// Where a folder is, or will be in the nearest one that is there.
fn resolve(folder: &Path) -> PathBuf {
    let mut missing: Vec<OsString> = Vec::new();
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
    for there in absolute.ancestors() {
        if let Ok(there) = std::fs::canonicalize(there) {
            return there.join(missing.iter().rev().collect::<PathBuf>());
        }
        missing.extend(there.file_name().map(ToOwned::to_owned));
    }
    absolute
}

#[cfg(unix)]
fn number(file: &std::fs::Metadata) -> Option<Key> {
    use std::os::unix::fs::MetadataExt as _;
    Some(Key::Number(file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn number(_: &std::fs::Metadata) -> Option<Key> {
    None
}
