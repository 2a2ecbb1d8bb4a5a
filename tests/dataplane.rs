//! The data plane without a lab: workers report the same hops as a lab, frame by frame.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use macvlab::dataplane::{Entrance, HopKind, NodeId, Passing, Worker};
use macvlab::frame::MacAddr;
use macvlab::lab::spec::{DeviceKind, Name};
use macvlab::lab::{Event, Lab, LabSpec, Options};
use macvlab::time::Instant;
use macvlab::verdict::Rule;
use proptest::prelude::*;
use std::time::Duration;

fn quiet() -> Options {
    Options::default().with_stacks(false)
}

/// The compared properties of a hop: device, kind, time, bytes, and the number of the frame.
type HopRecord = (Name, HopKind, Instant, Vec<u8>, u64);

/// Every relevant address in a lab: devices, joined and reserved groups, broadcast, and an unknown one.
fn addresses(lab: &Lab) -> Vec<MacAddr> {
    let mut all: Vec<MacAddr> = lab.devices().iter().filter_map(|d| d.mac).collect();
    all.extend(["01:00:5e:00:00:01", "33:33:00:00:00:01", "01:00:5e:01:02:03", "01:80:c2:00:00:02"].map(mac));
    all.extend([MacAddr::BROADCAST, MacAddr::ZERO, mac("02:99:00:00:00:01")]);
    all
}

fn mac(text: &str) -> MacAddr {
    text.parse().unwrap()
}

/// The ingredients of a frame, as numbers.
#[derive(Clone, Debug)]
struct Dice {
    at: usize,
    dst: usize,
    src: usize,
    kind: usize,
    len: usize,
    wait: u64,
}

fn dice() -> impl Strategy<Value = Dice> {
    let lens = prop_oneof![4 => 14..64usize, 1 => Just(1518usize), 1 => 1514..1530usize, 1 => 0..14usize];
    (any::<usize>(), any::<usize>(), any::<usize>(), 0..12usize, lens, 0..2_000_000_000u64)
        .prop_map(|(at, dst, src, kind, len, wait)| Dice { at, dst, src, kind, len, wait })
}

fn frame(dice: &Dice, addresses: &[MacAddr]) -> Vec<u8> {
    let pick = |n: usize| addresses[n % addresses.len()].0;
    let rest: &[u8] = match dice.kind {
        0 => &[0x81, 0x00, 0, 10, 8, 0],
        1 => &[0x81, 0x00, 0, 0, 0x81, 0x00, 0, 5, 8, 6],
        2 => &[0x88, 0xa8, 0, 7, 8, 0],
        3 => &[0x88, 0x08, 0, 1],
        // The first and the last fragment of one datagram.
        4 => &[
            8, 0, 0x45, 0, 0, 28, 0, 9, 0x20, 0, 9, 17, 0, 0, 10, 0, 0, 1, 224, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7,
            8,
        ],
        5 => &[
            8, 0, 0x45, 0, 0, 28, 0, 9, 0, 1, 9, 17, 0, 0, 10, 0, 0, 1, 224, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8,
        ],
        _ => &[8, 0, 1, 2, 3, 4],
    };
    let mut frame = [&pick(dice.dst)[..], &pick(dice.src), rest].concat();
    frame.resize(dice.len.max(if matches!(dice.kind, 4 | 5) { frame.len() } else { 0 }), 0xee);
    frame
}

/// Where frames can enter: every device sends, and those with a cable also receive from it.
fn entrances(spec: &LabSpec, worker: &Worker) -> Vec<Entrance> {
    let mut list = Vec::new();
    for device in &spec.devices {
        let Some(node) = worker.wiring().find(&device.name) else { continue };
        list.push(Entrance::Sent(node));
        if matches!(device.kind, DeviceKind::Nic(_) | DeviceKind::Station(_)) {
            list.push(Entrance::Wire(node));
        }
    }
    list
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// In every lab of the fixtures.
    #[test]
    fn a_worker_tells_the_hops_that_a_lab_tells(dice in prop::collection::vec(dice(), 1..40)) {
        for (name, path) in common::labs() {
            let spec = macvlab::labfile::load(&path).unwrap();
            let mut lab = Lab::new(&spec, quiet());
            let addresses = addresses(&lab);
            lab.flush(&mut |_| {});
            let mut worker = Lab::new(&spec, quiet()).into_worker();
            let entrances = entrances(&spec, &worker);
            let (mut by_lab, mut by_worker): (Vec<HopRecord>, Vec<HopRecord>) = (Vec::new(), Vec::new());
            let mut time = Instant::ZERO;
            for dice in &dice {
                let frame = frame(dice, &addresses);
                let entrance = entrances[dice.at % entrances.len()];
                time += Duration::from_nanos(dice.wait);
                let mut sink = |event: &Event| if let Event::Hop(h) = event {
                    by_lab.push((h.device.clone(), h.kind, h.time, h.frame.to_vec(), h.frame_id));
                };
                match entrance {
                    Entrance::Wire(node) => lab.arrive(worker.wiring().name(node), time, &frame, &mut sink),
                    Entrance::Sent(node) => lab.send_at(worker.wiring().name(node), time, &frame, &mut sink),
                }.unwrap();
                let mut told: Vec<(NodeId, HopKind, Instant, Vec<u8>, u64)> = Vec::new();
                worker.take(entrance, time, &frame, &mut |p: Passing<'_>| {
                    told.push((p.at, p.kind, p.time, p.frame.to_vec(), p.frame_id));
                });
                by_worker.extend(told.into_iter().map(|(at, kind, time, frame, id)| {
                    (worker.wiring().name(at).clone(), kind, time, frame, id)
                }));
            }
            prop_assert_eq!(&by_lab, &by_worker, "{}", name);
            lab.finish(&mut |event| if let Event::Counters { device, counters } = event {
                let node = worker.wiring().find(device).unwrap();
                assert_eq!(worker.state().counters(node), *counters, "{name}: {device}");
            });
        }
    }
}

