//! The matrix on the running kernel, with a real ping for every cell.

use super::error::OracleError;
use super::many::many;
use super::oracle::Oracle;
use super::ping::Timeouts;
use crate::lab::spec::Name;
use crate::matrix::{Cell, Group, Reach, Setup};
use crate::stop::Stop;
use std::collections::BTreeMap;
use std::time::Duration;

/// Timeouts that suffice on a machine that is not overloaded.
const BRISK: Timeouts = Timeouts { ask_again: Duration::from_millis(60), reply: Duration::from_millis(250) };

/// The kernel's default interval between ARP requests, used to repeat a cell that did not agree.
const CALM: Timeouts = Timeouts { ask_again: Duration::from_secs(1), reply: Duration::from_secs(3) };

/// The kernel's result for one cell.
#[derive(Debug)]
pub struct CellChecked {
    /// The set-up in words: modes, wire, neighbours.
    pub setup: String,
    /// The sender.
    pub from: Name,
    /// The target.
    pub to: Name,
    /// macvlab's cell.
    pub ours: Cell,
    /// The result of the kernel's ping.
    pub kernel: Result<Reach, OracleError>,
    /// It agreed only when repeated with longer timeouts.
    pub repeated: bool,
}

impl CellChecked {
    /// Whether both results are equal.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.kernel.as_ref().is_ok_and(|reach| *reach == self.ours.reach)
    }
}

/// The totals for many cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MatrixTally {
    /// Cells run.
    pub cells: u64,
    /// Cells of labs that cannot be built on this kernel, by what they need.
    pub skipped: BTreeMap<String, u64>,
    /// Cells on which the two disagree.
    pub differ: u64,
    /// Cells that could not be run.
    pub troubled: u64,
    /// Cells that agreed only when repeated.
    pub repeated: u64,
}

/// Runs real pings in every cell of these groups, on `jobs` threads. `told` receives each result; once `stop` is set,
/// no further cell is started.
pub fn verify_matrix(
    groups: &[Group],
    jobs: usize,
    stop: &Stop,
    told: &mut dyn FnMut(&CellChecked),
) -> MatrixTally {
    let cells = cells(groups);
    let mut tally = MatrixTally::default();
    let check = |oracle: &mut Oracle, number: u64| {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        cells.get(index).map(|cell| Ok(cell.check(oracle)))
    };
    many((cells.len() as u64, jobs), stop, |e| Some(Err(e)), check, &mut |answer| {
        let Some(answer) = answer else { return };
        match answer {
            Err(_) => tally.troubled += 1,
            Ok(CellChecked { kernel: Err(OracleError::Unsupported(what)), .. }) => {
                *tally.skipped.entry(what).or_default() += 1;
                return;
            }
            Ok(checked) => {
                tally.repeated += u64::from(checked.repeated);
                tally.troubled += u64::from(checked.kernel.is_err());
                tally.differ += u64::from(checked.kernel.is_ok() && !checked.agrees());
                told(&checked);
            }
        }
        tally.cells += 1;
    });
    tally
}

/// The number of cells.
#[must_use]
pub fn cell_count(groups: &[Group]) -> usize {
    groups.iter().map(|group| group.columns.len() * group.pairs().len()).sum()
}

/// A cell to run.
struct Question<'a> {
    setup: &'a Setup,
    words: String,
    from: Name,
    to: Name,
}

fn cells(groups: &[Group]) -> Vec<Question<'_>> {
    let columns = groups.iter().flat_map(|group| group.columns.iter().map(move |column| (group, column)));
    let questions = columns.flat_map(|(group, (above, setup))| {
        let question = move |(from, to)| {
            let words = format!("{}, {above}", group.heading);
            Question { setup, words, from, to }
        };
        setup.pairs().into_iter().map(question)
    });
    questions.collect()
}

impl Question<'_> {
    fn check(&self, oracle: &mut Oracle) -> CellChecked {
        let ours = self.setup.explain(&self.from, &self.to).cell;
        let mut ping = |patience| oracle.ping(&self.setup.spec, &self.from, &self.to, patience);
        let first = ping(BRISK);
        let doubtful = first.as_ref().is_ok_and(|reach| *reach != ours.reach);
        let kernel = if doubtful { ping(CALM) } else { first };
        let (from, to, setup) = (self.from.clone(), self.to.clone(), self.words.clone());
        let mut checked = CellChecked { setup, from, to, ours, kernel, repeated: false };
        checked.repeated = doubtful && checked.agrees();
        checked
    }
}
