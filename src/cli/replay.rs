//! `macvlab replay CAPTURE --lab LAB`

use super::devices::DeviceCaptures;
use super::input::{self, Capture};
use super::interrupt::Interrupt;
use super::terminal::{Out, Terminal, is_dash};
use super::views::{Files, Shown, Views};
use super::{Exit, Failure};
use indicatif::{ProgressBar, ProgressStyle};
use macvlab::lab::spec::{DeviceKind, Name};
use macvlab::lab::{Event, HopKind, Lab, LabSpec, Options};
use macvlab::report::{CountersTable, Detail};
use macvlab::verdict::Rule;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// Records between two movements of the progress bar.
const PROGRESS_EVERY: u64 = 1024;

/// Send a capture's frames through a lab.
///
/// The frames arrive at a NIC of the lab, or are sent by one of its stations or ports, at the times at which they were
/// captured. The lab's steps are not run, and its devices record what they receive without answering it. Captures may
/// be pcap or pcapng, plain or compressed with gzip or zstd. A bad record is reported and left out.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab replay in.pcap --lab lab.toml --out-dir out
                                        out/DEVICE.pcap: what each device receives
  macvlab replay in.pcapng.gz --lab lab.toml --at win -o all.pcapng
                                        sent by station win; every hop with its rule as a comment
  zcat in.gz | macvlab replay - --lab lab.toml --explain --limit 10
                                        the first ten frames, hop by hop

