//! `macvlab play [LAB]`

use super::interrupt::Interrupt;
use super::terminal::{Output, Terminal};
use super::{Exit, Failure, input, lesson};
use macvlab::lab::spec::Action;
use macvlab::lab::{LabSpec, Options};
use macvlab::labfile;
use macvlab::play::{self, Guard, TOKEN_BYTES, Workspace};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Explore a lab in a browser: change it while it runs, explain, watch and undo.
///
/// The page comes from a web server that is reachable from this machine only, and only with the printed URL. Without a
/// lab: two vepa ports c1 and c2 on the NIC eth0, which is cabled to a switch, and a station win. Nothing is stored:
/// download a lab file or a capture to keep it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab play                          the classic set-up; prints the URL of the page
  macvlab play lab.toml                 a lab after its steps
  macvlab play lab.toml --fresh         a lab before its steps, to run one by one
  macvlab demo private --show | macvlab play -
                                        one of the demos
  macvlab play --port 8080 --no-open    on this port, without starting a browser
  macvlab play lab.toml --export lab.html
                                        as one file, for people without the program
  ssh -t -L 8080:127.0.0.1:8080 MACHINE macvlab play --port 8080
                                        on another machine, with the page shown here

Exit codes: 0 after Ctrl-C or with --export, 2 wrong usage or input, or the port is in use.")]
pub(super) struct Args {
    /// The lab file; - is standard input.
    lab: Option<PathBuf>,
    /// Start before the lab's steps, which can then be run one by one.
    #[arg(long, requires = "lab")]
    fresh: bool,
    /// The port of the web server; 0 means any free port.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Open the page in a browser, even if no desktop is detected.
    #[arg(long, conflicts_with = "no_open")]
    open: bool,
    /// Do not open the page in a browser.
    #[arg(long)]
    no_open: bool,
    /// Write the page with the lab and the engine in it to this file, - is standard output, and end.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["fresh", "port", "open", "no_open"])]
    export: Option<PathBuf>,
}

/// The page with the engine in it, if this program was built with it.
#[cfg(macvlab_page)]
const PAGE: Option<&str> = Some(include_str!(env!("MACVLAB_PAGE_FILE")));
#[cfg(not(macvlab_page))]
const PAGE: Option<&str> = None;

/// The checked arguments.
struct PlayJob {
    workspace: Workspace,
    port: u16,
    open: bool,
}

impl PlayJob {
    fn of(args: &Args, terminal: &Terminal) -> Result<PlayJob, Failure> {
        let (spec, options) = match &args.lab {
            Some(path) => lab(path, terminal)?,
            None => (play::classic(), Options::default()),
        };
        let name = args.lab.as_ref().map_or("the lab".into(), |path| path.display().to_string());
        let denied = |denied| Failure::about(&name, denied);
        let mut workspace = Workspace::of(spec, options).map_err(denied)?;
        if let Some(session) = workspace.session().filter(|_| args.fresh) {
            session.reset().map_err(denied)?;
        }
        let open = args.open || (!args.no_open && std::io::stdout().is_terminal() && has_desktop());
        Ok(PlayJob { workspace, port: args.port, open })
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    if let Some(file) = &args.export {
        return export(args.lab.as_deref(), file, terminal);
    }
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
    terminal.say(
        "the playground runs until Ctrl-C; it is reachable from this machine only, and only with this URL",
    );
    if plan.open && !open(&guard)? {
        terminal.say("no browser could be started: open the URL above in one");
    }
    play::serve(listener, plan.workspace, guard, || interrupt.came())
        .map_err(|e| Failure::about(address(port), e))?;
    terminal.say("the playground has ended; nothing was stored");
    Ok(Exit::Held)
}

/// Writes the page that opens a lab.
fn export(path: Option<&Path>, file: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    let because = |why: &str| Failure::Because(why.to_owned());
    let page = PAGE.ok_or_else(|| {
        because(
            "this program was built without the page: make it with `web/build`, and build the program with \
             MACVLAB_PAGE=target/macvlab.html; or open the lab in that page",
        )
    })?;
    let lab = match path {
        Some(path) => input::lab(path, terminal)?,
        None => play::classic(),
    };
    if lab.steps.iter().any(|step| matches!(step.action, Action::Replay { .. })) {
        return Err(because(
            "the lab replays a capture, and a page contains none: export it without this step, and drop the capture on the page",
        ));
    }
    let page = play::with_lab(page, &labfile::write(&lab));
    let page = page.ok_or_else(|| because("the page in this program is damaged"))?;
    Output::create(file, terminal)?.write_whole(page.as_bytes())?;
    Ok(Exit::Held)
}

fn lab(path: &Path, terminal: &Terminal) -> Result<(LabSpec, Options), Failure> {
    let spec = input::lab(path, terminal)?;
    let options = lesson::options(path, &spec, terminal)?;
    Ok((spec, options))
}

/// Whether a user sits at a screen of this machine. Without one, a text browser might be started in the terminal.
fn has_desktop() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "macos") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

fn random() -> Result<[u8; TOKEN_BYTES], Failure> {
    let mut random = [0; TOKEN_BYTES];
    getrandom::fill(&mut random).map_err(|e| Failure::about("a random token", e))?;
    Ok(random)
}

/// Asks the desktop to open the page, without waiting for the result. Every user of the machine can read the arguments
/// of its programs, so they do not contain the token.
fn open(guard: &Guard) -> Result<bool, Failure> {
    let quiet = |program: &str| {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    if cfg!(target_os = "linux") {
        // Only this user can use the code. Sandboxed browsers could not read a file that leads to the page.
        let url = guard.one_time_url(random()?);
        return Ok(quiet("xdg-open").arg(url).spawn().is_ok());
    }
    if !cfg!(target_os = "macos") {
        // Nothing here tells which user owns a connection.
        return Ok(false);
    }
    let Ok(mut script) = quiet("osascript").stdin(Stdio::piped()).spawn() else { return Ok(false) };
    let Some(mut stdin) = script.stdin.take() else { return Ok(false) };
    Ok(writeln!(stdin, "open location \"{}\"", guard.url()).is_ok())
}
