//! What is measured. Each subject does a known number of decisions and answers with a sum that depends on all of them.

use super::Failure;
use super::tables::{Chains, FxMap};
use macvlab::capture::{FrameSize, Traffic, TrafficSpec};
use macvlab::frame::{EthHeader, MacAddr, PacketType};
use macvlab::macvlan::{self, Demux, Forwarding, Mode, PortRequest};
use macvlab::nic::{Filter, Nic, UnicastFilter};
use macvlab::switch::{PortConfig, Switch, SwitchConfig, SwitchEgress};
use macvlab::time::Instant;
use macvlab::verdict::Egress;
use std::collections::HashMap;
use std::rc::Rc;

/// Frames of one pass.
const FRAMES: usize = 4096;
/// Receivers of a flood.
const RECEIVERS: [u32; 3] = [8, 64, 1024];
/// Stations that a switch knows.
const STATIONS: [u32; 3] = [64, 4096, 65_536];

/// Something to measure.
pub(super) struct Subject {
    /// Which table of the report.
    pub(super) group: &'static str,
    pub(super) what: String,
    /// Ports, receivers or stations.
    pub(super) size: u32,
    pub(super) frames: String,
    /// Of a hundred frames, those whose destination is known.
    pub(super) hits: u8,
    /// Decisions (in a flood, deliveries) of one pass.
    pub(super) decisions: u32,
    pub(super) pass: Box<dyn FnMut() -> u64>,
}

/// Frames one behind the other in memory.
struct Frames {
    bytes: Vec<u8>,
    ends: Vec<(usize, usize)>,
}

impl Frames {
    fn new(destinations: &[MacAddr], size: FrameSize, hits: u8) -> Frames {
        let mut traffic = Traffic::new(TrafficSpec {
            size,
            destinations: destinations.to_vec(),
            strangers: 100 - hits,
            groups: 0,
            broadcasts: 0,
            tagged: 0,
            seed: 1,
        });
        let mut frames = Frames { bytes: Vec::new(), ends: Vec::with_capacity(FRAMES) };
        for _ in 0..FRAMES {
            let start = frames.bytes.len();
            frames.bytes.extend_from_slice(traffic.next_frame().1);
            frames.ends.push((start, frames.bytes.len()));
        }
        frames
    }

    fn headers(&self) -> impl Iterator<Item = EthHeader> + '_ {
        let frames = self.ends.iter().filter_map(|&(start, end)| self.bytes.get(start..end));
        frames.filter_map(|frame| EthHeader::parse(frame).ok())
    }
}

/// All of them, by the numbers of ports that were asked for.
pub(super) fn all(ports: &[u32]) -> Result<Vec<Subject>, Failure> {
    let mut subjects = Vec::new();
    for &ports in ports {
        for size in [FrameSize::Fixed(64), FrameSize::Imix] {
            for hits in [100, 50] {
                decisions(ports, size, hits, &mut subjects)?;
            }
        }
    }
    for receivers in RECEIVERS {
        subjects.push(flood(receivers)?);
    }
    for stations in STATIONS {
        subjects.push(switch(stations)?);
    }
    Ok(subjects)
}

fn decisions(ports: u32, size: FrameSize, hits: u8, to: &mut Vec<Subject>) -> Result<(), Failure> {
    let macs: Vec<MacAddr> = (0..ports).map(Traffic::station).collect();
    let frames = Rc::new(Frames::new(&macs, size, hits));
    let mut add = |what: &str, ports, pass: Box<dyn FnMut() -> u64>| {
        let (what, frames) = (what.to_owned(), size.to_string());
        to.push(Subject { group: "decide", what, size: ports, frames, hits, decisions: FRAMES as u32, pass });
    };
    let walked = Rc::clone(&frames);
    add(
        "headers only: the limit",
        ports,
        Box::new(move || walked.headers().fold(0, |sum, h| sum ^ h.dst.to_u64() ^ h.src.to_u64())),
    );
    for mode in Mode::ALL {
        let macs = if mode == Mode::Passthru { &macs[..1] } else { &macs };
        let (table, frames) = (demux(macs, mode)?, Rc::clone(&frames));
        let pass = move || {
            let egress = frames.headers().map(|h| table.receive(&h).egress);
            egress.fold(0, |sum, egress| sum + if let Egress::Port(p) = egress { u64::from(p.0) } else { 1 })
        };
        add(&format!("macvlab, {mode}"), macs.len() as u32, Box::new(pass));
    }
    let numbered = || macs.iter().copied().zip(0u16..);
    let fx: FxMap = numbered().map(|(mac, n)| (mac.to_u64(), n)).collect();
    let std: HashMap<MacAddr, u16> = numbered().collect();
    let chains = Chains::new(&macs);
    let list: Vec<(MacAddr, u16)> = numbered().collect();
    add("HashMap, fx", ports, lookup(&frames, move |mac| fx.get(&mac.to_u64()).copied()));
    add("HashMap, SipHash", ports, lookup(&frames, move |mac| std.get(&mac).copied()));
    add("256 chains, as the kernel", ports, lookup(&frames, move |mac| chains.get(mac)));
    let search = move |mac| list.iter().find(|(m, _)| *m == mac).map(|&(_, n)| n);
    add("linear search", ports, lookup(&frames, search));
    Ok(())
}

