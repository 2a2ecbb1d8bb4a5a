//! Standard output and standard error.

use super::Failure;
use anstyle::{AnsiColor, Style};
use macvlab::capture::AtomicFile;
use macvlab::labfile::Diagnostics;
use macvlab::language::{Language, wrapped};
use macvlab::plain::plain;
use std::fmt;
use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Size of the buffer for standard output, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// Properties of the two streams.
#[derive(Clone)]
pub(super) struct Terminal {
    /// Colours on standard output.
    pub(super) colour: bool,
    /// Colours on standard error.
    pub(super) error_colour: bool,
    /// The language of reports.
    pub(super) language: Language,
    /// Width of the terminal on standard output, if it is one.
    width: Option<usize>,
    /// Set when the reader of standard output is gone.
    closed: Arc<AtomicBool>,
    /// Why data written to standard output was lost.
    lost: Arc<OnceLock<String>>,
}

/// The language of messages (POSIX.1-2024, 8.2: the first of these that is set and not empty).
fn of_locale() -> Language {
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(std::env::var_os);
    let locale = locale.into_iter().find(|value| !value.is_empty());
    locale.map_or(Language::English, |tag| Language::of_tag(&tag.to_string_lossy()))
}

impl Terminal {
    /// Colours as given; `None`: where a terminal supports them (`NO_COLOR`, `CLICOLOR`, `TERM`). The language as given;
    /// `None`: that of the locale.
    pub(super) fn new(colour: Option<bool>, language: Option<Language>) -> Terminal {
        let wanted = |choice| choice != anstream::ColorChoice::Never;
        Terminal {
            colour: colour.unwrap_or_else(|| wanted(anstream::AutoStream::choice(&io::stdout()))),
            error_colour: colour.unwrap_or_else(|| wanted(anstream::AutoStream::choice(&io::stderr()))),
            language: language.unwrap_or_else(of_locale),
            width: terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0)),
            closed: Arc::default(),
            lost: Arc::default(),
        }
    }

    /// Wraps text between words, or Chinese characters, at the terminal's width, with continuation lines indented by this many spaces.
    /// Otherwise it stays on one line.
    pub(super) fn wrapped(&self, text: &str, indent: usize) -> String {
        self.width.map_or_else(|| text.to_owned(), |width| wrapped(text, indent, width))
    }

    /// An English text in the reader's language.
    pub(super) fn said(&self, english: &str) -> String {
        self.language.say(english).into_owned()
    }

    /// Standard output.
    pub(super) fn out(&self) -> Out {
        Out {
            inner: BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock()),
            closed: Arc::clone(&self.closed),
            lost: Arc::clone(&self.lost),
        }
    }

    /// Whether the reader of standard output is gone.
    pub(super) fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// The error if data for standard output was lost while its reader was still there.
    pub(super) fn lost(&self) -> Option<Failure> {
        self.lost.get().cloned().map(Failure::Because)
    }

    /// Records that the reader of standard output is gone.
    #[cfg(target_os = "linux")]
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether progress can be shown.
    pub(super) fn shows_progress(&self) -> bool {
        io::stderr().is_terminal()
    }

    /// Prints a message on standard error.
    pub(super) fn say(&self, text: impl fmt::Display) {
        say(text);
    }

    /// Prints warnings about an input.
    pub(super) fn warn(&self, warnings: &Diagnostics) {
        say_styled(warnings.render(self.error_colour).trim_end());
    }

    /// Prints why a command could not run.
    pub(super) fn fail(&self, failure: &Failure) {
        self.fail_at("", failure);
    }

    /// The same for a failure with a location.
    pub(super) fn fail_at(&self, place: &str, failure: &Failure) {
        match failure {
            Failure::Because(why) => {
                let style = if self.error_colour { AnsiColor::Red.on_default().bold() } else { Style::new() };
                say_styled(format_args!("{}{style}error{style:#}: {}", plain(place), plain(why)));
            }
            Failure::Interrupted => {}
            Failure::Shown(text) => say_styled(format_args!("{}{}", plain(place), text.trim_end())),
        }
    }
}

/// Prints a message on standard error, from any thread. Names in it are escaped for the terminal.
pub(super) fn say(text: impl fmt::Display) {
    say_styled(plain(text));
}

/// The same for a text that has colours and was made [plain] before.
fn say_styled(text: impl fmt::Display) {
    // Write errors are ignored: standard error may be gone.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Standard output, buffered. Once its reader is gone, all further output is discarded: a closed pipe is not an error.
/// Every other write error is, including one that is found on drop ([`Terminal::lost`]).
pub(super) struct Out {
    inner: BufWriter<StdoutLock<'static>>,
    closed: Arc<AtomicBool>,
    lost: Arc<OnceLock<String>>,
}

impl Drop for Out {
    fn drop(&mut self) {
        let _ = self.flush();
    }
}

impl Out {
    fn forgive<T>(&self, result: io::Result<T>, instead: T) -> io::Result<T> {
        match result {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
                self.closed.store(true, Ordering::Relaxed);
                Ok(instead)
            }
            Err(e) => {
                let why = self.lost.get_or_init(|| format!("standard output: {e}"));
                Err(io::Error::new(e.kind(), why.clone()))
            }
            result => result,
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed.load(Ordering::Relaxed) {
            return Ok(bytes.len());
        }
        let result = self.inner.write(bytes);
        self.forgive(result, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let result = self.inner.flush();
        self.forgive(result, ())
    }
}

/// Destination of a result: the only way in which commands write files.
pub(super) struct Output {
    to: To,
    path: PathBuf,
}

enum To {
    /// Standard output: `-`.
    Stdout(Out),
    /// A file, which gets its name only once it is complete.
    File(AtomicFile),
}

impl Output {
    /// Opens the output with this name.
    pub(super) fn create(path: &Path, terminal: &Terminal) -> Result<Output, Failure> {
        let to = if is_dash(path) {
            To::Stdout(terminal.out())
        } else {
            To::File(AtomicFile::create(path).map_err(|e| Failure::about(path.display(), e))?)
        };
        Ok(Output { to, path: path.to_path_buf() })
    }

    /// Completes the output.
    pub(super) fn commit(self) -> io::Result<()> {
        match self.to {
            To::Stdout(mut out) => out.flush(),
            To::File(file) => file.commit(),
        }
    }

    /// Completes the output with this content.
    pub(super) fn write_whole(mut self, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.path.clone();
        self.write_all(bytes).and_then(|()| self.commit()).map_err(|e| about_output(&path, e))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::Stdout(out) => out.write(bytes),
            To::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::Stdout(out) => out.flush(),
            To::File(file) => file.flush(),
        }
    }
}

/// An error about an output. Standard output names itself.
pub(super) fn about_output(path: &Path, what: impl fmt::Display) -> Failure {
    if is_dash(path) { Failure::Because(what.to_string()) } else { Failure::about(path.display(), what) }
}

/// Whether a path means standard input or output.
pub(super) fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}
