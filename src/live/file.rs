//! Files written while a lab runs.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Creates a file that is written in place, or truncates an existing one.
///
/// A symbolic link is not followed, because another user may have put it there; a link to a pipe, such as
/// `/dev/stdout`, is.
///
/// # Errors
/// The file cannot be created or written to, or is a symbolic link.
pub fn create_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true).custom_flags(libc::O_NOFOLLOW);
    match options.open(path) {
        Err(e) if e.raw_os_error() == Some(libc::ELOOP) => pipe_behind(path)?.ok_or_else(|| {
            io::Error::other("this is a symbolic link, which is not followed: name its target")
        }),
        opened => opened,
    }
}

/// The pipe that a symbolic link points to.
fn pipe_behind(link: &Path) -> io::Result<Option<File>> {
    if !std::fs::metadata(link)?.file_type().is_fifo() {
        return Ok(None);
    }
    let file = File::options().write(true).open(link)?;
    // The link may have changed meanwhile.
    Ok(file.metadata()?.file_type().is_fifo().then_some(file))
}
