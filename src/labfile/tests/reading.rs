//! The result of a file without errors, and the limits.

use super::{diagnosed, parse};
use crate::errno::Errno;
use crate::frame::{CraftBody, IpRef, MacAddr, MacRef, Tag, VlanId};
use crate::lab::spec::InjectPoint;
use crate::lab::spec::*;
use crate::labfile::{MAX_FILE, write};
use crate::macvlan::{MacvlanFlags, Mode, SourcesChange};
use crate::nic::UnicastFilter;
use crate::station::default_mac;
use crate::switch::{Policy, PortFlag, PortSecurity, PortState, VirtualSwitch};
use std::time::Duration;

fn read(text: &str) -> LabSpec {
    parse("lab.toml", text).unwrap_or_else(|e| panic!("{e}"))
}

/// The action of a file's only step.
fn action(step: &str) -> Action {
    let lab =
        "[nic.eth0]\naddress = [\"10.0.0.1/8\"]\n[macvlan.c1]\nparent = \"eth0\"\n[switch.sw0.port.eth0]\n";
    read(&format!("{lab}[[step]]\n{step}\n")).steps.remove(0).action
}

fn mac(text: &str) -> MacAddr {
    text.parse().unwrap()
}

const VEPA: &str = r#"
title = "VEPA behind a hairpin switch"

[nic.eth0]
mac     = "00:0c:29:f1:38:bf"
address = ["192.168.128.130/24"]

[macvlan.c1]
parent  = "eth0"
mode    = "vepa"
address = ["192.168.128.222/24"]      # no mac given: docker's 02:42:c0:a8:80:de

[station.win]
mac     = "00:50:56:c0:00:08"
address = ["192.168.128.1/24"]

[macvlan.c2]
parent  = "eth0"
mode    = "vepa"
address = ["192.168.128.233/24"]

[switch.sw0.port.eth0]
hairpin = true
[switch.sw0.port.win]

[[step]]
ping   = { from = "c1", to = "c2" }
expect = "reply"
"#;

#[test]
fn a_lab_reads_as_it_is_written() {
    let lab = read(VEPA);
    assert_eq!(lab.title, "VEPA behind a hairpin switch");
    let names: Vec<(&str, usize)> = lab.devices.iter().map(|d| (d.name.as_str(), d.line)).collect();
    assert_eq!(names, [("eth0", 4), ("c1", 8), ("win", 13), ("c2", 17)], "in the order of the file");
    let DeviceKind::Macvlan(c1) = &lab.devices[1].kind else { panic!("{:?}", lab.devices[1]) };
    assert_eq!((c1.mode, c1.mac, c1.up, c1.tap), (Mode::Vepa, None, true, false));
    assert_eq!(c1.requested_mac("c1"), mac("02:42:c0:a8:80:de"));
    let [win, c2] = ["win", "eth0"].map(|d| lab.switches[0].ports.iter().find(|p| p.device == d).unwrap());
    assert_eq!((win.flags.hairpin, c2.flags.hairpin, c2.flags.learning), (false, true, true));
    assert_eq!(lab.switches[0].ageing, Duration::from_secs(300));
    let ping = ProbeSpec {
        from: "c1".into(),
        to: Target::Device("c2".into()),
        count: 1,
        timeout: Duration::from_secs(10),
    };
    let expect = Some(Expect::Reply);
    assert_eq!(lab.steps, [StepSpec { action: Action::Ping(ping), expect, line: 26 }]);
}

#[test]
fn defaults() {
    let lab = read(
        "[nic.eth0]\n[station.s]\n[macvlan.c]\nparent = \"eth0\"\n[router.r]\ninterfaces = [{}, { name = \"x\" }]",
    );
    let DeviceKind::Nic(nic) = &lab.devices[0].kind else { panic!() };
    assert_eq!(
        (nic.mac, nic.mtu, nic.up, nic.filter),
        (default_mac("eth0"), 1500, true, UnicastFilter::None)
    );
    let DeviceKind::Station(station) = &lab.devices[1].kind else { panic!() };
    assert_eq!((station.mac, station.latency), (default_mac("s"), Duration::ZERO));
    let DeviceKind::Macvlan(port) = &lab.devices[2].kind else { panic!() };
    assert_eq!((port.mode, port.up, port.mtu, port.bcqueuelen), (Mode::Vepa, true, None, None));
    let DeviceKind::Router(router) = &lab.devices[3].kind else { panic!() };
    assert_eq!([&router.interfaces[0].name, &router.interfaces[1].name], ["r.0", "x"]);
}

