//! Networks as people have them: configurations, command lines and the output of tools become labs.
//!
//! A [`Format`] reads one kind of text into a [`Draft`], which several inputs fill together: machines with their
//! interfaces, container networks, switches. [`import`] makes a lab of it, with a [`Note`] for everything that was guessed,
//! left out, or is a default of a tool.
//!
//! ```
//! let text = "docker network create -d macvlan -o parent=eth0 --subnet 192.0.2.0/24 lan\n\
//!             docker run -d --name web --network lan --ip 192.0.2.10 nginx";
//! let imported = macvlab::interop::import(&[macvlab::interop::Source::new("notes.txt", text)], None)?;
//! let lab = imported.lab_file();
//! assert!(lab.contains("[macvlan.web]\nparent  = \"eth0\"\nmode    = \"bridge\"\n"), "{lab}");
//! # Ok::<(), macvlab::interop::ImportError>(())
//! ```
//!
//! | file | content |
//! | --- | --- |
//! | `source.rs` | inputs, and places in them |
//! | `check.rs` | what can be wrong, by names |
//! | `draft/` | what the inputs say together |
//! | `assemble/` | the draft as a lab |
//! | `diagnose/` | what will not work in a network |
//! | `export/` | labs and their networks in the language of other tools |
//! | `written.rs` | the lab as a file, with its notes as comments |
//! | `libvirt.rs` | libvirt's XML |
//! | `networkd.rs`, `networkmanager.rs` | files of systemd-networkd and NetworkManager; `ini.rs` reads their sections, `pattern.rs` matches names |
//! | `ifupdown.rs` | `/etc/network/interfaces` |
//! | `openwrt.rs`, `lxc.rs`, `netplan.rs` | OpenWrt's configuration, a container of LXC, netplan's refusal |
//! | `tree.rs`, `yaml.rs` | YAML and JSON as a tree with positions |
//! | `cni/` | CNI configurations, NetworkAttachmentDefinitions, and pods with their annotations |
//! | `compose/` | compose files |
//! | `containerlab.rs` | topologies of containerlab |
//! | `incus.rs` | instances and profiles of Incus and LXD |
//! | `inspect.rs` | what `docker inspect` and `podman inspect` print |
//! | `variables.rs` | `${NAME:-default}`, and files with values |
//! | `ends.rs` | the machines of a lab, for pings |
//! | `passages.rs` | a text that holds several, as a thread does; `markdown.rs` takes out what marks code |
//! | `engine.rs` | what container engines do with the settings of a network |
//! | `shell/` | command lines, as pasted, with the output of tools in between |
//! | `running/` | the running machine as such a text (Linux) |
//!
//! Nothing is executed, fetched, or read from the environment, except by `running`.

mod assemble;
mod check;
mod cni;
mod compose;
mod containerlab;
pub mod diagnose;
mod draft;
mod ends;
mod engine;
pub mod export;
mod ifupdown;
mod incus;
mod ini;
mod inspect;
mod libvirt;
mod lxc;
mod markdown;
mod netplan;
mod networkd;
mod networkmanager;
mod openwrt;
mod passages;
mod pattern;
#[cfg(target_os = "linux")]
pub mod running;
mod shell;
mod source;
#[cfg(test)]
mod tests;
mod tree;
mod variables;
mod words;
mod written;
mod yaml;

pub use check::{Check, Severity};
pub use draft::{
    Attachment, Draft, Entry, Interface, Kind, Lower, Machine, Network, Note, NoteKind, Origin, Pool, Ports,
    Probe, Role, Route, Space,
};
pub use source::{MAX_BYTES, Place, Source};

use crate::lab::spec::{LabSpec, Name};
use crate::labfile::{self, Diagnostics};
use passages::{Cut, Passage};
use std::collections::BTreeMap;

/// A kind of text that describes a network.
pub trait Format: Sync {
    /// Its name, as in `macvlab import NAME`.
    fn name(&self) -> &'static str;

