//! A diagram as SVG. A standalone file includes the style and follows the reader's colour scheme; in a page the page's
//! style applies.

use super::layout::{Layout, Node, NodeKind, Outline, Point, Socket, Wire, WireKind};
use super::scene::Scene;
use super::words;
use crate::lab::{Device, DeviceType};
use crate::report::words::printable;
use std::fmt::Write as _;

/// The style of diagrams, for light pages.
pub const STYLE: &str = include_str!("diagram.css");

/// Overrides for dark pages.
pub const DARK_STYLE: &str = include_str!("dark.css");

/// Maximum characters of a line in a node, by font size.
const NAME_CHARS: usize = 16;
const LINE_CHARS: usize = 23;

/// A standalone document.
#[must_use]
pub fn svg(scene: &Scene) -> String {
    let layout = Layout::of(scene);
    let mut out = String::new();
    let (w, h) = layout.size();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" \
         role=\"img\" aria-labelledby=\"mv-title mv-desc\" class=\"mv-diagram\">\n<style>{STYLE}@media (prefers-color-scheme: dark) {{\n{DARK_STYLE}}}</style>\n"
    );
    let _ = writeln!(out, "<title id=\"mv-title\">{}</title>", escape(title(scene)));
    let _ = writeln!(out, "<desc id=\"mv-desc\">{}</desc>", escape(&description(scene)));
    let _ = writeln!(out, "<rect class=\"mv-ground\" width=\"{w}\" height=\"{h}\"/>");
    drawn(&layout, scene, &mut out);
    out.push_str("</svg>\n");
    out
}

/// For embedding into a page that has [`STYLE`]; devices have their names in `data-device`.
#[must_use]
pub fn embedded_svg(scene: &Scene, layout: &Layout<'_>) -> String {
    let mut out = String::new();
    let (w, h) = layout.size();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" \
         class=\"mv-diagram\">"
    );
    drawn(layout, scene, &mut out);
    out.push_str("</svg>");
    out
}

fn title(scene: &Scene) -> &str {
    if scene.title.is_empty() { "A lab" } else { &scene.title }
}

/// All devices in words.
fn description(scene: &Scene) -> String {
    let refused = scene.refused.iter().map(super::scene::Refused::in_words);
    let lines: Vec<String> = scene.devices.iter().map(|d| words::all(d, scene)).chain(refused).collect();
    lines.join(". ")
}

fn drawn(layout: &Layout<'_>, scene: &Scene, out: &mut String) {
    layout.frames.iter().for_each(|frame| outline(frame, out));
    layout.wires.iter().for_each(|line| wire(line, out));
    layout.nodes.iter().for_each(|thing| node(thing, scene, out));
    layout.sockets.iter().for_each(|port| socket(port, scene, out));
}

fn outline(frame: &Outline, out: &mut String) {
    let (x, y) = frame.at;
    rect("mv-host", frame.at, frame.size, 12, out);
    if !frame.label.is_empty() {
        text("mv-label", (x + 12, y + 16), &frame.label, 40, out);
    }
}

fn wire(line: &Wire, out: &mut String) {
    let class = match line.kind {
        WireKind::Cable => "mv-cable",
        WireKind::Idle => "mv-cable mv-idle",
        WireKind::Inside => "mv-inside",
    };
    let points: Vec<String> = line.points.iter().map(|(x, y)| format!("{x},{y}")).collect();
    let _ = writeln!(out, "<polyline class=\"{class}\" points=\"{}\"/>", points.join(" "));
    if let (WireKind::Idle, Some((x, y))) = (line.kind, line.points.last()) {
        text("mv-line", (*x, y + 14), "no peer", 40, out);
    }
}

