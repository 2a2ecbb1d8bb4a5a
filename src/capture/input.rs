//! Sources of captures: a file, a named pipe or standard input. None of them blocks a program that is to stop.

use crate::stop::Stop;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A file or standard input. A read that waits for a writer fails once the stop flag is set, where the system supports
/// waiting with a timeout (Linux).
#[derive(Debug)]
pub struct Input {
    file: File,
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "reads wait there"))]
    stop: Stop,
    /// Whether it may block: not a regular file.
    waits: bool,
}

impl Input {
    /// Opens a file. A named pipe is opened at once; the first read waits for a writer.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path, stop: &Stop) -> io::Result<Input> {
        let file = open(path)?;
        let waits = !file.metadata()?.is_file();
        Ok(Input { file, stop: stop.clone(), waits })
    }

    /// Standard input, without the standard library's shared buffer.
    ///
    /// # Errors
    /// Standard input is closed.
    pub fn stdin(stop: &Stop) -> io::Result<Input> {
        Ok(Input { file: stdin()?, stop: stop.clone(), waits: true })
    }

    /// Waits until there is data or the end of the input.
    #[cfg(target_os = "linux")]
    fn wait(&self) -> io::Result<()> {
        use nix::errno::Errno;
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        use std::os::fd::AsFd as _;
        let look_every = PollTimeout::try_from(crate::stop::LOOK_EVERY).map_err(io::Error::other)?;
        loop {
            if self.stop.asked() {
                return Err(io::Error::other("asked to stop"));
            }
            let mut input = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
            match poll(&mut input, look_every) {
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => return Ok(()),
                Err(e) => return Err(e.into()),
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn wait(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens a named pipe without waiting for a writer.
#[cfg(target_os = "linux")]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

#[cfg(not(target_os = "linux"))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(unix)]
fn stdin() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(windows)]
fn stdin() -> io::Result<File> {
    use std::os::windows::io::AsHandle as _;
    io::stdin().as_handle().try_clone_to_owned().map(File::from)
}

impl Read for Input {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.waits {
                self.wait()?;
            }
            match self.file.read(buf) {
                // Another reader was faster.
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }
}