    /// One line that says what it reads.
    fn about(&self) -> &'static str;

    /// Whether the text looks like it.
    fn recognises(&self, source: &Source<'_>) -> bool;

    /// Whether others need what it says, so that it is read before them.
    fn is_for_others(&self) -> bool {
        false
    }

    /// Whether it is what commands print, or the commands themselves.
    fn is_output(&self) -> bool {
        false
    }

    /// Reads the text, the `index`th input, into the draft. What is not understood is noted.
    ///
    /// # Errors
    /// The text is not of this format: the message, with the place if there is one.
    fn read(&self, source: &Source<'_>, index: usize, draft: &mut Draft) -> Result<(), ReadError>;
}

/// All formats, in the order in which they are tried on a text.
pub const FORMATS: &[&dyn Format] = &[
    &variables::DotEnv,
    &shell::IpJson,
    &cni::Cni,
    &compose::Compose,
    &containerlab::Containerlab,
    &inspect::Inspect,
    &incus::Incus,
    &libvirt::Libvirt,
    &networkd::Networkd,
    &networkmanager::NetworkManager,
    &ifupdown::Ifupdown,
    &openwrt::Uci,
    &lxc::Lxc,
    &netplan::Netplan,
    &shell::Shell,
];

/// Why a text cannot be read as a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
}

/// Why inputs cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The input is longer than [`MAX_BYTES`].
    #[error("{0}: longer than {MAX_BYTES} bytes")]
    TooLong(String),
    /// No format recognises the input.
    #[error("{0}: not recognised; `macvlab import --list` shows the formats")]
    Unknown(String),
    /// There is no format of this name.
    #[error("no format is called `{0}`; there are {known}", known = names())]
    NoSuchFormat(String),
    /// The input is not valid.
    #[error("{0}: {1}")]
    Invalid(String, String),
    /// No device was found in any input.
    #[error("nothing in the input is a device or a network that a lab can have")]
    Nothing,
    /// The lab would be larger than a lab can be.
    #[error("the lab would have {0} devices; at most {max}", max = crate::limits::DEVICES)]
    TooLarge(usize),
}

fn names() -> String {
    FORMATS.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ")
}

/// What inputs became.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The lab.
    pub lab: LabSpec,
    /// Notes about the whole.
    pub notes: Vec<Note>,
    /// Notes by device, host or switch.
    pub about: BTreeMap<Name, Vec<Note>>,
    /// Where devices, hosts and switches come from.
    pub places: BTreeMap<Name, Place>,
    /// The networks of container engines.
    pub networks: Vec<Network>,
    /// The ports of these networks: which, by its index.
    pub owners: BTreeMap<Name, usize>,
    /// What describes devices, where a tool has words for a change of one.
    pub origins: BTreeMap<Name, Origin>,
    /// The formats that were read, in order, each once.
    pub formats: Vec<&'static str>,
}

impl Imported {
    /// A lab about which there is nothing to say.
    fn of(lab: LabSpec) -> Imported {
        Imported {
            lab,
            notes: Vec::new(),
            about: BTreeMap::new(),
            places: BTreeMap::new(),
            networks: Vec::new(),
            owners: BTreeMap::new(),
            origins: BTreeMap::new(),
            formats: Vec::new(),
        }
    }

    /// The lab as a file, with the notes as comments.
    #[must_use]
    pub fn lab_file(&self) -> String {
        written::lab_file(self)
    }
}

/// Why inputs are no network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// The input is a lab file with errors.
    #[error("{}", .0.render(false))]
    Lab(Diagnostics),
    /// No format recognises the input, and it is no lab file either.
    #[error("this is no format that is known here, and no lab file:\n{}", .0.render(false))]
    Neither(Diagnostics),
    /// The inputs cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
}

