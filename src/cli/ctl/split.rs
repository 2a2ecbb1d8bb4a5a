//! Splits a line into words like a shell, except that brackets keep their contents together.

use super::super::Failure;
use std::iter::Peekable;
use std::str::Chars;

/// Splits a line into words.
///
/// Quotes and backslashes work as in a shell, and `#` at the start of a word begins a comment. Text in brackets stays
/// unchanged, blanks and quotes included, because it is a value of the lab file: `sources={ add = ["02:00:00:00:00:01"]
/// }` is one word.
///
/// # Errors
/// An unclosed quote or bracket, or a backslash at the end of the line.
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
                let ends =
                    || Failure::Because("`\\` at the end of the line: a request is a single line".to_owned());
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

/// Consumes text up to and including the closing quote; passes on each character and whether a backslash came before
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

/// Consumes text up to and including the closing bracket, unchanged. The parser of the value checks that brackets
/// match.
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
