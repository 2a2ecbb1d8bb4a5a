//! Network namespaces that a test creates and removes, and a `macvlab live` that runs in one of them.

use crate::needs;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Whether this is root and these programs are installed; otherwise reports it and returns `false`.
pub(crate) fn can_run(programs: &[&str]) -> bool {
    needs::root() && needs::programs(programs)
}

/// Namespaces, by the names that the test gives them, removed on drop.
pub(crate) struct Net {
    prefix: String,
    names: Vec<&'static str>,
    pub(crate) dir: TempDir,
}

impl Net {
    pub(crate) fn new(names: &[&'static str]) -> Net {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let prefix = format!("mvl{}-{}-", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let net = Net { prefix, names: names.to_vec(), dir: tempfile::tempdir().unwrap() };
        for name in names {
            let full = net.full(name);
            assert!(Command::new("ip").args(["netns", "add", &full]).status().unwrap().success());
            net.ip(&format!("-n {name} link set lo up"));
        }
        net
    }

    /// The system's name of a namespace.
    pub(crate) fn full(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Replaces a word that is the name of a namespace.
    fn words(&self, line: &str) -> Vec<String> {
        let word = |w: &str| if self.names.contains(&w) { self.full(w) } else { w.to_owned() };
        line.split_whitespace().map(word).collect()
    }

    /// `ip …`, which must succeed. Namespaces: `-n NAME`, `netns NAME`.
    pub(crate) fn ip(&self, line: &str) {
        let out = Command::new("ip").args(self.words(line)).output().unwrap();
        assert!(out.status.success(), "ip {line}: {}", String::from_utf8_lossy(&out.stderr));
    }

    /// A command in a namespace.
    pub(crate) fn command(&self, name: &str, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.full(name), program]).args(args).current_dir(self.dir.path());
        // As root, not as the user who called sudo for the tests.
        command.env_remove("SUDO_UID").env_remove("SUDO_GID").stdin(Stdio::null());
        command
    }

    /// Runs a command in a namespace; returns whether it succeeded, and its output.
    pub(crate) fn run(&self, name: &str, line: &str) -> (bool, String) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let out = self.command(name, words[0], &words[1..]).output().unwrap();
        let said = [out.stdout, out.stderr].concat();
        (out.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Whether one of three echo requests gets a reply.
    pub(crate) fn pings(&self, from: &str, to: &str) -> bool {
        (0..3).any(|_| self.run(from, &format!("busybox ping -c 1 -W 1 {to}")).0)
    }

    /// Two connected veth ends, both up.
    pub(crate) fn veth(&self, (ns_a, a): (&str, &str), (ns_b, b): (&str, &str)) {
        self.ip(&format!("-n {ns_a} link add {a} type veth peer name {b} netns {ns_b}"));
        self.ip(&format!("-n {ns_a} link set {a} up"));
        self.ip(&format!("-n {ns_b} link set {b} up"));
    }

    /// Adds an IP address to a device of a namespace, and brings it up.
    pub(crate) fn address(&self, name: &str, device: &str, address: &str) {
        self.ip(&format!("-n {name} addr add {address} dev {device}"));
        self.ip(&format!("-n {name} link set {device} up"));
    }

    /// Moves a TAP device created in one namespace to another, as `eth0` with this IP address.
    pub(crate) fn move_tap(&self, from: &str, tap: &str, to: &str, address: &str) {
        self.ip(&format!("-n {from} link set {tap} netns {to}"));
        self.ip(&format!("-n {to} link set {tap} name eth0"));
        self.address(to, "eth0", address);
    }

    /// The same as [`Net::live`], with its output in `said`.
    pub(crate) fn live_heard(&self, name: &str, lab: &str, args: &[&str]) -> Live {
        let all = arguments(self.dir.path(), lab, args);
        let shell = ["-c", "exec \"$0\" \"$@\" 2> said", env!("CARGO_BIN_EXE_macvlab")];
        let all: Vec<&str> = shell.into_iter().chain(all.iter().map(String::as_str)).collect();
        Live::start(self.command(name, "sh", &all), self.dir.path())
    }

    /// Starts `macvlab live` in a namespace, and waits until it answers.
    pub(crate) fn live(&self, name: &str, lab: &str, args: &[&str]) -> Live {
        let all = arguments(self.dir.path(), lab, args);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        Live::start(self.command(name, env!("CARGO_BIN_EXE_macvlab"), &all), self.dir.path())
    }
}

/// The arguments of a `macvlab live` with this lab; with none, `--relay`.
fn arguments(dir: &Path, lab: &str, args: &[&str]) -> Vec<String> {
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let mut all = vec!["live".to_owned(), "--control".to_owned(), path("control.sock")];
    if lab.is_empty() {
        all.push("--relay".to_owned());
    } else {
        std::fs::write(dir.join("lab.toml"), lab).unwrap();
        all.push(path("lab.toml"));
    }
    all.extend(args.iter().map(|a| (*a).to_owned()));
    all
}

impl Drop for Net {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = Command::new("ip").args(["netns", "del", &self.full(name)]).status();
        }
    }
}

