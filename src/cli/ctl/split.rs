//! A line's words, as a shell would have them, but that brackets keep together what is in them.

use super::super::Failure;
use std::iter::Peekable;
use std::str::Chars;

/// The words of a line.
///
/// Quotes and backslashes do what they do in a shell, and `#` where a word could begin makes the rest a comment. Within
/// brackets everything stays as it is, blanks and quotes too, for it is a value of the lab file:
/// `sources={ add = ["02:00:00:00:00:01"] }` is one word.
///
/// # Errors
/// A quote or a bracket that is never closed, or nothing behind a backslash.
pub(super) fn words(line: &str) -> Result<Vec<String>, Failure> {
    let mut rest = line.chars().peekable();
    let mut words = Vec::new();
    loop {
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        match rest.peek() {
            None | Some('#') => return Ok(words),
            Some(_) => words.push(word(&mut rest)?),
        }
    }
}

/// The word that begins here.
fn word(rest: &mut Peekable<Chars<'_>>) -> Result<String, Failure> {
    let mut word = String::new();
    while let Some(c) = rest.next_if(|c| !c.is_whitespace()) {
        match c {
            '\\' => {
                let ends = || Failure::Because("`\\` ends the line, and a request has one".to_owned());
                word.push(rest.next().ok_or_else(ends)?);
            }
            '\'' | '"' => quoted(c, rest, |c, _| word.push(c))?,
            '[' | '{' => {
                word.push(c);
                bracketed(c, rest, &mut word)?;
            }
            c => word.push(c),
        }
    }
    Ok(word)
}

/// Takes what is behind this quote, and the quote that closes it; tells each character, and whether a backslash was before
/// it. Between single quotes a backslash is a backslash.
fn quoted(
    quote: char,
    rest: &mut Peekable<Chars<'_>>,
    mut take: impl FnMut(char, bool),
) -> Result<(), Failure> {
    while let Some(c) = rest.next() {
        match c {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => rest.next().into_iter().for_each(|c| take(c, true)),
            c => take(c, false),
        }
    }
    Err(unclosed(quote))
}

/// Takes what is behind this bracket, and the bracket that closes it, as they are. That the kinds of brackets match is seen
/// to by whoever reads the value.
fn bracketed(bracket: char, rest: &mut Peekable<Chars<'_>>, word: &mut String) -> Result<(), Failure> {
    let mut open = 1_usize;
    while open > 0 {
        let c = rest.next().ok_or_else(|| unclosed(bracket))?;
        word.push(c);
        match c {
            '[' | '{' => open += 1,
            ']' | '}' => open -= 1,
            '\'' | '"' => {
                quoted(c, rest, |c, escaped| word.extend(escaped.then_some('\\').into_iter().chain([c])))?;
                word.push(c);
            }
            _ => {}
        }
    }
    Ok(())
}

fn unclosed(what: char) -> Failure {
    Failure::Because(format!("`{what}` is never closed"))
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
