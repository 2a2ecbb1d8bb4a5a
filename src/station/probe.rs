//! Probes: a ping, an arping, a UDP datagram or a TCP connection, and their results.

use super::stack::TcpId;
use crate::time::Instant;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// Time between two requests of one probe, as in `ping`.
pub const INTERVAL: Duration = Duration::from_secs(1);
/// Maximum number of concurrent probes; a further one gets [`Unreachable::NoRoom`].
pub const MAX_RUNNING: usize = 256;
/// Maximum number of stored results; the oldest makes room.
pub const MAX_RESULTS: usize = 1024;

/// The kind of probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeKind {
    /// ICMP or ICMPv6 echo with 56 bytes of data (98 bytes of frame for IPv4), as iputils' `ping` sends it.
    Ping,
    /// Broadcast ARP requests (neighbour solicitations for IPv6), whatever the neighbour cache contains, until the
    /// first reply.
    Arping,
    /// A datagram to the echo service and back; each request from a different port.
    Udp,
    /// A connection to the echo service: handshake, one line in each direction, close.
    Tcp,
}

/// A probe of another host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The kind of probe.
    pub kind: ProbeKind,
    /// The target.
    pub to: IpAddr,
    /// Number of requests, a second apart; 0 counts as 1.
    pub count: u32,
    /// How long to wait after the last request.
    pub timeout: Duration,
}

/// The id of a probe of one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeId(u32);

/// The outcome of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// At least one request got a reply.
    Reply,
    /// None got a reply, and at least one is known not to have been delivered.
    Unreachable,
    /// No reply.
    NoReply,
}

/// Why a packet was not delivered.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// No subnet, no gateway or no address of that family (`ENETUNREACH`): known at once.
    NoRoute,
    /// This next hop did not reply to three requests (`EHOSTUNREACH`): reported by the host itself.
    Neighbour(IpAddr),
    /// An ICMP error was received.
    Icmp {
        /// Its sender.
        from: IpAddr,
        /// The message's type.
        kind: u8,
        /// The message's code.
        code: u8,
    },
    /// Longer than the device's mtu (`EMSGSIZE`).
    TooBig,
    /// The connection was reset, or given up.
    Refused,
    /// This host has no free socket.
    NoRoom,
}

impl fmt::Display for Unreachable {
    /// In words: `no route`, `no neighbour answers`, `10.0.0.1 reports: port unreachable`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreachable::NoRoute => f.write_str("no route"),
            Unreachable::Neighbour(_) => f.write_str("no neighbour answers"),
            Unreachable::Icmp { from, kind, code } => {
                write!(f, "{from} reports: {}", icmp_error(from.is_ipv4(), *kind, *code))
            }
            Unreachable::TooBig => f.write_str("the packet is longer than the device's MTU"),
            Unreachable::Refused => f.write_str("connection refused, reset, or given up"),
            Unreachable::NoRoom => f.write_str("the sender has no free socket"),
        }
    }
}

/// The name of an ICMP error (RFC 792, RFC 1812) or ICMPv6 error (RFC 4443).
fn icmp_error(v4: bool, kind: u8, code: u8) -> String {
    let name = match (v4, kind, code) {
        (true, 3, 0) | (false, 1, 0) => "network unreachable",
        (true, 3, 1) | (false, 1, 3) => "host unreachable",
        (true, 3, 2) => "protocol unreachable",
        (true, 3, 3) | (false, 1, 4) => "port unreachable",
        (true, 3, 4) | (false, 2, _) => "packet too big",
        (true, 3, 9 | 10 | 13) | (false, 1, 1) => "prohibited",
        (true, 11, _) | (false, 3, _) => "time exceeded",
        _ => return format!("ICMP{} type {kind} code {code}", if v4 { "" } else { "v6" }),
    };
    name.to_owned()
}

/// The result of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeResult {
    /// The outcome.
    pub outcome: ProbeOutcome,
    /// From the first request with a reply to its reply.
    pub rtt: Option<Duration>,
    /// Requests sent.
    pub sent: u32,
    /// Requests that got a reply.
    pub received: u32,
    /// Requests known not to have been delivered (`+N errors`).
    pub unreachable: u32,
    /// Why the first of those was not delivered.
    pub reason: Option<Unreachable>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    sent_at: Instant,
    pub(super) tcp: Option<TcpId>,
    answered: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) probe: Probe,
    /// Identifier of the echo requests.
    pub(super) ident: u16,
    next_at: Option<Instant>,
    last_at: Instant,
    /// By sequence number, or by the source port of a UDP request.
    pub(super) pending: BTreeMap<u16, Attempt>,
    result: ProbeResult,
}

impl Running {
    fn deadline(&self) -> Instant {
        let left = self.probe.count.max(1).saturating_sub(self.result.sent);
        let last = self.next_at.map_or(self.last_at, |next| next + INTERVAL * left.saturating_sub(1));
        last + self.probe.timeout
    }

    /// The sequence number of the latest request, from 1.
    pub(super) fn sequence(&self) -> u16 {
        (self.result.sent & 0xffff) as u16
    }

    /// Records that a request was sent; requests are counted before they are recorded as pending.
    pub(super) fn begin(&mut self, now: Instant) {
        self.result.sent += 1;
        self.last_at = now;
        self.next_at = (self.result.sent < self.probe.count.max(1)).then_some(now + INTERVAL);
    }

    pub(super) fn pend(&mut self, now: Instant, key: u16, tcp: Option<TcpId>) {
        self.pending.insert(key, Attempt { sent_at: now, tcp, answered: false });
    }

