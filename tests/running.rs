//! The running machine as a lab: what an exported script builds on the kernel is read back as the same lab.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{labs, load, macvlab, needs, root, stderr, stdout};
use macvlab::interop::export;
use macvlab::lab::spec::{DeviceKind, LabSpec, Name, SwitchSpec};
use macvlab::lab::{Device, DeviceType, Lab, Options};
use macvlab::labfile;
use macvlab::matrix::{self, Reach};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

/// What building and reading needs.
fn can_run() -> bool {
    needs::root() && needs::programs(&["ip", "bridge", "unshare", "sysctl"])
}

/// Runs a script, and then `macvlab` with these words, where there are no other namespaces and processes.
fn on_the_kernel(script: &str, words: &[&str]) -> Output {
    let commands =
        "mount -t tmpfs none /run && mkdir -p /run/netns && sh -c \"$1\" >/dev/null && shift && exec \"$@\"";
    Command::new("unshare")
        .args(["--net", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-ec", commands, "sh", script])
        .arg(env!("CARGO_BIN_EXE_macvlab"))
        .args(words)
        .current_dir(root())
        .output()
        .unwrap()
}

/// The lab that `macvlab import host` makes of what a script has built.
fn read_back(name: &str, script: &str) -> LabSpec {
    let output = on_the_kernel(script, &["import", "host"]);
    assert!(output.status.success(), "{name}: {}\n{script}", stderr(&output));
    let text = stdout(&output);
    labfile::parse("host", &text).unwrap_or_else(|errors| panic!("{name}: {}\n{text}", errors.render(false)))
}

/// Whether the kernel can have the lab, and shows everything of it.
fn can_be_seen(lab: &LabSpec) -> bool {
    let plain = |kind: &DeviceKind| match kind {
        DeviceKind::Macvlan(port) => port.expect.is_none(),
        // What the running kernel may lack.
        DeviceKind::Dummy(_) | DeviceKind::Bond(_) | DeviceKind::Vlan(_) => false,
        // One end of a veth pair in a bridge is read as a cable to the bridge.
        DeviceKind::Nic(nic) => nic.master.is_none() || nic.cable.is_none(),
        _ => true,
    };
    let mut ports = lab.switches.iter().flat_map(|switch| &switch.ports);
    lab.devices.iter().all(|device| plain(&device.kind))
        && ports.all(|port| port.policy.is_none())
        && lab.switches.iter().all(|switch| switch.policy.is_none() && !switch.vlan_filtering)
}

/// What a lab is made of, whatever its file says by default.
fn built(lab: &LabSpec) -> BTreeMap<Name, Device> {
    let lab = lab.clone().with_steps(Vec::new());
    let devices = Lab::new(&lab, Options::default()).devices();
    devices.into_iter().map(|device| (device.name.clone(), device)).collect()
}

/// What `ip -d link` shows of a device besides its state in the lab.
fn settings(lab: &LabSpec, name: &Name) -> String {
    let device = lab.devices.iter().find(|device| device.name == *name).map(|device| &device.kind);
    match device {
        Some(DeviceKind::Macvlan(port)) => {
            let mut port = port.clone();
            port.sources.sort();
            port.multicast.sort();
            // What is not given is the kernel's default, which is shown like any other value.
            let queue =
                (port.bcqueuelen.filter(|length| *length != 1000), port.bclim.filter(|limit| *limit != 1));
            format!(
                "{} {:?} {:?} {:?} {queue:?} {} {} {:?}",
                port.tap,
                port.flags,
                port.sources,
                port.multicast,
                port.promisc,
                port.allmulticast,
                port.master
            )
        }
        Some(DeviceKind::Nic(nic)) => format!("{} {} {:?}", nic.promisc, nic.allmulticast, nic.master),
        _ => String::from("false false None"),
    }
}

/// The MTU of a device in bytes: by default that of the device below.
fn mtu(lab: &LabSpec, name: &Name) -> Option<u32> {
    match &lab.devices.iter().find(|device| device.name == *name)?.kind {
        DeviceKind::Nic(nic) => Some(nic.mtu),
        DeviceKind::Station(station) => Some(station.mtu),
        DeviceKind::Macvlan(port) => port.mtu.or_else(|| mtu(lab, &port.parent)),
        _ => None,
    }
}

/// The configuration of a host. A default route may be the gateway of an interface, and the interface of a gateway need not be
/// given.
fn routing(lab: &LabSpec, name: &Name) -> String {
    let config = &lab.hosts.iter().find(|host| host.name == *name).unwrap().config;
    let mut routes: Vec<String> = config
        .routes
        .iter()
        .map(|route| {
            let dev = route.dev.clone().filter(|_| route.via.is_none());
            format!("{} {:?} {dev:?} {:?} {:?}", route.to, route.via, route.src, route.metric)
        })
        .collect();
    let interfaces: BTreeSet<&Name> =
        lab.interfaces().filter(|(_, host, _)| *host == name).map(|(device, ..)| device).collect();
    for (_, ip) in lab.stacks().filter(|(device, _)| interfaces.contains(device)) {
        let default = |gateway: &IpAddr| if gateway.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
        routes
            .extend(ip.gateway.iter().map(|via| format!("{} {:?} None None None", default(via), Some(via))));
    }
    routes.sort();
    format!("{} {:?} {:?} {routes:#?}", config.forwarding, config.loopback, config.sysctls)
}

/// A switch, with what has no order in order. The MAC addresses of one without an address are of no use.
fn sorted(switch: &SwitchSpec, lab: &LabSpec) -> SwitchSpec {
    let mut switch = switch.clone();
    switch.line = 0;
    switch.fdb.iter_mut().for_each(|entry| entry.replace = false);
    // Its name, where there is more than one interface, is compared with the hosts.
    switch.host = None;
    // An entry that ages is like one that was learned.
    switch.fdb.retain(|entry| !entry.dynamic);
    switch.fdb.sort_by_key(|entry| (entry.mac, entry.vlan));
    // A port that is a port of its own host needs no mention.
    let enslaved = |device: &Name| lab.enslaved().any(|(port, _)| port == device);
    switch.ports.retain(|port| {
        !enslaved(&port.device) || *port != macvlab::lab::spec::SwitchPortSpec::to(port.device.clone())
    });
    switch.ports.sort_by(|one, other| one.device.cmp(&other.device));
    switch
}

/// Compares a lab with what was read back.
fn compare(name: &str, lab: &LabSpec, again: &LabSpec, script: &str) {
    let text = || format!("{name}\n{script}\n{}", labfile::write(again));
    let (before, after) = (built(lab), built(again));
    let names = |devices: &BTreeMap<Name, Device>| devices.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after), "{}", text());
    for (device, before) in &before {
        let after = &after[device];
        // A router is read as the host that it is.
        let parent = |device: &Device| device.parent.clone().filter(|_| device.kind != DeviceType::Router);
        assert_eq!(
            (&before.mac, &before.mode, parent(before), before.up, &before.peer),
            (&after.mac, &after.mode, parent(after), after.up, &after.peer),
            "{device}: {}",
            text()
        );
        let addresses = |device: &Device| device.address.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(addresses(before), addresses(after), "{device}: {}", text());
        if let (Some(before), Some(after)) = (mtu(lab, device), mtu(again, device)) {
            assert_eq!(before, after, "{device}: {}", text());
        }
        assert_eq!(settings(lab, device), settings(again, device), "{device}: {}", text());
    }
    for host in &again.hosts {
        if lab.hosts.iter().any(|known| known.name == host.name) {
            assert_eq!(routing(lab, &host.name), routing(again, &host.name), "{}", text());
        }
    }
    let switches = |lab: &LabSpec| -> BTreeMap<Name, SwitchSpec> {
        lab.switches.iter().map(|switch| (switch.name.clone(), sorted(switch, lab))).collect()
    };
    let (before, after) = (switches(lab), switches(again));
    for (switch, before) in before {
        let after = &after[&switch];
        assert_eq!(format!("{before:#?}"), format!("{after:#?}"), "{}", text());
    }
}