#[test]
fn every_key_of_a_port() {
    let text = r#"
        [nic.eth0]
        filter = 4
        [macvtap.t1]
        parent = "eth0"
        mode = "source"
        mac = "02:00:00:00:00:01"
        address = ["10.0.0.2/8", "fd00::2/64"]
        gateway = ["10.0.0.1", "fd00::1"]
        neighbours = { "10.0.0.9" = "02:00:00:00:00:09" }
        mtu = 1400
        up = false
        flags = ["nodst"]
        sources = ["02:00:00:00:00:02"]
        multicast = ["01:00:5e:01:01:01"]
        allmulticast = true
        promisc = true
        bcqueuelen = 0
        bclim = -1
        expect = "EINVAL""#;
    let lab = read(text);
    let DeviceKind::Nic(nic) = &lab.devices[0].kind else { panic!() };
    assert_eq!(nic.filter, UnicastFilter::Slots(4));
    let DeviceKind::Macvlan(port) = &lab.devices[1].kind else { panic!() };
    assert!(port.tap && !port.up && port.allmulticast && port.promisc);
    assert_eq!(port.flags, MacvlanFlags { nopromisc: false, nodst: true });
    assert_eq!((port.mtu, port.bcqueuelen, port.bclim), (Some(1400), Some(0), Some(-1)));
    assert_eq!((port.ip.address.len(), port.ip.gateway.len(), port.ip.neighbours.len()), (2, 2, 1));
    assert_eq!((port.sources[0], port.multicast[0]), (mac("02:00:00:00:00:02"), mac("01:00:5e:01:01:01")));
    assert_eq!((port.mode, port.expect), (Mode::Source, Some(Errno::Einval)));
}

#[test]
fn switches_and_policies() {
    let text = r#"
        [nic.eth0]
        [nic.eth1]
        [switch.sw0]
        ageing = "5ms"
        vlan_filtering = true
        group_fwd_mask = 0x4000
        fdb = [{ mac = "02:00:00:00:00:01", port = "eth0", sticky = true, vlan = 10 }]
        policy = { kind = "vmware", forged_transmits = "accept", mac_changes = "reject" }
        [switch.sw0.port.eth0]
        isolated = true
        learning = false
        state = "learning"
        vlan = { pvid = 10, untagged = [10], tagged = [20, 30] }
        [switch.sw0.port.eth1]
        state = 0
        policy = "wifi""#;
    let lab = read(text);
    let switch = &lab.switches[0];
    let vmware = Policy::VirtualSwitch {
        product: VirtualSwitch::Vmware,
        accepts: PortSecurity { promiscuous: false, forged_transmits: true, mac_changes: false },
    };
    assert_eq!((switch.ageing, switch.policy), (Duration::from_millis(5), Some(vmware)));
    assert!(switch.vlan_filtering && switch.fdb[0].sticky && !switch.fdb[0].dynamic);
    let [eth0, eth1] = switch.ports.as_slice() else { panic!() };
    assert!(eth0.flags.isolated && !eth0.flags.learning && eth0.flags.flood);
    assert_eq!(
        (eth0.state, eth1.state, eth1.policy),
        (PortState::Learning, PortState::Disabled, Some(Policy::Wifi))
    );
    assert_eq!((eth0.vlans.pvid, eth0.vlans.tagged.len()), (VlanId::new(10), 2));
    assert_eq!(eth1.vlans.pvid, VlanId::new(1));
}

#[test]
fn frames_in_hex_and_crafted() {
    let Action::Inject { at, entry, frame } =
        action(r#"inject = { at = "eth0", from = "wire", frame = "ffff FFFFffff 02:00:00:00:00:01 0806" }"#)
    else {
        panic!()
    };
    assert_eq!((at.as_str(), entry), ("eth0", InjectPoint::Wire));
    assert_eq!(frame, FrameSpec::Bytes(vec![255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6]));
    let step = r#"inject = { at = "c1", arp = { op = "reply", dst = "eth0", target_ip = "eth0", pad = 60,
        vlan = [{ tpid = 0x88a8, id = 100, pcp = 3 }, 10] } }"#;
    let Action::Inject { entry: InjectPoint::Device, frame: FrameSpec::Crafted(craft), .. } = action(step)
    else {
        panic!()
    };
    assert_eq!(craft.tags, [Tag { tpid: 0x88a8, tci: 0x6064 }, Tag { tpid: 0x8100, tci: 10 }]);
    assert_eq!((craft.dst, craft.pad), (Some(MacRef::Device("eth0".to_owned())), 60));
    let CraftBody::Arp { op: 2, target_ip: IpRef::Device(name), .. } = craft.body else { panic!() };
    assert_eq!(name, "eth0");
}

