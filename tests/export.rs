//! Labs in other languages: what is exported is imported as the same lab, and builds on the kernel.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{fixture, labs, load, macvlab, needs, root, stderr, stdout};
use macvlab::interop::{self, Source, export};
use macvlab::lab::spec::{DeviceKind, LabSpec, MacvlanSpec, Name};
use macvlab::lab::{Device, DeviceType, Lab, Options};
use macvlab::macvlan::Mode;
use macvlab::matrix::{self, Reach};
use std::collections::{BTreeMap, BTreeSet};
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

/// What is asked of a language, besides modes and parents.
struct Says {
    language: &'static str,
    /// Which ports it makes.
    port: fn(&LabSpec, &MacvlanSpec) -> bool,
    addresses: bool,
    /// The least number of ports of the fixtures, and of pings between them, that are compared.
    at_least: (usize, usize),
}

/// The ports of containers, as their engines can have them.
fn of_container(lab: &LabSpec, port: &MacvlanSpec) -> bool {
    !port.tap && port.mode != Mode::Source && !is_of_parents_host(lab, port)
}

/// The ports of guests. A macvlan is made as a macvtap.
fn of_guest(lab: &LabSpec, port: &MacvlanSpec) -> bool {
    port.mode != Mode::Source && !is_of_parents_host(lab, port)
}

/// The ports of nodes.
fn of_node(lab: &LabSpec, port: &MacvlanSpec) -> bool {
    !port.tap && !is_of_parents_host(lab, port)
}

/// The ports of the host itself, or without an IP stack.
fn of_host(lab: &LabSpec, port: &MacvlanSpec) -> bool {
    port.host.is_none() && port.ip.address.is_empty() || is_of_parents_host(lab, port)
}

fn is_of_parents_host(lab: &LabSpec, port: &MacvlanSpec) -> bool {
    let parent = lab.devices.iter().find(|device| device.name == port.parent);
    port.host.is_some() && parent.and_then(|parent| parent.kind.host()) == port.host.as_ref()
}

const LANGUAGES: &[Says] = &[
    Says { language: "docker", port: of_container, addresses: true, at_least: (150, 10) },
    Says { language: "podman", port: of_container, addresses: true, at_least: (150, 10) },
    Says { language: "compose", port: of_container, addresses: true, at_least: (150, 10) },
    Says { language: "nad", port: of_container, addresses: true, at_least: (150, 10) },
    Says { language: "networkd", port: of_host, addresses: true, at_least: (10, 0) },
    Says { language: "libvirt", port: of_guest, addresses: false, at_least: (150, 10) },
    Says { language: "containerlab", port: of_node, addresses: true, at_least: (150, 10) },
];

/// The declared ports, by name.
fn macvlans(lab: &LabSpec) -> BTreeMap<Name, &MacvlanSpec> {
    let mut all = BTreeMap::new();
    for device in &lab.devices {
        if let DeviceKind::Macvlan(port) = &device.kind {
            all.insert(device.name.clone(), port);
        }
    }
    all
}

/// The name that a port has after it was imported: a machine with one interface lends it its own.
fn name_again(name: &Name, port: &MacvlanSpec, again: &LabSpec) -> Option<Name> {
    let known = macvlans(again);
    let of_host = port.host.iter().flat_map(|host| [format!("{host}.{name}"), host.to_string()]);
    let mut names = std::iter::once(name.to_string()).chain(of_host);
    names.find_map(|name| known.get_key_value(name.as_str()).map(|(name, _)| name.clone()))
}

/// Compares the ports of a lab with those that its export is imported as. Returns their names before and after.
fn same_ports(says: &Says, name: &str, lab: &LabSpec, text: &str, again: &LabSpec) -> Vec<(Name, Name)> {
    let (before, after) = (built(lab), built(again));
    let said = macvlans(lab).into_iter().filter(|(_, port)| (says.port)(lab, port) && port.expect.is_none());
    let mut compared = Vec::new();
    for (port, spec) in said {
        let Some(one) = before.get(&port) else { continue };
        if text.contains(&format!("{port}: left out: a second port")) {
            continue;
        }
        let Some(known) = name_again(&port, spec, again) else { panic!("{name}: no {port}\n{text}") };
        // A port that the kernel refuses is in the text, too.
        let Some(other) = after.get(&known) else { panic!("{name}: {port} is refused\n{text}") };
        assert_eq!(one.mode, other.mode, "{name}: {port}\n{text}");
        let parent = |device: &Device| device.parent.clone().unwrap_or_default();
        // A dummy that an engine makes has the name of its network.
        let within = |one: &str, other: &str| one.ends_with(&format!(".{other}"));
        let (below, below_again) = (parent(one), parent(other));
        let is_same = below == below_again
            || below_again.starts_with("dm-")
            || within(&below, &below_again)
            || within(&below_again, &below);
        assert!(is_same, "{name}: {port} is on {} and {}\n{text}", parent(one), parent(other));
        if one.mode != Some(Mode::Passthru) {
            assert_eq!(one.mac, other.mac, "{name}: {port}\n{text}");
        }
        if says.addresses {
            assert_eq!(one.address, other.address, "{name}: {port}\n{text}");
        }
        compared.push((port, known));
    }
    compared
}

