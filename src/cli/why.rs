//! `macvlab why LAB FROM TO`

use super::terminal::{Terminal, is_dash};
use super::{Exit, Failure, aim, input, run};
use macvlab::lab::Options;
use macvlab::lab::spec::{LabSpec, Name, Target};
use macvlab::labfile;
use macvlab::report::WhyReport;
use macvlab::station::ProbeKind;
use macvlab::why::{self, Question};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Say why one device does not reach another, and which changes would help.
///
/// The device pings the other one, after the lab's steps. Without a reply, every single change that a person could make is
/// tried in a copy of the lab: another mode, hairpin, an address, a gateway, a policy relaxed, and so on. Those that help
/// are listed, the least intrusive first, with the commands of a real system, the lines of the lab file, and with what
/// else they do to the lab.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab why demo:vepa c1 c2           why c1 does not reach c2, and what would help
  macvlab why lab.toml c1 192.168.128.1 an IP address as the target
  macvlab why lab.toml c1 c2 --tcp      by a TCP connection to port 7 (echo)
  macvlab why lab.toml c1 c2 --after 0  without the lab's steps
  macvlab why lab.toml c1 c2 --json | jq .
                                        as one object

Exit codes: 0 whether there is a reply or not, 2 for wrong usage or input, 130 after Ctrl-C.")]
pub(super) struct Args {
    /// The lab file; - is standard input, demo:NAME a built-in lab.
    lab: PathBuf,
    /// The device or host that asks.
    from: Name,
    /// The device, host or IP address that it asks.
    to: String,
    /// A UDP datagram to port 7 (echo) and back, instead of a ping.
    #[arg(long, conflicts_with = "tcp")]
    udp: bool,
    /// A TCP connection to port 7 (echo), instead of a ping.
    #[arg(long)]
    tcp: bool,
    /// Run only this many of the lab's steps first (default: all).
    #[arg(long, value_name = "N")]
    after: Option<usize>,
    /// Write one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut spec = input::lab_to_run(&args.lab, false, terminal)?;
    let steps = spec.steps.len();
    if let Some(after) = args.after.filter(|after| *after > steps) {
        let why = format!("the lab has {steps} steps, so there is no `--after {after}`");
        return Err(Failure::Because(why));
    }
    let question = question(&args, &spec)?;
    spec.steps.truncate(args.after.unwrap_or(steps));
    let folder = match args.lab.parent() {
        Some(folder) if !is_dash(&args.lab) => folder,
        _ => Path::new(""),
    };
    let (captures, _) = run::captures(&spec, folder, terminal)?;
    let answer = why::ask(&spec, &question, &Options::default().with_captures(captures));
    let report = WhyReport::new(&question, &answer, &|tried| labfile::tried_text(&spec, tried));
    let mut out = terminal.out();
    if args.json {
        report.json(&mut out)?;
    } else {
        report.in_language(terminal.language).text(&mut out, terminal.colour)?;
    }
    out.flush()?;
    Ok(Exit::Held)
}

fn question(args: &Args, spec: &LabSpec) -> Result<Question, Failure> {
    let mut known = aim::names(spec);
    known.extend(spec.hosts.iter().map(|host| host.name.to_string()));
    aim::check(&args.from, &known)?;
    let to = match args.to.parse() {
        _ if known.contains(&args.to) => Target::Device(args.to.as_str().into()),
        Ok(address) => Target::Address(address),
        Err(_) => {
            let (target, known) = (args.to.escape_debug(), known.join(", "));
            return Err(Failure::Because(format!(
                "`{target}` is neither an IP address nor a device of the lab, which has {known}"
            )));
        }
    };
    let kind = match (args.udp, args.tcp) {
        (true, _) => ProbeKind::Udp,
        (_, true) => ProbeKind::Tcp,
        _ => ProbeKind::Ping,
    };
    Ok(Question { from: args.from.clone(), to, kind })
}