/// Compares who reaches whom.
fn compare_reach(name: &str, lab: &LabSpec, again: &LabSpec, script: &str) {
    let ends: Vec<Name> = matrix::ends(lab).into_iter().map(|(name, _)| name.clone()).collect();
    for from in ends.iter().take(6) {
        for to in ends.iter().take(6).filter(|to| *to != from) {
            let (one, other) = (matrix::ping(lab, from, to), matrix::ping(again, from, to));
            // A NIC without ports is read as a station, whose rule for what arrives has another name.
            let rule = |cell: &matrix::Cell| cell.rule.filter(|_| cell.reach != Reach::Reply);
            let (before, after) = ((one.reach, rule(&one)), (other.reach, rule(&other)));
            let text = labfile::write(again);
            assert_eq!(before, after, "{name}: {from} to {to}\n{script}\n{text}");
        }
    }
}

#[test]
fn what_a_script_builds_is_read_back_as_the_same_lab() {
    if !can_run() {
        return;
    }
    let mut compared = 0;
    for (name, path) in labs() {
        let lab = load(&path).0;
        if !can_be_seen(&lab) {
            continue;
        }
        let script = export::export("ip", &lab).unwrap();
        let again = read_back(&name, &script);
        compare(&name, &lab, &again, &script);
        compare_reach(&name, &lab, &again, &script);
        compared += 1;
    }
    assert!(compared > 60, "{compared}");
}

