//! `macvlab live LAB --attach DEVICE=BACKEND …`

use super::ctl::{Answers, Console};
use super::interrupt::Interrupt;
use super::rolling::Rolling;
use super::terminal::{Terminal, is_dash};
use super::views::{Files, Shown, Views};
use super::{Exit, Failure, generate, input};
use macvlab::lab::spec::{DeviceKind, LabSpec};
use macvlab::lab::{Event, SetupStage};
use macvlab::labfile;
use macvlab::live::{
    BackendSpec, Engine, Identity, MAX_HISTORY, Monitor, Settings, attachments_table, can_remove, give_up,
};
use macvlab::nic::MAX_MTU;
use macvlab::report::{CountersTable, Detail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use parking_lot::Mutex;
use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Default number of hops to remember.
const HISTORY: usize = 1000;

/// How long the final counters wait for the last answer to be written.
const PATIENCE: Duration = Duration::from_millis(100);

/// Run a lab in real time, with real interfaces, programs and machines attached to it.
///
/// A backend replaces what the lab would simulate at a device: the machine itself for a station, the program that uses
/// the port for a port, the wire for a NIC. Everything else stays simulated, so real and simulated machines share a
/// lab. The lab's steps are not run.
///
/// Backends: af_packet:IF is an existing interface. tap:NAME is a TAP device, which is created if it does not exist,
/// with the device's MAC address, and removed at the end. udp:LOCAL,REMOTE carries one frame per datagram, like QEMU's
/// dgram. unix:PATH listens on a UNIX socket, unix-connect:PATH connects to one, with length-prefixed frames, like
/// QEMU's stream and passt. pcap:IN[,OUT] plays a capture and records outgoing frames; pcap:,OUT only records.
///
/// With sudo, interfaces (af_packet, tap) are opened as root. Then the process becomes the user who called sudo, or
/// --user, and opens all files and sockets as that user, sockets for this user only. All capabilities are dropped
/// before the lab runs.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  sudo macvlab live --relay --attach a=af_packet:eth1 --attach b=af_packet:eth2
                                        a reflective relay: the switch that VEPA needs, between two interfaces
  sudo macvlab live lab.toml --attach eth0=af_packet:enp3s0 --attach c1=tap:tap1
                                        a macvlan port in userspace: its program has tap1, its wire is enp3s0
  macvlab live lab.toml --attach win=unix:/tmp/win.sock --explain
                                        a virtual machine as a station, showing every hop; then
                                        qemu-system-x86_64 -nic stream,addr.type=unix,addr.path=/tmp/win.sock
  macvlab live lab.toml --attach c1=udp:127.0.0.1:5001,127.0.0.1:5002 --control /tmp/lab.sock
                                        queried and changed with macvlab ctl /tmp/lab.sock
  macvlab live lab.toml --attach c1=udp:127.0.0.1:5001,127.0.0.1:5002 --control -
                                        the same with lines typed or piped in: set c1 mode=bridge, show, help

Exit codes: 0 normal end (Ctrl-C, SIGTERM, --for, the end of a capture), 2 wrong usage or input, or a failure to open
or write.")]
pub(super) struct Args {
    /// The lab file; - is standard input.
    #[arg(required_unless_present = "relay", conflicts_with = "relay")]
    lab: Option<PathBuf>,
    /// Use no lab file: one switch that reflects frames, with a port for each attached name.
    #[arg(long)]
    relay: bool,
    /// Attach a backend to a device. Can be given several times.
    #[arg(long, value_name = "DEVICE=BACKEND", value_parser = attachment, required = true)]
    attach: Vec<(String, BackendSpec)>,
    /// Listen for requests from `macvlab ctl` on this UNIX socket; - is standard input. Can be given several times.
    ///
    /// Standard input takes one request per line, in the syntax of `macvlab ctl SOCKET` after the socket; `help` lists
    /// them, `#` begins a comment, and brackets keep a value together: sources={ add = ["02:00:00:00:00:01"] }. Answers
    /// go to standard output, or with --json and --explain to standard error; errors go to standard error, with the
    /// line number. Neither an error nor the end of the input ends the lab.
    #[arg(long, value_name = "PATH")]
    control: Vec<PathBuf>,
    /// Remember this many hops for `macvlab ctl dump`; with 0, and no other output of hops, forwarding is fastest.
    ///
    /// At most 1000000, and no more than fit into 64 MiB of memory.
    #[arg(long, value_name = "N", default_value_t = HISTORY, value_parser = hops)]
    history: usize,
    /// Write every hop as a packet with its rule as a comment; readable at any time.
    #[arg(long, value_name = "OUT.pcapng")]
    pcap: Option<PathBuf>,
    /// When the capture reaches this size, continue in OUT.pcapng.2, then in the first file again: 500000, 64k, 100M,
    /// 1G.
    #[arg(long, value_name = "SIZE", value_parser = generate::bytes, requires = "pcap")]
    pcap_limit: Option<u64>,
    /// Write the events to standard output, one JSON object per line.
    #[arg(long, conflicts_with_all = ["explain", "quiet"])]
    json: bool,
    /// Show every hop of every frame, and the rules that decided.
    #[arg(long, conflicts_with = "quiet")]
    explain: bool,
    /// Print errors only.
    #[arg(long, short)]
    quiet: bool,
    /// End after this time: 10s, 500ms, 2h.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    time: Option<Duration>,
    /// Become this user once the interfaces are open [default: the user who called sudo; only a root shell can choose
    /// another].
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

fn attachment(text: &str) -> Result<(String, BackendSpec), String> {
    let (device, backend) = text.split_once('=').ok_or("write DEVICE=BACKEND, as in c1=tap:tap0")?;
    let backend = backend.parse().map_err(|e: macvlab::live::BadBackend| e.to_string())?;
    Ok((device.to_owned(), backend))
}

fn duration(text: &str) -> Result<Duration, String> {
    labfile::parse_duration(text).ok_or_else(|| "a number and a unit: 10s, 500ms, 2h".to_owned())
}

fn hops(text: &str) -> Result<usize, String> {
    let right = || format!("a number from 0 to {MAX_HISTORY}");
    text.parse().ok().filter(|hops| *hops <= MAX_HISTORY).ok_or_else(right)
}

/// The paths of control sockets.
fn sockets(args: &Args) -> impl Iterator<Item = &PathBuf> {
    args.control.iter().filter(|path| !is_dash(path))
}

/// Whether requests come from standard input, which can serve only one purpose.
fn reads_requests(args: &Args) -> Result<bool, Failure> {
    let control = args.control.iter().any(|path| is_dash(path));
    if control && args.lab.as_deref().is_some_and(is_dash) {
        let why =
            "the lab comes from standard input, so requests cannot: give it as a file, or `--control PATH`";
        return Err(Failure::Because(why.to_owned()));
    }
    Ok(control)
}

/// A lab with one switch that reflects frames. It forwards frames of any length.
fn relay(names: &[&str]) -> Result<LabSpec, Failure> {
    let station = |name: &&str| {
        format!("[station.\"{name}\"]\nmtu = {MAX_MTU}\n[switch.relay.port.\"{name}\"]\nhairpin = true\n")
    };
    let text: String = names.iter().map(station).collect();
    labfile::parse("<relay>", &text).map_err(|errors| Failure::Shown(errors.render(false)))
}

/// The outputs while it runs.
struct LiveOutput<'a> {
    views: Views,
    capture: Option<Rolling>,
    counters: CountersTable,
    terminal: &'a Terminal,
    quiet: bool,
    /// Standard output is the only way to follow the run: it has no capture and no control socket.
    stdout_only: bool,
    /// An output failed, and the error was reported.
    failed: bool,
}

impl LiveOutput<'_> {
    /// Reports at once which outputs failed.
    fn lost(&mut self, failure: &Failure) {
        self.terminal.fail(failure);
        self.failed = true;
    }

    /// Flushes the capture, unless it has failed.
    fn record(&mut self, write: impl FnOnce(&mut Rolling) -> Result<(), Failure>) {
        if let Some(Err(failure)) = self.capture.as_mut().map(write) {
            self.capture = None;
            self.lost(&failure);
        }
    }
}

