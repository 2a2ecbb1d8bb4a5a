//! `macvlab diagnose INPUT …`

use super::terminal::Terminal;
use super::{Exit, Failure, import, input};
use clap::ValueEnum;
use macvlab::interop::diagnose;
use macvlab::interop::{self, Check, NetworkError, Severity};
use macvlab::lab::Options;
use std::io::Write as _;
use std::path::PathBuf;

/// Say what will not work in a network, why, and what would help.
///
/// The input is a lab, or anything that `import` reads. Every machine pings every other one in the lab, and what fails is
/// explained once for each cause. Nothing is supposed: remedies are listed that were tried.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab diagnose notes.txt            commands as pasted
  macvlab diagnose lab.toml             a lab
  macvlab diagnose - < notes.txt        from standard input
  macvlab diagnose host                 the running machine with its containers
  macvlab diagnose notes.txt --format sarif > notes.sarif
                                        for code scanners
  macvlab diagnose notes.txt --format markdown
                                        a report for an issue
  macvlab diagnose --list               all checks

Exit codes: 0 no errors, 1 errors (with --deny-warnings: or warnings), 2 wrong usage or input, 130 after Ctrl-C.")]
pub(super) struct Args {
    /// The files; - is standard input, demo:NAME a built-in lab, host the running machine.
    inputs: Vec<PathBuf>,
    /// What to write: text, json, sarif or markdown.
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    format: Form,
    /// Exit with 1 for warnings, too.
    #[arg(long)]
    deny_warnings: bool,
    /// List the checks.
    #[arg(long)]
    list: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Text,
    Json,
    Sarif,
    Markdown,
}

/// Runs the command.
pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut out = terminal.out();
    if args.list {
        for check in Check::ALL {
            writeln!(out, "{:<22} {:<8} {}", check.id(), check.severity().name(), check.title())?;
        }
        out.flush()?;
        return Ok(Exit::Held);
    }
    if args.inputs.is_empty() {
        return Err(input::missing());
    }
    let texts: Vec<(String, String)> =
        args.inputs.iter().map(|path| input::any_text(path)).collect::<Result<_, _>>()?;
    let sources = import::sources(&texts);
    let imported = interop::network(&sources).map_err(|error| match error {
        NetworkError::Lab(errors) | NetworkError::Neither(errors) => {
            Failure::Shown(errors.render(terminal.error_colour))
        }
        error => Failure::Because(error.to_string()),
    })?;
    let findings = diagnose::diagnose(&imported, &Options::default());
    match args.format {
        Form::Text => {
            let names: Vec<String> = args.inputs.iter().map(|path| path.display().to_string()).collect();
            diagnose::text(&findings, &sources, &names.join(" "), terminal.colour, &mut out)?;
        }
        Form::Json => {
            for object in diagnose::objects(&findings, &sources) {
                writeln!(out, "{object}")?;
            }
        }
        Form::Sarif => {
            let log = diagnose::sarif(&findings, &sources);
            serde_json::to_writer_pretty(&mut out, &log).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        Form::Markdown => out.write_all(diagnose::markdown(&findings, &imported, &sources).as_bytes())?,
    }
    out.flush()?;
    let least = if args.deny_warnings { Severity::Warning } else { Severity::Error };
    let held = findings.iter().all(|finding| finding.severity < least);
    Ok(if held { Exit::Held } else { Exit::DidNotHold })
}
