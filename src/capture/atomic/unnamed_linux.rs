//! Unnamed files: `O_TMPFILE` of open(2), and linkat(2) once they are complete.

use nix::fcntl::AtFlags;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// The path under which a descriptor can be linked.
const DESCRIPTORS: &str = "/proc/self/fd";

/// Creates an unnamed file in this folder; `None`: the file system does not support it, or the file could never get a
/// name. Other errors of the folder show when a named file is created.
pub(super) fn create(folder: &Path) -> Option<File> {
    if !Path::new(DESCRIPTORS).exists() {
        return None;
    }
    File::options().write(true).custom_flags(libc::O_TMPFILE).mode(0o666).open(folder).ok()
}

/// Gives a file a name that is not in use.
pub(super) fn link(file: &File, path: &Path) -> io::Result<()> {
    let descriptor = format!("{DESCRIPTORS}/{}", file.as_raw_fd());
    let here = nix::fcntl::AT_FDCWD;
    Ok(nix::unistd::linkat(here, Path::new(&descriptor), here, path, AtFlags::AT_SYMLINK_FOLLOW)?)
}
