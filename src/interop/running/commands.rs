//! What is asked in a namespace, as commands and their output.

use super::RunningError;
use super::namespaces::Namespace;
use super::nsid::Ids;
use crate::interop::MAX_BYTES;
use crate::station::Sysctl;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read};
use std::process::{Command, Stdio};

/// What is asked of `ip` about routes, neighbours and multicast groups.
const TABLES: [&[&str]; 4] = [&["-j", "route"], &["-j", "-6", "route"], &["-j", "neigh"], &["-j", "maddr"]];

/// What is asked of `bridge`.
const BRIDGES: [&[&str]; 2] = [&["-j", "fdb"], &["-j", "vlan"]];

/// Asks everything in the namespace in which the thread is. Where there is nothing but the loopback interface, there are no
/// tables.
pub(super) fn run(namespace: &Namespace, all: &[Namespace]) -> Result<String, RunningError> {
    let mut transcript = Transcript { name: namespace.name.as_deref(), text: String::new() };
    let addresses = transcript.tool("ip", &["-d", "-j", "addr"], true)?;
    if addresses.matches("\"ifindex\":").count() < 2 {
        return Ok(transcript.text);
    }
    if addresses.contains("\"link_netnsid\":") {
        transcript.namespace_ids(all);
    }
    for arguments in TABLES {
        transcript.tool("ip", arguments, false)?;
    }
    if addresses.contains("\"info_slave_kind\":\"bridge\"") {
        for arguments in BRIDGES {
            transcript.tool("bridge", arguments, false)?;
        }
    }
    transcript.settings();
    Ok(transcript.text)
}

struct Transcript<'a> {
    /// The name of the namespace in commands.
    name: Option<&'a str>,
    text: String,
}

impl Transcript<'_> {
    /// Runs a tool of iproute2, which must succeed or not. Returns what it printed.
    fn tool(&mut self, tool: &'static str, arguments: &[&str], must: bool) -> Result<String, RunningError> {
        let told = arguments.join(" ");
        let (printed, errors) = output(tool, arguments).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => RunningError::Missing(tool),
            _ => RunningError::Failed { command: format!("{tool} {told}"), text: error.to_string() },
        })?;
        let complaint = errors.lines().next().unwrap_or_default();
        if must && printed.trim().is_empty() {
            let text = format!("{}; the `ip` of iproute2 is needed", complaint.trim_end_matches('.'));
            return Err(RunningError::Failed { command: format!("{tool} {told}"), text });
        }
        let namespace = self.name.map(|name| format!(" -n {name}")).unwrap_or_default();
        let _ = writeln!(self.text, "$ {tool}{namespace} {told}");
        for part in [printed.trim_end(), complaint] {
            if !part.is_empty() && part != "[]" && part != "[ ]" {
                let _ = writeln!(self.text, "{part}");
            }
        }
        Ok(printed)
    }

    /// The namespaces to which this one has given IDs, as `ip netns list-id` tells those that have names. The one of this
    /// process has none.
    fn namespace_ids(&mut self, all: &[Namespace]) {
        let Ok(mut ids) = Ids::here() else { return };
        let named = all.iter().filter_map(|other| Some((other.name.as_ref()?, other.file.as_ref().ok()?)));
        let known = named.filter_map(|(name, file)| Some((ids.of(file).ok()??, name)));
        let known: Vec<String> =
            known.map(|(id, name)| format!("{{\"nsid\":{id},\"name\":\"{name}\"}}")).collect();
        if !known.is_empty() {
            let namespace = self.name.map(|name| format!(" -n {name}")).unwrap_or_default();
            let _ = writeln!(self.text, "$ ip{namespace} -j netns list-id\n[{}]", known.join(","));
        }
    }

    /// The settings that a lab has, where they are not 0.
    fn settings(&mut self) {
        let mut lines = String::new();
        let mut setting = |file: String, key: String| {
            let value = fs::read_to_string(format!("/proc/sys/net/{file}")).unwrap_or_default();
            if !matches!(value.trim(), "" | "0") {
                let _ = writeln!(lines, "net.{key} = {}", value.trim());
            }
        };
        setting("ipv4/ip_forward".to_owned(), "ipv4.ip_forward".to_owned());
        setting("ipv6/conf/all/forwarding".to_owned(), "ipv6.conf.all.forwarding".to_owned());
        let interfaces = fs::read_dir("/proc/sys/net/ipv4/conf").into_iter().flatten().flatten();
        let mut interfaces: Vec<String> =
            interfaces.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        interfaces.retain(|name| name != "default" && name != "lo");
        interfaces.sort();
        for interface in interfaces {
            // As `sysctl` has it: a dot in a name is a slash.
            let told = interface.replace('.', "/");
            for sysctl in Sysctl::ALL {
                let family = if sysctl == Sysctl::NdiscNotify { "ipv6" } else { "ipv4" };
                setting(
                    format!("{family}/conf/{interface}/{}", sysctl.name()),
                    format!("{family}.conf.{told}.{}", sysctl.name()),
                );
            }
        }
        if !lines.is_empty() {
            let inside = self.name.map(|name| format!("ip netns exec {name} ")).unwrap_or_default();
            let _ = write!(self.text, "$ {inside}sysctl -a\n{lines}");
        }
    }
}

/// What a program prints, and its errors: as many bytes as an input can have.
fn output(program: &str, arguments: &[&str]) -> io::Result<(String, String)> {
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let outputs = std::thread::scope(|scope| {
        let errors = scope.spawn(|| text(stderr));
        (text(stdout), errors.join().unwrap_or_default())
    });
    child.wait()?;
    Ok(outputs)
}

/// The beginning of what a pipe has. The program that writes more is ended by the closed pipe.
fn text(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        let _ = pipe.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
