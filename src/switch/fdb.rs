//! The forwarding database: which address is behind which port.
//!
//! Entries that are not static age (rule R124): an entry whose source was not seen for the ageing time counts as absent
//! from that moment on, whether or not it has been swept out yet.

use super::SwitchPortId;
use crate::frame::{MacAddr, VlanId};
use crate::table::MacMap;
use crate::time::Instant;
use std::time::Duration;

/// Entries that a switch keeps, all VLANs together. The kernel has no limit unless one is set; a capture with random
/// source addresses must not fill the memory. More than large data-centre switches have; addresses beyond it are not
/// learned, so their frames are flooded.
pub const MAX_FDB: usize = 1 << 18;

/// At least this long from one sweep to the next, so that hosts that fall silent one by one do not cost a sweep each.
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
    /// The time since the address was last seen as a source, or the entry was made.
    pub age: Duration,
}

/// What stands beside an entry's port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) kind: FdbKind,
    pub(super) updated: Instant,
}

/// One table for each VLAN in use, sorted by its number; without filtering the one of VLAN 0.
#[derive(Clone, Debug)]
pub(super) struct Fdb {
    tables: Vec<(VlanId, MacMap<Record>)>,
    ageing: Duration,
    /// No dynamic entry expires before this, so until then lookups need not look at ages.
    fresh_until: Instant,
    swept: Instant,
    len: usize,
}

impl Fdb {
    pub(super) fn new(ageing: Duration) -> Fdb {
        Fdb {
            tables: vec![(VlanId::default(), MacMap::new())],
            ageing,
            fresh_until: Instant::MAX,
            swept: Instant::ZERO,
            len: 0,
        }
    }

    /// With ageing zero nothing is learned.
    pub(super) fn learns(&self) -> bool {
        !self.ageing.is_zero()
    }

    /// What is too old by the old time or by the new one is gone for good.
    pub(super) fn set_ageing(&mut self, ageing: Duration, now: Instant) {
        self.sweep_now(now);
        self.ageing = ageing;
        self.sweep_now(now);
    }

    /// The port behind which the address is.
    #[inline]
    pub(super) fn get(&self, vlan: VlanId, mac: MacAddr, now: Instant) -> Option<SwitchPortId> {
        let table = self.table(vlan)?;
        if now < self.fresh_until {
            return table.get(mac).map(SwitchPortId);
        }
        self.find(vlan, mac, now).map(|(port, _)| port)
    }

