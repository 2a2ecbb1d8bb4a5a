//! Forwarding decisions per second: the demultiplexer's receive path against the limit (a loop that only reads the
//! headers) and against the standard library's hash map.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use macvlab::frame::{EthHeader, MacAddr, PacketType};
use macvlab::macvlan::{self, Demux, Forwarding, Mode, PortRequest};
use macvlab::nic::{Filter, Nic, UnicastFilter};
use macvlab::verdict::Egress;
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

const FRAMES: usize = 1024;

fn address(n: u64) -> MacAddr {
    // Scattered like real addresses, always locally administered unicast.
    MacAddr::from_u64((n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16) & 0xfcff_ffff_ffff | 0x0200_0000_0000)
}

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

/// Frames of 64 bytes, back to back, of which so many in a hundred are for a port.
fn frames(ports: u64, hits: u64) -> Vec<[u8; 64]> {
    (0..FRAMES as u64)
        .map(|n| {
            let dst = if n % 100 < hits { address(n * 7 % ports) } else { address(n + (1 << 30)) };
            let mut frame = [0; 64];
            frame[..6].copy_from_slice(&dst.0);
            frame[6..12].copy_from_slice(&address(1 << 40).0);
            frame[12..14].copy_from_slice(&[0x08, 0x00]);
            frame
        })
        .collect()
}

fn decide(c: &mut Criterion) {
    let mut group = c.benchmark_group("decide");
    group.throughput(Throughput::Elements(FRAMES as u64));
    for ports in [16, 64, 256, 4096] {
        let table = demux(ports);
        let std: HashMap<MacAddr, u16> = (0..ports).map(|n| (address(n), n as u16)).collect();
        for hits in [100, 50] {
            let frames = frames(ports, hits);
            let name = format!("{ports} ports, {hits} % hits");
            group.bench_function(BenchmarkId::new("receive", &name), |b| {
                b.iter(|| {
                    let decide = |f: &[u8; 64]| {
                        let header = EthHeader::parse(black_box(f)).ok()?;
                        match table.receive(&header).egress {
                            Egress::Port(p) => Some(u64::from(p.0)),
                            _ => None,
                        }
                    };
                    frames.iter().filter_map(decide).sum::<u64>()
                });
            });
            group.bench_function(BenchmarkId::new("std HashMap", &name), |b| {
                b.iter(|| {
                    let look = |f: &[u8; 64]| std.get(&EthHeader::parse(black_box(f)).ok()?.dst).copied();
                    frames.iter().filter_map(look).map(u64::from).sum::<u64>()
                });
            });
        }
    }
    let frames = frames(64, 100);
    group.bench_function("headers only", |b| {
        b.iter(|| {
            let walk =
                |f: &[u8; 64]| EthHeader::parse(black_box(f)).map(|h| h.dst.to_u64() ^ h.src.to_u64()).ok();
            frames.iter().filter_map(walk).fold(0, |a, b| a ^ b)
        });
    });
    group.finish();
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
