//! The same lab live, simulated, and on the running kernel: the same deliveries.

use crate::net::{Live, until};
use macvlab::lab::spec::LabSpec;
use macvlab::lab::{Event, HopKind, Lab, Options};
use macvlab::time::Instant;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// Ports of four modes behind a switch that reflects, and a station.
const LAB: &str = r#"
[nic.eth0]
[switch.sw.port.eth0]
hairpin = true
[switch.sw.port.win]
"#;

const PORTS: [(&str, &str, u8); 5] = [
    ("b1", "bridge", 0x11),
    ("b2", "bridge", 0x12),
    ("v1", "vepa", 0x21),
    ("v2", "vepa", 0x22),
    ("p1", "private", 0x31),
];
const STATION: (&str, u8) = ("win", 0x99);

fn lab() -> LabSpec {
    let mut text = LAB.to_owned();
    for (name, mode, last) in PORTS {
        // A port with a backend receives all multicast; setting it explicitly makes the others do so, too.
        write!(text, "[macvlan.{name}]\nparent = \"eth0\"\nmode = \"{mode}\"\nmac = \"02:00:00:00:00:{last:02x}\"\nallmulticast = true\n").unwrap();
    }
    write!(text, "[station.{}]\nmac = \"02:00:00:00:00:{:02x}\"\n", STATION.0, STATION.1).unwrap();
    macvlab::labfile::parse("lab.toml", &text).unwrap_or_else(|e| panic!("{e}"))
}

/// Every device sends to every other, to an unknown address, to a group and to broadcast; all frames are different.
fn frames() -> Vec<(String, Vec<u8>)> {
    let ends: Vec<(&str, u8)> = PORTS.iter().map(|(n, _, m)| (*n, *m)).chain([STATION]).collect();
    let mut frames = Vec::new();
    for (from, source) in &ends {
        let others = ends.iter().map(|(_, m)| [2, 0, 0, 0, 0, *m]);
        let more = [[2, 0, 0, 0, 0, 0xee], [1, 0, 0x5e, 0, 0, 5], [0xff; 6]];
        for to in others.chain(more) {
            let mut frame = [&to[..], &[2, 0, 0, 0, 0, *source, 0x88, 0xb5]].concat();
            frame.extend(u16::try_from(frames.len()).unwrap().to_be_bytes());
            frame.resize(60, 0);
            frames.push(((*from).to_owned(), frame));
        }
    }
    frames
}

/// The receivers by frame: the ports and the station, sorted.
type Deliveries = BTreeMap<Vec<u8>, Vec<String>>;

fn simulated(spec: &LabSpec) -> Deliveries {
    let mut lab = Lab::new(spec, Options::default().with_stacks(false));
    let mut deliveries = Deliveries::new();
    let mut sink = |event: &Event| {
        if let Event::Hop(hop) = event
            && matches!(hop.kind, HopKind::Receive(..))
            && hop.device != "eth0"
        {
            deliveries.entry(hop.frame.to_vec()).or_default().push(hop.device.to_string());
        }
    };
    for (from, frame) in frames() {
        lab.send_at(&from, Instant::ZERO, &frame, &mut sink).unwrap();
    }
    deliveries.values_mut().for_each(|names| names.sort());
    deliveries
}

fn live(spec: &LabSpec) -> Deliveries {
    let dir = tempfile::tempdir().unwrap();
    let socket = || UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut peers: BTreeMap<String, (UdpSocket, SocketAddr)> = BTreeMap::new();
    let mut args = Vec::new();
    for name in PORTS.iter().map(|(n, _, _)| *n).chain([STATION.0]) {
        let (peer, lab_side) = (socket(), socket().local_addr().unwrap());
        peer.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        args.extend(["--attach".to_owned(), format!("{name}=udp:{lab_side},{}", peer.local_addr().unwrap())]);
        peers.insert(name.to_owned(), (peer, lab_side));
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let live = Live::here(dir.path(), &macvlab::labfile::write(spec), &args);
    let all = frames();
    for (from, frame) in &all {
        let (peer, lab_side) = &peers[from];
        peer.send_to(frame, lab_side).unwrap();
        // One after another, as in the simulation: what the switch learns depends on it.
        let sent = || peers.keys().map(|n| live.attached(n)["in_frames"].as_u64().unwrap()).sum::<u64>();
        let before = all.iter().position(|(_, f)| f == frame).unwrap() as u64;
        until("it came", || sent() > before);
    }
    let mut deliveries = Deliveries::new();
    for (name, (peer, _)) in &peers {
        let mut buffer = [0; 2000];
        while let Ok(n) = peer.recv(&mut buffer) {
            deliveries.entry(buffer[..n].to_vec()).or_default().push(name.clone());
        }
    }
    live.end("-INT");
    deliveries.values_mut().for_each(|names| names.sort());
    deliveries
}

#[test]
fn live_and_simulated_deliver_the_same() {
    let spec = lab();
    let (simulated, live) = (simulated(&spec), live(&spec));
    assert!(simulated.len() > 40);
    for (_, frame) in frames() {
        assert_eq!(live.get(&frame), simulated.get(&frame), "{frame:02x?}");
    }
    assert_eq!(live.len(), simulated.len());
}

#[test]
#[cfg(feature = "kernel")]
fn and_so_does_the_kernel() {
    use macvlab::lab::spec::{Action, FrameSpec, InjectPoint, StepSpec};
    if !crate::net::can_run(&["ip"]) {
        return;
    }
    let mut spec = lab();
    for (at, frame) in frames() {
        let frame = FrameSpec::Bytes(frame);
        let action = Action::Inject { at: at.into(), entry: InjectPoint::Device, frame };
        spec.steps.push(StepSpec::new(action));
    }
    macvlab::kernel::acquire_privileges().unwrap();
    let mut oracle = macvlab::kernel::Oracle::new().unwrap();
    let (comparison, _) = macvlab::kernel::verify_lab(&mut oracle, &spec).unwrap();
    assert!(comparison.differences.is_empty(), "{:?}", comparison.differences);
}
