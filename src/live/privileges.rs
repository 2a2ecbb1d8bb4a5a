//! Privileges are for opening things; afterwards they are given up.

use crate::sys;
use nix::unistd::{AccessFlags, Gid, Uid, User, access, setgroups, setresgid, setresuid};
use std::io;
use std::path::Path;

/// Whom the process is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// User id.
    pub user: u32,
    /// Group id.
    pub group: u32,
}

impl Identity {
    /// The user of this name.
    ///
    /// # Errors
    /// There is none, or it cannot be looked up.
    pub fn named(name: &str) -> io::Result<Identity> {
        let user = User::from_name(name)?;
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("there is no user `{name}`"));
        user.map(|u| Identity { user: u.uid.as_raw(), group: u.gid.as_raw() }).ok_or_else(missing)
    }

    /// Who called `sudo`, if this process was started by it.
    #[must_use]
    pub fn behind_sudo() -> Option<Identity> {
        let number = |name| std::env::var(name).ok()?.parse().ok();
        let (user, group) = (number("SUDO_UID")?, number("SUDO_GID")?);
        Uid::effective().is_root().then_some(Identity { user, group })
    }
}

/// Whether this process, as it is now, may remove what is at this path.
#[must_use]
pub fn can_remove(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    access(folder, AccessFlags::W_OK | AccessFlags::X_OK).is_ok()
}

/// Becomes another user, if one is given, and gives up every capability, for good. To be called before there are
/// threads.
///
/// # Errors
/// The process may not become that user.
pub fn give_up(identity: Option<Identity>) -> io::Result<()> {
    if let Some(Identity { user, group }) = identity {
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
        setgroups(&[group])?;
        setresgid(group, group, group)?;
        setresuid(user, user, user)?;
    }
    sys::drop_capabilities()
}
