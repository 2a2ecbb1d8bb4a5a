//! Forwarding decisions per second: the demultiplexer's receive path against the limit (a loop that only reads the
//! headers) and against the hash maps that one would use otherwise.

mod common;

use common::{FxMap, address, destinations, frames};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use macvlab::frame::{EthHeader, MacAddr, PacketType};
use macvlab::macvlan::{self, Demux, Forwarding, Mode, PortRequest};
use macvlab::nic::{Filter, Nic, UnicastFilter};
use macvlab::verdict::{Egress, PortId, Rule, Verdict};
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

/// A quarter of a megabyte of frames: in the second-level cache.
const FRAMES: usize = 4096;

/// One of the ways that are compared: from what comes in to the answers.
type Way<'a> = dyn FnMut(&[[u8; 64]], &mut Vec<Verdict>) + 'a;

fn demux(ports: u64) -> Arc<Forwarding> {
    let mut nic = Nic::new(address(1 << 20), 1500, Filter::new(UnicastFilter::None));
    nic.set_up(true);
    let mut slot: Option<Demux> = None;
    for n in 0..ports {
        let request = PortRequest { mac: address(n), mode: Mode::Vepa, ..PortRequest::default() };
        let id = macvlan::create(&mut slot, &nic, &request, false).expect("a distinct address");
        slot.as_mut().expect("just created").set_up(&mut nic, id, true).expect("a distinct address");
    }
    slot.as_mut().expect("ports exist").publish().clone()
}

fn decide(c: &mut Criterion) {
    for ports in [16, 64, 256, 4096] {
        let table = demux(ports);
        let std: HashMap<MacAddr, u16> = (0..ports).map(|n| (address(n), n as u16)).collect();
        let fx: FxMap = (0..ports).map(|n| (address(n).to_u64(), n as u16)).collect();
        for hits in [100, 50] {
            let mut group = c.benchmark_group(format!("decide/{ports} ports, {hits} % hits"));
            group.throughput(Throughput::Elements(FRAMES as u64));
            let frames = frames(&destinations(FRAMES, ports, hits));
            let headers: Vec<EthHeader> = frames.iter().filter_map(|f| EthHeader::parse(f).ok()).collect();
            let mut out: Vec<Verdict> = Vec::with_capacity(FRAMES);
            let mut bench = |name: &str, decide: &mut Way<'_>| {
                group.bench_function(BenchmarkId::from_parameter(name), |b| {
                    b.iter(|| {
                        out.clear();
                        decide(black_box(&frames), &mut out);
                        black_box(&out);
                    });
                });
            };
            bench("headers only", &mut |frames, _| {
                let mut all = 0;
                for header in frames.iter().flat_map(|f| EthHeader::parse(f)) {
                    all ^= header.dst.to_u64() ^ header.src.to_u64() ^ u64::from(header.ethertype);
                }
                black_box(all);
            });
            bench("receive", &mut |frames, out| each(frames, out, |h| table.receive(h)));
            bench("receive_batch, headers read before", &mut |_, out| table.receive_batch(&headers, out));
            bench("hashbrown, fx", &mut |frames, out| {
                each(frames, out, |h| verdict(fx.get(&h.dst.to_u64())));
            });
            bench("std HashMap", &mut |frames, out| each(frames, out, |h| verdict(std.get(&h.dst))));
        }
    }
}

/// Reads every header and keeps what is decided about it.
fn each(frames: &[[u8; 64]], out: &mut Vec<Verdict>, decide: impl Fn(&EthHeader) -> Verdict) {
    for frame in frames {
        if let Ok(header) = EthHeader::parse(frame) {
            out.push(decide(&header));
        }
    }
}

/// The least that a decision on another table has to say.
fn verdict(found: Option<&u16>) -> Verdict {
    match found {
        Some(&n) => Verdict::plain(Rule::UnicastToPort, Egress::Port(PortId(n))),
        None => Verdict::plain(Rule::UnicastToNoPort, Egress::HostStack),
    }
}

fn flood(c: &mut Criterion) {
    let mut group = c.benchmark_group("flood");
    let mut frame = [0xff; 64];
    frame[6..14].copy_from_slice(&[2, 0, 0, 0, 0, 9, 8, 6]);
    let header = EthHeader::parse(&frame).expect("64 bytes");
    for ports in [8, 64, 1024] {
        let table = demux(ports);
        group.throughput(Throughput::Elements(ports));
        group.bench_function(BenchmarkId::from_parameter(ports), |b| {
            b.iter(|| {
                let verdict = table.receive(black_box(&header));
                table
                    .deliveries(&verdict, &header, PacketType::Broadcast)
                    .map(|d| u64::from(d.port.0))
                    .sum::<u64>()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decide, flood);
criterion_main!(benches);
