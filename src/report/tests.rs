//! One small run in every view.

use super::*;
use crate::counters::Counters;
use crate::errno::Errno;
use crate::frame::{Frame, MacAddr, PacketType, VlanId};
use crate::lab::spec::{
    Action, Change, Expect, ExpectedReceivers, FrameSpec, InjectPoint, MacvlanSpec, Name, ProbeSpec,
    StepSpec, Target,
};
use crate::lab::{
    Device, DeviceState, DeviceType, Event, FdbChange, Hop, HopKind, Outcome, Receivers, SetupStage,
    SwitchPort, Unreachable,
};
use crate::macvlan::Mode;
use crate::switch::{FdbKind, PortFlags, PortState};
use crate::time::Instant;
use crate::verdict::{Refusal, Rule};
use std::time::Duration;

fn device(name: &str, kind: DeviceType, mac: u64, parent: Option<&str>, mode: Option<Mode>) -> Device {
    let (parent, mac) = (parent.map(Name::from), Some(MacAddr::from_u64(mac)));
    Device { mac, parent, mode, ..Device::new(name, kind) }
}

fn hop(step: usize, ns: u64, device: &str, kind: HopKind) -> Event {
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 1, 8, 6]);
    let (time, frame) = (Instant::from_nanos(ns), Frame::new(&frame));
    Event::Hop(Hop { step, time, device: device.into(), kind, frame, frame_id: 4 })
}

fn step(step: usize, action: Action, expect: Option<Expect>) -> Event {
    Event::Step { step, spec: StepSpec { action, expect, line: 0 } }
}

fn probe() -> ProbeSpec {
    let timeout = Duration::from_secs(10);
    ProbeSpec { from: "c1".into(), to: Target::Device("c2".into()), count: 1, timeout }
}

fn result(step: usize, outcome: Outcome, delivered: &[&str], held: Option<bool>) -> Event {
    let rtt = (outcome == Outcome::Reply).then_some(Duration::from_nanos(20_500));
    let delivered = delivered.iter().map(|d| (*d).into()).collect();
    let receivers = Receivers { delivered, ..Receivers::default() };
    Event::Result { step, outcome, rtt, receivers, held, found: None }
}

/// A switch port with two flags that differ from the defaults.
fn hairpin() -> Device {
    let flags = PortFlags { hairpin: true, flood: false, ..PortFlags::default() };
    let port = Some(SwitchPort { flags, state: PortState::Blocking });
    Device { port, ..device("sw0.eth0", DeviceType::SwitchPort, 0x0200_0000_0003, Some("sw0"), None) }
}

fn learned(entry: Option<(Name, FdbKind)>) -> FdbChange {
    let (time, mac) = (Instant::from_nanos(8_000_000), MacAddr::from_u64(0x0200_0000_0009));
    FdbChange { step: 5, time, switch: "sw0".into(), vlan: VlanId::new(7), mac, entry }
}

/// A ping that fails where a reply was expected, an injected frame, and an expected refusal.
fn run() -> Vec<Event> {
    let refused = Rule::ChangeMode;
    vec![
        Event::Lab {
            title: "Two ports".into(),
            devices: vec![
                device("eth0", DeviceType::Nic, 0x0200_0000_0001, None, None),
                device("c1", DeviceType::Macvlan, 0x0200_0000_0002, Some("eth0"), Some(Mode::Vepa)),
                device("sw0.eth0", DeviceType::SwitchPort, 0x0200_0000_0003, Some("sw0"), None),
            ],
        },
        Event::Setup {
            device: "c2".into(),
            parent: Some("eth0".into()),
            stage: SetupStage::Create,
            refusal: Refusal::new(Errno::Einval, refused),
            expected: false,
        },
        step(1, Action::Ping(probe()), Some(Expect::Reply)),
        hop(1, 5_000_000, "eth0", HopKind::Arrive(PacketType::Broadcast)),
        hop(1, 5_020_000, "c1", HopKind::Receive(PacketType::Broadcast, Rule::FloodFromOutside)),
        hop(1, 6_500_000, "eth0", HopKind::Transmit(Rule::SwitchBroadcast)),
        hop(1, 6_500_001, "sw0.eth0", HopKind::Drop(Rule::NoHairpin)),
        result(1, Outcome::Unreachable(Unreachable::Neighbour([10, 0, 0, 2].into())), &[], Some(false)),
        step(
            2,
            Action::Inject {
                at: "eth0".into(),
                entry: InjectPoint::Wire,
                frame: FrameSpec::Bytes(vec![0; 14]),
            },
            Some(Expect::Receivers(Box::new(ExpectedReceivers {
                delivered: Some(vec!["c1".into()]),
                ..ExpectedReceivers::default()
            }))),
        ),
        hop(2, 7_000_000, "c1", HopKind::Receive(PacketType::OtherHost, Rule::UnicastToPort)),
        result(2, Outcome::Ok, &["c1"], Some(true)),
        step(3, Action::Ping(probe()), None),
        result(3, Outcome::Reply, &[], None),
        step(
            4,
            Action::Set { device: "c1".into(), change: Change::Mode(Mode::Passthru) },
            Some(Expect::Errno(Errno::Einval)),
        ),
        result(4, Outcome::Refused(Refusal::new(Errno::Einval, refused)), &[], Some(true)),
        step(
            5,
            Action::Add {
                name: "c3".into(),
                spec: MacvlanSpec { parent: "eth0".into(), ..Default::default() },
            },
            None,
        ),
        Event::Devices { changed: vec![hairpin()], gone: vec!["c1".into()] },
        Event::Fdb(learned(Some(("sw0.eth0".into(), FdbKind::Dynamic)))),
        Event::Fdb(learned(None)),
        result(5, Outcome::Ok, &[], None),
        hop(5, 9_000_000, "c3", HopKind::Transmit(Rule::UnicastToPort)),
        Event::Counters {
            device: "c1".into(),
            counters: Counters { rx_packets: 2, rx_bytes: 1234, ..Default::default() },
        },
        Event::State {
            device: "c1".into(),
            state: DeviceState {
                mac: MacAddr::from_u64(0x0200_0000_0002),
                mtu: 1500,
                mode: Some(Mode::Vepa),
                up: true,
                carrier: true,
                promiscuity: 0,
            },
        },
    ]
}