/// The network that inputs describe together; a single lab file, or what nothing recognises, is read as a lab.
///
/// # Errors
/// [`NetworkError`].
pub fn network(sources: &[Source<'_>]) -> Result<Imported, NetworkError> {
    if let [source] = sources
        && !is_imported(source)
    {
        let wrong = if is_lab(source) { NetworkError::Lab } else { NetworkError::Neither };
        let lab = labfile::parse(&source.name, source.text).map_err(wrong)?;
        return Ok(diagnose::of_lab(lab, source));
    }
    Ok(import(sources, None)?)
}

/// The first format that recognises the text.
#[must_use]
pub fn format_of(source: &Source<'_>) -> Option<&'static dyn Format> {
    FORMATS.iter().find(|format| format.recognises(source)).copied()
}

/// Whether a format recognises the text, or a part of it.
#[must_use]
pub fn recognises(source: &Source<'_>) -> bool {
    let in_part = || {
        let cut = passages::cut(source.text);
        !cut.passages.is_empty() || !cut.unread.is_empty()
    };
    format_of(source).is_some() || in_part()
}

/// Whether a text is imported: it describes a network, and is no lab file.
#[must_use]
pub fn is_imported(source: &Source<'_>) -> bool {
    !is_lab(source) && recognises(source)
}

/// Whether the text is a lab file, valid or not: it has a table of one.
#[must_use]
pub fn is_lab(source: &Source<'_>) -> bool {
    let tables =
        ["nic", "macvlan", "macvtap", "station", "switch", "vlan", "host", "router", "dummy", "bond"];
    source.text.lines().any(|line| {
        let line = line.trim_start();
        let header = line.strip_prefix('[').and_then(|header| header.split_once('.'));
        header.is_some_and(|(table, _)| tables.contains(&table.trim_start_matches('['))) || line == "[[step]]"
    })
}

/// Reads inputs that describe one network together, all as the format of this name, or each as the first that recognises
/// it. A text that holds several, as a thread does, is cut into passages.
///
/// # Errors
/// [`ImportError`].
pub fn import(sources: &[Source<'_>], format: Option<&str>) -> Result<Imported, ImportError> {
    let given = format.map(|name| {
        FORMATS
            .iter()
            .find(|f| f.name() == name)
            .copied()
            .ok_or_else(|| ImportError::NoSuchFormat(name.to_owned()))
    });
    let given = given.transpose()?;
    let invalid = |source: &Source<'_>, error: ReadError| {
        let name =
            error.place.map_or_else(|| source.name.clone(), |place| source.position(place).to_string());
        ImportError::Invalid(name, crate::plain::plain(&error.message))
    };
    let mut draft = Draft::default();
    let mut parts = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        if source.text.len() > MAX_BYTES {
            return Err(ImportError::TooLong(source.name.clone()));
        }
        let Cut { passages, unread } = passages::of(source, given);
        if passages.is_empty() {
            let unknown = || ImportError::Unknown(source.name.clone());
            return Err(unread.into_iter().next().map_or_else(unknown, |(_, error)| invalid(source, error)));
        }
        for (format, ReadError { message, place }) in unread {
            let place = place.map(|place| Place { source: index, ..place });
            let text = format!("a code block that looks like {}: {message}", format.name());
            draft.note(NoteKind::LeftOut, text, place);
        }
        parts.extend(passages.into_iter().map(|passage| (index, passage)));
    }
    let mut formats: Vec<&'static str> = Vec::new();
    for (_, Passage { format, .. }) in &parts {
        if !formats.contains(&format.name()) {
            formats.push(format.name());
        }
    }
    parts.sort_by_key(|(_, passage)| !passage.format.is_for_others());
    for (index, Passage { format, text }) in &parts {
        let source = &sources[*index];
        let read = format.read(&Source::new(source.name.as_str(), text), *index, &mut draft);
        read.map_err(|error| invalid(source, error))?;
    }
    let mut imported = assemble::assemble(draft)?;
    imported.formats = formats;
    Ok(imported)
}
