//! The data plane without a lab around it: workers tell what a lab tells, and keep their frames while devices change.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use macvlab::counters::Counters;
use macvlab::dataplane::{Entrance, HopKind, NodeId, Passing, Published, Shards, Worker, counters_of};
use macvlab::frame::{EthHeader, MacAddr};
use macvlab::lab::spec::{Action, Change, DeviceKind, Name, StepSpec};
use macvlab::lab::{Event, Lab, LabSpec, Options};
use macvlab::macvlan::Mode;
use macvlab::time::Instant;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn quiet() -> Options {
    Options { stacks: false, ..Options::default() }
}

/// A hop as it is compared: where, what, when, the bytes, and the number of the frame.
type Told = (Name, HopKind, Instant, Vec<u8>, u64);

/// Every address that means something in a lab: devices, groups that are joined or reserved, all, and a stranger.
fn addresses(lab: &Lab) -> Vec<MacAddr> {
    let mut all: Vec<MacAddr> = lab.devices().iter().filter_map(|d| d.mac).collect();
    all.extend(["01:00:5e:00:00:01", "33:33:00:00:00:01", "01:00:5e:01:02:03", "01:80:c2:00:00:02"].map(mac));
    all.extend([MacAddr::BROADCAST, MacAddr::ZERO, mac("02:99:00:00:00:01")]);
    all
}

fn mac(text: &str) -> MacAddr {
    text.parse().unwrap()
}

/// What a frame is made of, as numbers to choose by.
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

/// Where frames can come in: every device sends, and those with a cable also take frames from it.
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
            let (mut by_lab, mut by_worker): (Vec<Told>, Vec<Told>) = (Vec::new(), Vec::new());
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

/// A hop as a worker tells it.
type Passed = (NodeId, HopKind, Instant, Vec<u8>, u64);

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    /// In every lab of the fixtures, and for more frames than are looked up together.
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

/// Ten bridge ports on eth0, and three that are yet to come.
fn ten_ports() -> LabSpec {
    let mut text = "[nic.eth0]\nmac = \"06:00:00:00:00:01\"\n".to_owned();
    for n in 0..10 {
        text += &format!("[macvlan.p{n}]\nparent = \"eth0\"\nmode = \"bridge\"\nmac = \"{}\"\n", port_mac(n));
    }
    for n in 10..13 {
        let mac = port_mac(n);
        text += &format!(
            "[[step]]\nadd = {{ macvlan = \"p{n}\", parent = \"eth0\", mode = \"bridge\", mac = \"{mac}\" }}\n"
        );
    }
    macvlab::labfile::parse("ten", &text).unwrap()
}

fn port_mac(n: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, n])
}

/// A frame from outside, which carries its number.
fn numbered(dst: MacAddr, number: u64) -> [u8; 64] {
    let mut frame = [0; 64];
    frame[..6].copy_from_slice(&dst.0);
    frame[6..14].copy_from_slice(&[6, 0, 0, 0, 0, 9, 8, 0]);
    frame[14..22].copy_from_slice(&number.to_be_bytes());
    frame
}

/// What one worker saw.
#[derive(Default)]
struct Seen {
    /// By port, then by number: which of its frames it got itself; else the host did.
    got: [Vec<bool>; 13],
    /// Ports that a broadcast reached, of each broadcast.
    floods: Vec<Vec<NodeId>>,
    counters: Vec<(NodeId, Counters)>,
}

/// Takes frames to all ports in turn, and a broadcast now and then, until it is told to stop.
fn work(mut worker: Worker, published: &Published, taken: &AtomicU64, stop: &AtomicBool) -> Seen {
    let eth0 = worker.wiring().find("eth0").unwrap();
    let mut seen = Seen::default();
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        worker.refresh(published);
        for n in 0..13u8 {
            let frame = numbered(port_mac(n), number);
            let mut receivers = Vec::new();
            worker.take(Entrance::Wire(eth0), Instant::ZERO, &frame, &mut |p| {
                if matches!(p.kind, HopKind::Receive(..)) {
                    assert_eq!(p.frame, frame, "a frame arrives as it set out");
                    receivers.push(p.at);
                }
            });
            let [receiver] = receivers[..] else { panic!("{receivers:?} got a frame for one") };
            let right = worker.wiring().name(receiver) == &format!("p{n}");
            assert!(right || receiver == eth0, "{} got a frame for p{n}", worker.wiring().name(receiver));
            seen.got[usize::from(n)].push(right);
        }
        if number % 16 == 0 {
            let mut receivers = Vec::new();
            worker.take(
                Entrance::Wire(eth0),
                Instant::ZERO,
                &numbered(MacAddr::BROADCAST, number),
                &mut |p| {
                    if matches!(p.kind, HopKind::Receive(..)) {
                        receivers.push(p.at);
                    }
                },
            );
            seen.floods.push(receivers);
        }
        number += 1;
        taken.fetch_add(1, Ordering::Relaxed);
    }
    seen.counters = worker.state().all_counters().map(|(node, c)| (node, *c)).collect();
    seen
}

