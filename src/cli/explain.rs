//! `macvlab explain LAB`

use super::terminal::{Out, Terminal, is_dash};
use super::{Exit, Failure, aim, input, run};
use macvlab::explain::{Fate, Journey};
use macvlab::lab::spec::{Action, FrameSpec, InjectPoint, Name, StepSpec};
use macvlab::lab::{Device, Event, Lab, LabSpec, Options, Outcome};
use macvlab::report::{Explanation, JsonLines};
use macvlab::verdict::Refusal;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Explain the whole path of one frame: each decision and its lookups, and for every device that does not get the frame
/// the rule that filtered it.
#[derive(clap::Args)]
#[command(
    group = clap::ArgGroup::new("what").required(true).args(["frame", "arp", "ping", "udp"]),
    after_help = "Examples:
  macvlab explain lab.toml --at c1 --arp c2
                                        which devices get c1's request for c2, and why others do not
  macvlab explain demo:vepa --at c1 --arp c2 --why-not c2
                                        only why c2 does not get it
  macvlab explain lab.toml --at c1 --arp c2 --follow --why-not win
                                        the same for every frame that results from it
  macvlab explain lab.toml --at c1 --ping 192.168.128.1 --follow
                                        an echo request and its replies
  macvlab explain lab.toml --at eth0 --from-wire --frame 'ffffffffffff 020000000001 0806'
                                        a frame that arrives from outside
  macvlab explain lab.toml --at c1 --udp win:53 --after 2 --json
                                        after the lab's first two steps, as events

Exit codes: 0, 2 for wrong usage or input, 130 after Ctrl-C."
)]
pub(super) struct Args {
    /// The lab file; - is standard input, demo:NAME a built-in lab. Its steps are not run.
    lab: PathBuf,
    /// The device that sends the frame.
    #[arg(long, value_name = "DEVICE")]
    at: Name,
    /// The frame in hex, from the destination MAC address on; spaces and colons may separate bytes.
    #[arg(long, value_name = "HEX", conflicts_with = "sender")]
    frame: Option<String>,
    /// An ARP request for this device or IP address.
    #[arg(long, value_name = "TARGET")]
    arp: Option<String>,
    /// An ICMP echo request to this device or IP address, its neighbour already known.
    #[arg(long, value_name = "TARGET")]
    ping: Option<String>,
    /// A UDP datagram to this device or IP address, its neighbour already known; without a port to 7 (echo).
    #[arg(long, value_name = "TARGET[:PORT]")]
    udp: Option<String>,
    /// Take the frame's source addresses from this device (default: the device that sends it).
    #[arg(long, value_name = "DEVICE")]
    sender: Option<String>,
    /// The frame arrives at the device from its cable instead of being sent by it.
    #[arg(long)]
    from_wire: bool,
    /// Also explain the frames that result from it, such as replies.
    #[arg(long)]
    follow: bool,
    /// Say only why this device does not get the frame (or by which rule it does).
    #[arg(long, value_name = "DEVICE")]
    why_not: Option<String>,
    /// Run this many of the lab's steps first.
    #[arg(long, value_name = "N", default_value_t = 0)]
    after: usize,
    /// Write events to standard output, one JSON object per line.
    #[arg(long)]
    json: bool,
}

/// The arguments, checked as far as possible without running the lab.
struct ExplainJob {
    /// The lab with the frame as its last step.
    spec: LabSpec,
    folder: PathBuf,
    at: Name,
    follow: bool,
    why_not: Option<String>,
    json: bool,
}

impl ExplainJob {
    fn of(args: Args, terminal: &Terminal) -> Result<ExplainJob, Failure> {
        let mut spec = input::lab_to_run(&args.lab, false, terminal)?;
        let steps = spec.steps.len();
        if args.after > steps {
            let why = format!("the lab has {steps} steps, so there is no `--after {}`", args.after);
            return Err(Failure::Because(why));
        }
        spec.steps.truncate(args.after);
        let known = aim::names(&spec);
        for name in
            [Some(args.at.as_str()), args.sender.as_deref(), args.why_not.as_deref()].into_iter().flatten()
        {
            aim::check(name, &known)?;
        }
        if args.from_wire {
            aim::check_cable(&spec, &args.at)?;
        }
        let sender = args.sender.as_deref().unwrap_or(&args.at);
        let frame = match (&args.frame, &args.arp, &args.ping, &args.udp) {
            (Some(hex), ..) => FrameSpec::Bytes(aim::hex(hex)?),
            (_, Some(target), ..) => FrameSpec::Crafted(aim::arp(&spec, sender, target)?),
            (_, _, Some(target), _) => FrameSpec::Crafted(aim::ping(&spec, sender, target)?),
            (.., Some(target)) => FrameSpec::Crafted(aim::udp(&spec, sender, target)?),
            _ => return Err(Failure::Because("there is no frame to explain".to_owned())),
        };
        let entry = if args.from_wire { InjectPoint::Wire } else { InjectPoint::Device };
        let action = Action::Inject { at: args.at.clone(), entry, frame };
        spec.steps.push(StepSpec::new(action));
        let folder = match args.lab.parent() {
            Some(folder) if !is_dash(&args.lab) => folder.to_path_buf(),
            _ => PathBuf::new(),
        };
        Ok(ExplainJob {
            spec,
            folder,
            at: args.at,
            follow: args.follow,
            why_not: args.why_not,
            json: args.json,
        })
    }
}

