//! Errors in steps.

use super::diagnosed;
use crate::labfile::parse;
use insta::assert_snapshot;

#[test]
fn expectations() {
    let text = r#"
        [nic.eth0]
        [[step]]
        wait = "1s"
        expect = "reply"
        [[step]]
        set = { device = "eth0", up = true }
        expect = { delivered = ["eth0"] }
        [[step]]
        inject = { at = "eth0", frame = "00" }
        expect = "unreachable"
        [[step]]
        remove = "eth0"
        expect = "EINVALID"
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `reply` does not fit `wait`
     --> lab.toml:4:10
      |
    4 | expect = "reply"
      |          ^^^^^^^ step[1].expect
      |
      = help: `wait` can expect `ok`

    error: `delivered` does not fit `set`
     --> lab.toml:7:10
      |
    7 | expect = { delivered = ["eth0"] }
      |          ^^^^^^^^^^^^^^^^^^^^^^^^ step[2].expect
      |
      = help: `set` can expect `ok`, or an error name

    error: `unreachable` does not fit `inject`
      --> lab.toml:10:10
       |
    10 | expect = "unreachable"
       |          ^^^^^^^^^^^^^ step[3].expect
       |
       = help: `inject` can expect `ok`, { delivered = [devices], seen = [devices], answered = [devices], not_delivered = [devices] }, or an error name such as EINVAL

    error: `EINVALID` is not an expectation
      --> lab.toml:13:10
       |
    13 | expect = "EINVALID"
       |          ^^^^^^^^^^ step[4].expect
       |
       = help: did you mean `EINVAL`?

    4 errors
    "#);
}

#[test]
fn frames() {
    let text = r#"
        [nic.eth0]
        [[step]]
        inject = { at = "eth0", frame = "ffff fff" }
        [[step]]
        inject = { at = "eth0" }
        [[step]]
        inject = { at = "eth0", frame = "00", arp = { target_ip = "10.0.0.1" } }
        [[step]]
        inject = { at = "eth0", icmp = { to = "10.0.0.1" } }
        [[step]]
        inject = { at = "eth0", arp = { target_ip = "fd00::1" } }
        [[step]]
        inject = { at = "eth0", ethernet = { vlan = { tpid = 0x9100, id = 4096 } } }
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: byte 4 of the hex text is not two hex digits
     --> lab.toml:3:33
      |
    3 | inject = { at = "eth0", frame = "ffff fff" }
      |                                 ^^^^^^^^^^ step[1].inject.frame
      |
      = help: spaces and colons may separate bytes: "ffff ffff ffff 02:00:…"

    error: there is no frame to inject
     --> lab.toml:5:10
      |
    5 | inject = { at = "eth0" }
      |          ^^^^^^^^^^^^^^^ step[2].inject
      |
      = help: `frame` in hex, or `arp`, `icmp`, `udp` or `ethernet`

    error: `frame` and `arp` in one frame
     --> lab.toml:7:39
      |
    7 | inject = { at = "eth0", frame = "00", arp = { target_ip = "10.0.0.1" } }
      |                                       ^^^ step[3].inject

    error: the MAC address of 10.0.0.1 is unknown
     --> lab.toml:9:39
      |
    9 | inject = { at = "eth0", icmp = { to = "10.0.0.1" } }
      |                                       ^^^^^^^^^^ step[4].inject.icmp.to
      |
      = help: give the frame's `dst`, or name the device instead of its IP address

    error: fd00::1 is an IPv6 address
      --> lab.toml:11:45
       |
    11 | inject = { at = "eth0", arp = { target_ip = "fd00::1" } }
       |                                             ^^^^^^^^^ step[5].inject.arp.target_ip
       |
       = help: ARP handles IPv4 addresses only

    error: 0x9100 is not a tag protocol id
      --> lab.toml:13:54
       |
    13 | inject = { at = "eth0", ethernet = { vlan = { tpid = 0x9100, id = 4096 } } }
       |                                                      ^^^^^^ step[6].inject.ethernet.vlan.tpid
       |
       = help: 0x8100 (802.1Q) or 0x88a8 (802.1ad)

    error: 4096 is out of range
      --> lab.toml:13:67
       |
    13 | inject = { at = "eth0", ethernet = { vlan = { tpid = 0x9100, id = 4096 } } }
       |                                                                   ^^^^ step[6].inject.ethernet.vlan.id
       |
       = help: use a number from 0 to 4095

    7 errors
    "#);
}

