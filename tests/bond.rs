//! Bonds: what no lab of the fixtures shows.
#![allow(missing_docs, clippy::unwrap_used)]

use macvlab::explain::{Fate, Journey};
use macvlab::lab::{Device, DeviceState, Event, Hop, HopKind, Lab, LabSpec, Options, Outcome};
use macvlab::labfile::{check, parse};
use macvlab::nic::UnicastFilter;
use macvlab::report::JsonLines;
use macvlab::verdict::Rule;
use std::collections::BTreeMap;

const BOND: &str = r#"
    [nic.eth0]
    mac    = "02:00:00:00:00:10"
    mtu    = 1400
    filter = 4
    [nic.eth1]
    mac    = "02:00:00:00:00:11"
    filter = 4
    [bond.bond0]
    ports = ["eth0", "eth1"]
    mtu   = 2000
    [macvlan.c1]
    parent    = "bond0"
    mode      = "bridge"
    mac       = "02:00:00:00:00:01"
    multicast = ["01:00:5e:00:00:07"]
    [station.far]
    [switch.sw0.port.eth0]
    [switch.sw0.port.eth1]
    [switch.sw0.port.far]
"#;

struct Run {
    outcomes: Vec<Outcome>,
    states: BTreeMap<String, DeviceState>,
    devices: Vec<Device>,
}

fn run(text: &str, steps: &[&str]) -> Run {
    let steps: String = steps.iter().map(|step| format!("[[step]]\n{step}\n")).collect();
    let spec = parse("lab.toml", &format!("{text}\n{steps}")).unwrap();
    let (mut outcomes, mut states) = (Vec::new(), BTreeMap::new());
    let mut lab = Lab::new(&spec, Options::default());
    lab.run(&mut |event| match event {
        Event::Result { outcome, .. } => outcomes.push(*outcome),
        Event::State { device, state } => _ = states.insert(device.to_string(), *state),
        _ => {}
    });
    Run { outcomes, states, devices: lab.devices() }
}

impl Run {
    fn mac(&self, device: &str) -> String {
        self.states[device].mac.to_string()
    }

    fn active(&self) -> Option<&str> {
        self.devices.iter().find(|device| device.name == "bond0").unwrap().active.as_deref()
    }
}

