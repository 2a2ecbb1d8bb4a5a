//! `macvlab live --control -`: requests on standard input, one per line.

use super::super::Failure;
use super::super::terminal::{Terminal, is_dash};
use super::caller::Caller;
use super::lines::{Line, Lines};
use super::request::Request;
use super::{put, split};
use clap::Parser;
use macvlab::live::RequestHandle;
use parking_lot::Mutex;
use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;

/// Requests to the running lab, one per line, with the syntax of `macvlab ctl`.
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
    /// Standard output, one writer at a time: the holder of this lock writes, however long the reader blocks.
    Stdout(Arc<Mutex<()>>),
    /// Standard error, because standard output is used for something else.
    Stderr,
}

/// Reads requests, sends them to the lab, and shows the answers.
pub(crate) struct Console {
    lines: Lines,
    lab: Caller,
    terminal: Terminal,
    answers: Answers,
    /// Input is not typed on a terminal, so errors name the line.
    numbered: bool,
    /// Number of the last line read, from 1.
    line: u64,
    /// The lab no longer answers.
    ended: bool,
}

impl Console {
    /// Reads from the standard input of this process.
    pub(crate) fn new(handle: RequestHandle, answers: Answers, terminal: &Terminal) -> io::Result<Console> {
        let stdin = io::stdin();
        let input = File::from(stdin.as_fd().try_clone_to_owned()?);
        let lines = Lines::of(input, handle.last_call);
        let (lab, terminal, numbered) = (Caller::over(handle.socket), terminal.clone(), !stdin.is_terminal());
        Ok(Console { lines, lab, terminal, answers, numbered, line: 0, ended: false })
    }

    /// Runs until the input ends or the lab does, then closes the lab's socket, which the lab waits for; a thread in a
    /// read that never returns is abandoned.
    pub(crate) fn start(mut self) -> io::Result<()> {
        let attend = move || {
            if let Err(e) = self.attend() {
                self.terminal.fail(&Failure::about("standard input", e));
            }
        };
        std::thread::Builder::new().name("console".to_owned()).spawn(attend).map(drop)
    }

    fn attend(&mut self) -> io::Result<()> {
        while !self.ended
            && let Some(line) = self.lines.next()?
        {
            self.line += 1;
            if let Err(failure) = self.carry_out(&line) {
                let place = if self.numbered { format!("line {}: ", self.line) } else { String::new() };
                self.terminal.fail_at(&place, &failure);
            }
        }
        Ok(())
    }

    /// Executes a line.
    fn carry_out(&mut self, line: &Line) -> Result<(), Failure> {
        let Some(request) = self.understand(line)? else { return Ok(()) };
        let wire = request.wire()?;
        let answer = self.lab.ask(&wire).map_err(|_| {
            self.ended = true;
            Failure::Because("the lab ended before it answered".to_owned())
        })?;
        self.show(&answer.map_err(Failure::Shown)?, request.out())
    }

    /// The request in a line, if there is one; prints help if the line asks for it.
    fn understand(&self, line: &Line) -> Result<Option<Request>, Failure> {
        let because = |why: &str| Failure::Because(why.to_owned());
        let Line::Whole(line) = line else { return Err(because("a line longer than any request")) };
        let line = str::from_utf8(line).map_err(|_| because("a line that is not UTF-8"))?;
        let words = split::words(line)?;
        let Some(first) = words.first() else { return Ok(None) };
        if let Some(why) = not_here(first) {
            return Err(because(why));
        }
        match Typed::try_parse_from(words) {
            Ok(Typed { request }) => Ok(Some(request)),
            Err(e) if e.use_stderr() => Err(Failure::Shown(rendered(&e, self.terminal.error_colour))),
            Err(help) => {
                let help = rendered(&help, self.terminal.colour);
                self.show(help.as_bytes(), Path::new("-")).map(|()| None)
            }
        }
    }

    fn show(&self, answer: &[u8], out: &Path) -> Result<(), Failure> {
        match &self.answers {
            _ if !is_dash(out) => put(answer, out, &self.terminal),
            Answers::Stdout(writing) => {
                let _writing = writing.lock();
                put(answer, out, &self.terminal)
            }
            Answers::Stderr => Ok(io::stderr().write_all(answer)?),
        }
    }
}

/// Explains why a word that a user may try is not a request.
fn not_here(word: &str) -> Option<&'static str> {
    match word {
        "dashboard" => Some(
            "the dashboard needs a separate terminal: give `--control PATH` as well, and there run \
             `macvlab ctl PATH dashboard`",
        ),
        "quit" | "exit" => Some("Ctrl-C or SIGTERM ends the lab"),
        _ => None,
    }
}

/// clap's message, in whole lines, with colours or without.
fn rendered(said: &clap::Error, colour: bool) -> String {
    let said = said.render();
    let said = if colour { said.ansi().to_string() } else { said.to_string() };
    format!("{}\n", said.trim_end())
}
