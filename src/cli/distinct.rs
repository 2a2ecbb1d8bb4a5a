//! Checks that no output overwrites an input or another output.

use super::Failure;
use super::terminal::is_dash;
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Identity of a file: what the system reports for an existing file, otherwise its resolved path.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    #[cfg_attr(not(unix), expect(dead_code, reason = "only there files have numbers"))]
    Number(u64, u64),
    Path(PathBuf),
}

/// A command's files, each with its description for the user.
#[derive(Default)]
pub(super) struct Distinct {
    files: HashMap<Key, String>,
    /// The folder resolved last: many files are in the same one.
    folder: Option<(PathBuf, PathBuf)>,
}

impl Distinct {
    /// Registers an input.
    pub(super) fn read(&mut self, words: &str, path: &Path) {
        for key in self.keys(path) {
            self.files.entry(key).or_insert_with(|| format!("{words} {}", path.display()));
        }
    }

    /// Registers an output.
    ///
    /// # Errors
    /// The file is an input, or an output under another name.
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

    /// `None` for standard input and output, and for files with several writers: terminals, pipes, `/dev/null`.
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

    /// The resolved path of a file that does not exist yet; its folder may not exist either.
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

/// The resolved path of a folder; of a missing one, within the nearest existing folder.
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
