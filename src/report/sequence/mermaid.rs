//! A story for Mermaid.

use super::{ArrowKind, Entry, Story, arrow_text, frame_text, more_text};
use crate::report::draw::mermaid_text as escape;
use std::fmt::Write as _;

/// A Mermaid sequence diagram.
#[must_use]
pub fn mermaid(story: &Story) -> String {
    let mut out = String::from("sequenceDiagram\n");
    if !story.title.is_empty() {
        line(&mut out, format_args!("accTitle: {}", escape(&story.title)));
    }
    for (i, lane) in story.lanes.iter().enumerate() {
        let (name, kind) = (escape(&lane.name), escape(&lane.kind));
        line(&mut out, format_args!("participant d{i} as {name}<br/>{kind}"));
    }
    let Some(last) = story.lanes.len().checked_sub(1) else {
        // Mermaid does not accept a diagram without a lane.
        line(&mut out, format_args!("participant d0 as no frame is sent"));
        return out;
    };
    let over_all = |out: &mut String, text: &str| {
        let lanes = if last == 0 { "d0".to_owned() } else { format!("d0,d{last}") };
        line(out, format_args!("Note over {lanes}: {}", escape(text)));
    };
    for entry in &story.entries {
        match entry {
            Entry::Heading(text) => over_all(&mut out, text),
            Entry::Frame { text, times } => over_all(&mut out, &frame_text(text, *times)),
            Entry::More { frames, hops } => over_all(&mut out, &more_text(*frames, *hops)),
            Entry::Result { text, held } => over_all(&mut out, &super::result_text(text, *held)),
            Entry::Withheld { lane, ways, rule } => {
                let text = format!("✗ not to {ways}: {rule} {}", rule.title());
                line(&mut out, format_args!("Note over d{lane}: {}", escape(&text)));
            }
            Entry::Arrow { from, to, kind, rule } => {
                let arrow = match kind {
                    ArrowKind::Gets => "->>",
                    ArrowKind::Ignores => "-->>",
                    ArrowKind::Ends => "-x",
                };
                let text = escape(&arrow_text(*kind, from == to, *rule));
                line(&mut out, format_args!("d{from}{arrow}d{to}: {text}"));
            }
        }
    }
    out
}

fn line(out: &mut String, statement: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "    {statement}");
}
