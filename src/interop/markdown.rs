//! Texts as people paste them into threads: without what marks code, quotations and lists. Every byte stays where it is.

use super::shell;
use std::ops::Range;

/// A text without its marks, and what it marked as code.
#[derive(Debug)]
pub(super) struct Unmarked {
    /// As long as the text; marks are spaces.
    pub(super) text: String,
    /// The code blocks, in order.
    pub(super) blocks: Vec<Range<usize>>,
}

/// Tags that only mark code.
const TAGS: [&str; 4] = ["<pre>", "</pre>", "<code>", "</code>"];

/// Takes the marks out of a text.
pub(super) fn unmarked(text: &str) -> Unmarked {
    let mut out: Vec<u8> = text.as_bytes().to_vec();
    let mut blocks = Vec::new();
    let mut open: Option<Fence> = None;
    let mut at = 0;
    for raw in text.split_inclusive('\n') {
        let span = at..at + raw.trim_end().len();
        at += raw.len();
        let line = &text[span.clone()];
        let quoted = quotation(line);
        match &open {
            Some(fence) if fence.ends_at(&line[quoted..]) => {
                blank(&mut out, span.clone());
                blocks.push(fence.start..span.start);
                open = None;
            }
            Some(fence) if fence.quoted => blank(&mut out, span.start..span.start + quoted),
            Some(_) => {}
            None => match Fence::begins(&line[quoted..]) {
                Some((fence, mark)) => {
                    blank(&mut out, span.start..span.start + quoted + mark);
                    open = Some(Fence { start: at, quoted: quoted > 0, ..fence });
                }
                None => prose(&mut out, line, span.start),
            },
        }
    }
    if let Some(fence) = open {
        blocks.push(fence.start.min(text.len())..text.len());
    }
    // Whole characters were replaced, or single marks of one byte.
    let text = String::from_utf8(out).unwrap_or_else(|_| text.to_owned());
    Unmarked { text, blocks }
}

/// An open code block.
struct Fence {
    mark: u8,
    length: usize,
    start: usize,
    quoted: bool,
}

impl Fence {
    /// A line that opens a code block, and the length of its mark; of a name of a language, too.
    fn begins(line: &str) -> Option<(Fence, usize)> {
        let indent = line.len() - line.trim_start().len();
        let mark = *line.as_bytes().get(indent)?;
        let length = line[indent..].bytes().take_while(|byte| *byte == mark).count();
        if !matches!(mark, b'`' | b'~') || length < 3 {
            return None;
        }
        let info = line[indent + length..].trim();
        // More than one word is what was typed.
        let is_language = !info.contains(char::is_whitespace);
        let end = if is_language { line.len() } else { indent + length };
        Some((Fence { mark, length, start: 0, quoted: false }, end))
    }

    fn ends_at(&self, line: &str) -> bool {
        let line = line.trim();
        line.len() >= self.length && line.bytes().all(|byte| byte == self.mark)
    }
}

/// The length of the marks of a quotation at the beginning of a line.
fn quotation(line: &str) -> usize {
    let mut rest = line;
    while let Some(inner) = rest.trim_start().strip_prefix("\\>").or(rest.trim_start().strip_prefix('>')) {
        rest = inner.strip_prefix(' ').unwrap_or(inner);
    }
    line.len() - rest.len()
}

/// A line outside of code blocks: what it marks as code, if that is commands; else without a bullet before a command.
fn prose(out: &mut [u8], line: &str, start: usize) {
    let code: Vec<Range<usize>> =
        code_of(line).into_iter().filter(|span| shell::is_command_line(&line[span.clone()])).collect();
    if !code.is_empty() {
        blank(out, start..start + line.len());
        for span in code {
            let at = start + span.start..start + span.end;
            out[at.clone()].copy_from_slice(line[span].as_bytes());
            // A mark of one byte was there.
            out[at.end] = b';';
        }
        return;
    }
    for (at, _) in line.char_indices().filter(|(_, c)| *c == '`') {
        if line[..at].trim().is_empty() || line[at + 1..].trim().is_empty() {
            blank(out, start + at..start + at + 1);
        }
    }
    for tag in TAGS {
        line.match_indices(tag).for_each(|(at, _)| blank(out, start + at..start + at + tag.len()));
    }
    if let Some(at) = command_in(line) {
        blank(out, start..start + at);
        // At the beginning of a sentence the name of a program gets a capital letter.
        out[start + at..start + line.len()].iter_mut().take(1).for_each(|byte| byte.make_ascii_lowercase());
    }
}

/// What is between pairs of backticks.
fn code_of(line: &str) -> Vec<Range<usize>> {
    let ticks: Vec<usize> = line.match_indices('`').map(|(at, _)| at).collect();
    ticks.chunks_exact(2).map(|pair| pair[0] + 1..pair[1]).collect()
}

/// Where a command begins behind a bullet, a number, or a sentence that ends in a colon.
fn command_in(line: &str) -> Option<usize> {
    let text = line.trim_start();
    let indent = line.len() - text.len();
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let bullet = if number.len() < text.len() {
        number.strip_prefix(['.', ')'])
    } else {
        text.strip_prefix(['-', '*', '+']).filter(|rest| rest.starts_with(' '))
    };
    let after_bullet = bullet.map(|rest| line.len() - rest.trim_start().len());
    let after_colon = line.match_indices(": ").map(|(at, mark)| at + mark.len());
    let capital = text.starts_with(|c: char| c.is_ascii_uppercase()).then_some(indent);
    let mut places = after_bullet.into_iter().chain(capital).chain(after_colon);
    places.find(|at| {
        let rest = line[*at..].trim_start();
        let lower =
            rest.get(..1).unwrap_or_default().to_ascii_lowercase() + rest.get(1..).unwrap_or_default();
        rest.len() == line.len() - at && rest.contains(" -") && shell::is_command_line(&lower)
    })
}

/// Puts spaces in the place of these bytes.
pub(super) fn blank(text: &mut [u8], span: Range<usize>) {
    let bytes = text.get_mut(span).into_iter().flatten();
    bytes.filter(|byte| !matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
}
