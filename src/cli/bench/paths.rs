//! The code paths that are measured, each a pass over frames in memory. `benches/` shares this file.

use super::tables::{Fx, FxMap};
use macvlab::capture::{FrameSize, Traffic, TrafficSpec};
use macvlab::counters::Counters;
use macvlab::frame::{EthHeader, MacAddr, PacketType};
use macvlab::macvlan::{self, Delivery, Forwarding, Mode, PortRequest, Unicast, count_delivery};
use macvlab::nic::{Nic, UnicastFilter};
use macvlab::switch::{
    Arrival, FloodKind, Learn, PortConfig, Switch, SwitchConfig, SwitchEgress, SwitchPortId, SwitchVerdict,
};
use macvlab::table::{Lookup, MacTable};
use macvlab::time::Instant;
use macvlab::verdict::{Egress, Refusal, Rule, Verdict};
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::hint::black_box;
use std::sync::Arc;

/// Frames per pass: 256 KiB of the smallest, which fits a second-level cache.
pub(crate) const FRAMES: usize = 4096;
/// Number of different frame orders.
const PASSES: usize = 16;
/// Verdicts that are buffered before they are overwritten.
const KEPT: usize = 256;

/// Start and end of a frame.
type StationPort = (u32, u32);

/// Frames stored back to back in memory.
pub(crate) struct Frames {
    bytes: Vec<u8>,
    /// Start and end of the frames of each pass: the same frames in a different order each time, so that no branch
    /// predictor learns the order.
    passes: Vec<Vec<StationPort>>,
    pass: usize,
}

impl Frames {
    /// Unicast to these destinations at random, except for a percentage of unknown addresses.
    pub(crate) fn new(destinations: &[MacAddr], size: FrameSize, hits: u8) -> Frames {
        let mut traffic = Traffic::new(TrafficSpec {
            size,
            destinations: destinations.to_vec(),
            strangers: 100 - hits,
            groups: 0,
            broadcasts: 0,
            tagged: 0,
            seed: 1,
        });
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(FRAMES));
        for _ in 0..FRAMES {
            let start = bytes.len() as u32;
            bytes.extend_from_slice(traffic.next_frame().1);
            ends.push((start, bytes.len() as u32));
        }
        let mut dice = 0u64;
        let mut shuffled = || {
            for n in (1..ends.len()).rev() {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ends.swap(n, (dice >> 33) as usize % (n + 1));
            }
            ends.clone()
        };
        let passes = (0..PASSES).map(|_| shuffled()).collect();
        Frames { bytes, passes, pass: 0 }
    }

    /// All frames, in the order of the next pass.
    #[inline(always)]
    fn pass(&mut self) -> (impl Iterator<Item = StationPort> + Clone + use<'_>, &[u8]) {
        self.pass = (self.pass + 1) % PASSES;
        let places = self.passes.get(self.pass).map_or(&[][..], |places| places);
        (places.iter().copied(), &self.bytes)
    }

    /// Position of a frame in memory.
    #[inline(always)]
    fn at(bytes: &[u8], (start, end): StationPort) -> &[u8] {
        bytes.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Total size in bytes.
    #[allow(dead_code, reason = "asked by the benches")]
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The baseline: reads every header and does nothing else.
    pub(crate) fn walk(&mut self) -> u64 {
        let mut sum = 0;
        let (places, bytes) = self.pass();
        for place in places {
            if let Ok(h) = EthHeader::parse(Frames::at(bytes, place)) {
                sum ^= h.dst.to_u64() ^ h.src.to_u64() ^ u64::from(h.ethertype) ^ u64::from(h.len);
            }
        }
        sum
    }

    /// Reads every header, decides, stores the verdict, counts.
    pub(crate) fn decide<T: Lookup>(&mut self, parent: &mut Parent<T>) {
        let Parent { table, unicast, tally, verdicts } = parent;
        let (places, bytes) = self.pass();
        let mut next = 0;
        table.receive_each(
            places,
            |place| Frames::at(bytes, place),
            |_| true,
            |place, found| {
                let kept = &mut verdicts[next % KEPT];
                next += 1;
                match found {
                    Some(found) => count_row(unicast, &found, kept),
                    None => *kept = decide_at_length(table, tally, Frames::at(bytes, place)),
                }
            },
        );
        black_box(&parent.verdicts);
    }
}

/// Decides frames and counts them.
pub(crate) struct Parent<T = MacTable> {
    table: Forwarding<T>,
    /// By outcome: the table's verdicts for unicast frames, each with its counters.
    unicast: Vec<Row>,
    /// The ports' counters for all other frames.
    tally: Vec<Counters>,
    verdicts: Box<[Verdict; KEPT]>,
}

/// A verdict and its counters. The two counters are separate, as in [`Counters`].
#[repr(C)]
struct Row {
    packets: u64,
    verdict: Verdict,
    bytes: u64,
}

