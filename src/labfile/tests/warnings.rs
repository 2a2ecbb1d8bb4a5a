//! What else is probably not meant in a file without errors.

use super::warned;
use insta::assert_snapshot;

#[test]
fn gateways_that_take_no_packets() {
    let text = r#"
        [nic.eth0]
        address = ["10.0.0.1/24", "fd00::1/64"]
        gateway = ["10.0.1.254", "fd00::fe"]
        [station.own]
        address = "10.0.0.2/24"
        gateway = "10.0.0.2"
        [switch.sw0.port.eth0]
        [switch.sw0.port.own]
    "#;
    assert_snapshot!(warned(text), @r#"
    warning: the gateway 10.0.1.254 is outside the subnets of `eth0`
     --> lab.toml:3:12
      |
    3 | gateway = ["10.0.1.254", "fd00::fe"]
      |            ^^^^^^^^^^^^ nic.eth0.gateway[1]
      |
     ::: lab.toml:2:12
      |
    2 | address = ["10.0.0.1/24", "fd00::1/64"]
      |            ------------- the subnet is 10.0.0.0/24
      |
      = help: Linux refuses a route by a gateway that is not on the link

    warning: no other device of the lab has the address of the gateway fd00::fe
     --> lab.toml:3:26
      |
    3 | gateway = ["10.0.1.254", "fd00::fe"]
      |                          ^^^^^^^^^^ nic.eth0.gateway[2]
      |
      = help: packets for other subnets cannot be sent, unless a machine attached by `macvlab live` has it

    warning: no other device of the lab has the address of the gateway 10.0.0.2
     --> lab.toml:6:11
      |
    6 | gateway = "10.0.0.2"
      |           ^^^^^^^^^^ station.own.gateway
      |
      = help: packets for other subnets cannot be sent, unless a machine attached by `macvlab live` has it

    3 warnings
    "#);
}

#[test]
fn gateways_that_may_take_packets() {
    let text = r#"
        [nic.eth0]
        address = ["10.0.0.1/24", "fd00::1/64"]
        gateway = ["10.0.0.254", "fe80::1"]
        [station.a]
        address = "10.0.0.2/24"
        gateway = "10.0.0.253"
        neighbours = { "10.0.0.253" = "02:00:00:00:00:99" }
        [router.r]
        interfaces = [{ address = "10.0.0.254/24" }]
        [switch.sw0.port.eth0]
        [switch.sw0.port.a]
        [switch.sw0.port."r.0"]
        [station.b]
        address = "10.0.2.2/24"
        gateway = "10.0.2.1"
        [[step]]
        add = { macvlan = "late", parent = "eth0", address = "10.0.2.1/24" }
    "#;
    assert_snapshot!(warned(text), @"");
}

#[test]
fn mac_addresses_that_no_device_can_have() {
    let text = r#"
        [nic.eth0]
        mac = "01:00:5e:00:00:01"
        [macvlan.c1]
        parent = "eth0"
        [station.a]
        address = "10.0.0.2/24"
        neighbours = { "10.0.0.3" = "00:00:00:00:00:00", "10.0.0.4" = "03:bf:0a:00:00:04" }
        [switch.sw0]
        fdb = [{ mac = "01:00:5e:00:00:02", port = "a" }]
        [switch.sw0.port.a]
    "#;
    assert_snapshot!(warned(text), @r#"
    warning: the kernel refuses `eth0`: EADDRNOTAVAIL (Cannot assign requested address)
     --> lab.toml:1:6
      |
    1 | [nic.eth0]
      |      ^^^^ nic.eth0
      |
      = help: rule R84: A new MAC address must be unicast and neither the parent's nor an active sibling's.

    warning: the MAC address of the neighbour 10.0.0.3 is the zero address
     --> lab.toml:7:29
      |
    7 | neighbours = { "10.0.0.3" = "00:00:00:00:00:00", "10.0.0.4" = "03:bf:0a:00:00:04" }
      |                             ^^^^^^^^^^^^^^^^^^^ station.a.neighbours.10.0.0.3
      |
      = help: no device has such an address: use that of the neighbour

    warning: the MAC address of the neighbour 10.0.0.4 is a group address
     --> lab.toml:7:63
      |
    7 | neighbours = { "10.0.0.3" = "00:00:00:00:00:00", "10.0.0.4" = "03:bf:0a:00:00:04" }
      |                                                               ^^^^^^^^^^^^^^^^^^^ station.a.neighbours.10.0.0.4
      |
      = help: no device has such an address: use that of the neighbour

    warning: the switch does not use the entry of 01:00:5e:00:00:02
     --> lab.toml:9:8
      |
    9 | fdb = [{ mac = "01:00:5e:00:00:02", port = "a" }]
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ switch.sw0.fdb[1]
      |
      = help: it floods frames for group addresses

    4 warnings
    "#);
}

#[test]
fn ports_that_the_kernel_refuses() {
    let text = r#"
        [nic.eth0]
        [macvlan.c1]
        parent = "eth0"
        mac = "02:00:00:00:00:01"
        [macvlan.p]
        parent = "c1"
        mode = "passthru"
        [macvlan.c2]
        parent = "eth0"
        mac = "02:00:00:00:00:01"
        [nic.eth1]
        [macvlan.q]
        parent = "eth1"
        mode = "passthru"
        [macvlan.c3]
        parent = "eth1"
    "#;
    assert_snapshot!(warned(text), @r#"
    warning: the kernel refuses `p`: EINVAL (Invalid argument)
     --> lab.toml:5:10
      |
    5 | [macvlan.p]
      |          ^ macvlan.p
      |
      = help: rule R50: A passthru port is the only port on its parent and has the parent's MAC address.

    warning: the kernel does not bring up `c2`: EADDRINUSE (Address already in use)
     --> lab.toml:8:10
      |
    8 | [macvlan.c2]
      |          ^^ macvlan.c2
      |
     ::: lab.toml:2:10
      |
    2 | [macvlan.c1]
      |          -- `c1` is in the way
      |
      = help: rule R83: A port cannot come up while its MAC address is the parent's or an active sibling's.

    warning: the kernel refuses `c3`: EINVAL (Invalid argument)
      --> lab.toml:15:10
       |
    15 | [macvlan.c3]
       |          ^^ macvlan.c3
       |
      ::: lab.toml:12:10
       |
    12 | [macvlan.q]
       |          - `q` is in the way
       |
       = help: rule R50: A passthru port is the only port on its parent and has the parent's MAC address.

    3 warnings
    "#);
}

#[test]
fn what_the_lab_expects_to_be_refused_is_meant() {
    let text = r#"
        [nic.eth0]
        [macvlan.c1]
        parent = "eth0"
        mac = "02:00:00:00:00:01"
        [macvlan.p]
        parent = "eth0"
        mode = "passthru"
        expect = "EINVAL"
        [macvlan.c2]
        parent = "eth0"
        mac = "02:00:00:00:00:01"
        expect = "EADDRINUSE"
    "#;
    assert_snapshot!(warned(text), @"");
}
