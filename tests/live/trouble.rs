//! Interfaces that go down, come back, and disappear.

use crate::net::{Net, can_run, until};

#[test]
fn an_interface_goes_down_comes_back_vanishes_and_comes_back() {
    if !can_run(&["ip", "busybox"]) {
        return;
    }
    let net = Net::new(&["lab", "far"]);
    net.veth(("lab", "wire"), ("far", "eth0"));
    net.address("far", "eth0", "10.9.0.9/24");
    let lab = "[nic.eth0]\naddress = \"10.9.0.1/24\"\n";
    let live = net.live("lab", lab, &["--attach", "eth0=af_packet:wire"]);
    assert!(net.pings("far", "10.9.0.1"));
    net.ip("-n lab link set wire down");
    until("it is away", || live.presence("eth0") == "away");
    assert!(live.ctl("show").1.lines().any(|l| l.starts_with("eth0") && l.contains("no carrier")));
    net.ip("-n lab link set wire up");
    until("it is here", || live.presence("eth0") == "here");
    assert!(net.pings("far", "10.9.0.1"));
    net.ip("-n lab link del wire");
    until("it is away", || live.attached("eth0")["why"] == "there is no interface `wire`");
    net.veth(("lab", "wire"), ("far", "eth0"));
    net.address("far", "eth0", "10.9.0.9/24");
    until("it is here", || live.presence("eth0") == "here");
    assert!(net.pings("far", "10.9.0.1"));
    live.end("-TERM");
    net.ip("-n lab link show wire");
}

#[test]
fn a_tap_device_is_deleted_under_it() {
    if !can_run(&["ip"]) {
        return;
    }
    let net = Net::new(&["lab"]);
    let lab = "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\n";
    let mut live = net.live("lab", lab, &["--attach", "eth0=tap:t0", "--attach", "c1=tap:t1"]);
    net.ip("-n lab link del t0");
    until("it is gone", || live.presence("eth0") == "gone");
    assert_eq!(live.presence("c1"), "here");
    net.ip("-n lab link del t1");
    // Nothing is attached any more, so it ends.
    until("it ends", || live.has_ended());
    let out = live.wait();
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(0), "{said}");
    assert!(said.contains("eth0 (tap:t0): the device was deleted; it is over"), "{said}");
}

#[test]
fn what_is_missing_is_said_before_anything_runs() {
    if !can_run(&["ip"]) {
        return;
    }
    let net = Net::new(&["lab"]);
    std::fs::write(net.dir.path().join("lab.toml"), "[nic.eth0]\n").unwrap();
    for (attach, why) in [
        ("eth0=af_packet:none", "there is no interface `none`"),
        ("c9=tap:t0", "there is no device `c9` in this lab; it has eth0"),
        ("eth0=tap:a-name-too-long-for-this", "is not an interface name"),
        ("eth0=carrier-pigeon:coop", "use one of af_packet:IF"),
        ("eth0=tap:lo", "an interface with this name exists and is not a TAP device"),
        ("eth0=pcap:missing.pcap", "missing.pcap"),
    ] {
        let out = net
            .command("lab", env!("CARGO_BIN_EXE_macvlab"), &["live", "lab.toml", "--attach", attach])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{said}");
        assert!(said.contains(why), "{said}");
    }
}
