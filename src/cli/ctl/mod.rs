//! `macvlab ctl SOCKET …`, and the same requests on the standard input of `macvlab live`.
//!
//! | file | what it does |
//! | --- | --- |
//! | `request.rs` | the requests, as typed and as sent to the lab |
//! | `caller.rs` | sends them over a socket |
//! | `console.rs` | `macvlab live --control -`: reads requests, sends them, shows the answers |
//! | `dashboard.rs` | `ctl SOCKET dashboard`: rates, links and the last hops on the terminal (feature `dashboard`) |
//! | `lines.rs`, `split.rs` | the lines of standard input, and their words |

mod caller;
mod console;
#[cfg(feature = "dashboard")]
mod dashboard;
mod lines;
mod request;
mod split;

use caller::Caller;
pub(super) use console::{Answers, Console};

use super::terminal::{Output, Terminal, is_dash};
use super::{Exit, Failure};
use clap::Subcommand;
use request::Request;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Query a running `macvlab live --control SOCKET`, or change its lab.
///
/// A change is a step of the lab file, with the same keys and the same errors: a value is written as in the file, or
/// bare, with on and off for true and false. `macvlab live --control -` accepts the same requests on standard input.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab ctl /tmp/lab.sock show        the devices, their state, the attached backends
  macvlab ctl /tmp/lab.sock counters
  macvlab ctl /tmp/lab.sock fdb         the stations behind each switch port
  macvlab ctl /tmp/lab.sock neigh       the neighbours that each device knows
  macvlab ctl /tmp/lab.sock set c1 mode=bridge
  macvlab ctl /tmp/lab.sock set relay.a hairpin=off
                                        the switch relay's port for a
  macvlab ctl /tmp/lab.sock add c3 parent=eth0 mode=private
  macvlab ctl /tmp/lab.sock remove c3
  macvlab ctl /tmp/lab.sock dump        the last hops, and the rules that decided
  macvlab ctl /tmp/lab.sock dump --as pcapng -o last.pcapng

Exit codes: 0 success, 1 the lab refused it, as the kernel would, 2 wrong usage, or no answer.")]
pub(super) struct Args {
    /// The socket that `macvlab live --control` listens on.
    socket: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Request(Request),
    /// Show live rates, links and the last hops on the terminal.
    #[cfg(feature = "dashboard")]
    Dashboard,
}

/// Runs the command.
pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    match &args.command {
        Command::Request(request) => ask(request, &args.socket, terminal),
        #[cfg(feature = "dashboard")]
        Command::Dashboard => dashboard::run(&args.socket),
    }
}

/// Sends one request and shows the answer.
fn ask(request: &Request, socket: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    let about = |e| Failure::about(socket.display(), e);
    let wire = request.wire()?;
    match Caller::at(socket).and_then(|mut lab| lab.ask(&wire)).map_err(about)? {
        Ok(answer) => {
            put(&answer, request.out(), terminal)?;
            Ok(Exit::Held)
        }
        Err(why) => {
            terminal.say(why.trim_end());
            Ok(Exit::DidNotHold)
        }
    }
}

/// Writes an answer.
fn put(answer: &[u8], out: &Path, terminal: &Terminal) -> Result<(), Failure> {
    let mut output = Output::create(out, terminal)?;
    let written = output.write_all(answer).and_then(|()| output.commit());
    if is_dash(out) {
        return written.map_err(|e| Failure::about("standard output", e));
    }
    written.map_err(|e| Failure::about(out.display(), e))?;
    terminal.say(format_args!("{}: {} bytes", out.display(), answer.len()));
    Ok(())
}