/// Ports come and go and change their modes under full load; nothing is lost or misdelivered but what the change itself
/// says.
#[test]
fn devices_change_while_workers_run() {
    let spec = ten_ports();
    let mut lab = Lab::new(&spec, quiet());
    lab.flush(&mut |_| {});
    let published = Published::new(lab.wiring());
    let (taken, stop) = ([AtomicU64::new(0), AtomicU64::new(0)], AtomicBool::new(false));
    let adds: Vec<Action> = spec.steps.iter().map(|s| s.action.clone()).collect();
    let set = |device: &str, change| Action::Set { device: device.into(), change };
    let mut changes = adds;
    changes.extend([
        Action::Remove("p3".into()),
        set("p4", Change::Mode(Mode::Private)),
        set("p5", Change::Up(false)),
        set("p6", Change::Mode(Mode::Vepa)),
        Action::Remove("p11".into()),
    ]);
    let seen: Vec<Seen> = std::thread::scope(|scope| {
        let workers: Vec<_> = taken
            .iter()
            .map(|taken| {
                let worker = Lab::new(&spec, quiet()).into_worker();
                let (published, stop) = (&published, &stop);
                scope.spawn(move || work(worker, published, taken, stop))
            })
            .collect();
        // Each of them must have met one wiring before the next is published.
        let wait_for_more = || {
            let enough = taken.each_ref().map(|taken| taken.load(Ordering::Relaxed) + 100);
            let behind =
                || taken.iter().zip(enough).any(|(taken, enough)| taken.load(Ordering::Relaxed) < enough);
            while behind() && !workers.iter().any(|w| w.is_finished()) {
                std::thread::yield_now();
            }
        };
        for action in &changes {
            wait_for_more();
            let step = StepSpec { action: action.clone(), expect: None, line: 0 };
            lab.step(&step, &mut |event| {
                if let Event::Result { outcome, .. } = event {
                    assert_eq!(*outcome, macvlab::lab::Outcome::Ok, "{action:?}");
                }
            });
            published.publish(lab.wiring());
        }
        wait_for_more();
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().map(|w| w.join().unwrap()).collect()
    });
    for seen in &seen {
        for (n, got) in seen.got.iter().enumerate() {
            let changes = got.windows(2).filter(|w| w[0] != w[1]).count();
            let (first, last) = (got[0], got[got.len() - 1]);
            let (began, ended) = match n {
                3 | 5 => (true, false),
                10 | 12 => (false, true),
                11 => (false, false),
                _ => (true, true),
            };
            assert_eq!((first, last), (began, ended), "p{n}");
            // A port that is there throughout never misses a frame; another comes or goes once, and p11 does both.
            assert_eq!(changes, if n == 11 { 2 } else { usize::from(began != ended) }, "p{n}");
        }
        // A broadcast meets one wiring: ten ports and the host at first, then one more at a time, and so on.
        let sizes: Vec<usize> = seen.floods.iter().map(Vec::len).collect();
        let mut steps = sizes.clone();
        steps.dedup();
        assert_eq!(steps, [11, 12, 13, 14, 13, 12, 11], "{sizes:?}");
        // What was counted is what was received.
        let p0 = lab.wiring().find("p0").unwrap();
        let counted = seen.counters.iter().find(|(node, _)| *node == p0).unwrap().1;
        assert_eq!(counted.rx_packets, (seen.got[0].len() + seen.floods.len()) as u64);
        assert_eq!(counted.multicast, seen.floods.len() as u64);
    }
}

/// Frames that ports received: for whom, and their numbers.
type Received = Vec<(MacAddr, u64)>;

/// Frames of a flow come in the order in which they were offered, whichever worker takes them; together the workers count
/// what one alone would.
#[test]
fn shards_keep_the_order_of_a_flow() {
    let spec = ten_ports();
    let worker = Lab::new(&spec, quiet()).into_worker();
    let eth0 = worker.wiring().find("eth0").unwrap();
    let published = Arc::new(Published::new(Arc::new(worker.wiring().clone())));
    let counted = |threads: usize| {
        let seen: Vec<Arc<Mutex<Received>>> = (0..threads).map(|_| Arc::default()).collect();
        let mut shards = Shards::start(&worker, &published, Entrance::Wire(eth0), threads, |number| {
            let seen = Arc::clone(&seen[number]);
            move |p: Passing<'_>| {
                if matches!(p.kind, HopKind::Receive(..)) && p.at != eth0 {
                    let header = EthHeader::parse(p.frame).unwrap();
                    let number = u64::from_be_bytes(*p.frame[14..].first_chunk().unwrap());
                    seen.lock().unwrap().push((header.dst, number));
                }
            }
        });
        for number in 0..20_000 {
            let port = port_mac((number * 7 % 13) as u8);
            shards.offer(Instant::ZERO, &numbered(port, number));
        }
        let workers = shards.finish();
        assert_eq!(workers.len(), threads);
        let mut by_flow: BTreeMap<MacAddr, Vec<u64>> = BTreeMap::new();
        let mut busy = 0;
        for seen in &seen {
            let seen = seen.lock().unwrap();
            busy += usize::from(!seen.is_empty());
            for (dst, number) in seen.iter() {
                by_flow.entry(*dst).or_default().push(*number);
            }
        }
        assert_eq!(busy, threads, "every worker has some of ten flows");
        assert_eq!(by_flow.len(), 10);
        assert!(by_flow.values().all(|numbers| numbers.is_sorted()), "a flow was shuffled");
        let nodes = 0..worker.wiring().nodes().len() as u32;
        nodes.map(|n| counters_of(&workers, NodeId(n))).collect::<Vec<_>>()
    };
    let alone = counted(1);
    let for_ports = (0..20_000).filter(|n| n * 7 % 13 < 10).count() as u64;
    assert_eq!(alone.iter().map(|c| c.rx_packets).sum::<u64>(), 20_000 + for_ports);
    assert_eq!(counted(3), alone);
}

/// What a bridge's own device counts: what it receives without the header and the outer tag, what it sends as it is.
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
