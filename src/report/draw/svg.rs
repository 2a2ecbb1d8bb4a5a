//! A diagram as SVG. Alone it carries its style and is dark where the reader is; in a page the page's style applies.

use super::layout::{Layout, Node, Outline, Point, Socket, What, Wire, WireKind};
use super::scene::Scene;
use super::words;
use crate::lab::Device;
use crate::report::words::printable;
use std::fmt::Write as _;

/// The style of diagrams.
pub const STYLE: &str = include_str!("diagram.css");

/// Characters of a line in a node, by the size of its letters.
const NAME_CHARS: usize = 16;
const LINE_CHARS: usize = 23;

/// A document of its own.
#[must_use]
pub fn svg(scene: &Scene) -> String {
    let layout = Layout::of(scene);
    let mut out = String::new();
    let (w, h) = layout.size();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" \
         role=\"img\" aria-labelledby=\"mv-title mv-desc\" class=\"mv-diagram mv-alone\">\n<style>{STYLE}</style>\n"
    );
    let _ = writeln!(out, "<title id=\"mv-title\">{}</title>", escape(title(scene)));
    let _ = writeln!(out, "<desc id=\"mv-desc\">{}</desc>", escape(&description(scene)));
    let _ = writeln!(out, "<rect class=\"mv-ground\" width=\"{w}\" height=\"{h}\"/>");
    drawn(&layout, scene, &mut out);
    out.push_str("</svg>\n");
    out
}

/// To be put into a page that has [`STYLE`]; devices carry their names in `data-device`.
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
    let refused =
        scene.refused.iter().map(|r| format!("{} was refused: {} {}", printable(&r.name), r.errno, r.rule));
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
        text("mv-label", (x + 12, y + 15), &frame.label, 40, out);
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
        text("mv-label", (x + 8, y + 4), "nobody at the other end", 40, out);
    }
}

fn node(node: &Node<'_>, scene: &Scene, out: &mut String) {
    match node.what {
        What::Stack(device) => {
            begin("mv-stack", device, &format!("host stack of {}", printable(&device.name)), out);
            rect("mv-box", node.at, node.size, 8, out);
            let line = words::addresses(device);
            lines(node, "host stack", [line.unwrap_or_else(|| "no address".to_owned())], out);
        }
        What::Device(device) => {
            let class = device.mode.map_or(device.kind, |mode| mode.name());
            let down = words::down(device, scene);
            let class = format!("mv-{class}{}", if down.is_some() { " mv-down" } else { "" });
            begin(&class, device, &words::all(device, scene), out);
            rect("mv-box", node.at, node.size, 8, out);
            let state = down.unwrap_or_else(|| words::kind(device));
            let mac = device.mac.map(|m| m.to_string());
            lines(
                node,
                &device.name,
                [Some(state), words::addresses(device), mac].into_iter().flatten(),
                out,
            );
        }
        What::Bar(device) => {
            let down = words::down(device, scene);
            let class = format!("mv-bar{}", if down.is_some() { " mv-down" } else { "" });
            begin(&class, device, &words::all(device, scene), out);
            rect("mv-box", node.at, node.size, 6, out);
            let what = if device.kind == "switch" {
                "the switch's own device".to_owned()
            } else {
                words::kind(device)
            };
            let state = down.map(|d| format!(", {d}")).unwrap_or_default();
            let mac = device.mac.map(|m| m.to_string()).unwrap_or_default();
            lines(node, &format!("{} · {what}{state}", device.name), [mac], out);
        }
        What::Switch(device) => {
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
        What::Refused(refused) => {
            let told = format!(
                "{} was refused: {} {}: {}",
                refused.name,
                refused.errno,
                refused.rule,
                refused.rule.why()
            );
            let _ = writeln!(out, "<g class=\"mv-refused\"><title>{}</title>", escape(&told));
            rect("mv-box", node.at, node.size, 8, out);
            let why = format!("{} {}", refused.errno, refused.rule);
            lines(node, &format!("✗ {}", refused.name), ["refused".to_owned(), why], out);
        }
        What::More(count) => {
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

/// A name and lines below it, in the middle of a node.
fn lines(node: &Node<'_>, name: &str, rest: impl IntoIterator<Item = String>, out: &mut String) {
    let rest: Vec<String> = rest.into_iter().filter(|line| !line.is_empty()).collect();
    let x = node.at.0 + node.size.0 / 2;
    let step = 16;
    let mut y = node.at.1 + (node.size.1 - step * rest.len() as i32) / 2 + 5;
    // A bar is as wide as what sits on it.
    let wide = node.size.0 as usize / 8;
    text("mv-name", (x, y), name, NAME_CHARS.max(wide), out);
    for line in &rest {
        y += step;
        let class = if line.matches(':').count() >= 5 { "mv-line mv-mac" } else { "mv-line" };
        text(class, (x, y), line, LINE_CHARS.max(wide), out);
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
    text("mv-line", (x, at), &format!("port {name}"), LINE_CHARS, out);
    for note in words::socket(port.device, port.upper).iter().take(2) {
        at += step;
        text("mv-line mv-note", (x, at), note, LINE_CHARS, out);
    }
    if hairpin {
        // An arrow that turns back.
        let (x, low, high) =
            (x + 14, y + if port.upper { 3 } else { -17 }, y + if port.upper { 17 } else { -3 });
        let (from, to) = if port.upper { (low, high) } else { (high, low) };
        let _ = write!(
            out,
            "<path class=\"mv-turn\" d=\"M{x},{from} V{mid} a5,5 0 0 {sweep} 10,0 V{from} m-4,{head} l4,{back} l4,{head}\"/>",
            mid = (from + to) / 2,
            sweep = u8::from(!port.upper),
            head = if port.upper { 4 } else { -4 },
            back = if port.upper { -4 } else { 4 },
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

/// Text of at most so many characters.
fn text(class: &str, (x, y): Point, words: &str, most: usize, out: &mut String) {
    let mut short: String = words.chars().take(most).collect();
    if words.chars().count() > most {
        short.pop();
        short.push('…');
    }
    let _ = write!(out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escape(&short));
}

/// Text for XML and HTML, between tags or in double quotes. What XML cannot hold at all is replaced.
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
