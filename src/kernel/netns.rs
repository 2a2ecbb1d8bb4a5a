//! Anonymous network namespaces: they exist as long as a descriptor is open, so nothing is left over however the
//! program ends.

use super::error::OracleError;
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

/// A network namespace created by this process.
#[derive(Debug)]
pub(super) struct Namespace {
    file: File,
}

/// While it lives, the thread is in another namespace; on drop, the thread returns.
#[derive(Debug)]
pub(super) struct Inside<'a> {
    home: &'a Namespace,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        // `home` keeps the namespace open, so this cannot fail, and an error could not be handled.
        let _ = setns(self.home.file.as_fd(), CloneFlags::CLONE_NEWNET);
    }
}

impl Namespace {
    /// The thread's current namespace.
    pub(super) fn current() -> Result<Namespace, OracleError> {
        let file =
            File::open("/proc/thread-self/ns/net").map_err(OracleError::io("/proc/thread-self/ns/net"))?;
        Ok(Namespace { file })
    }

    /// A new namespace, prepared for labs; the thread is in it as long as the guard lives.
    pub(super) fn create(home: &Namespace) -> Result<(Namespace, Inside<'_>), OracleError> {
        unshare(CloneFlags::CLONE_NEWNET).map_err(|e| OracleError::Unprivileged(e.into()))?;
        let guard = Inside { home };
        let namespace = Namespace::current()?;
        for (setting, value) in SETTINGS {
            let failed = OracleError::io("preparing a namespace (/proc/sys/net)");
            write_setting(setting, value).map_err(failed)?;
        }
        Ok((namespace, guard))
    }

    /// The thread is in this namespace as long as the guard lives.
    pub(super) fn enter<'a>(&self, home: &'a Namespace) -> Result<Inside<'a>, OracleError> {
        setns(self.file.as_fd(), CloneFlags::CLONE_NEWNET)
            .map_err(|e| OracleError::Io { what: "entering a namespace", source: e.into() })?;
        Ok(Inside { home })
    }

    /// For `IFLA_NET_NS_FD`.
    pub(super) fn raw(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

/// Silences devices: without a link-local address IPv6 joins its all-nodes group, as everywhere, and sends nothing. And
/// no firewall decides whether a bridge forwards a malformed IP packet.
const SETTINGS: [(&str, &str); 6] = [
    ("ipv6/conf/all/addr_gen_mode", "1"),
    ("ipv6/conf/default/addr_gen_mode", "1"),
    ("ipv6/conf/default/accept_ra", "0"),
    ("bridge/bridge-nf-call-iptables", "0"),
    ("bridge/bridge-nf-call-ip6tables", "0"),
    ("bridge/bridge-nf-call-arptables", "0"),
];

/// Writes a setting of the thread's namespace. A kernel without the feature has no such file, which is fine.
pub(super) fn write_setting(setting: &str, value: &str) -> io::Result<()> {
    match fs::write(format!("/proc/sys/net/{setting}"), value) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Makes sure that namespaces can be created: as root, otherwise in a new user namespace. Must be called while the
/// process has one thread only, as the kernel requires.
///
/// # Errors
/// [`OracleError::Unprivileged`] if neither works.
pub fn acquire_privileges() -> Result<(), OracleError> {
    // A lab has a hundred sockets; the usual soft limit is 1024. If it cannot be raised, fewer jobs still work.
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
    let allowed = std::thread::spawn(|| unshare(CloneFlags::CLONE_NEWNET)).join();
    if matches!(allowed, Ok(Ok(()))) {
        return Ok(());
    }
    let (uid, gid) = (nix::unistd::getuid(), nix::unistd::getgid());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)
        .map_err(|e| OracleError::Unprivileged(e.into()))?;
    let write = |path: &str, text: String| fs::write(path, text);
    write("/proc/self/setgroups", "deny".to_owned())
        .and_then(|()| write("/proc/self/uid_map", format!("0 {uid} 1")))
        .and_then(|()| write("/proc/self/gid_map", format!("0 {gid} 1")))
        .map_err(OracleError::Unprivileged)
}
