//! Findings as text.

use super::super::{Severity, Source};
use super::Finding;
use crate::plain::plain;
use anstyle::{AnsiColor, Style};
use std::io::{self, Write};

/// Writes findings for people, with ANSI colours or without. `inputs` are the names of the inputs, as typed.
///
/// # Errors
/// Writing fails.
pub fn text(
    findings: &[Finding],
    sources: &[Source<'_>],
    inputs: &str,
    colour: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let style = |severity: Severity| match (colour, severity) {
        (false, _) => Style::new(),
        (true, Severity::Error) => AnsiColor::Red.on_default().bold(),
        (true, Severity::Warning) => AnsiColor::Yellow.on_default().bold(),
        (true, Severity::Info) => AnsiColor::Blue.on_default().bold(),
    };
    for finding in findings {
        let style = style(finding.severity);
        let (word, id) = (finding.severity.name(), finding.check.id());
        writeln!(out, "{style}{word}{style:#}[{id}]: {}", plain(&finding.told))?;
        if let Some(place) = finding.place
            && let Some(source) = sources.get(place.source)
        {
            writeln!(out, "  --> {}", plain(source.position(place)))?;
        }
        if finding.others > 0 {
            writeln!(out, "  the same between others of {}: {} more pairs", names(finding), finding.others)?;
        }
        for rule in &finding.rules {
            writeln!(out, "  {:<5} {}. {}", rule.id(), rule.title(), rule.why())?;
        }
        if let Some((from, to)) = &finding.pair {
            writeln!(out, "  see it: macvlab why {} {} {}", plain(inputs), plain(from), plain(to))?;
        }
        for (number, help) in (1..).zip(&finding.remedies) {
            writeln!(out, "  help {number}: {}", plain(&help.reads))?;
            for line in &help.lines {
                writeln!(out, "      {}", plain(line))?;
            }
            if let Some((from, to)) = help.breaks.first() {
                let more = help.breaks.len() - 1;
                let rest = if more == 0 { String::new() } else { format!(", and {more} other pairs") };
                writeln!(out, "      but then {} does not reach {}{rest}", plain(from), plain(to))?;
            }
        }
        writeln!(out)?;
    }
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    writeln!(out, "errors {errors}, warnings {warnings}, notes {}", count(Severity::Info))
}

fn names(finding: &Finding) -> String {
    const SHOWN: usize = 6;
    let mut names: Vec<String> = finding.devices.iter().take(SHOWN).map(plain).collect();
    if finding.devices.len() > SHOWN {
        names.push("…".to_owned());
    }
    names.join(", ")
}
