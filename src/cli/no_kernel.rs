//! `verify` in a build without the kernel backend.

use super::{Exit, Failure, Terminal};

const EXAMPLES: &str = "\
Examples:
  cargo build --release --features kernel
  sudo target/release/macvlab verify fixtures/labs/*.toml
                                        macvlab verify, once it is built with kernel support";

/// Run the same labs on the running Linux kernel, and compare (not in this build).
///
/// This program was built without the cargo feature `kernel`, or not for Linux.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Accepts every argument of `verify`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _rest: Vec<String>,
}

pub(super) fn run(_: &Args, _: &Terminal) -> Result<Exit, Failure> {
    Err(Failure::Because(
        "this macvlab was built without kernel support; on Linux: cargo build --release --features kernel, then \
         sudo target/release/macvlab verify …"
            .to_owned(),
    ))
}
