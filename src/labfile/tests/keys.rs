//! Errors in tables, keys and values.

use super::diagnosed;
use insta::assert_snapshot;

#[test]
fn not_toml() {
    let text = r#"
        title = "a
        [nic.eth0]
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: invalid basic string, expected `"`
     --> lab.toml:1:11
      |
    1 | title = "a
      |           ^
    "#);
}

#[test]
fn duplicate_table() {
    let text = r#"
        [nic.eth0]
        [nic.eth0]
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: duplicate key
     --> lab.toml:2:6
      |
    2 | [nic.eth0]
      |      ^^^^
    "#);
}

#[test]
fn unknown_table() {
    let text = r#"
        [macvlann.c1]
        parent = "eth0"

        [nic.eth0]

        [[step]]
        ping = { from = "c1", to = "192.168.128.1" }
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: unknown table `macvlann`
     --> lab.toml:1:2
      |
    1 | [macvlann.c1]
      |  ^^^^^^^^ macvlann
      |
      = help: did you mean `macvlan`?
    "#);
}

#[test]
fn unknown_key() {
    let text = r#"
        [nic.eth0]
        [switch.sw0.port.eth0]
        harpin = true
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: unknown key `harpin`
     --> lab.toml:3:1
      |
    3 | harpin = true
      | ^^^^^^ switch.sw0.port.eth0.harpin
      |
      = help: did you mean `hairpin`?
    "#);
}

#[test]
fn unknown_key_far_from_any() {
    let text = r#"
        [vlan.v]
        parent = "eth0"
        id = 10
        colour = "blue"
        [nic.eth0]
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: unknown key `colour`
     --> lab.toml:4:1
      |
    4 | colour = "blue"
      | ^^^^^^ vlan.v.colour
      |
      = help: use one of `parent`, `id`, `mac`, `mtu`, `up`, `master`, `host`, `address`, `gateway`, `neighbours` or `sysctl`
    "#);
}

#[test]
fn wrong_type() {
    let text = r#"
        [nic.eth0]
        mtu = "1500"
        up = 1
        address = 4
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: expected a whole number, found a string
     --> lab.toml:2:7
      |
    2 | mtu = "1500"
      |       ^^^^^^ nic.eth0.mtu

    error: expected true or false, found a whole number
     --> lab.toml:3:6
      |
    3 | up = 1
      |      ^ nic.eth0.up

    error: expected an IP address or a list of them, found a whole number
     --> lab.toml:4:11
      |
    4 | address = 4
      |           ^ nic.eth0.address

    3 errors
    "#);
}

#[test]
fn unknown_mode() {
    let text = r#"
        [nic.eth0]
        [macvlan.c1]
        parent = "eth0"
        mode = "birdge"
        [[step]]
        set = { device = "c1", mode = "hairpin" }
        [[step]]
        add = { macvlan = "c2", parent = "eth0", mode = "l2" }
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `birdge` is not a mode
     --> lab.toml:4:8
      |
    4 | mode = "birdge"
      |        ^^^^^^^^ macvlan.c1.mode
      |
      = help: did you mean `bridge`? use one of `private`, `vepa`, `bridge`, `passthru` or `source`

    error: `hairpin` is not a mode
     --> lab.toml:6:31
      |
    6 | set = { device = "c1", mode = "hairpin" }
      |                               ^^^^^^^^^ step[1].set.mode
      |
      = help: use one of `private`, `vepa`, `bridge`, `passthru` or `source`

    error: `l2` is not a mode
     --> lab.toml:8:49
      |
    8 | add = { macvlan = "c2", parent = "eth0", mode = "l2" }
      |                                                 ^^^^ step[2].add.mode
      |
      = help: use one of `private`, `vepa`, `bridge`, `passthru` or `source`

    3 errors
    "#);
}

