//! `macvlab demo [NAME]`

use super::demos::{self, Demo};
use super::experiment::{Experiment, Passage, outcome_in_a_word, passages};
use super::terminal::{Out, Terminal};
use super::{Exit, Failure, lesson, views};
use anstyle::{AnsiColor, Style};
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use macvlab::lab::{Event, Outcome};
use macvlab::language::{Language, columns, padded, spaced};
use macvlab::lesson::course;
use macvlab::report::worksheet::Sheet;
use macvlab::report::{Detail, TextReport, outcome_in_words, step_in_words};
use macvlab::verdict::Refusal;
use std::borrow::Cow;
use std::io::{self, Write as _};
use std::path::PathBuf;

/// Run the built-in experiments, and take lessons.
///
/// Without a name: the ARP hairpin experiment, which tries in every mode whether two ports on one parent reach each
/// other, with a switch that does or does not reflect frames, as one table. --tour, --quiz, --worksheet and --answers
/// take lessons instead: the whole course, one of its lessons, or a file of yours.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab demo                          the ARP hairpin experiment in every mode
  macvlab demo --tour                   a course of eight lessons: question, choices, run, answer, explanation
  macvlab demo --quiz                   the same with your answers and your own steps, and a score
  macvlab demo private --quiz           one lesson
  macvlab demo mine.toml --quiz         your own lesson, a lab file with a [lesson]
  macvlab demo --worksheet=sheet.html   the questions to print; --answers=key.html is the key to them
  macvlab demo --list                   the experiments and the lessons
  macvlab demo vepa                     one experiment, step by step
  macvlab demo vepa --explain           hop by hop
  macvlab demo vepa --html vepa.html    as a page that animates every frame
  macvlab demo vepa --show              its lab file, as a starting point; lesson:vepa is that of a lesson

On a terminal the tour waits for Enter before each answer. The quiz reads answers (a letter or a number) and steps from
standard input, also from a file or a pipe; q, or end of input, ends it.

