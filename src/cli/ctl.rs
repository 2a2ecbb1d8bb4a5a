//! `macvlab ctl SOCKET …`

use super::terminal::{Output, Terminal, is_dash};
use super::{Exit, Failure};
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// Ask a running `macvlab live --control SOCKET`, or change its lab.
///
/// A change is a step of the lab file, with the same keys and the same errors: the value of a key is written as in the file,
/// or bare, with on and off for true and false.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  macvlab ctl /tmp/lab.sock show        the devices, how they stand, what is attached to them
  macvlab ctl /tmp/lab.sock counters
  macvlab ctl /tmp/lab.sock fdb         who is behind which switch port
  macvlab ctl /tmp/lab.sock set c1 mode=bridge
  macvlab ctl /tmp/lab.sock set relay.a hairpin=off
                                        the switch relay's port for a
  macvlab ctl /tmp/lab.sock add c3 parent=eth0 mode=private
  macvlab ctl /tmp/lab.sock remove c3
  macvlab ctl /tmp/lab.sock dump        the last hops, and the rules that decided
  macvlab ctl /tmp/lab.sock dump --as pcapng -o last.pcapng

Exit codes: 0 done, 1 the lab refused it, as the kernel would, 2 wrong usage, or nobody answers.")]
pub(super) struct Args {
    /// The socket that `macvlab live --control` listens on.
    socket: PathBuf,
    #[command(subcommand)]
    request: Request,
}

#[derive(Subcommand)]
enum Request {
    /// The devices, how they stand, and what is attached to them.
    Show {
        /// As JSON, one object a line.
        #[arg(long)]
        json: bool,
    },
    /// What every device counted, and what crossed the rim.
    Counters {
        /// As JSON, one object a line.
        #[arg(long)]
        json: bool,
    },
    /// What the switches have learned, and were told.
    Fdb {
        /// As JSON, one object a line.
        #[arg(long)]
        json: bool,
    },
    /// The last hops.
    Dump {
        /// What they are shown as.
        #[arg(long = "as", value_name = "FORM", default_value = "text")]
        form: Form,
        /// No more than so many.
        #[arg(long, value_name = "N")]
        last: Option<usize>,
        /// Where they go; - is standard output.
        #[arg(long, short, value_name = "OUT", default_value = "-")]
        out: PathBuf,
    },
    /// Watch it on the terminal: rates, links, the last hops.
    #[cfg(feature = "dashboard")]
    Dashboard,
    /// Change a device, or a switch's port, named SWITCH.DEVICE.
    Set {
        /// The device; or all keys are given, as in switch=sw0 ageing=10s.
        name: String,
        /// What changes: mode=bridge, up=off, hairpin=on, join=01:00:5e:00:00:05.
        #[arg(value_name = "KEY=VALUE")]
        keys: Vec<String>,
    },
    /// Add a macvlan port.
    Add {
        /// Its name.
        name: String,
        /// As in the lab file: parent=eth0 mode=vepa.
        #[arg(value_name = "KEY=VALUE")]
        keys: Vec<String>,
    },
    /// Remove a device, and what sits on it.
    Remove {
        /// Its name.
        name: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
    Pcapng,
}

impl Form {
    fn word(self) -> &'static str {
        match self {
            Form::Text => "text",
            Form::Json => "json",
            Form::Pcapng => "pcapng",
        }
    }
}

/// Does it.
pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let lines = |json: &bool| if *json { "json" } else { "text" };
    let stdout = Path::new("-");
    let (request, out) = match &args.request {
        Request::Show { json } => (json!({ "do": "show", "as": lines(json) }), stdout),
        Request::Counters { json } => (json!({ "do": "counters", "as": lines(json) }), stdout),
        Request::Fdb { json } => (json!({ "do": "fdb", "as": lines(json) }), stdout),
        Request::Dump { form, last, out } => {
            (json!({ "do": "dump", "as": form.word(), "last": last }), out.as_path())
        }
        Request::Set { name, keys } => (change("set", &target(name, keys)?), stdout),
        Request::Add { name, keys } => {
            let named = std::iter::once(Ok(("macvlan".to_owned(), quoted(name))));
            let keys: Result<Vec<_>, Failure> = named.chain(keys.iter().map(|k| key(k))).collect();
            (change("add", &table(&keys?)), stdout)
        }
        #[cfg(feature = "dashboard")]
        Request::Dashboard => return super::dashboard::run(&args.socket),
        Request::Remove { name } => (change("remove", &quoted(name)), stdout),
    };
    match ask(&args.socket, &request)? {
        Ok(answer) => {
            let mut output = Output::create(out, terminal)?;
            output.write_all(&answer)?;
            output.commit()?;
            if !is_dash(out) {
                terminal.say(format_args!("{}: {} bytes", out.display(), answer.len()));
            }
            Ok(Exit::Held)
        }
        Err(why) => {
            terminal.say(why.trim_end());
            Ok(Exit::DidNotHold)
        }
    }
}

