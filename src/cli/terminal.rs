//! Standard output and standard error.

use super::Failure;
use anstyle::{AnsiColor, Style};
use macvlab::capture::AtomicFile;
use macvlab::plain::plain;
use std::fmt;
use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Bytes collected before a write to standard output.
const BUFFER_BYTES: usize = 64 * 1024;

/// What is known about the two streams.
#[derive(Clone)]
pub(super) struct Terminal {
    /// Colours on standard output.
    pub(super) colour: bool,
    /// Colours on standard error.
    pub(super) error_colour: bool,
    /// Columns of the terminal that standard output is, if it is one.
    width: Option<usize>,
    /// Set when nobody reads standard output any more.
    closed: Arc<AtomicBool>,
    /// Why something that was written to standard output is not there.
    lost: Arc<OnceLock<String>>,
}

impl Terminal {
    /// Colours as given; `None`: where there is a terminal that wants them (`NO_COLOR`, `CLICOLOR`, `TERM`).
    pub(super) fn new(colour: Option<bool>) -> Terminal {
        let wanted = |choice| choice != anstream::ColorChoice::Never;
        Terminal {
            colour: colour.unwrap_or_else(|| wanted(anstream::AutoStream::choice(&io::stdout()))),
            error_colour: colour.unwrap_or_else(|| wanted(anstream::AutoStream::choice(&io::stderr()))),
            width: terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0)),
            closed: Arc::default(),
            lost: Arc::default(),
        }
    }

    /// Text for the terminal's width, broken between words; lines after the first begin with so many spaces. Elsewhere it
    /// stays in one line.
    pub(super) fn wrapped(&self, text: &str, indent: usize) -> String {
        self.width.map_or_else(|| text.to_owned(), |width| wrap(text, indent, width))
    }

    /// Standard output.
    pub(super) fn out(&self) -> Out {
        Out {
            inner: BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock()),
            closed: Arc::clone(&self.closed),
            lost: Arc::clone(&self.lost),
        }
    }

    /// Whether nobody reads standard output any more.
    pub(super) fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// What is wrong if something that was written to standard output is not there, although somebody would read it.
    pub(super) fn lost(&self) -> Option<Failure> {
        self.lost.get().cloned().map(Failure::Because)
    }

    /// Somebody has seen that nobody reads standard output any more.
    #[cfg(target_os = "linux")]
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether progress can be shown.
    pub(super) fn shows_progress(&self) -> bool {
        io::stderr().is_terminal()
    }

    /// Says something on standard error.
    pub(super) fn say(&self, text: impl fmt::Display) {
        say(text);
    }

    /// Says why a command could not be carried out.
    pub(super) fn fail(&self, failure: &Failure) {
        self.fail_at("", failure);
    }

    /// The same, of a command that has a place.
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

/// Says something on standard error, from whatever thread. Names that are in it can do nothing to a terminal.
pub(super) fn say(text: impl fmt::Display) {
    say_styled(plain(text));
}

/// The same of a text that has colours and was made [plain] before.
fn say_styled(text: impl fmt::Display) {
    // If standard error is gone, there is nobody left to tell.
    let _ = writeln!(io::stderr(), "{text}");
}

fn wrap(text: &str, indent: usize, width: usize) -> String {
    let mut lines = String::new();
    let mut column = indent;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > indent && column + 1 + length > width {
            lines.push('\n');
            lines.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if column > indent {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
    }
    lines
}

/// Standard output, buffered. Once nobody reads it any more, everything written to it disappears: a closed pipe is no
/// error. All else that goes wrong is, also if it is found out when this is dropped ([`Terminal::lost`]).
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

/// Where a result goes: the one way in which commands write files.
pub(super) struct Output {
    to: To,
    path: PathBuf,
}

enum To {
    /// Standard output: `-`.
    Stdout(Out),
    /// A file, which has its name only once it is whole.
    File(AtomicFile),
}

impl Output {
    /// Opens the output of this name.
    pub(super) fn create(path: &Path, terminal: &Terminal) -> Result<Output, Failure> {
        let to = if is_dash(path) {
            To::Stdout(terminal.out())
        } else {
            To::File(AtomicFile::create(path).map_err(|e| Failure::about(path.display(), e))?)
        };
        Ok(Output { to, path: path.to_path_buf() })
    }

    /// It is whole.
    pub(super) fn commit(self) -> io::Result<()> {
        match self.to {
            To::Stdout(mut out) => out.flush(),
            To::File(file) => file.commit(),
        }
    }

    /// This is all of it.
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

/// Something is wrong with an output. Standard output names itself.
pub(super) fn about_output(path: &Path, what: impl fmt::Display) -> Failure {
    if is_dash(path) { Failure::Because(what.to_string()) } else { Failure::about(path.display(), what) }
}

/// Whether a path means standard input or output.
pub(super) fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrap("one two three four", 2, 11), "one two\n  three\n  four");
        assert_eq!(wrap("one two", 0, 7), "one two");
        assert_eq!(wrap("unbreakable word", 4, 8), "unbreakable\n    word");
    }
}
