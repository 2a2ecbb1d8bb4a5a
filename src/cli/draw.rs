//! `macvlab draw LAB`

use super::terminal::{Output, Terminal, is_dash};
use super::{Exit, Failure, input, run};
use clap::ValueEnum;
use macvlab::lab::{Lab, Options};
use macvlab::report::draw::{Scene, dot, mermaid, svg};
use macvlab::report::sequence::{self, SequenceBuilder};
use std::path::{Path, PathBuf};

/// Draw a lab: its parents with their ports, switches, stations and cables.
///
/// Shows modes, addresses, hairpin, and what the kernel refuses. The same lab gives the same drawing.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab draw lab.toml > lab.svg       a picture, for light and dark pages
  macvlab draw lab.toml --format mermaid
                                        a flowchart for Markdown
  macvlab draw lab.toml --format dot | dot -Tpdf -o lab.pdf
                                        by Graphviz
  macvlab draw lab.toml --after 3 -o after.svg
                                        the state after its first three steps
  macvlab draw lab.toml --sequence -o run.svg
                                        its steps: a lane for each device, an arrow for each hop
  macvlab draw demo:vepa --sequence --format mermaid
                                        the same for Markdown

Exit codes: 0, 2 for wrong usage or input, 130 after Ctrl-C.")]
pub(super) struct Args {
    /// The lab file; - is standard input, demo:NAME a built-in lab.
    lab: PathBuf,
    /// Output format: svg, mermaid or dot (Graphviz).
    #[arg(long, value_name = "FORMAT", default_value = "svg", hide_possible_values = true)]
    format: Format,
    /// Run this many of the lab's steps first. Default: none; with --sequence, all.
    #[arg(long, value_name = "N")]
    after: Option<usize>,
    /// Draw the steps as a sequence diagram (svg or mermaid).
    #[arg(long)]
    sequence: bool,
    /// Output file; - is standard output.
    #[arg(long, short, value_name = "OUT", default_value = "-")]
    output: PathBuf,
}

/// Output format.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Svg,
    Mermaid,
    Dot,
}

/// Runs the command.
pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut spec = input::lab(&args.lab, terminal)?;
    let steps = spec.steps.len();
    let after = args.after.unwrap_or(if args.sequence { steps } else { 0 });
    if after > steps {
        let why = format!("the lab has {steps} steps, so there is no `--after {after}`");
        return Err(Failure::Because(why));
    }
    spec.steps.truncate(after);
    let folder = args.lab.parent().filter(|_| !is_dash(&args.lab)).unwrap_or(Path::new(""));
    run::inputs(&args.lab, &spec, folder).write("--output", &args.output)?;
    let (captures, _) = run::captures(&spec, folder, terminal)?;
    let options = Options::default().with_captures(captures).with_changes(true).with_decisions(args.sequence);
    let mut lab = Lab::new(&spec, options);
    let text =
        if args.sequence { run_drawn(&mut lab, args.format)? } else { lab_drawn(&mut lab, args.format) };
    Output::create(&args.output, terminal)?.write_whole(text.as_bytes())?;
    Ok(Exit::Held)
}

/// Draws the devices.
fn lab_drawn(lab: &mut Lab, format: Format) -> String {
    let mut scene = Scene::default();
    lab.run(&mut |event| {
        scene.event(event);
    });
    match format {
        Format::Svg => svg(&scene),
        Format::Mermaid => mermaid(&scene),
        Format::Dot => dot(&scene),
    }
}

/// Draws the steps.
fn run_drawn(lab: &mut Lab, format: Format) -> Result<String, Failure> {
    let draw = match format {
        Format::Svg => sequence::svg,
        Format::Mermaid => sequence::mermaid,
        Format::Dot => {
            let why = "Graphviz has no sequence diagrams: --sequence goes with --format svg or mermaid";
            return Err(Failure::Because(why.to_owned()));
        }
    };
    let mut builder = SequenceBuilder::default();
    lab.run(&mut |event| builder.event(event));
    Ok(draw(&builder.finish()))
}
