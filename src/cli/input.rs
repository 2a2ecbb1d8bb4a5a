//! Reads labs and captures.

use super::terminal::{Terminal, is_dash, say};
use super::{Failure, demos, interrupt, lesson};
use macvlab::capture::{BadRecord, CaptureError, Input, Reader};
use macvlab::interop::{self, Source};
use macvlab::lab::LabSpec;
use macvlab::labfile::{self, Checked};
use macvlab::plain::plain;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bad records of one capture that are reported one by one; the rest are counted.
const MAX_BAD_TOLD: u64 = 20;

/// Prefix of a built-in lab in place of a file name: `demo:vepa`.
const BUILT_IN: &str = "demo:";

/// What stands for the running machine in place of a file name.
const RUNNING: &str = "host";

/// Reads a lab from a file or standard input, or a built-in one.
pub(super) fn lab(path: &Path, terminal: &Terminal) -> Result<LabSpec, Failure> {
    let (name, text) = lab_text(path, terminal)?;
    labfile::parse(&name, &text).map_err(|errors| Failure::Shown(errors.render(terminal.error_colour)))
}

/// A lab with all warnings about it, and the file that it was read from.
pub(super) struct CheckedFile {
    /// Its name in messages.
    pub(super) name: String,
    /// Its text, as a lab file.
    pub(super) text: String,
    /// What it says.
    pub(super) checked: Checked,
}

/// Reads a lab with all warnings about it.
pub(super) fn checked_lab(path: &Path, terminal: &Terminal) -> Result<CheckedFile, Failure> {
    let (name, text) = lab_text(path, terminal)?;
    let checked = labfile::check(&name, &text);
    let checked = checked.map_err(|errors| Failure::Shown(errors.render(terminal.error_colour)))?;
    Ok(CheckedFile { name, text, checked })
}

/// Reads a lab that is run; warnings go to standard error unless it is to be quiet.
pub(super) fn lab_to_run(path: &Path, quiet: bool, terminal: &Terminal) -> Result<LabSpec, Failure> {
    if quiet {
        return lab(path, terminal);
    }
    let (name, text) = lab_text(path, terminal)?;
    let checked = labfile::check_to_run(&name, &text);
    let checked = checked.map_err(|errors| Failure::Shown(errors.render(terminal.error_colour)))?;
    checked.warnings.iter().for_each(|warnings| terminal.warn(warnings));
    Ok(checked.lab)
}

/// The name of a lab in messages, and its text. What is no lab, but describes a network, is imported.
fn lab_text(path: &Path, terminal: &Terminal) -> Result<(String, String), Failure> {
    let (name, text) = any_text(path)?;
    let source = Source::new(name.as_str(), &text);
    if !interop::is_imported(&source) {
        return Ok((name, text));
    }
    let imported = interop::import(&[source], None).map_err(|e| Failure::Because(e.to_string()))?;
    let format = imported.formats.join(", ");
    terminal
        .say(format_args!("{name}: read as {format}; `macvlab import` shows the lab, and what was guessed"));
    Ok((format!("{name} as a lab"), imported.lab_file()))
}

/// What to give where there is no input.
pub(super) fn missing() -> Failure {
    let what = "there is no input: give files, `-` for standard input, or `host` for the running machine";
    Failure::Because(what.to_owned())
}

/// The names of namespaces in a path that stands for the running machine: `host`, `host:web,db`. A file of this name is
/// `./host`.
fn namespaces(path: &Path) -> Option<Vec<&str>> {
    let names = path.to_str()?.strip_prefix(RUNNING)?;
    if names.is_empty() {
        return Some(Vec::new());
    }
    Some(names.strip_prefix(':')?.split(',').collect())
}

/// Whether a path stands for the running machine.
pub(super) fn is_running(path: &Path) -> bool {
    namespaces(path).is_some()
}

