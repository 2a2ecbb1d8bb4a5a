//! Selects the hops that are written and shown.

use super::pipeline::{DeviceIndex, HopRef};
use crate::lab::spec::Name;
use crate::lab::{Device, HopKind};
use crate::verdict::Rule;
use std::str::FromStr;

/// What happened to a frame, as one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Arrive,
    Receive,
    Transmit,
    Drop,
}

impl Verdict {
    const ALL: [(&'static str, Verdict); 4] = [
        ("arrive", Verdict::Arrive),
        ("receive", Verdict::Receive),
        ("transmit", Verdict::Transmit),
        ("drop", Verdict::Drop),
    ];
}

/// The property of a hop that a term tests.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Quality {
    Device(Name),
    Rule(Rule),
    Verdict(Verdict),
}

/// One condition of a filter: `device=c1`, `rule!=R14`, `verdict=drop`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    quality: Quality,
    negated: bool,
}

/// The text is not a term.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadTerm {
    /// The syntax is wrong.
    #[error("a filter is device=NAME, rule=ID or verdict=WORD, or one of them with != instead of =")]
    Form,
    /// There is no such rule.
    #[error("there is no rule `{0}`; `macvlab rules` lists them")]
    Rule(String),
    /// There is no such verdict.
    #[error("there is no verdict `{0}`; use arrive, receive, transmit or drop")]
    Verdict(String),
}

impl FromStr for Term {
    type Err = BadTerm;

    fn from_str(text: &str) -> Result<Term, BadTerm> {
        let (key, value) = text.split_once('=').ok_or(BadTerm::Form)?;
        let (key, negated) = match key.strip_suffix('!') {
            Some(key) => (key, true),
            None => (key, false),
        };
        let quality = match key.trim() {
            "device" => Quality::Device(value.into()),
            "rule" => Quality::Rule(Rule::from_id(value).ok_or_else(|| BadTerm::Rule(value.to_owned()))?),
            "verdict" => {
                let verdict = Verdict::ALL.iter().find(|(word, _)| *word == value);
                Quality::Verdict(verdict.ok_or_else(|| BadTerm::Verdict(value.to_owned()))?.1)
            }
            _ => return Err(BadTerm::Form),
        };
        Ok(Term { quality, negated })
    }
}

/// A filter names a device that the lab does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the filter names the device `{name}`; the lab has {known}")]
pub struct UnknownFilterDevice {
    name: Name,
    known: String,
}

/// Accepts a hop that matches, for each property named in terms, one of the named values, and none of the excluded
/// ones.
#[derive(Clone, Debug)]
pub struct Filter {
    devices: Vec<bool>,
    /// By the rule's index in the catalogue.
    rules: Vec<bool>,
    /// Whether to accept a hop without a rule.
    without_rule: bool,
    verdicts: [bool; Verdict::ALL.len()],
}

impl Filter {
    /// Builds a filter for these devices.
    ///
    /// # Errors
    /// A term names a device that does not exist.
    pub fn new(terms: &[Term], devices: &[Device]) -> Result<Filter, UnknownFilterDevice> {
        for term in terms {
            if let Quality::Device(name) = &term.quality
                && !devices.iter().any(|device| device.name == *name)
            {
                let known: Vec<&str> = devices.iter().map(|device| device.name.as_str()).collect();
                return Err(UnknownFilterDevice { name: name.clone(), known: known.join(", ") });
            }
        }
        let rule = |rule| move |quality: &Quality| matches!(quality, Quality::Rule(r) if Some(*r) == rule);
        let is_rule = |quality: &Quality| matches!(quality, Quality::Rule(_));
        Ok(Filter {
            devices: devices
                .iter()
                .map(|device| {
                    let is_device = |quality: &Quality| matches!(quality, Quality::Device(_));
                    passes(terms, is_device, |q| matches!(q, Quality::Device(name) if *name == device.name))
                })
                .collect(),
            rules: Rule::ALL.iter().map(|r| passes(terms, is_rule, rule(Some(*r)))).collect(),
            without_rule: passes(terms, is_rule, rule(None)),
            verdicts: Verdict::ALL.map(|(_, verdict)| {
                let is_verdict = |quality: &Quality| matches!(quality, Quality::Verdict(_));
                passes(terms, is_verdict, |q| *q == Quality::Verdict(verdict))
            }),
        })
    }