/// The result of the run.
struct Shown {
    /// The lab's first event, and those of the last step.
    events: Vec<Event>,
    devices: Vec<Device>,
    outcome: Option<Outcome>,
    /// The frame, then the frames that result from it.
    journeys: Vec<Journey>,
}

/// Runs the command.
pub(super) fn run(args: Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let plan = ExplainJob::of(args, terminal)?;
    let shown = happen(&plan.spec, &plan.folder, terminal)?;
    let mut out = terminal.out();
    if plan.json {
        json(&plan, &shown, &mut out)?;
    } else {
        text(&plan, &shown, terminal, &mut out)?;
    }
    out.flush()?;
    Ok(Exit::Held)
}

/// Runs the lab and keeps its last step.
fn happen(spec: &LabSpec, folder: &Path, terminal: &Terminal) -> Result<Shown, Failure> {
    let (captures, _) = run::captures(spec, folder, terminal)?;
    let mut lab = Lab::new(spec, Options::default().with_captures(captures).with_decisions(true));
    let last = spec.steps.len();
    let (mut events, mut outcome, mut running) = (Vec::new(), None, 0);
    lab.run(&mut |event| {
        match event {
            Event::Step { step, .. } => running = *step,
            Event::Result { step, outcome: came, .. } if *step == last => outcome = Some(*came),
            Event::Counters { .. } | Event::State { .. } => return,
            _ => {}
        }
        if running == last || matches!(event, Event::Lab { .. }) {
            events.push(event.clone());
        }
    });
    // A frame that cannot be built is not sent; the reason is known only here.
    if let (Some(Outcome::Refused(_)), Some(Action::Inject { at, frame: FrameSpec::Crafted(craft), .. })) =
        (outcome, spec.steps.last().map(|s| &s.action))
    {
        craft.build(at, &lab).map_err(|e| Failure::Because(e.to_string()))?;
    }
    let journeys = Journey::all(&events);
    Ok(Shown { events, devices: lab.devices(), outcome, journeys })
}

impl Shown {
    /// The outcome of the frame at a device.
    fn fate(&self, device: &str) -> Option<Fate> {
        self.journeys.first().map_or(Some(Fate::Apart), |journey| journey.fate(device, &self.devices))
    }
}

fn text(plan: &ExplainJob, shown: &Shown, terminal: &Terminal, out: &mut Out) -> Result<(), Failure> {
    let (colour, language) = (terminal.colour, terminal.language);
    if let Some(Outcome::Refused(Refusal { errno, rule, .. })) = shown.outcome {
        let told = format!("{} cannot send it: {errno} ({})", plan.at, errno.text());
        let [told, title, why] = [&told, rule.title(), rule.why()].map(|text| language.say(text));
        writeln!(out, "{told}\n  {:<5} {title}\n        {why}", rule.id())?;
        if shown.journeys.is_empty() {
            return Ok(());
        }
        writeln!(out)?;
    }
    let many = if plan.follow { usize::MAX } else { 1 };
    if let Some(device) = &plan.why_not {
        let first = shown.fate(device).ok_or_else(|| no_end(device))?;
        let mut told = Explanation::new(&mut *out, &shown.devices, colour).in_language(language);
        if !plan.follow || shown.journeys.is_empty() {
            return Ok(told.fate(device, &first)?);
        }
        for journey in &shown.journeys {
            told.began(journey)?;
            let fate = journey.fate(device, &shown.devices).ok_or_else(|| no_end(device))?;
            told.fate(device, &fate)?;
        }
        return Ok(());
    }
    for (number, journey) in shown.journeys.iter().take(many).enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        Explanation::new(&mut *out, &shown.devices, colour).in_language(language).journey(journey)?;
    }
    if plan.follow && shown.journeys.len() == 1 {
        writeln!(out, "\n{}", language.say("No other frame results from it."))?;
    }
    Ok(())
}

fn json(plan: &ExplainJob, shown: &Shown, out: &mut Out) -> Result<(), Failure> {
    let mut lines = JsonLines::new(out);
    let first = shown.journeys.first().map_or(0, |journey| journey.frame_id);
    if let Some(device) = &plan.why_not {
        let fate = shown.fate(device).ok_or_else(|| no_end(device))?;
        lines.fate(first, device, &fate)?;
        for journey in shown.journeys.iter().skip(1).filter(|_| plan.follow) {
            let fate = journey.fate(device, &shown.devices).ok_or_else(|| no_end(device))?;
            lines.fate(journey.frame_id, device, &fate)?;
        }
        return Ok(());
    }
    let wanted = |frame_id: u64| plan.follow || frame_id == first;
    for event in &shown.events {
        let told = match event {
            Event::Hop(hop) => wanted(hop.frame_id),
            Event::Decision(decision) => wanted(decision.frame_id),
            _ => true,
        };
        if told {
            lines.event(event)?;
        }
    }
    for journey in shown.journeys.iter().filter(|j| wanted(j.frame_id)) {
        for (device, fate) in journey.fates(&shown.devices) {
            lines.fate(journey.frame_id, &device, &fate)?;
        }
    }
    Ok(())
}

fn no_end(device: &str) -> Failure {
    Failure::Because(format!("`{device}` only forwards frames: name a device that receives them"))
}