fn node(node: &Node<'_>, scene: &Scene, out: &mut String) {
    match node.what {
        NodeKind::Stack(device) => {
            begin("mv-stack", device, &format!("host stack of {}", printable(&device.name)), out);
            rect("mv-box", node.at, node.size, 8, out);
            let line = words::addresses(device);
            lines(node, "host stack", [line.unwrap_or_else(|| "no address".to_owned())], out);
        }
        NodeKind::Device(device) => {
            let class = device.mode.map_or(device.kind.name(), |mode| mode.name());
            let down = words::down(device, scene);
            let class = format!("mv-{class}{}", if down.is_some() { " mv-down" } else { "" });
            begin(&class, device, &words::all(device, scene), out);
            rect("mv-box", node.at, node.size, 8, out);
            let mac = device.mac.map(|m| m.to_string());
            lines(
                node,
                &device.name,
                [Some(words::kind(device)), down.or_else(|| words::addresses(device)), mac]
                    .into_iter()
                    .flatten(),
                out,
            );
        }
        NodeKind::Bar(device) => {
            let down = words::down(device, scene);
            let class = format!("mv-bar{}", if down.is_some() { " mv-down" } else { "" });
            begin(&class, device, &words::all(device, scene), out);
            rect("mv-box", node.at, node.size, 6, out);
            let what = if device.kind == DeviceType::Switch {
                "the switch's own device".to_owned()
            } else {
                words::kind(device)
            };
            let state = down.map(|d| format!(", {d}")).unwrap_or_default();
            let mac = device.mac.map(|m| m.to_string()).unwrap_or_default();
            lines(node, &format!("{} · {what}{state}", device.name), [mac], out);
        }
        NodeKind::Switch(device) => {
            begin("mv-switch", device, &format!("{}: switch", printable(&device.name)), out);
            rect("mv-box", node.at, node.size, 10, out);
            let (x, y) = node.at;
            text(
                "mv-name mv-left",
                (x + 14, y + node.size.1 / 2 + 5),
                &format!("{} · switch", device.name),
                30,
                out,
            );
        }
        NodeKind::Refused(refused) => {
            let _ = write!(out, "<g class=\"mv-refused\"><title>{}</title>", escape(&refused.in_words()));
            rect("mv-box", node.at, node.size, 8, out);
            let why = format!("{} {}", refused.refusal.errno, refused.refusal.rule);
            lines(node, &format!("✗ {}", refused.name), ["refused".to_owned(), why], out);
        }
        NodeKind::More(count) => {
            out.push_str("<g class=\"mv-more\">");
            rect("mv-box", node.at, node.size, 8, out);
            lines(node, &format!("and {count} more"), [], out);
        }
    }
    out.push_str("</g>\n");
}

fn begin(class: &str, device: &Device, told: &str, out: &mut String) {
    let name = escape(&device.name);
    let _ =
        write!(out, "<g class=\"mv-device {class}\" data-device=\"{name}\"><title>{}</title>", escape(told));
}

/// A name and lines below it.
fn lines(node: &Node<'_>, name: &str, rest: impl IntoIterator<Item = String>, out: &mut String) {
    let rest: Vec<String> = rest.into_iter().filter(|line| !line.is_empty()).collect();
    // Frames run through the middle of a bar.
    let bar = matches!(node.what, NodeKind::Bar(_));
    let (x, left) = if bar { (node.at.0 + 14, " mv-left") } else { (node.at.0 + node.size.0 / 2, "") };
    let step = 16;
    let mut y = node.at.1 + (node.size.1 - step * rest.len() as i32) / 2 + 5;
    // A bar is as wide as the devices on it.
    let wide = node.size.0 as usize / 8;
    text(&format!("mv-name{left}"), (x, y), name, NAME_CHARS.max(wide), out);
    for line in &rest {
        y += step;
        let class = if line.matches(':').count() >= 5 { "mv-line mv-mac" } else { "mv-line" };
        text(&format!("{class}{left}"), (x, y), line, LINE_CHARS.max(wide), out);
    }
}

fn socket(port: &Socket<'_>, scene: &Scene, out: &mut String) {
    let (x, y) = port.at;
    let hairpin = port.device.port.is_some_and(|p| p.flags.hairpin);
    let class = if hairpin { "mv-socket mv-hairpin" } else { "mv-socket" };
    begin(class, port.device, &words::all(port.device, scene), out);
    rect("mv-box", (x - 9, y - 7), (18, 14), 3, out);
    let name = port.device.peer.as_deref().unwrap_or(&port.device.name);
    let mut at = if port.upper { y + 22 } else { y - 14 };
    let step = if port.upper { 15 } else { -15 };
    text("mv-line mv-left", (x + 13, at), &format!("port {name}"), LINE_CHARS, out);
    for note in words::socket(port.device, port.upper).iter().take(2) {
        at += step;
        text("mv-line mv-left mv-note", (x + 13, at), note, LINE_CHARS, out);
    }
    if hairpin {
        // Beside the cable: an arrow that arrives and turns back.
        let (out_at, turn, tip) = if port.upper { (y - 34, y - 12, 6) } else { (y + 34, y + 12, -6) };
        let (x, sweep) = (x + 16, u8::from(!port.upper));
        let _ = write!(
            out,
            "<path class=\"mv-turn\" d=\"M{x},{out_at} V{turn} a7,7 0 0 {sweep} 14,0 V{out_at} m-5,{tip} l5,{} l5,{tip}\"/>",
            -tip
        );
    }
    out.push_str("</g>\n");
}

fn rect(class: &str, (x, y): Point, (w, h): Point, radius: i32, out: &mut String) {
    let _ = write!(
        out,
        "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"{radius}\"/>"
    );
}

/// Text of at most this many characters.
fn text(class: &str, (x, y): Point, words: &str, most: usize, out: &mut String) {
    let mut short: String = words.chars().take(most).collect();
    if words.chars().count() > most {
        short.pop();
        short.push('…');
    }
    let _ = write!(out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escape(&short));
}

/// Escapes text for XML and HTML, between tags or in double quotes. Replaces characters that XML cannot contain.
pub(in crate::report) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}
