//! The ways of frames that are measured, each a pass over frames in memory. `benches/` shares this file.

use macvlab::capture::{FrameSize, Traffic, TrafficSpec};
use macvlab::errno::Errno;
use macvlab::frame::{EthHeader, MacAddr, PacketType};
use macvlab::macvlan::{self, Demux, Forwarding, Mode, PortRequest, Tally};
use macvlab::nic::{Filter, Nic, UnicastFilter};
use macvlab::switch::{Arrival, PortConfig, Switch, SwitchConfig, SwitchPortId, SwitchVerdict};
use macvlab::table::{Lookup, MacTable};
use macvlab::time::Instant;
use macvlab::verdict::{Egress, Rule, Verdict};
use std::hint::black_box;
use std::sync::Arc;

/// Frames of one pass: 256 KiB of the smallest, which a second-level cache holds.
pub(crate) const FRAMES: usize = 4096;
/// Orders in which the frames come.
const PASSES: usize = 16;
/// Verdicts that are kept before the next ones take their place.
const KEPT: usize = 256;

/// Frames one behind the other in memory.
pub(crate) struct Frames {
    bytes: Vec<u8>,
    /// Where the frames of each pass begin and end: the same frames, each time in another order, so that no branch predictor
    /// learns them by heart.
    passes: Vec<Vec<(u32, u32)>>,
    pass: usize,
}

impl Frames {
    /// To these destinations at random, but for those of a hundred that nobody has.
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

    /// All of them, in the order of the next pass.
    #[inline(always)]
    fn pass(&mut self) -> impl Iterator<Item = &[u8]> {
        self.pass = (self.pass + 1) % PASSES;
        let ends = self.passes.get(self.pass).map_or(&[][..], |ends| ends);
        ends.iter().map(|&(start, end)| self.bytes.get(start as usize..end as usize).unwrap_or_default())
    }

    /// The limit: reads every header and nothing else.
    pub(crate) fn walk(&mut self) -> u64 {
        let mut sum = 0;
        for frame in self.pass() {
            if let Ok(h) = EthHeader::parse(frame) {
                sum ^= h.dst.to_u64() ^ h.src.to_u64() ^ u64::from(h.ethertype) ^ u64::from(h.len);
            }
        }
        sum
    }

    /// Reads every header, decides, keeps the verdict, counts.
    pub(crate) fn decide<T: Lookup>(&mut self, parent: &mut Parent<T>) {
        let Parent { table, tally, verdicts } = parent;
        let mut frames = self.pass();
        while table.receive_frames(&mut frames, tally, &mut verdicts[..]) == verdicts.len() {}
        black_box(&parent.verdicts);
    }
}

/// What decides about frames and counts them.
pub(crate) struct Parent<T = MacTable> {
    table: Forwarding<T>,
    tally: Tally,
    verdicts: Box<[Verdict; KEPT]>,
}

impl<T: Lookup> Parent<T> {
    pub(crate) fn new(table: Forwarding<T>) -> Parent<T> {
        let verdict = Verdict::plain(Rule::UnicastToNoPort, Egress::HostStack);
        Parent { tally: Tally::new(&table), table, verdicts: Box::new([verdict; KEPT]) }
    }
}

/// A parent with ports of one mode, all up, as its demultiplexer decides.
pub(crate) fn forwarding(macs: &[MacAddr], mode: Mode) -> Result<Arc<Forwarding>, macvlan::Refusal> {
    let mut nic = Nic::new(MacAddr([2, 0, 0, 0, 0, 1]), 1500, Filter::new(UnicastFilter::None));
    nic.set_up(true);
    let mut slot: Option<Demux> = None;
    for &mac in macs {
        let id = macvlan::create(&mut slot, &nic, &PortRequest { mac, mode, ..PortRequest::default() }, false)?;
        if let Some(demux) = &mut slot {
            demux.set_up(&mut nic, id, true)?;
        }
    }
    Ok(slot.as_mut().map(|demux| demux.publish().clone()).unwrap_or_default())
}

/// A port's ring, to which frames are handed over by their numbers.
#[derive(Clone)]
struct Ring {
    slots: [u32; 64],
    /// Frames handed over so far.
    tail: u32,
}

/// A parent whose ports get copies of one frame.
pub(crate) struct Flood {
    table: Arc<Forwarding>,
    tally: Tally,
    rings: Vec<Ring>,
}

impl Flood {
    pub(crate) fn new(table: Arc<Forwarding>) -> Flood {
        let rings = vec![Ring { slots: [0; 64], tail: 0 }; table.port_count()];
        Flood { tally: Tally::new(&*table), rings, table }
    }

    /// Decides about a frame and hands a copy to each port that it reaches: its number goes to the port's ring, and the port
    /// counts it.
    #[inline(never)]
    pub(crate) fn hand_over(&mut self, number: u32, frame: &[u8]) -> u32 {
        let Ok(header) = EthHeader::parse(frame) else { return 0 };
        let verdict = self.table.receive(&header);
        let mut copies = 0;
        self.table.deliveries(&verdict, &header, PacketType::Broadcast).for_each(|delivery| {
            self.tally.count(&delivery, &header);
            if let Some(ring) = self.rings.get_mut(delivery.port.index()) {
                ring.slots[ring.tail as usize % 64] = number;
                ring.tail = ring.tail.wrapping_add(1);
            }
            copies += 1;
        });
        copies
    }
}

/// A switch with two ports, and so many stations behind each that one bench wants; frames go across.
pub(crate) struct Switching {
    switch: Switch,
    headers: Vec<EthHeader>,
    verdicts: Vec<SwitchVerdict>,
    next: usize,
}

/// Frames between stations of a switch, so many that their addresses are not in the caches by chance.
const CROSSINGS: usize = 1 << 18;
/// Frames that arrive together.
const BURST: usize = 256;

impl Switching {
    pub(crate) fn new(stations: u32) -> Result<Switching, Errno> {
        let mut switch = Switch::new(SwitchConfig::default()).map_err(|(errno, _)| errno)?;
        let mut port = || switch.add_port(PortConfig::default()).map_err(|(errno, _)| errno);
        let (here, there) = (port()?, port()?);
        let mut frame = [0; 64];
        frame[12] = 8;
        let blank = EthHeader::parse(&frame).map_err(|_| Errno::Einval)?;
        for number in 0..stations {
            let ingress = if number % 2 == 0 { here } else { there };
            let header = EthHeader { src: Traffic::station(number), dst: MacAddr::BROADCAST, ..blank };
            let verdict = switch.decide(ingress, &[], &header, Instant::ZERO);
            switch.commit(ingress, &header, &verdict, Instant::ZERO);
        }
        let mut dice = 0u64;
        let mut roll = || {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) as u32 % stations.div_ceil(2)
        };
        let crossing = |(), roll: &mut dyn FnMut() -> u32| EthHeader {
            src: Traffic::station(roll() * 2),
            dst: Traffic::station((roll() * 2 + 1).min(stations - 1)),
            ..blank
        };
        let headers = (0..CROSSINGS).map(|_| crossing((), &mut roll)).collect();
        Ok(Switching { switch, headers, verdicts: Vec::with_capacity(BURST), next: 0 })
    }

    fn burst(&mut self) -> Vec<Arrival<'static>> {
        self.next = (self.next + FRAMES) % CROSSINGS;
        let headers = self.headers.get(self.next..self.next + FRAMES).unwrap_or_default();
        headers.iter().map(|&header| Arrival { ingress: SwitchPortId(0), frame: &[], header }).collect()
    }
}
