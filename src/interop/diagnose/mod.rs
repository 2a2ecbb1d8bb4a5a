//! A linter of macvlan set-ups: what will not work, why, and what would help. Nothing is supposed: what a finding says was
//! seen in the lab, and its remedies were tried there.
//!
//! | file | finds, or writes |
//! | --- | --- |
//! | `declared.rs` | what the input says wrongly, and what the kernel refuses |
//! | `reach.rs` | who does not reach whom |
//! | `native.rs` | remedies in the language of the tool that made a device |
//! | `text.rs`, `json.rs`, `sarif.rs`, `markdown.rs` | the findings, for people, programs, code scanners, and issues |

mod declared;
mod json;
mod markdown;
mod native;
mod reach;
mod sarif;
#[cfg(test)]
mod tests;
mod text;
mod virtual_nic;

pub use json::objects;
pub use markdown::markdown;
pub use sarif::sarif;
pub use text::text;

use super::{Check, Imported, Place, Severity, Source};
use crate::lab::Options;
use crate::lab::spec::{LabSpec, Name};
use crate::language::Language;
use crate::verdict::Rule;
use serde::Serialize;

/// Maximum number of machines of which all pairs are asked; of more, only those that steps of the lab name.
pub const MAX_MACHINES: usize = 16;

/// Maximum number of remedies of one finding.
pub const MAX_REMEDIES: usize = 4;

/// Something that is wrong, or will surprise.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What kind.
    #[serde(serialize_with = "id_of", rename = "id")]
    pub check: Check,
    /// How bad it is.
    #[serde(serialize_with = "severity_of")]
    pub severity: Severity,
    /// What happens, in a sentence.
    pub told: String,
    /// The place in the input.
    #[serde(skip)]
    pub place: Option<Place>,
    /// The devices and hosts concerned.
    pub devices: Vec<Name>,
    /// The rules that decided it.
    #[serde(serialize_with = "rules_of")]
    pub rules: Vec<Rule>,
    /// The pair that shows it, for `macvlab why`.
    pub pair: Option<(Name, Name)>,
    /// How many other pairs have the same trouble.
    pub others: usize,
    /// What would help, the least intrusive first.
    pub remedies: Vec<Help>,
}

/// A change that was tried, or that the tool itself asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Help {
    /// One sentence.
    pub reads: String,
    /// The lines that make it, in the language of the input.
    pub lines: Vec<String>,
    /// The steps that make it in the running lab, each the text of a lab file; none: there are none for it.
    pub steps: Vec<String>,
    /// Pairs that reach each other no longer with it.
    pub breaks: Vec<(Name, Name)>,
}

impl Finding {
    /// The same with its sentences in another language.
    #[must_use]
    pub fn in_language(mut self, language: Language) -> Finding {
        language.put(&mut self.told);
        self.remedies.iter_mut().for_each(|remedy| language.put(&mut remedy.reads));
        self
    }
}

fn id_of<S: serde::Serializer>(check: &Check, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(check.id())
}

fn severity_of<S: serde::Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(severity.name())
}

fn rules_of<S: serde::Serializer>(rules: &[Rule], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rules.iter().map(|rule| rule.id()))
}

impl Finding {
    fn new(check: Check, told: impl Into<String>, place: Option<Place>) -> Finding {
        Finding {
            check,
            severity: check.severity(),
            told: told.into(),
            place,
            devices: Vec::new(),
            rules: Vec::new(),
            pair: None,
            others: 0,
            remedies: Vec::new(),
        }
    }
}

/// Everything that is found about a network, the worst first. Once [`Options::stop`] is asked, the list is not complete.
#[must_use]
pub fn diagnose(imported: &Imported, options: &Options) -> Vec<Finding> {
    let mut findings = declared::notes(imported);
    findings.extend(declared::warnings(imported));
    // What follows from two devices with one address has been told with them.
    let is_double = |finding: &&Finding| matches!(finding.check, Check::DuplicateIp | Check::DuplicateMac);
    let mut doubles: Vec<Name> =
        findings.iter().filter(is_double).flat_map(|finding| finding.devices.iter().cloned()).collect();
    let interfaces = imported.lab.interfaces().filter(|(device, ..)| doubles.contains(device));
    let hosts: Vec<Name> = interfaces.map(|(_, host, _)| host.clone()).collect();
    doubles.extend(hosts);
    findings.extend(reach::findings(imported, &doubles, options));
    findings.extend(virtual_nic::findings(imported, options));
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), finding.place, finding.check));
    findings
}

/// A lab file's own lab, as if it had been imported: its devices have their lines as places.
#[must_use]
pub fn of_lab(lab: LabSpec, source: &Source<'_>) -> Imported {
    let starts: Vec<usize> =
        std::iter::once(0).chain(source.text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let place = |line: usize| {
        let start = *starts.get(line.checked_sub(1)?)?;
        let end = starts.get(line).map_or(source.text.len(), |next| next - 1);
        Some(Place { source: 0, start, end })
    };
    let devices = lab.devices.iter().map(|device| (device.name.clone(), device.line));
    let hosts = lab.hosts.iter().map(|host| (host.name.clone(), host.line));
    let switches = lab.switches.iter().map(|switch| (switch.name.clone(), switch.line));
    let places = devices.chain(hosts).chain(switches);
    let places = places.filter_map(|(name, line)| Some((name, place(line)?))).collect();
    Imported { places, ..Imported::of(lab) }
}
