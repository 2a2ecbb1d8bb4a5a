//! `macvlab import [INPUT …]`

use super::terminal::{Output, Terminal, is_dash};
use super::{Exit, Failure, input};
use macvlab::interop::{self, Source};
use std::io::Write as _;
use std::path::PathBuf;

/// Make a lab of what people have: command lines, configurations, and the output of tools.
///
/// The format is recognised. Several inputs describe one network together: a compose file, and the `ip a` of its host. A
/// comment in the lab tells what was guessed or left out, and what is a default of the tool. Nothing is executed or
/// fetched.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab import notes.txt              command lines as pasted, with prompts and output
  macvlab import - < notes.txt          the same from standard input
  macvlab import notes.txt -o lab.toml  the lab as a file
  macvlab import host.txt switch.txt    two inputs, one network
  macvlab import --list                 the formats

Exit codes: 0 success, 2 wrong usage or input, 130 after Ctrl-C.")]
pub(super) struct Args {
    /// The files; - is standard input.
    #[arg(required_unless_present = "list")]
    inputs: Vec<PathBuf>,
    /// Read every input as this format (default: recognised).
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Where to write the lab; - is standard output.
    #[arg(short, long, value_name = "FILE", default_value = "-", hide_default_value = true)]
    out: PathBuf,
    /// List the formats.
    #[arg(long)]
    list: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    if args.list {
        let mut out = terminal.out();
        for format in interop::FORMATS {
            writeln!(out, "{:<10} {}", format.name(), format.about())?;
        }
        out.flush()?;
        return Ok(Exit::Held);
    }
    let texts: Vec<(String, String)> =
        args.inputs.iter().map(|path| input::text(path, interop::MAX_BYTES)).collect::<Result<_, _>>()?;
    let imported = interop::import(&sources(&texts), args.format.as_deref());
    let imported = imported.map_err(|error| Failure::Because(error.to_string()))?;
    let mut output = Output::create(&args.out, terminal)?;
    let written = output.write_all(imported.lab_file().as_bytes()).and_then(|()| output.commit());
    let name = if is_dash(&args.out) { "standard output".to_owned() } else { args.out.display().to_string() };
    written.map_err(|e| Failure::about(name, e))?;
    Ok(Exit::Held)
}

/// Texts by their names.
pub(super) fn sources(texts: &[(String, String)]) -> Vec<Source<'_>> {
    texts.iter().map(|(name, text)| Source::new(name.as_str(), text)).collect()
}
