//! Labs in the language of other tools: the inverse of importing them.
//!
//! | file | writes |
//! | --- | --- |
//! | `ip.rs` | a script that builds the lab in network namespaces |
//! | `docker.rs` | commands of container engines, with the host's shim |

mod docker;
mod ip;
#[cfg(test)]
mod tests;

use crate::lab::spec::{DeviceKind, LabSpec};

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
