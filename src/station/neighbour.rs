//! The neighbour cache: IP address to MAC address, with Linux's states and timers (`net/core/neighbour.c`).
//!
//! ARP and neighbour discovery differ only in their messages; the states are the same, so one table serves both. Upper
//! layers do not confirm entries here as TCP does on Linux: a busy neighbour is solicited again after
//! [`REACHABLE_TIME`] and [`DELAY_PROBE_TIME`], by three unicast requests at most.

use super::packet::IpView;
use crate::frame::MacAddr;
use crate::time::Instant;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// How long a confirmed entry is valid. Linux uses a random value from half to one and a half of it.
pub(super) const REACHABLE_TIME: Duration = Duration::from_secs(30);
/// How long a stale entry in use waits for a confirmation before it is solicited.
pub(super) const DELAY_PROBE_TIME: Duration = Duration::from_secs(5);
/// Time between two requests.
pub(super) const RETRANS_TIME: Duration = Duration::from_secs(1);
/// Within this time after it, an ARP reply is not overridden by another one: the first reply wins.
pub(super) const LOCKTIME: Duration = Duration::from_secs(1);
/// Number of requests before an address counts as unreachable, and of unicast ones before a known neighbour does.
const MAX_PROBES: u8 = 3;
/// Maximum number of packets that wait for one neighbour; a newer one displaces the oldest. Linux bounds their memory
/// (`unres_qlen_bytes`, 212992), which its `unres_qlen` reports as 101 packets.
pub(super) const MAX_WAITING: usize = 101;
/// Maximum number of entries. Linux does not grow beyond `gc_thresh3`, 1024; entries that are not permanent make room
/// for new ones.
pub(super) const MAX_ENTRIES: usize = 1024;

/// The state of an entry of a neighbour table (the kernel's NUD states). `Display` prints the word that `ip neigh` uses, in
/// lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeighbourState {
    /// Solicited, no reply yet.
    Incomplete,
    /// Recently confirmed.
    Reachable,
    /// Known, not confirmed.
    Stale,
    /// Stale and in use; waits for a confirmation.
    Delay,
    /// Stale and in use; solicited by unicast.
    Probe,
    /// Did not reply.
    Failed,
    /// Configured statically.
    Permanent,
}

impl NeighbourState {
    /// Every state.
    pub const ALL: &'static [NeighbourState] = &[
        NeighbourState::Incomplete,
        NeighbourState::Reachable,
        NeighbourState::Stale,
        NeighbourState::Delay,
        NeighbourState::Probe,
        NeighbourState::Failed,
        NeighbourState::Permanent,
    ];

    /// Its name: `reachable`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            NeighbourState::Incomplete => "incomplete",
            NeighbourState::Reachable => "reachable",
            NeighbourState::Stale => "stale",
            NeighbourState::Delay => "delay",
            NeighbourState::Probe => "probe",
            NeighbourState::Failed => "failed",
            NeighbourState::Permanent => "permanent",
        }
    }

    /// Whether the MAC address is known, fresh or stale.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        !matches!(self, NeighbourState::Incomplete | NeighbourState::Failed)
    }
}

impl fmt::Display for NeighbourState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An entry of a neighbour table, as it is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its IP address.
    pub ip: IpAddr,
    /// Its MAC address, if it is known.
    pub mac: Option<MacAddr>,
    /// Its state.
    pub state: NeighbourState,
    /// The MAC address is known since then; the start of the request, if it is not.
    pub since: Instant,
    /// The last proof that the neighbour receives our frames.
    pub confirmed: Option<Instant>,
    /// Last use for sending.
    pub used: Instant,
}

#[derive(Clone, Debug)]
struct Entry {
    state: NeighbourState,
    mac: MacAddr,
    /// When the timer of the state expires, if it has one.
    timer: Option<Instant>,
    /// Requests sent in this round.
    probes: u8,
    /// Last change of address or state.
    updated: Instant,
    /// When the address became known.
    since: Instant,
    confirmed: Option<Instant>,
    /// Last use for sending.
    used: Instant,
    waiting: Vec<Vec<u8>>,
}

