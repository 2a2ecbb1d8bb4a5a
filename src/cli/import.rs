//! `macvlab import [FORMAT] [INPUT …]`

use super::terminal::{Output, Terminal, is_dash};
use super::{Exit, Failure, input, words};
use macvlab::interop::{self, Source};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Make a lab of what people have: command lines, configurations, and the output of tools.
///
/// The format is recognised. Several inputs describe one network together: a compose file, and the `ip a` of its host. A
/// comment in the lab tells what was guessed or left out, and what is a default of the tool. Nothing is executed or
/// fetched, except for `host`: this is the running machine, with all network namespaces that may be entered. What `ip`,
/// `bridge` and `sysctl` say there is read; nothing is changed.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab import notes.txt              command lines as pasted, with prompts and output
  macvlab import - < notes.txt          the same from standard input
  macvlab import notes.txt -o lab.toml  the lab as a file
  macvlab import host.txt switch.txt    two inputs, one network
  macvlab import compose notes.txt      an input whose format is not recognised
  macvlab import host -o lab.toml       the running machine with its containers
  macvlab import host:web,db            only these network namespaces, and its own
  macvlab import host --collected > host.txt
                                        what was read there, to import it elsewhere
  macvlab import --list                 the formats

Exit codes: 0 success, 2 wrong usage or input, 130 after Ctrl-C.")]
pub(super) struct Args {
    /// The files; - is standard input, host the running machine. The first may be the name of a format.
    inputs: Vec<PathBuf>,
    /// Read every input as this format (default: recognised).
    #[arg(long, value_name = "FORMAT", value_parser = words::Known(formats), hide_possible_values = true)]
    format: Option<String>,
    /// Write what was read of the running machine, not the lab.
    #[arg(long)]
    collected: bool,
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
    let (format, inputs) = split(args);
    if inputs.is_empty() {
        return Err(input::missing());
    }
    let is_running = inputs.iter().any(|path| input::is_running(path));
    if args.collected && (inputs.len() > 1 || !is_running) {
        return Err(Failure::Because("--collected is for the input `host`, and no other".to_owned()));
    }
    if format.is_some() && is_running {
        return Err(Failure::Because("`host` is in no other format: leave the format out".to_owned()));
    }
    let texts: Vec<(String, String)> = inputs.iter().map(|path| text(path)).collect::<Result<_, _>>()?;
    let text = if args.collected {
        texts.into_iter().map(|(_, text)| text).collect()
    } else {
        let imported = interop::import(&sources(&texts), format);
        imported.map_err(|error| Failure::Because(error.to_string()))?.lab_file()
    };
    let mut output = Output::create(&args.out, terminal)?;
    let written = output.write_all(text.as_bytes()).and_then(|()| output.commit());
    let name = if is_dash(&args.out) { "standard output".to_owned() } else { args.out.display().to_string() };
    written.map_err(|e| Failure::about(name, e))?;
    Ok(Exit::Held)
}

/// The names of the formats, each with what it reads.
fn formats() -> Vec<(&'static str, &'static str)> {
    interop::FORMATS.iter().map(|format| (format.name(), format.about())).collect()
}

/// The format, if one is given, and the inputs. A first word that names a format, and no file, is the format.
fn split(args: &Args) -> (Option<&str>, &[PathBuf]) {
    if let (None, Some((first, rest))) = (&args.format, args.inputs.split_first())
        && let Some((name, _)) = formats().into_iter().find(|(name, _)| first == Path::new(name))
        && !first.exists()
    {
        return (Some(name), rest);
    }
    (args.format.as_deref(), &args.inputs)
}

/// The name of an input in messages, and its text.
fn text(path: &Path) -> Result<(String, String), Failure> {
    match input::is_running(path) {
        true => input::any_text(path),
        false => input::text(path, interop::MAX_BYTES),
    }
}

/// Texts by their names.
pub(super) fn sources(texts: &[(String, String)]) -> Vec<Source<'_>> {
    texts.iter().map(|(name, text)| Source::new(name.as_str(), text)).collect()
}