impl<T: Lookup> Parent<T> {
    pub(crate) fn new(table: Forwarding<T>) -> Parent<T> {
        let row = |verdict: &Verdict| Row { verdict: *verdict, packets: 0, bytes: 0 };
        Parent {
            unicast: table.verdicts().iter().map(row).collect(),
            tally: vec![Counters::default(); table.port_count()],
            verdicts: Box::new([Verdict::plain(Rule::UnicastToNoPort, Egress::HostStack); KEPT]),
            table,
        }
    }

    /// The most recent verdicts.
    #[allow(dead_code, reason = "asked by the benches")]
    pub(crate) fn verdicts(&self) -> &[Verdict] {
        &self.verdicts[..]
    }
}

/// Counts a unicast by its verdict.
#[inline(always)]
fn count_row(rows: &mut [Row], found: &Unicast, verdict: &mut Verdict) {
    let at = found.verdict.index(rows.len());
    if let Some(row) = rows.get_mut(at) {
        row.packets += 1;
        row.bytes += u64::from(found.untagged_len);
        *verdict = row.verdict;
    }
}

/// A frame that the fast path does not handle.
#[inline(never)]
fn decide_at_length<T: Lookup>(table: &Forwarding<T>, tally: &mut [Counters], frame: &[u8]) -> Verdict {
    let Ok(header) = EthHeader::parse(frame) else { return Verdict::plain(Rule::Runt, Egress::Drop) };
    let verdict = table.receive(&header);
    for delivery in table.deliveries(&verdict, &header, PacketType::OtherHost) {
        if let Some(counters) = tally.get_mut(delivery.port.index()) {
            count_delivery(counters, &delivery, &header);
        }
    }
    verdict
}

/// A parent with ports of one mode, all up, as its demultiplexer sees it.
pub(crate) fn forwarding(macs: &[MacAddr], mode: Mode) -> Result<Arc<Forwarding>, Refusal> {
    let mut parent = macvlan::Parent::new(Nic::new(MacAddr([2, 0, 0, 0, 0, 1]), 1500, UnicastFilter::None)?);
    parent.set_up(true);
    for &mac in macs {
        let id = parent.create(&PortRequest::new(mac).with_mode(mode))?;
        parent.port_mut(id)?.set_up(true)?;
    }
    Ok(parent.publish().cloned().unwrap_or_default())
}

/// A port's ring, which receives frames by index.
#[derive(Clone)]
struct Ring {
    slots: [u32; 64],
    /// Frames delivered so far.
    tail: u32,
}

/// A parent whose ports each get a copy of one frame.
pub(crate) struct Flood {
    table: Arc<Forwarding>,
    tally: Vec<Counters>,
    rings: Vec<Ring>,
}

impl Flood {
    pub(crate) fn new(table: Arc<Forwarding>) -> Flood {
        let rings = vec![Ring { slots: [0; 64], tail: 0 }; table.port_count()];
        Flood { tally: vec![Counters::default(); table.port_count()], rings, table }
    }

    /// Decides a frame and delivers a copy to each port that gets it: the frame's index goes into the port's ring, and
    /// the port counts it.
    #[inline(never)]
    pub(crate) fn hand_over(&mut self, number: u32, frame: &[u8]) -> u32 {
        let Ok(header) = EthHeader::parse(frame) else { return 0 };
        let verdict = self.table.receive(&header);
        let mut copies = 0;
        let Flood { table, tally, rings } = self;
        let mut hand = |delivery: Delivery| {
            if let Some(counters) = tally.get_mut(delivery.port.index()) {
                count_delivery(counters, &delivery, &header);
            }
            if let Some(ring) = rings.get_mut(delivery.port.index()) {
                ring.slots[ring.tail as usize % 64] = number;
                ring.tail = ring.tail.wrapping_add(1);
            }
            copies += 1;
        };
        let mut deliveries = table.deliveries(&verdict, &header, PacketType::Broadcast);
        while let Some(run) = deliveries.copies() {
            run.for_each(&mut hand);
        }
        copies
    }
}

/// A switch with two ports and this many learned stations, half behind each port, and frames that cross at random.
pub(crate) struct Crossing {
    switch: Switch,
    arrivals: Vec<Arrival<'static>>,
    verdicts: Vec<SwitchVerdict>,
    next: usize,
}

/// Frames sent before the first repeats: enough that their stations are not in the caches by chance.
const CROSSINGS: usize = 1 << 18;