/// A request to send: for `target`, to its known MAC address or to the broadcast or multicast one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Solicitation {
    pub(super) target: IpAddr,
    pub(super) to: Option<MacAddr>,
    /// The source of the packet that waits for the reply; used as the request's source, if it is an own address.
    pub(super) source: Option<IpAddr>,
}

/// The actions that the table requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Effects {
    /// Requests to send.
    pub(super) solicit: Vec<Solicitation>,
    /// Packets whose neighbour is now known.
    pub(super) send: Vec<(MacAddr, Vec<u8>)>,
    /// Packets whose neighbour did not reply.
    pub(super) failed: Vec<Vec<u8>>,
}

/// How an update about a neighbour is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NeighbourUpdate {
    /// Proves that the neighbour receives our frames: a reply to our request.
    pub(super) confirms: bool,
    /// May replace a known MAC address.
    pub(super) overrides: bool,
    /// If it may not: makes a reachable entry with another MAC address stale (IPv6).
    pub(super) doubts: bool,
    /// Creates an entry if there is none.
    pub(super) creates: bool,
}

/// The neighbours of one interface.
#[derive(Clone, Debug, Default)]
pub(super) struct NeighbourTable {
    entries: BTreeMap<IpAddr, Entry>,
    /// Entries that have another state or MAC address than when they were last [taken](NeighbourTable::take_changed), or are
    /// gone; `None`: no one asks.
    changed: Option<BTreeSet<IpAddr>>,
}

impl NeighbourTable {
    /// Keeps account of changes from now on; all there is counts as changed.
    pub(super) fn watch(&mut self) {
        self.changed.get_or_insert_with(|| self.entries.keys().copied().collect());
    }

