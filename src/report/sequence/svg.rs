//! A story as SVG: works on any page, and follows the reader's colour scheme.

use super::{ArrowKind, Entry, Lane, Story, arrow_text, frame_text, more_text, result_text};
use crate::report::draw::{DARK_STYLE, STYLE, escape};
use std::fmt::Write as _;

// Colours are literal in the rules, as in other diagrams: not every SVG viewer supports variables.
const OWN_STYLE: &str = include_str!("sequence.css");
const OWN_DARK_STYLE: &str = include_str!("dark.css");

/// Distance between lanes, and between the outermost lane and the edge.
const LANE: i32 = 230;
const EDGE: i32 = 120;
/// Height of the title, and of the lane heads below it.
const TITLE: i32 = 34;
const HEAD: i32 = 76;
/// Approximate width of a character.
const LETTER: i32 = 7;
/// Maximum lines of the description for screen readers.
const MAX_TOLD: usize = 60;

/// The layout.
struct Page {
    width: i32,
    out: String,
    y: i32,
}

/// A standalone document.
#[must_use]
pub fn svg(story: &Story) -> String {
    let between = i32::try_from(story.lanes.len().saturating_sub(1)).unwrap_or(i32::MAX / LANE / 2) * LANE;
    let width = (between + 2 * EDGE).max(480);
    let mut page = Page { width, out: String::new(), y: TITLE + HEAD };
    if story.entries.is_empty() {
        page.band("mv-heading", "nothing happens in this run");
    }
    story.entries.iter().for_each(|entry| page.entry(entry));
    let height = page.y + 24;
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"mv-title mv-desc\" class=\"mv-diagram mv-sequence\">\n<style>{STYLE}{OWN_STYLE}\
         @media (prefers-color-scheme: dark) {{\n{DARK_STYLE}{OWN_DARK_STYLE}}}</style>\n"
    );
    let title = if story.title.is_empty() { "A run" } else { &story.title };
    let _ = writeln!(out, "<title id=\"mv-title\">{}</title>", escape(title));
    let _ = writeln!(out, "<desc id=\"mv-desc\">{}</desc>", escape(&description(story)));
    out.push_str(
        "<defs><marker id=\"mv-head\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" \
         orient=\"auto\"><path class=\"mv-tip\" d=\"M0 0 10 5 0 10z\"/></marker></defs>\n",
    );
    let _ = writeln!(out, "<rect class=\"mv-ground\" width=\"{width}\" height=\"{height}\"/>");
    let shown = escape(&page.fitting(title));
    let _ = writeln!(out, "<text class=\"mv-caption\" x=\"12\" y=\"26\">{shown}</text>");
    heads(&story.lanes, height, &mut out);
    out.push_str(&page.out);
    out.push_str("</svg>\n");
    out
}

/// The beginning of the story as text.
fn description(story: &Story) -> String {
    let name = |lane: &usize| story.lanes.get(*lane).map_or("", |lane| &lane.name);
    let told = story.entries.iter().take(MAX_TOLD).map(|entry| match entry {
        Entry::Heading(text) => text.clone(),
        Entry::Frame { text, times } => frame_text(text, *times),
        Entry::Arrow { from, to, kind, rule } => {
            format!("{} to {}: {}", name(from), name(to), arrow_text(*kind, from == to, *rule))
        }
        Entry::Withheld { lane, ways, rule } => {
            format!("{}: not to {ways}: {rule} {}", name(lane), rule.title())
        }
        Entry::Result { text, held } => result_text(text, *held),
        Entry::More { frames, hops } => more_text(*frames, *hops),
    });
    let mut lines: Vec<String> = told.collect();
    let more = story.entries.len().saturating_sub(MAX_TOLD);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.join(". ")
}

fn lane_x(lane: usize) -> i32 {
    EDGE + i32::try_from(lane).unwrap_or_default() * LANE
}