/// A container of an engine: a process in namespaces that have no names, with a macvlan on the host's NIC and a cable to its
/// bridge.
const CONTAINER: &str = r#"set -e
ip link add eth0 address 02:00:00:00:00:01 type veth peer name far0
ip link set far0 up; ip link set eth0 up; ip addr add 192.0.2.1/24 dev eth0
ip link add br0 type bridge; ip link set br0 up; ip addr add 10.0.0.1/24 dev br0
unshare --net --uts sh -c 'echo web > /proc/sys/kernel/hostname; echo ready > /run/ready; exec sleep 600' >/dev/null 2>&1 &
until [ -s /run/ready ]; do sleep 0.1; done
ip link add link eth0 name mv0 address 02:00:00:00:00:02 type macvlan mode private
ip link set mv0 netns $!
ip link add veth7 type veth peer name eth1 address 02:00:00:00:00:03 netns $!
ip link set veth7 master br0 up
nsenter -t $! -n sh -ec 'ip link set mv0 up; ip addr add 192.0.2.2/24 dev mv0; ip link set eth1 up; ip addr add 10.0.0.2/24 dev eth1'
"#;

#[test]
fn a_container_has_the_host_name_of_its_process() {
    if !can_run() || !needs::programs(&["nsenter"]) {
        return;
    }
    let output = on_the_kernel(CONTAINER, &["import", "host"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    let lab = labfile::parse("host", &text).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let devices = built(&lab);
    assert!(lab.hosts.iter().any(|host| host.name == "web"), "{text}");
    let port = &devices["mv0"];
    assert_eq!((port.parent.as_deref(), port.host.as_deref()), (Some("eth0"), Some("web")), "{text}");
    assert_eq!(devices["eth1"].peer.as_deref(), Some("br0.eth1"), "{text}");
    let only = on_the_kernel(CONTAINER, &["import", "host:db"]);
    let said = "no network namespace is called `db`; there are `web`";
    assert!(stderr(&only).contains(said), "{}", stderr(&only));
    let why = on_the_kernel(CONTAINER, &["why", "host:web", "eth0", "mv0"]);
    assert!(stdout(&why).contains("R34"), "{}{}", stdout(&why), stderr(&why));
}

#[test]
fn the_running_machine_is_diagnosed() {
    if !can_run() {
        return;
    }
    let script = export::export("ip", &load(&labs()["vepa-plain"]).0).unwrap();
    let output = on_the_kernel(&script, &["diagnose", "host"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}{}", stderr(&output));
    for part in ["error[vepa-without-hairpin]", "--> host:", "see it: macvlab why host "] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn reading_changes_nothing_and_its_text_is_an_input() {
    if !can_run() || !needs::programs(&["nsenter"]) {
        return;
    }
    let state = "ip -4 -o addr; ip -j route; ls /run/netns; cat /proc/sys/net/ipv4/conf/*/arp_ignore; cat /proc/mounts";
    let script = format!("{CONTAINER}\n({state}) > /run/before\n");
    let then = format!(
        "\"$0\" import host --collected > /run/host.txt; ({state}) > /run/after; cmp /run/before /run/after >&2\n\
         \"$0\" import /run/host.txt > /run/later.toml; \"$0\" import host > /run/now.toml\n\
         cmp /run/later.toml /run/now.toml >&2; cat /run/now.toml"
    );
    let commands = "mount -t tmpfs none /run && mkdir -p /run/netns && sh -c \"$1\" && sh -ec \"$2\" \"$0\"";
    let output = Command::new("unshare")
        .args(["--net", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-ec", commands])
        .args([env!("CARGO_BIN_EXE_macvlab"), &script, &then])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains("[macvlan.mv0]"), "{}", stdout(&output));
}

#[test]
fn without_privileges_the_own_namespace_is_read() {
    if !can_run() || !needs::programs(&["setpriv"]) {
        return;
    }
    let script =
        "ip netns add far; ip link add eth0 type veth peer name far0; ip addr add 192.0.2.1/24 dev eth0";
    let commands = "mount -t tmpfs none /run && mkdir -p /run/netns && sh -ec \"$1\" && \
                    exec setpriv --bounding-set=-all --inh-caps=-all \"$0\" import host";
    let output = Command::new("unshare")
        .args(["--net", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-ec", commands])
        .args([env!("CARGO_BIN_EXE_macvlab"), script])
        .output()
        .unwrap();
    let text = stdout(&output);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(text.contains("[nic.eth0]"), "{text}");
    let note =
        "# left out: what is in a namespace: Cannot open network namespace \"far\": Operation not permitted";
    assert!(text.contains(note), "{text}");
}

#[test]
fn what_is_missing_or_meant_otherwise_is_said() {
    let output = Command::new(env!("CARGO_BIN_EXE_macvlab"))
        .args(["import", "host"])
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = "the running machine: `ip` is not installed; it is in the package iproute2";
    assert!(stderr(&output).contains(said), "{}", stderr(&output));

    let dir = tempfile::tempdir().unwrap();
    let other = dir.path().join("ip");
    std::fs::write(&other, "#!/bin/sh\necho \"ip: invalid option -- 'd'\" >&2; exit 1\n").unwrap();
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_macvlab"))
        .args(["import", "host"])
        .env("PATH", dir.path())
        .output()
        .unwrap();
    let said =
        "the running machine: `ip -d -j addr`: ip: invalid option -- 'd'; the `ip` of iproute2 is needed";
    assert!(stderr(&output).contains(said), "{}", stderr(&output));

    std::fs::write(dir.path().join("host"), "ip link add mv0 link eth9 type macvlan mode vepa\n").unwrap();
    let file = macvlab(dir.path(), &["import", "./host"], b"");
    assert!(stdout(&file).contains("[nic.eth9]"), "{}", stderr(&file));
    let machine = macvlab(dir.path(), &["import", "host"], b"");
    assert!(
        stderr(&machine).contains("`host` is the running machine; the file is `./host`"),
        "{}",
        stderr(&machine)
    );
    for words in [&["import", "--collected", "./host"][..], &["import", "--collected", "host", "./host"]] {
        let output = macvlab(dir.path(), words, b"");
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("--collected is for the input `host`"), "{}", stderr(&output));
    }
}

#[test]
fn a_recorded_machine_is_the_machine() {
    let text = std::fs::read_to_string(root().join("fixtures/import/host.txt")).unwrap();
    let source = macvlab::interop::Source::new("host", &text);
    let imported = macvlab::interop::import(&[source], None).unwrap();
    assert_eq!(imported.formats, ["shell"]);
    let devices = built(&imported.lab);
    assert_eq!(devices["web.eth0"].parent.as_deref(), Some("eth0"));
    assert_eq!(devices["eth0"].peer.as_deref(), Some("lan.eth0"));
}
