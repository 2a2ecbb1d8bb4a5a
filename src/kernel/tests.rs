use super::*;
use crate::frame::{MacAddr, PacketType};
use crate::lab::SetupStage;
use crate::lab::spec::InjectPoint;
use crate::lab::spec::*;
use crate::macvlan::Mode;
use crate::station::IpSpec;
use crate::switch::PortFlag;
use std::time::Duration;

fn nic(name: &str, mac: u64) -> DeviceSpec {
    DeviceSpec::new(name, DeviceKind::Nic(NicSpec::named(name).with_mac(MacAddr::from_u64(mac))))
}

fn station(name: &str, mac: u64) -> DeviceSpec {
    let station = StationSpec::new(name, IpSpec::default()).with_mac(MacAddr::from_u64(mac));
    DeviceSpec::new(name, DeviceKind::Station(station))
}

fn port(name: &str, mac: u64, mode: Mode) -> DeviceSpec {
    DeviceSpec::new(name, DeviceKind::Macvlan(port_spec(mac, mode)))
}

fn port_spec(mac: u64, mode: Mode) -> MacvlanSpec {
    MacvlanSpec::on("eth0").with_mode(mode).with_mac(MacAddr::from_u64(mac))
}

fn switch(ports: &[(&str, bool)]) -> SwitchSpec {
    ports.iter().fold(SwitchSpec::named("sw0"), |switch, (device, hairpin)| {
        switch.with_port(*device, |port| port.with_flag(PortFlag::Hairpin, *hairpin))
    })
}

fn frame(dst: u64, src: u64, rest: &[u8]) -> Vec<u8> {
    [&MacAddr::from_u64(dst).0, &MacAddr::from_u64(src).0, rest].concat()
}

fn inject(at: &str, from_wire: bool, bytes: Vec<u8>) -> StepSpec {
    let entry = if from_wire { InjectPoint::Wire } else { InjectPoint::Device };
    StepSpec::new(Action::Inject { at: at.into(), entry, frame: FrameSpec::Bytes(bytes) })
}

fn set(device: &str, change: Change) -> StepSpec {
    StepSpec::new(Action::Set { device: device.into(), change })
}

const NIC: u64 = 0x0200_0000_0001;
const A: u64 = 0x0200_0000_000a;
const B: u64 = 0x0200_0000_000b;
const WIN: u64 = 0x0200_0000_00ff;
const ALL: u64 = 0xffff_ffff_ffff;

/// `None` where namespaces cannot be created, so the kernel is not available.
fn observe(lab: &LabSpec) -> Option<Observed> {
    match Oracle::new().unwrap().run(lab, None) {
        Ok(o) => Some(o),
        Err(OracleError::Unprivileged(_)) => None,
        Err(e) => panic!("{e}"),
    }
}

fn who(seen: &[Seen]) -> Vec<(Name, PacketType)> {
    let mut all: Vec<_> = seen.iter().map(|s| (s.device.clone(), s.packet_type)).collect();
    all.sort();
    all
}

fn two_ports(mode: Mode, hairpin: bool) -> LabSpec {
    LabSpec {
        devices: vec![nic("eth0", NIC), port("a", A, mode), port("b", B, mode), station("win", WIN)],
        switches: vec![switch(&[("eth0", hairpin), ("win", false)])],
        ..LabSpec::default()
    }
}

#[test]
fn bridge_ports_reach_each_other_without_the_wire() {
    let mut lab = two_ports(Mode::Bridge, false);
    lab.steps.push(inject("a", false, frame(B, A, &[0x88, 0xb5, 1])));
    lab.steps.push(inject("a", false, frame(ALL, A, &[0x88, 0xb5, 2])));
    let Some(o) = observe(&lab) else { return };
    assert_eq!(who(&o.steps[0].deliveries), [("b".into(), PacketType::Host)]);
    assert_eq!(who(&o.steps[0].arrives), [("eth0".into(), PacketType::OtherHost)]);
    assert_eq!(
        who(&o.steps[1].deliveries),
        [("b".into(), PacketType::Broadcast), ("win".into(), PacketType::Broadcast)]
    );
    assert_eq!(who(&o.steps[1].arrives), []);
    // A local broadcast counts 14 extra bytes.
    assert_eq!(o.counters["b"][0].rx_bytes, 15 + 15 + 14);
    assert_eq!(o.counters["eth0"][0].tx_packets, 1);
}

