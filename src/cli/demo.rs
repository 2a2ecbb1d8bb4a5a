//! `macvlab demo [NAME]`

use super::demos::{self, Demo};
use super::experiment::{Experiment, Passage, outcome_in_a_word};
use super::terminal::{Out, Terminal};
use super::{Exit, Failure, tour, views};
use anstyle::{AnsiColor, Style};
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use macvlab::lab::{Event, Outcome};
use macvlab::report::{Detail, TextReport, outcome_in_words, step_in_words};
use macvlab::verdict::Refusal;
use std::io::{self, Write as _};
use std::path::PathBuf;

/// Run the built-in experiments.
///
/// Without a name: the ARP hairpin experiment, which tries in every mode whether two ports on one parent reach each
/// other, with a switch that does or does not reflect frames, as one table. --tour explains each experiment in turn,
/// and --quiz asks for a prediction first.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab demo                          the ARP hairpin experiment in every mode
  macvlab demo --tour                   one experiment after another: question, prediction, run, answer, explanation
  macvlab demo --quiz                   the same with your predictions, and a score
  macvlab demo --list                   the list of experiments
  macvlab demo vepa                     one experiment, step by step
  macvlab demo vepa --explain           hop by hop
  macvlab demo vepa --html vepa.html    as a page that animates every frame
  macvlab demo vepa --show              its lab file, as a starting point

On a terminal the tour waits for Enter between experiments. The quiz reads y and n from standard input, also from a file
or a pipe; q, or end of input, ends it.

Exit codes: 0 every run was as expected, whatever you guessed; 1 one was not; 2 wrong usage; 130 after Ctrl-C.")]
pub(super) struct Args {
    /// The experiment to show in full; --list names them.
    name: Option<String>,
    /// Show a guided tour of the experiments, or of the named one.
    #[arg(long, conflicts_with_all = ["list", "explain", "show", "html", "quiz"])]
    tour: bool,
    /// Ask for a prediction before each experiment, and keep the score.
    #[arg(long, conflicts_with_all = ["list", "explain", "show", "html"])]
    quiz: bool,
    /// List the built-in experiments.
    #[arg(long, conflicts_with_all = ["name", "explain", "show", "html"])]
    list: bool,
    /// Show every hop.
    #[arg(long, requires = "name")]
    explain: bool,
    /// Print the lab file instead of running it.
    #[arg(long, requires = "name", conflicts_with = "explain")]
    show: bool,
    /// Write a page that animates every frame; - is standard output.
    #[arg(long, value_name = "OUT.html", requires = "name", conflicts_with_all = ["explain", "show"])]
    html: Option<PathBuf>,
}