    /// Whether the filter accepts a hop.
    #[inline]
    #[must_use]
    pub fn lets_through(&self, hop: &HopRef<'_>) -> bool {
        let (verdict, rule) = match hop.kind {
            HopKind::Arrive(_) => (Verdict::Arrive, None),
            HopKind::Receive(_, rule) => (Verdict::Receive, Some(rule)),
            HopKind::Transmit(rule) => (Verdict::Transmit, Some(rule)),
            HopKind::Drop(rule) => (Verdict::Drop, Some(rule)),
        };
        let DeviceIndex(device) = hop.device;
        self.devices.get(device as usize) == Some(&true)
            && self.verdicts.get(verdict as usize) == Some(&true)
            && rule.map_or(self.without_rule, |rule| self.rules.get(rule as usize) == Some(&true))
    }
}

/// Whether a value passes the terms of its kind: it matches one of the including terms, if there are any, and no
/// excluding one.
fn passes(terms: &[Term], of_kind: impl Fn(&Quality) -> bool, is_it: impl Fn(&Quality) -> bool) -> bool {
    let mut wanted = terms.iter().filter(|t| !t.negated && of_kind(&t.quality)).peekable();
    let excluded = terms.iter().any(|t| t.negated && is_it(&t.quality));
    !excluded && (wanted.peek().is_none() || wanted.any(|t| is_it(&t.quality)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::PacketType;
    use crate::time::Instant;

    fn device(name: &str) -> Device {
        Device::new(name, crate::lab::DeviceType::Nic)
    }

    /// Which of eight hops are accepted: c1 and c2 arrive, receive by R14, transmit by R32, drop by R14.
    fn through(terms: &[&str]) -> Vec<usize> {
        let terms: Vec<Term> = terms.iter().map(|t| t.parse().unwrap()).collect();
        let filter = Filter::new(&terms, &[device("c1"), device("c2")]).unwrap();
        let (time, frame, frame_id) = (Instant::ZERO, &[][..], 1);
        let kinds = [
            HopKind::Arrive(PacketType::Host),
            HopKind::Receive(PacketType::Host, Rule::UnicastToPort),
            HopKind::Transmit(Rule::ToWire),
            HopKind::Drop(Rule::UnicastToPort),
        ];
        let hops = (0..8).map(|n| {
            let (device, kind) = (DeviceIndex(n / 4), kinds[n as usize % 4]);
            HopRef { device, kind, time, frame, frame_id }
        });
        hops.enumerate().filter(|(_, hop)| filter.lets_through(hop)).map(|(n, _)| n).collect()
    }

    #[test]
    fn terms_of_one_kind_are_alternatives_and_kinds_come_together() {
        assert_eq!(through(&[]).len(), 8);
        assert_eq!(through(&["device=c1"]), [0, 1, 2, 3]);
        assert_eq!(through(&["device!=c1"]), [4, 5, 6, 7]);
        assert_eq!(through(&["rule=r14"]), [1, 3, 5, 7]);
        assert_eq!(through(&["rule!=R14"]), [0, 2, 4, 6]);
        assert_eq!(through(&["verdict=drop", "verdict=transmit"]), [2, 3, 6, 7]);
        assert_eq!(through(&["verdict=drop", "device=c2", "rule=R14"]), [7]);
        assert!(through(&["verdict=drop", "rule=R32"]).is_empty());
    }

    #[test]
    fn what_is_no_filter_is_said() {
        let said = |text: &str| text.parse::<Term>().unwrap_err().to_string();
        assert!(said("c1").starts_with("a filter is device=NAME"));
        assert!(said("port=c1").starts_with("a filter is device=NAME"));
        assert!(said("rule=R0").contains("no rule `R0`"));
        assert!(said("verdict=lost").contains("arrive, receive, transmit or drop"));
        let terms = ["device=c9".parse().unwrap()];
        let unknown = Filter::new(&terms, &[device("c1")]).unwrap_err();
        assert_eq!(unknown.to_string(), "the filter names the device `c9`; the lab has c1");
    }
}