    /// The addresses whose entries have changed since the last call.
    pub(super) fn take_changed(&mut self) -> BTreeSet<IpAddr> {
        self.changed.as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn touch(&mut self, ip: IpAddr) {
        self.changed.as_mut().map(|changed| changed.insert(ip));
    }

    /// Adds a permanent entry.
    pub(super) fn set_permanent(&mut self, now: Instant, ip: IpAddr, mac: MacAddr) {
        self.touch(ip);
        self.entries.insert(ip, Entry { mac, ..Entry::new(now, NeighbourState::Permanent) });
    }

    /// Removes all but the permanent entries. Waiting packets are lost.
    pub(super) fn forget_learned(&mut self) {
        self.retain(|e| e.state == NeighbourState::Permanent);
    }

    fn retain(&mut self, stays: impl Fn(&Entry) -> bool) {
        let changed = &mut self.changed;
        self.entries.retain(|ip, entry| {
            let stays = stays(entry);
            changed.as_mut().filter(|_| !stays).map(|changed| changed.insert(*ip));
            stays
        });
    }

    /// Removes an entry; whether there was one. Waiting packets are lost.
    pub(super) fn forget(&mut self, ip: IpAddr) -> bool {
        self.touch(ip);
        self.entries.remove(&ip).is_some()
    }

    /// Removes every entry. Waiting packets are lost.
    pub(super) fn forget_all(&mut self) {
        self.retain(|_| false);
    }

    /// State and address of an entry.
    pub(super) fn get(&self, ip: IpAddr) -> Option<(NeighbourState, Option<MacAddr>)> {
        self.listed(ip).map(|entry| (entry.state, entry.mac))
    }

    /// An entry, as it is listed.
    pub(super) fn listed(&self, ip: IpAddr) -> Option<Neighbour> {
        let Entry { state, mac, since, confirmed, used, .. } = self.entries.get(&ip)?;
        let (state, mac, since, confirmed, used) = (*state, *mac, *since, *confirmed, *used);
        Some(Neighbour { ip, mac: state.is_valid().then_some(mac), state, since, confirmed, used })
    }

    /// All entries, by address.
    pub(super) fn list(&self) -> impl Iterator<Item = Neighbour> {
        self.entries.keys().filter_map(|ip| self.listed(*ip))
    }

    /// Whether a MAC address is known, fresh or stale.
    pub(super) fn is_valid(&self, ip: IpAddr) -> bool {
        self.entries.get(&ip).is_some_and(|e| e.state.is_valid())
    }

    /// Whether an entry changed so recently that another ARP reply must not change it.
    pub(super) fn is_locked(&self, now: Instant, ip: IpAddr) -> bool {
        self.entries.get(&ip).is_some_and(|e| now <= e.updated + LOCKTIME)
    }

    /// A packet for this neighbour: it is sent, or waits for the reply (`neigh_event_send`). Without a packet, the
    /// neighbour is only solicited.
    pub(super) fn use_for(&mut self, now: Instant, ip: IpAddr, packet: Option<Vec<u8>>, out: &mut Effects) {
        if !self.entries.contains_key(&ip) && !self.make_room() {
            out.failed.extend(packet);
            return;
        }
        let entry = self.entries.entry(ip).or_insert_with(|| Entry::new(now, NeighbourState::Failed));
        entry.used = now;
        if matches!(entry.state, NeighbourState::Stale | NeighbourState::Failed) {
            self.changed.as_mut().map(|changed| changed.insert(ip));
        }
        match entry.state {
            NeighbourState::Stale => entry.enter(now, NeighbourState::Delay, DELAY_PROBE_TIME),
            NeighbourState::Failed => {
                entry.enter(now, NeighbourState::Incomplete, RETRANS_TIME);
                entry.since = now;
                entry.probes = 1;
                let source = packet.as_deref().and_then(source_of);
                out.solicit.push(Solicitation { target: ip, to: None, source });
            }
            _ => {}
        }
        let Some(packet) = packet else { return };
        if entry.state.is_valid() {
            out.send.push((entry.mac, packet));
        } else {
            if entry.waiting.len() >= MAX_WAITING {
                entry.waiting.remove(0);
            }
            entry.waiting.push(packet);
        }
    }

    /// Information about a neighbour was received (`neigh_update`). Without a MAC address, the known one is meant.
    pub(super) fn learn(
        &mut self,
        now: Instant,
        ip: IpAddr,
        mac: Option<MacAddr>,
        news: NeighbourUpdate,
        out: &mut Effects,
    ) {
        if !self.entries.contains_key(&ip) {
            if !news.creates || mac.is_none() || !self.make_room() {
                return;
            }
            self.entries.insert(ip, Entry::new(now, NeighbourState::Failed));
        }
        let Some(entry) = self.entries.get_mut(&ip) else { return };
        let old = entry.state;
        if old == NeighbourState::Permanent {
            return;
        }
        let mut mac = match mac {
            Some(mac) => mac,
            None if old.is_valid() => entry.mac,
            None => return,
        };
        let mut new = if news.confirms { NeighbourState::Reachable } else { NeighbourState::Stale };
        if old.is_valid() {
            if mac != entry.mac && !news.overrides {
                if !(news.doubts && old == NeighbourState::Reachable) {
                    return;
                }
                mac = entry.mac;
                new = NeighbourState::Stale;
            } else if mac == entry.mac && new == NeighbourState::Stale {
                // An update without new information changes nothing.
                new = old;
            }
        }
        if new != old || mac != entry.mac {
            entry.updated = now;
            self.changed.as_mut().map(|changed| changed.insert(ip));
        }
        if !old.is_valid() || mac != entry.mac {
            entry.since = now;
        }
        if news.confirms {
            entry.confirmed = Some(now);
        }
        entry.mac = mac;
        if new == NeighbourState::Reachable {
            entry.state = new;
            entry.timer = Some(now + REACHABLE_TIME);
        } else if new != old {
            entry.state = new;
            entry.timer = None;
        }
        if !old.is_valid() {
            out.send.extend(entry.waiting.drain(..).map(|p| (mac, p)));
        }
    }

    /// Handles the timers that have expired.
    pub(super) fn poll(&mut self, now: Instant, out: &mut Effects) {
        for (ip, entry) in &mut self.entries {
            while let Some(rings) = entry.timer.filter(|timer| *timer <= now) {
                let before = entry.state;
                entry.ring(rings, *ip, out);
                if entry.state != before {
                    self.changed.as_mut().map(|changed| changed.insert(*ip));
                }
            }
        }
    }

    /// When the next timer expires.
    pub(super) fn poll_at(&self) -> Option<Instant> {
        self.entries.values().filter_map(|e| e.timer).min()
    }

    /// Makes room for one more entry, if necessary by removing the least recently used one without waiting packets.
    fn make_room(&mut self) -> bool {
        if self.entries.len() < MAX_ENTRIES {
            return true;
        }
        let oldest = self
            .entries
            .iter()
            .filter(|(_, e)| e.state != NeighbourState::Permanent && e.waiting.is_empty())
            .min_by_key(|(_, e)| e.used.max(e.updated))
            .map(|(ip, _)| *ip);
        oldest.is_some_and(|ip| self.forget(ip))
    }
}

fn source_of(packet: &[u8]) -> Option<IpAddr> {
    IpView::parse(packet).map(|view| view.src)
}

impl Entry {
    fn new(now: Instant, state: NeighbourState) -> Entry {
        Entry {
            state,
            mac: MacAddr::ZERO,
            timer: None,
            probes: 0,
            updated: now,
            since: now,
            confirmed: None,
            used: now,
            waiting: Vec::new(),
        }
    }