#[test]
fn hairpin_and_host_stack() {
    let mut lab = two_ports(Mode::Vepa, true);
    lab.steps.push(inject("a", false, frame(ALL, A, &[0x81, 0x00, 0, 5, 0x88, 0xb5, 1, 2])));
    lab.steps.push(inject("eth0", true, frame(NIC, WIN, &[0x08, 0x06, 9])));
    let Some(o) = observe(&lab) else { return };
    assert_eq!(
        who(&o.steps[0].deliveries),
        [
            ("b".into(), PacketType::Broadcast),
            ("eth0".into(), PacketType::OtherHost),
            ("win".into(), PacketType::Broadcast)
        ]
    );
    // Every observer has the frame with its tag.
    for seen in o.steps[0].deliveries.iter().chain(&o.steps[0].arrives) {
        assert_eq!(seen.frame.to_hex(), "ffffffffffff02000000000a8100000588b50102");
    }
    assert_eq!(who(&o.steps[1].deliveries), [("eth0".into(), PacketType::Host)]);
}

#[test]
fn refusals_carry_the_kernels_error() {
    let mut lab = two_ports(Mode::Bridge, false);
    lab.devices.push(port("twin", A, Mode::Bridge));
    lab.devices.push(port("alone", 0x0200_0000_000c, Mode::Passthru));
    lab.steps.push(set("a", Change::Mode(Mode::Passthru)));
    lab.steps.push(set("nobody", Change::Up(true)));
    lab.steps.push(set("a", Change::Mac(MacAddr::from_u64(NIC))));
    lab.steps.push(set("a", Change::Leave(MacAddr::ALL_NODES_V6)));
    lab.steps.push(set("a", Change::Up(false)));
    lab.steps.push(inject("a", false, frame(B, A, &[0x88, 0xb5, 1])));
    lab.steps.push(inject("nobody", false, frame(B, A, &[0x88, 0xb5, 1])));
    lab.steps.push(inject("b", false, vec![0; 13]));
    lab.steps.push(inject("b", false, vec![0; 1515]));
    let add = |name: &str| Action::Add { name: name.into(), spec: port_spec(0x0200_0000_000d, Mode::Vepa) };
    lab.steps.push(StepSpec::new(add("b")));
    lab.steps.push(StepSpec::new(add("eth0")));
    let Some(o) = observe(&lab) else { return };
    let refused: Vec<_> = o.setup.iter().map(|s| (s.device.as_str(), s.stage, s.error.to_string())).collect();
    assert_eq!(
        refused,
        [("twin", SetupStage::Up, "EADDRINUSE".into()), ("alone", SetupStage::Create, "EINVAL".to_owned())]
    );
    let outcomes: Vec<_> = o.steps.iter().map(|s| s.outcome.to_string()).collect();
    assert_eq!(
        outcomes,
        [
            "EINVAL",
            "ENODEV",
            "EADDRINUSE",
            "ENOENT",
            "ok",
            "ENETDOWN",
            "ENODEV",
            "EINVAL",
            "EMSGSIZE",
            "EEXIST",
            "EEXIST"
        ]
    );
}

#[test]
fn carriers_follow_the_cable() {
    let mut lab = two_ports(Mode::Bridge, false);
    lab.switches.clear();
    let DeviceKind::Nic(n) = &mut lab.devices[0].kind else { panic!() };
    n.cable = Some("win".into());
    lab.steps.push(set("win", Change::Up(false)));
    lab.steps.push(inject("a", false, frame(B, A, &[0x88, 0xb5, 1])));
    lab.steps.push(set("win", Change::Up(true)));
    lab.steps.push(inject("a", false, frame(B, A, &[0x88, 0xb5, 2])));
    lab.steps.push(StepSpec::new(Action::Remove("eth0".into())));
    lab.steps.push(set("a", Change::Up(true)));
    let Some(o) = observe(&lab) else { return };
    assert_eq!(who(&o.steps[1].deliveries), []);
    assert_eq!(who(&o.steps[3].deliveries), [("b".into(), PacketType::Host)]);
    assert_eq!(o.counters["a"][0].tx_dropped, 1);
    assert_eq!(o.steps[5].outcome.to_string(), "ENODEV");
    assert!(o.states.is_empty());
}

