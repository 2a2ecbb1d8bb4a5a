//! A real ping: between IP stacks in the namespaces of a lab.

use super::error::OracleError;
use super::link;
use super::netns::write_setting;
use super::oracle::Oracle;
use super::pool::DEVICE;
use super::world::World;
use crate::lab::LabSpec;
use crate::lab::spec::DeviceKind;
use crate::matrix::{Reach, ends};
use crate::station::IpSpec;
use crate::sys;
use netlink_packet_route::link::LinkFlags;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

/// The loopback's index in every namespace: messages of a stack to itself ("unreachable") pass through it.
const LOOPBACK: u32 = 1;
/// An echo request (RFC 792); the kernel fills in checksum and identifier.
const ECHO_REQUEST: [u8; 16] = [8, 0, 0, 0, 0, 0, 0, 1, 0x70, 0x69, 0x6e, 0x67, 0, 0, 0, 0];

/// Timeouts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// Between ARP requests, of which there are three.
    pub(super) ask_again: Duration,
    /// For the echo reply.
    pub(super) reply: Duration,
}

impl Oracle {
    /// One device pings another by IPv4 in a lab built for it; the lab's steps are not run.
    ///
    /// # Errors
    /// [`OracleError::Unsupported`] if a device has no IPv4 address or needs more than a simple IP stack.
    pub(super) fn ping(
        &mut self,
        lab: &LabSpec,
        from: &str,
        to: &str,
        patience: Timeouts,
    ) -> Result<Reach, OracleError> {
        if lab.devices.iter().any(|d| matches!(d.kind, DeviceKind::Router(_))) {
            return Err(OracleError::Unsupported("routers".to_owned()));
        }
        let lab = LabSpec { steps: Vec::new(), ..lab.clone() };
        // A port that the kernel refuses to create does not take part; one that it refuses to bring up has no route.
        let (mut world, _) = World::build(self.pool(), &lab)?;
        let ends = ends(&lab);
        for (name, ip) in ends.iter().filter(|(name, _)| world.live.contains_key(*name)).collect::<Vec<_>>() {
            give_addresses(&mut world, name, ip, patience)?;
        }
        if !world.live.contains_key(from) {
            return Ok(Reach::Unreachable);
        }
        let target = ends.iter().find(|(name, _)| *name == to).and_then(|(_, ip)| v4(ip).next());
        let target =
            target.ok_or_else(|| OracleError::Unsupported(format!("{to} without an IPv4 address")))?;
        let before = echo_requests(&world, to)?;
        let outcome = ask(&world, from, target, patience)?;
        Ok(match outcome {
            None if echo_requests(&world, to)? > before => Reach::OneWay,
            None => Reach::NoReply,
            Some(reach) => reach,
        })
    }
}

fn v4(ip: &IpSpec) -> impl Iterator<Item = IpAddr> {
    ip.address.iter().map(|net| net.addr()).filter(IpAddr::is_ipv4)
}

/// Configures the stack behind a device.
fn give_addresses(
    world: &mut World<'_>,
    name: &str,
    ip: &IpSpec,
    patience: Timeouts,
) -> Result<(), OracleError> {
    let place = world.place(name);
    let rtnl = &mut world.cells[place.cell].rtnl;
    let failed = || OracleError::refused(format!("the addresses of {name}"));
    link::set_flag(rtnl, LOOPBACK, LinkFlags::Up, true).map_err(failed())?;
    for net in ip.address.iter().filter(|net| net.addr().is_ipv4()) {
        link::add_address(rtnl, place.ifindex, net.addr(), net.prefix_len()).map_err(failed())?;
    }
    for (addr, mac) in ip.neighbours.iter().filter(|(addr, _)| addr.is_ipv4()) {
        link::add_neighbour(rtnl, place.ifindex, *addr, *mac).map_err(failed())?;
    }
    let _inside = world.inside(place.cell)?;
    let settings = [
        // Root in the namespace may open an echo socket.
        ("ipv4/ping_group_range".to_owned(), "0 0".to_owned()),
        (format!("ipv4/neigh/{DEVICE}/retrans_time_ms"), patience.ask_again.as_millis().to_string()),
    ];
    for (setting, value) in settings {
        write_setting(&setting, &value).map_err(OracleError::io("preparing an IP stack (/proc/sys/net)"))?;
    }
    Ok(())
}

/// Sends an echo request and waits for a reply or the stack's "unreachable"; `None`: a timeout.
fn ask(
    world: &World<'_>,
    from: &str,
    target: IpAddr,
    patience: Timeouts,
) -> Result<Option<Reach>, OracleError> {
    let failed = || OracleError::io("a ping");
    let socket = {
        let _inside = world.inside(world.place(from).cell)?;
        sys::echo_socket().map_err(failed())?
    };
    let wait = patience.reply.max(patience.ask_again * 5);
    socket.set_read_timeout(Some(wait)).map_err(failed())?;
    let unreachable =
        |e: &io::Error| matches!(e.raw_os_error(), Some(libc::EHOSTUNREACH | libc::ENETUNREACH));
    let mut answer = [0; 64];
    match socket
        .connect((target, 0))
        .and_then(|()| socket.send(&ECHO_REQUEST))
        .and_then(|_| socket.recv(&mut answer))
    {
        Ok(_) => Ok(Some(Reach::Reply)),
        Err(e) if unreachable(&e) => Ok(Some(Reach::Unreachable)),
        Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Ok(None),
        Err(e) => Err(failed()(e)),
    }
}

/// The number of echo requests that reached a device's stack; none if there is no such device.
fn echo_requests(world: &World<'_>, name: &str) -> Result<u64, OracleError> {
    const COUNTERS: &str = "/proc/thread-self/net/snmp";
    if !world.live.contains_key(name) {
        return Ok(0);
    }
    let _inside = world.inside(world.place(name).cell)?;
    let text = std::fs::read_to_string(COUNTERS).map_err(OracleError::io(COUNTERS))?;
    counter(&text, "Icmp:", "InEchos")
        .ok_or_else(|| OracleError::Unsupported(format!("{COUNTERS} without InEchos")))
}

/// A counter of a protocol: a line of names, then one of values.
fn counter(text: &str, protocol: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter(|line| line.starts_with(protocol));
    let (names, values) = (lines.next()?, lines.next()?);
    let (_, value) = names.split_whitespace().zip(values.split_whitespace()).find(|(n, _)| *n == name)?;
    value.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::counter;

    #[test]
    fn a_counter_is_found_by_its_name() {
        let text = "Ip: InEchos\nIp: 1\nIcmp: InMsgs InEchos InEchoReps\nIcmp: 7 5 2\nIcmpMsg: InType0\n";
        assert_eq!(counter(text, "Icmp:", "InEchos"), Some(5));
        assert_eq!(counter(text, "Icmp:", "OutEchos"), None);
        assert_eq!(counter("Icmp: InEchos", "Icmp:", "InEchos"), None);
    }
}
