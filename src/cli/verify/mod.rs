//! `macvlab verify [LAB …]`

mod matrix;

use super::input;
use super::interrupt::Interrupt;
use super::matrix::Which;
use super::terminal::{Output, Terminal};
use super::{Exit, Failure};
use indicatif::{ProgressBar, ProgressStyle};
use macvlab::kernel::{
    Allowed, Failure as LabFailure, KernelInfo, Oracle, OracleError, Progress, StepOutcome, Tally,
    acquire_privileges, tell, verify_lab, verify_random,
};
use macvlab::labfile;
use macvlab::plain::plain;
use macvlab::verdict::Rule;
use std::io::Write as _;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

/// Maximum number of failing random labs, or cells, that are shown; all are counted.
const MAX_TOLD: u64 = 10;

/// Shows the first ones of many.
#[derive(Default)]
struct First {
    told: u64,
}

impl First {
    /// Whether another one is shown.
    fn tells(&mut self) -> bool {
        self.told += 1;
        self.told <= MAX_TOLD
    }
}

/// Default number of threads: a lab keeps one busy, a cell of the matrix mostly waits for timeouts.
const RANDOM_JOBS: u16 = 4;
const MATRIX_JOBS: u16 = 16;

/// Run the same labs, or random ones, on the running kernel, and compare frame by frame.
///
/// Every NIC, port, station and switch gets a separate network namespace; nothing outside them is touched, and they
/// disappear when the program ends, however it ends. Needs Linux, and root or user namespaces.
///
/// Steps with TCP/IP stacks (ping, arping, udp, tcp) and replays are left out on both sides.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  sudo macvlab verify lab.toml          one lab
  sudo macvlab verify labs/*.toml
  sudo macvlab verify --random 1000     a thousand random labs
  sudo macvlab verify --random 1 --seed 42
                                        the same random lab again
  sudo macvlab verify --matrix          every cell of the default matrix, with real pings
  sudo macvlab verify --matrix --modes vepa,bridge --hairpin on
                                        some of them, with the options of macvlab matrix
  sudo macvlab verify --matrix lab.toml
                                        the devices of a lab

Exit codes: 0 the kernel agrees, 1 it does not, 2 wrong usage or input, or it cannot be run,
130 after Ctrl-C.")]
pub(super) struct Args {
    /// Lab files; - is standard input.
    #[arg(value_name = "LAB", required_unless_present_any = ["random", "matrix"])]
    #[arg(conflicts_with_all = ["random", "seed", "save", "rules"])]
    labs: Vec<PathBuf>,
    /// Number of random labs.
    #[arg(long, value_name = "N")]
    random: Option<NonZeroU64>,
    /// The seed of the first random lab; it increases by one for each lab. Default: from the clock.
    #[arg(long, value_name = "S", requires = "random")]
    seed: Option<u64>,
    /// Run real pings in every cell of the matrix of `macvlab matrix` (of these labs, or the default one), with learned
    /// and static neighbours.
    #[arg(long, conflicts_with = "random")]
    matrix: bool,
    #[command(flatten)]
    which: Which,
    /// Threads for random labs (4) or for the matrix (16: most of them wait); at most 256.
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Save failing random labs, minimized, as lab files in this folder.
    #[arg(long, value_name = "DIR", requires = "random")]
    save: Option<PathBuf>,
    /// Write a Markdown page with every rule and the number of random labs in which it decided something.
    #[arg(long, value_name = "OUT.md", requires = "random")]
    rules: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let groups = if args.matrix { Some(matrix::groups(&args.labs, &args.which, terminal)?) } else { None };
    if groups.is_none() && args.which.is_given() {
        let why = "--modes, --wire and --hairpin choose cells of the matrix: add --matrix";
        return Err(Failure::Because(why.to_owned()));
    }
    if groups.is_none() && args.random.is_none() && args.jobs.is_some() {
        return Err(Failure::Because(
            "lab files are run one after another: --jobs is for --random and --matrix".to_owned(),
        ));
    }
    acquire_privileges().map_err(|e| Failure::Because(e.to_string()))?;
    let kernel = KernelInfo::read();
    terminal.say(format_args!("{} ({})", kernel.release, kernel.options.join(" ")));
    // Up to here there is only one thread, as namespaces require.
    let interrupt = Interrupt::listen()?;
    let jobs = |default| usize::from(args.jobs.unwrap_or(default));
    match (args.random, groups) {
        (Some(count), _) => random(args, (count.get(), jobs(RANDOM_JOBS)), &interrupt, terminal),
        (None, Some(groups)) => matrix::run(&groups, jobs(MATRIX_JOBS), &interrupt, terminal),
        (None, None) => files(&args.labs, &interrupt, terminal),
    }
}

fn files(labs: &[PathBuf], interrupt: &Interrupt, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut oracle = Oracle::new().map_err(|e| Failure::Because(e.to_string()))?;
    let mut exit = Exit::Held;
    for (done, path) in labs.iter().enumerate() {
        if interrupt.came() {
            terminal.say(format_args!("interrupted after {done} of {} labs", labs.len()));
            return Ok(Exit::Interrupted);
        }
        match file(&mut oracle, path, terminal) {
            Ok(true) => {}
            Ok(false) if exit == Exit::BadInput => {}
            Ok(false) => exit = Exit::DidNotHold,
            Err(failure) => {
                terminal.fail(&failure);
                exit = Exit::BadInput;
            }
        }
    }
    Ok(exit)
}

/// One lab file; `false`: the kernel does not agree.
fn file(oracle: &mut Oracle, path: &Path, terminal: &Terminal) -> Result<bool, Failure> {
    let lab = input::lab(path, terminal)?;
    let mut out = terminal.out();
    let name = plain(path.display());
    let (comparison, ours) = match verify_lab(oracle, &lab) {
        Ok(done) => done,
        Err(OracleError::Unsupported(what)) => {
            writeln!(out, "{name}: skipped: {what}")?;
            return Ok(true);
        }
        Err(e) => return Err(Failure::about(name, e)),
    };
    let skipped = |o: &StepOutcome| matches!(o, StepOutcome::Skipped(_));
    let left_out = ours.observed.steps.iter().filter(|s| skipped(&s.outcome)).count();
    let steps = lab.steps.len() - left_out;
    let left_out = if left_out == 0 { String::new() } else { format!(", {left_out} left out") };
    if comparison.differences.is_empty() {
        writeln!(out, "{name}: the kernel agrees: {steps} steps{left_out}{}", in_words(comparison.allowed))?;
        return Ok(true);
    }
    writeln!(out, "{name}: the kernel does not agree: {steps} steps{left_out}")?;
    write!(out, "{}", tell(&lab, &ours, &comparison.differences))?;
    Ok(false)
}

/// Progress on a terminal.
fn progress_bar(count: u64, of: &str, terminal: &Terminal) -> ProgressBar {
    let bar = if terminal.shows_progress() { ProgressBar::new(count) } else { ProgressBar::hidden() };
    let template = format!("{{bar:40}} {{pos}}/{{len}} {of}, {{per_sec}}, {{eta}} left");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar
}

fn random(
    args: &Args,
    (count, jobs): (u64, usize),
    interrupt: &Interrupt,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let first = args.seed.unwrap_or_else(seed_of_the_day);
    // An unwritable path is detected before the work.
    let page = args.rules.as_deref().map(|path| Output::create(path, terminal)).transpose()?;
    let bar = progress_bar(count, "labs", terminal);
    let (mut shown, mut problem) = (First::default(), None);
    let tally = verify_random(first, count, jobs, interrupt.stop(), &mut |progress| {
        bar.inc(1);
        match progress {
            Progress::Agreed(..) => {}
            Progress::Failed(failure) => {
                if shown.tells() {
                    problem = bar.suspend(|| show(failure, args, terminal)).err().or(problem.take());
                }
            }
            Progress::OracleError(seed, e) => {
                bar.suspend(|| terminal.say(format_args!("random lab {seed}: {e}")))
            }
        }
        if terminal.closed() {
            interrupt.stop().ask();
        }
    });
    bar.finish_and_clear();
    if let Some(problem) = problem {
        return Err(problem);
    }
    let mut out = terminal.out();
    let (labs, failed, troubled) = (tally.labs, tally.failed, tally.troubled);
    let agreed = labs - failed - troubled;
    let words = in_words(tally.allowed);
    if labs < count && interrupt.came() {
        // An interrupted run does not count as agreement, and no page reports its numbers.
        let words = format!("{agreed} agree, {failed} do not, {troubled} could not be run{words}");
        terminal.say(format_args!("interrupted after {labs} of {count} random labs: {words}"));
        return Ok(Exit::Interrupted);
    }
    writeln!(
        out,
        "random labs {first} to {}: {agreed} of {labs} agree{words}",
        first.wrapping_add(labs.max(1) - 1)
    )?;
    out.flush()?;
    if let Some(page) = page {
        page.write_whole(rules_page(&tally, first, &KernelInfo::read()).as_bytes())?;
    }
    Ok(match (failed, troubled) {
        (0, 0) => Exit::Held,
        (0, _) => Exit::BadInput,
        _ => Exit::DidNotHold,
    })
}

/// Shows a failing random lab: the differences, and the lab itself.
fn show(failure: &LabFailure, args: &Args, terminal: &Terminal) -> Result<(), Failure> {
    let mut out = terminal.out();
    let seed = failure.seed;
    let sometimes = if failure.flaky { ", but not every time" } else { "" };
    writeln!(out, "random lab {seed}: the kernel does not agree{sometimes}")?;
    writeln!(out, "to repeat: macvlab verify --random 1 --seed {seed}")?;
    write!(out, "{}", failure.told)?;
    let text = labfile::write(&failure.lab);
    match &args.save {
        Some(folder) => {
            let path = folder.join(format!("random-{seed}.toml"));
            std::fs::create_dir_all(folder).map_err(|e| Failure::about(folder.display(), e))?;
            Output::create(&path, terminal)?.write_whole(text.as_bytes())?;
            writeln!(out, "saved as {}", plain(path.display()))?;
        }
        None => writeln!(out, "the lab:\n{text}")?,
    }
    out.flush()?;
    Ok(())
}

/// Every rule with its reason, its counterpart, and the number of labs that tested it.
fn rules_page(tally: &Tally, first: u64, kernel: &KernelInfo) -> String {
    let (labs, failed) = (tally.labs, tally.failed + tally.troubled);
    let mut page = format!(
        "# The rules, compared with the kernel\n\n\
         Made by `macvlab verify --random {labs} --seed {first} --rules docs/agreement.md` on {}.\n\n\
         {} of {labs} random labs agreed frame by frame{}. The last column says in how many of them the rule decided\n\
         something: a hop or a refusal. A rule that only explains why a port got nothing has no hop; ground\n\
         and counting rules show in every comparison of deliveries and counters.\n\n\
         | rule | what it says | why | in the kernel | labs |\n| --- | --- | --- | --- | ---: |\n",
        kernel.release,
        labs - failed,
        in_words(tally.allowed),
    );
    for rule in Rule::ALL {
        let count = tally.rules.get(rule).map_or_else(String::new, ToString::to_string);
        let cell = |text: &str| text.replace('|', "\\|");
        page.push_str(&format!(
            "| {rule} | {} | {} | {} | {count} |\n",
            cell(rule.title()),
            cell(rule.why()),
            cell(rule.kernel())
        ));
    }
    page
}

fn in_words(allowed: Allowed) -> String {
    let mut text = String::new();
    for (n, what) in [
        (allowed.collisions, "deliveries by hash collision"),
        (allowed.late, "late floods"),
        (allowed.overflows, "floods lost to a full queue"),
        (
            allowed.repeated,
            if allowed.repeated == 1 {
                "lab agreed only when repeated"
            } else {
                "labs agreed only when repeated"
            },
        ),
    ] {
        if n > 0 {
            text.push_str(&format!("; {n} {what}"));
        }
    }
    text
}

/// Different labs each time; the seed is printed, so that they can be repeated.
#[expect(clippy::disallowed_methods, reason = "the rim reads the clock")]
fn seed_of_the_day() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(1, |d| u64::try_from(d.as_micros()).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::First;

    #[test]
    fn the_first_ten_failures_are_listed() {
        let mut first = First::default();
        let told: Vec<bool> = (0..12).map(|_| first.tells()).collect();
        assert_eq!(told, [[true; 10].as_slice(), &[false; 2]].concat());
    }
}
