//! `macvlab completions SHELL` and `macvlab man [COMMAND]`

use super::terminal::Terminal;
use super::{Cli, Exit, Failure};
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::io::Write as _;

/// Print completions for a shell.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab completions bash > ~/.local/share/bash-completion/completions/macvlab
  macvlab completions fish > ~/.config/fish/completions/macvlab.fish

Exit codes: 0, or 2 on wrong usage.")]
pub(super) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// Print the manual page of macvlab or of a command.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab man | man -l -
  macvlab man run > macvlab-run.1

Exit codes: 0, or 2 if there is no such command.")]
pub(super) struct ManArgs {
    /// A command, such as run.
    command: Option<String>,
}

/// Runs the command.
pub(super) fn completions(args: &CompletionsArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut out = terminal.out();
    clap_complete::generate(args.shell, &mut Cli::command(), "macvlab", &mut out);
    out.flush()?;
    Ok(Exit::Held)
}

/// Runs the command.
pub(super) fn man(args: &ManArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut root = Cli::command();
    root.build();
    let command = match &args.command {
        None => root,
        Some(name) => {
            let command = root.find_subcommand(name).cloned();
            command.ok_or_else(|| Failure::Because(format!("there is no command `{name}`")))?
        }
    };
    let mut out = terminal.out();
    clap_mangen::Man::new(command).render(&mut out)?;
    out.flush()?;
    Ok(Exit::Held)
}
