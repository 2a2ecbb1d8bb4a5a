//! Errors about names: declarations, wiring and targets.

use super::diagnosed;
use insta::assert_snapshot;

#[test]
fn address_families() {
    let text = r#"
        [nic.eth0]
        address = ["192.168.128.130/24"]
        gateway = "fd00::1"
        neighbours = { "fd00::2" = "02:00:00:00:00:01" }

        [station.win]
        address = ["192.168.128.1/24"]
        gateway = ["192.168.128.2", "192.168.128.3"]

        [station.six]
        address = ["fd00::6/64"]

        [[step]]
        ping = { from = "win", to = "fd00::2" }
        [[step]]
        ping = { from = "win", to = "six" }
        [[step]]
        arping = { from = "six", to = "win" }
        [[step]]
        inject = { at = "win", icmp = { from = "192.168.128.1", to = "fd00::2", dst = "six" } }
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: fd00::1 cannot be used by a device without an IPv6 address
     --> lab.toml:3:11
      |
    3 | gateway = "fd00::1"
      |           ^^^^^^^^^ nic.eth0.gateway
      |
      = help: add one in `address`

    error: fd00::2 cannot be used by a device without an IPv6 address
     --> lab.toml:4:16
      |
    4 | neighbours = { "fd00::2" = "02:00:00:00:00:01" }
      |                ^^^^^^^^^ nic.eth0.neighbours.fd00::2
      |
      = help: add one in `address`

    error: more than one router of one address family
     --> lab.toml:8:11
      |
    8 | gateway = ["192.168.128.2", "192.168.128.3"]
      |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ station.win.gateway
      |
      = help: give one for IPv4 and one for IPv6

    error: `win` has no IPv6 address to reach fd00::2 from
      --> lab.toml:14:8
       |
    14 | ping = { from = "win", to = "fd00::2" }
       |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ step[1].ping

    error: `win` and `six` have no IP addresses of a common family
      --> lab.toml:16:8
       |
    16 | ping = { from = "win", to = "six" }
       |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ step[2].ping

    error: `six` has no IPv4 address to send from
      --> lab.toml:18:10
       |
    18 | arping = { from = "six", to = "win" }
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ step[3].arping

    error: 192.168.128.1 and fd00::2 belong to different address families
      --> lab.toml:20:62
       |
    20 | inject = { at = "win", icmp = { from = "192.168.128.1", to = "fd00::2", dst = "six" } }
       |                                                              ^^^^^^^^^ step[4].inject.icmp.to

    7 errors
    "#);
}

#[test]
fn a_family_less_asker() {
    let text = r#"
        [nic.eth0]
        address = ["fd00::1/64"]
        [[step]]
        arping = { from = "eth0", to = "fd00::2" }
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `eth0` has no IPv4 address to send from
     --> lab.toml:4:10
      |
    4 | arping = { from = "eth0", to = "fd00::2" }
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ step[1].arping
    "#);
}

#[test]
fn no_address_to_ping_from() {
    let text = r#"
        [nic.eth0]
        [station.win]
        address = ["192.168.128.1/24"]
        [[step]]
        ping = { from = "eth0", to = "win" }
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `eth0` has no address to send from
     --> lab.toml:5:8
      |
    5 | ping = { from = "eth0", to = "win" }
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ step[1].ping
    "#);
}

#[test]
fn parents() {
    let text = r#"
        [nic.eth0]
        [station.win]
        [macvlan.c1]
        parent = "eht0"
        [macvlan.c2]
        parent = "win"
        [macvlan.c3]
        [vlan.v10]
        parent = "c1"
        id = 10
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: there is no device `eht0`
     --> lab.toml:4:10
      |
    4 | parent = "eht0"
      |          ^^^^^^ macvlan.c1.parent
      |
      = help: did you mean `eth0`?

    error: `win` is a station
     --> lab.toml:6:10
      |
    6 | parent = "win"
      |          ^^^^^ macvlan.c2.parent
      |
      = help: a parent is a NIC, a dummy, a bond, a VLAN sub-interface, a switch, a macvlan or a macvtap

    error: the key `parent` is missing
     --> lab.toml:7:1
      |
    7 | [macvlan.c3]
      | ^^^^^^^^^^^^ macvlan.c3

    error: `c1` is a macvlan port
     --> lab.toml:9:10
      |
    9 | parent = "c1"
      |          ^^^^ vlan.v10.parent
      |
      = help: the device below a VLAN sub-interface is a NIC, a dummy, a bond or another VLAN sub-interface

    4 errors
    "#);
}

#[test]
fn loop_of_parents() {
    let text = r#"
        [macvlan.a]
        parent = "b"
        [macvlan.b]
        parent = "a"
        [macvlan.c]
        parent = "c"
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: the parents of `a` form a loop
     --> lab.toml:1:10
      |
    1 | [macvlan.a]
      |          ^ a
      |
      = help: a chain of parents ends at a NIC

    error: the parents of `c` form a loop
     --> lab.toml:5:10
      |
    5 | [macvlan.c]
      |          ^ c
      |
      = help: a chain of parents ends at a NIC

    2 errors
    "#);
}