impl Monitor for LiveOutput<'_> {
    fn event(&mut self, event: &Event) {
        self.views.event(event);
        self.record(|capture| capture.event(event));
        match event {
            Event::Counters { .. } => self.counters.event(event),
            Event::Setup { device, stage, refusal, expected: false, .. } => {
                let what = if *stage == SetupStage::Create { "is not made" } else { "stays down" };
                self.terminal.say(format_args!("{device} {what}: {refusal}"));
            }
            _ => {}
        }
    }

    fn news(&mut self, text: &str) {
        if !self.quiet {
            self.terminal.say(text);
        }
    }

    fn warning(&mut self, text: &str) {
        self.terminal.say(text);
    }

    fn failed(&mut self, text: &str) {
        self.lost(&Failure::Because(text.to_owned()));
    }

    fn pause(&mut self) -> ControlFlow<()> {
        self.views.flush();
        if let Some(failure) = self.views.take_failure() {
            self.lost(&failure);
        }
        self.record(Rolling::flush);
        if self.stdout_only && stdout_is_closed() {
            self.terminal.close();
        }
        let unheard = self.terminal.closed() || !self.views.shows();
        if self.stdout_only && unheard && self.capture.is_none() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// Whether standard output is a pipe without a reader, checked without writing to it.
fn stdout_is_closed() -> bool {
    let stdout = io::stdout();
    let mut asked = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
    let answered = poll(&mut asked, PollTimeout::ZERO).is_ok();
    answered && asked[0].revents().is_some_and(|said| said.contains(PollFlags::POLLERR))
}

/// Runs the command.
pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let by_stdin = reads_requests(args)?;
    let identity = identity(args)?;
    let names: Vec<&str> = args.attach.iter().map(|(name, _)| name.as_str()).collect();
    let spec = match &args.lab {
        Some(path) => as_user(identity, || input::lab(path, terminal))?,
        None => relay(&names)?,
    };
    let shown = match (args.json, args.explain) {
        (true, _) => Shown::Json,
        (_, true) => Shown::Text(Detail::Hops),
        _ => Shown::Nothing,
    };
    let hops = shown != Shown::Nothing || args.pcap.is_some();
    let settings = Settings { history: args.history, hops, duration: args.time };
    let mut engine = open(args, &spec, settings, identity)?;
    let capture = args.pcap.as_deref().map(|path| Rolling::create(path, args.pcap_limit)).transpose()?;
    give_up().map_err(unprivileged)?;
    tell_what_stays(args, terminal);
    let interrupt = Interrupt::listen()?;
    let views = Views::open(shown, Files::default(), terminal)?;
    let counters = CountersTable::new();
    let stdout_only = shown != Shown::Nothing && args.control.is_empty();
    let mut watch =
        LiveOutput { views, capture, counters, terminal, quiet: args.quiet, stdout_only, failed: false };
    let writing = Arc::default();
    let requests = if by_stdin { "; requests come from standard input (help lists them)" } else { "" };
    watch.news(&format!("live: {}{requests}; Ctrl-C ends it", names.join(", ")));
    if by_stdin {
        let stdout = Answers::Stdout(Arc::clone(&writing));
        let answers = if shown == Shown::Nothing { stdout } else { Answers::Stderr };
        Console::new(engine.ask_here()?, answers, terminal)?.start()?;
    }
    let ran = engine.run(interrupt.stop(), &mut watch);
    let crossed = attachments_table(&engine.attachments());
    // All created devices and sockets are removed before anything else can fail.
    drop(engine);
    let LiveOutput { views, capture, counters, failed, .. } = watch;
    let views = views.finish(None);
    let captured = capture.map_or(Ok(()), Rolling::finish);
    if shown == Shown::Nothing && !args.quiet {
        summary(&writing, &format!("{}\n{crossed}", counters.render()), terminal)?;
    }
    ran?;
    views.and(captured)?;
    Ok(if failed { Exit::BadInput } else { Exit::Held })
}