#[test]
fn steps() {
    let text = r#"
        [nic.eth0]
        [[step]]
        [[step]]
        wait = "1s"
        remove = "eth0"
        [[step]]
        pimg = { from = "eth0", to = "eth0" }
        [[step]]
        set = { device = "eth0" }
        [[step]]
        set = { device = "eth0", mode = "vepa" }
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: the step has no action
     --> lab.toml:2:1
      |
    2 | [[step]]
      | ^^^^^^^^ step[1]
      |
      = help: use one of `ping`, `arping`, `udp`, `tcp`, `inject`, `set`, `add`, `remove`, `wait` or `replay`

    error: `wait` and `remove` in one step
     --> lab.toml:5:1
      |
    5 | remove = "eth0"
      | ^^^^^^ step[2]
      |
      = help: a step has one action: start another with [[step]]

    error: unknown key `pimg`
     --> lab.toml:7:1
      |
    7 | pimg = { from = "eth0", to = "eth0" }
      | ^^^^ step[3].pimg
      |
      = help: did you mean `ping`?

    error: nothing to change
     --> lab.toml:9:7
      |
    9 | set = { device = "eth0" }
      |       ^^^^^^^^^^^^^^^^^^^ step[4].set
      |
      = help: use one of `up`, `mac`, `mtu`, `promisc`, `allmulticast`, `join`, `leave`, `host`, `address`, `neighbours`, `sysctl`, `master`, `active`, `mode`, `flags`, `bcqueuelen`, `bclim` or `sources`

    error: `eth0` is a NIC
      --> lab.toml:11:18
       |
    11 | set = { device = "eth0", mode = "vepa" }
       |                  ^^^^^^ step[5].set.device
       |
       = help: only a macvlan or macvtap has this

    5 errors
    "#);
}

#[test]
fn an_inline_port_added_by_a_step() {
    let text = r#"
        [nic.eth0]
        [[step]]
        add = { macvlan = "a name", parent = "eth0", up = "yes" }
        [[step]]
        add = { parent = "eth0" }
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `a name` is not a possible name
     --> lab.toml:3:19
      |
    3 | add = { macvlan = "a name", parent = "eth0", up = "yes" }
      |                   ^^^^^^^^ step[1].add.macvlan
      |
      = help: a name consists of visible ASCII characters without `/` and `:`

    error: expected true or false, found a string
     --> lab.toml:3:51
      |
    3 | add = { macvlan = "a name", parent = "eth0", up = "yes" }
      |                                                   ^^^^^ step[1].add.up

    error: the key `macvlan` is missing
     --> lab.toml:5:7
      |
    5 | add = { parent = "eth0" }
      |       ^^^^^^^^^^^^^^^^^^^ step[2].add

    3 errors
    "#);
}

#[test]
fn replay() {
    let text = r#"
        [nic.eth0]
        [[step]]
        replay = { capture = "", at = "eth1" }
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: the path is empty
     --> lab.toml:3:22
      |
    3 | replay = { capture = "", at = "eth1" }
      |                      ^^ step[1].replay.capture

    error: there is no device `eth1`
     --> lab.toml:3:31
      |
    3 | replay = { capture = "", at = "eth1" }
      |                               ^^^^^^ step[1].replay.at
      |
      = help: did you mean `eth0`?

    2 errors
    "#);
}

#[test]
fn what_is_wrong_about_an_expected_table() {
    let told = |expect: &str| {
        let lab = "[nic.eth0]\n[nic.eth1]\n[switch.sw0.port.eth0]\n[[step]]\nwait = \"0s\"\n";
        let mistakes = parse("lab.toml", &format!("{lab}expect = {expect}\n")).unwrap_err();
        mistakes.render(false).lines().next().unwrap_or_default().to_owned()
    };
    let fdb = |switch: &str, port: &str| {
        told(&format!(
            "{{ fdb = {{ switch = \"{switch}\", mac = \"02:00:00:00:00:01\", port = \"{port}\" }} }}"
        ))
    };
    assert_eq!(fdb("sw1", "eth0"), "error: there is no switch `sw1`");
    assert_eq!(fdb("sw0", "eth1"), "error: `eth1` is on no port of `sw0`");
    assert_eq!(told("{ fdb = { switch = \"sw0\", port = \"\" } }"), "error: the key `mac` is missing");
    let neighbour =
        |keys: &str| told(&format!("{{ neighbour = {{ device = \"eth0\", ip = \"10.0.0.1\", {keys} }} }}"));
    assert_eq!(neighbour("state = \"stael\""), "error: `stael` is not a state of a neighbour");
    assert_eq!(
        neighbour("state = \"none\", mac = \"02:00:00:00:00:01\""),
        "error: an entry that is not there has no MAC address"
    );
    assert_eq!(
        told("{ neighbour = { device = \"eth0\", ip = \"10.0.0.1\" }, seen = [] }"),
        "error: `neighbour` is expected together with something else"
    );
}
