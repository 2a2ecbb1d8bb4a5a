//! UNIX sockets that listen: the only place that binds them.

use nix::sys::stat::{Mode, fchmod};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Backlog of connections.
const BACKLOG: i32 = 128;

/// A nonblocking listening socket that only its owner may connect to; its path is removed with it.
#[derive(Debug)]
pub(super) struct Listening {
    listener: UnixListener,
    path: PathBuf,
    /// Identity of the file created at the path: its device and inode.
    made: Option<(u64, u64)>,
}

impl Listening {
    /// Listens at a path. A socket left by another program without a listener is replaced.
    pub(super) fn at(path: &Path) -> io::Result<Listening> {
        let is_socket = std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
        let deserted = |e: io::Error| e.kind() == io::ErrorKind::ConnectionRefused;
        if is_socket && UnixStream::connect(path).is_err_and(deserted) {
            std::fs::remove_file(path)?;
        }
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        // The socket's mode applies to the file that bind creates: it never exists with another mode, whatever the
        // umask, and no path is looked up a second time.
        fchmod(&socket, Mode::S_IRUSR | Mode::S_IWUSR)?;
        socket.bind(&SockAddr::unix(path)?)?;
        let listener = UnixListener::from(OwnedFd::from(socket));
        let listening = Listening { listener, path: path.to_path_buf(), made: file_at(path) };
        let socket = socket2::SockRef::from(&listening.listener);
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(listening)
    }

    /// The next connection, if there is one. Neither side blocks.
    pub(super) fn accept(&self) -> Option<UnixStream> {
        let (stream, _) = self.listener.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some(stream)
    }

    pub(super) fn listener(&self) -> &UnixListener {
        &self.listener
    }
}

/// The file at a path: its device and inode.
fn file_at(path: &Path) -> Option<(u64, u64)> {
    std::fs::symlink_metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

impl Drop for Listening {
    fn drop(&mut self) {
        // A file that has replaced the socket since belongs to another program. Without permission to remove it, it
        // stays; the next listener there replaces it.
        if self.made.is_some() && file_at(&self.path) == self.made {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
