//! What the learner types.

use crate::cli::Failure;
use crate::cli::terminal::Terminal;
use macvlab::language::spaced;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

/// Maximum length of a line that is typed, in bytes.
const MAX_LINE: u64 = 4096;

/// A line that was typed at the question which of several choices it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// This choice, counted from 0.
    Choice(usize),
    Quit,
    Nothing,
    Nonsense,
}

impl Said {
    /// A number or a letter stands for a choice.
    pub(super) fn of(line: &str, choices: usize) -> Said {
        let word = line.trim().trim_end_matches([')', '.']).to_ascii_lowercase();
        let choice = match word.as_bytes() {
            [letter @ b'a'..=b'i'] => Some(usize::from(letter - b'a')),
            [digit @ b'1'..=b'9'] => Some(usize::from(digit - b'1')),
            _ => None,
        };
        match (word.as_str(), choice) {
            ("q" | "quit" | "exit", _) => Said::Quit,
            ("", _) => Said::Nothing,
            (_, Some(choice)) if choice < choices => Said::Choice(choice),
            _ => Said::Nonsense,
        }
    }
}

/// The letter of a choice: `a` for the first.
pub(super) fn letter(choice: usize) -> char {
    char::from(b'a' + u8::try_from(choice.min(25)).unwrap_or_default())
}

/// A line from standard input, behind a prompt of the catalogue; `None`: end of input. Input that is not text counts as nonsense.
pub(super) fn ask(prompt: &str, terminal: &Terminal) -> Result<Option<String>, Failure> {
    let mut out = terminal.out();
    write!(out, "{}", spaced(&terminal.said(prompt), ""))?;
    out.flush()?;
    drop(out);
    let mut line = Vec::new();
    let read = io::Read::take(io::stdin().lock(), MAX_LINE).read_until(b'\n', &mut line);
    let read = read.map_err(|e| Failure::about("standard input", e))?;
    // On a terminal the user's Enter ends the prompt's line.
    if read == 0 || !io::stdin().is_terminal() {
        let mut out = terminal.out();
        writeln!(out)?;
        out.flush()?;
    }
    Ok((read > 0).then(|| String::from_utf8_lossy(&line).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_a_letter_or_a_number() {
        let said = |line| Said::of(line, 3);
        assert_eq!([said(" a\n"), said("B)"), said("3"), said("c.")], [0, 1, 2, 2].map(Said::Choice));
        assert_eq!(
            [said("Quit\r\n"), said("\n"), said("d"), said("4"), said("ab"), said("0")],
            [Said::Quit, Said::Nothing, Said::Nonsense, Said::Nonsense, Said::Nonsense, Said::Nonsense,]
        );
    }
}