/// A running `macvlab live`.
pub(crate) struct Live {
    child: Option<Child>,
    /// Its standard input, if the test uses it.
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) socket: PathBuf,
}

impl Live {
    /// Starts `macvlab live` in the test's namespace, and waits until it answers.
    pub(crate) fn here(dir: &Path, lab: &str, args: &[&str]) -> Live {
        Live::start(Live::command(dir, lab, args), dir)
    }

    /// The command to start it; tests may change its environment.
    pub(crate) fn command(dir: &Path, lab: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_macvlab"));
        command.args(arguments(dir, lab, args)).current_dir(dir).stdin(Stdio::null());
        command.env_remove("SUDO_UID").env_remove("SUDO_GID");
        command
    }

    /// The same, with requests from a standard input that the test writes to.
    pub(crate) fn with_stdin(dir: &Path, lab: &str, args: &[&str]) -> Live {
        let mut command = Live::command(dir, lab, &[args, &["--control", "-"]].concat());
        command.stdin(Stdio::piped());
        Live::start(command, dir)
    }

    /// The command for a shell that prepares something, with its output in `said`.
    pub(crate) fn behind(prepares: &str, dir: &Path, lab: &str, args: &[&str]) -> Command {
        let live = Live::command(dir, lab, args);
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{prepares}; exec \"$0\" \"$@\" 2> said"));
        command.arg(live.get_program()).args(live.get_args());
        command.current_dir(dir).stdin(Stdio::null()).env_remove("SUDO_UID").env_remove("SUDO_GID");
        command
    }

    /// Starts it, and waits until it answers.
    pub(crate) fn start(mut command: Command, dir: &Path) -> Live {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let mut live = Live { child: Some(child), stdin, socket: dir.join("control.sock") };
        until("macvlab live answers", || live.has_ended() || live.ctl("show").0);
        if live.has_ended() {
            panic!("{:?}", live.wait());
        }
        live
    }

    /// `macvlab ctl SOCKET …`: whether it succeeded, and its output.
    pub(crate) fn ctl(&self, line: &str) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_macvlab"));
        let out = command.arg("ctl").arg(&self.socket).args(line.split_whitespace()).output().unwrap();
        (out.status.success(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
    }

    /// Makes a change that must succeed.
    pub(crate) fn change(&self, line: &str) {
        let (ok, said) = self.ctl(line);
        assert!(ok, "{line}: {said}");
    }

    /// The attachments, as in the JSON of `ctl counters`.
    pub(crate) fn attached(&self, device: &str) -> serde_json::Value {
        let (ok, text) = self.ctl("counters --json");
        assert!(ok, "{text}");
        let objects = text.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
        objects.into_iter().find(|o| o["event"] == "attached" && o["device"] == device).unwrap()
    }

    pub(crate) fn presence(&self, device: &str) -> String {
        self.attached(device)["presence"].as_str().unwrap().to_owned()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.as_mut().unwrap().try_wait().unwrap().is_some()
    }

    /// Ends it with a signal; it must succeed, and leave no socket.
    pub(crate) fn end(self, signal: &str) -> String {
        let out = self.end_with(signal);
        format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
    }

    /// The same, and returns its output.
    pub(crate) fn end_with(self, signal: &str) -> Output {
        self.signal(signal);
        let socket = self.socket.clone();
        let out = self.wait();
        assert_eq!(out.status.code(), Some(0), "{out:?}");
        assert!(!socket.exists(), "the control socket is left");
        out
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Output {
        self.child.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits for a condition, with a generous timeout.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(120), "still not: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The frames of a capture, which must be valid.
pub(crate) fn frames(path: &Path) -> Vec<Vec<u8>> {
    let file = std::fs::File::open(path).unwrap();
    let mut reader = macvlab::capture::Reader::new(file).unwrap();
    let mut frames = Vec::new();
    while let Some(record) = reader.next_record() {
        frames.push(record.unwrap().data.to_vec());
    }
    frames
}
