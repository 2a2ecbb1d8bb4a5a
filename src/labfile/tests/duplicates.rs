//! Warnings about addresses that two devices have.

use super::warned;
use insta::assert_snapshot;

#[test]
fn a_mac_address_that_two_stations_on_a_switch_have() {
    let text = r#"
        [station.a]
        mac = "02:00:00:00:00:01"
        [station.b]
        mac = "02:00:00:00:00:01"
        [switch.sw0.port.a]
        [switch.sw0.port.b]
    "#;
    assert_snapshot!(warned(text), @r#"
    warning: the MAC address 02:00:00:00:00:01 is used twice in one broadcast domain
     --> lab.toml:4:7
      |
    4 | mac = "02:00:00:00:00:01"
      |       ^^^^^^^^^^^^^^^^^^^ station.b.mac
      |
     ::: lab.toml:2:7
      |
    2 | mac = "02:00:00:00:00:01"
      |       ------------------- `a` has it already
      |
      = help: frames reach only one of the two devices: use different addresses
    "#);
}

#[test]
fn a_mac_address_that_an_ip_address_makes_and_another_device_has() {
    let text = r#"
        [nic.eth0]
        [macvlan.c1]
        parent = "eth0"
        address = "10.0.0.1/24"
        [router.r]
        interfaces = [{ mac = "02:42:0a:00:00:01" }]
        [switch.sw0.port.eth0]
        [switch.sw0.port."r.0"]
    "#;
    assert_snapshot!(warned(text), @r#"
    warning: the MAC address 02:42:0a:00:00:01 is used twice in one broadcast domain
     --> lab.toml:6:23
      |
    6 | interfaces = [{ mac = "02:42:0a:00:00:01" }]
      |                       ^^^^^^^^^^^^^^^^^^^ router.r.interfaces[1].mac
      |
     ::: lab.toml:2:10
      |
    2 | [macvlan.c1]
      |          -- `c1` has it already
      |
      = help: frames reach only one of the two devices: use different addresses
    "#);
}

#[test]
fn an_ip_address_that_two_devices_on_a_cable_have() {
    let text = r#"
        [nic.eth0]
        cable = "win"
        address = ["10.0.0.1/24", "10.0.1.1/24"]
        [station.win]
        address = ["10.0.0.2/24", "10.0.1.1/24"]
    "#;
    assert_snapshot!(warned(text), @r#"
    warning: the IP address 10.0.1.1 is used twice in one broadcast domain
     --> lab.toml:5:27
      |
    5 | address = ["10.0.0.2/24", "10.0.1.1/24"]
      |                           ^^^^^^^^^^^^^ station.win.address[2]
      |
     ::: lab.toml:3:27
      |
    3 | address = ["10.0.0.1/24", "10.0.1.1/24"]
      |                           ------------- `eth0` has it already
      |
      = help: other devices reach only one of the two: use different addresses
    "#);
}

#[test]
fn ports_share_the_domain_of_the_nic_below() {
    let text = r#"
        [nic.eth0]
        [macvlan.c1]
        parent = "eth0"
        address = "10.0.0.1/24"
        [macvlan.c2]
        parent = "c1"
        mac = "02:00:00:00:00:02"
        address = "10.0.0.1/24"
    "#;
    assert_snapshot!(warned(text), @r#"
    warning: the IP address 10.0.0.1 is used twice in one broadcast domain
     --> lab.toml:8:11
      |
    8 | address = "10.0.0.1/24"
      |           ^^^^^^^^^^^^^ macvlan.c2.address
      |
     ::: lab.toml:4:11
      |
    4 | address = "10.0.0.1/24"
      |           ------------- `c1` has it already
      |
      = help: other devices reach only one of the two: use different addresses
    "#);
}

#[test]
fn what_devices_share_by_design_is_no_duplicate() {
    let text = r#"
        [nic.eth0]
        mac = "02:00:00:00:00:01"
        [vlan."eth0.5"]
        parent = "eth0"
        id = 5
        mac = "02:00:00:00:00:01"
        [nic.eth1]
        [macvlan.p]
        parent = "eth1"
        mode = "passthru"
        mac = "02:00:00:00:00:02"
    "#;
    assert_snapshot!(warned(text), @"");
}

#[test]
fn what_never_meets_is_no_duplicate() {
    let alone = r#"
        [nic.eth0]
        address = "10.0.0.1/24"
        mac = "02:00:00:00:00:01"
        [vlan."eth0.5"]
        parent = "eth0"
        id = 5
        [vlan."eth0.6"]
        parent = "eth0"
        id = 6
        [macvlan.c5]
        parent = "eth0.5"
        address = "10.0.0.1/24"
        [macvlan.c6]
        parent = "eth0.6"
        address = "10.0.0.1/24"
        [nic.eth1]
        mac = "02:00:00:00:00:01"
        address = "10.0.0.1/24"
    "#;
    assert_snapshot!(warned(alone), @"");
    let down = r#"
        [station.a]
        address = "10.0.0.1/24"
        [station.b]
        address = "10.0.0.1/24"
        up = false
        [station.c]
        address = "10.0.0.1/24"
        [switch.sw0.port.a]
        [switch.sw0.port.b]
        [switch.sw0.port.c]
        state = "disabled"
    "#;
    assert_snapshot!(warned(down), @"");
}

/// A VLAN of a filtering switch joins tagged and untagged devices.
#[test]
fn vlans_of_a_switch_are_domains() {
    let text = r#"
        [station.a]
        address = "10.0.0.1/24"
        [station.b]
        address = "10.0.0.1/24"
        [nic.eth0]
        [vlan."eth0.10"]
        parent = "eth0"
        id = 10
        address = "10.0.0.1/24"
        [switch.sw0]
        vlan_filtering = true
        [switch.sw0.port.a]
        vlan = { pvid = 10, untagged = [10] }
        [switch.sw0.port.b]
        vlan = { pvid = 20, untagged = [20] }
        [switch.sw0.port.eth0]
        vlan = { tagged = [10] }
    "#;
    assert_snapshot!(warned(text), @r#"
    warning: the IP address 10.0.0.1 is used twice in one broadcast domain
     --> lab.toml:9:11
      |
    9 | address = "10.0.0.1/24"
      |           ^^^^^^^^^^^^^ vlan.eth0.10.address
      |
     ::: lab.toml:2:11
      |
    2 | address = "10.0.0.1/24"
      |           ------------- `a` has it already
      |
      = help: other devices reach only one of the two: use different addresses
    "#);
}

#[test]
fn a_switch_that_does_not_filter_keeps_tags_apart() {
    let text = r#"
        [nic.e0]
        [nic.e1]
        [vlan."e0.5"]
        parent = "e0"
        id = 5
        address = "10.0.0.1/24"
        [vlan."e1.5"]
        parent = "e1"
        id = 5
        address = "10.0.0.1/24"
        [vlan."e1.6"]
        parent = "e1"
        id = 6
        address = "10.0.0.1/24"
        [switch.sw0.port.e0]
        [switch.sw0.port.e1]
    "#;
    assert_snapshot!(warned(text), @r#"
    warning: the IP address 10.0.0.1 is used twice in one broadcast domain
      --> lab.toml:10:11
       |
    10 | address = "10.0.0.1/24"
       |           ^^^^^^^^^^^^^ vlan.e1.5.address
       |
      ::: lab.toml:6:11
       |
     6 | address = "10.0.0.1/24"
       |           ------------- `e0.5` has it already
       |
       = help: other devices reach only one of the two: use different addresses
    "#);
}

#[test]
fn a_bridge_of_a_host_joins_domains() {
    let lab = |master: &str| {
        let text = format!(
            "[nic.eth0]\n{master}\n[macvlan.c1]\nparent = \"br0\"\naddress = \"10.0.0.1/24\"\n\
             [station.far]\naddress = \"10.0.0.1/24\"\n[switch.br0]\n[switch.sw0.port.eth0]\n[switch.sw0.port.far]\n"
        );
        crate::labfile::check("lab.toml", &text).unwrap().warnings.map_or(0, |w| w.list().len())
    };
    assert_eq!(lab(""), 0);
    assert!(lab("master = \"br0\"") > 0);
}
