//! `macvlab demo [NAME]`

use super::demos::{self, Demo};
use super::terminal::{Out, Terminal};
use super::{Exit, Failure};
use anstyle::Style;
use macvlab::lab::{Event, Lab, Options, Summary};
use macvlab::report::{Detail, TextReport};
use std::io::Write as _;

/// Run the built-in experiments.
///
/// Without a name: the ARP hairpin experiment, which asks in every mode whether two neighbours on one parent reach each
/// other, with a switch that does or does not send frames back where they came from.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab demo                          the ARP hairpin experiment in every mode
  macvlab demo --list                   what there is
  macvlab demo arp-vepa --explain       one of them, hop by hop
  macvlab demo arp-vepa --show          its lab file, to begin with

Exit codes: 0 everything held, 1 something did not hold, 2 wrong usage.")]
pub(super) struct Args {
    /// Which; see --list.
    name: Option<String>,
    /// List the built-in experiments.
    #[arg(long, conflicts_with_all = ["name", "explain", "show"])]
    list: bool,
    /// Tell every hop.
    #[arg(long)]
    explain: bool,
    /// Print the lab file instead of running it.
    #[arg(long, requires = "name", conflicts_with = "explain")]
    show: bool,
}

/// What was typed, checked.
enum Plan {
    List,
    Show(&'static Demo),
    Run(Vec<&'static Demo>, Detail),
}

impl Plan {
    fn of(args: &Args) -> Result<Plan, Failure> {
        if args.list {
            return Ok(Plan::List);
        }
        let detail = if args.explain { Detail::Hops } else { Detail::Reasons };
        let Some(name) = &args.name else {
            return Ok(Plan::Run(demos::ALL.iter().filter(|d| d.hairpin_experiment).collect(), detail));
        };
        let demo = demos::find(name).ok_or_else(|| {
            Failure::Because(format!("there is no demo `{name}`; `macvlab demo --list` lists them"))
        })?;
        Ok(if args.show { Plan::Show(demo) } else { Plan::Run(vec![demo], detail) })
    }
}

/// Does it.
pub(super) fn run(args: Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut out = terminal.out();
    let exit = match Plan::of(&args)? {
        Plan::List => {
            let width = demos::ALL.iter().map(|d| d.name.len()).max().unwrap_or_default();
            for demo in demos::ALL {
                writeln!(out, "{:<width$}  {}", demo.name, demo.question)?;
            }
            Exit::Held
        }
        Plan::Show(demo) => {
            out.write_all(demo.text.as_bytes())?;
            Exit::Held
        }
        Plan::Run(demos, detail) => {
            let mut held = true;
            for (i, demo) in demos.iter().enumerate() {
                if i > 0 {
                    writeln!(out)?;
                }
                held &= experiment(demo, detail, terminal, &mut out)?.ok();
            }
            if held { Exit::Held } else { Exit::DidNotHold }
        }
    };
    out.flush()?;
    Ok(exit)
}

/// The question, what happens and why, the lesson.
fn experiment(demo: &Demo, detail: Detail, terminal: &Terminal, out: &mut Out) -> Result<Summary, Failure> {
    let spec = macvlab::labfile::parse(demo.name, demo.text)
        .map_err(|mistakes| Failure::Shown(mistakes.render(terminal.error_colour)))?;
    let bold = if terminal.colour { Style::new().bold() } else { Style::new() };
    writeln!(out, "{bold}{}: {}{bold:#}", demo.name, demo.question)?;
    let mut text = TextReport::new(&mut *out, detail, terminal.colour);
    let mut written = Ok(());
    let summary = Lab::new(&spec, Options::default()).run(&mut |event| {
        // The question stands in the title's place.
        if written.is_ok() && !matches!(event, Event::Lab { .. }) {
            written = text.event(event);
        }
    });
    written?;
    text.finish()?;
    writeln!(out, "  {}", demo.lesson)?;
    Ok(summary)
}