/// What the running machine says of its network namespaces, all or those of these names, as an input.
fn running(path: &Path, names: &[&str]) -> Result<(String, String), Failure> {
    let name = path.display().to_string();
    if path.exists() {
        say(format_args!("`{name}` is the running machine; the file is `./{name}`"));
    }
    #[cfg(target_os = "linux")]
    let text = interop::running::transcript(names);
    #[cfg(not(target_os = "linux"))]
    let text = {
        let _ = names;
        Err::<String, _>("it can be read on Linux only")
    };
    Ok((name, text.map_err(|error| Failure::about("the running machine", error))?))
}

/// The name of a file, a built-in lab or the running machine in messages, and its text.
pub(super) fn any_text(path: &Path) -> Result<(String, String), Failure> {
    if let Some(names) = namespaces(path) {
        return running(path, &names);
    }
    let built_in = |prefix| path.to_str().and_then(|path| path.strip_prefix(prefix));
    match (built_in(BUILT_IN), built_in(lesson::BUILT_IN)) {
        (Some(name), _) => Ok((path.display().to_string(), demos::named(name)?.text.to_owned())),
        (_, Some(name)) => Ok((path.display().to_string(), lesson::named(name)?.to_owned())),
        (None, None) => text(path, labfile::MAX_FILE),
    }
}

/// The name of a file in messages, and its text, which is longer than the limit if it exceeds it.
pub(super) fn text(path: &Path, limit: usize) -> Result<(String, String), Failure> {
    let mut text = String::new();
    // One byte more than allowed is enough to detect a file that is too long.
    let limit = limit as u64 + 1;
    if is_dash(path) {
        let read = io::stdin().lock().take(limit).read_to_string(&mut text);
        read.map_err(|e| Failure::about("standard input", e))?;
        return Ok(("<standard input>".to_owned(), text));
    }
    let name = path.display().to_string();
    let read = std::fs::File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text));
    read.map_err(|e| Failure::about(&name, e))?;
    Ok((name, text))
}

/// An open capture with its reader.
pub(super) struct Capture {
    /// Its name in messages.
    pub(super) name: String,
    path: PathBuf,
    /// Size of the file in bytes, compressed or not; `None` if unknown.
    pub(super) total_bytes: Option<u64>,
    /// Bytes of the file read so far.
    pub(super) read_bytes: Arc<AtomicU64>,
    bad: u64,
}

impl Capture {
    /// Opens a capture file, or standard input.
    pub(super) fn open(path: &Path) -> Result<(Capture, Reader), Failure> {
        let name = if is_dash(path) { "<standard input>".to_owned() } else { plain(path.display()) };
        let size = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|m| m.len());
        let total_bytes = size.filter(|_| !is_dash(path));
        let read_bytes = Arc::default();
        let capture = Capture { name, path: path.to_path_buf(), total_bytes, read_bytes, bad: 0 };
        let reader = capture.read()?;
        Ok((capture, reader))
    }

    /// Reads it from the beginning; standard input can be read only once.
    pub(super) fn read(&self) -> Result<Reader, Failure> {
        let stop = interrupt::stop();
        let input = if is_dash(&self.path) { Input::stdin(&stop) } else { Input::open(&self.path, &stop) };
        let input = input.map_err(|e| Failure::about(&self.name, e))?;
        let counted = Counted { input, count: Arc::clone(&self.read_bytes) };
        Reader::until(counted, stop).map_err(|e| match e {
            CaptureError::Stopped => Failure::Interrupted,
            e => Failure::about(&self.name, e),
        })
    }

    /// The message for a bad record, unless too many were reported.
    pub(super) fn tell(&mut self, bad: &BadRecord) -> Option<String> {
        self.bad += 1;
        // An error that ends reading is always reported.
        let told = self.bad <= MAX_BAD_TOLD || bad.is_fatal();
        told.then(|| format!("{}: {bad}", self.name))
    }

    /// A summary of all bad records, if not all were reported.
    pub(super) fn tell_rest(&self) -> Option<String> {
        (self.bad > MAX_BAD_TOLD).then(|| format!("{}: bad records in all: {}", self.name, self.bad))
    }

    /// The number of bad records.
    pub(super) fn bad(&self) -> u64 {
        self.bad
    }
}

/// Counts bytes read.
struct Counted {
    input: Input,
    count: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buf)?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}
