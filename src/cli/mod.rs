//! The command line, in three steps: the arguments (clap's types, which never leave this module), a plan (the arguments
//! checked as far as possible before anything runs), and its execution.
//!
//! | file | command |
//! | --- | --- |
//! | `bench/` | `bench` |
//! | `check.rs` | `check LAB …` |
//! | `ctl/` | `ctl SOCKET …` (Linux), and `live --control -` |
//! | `demo.rs` | `demo [NAME]`, with the list of built-in labs in `demos.rs`, run by `experiment.rs`; lessons in
//! `lesson/` |
//! | `draw.rs` | `draw LAB` |
//! | `explain.rs` | `explain LAB`, with the frame built by `aim.rs` |
//! | `live.rs` | `live LAB` (Linux), with its capture from `rolling.rs` |
//! | `matrix.rs` | `matrix [LAB]` |
//! | `play.rs` | `play [LAB]`, with the feature `play`; otherwise `no_play.rs` prints an error |
//! | `diagnose.rs` | `diagnose INPUT …` |
//! | `export.rs` | `export LANGUAGE LAB` |
//! | `import.rs` | `import [FORMAT] INPUT …` |
//! | `generate.rs` | `generate OUT.pcap` |
//! | `replay/` | `replay CAPTURE … --lab LAB` |
//! | `rules.rs` | `rules [ID]` |
//! | `run.rs` | `run LAB` |
//! | `shell.rs` | `completions SHELL`, `man [COMMAND]` |
//! | `verify/` | `verify [LAB …]`, with the feature `kernel`; otherwise `no_kernel.rs` prints an error |
//! | `why.rs` | `why LAB FROM TO` |
//!
//! Results go to standard output, everything else to standard error (`terminal.rs`); `input.rs` opens inputs,
//! `views.rs` outputs, and `distinct.rs` checks that they differ; `words.rs` has words that completions know;
//! `interrupt.rs` handles Ctrl-C.

mod aim;
mod bench;
mod check;
#[cfg(target_os = "linux")]
mod ctl;
mod demo;
mod demos;
mod diagnose;
mod distinct;
mod draw;
mod experiment;
mod explain;
mod export;
mod generate;
mod import;
mod input;
mod interrupt;
mod lesson;
#[cfg(target_os = "linux")]
mod live;
mod matrix;
#[cfg(not(feature = "serve"))]
#[path = "no_play.rs"]
mod play;
#[cfg(feature = "serve")]
mod play;
mod replay;
#[cfg(target_os = "linux")]
mod rolling;
mod rules;
mod run;
mod shell;
mod terminal;
#[cfg(not(all(feature = "kernel", target_os = "linux")))]
#[path = "no_kernel.rs"]
mod verify;
#[cfg(all(feature = "kernel", target_os = "linux"))]
mod verify;
mod views;
mod why;
mod words;

use clap::{Parser, Subcommand, ValueEnum};
use macvlab::language::Language;
use std::fmt;
use std::process::ExitCode;
use terminal::Terminal;

const EXAMPLES: &str = "Examples:
  macvlab demo                          the ARP hairpin experiment in every mode
  macvlab demo --tour                   a course in eight lessons; --quiz asks for your answers
  macvlab why lab.toml c1 c2            why c1 does not reach c2, and what would help
  macvlab run lab.toml --explain        every hop of a lab, and the rule that decided it
  macvlab run lab.toml --json | jq .    the same as events
  macvlab explain lab.toml --at c1 --arp c2
                                        the whole path of one frame, and why other devices do not get it
  macvlab matrix                        who reaches whom, in every pair of modes
  macvlab play                          change a lab in the browser, and watch
  macvlab replay in.pcap --lab lab.toml --out-dir out
                                        the frames of a capture that each device would receive
  macvlab rules R14                     one rule, with its reason
  macvlab draw lab.toml > lab.svg       its devices; with --sequence, its steps
  macvlab demo vepa --show > lab.toml   a lab as a starting point; demo:vepa works as a lab file name

Exit codes: 0 success, 1 an expectation did not hold, 2 wrong usage or input, 130 after Ctrl-C.";

/// A macvlan laboratory in userspace.
///
/// A simulated NIC passes frames to macvlan ports, an external switch, with or without hairpin, answers on the wire,
/// and every frame is decided as the Linux kernel would decide it, by a rule that can be looked up.
#[derive(Parser)]
#[command(name = "macvlab", version, after_help = EXAMPLES, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Use colours: on a terminal that supports them (auto), always, or never.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    #[arg(display_order = 900)]
    color: Color,
    /// The language of reports, lessons and pages, en or zh; without it, that of the locale (LANG).
    #[arg(long, global = true, value_name = "LANG", hide_possible_values = true, display_order = 901)]
    lang: Option<Lang>,
}