/// The checked arguments.
enum DemoChoice {
    List,
    Overview,
    Show(&'static Demo),
    Steps(&'static Demo),
    Hops(&'static Demo),
    Tour(&'static [Demo]),
    Quiz(&'static [Demo]),
    Page(&'static Demo, PathBuf),
}

impl DemoChoice {
    fn of(args: &Args) -> Result<DemoChoice, Failure> {
        let demo = args.name.as_deref().map(demos::named).transpose()?;
        let stops = demo.map_or(demos::ALL, std::slice::from_ref);
        Ok(match (demo, &args.html) {
            _ if args.tour => DemoChoice::Tour(stops),
            _ if args.quiz => DemoChoice::Quiz(stops),
            (Some(demo), Some(path)) => DemoChoice::Page(demo, path.clone()),
            (Some(demo), _) if args.show => DemoChoice::Show(demo),
            (Some(demo), _) if args.explain => DemoChoice::Hops(demo),
            (Some(demo), _) => DemoChoice::Steps(demo),
            (None, _) if args.list => DemoChoice::List,
            (None, _) => DemoChoice::Overview,
        })
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut out = terminal.out();
    let held = match DemoChoice::of(args)? {
        DemoChoice::List => {
            let width = demos::ALL.iter().map(|d| d.name.len()).max().unwrap_or_default();
            for demo in demos::ALL {
                writeln!(out, "{:<width$}  {}", demo.name, demo.question)?;
            }
            true
        }
        DemoChoice::Show(demo) => {
            out.write_all(demo.text.as_bytes())?;
            true
        }
        DemoChoice::Overview => overview(terminal, &mut out)?,
        DemoChoice::Steps(demo) => tell(demo, terminal, &mut out, steps)?,
        DemoChoice::Hops(demo) => tell(demo, terminal, &mut out, hops)?,
        DemoChoice::Page(demo, path) => {
            let experiment = Experiment::run(demo, terminal.error_colour)?;
            views::write_page(&experiment.page(), &path, terminal)?;
            experiment.holds()
        }
        DemoChoice::Tour(stops) => {
            drop(out);
            return tour::tour(stops, terminal);
        }
        DemoChoice::Quiz(stops) => {
            drop(out);
            return tour::quiz(stops, terminal);
        }
    };
    out.flush()?;
    Ok(if held { Exit::Held } else { Exit::DidNotHold })
}

/// All experiments, one line each.
fn overview(terminal: &Terminal, out: &mut Out) -> Result<bool, Failure> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["demo", "mode", "hairpin", "tried", "outcome", "rule", "why"]);
    let mut held = true;
    for demo in demos::ALL {
        let experiment = Experiment::run(demo, terminal.error_colour)?;
        held &= experiment.holds();
        // Claims that the run does not show are left out.
        let (outcome, rule, why) = match experiment.main_decision() {
            Some((decision, outcome)) => (outcome_in_a_word(outcome), decision.rule.id(), demo.why),
            None => ("", "", "does not hold"),
        };
        let hairpin = if experiment.hairpin() { "on" } else { "off" };
        table.add_row([demo.name, experiment.mode(), hairpin, demo.tried, outcome, rule, why]);
    }
    writeln!(
        out,
        "Ports c1 and c2 on the NIC eth0, which is cabled to a switch: who reaches whom, and why?\n"
    )?;
    for line in table.lines() {
        writeln!(out, "{}", line.trim())?;
    }
    writeln!(out, "\nOne experiment in full: macvlab demo NAME, or hop by hop: macvlab demo NAME --explain")?;
    writeln!(
        out,
        "All experiments explained: macvlab demo --tour; with your predictions: macvlab demo --quiz"
    )?;
    Ok(held)
}

/// One experiment: question, run, lesson.
fn tell(
    demo: &'static Demo,
    terminal: &Terminal,
    out: &mut Out,
    happens: fn(&Experiment, &Terminal, &mut Out) -> io::Result<()>,
) -> Result<bool, Failure> {
    let experiment = Experiment::run(demo, terminal.error_colour)?;
    let bold = if terminal.colour { Style::new().bold() } else { Style::new() };
    let hairpin = if experiment.hairpin() { "on" } else { "off" };
    writeln!(out, "{bold}{}{bold:#} (mode {}, hairpin {hairpin})", demo.question, experiment.mode())?;
    happens(&experiment, terminal, out)?;
    writeln!(out, "\n{}", terminal.wrapped(demo.lesson, 0))?;
    Ok(experiment.holds())
}

/// Every hop.
fn hops(experiment: &Experiment, terminal: &Terminal, out: &mut Out) -> io::Result<()> {
    let mut text = TextReport::new(out, Detail::Hops, terminal.colour);
    // The question takes the title's place.
    for event in experiment.events.iter().filter(|e| !matches!(e, Event::Lab { .. })) {
        text.event(event)?;
    }
    text.finish().map(drop)
}

/// What each step sent, its outcome, and the rules that made the difference.
pub(super) fn steps(experiment: &Experiment, terminal: &Terminal, out: &mut Out) -> io::Result<()> {
    let style = if terminal.colour { AnsiColor::Yellow.on_default() } else { Style::new() };
    let mut running = None;
    for event in &experiment.events {
        match event {
            Event::Step { step, spec } => {
                writeln!(out, "\nstep {step}: {}", step_in_words(spec))?;
                running = Some(&spec.action);
                sent(&experiment.passages(*step), out)?;
            }
            Event::Result { step, outcome, rtt, receivers, held, .. } => {
                let Some(action) = running else { continue };
                let words = match outcome {
                    // The rule is shown below.
                    Outcome::Refused(Refusal { errno, .. }) => {
                        format!("refused with {errno} ({})", errno.text())
                    }
                    outcome => outcome_in_words(action, *outcome, *rtt, receivers),
                };
                let unexpected = if *held == Some(false) { " (not as expected)" } else { "" };
                writeln!(out, "  {words}{unexpected}, because")?;
                for decision in experiment.decisions(*step) {
                    let (rule, at) = (decision.rule, decision.at);
                    writeln!(out, "    {style}{:<5}{style:#} {}, at {at}", rule.id(), rule.title())?;
                    writeln!(out, "          {}", terminal.wrapped(rule.why(), 10))?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Sender, receivers and content.
fn sent(passages: &[Passage], out: &mut Out) -> io::Result<()> {
    let ways: Vec<_> = passages.iter().map(|p| format!("{} → {}", p.from, p.to.join(", "))).collect();
    let width = ways.iter().map(|way| way.chars().count()).max().unwrap_or_default();
    for (passage, way) in passages.iter().zip(&ways) {
        let times = if passage.times == 1 { String::new() } else { format!(" ({} times)", passage.times) };
        writeln!(out, "  {way:<width$}  {}{times}", passage.frame)?;
    }
    Ok(())
}
