//! Findings as a report to paste into an issue: the diagram, the verdicts, and the lab.

use super::super::{Imported, Source};
use super::Finding;
use std::fmt::Write as _;

/// The report.
#[must_use]
pub fn markdown(findings: &[Finding], imported: &Imported, sources: &[Source<'_>]) -> String {
    let mut out = String::from("## macvlab diagnose\n\n");
    if findings.is_empty() {
        out.push_str("Nothing was found.\n\n");
    }
    for finding in findings {
        // Writing into a string does not fail.
        let _ = writeln!(
            out,
            "- **{}** `{}`: {}",
            finding.severity.name(),
            finding.check.id(),
            text(&finding.told)
        );
        if let Some((source, place)) = finding.place.and_then(|p| Some((sources.get(p.source)?, p))) {
            let _ = writeln!(out, "  - at `{}`", source.position(place).to_string().replace('`', "'"));
        }
        for rule in &finding.rules {
            let _ = writeln!(out, "  - {}: {}. {}", rule.id(), rule.title(), rule.why());
        }
        for help in &finding.remedies {
            let _ = writeln!(out, "  - help: {}", text(&help.reads));
            let _ = writeln!(out, "    ```sh");
            help.lines.iter().for_each(|line| {
                let _ = writeln!(out, "    {}", line.replace("```", "'''"));
            });
            let _ = writeln!(out, "    ```");
        }
    }
    out.push_str("\n<details><summary>The network as a lab</summary>\n\n```toml\n");
    out.push_str(imported.lab_file().replace("```", "'''").trim_start());
    out.push_str("```\n\n</details>\n");
    out
}

/// Text that is no markup.
fn text(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if "\\`*_{}[]<>#|".contains(c) {
            out.push('\\');
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}