/// Asks, and waits for the answer, or for the reason why there is none.
pub(super) fn ask(path: &Path, request: &Value) -> Result<Result<Vec<u8>, String>, Failure> {
    let about = |e: std::io::Error| Failure::about(path.display(), e);
    let nonsense = || Failure::about(path.display(), "whoever listens there is no `macvlab live`");
    let mut socket = UnixStream::connect(path).map_err(about)?;
    writeln!(socket, "{request}").map_err(about)?;
    let mut reader = BufReader::new(socket);
    let mut head = String::new();
    reader.by_ref().take(1 << 20).read_line(&mut head).map_err(about)?;
    let head: Value = serde_json::from_str(&head).map_err(|_| nonsense())?;
    if head["ok"] == json!(false) {
        let error = head["error"].as_str().ok_or_else(nonsense)?;
        return Ok(Err(error.to_owned()));
    }
    let length = head["bytes"].as_u64().ok_or_else(nonsense)?;
    let mut answer = Vec::new();
    reader.take(length).read_to_end(&mut answer).map_err(about)?;
    if answer.len() as u64 == length { Ok(Ok(answer)) } else { Err(nonsense()) }
}

fn change(action: &str, value: &str) -> Value {
    json!({ "do": "change", "step": format!("{action} = {value}") })
}

/// The table of a `set`.
fn target(name: &str, keys: &[String]) -> Result<String, Failure> {
    let mut all = Vec::new();
    match (name.contains('='), name.split_once('.')) {
        (true, _) => all.push(key(name)?),
        (false, Some((switch, port))) => {
            all.push(("switch".to_owned(), quoted(switch)));
            all.push(("port".to_owned(), quoted(port)));
        }
        (false, None) => all.push(("device".to_owned(), quoted(name))),
    }
    for text in keys {
        all.push(key(text)?);
    }
    Ok(table(&all))
}

/// `KEY=VALUE`, as the lab file would have it.
fn key(text: &str) -> Result<(String, String), Failure> {
    let (key, value) = text
        .split_once('=')
        .filter(|(key, _)| key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .ok_or_else(|| Failure::Because(format!("`{}` is not KEY=VALUE", text.escape_debug())))?;
    let value = match value {
        "on" | "true" => "true".to_owned(),
        "off" | "false" => "false".to_owned(),
        _ if value.starts_with(['[', '{', '"', '\'']) || value.parse::<i64>().is_ok() => value.to_owned(),
        _ => quoted(value),
    };
    Ok((key.to_owned(), value))
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    // JSON's escapes are TOML's as well.
    Value::from(text).to_string()
}

fn table(keys: &[(String, String)]) -> String {
    let pairs: Vec<String> = keys.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    format!("{{ {} }}", pairs.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use macvlab::frame::MacAddr;
    use macvlab::lab::spec::{Action, Change};
    use macvlab::macvlan::SourcesChange;

    /// What the lab file's reader makes of it.
    fn change(step: &str) -> Change {
        let lab = "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\n";
        let lab = macvlab::labfile::parse("lab.toml", lab).unwrap_or_else(|e| panic!("{e}"));
        let step = macvlab::labfile::parse_step(&lab, step).unwrap_or_else(|e| panic!("{e}"));
        let Action::Set { change, .. } = step.action else { panic!("{step:?}") };
        change
    }

    fn step(name: &str, keys: &[&str]) -> String {
        let keys: Vec<String> = keys.iter().map(|k| (*k).to_owned()).collect();
        let table = target(name, &keys).unwrap_or_else(|_| panic!("{name} {keys:?}"));
        format!("set = {table}")
    }

    #[test]
    fn what_is_typed_is_what_a_lab_file_would_say() {
        assert_eq!(step("c1", &["mode=bridge"]), r#"set = { device = "c1", mode = "bridge" }"#);
        assert_eq!(step("sw.a", &["hairpin=off"]), r#"set = { switch = "sw", port = "a", hairpin = false }"#);
        assert_eq!(step("switch=sw", &["ageing=10s"]), r#"set = { switch = "sw", ageing = "10s" }"#);
        let source = MacAddr([2, 0, 0, 0, 0, 1]);
        let sources = step("c1", &[r#"sources={ add = ["02:00:00:00:00:01"] }"#]);
        assert_eq!(change(&sources), Change::Sources(SourcesChange::Add(vec![source])));
        assert_eq!(change(&step("c1", &["mtu=1400"])), Change::Mtu(1400));
        assert_eq!(
            change(&step("c1", &["join=01:00:5e:00:00:05"])),
            Change::Join(MacAddr([1, 0, 94, 0, 0, 5]))
        );
    }

    #[test]
    fn quotes_cannot_be_escaped_from() {
        let lab = macvlab::lab::LabSpec::default();
        let step = step("c1", &["mode=x\", up = true #"]);
        let refused = macvlab::labfile::parse_step(&lab, &step).err().map(|e| e.to_string());
        assert!(refused.is_some_and(|e| e.contains(r#"`x", up = true #` is not a mode"#)), "{step}");
    }
}
