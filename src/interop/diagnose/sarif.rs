//! Findings for code scanners: SARIF 2.1.0 (OASIS standard, 2020).

use super::super::{Check, Severity, Source};
use super::Finding;
use serde_json::{Value, json};

/// The findings as one SARIF log.
#[must_use]
pub fn sarif(findings: &[Finding], sources: &[Source<'_>]) -> Value {
    let rules: Vec<Value> = Check::ALL
        .iter()
        .map(|check| {
            json!({
                "id": check.id(),
                "shortDescription": { "text": check.title() },
                "defaultConfiguration": { "level": level(check.severity()) },
            })
        })
        .collect();
    let results: Vec<Value> = findings.iter().map(|finding| result(finding, sources)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "macvlab",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn result(finding: &Finding, sources: &[Source<'_>]) -> Value {
    let mut text = finding.told.clone();
    for rule in &finding.rules {
        text.push_str(&format!(" {}: {}", rule.id(), rule.why()));
    }
    for help in &finding.remedies {
        text.push_str(&format!(" Help: {} {}", help.reads, help.lines.join("; ")));
    }
    // A result without a place is about the first input.
    let source = sources.get(finding.place.map_or(0, |place| place.source));
    let locations: Vec<Value> = source
        .map(|source| {
            let region = finding.place.map(|place| {
                let position = source.position(place);
                json!({ "startLine": position.line, "startColumn": position.column })
            });
            json!({ "physicalLocation": {
                "artifactLocation": { "uri": source.name },
                "region": region.unwrap_or_else(|| json!({ "startLine": 1 })),
            } })
        })
        .into_iter()
        .collect();
    json!({
        "ruleId": finding.check.id(),
        "level": level(finding.severity),
        "message": { "text": text },
        "locations": locations,
    })
}