#[test]
fn ports_take_address_and_mtu_of_the_bond_and_get_their_own_back() {
    let all = run(BOND, &[]);
    for device in ["bond0", "eth0", "eth1"] {
        assert_eq!(
            (all.mac(device).as_str(), all.states[device].mtu),
            ("02:00:00:00:00:10", 2000),
            "{device}"
        );
    }
    let changed = run(BOND, &["set = { device = \"bond0\", mac = \"02:00:00:00:00:99\" }"]);
    assert!(["bond0", "eth0", "eth1"].iter().all(|device| changed.mac(device) == "02:00:00:00:00:99"));
    let left = run(BOND, &[r#"set = { device = "eth1", master = "" }"#]);
    let eth1 = left.states["eth1"];
    assert_eq!((left.mac("eth1").as_str(), eth1.mtu, eth1.up), ("02:00:00:00:00:11", 1500, false));
    let shrunk = run(BOND, &[r#"set = { device = "bond0", mtu = 1300 }"#]);
    assert!(["bond0", "eth0", "eth1", "c1"].iter().all(|device| shrunk.states[*device].mtu == 1300));
    // A bond with an address of its own keeps it until it has no port.
    let own = BOND.replace("mtu   = 2000", "mac = \"02:00:00:00:00:77\"");
    assert_eq!(run(&own, &[]).mac("eth1"), "02:00:00:00:00:77");
    let none = [r#"set = { device = "eth0", master = "" }"#, r#"remove = "eth1""#];
    let empty = run(&own, &none);
    assert!(empty.mac("bond0") != "02:00:00:00:00:77" && !empty.states["bond0"].carrier);
    assert_eq!(empty.active(), None);
}

/// Whichever comes first in the file.
#[test]
fn nics_that_are_declared_behind_their_bond_become_its_ports() {
    let (nics, rest) = BOND.split_once("    [bond.bond0]").unwrap();
    let (bond, rest) = rest.split_once("    [macvlan.c1]").unwrap();
    let turned = format!("[bond.bond0]{bond}{nics}[macvlan.c1]{rest}");
    let run = run(&turned, &[]);
    assert_eq!((run.active(), run.mac("eth1").as_str()), (Some("eth0"), "02:00:00:00:00:10"));
}

/// The hardware of the active port, and of no other, lets in what the devices on the bond want.
#[test]
fn the_active_port_has_the_filter_of_the_bond() {
    let at = |dst: &str, delivered: &str| {
        let frame = format!("ethernet = {{ dst = \"{dst}\", payload = \"01\" }}");
        format!("inject = {{ at = \"far\", {frame} }}\nexpect = {{ delivered = {delivered} }}")
    };
    let unicast = at("02:00:00:00:00:01", "[\"c1\"]");
    let group = at("01:00:5e:00:00:07", "[\"bond0\", \"c1\"]");
    let fail_over = "set = { device = \"bond0\", active = \"eth1\" }";
    let steps = [&unicast, &group, fail_over, &unicast, &group].map(|step| format!("[[step]]\n{step}\n"));
    let spec = parse("lab.toml", &format!("{BOND}{}", steps.concat())).unwrap();
    let mut drops = Vec::new();
    let summary = Lab::new(&spec, Options::default()).run(&mut |event| {
        if let Event::Hop(Hop { step, device, kind: HopKind::Drop(rule), .. }) = event {
            drops.push((*step, device.to_string(), *rule));
        }
    });
    assert!(summary.ok());
    // Both are flooded to both ports, and the backup port's hardware knows neither.
    let backup = |step, device: &str, rule| (step, device.to_owned(), rule);
    let expected = [
        backup(1, "eth1", Rule::HardwareFilter),
        backup(2, "eth1", Rule::HardwareGroupFilter),
        backup(4, "eth0", Rule::HardwareFilter),
        backup(5, "eth0", Rule::HardwareGroupFilter),
    ];
    assert_eq!(drops, expected);
}

#[test]
fn promiscuity_goes_with_the_active_port() {
    let promiscuous = r#"set = { device = "bond0", promisc = true }"#;
    let before = run(BOND, &[promiscuous]);
    assert_eq!((before.states["eth0"].promiscuity, before.states["eth1"].promiscuity), (1, 0));
    let after = run(BOND, &[promiscuous, r#"set = { device = "bond0", active = "eth1" }"#]);
    assert_eq!((after.states["eth0"].promiscuity, after.states["eth1"].promiscuity), (0, 1));
    let down = run(BOND, &[promiscuous, r#"set = { device = "bond0", up = false }"#]);
    assert_eq!(down.states["eth0"].promiscuity, 0);
}

#[test]
fn the_active_port_stays_without_a_primary_and_gives_way_to_one() {
    let steps = [r#"set = { device = "eth0", up = false }"#, r#"set = { device = "eth0", up = true }"#];
    assert_eq!(run(BOND, &steps).active(), Some("eth1"));
    assert_eq!(
        run(BOND, &[&steps[..], &[r#"set = { device = "bond0", active = "" }"#]].concat()).active(),
        Some("eth0")
    );
    let primary = BOND.replace("mtu   = 2000", "primary = \"eth0\"");
    assert_eq!(run(&primary, &steps).active(), Some("eth0"));
    assert_eq!(run(&primary, &steps[..1]).active(), Some("eth1"));
    // What is chosen by hand stays until a port is lost, or the primary comes back.
    let by_hand =
        [r#"set = { device = "bond0", active = "eth1" }"#, r#"set = { device = "c1", up = false }"#];
    assert_eq!(run(&primary, &by_hand).active(), Some("eth1"));
    let removed = run(&primary, &[r#"remove = "eth0""#]);
    assert_eq!((removed.active(), removed.states["c1"].carrier), (Some("eth1"), true));
}

#[test]
fn a_bond_that_is_removed_sets_its_ports_free() {
    let gone = run(BOND, &[r#"remove = "bond0""#]);
    assert!(!gone.states.contains_key("c1") && !gone.states.contains_key("bond0"));
    assert_eq!((gone.mac("eth0").as_str(), gone.states["eth0"].mtu), ("02:00:00:00:00:10", 1400));
    assert!(gone.devices.iter().all(|device| device.master.is_none()));
}

#[test]
fn a_bond_moves_to_no_other_host() {
    let text = format!("{BOND}[host.h]");
    let moved = run(
        &text,
        &[r#"set = { device = "bond0", host = "h" }"#, r#"set = { device = "eth1", host = "h" }"#],
    );
    assert!(matches!(moved.outcomes[0], Outcome::Refused(_)) && moved.outcomes[1] == Outcome::Ok);
    assert!(moved.devices.iter().any(|device| device.name == "eth1" && device.master.is_none()));
}

/// The devices that a page or a script sees.
#[test]
fn a_fail_over_is_told() {
    let text = format!("{BOND}[[step]]\nset = {{ device = \"bond0\", active = \"eth1\" }}\n");
    let spec = parse("lab.toml", &text).unwrap();
    let mut json = JsonLines::new(Vec::new());
    Lab::new(&spec, Options::default().with_changes(true)).run_into(&mut json).unwrap();
    let json = String::from_utf8(json.finish().unwrap()).unwrap();
    let told = |line: &&str| line.contains("\"event\":\"devices\"");
    let line = json.lines().find(told).unwrap();
    assert!(line.contains("\"name\":\"bond0\"") && line.contains("\"active\":\"eth1\""), "{line}");
}

/// Sharing a MAC address is what a bond is for; and refusals are warned of.
#[test]
fn warnings() {
    let warned = |text: &str| {
        let warnings = check("lab.toml", text).unwrap().warnings;
        warnings.map(|warnings| warnings.to_string()).unwrap_or_default()
    };
    assert_eq!(warned(BOND), "");
    let busy = BOND.replace("    [bond.bond0]", "    [macvlan.c0]\n    parent = \"eth1\"\n    [bond.bond0]");
    assert!(warned(&busy).contains("does not make a port of a bond of `eth1`: EBUSY"), "{}", warned(&busy));
}

/// Bonds made in code are as those of files.
#[test]
fn a_bond_declared_in_code() {
    let spec = LabSpec::new("")
        .with_nic("eth0", |nic| nic.with_filter(UnicastFilter::Slots(4)))
        .with_nic("eth1", |nic| nic)
        .with_bond("bond0", |bond| {
            let bond = bond.with_port("eth0").with_port("eth1").with_primary("eth1").with_master("br0");
            bond.with_mtu(1400).with_up(true).with_mac("02:00:00:00:00:77".parse().unwrap())
        })
        .with_switch("br0", |switch| switch);
    let text = macvlab::labfile::write(&spec);
    assert_eq!(parse("lab.toml", &text).unwrap().devices[2].kind, spec.devices[2].kind, "{text}");
    let devices = Lab::new(&spec, Options::default()).devices();
    assert_eq!(devices[2].active.as_deref(), Some("eth1"));
}

/// Of the copies that a switch sends to both ports, one reaches what sits on the bond.
#[test]
fn each_device_has_its_reason() {
    let text = format!(
        "{BOND}[vlan.v20]\nparent = \"bond0\"\nid = 20\n[[step]]\ninject = {{ at = \"far\", ethernet = {{}} }}"
    );
    let spec = parse("lab.toml", &text).unwrap();
    let mut events = Vec::new();
    let mut lab = Lab::new(&spec, Options::default().with_decisions(true));
    lab.run(&mut |event| events.push(event.clone()));
    let journeys = Journey::all(&events);
    let kept = |rule, at: &str| Some(Fate::Kept { also: None, rule, at: at.into() });
    let fate = |device| journeys[0].fate(device, &lab.devices());
    assert_eq!(fate("c1"), Some(Fate::Got(Rule::FloodFromOutside)));
    assert_eq!(fate("eth0"), kept(Rule::BondReceive, "eth0"));
    assert_eq!(fate("eth1"), kept(Rule::BackupPort, "eth1"));
    assert_eq!(fate("v20"), kept(Rule::MulticastToHost, "bond0"));
}
