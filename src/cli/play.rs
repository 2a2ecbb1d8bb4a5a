//! `macvlab play [LAB]`

use super::interrupt::Interrupt;
use super::terminal::{Terminal, is_dash};
use super::{Exit, Failure, input, run};
use macvlab::lab::{LabSpec, Options};
use macvlab::macvlan::Mode;
use macvlab::matrix::{Classic, PortSetup, Wire};
use macvlab::play::{self, Guard, Session, TOKEN_BYTES};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Try things out in a browser: change a lab while it runs, ask, watch and undo.
///
/// The page comes from a web server that only this machine reaches, and only with the address that is printed. Without a
/// lab: two vepa ports c1 and c2 on the NIC eth0, which is cabled to a switch, and a station win. Nothing is stored: what
/// is worth keeping is downloaded, as a lab file or a capture.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab play                          the classic set-up; prints the address of the page
  macvlab play lab.toml                 a lab; its steps have been run
  macvlab play lab.toml --fresh         a lab; its steps wait to be done one by one
  macvlab demo private --show | macvlab play -
                                        one of the demos
  macvlab play --port 8080 --no-open    on this port, and no browser is started
  ssh -t -L 8080:127.0.0.1:8080 MACHINE macvlab play --port 8080
                                        on another machine; the page is shown here

Exit codes: 0 after Ctrl-C, 2 wrong usage or input, or the port is taken.")]
pub(super) struct Args {
    /// The lab file; - is standard input.
    lab: Option<PathBuf>,
    /// Begin with the devices alone: the lab's steps wait to be done again, one by one.
    #[arg(long, requires = "lab")]
    fresh: bool,
    /// The port of the web server; 0 is any that is free.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Open the page in a browser, even if this looks like no desktop.
    #[arg(long, conflicts_with = "no_open")]
    open: bool,
    /// Do not open the page in a browser.
    #[arg(long)]
    no_open: bool,
}

/// What was typed, checked.
struct PlayJob {
    session: Session,
    port: u16,
    open: bool,
}

impl PlayJob {
    fn of(args: &Args, terminal: &Terminal) -> Result<PlayJob, Failure> {
        let (spec, options) = match &args.lab {
            Some(path) => lab(path, terminal)?,
            None => (classic(), Options::default()),
        };
        let name = args.lab.as_ref().map_or("the lab".into(), |path| path.display().to_string());
        let denied = |denied| Failure::about(&name, denied);
        let mut session = Session::open(spec, options).map_err(denied)?;
        if args.fresh {
            session.reset().map_err(denied)?;
        }
        let open = args.open || (!args.no_open && std::io::stdout().is_terminal() && has_desktop());
        Ok(PlayJob { session, port: args.port, open })
    }
}

/// Does it.
pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let plan = PlayJob::of(args, terminal)?;
    let interrupt = Interrupt::listen()?;
    let address = |port| format!("127.0.0.1:{port}");
    let listener = play::listen(plan.port).map_err(|e| Failure::about(address(plan.port), e))?;
    let port = listener.local_addr()?.port();
    let guard = Guard::new(port, random()?);
    let url = guard.url();
    let mut out = terminal.out();
    writeln!(out, "{url}")?;
    out.flush()?;
    drop(out);
    terminal
        .say("the playground runs until Ctrl-C; only this machine reaches it, and only with this address");
    if plan.open && !open(&guard)? {
        terminal.say("no browser could be started: open the address above in one");
    }
    play::serve(listener, plan.session, guard, || interrupt.came())
        .map_err(|e| Failure::about(address(port), e))?;
    terminal.say("the playground has ended; nothing of it was stored");
    Ok(Exit::Held)
}

fn lab(path: &Path, terminal: &Terminal) -> Result<(LabSpec, Options), Failure> {
    let spec = input::lab(path, terminal)?;
    let folder = path.parent().filter(|_| !is_dash(path)).unwrap_or(Path::new(""));
    let (captures, _) = run::captures(&spec, folder, terminal)?;
    Ok((spec, Options::default().with_captures(captures)))
}

/// The set-up of the demos.
fn classic() -> LabSpec {
    let port = PortSetup::of(Mode::Vepa);
    let spec = Classic { c1: port, c2: Some(port), wire: Wire::Switch { hairpin: false } }.spec();
    spec.with_title("The classic set-up: two ports on one NIC, behind a switch".to_owned())
}

/// Whether somebody sits at a screen of this machine. Where there is none, a browser for terminals might be started.
fn has_desktop() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "macos") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

fn random() -> Result<[u8; TOKEN_BYTES], Failure> {
    let mut random = [0; TOKEN_BYTES];
    getrandom::fill(&mut random).map_err(|e| Failure::about("a random token", e))?;
    Ok(random)
}

/// Asks the desktop to show the page. Whether it does is not waited for. Every user of the machine reads the arguments of
/// its programs: the token is not among them.
fn open(guard: &Guard) -> Result<bool, Failure> {
    let quiet = |program: &str| {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    if cfg!(target_os = "linux") {
        // Only this user can use the code. A file that leads to the page would be hidden from confined browsers.
        let url = guard.one_time_url(random()?);
        return Ok(quiet("xdg-open").arg(url).spawn().is_ok());
    }
    if !cfg!(target_os = "macos") {
        // Nothing here tells whose a connection is.
        return Ok(false);
    }
    let Ok(mut script) = quiet("osascript").stdin(Stdio::piped()).spawn() else { return Ok(false) };
    let Some(mut stdin) = script.stdin.take() else { return Ok(false) };
    Ok(writeln!(stdin, "open location \"{}\"", guard.url()).is_ok())
}
