//! `macvlab live --control -`: requests by standard input, one a line.

use super::super::Failure;
use super::super::terminal::{Terminal, is_dash};
use super::lines::{Line, Lines};
use super::request::Request;
use super::{Caller, put, split};
use clap::Parser;
use macvlab::live::Asker;
use parking_lot::Mutex;
use serde_json::Value;
use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;

/// Requests to the lab that runs, one a line, in the words of `macvlab ctl`.
#[derive(Parser)]
#[command(
    name = "",
    no_binary_name = true,
    override_usage = "REQUEST …",
    subcommand_help_heading = "Requests",
    after_help = "Examples:
  set c1 mode=bridge
  set c1 sources={ add = [\"02:00:00:00:00:01\"] }
  dump --as pcapng -o last.pcapng

Ctrl-C ends the lab; the end of the input does not."
)]
struct Typed {
    #[command(subcommand)]
    request: Request,
}

/// Where answers go, unless a request names a file.
#[derive(Clone, Debug)]
pub(crate) enum Answers {
    /// Standard output, one writer at a time: whoever holds this writes, however long nobody reads.
    Stdout(Arc<Mutex<()>>),
    /// Standard error, because something else goes to standard output.
    Stderr,
}

/// Reads requests, asks the lab, and shows the answers.
pub(crate) struct Console {
    lines: Lines,
    lab: Caller,
    terminal: Terminal,
    output: Answers,
    /// Nobody sees which line was wrong, so that it is told.
    numbered: bool,
    /// The line that was read last, from 1.
    line: u64,
}

impl Console {
    /// On the standard input of this process.
    pub(crate) fn new(asker: Asker, output: Answers, terminal: &Terminal) -> io::Result<Console> {
        let stdin = io::stdin();
        let input = File::from(stdin.as_fd().try_clone_to_owned()?);
        let lines = Lines::of(input, asker.last_call);
        let (lab, terminal, numbered) = (Caller::over(asker.socket), terminal.clone(), !stdin.is_terminal());
        Ok(Console { lines, lab, terminal, output, numbered, line: 0 })
    }

    /// Goes on by itself until the input has ended or the lab does. Then the lab's socket is closed, which the lab waits
    /// for: whoever is in a read that never returns is left behind.
    pub(crate) fn start(mut self) -> io::Result<()> {
        let attend = move || {
            if let Err(e) = self.attend() {
                self.terminal.fail(&Failure::about("standard input", e));
            }
        };
        std::thread::Builder::new().name("console".to_owned()).spawn(attend).map(drop)
    }

    fn attend(&mut self) -> io::Result<()> {
        while let Some(line) = self.lines.next()? {
            self.line += 1;
            let (request, wire) = match self.understand(&line) {
                Ok(Some(request)) => request,
                Ok(None) => continue,
                Err(failure) => {
                    self.complain(&failure);
                    continue;
                }
            };
            let done = match self.lab.ask(&wire) {
                Ok(Ok(answer)) => self.show(&answer, request.out()),
                Ok(Err(why)) => Err(Failure::Shown(why)),
                Err(_) => {
                    self.complain(&Failure::Shown("the lab ended before it answered".to_owned()));
                    return Ok(());
                }
            };
            if let Err(failure) = done {
                self.complain(&failure);
            }
        }
        Ok(())
    }

    /// What a line asks of the lab, if it does; who asks for help has it afterwards.
    fn understand(&self, line: &Line) -> Result<Option<(Request, Value)>, Failure> {
        let Line::Whole(line) = line else {
            return Err(Failure::Because("a line longer than any request".to_owned()));
        };
        let line =
            str::from_utf8(line).map_err(|_| Failure::Because("a line that is not UTF-8".to_owned()))?;
        let words = split::words(line)?;
        match words.first().map(String::as_str) {
            None => return Ok(None),
            Some("dashboard") => {
                let why = "the dashboard needs a terminal of its own: `--control PATH` as well, and there \
                           `macvlab ctl PATH dashboard`";
                return Err(Failure::Because(why.to_owned()));
            }
            Some("quit" | "exit") => {
                return Err(Failure::Because("Ctrl-C or SIGTERM ends the lab".to_owned()));
            }
            Some(_) => {}
        }
        match Typed::try_parse_from(words) {
            Ok(Typed { request }) => request.wire().map(|wire| Some((request, wire))),
            Err(e) if e.use_stderr() => Err(Failure::Shown(rendered(&e, self.terminal.error_colour))),
            Err(help) => {
                self.show(rendered(&help, self.terminal.colour).as_bytes(), Path::new("-")).map(|()| None)
            }
        }
    }

    fn show(&self, answer: &[u8], out: &Path) -> Result<(), Failure> {
        match &self.output {
            _ if !is_dash(out) => put(answer, out, &self.terminal),
            Answers::Stdout(writing) => {
                let _writing = writing.lock();
                put(answer, out, &self.terminal)
            }
            Answers::Stderr => Ok(io::stderr().write_all(answer)?),
        }
    }

    fn complain(&self, failure: &Failure) {
        let place = if self.numbered { format!("line {}: ", self.line) } else { String::new() };
        match failure {
            Failure::Because(why) | Failure::Shown(why) => {
                self.terminal.say(format_args!("{place}{}", why.trim_end()));
            }
        }
    }
}

/// What clap says, in whole lines, with colours or without.
fn rendered(said: &clap::Error, colour: bool) -> String {
    let said = said.render();
    let said = if colour { said.ansi().to_string() } else { said.to_string() };
    format!("{}\n", said.trim_end())
}
