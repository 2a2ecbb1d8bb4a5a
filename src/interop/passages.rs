//! A text that holds several: a thread with its prose, command lines, their output, and configurations in between. It is
//! cut into passages, each for the first format that recognises it; what is left is for the shell's.
//!
//! A passage is the whole text up to its end with everything else blanked, so that all places stay what they are.

use super::markdown::{self, blank};
use super::{Draft, FORMATS, Format, ReadError, Source, ini, shell};
use std::ops::Range;

/// Maximum length of a text that is cut, in bytes.
const MAX_CUT: usize = 128 << 10;

/// Maximum number of configurations in one text.
const MAX_PASSAGES: usize = 64;

/// Maximum number of parts of a text of which it is asked whether a format can read them.
const MAX_TRIES: usize = 256;

/// How many lines are left away at the end of a passage which cannot be read with them, one after another.
const TRIMMED: usize = 16;

/// How the names of files end that count where they are read.
const FILES: [&str; 4] = [".netdev", ".network", ".link", ".nmconnection"];

/// A part of a text, and what reads it.
pub(super) struct Passage {
    pub(super) format: &'static dyn Format,
    pub(super) text: String,
}

/// A text as passages.
#[derive(Default)]
pub(super) struct Cut {
    pub(super) passages: Vec<Passage>,
    /// Code blocks that a format recognises, and cannot read.
    pub(super) unread: Vec<(&'static dyn Format, ReadError)>,
}

/// The passages of an input: all of it, where a format is given or can read it.
pub(super) fn of(source: &Source<'_>, given: Option<&'static dyn Format>) -> Cut {
    let whole = |format| {
        let passages = vec![Passage { format, text: source.text.to_owned() }];
        Cut { passages, unread: Vec::new() }
    };
    if let Some(format) = given {
        return whole(format);
    }
    // What a machine printed can hold anything, as an alias of a device that looks like something else.
    if source.text.starts_with(shell::TRANSCRIPT) {
        return whole(&shell::Shell);
    }
    let format = super::format_of(source);
    let is_thread = || !markdown::unmarked(source.text).blocks.is_empty();
    if let Some(format) = format.filter(|format| format.name() != shell::Shell.name())
        && !is_thread()
    {
        return whole(format);
    }
    let cut = cut(source.text);
    match format {
        Some(format) if cut.passages.is_empty() && cut.unread.is_empty() => whole(format),
        _ => cut,
    }
}

/// Cuts a text.
pub(super) fn cut(text: &str) -> Cut {
    if text.len() > MAX_CUT {
        return Cut::default();
    }
    let unmarked = markdown::unmarked(text);
    let mut cutter = Cutter { rest: unmarked.text.clone().into_bytes(), found: Cut::default(), tries: 0 };
    let mut at = 0;
    for block in &unmarked.blocks {
        cutter.cut(&unmarked.text, at..block.start, false);
        cutter.cut(&unmarked.text, block.clone(), true);
        at = block.end;
    }
    cutter.cut(&unmarked.text, at..text.len(), false);
    let Cutter { rest, mut found, .. } = cutter;
    // Whole lines were blanked.
    let rest = String::from_utf8(rest).unwrap_or_default();
    if shell::Shell.recognises(&Source::new("", &rest)) {
        found.passages.push(Passage { format: &shell::Shell, text: rest });
    }
    found
}

struct Cutter {
    /// What is in no passage yet.
    rest: Vec<u8>,
    found: Cut,
    /// How many parts were looked at.
    tries: usize,
}

impl Cutter {
    /// Takes the configurations out of a part of the text. A code block may be one as a whole.
    fn cut(&mut self, text: &str, part: Range<usize>, is_block: bool) {
        if is_block {
            match self.take(text, part.clone()) {
                Taken::All => return,
                // Nothing of it is read: half of a configuration is another one.
                Taken::Unread(format, error) => {
                    blank(&mut self.rest, part);
                    return self.found.unread.push((format, error));
                }
                Taken::Nothing => {}
            }
        }
        let lines = lines_of(text, part);
        let mut next = 0;
        let mut before = "";
        while let Some(line) = lines.get(next) {
            let content = &text[line.clone()];
            let length = if shell::is_command_line(before) && !content.contains(": ") {
                // What a command printed is read with it.
                None
            } else {
                run_of(text, &lines[next..])
            };
            if !content.trim().is_empty() {
                before = content;
            }
            let Some(length) = length else {
                next += 1;
                continue;
            };
            let run = &lines[next..next + length];
            // A sentence in front can look like a key.
            let taken = (0..length.min(3)).find(|skip| self.take_trimmed(text, &run[*skip..]));
            next += if taken.is_some() || length > 3 { length } else { 1 };
        }
    }

