//! The forwarding database: which address is behind which port.
//!
//! Entries that are not static age (rule R124): an entry whose source was not seen for the ageing time counts as absent
//! from that moment on, whether or not it has been swept out yet. Sweeping goes round the tables a little with every frame
//! that is learned, so that no frame waits for a whole table.

use super::SwitchPortId;
use super::age::Ticks;
use crate::frame::{MacAddr, VlanId};
use crate::table::MacMap;
use crate::time::Instant;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

/// Entries that a switch keeps, all VLANs together: two million. The kernel has no limit unless one is set; a capture with
/// random source addresses must not fill the memory. More than large data-centre switches have; addresses beyond it are
/// not learned, so their frames are flooded.
pub const MAX_FDB: usize = 1 << 21;

/// At least this long from one round of sweeping to the next, so that hosts that fall silent one by one do not cost a
/// round each.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// What sort of entry it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FdbKind {
    /// Learned, or added as if it were: it ages and goes with the carrier.
    #[default]
    Dynamic,
    /// Added by hand: it does not age, but moves when its address is seen elsewhere.
    Static,
    /// Static, and stays where it is.
    Sticky,
}

/// What becomes of an entry that is to be added for an address that has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfKnown {
    /// It is refused.
    Refuse,
    /// It takes the place of the other one.
    Replace,
}

/// An entry, for listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FdbEntry {
    /// Its VLAN, under VLAN filtering.
    pub vlan: Option<VlanId>,
    /// The address.
    pub mac: MacAddr,
    /// The port it is behind.
    pub port: SwitchPortId,
    /// What sort of entry it is.
    pub kind: FdbKind,
    /// The time since the address was last seen as a source, or the entry was made; of a static entry, as far back as its
    /// switch remembers, which is more than the ageing time.
    pub age: Duration,
}

/// What the table says of an address: the port, and above it the kind. Ports are few ([`super::MAX_PORTS`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FdbSlot(u16);

impl FdbSlot {
    const KIND: u32 = 14;

    fn new(port: SwitchPortId, kind: FdbKind) -> FdbSlot {
        FdbSlot(port.0 | (kind as u16) << FdbSlot::KIND)
    }

    #[inline]
    fn port(self) -> SwitchPortId {
        SwitchPortId(self.0 & ((1 << FdbSlot::KIND) - 1))
    }

    #[inline]
    fn kind(self) -> FdbKind {
        match self.0 >> FdbSlot::KIND {
            0 => FdbKind::Dynamic,
            1 => FdbKind::Static,
            _ => FdbKind::Sticky,
        }
    }
}

/// A live entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) port: SwitchPortId,
    pub(super) kind: FdbKind,
    pub(super) updated: Instant,
}

impl Found {
    /// Where the entry is once its address was seen on a port: a sticky one stays.
    pub(super) fn seen_on(&self, port: SwitchPortId) -> SwitchPortId {
        if self.kind == FdbKind::Sticky { self.port } else { port }
    }
}

/// There is no room for one more entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FdbFull;

/// How far a round of sweeping has come.
#[derive(Clone, Copy, Debug)]
struct Round {
    begun: Instant,
    table: usize,
    bucket: usize,
    /// The earliest expiry of what it left in place.
    earliest: Instant,
}

/// One table for each VLAN in use, sorted by its number; without filtering the one of VLAN 0. Beside an entry stands the
/// tick of its last sight.
#[derive(Clone, Debug)]
pub(super) struct Fdb {
    tables: Vec<(VlanId, MacMap<u32>)>,
    ageing: Duration,
    ticks: Ticks,
    /// No dynamic entry expires before this, so until then lookups need not look at ages.
    fresh_until: Instant,
    round: Round,
    /// Entries in the tables, live or not.
    pub(super) len: usize,
}

impl Fdb {
    pub(super) fn new(ageing: Duration) -> Fdb {
        Fdb {
            tables: vec![(VlanId::default(), MacMap::new())],
            ageing,
            ticks: Ticks::new(ageing, Instant::ZERO),
            fresh_until: Instant::MAX,
            round: Round { begun: Instant::ZERO, table: 0, bucket: 0, earliest: Instant::MAX },
            len: 0,
        }
    }

    /// With ageing zero nothing is learned.
    pub(super) fn learns(&self) -> bool {
        !self.ageing.is_zero()
    }

    /// What is too old by the old time or by the new one is gone for good.
    pub(super) fn set_ageing(&mut self, ageing: Duration, now: Instant) {
        self.sweep_all(now);
        self.ageing = ageing;
        self.count_by(Ticks::new(ageing, self.ticks.time(0)).moved(now));
        self.sweep_all(now);
    }

    /// The port behind which the address is.
    #[inline(always)]
    pub(super) fn get(&self, vlan: VlanId, mac: MacAddr, now: Instant) -> Option<SwitchPortId> {
        let table = self.table(vlan)?;
        if now < self.fresh_until {
            return table.get(mac).map(|value| FdbSlot(value).port());
        }
        self.find(vlan, mac, now).map(|found| found.port)
    }

