//! Labs in other languages: what is exported is imported as the same lab, and builds on the kernel.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{fixture, labs, load, macvlab, needs, root, stderr, stdout};
use macvlab::interop::{self, Source, export};
use macvlab::lab::spec::{DeviceKind, LabSpec, Name};
use macvlab::lab::{Device, DeviceType, Lab, Options};
use macvlab::matrix::{self, Reach};
use std::collections::BTreeMap;
use std::process::Command;

fn imported(text: &str) -> LabSpec {
    interop::import(&[Source::new("export", text)], None)
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
        .lab
}

/// All labs of the fixtures.
fn fixtures() -> Vec<(String, LabSpec)> {
    labs().into_iter().map(|(name, path)| (name, load(&path).0)).collect()
}

/// What a lab is made of, whatever its file says by default.
fn built(lab: &LabSpec) -> BTreeMap<Name, Device> {
    let lab = lab.clone().with_steps(Vec::new());
    let devices = Lab::new(&lab, Options::default()).devices();
    devices.into_iter().map(|device| (device.name.clone(), device)).collect()
}

/// Whether the language has words for everything in the lab.
fn can_be_said(lab: &LabSpec) -> bool {
    let plain = |kind: &DeviceKind| match kind {
        DeviceKind::Macvlan(port) => port.expect.is_none(),
        DeviceKind::Bond(_) => false,
        // One end of a veth pair in a bridge is read as a cable to the bridge.
        DeviceKind::Nic(nic) => nic.master.is_none() || nic.cable.is_none(),
        _ => true,
    };
    let ports = lab.switches.iter().flat_map(|switch| &switch.ports);
    lab.devices.iter().all(|device| plain(&device.kind))
        && ports.clone().all(|port| port.policy.is_none())
        && ports.clone().all(|port| port.state == Default::default())
        && lab.switches.iter().all(|switch| switch.fdb.is_empty() && switch.policy.is_none())
}

#[test]
fn import_of_an_exported_script_is_the_same_lab() {
    let mut compared = 0;
    for (name, lab) in fixtures().into_iter().filter(|(_, lab)| can_be_said(lab)) {
        let script = export::export("ip", &lab).unwrap();
        let again = imported(&script);
        let (before, after) = (built(&lab), built(&again));
        let names = |devices: &BTreeMap<Name, Device>| devices.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&before), names(&after), "{name}\n{script}");
        for (device, before) in &before {
            let after = &after[device];
            // A router is read as the host that it is.
            let parent =
                |device: &Device| device.parent.clone().filter(|_| device.kind != DeviceType::Router);
            let same = (&before.mac, &before.mode, parent(before), before.up)
                == (&after.mac, &after.mode, parent(after), after.up);
            assert!(same, "{name}: {before:?}\n{after:?}\n{script}");
            assert_eq!(before.address, after.address, "{name}: {device}\n{script}");
        }
        let ends: Vec<Name> = matrix::ends(&lab).into_iter().map(|(name, _)| name.clone()).collect();
        for from in ends.iter().take(6) {
            for to in ends.iter().take(6).filter(|to| *to != from) {
                let (one, other) = (matrix::ping(&lab, from, to), matrix::ping(&again, from, to));
                // A NIC without ports is read as a station, whose rule for what arrives has another name.
                let rule = |cell: &matrix::Cell| cell.rule.filter(|_| cell.reach != Reach::Reply);
                let (before, after) = ((one.reach, rule(&one)), (other.reach, rule(&other)));
                assert_eq!(before, after, "{name}: {from} to {to}\n{script}");
            }
        }
        compared += 1;
    }
    assert!(compared > 60, "{compared}");
}

#[test]
fn import_of_exported_commands_has_the_same_ports() {
    let lab = fixture("host-shim");
    let again = imported(&export::export("docker", &lab).unwrap());
    for port in ["web", "db", "shim"] {
        let (before, after) = (&built(&lab)[port], &built(&again)[port]);
        assert_eq!(
            (before.mac, before.mode, &before.address),
            (after.mac, after.mode, &after.address),
            "{port}"
        );
    }
}

/// Runs a script in a mount and network namespace of its own, in which `ip netns` leaves nothing behind.
fn on_the_kernel(script: &str) -> std::process::Output {
    let commands = "mount -t tmpfs none /run && mkdir -p /run/netns && sh -c \"$1\" && for ns in $(ls /run/netns); do \
                    ip -n $ns -o link show type macvlan; ip -n $ns -o link show type macvtap; done";
    Command::new("unshare").args(["--net", "--mount", "sh", "-ec", commands, "sh", script]).output().unwrap()
}

#[test]
fn exported_scripts_build_on_the_kernel() {
    if !needs::root() || !needs::programs(&["ip", "bridge", "unshare", "sysctl"]) {
        return;
    }
    let mut built_labs = 0;
    for (name, lab) in fixtures() {
        // What the running kernel may lack.
        let lacking = |kind: &DeviceKind| {
            matches!(kind, DeviceKind::Dummy(_) | DeviceKind::Bond(_) | DeviceKind::Vlan(_))
        };
        let filtering = lab.switches.iter().any(|switch| switch.vlan_filtering);
        if filtering || lab.devices.iter().any(|device| lacking(&device.kind)) {
            continue;
        }
        let script = export::export("ip", &lab).unwrap();
        let output = on_the_kernel(&script);
        assert!(output.status.success(), "{name}: {}\n{script}", stderr(&output));
        let listed = stdout(&output).lines().count();
        let ports = built(&lab).values().filter(|device| device.mode.is_some()).count();
        assert_eq!(listed, ports, "{name}\n{script}");
        built_labs += 1;
    }
    assert!(built_labs > 60, "{built_labs}");
}

#[test]
fn languages_are_listed_and_unknown_ones_refused() {
    let list = macvlab(root(), &["export", "--list"], b"");
    assert!(stdout(&list).starts_with("ip "), "{}", stdout(&list));
    let unknown = macvlab(root(), &["export", "cobol", "demo:vepa"], b"");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        stderr(&unknown).contains("nothing is written as `cobol`; there are ip, docker"),
        "{}",
        stderr(&unknown)
    );
}
