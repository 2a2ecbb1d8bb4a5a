//! Labs in the language of other tools: the inverse of importing them.
//!
//! | file | writes |
//! | --- | --- |
//! | `ip.rs`, `ip/devices.rs` | a script that builds the lab in network namespaces; the devices of the script |
//! | `docker.rs` | commands of container engines, with the host's shim |
//! | `compose.rs` | a compose file |
//! | `cni.rs` | configurations of CNI, alone or in NetworkAttachmentDefinitions |
//! | `networkd.rs` | files of systemd-networkd |
//! | `libvirt.rs` | domains of libvirt |
//! | `containerlab.rs` | a topology of containerlab |
//!
//! `remedy.rs` writes one network or port in another mode, with the same writers. What several languages share: `machines.rs` finds the machines of the ports, and what a tool has no words for; `networks.rs`
//! makes networks of ports; `shim.rs` has the commands of a shim, `names.rs` names that tools accept, `yaml.rs` scalars.

mod cni;
mod compose;
mod containerlab;
mod docker;
mod ip;
mod libvirt;
mod machines;
mod names;
mod networkd;
mod networks;
mod remedy;
mod shim;
#[cfg(test)]
mod tests;
mod yaml;

pub(super) use remedy::{network_anew, port_anew};

use crate::lab::spec::{DeviceKind, LabSpec};
use crate::station::{Sysctl, Sysctls};

/// A language that labs can be written in.
pub struct Language {
    /// Its name, as in `macvlab export NAME`.
    pub name: &'static str,
    /// One line that says what it writes.
    pub about: &'static str,
    write: fn(&LabSpec) -> Result<String, ExportError>,
}

/// All languages.
pub const LANGUAGES: &[Language] = &[
    Language { name: "ip", about: "a script that builds the lab in network namespaces", write: ip::write },
    Language {
        name: "docker",
        about: "docker network create and docker run, with the host's shim and its systemd unit",
        write: |lab| docker::write("docker", lab),
    },
    Language { name: "podman", about: "the same for Podman", write: |lab| docker::write("podman", lab) },
    Language { name: "compose", about: "a compose file with networks and services", write: compose::write },
    Language {
        name: "nad",
        about: "a NetworkAttachmentDefinition for each network, and pods on them",
        write: cni::definitions,
    },
    Language { name: "cni", about: "the list of CNI plugins of one network", write: cni::list },
    Language {
        name: "networkd",
        about: ".netdev and .network files of systemd-networkd for the parents' machine",
        write: networkd::write,
    },
    Language {
        name: "libvirt",
        about: "libvirt's XML of domains with direct interfaces",
        write: libvirt::write,
    },
    Language { name: "containerlab", about: "a topology of containerlab", write: containerlab::write },
];

/// Why a lab cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// There is no language of this name.
    #[error("nothing is written as `{0}`; there are {known}", known = names())]
    NoSuchLanguage(String),
    /// The lab has nothing that the language can say.
    #[error("{0}")]
    Nothing(&'static str),
}

fn names() -> String {
    LANGUAGES.iter().map(|language| language.name).collect::<Vec<_>>().join(", ")
}

/// The lab in the language of this name. What the language cannot say is a comment.
///
/// # Errors
/// [`ExportError`].
pub fn export(name: &str, lab: &LabSpec) -> Result<String, ExportError> {
    let language = LANGUAGES.iter().find(|language| language.name == name);
    let language = language.ok_or_else(|| ExportError::NoSuchLanguage(name.to_owned()))?;
    (language.write)(lab)
}

/// The ports of a lab that are declared.
fn ports(lab: &LabSpec) -> impl Iterator<Item = (&crate::lab::spec::Name, &crate::lab::spec::MacvlanSpec)> {
    lab.devices.iter().filter_map(|device| match &device.kind {
        DeviceKind::Macvlan(port) => Some((&device.name, port)),
        _ => None,
    })
}

/// A word of a shell.
fn word(text: &str) -> String {
    shell_words::quote(text).into_owned()
}

/// The title as a comment of a shell, of YAML, or of an INI file.
fn title(lab: &LabSpec) -> Vec<String> {
    let title = one_line(&lab.title);
    if title.is_empty() { Vec::new() } else { vec![format!("# {title}")] }
}

/// Lines as comments.
fn commented(begin: &str, lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| format!("{begin}{}", one_line(line))).collect()
}

/// A text in which nothing ends a line, and that XML allows.
fn one_line(text: &str) -> String {
    let ends = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}');
    text.replace(ends, " ")
}

/// Settings that are not as usual, as `sysctl` has them for an interface: with slashes, its name can have dots.
fn sysctls(sysctls: Sysctls, interface: &str) -> Vec<(String, u8)> {
    let set = Sysctl::ALL.into_iter().filter(|sysctl| sysctls.is_on(*sysctl));
    let separator = if interface.contains('.') { "/" } else { "." };
    let key = |sysctl: Sysctl| {
        let family = if sysctl == Sysctl::NdiscNotify { "ipv6" } else { "ipv4" };
        ["net", family, "conf", interface, sysctl.name()].join(separator)
    };
    set.map(|sysctl| (key(sysctl), sysctls.get(sysctl))).collect()
}
