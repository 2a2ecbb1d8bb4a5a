//! Files without a name: `O_TMPFILE` of open(2), and linkat(2) once they are whole.

use nix::fcntl::AtFlags;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Where a descriptor has a path that can be linked.
const DESCRIPTORS: &str = "/proc/self/fd";

/// A file in this folder that nobody sees; `None`: the file system has none, or it could never get a name. What else is
/// wrong with the folder is found out by whoever makes one with a name.
pub(super) fn create(folder: &Path) -> Option<File> {
    if !Path::new(DESCRIPTORS).exists() {
        return None;
    }
    File::options().write(true).custom_flags(libc::O_TMPFILE).mode(0o666).open(folder).ok()
}

/// Gives a file a name that is free.
pub(super) fn link(file: &File, path: &Path) -> io::Result<()> {
    let descriptor = format!("{DESCRIPTORS}/{}", file.as_raw_fd());
    let here = nix::fcntl::AT_FDCWD;
    Ok(nix::unistd::linkat(here, Path::new(&descriptor), here, path, AtFlags::AT_SYMLINK_FOLLOW)?)
}