/// The least that a decision needs of another table.
fn lookup(frames: &Rc<Frames>, get: impl Fn(MacAddr) -> Option<u16> + 'static) -> Box<dyn FnMut() -> u64> {
    let frames = Rc::clone(frames);
    Box::new(move || frames.headers().fold(0, |sum, h| sum + get(h.dst).map_or(1, u64::from)))
}

/// A parent with ports of one mode, all up.
fn demux(macs: &[MacAddr], mode: Mode) -> Result<std::sync::Arc<Forwarding>, Failure> {
    let refused = |(errno, _): macvlan::Refusal| Failure::Because(format!("a port was refused: {errno}"));
    let mut nic = Nic::new(MacAddr([2, 0, 0, 0, 0, 1]), 1500, Filter::new(UnicastFilter::None));
    nic.set_up(true);
    let mut slot: Option<Demux> = None;
    for &mac in macs {
        let request = PortRequest { mac, mode, ..PortRequest::default() };
        let id = macvlan::create(&mut slot, &nic, &request, false).map_err(refused)?;
        if let Some(demux) = &mut slot {
            demux.set_up(&mut nic, id, true).map_err(refused)?;
        }
    }
    Ok(slot.as_mut().map(|demux| demux.publish().clone()).unwrap_or_default())
}

/// A broadcast from outside, delivered to all ports.
fn flood(receivers: u32) -> Result<Subject, Failure> {
    let macs: Vec<MacAddr> = (0..receivers).map(Traffic::station).collect();
    let table = demux(&macs, Mode::Bridge)?;
    let mut frame = [0xff; 64];
    frame[6..14].copy_from_slice(&[6, 0, 0, 0, 0, 9, 8, 6]);
    let header = EthHeader::parse(&frame).map_err(|e| Failure::Because(e.to_string()))?;
    let pass = move || {
        let verdict = table.receive(std::hint::black_box(&header));
        let copies = table.deliveries(&verdict, &header, PacketType::Broadcast);
        copies.map(|d| u64::from(d.port.0)).sum()
    };
    Ok(Subject {
        group: "flood",
        what: "copies of a broadcast".to_owned(),
        size: receivers,
        frames: "64".to_owned(),
        hits: 100,
        decisions: receivers,
        pass: Box::new(pass),
    })
}

/// A switch that knows so many stations forwards between them, source and destination looked up.
fn switch(stations: u32) -> Result<Subject, Failure> {
    let refused = |(errno, _): macvlab::switch::Refused| Failure::Because(format!("a switch: {errno}"));
    let mut switch = Switch::new(SwitchConfig::default()).map_err(refused)?;
    let ports = [switch.add_port(PortConfig::default()), switch.add_port(PortConfig::default())];
    let [here, there] = ports.map(|port| port.map_err(refused));
    let (here, there) = (here?, there?);
    let macs: Vec<MacAddr> = (0..stations).map(Traffic::station).collect();
    let frames = Frames::new(&macs, FrameSize::Fixed(64), 100);
    let mut headers: Vec<EthHeader> = frames.headers().collect();
    // Half of the stations are here, the others there; frames go across.
    let (near, far) = macs.split_at(macs.len() / 2);
    for (n, header) in headers.iter_mut().enumerate() {
        header.src = near.get(n * 7 % near.len().max(1)).copied().unwrap_or(header.src);
        header.dst = far.get(n * 13 % far.len().max(1)).copied().unwrap_or(header.dst);
    }
    let Some(&lesson) = headers.first() else { return Err(Failure::Because("no frames".to_owned())) };
    for (macs, port) in [(near, here), (far, there)] {
        for &src in macs {
            let header = EthHeader { src, ..lesson };
            let verdict = switch.decide(port, &[], &header, Instant::ZERO);
            switch.commit(port, &header, &verdict, Instant::ZERO);
        }
    }
    let pass = move || {
        let mut sum = 0;
        for header in &headers {
            let verdict = switch.decide(here, &[], header, Instant::ZERO);
            sum += if let SwitchEgress::Port(p) = verdict.egress { u64::from(p.0) } else { 9 };
            switch.commit(here, header, &verdict, Instant::ZERO);
        }
        sum
    };
    Ok(Subject {
        group: "switch",
        what: "learn and forward".to_owned(),
        size: stations,
        frames: "64".to_owned(),
        hits: 100,
        decisions: FRAMES as u32,
        pass: Box::new(pass),
    })
}
