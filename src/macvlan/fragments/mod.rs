//! Fragments: a parent with a macvlan puts multicast IPv4 fragments together before its hook looks at them (R160).
//!
//! Parts wait here; when the last one that was missing arrives, one frame goes on in place of all of them, and every
//! later rule sees that frame only. What is thrown away instead has the rule that did it.
//!
//! [`Fragments`] belongs to a host, not to a device: a NIC and its VLAN sub-interfaces share one, because the kernel
//! keeps these queues by network namespace. A device asks it while it has a macvlan, up or down.
//!
//! etherparse reads and writes the IP headers here and makes their checksums. Its `IpDefragPool` is not used: it joins
//! what the kernel throws away (overlaps, R166), parts datagrams by their VLAN (R162), keeps one that an impossible
//! part should have ended (R167), refuses a part that the kernel cuts to a multiple of 8, knows neither ECN (R168) nor
//! age nor distance (R169a), sets aside the memory up to a part's offset whatever it holds, and gives back a payload
//! without the headers that the result is made from (R163). The tests hold the two against each other where they must
//! agree.

mod datagram;

use crate::frame::{EthHeader, ethertype};
use crate::time::Instant;
use crate::verdict::Rule;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::time::Duration;
use datagram::{Added, Datagram};
use etherparse::Ipv4HeaderSlice;

/// How long parts are kept, from the first one on (R169a; the kernel's `ipfrag_time`).
pub const HOLD_TIME: Duration = Duration::from_secs(30);

/// How many parts of one IP source may arrive from one part of a datagram to its next, that one counted (R169a; the
/// kernel's `ipfrag_max_dist`).
pub const MAX_DISTANCE: u64 = 64;

/// How many bytes may be held before every further part is thrown away (R169b; the kernel's `ipfrag_high_thresh`).
pub const MAX_HELD_BYTES: usize = 4 << 20;

/// What a part is charged besides its data, towards [`MAX_HELD_BYTES`]. The kernel charges what its buffers take, which
/// depends on the driver that made them; this is what a veth's take, measured for parts of 8 and of 1480 bytes.
pub const PART_OVERHEAD_BYTES: usize = 824;

/// What a datagram is charged besides its parts, towards [`MAX_HELD_BYTES`].
pub const DATAGRAM_OVERHEAD_BYTES: usize = 200;

/// The longest datagram, its header included: what the field for its length can say (RFC 791 section 3.1).
pub const MAX_DATAGRAM_BYTES: usize = 65_535;

/// What becomes of a frame that arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offered {
    /// It is no fragment that is put together here, and goes on unchanged (R161).
    NotAFragment,
    /// It goes no further: [`Rule::FragmentHeld`], it waits for the rest of its datagram; [`Rule::FragmentsTooFar`],
    /// likewise, and what waited for it was thrown away; any other rule, it was thrown away.
    Held(Rule),
    /// It was the last part that was missing: this frame, the whole datagram, goes on in its place.
    Whole(Vec<u8>),
}

/// The IPv4 datagrams of one host that are not whole yet.
#[derive(Clone, Debug, Default)]
pub struct Fragments {
    held: BTreeMap<Key, Datagram>,
    /// When each of them is given up.
    deadlines: BTreeSet<(Instant, Key)>,
    /// How many parts have come from each source of which something is held.
    arrived: BTreeMap<Ipv4Addr, u64>,
    /// What all of them are charged, in bytes.
    cost: usize,
}

/// What makes parts belong together (R162).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    source: Ipv4Addr,
    destination: Ipv4Addr,
    id: u16,
    protocol: u8,
}

/// A fragment as it arrived.
struct Part<'a> {
    /// The Ethernet header with its tag.
    ethernet: &'a [u8],
    ip: Ipv4HeaderSlice<'a>,
    /// The total length of the IP header taken at its word.
    data: &'a [u8],
}

impl<'a> Part<'a> {
    /// Reads a fragment; `None`: the frame is not one that is put together (R160, R161).
    fn read(frame: &'a [u8], header: &EthHeader) -> Option<Part<'a>> {
        if !header.dst.is_multicast() || header.ethertype != ethertype::IPV4 {
            return None;
        }
        let tag = if header.tag.is_some() { EthHeader::TAG_LEN as usize } else { 0 };
        let (ethernet, packet) = frame.split_at_checked(EthHeader::LEN + tag)?;
        let ip = Ipv4HeaderSlice::from_slice(packet).ok()?;
        let data = packet.get(ip.slice().len()..usize::from(ip.total_len()))?;
        ip.is_fragmenting_payload().then_some(Part { ethernet, ip, data })
    }

    fn key(&self) -> Key {
        Key {
            source: self.ip.source_addr(),
            destination: self.ip.destination_addr(),
            id: self.ip.identification(),
            protocol: self.ip.protocol().0,
        }
    }
}

impl Fragments {
    /// Takes a frame that arrives at a device with a macvlan, before the hook looks at it (`ip_check_defrag`). `header`
    /// is the frame's own. Time must not run backwards.
    #[must_use]
    pub fn offer(&mut self, now: Instant, frame: &[u8], header: &EthHeader) -> Offered {
        match Part::read(frame, header) {
            Some(part) => self.take(now, &part),
            None => Offered::NotAFragment,
        }
    }

    fn take(&mut self, now: Instant, part: &Part<'_>) -> Offered {
        self.expire(now);
        if self.cost > MAX_HELD_BYTES {
            return Offered::Held(Rule::FragmentsFull);
        }
        let key = part.key();
        let number = self.arrived.get(&key.source).map_or(1, |n| n + 1);
        self.arrived.insert(key.source, number);
        let mut datagram = self.remove(key).unwrap_or_else(|| Datagram::new(now + HOLD_TIME));
        let too_far = datagram.moved_on(number, MAX_DISTANCE);
        if too_far {
            datagram.start_again(now + HOLD_TIME);
        }
        let offered = match datagram.add(part) {
            Added::Held => {
                self.insert(key, datagram);
                Offered::Held(if too_far { Rule::FragmentsTooFar } else { Rule::FragmentHeld })
            }
            Added::Needless => {
                self.insert(key, datagram);
                Offered::Held(Rule::FragmentTwice)
            }
            Added::Ruined(rule) => Offered::Held(rule),
            Added::Complete => datagram.whole().map_or_else(Offered::Held, Offered::Whole),
        };
        self.forget(key.source);
        offered
    }

    /// How many datagrams are not whole yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.held.len()
    }

    /// Gives up what has waited too long.
    fn expire(&mut self, now: Instant) {
        while let Some((_, key)) = self.deadlines.first().copied().filter(|(deadline, _)| *deadline <= now) {
            self.remove(key);
            self.forget(key.source);
        }
    }

    fn remove(&mut self, key: Key) -> Option<Datagram> {
        let datagram = self.held.remove(&key)?;
        self.deadlines.remove(&(datagram.deadline(), key));
        self.cost -= datagram.cost();
        Some(datagram)
    }

    fn insert(&mut self, key: Key, datagram: Datagram) {
        self.deadlines.insert((datagram.deadline(), key));
        self.cost += datagram.cost();
        self.held.insert(key, datagram);
    }

    /// A source's parts are counted as long as one of its datagrams waits: only differences matter.
    fn forget(&mut self, source: Ipv4Addr) {
        let first = Key { source, destination: Ipv4Addr::UNSPECIFIED, id: 0, protocol: 0 };
        let waits = self.held.range(first..).next().is_some_and(|(key, _)| key.source == source);
        if !waits {
            self.arrived.remove(&source);
        }
    }
}

#[cfg(test)]
mod tests;
