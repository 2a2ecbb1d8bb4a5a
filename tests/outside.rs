//! A lab's attachments: an attached backend replaces what would be simulated, and nothing else changes.
#![allow(missing_docs, clippy::unwrap_used)]

use macvlab::lab::spec::{Action, StepSpec};
use macvlab::lab::{AttachError, Event, HopKind, Lab, LabSpec, Options, Outcome, Outlet};
use macvlab::labfile;
use macvlab::time::Instant;

const LAB: &str = r#"
[nic.eth0]
mac     = "02:00:00:00:00:01"
address = "192.0.2.1/24"
[vlan."eth0.5"]
parent = "eth0"
id     = 5
[macvlan.c1]
parent  = "eth0"
mode    = "bridge"
mac     = "02:00:00:00:00:11"
address = "192.0.2.11/24"
[macvtap.t1]
parent  = "eth0"
mode    = "bridge"
mac     = "02:00:00:00:00:12"
address = "192.0.2.12/24"
[station.win]
mac     = "02:00:00:00:00:99"
address = "192.0.2.99/24"
[switch.sw.port.eth0]
[switch.sw.port.win]
"#;

fn spec() -> LabSpec {
    labfile::parse("lab.toml", LAB).unwrap_or_else(|e| panic!("{e}"))
}

fn lab() -> Lab {
    Lab::new(&spec(), Options::default())
}

/// From one station of the test to a MAC address, with experimental data.
fn frame(to: u8, from: u8) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 0x88, 0xb5];
    frame.resize(60, 0);
    frame
}

/// An ARP request for 192.0.2.X.
fn who_has(target: u8, from: u8) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, from, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, from, 192, 0, 2, from]);
    frame.extend([0, 0, 0, 0, 0, 0, 192, 0, 2, target]);
    frame
}

/// Lets a frame enter, with everything that follows from it; returns the frames that left.
fn enter(lab: &mut Lab, outlet: Outlet, frame: &[u8]) -> Vec<(Outlet, Vec<u8>)> {
    let now = lab.now();
    lab.enter(outlet, now, frame, &mut |_| ());
    lab.advance(Instant::from_nanos(now.as_nanos() + 1_000_000), &mut |_| ());
    lab.left().map(|(outlet, frame)| (outlet, frame.to_vec())).collect()
}

fn state(lab: &Lab, device: &str) -> macvlab::lab::DeviceState {
    lab.states().into_iter().find(|(name, _)| name == device).unwrap().1
}

fn change(lab: &mut Lab, step: &str) -> Option<Outcome> {
    let step = labfile::parse_step(&spec(), step).unwrap_or_else(|e| panic!("{e}"));
    lab.change(Instant::ZERO, &step, &mut |_| ())
}

#[test]
fn a_program_in_the_place_of_a_ports_stack() {
    let mut lab = lab();
    let c1 = lab.attach("c1").unwrap();
    let win = lab.attach("win").unwrap();
    // The station's request goes to the program, which replies or not: the port's own stack does not.
    let asked = who_has(11, 0x99);
    assert_eq!(enter(&mut lab, win, &asked), [(c1, asked.clone())]);
    assert_eq!(enter(&mut lab, c1, &frame(0x99, 0x11)), [(win, frame(0x99, 0x11))]);
    // Simulated devices reply as always.
    let answers = enter(&mut lab, win, &who_has(1, 0x99));
    let to_win: Vec<_> =
        answers.iter().filter(|(o, f)| *o == win && f[..6] == [2, 0, 0, 0, 0, 0x99]).collect();
    assert_eq!(to_win.len(), 1, "{answers:?}");
    assert_eq!(to_win[0].1[6..12], [2, 0, 0, 0, 0, 1]);
}

#[test]
fn the_program_that_reads_a_macvtaps_device_node() {
    let mut lab = lab();
    let (t1, win) = (lab.attach("t1").unwrap(), lab.attach("win").unwrap());
    assert_eq!(enter(&mut lab, win, &frame(0x12, 0x99)), [(t1, frame(0x12, 0x99))]);
    // Frames written to a device node are not limited by the mtu (R203), frames that a device sends are.
    let mut long = frame(0x11, 0x12);
    long.resize(1600, 0);
    let mut rules = Vec::new();
    lab.enter(t1, Instant::ZERO, &long, &mut |event| {
        if let Event::Hop(hop) = event
            && let HopKind::Transmit(rule) | HopKind::Drop(rule) = hop.kind
        {
            rules.push((hop.device.clone(), rule.id()));
        }
    });
    assert_eq!(rules[0], ("t1".into(), "R30"), "{rules:?}");
}

