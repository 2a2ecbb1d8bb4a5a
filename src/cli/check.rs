//! `macvlab check LAB …`

use super::input::CheckedFile;
use super::terminal::Terminal;
use super::{Exit, Failure, input, lesson};
use macvlab::labfile::{Checked, Remark, point_out};
use macvlab::lesson::Lesson;
use macvlab::plain::plain;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Check lab files without running them, and lessons by running them.
///
/// Reports for each file whether it can be run, and shows each error with its line and column. Warnings show what is
/// probably not meant: an address that two devices have, a gateway that no device has, a device that the kernel would
/// refuse. The parts of a lesson are run: their steps must come out as expected and show the rules that are named, and
/// the goals of an exercise must be reached by the solution, and not by doing nothing.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab check lab.toml
  macvlab check labs/*.toml
  macvlab check --deny-warnings lab.toml

Exit codes: 0 every file can be run, and every lesson does what it says; 2 wrong usage, or a file is not so; 130 after
Ctrl-C.")]
pub(super) struct Args {
    /// Lab files; - is standard input.
    #[arg(required = true, value_name = "LAB")]
    labs: Vec<PathBuf>,
    /// Count warnings as errors: a file with warnings fails.
    #[arg(long)]
    deny_warnings: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut exit = Exit::Held;
    for path in &args.labs {
        match checked(path, args.deny_warnings, terminal) {
            Ok(Checked { lab, warnings }) => {
                let (devices, switches, steps) = (lab.devices.len(), lab.switches.len(), lab.steps.len());
                let mut out = terminal.out();
                let name = plain(path.display());
                write!(out, "{name}: ok: devices {devices}, switches {switches}, steps {steps}")?;
                if !lab.lesson.is_empty() {
                    write!(out, ", parts of the lesson {}", lab.lesson.len())?;
                }
                match &warnings {
                    Some(warnings) => writeln!(out, ", warnings {}", warnings.count())?,
                    None => writeln!(out)?,
                }
                out.flush()?;
                warnings.iter().for_each(|warnings| terminal.warn(warnings));
            }
            Err(failure) => {
                terminal.fail(&failure);
                exit = Exit::BadInput;
            }
        }
    }
    Ok(exit)
}

fn checked(path: &Path, deny_warnings: bool, terminal: &Terminal) -> Result<Checked, Failure> {
    let file = input::checked_lab(path, terminal)?;
    lesson_holds(path, &file, terminal)?;
    match file.checked {
        Checked { warnings: Some(warnings), .. } if deny_warnings => {
            Err(Failure::Shown(warnings.denied().render(terminal.error_colour)))
        }
        checked => Ok(checked),
    }
}

/// Checks what only running it shows, if the lab is a lesson.
fn lesson_holds(path: &Path, file: &CheckedFile, terminal: &Terminal) -> Result<(), Failure> {
    let Some(lesson) = Lesson::of(file.checked.lab.clone()) else { return Ok(()) };
    let faults = lesson.faults(&lesson::options(path, lesson.lab(), terminal)?);
    match point_out(&file.name, &file.text, faults.iter().map(Remark::from)) {
        Some(errors) => Err(Failure::Shown(errors.render(terminal.error_colour))),
        None => Ok(()),
    }
}