    /// Takes lines for the format that recognises them, without the last ones if they are no part of it.
    fn take_trimmed(&mut self, text: &str, lines: &[Range<usize>]) -> bool {
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return false };
        self.tries += 1;
        if self.tries > MAX_TRIES || recognised(&passage(text, first.start..last.end)).is_none() {
            return false;
        }
        let least = lines.len().saturating_sub(TRIMMED).max(1);
        let mut parts = (least..=lines.len()).rev().map(|count| first.start..lines[count - 1].end);
        parts.any(|part| matches!(self.take(text, part), Taken::All))
    }

    /// Takes a part of the text if a format can read it.
    fn take(&mut self, text: &str, part: Range<usize>) -> Taken {
        self.tries += 1;
        if self.found.passages.len() == MAX_PASSAGES || self.tries > MAX_TRIES {
            return Taken::Nothing;
        }
        let part = with_name(text, part);
        let passage = passage(text, part.clone());
        let Some(format) = recognised(&passage) else { return Taken::Nothing };
        if let Err(error) = format.read(&Source::new("", &passage), 0, &mut Draft::default()) {
            return Taken::Unread(format, error);
        }
        blank(&mut self.rest, part);
        self.found.passages.push(Passage { format, text: passage });
        Taken::All
    }
}

/// What became of a part of a text.
enum Taken {
    All,
    /// A format recognises it, and cannot read it.
    Unread(&'static dyn Format, ReadError),
    Nothing,
}

/// With the line before it, if that is the name of the file.
fn with_name(text: &str, part: Range<usize>) -> Range<usize> {
    let before = text[..part.start].trim_end();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = &before[start..];
    let is_name = line.split_whitespace().count() <= 2
        && ini::file_of(line).is_some_and(|name| FILES.iter().any(|end| name.ends_with(end)));
    if is_name { start..part.end } else { part }
}

/// The format of a configuration. What commands print the shell's reads, with the command.
fn recognised(text: &str) -> Option<&'static dyn Format> {
    let source = Source::new("", text);
    let format = FORMATS.iter().find(|format| format.recognises(&source))?;
    (!format.is_for_others() && !format.is_output()).then_some(*format)
}

/// The text up to the end of this part of it, everything else blanked.
fn passage(text: &str, part: Range<usize>) -> String {
    let mut bytes = text.as_bytes()[..part.end].to_vec();
    blank(&mut bytes, 0..part.start);
    String::from_utf8(bytes).unwrap_or_default()
}

fn lines_of(text: &str, part: Range<usize>) -> Vec<Range<usize>> {
    let mut at = part.start;
    let lines = text[part].split_inclusive('\n').map(|raw| {
        let line = at..at + raw.trim_end_matches(['\n', '\r']).len();
        at += raw.len();
        line
    });
    lines.collect()
}

/// How many of these lines look like one document, from the first on.
fn run_of(text: &str, lines: &[Range<usize>]) -> Option<usize> {
    let of = |line: &Range<usize>| &text[line.clone()];
    let first = of(lines.first()?);
    let trimmed = first.trim();
    let length = if trimmed.starts_with('{') || trimmed.starts_with('[') && !is_section(trimmed) {
        json(lines.iter().map(of))?
    } else if is_section(trimmed) {
        lines.iter().take_while(|line| is_assignment(of(line))).count()
    } else if is_stanza(trimmed) {
        lines.iter().take_while(|line| is_setting(of(line))).count()
    } else if is_key(first) {
        yaml(lines.iter().map(of))
    } else {
        return None;
    };
    (length > 1).then_some(length)
}