    #[inline]
    pub(super) fn find(&self, vlan: VlanId, mac: MacAddr, now: Instant) -> Option<Found> {
        let (value, tick) = self.table(vlan)?.get_both(mac)?;
        let (behind, updated) = (FdbSlot(value), self.ticks.time(tick));
        let live = is_live(behind, updated, self.ageing, now);
        live.then_some(Found { port: behind.port(), kind: behind.kind(), updated })
    }

    /// Asks for the memory that learning an address takes, in no VLAN.
    #[inline]
    pub(super) fn prefetch_source(&self, src: MacAddr) {
        if let Some((_, table)) = self.tables.first() {
            table.prefetch_both(src);
        }
    }

    /// Asks for the memory that finding an address takes, in no VLAN.
    #[inline]
    pub(super) fn prefetch_destination(&self, dst: MacAddr, now: Instant) {
        let Some((_, table)) = self.tables.first() else { return };
        if now < self.fresh_until {
            table.prefetch(dst);
        } else {
            table.prefetch_both(dst);
        }
    }

    /// Where the address will be found once it was learned on a port.
    pub(super) fn after_learning(
        &self,
        vlan: VlanId,
        mac: MacAddr,
        port: SwitchPortId,
        now: Instant,
    ) -> Option<SwitchPortId> {
        match self.find(vlan, mac, now) {
            Some(found) => Some(found.seen_on(port)),
            None => (self.len < MAX_FDB).then_some(port),
        }
    }

    /// The source address was seen on a port (`br_fdb_update`).
    #[inline]
    pub(super) fn learn(&mut self, vlan: VlanId, mac: MacAddr, port: SwitchPortId, now: Instant) {
        if !self.learns() {
            return;
        }
        let tick = self.tick(now);
        let (ageing, ticks) = (self.ageing, self.ticks);
        // The usual case first, in one lookup: it is where it was.
        if let Some((value, seen)) = self.table_mut(vlan).get_both_mut(mac)
            && FdbSlot(value).port() == port
            && is_live(FdbSlot(value), ticks.time(*seen), ageing, now)
        {
            *seen = tick;
        } else {
            self.learn_anew(vlan, mac, port, now);
        }
        if now >= self.fresh_until {
            self.sweep(now);
        }
    }

    /// The source address was not known to be behind that port.
    #[inline(never)]
    fn learn_anew(&mut self, vlan: VlanId, mac: MacAddr, port: SwitchPortId, now: Instant) {
        let found = self.find(vlan, mac, now);
        let (to, kind) = found.map_or((port, FdbKind::Dynamic), |found| (found.seen_on(port), found.kind));
        // Without room it is not learned.
        let _ = self.put(vlan, mac, to, kind, now);
    }

