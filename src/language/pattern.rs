//! A sentence with placeholders, and its translation.

use std::borrow::Cow;

/// A sentence of the catalogue with placeholders.
pub(super) struct Pattern {
    /// The texts before, between and behind its placeholders.
    fixed: Vec<String>,
    translation: Vec<Piece>,
}

enum Piece {
    Text(String),
    /// The number of the placeholder, from 0.
    Part(usize),
}

impl Pattern {
    pub(super) fn of(key: &str, translation: &str) -> Pattern {
        let fixed = key.split("{}").map(str::to_owned).collect();
        Pattern { fixed, translation: pieces(translation) }
    }

    /// The number of bytes that a sentence must have in common with it.
    pub(super) fn literal(&self) -> usize {
        self.fixed.iter().map(String::len).sum()
    }

    /// What its placeholders stand for in a sentence, each at least one character and as few as possible.
    pub(super) fn parts<'a>(&self, sentence: &'a str) -> Option<Vec<&'a str>> {
        let (first, rest) = self.fixed.split_first()?;
        let (last, between) = rest.split_last()?;
        let mut left = sentence.strip_prefix(first.as_str())?.strip_suffix(last.as_str())?;
        let mut parts = Vec::with_capacity(rest.len());
        for text in between {
            let first = left.chars().next()?.len_utf8();
            let at = first + left.get(first..)?.find(text.as_str())?;
            parts.push(left.get(..at)?);
            left = left.get(at + text.len()..)?;
        }
        parts.push(left);
        (!left.is_empty()).then_some(parts)
    }

    /// The translation with these parts.
    pub(super) fn put<'a>(&self, parts: &[&'a str], said: impl Fn(&'a str) -> Cow<'a, str>) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Part(number) => parts.get(*number).map(|part| said(part).into_owned()).unwrap_or_default(),
        };
        self.translation.iter().map(piece).collect()
    }
}

/// Placeholders without a number are in the order of the key.
fn pieces(translation: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut left = translation;
    let mut next = 0;
    while let Some((text, rest)) = left.split_once('{') {
        let Some((number, rest)) = rest.split_once('}') else { break };
        pieces.push(Piece::Text(text.to_owned()));
        pieces.push(Piece::Part(number.parse().unwrap_or(next)));
        next += 1;
        left = rest;
    }
    pieces.push(Piece::Text(left.to_owned()));
    pieces
}
