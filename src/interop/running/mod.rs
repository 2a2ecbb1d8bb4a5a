//! The running machine as a text: what `ip`, `bridge` and `sysctl` say in each of its network namespaces, in the form of a
//! transcript, which the format `shell` reads like one that was pasted.
//!
//! | file | content |
//! | --- | --- |
//! | `namespaces.rs` | the network namespaces, each once, and their names |
//! | `commands.rs` | what is asked in each |
//! | `nsid.rs` | the IDs that one namespace has for others |
//!
//! Nothing is changed on the machine: a thread enters a namespace, starts the commands there, and ends.

mod commands;
mod namespaces;
mod nsid;

use super::{MAX_BYTES, shell};
use namespaces::{Found, Namespace};
use std::fmt::Write as _;
use std::io;

/// Room in the text for the namespaces that are not read, in bytes.
const ROOM: usize = 1 << 18;

/// Why the running machine cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunningError {
    /// A program is not installed.
    #[error("`{0}` is not installed; it is in the package iproute2 (of Fedora: iproute)")]
    Missing(&'static str),
    /// A program failed.
    #[error("`{command}`: {text}")]
    Failed {
        /// The command.
        command: String,
        /// What it said.
        text: String,
    },
    /// There is no namespace of this name.
    #[error("no network namespace is called `{0}`; there are {1}")]
    Unknown(String, String),
    /// The namespaces of this process cannot be read.
    #[error("{0}: {1}")]
    Io(&'static str, #[source] io::Error),
}

/// Why one namespace was not read.
enum Trouble {
    /// Nothing can be read.
    Error(RunningError),
    /// The process may not enter it.
    Closed(io::Error),
}

impl From<RunningError> for Trouble {
    fn from(error: RunningError) -> Trouble {
        Trouble::Error(error)
    }
}

/// What the commands print in the network namespaces that the process may enter: its own, those of `ip netns`, and those of
/// other processes. If names are given, only its own and these are read. The text tells which ones it could not enter, and why.
///
/// # Errors
/// [`RunningError`].
pub fn transcript(only: &[&str]) -> Result<String, RunningError> {
    let found = namespaces::find().map_err(|error| RunningError::Io("/proc/self/ns/net", error))?;
    joined(&found, only, |namespace| read(namespace, &found.all))
}

/// What is read in each namespace, as far as there is room.
fn joined(
    found: &Found,
    only: &[&str],
    read: impl Fn(&Namespace) -> Result<String, Trouble>,
) -> Result<String, RunningError> {
    let named = || found.all.iter().filter_map(|namespace| namespace.name.as_deref());
    if let Some(unknown) = only.iter().find(|name| !named().any(|known| known == **name)) {
        let known = named().map(|name| format!("`{name}`")).collect::<Vec<_>>();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(RunningError::Unknown((*unknown).to_owned(), known));
    }
    let is_wanted = |namespace: &&Namespace| {
        only.is_empty() || namespace.name.as_deref().is_none_or(|name| only.contains(&name))
    };
    let mut text = String::from(shell::TRANSCRIPT);
    for namespace in found.all.iter().filter(is_wanted) {
        let part = match read(namespace) {
            Ok(part) if text.len() + part.len() > MAX_BYTES - ROOM => {
                closed(namespace, format_args!("what is read has at most {MAX_BYTES} bytes"))
            }
            Ok(part) => part,
            Err(Trouble::Closed(error)) => closed(namespace, error),
            Err(Trouble::Error(error)) => return Err(error),
        };
        text.push_str(&part);
    }
    if !only.is_empty() {
        return Ok(text);
    }
    if found.more > 0 {
        let _ = writeln!(
            text,
            "$ ip netns\nCannot open network namespace of others ({}): {} are read",
            found.more,
            found.all.len()
        );
    }
    if found.hidden > 0 {
        let _ = writeln!(
            text,
            "$ ls -l /proc/*/ns/net\nCannot open network namespace of other processes ({}): Permission denied",
            found.hidden
        );
    }
    Ok(text)
}

/// What `ip` prints if it may not enter a namespace.
fn closed(namespace: &Namespace, why: impl std::fmt::Display) -> String {
    let why = why.to_string();
    let why = why.split(" (os error").next().unwrap_or_default();
    let name = namespace.name.as_deref().unwrap_or("self");
    let inside = namespace.name.as_ref().map(|name| format!("-n {name} ")).unwrap_or_default();
    format!("$ ip {inside}-d -j addr\nCannot open network namespace \"{name}\": {why}\n")
}

/// Reads one namespace, in a thread that enters it.
fn read(namespace: &Namespace, all: &[Namespace]) -> Result<String, Trouble> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            namespace.enter().map_err(Trouble::Closed)?;
            Ok(commands::run(namespace, all)?)
        });
        thread.join().unwrap_or_else(|_| Err(Trouble::Closed(io::ErrorKind::Other.into())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Namespaces of which this process has only the names.
    fn found(count: usize) -> Found {
        let named = (0..count).map(|number| Namespace {
            name: (number > 0).then(|| format!("n{number}")),
            file: Err(io::ErrorKind::PermissionDenied.into()),
        });
        Found { all: named.collect(), more: 2, hidden: 7 }
    }

    /// A namespace as it could be read.
    fn some(namespace: &Namespace) -> String {
        let inside = namespace.name.as_ref().map(|name| format!("-n {name} ")).unwrap_or_default();
        format!("$ ip {inside}-d -j addr\n")
    }

    #[test]
    fn what_is_not_read_is_told() {
        let text = joined(&found(3), &[], |namespace| Ok(some(namespace))).unwrap();
        assert!(text.contains("$ ip -n n2 -d -j addr\n$ ip netns\n"), "{text}");
        assert!(text.contains("Cannot open network namespace of others (2): 3 are read"), "{text}");
        assert!(text.ends_with("of other processes (7): Permission denied\n"), "{text}");
        // All in all it is no longer than an input can be.
        let long =
            joined(&found(20), &[], |namespace| Ok(some(namespace) + &"x".repeat(MAX_BYTES / 10))).unwrap();
        assert!(long.len() <= MAX_BYTES && long.contains("what is read has at most"), "{}", long.len());
    }

    #[test]
    fn only_what_is_asked_for_is_read() {
        let text = joined(&found(4), &["n2"], |namespace| Ok(some(namespace))).unwrap();
        assert!(text.ends_with(".\n$ ip -d -j addr\n$ ip -n n2 -d -j addr\n"), "{text}");
        let error = joined(&found(3), &["n2", "web"], |namespace| Ok(some(namespace))).unwrap_err();
        assert_eq!(error.to_string(), "no network namespace is called `web`; there are `n1`, `n2`");
    }

    #[test]
    fn namespaces_that_may_not_be_entered_do_not_hide_the_others() {
        let text = joined(&found(3), &[], |namespace| match namespace.enter() {
            Ok(()) => Ok(some(namespace)),
            Err(error) => Err(Trouble::Closed(error)),
        });
        let text = text.unwrap();
        assert!(
            text.contains(
                "$ ip -d -j addr\n$ ip -n n1 -d -j addr\nCannot open network namespace \"n1\": permission denied"
            ),
            "{text}"
        );
    }
}
