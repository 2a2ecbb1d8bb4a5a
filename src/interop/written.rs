//! An imported lab as a file, with its notes as comments.

use super::{Imported, Note};
use crate::labfile;

/// Maximum length of a line of comment, in characters.
const WIDTH: usize = 110;

/// The file: notes about the whole at its head, others before their device.
pub(super) fn lab_file(imported: &Imported) -> String {
    let mut out = String::new();
    imported.notes.iter().for_each(|note| comment(&mut out, note));
    for line in labfile::write(&imported.lab).lines() {
        if let Some(notes) = table_of(line).and_then(|name| imported.about.get(name.as_str())) {
            // A switch has a table for each port; its notes stand before the first.
            if !out.contains(&marker(notes)) {
                notes.iter().for_each(|note| comment(&mut out, note));
            }
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// The name in the header of a table: of a device, a host or a switch.
fn table_of(line: &str) -> Option<String> {
    let header = line.strip_prefix('[')?.trim_start_matches('[').trim_end_matches(']');
    let (_, name) = header.split_once('.')?;
    let quoted = name.strip_prefix('"').and_then(|name| name.split_once('"')).map(|(name, _)| name);
    Some(quoted.unwrap_or_else(|| name.split('.').next().unwrap_or(name)).to_owned())
}

fn marker(notes: &[Note]) -> String {
    let mut text = String::new();
    notes.iter().for_each(|note| comment(&mut text, note));
    text
}

fn comment(out: &mut String, note: &Note) {
    let text = format!("{}: {}", note.kind.word(), crate::plain::plain(&note.text).replace('\n', " "));
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH && line.len() > 1 {
            out.push_str(&line);
            out.push('\n');
            line = String::from("#  ");
        }
        line.push(' ');
        line.push_str(word);
    }
    out.push_str(&line);
    out.push('\n');
}
