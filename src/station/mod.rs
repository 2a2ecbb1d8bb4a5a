//! End points: a TCP/IP stack on an Ethernet device, in virtual time.
//!
//! [`Host`] is one IP stack with any number of interfaces, a router if it forwards; [`Endpoint`] is a host with one. Both behave
//! like a Linux machine, as far as frames show. Neither has a clock or sockets: the caller passes frames and time, and
//! fetches frames, and the same calls give the same bytes in every run.
//!
//! The path through the module: a frame goes to `input`, which passes ARP and neighbour discovery to a `link` and from
//! there to the `neighbour` table; packets for the host go to `icmp`, or to `stack` (UDP and TCP: smoltcp, with an echo
//! service on port 7), others to `forward`. Outgoing packets (`output`) go by `route` to a `link`, wait there for their
//! neighbour, and leave as frames. `probe` and `probing` implement pings and other probes of other hosts.
//!
//! ```
//! use macvlab::frame::PacketType;
//! use macvlab::station::{Endpoint, IpNet, IpSpec, Probe, ProbeKind, ProbeOutcome};
//! use macvlab::time::Instant;
//! use std::time::Duration;
//!
//! let host = |name: &str, last: u8| {
//!     let address = vec![format!("10.0.0.{last}/24").parse().expect("an address")];
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
//! Not implemented: duplicate address detection and router solicitation (addresses are configured from the start), IGMP
//! and MLD reports, IP fragments in either direction (received ones are dropped, a router forwards them), IPv6
//! redirects, rate limits of ICMP errors, and the confirmation of neighbours by TCP.

mod arp;
mod endpoint;
mod forward;
mod host;
mod icmp;
mod input;
mod ip;
mod link;
mod ndp;
mod neighbour;
mod output;
mod packet;
mod probe;
mod probing;
mod route;
mod stack;
mod sysctl;
#[cfg(test)]
mod tests;

pub use endpoint::Endpoint;
pub use host::{Host, HostConfig, Interface};
pub use ip::{IpNet, IpSpec, default_mac};
pub use neighbour::{Neighbour, NeighbourState};
pub use probe::{
    INTERVAL, MAX_RESULTS, MAX_RUNNING, Probe, ProbeId, ProbeKind, ProbeOutcome, ProbeResult, Unreachable,
};
pub use route::RouteSpec;
pub use stack::{Datagram, ECHO_PORT, SocketError, TcpId, TcpState};
pub use sysctl::{Sysctl, Sysctls};
