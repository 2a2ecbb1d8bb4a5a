//! Devices that are ports of a bridge of their own host: what no lab of the fixtures shows, as the kernel would not end, and
//! how deep they nest.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::lab;
use macvlab::dataplane::Entrance;
use macvlab::lab::{Event, Hop, HopKind, Lab, Options, Outcome};
use macvlab::time::Instant;
use macvlab::verdict::Rule;
use std::fmt::Write as _;

/// Two siblings in bridge mode are ports of one bridge.
const LOOP: &str = r#"
    [nic.eth0]
    [macvlan.c1]
    parent = "eth0"
    mode   = "bridge"
    master = "br0"
    [macvlan.c2]
    parent = "eth0"
    mode   = "bridge"
    master = "br0"
    [station.far]
    [switch.br0]
    [switch.sw0.port.eth0]
    [switch.sw0.port.far]
"#;

fn run(text: &str) -> Vec<Event> {
    common::run(&lab(text), Options::default()).1
}

fn outcomes(events: &[Event]) -> Vec<Outcome> {
    let outcome = |e: &Event| if let Event::Result { outcome, .. } = e { Some(*outcome) } else { None };
    events.iter().filter_map(outcome).collect()
}

#[test]
fn frames_that_go_round_through_bridges_end() {
    let step = "[[step]]\ninject = { at = \"far\", ethernet = { payload = \"01\" } }";
    let events = run(&format!("{LOOP}{step}"));
    assert_eq!(outcomes(&events), [Outcome::Ok]);
    let dropped = |e: &&Event| matches!(e, Event::Hop(Hop { kind: HopKind::Drop(Rule::BridgeLoop), .. }));
    let dropped: Vec<&Event> = events.iter().filter(dropped).collect();
    // In by either port, each way round.
    assert_eq!(dropped.len(), 2);
}

#[test]
fn more_frames_than_can_be_under_way_are_reported() {
    let mut text = LOOP.to_owned();
    for n in 3..24 {
        writeln!(text, "[macvlan.c{n}]\nparent = \"eth0\"\nmode = \"bridge\"\nmaster = \"br0\"").unwrap();
    }
    let step = "[[step]]\ninject = { at = \"far\", ethernet = { payload = \"01\" } }";
    let spec = lab(&format!("{text}{step}"));
    let (_, events) = common::run(&spec, Options::default().with_hops(false));
    assert_eq!(outcomes(&events), [Outcome::TooMany]);
    let mut worker = Lab::new(&spec, Options::default().with_stacks(false)).into_worker();
    let eth0 = worker.wiring().find("eth0").unwrap();
    let frame = [[0xff; 6], [2, 0, 0, 0, 0, 9], [0x88, 0xb5, 0, 0, 0, 0]].concat();
    let mut taken = 0_u32;
    worker.take(Entrance::Wire(eth0), Instant::ZERO, &frame, &mut |_| taken += 1);
    assert!((1_000..1_000_000).contains(&taken), "{taken}");
}

#[test]
fn devices_sit_on_each_other_up_to_a_depth() {
    // A bridge, a macvlan on it, a bridge of which that is a port, and so on: each is a level.
    let mut text = "[nic.eth0]\nmaster = \"b0\"\n".to_owned();
    for n in 0..6 {
        writeln!(text, "[macvlan.c{n}]\nparent = \"b{n}\"\nmaster = \"b{}\"", n + 1).unwrap();
    }
    (0..=6).for_each(|n| writeln!(text, "[switch.b{n}]").unwrap());
    let refused: Vec<String> = run(&text)
        .iter()
        .filter_map(|e| match e {
            Event::Setup { device, refusal, .. } => Some(format!("{device} {}", refusal.errno)),
            _ => None,
        })
        .collect();
    assert_eq!(refused, ["c3 EMLINK"]);
}
