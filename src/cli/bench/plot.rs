//! Plots the figures as SVG, with a light and a dark style.

use super::Measured;
use super::subjects::{Group, WALK};
use std::io::{self, Write};

/// Size of one panel in pixels: plot area and margins.
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 56.0;
/// Width of a panel's legend, on its right.
const KEY: f64 = 290.0;
const BELOW: f64 = 64.0;

const STYLE: &str = "
svg { background: #fff; font: 13px system-ui, sans-serif; }
text { fill: #222; } .title { font-weight: 600; font-size: 15px; } .note { fill: #666; }
.grid { stroke: #e4e4e4; } .axis { stroke: #888; fill: none; }
.line { fill: none; stroke-width: 2; } .own { stroke-width: 3.5; }
.c0 { stroke: #999; } .c1 { stroke: #0072b2; } .c2 { stroke: #d55e00; } .c3 { stroke: #009e73; } .c4 { stroke: #cc79a7; }
.c5 { stroke: #b8860b; } circle.line { fill: #fff; }
@media (prefers-color-scheme: dark) {
  svg { background: #16181c; } text { fill: #e6e6e6; } .note { fill: #9a9a9a; }
  .grid { stroke: #2c3036; } .axis { stroke: #777; } circle.line { fill: #16181c; }
  .c1 { stroke: #56b4e9; } .c2 { stroke: #ff8c42; } .c3 { stroke: #2fd3a5; } .c5 { stroke: #e6c229; }
}";

/// A line: its name, and its points as size and nanoseconds.
type Line<'a> = (&'a str, Vec<(f64, f64)>);

/// One panel.
struct Panel<'a> {
    title: String,
    across: &'static str,
    lines: Vec<Line<'a>>,
}

/// Plots decisions by ports, for each hit rate, and switches by stations.
pub(super) fn draw(measured: &[Measured], out: &mut impl Write) -> io::Result<()> {
    let panels: Vec<Panel<'_>> = panels(measured).into_iter().filter(|p| !p.lines.is_empty()).collect();
    let (width, height) = (LEFT + WIDTH + KEY, TOP + HEIGHT + BELOW);
    let all = height * panels.len() as f64;
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {all}" width="{width}" height="{all}">"#
    )?;
    writeln!(out, "<style>{STYLE}\n</style>")?;
    for (n, panel) in panels.iter().enumerate() {
        writeln!(out, r#"<g transform="translate(0 {})">"#, height * n as f64)?;
        panel.draw(out)?;
        writeln!(out, "</g>")?;
    }
    writeln!(out, "</svg>")
}

fn panels(measured: &[Measured]) -> Vec<Panel<'_>> {
    let mut panels = Vec::new();
    // One mode represents all, as they hardly differ; all lines use the first frame size.
    let frames = measured.iter().find(|m| m.group == Group::Decide).map(|m| m.frames.clone());
    let mut hits: Vec<u8> =
        measured.iter().filter(|m| m.group == Group::Decide).map(|m| m.hits_percent).collect();
    hits.sort_unstable_by(|a, b| b.cmp(a));
    hits.dedup();
    for hits in hits {
        let of = |m: &&Measured| {
            let shown = !m.what.starts_with("macvlab") || m.what == "macvlab, vepa";
            m.group == Group::Decide && m.hits_percent == hits && Some(&m.frames) == frames.as_ref() && shown
        };
        panels.push(Panel {
            title: format!("A decision: header, verdict, counters; {hits} % of the destinations known"),
            across: "ports",
            lines: lines(measured.iter().filter(of)),
        });
    }
    panels.push(Panel {
        title: "Forwarding a frame through a switch".to_owned(),
        across: "stations known",
        lines: lines(measured.iter().filter(|m| m.group == Group::Switch)),
    });
    panels
}

fn lines<'a>(measured: impl Iterator<Item = &'a Measured>) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = Vec::new();
    for m in measured {
        let point = (f64::from(m.size), m.ns);
        match lines.iter_mut().find(|(what, _)| *what == m.what) {
            Some((_, points)) => points.push(point),
            None => lines.push((&m.what, vec![point])),
        }
    }
    lines
}

/// A logarithmic axis.
struct Axis {
    from: f64,
    to: f64,
    pixels: f64,
}

impl Axis {
    /// From one power of ten to another that encloses all values.
    fn around(values: impl Iterator<Item = f64> + Clone, pixels: f64) -> Axis {
        let from = values.clone().fold(f64::INFINITY, f64::min).max(1e-3).log10().floor();
        let to = values.fold(1e-3, f64::max).log10().ceil().max(from + 1.0);
        Axis { from, to, pixels }
    }

    fn at(&self, value: f64) -> f64 {
        (value.max(1e-3).log10() - self.from) / (self.to - self.from) * self.pixels
    }

    /// Tick values: the powers of ten, and 2 and 5 times these if there are few.
    fn marks(&self) -> impl Iterator<Item = f64> + '_ {
        let steps: &[f64] = if self.to - self.from > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let powers = self.from as i32..=self.to as i32;
        powers
            .flat_map(move |p| steps.iter().map(move |s| s * 10f64.powi(p)))
            .filter(|v| v.log10() <= self.to + 1e-9)
    }
}

impl Panel<'_> {
    fn draw(&self, out: &mut impl Write) -> io::Result<()> {
        let points = || self.lines.iter().flat_map(|(_, points)| points.iter());
        let x = Axis::around(points().map(|p| p.0), WIDTH);
        let y = Axis::around(points().map(|p| p.1), HEIGHT);
        let (bottom, right) = (TOP + HEIGHT, LEFT + WIDTH);
        writeln!(out, r#"<text class="title" x="{LEFT}" y="24">{}</text>"#, self.title)?;
        writeln!(
            out,
            r#"<text class="note" x="{LEFT}" y="44">nanoseconds, both axes logarithmic: lower is faster</text>"#
        )?;
        for value in y.marks() {
            let at = bottom - y.at(value);
            writeln!(out, r#"<path class="grid" d="M{LEFT} {at:.1}H{right}"/>"#)?;
            writeln!(
                out,
                r#"<text x="{}" y="{:.1}" text-anchor="end">{value}</text>"#,
                LEFT - 8.0,
                at + 4.0
            )?;
        }
        for value in x.marks() {
            let at = LEFT + x.at(value);
            writeln!(out, r#"<path class="grid" d="M{at:.1} {TOP}V{bottom}"/>"#)?;
            writeln!(out, r#"<text x="{at:.1}" y="{}" text-anchor="middle">{value}</text>"#, bottom + 18.0)?;
        }
        writeln!(out, r#"<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>"#)?;
        writeln!(
            out,
            r#"<text class="note" x="{}" y="{}" text-anchor="middle">{}</text>"#,
            LEFT + WIDTH / 2.0,
            bottom + 40.0,
            self.across
        )?;
        for (n, (what, points)) in self.lines.iter().enumerate() {
            let own = *what != WALK && (what.starts_with("macvlab") || what.starts_with("forward"));
            let class = format!("line c{}{}", n % 6, if own { " own" } else { "" });
            let place = |&(size, ns): &(f64, f64)| (LEFT + x.at(size), bottom - y.at(ns));
            let path: Vec<String> = points.iter().map(place).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            writeln!(out, r#"<polyline class="{class}" points="{}"/>"#, path.join(" "))?;
            for (x, y) in points.iter().map(place) {
                writeln!(out, r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="3"/>"#)?;
            }
            let (at, row) = (right + 20.0, TOP + 14.0 + 22.0 * n as f64);
            writeln!(out, r#"<path class="{class}" d="M{at} {row}h24"/>"#)?;
            writeln!(out, r#"<text x="{}" y="{}">{what}</text>"#, at + 32.0, row + 4.0)?;
        }
        Ok(())
    }
}
