//! Lookups in the MAC table, compared with standard maps. Results are stored in an array, as in a demultiplexer; hits
//! and misses alternate at random, in a sequence too long for a branch predictor to learn.

mod common;
#[path = "../src/cli/bench/tables.rs"]
#[allow(dead_code, reason = "decisions are measured on all of them, lookups on two")]
mod tables;

use common::{address, destinations};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use macvlab::frame::MacAddr;
use macvlab::table::{Lookup, MacTable};
use std::hint::black_box;
use tables::{FxMap, StdMap};

/// One of the compared tables: from input addresses to results.
type LookupFn<'a> = dyn FnMut(&[MacAddr], &mut Vec<Option<u16>>) + 'a;

const LOOKUPS: usize = 1 << 18;

fn lookups(c: &mut Criterion) {
    for entries in [16u64, 64, 256, 4096, 65_536, 1_000_000] {
        let mut table = MacTable::new();
        for n in 0..entries {
            table.insert(address(n), n as u16 / 2).expect("small values");
        }
        let all: Vec<(MacAddr, u16)> = table.iter().collect();
        let (fx, std) = (FxMap::new(&all), StdMap::new(&all));
        for hits in [100, 50] {
            let mut group = c.benchmark_group(format!("table/{entries} entries, {hits} % hits"));
            group.throughput(Throughput::Elements(LOOKUPS as u64));
            let asked = destinations(LOOKUPS, entries, hits);
            let mut out: Vec<Option<u16>> = Vec::with_capacity(LOOKUPS);
            let mut bench = |name: &str, lookup: &mut LookupFn<'_>| {
                group.bench_function(BenchmarkId::from_parameter(name), |b| {
                    b.iter(|| {
                        out.clear();
                        lookup(black_box(&asked), &mut out);
                        black_box(&out);
                    });
                });
            };
            bench("one by one", &mut |asked, out| out.extend(asked.iter().map(|&m| table.get(m))));
            // The way the data plane looks up the destinations of a batch.
            bench("batch", &mut |asked, out| {
                let value = table.values();
                for batch in asked.chunks(64) {
                    batch.iter().for_each(|&m| table.prefetch(m));
                    out.extend(batch.iter().map(|&m| Some(value(m))));
                }
            });
            bench("hashbrown, fx", &mut |asked, out| {
                out.extend(asked.iter().map(|&m| fx.get(m)));
            });
            bench("std HashMap", &mut |asked, out| out.extend(asked.iter().map(|&m| std.get(m))));
        }
    }
}

criterion_group!(benches, lookups);
criterion_main!(benches);
