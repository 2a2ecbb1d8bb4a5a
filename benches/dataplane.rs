//! The complete path of a frame: NIC filter, demultiplexer, counters, delivery to a port's ring; and through a switch.

mod common;

use common::{address, destinations, frames};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use macvlab::dataplane::{Entrance, HopKind, Passing, Worker};
use macvlab::frame::EthHeader;
use macvlab::lab::{Lab, Options};
use macvlab::time::Instant;
use std::fmt::Write as _;
use std::hint::black_box;

/// A quarter of a megabyte of frames: in the second-level cache.
const FRAMES: usize = 4096;
/// Entries of a port's ring.
const RING: usize = 64;

/// The ring that a port's reader would use: the offset and length of each frame.
struct Ring {
    slots: [(u32, u32); RING],
    head: usize,
}

impl Ring {
    const EMPTY: Ring = Ring { slots: [(0, 0); RING], head: 0 };

    #[inline]
    fn push(&mut self, buffer: *const u8, frame: &[u8]) {
        let at = (frame.as_ptr() as usize).wrapping_sub(buffer as usize);
        self.slots[self.head % RING] = (at as u32, frame.len() as u32);
        self.head += 1;
    }
}

/// A NIC with ports, on a switch with one other port.
fn worker(ports: u64, mode: &str) -> Worker {
    let mut lab = "[nic.eth0]\nmac = \"06:00:00:00:00:01\"\n".to_owned();
    for n in 0..ports {
        let _ =
            write!(lab, "[macvlan.p{n}]\nparent = \"eth0\"\nmode = \"{mode}\"\nmac = \"{}\"\n", address(n));
    }
    lab.push_str(
        "[station.win]\nmac = \"06:00:00:00:00:02\"\n[switch.sw0.port.eth0]\n[switch.sw0.port.win]\n",
    );
    let spec = macvlab::labfile::parse("bench", &lab).expect("a lab");
    Lab::new(&spec, Options::default().with_stacks(false)).into_worker()
}

/// Delivers every frame to its receivers' rings.
fn hand_over(worker: &mut Worker, entrance: Entrance, frames: &[[u8; 64]], rings: &mut [Ring]) {
    let buffer = frames.as_ptr().cast();
    let mut hops = |p: Passing<'_>| {
        if matches!(p.kind, HopKind::Receive(..))
            && let Some(ring) = rings.get_mut(p.at.index())
        {
            ring.push(buffer, p.frame);
        }
    };
    worker.take_batch(entrance, frames.iter().map(|f| (Instant::ZERO, &f[..])), &mut hops);
}

fn unicast(c: &mut Criterion) {
    for ports in [16, 64, 256, 4096] {
        for hits in [100, 50] {
            let mut group = c.benchmark_group(format!("frame path/{ports} ports, {hits} % hits"));
            group.throughput(Throughput::Elements(FRAMES as u64));
            let frames = frames(&destinations(FRAMES, ports, hits));
            group.bench_function(BenchmarkId::from_parameter("headers only"), |b| {
                b.iter(|| {
                    let mut all = 0;
                    for header in black_box(&frames).iter().flat_map(|f| EthHeader::parse(f)) {
                        all ^= header.dst.to_u64() ^ header.src.to_u64() ^ u64::from(header.ethertype);
                    }
                    black_box(all)
                });
            });
            let mut worker = worker(ports, "bridge");
            let mut rings: Vec<Ring> = worker.wiring().nodes().iter().map(|_| Ring::EMPTY).collect();
            let eth0 = worker.wiring().find("eth0").expect("eth0");
            group.bench_function(BenchmarkId::from_parameter("to the ports' rings"), |b| {
                b.iter(|| hand_over(&mut worker, Entrance::Wire(eth0), black_box(&frames), &mut rings));
            });
        }
    }
}

fn flood(c: &mut Criterion) {
    let mut group = c.benchmark_group("flood to the ports' rings");
    let mut frame = [0xff; 64];
    frame[6..14].copy_from_slice(&[6, 0, 0, 0, 0, 9, 8, 6]);
    for ports in [8, 64, 1024] {
        let mut worker = worker(ports, "vepa");
        let mut rings: Vec<Ring> = worker.wiring().nodes().iter().map(|_| Ring::EMPTY).collect();
        let eth0 = worker.wiring().find("eth0").expect("eth0");
        group.throughput(Throughput::Elements(ports));
        group.bench_function(BenchmarkId::from_parameter(ports), |b| {
            b.iter(|| hand_over(&mut worker, Entrance::Wire(eth0), black_box(&[frame]), &mut rings));
        });
    }
    group.finish();
}

fn through_a_switch(c: &mut Criterion) {
    let mut group = c.benchmark_group("frame path");
    group.throughput(Throughput::Elements(FRAMES as u64));
    let frames = frames(&destinations(FRAMES, 64, 100));
    let mut worker = worker(64, "vepa");
    let mut rings: Vec<Ring> = worker.wiring().nodes().iter().map(|_| Ring::EMPTY).collect();
    let win = worker.wiring().find("win").expect("win");
    group.bench_function("a station sends, a switch forwards, ports receive", |b| {
        b.iter(|| hand_over(&mut worker, Entrance::Sent(win), black_box(&frames), &mut rings));
    });
    group.finish();
}

criterion_group!(benches, unicast, flood, through_a_switch);
criterion_main!(benches);