#[test]
fn malformed_mac() {
    let text = r#"
        [nic.eth0]
        mac = "00:0c:29:f1:38"
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `00:0c:29:f1:38` is not a MAC address
     --> lab.toml:2:7
      |
    2 | mac = "00:0c:29:f1:38"
      |       ^^^^^^^^^^^^^^^^ nic.eth0.mac
      |
      = help: six pairs of hex digits, as in "02:42:c0:a8:80:de"
    "#);
}

#[test]
fn bad_addresses() {
    let text = r#"
        [nic.eth0]
        address = ["192.168.128.130", "192.168.128.300/24", "10.0.0.1/33", "fd00::1/129", "10.0.0.1/x"]
        gateway = "192.168.128.1/24"
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `192.168.128.130` is not an IP address with a prefix length
     --> lab.toml:2:12
      |
    2 | address = ["192.168.128.130", "192.168.128.300/24", "10.0.0.1/33", "fd00::1/129", "10.0.0.1/x"]
      |            ^^^^^^^^^^^^^^^^^ nic.eth0.address[1]
      |
      = help: add its prefix length, as in "192.168.128.130/24"

    error: `192.168.128.300` is not an IP address
     --> lab.toml:2:31
      |
    2 | address = ["192.168.128.130", "192.168.128.300/24", "10.0.0.1/33", "fd00::1/129", "10.0.0.1/x"]
      |                               ^^^^^^^^^^^^^^^^^^^^ nic.eth0.address[2]
      |
      = help: as in "192.168.128.222/24"

    error: `/33` is not a prefix length of 10.0.0.1
     --> lab.toml:2:53
      |
    2 | address = ["192.168.128.130", "192.168.128.300/24", "10.0.0.1/33", "fd00::1/129", "10.0.0.1/x"]
      |                                                     ^^^^^^^^^^^^^ nic.eth0.address[3]
      |
      = help: the prefix length of an IPv4 address is from 0 to 32

    error: `/129` is not a prefix length of fd00::1
     --> lab.toml:2:68
      |
    2 | address = ["192.168.128.130", "192.168.128.300/24", "10.0.0.1/33", "fd00::1/129", "10.0.0.1/x"]
      |                                                                    ^^^^^^^^^^^^^ nic.eth0.address[4]
      |
      = help: the prefix length of an IPv6 address is from 0 to 128

    error: `/x` is not a prefix length of 10.0.0.1
     --> lab.toml:2:83
      |
    2 | address = ["192.168.128.130", "192.168.128.300/24", "10.0.0.1/33", "fd00::1/129", "10.0.0.1/x"]
      |                                                                                   ^^^^^^^^^^^^ nic.eth0.address[5]
      |
      = help: the prefix length of an IPv4 address is from 0 to 32

    error: `192.168.128.1/24` is not an IP address
     --> lab.toml:3:11
      |
    3 | gateway = "192.168.128.1/24"
      |           ^^^^^^^^^^^^^^^^^^ nic.eth0.gateway
      |
      = help: omit the prefix length here

    6 errors
    "#);
}

