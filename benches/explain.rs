//! The cost of explaining one frame: its journey through an existing lab, with every decision in full and the outcome
//! at each device; and the same as text.

use criterion::{Criterion, criterion_group, criterion_main};
use macvlab::explain::Journey;
use macvlab::frame::Frame;
use macvlab::lab::{Event, Lab, Options};
use macvlab::report::Explanation;
use std::hint::black_box;

/// c1 sends an ARP request for c2: a broadcast, and a unicast.
const LAB: &str = include_str!("../fixtures/labs/arp-vepa-hairpin.toml");
const BROADCAST: &str =
    "ffffffffffff0242c0a880de080600010800060400010242c0a880dec0a880de000000000000c0a880e9";
const UNICAST: &str = "0242c0a880e90242c0a880de080600010800060400020242c0a880dec0a880de0242c0a880e9c0a880e9";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The events of one frame that c1 sends.
fn send(lab: &mut Lab, frame: &Frame) -> Vec<Event> {
    let mut events = Vec::new();
    let now = lab.now();
    lab.send_at("c1", now, frame, &mut |event| events.push(event.clone())).expect("c1 is there");
    events
}

fn explain(c: &mut Criterion) {
    let spec = macvlab::labfile::parse("lab.toml", LAB).expect("a lab of the fixtures");
    let options = Options::default().with_stacks(false).with_decisions(true);
    let mut lab = Lab::new(&spec, options);
    lab.flush(&mut |_| ());
    let devices = lab.devices();
    let mut group = c.benchmark_group("explain");
    for (name, hex) in [("broadcast", BROADCAST), ("unicast", UNICAST)] {
        let frame = Frame::new(&bytes(hex));
        group.bench_function(format!("{name}, journey and fates"), |b| {
            b.iter(|| {
                let journeys = Journey::all(&send(&mut lab, black_box(&frame)));
                journeys.iter().map(|journey| journey.fates(&devices)).collect::<Vec<_>>()
            });
        });
        group.bench_function(format!("{name}, as text"), |b| {
            b.iter(|| {
                let mut text = Vec::with_capacity(4096);
                for journey in Journey::all(&send(&mut lab, black_box(&frame))) {
                    Explanation::new(&mut text, &devices, false).journey(&journey).expect("memory");
                }
                text
            });
        });
    }
    group.finish();
}

criterion_group!(benches, explain);
criterion_main!(benches);
