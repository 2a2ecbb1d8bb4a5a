//! `play` in a build without the web server.

use super::{Exit, Failure, Terminal};

/// Try things out in a browser (not in this build).
///
/// This program was built without the cargo feature `play`, which is on by default.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo build --release
  macvlab play                          the classic set-up, once it is built with the web server")]
pub(super) struct Args {
    /// Accepts every argument of `play`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _rest: Vec<String>,
}

pub(super) fn run(_: &Args, _: &Terminal) -> Result<Exit, Failure> {
    let why = "this macvlab was built without the web server: cargo build --release --features play";
    Err(Failure::Because(why.to_owned()))
}