    pub(super) fn find(&self, vlan: VlanId, mac: MacAddr, now: Instant) -> Option<(SwitchPortId, Record)> {
        let (port, record) = self.table(vlan)?.get_both(mac)?;
        self.is_live(record, now).then_some((SwitchPortId(port), record))
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
            Some((old, Record { kind: FdbKind::Sticky, .. })) => Some(old),
            Some(_) => Some(port),
            None => (self.len < MAX_FDB).then_some(port),
        }
    }

    /// The source address was seen on a port (`br_fdb_update`).
    pub(super) fn learn(&mut self, vlan: VlanId, mac: MacAddr, port: SwitchPortId, now: Instant) {
        if !self.learns() {
            return;
        }
        // The usual case first, in one lookup: it is where it was.
        let ageing = self.ageing;
        if let Some((old, record)) = self.table_mut(vlan).and_then(|t| t.get_both_mut(mac))
            && old == port.0
            && record.updated + ageing > now
        {
            record.updated = now;
            return self.sweep(now);
        }
        let (to, kind) = match self.find(vlan, mac, now) {
            Some((old, Record { kind: FdbKind::Sticky, .. })) => (old, FdbKind::Sticky),
            Some((_, record)) => (port, record.kind),
            None => (port, FdbKind::Dynamic),
        };
        self.put(vlan, mac, to, Record { kind, updated: now });
        self.sweep(now);
    }

    /// Makes or replaces an entry; `false` if there is no room for a new one.
    pub(super) fn put(&mut self, vlan: VlanId, mac: MacAddr, port: SwitchPortId, record: Record) -> bool {
        if record.kind == FdbKind::Dynamic {
            self.fresh_until = self.fresh_until.min(record.updated + self.ageing);
        }
        let full = self.len >= MAX_FDB;
        let Some(table) = self.table_mut(vlan) else { return false };
        if full && table.get(mac).is_none() {
            return false;
        }
        if table.insert_both(mac, port.0, record).is_none() && !mac.is_zero() {
            self.len += 1;
        }
        true
    }

    pub(super) fn remove(&mut self, vlan: VlanId, mac: MacAddr) -> bool {
        let removed = self.table_mut(vlan).is_some_and(|t| t.remove(mac).is_some());
        self.len -= usize::from(removed);
        removed
    }

    /// Forgets what was learned on a port: its carrier is gone (`br_fdb_delete_by_port`).
    pub(super) fn forget_port(&mut self, port: SwitchPortId) {
        self.retain(|p, record| p != port || record.kind != FdbKind::Dynamic);
    }

    /// Live entries sorted by VLAN and address.
    pub(super) fn entries(&self, now: Instant) -> Vec<FdbEntry> {
        let mut entries: Vec<FdbEntry> = self
            .tables
            .iter()
            .flat_map(|(vlan, table)| table.iter_both().map(move |entry| (*vlan, entry)))
            .filter(|&(_, (_, _, record))| self.is_live(record, now))
            .map(|(vlan, (mac, port, record))| FdbEntry {
                vlan: (vlan != VlanId::default()).then_some(vlan),
                mac,
                port: SwitchPortId(port),
                kind: record.kind,
                age: now.since(record.updated),
            })
            .collect();
        entries.sort_unstable();
        entries
    }

    fn is_live(&self, record: Record, now: Instant) -> bool {
        record.kind != FdbKind::Dynamic || record.updated + self.ageing > now
    }

    /// Takes expired entries out, now and then: they are absent without that.
    fn sweep(&mut self, now: Instant) {
        if now >= self.fresh_until && now >= self.swept + SWEEP_INTERVAL {
            self.sweep_now(now);
        }
    }

    fn sweep_now(&mut self, now: Instant) {
        let ageing = self.ageing;
        self.retain(|_, record| record.kind != FdbKind::Dynamic || record.updated + ageing > now);
        self.fresh_until = self.next_expiry();
        self.swept = now;
    }

    fn retain(&mut self, mut keep: impl FnMut(SwitchPortId, Record) -> bool) {
        for (_, table) in &mut self.tables {
            table.retain(|_, port, record| keep(SwitchPortId(port), record));
        }
        self.len = self.tables.iter().map(|(_, table)| table.len()).sum();
    }

    fn next_expiry(&self) -> Instant {
        let records = self.tables.iter().flat_map(|(_, table)| table.iter_both());
        let dynamic = records.filter(|(_, _, record)| record.kind == FdbKind::Dynamic);
        dynamic.map(|(_, _, record)| record.updated + self.ageing).min().unwrap_or(Instant::MAX)
    }

    #[inline]
    fn table(&self, vlan: VlanId) -> Option<&MacMap<Record>> {
        if vlan == VlanId::default() {
            return self.tables.first().map(|(_, table)| table);
        }
        let i = self.tables.binary_search_by_key(&vlan, |&(v, _)| v).ok()?;
        self.tables.get(i).map(|(_, table)| table)
    }

    fn table_mut(&mut self, vlan: VlanId) -> Option<&mut MacMap<Record>> {
        let i = match self.tables.binary_search_by_key(&vlan, |&(v, _)| v) {
            Ok(i) => i,
            Err(i) => {
                self.tables.insert(i, (vlan, MacMap::new()));
                i
            }
        };
        self.tables.get_mut(i).map(|(_, table)| table)
    }
}
