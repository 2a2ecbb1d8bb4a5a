//! One replay: one capture, or several merged by time, through one lab.

use super::job::{ReplayJob, ResolvedTarget};
use super::progress::Progress;
use crate::cli::input::Capture;
use crate::cli::interrupt::{self, Interrupt};
use crate::cli::terminal::{Out, Terminal, is_dash};
use crate::cli::views::{Files, Shown, Views};
use crate::cli::{Exit, Failure};
use macvlab::capture::Reader;
use macvlab::lab::Event;
use macvlab::lab::spec::Name;
use macvlab::replay::{
    Destination, Done, Feed, FeedOutcome, Filter, HopRef, OutputSpec, Pipeline, Replay, Writer,
};
use macvlab::report::counters_table;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Runs the command.
pub(super) fn run(plan: &ReplayJob, terminal: &Terminal) -> Result<Exit, Failure> {
    let (mut captures, readers) = open(&plan.captures)?;
    let engine = Pipeline::new(&plan.spec, None);
    let aim = plan.aim(&engine)?;
    distinct(plan, &engine)?;
    let how = aim.how.clone();
    let names: Vec<Name> = engine.devices().iter().map(|device| device.name.clone()).collect();
    let refused = engine.refused().iter().any(|device| !device.expected);
    let shown = if plan.is_summarised() { Shown::Nothing } else { plan.shown };
    let mut views = Views::open(shown, Files::default(), terminal)?;
    let mut progress = Progress::of(&captures, plan.passes, terminal);
    let interrupt;
    let (done, unreadable) = {
        let mut listener = listener(&mut views, aim.filter.clone());
        let engine = match shown {
            Shown::Nothing => engine,
            _ => Pipeline::new(&plan.spec, Some(&mut listener)),
        };
        let mut replay = prepared(plan, engine, aim, readers, outputs(plan))?;
        // There is nothing to save before this point.
        interrupt = Interrupt::listen()?;
        let only_stdout = !replay.is_written() && shown != Shown::Nothing;
        let unreadable = drive(&mut replay, plan, &mut captures, &mut progress, |replay| {
            interrupt.came() || replay.is_over() || (only_stdout && terminal.closed())
        });
        (replay.finish(), unreadable)
    };
    progress.clear();
    views.finish(None)?;
    tell_rest(&captures, &done, terminal);
    if plan.stats || terminal.shows_progress() {
        terminal.say(progress.rate(&done.fed));
    }
    if plan.is_summarised() {
        let name: Vec<&str> = captures.iter().map(|capture| capture.name.as_str()).collect();
        summarise(&format!("{}: frames {how}", name.join(", ")), &names, &done, terminal.out())?;
    }
    unreadable?;
    done.written.map_err(|e| Failure::Because(e.to_string()))?;
    let exit = match (done.fed.bad, refused) {
        (1.., _) => Exit::BadInput,
        (0, true) => Exit::DidNotHold,
        (0, false) => Exit::Held,
    };
    Ok(interrupt.exit(terminal).unwrap_or(exit))
}

/// Checks that no two files are the same.
fn distinct(plan: &ReplayJob, engine: &Pipeline<'_>) -> Result<(), Failure> {
    let mut files = plan.inputs(&plan.captures);
    if let Some(folder) = &plan.out_dir {
        device_files(folder, engine).try_for_each(|path| files.write("--out-dir:", &path))?;
    }
    plan.output.iter().try_for_each(|path| files.write("-o", path))
}

/// Paths of the outputs in a folder.
pub(super) fn device_files(folder: &Path, engine: &Pipeline<'_>) -> impl Iterator<Item = PathBuf> {
    engine.devices().iter().map(move |device| folder.join(format!("{}.pcap", device.name)))
}

/// A replay as a plan describes it; its outputs are opened last.
pub(super) fn prepared<'a>(
    plan: &ReplayJob,
    engine: Pipeline<'a>,
    aim: ResolvedTarget,
    readers: Vec<Reader>,
    outputs: OutputSpec,
) -> Result<Replay<'a>, Failure> {
    let writer = match outputs {
        outputs if outputs.is_empty() => None,
        outputs => {
            Some(Writer::open(outputs, engine.devices()).map_err(|e| Failure::Because(e.to_string()))?)
        }
    };
    let feed = Feed::new(readers, aim.route, plan.limits);
    let replay = Replay::new(engine, feed).filtered(aim.filter).written_by(writer);
    Ok(replay.paced(plan.speed, interrupt::stop()))
}

