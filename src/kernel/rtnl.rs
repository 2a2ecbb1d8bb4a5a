//! Requests to the kernel's device management (rtnetlink).

use super::error::OracleError;
use crate::errno::ErrorNumber;
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::LinkMessage;
use netlink_packet_route::neighbour::NeighbourMessage;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use std::io;

/// Maximum length of one answer: a device with all its attributes is about 2 KB, a dump comes in parts of at most 32
/// KB.
const ANSWER_BYTES: usize = 65536;
/// Flags of a request that creates something.
pub(super) const NEW: u16 = NLM_F_CREATE | NLM_F_EXCL;

/// A socket for requests in the namespace in which it was created.
#[derive(Debug)]
pub(super) struct Rtnl {
    socket: Socket,
    sequence: u32,
    answer: Vec<u8>,
}

impl Rtnl {
    /// Opens one in the thread's namespace.
    pub(super) fn new() -> Result<Rtnl, OracleError> {
        let open = || -> io::Result<Socket> {
            let mut socket = Socket::new(NETLINK_ROUTE)?;
            socket.bind_auto()?;
            socket.connect(&SocketAddr::new(0, 0))?;
            Ok(socket)
        };
        let socket = open().map_err(OracleError::io("opening a netlink socket"))?;
        // Shorter errors; kernels before 4.2 lack it.
        let _ = socket.set_cap_ack(true);
        Ok(Rtnl { socket, sequence: 0, answer: Vec::with_capacity(ANSWER_BYTES) })
    }

    /// Requests a change and waits for the kernel's answer.
    pub(super) fn change(&mut self, message: RouteNetlinkMessage, flags: u16) -> Result<(), ErrorNumber> {
        self.exchange(message, flags | NLM_F_ACK).map(|_| ())
    }

    /// Reads one device.
    pub(super) fn device(&mut self, ifindex: u32) -> Result<LinkMessage, ErrorNumber> {
        let mut ask = LinkMessage::default();
        ask.header.index = ifindex;
        let answers = self.exchange(RouteNetlinkMessage::GetLink(ask), 0)?;
        let found = answers.into_iter().find_map(|m| match m {
            RouteNetlinkMessage::NewLink(link) => Some(link),
            _ => None,
        });
        found.ok_or(ErrorNumber(libc::ENODEV))
    }

    /// All devices of the namespace.
    pub(super) fn devices(&mut self) -> Result<Vec<LinkMessage>, ErrorNumber> {
        let answers = self.exchange(RouteNetlinkMessage::GetLink(LinkMessage::default()), NLM_F_DUMP)?;
        let links = answers.into_iter().filter_map(|m| match m {
            RouteNetlinkMessage::NewLink(link) => Some(link),
            _ => None,
        });
        Ok(links.collect())
    }

    /// The forwarding databases of the namespace's bridges.
    pub(super) fn forwarding_entries(&mut self) -> Result<Vec<NeighbourMessage>, ErrorNumber> {
        let mut ask = NeighbourMessage::default();
        ask.header.family = netlink_packet_route::AddressFamily::Bridge;
        let answers = self.exchange(RouteNetlinkMessage::GetNeighbour(ask), NLM_F_DUMP)?;
        let entries = answers.into_iter().filter_map(|m| match m {
            RouteNetlinkMessage::NewNeighbour(entry) => Some(entry),
            _ => None,
        });
        Ok(entries.collect())
    }

    fn exchange(
        &mut self,
        message: RouteNetlinkMessage,
        flags: u16,
    ) -> Result<Vec<RouteNetlinkMessage>, ErrorNumber> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = flags | NLM_F_REQUEST;
        header.sequence_number = self.sequence;
        let mut request = NetlinkMessage::new(header, NetlinkPayload::from(message));
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        self.socket.send(&bytes, 0).map_err(|e| number_of(&e))?;
        let mut answers = Vec::new();
        loop {
            self.answer.clear();
            let size = self.socket.recv(&mut self.answer, 0).map_err(|e| number_of(&e))?;
            let data = self.answer.get(..size).unwrap_or_default();
            if self.take(data, flags, &mut answers)? {
                return Ok(answers);
            }
        }
    }

    /// Reads one datagram; `true`: the answer is complete.
    fn take(
        &self,
        mut data: &[u8],
        flags: u16,
        answers: &mut Vec<RouteNetlinkMessage>,
    ) -> Result<bool, ErrorNumber> {
        let broken = ErrorNumber(libc::EBADMSG);
        while !data.is_empty() {
            let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(data).map_err(|_| broken)?;
            let length = (message.header.length as usize).next_multiple_of(4).max(16);
            data = data.get(length..).unwrap_or_default();
            if message.header.sequence_number != self.sequence {
                continue;
            }
            match message.payload {
                NetlinkPayload::Error(e) => return e.code.map_or(Ok(true), |c| Err(ErrorNumber(-c.get()))),
                NetlinkPayload::Done(_) => return Ok(true),
                NetlinkPayload::InnerMessage(inner) => answers.push(inner),
                _ => {}
            }
        }
        // If no acknowledgement was requested, the answer itself is the end.
        Ok(flags & (NLM_F_ACK | NLM_F_DUMP) == 0 && !answers.is_empty())
    }
}

fn number_of(e: &io::Error) -> ErrorNumber {
    ErrorNumber(e.raw_os_error().unwrap_or(libc::EIO))
}
