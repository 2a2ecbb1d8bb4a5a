//! Every lab of `fixtures/labs` is run, and every expectation in it holds.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use macvlab::lab::{Event, HopKind, Lab, Options, Outcome};
use macvlab::labfile;
use macvlab::verdict::{Rule, RuleKind};
use std::collections::BTreeSet;
use std::path::PathBuf;

fn labs() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/labs");
    let mut labs: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    labs.sort();
    labs
}

/// Runs all labs and shows every event to `see`, with the name of its lab.
fn run_all(mut see: impl FnMut(&str, &Event)) {
    for path in labs() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let spec = labfile::load(&path).unwrap_or_else(|e| panic!("{e}"));
        Lab::new(&spec, Options::default()).run(&mut |event| see(&name, event));
    }
}

/// Rules that answer why a device that could have had a frame did not get it: no hop of its own tells of them.
const WHY_NOT: &[&str] = &["R1a", "R19a", "R19b", "R20a", "R21", "R22", "R23", "R31a", "R43", "R62", "R125d"];

/// Rules that no lab of a reasonable size leads to: a parent that serves a bridge, a thousand switch ports, a device that
/// goes down while a frame is on its cable; and V1, whose frames are told of by what arrives at the sub-interface.
const BEYOND_LABS: &[&str] = &["R81", "R133", "N3", "C1", "V1"];

#[test]
fn every_expectation_of_every_lab_holds() {
    let (mut held_count, mut broken) = (0, Vec::new());
    run_all(|name, event| match event {
        Event::Result { step, outcome, delivered, held: Some(false), .. } => {
            broken.push(format!("{name}, step {step}: {outcome:?}, delivered to {delivered:?}"));
        }
        Event::Setup { device, errno, expected: false, .. } => {
            broken.push(format!("{name}: {device} was refused with {errno}"));
        }
        Event::Result { held: Some(true), .. } => held_count += 1,
        _ => {}
    });
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(held_count > 600, "{held_count}");
}

#[test]
fn every_rule_that_decides_about_a_frame_is_shown_by_a_lab() {
    let mut shown = BTreeSet::new();
    run_all(|_, event| match event {
        Event::Hop(hop) => match hop.kind {
            HopKind::Receive(_, rule) | HopKind::Transmit(rule) | HopKind::Drop(rule) => {
                shown.insert(rule);
            }
            HopKind::Arrive(_) => {}
        },
        Event::Setup { rule, .. } | Event::Result { outcome: Outcome::Error(_, rule), .. } => {
            shown.insert(*rule);
        }
        _ => {}
    });
    let decides = |rule: &&Rule| {
        matches!(rule.kind(), RuleKind::Forwarding | RuleKind::Withholding | RuleKind::Refusal)
    };
    let hidden: BTreeSet<&str> =
        Rule::ALL.iter().filter(decides).filter(|r| !shown.contains(r)).map(|r| r.id()).collect();
    assert_eq!(hidden, WHY_NOT.iter().chain(BEYOND_LABS).copied().collect());
}