Exit codes: 0, 1 if a device of the lab was refused, 2 on wrong usage or input, 130 after Ctrl-C.
The outputs are whole as far as they go, after bad records and after Ctrl-C too.")]
pub(super) struct Args {
    /// The capture; - is standard input.
    capture: PathBuf,
    /// The lab file.
    #[arg(long)]
    lab: PathBuf,
    /// Where the frames come in: a NIC takes them from its cable, any other device sends them [default: the only NIC].
    #[arg(long, value_name = "DEVICE")]
    at: Option<String>,
    /// Write what each device receives to DIR/DEVICE.pcap.
    #[arg(long, value_name = "DIR")]
    out_dir: Option<PathBuf>,
    /// Write every hop as a packet with its rule as a comment; - is standard output.
    #[arg(short, value_name = "OUT.pcapng")]
    output: Option<PathBuf>,
    /// Write the events to standard output, one JSON object a line.
    #[arg(long, conflicts_with_all = ["explain", "quiet"])]
    json: bool,
    /// Tell every hop of every frame.
    #[arg(long, conflicts_with = "quiet")]
    explain: bool,
    /// No counters on standard output.
    #[arg(long, short)]
    quiet: bool,
    /// Stop after so many records.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

/// What was typed, checked.
struct Plan {
    spec: LabSpec,
    capture: PathBuf,
    entry: Entry,
    out_dir: Option<PathBuf>,
    files: Files,
    shown: Shown,
    limit: u64,
}

/// Where the frames come in.
struct Entry {
    device: Name,
    /// They come by its cable; else the device sends them.
    from_wire: bool,
}

impl Plan {
    fn of(args: Args, terminal: &Terminal) -> Result<Plan, Failure> {
        if is_dash(&args.capture) && is_dash(&args.lab) {
            let why = "the capture and the lab cannot both come from standard input";
            return Err(Failure::Because(why.to_owned()));
        }
        let files = Files { capture: args.output, page: None };
        let shown = Shown::of(args.json, args.explain, args.quiet, &files)?;
        let spec = input::lab(&args.lab, terminal)?;
        let entry = Entry::of(&spec, args.at)?;
        let Args { capture, out_dir, limit, .. } = args;
        Ok(Plan { spec, capture, entry, out_dir, files, shown, limit: limit.unwrap_or(u64::MAX) })
    }
}

impl Entry {
    fn of(spec: &LabSpec, at: Option<String>) -> Result<Entry, Failure> {
        let nics: Vec<_> = spec.devices.iter().filter(|d| matches!(d.kind, DeviceKind::Nic(_))).collect();
        let Some(device) = at else {
            return match nics.as_slice() {
                [nic] => Ok(Entry { device: nic.name.clone(), from_wire: true }),
                [] => Err(Failure::Because("the lab has no NIC; name a device with --at".to_owned())),
                nics => {
                    let names: Vec<_> = nics.iter().map(|n| n.name.as_str()).collect();
                    let why = format!("the lab has several NICs; name one with --at: {}", names.join(", "));
                    Err(Failure::Because(why))
                }
            };
        };
        let names = names(spec);
        if !names.contains(&device) {
            let why = format!("the lab has no device `{device}`; it has {}", names.join(", "));
            return Err(Failure::Because(why));
        }
        let from_wire = nics.iter().any(|n| n.name == device);
        Ok(Entry { device, from_wire })
    }
}

/// Every device that can send.
fn names(spec: &LabSpec) -> Vec<Name> {
    let mut names = Vec::new();
    for device in &spec.devices {
        match &device.kind {
            DeviceKind::Router(router) => names.extend(router.interfaces.iter().map(|i| i.name.clone())),
            _ => names.push(device.name.clone()),
        }
    }
    names
}

/// What a replay counts, beside what the devices do.
#[derive(Default)]
struct Tally {
    /// Frames that came in.
    frames: u64,
    /// Of them, those whose end is missing.
    cut: u64,
    /// Hops by the rule that decided them.
    rules: BTreeMap<Rule, u64>,
    counters: CountersTable,
    /// A device of the lab was refused.
    refused: bool,
}

impl Tally {
    fn event(&mut self, event: &Event) {
        self.counters.event(event);
        match event {
            Event::Setup { expected: false, .. } => self.refused = true,
            Event::Hop(hop) => match hop.kind {
                HopKind::Arrive(_) => {}
                HopKind::Receive(_, rule) | HopKind::Transmit(rule) | HopKind::Drop(rule) => {
                    *self.rules.entry(rule).or_default() += 1;
                }
            },
            _ => {}
        }
    }
}

/// Everything that listens to the events.
struct Listeners {
    views: Views,
    devices: Option<DeviceCaptures>,
    tally: Tally,
}

impl Listeners {
    fn event(&mut self, event: &Event) {
        self.views.event(event);
        if let Some(devices) = &mut self.devices {
            devices.event(event);
        }
        self.tally.event(event);
    }
}

/// Does it.
pub(super) fn run(args: Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let plan = Plan::of(args, terminal)?;
    let mut capture = Capture::open(&plan.capture)?;
    // The table of counters takes the place of one line for each step: there are no steps.
    let summarised = plan.shown == Shown::Text(Detail::Steps);
    let shown = if summarised { Shown::Nothing } else { plan.shown };
    let interrupt = Interrupt::listen()?;
    let devices = plan.out_dir.as_deref().map(DeviceCaptures::create).transpose()?;
    let views = Views::open(shown, plan.files.clone(), terminal)?;
    let mut listeners = Listeners { views, devices, tally: Tally::default() };
    feed(&plan, &mut capture, &mut listeners, &interrupt, terminal)?;
    let Listeners { views, devices, tally } = listeners;
    views.finish()?;
    devices.map_or(Ok(()), DeviceCaptures::finish)?;
    let bad = capture.tell_rest(terminal);
    if tally.cut > 0 {
        let (name, cut) = (&capture.name, tally.cut);
        terminal.say(format_args!("{name}: frames cut short by the capture, replayed as they are: {cut}"));
    }
    if summarised {
        summarise(&plan, &capture, &tally, terminal.out())?;
    }
    let exit = match (bad, tally.refused) {
        (1.., _) => Exit::BadInput,
        (0, true) => Exit::DidNotHold,
        (0, false) => Exit::Held,
    };
    Ok(interrupt.exit(terminal).unwrap_or(exit))
}

/// Reads the capture and hands its frames to the lab.
fn feed(
    plan: &Plan,
    capture: &mut Capture,
    to: &mut Listeners,
    interrupt: &Interrupt,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let mut lab = Lab::new(&plan.spec, Options { stacks: false, ..Options::default() });
    lab.flush(&mut |event| to.event(event));
    let progress = progress_bar(capture, terminal);
    let only_stdout = to.devices.is_none() && !to.views.writes_files();
    let mut records = 0;
    while records < plan.limit && !interrupt.came() {
        let Some(record) = capture.reader.next_record() else { break };
        records += 1;
        match record {
            Ok(record) => {
                to.tally.frames += 1;
                to.tally.cut += u64::from(record.is_cut());
                let (device, time) = (&plan.entry.device, record.time);
                let sent = if plan.entry.from_wire {
                    lab.arrive(device, time, record.data, &mut |event| to.event(event))
                } else {
                    lab.send_at(device, time, record.data, &mut |event| to.event(event))
                };
                sent.map_err(|e| Failure::Because(e.to_string()))?;
            }
            Err(bad) => progress.suspend(|| capture.tell(&bad, terminal)),
        }
        if records % PROGRESS_EVERY == 0 {
            progress.set_position(capture.read_bytes.load(Ordering::Relaxed));
            if only_stdout && terminal.closed() {
                break;
            }
        }
    }
    lab.finish(&mut |event| to.event(event));
    progress.finish_and_clear();
    Ok(())
}

/// On a terminal, how much of the file was read.
fn progress_bar(capture: &Capture, terminal: &Terminal) -> ProgressBar {
    if !terminal.shows_progress() {
        return ProgressBar::hidden();
    }
    let template = "{msg} [{bar:40}] {bytes}/{total_bytes} {eta}";
    let bar = match capture.total_bytes {
        Some(total) => ProgressBar::new(total).with_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        ),
        None => ProgressBar::new_spinner(),
    };
    bar.with_message(capture.name.clone())
}

/// Counters by device and by rule.
fn summarise(plan: &Plan, capture: &Capture, tally: &Tally, mut out: Out) -> Result<(), Failure> {
    let Entry { device, from_wire } = &plan.entry;
    let how = if *from_wire { "arrived at" } else { "sent by" };
    writeln!(out, "{}: frames {how} {device}: {}\n", capture.name, tally.frames)?;
    write!(out, "{}", tally.counters.render())?;
    if !tally.rules.is_empty() {
        writeln!(out, "\nhops by rule")?;
    }
    for (rule, hops) in &tally.rules {
        writeln!(out, "{hops:>10}  {:<5} {}", rule.id(), rule.title())?;
    }
    out.flush()?;
    Ok(())
}
