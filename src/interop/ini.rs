//! Files of sections and assignments, as systemd and NetworkManager have them, with places. Sections and keys may come more
//! than once, in an order that counts.

use super::{Draft, NoteKind, Place};

/// Maximum number of sections of one input.
pub(super) const MAX_SECTIONS: usize = 4_096;

/// A section.
#[derive(Debug)]
pub(super) struct Section<'a> {
    /// The name of the file, where the text gives it.
    pub(super) file: Option<&'a str>,
    /// Its name.
    pub(super) name: &'a str,
    /// Its assignments, in order.
    pub(super) entries: Vec<Entry<'a>>,
    /// Where its name is.
    pub(super) place: Place,
}

/// An assignment.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) key: &'a str,
    pub(super) value: String,
    pub(super) place: Place,
}

/// A text as sections, and the lines that are none of it.
#[derive(Debug, Default)]
pub(super) struct Ini<'a> {
    pub(super) sections: Vec<Section<'a>>,
    pub(super) stray: Vec<(&'a str, Place)>,
    /// Where the sections begin that are too many.
    pub(super) more: Option<Place>,
}

impl<'a> Section<'a> {
    /// The last value of a key.
    pub(super) fn last(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries.iter().rfind(|entry| entry.key == key)
    }

    /// The last value of a key, as text.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        self.last(key).map(|entry| entry.value.as_str()).filter(|value| !value.is_empty())
    }

    /// All values of a key: an empty one takes back those before it.
    pub(super) fn all(&self, key: &str) -> Vec<&Entry<'a>> {
        let entries: Vec<&Entry<'a>> = self.entries.iter().filter(|entry| entry.key == key).collect();
        let first = entries.iter().rposition(|entry| entry.value.is_empty()).map_or(0, |at| at + 1);
        entries[first..].to_vec()
    }
}

impl Ini<'_> {
    /// Notes that there are too many sections.
    pub(super) fn note_more(&self, draft: &mut Draft) {
        if self.more.is_some() {
            let text = format!("everything after the first {MAX_SECTIONS} sections");
            draft.note(NoteKind::LeftOut, text, self.more);
        }
    }
}

/// Reads a text, the `index`th input. Files may follow one another, each after a line that names it.
pub(super) fn read<'a>(text: &'a str, index: usize, is_file: impl Fn(&str) -> bool) -> Ini<'a> {
    let mut ini = Ini::default();
    let (mut file, mut ended, mut open) = (None, true, false);
    let mut at = 0;
    for raw in text.split_inclusive('\n') {
        let line = raw.trim();
        let begin = at + (raw.len() - raw.trim_start().len()).min(raw.trim_end().len());
        let place = Place::new(index, begin..begin + line.len());
        at += raw.len();
        let continued = line.ends_with('\\');
        let part = line.trim_end_matches('\\').trim_end();
        let named = file_of(line).filter(|name| is_file(name));
        if open && !line.starts_with(['#', ';']) {
            if let Some(entry) = ini.sections.last_mut().and_then(|section| section.entries.last_mut()) {
                entry.value = format!("{} {part}", entry.value).trim().to_owned();
                entry.place.end = place.end;
            }
            open = continued;
        } else if let Some(named) = named {
            (file, ended, open) = (Some(named), true, false);
        } else if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            if ini.sections.len() == MAX_SECTIONS {
                ini.more = Some(place);
                return ini;
            }
            ini.sections.push(Section { file, name, entries: Vec::new(), place });
            (ended, open) = (false, false);
        } else if line.is_empty() || line.starts_with(['#', ';']) {
        } else if let (Some(section), Some((key, value)), false) =
            (ini.sections.last_mut(), part.split_once('='), ended)
        {
            section.entries.push(Entry { key: key.trim(), value: value.trim().to_owned(), place });
            open = continued;
        } else {
            ini.stray.push((line, place));
        }
    }
    ini
}

/// The name of a file in a line without an assignment: `# /etc/systemd/network/10-x.netdev`, `==> x.netdev <==`, a command.
pub(super) fn file_of(line: &str) -> Option<&str> {
    if line.contains('=') && !line.starts_with("==>") || line.starts_with('[') {
        return None;
    }
    let words = line.split_whitespace().map(|word| word.trim_matches([':', '`', '"', '\'', '*', ',']));
    let paths = words.map(|word| word.rsplit('/').next().unwrap_or(word));
    paths.rev().find(|word| word.contains('.') && !word.starts_with('.'))
}

/// Whether a word means yes, where systemd and GLib read it.
pub(super) fn is_yes(word: &str) -> bool {
    ["1", "yes", "y", "true", "t", "on"].iter().any(|yes| word.eq_ignore_ascii_case(yes))
}
