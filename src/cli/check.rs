//! `macvlab check LAB …`

use super::terminal::Terminal;
use super::{Exit, Failure, input};
use macvlab::plain::plain;
use std::io::Write as _;
use std::path::PathBuf;

/// Check lab files without running them.
///
/// Reports for each file whether it can be run, and shows each error with its line and column. Operations that the
/// kernel would refuse are not errors in the file.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab check lab.toml
  macvlab check labs/*.toml

Exit codes: 0 every file can be run, 2 wrong usage, or a file cannot be run, 130 after Ctrl-C.")]
pub(super) struct Args {
    /// Lab files; - is standard input.
    #[arg(required = true, value_name = "LAB")]
    labs: Vec<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut exit = Exit::Held;
    for path in &args.labs {
        match input::lab(path, terminal) {
            Ok(spec) => {
                let mut out = terminal.out();
                let (devices, switches, steps) = (spec.devices.len(), spec.switches.len(), spec.steps.len());
                writeln!(
                    out,
                    "{}: ok: devices {devices}, switches {switches}, steps {steps}",
                    plain(path.display())
                )?;
                out.flush()?;
            }
            Err(failure) => {
                terminal.fail(&failure);
                exit = Exit::BadInput;
            }
        }
    }
    Ok(exit)
}
