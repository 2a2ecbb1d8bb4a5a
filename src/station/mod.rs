//! End points: a TCP/IP stack on an Ethernet device, under virtual time.
//!
//! [`Endpoint`] is a host with one device, [`Router`] one with several that forwards; both behave as a Linux machine
//! with default settings, as far as frames show it. Neither has a clock or a socket of its own: frames and time are
//! handed in, frames are fetched, and the same calls give the same bytes in every run.
//!
//! The way through the room: a frame comes to `host`, which gives ARP and neighbour discovery to its `link` and that
//! to the `neighbour` table; packets for itself go to `icmp`, or to `stack` (UDP and TCP: smoltcp, with an echo service
//! on port 7), others to `forward`. What is sent goes by `route` to a `link`, waits there for its neighbour, and leaves
//! as a frame. `probe` and `probing` are the pings and their like that ask other hosts.
//!
//! ```
//! use macvlab::frame::PacketType;
//! use macvlab::station::{Endpoint, IpNet, IpSpec, Probe, ProbeKind, ProbeOutcome};
//! use macvlab::time::Instant;
//! use std::time::Duration;
//!
//! let host = |name: &str, last: u8| {
//!     let address = IpNet::new([10, 0, 0, last].into(), 24).into_iter().collect();
//!     let spec = IpSpec { address, ..IpSpec::default() };
//!     Endpoint::new(name, spec.default_mac(name), &spec, 1500, Instant::ZERO)
//! };
//! let (mut a, mut b) = (host("a", 1), host("b", 2));
//! let ping = Probe { kind: ProbeKind::Ping, to: [10, 0, 0, 2].into(), count: 1, timeout: Duration::from_secs(10) };
//! let id = a.start_probe(Instant::ZERO, ping);
//! while let Some(frame) = a.pop_transmit() {
//!     b.receive(Instant::ZERO, &frame, PacketType::Host);
//!     while let Some(answer) = b.pop_transmit() {
//!         a.receive(Instant::ZERO, &answer, PacketType::Host);
//!     }
//! }
//! assert_eq!(a.probe_result(id).map(|r| r.outcome), Some(ProbeOutcome::Reply));
//! ```
//!
//! Not built: duplicate address detection and router solicitation (addresses are there from the start), IGMP and MLD
//! reports, IP fragments in either direction (those that come in are dropped, a router passes them on), IPv6 redirects,
//! rate limits of ICMP errors, and the confirmation of neighbours by TCP.

mod arp;
mod endpoint;
mod forward;
mod host;
mod icmp;
mod ip;
mod link;
mod ndp;
mod neighbour;
mod packet;
mod probe;
mod probing;
mod route;
mod router;
mod stack;
#[cfg(test)]
mod tests;

pub use endpoint::Endpoint;
pub use ip::{BadIpNet, IpNet, IpSpec, default_mac};
pub use probe::{
    INTERVAL, MAX_RESULTS, MAX_RUNNING, Probe, ProbeId, ProbeKind, ProbeOutcome, ProbeResult, Unreachable,
};
pub use router::{Router, RouterLink};
pub use stack::{Datagram, ECHO_PORT, SocketError, TcpId, TcpState};
