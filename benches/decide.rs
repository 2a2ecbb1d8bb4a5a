//! Forwarding decisions per second, on the same code paths as `macvlab bench`: the demultiplexer compared with the
//! baseline (a loop that only reads the headers) and with the same decisions on standard maps; floods; the switch. Also
//! reports how many allocations each pass makes.

#[path = "../tests/common/counting.rs"]
mod counting;
#[path = "../src/cli/bench/paths.rs"]
mod paths;
#[path = "../src/cli/bench/tables.rs"]
mod tables;

use counting::allocations;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use macvlab::capture::{FrameSize, Traffic};
use macvlab::frame::MacAddr;
use macvlab::macvlan::Mode;
use paths::{Crossing, FRAMES, Flood, Frames, OtherCrossing, Parent, forwarding};
use std::fmt::Write as _;
use std::hint::black_box;
use tables::{Chains, FxMap, List, StdMap};

fn stations(n: u32) -> Vec<MacAddr> {
    (0..n).map(Traffic::station).collect()
}

/// Measures a pass, and reports its allocations once it is warm.
#[allow(clippy::print_stdout, reason = "beside the times, which criterion prints")]
fn bench(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut pass: impl FnMut()) {
    pass();
    println!("{name}: {} allocations a pass", allocations(&mut pass));
    group.bench_function(BenchmarkId::from_parameter(name), |b| b.iter(&mut pass));
}

fn decide(c: &mut Criterion) {
    for (ports, size) in [
        (64, FrameSize::Fixed(64)),
        (64, FrameSize::Imix),
        (1024, FrameSize::Fixed(64)),
        (16_384, FrameSize::Fixed(64)),
    ] {
        let macs = stations(ports);
        let table = forwarding(&macs, Mode::Vepa).expect("distinct addresses");
        for hits in [100, 50] {
            let mut frames = Frames::new(&macs, size, hits);
            let mut group = c.benchmark_group(format!("decide/{ports} ports, {size} bytes, {hits} % hits"));
            group.throughput(Throughput::ElementsAndBytes { elements: FRAMES as u64, bytes: frames.bytes() });
            bench(&mut group, "headers only", || {
                black_box(frames.walk());
            });
            let mut own = Parent::new((*table).clone());
            bench(&mut group, "macvlab", || frames.decide(&mut own));
            let mut text = String::new();
            bench(&mut group, "macvlab, explained", || {
                frames.decide(&mut own);
                for verdict in own.verdicts().iter().cycle().take(FRAMES) {
                    let rule = verdict.rule;
                    text.clear();
                    let _ = write!(text, "{rule} {}: {}", rule.title(), rule.why());
                    black_box(&text);
                }
            });
            let mut fx = Parent::new(table.with_table(FxMap::new));
            bench(&mut group, "on hashbrown, fx", || frames.decide(&mut fx));
            let mut std = Parent::new(table.with_table(StdMap::new));
            bench(&mut group, "on std HashMap", || frames.decide(&mut std));
            if ports <= 1024 {
                let mut chains = Parent::new(table.with_table(Chains::new));
                bench(&mut group, "on 256 chains", || frames.decide(&mut chains));
                let mut list = Parent::new(table.with_table(List::new));
                bench(&mut group, "on a list", || frames.decide(&mut list));
            }
        }
    }
}

fn flood(c: &mut Criterion) {
    let mut frame = [0xff; 64];
    frame[6..14].copy_from_slice(&[2, 0, 0, 0, 0, 9, 8, 6]);
    for ports in [8, 64, 1024] {
        let mut flood = Flood::new(forwarding(&stations(ports), Mode::Bridge).expect("distinct addresses"));
        let mut group = c.benchmark_group("flood");
        group.throughput(Throughput::Elements(ports.into()));
        bench(&mut group, &format!("{ports} receivers"), || {
            black_box(flood.hand_over(1, black_box(&frame)));
        });
    }
}

fn switch(c: &mut Criterion) {
    for stations in [64, 65_536, 1_000_000] {
        let crossing = || Crossing::new(stations).expect("two ports");
        let mut own = crossing();
        let mut group = c.benchmark_group(format!("switch/{stations} stations, {} bytes", own.memory()));
        group.throughput(Throughput::Elements(FRAMES as u64));
        bench(&mut group, "forward", || own.decide());
        bench(&mut group, "forward and learn", || own.forward());
        bench(&mut group, "forward and learn, one by one", || own.forward_singly());
        let mut other = OtherCrossing::new(crossing());
        bench(&mut group, "hashbrown, fx: look up", || other.decide());
        bench(&mut group, "hashbrown, fx: look up and note", || other.forward());
    }
}

criterion_group!(benches, decide, flood, switch);
criterion_main!(benches);
