//! A folder of captures: each through a separate lab, several in parallel.

use super::job::ReplayJob;
use super::one::{device_files, drive, open, prepared};
use super::progress::Progress;
use crate::cli::interrupt::Interrupt;
use crate::cli::terminal::{Terminal, is_dash, say};
use crate::cli::views::Shown;
use crate::cli::{Exit, Failure};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use crossbeam_channel::unbounded;
use macvlab::plain::plain;
use macvlab::replay::{Destination, Done, OutputSpec, Pipeline, Replay};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::num::NonZero;
use std::path::{Path, PathBuf};

/// Extensions of captures, and those of compressed files after them.
const ENDINGS: [&str; 3] = [".pcap", ".pcapng", ".cap"];
const COMPRESSED: [&str; 3] = [".gz", ".zst", ".zstd"];

/// One capture and its output paths.
struct Job {
    capture: PathBuf,
    name: String,
    folder: Option<PathBuf>,
    annotated: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(plan: &ReplayJob, folder: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    if !plan.is_summarised() && plan.shown != Shown::Nothing {
        let why = "--json and --explain show a single replay, and a folder of captures gives several";
        return Err(Failure::Because(why.to_owned()));
    }
    if plan.output.as_deref().is_some_and(is_dash) {
        let why = "a folder of captures gives several outputs, so -o names a folder, not standard output";
        return Err(Failure::Because(why.to_owned()));
    }
    let jobs = jobs(plan, folder)?;
    // Errors in the plan are found once, before anything is written.
    let engine = Pipeline::new(&plan.spec, None);
    plan.aim(&engine)?;
    distinct(plan, &jobs, &engine)?;
    let refused = engine.refused().iter().any(|device| !device.expected);
    for folder in plan.out_dir.iter().chain(&plan.output) {
        std::fs::create_dir_all(folder).map_err(|e| Failure::about(folder.display(), e))?;
    }
    let interrupt = Interrupt::listen()?;
    let results = all(plan, &jobs, &interrupt);
    let bad = results
        .iter()
        .any(|(_, result)| result.as_ref().map_or(true, |done| done.fed.bad > 0 || done.written.is_err()));
    for (name, result) in &results {
        match result {
            Err(failure) => terminal.fail(failure),
            Ok(Done { written: Err(e), .. }) => terminal.fail(&Failure::about(name, e)),
            Ok(_) => {}
        }
    }
    if plan.is_summarised() {
        let mut out = terminal.out();
        write!(out, "{}", table(&results))?;
        out.flush()?;
    }
    let exit = match (bad, refused) {
        (true, _) => Exit::BadInput,
        (false, true) => Exit::DidNotHold,
        (false, false) => Exit::Held,
    };
    Ok(interrupt.exit(terminal).unwrap_or(exit))
}

/// Checks that no two files are the same. Outputs have distinct names; they can coincide with inputs only where a file
/// already exists.
fn distinct(plan: &ReplayJob, jobs: &[Job], engine: &Pipeline<'_>) -> Result<(), Failure> {
    let captures: Vec<_> = jobs.iter().map(|job| job.capture.clone()).collect();
    let mut files = plan.inputs(&captures);
    for job in jobs {
        job.annotated.iter().try_for_each(|path| files.write("-o:", path))?;
        if let Some(folder) = job.folder.as_deref().filter(|folder| folder.exists()) {
            device_files(folder, engine).try_for_each(|path| files.write("--out-dir:", &path))?;
        }
    }
    Ok(())
}

/// The captures of a folder, by name.
fn jobs(plan: &ReplayJob, folder: &Path) -> Result<Vec<Job>, Failure> {
    let about = |e: std::io::Error| Failure::about(folder.display(), e);
    let mut by_stem = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(about)? {
        let path = entry.map_err(about)?.path();
        let Some(stem) = path.file_name().and_then(|name| stem(name.to_str()?)) else { continue };
        if !path.is_file() {
            continue;
        }
        if let Some(other) = by_stem.insert(stem.clone(), path.clone()) {
            let why = format!("{} and {} would have the same output names", other.display(), path.display());
            return Err(Failure::Because(why));
        }
    }
    if by_stem.is_empty() {
        let why = format!("no capture in this folder: no file ends in {}", ENDINGS.join(", "));
        return Err(Failure::about(folder.display(), why));
    }
    let job = |(name, capture): (String, PathBuf)| Job {
        capture,
        folder: plan.out_dir.as_ref().map(|folder| folder.join(&name)),
        annotated: plan.output.as_ref().map(|folder| folder.join(format!("{name}.pcapng"))),
        name,
    };
    Ok(by_stem.into_iter().map(job).collect())
}

/// A capture's name without its extensions; `None`: it is not a capture.
fn stem(name: &str) -> Option<String> {
    let plain = COMPRESSED.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
    let stem = ENDINGS.iter().find_map(|ending| plain.strip_suffix(ending))?;
    (!stem.is_empty() && !stem.starts_with('.')).then(|| stem.to_owned())
}

/// Runs all jobs, this many in parallel; results are in the order of the jobs.
fn all<'j>(
    plan: &ReplayJob,
    jobs: &'j [Job],
    interrupt: &Interrupt,
) -> Vec<(&'j str, Result<Done, Failure>)> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let workers = plan.jobs.map_or(cores, usize::from).min(jobs.len());
    let (give, take) = unbounded();
    for job in jobs.iter().enumerate() {
        // The receiver exists as long as this function runs.
        let _ = give.send(job);
    }
    drop(give);
    let (answer, answers) = unbounded();
    let work = || {
        for (number, job) in take.iter() {
            if interrupt.came() {
                break;
            }
            let _ = answer.send((number, one(plan, job, workers, interrupt)));
        }
    };
    std::thread::scope(|scope| {
        // This thread works as well: if no other can be started, it does all the work.
        for _ in 1..workers {
            if std::thread::Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
    drop(answer);
    let mut results: Vec<_> = answers.iter().collect();
    results.sort_by_key(|(number, _)| *number);
    let name = |number: usize| jobs.get(number).map_or("", |job| job.name.as_str());
    results.into_iter().map(|(number, result)| (name(number), result)).collect()
}

/// Replays one capture through a separate lab.
fn one(plan: &ReplayJob, job: &Job, workers: usize, interrupt: &Interrupt) -> Result<Done, Failure> {
    let (mut captures, readers) = open(std::slice::from_ref(&job.capture))?;
    let engine = Pipeline::new(&plan.spec, None);
    let aim = plan.aim(&engine)?;
    let outputs = OutputSpec {
        folder: job.folder.clone(),
        annotated: job.annotated.clone().map(Destination::File),
        memory: OutputSpec::DEFAULT_MEMORY / workers,
    };
    let mut replay = prepared(plan, engine, aim, readers, outputs)?;
    let enough = |replay: &Replay<'_>| interrupt.came() || replay.is_over();
    let unreadable = drive(&mut replay, plan, &mut captures, &mut Progress::hidden(), enough);
    let done = replay.finish();
    captures.iter().filter_map(|capture| capture.tell_rest()).for_each(say);
    unreadable.map(|()| done)
}

/// One row for each capture.
fn table(results: &[(&str, Result<Done, Failure>)]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["capture", "frames", "left out", "bad", "received", "transmitted", "dropped"]);
    for (name, result) in results {
        let Ok(Done { fed, tally, .. }) = result else { continue };
        let numbers =
            [fed.frames, fed.left_out, fed.bad, tally.received(), tally.transmitted(), tally.dropped()];
        table.add_row(std::iter::once(plain(name)).chain(numbers.map(|n| n.to_string())));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.lines().map(|line| format!("{}\n", line.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn names_of_captures() {
        let names = ["a.pcap", "b.pcapng.gz", "c.cap.zst", "notes.txt", "d.gz", ".hidden.pcap", ".pcap"];
        let stems = ["a", "b", "c"].map(|s| Some(s.to_owned()));
        assert_eq!(names.map(stem)[..3], stems);
        assert_eq!(names.map(stem)[3..], [None, None, None, None]);
    }
}
