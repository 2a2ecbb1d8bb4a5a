//! `macvlab verify --matrix`: the cells of the matrix, with real pings.

use super::super::interrupt::Interrupt;
use super::super::terminal::Terminal;
use super::super::{Exit, Failure};
use super::{First, Which, progress_bar};
use macvlab::kernel::{CellChecked, cell_count, verify_matrix};
use macvlab::matrix::Group;
use macvlab::plain::plain;
use std::io::Write as _;
use std::path::PathBuf;

/// The cells of these labs, or of the classic set-up; with learned, then with static neighbours.
pub(super) fn groups(labs: &[PathBuf], which: &Which, terminal: &Terminal) -> Result<Vec<Group>, Failure> {
    if labs.is_empty() {
        return Ok([which.classic(false)?, which.classic(true)?].concat());
    }
    let mut groups = Vec::new();
    for lab in labs {
        for known in [false, true] {
            let mut of_lab = which.lab(lab, known, terminal)?;
            for group in &mut of_lab {
                let heading = std::mem::take(&mut group.heading);
                let known = if known { ", static neighbours" } else { "" };
                group.heading =
                    format!("{}: {}", plain(lab.display()), heading.trim_end_matches(known)) + known;
            }
            groups.append(&mut of_lab);
        }
    }
    Ok(groups)
}

/// Runs every cell on the kernel.
pub(super) fn run(
    groups: &[Group],
    jobs: usize,
    interrupt: &Interrupt,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let all = cell_count(groups) as u64;
    let bar = progress_bar(all, "cells", terminal);
    let mut out = terminal.out();
    let (mut first, mut problem) = (First::default(), None);
    let tally = verify_matrix(groups, jobs, interrupt.stop(), &mut |checked| {
        bar.inc(1);
        if checked.agrees() || !first.tells() {
            return;
        }
        let line = in_words(checked);
        problem = bar.suspend(|| writeln!(out, "{line}")).err().or(problem.take());
        if terminal.closed() {
            interrupt.stop().ask();
        }
    });
    bar.finish_and_clear();
    if let Some(problem) = problem {
        return Err(problem.into());
    }
    let agreed = tally.cells - tally.differ - tally.troubled;
    let repeated = match tally.repeated {
        0 => String::new(),
        1 => "; 1 cell agreed only when repeated".to_owned(),
        n => format!("; {n} cells agreed only when repeated"),
    };
    let done = tally.cells + tally.skipped.values().sum::<u64>();
    if done < all && interrupt.came() {
        // A run that was interrupted does not count as agreement.
        let words = format!("{agreed} agree, {} do not, {} could not be run", tally.differ, tally.troubled);
        terminal.say(format_args!("interrupted after {done} of {all} cells: {words}{repeated}"));
        return Ok(Exit::Interrupted);
    }
    writeln!(out, "matrix: {agreed} of {} cells agree{repeated}", tally.cells)?;
    for (what, cells) in &tally.skipped {
        writeln!(out, "skipped: {cells} cells: {what}")?;
    }
    out.flush()?;
    Ok(match (tally.differ, tally.troubled) {
        (1.., _) => Exit::DidNotHold,
        (0, 1..) => Exit::BadInput,
        (0, 0) => Exit::Held,
    })
}

fn in_words(checked: &CellChecked) -> String {
    let CellChecked { setup, from, to, ours, kernel, .. } = checked;
    let rule = ours.rule.map(|rule| format!(" by {rule} {}", rule.title())).unwrap_or_default();
    let kernel = match kernel {
        Ok(reach) => reach.name().to_owned(),
        Err(e) => format!("could not be run: {e}"),
    };
    format!("{setup}: {from} pings {to}: here {}{rule}; the kernel: {kernel}", ours.reach.name())
}
