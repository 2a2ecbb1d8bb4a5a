//! `macvlab check LAB …`

use super::terminal::Terminal;
use super::{Exit, Failure, input};
use macvlab::plain::plain;
use std::io::Write as _;
use std::path::PathBuf;

/// Check lab files without running them.
///
/// Says of each file whether it can be run, and shows what is wrong with its line and column. What the kernel would
/// refuse is no mistake in the file.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab check lab.toml
  macvlab check labs/*.toml

Exit codes: 0 every file can be run, 2 wrong usage, or a file cannot, 130 after Ctrl-C.")]
pub(super) struct Args {
    /// Lab files; - is standard input.
    #[arg(required = true, value_name = "LAB")]
    labs: Vec<PathBuf>,
}

/// Does it.
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