/// A hop as a worker reports it.
type Passed = (NodeId, HopKind, Instant, Vec<u8>, u64);

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    /// In every lab of the fixtures, and for more frames than one batch.
    #[test]
    fn a_batch_comes_to_what_its_frames_come_to_one_by_one(
        at in any::<usize>(),
        dice in prop::collection::vec(dice(), 1..200),
    ) {
        for (name, path) in common::labs() {
            let spec = macvlab::labfile::load(&path).unwrap();
            let lab = Lab::new(&spec, quiet());
            let addresses = addresses(&lab);
            let (mut alone, mut together) = (lab.into_worker(), Lab::new(&spec, quiet()).into_worker());
            let entrances = entrances(&spec, &alone);
            let entrance = entrances[at % entrances.len()];
            let mut time = Instant::ZERO;
            let frames: Vec<(Instant, Vec<u8>)> = dice.iter().map(|dice| {
                time += Duration::from_nanos(dice.wait);
                (time, frame(dice, &addresses))
            }).collect();
            let (mut one_by_one, mut batched): (Vec<Passed>, Vec<Passed>) = (Vec::new(), Vec::new());
            let told = |told: &mut Vec<Passed>, p: Passing<'_>| {
                told.push((p.at, p.kind, p.time, p.frame.to_vec(), p.frame_id));
            };
            for (time, frame) in &frames {
                alone.take(entrance, *time, frame, &mut |p: Passing<'_>| told(&mut one_by_one, p));
            }
            let batch = frames.iter().map(|(time, frame)| (*time, &frame[..]));
            together.take_batch(entrance, batch, &mut |p: Passing<'_>| told(&mut batched, p));
            prop_assert_eq!(&one_by_one, &batched, "{}", name);
            let counters = |worker: &Worker| worker.state().all_counters().map(|(n, c)| (n, *c)).collect::<Vec<_>>();
            prop_assert_eq!(counters(&alone), counters(&together), "{}", name);
        }
    }
}

/// Counters of a bridge's own device: received frames without the header and the outer tag, sent frames unchanged.
#[test]
fn a_bridges_own_device_counts_what_is_behind_the_header() {
    let text = r#"
        [station.win]
        mac = "02:00:00:00:00:51"
        [macvlan.c1]
        parent = "sw0"
        mac = "02:00:00:00:00:01"
        [switch.sw0]
        mac = "02:00:00:00:00:0f"
        [switch.sw0.port.win]
    "#;
    let spec = macvlab::labfile::parse("lab", text).unwrap();
    let mut worker = Lab::new(&spec, quiet()).into_worker();
    let node = |name: &str| worker.wiring().find(name).unwrap();
    let (own, win, c1) = (node("sw0"), node("win"), node("c1"));
    let mut counted = |entrance, frame: &[u8]| {
        let before = worker.state().counters(own);
        worker.take(entrance, Instant::ZERO, frame, &mut |_| ());
        let now = worker.state().counters(own);
        (
            now.rx_packets - before.rx_packets,
            now.rx_bytes - before.rx_bytes,
            now.tx_packets - before.tx_packets,
            now.tx_bytes - before.tx_bytes,
        )
    };
    let plain = |src: &str| [&MacAddr::BROADCAST.0[..], &mac(src).0, &[0x88, 0xb5], &[0; 46]].concat();
    let tagged =
        |src: &str| [&MacAddr::BROADCAST.0[..], &mac(src).0, &[0x81, 0, 0, 7, 0x88, 0xb5], &[0; 42]].concat();
    let (from_win, from_c1) = ("02:00:00:00:00:51", "02:00:00:00:00:01");
    assert_eq!(counted(Entrance::Sent(win), &plain(from_win)), (1, 46, 0, 0));
    assert_eq!(counted(Entrance::Sent(win), &tagged(from_win)), (1, 42, 0, 0));
    assert_eq!(counted(Entrance::Sent(c1), &plain(from_c1)), (0, 0, 1, 60));
    assert_eq!(counted(Entrance::Sent(c1), &tagged(from_c1)), (0, 0, 1, 60));
    assert_eq!(counted(Entrance::Sent(own), &tagged("02:00:00:00:00:0f")), (0, 0, 1, 60));
}

/// A NIC that is down takes nothing, and counts nothing, whether frames come alone or in batches.
#[test]
fn a_batch_for_a_nic_that_is_down_is_dropped() {
    let text = "[nic.eth0]\nup = false\n[macvlan.c1]\nparent = \"eth0\"\nmac = \"02:00:00:00:00:01\"";
    let spec = macvlab::labfile::parse("lab", text).unwrap();
    let mut worker = Lab::new(&spec, quiet()).into_worker();
    let eth0 = worker.wiring().find("eth0").unwrap();
    let (to, from) = (mac("02:00:00:00:00:01"), mac("02:00:00:00:00:51"));
    let frame = [&to.0[..], &from.0, &[0x88, 0xb5], &[0; 46]].concat();
    let mut hops = Vec::new();
    let batch = [(Instant::ZERO, &frame[..]); 3];
    worker.take_batch(Entrance::Wire(eth0), batch, &mut |p: Passing<'_>| hops.push((p.at, p.kind)));
    assert_eq!(hops, [(eth0, HopKind::Drop(Rule::NicDown)); 3]);
    assert_eq!(worker.state().counters(eth0).rx_packets, 0);
}
