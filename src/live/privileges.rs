//! Privileges are for opening interfaces; files and sockets are opened as the user, so that permission to run this with
//! privileges allows attaching interfaces and nothing else.

use crate::sys;
use nix::unistd::{
    AccessFlags, Gid, Uid, User, access, getgroups, initgroups, setegid, seteuid, setgroups, setresgid,
    setresuid,
};
use std::ffi::{CString, OsString};
use std::io;
use std::path::Path;

/// The user to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// User id.
    pub user: u32,
    /// Group id.
    pub group: u32,
}

impl Identity {
    /// The user with this name.
    ///
    /// # Errors
    /// There is none, or it cannot be looked up.
    pub fn named(name: &str) -> io::Result<Identity> {
        let user = User::from_name(name)?;
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("there is no user `{name}`"));
        user.map(|u| Identity { user: u.uid.as_raw(), group: u.gid.as_raw() }).ok_or_else(missing)
    }

    /// The user who called `sudo`, if this process was started by it and is root.
    ///
    /// # Errors
    /// The environment shows that sudo was used, but not by whom.
    pub fn behind_sudo() -> io::Result<Option<Identity>> {
        let [user, group] = ["SUDO_UID", "SUDO_GID"].map(std::env::var_os);
        if !Uid::effective().is_root() || (&user, &group) == (&None, &None) {
            return Ok(None);
        }
        let number = |text: Option<OsString>| text?.to_str()?.parse().ok();
        match (number(user), number(group)) {
            (Some(user), Some(group)) => Ok(Some(Identity { user, group })),
            _ => Err(io::Error::other(
                "SUDO_UID and SUDO_GID must be the numeric ids of the user who called sudo",
            )),
        }
    }

    /// Runs a function as this user, then switches back. Must be called before there are threads.
    ///
    /// # Errors
    /// The process may not become that user, or cannot switch back.
    pub fn meanwhile<T>(self, work: impl FnOnce() -> T) -> io::Result<T> {
        let (user, group, groups) = (Uid::effective(), Gid::effective(), getgroups()?);
        self.join_groups()?;
        setegid(Gid::from_raw(self.group))?;
        seteuid(Uid::from_raw(self.user))?;
        let done = work();
        seteuid(user)?;
        setegid(group)?;
        setgroups(&groups)?;
        Ok(done)
    }

    /// Becomes this user permanently. Must be called before there are threads.
    ///
    /// # Errors
    /// The process may not become that user.
    pub fn assume(self) -> io::Result<()> {
        let (user, group) = (Uid::from_raw(self.user), Gid::from_raw(self.group));
        self.join_groups()?;
        setresgid(group, group, group)?;
        Ok(setresuid(user, user, user)?)
    }

    /// Sets the user's groups, and no others.
    fn join_groups(self) -> io::Result<()> {
        let group = Gid::from_raw(self.group);
        match User::from_uid(Uid::from_raw(self.user))? {
            Some(user) => Ok(initgroups(&CString::new(user.name)?, group)?),
            None => Ok(setgroups(&[group])?),
        }
    }
}

/// Whether this process may remove the file at this path.
#[must_use]
pub fn can_remove(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    access(folder, AccessFlags::W_OK | AccessFlags::X_OK).is_ok()
}

/// Drops every capability permanently. Must be called before there are threads.
///
/// # Errors
/// The system has no capabilities.
pub fn give_up() -> io::Result<()> {
    sys::drop_capabilities()
}
