//! Finds the user that owns a connection.

use std::io;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// The two ends of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    peer: SocketAddr,
    own: SocketAddr,
}

impl Ends {
    /// # Errors
    /// The connection is closed.
    pub(super) fn of(stream: &TcpStream) -> io::Result<Ends> {
        Ok(Ends { peer: stream.peer_addr()?, own: stream.local_addr()? })
    }
}

/// Whether the peer is open, on this machine, and belongs to the user of this process.
#[cfg(target_os = "linux")]
pub(super) fn is_own(ends: Ends) -> bool {
    use std::fs::File;
    use std::io::{BufRead as _, BufReader};

    let user = nix::unistd::geteuid().as_raw();
    // A program may reach an IPv4 address from an IPv6 socket.
    ["/proc/self/net/tcp", "/proc/self/net/tcp6"].into_iter().any(|table| {
        let Ok(table) = File::open(table) else { return false };
        let mut lines = BufReader::new(table).lines().map_while(Result::ok);
        lines.any(|line| owner(&line, ends) == Some(user))
    })
}

/// Unknown on other systems.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_own(_: Ends) -> bool {
    false
}

/// The user of the peer, if this line of the table (`proc_pid_net(5)`) describes it. A socket that is closed, or about
/// to be, no longer has an owner.
#[cfg(target_os = "linux")]
fn owner(line: &str, ends: Ends) -> Option<u32> {
    const ESTABLISHED: &str = "01";
    let mut words = line.split_ascii_whitespace().skip(1);
    let is = |word: &str, end| shown(end).is_some_and(|end| word.ends_with(&end));
    let (local, remote, state) = (words.next()?, words.next()?, words.next()?);
    if !is(local, ends.peer) || !is(remote, ends.own) || state != ESTABLISHED {
        return None;
    }
    // After the queues, the timer and the retransmissions.
    words.nth(3)?.parse().ok()
}

/// An address in the table's format; the IPv6 table ends with the mapped IPv4 address.
#[cfg(target_os = "linux")]
fn shown(end: SocketAddr) -> Option<String> {
    let SocketAddr::V4(end) = end else { return None };
    Some(format!("{:08X}:{:04X}", u32::from_ne_bytes(end.ip().octets()), end.port()))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{Ends, owner};

    #[test]
    fn an_owner_is_read_from_the_line_of_an_open_socket() {
        let ends = |peer: &str, own: &str| Ends { peer: peer.parse().unwrap(), own: own.parse().unwrap() };
        let (peer, own) =
            (u32::from_ne_bytes([127, 0, 0, 1]).to_be_bytes().map(|b| format!("{b:02X}")).concat(), "1F90");
        let line = |state: &str| {
            format!(
                "   1: {peer}:D431 {peer}:{own} {state} 00000000:00000000 00:00000000 00000000  1000        0 31337"
            )
        };
        let ours = ends("127.0.0.1:54321", "127.0.0.1:8080");
        assert_eq!(owner(&line("01"), ours), Some(1000));
        assert_eq!(owner(&line("06"), ours), None, "it waits to be forgotten");
        assert_eq!(owner(&line("01"), ends("127.0.0.1:8080", "127.0.0.1:54321")), None, "our own end");
        assert_eq!(owner(&line("01"), ends("127.0.0.1:54322", "127.0.0.1:8080")), None);
        let mapped = line("01").replace(&format!(" {peer}"), &format!(" 0000000000000000FFFF0000{peer}"));
        assert_eq!(owner(&mapped, ours), Some(1000));
        for broken in ["", "  sl  local_address rem_address   st", "1:", &line("01")[..60]] {
            assert_eq!(owner(broken, ours), None, "{broken}");
        }
    }
}