/// `[Section]`
fn is_section(line: &str) -> bool {
    let inner = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
    inner.is_some_and(|name| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-. ".contains(&b))
    })
}

/// A line of a file of sections.
fn is_assignment(line: &str) -> bool {
    let line = line.trim();
    let key = line.split_once('=').map(|(key, _)| key.trim());
    let is_name = |key: &str| !key.is_empty() && !key.contains(char::is_whitespace);
    line.is_empty() || line.starts_with(['#', ';']) || is_section(line) || key.is_some_and(is_name)
}

/// The first line of what ifupdown, OpenWrt and LXC read: words, and settings below.
fn is_stanza(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let (first, second, third) = (words.next().unwrap_or_default(), words.next(), words.next());
    match first {
        "auto" | "allow-hotplug" | "allow-auto" => second.is_some(),
        "iface" => third.is_none_or(|family| family.starts_with("inet")) && second.is_some(),
        "config" => ["interface", "device", "switch", "bridge-vlan"].iter().any(|kind| second == Some(kind)),
        _ => first.starts_with("lxc.net"),
    }
}

/// A line of such a file.
fn is_setting(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    let known = [
        "address",
        "netmask",
        "gateway",
        "network",
        "broadcast",
        "hwaddress",
        "mtu",
        "source",
        "option",
        "list",
    ];
    let begins = ["lxc.", "bridge", "vlan", "dns-", "post-", "pre-", "up", "down", "#", "bond", "metric"];
    line.starts_with([' ', '\t'])
        || first.is_empty()
        || is_stanza(line.trim())
        || known.contains(&first)
        || begins.iter().any(|begin| first.starts_with(begin))
}

/// `key:`, alone or before a value.
fn is_key(line: &str) -> bool {
    let Some((key, value)) = line.trim().split_once(':') else { return false };
    let key = key.trim_start_matches("- ").trim_matches(['"', '\'']);
    let begins = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && key.split_whitespace().count() < 8 && (value.is_empty() || value.starts_with(' '))
}

/// Up to the line in which all brackets are closed.
fn json<'a>(lines: impl Iterator<Item = &'a str>) -> Option<usize> {
    let (mut depth, mut quoted, mut count) = (0_usize, false, 0);
    for line in lines {
        count += 1;
        let mut escaped = false;
        for c in line.chars() {
            match c {
                _ if escaped => {
                    escaped = false;
                    continue;
                }
                '"' => quoted = !quoted,
                '{' | '[' if !quoted => depth += 1,
                '}' | ']' if !quoted => depth = depth.saturating_sub(1),
                _ => {}
            }
            escaped = quoted && c == '\\';
        }
        if depth == 0 {
            return Some(count);
        }
    }
    None
}

/// As long as lines are deeper, keys, items or comments, or in a quotation of several lines.
fn yaml<'a>(lines: impl Iterator<Item = &'a str>) -> usize {
    let (mut count, mut indent, mut quoted) = (0, None, false);
    for (at, line) in lines.enumerate() {
        let trimmed = line.trim();
        let depth = line.len() - line.trim_start().len();
        let least = *indent.get_or_insert(depth);
        let is_item = trimmed.starts_with("- ") || trimmed.starts_with('#') || trimmed == "---";
        let fits =
            quoted || trimmed.is_empty() || depth > least || depth == least && (is_item || is_key(line));
        if !fits {
            break;
        }
        quoted ^=
            trimmed.matches('\'').count() % 2 == 1 && trimmed.ends_with(['\'', '{', ',', '}', '[', ']']);
        if !trimmed.is_empty() {
            count = at + 1;
        }
    }
    count
}