    /// Records a reply. A connection stays pending until it is closed ([`Running::close`]).
    pub(super) fn answer(&mut self, now: Instant, key: u16) {
        let Some(attempt) = self.pending.get_mut(&key) else { return };
        if !attempt.answered {
            attempt.answered = true;
            self.result.received += 1;
            self.result.rtt.get_or_insert(now.since(attempt.sent_at));
        }
        if attempt.tcp.is_none() {
            self.pending.remove(&key);
        }
    }

    /// Records that a connection is closed.
    pub(super) fn close(&mut self, key: u16) {
        self.pending.remove(&key);
    }

    /// Stops waiting for the reply to its oldest request; returns the key of that request.
    pub(super) fn give_up_oldest(&mut self) -> Option<u16> {
        let (key, _) = self.pending.iter().min_by_key(|(_, attempt)| attempt.sent_at)?;
        let key = *key;
        self.pending.remove(&key);
        Some(key)
    }

    pub(super) fn fail(&mut self, key: u16, why: Unreachable) {
        if self.pending.remove(&key).is_some_and(|a| !a.answered) {
            self.result.unreachable += 1;
            self.result.reason.get_or_insert(why);
        }
    }

    /// Records that nothing can be sent.
    pub(super) fn abort(&mut self, why: Unreachable) {
        self.next_at = None;
        self.result.unreachable += 1;
        self.result.reason.get_or_insert(why);
    }

    fn is_over(&self, now: Instant) -> bool {
        let silenced = self.probe.kind == ProbeKind::Arping && self.result.received > 0;
        silenced || (self.next_at.is_none() && (self.pending.is_empty() || self.deadline() <= now))
    }
}

/// The probes of one host.
#[derive(Clone, Debug, Default)]
pub(super) struct Prober {
    pub(super) running: BTreeMap<ProbeId, Running>,
    done: BTreeMap<ProbeId, ProbeResult>,
    next: u32,
}

impl Prober {
    pub(super) fn start(&mut self, now: Instant, probe: Probe) -> ProbeId {
        let id = ProbeId(self.next);
        self.next = self.next.wrapping_add(1);
        let result = ProbeResult {
            outcome: ProbeOutcome::NoReply,
            rtt: None,
            sent: 0,
            received: 0,
            unreachable: 0,
            reason: None,
        };
        let mut running = Running {
            probe,
            ident: (self.next & 0xffff) as u16,
            next_at: Some(now),
            last_at: now,
            pending: BTreeMap::new(),
            result,
        };
        if self.running.len() >= MAX_RUNNING {
            running.abort(Unreachable::NoRoom);
            self.finish(id, running);
        } else {
            self.running.insert(id, running);
        }
        id
    }

    fn finish(&mut self, id: ProbeId, running: Running) {
        let mut result = running.result;
        result.outcome = match (result.received, result.unreachable) {
            (1.., _) => ProbeOutcome::Reply,
            (0, 1..) => ProbeOutcome::Unreachable,
            (0, 0) => ProbeOutcome::NoReply,
        };
        if self.done.len() >= MAX_RESULTS {
            self.done.pop_first();
        }
        self.done.insert(id, result);
    }

    pub(super) fn result(&self, id: ProbeId) -> Option<ProbeResult> {
        self.done.get(&id).copied()
    }

    pub(super) fn deadline(&self, id: ProbeId) -> Option<Instant> {
        self.running.get(&id).map(Running::deadline)
    }

    /// Probes whose next request is due.
    pub(super) fn due(&self, now: Instant) -> Vec<ProbeId> {
        let due = |r: &Running| r.next_at.is_some_and(|at| at <= now);
        self.running.iter().filter(|(_, r)| due(r)).map(|(id, _)| *id).collect()
    }

    /// Ends the probes that are over; returns the attempts that they leave behind.
    pub(super) fn reap(&mut self, now: Instant) -> Vec<Running> {
        let over: Vec<ProbeId> =
            self.running.iter().filter(|(_, r)| r.is_over(now)).map(|(id, _)| *id).collect();
        let mut left = Vec::new();
        for id in over {
            if let Some(running) = self.running.remove(&id) {
                left.push(running.clone());
                self.finish(id, running);
            }
        }
        left
    }

    pub(super) fn poll_at(&self) -> Option<Instant> {
        self.running.values().map(|r| r.next_at.unwrap_or_else(|| r.deadline())).min()
    }

    /// Handles an echo reply.
    pub(super) fn echo_reply(&mut self, now: Instant, from: IpAddr, ident: u16, seq: u16) {
        for r in self.of_kind(ProbeKind::Ping).filter(|r| r.ident == ident) {
            // A ping to a group gets replies from its members.
            if r.probe.to == from || r.probe.to.is_multicast() {
                r.answer(now, seq);
            }
        }
    }

    /// Records that an echo request was not delivered.
    pub(super) fn echo_failed(&mut self, ident: u16, seq: u16, why: Unreachable) {
        self.of_kind(ProbeKind::Ping).filter(|r| r.ident == ident).for_each(|r| r.fail(seq, why));
    }

    /// Records that a datagram was not delivered. True if a probe had sent it, which no longer needs its port.
    pub(super) fn udp_failed(&mut self, port: u16, why: Unreachable) -> bool {
        let asker = self.of_kind(ProbeKind::Udp).find(|r| r.pending.contains_key(&port));
        asker.map(|r| r.fail(port, why)).is_some()
    }

    /// Records a neighbour's reply to a request for its address.
    pub(super) fn neighbour_answered(&mut self, now: Instant, who: IpAddr) {
        for r in self.of_kind(ProbeKind::Arping).filter(|r| r.probe.to == who) {
            r.answer(now, r.sequence());
        }
    }

    fn of_kind(&mut self, kind: ProbeKind) -> impl Iterator<Item = &mut Running> {
        self.running.values_mut().filter(move |r| r.probe.kind == kind)
    }
}