/// The user to become. The caller of sudo cannot choose: permission to attach interfaces does not include access to
/// other users' files.
fn identity(args: &Args) -> Result<Option<Identity>, Failure> {
    let caller = Identity::behind_sudo().map_err(|e| Failure::about("sudo", e))?;
    let Some(name) = &args.user else { return Ok(caller) };
    let named = Identity::named(name).map_err(|e| Failure::about("--user", e))?;
    match caller {
        Some(caller) if caller.user != 0 && caller.user != named.user => {
            let why =
                "with sudo, the user is the caller; only a root shell without SUDO_UID can choose another";
            Err(Failure::about("--user", why))
        }
        _ => Ok(Some(named)),
    }
}

/// Runs a function as the user, if there is one to become.
fn as_user<T>(identity: Option<Identity>, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    match identity {
        Some(identity) => identity.meanwhile(work).map_err(unprivileged)?,
        None => work(),
    }
}

fn unprivileged(error: io::Error) -> Failure {
    Failure::about("dropping privileges", error)
}

/// The lab with its backends attached. Interfaces are opened first; then the process becomes the user, who opens files
/// and sockets.
fn open(
    args: &Args,
    spec: &LabSpec,
    settings: Settings,
    identity: Option<Identity>,
) -> Result<Engine, Failure> {
    let mut engine = Engine::new(spec, settings);
    let wanted = args.attach.iter().map(|(device, backend)| (device.as_str(), backend));
    let become_user = || identity.map_or(Ok(()), Identity::assume);
    engine.attach_all(wanted, become_user).map_err(|e| unattached(&e, spec))?;
    for path in sockets(args) {
        engine.control(path).map_err(|e| Failure::about(path.display(), e))?;
    }
    Ok(engine)
}