#[test]
fn a_wire_in_the_place_of_a_switch() {
    let mut lab = lab();
    let win = lab.attach("win").unwrap();
    assert_eq!(enter(&mut lab, win, &who_has(1, 0x99)).len(), 1);
    let eth0 = lab.attach("eth0").unwrap();
    assert!(lab.is_wire(eth0) && !lab.is_wire(win));
    // The NIC has carrier; devices on its former switch no longer reach it.
    assert!(state(&lab, "eth0").carrier);
    assert_eq!(enter(&mut lab, win, &who_has(1, 0x99)), []);
    let answers = enter(&mut lab, eth0, &who_has(11, 0x99));
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!((answers[0].0, &answers[0].1[6..12]), (eth0, &[2, 0, 0, 0, 0, 0x11][..]));
    // Without a peer it has no carrier, and nothing leaves.
    lab.set_present(eth0, false, &mut |_| ());
    assert!(!state(&lab, "eth0").carrier && !state(&lab, "c1").carrier);
    assert_eq!(enter(&mut lab, eth0, &who_has(11, 0x99)), []);
    lab.set_present(eth0, true, &mut |_| ());
    assert!(state(&lab, "eth0").carrier);
}

#[test]
fn a_tagged_wire_and_a_program_on_its_sub_interface() {
    let mut lab = lab();
    let (eth0, vlan) = (lab.attach("eth0").unwrap(), lab.attach("eth0.5").unwrap());
    let bare = frame(1, 0x99);
    let tagged = [&bare[..12], &[0x81, 0, 0, 5], &bare[12..]].concat();
    assert_eq!(enter(&mut lab, eth0, &tagged), [(vlan, bare)]);
    let bare = frame(0x99, 1);
    let tagged = [&bare[..12], &[0x81, 0, 0, 5], &bare[12..]].concat();
    assert_eq!(enter(&mut lab, vlan, &bare), [(eth0, tagged)]);
}

#[test]
fn a_station_without_anybody_is_down_and_its_switch_port_forgets() {
    let mut lab = lab();
    let win = lab.attach("win").unwrap();
    lab.set_present(win, false, &mut |_| ());
    assert!(!state(&lab, "win").up);
    assert_eq!(enter(&mut lab, win, &frame(0x11, 0x99)), []);
    lab.set_present(win, true, &mut |_| ());
    assert!(state(&lab, "win").up);
    assert!(!enter(&mut lab, win, &who_has(11, 0x99)).is_empty());
}

#[test]
fn a_device_comes_back_with_what_was_attached_to_it() {
    let mut lab = lab();
    let (c1, win) = (lab.attach("c1").unwrap(), lab.attach("win").unwrap());
    assert_eq!(change(&mut lab, r#"remove = "c1""#), Some(Outcome::Ok));
    assert_eq!(enter(&mut lab, win, &frame(0x11, 0x99)), []);
    assert_eq!(enter(&mut lab, c1, &frame(0x99, 0x11)), []);
    let add = r#"add = { macvlan = "c1", parent = "eth0", mode = "bridge", mac = "02:00:00:00:00:11" }"#;
    assert_eq!(change(&mut lab, add), Some(Outcome::Ok));
    assert_eq!(enter(&mut lab, win, &frame(0x11, 0x99)), [(c1, frame(0x11, 0x99))]);
}

#[test]
fn only_changes_can_be_made_at_once() {
    let mut lab = lab();
    assert_eq!(change(&mut lab, r#"ping = { from = "c1", to = "win" }"#), None);
    assert!(matches!(
        change(&mut lab, r#"add = { macvlan = "c2", parent = "eth0", mode = "passthru" }"#),
        Some(Outcome::Refused(_))
    ));
    let wait = StepSpec::new(Action::Wait(std::time::Duration::ZERO));
    assert_eq!(lab.change(Instant::ZERO, &wait, &mut |_| ()), None);
}

#[test]
fn nothing_is_attached_where_nothing_is_or_something_is() {
    let mut lab = lab();
    assert_eq!(lab.attach("c9"), Err(AttachError::Unknown("c9".into())));
    lab.attach("c1").unwrap();
    assert_eq!(lab.attach("c1"), Err(AttachError::Twice("c1".into())));
}

#[test]
fn hops_that_nobody_wants_are_not_told_and_nothing_else_is_different() {
    let mut quiet = Lab::new(&spec(), Options::default().with_hops(false));
    let mut told = lab();
    let run = |lab: &mut Lab| {
        let (_, win) = (lab.attach("c1").unwrap(), lab.attach("win").unwrap());
        let mut hops = 0;
        lab.enter(win, Instant::ZERO, &who_has(11, 0x99), &mut |event| {
            hops += usize::from(matches!(event, Event::Hop(_)));
        });
        (hops, enter(lab, win, &who_has(1, 0x99)), lab.counters())
    };
    let (with, without) = (run(&mut told), run(&mut quiet));
    assert!(with.0 > 0 && without.0 == 0);
    assert_eq!((with.1, with.2), (without.1, without.2));
}