#[test]
fn out_of_range() {
    let text = r#"
        [nic.eth0]
        mtu = 4294967296
        filter = -1
        [vlan.v]
        parent = "eth0"
        id = 4095
        [switch.sw0]
        ageing = "20y"
        group_fwd_mask = 0x10000
        [switch.sw0.port.eth0]
        state = 5
        [[step]]
        wait = "99999999999999999999h"
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: 4294967296 is out of range
     --> lab.toml:2:7
      |
    2 | mtu = 4294967296
      |       ^^^^^^^^^^ nic.eth0.mtu
      |
      = help: use a number from 0 to 4294967295

    error: -1 is out of range
     --> lab.toml:3:10
      |
    3 | filter = -1
      |          ^^ nic.eth0.filter
      |
      = help: use a number from 0 to 4294967295

    error: 4095 is out of range
     --> lab.toml:6:6
      |
    6 | id = 4095
      |      ^^^^ vlan.v.id
      |
      = help: use a number from 1 to 4094

    error: `20y` is not a duration
     --> lab.toml:8:10
      |
    8 | ageing = "20y"
      |          ^^^^^ switch.sw0.ageing
      |
      = help: a number and a unit: "300s", "5ms", "1us", "10ns", "2m" or "1h"

    error: 0x10000 is out of range
     --> lab.toml:9:18
      |
    9 | group_fwd_mask = 0x10000
      |                  ^^^^^^^ switch.sw0.group_fwd_mask
      |
      = help: use a number from 0 to 65535

    error: 5 is not a port state
      --> lab.toml:11:9
       |
    11 | state = 5
       |         ^ switch.sw0.port.eth0.state
       |
       = help: use a number from 0 to 4

    error: `99999999999999999999h` is out of range
      --> lab.toml:13:8
       |
    13 | wait = "99999999999999999999h"
       |        ^^^^^^^^^^^^^^^^^^^^^^^ step[1].wait
       |
       = help: the maximum is ten years

    7 errors
    "#);
}

#[test]
fn sections_without_names() {
    let text = r#"
        nic = "eth0"
        step = 1
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `nic` without a name
     --> lab.toml:1:7
      |
    1 | nic = "eth0"
      |       ^^^^^^ nic
      |
      = help: write [nic.NAME]

    error: expected a list of steps, each starting with [[step]], found a whole number
     --> lab.toml:2:8
      |
    2 | step = 1
      |        ^ step

    2 errors
    "#);
}

#[test]
fn missing_keys() {
    let text = r#"
        [vlan.v]
        [router.r]
        [nic.eth0]
        [switch.s]
        fdb = [{ mac = "02:00:00:00:00:01" }]
        [[step]]
        ping = { from = "eth0" }
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: the key `parent` is missing
     --> lab.toml:1:1
      |
    1 | [vlan.v]
      | ^^^^^^^^ vlan.v

    error: the key `id` is missing
     --> lab.toml:1:1
      |
    1 | [vlan.v]
      | ^^^^^^^^ vlan.v

    error: the key `interfaces` is missing
     --> lab.toml:2:1
      |
    2 | [router.r]
      | ^^^^^^^^^^ router.r

    error: the key `port` is missing
     --> lab.toml:5:8
      |
    5 | fdb = [{ mac = "02:00:00:00:00:01" }]
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ switch.s.fdb[1]

    error: the key `to` is missing
     --> lab.toml:7:8
      |
    7 | ping = { from = "eth0" }
      |        ^^^^^^^^^^^^^^^^^ step[1].ping

    5 errors
    "#);
}

#[test]
fn hostile_text() {
    let text = r#"
        [nic.eth0]
        mac = "\u001b[31mred"
        [macvlan.c1]
        parent = "\u001b[0m\u202e"
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `␛[31mred` is not a MAC address
     --> lab.toml:2:7
      |
    2 | mac = "\u001b[31mred"
      |       ^^^^^^^^^^^^^^^ nic.eth0.mac
      |
      = help: six pairs of hex digits, as in "02:42:c0:a8:80:de"

    error: there is no device `␛[0m�`
     --> lab.toml:4:10
      |
    4 | parent = "\u001b[0m\u202e"
      |          ^^^^^^^^^^^^^^^^^ macvlan.c1.parent

    2 errors
    "#);
}

#[test]
fn a_missing_address_is_no_second_mistake() {
    let text = r#"
        [nic.eth0]
        address = ["fd00::1/640"]
        gateway = "fd00::2"
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `/640` is not a prefix length of fd00::1
     --> lab.toml:2:12
      |
    2 | address = ["fd00::1/640"]
      |            ^^^^^^^^^^^^^ nic.eth0.address[1]
      |
      = help: the prefix length of an IPv6 address is from 0 to 128
    "#);
}