/// Whether nothing in the network outside, and nothing that only a lab file says, decides who reaches whom.
fn is_plain(lab: &LabSpec) -> bool {
    let ports = lab.switches.iter().flat_map(|switch| &switch.ports);
    ports.clone().all(|port| !port.flags.hairpin)
        && lab.devices.iter().all(|device| match &device.kind {
            DeviceKind::Macvlan(port) => {
                port.up && port.ip.neighbours.is_empty() && port.master.is_none() && port.expect.is_none()
            }
            DeviceKind::Nic(nic) => nic.up && nic.master.is_none(),
            DeviceKind::Dummy(dummy) => dummy.up,
            DeviceKind::Vlan(vlan) => vlan.up,
            _ => true,
        })
}

#[test]
fn import_of_an_export_has_the_same_ports_in_every_language() {
    for says in LANGUAGES {
        let (mut compared, mut pings) = (0, 0);
        for (name, lab) in fixtures() {
            let Ok(text) = export::export(says.language, &lab) else { continue };
            let name = format!("{} of {name}", says.language);
            let again = imported(&text);
            let ports = same_ports(says, &name, &lab, &text, &again);
            compared += ports.len();
            let parents = built(&lab);
            let parent = |port: &Name| parents[port].parent.clone();
            let specs = macvlans(&lab);
            // An engine gives every container a gateway: others in their subnet is what is compared.
            let share = |one: &Name, other: &Name| {
                let nets = |port: &Name| specs[port].ip.address.iter();
                nets(one).any(|net| nets(other).any(|other| net.contains(&other.addr())))
            };
            for (at, (from, from_again)) in ports.iter().enumerate().filter(|_| is_plain(&lab)) {
                let near = |to: &Name| parent(to) == parent(from) && share(from, to);
                for (to, to_again) in ports[at + 1..].iter().filter(|(to, _)| near(to)).take(3) {
                    let before = matrix::ping(&lab, from, to).reach;
                    let after = matrix::ping(&again, from_again, to_again).reach;
                    assert_eq!(before, after, "{name}: {from} to {to}\n{text}");
                    pings += 1;
                }
            }
        }
        let (ports, least_pings) = says.at_least;
        assert!(compared >= ports && pings >= least_pings, "{}: {compared} {pings}", says.language);
    }
}

/// Real configurations, with the language in which each is written again.
const CONFIGURATIONS: &[(&str, &str)] = &[
    ("compose.yaml", "compose"),
    ("docker-shim.txt", "docker"),
    ("vlans.txt", "docker"),
    ("transcript.txt", "docker"),
    ("podman-network.json", "podman"),
    ("nad.yaml", "nad"),
    ("cni.conflist", "nad"),
    ("networkd.txt", "networkd"),
    ("libvirt.xml", "libvirt"),
    ("bgp.clab.yml", "containerlab"),
];

#[test]
fn what_was_imported_is_exported_and_imported_again_with_the_same_ports() {
    for (file, language) in CONFIGURATIONS {
        let text = std::fs::read_to_string(root().join("fixtures/import").join(file)).unwrap();
        let lab = imported(&text);
        let says = LANGUAGES.iter().find(|says| says.language == *language).unwrap();
        let text = export::export(language, &lab).unwrap_or_else(|error| panic!("{file}: {error}"));
        let ports = same_ports(says, file, &lab, &text, &imported(&text));
        assert!(!ports.is_empty(), "{file}\n{text}");
    }
}

#[test]
fn a_configuration_of_cni_gives_out_the_addresses_of_the_ports() {
    let text = export::export("cni", &fixture("host-shim")).unwrap();
    let again = imported(&text);
    let pods = built(&again).into_values().filter(|device| device.mode == Some(Mode::Bridge));
    // Each node gives them out by itself.
    let addresses: BTreeSet<String> = pods.flat_map(|pod| pod.address).map(|net| net.to_string()).collect();
    assert!(addresses.iter().eq(["10.0.0.193/24", "10.0.0.194/24"]), "{text}");
}

#[test]
fn import_of_exported_commands_has_the_shim() {
    let lab = fixture("host-shim");
    let again = imported(&export::export("docker", &lab).unwrap());
    let (before, after) = (&built(&lab)["shim"], &built(&again)["shim"]);
    assert_eq!((before.mac, before.mode, &before.address), (after.mac, after.mode, &after.address));
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