/// A language of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Lang {
    En,
    Zh,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Run(run::Args),
    Why(why::Args),
    Explain(explain::Args),
    Matrix(matrix::Args),
    Draw(draw::Args),
    Play(play::Args),
    Replay(replay::Args),
    #[cfg(target_os = "linux")]
    Live(live::Args),
    #[cfg(target_os = "linux")]
    Ctl(ctl::Args),
    Generate(generate::Args),
    Bench(bench::Args),
    Rules(rules::Args),
    Check(check::Args),
    Import(import::Args),
    Diagnose(diagnose::Args),
    Export(export::Args),
    Completions(shell::CompletionsArgs),
    Man(shell::ManArgs),
    Verify(verify::Args),
}

/// When to colour.
#[derive(Clone, Copy, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// The result of a command that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// Everything succeeded.
    Held,
    /// An expectation did not hold.
    DidNotHold,
    /// Part of the input was unusable, or an output failed; the outputs that exist are valid.
    BadInput,
    /// Ctrl-C; outputs are valid as far as they go.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Held => 0,
            Exit::DidNotHold => 1,
            Exit::BadInput => 2,
            Exit::Interrupted => interrupt::EXIT_CODE,
        })
    }
}

/// Why a command could not run.
#[derive(Debug)]
enum Failure {
    /// In one sentence.
    Because(String),
    /// Already formatted, such as diagnostics that show lines of a file.
    Shown(String),
    /// The command was asked to stop before it produced anything.
    Interrupted,
}

impl Failure {
    /// An error about a file or a device: `NAME: what is wrong`.
    fn about(name: impl fmt::Display, what: impl fmt::Display) -> Failure {
        Failure::Because(format!("{name}: {what}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Because(error.to_string())
    }
}

/// Parses the arguments, runs the command, and returns its result.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    let colour = match cli.color {
        Color::Auto => None,
        Color::Always => Some(true),
        Color::Never => Some(false),
    };
    let language = cli.lang.map(|lang| match lang {
        Lang::En => Language::English,
        Lang::Zh => Language::Chinese,
    });
    let terminal = Terminal::new(colour, language);
    let exit = begin(&cli.command).and_then(|()| carry_out(cli.command, &terminal));
    match exit {
        // A command that ends with bad input has reported the error.
        Ok(exit) => match terminal.lost() {
            Some(failure) if !matches!(exit, Exit::BadInput) => {
                terminal.fail(&failure);
                Exit::BadInput.into()
            }
            _ => exit.into(),
        },
        Err(Failure::Interrupted) => Exit::Interrupted.into(),
        Err(failure) => {
            terminal.fail(&failure);
            Exit::BadInput.into()
        }
    }
}

/// A signal ends the program at once until a command handles it. Commands that may need a user namespace must create it
/// while the process has one thread only, and install their handlers after that.
fn begin(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Verify(_) | Command::Bench(_) => Ok(()),
        _ => interrupt::Interrupt::ends(|| "interrupted".to_owned()),
    }
}

fn carry_out(command: Command, terminal: &Terminal) -> Result<Exit, Failure> {
    match command {
        Command::Demo(args) => demo::run(&args, terminal),
        Command::Run(args) => run::run(args, terminal),
        Command::Why(args) => why::run(args, terminal),
        Command::Explain(args) => explain::run(args, terminal),
        Command::Draw(args) => draw::run(&args, terminal),
        Command::Matrix(args) => matrix::run(&args, terminal),
        Command::Play(args) => play::run(&args, terminal),
        Command::Replay(args) => replay::run(args, terminal),
        #[cfg(target_os = "linux")]
        Command::Live(args) => live::run(&args, terminal),
        #[cfg(target_os = "linux")]
        Command::Ctl(args) => ctl::run(&args, terminal),
        Command::Generate(args) => generate::run(args, terminal),
        Command::Bench(args) => bench::run(&args, terminal),
        Command::Rules(args) => rules::run(args, terminal),
        Command::Check(args) => check::run(&args, terminal),
        Command::Import(args) => import::run(&args, terminal),
        Command::Diagnose(args) => diagnose::run(&args, terminal),
        Command::Export(args) => export::run(&args, terminal),
        Command::Completions(args) => shell::completions(&args, terminal),
        Command::Man(args) => shell::man(&args, terminal),
        Command::Verify(args) => verify::run(&args, terminal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(&format!("macvlab {}", command.get_name())), "{}", command.get_name());
        }
    }
}
