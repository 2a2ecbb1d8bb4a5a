//! `macvlab bench`: `paths.rs` has the measured code paths, `tables.rs` the tables they are compared with,
//! `subjects.rs` the combinations of both with frames. `show.rs` and `plot.rs` show the results, `kernel.rs` measures
//! the kernel.

#[cfg(all(feature = "kernel", target_os = "linux"))]
mod kernel;
#[cfg(not(all(feature = "kernel", target_os = "linux")))]
#[path = "no_kernel.rs"]
mod kernel;
mod paths;
mod plot;
mod show;
mod subjects;
mod tables;

use super::interrupt::Interrupt;
use super::terminal::{Output, Terminal, about_output};
use super::{Exit, Failure};
use macvlab::capture::FrameSize;
use serde::Serialize;
use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use subjects::{Group, Pass, Subject, Wanted};

/// Rounds, in each of which every subject runs once; the median counts, so that a disturbance of some rounds does not.
const ROUNDS: u32 = 7;
/// Default numbers of ports for a plot.
const PLOTTED: [u32; 6] = [4, 16, 64, 256, 1024, 4096];

/// Measure forwarding decisions per second on this machine.
///
/// Frames in memory are parsed, decided and counted, and the same is done with other tables for comparison. The
/// subjects take turns, and medians are shown, but other load on the machine still shows: trust ratios within one run.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab bench
  macvlab bench --ports 16,256,4096 --time 0.5
                                        longer, for other numbers of ports
  macvlab bench --threads 1,2,all       threads that share nothing
  macvlab bench --plot bench.svg        a plot of decisions by ports and of switches by stations
  macvlab bench --json | jq -r '[.what, .ns] | @tsv'
                                        one object per line
  sudo macvlab bench --kernel           the same frames through the running kernel's macvlan, too

Exit codes: 0, 2 on wrong usage or if the kernel cannot be measured, 130 after Ctrl-C.")]
pub(super) struct Args {
    /// Numbers of ports (default: 64,1024; with --plot 4 to 4096).
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=16_384))]
    ports: Vec<u32>,
    /// Frame sizes: bytes, or imix.
    #[arg(long, value_name = "SIZE,…", value_delimiter = ',', default_value = "64,imix")]
    size: Vec<FrameSize>,
    /// Percentage of frames to a port's MAC address.
    #[arg(long, value_name = "PERCENT,…", value_delimiter = ',', default_value = "100,50",
          value_parser = clap::value_parser!(u8).range(0..=100))]
    hits: Vec<u8>,
    /// Numbers of ports that receive a flood.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "8,64,1024",
          value_parser = clap::value_parser!(u32).range(1..=16_384))]
    receivers: Vec<u32>,
    /// Numbers of stations in a switch's forwarding database.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "64,65536,1000000",
          value_parser = clap::value_parser!(u32).range(2..=macvlab::switch::MAX_FDB as i64))]
    stations: Vec<u32>,
    /// Numbers of threads that decide in parallel; all: one for each processor.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,all", value_parser = threads)]
    threads: Vec<NonZeroUsize>,
    /// Duration of each measurement, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.1, value_parser = seconds)]
    time: f64,
    /// Send the same frames through the running kernel's macvlan as well. Needs root or user namespaces.
    #[arg(long)]
    kernel: bool,
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
    /// Plot the figures into this file; - is standard output.
    #[arg(long, value_name = "OUT.svg")]
    plot: Option<PathBuf>,
}

fn seconds(text: &str) -> Result<f64, String> {
    let possible = |s: &f64| (0.0..=3600.0).contains(s);
    text.parse().ok().filter(possible).ok_or_else(|| "seconds are a number from 0 to 3600".to_owned())
}

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    if text == "all" {
        return Ok(std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN));
    }
    text.parse()
        .ok()
        .filter(|n: &NonZeroUsize| n.get() <= 1024)
        .ok_or_else(|| "threads are a number from 1 to 1024, or `all`".to_owned())
}

/// What was measured, as JSON.
#[derive(Serialize)]
struct Measured {
    group: Group,
    what: String,
    /// Ports, receivers of a flood, or stations in the switch's forwarding database.
    size: u32,
    frames: String,
    hits_percent: u8,
    /// Nanoseconds per decision, or per copy of a flood: the median.
    ns: f64,
    per_second: f64,
    /// Ratio to the time for reading the headers alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    times_limit: Option<f64>,
    /// Memory of the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<usize>,
}

