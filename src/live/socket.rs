//! UNIX sockets that are listened on.

use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// A socket that is listened on, without ever waiting; its path is removed with it.
#[derive(Debug)]
pub(super) struct Listening {
    listener: UnixListener,
    path: PathBuf,
}

impl Listening {
    /// Listens at a path. A socket that a program left there, and that nobody listens on any more, is replaced.
    pub(super) fn at(path: &Path) -> io::Result<Listening> {
        let is_socket = std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
        let deserted = |e: io::Error| e.kind() == io::ErrorKind::ConnectionRefused;
        if is_socket && UnixStream::connect(path).is_err_and(deserted) {
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        let listening = Listening { listener, path: path.to_path_buf() };
        listening.listener.set_nonblocking(true)?;
        Ok(listening)
    }

    /// The next who wants to talk, if there is one. Neither side waits for the other.
    pub(super) fn accept(&self) -> Option<UnixStream> {
        let (stream, _) = self.listener.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some(stream)
    }

    pub(super) fn listener(&self) -> &UnixListener {
        &self.listener
    }

    /// Makes another user its owner.
    pub(super) fn give_to(&self, user: u32, group: u32) -> io::Result<()> {
        std::os::unix::fs::chown(&self.path, Some(user), Some(group))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Whoever may not remove it any more leaves it; the next who listens there replaces it.
        let _ = std::fs::remove_file(&self.path);
    }
}
