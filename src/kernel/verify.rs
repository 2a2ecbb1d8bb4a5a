//! Runs many labs in parallel.

use super::compare::{Allowed, Comparison, compare};
use super::error::OracleError;
use super::many::many;
use super::oracle::Oracle;
use super::prediction::Prediction;
use super::random::random_lab;
use super::shrink::shrink;
use super::tell::tell;
use crate::lab::LabSpec;
use crate::stop::Stop;
use crate::verdict::Rule;
use std::collections::{BTreeMap, BTreeSet};

/// How often a failing lab is run again to see whether it fails each time.
const AGAIN: usize = 2;

/// How often to repeat where chance may be involved.
const SECOND_LOOKS: usize = 2;

/// Runs a lab on both sides and compares.
///
/// # Errors
/// The oracle's errors; [`OracleError::Unsupported`] names what it cannot do.
pub fn verify_lab(oracle: &mut Oracle, lab: &LabSpec) -> Result<(Comparison, Prediction), OracleError> {
    let ours = Prediction::run(lab);
    let hints = ours.hints();
    let mut comparison = compare(lab, &oracle.run(lab, Some(&hints))?, &ours);
    for _ in 0..SECOND_LOOKS {
        if !comparison.doubtful() {
            break;
        }
        // The kernel uses a new hash salt for each port that it creates.
        let again = compare(lab, &oracle.run(lab, Some(&hints))?, &ours);
        if again.differences.is_empty() {
            comparison = again;
            comparison.allowed.repeated = 1;
        }
    }
    Ok((comparison, ours))
}

/// A random lab on which the kernel and macvlab disagree.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// The lab, minimized.
    pub lab: LabSpec,
    /// The differences, for users.
    pub told: String,
    /// It did not fail when repeated; then it is not minimized.
    pub flaky: bool,
}

/// A worker's report.
#[derive(Debug)]
pub enum Progress {
    /// A lab agreed, and these rules decided something in it.
    Agreed(Allowed, BTreeSet<Rule>),
    /// A lab did not agree.
    Failed(Box<Failure>),
    /// The oracle could not run a lab.
    OracleError(u64, OracleError),
}

/// The totals for many labs.
#[derive(Debug, Default)]
pub struct Tally {
    /// Labs run.
    pub labs: u64,
    /// Labs on which the two disagreed.
    pub failed: u64,
    /// Labs that could not be run.
    pub troubled: u64,
    /// Allowed differences.
    pub allowed: Allowed,
    /// For each rule, the number of agreeing labs in which it decided something.
    pub rules: BTreeMap<Rule, u64>,
}

/// Runs the random labs of seeds `first` to `first + count - 1` on `jobs` threads. `told` receives each result; once
/// `stop` is set, no further lab is started.
pub fn verify_random(
    first: u64,
    count: u64,
    jobs: usize,
    stop: &Stop,
    told: &mut dyn FnMut(&Progress),
) -> Tally {
    let mut tally = Tally::default();
    let trouble = |e| Progress::OracleError(first, e);
    let one = |oracle: &mut Oracle, number: u64| one(oracle, first.wrapping_add(number));
    many((count, jobs), stop, trouble, one, &mut |progress| {
        tally.labs += 1;
        match &progress {
            Progress::Agreed(allowed, rules) => {
                tally.allowed += *allowed;
                for rule in rules {
                    *tally.rules.entry(*rule).or_default() += 1;
                }
            }
            Progress::Failed(_) => tally.failed += 1,
            Progress::OracleError(..) => tally.troubled += 1,
        }
        told(&progress);
    });
    tally
}

fn one(oracle: &mut Oracle, seed: u64) -> Progress {
    let lab = random_lab(seed);
    let (comparison, ours) = match verify_lab(oracle, &lab) {
        Ok(done) => done,
        Err(e) => return Progress::OracleError(seed, e),
    };
    if comparison.differences.is_empty() {
        return Progress::Agreed(comparison.allowed, ours.rules());
    }
    let fails = |oracle: &mut Oracle, lab: &LabSpec| {
        verify_lab(oracle, lab).is_ok_and(|(c, _)| !c.differences.is_empty())
    };
    let flaky = !(0..AGAIN).all(|_| fails(oracle, &lab));
    let small = if flaky { lab.clone() } else { shrink(&lab, &mut |l| fails(oracle, l)) };
    let told = match verify_lab(oracle, &small) {
        Ok((c, ours)) if !c.differences.is_empty() => tell(&small, &ours, &c.differences),
        _ => tell(&lab, &ours, &comparison.differences),
    };
    Progress::Failed(Box::new(Failure { seed, lab: small, told, flaky }))
}
