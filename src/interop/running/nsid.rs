//! The IDs that a network namespace has for others, by rtnetlink. `ip netns list-id` tells them only for those of `ip netns`.

use socket2::{Domain, Protocol, Socket, Type};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::time::Duration;

/// Lengths of the headers of a message, of its family with padding, and of an attribute, in bytes.
const HEADER: usize = 16;
const FAMILY: usize = 4;
const ATTRIBUTE: usize = 4;

/// The attributes `NETNSA_NSID` and `NETNSA_FD`, and the answer `RTM_NEWNSID`.
const NSID: u16 = 1;
const BY_FILE: u16 = 3;
const ANSWER: u16 = 88;

/// The IDs of the namespace in which the calling thread is.
pub(super) struct Ids {
    socket: Socket,
}

impl Ids {
    /// Those of the namespace in which the thread is now.
    pub(super) fn here() -> io::Result<Ids> {
        let socket = Socket::new(
            Domain::from(libc::AF_NETLINK),
            Type::DGRAM,
            Some(Protocol::from(libc::NETLINK_ROUTE)),
        )?;
        // The kernel answers at once.
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(Ids { socket })
    }

    /// The ID that it has for another namespace; `None`: it has none.
    pub(super) fn of(&mut self, namespace: &File) -> io::Result<Option<u32>> {
        let mut request = Vec::with_capacity(HEADER + FAMILY + ATTRIBUTE + 4);
        let length = u32::try_from(HEADER + FAMILY + ATTRIBUTE + 4).unwrap_or_default();
        request.extend(length.to_ne_bytes());
        request.extend(libc::RTM_GETNSID.to_ne_bytes());
        request.extend(u16::try_from(libc::NLM_F_REQUEST).unwrap_or_default().to_ne_bytes());
        // A number, and the sender.
        request.extend([0; 8]);
        request.extend([0; FAMILY]);
        request.extend(8_u16.to_ne_bytes());
        request.extend(BY_FILE.to_ne_bytes());
        request.extend(namespace.as_raw_fd().to_ne_bytes());
        self.socket.write_all(&request)?;
        let mut answer = [0; 256];
        let length = self.socket.read(&mut answer)?;
        Ok(nsid(answer.get(..length).unwrap_or_default()))
    }
}

/// The ID in an answer; it is negative if there is none.
fn nsid(answer: &[u8]) -> Option<u32> {
    let two = |at: usize| Some(u16::from_ne_bytes(answer.get(at..at + 2)?.try_into().ok()?));
    if two(4)? != ANSWER {
        return None;
    }
    let mut at = HEADER + FAMILY;
    loop {
        let (length, kind) = (usize::from(two(at)?), two(at + 2)?);
        if kind == NSID {
            let id = i32::from_ne_bytes(answer.get(at + ATTRIBUTE..at + 8)?.try_into().ok()?);
            return u32::try_from(id).ok();
        }
        at += length.max(ATTRIBUTE).next_multiple_of(4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_answer_is_read_without_panic() {
        let mut answer = vec![0; 28];
        answer[4..6].copy_from_slice(&ANSWER.to_ne_bytes());
        answer[20..22].copy_from_slice(&8_u16.to_ne_bytes());
        answer[22..24].copy_from_slice(&NSID.to_ne_bytes());
        answer[24..28].copy_from_slice(&7_i32.to_ne_bytes());
        assert_eq!(nsid(&answer), Some(7));
        answer[24..28].copy_from_slice(&(-1_i32).to_ne_bytes());
        assert_eq!(nsid(&answer), None);
        answer[22..24].copy_from_slice(&9_u16.to_ne_bytes());
        assert_eq!(nsid(&answer), None);
        (0..28).for_each(|length| assert_eq!(nsid(&answer[..length]), None));
        answer[20..22].copy_from_slice(&0_u16.to_ne_bytes());
        assert_eq!(nsid(&answer), None);
    }
}