/// Warns about sockets that cannot be removed at the end.
fn tell_what_stays(args: &Args, terminal: &Terminal) {
    let listens = args.attach.iter().filter_map(|(_, backend)| match backend {
        BackendSpec::Unix(path) => Some(path),
        _ => None,
    });
    for path in sockets(args).chain(listens).filter(|path| !can_remove(path)) {
        let path = path.display();
        terminal.say(format_args!(
            "{path} will not be removed at the end: this user has no write permission for its folder"
        ));
    }
}

/// Shows the final counters, unless an unread answer blocks standard output.
fn summary(writing: &Mutex<()>, text: &str, terminal: &Terminal) -> Result<(), Failure> {
    let Some(_writing) = writing.try_lock_for(PATIENCE) else {
        terminal.say("standard output is not being read, so the counters are not shown");
        return Ok(());
    };
    let mut out = terminal.out();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

fn unattached(error: &macvlab::live::AttachFailure, spec: &LabSpec) -> Failure {
    let macvlab::live::AttachFailure::Attachment(macvlab::lab::AttachError::Unknown(_)) = error else {
        return Failure::Because(error.to_string());
    };
    let names: Vec<&str> = spec
        .devices
        .iter()
        .flat_map(|device| match &device.kind {
            DeviceKind::Router(router) => router.interfaces.iter().map(|i| i.name.as_str()).collect(),
            _ => vec![device.name.as_str()],
        })
        .collect();
    Failure::Because(format!("{error}; it has {}", names.join(", ")))
}