/// Opens captures, all before any of them is read.
pub(super) fn open(paths: &[PathBuf]) -> Result<(Vec<Capture>, Vec<Reader>), Failure> {
    let opened: Result<Vec<_>, _> = paths.iter().map(|path| Capture::open(path)).collect();
    Ok(opened?.into_iter().unzip())
}

/// Shows every event whose hop the filter lets through.
fn listener(views: &mut Views, filter: Option<Filter>) -> impl FnMut(&Event, Option<HopRef<'_>>) {
    move |event, hop| {
        let hidden = |filter: &Filter| hop.is_some_and(|hop| !filter.lets_through(&hop));
        if !filter.as_ref().is_some_and(hidden) {
            views.event(event);
        }
    }
}

/// The outputs to write.
fn outputs(plan: &ReplayJob) -> OutputSpec {
    let annotated = plan.output.as_deref().map(|path| {
        if is_dash(path) {
            let name = PathBuf::from("standard output");
            Destination::Stream(Box::new(std::io::stdout()), name)
        } else {
            Destination::File(path.to_path_buf())
        }
    });
    OutputSpec { folder: plan.out_dir.clone(), annotated, ..OutputSpec::default() }
}

/// Replays the captures, pass by pass. A capture that cannot be read again ends it as well.
pub(super) fn drive(
    replay: &mut Replay<'_>,
    plan: &ReplayJob,
    captures: &mut [Capture],
    progress: &mut Progress,
    enough: impl Fn(&Replay<'_>) -> bool,
) -> Result<(), Failure> {
    let (mut passes, mut frames_before) = (1, 0);
    while !enough(replay) {
        match replay.step() {
            FeedOutcome::Frames => progress.moved(captures, replay.counts()),
            FeedOutcome::Bad(index, bad) => {
                let text = captures.get_mut(index).and_then(|capture| capture.tell(&bad));
                text.into_iter().for_each(|text| progress.suspend(|| crate::cli::terminal::say(text)));
            }
            FeedOutcome::End { by_limit: true } => break,
            FeedOutcome::End { by_limit: false } if passes == plan.passes => break,
            FeedOutcome::End { by_limit: false } => {
                // An empty pass would repeat for ever.
                let frames = replay.counts().frames;
                if frames == frames_before {
                    break;
                }
                frames_before = frames;
                match captures.iter().map(Capture::read).collect() {
                    Err(Failure::Interrupted) => break,
                    readers => replay.again(readers?),
                }
                passes += 1;
            }
        }
    }
    Ok(())
}

/// Reports what was not reported as it happened.
fn tell_rest(captures: &[Capture], done: &Done, terminal: &Terminal) {
    for text in captures.iter().filter_map(Capture::tell_rest) {
        terminal.say(text);
    }
    let name = match captures {
        [one] => one.name.clone(),
        several => format!("{} captures", several.len()),
    };
    let (cut, left_out) = (done.fed.cut, done.fed.left_out);
    if cut > 0 {
        terminal.say(format_args!("{name}: frames cut short by the capture, replayed as they are: {cut}"));
    }
    if left_out > 0 {
        terminal.say(format_args!("{name}: frames left out, whose senders are not mapped: {left_out}"));
    }
}

/// Counters by device and by rule.
fn summarise(title: &str, names: &[Name], done: &Done, mut out: Out) -> Result<(), Failure> {
    writeln!(out, "{title}: {}\n", done.fed.frames)?;
    let counted = done.counters.iter();
    let counted: Vec<_> = counted
        .filter_map(|(device, counters)| Some((names.get(device.0 as usize)?.clone(), *counters)))
        .collect();
    write!(out, "{}", counters_table(&counted))?;
    let mut rules = done.tally.rules().peekable();
    if rules.peek().is_some() {
        writeln!(out, "\nhops by rule")?;
    }
    for (rule, hops) in rules {
        writeln!(out, "{hops:>10}  {:<5} {}", rule.id(), rule.title())?;
    }
    out.flush()?;
    Ok(())
}