#[test]
fn random_labs_are_the_same_every_time_and_differ() {
    assert_eq!(random::random_lab(7), random::random_lab(7));
    assert_ne!(random::random_lab(7).devices, random::random_lab(8).devices);
}

#[test]
fn the_kernel_agrees_on_random_labs() {
    if matches!(Oracle::new().unwrap().run(&LabSpec::default(), None), Err(OracleError::Unprivileged(_))) {
        return;
    }
    let stop = crate::stop::Stop::default();
    let mut told = String::new();
    let tally = verify_random(100, 12, 2, &stop, &mut |p| match p {
        Progress::Failed(f) => told.push_str(&format!("seed {}\n{}", f.seed, f.told)),
        Progress::OracleError(seed, e) => told.push_str(&format!("seed {seed}: {e}\n")),
        Progress::Agreed(..) => {}
    });
    assert_eq!((tally.labs, tally.failed, tally.troubled), (12, 0, 0), "{told}");
}

#[test]
fn a_difference_is_found_and_reported() {
    let mut lab = two_ports(Mode::Bridge, false);
    lab.steps.push(inject("a", false, frame(B, A, &[0x88, 0xb5, 1])));
    let ours = Prediction::run(&lab);
    let mut other = ours.observed.clone();
    other.steps[0].deliveries.clear();
    other.steps[0].outcome = StepOutcome::Error(ErrorNumber(libc::ENOBUFS));
    let c = compare(&lab, &other, &ours);
    let told = tell(&lab, &ours, &c.differences);
    assert!(told.contains("outcome: kernel ENOBUFS, macvlab ok"), "{told}");
    assert!(told.contains("only macvlab delivers to b as host"), "{told}");
    assert!(told.contains("R30"), "{told}");
}

#[test]
fn a_collision_is_allowed_only_where_joining_would_deliver() {
    let group = 0x0100_5e00_0099;
    let mut lab = two_ports(Mode::Vepa, false);
    lab.steps.push(inject("win", false, frame(group, WIN, &[0x88, 0xb5, 1])));
    let ours = Prediction::run(&lab);
    let mut seen = ours.observed.steps[0].arrives[0].clone();
    let with = |seen: &Seen| {
        let mut o = ours.observed.clone();
        o.steps[0].deliveries.push(seen.clone());
        compare(&lab, &o, &ours)
    };
    seen.device = "b".into();
    assert_eq!(with(&seen).differences, []);
    assert_eq!(with(&seen).allowed.collisions, 1);
    // Not as a broadcast, and not to a NIC.
    seen.packet_type = PacketType::Broadcast;
    assert_eq!(with(&seen).differences.len(), 1);
    seen = ours.observed.steps[0].arrives[0].clone();
    assert_eq!(with(&seen).differences.len(), 1);
}

#[test]
fn a_ping_for_real_tells_reply_unreachable_silence_and_one_way_apart() {
    use crate::matrix::{Classic, Listed, PortSetup, Reach, Wire, know_neighbours};
    let vepa = PortSetup::of(Mode::Vepa);
    let deaf = PortSetup::source(Listed::Nobody);
    let cases = [
        (vepa, true, false, "c2", Reach::Reply),
        (vepa, false, false, "c2", Reach::Unreachable),
        (vepa, false, true, "c2", Reach::NoReply),
        (deaf, true, true, "win", Reach::OneWay),
    ];
    let ms = Duration::from_millis;
    let patience = super::ping::Timeouts { ask_again: ms(150), reply: ms(600) };
    let mut oracle = Oracle::new().unwrap();
    for (setup, hairpin, known, to, expected) in cases {
        let mut lab = Classic { c1: setup, c2: Some(setup), wire: Wire::Switch { hairpin } }.spec();
        if known {
            know_neighbours(&mut lab);
        }
        match oracle.ping(&lab, "c1", to, patience) {
            Ok(reach) => assert_eq!(reach, expected, "{setup} {hairpin} {known} {to}"),
            Err(OracleError::Unprivileged(_)) => return,
            Err(e) => panic!("{e}"),
        }
    }
}
