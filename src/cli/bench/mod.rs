//! `macvlab bench`: what is measured stands in `subjects.rs`, what it is compared with in `tables.rs`.

mod subjects;
mod tables;

use super::interrupt::Interrupt;
use super::terminal::{Out, Terminal};
use super::{Exit, Failure};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};
use subjects::Subject;

/// Rounds in which every subject has its turn; the median counts, so that a disturbance of some rounds does not.
const ROUNDS: u32 = 7;

/// Measure forwarding decisions a second on this machine.
///
/// Frames in memory are read and decided one by one, as a replay does, and for comparison the same frames are looked up
/// in tables that one would use otherwise. All are measured in turns, and medians are shown, but other work on the
/// machine still shows: trust proportions within one run.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab bench
  macvlab bench --ports 16,256,4096 --time 0.5
                                        longer, for other numbers of ports
  macvlab bench --json | jq -r '[.what, .ns] | @tsv'
                                        one object a line

Exit codes: 0, 2 on wrong usage, 130 after Ctrl-C.")]
pub(super) struct Args {
    /// Numbers of ports.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "64,1024",
          value_parser = clap::value_parser!(u32).range(1..=16_384))]
    ports: Vec<u32>,
    /// Seconds for each line and column.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.1, value_parser = seconds)]
    time: f64,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let possible = |s: &f64| (0.0..=3600.0).contains(s);
    text.parse().ok().filter(possible).ok_or_else(|| "seconds are a number from 0 to 3600".to_owned())
}

/// What was measured, as JSON.
#[derive(Serialize)]
struct Measured {
    group: &'static str,
    what: String,
    /// Ports, receivers of a flood, or stations that the switch knows.
    size: u32,
    frames: String,
    hits_percent: u8,
    /// Nanoseconds for one decision, or one copy of a flood: the median.
    ns: f64,
    per_second: f64,
}

/// Does it.
pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let interrupt = Interrupt::listen()?;
    let mut subjects = subjects::all(&args.ports)?;
    let Some(ns) = measure(&mut subjects, Duration::from_secs_f64(args.time), &interrupt) else {
        terminal.say("interrupted");
        return Ok(Exit::Interrupted);
    };
    let measured = subjects.into_iter().zip(ns).map(|(s, ns)| Measured {
        group: s.group,
        what: s.what,
        size: s.size,
        frames: s.frames,
        hits_percent: s.hits,
        ns,
        per_second: 1e9 / ns,
    });
    let measured: Vec<Measured> = measured.collect();
    let mut out = terminal.out();
    if args.json {
        for line in &measured {
            serde_json::to_writer(&mut out, line).map_err(|e| Failure::Because(e.to_string()))?;
            writeln!(out)?;
        }
    } else {
        show(&measured, &mut out)?;
    }
    out.flush()?;
    Ok(Exit::Held)
}

/// Nanoseconds a decision of each subject; `None` after Ctrl-C.
fn measure(subjects: &mut [Subject], time: Duration, interrupt: &Interrupt) -> Option<Vec<f64>> {
    let mut rounds = vec![Vec::new(); subjects.len()];
    for _ in 0..ROUNDS {
        for (subject, results) in subjects.iter_mut().zip(&mut rounds) {
            if interrupt.came() {
                return None;
            }
            results.push(turn(subject, time / ROUNDS));
        }
    }
    Some(rounds.into_iter().map(median).collect())
}

/// One turn: as many passes as fit, at least one; one more before them fills the caches.
#[allow(clippy::disallowed_methods, reason = "measuring is what a clock is for")]
fn turn(subject: &mut Subject, time: Duration) -> f64 {
    black_box((subject.pass)());
    let begin = Instant::now();
    let mut passes = 0;
    loop {
        // A clock is slow beside a short pass.
        for _ in 0..8 {
            black_box((subject.pass)());
        }
        passes += 8;
        let elapsed = begin.elapsed();
        if elapsed >= time {
            return elapsed.as_nanos().max(1) as f64 / f64::from(passes) / f64::from(subject.decisions);
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Tables for people: millions a second.
fn show(measured: &[Measured], out: &mut Out) -> Result<(), Failure> {
    let mut decide = table(&["million decisions a second", "ports", "frames", "100 % hits", "50 % hits"]);
    // Where half of the destinations are unknown is the same line of the table.
    for all in measured.iter().filter(|m| m.group == "decide" && m.hits_percent == 100) {
        let same = |m: &&Measured| {
            (&m.what, m.size, &m.frames, m.hits_percent) == (&all.what, all.size, &all.frames, 50)
        };
        let half = measured.iter().filter(|m| m.group == "decide").find(same);
        decide.add_row([
            all.what.clone(),
            all.size.to_string(),
            all.frames.clone(),
            millions(all),
            half.map(millions).unwrap_or_default(),
        ]);
    }
    writeln!(out, "{decide}")?;
    for (group, title, size) in
        [("flood", "million copies a second", "receivers"), ("switch", "million frames a second", "stations")]
    {
        let mut table = table(&[title, size, ""]);
        for m in measured.iter().filter(|m| m.group == group) {
            table.add_row([m.what.clone(), m.size.to_string(), millions(m)]);
        }
        writeln!(out, "\n{table}")?;
    }
    Ok(())
}

fn millions(measured: &Measured) -> String {
    format!("{:.1}", measured.per_second / 1e6)
}

/// Numbers stand on the right.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.to_vec());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