fn heads(lanes: &[Lane], height: i32, out: &mut String) {
    for (i, lane) in lanes.iter().enumerate() {
        let x = lane_x(i);
        let _ = write!(
            out,
            "<line class=\"mv-life\" x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{}\"/>\
             <rect class=\"mv-box\" x=\"{}\" y=\"{TITLE}\" width=\"150\" height=\"44\" rx=\"8\"/>",
            TITLE + HEAD - 32,
            height - 10,
            x - 75
        );
        let (name, kind) = (escape(&lane.name), escape(&lane.kind));
        let _ = writeln!(
            out,
            "<text class=\"mv-name\" x=\"{x}\" y=\"{}\">{name}</text><text class=\"mv-line\" x=\"{x}\" y=\"{}\">{kind}</text>",
            TITLE + 19,
            TITLE + 36
        );
    }
}

impl Page {
    fn entry(&mut self, entry: &Entry) {
        match entry {
            Entry::Heading(text) => self.band("mv-heading", text),
            Entry::Frame { text, times } => self.frame(&frame_text(text, *times)),
            Entry::More { frames, hops } => self.band("mv-more", &more_text(*frames, *hops)),
            Entry::Result { text, held } => {
                let class = match held {
                    Some(true) => "mv-held",
                    Some(false) => "mv-failed",
                    None => "mv-result",
                };
                self.band(class, &result_text(text, *held));
            }
            Entry::Withheld { lane, ways, rule } => {
                self.y += 28;
                let text = format!("✗ not to {ways}: {rule} {}", rule.title());
                self.text("mv-shut", lane_x(*lane), self.y, &text);
                self.y += 6;
            }
            Entry::Arrow { from, to, kind, rule } => {
                self.arrow(*from, *to, *kind, &arrow_text(*kind, from == to, *rule))
            }
        }
    }

    /// Across the whole width.
    fn band(&mut self, class: &str, text: &str) {
        let (y, width) = (self.y + 14, self.width - 24);
        let _ = writeln!(
            self.out,
            "<g class=\"mv-band {class}\"><rect x=\"12\" y=\"{y}\" width=\"{width}\" height=\"26\" rx=\"5\"/>\
             <text x=\"24\" y=\"{}\">{}</text></g>",
            y + 17,
            escape(&self.fitting(text))
        );
        self.y = y + 28;
    }

    fn frame(&mut self, text: &str) {
        self.y += 32;
        let text = escape(&self.fitting(text));
        let _ = writeln!(self.out, "<text class=\"mv-frame\" x=\"24\" y=\"{}\">{text}</text>", self.y);
        self.y += 6;
    }

    fn arrow(&mut self, from: usize, to: usize, kind: ArrowKind, text: &str) {
        let (x1, x2) = (lane_x(from), lane_x(to));
        let class = match kind {
            ArrowKind::Gets => "mv-gets",
            ArrowKind::Ignores => "mv-ignores",
            ArrowKind::Ends => "mv-ends",
        };
        self.y += 30;
        let y = self.y;
        let _ = write!(self.out, "<g class=\"mv-arrow {class}\">");
        if from != to {
            let _ = write!(self.out, "<path d=\"M{x1} {y}H{x2}\" marker-end=\"url(#mv-head)\"/>");
            self.text("mv-rule", (x1 + x2) / 2, y - 6, text);
        } else if kind == ArrowKind::Ends {
            let _ = write!(self.out, "<path d=\"M{} {}l12 12m0 -12l-12 12\"/>", x1 - 6, y - 6);
            self.text("mv-rule", x1, y - 10, text);
        } else {
            let _ = write!(self.out, "<path d=\"M{x1} {y}h26v12H{}\" marker-end=\"url(#mv-head)\"/>", x1 + 3);
            self.text("mv-rule", x1, y - 6, text);
            self.y += 12;
        }
        self.out.push_str("</g>\n");
    }

    /// Text centred at x, as far as the page allows.
    fn text(&mut self, class: &str, x: i32, y: i32, text: &str) {
        let half = i32::try_from(text.chars().count()).unwrap_or(i32::MAX / LETTER) * LETTER / 2;
        let x = x.min(self.width - half - 8).max(half + 8);
        let _ = writeln!(self.out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escape(text));
    }

    /// Truncates text to the width of a line.
    fn fitting(&self, text: &str) -> String {
        let most = usize::try_from((self.width - 48) / LETTER).unwrap_or_default();
        if text.chars().count() <= most {
            return text.to_owned();
        }
        text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
    }
}