Exit codes: 0 every run was as expected, whatever you answered; 1 one was not; 2 wrong usage; 130 after Ctrl-C.")]
pub(super) struct Args {
    /// The experiment to show in full; with a flag for lessons, a lesson or its file. --list names them.
    name: Option<String>,
    /// Show the lessons with all answers.
    #[arg(long, conflicts_with_all = ["list", "explain", "show", "html", "quiz"])]
    tour: bool,
    /// Ask for answers and steps, and keep the score.
    #[arg(long, conflicts_with_all = ["list", "explain", "show", "html"])]
    quiz: bool,
    /// Write the questions of the lessons as a page to print [default: to standard output].
    #[arg(long, value_name = "OUT.html", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    #[arg(conflicts_with_all = ["list", "explain", "show", "html", "tour", "quiz", "answers"])]
    worksheet: Option<PathBuf>,
    /// Write the answers to the worksheet as a page to print [default: to standard output].
    #[arg(long, value_name = "OUT.html", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    #[arg(conflicts_with_all = ["list", "explain", "show", "html", "tour", "quiz"])]
    answers: Option<PathBuf>,
    /// List the built-in experiments and lessons.
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
    Show(&'static str),
    Steps(&'static Demo),
    Hops(&'static Demo),
    Page(&'static Demo, PathBuf),
}

impl DemoChoice {
    fn of(args: &Args) -> Result<DemoChoice, Failure> {
        if let Some(lesson) = args.name.as_deref().and_then(|name| name.strip_prefix(lesson::BUILT_IN))
            && args.show
        {
            return lesson::named(lesson).map(DemoChoice::Show);
        }
        let demo = args.name.as_deref().map(demos::named).transpose()?;
        Ok(match (demo, &args.html) {
            (Some(demo), Some(path)) => DemoChoice::Page(demo, path.clone()),
            (Some(demo), _) if args.show => DemoChoice::Show(demo.text),
            (Some(demo), _) if args.explain => DemoChoice::Hops(demo),
            (Some(demo), _) => DemoChoice::Steps(demo),
            (None, _) if args.list => DemoChoice::List,
            (None, _) => DemoChoice::Overview,
        })
    }
}

/// Takes lessons, if a flag says so.
fn lessons(args: &Args, terminal: &Terminal) -> Option<Result<Exit, Failure>> {
    let name = args.name.as_deref();
    Some(match (&args.worksheet, &args.answers) {
        _ if args.tour => lesson::tour(name, terminal),
        _ if args.quiz => lesson::quiz(name, terminal),
        (Some(output), _) => lesson::print(name, Sheet::Questions, output, terminal),
        (_, Some(output)) => lesson::print(name, Sheet::Answers, output, terminal),
        (None, None) => return None,
    })
}

/// Runs the command.
pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    if let Some(exit) = lessons(args, terminal) {
        return exit;
    }
    let mut out = terminal.out();
    let held = match DemoChoice::of(args)? {
        DemoChoice::List => {
            list(terminal.language, &mut out)?;
            true
        }
        DemoChoice::Show(text) => {
            out.write_all(text.as_bytes())?;
            true
        }
        DemoChoice::Overview => overview(terminal, &mut out)?,
        DemoChoice::Steps(demo) => tell(demo, terminal, &mut out, steps)?,
        DemoChoice::Hops(demo) => tell(demo, terminal, &mut out, hops)?,
        DemoChoice::Page(demo, path) => {
            let experiment = Experiment::run(demo, terminal.error_colour)?;
            views::write_page(experiment.page(), &path, terminal)?;
            experiment.holds()
        }
    };
    out.flush()?;
    Ok(if held { Exit::Held } else { Exit::DidNotHold })
}

/// All experiments with their questions, and all lessons with their titles.
fn list(language: Language, out: &mut Out) -> Result<(), Failure> {
    let width = demos::ALL.iter().map(|d| d.name.len()).max().unwrap_or_default();
    for demo in demos::ALL {
        writeln!(out, "{:<width$}  {}", demo.name, language.say(demo.question))?;
    }
    writeln!(out, "\n{}", language.say("Lessons, for --tour, --quiz, --worksheet and --answers:"))?;
    for built_in in course::ALL {
        let lesson = built_in.lesson().map_err(|errors| Failure::Shown(errors.render(false)))?;
        let lesson = lesson.in_language(language);
        writeln!(out, "{:<width$}  {}", built_in.name, lesson.title())?;
    }
    Ok(())
}

/// All experiments, one line each.
fn overview(terminal: &Terminal, out: &mut Out) -> Result<bool, Failure> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let say = |text| terminal.language.say(text);
    table.set_header(["demo", "mode", "hairpin", "tried", "outcome", "rule", "why"].map(say));
    let mut held = true;
    for demo in demos::ALL {
        let experiment = Experiment::run(demo, terminal.error_colour)?;
        held &= experiment.holds();
        // Claims that the run does not show are left out.
        let (outcome, rule, why) = match experiment.main_decision() {
            Some((decision, outcome)) => (outcome_in_a_word(outcome), decision.rule.id(), demo.why),
            None => ("", "", "does not hold"),
        };
        let hairpin = say(if experiment.hairpin() { "on" } else { "off" });
        let (tried, outcome, why) = (say(demo.tried), say(outcome), say(why));
        let [name, mode, rule] = [demo.name, experiment.mode(), rule].map(Cow::from);
        table.add_row([name, mode, hairpin, tried, outcome, rule, why]);
    }
    writeln!(
        out,
        "{}\n",
        say("Ports c1 and c2 on the NIC eth0, which is cabled to a switch: who reaches whom, and why?")
    )?;
    for line in table.lines() {
        writeln!(out, "{}", line.trim())?;
    }
    writeln!(out)?;
    for hint in [
        "One experiment in full: macvlab demo NAME, or hop by hop: macvlab demo NAME --explain",
        "A course in eight lessons: macvlab demo --tour; with your predictions: macvlab demo --quiz",
    ] {
        writeln!(out, "{}", say(hint))?;
    }
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
    let say = |text| terminal.language.say(text);
    let set_up = format!("(mode {}, hairpin {hairpin})", experiment.mode());
    writeln!(out, "{bold}{}{bold:#}{}", spaced(&say(demo.question), ""), say(&set_up))?;
    happens(&experiment, terminal, out)?;
    writeln!(out, "\n{}", terminal.wrapped(&say(demo.lesson), 0))?;
    Ok(experiment.holds())
}

/// Every hop.
fn hops(experiment: &Experiment, terminal: &Terminal, out: &mut Out) -> io::Result<()> {
    let mut text = TextReport::new(out, Detail::Hops, terminal.colour).in_language(terminal.language);
    // The question takes the title's place.
    for event in experiment.events.iter().filter(|e| !matches!(e, Event::Lab { .. })) {
        text.event(event)?;
    }
    text.finish().map(drop)
}

/// What each step sent, its outcome, and the rules that made the difference.
fn steps(experiment: &Experiment, terminal: &Terminal, out: &mut Out) -> io::Result<()> {
    let style = if terminal.colour { AnsiColor::Yellow.on_default() } else { Style::new() };
    let say = |text: &str| terminal.language.say(text).into_owned();
    let mut running = None;
    for event in &experiment.events {
        match event {
            Event::Step { step, spec } => {
                let number = say(&format!("step {step}:"));
                writeln!(out, "\n{}", spaced(&number, &say(&step_in_words(spec))))?;
                running = Some(&spec.action);
                sent(&passages(&experiment.events, *step), terminal.language, out)?;
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
                writeln!(out, "  {}{}{}", say(&words), say(unexpected), say(", because"))?;
                for decision in experiment.decisions(*step) {
                    let (rule, at) = (decision.rule, decision.at);
                    let (title, place) = (say(rule.title()), say(&format!(", at {at}")));
                    writeln!(out, "    {style}{:<5}{style:#} {title}{place}", rule.id())?;
                    writeln!(out, "          {}", terminal.wrapped(&say(rule.why()), 10))?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Sender, receivers and content.
pub(super) fn sent(passages: &[Passage], language: Language, out: &mut Out) -> io::Result<()> {
    let ways: Vec<_> = passages.iter().map(|p| format!("{} → {}", p.from, p.to.join(", "))).collect();
    let width = ways.iter().map(|way| columns(way)).max().unwrap_or_default();
    for (passage, way) in passages.iter().zip(&ways) {
        let times = if passage.times == 1 { String::new() } else { format!(" ({} times)", passage.times) };
        writeln!(out, "  {}  {}{}", padded(way, width), passage.frame, language.say(&times))?;
    }
    Ok(())
}
