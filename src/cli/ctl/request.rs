//! The requests to a live lab, in the syntax that users type.

use super::Failure;
use clap::{Subcommand, ValueEnum};
use macvlab::live::MAX_REQUEST;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub(super) enum Request {
    /// Show the devices, their state, and the attached backends.
    Show {
        /// As JSON, one object per line.
        #[arg(long)]
        json: bool,
    },
    /// Show each device's counters, and the traffic at its attachment.
    Counters {
        /// As JSON, one object per line.
        #[arg(long)]
        json: bool,
    },
    /// Show the switches' forwarding databases: learned and static entries.
    Fdb {
        /// As JSON, one object per line.
        #[arg(long)]
        json: bool,
    },
    /// Show the neighbour tables of the devices' IP stacks.
    Neigh {
        /// As JSON, one object per line.
        #[arg(long)]
        json: bool,
    },
    /// Show the last hops.
    Dump {
        /// Output format.
        #[arg(long = "as", value_name = "FORM", default_value = "text")]
        form: Form,
        /// Maximum number of hops.
        #[arg(long, value_name = "N")]
        last: Option<usize>,
        /// Output file; - is standard output.
        #[arg(long, short, value_name = "OUT", default_value = "-")]
        out: PathBuf,
    },
    /// Change a device, or a switch's port, named SWITCH.DEVICE.
    Set {
        /// The device; omit it if the keys name everything, as in switch=sw0 ageing=10s.
        name: String,
        /// The change: mode=bridge, up=off, hairpin=on, join=01:00:5e:00:00:05.
        #[arg(value_name = "KEY=VALUE")]
        keys: Vec<String>,
    },
    /// Add a macvlan port.
    Add {
        /// The port's name.
        name: String,
        /// As in the lab file: parent=eth0 mode=vepa.
        #[arg(value_name = "KEY=VALUE")]
        keys: Vec<String>,
    },
    /// Remove a device and everything on top of it.
    Remove {
        /// The device's name.
        name: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
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

impl Request {
    /// As sent to the lab.
    pub(super) fn wire(&self) -> Result<Value, Failure> {
        let lines = |json: &bool| if *json { "json" } else { "text" };
        let request = match self {
            Request::Show { json } => json!({ "do": "show", "as": lines(json) }),
            Request::Counters { json } => json!({ "do": "counters", "as": lines(json) }),
            Request::Fdb { json } => json!({ "do": "fdb", "as": lines(json) }),
            Request::Neigh { json } => json!({ "do": "neigh", "as": lines(json) }),
            Request::Dump { form, last, .. } => json!({ "do": "dump", "as": form.word(), "last": last }),
            Request::Set { name, keys } => change("set", &target(name, keys)?),
            Request::Add { name, keys } => {
                let named = std::iter::once(Ok(("macvlan".to_owned(), quoted(name))));
                let keys: Result<Vec<_>, Failure> = named.chain(keys.iter().map(|k| key(k))).collect();
                change("add", &table(&keys?))
            }
            Request::Remove { name } => change("remove", &quoted(name)),
        };
        // The line break counts as well.
        let bytes = request.to_string().len() + 1;
        let too_long = || Failure::Because(format!("a request of {bytes} bytes; the most is {MAX_REQUEST}"));
        if bytes <= MAX_REQUEST { Ok(request) } else { Err(too_long()) }
    }

    /// Where the answer goes; `-` is standard output.
    pub(super) fn out(&self) -> &Path {
        match self {
            Request::Dump { out, .. } => out,
            _ => Path::new("-"),
        }
    }
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

/// `KEY=VALUE`, converted to lab file syntax.
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

/// A TOML string.
fn quoted(text: &str) -> String {
    // JSON's escapes are valid in TOML.
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