#[test]
fn name_used_twice() {
    let text = r#"
        [nic.eth0]
        [macvlan.c1]
        parent = "eth0"
        [station.c1]
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: the name `c1` is used twice
     --> lab.toml:4:10
      |
    4 | [station.c1]
      |          ^^ station.c1
      |
     ::: lab.toml:2:10
      |
    2 | [macvlan.c1]
      |          -- already the name of a macvlan port
    "#);
}

#[test]
fn impossible_names() {
    let text = r#"
        [nic."eth 0"]
        [nic.an-interface-name]
        [nic."a/b"]
        [nic.""]
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `eth 0` is not a possible name
     --> lab.toml:1:6
      |
    1 | [nic."eth 0"]
      |      ^^^^^^^ nic.eth 0
      |
      = help: a name consists of visible ASCII characters without `/` and `:`

    error: `an-interface-name` is not a possible name
     --> lab.toml:2:6
      |
    2 | [nic.an-interface-name]
      |      ^^^^^^^^^^^^^^^^^ nic.an-interface-name
      |
      = help: a name has 1 to 15 characters

    error: `a/b` is not a possible name
     --> lab.toml:3:6
      |
    3 | [nic."a/b"]
      |      ^^^^^ nic.a/b
      |
      = help: a name consists of visible ASCII characters without `/` and `:`

    error: `` is not a possible name
     --> lab.toml:4:6
      |
    4 | [nic.""]
      |      ^^ nic.
      |
      = help: a name has 1 to 15 characters

    4 errors
    "#);
}

#[test]
fn switch_port_names() {
    let text = r#"
        [nic.eth0]
        [nic."sw0.eth0"]
        [switch.sw0.port.eth0]
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `sw0.eth0` is the name of the port of `sw0` for `eth0`
     --> lab.toml:2:6
      |
    2 | [nic."sw0.eth0"]
      |      ^^^^^^^^^^ sw0.eth0
      |
      = help: choose another name
    "#);
}

#[test]
fn wired_twice() {
    let text = r#"
        [nic.eth0]
        cable = "win"
        [nic.eth1]
        [station.win]
        [switch.sw0.port.eth0]
        [switch.sw0.port.eth1]
        [switch.sw1.port.eth1]
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `eth0` has one cable and is wired twice
     --> lab.toml:5:18
      |
    5 | [switch.sw0.port.eth0]
      |                  ^^^^ switch.sw0.port.eth0
      |
     ::: lab.toml:2:9
      |
    2 | cable = "win"
      |         ----- its cable goes here already

    error: `eth1` has one cable and is wired twice
     --> lab.toml:7:18
      |
    7 | [switch.sw1.port.eth1]
      |                  ^^^^ switch.sw1.port.eth1
      |
     ::: lab.toml:6:18
      |
    6 | [switch.sw0.port.eth1]
      |                  ---- its cable goes here already

    2 errors
    "#);
}

#[test]
fn cable_to_nowhere() {
    let text = r#"
        [nic.eth0]
        cable = "wim"
        [station.win]
        [macvlan.c1]
        parent = "eth0"
        [switch.sw0.port.c1]
        [switch.sw0.port.eth9]
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: there is no device `wim`
     --> lab.toml:2:9
      |
    2 | cable = "wim"
      |         ^^^^^ nic.eth0.cable
      |
      = help: did you mean `win`?

    error: `c1` is a macvlan port
     --> lab.toml:6:18
      |
    6 | [switch.sw0.port.c1]
      |                  ^^ switch.sw0.port.c1
      |
      = help: NICs, stations and router interfaces have cables; another device needs the switch as its `master`

    error: there is no device `eth9`
     --> lab.toml:7:18
      |
    7 | [switch.sw0.port.eth9]
      |                  ^^^^ switch.sw0.port.eth9
      |
      = help: did you mean `eth0`?

    3 errors
    "#);
}

#[test]
fn unknown_device_in_a_step() {
    let text = r#"
        [nic.eth0]
        [macvlan.c1]
        parent = "eth0"
        [[step]]
        remove = "c2"
        [[step]]
        add = { macvlan = "c3", parent = "eth0" }
        [[step]]
        remove = "c3"
        [[step]]
        inject = { at = "c1", from = "wire", frame = "00" }
        [[step]]
        inject = { at = "c1", frame = "00" }
        expect = { delivered = ["c9"] }
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: there is no device `c2`
     --> lab.toml:5:10
      |
    5 | remove = "c2"
      |          ^^^^ step[1].remove
      |
      = help: did you mean `c1`?

    error: `c1` is a macvlan port
      --> lab.toml:11:17
       |
    11 | inject = { at = "c1", from = "wire", frame = "00" }
       |                 ^^^^ step[4].inject.at
       |
       = help: only a NIC has a wire that frames arrive from

    error: there is no device `c9`
      --> lab.toml:14:25
       |
    14 | expect = { delivered = ["c9"] }
       |                         ^^^^ step[5].expect.delivered[1]
       |
       = help: did you mean `c1`?

    3 errors
    "#);
}

#[test]
fn routers_are_named_by_interface() {
    let text = r#"
        [router.r1]
        interfaces = [{ address = ["10.0.0.1/24"] }]
        [switch.sw0.port.r1]
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `r1` is a router
     --> lab.toml:3:18
      |
    3 | [switch.sw0.port.r1]
      |                  ^^ switch.sw0.port.r1
      |
      = help: name one of its interfaces, as in `r1.0`
    "#);
}
