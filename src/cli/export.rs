//! `macvlab export LANGUAGE LAB`

use super::terminal::{Output, Terminal, is_dash};
use super::{Exit, Failure, input, words};
use macvlab::interop::export;
use std::io::Write as _;
use std::path::PathBuf;

/// Write a lab in the language of another tool.
///
/// What the language cannot say is a comment. The lab may be anything that `import` reads.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab export ip lab.toml -o lab.sh  a script that builds the lab in network namespaces
  sh lab.sh; sh lab.sh clean            builds it, and removes it again
  macvlab export docker lab.toml        docker network create, docker run, and the host's shim
  macvlab export nad compose.yaml       a compose file as NetworkAttachmentDefinitions and pods
  macvlab export --list                 the languages

Exit codes: 0 success, 2 wrong usage or input, 130 after Ctrl-C.")]
pub(super) struct Args {
    /// The language.
    #[arg(required_unless_present = "list", value_parser = words::Known(languages), hide_possible_values = true)]
    language: Option<String>,
    /// The lab file; - is standard input, demo:NAME a built-in lab, host the running machine.
    #[arg(required_unless_present = "list")]
    lab: Option<PathBuf>,
    /// Where to write it; - is standard output.
    #[arg(short, long, value_name = "FILE", default_value = "-", hide_default_value = true)]
    out: PathBuf,
    /// List the languages.
    #[arg(long)]
    list: bool,
}

/// The names of the languages, each with what is written.
fn languages() -> Vec<(&'static str, &'static str)> {
    export::LANGUAGES.iter().map(|language| (language.name, language.about)).collect()
}

/// Runs the command.
pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let (Some(language), Some(lab)) = (&args.language, &args.lab) else {
        let mut out = terminal.out();
        for language in export::LANGUAGES {
            writeln!(out, "{:<12} {}", language.name, language.about)?;
        }
        out.flush()?;
        return Ok(Exit::Held);
    };
    let lab = input::lab(lab, terminal)?;
    let text = export::export(language, &lab).map_err(|error| Failure::Because(error.to_string()))?;
    let mut output = Output::create(&args.out, terminal)?;
    let written = output.write_all(text.as_bytes()).and_then(|()| output.commit());
    let name = if is_dash(&args.out) { "standard output".to_owned() } else { args.out.display().to_string() };
    written.map_err(|e| Failure::about(name, e))?;
    Ok(Exit::Held)
}