impl Crossing {
    pub(crate) fn new(stations: u32) -> Result<Crossing, Refusal> {
        let mut switch = Switch::new(SwitchConfig::default())?;
        let ports = [switch.add_port(PortConfig::default())?, switch.add_port(PortConfig::default())?];
        let arrival = |ingress, src, dst| {
            let header = EthHeader { dst, src, tag: None, ethertype: 0x0800, len: 64 };
            Arrival { ingress, frame: &[][..], header }
        };
        for (number, &port) in (0..stations).zip(ports.iter().cycle()) {
            let lesson = arrival(port, Traffic::station(number), MacAddr::BROADCAST);
            switch.forward_batch(&[lesson], Instant::ZERO, &mut Vec::new());
        }
        let mut dice = 0u64;
        let mut pair = || {
            dice = dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (dice ^ dice >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (mixed >> 33) as u32 % stations.div_ceil(2) * 2
        };
        let mut crossing = || {
            let (src, dst) = (pair(), (pair() + 1).min(stations - 1));
            arrival(ports[0], Traffic::station(src), Traffic::station(dst))
        };
        let arrivals = (0..CROSSINGS).map(|_| crossing()).collect();
        Ok(Crossing { switch, arrivals, verdicts: Vec::with_capacity(KEPT), next: 0 })
    }

    /// The frames of the next pass, in bursts.
    fn pass<'a>(
        arrivals: &'a [Arrival<'static>],
        next: &mut usize,
    ) -> impl Iterator<Item = &'a [Arrival<'static>]> {
        *next = (*next + FRAMES) % CROSSINGS;
        arrivals.get(*next..*next + FRAMES).unwrap_or_default().chunks(KEPT)
    }

    /// Decides only.
    pub(crate) fn decide(&mut self) {
        for burst in Crossing::pass(&self.arrivals, &mut self.next) {
            self.verdicts.clear();
            self.switch.decide_batch(burst, NOW, &mut self.verdicts);
            black_box(&self.verdicts);
        }
    }

    /// Decides and learns, in batches.
    pub(crate) fn forward(&mut self) {
        for burst in Crossing::pass(&self.arrivals, &mut self.next) {
            self.verdicts.clear();
            self.switch.forward_batch(burst, NOW, &mut self.verdicts);
            black_box(&self.verdicts);
        }
    }

    /// Decides and learns, frame by frame.
    pub(crate) fn forward_singly(&mut self) {
        for burst in Crossing::pass(&self.arrivals, &mut self.next) {
            self.verdicts.clear();
            for a in burst {
                let verdict = self.switch.decide(a.ingress, a.frame, &a.header, NOW);
                self.switch.commit(a.ingress, &a.header, &verdict, NOW);
                self.verdicts.push(verdict);
            }
            black_box(&self.verdicts);
        }
    }

    /// Bytes used by its forwarding database.
    pub(crate) fn memory(&self) -> usize {
        self.switch.fdb_memory()
    }
}

/// One second after the stations were learned.
const NOW: Instant = Instant::from_nanos(1_000_000_000);

/// The least work that a switch on the other map has to do for the same frames: no flags, no states, no ageing.
pub(crate) struct OtherCrossing {
    frames: Crossing,
    ports: FxMap,
    seen: HashMap<u64, (u16, u32), BuildHasherDefault<Fx>>,
}

impl OtherCrossing {
    pub(crate) fn new(frames: Crossing) -> OtherCrossing {
        let entries = frames.switch.fdb_entries(NOW);
        OtherCrossing {
            ports: FxMap(entries.iter().map(|e| (e.mac.to_u64(), e.port.0)).collect()),
            seen: entries.iter().map(|e| (e.mac.to_u64(), (e.port.0, 0))).collect(),
            frames,
        }
    }

    /// Looks up destinations.
    pub(crate) fn decide(&mut self) {
        for burst in Crossing::pass(&self.frames.arrivals, &mut self.frames.next) {
            self.frames.verdicts.clear();
            let verdicts = burst.iter().map(|a| verdict(self.ports.get(a.header.dst)));
            self.frames.verdicts.extend(verdicts);
            black_box(&self.frames.verdicts);
        }
    }

    /// Looks up destinations and records where and when sources were seen.
    pub(crate) fn forward(&mut self) {
        for burst in Crossing::pass(&self.frames.arrivals, &mut self.frames.next) {
            self.frames.verdicts.clear();
            for a in burst {
                let known = self.seen.get(&a.header.dst.to_u64()).map(|&(port, _)| port);
                self.frames.verdicts.push(verdict(known));
                self.seen.insert(a.header.src.to_u64(), (a.ingress.0, 1));
            }
            black_box(&self.frames.verdicts);
        }
    }
}

fn verdict(known: Option<u16>) -> SwitchVerdict {
    let (rule, egress) = match known {
        Some(port) => (Rule::KnownUnicast, SwitchEgress::Port(SwitchPortId(port))),
        None => (Rule::UnknownUnicast, SwitchEgress::Flood(FloodKind::UnknownUnicast)),
    };
    SwitchVerdict { rule, egress, learn: Learn::Source, vlan: None, admitted: true }
}
