//! `macvlab run LAB`

use super::distinct::Distinct;
use super::input::{self, Capture};
use super::interrupt::{self, Interrupt};
use super::terminal::{Terminal, is_dash};
use super::views::{Files, Shown, Views};
use super::{Exit, Failure};
use macvlab::capture::hold;
use macvlab::lab::spec::Action;
use macvlab::lab::{Captures, Lab, LabSpec, Options, Summary};
use macvlab::limits::{Budget, STEP_CAPTURE_BYTES};
use macvlab::report::Detail;
use std::io::Write as _;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

/// Run a lab's steps and compare the outcome of each with the lab's expectation.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab run lab.toml                  one line for each step
  macvlab run lab.toml --explain        every hop, and the rule that decided it
  macvlab run lab.toml --json           the events, one object per line
  macvlab run lab.toml --pcap out.pcapng
                                        every hop as a packet, its rule as a comment
  macvlab run lab.toml --html out.html  a page that animates every frame

Exit codes: 0 every expectation held, 1 one did not, 2 wrong usage or input, 130 after Ctrl-C.")]
pub(super) struct Args {
    /// The lab file; - is standard input, demo:NAME a built-in lab.
    lab: PathBuf,
    /// Write the events to standard output, one JSON object per line.
    #[arg(long, conflicts_with_all = ["explain", "quiet"])]
    json: bool,
    /// Show every hop of every frame, and the rules that decided.
    #[arg(long, conflicts_with = "quiet")]
    explain: bool,
    /// Print nothing; the exit code shows the result.
    #[arg(long, short)]
    quiet: bool,
    /// Write every hop as a packet with its rule as a comment; - is standard output.
    #[arg(long, value_name = "OUT.pcapng")]
    pcap: Option<PathBuf>,
    /// Write a page that animates every frame and shows every verdict: one file, for any browser; - is standard output.
    #[arg(long, value_name = "OUT.html")]
    html: Option<PathBuf>,
}

/// The checked arguments.
struct RunJob {
    spec: LabSpec,
    lab: PathBuf,
    /// Captures of `replay` steps are relative to this folder.
    folder: PathBuf,
    shown: Shown,
    files: Files,
}

impl RunJob {
    fn of(args: Args, terminal: &Terminal) -> Result<RunJob, Failure> {
        let files = Files { capture: args.pcap, page: args.html };
        let shown = Shown::of(args.json, args.explain, args.quiet, &files)?;
        let spec = input::lab_to_run(&args.lab, args.quiet, terminal)?;
        let folder = match args.lab.parent() {
            Some(folder) if !is_dash(&args.lab) => folder.to_path_buf(),
            _ => PathBuf::new(),
        };
        Ok(RunJob { spec, lab: args.lab, folder, shown, files })
    }

    /// Checks that no two files are the same.
    fn distinct(&self) -> Result<(), Failure> {
        let mut files = inputs(&self.lab, &self.spec, &self.folder);
        for (flag, path) in [("--pcap", &self.files.capture), ("--html", &self.files.page)] {
            path.iter().try_for_each(|path| files.write(flag, path))?;
        }
        Ok(())
    }
}

/// Runs the command.
pub(super) fn run(args: Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let plan = RunJob::of(args, terminal)?;
    plan.distinct()?;
    let (captures, bad) = captures(&plan.spec, &plan.folder, terminal)?;
    let mut views = Views::open(plan.shown, plan.files, terminal)?;
    let all = views.wants_all();
    let stop = interrupt::stop();
    let options =
        Options::default().with_decisions(all).with_changes(all).with_captures(captures).with_stop(stop);
    // Freeing a large lab takes seconds, and ending the process takes none.
    let mut lab = ManuallyDrop::new(Lab::new(&plan.spec, options.clone()));
    // There is nothing to save before this point.
    let interrupt = Interrupt::listen()?;
    let summary = lab.run(&mut |event| views.event(event));
    views.finish(Some((&plan.spec, &options)))?;
    if let Shown::Text(detail) = plan.shown {
        conclude(&summary, detail, terminal)?;
    }
    let exit = match (bad, summary.ok()) {
        (true, _) => Exit::BadInput,
        (false, true) => Exit::Held,
        (false, false) => Exit::DidNotHold,
    };
    Ok(interrupt.exit(terminal).unwrap_or(exit))
}

/// The last line.
fn conclude(summary: &Summary, detail: Detail, terminal: &Terminal) -> Result<(), Failure> {
    let Summary { steps, held, failed } = summary;
    let space = if detail == Detail::Hops { "\n" } else { "" };
    let mut out = terminal.out();
    let told = format!("steps {steps}, expectations held {held}, failed {failed}");
    writeln!(out, "{space}{}", terminal.language.say(&told))?;
    out.flush()?;
    Ok(())
}

/// The inputs: a lab, and the captures that its steps replay.
pub(super) fn inputs(lab: &Path, spec: &LabSpec, folder: &Path) -> Distinct {
    let mut files = Distinct::default();
    files.read("LAB", lab);
    for step in &spec.steps {
        if let Action::Replay { capture, .. } = &step.action {
            files.read("the capture of a step,", &folder.join(capture));
        }
    }
    files
}

/// The frames of every capture that a step replays, and whether any of them had bad records.
pub(super) fn captures(
    spec: &LabSpec,
    folder: &Path,
    terminal: &Terminal,
) -> Result<(Captures, bool), Failure> {
    let mut captures = Captures::new();
    let mut any_bad = false;
    let mut budget = Budget::new("bytes of frames in the captures of all steps", STEP_CAPTURE_BYTES);
    for step in &spec.steps {
        let Action::Replay { capture: path, .. } = &step.action else { continue };
        if captures.contains_key(path) {
            continue;
        }
        let (mut capture, reader) = Capture::open(&folder.join(path))?;
        let tell = |bad| capture.tell(&bad).into_iter().for_each(|text| terminal.say(text));
        let held = hold(reader, &mut budget, tell);
        let frames = held.map_err(|over| {
            Failure::about(&capture.name, format!("{over}; `macvlab replay` has no such limit"))
        })?;
        capture.tell_rest().into_iter().for_each(|text| terminal.say(text));
        any_bad |= capture.bad() > 0;
        captures.insert(path.clone(), frames);
    }
    match spec.too_late(&captures).and_then(|index| spec.steps.get(index)) {
        None => Ok((captures, any_bad)),
        Some(step) => {
            let why = "this step could run beyond the lab's time limit of 100 years";
            Err(Failure::about(format_args!("the lab file, line {}", step.line), why))
        }
    }
}