/// Runs the command.
pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let shown = args.plot.as_ref().is_some_and(|path| super::terminal::is_dash(path));
    if shown && args.json {
        return Err(Failure::Because(
            "the plot goes to standard output, so it cannot be combined with --json".to_owned(),
        ));
    }
    let plot = args.plot.as_ref().map(|path| Output::create(path, terminal)).transpose()?;
    let mut kernel = if args.kernel { Some(kernel::Race::prepare()?) } else { None };
    // A measurement that is not complete shows no figures.
    Interrupt::ends(|| "interrupted".to_owned())?;
    let ports = match (&args.ports[..], &plot) {
        ([], Some(_)) => &PLOTTED[..],
        ([], None) => &[64, 1024],
        (ports, _) => ports,
    };
    let mut threads: Vec<usize> = args.threads.iter().map(|n| n.get()).collect();
    threads.dedup();
    let wanted = Wanted {
        ports,
        sizes: &args.size,
        hits: &args.hits,
        receivers: &args.receivers,
        stations: &args.stations,
        threads: &threads,
    };
    let subjects = subjects::all(&wanted)?;
    let mut measured = measure(subjects, Duration::from_secs_f64(args.time))?;
    if let Some(kernel) = &mut kernel {
        for &ports in ports {
            measured
                .extend(kernel.measure(ports, args.size.first().copied().unwrap_or(FrameSize::Fixed(64)))?);
        }
    }
    if let (Some(mut plot), Some(path)) = (plot, &args.plot) {
        plot::draw(&measured, &mut plot).and_then(|()| plot.commit()).map_err(|e| about_output(path, e))?;
    }
    if !shown {
        let mut out = terminal.out();
        if args.json {
            for line in &measured {
                serde_json::to_writer(&mut out, line).map_err(|e| Failure::Because(e.to_string()))?;
                writeln!(out)?;
            }
        } else {
            show::tables(&measured, &mut out)?;
        }
        out.flush()?;
    }
    Ok(Exit::Held)
}

/// Measures all subjects in turns.
fn measure(mut subjects: Vec<Subject>, time: Duration) -> Result<Vec<Measured>, Failure> {
    let mut rounds = vec![Vec::new(); subjects.len()];
    for _ in 0..ROUNDS {
        for (subject, results) in subjects.iter_mut().zip(&mut rounds) {
            results.push(turn(subject, time / ROUNDS)?);
        }
    }
    let mut limit = None;
    let measured = subjects.into_iter().zip(rounds).map(|(s, results)| {
        let ns = median(results);
        // Each baseline comes before the subjects that are compared with it.
        if s.what == subjects::WALK {
            limit = Some(ns);
        }
        Measured {
            group: s.group,
            times_limit: limit.filter(|_| s.group == Group::Decide).map(|limit| ns / limit),
            what: s.what,
            size: s.size,
            frames: s.frames.to_string(),
            hits_percent: s.hits,
            ns,
            per_second: 1e9 / ns,
            memory_bytes: s.memory,
        }
    });
    Ok(measured.collect())
}

/// One turn of all threads: nanoseconds per decision, whichever thread makes it.
fn turn(subject: &mut Subject, time: Duration) -> Result<f64, Failure> {
    let decisions = f64::from(subject.decisions);
    if let [pass] = &mut subject.passes[..] {
        return Ok(passes(pass, time) / decisions);
    }
    // All threads are busy all the time, so their rates add up.
    let rate: io::Result<f64> = std::thread::scope(|scope| {
        let start = |pass| std::thread::Builder::new().spawn_scoped(scope, move || passes(pass, time));
        let threads = subject.passes.iter_mut().map(start).collect::<io::Result<Vec<_>>>()?;
        Ok(threads.into_iter().filter_map(|thread| thread.join().ok()).map(|ns| decisions / ns).sum())
    });
    Ok(1.0 / rate.map_err(|e| Failure::about("starting a thread", e))?)
}

/// Nanoseconds per pass, over as many passes as fit, at least one; an extra first pass fills the caches.
#[allow(clippy::disallowed_methods, reason = "measuring is what a clock is for")]
fn passes(pass: &mut Pass, time: Duration) -> f64 {
    pass();
    let begin = Instant::now();
    let mut passes = 0;
    // Reading the clock is slow compared with a short pass.
    let mut at_once = 1;
    loop {
        for _ in 0..at_once {
            pass();
        }
        passes += at_once;
        let elapsed = begin.elapsed();
        if elapsed >= time {
            return elapsed.as_nanos().max(1) as f64 / f64::from(passes);
        }
        at_once = 8;
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