    fn enter(&mut self, now: Instant, state: NeighbourState, timer: Duration) {
        self.state = state;
        self.updated = now;
        self.timer = Some(now + timer);
    }

    /// The timer expires at its own time, however late it is handled (`neigh_timer_handler`).
    fn ring(&mut self, now: Instant, ip: IpAddr, out: &mut Effects) {
        match self.state {
            NeighbourState::Reachable if now.since(self.used) <= DELAY_PROBE_TIME => {
                self.enter(now, NeighbourState::Delay, DELAY_PROBE_TIME);
            }
            NeighbourState::Reachable => {
                self.enter(now, NeighbourState::Stale, Duration::ZERO);
                self.timer = None;
            }
            NeighbourState::Delay => {
                self.enter(now, NeighbourState::Probe, RETRANS_TIME);
                self.probes = 1;
                out.solicit.push(Solicitation { target: ip, to: Some(self.mac), source: None });
            }
            NeighbourState::Incomplete | NeighbourState::Probe if self.probes >= MAX_PROBES => {
                self.enter(now, NeighbourState::Failed, Duration::ZERO);
                self.timer = None;
                out.failed.append(&mut self.waiting);
            }
            NeighbourState::Incomplete | NeighbourState::Probe => {
                self.probes += 1;
                self.timer = Some(now + RETRANS_TIME);
                let to = (self.state == NeighbourState::Probe).then_some(self.mac);
                let source = self.waiting.first().and_then(|p| source_of(p));
                out.solicit.push(Solicitation { target: ip, to, source });
            }
            NeighbourState::Stale | NeighbourState::Failed | NeighbourState::Permanent => self.timer = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: NeighbourUpdate =
        NeighbourUpdate { confirms: true, overrides: false, doubts: false, creates: false };
    const REQUEST: NeighbourUpdate =
        NeighbourUpdate { confirms: false, overrides: true, doubts: false, creates: true };
    const A: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xa]);
    const B: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xb]);

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    fn ip() -> IpAddr {
        [10, 0, 0, 2].into()
    }

    #[test]
    fn a_stale_entry_is_used_delayed_probed_and_given_up() {
        let (mut t, mut out) = (NeighbourTable::default(), Effects::default());
        t.learn(at(0), ip(), Some(A), REQUEST, &mut out);
        assert_eq!(t.get(ip()), Some((NeighbourState::Stale, Some(A))));
        t.use_for(at(100), ip(), Some(vec![1]), &mut out);
        assert_eq!(std::mem::take(&mut out.send), [(A, vec![1])]);
        assert_eq!(t.poll_at(), Some(at(5100)));
        for (ms, requests) in [(5100, 1), (6100, 1), (7100, 1), (8100, 0)] {
            assert_eq!(t.poll_at(), Some(at(ms)));
            t.poll(at(ms), &mut out);
            let sent = std::mem::take(&mut out.solicit);
            assert_eq!(sent.len(), requests, "at {ms} ms");
            assert!(sent.iter().all(|s| s.to == Some(A)));
        }
        assert_eq!(t.get(ip()), Some((NeighbourState::Failed, None)));
        assert_eq!(t.poll_at(), None);
    }

    #[test]
    fn a_reachable_entry_grows_stale_unless_it_is_used() {
        for (used, state) in [(10_000, NeighbourState::Stale), (26_000, NeighbourState::Delay)] {
            let (mut t, mut out) = (NeighbourTable::default(), Effects::default());
            t.use_for(at(0), ip(), None, &mut out);
            t.learn(at(1), ip(), Some(A), ANSWER, &mut out);
            t.use_for(at(used), ip(), Some(vec![]), &mut out);
            t.poll(at(30_000), &mut out);
            assert_eq!(t.get(ip()).map(|e| e.0), Some(NeighbourState::Reachable));
            t.poll(at(30_001), &mut out);
            assert_eq!(t.get(ip()).map(|e| e.0), Some(state));
        }
    }

    #[test]
    fn the_oldest_waiting_packet_makes_room() {
        let (mut t, mut out) = (NeighbourTable::default(), Effects::default());
        for n in 0..=MAX_WAITING {
            t.use_for(at(0), ip(), Some(vec![u8::try_from(n).unwrap()]), &mut out);
        }
        t.learn(at(1), ip(), Some(A), ANSWER, &mut out);
        assert_eq!(out.send.len(), MAX_WAITING);
        assert_eq!(out.send[0].1, [1]);
        assert_eq!(out.solicit.len(), 1, "one request at a time, however many packets wait");
    }

    #[test]
    fn the_table_is_bounded_and_keeps_what_was_set_by_hand() {
        let (mut t, mut out) = (NeighbourTable::default(), Effects::default());
        t.set_permanent(at(0), ip(), A);
        for n in 0..2 * u32::try_from(MAX_ENTRIES).unwrap() {
            let stranger = IpAddr::from((0x0b00_0000 + n).to_be_bytes());
            t.learn(at(u64::from(n)), stranger, Some(B), REQUEST, &mut out);
        }
        assert_eq!(t.entries.len(), MAX_ENTRIES);
        t.learn(at(0), ip(), Some(B), REQUEST, &mut out);
        assert_eq!(t.get(ip()), Some((NeighbourState::Permanent, Some(A))));
    }

    #[test]
    fn another_address_without_the_override_flag_makes_a_reachable_entry_stale() {
        let other = NeighbourUpdate { confirms: true, overrides: false, doubts: true, creates: false };
        for (doubts, state) in [(true, NeighbourState::Stale), (false, NeighbourState::Reachable)] {
            let (mut t, mut out) = (NeighbourTable::default(), Effects::default());
            t.use_for(at(0), ip(), None, &mut out);
            t.learn(at(1), ip(), Some(A), ANSWER, &mut out);
            t.learn(at(2), ip(), Some(B), NeighbourUpdate { doubts, ..other }, &mut out);
            assert_eq!(t.get(ip()), Some((state, Some(A))), "RFC 4861, section 7.2.5: doubts {doubts}");
            // A stale entry is not doubted again: its times stay.
            let due = t.poll_at();
            t.learn(at(3), ip(), Some(B), NeighbourUpdate { doubts, ..other }, &mut out);
            assert_eq!((t.get(ip()), t.poll_at()), (Some((state, Some(A))), due));
        }
    }
}