fn text(detail: Detail, colour: bool) -> String {
    let mut report = TextReport::new(Vec::new(), detail, colour);
    for event in run() {
        report.event(&event).unwrap();
    }
    String::from_utf8(report.finish().unwrap()).unwrap()
}

#[test]
fn a_line_for_each_step() {
    insta::assert_snapshot!(text(Detail::Steps, false));
}

#[test]
fn a_line_for_each_hop() {
    insta::assert_snapshot!(text(Detail::Hops, false));
}

#[test]
fn colours_only_when_asked() {
    for detail in [Detail::Steps, Detail::Hops] {
        let (plain, coloured) = (text(detail, false), text(detail, true));
        assert!(!plain.contains('\x1b') && coloured.contains('\x1b'));
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
    }
}

#[test]
fn an_object_a_line() {
    let mut lines = JsonLines::new(Vec::new());
    for event in run() {
        lines.event(&event).unwrap();
    }
    let lines = String::from_utf8(lines.finish().unwrap()).unwrap();
    for line in lines.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(value.get("event").is_some_and(serde_json::Value::is_string), "{line}");
    }
    insta::assert_snapshot!(lines);
}

#[test]
fn a_packet_for_each_hop() {
    let mut capture = AnnotatedCapture::new(Vec::new()).unwrap();
    for event in run() {
        capture.event(&event).unwrap();
    }
    let file = capture.finish().unwrap();
    let has = |text: &str| file.windows(text.len()).any(|w| w == text.as_bytes());
    let c3 = format!("macvlan vepa on eth0, {}", MacvlanSpec::default().requested_mac("c3"));
    for text in [
        "macvlan vepa on eth0, 02:00:00:00:00:02",
        &c3,
        "R11 The tap comes first: ",
        "R18 A broadcast from outside: ",
        "dropped: R126 Not back out of the arrival port: ",
    ] {
        assert!(has(text), "{text}");
    }
    let mut reader = crate::capture::Reader::new(std::io::Cursor::new(file)).unwrap();
    let mut seen = Vec::new();
    while let Some(record) = reader.next_record() {
        let record = record.unwrap();
        seen.push((record.interface, record.time.as_nanos()));
    }
    let names: Vec<_> = reader.interfaces().iter().filter_map(|i| i.name.as_deref()).collect();
    assert_eq!(names, ["eth0", "c1", "sw0.eth0", "c3"]);
    let expected =
        [(0, 5_000_000), (1, 5_020_000), (0, 6_500_000), (2, 6_500_001), (1, 7_000_000), (3, 9_000_000)];
    assert_eq!(seen, expected);
}

#[test]
fn counters_in_columns() {
    let mut table = CountersTable::new();
    for event in run() {
        table.event(&event);
    }
    insta::assert_snapshot!(table.render());
}

#[test]
fn a_step_names_eight_drops() {
    let line = |drops: usize| {
        let mut report = TextReport::new(Vec::new(), Detail::Steps, false);
        report.event(&step(1, Action::Ping(probe()), None)).unwrap();
        for n in 0..drops {
            report.event(&hop(1, 1, &format!("p{n}"), HopKind::Drop(Rule::NoHairpin))).unwrap();
        }
        report.event(&result(1, Outcome::NoReply, &[], None)).unwrap();
        String::from_utf8(report.finish().unwrap()).unwrap()
    };
    assert!(line(8).trim_end().ends_with("(p7)"), "{}", line(8));
    assert!(line(9).trim_end().ends_with("(p7) and more"), "{}", line(9));
}

#[test]
fn the_device_column_has_a_width() {
    let shown = |longest: usize| {
        let mut report = TextReport::new(Vec::new(), Detail::Hops, false);
        let names = ["a".to_owned(), "b".repeat(longest)];
        let devices = names.iter().map(|name| device(name, DeviceType::Nic, 1, None, None)).collect();
        report.event(&Event::Lab { title: String::new(), devices }).unwrap();
        for name in &names {
            report.event(&hop(1, 1, name, HopKind::Arrive(PacketType::Broadcast))).unwrap();
        }
        let text = String::from_utf8(report.finish().unwrap()).unwrap();
        // The offset of the next column.
        let behind =
            |line: &str| line.find("  arrives").or(line.find(" arrive")).unwrap_or_else(|| panic!("{text}"));
        text.lines().map(behind).collect::<Vec<_>>()
    };
    let (at, beyond) = (shown(24), shown(31));
    assert_eq!(at[0], at[1]);
    assert_eq!((beyond[0], beyond[1]), (at[0], at[0] + 7));
}
