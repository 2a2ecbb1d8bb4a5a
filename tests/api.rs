//! The library as another program uses it: labs declared in code.
#![cfg(feature = "labfile")]
#![allow(missing_docs, clippy::unwrap_used)]

use macvlab::errno::Errno;
use macvlab::frame::MacAddr;
use macvlab::lab::spec::{Action, Expect, LabSpec, MacvlanSpec, StepSpec};
use macvlab::lab::{Event, Lab, Options, SetupStage, Summary};
use macvlab::macvlan::Mode;
use macvlab::switch::PortFlag;
use macvlab::verdict::{Refusal, Rule};

fn run(spec: &LabSpec) -> (Summary, Vec<Event>) {
    let mut events = Vec::new();
    let summary = Lab::new(spec, Options::default()).run(&mut |event| events.push(event.clone()));
    (summary, events)
}

/// The devices that were refused: which, at which stage, and why.
fn refused<'a>(events: &'a [Event]) -> Vec<(&'a str, SetupStage, Refusal)> {
    let of_event = |event: &'a Event| match event {
        Event::Setup { device, stage, refusal, .. } => Some((device.as_str(), *stage, *refusal)),
        _ => None,
    };
    events.iter().filter_map(of_event).collect()
}

#[test]
fn a_lab_declared_in_code_is_the_lab_that_its_file_declares() {
    let file = r#"
        title = "one lab, two ways"
        [nic.eth0]
        [macvlan.c1]
        parent  = "eth0"
        mode    = "bridge"
        address = "192.0.2.1/24"
        [station.s1]
        address = "192.0.2.9/24"
        mtu     = 9000
        [switch.sw0]
        vlan_filtering = true
        [switch.sw0.port.eth0]
        hairpin = true
        [switch.sw0.port.s1]
        [[step]]
        ping   = { from = "c1", to = "s1" }
        expect = "reply"
    "#;
    let address = |text: &str| text.parse::<macvlab::station::IpNet>().unwrap();
    let code = LabSpec::new("one lab, two ways")
        .with_nic("eth0", |nic| nic)
        .with_macvlan("c1", "eth0", |port| port.with_mode(Mode::Bridge).with_address(address("192.0.2.1/24")))
        .with_station("s1", address("192.0.2.9/24"), |station| station.with_mtu(9000))
        .with_switch("sw0", |switch| {
            let hairpin = |port: macvlab::lab::spec::SwitchPortSpec| port.with_flag(PortFlag::Hairpin, true);
            switch.with_vlan_filtering(true).with_port("eth0", hairpin).with_port("s1", |port| port)
        })
        .with_step(StepSpec::ping("c1", "s1").with_expect(Expect::Reply));
    let mut read = macvlab::labfile::parse("lab.toml", file).unwrap();
    read.devices.iter_mut().for_each(|device| device.line = 0);
    read.switches.iter_mut().for_each(|switch| switch.line = 0);
    read.steps.iter_mut().for_each(|step| step.line = 0);
    assert_eq!(code, read);
    assert!(run(&code).0.ok());
}

#[test]
fn a_name_that_is_taken_is_the_last_thing_that_is_refused() {
    let add = |spec: MacvlanSpec| Action::Add { name: "c1".into(), spec };
    let spec = LabSpec::new("")
        .with_nic("eth0", |nic| nic)
        .with_macvlan("c1", "eth0", |port| port)
        .with_step(
            StepSpec::new(add(MacvlanSpec::on("eth0").with_mtu(1501)))
                .with_expect(Expect::Errno(Errno::Einval)),
        )
        .with_step(StepSpec::new(add(MacvlanSpec::on("eth0"))).with_expect(Expect::Errno(Errno::Eexist)));
    assert!(run(&spec).0.ok());
}

#[test]
fn a_switch_has_no_device_with_a_mac_address_of_a_group() {
    let group = MacAddr([1, 0, 0x5e, 0, 0, 1]);
    let spec = LabSpec::new("").with_switch("sw0", |switch| switch.with_mac(group)).with_macvlan(
        "c1",
        "sw0",
        |port| port,
    );
    let (summary, events) = run(&spec);
    let bad_mac = Refusal::new(Errno::Eaddrnotavail, Rule::ChangeAddress);
    let no_parent = Refusal::new(Errno::Enodev, Rule::CreateRefused);
    assert_eq!(
        refused(&events),
        [("sw0", SetupStage::Create, bad_mac), ("c1", SetupStage::Create, no_parent)]
    );
    assert_eq!(summary.failed, 2);
}

#[test]
fn a_lab_may_have_more_switches_than_a_short_number_counts() {
    let address = |text: &str| text.parse::<macvlab::station::IpNet>().unwrap();
    let plain = |port| port;
    let mut spec = LabSpec::new("")
        .with_station("s1", address("192.0.2.1/24"), |station| station)
        .with_station("s2", address("192.0.2.2/24"), |station| station);
    for n in 0..=u32::from(u16::MAX) {
        spec = spec.with_switch(&format!("w{n}"), |switch| switch);
    }
    let spec = spec
        .with_switch("sw0", |switch| switch.with_port("s1", plain).with_port("s2", plain))
        .with_step(StepSpec::ping("s1", "s2").with_expect(Expect::Reply));
    assert!(run(&spec).0.ok());
}
