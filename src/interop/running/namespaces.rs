//! The network namespaces of the machine, each once.

use nix::sched::{CloneFlags, setns};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Where `ip netns` has its namespaces.
const NAMED: &str = "/run/netns";

/// Maximum number of network namespaces.
const MAX_NAMESPACES: usize = 500;

/// Maximum length of a name, in characters.
const MAX_NAME: usize = 64;

/// A network namespace.
#[derive(Debug)]
pub(super) struct Namespace {
    /// Its name, of letters that need no quotes; `None`: this process is in it.
    pub(super) name: Option<String>,
    /// Keeps it open; `None`: it is this process's own, or it could not be opened.
    pub(super) file: io::Result<File>,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    /// The namespaces: first that of this process.
    pub(super) all: Vec<Namespace>,
    /// How many others there are.
    pub(super) more: usize,
    /// The processes whose namespaces this one may not see.
    pub(super) hidden: usize,
}

/// The device and the inode that identify a namespace.
type Identity = (u64, u64);

impl Namespace {
    /// The calling thread is in it from now on.
    pub(super) fn enter(&self) -> io::Result<()> {
        match (&self.name, &self.file) {
            (None, _) => Ok(()),
            (_, Ok(file)) => Ok(setns(file.as_fd(), CloneFlags::CLONE_NEWNET)?),
            (_, Err(error)) => Err(error.kind().into()),
        }
    }
}

/// Finds the namespace of this process, those of `ip netns`, and those of other processes in `/proc`.
pub(super) fn find() -> io::Result<Found> {
    let own = File::open("/proc/self/ns/net")?;
    let own_identity = identity(&own)?;
    let mut search = Search {
        known: BTreeSet::from([own_identity]),
        names: BTreeSet::new(),
        found: Found { all: vec![Namespace { name: None, file: Ok(own) }], more: 0, hidden: 0 },
    };
    search.named(own_identity.0);
    search.of_processes()?;
    Ok(search.found)
}

fn identity(file: &File) -> io::Result<Identity> {
    let metadata = file.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}

struct Search {
    known: BTreeSet<Identity>,
    names: BTreeSet<String>,
    found: Found,
}

impl Search {
    /// Those of `ip netns`, by name. A file that is none is what a namespace left behind.
    fn named(&mut self, device: u64) {
        let Ok(entries) = fs::read_dir(NAMED) else { return };
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        for name in names {
            let file = File::open(Path::new(NAMED).join(&name));
            let is_new = match file.as_ref().map(identity) {
                Ok(Ok(identity)) => identity.0 == device && self.known.insert(identity),
                Ok(Err(_)) | Err(_) => true,
            };
            if is_new {
                self.add(&name.to_string_lossy(), file);
            }
        }
    }

    /// Those of processes, in the order of their numbers.
    fn of_processes(&mut self) -> io::Result<()> {
        let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
        let mut processes: Vec<u32> = fs::read_dir("/proc")?.flatten().filter_map(number).collect();
        processes.sort_unstable();
        for process in processes {
            let folder = Path::new("/proc").join(process.to_string());
            let file = match File::open(folder.join("ns/net")) {
                Ok(file) => file,
                Err(error) => {
                    // Others have ended.
                    self.found.hidden += usize::from(error.kind() == io::ErrorKind::PermissionDenied);
                    continue;
                }
            };
            if identity(&file).is_ok_and(|identity| self.known.insert(identity)) {
                self.add(&name_of(&folder, process), Ok(file));
            }
        }
        Ok(())
    }

    fn add(&mut self, wanted: &str, file: io::Result<File>) {
        // Each is an open file.
        if self.found.all.len() >= MAX_NAMESPACES {
            self.found.more += 1;
            return;
        }
        let wanted = plain(wanted);
        let mut name = wanted.clone();
        let mut number = 1;
        while !self.names.insert(name.clone()) {
            number += 1;
            name = format!("{wanted}-{number}");
        }
        self.found.all.push(Namespace { name: Some(name), file });
    }
}

/// The host name of a process that has its own, as a container; otherwise the name of its program, and its number.
fn name_of(folder: &Path, process: u32) -> String {
    let host_name = || {
        let (own, uts) = (File::open("/proc/self/ns/uts").ok()?, File::open(folder.join("ns/uts")).ok()?);
        if identity(&own).ok()? == identity(&uts).ok()? {
            return None;
        }
        let read = || {
            setns(uts.as_fd(), CloneFlags::CLONE_NEWUTS).ok()?;
            fs::read_to_string("/proc/sys/kernel/hostname").ok()
        };
        // The thread stays there.
        std::thread::scope(|scope| scope.spawn(read).join().ok().flatten())
    };
    let program = || {
        let program = fs::read_to_string(folder.join("comm")).unwrap_or_default();
        format!("{}-{process}", program.trim())
    };
    host_name().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(program)
}

/// A name that a command line can have without quotes.
fn plain(name: &str) -> String {
    let usable = |c: char| if c.is_ascii_alphanumeric() || "._".contains(c) { c } else { '-' };
    let name: String = name.chars().take(MAX_NAME).map(usable).collect();
    let name = name.trim_start_matches('-');
    if name.is_empty() { "unnamed".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_need_no_quotes() {
        assert_eq!(plain("web-1"), "web-1");
        assert_eq!(plain("--x; rm\n$HOME"), "x--rm--HOME");
        assert_eq!(plain("\n"), "unnamed");
        assert_eq!(plain(&"a".repeat(1000)).len(), MAX_NAME);
    }

    #[test]
    fn of_many_namespaces_the_first_are_read() {
        let found = Found { all: Vec::new(), more: 0, hidden: 0 };
        let mut search = Search { known: BTreeSet::new(), names: BTreeSet::new(), found };
        for _ in 0..MAX_NAMESPACES + 2 {
            search.add("web", Err(io::ErrorKind::PermissionDenied.into()));
        }
        assert_eq!((search.found.all.len(), search.found.more), (MAX_NAMESPACES, 2));
        let names: Vec<_> = search.found.all.iter().filter_map(|n| n.name.as_deref()).collect();
        assert_eq!((names[0], names[1], names[499]), ("web", "web-2", "web-500"));
    }

    #[test]
    fn a_namespace_is_found_once() {
        let found = find().unwrap();
        assert!(found.all[0].name.is_none());
        let identities: Vec<Identity> =
            found.all.iter().filter_map(|namespace| identity(namespace.file.as_ref().ok()?).ok()).collect();
        assert_eq!(identities.iter().collect::<BTreeSet<_>>().len(), identities.len());
    }
}
