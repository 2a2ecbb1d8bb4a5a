//! A list of devices updated with reported changes equals the lab's list at every moment.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::labs;
use macvlab::lab::{Device, Event, Lab, LabSpec, Options};
use std::fs;

/// Runs the steps of a lab; returns how many devices were reported after each.
fn follow(name: &str, spec: &LabSpec) -> Vec<usize> {
    let mut lab = Lab::new(spec, Options::default().with_changes(true));
    let mut devices = Vec::new();
    lab.flush(&mut |event| {
        Device::follow(&mut devices, event);
    });
    assert_eq!(devices, lab.devices(), "{name}");
    let mut told = Vec::new();
    for (step, number) in spec.steps.iter().zip(1..) {
        let before = lab.devices();
        let mut count = 0;
        let mut take = |event: &Event| {
            if let Event::Devices { changed, gone } = event {
                count += changed.len() + gone.len();
                assert!(changed.iter().all(|device| !before.contains(device)), "{name}: step {number}");
            }
            Device::follow(&mut devices, event);
        };
        // As `live` changes a lab, where possible.
        if number % 2 == 0 || lab.change(lab.now(), step, &mut take).is_none() {
            lab.step(step, &mut take);
        }
        assert_eq!(devices, lab.devices(), "{name}: step {number}: {step:?}");
        told.push(count);
    }
    told
}

#[test]
fn what_is_told_of_the_devices_is_how_they_are() {
    let mut changes = 0;
    for (name, path) in labs() {
        let spec = macvlab::labfile::parse(&name, &fs::read_to_string(&path).unwrap()).unwrap();
        changes += follow(&name, &spec).iter().filter(|told| **told > 0).count();
    }
    assert!(changes > 50, "{changes}");
}

/// Each change, with the number of devices it affects.
const REACHING_FAR: [(&str, usize); 25] = [
    // Devices on a NIC follow it.
    ("set = { device = \"eth0\", mac = \"02:00:00:00:aa:01\" }", 2),
    ("set = { device = \"eth0\", up = false }", 2),
    ("set = { device = \"eth0\", up = true }", 2),
    ("set = { device = \"c1\", mode = \"vepa\" }", 1),
    ("set = { device = \"c1\", mode = \"vepa\" }", 0),
    ("set = { device = \"c1\", mtu = 1400 }", 0),
    // A passthru port and its parent share one MAC address.
    ("set = { device = \"p1\", mac = \"02:00:00:00:aa:02\" }", 2),
    ("set = { device = \"eth1\", mac = \"02:00:00:00:aa:03\" }", 2),
    ("remove = \"p1\"", 1),
    // Switch ports.
    ("set = { switch = \"sw0\", port = \"eth0\", hairpin = true }", 1),
    ("set = { switch = \"sw0\", port = \"eth0\", state = \"disabled\" }", 1),
    ("set = { device = \"eth0\", up = false }", 3),
    ("set = { device = \"eth0\", up = true }", 2),
    // The far end of a cable.
    ("remove = \"eth3\"", 2),
    ("remove = \"c1\"", 1),
    ("remove = \"c2\"", 1),
    ("add = { macvlan = \"c9\", parent = \"eth0\" }", 1),
    ("add = { macvlan = \"c1\", parent = \"eth0\", address = \"192.0.2.9/24\" }", 1),
    // An existing one.
    ("add = { macvlan = \"c1\", parent = \"eth0\", address = \"192.0.2.10/24\" }", 1),
    ("remove = \"eth0\"", 5),
    // Its name is reused.
    ("add = { macvlan = \"eth0\", parent = \"eth1\" }", 2),
    // A switch's own device.
    ("set = { device = \"sw0\", mac = \"02:00:00:00:aa:04\" }", 1),
    ("remove = \"sw0\"", 2),
    ("set = { device = \"win\", up = false }", 1),
    ("wait = \"1s\"", 0),
];

#[test]
fn a_change_tells_what_it_reaches() {
    let mut text = String::from(
        r#"
[nic.eth0]
[vlan.v7]
parent = "eth0"
id = 7
[macvlan.c1]
parent = "eth0"
mode = "private"
[macvlan.c2]
parent = "eth0"
[nic.eth1]
[macvlan.p1]
parent = "eth1"
mode = "passthru"
[nic.eth2]
[nic.eth3]
cable = "eth2"
[station.win]
[switch.sw0.port]
eth0 = {}
win = {}
[macvlan.s1]
parent = "sw0"
"#,
    );
    for (step, _) in REACHING_FAR {
        text.push_str(&format!("[[step]]\n{step}\n"));
    }
    let spec = macvlab::labfile::parse("far.toml", &text).unwrap_or_else(|e| panic!("{e}"));
    let told = follow("far.toml", &spec);
    let told: Vec<_> = REACHING_FAR.iter().zip(told).map(|((step, _), told)| (*step, told)).collect();
    assert_eq!(told, REACHING_FAR);
}