    /// Makes or replaces an entry.
    ///
    /// # Errors
    /// There is no room for a new one.
    pub(super) fn put(
        &mut self,
        vlan: VlanId,
        mac: MacAddr,
        port: SwitchPortId,
        kind: FdbKind,
        now: Instant,
    ) -> Result<(), FdbFull> {
        let tick = self.tick(now);
        if kind == FdbKind::Dynamic {
            self.fresh_until = self.fresh_until.min(now + self.ageing);
        }
        let full = self.len >= MAX_FDB;
        let table = self.table_mut(vlan);
        if full && table.get(mac).is_none() {
            return Err(FdbFull);
        }
        let buckets = table.bucket_count();
        let before = table.insert_both(mac, FdbSlot::new(port, kind).0, tick);
        debug_assert!(before.is_ok(), "{mac} on {port:?}: {before:?}");
        let new = before == Ok(None);
        let grown = table.bucket_count() != buckets;
        self.len += usize::from(new);
        if grown {
            self.begin_again();
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, vlan: VlanId, mac: MacAddr) -> bool {
        let removed = self.table_mut(vlan).remove(mac).is_some();
        self.len -= usize::from(removed);
        // Another entry may have moved to where the sweep has been.
        self.begin_again();
        removed
    }

    /// Forgets what was learned on a port: its carrier is gone (`br_fdb_delete_by_port`).
    pub(super) fn forget_port(&mut self, port: SwitchPortId) {
        self.forget(|_, entry| entry == FdbSlot::new(port, FdbKind::Dynamic));
    }

    /// Forgets everything behind a port, entries made by hand included: the port is one no longer.
    pub(super) fn forget_all_of(&mut self, port: SwitchPortId) {
        self.forget(|_, entry| entry.port() == port);
    }

    /// Forgets what was learned on a port in these VLANs, which are sorted: the port left them.
    pub(super) fn forget_port_in(&mut self, port: SwitchPortId, vlans: &[VlanId]) {
        if !vlans.is_empty() {
            let learned = FdbSlot::new(port, FdbKind::Dynamic);
            self.forget(|vlan, entry| entry == learned && vlans.binary_search(&vlan).is_ok());
        }
    }

    fn forget(&mut self, is_gone: impl Fn(VlanId, FdbSlot) -> bool) {
        for (vlan, table) in &mut self.tables {
            table.retain(|_, value, _| !is_gone(*vlan, FdbSlot(value)));
        }
        self.len = self.tables.iter().map(|(_, table)| table.len()).sum();
        self.begin_again();
    }

    /// The VLANs that there are tables for.
    pub(super) fn vlans(&self) -> Vec<VlanId> {
        self.tables.iter().map(|&(vlan, _)| vlan).collect()
    }

    /// Live entries sorted by VLAN and address.
    pub(super) fn entries(&self, now: Instant) -> Vec<FdbEntry> {
        let entries = |(vlan, table): &(VlanId, MacMap<u32>)| {
            let vlan = (*vlan != VlanId::default()).then_some(*vlan);
            let entry = |(mac, value, tick): (MacAddr, u16, u32)| {
                let (behind, updated) = (FdbSlot(value), self.ticks.time(tick));
                let (port, kind, age) = (behind.port(), behind.kind(), now.since(updated));
                let live = is_live(behind, updated, self.ageing, now);
                live.then_some(FdbEntry { vlan, mac, port, kind, age })
            };
            table.iter_both().filter_map(entry).collect::<Vec<_>>()
        };
        let mut entries: Vec<FdbEntry> = self.tables.iter().flat_map(entries).collect();
        entries.sort_unstable();
        entries
    }

    /// Bytes of memory that the entries occupy.
    pub(super) fn memory(&self) -> usize {
        self.tables.iter().map(|(_, table)| table.memory()).sum()
    }

    /// The tick of a time, for which the base may have to move.
    #[inline]
    fn tick(&mut self, now: Instant) -> u32 {
        match self.ticks.at(now) {
            Some(tick) => tick,
            None => self.move_ticks(now),
        }
    }

    #[cold]
    #[inline(never)]
    fn move_ticks(&mut self, now: Instant) -> u32 {
        self.count_by(self.ticks.moved(now));
        self.ticks.at(now).unwrap_or(u32::MAX)
    }

    /// Translates every tick.
    fn count_by(&mut self, ticks: Ticks) {
        let before = core::mem::replace(&mut self.ticks, ticks);
        for (_, table) in &mut self.tables {
            table.change_sides(|tick| *tick = before.translated(*tick, ticks));
        }
    }

    /// Takes expired entries out of the next bucket: they are absent without that.
    #[inline(never)]
    fn sweep(&mut self, now: Instant) {
        let at_start = (self.round.table, self.round.bucket) == (0, 0);
        if at_start {
            if now < self.round.begun + SWEEP_INTERVAL {
                return;
            }
            self.round.begun = now;
            self.round.earliest = Instant::MAX;
        }
        self.sweep_one(now);
    }

    /// Sweeps a whole round.
    fn sweep_all(&mut self, now: Instant) {
        self.round = Round { begun: now, table: 0, bucket: 0, earliest: Instant::MAX };
        while !self.sweep_one(now) {}
    }

    /// Sweeps one bucket; `true` if it ended the round.
    fn sweep_one(&mut self, now: Instant) -> bool {
        let (ageing, ticks, round) = (self.ageing, self.ticks, &mut self.round);
        if let Some((_, table)) = self.tables.get_mut(round.table) {
            let before = table.len();
            table.retain_in(round.bucket, |_, value, tick| {
                let (behind, updated) = (FdbSlot(value), ticks.time(tick));
                let live = is_live(behind, updated, ageing, now);
                if live && behind.kind() == FdbKind::Dynamic {
                    round.earliest = round.earliest.min(updated + ageing);
                }
                live
            });
            self.len -= before - table.len();
            round.bucket += 1;
            if round.bucket >= table.bucket_count() {
                (round.table, round.bucket) = (round.table + 1, 0);
            }
        }
        if round.table < self.tables.len() {
            return false;
        }
        // What came or was seen since the round began lives an ageing time from then on at least.
        let since = if self.len == 0 { Instant::MAX } else { round.begun + ageing };
        self.fresh_until = round.earliest.min(since);
        (round.table, round.bucket) = (0, 0);
        true
    }

    /// The round begins again: entries have moved.
    fn begin_again(&mut self) {
        (self.round.table, self.round.bucket) = (0, 0);
    }

    #[inline(always)]
    fn table(&self, vlan: VlanId) -> Option<&MacMap<u32>> {
        if vlan == VlanId::default() {
            return self.tables.first().map(|(_, table)| table);
        }
        let i = self.tables.binary_search_by_key(&vlan, |&(v, _)| v).ok()?;
        self.tables.get(i).map(|(_, table)| table)
    }

    /// The table of a VLAN, made if there is none. That of VLAN 0 is always there, and the first.
    #[inline]
    fn table_mut(&mut self, vlan: VlanId) -> &mut MacMap<u32> {
        if vlan == VlanId::default() {
            return &mut self.tables[0].1;
        }
        let i = match self.tables.binary_search_by_key(&vlan, |&(v, _)| v) {
            Ok(i) => i,
            Err(i) => {
                self.tables.insert(i, (vlan, MacMap::new()));
                self.begin_again();
                i
            }
        };
        &mut self.tables[i].1
    }
}

#[inline]
fn is_live(behind: FdbSlot, updated: Instant, ageing: Duration, now: Instant) -> bool {
    behind.kind() != FdbKind::Dynamic || updated + ageing > now
}