#[test]
fn changes() {
    let set = |device: &str, change| Action::Set { device: device.into(), change };
    assert_eq!(action(r#"set = { device = "eth0", up = false }"#), set("eth0", Change::Up(false)));
    assert_eq!(
        action(r#"set = { device = "c1", mode = "private" }"#),
        set("c1", Change::Mode(Mode::Private))
    );
    let flush = Change::Sources(SourcesChange::Flush);
    assert_eq!(action(r#"set = { device = "c1", sources = { flush = true } }"#), set("c1", flush));
    let switch = |change| Action::SetSwitch { switch: "sw0".into(), change };
    let port = || Name::from("eth0");
    let hairpin = SwitchChange::Flag { port: port(), flag: PortFlag::Hairpin, value: true };
    assert_eq!(action(r#"set = { switch = "sw0", port = "eth0", hairpin = true }"#), switch(hairpin));
    let state = SwitchChange::State { port: port(), state: PortState::Invalid(9) };
    assert_eq!(action(r#"set = { switch = "sw0", port = "eth0", state = 9 }"#), switch(state));
    let mask = SwitchChange::GroupFwdMask { port: None, mask: 8 };
    assert_eq!(action(r#"set = { switch = "sw0", group_fwd_mask = 8 }"#), switch(mask));
    let gone = SwitchChange::FdbDel { mac: mac("02:00:00:00:00:01"), vlan: None };
    assert_eq!(action(r#"set = { switch = "sw0", fdb_del = "02:00:00:00:00:01" }"#), switch(gone));
}

#[test]
fn durations() {
    let wait = |text: &str| match action(&format!("wait = \"{text}\"")) {
        Action::Wait(time) => time.as_nanos(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        ["300s", "5ms", "1us", "2m", "1h"].map(wait),
        [300_000_000_000, 5_000_000, 1000, 120_000_000_000, 3_600_000_000_000]
    );
    assert_eq!(["1.5s", "0.001 us", "0s"].map(wait), [1_500_000_000, 1, 0]);
}

#[test]
fn the_writer_is_readable() {
    let text = write(&read(VEPA));
    insta::assert_snapshot!(text, @r#"
    title = "VEPA behind a hairpin switch"

    [nic.eth0]
    mac     = "00:0c:29:f1:38:bf"
    address = ["192.168.128.130/24"]

    [macvlan.c1]
    parent  = "eth0"
    address = ["192.168.128.222/24"]

    [station.win]
    mac     = "00:50:56:c0:00:08"
    address = ["192.168.128.1/24"]

    [macvlan.c2]
    parent  = "eth0"
    address = ["192.168.128.233/24"]

    [switch.sw0.port.eth0]
    hairpin = true

    [switch.sw0.port.win]

    [[step]]
    ping   = { from = "c1", to = "c2" }
    expect = "reply"
    "#);
}

#[test]
fn mistakes_are_listed_up_to_a_limit() {
    let mut text = "[nic.eth0]\n".to_owned();
    for i in 0..2000 {
        text.push_str(&format!("wrong{i} = 1\n"));
    }
    let mistakes = parse("lab.toml", &text).unwrap_err();
    assert_eq!((mistakes.list().len(), mistakes.more()), (50, 1950));
    assert_eq!((mistakes.list()[0].line, mistakes.list()[49].line), (2, 51), "the first by line");
    assert!(mistakes.to_string().ends_with("2000 errors, the first 50 shown\n"));
}

#[test]
fn a_file_beyond_the_limits_is_refused() {
    let long = " ".repeat(MAX_FILE + 1);
    let mistakes = parse("lab.toml", &long).unwrap_err();
    assert_eq!(mistakes.list()[0].message, "the file has 16777217 bytes or more");
    let deep = format!("\n        {}a = 1\n", "a.".repeat(100_000));
    assert!(diagnosed(&deep).contains("too many dots on one line"), "{}", &diagnosed(&deep)[..200]);
    // Dots within the limit, nested as deep as the parser goes, must not exhaust the stack.
    let line = format!("{}a = {{\n", "a.".repeat(16));
    let nested = format!("{}{}", line.repeat(200), "}".repeat(200));
    assert!(parse("lab.toml", &nested).is_err());
    let arrays = format!("a = {}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert!(parse("lab.toml", &arrays).is_err());
    // Short values can be many: the parser's representation of each is far longer.
    for text in [format!("a = [{}]", "1,".repeat(2_100_000)), "a={}\n".repeat(1_100_000)] {
        let mistakes = parse("lab.toml", &text).unwrap_err();
        assert_eq!(mistakes.list()[0].message, "more than 2000000 values in the file");
    }
    // Dots in strings and comments are harmless.
    let many = format!("title = \"{}\" # {}\n", ".".repeat(500), ".".repeat(500));
    assert!(parse("lab.toml", &many).is_ok());
}

#[test]
fn a_long_line_is_named_and_not_shown() {
    let shown = |bytes: usize| {
        let line = "wrong = 1 #";
        parse("lab.toml", &format!("[nic.eth0]\n{line}{}\n", "x".repeat(bytes - line.len())))
            .unwrap_err()
            .to_string()
    };
    let (shown, named) = (shown(4096), shown(4097));
    assert!(shown.contains("| wrong = 1 #xxx"), "{shown}");
    assert!(named.contains("--> lab.toml:2:1") && !named.contains("xxx"), "{named}");
}
