//! Errors about bridges and bonds: masters, and what is a port of what.

use super::diagnosed;
use crate::labfile::parse;
use insta::assert_snapshot;

#[test]
fn a_device_with_a_master_needs_no_cable_to_it() {
    let lab = "[nic.eth0]\nmaster = \"br0\"\ncable = \"far\"\n[macvlan.c1]\nparent = \"br0\"\n[station.far]\n\
               [switch.br0.port.eth0]\nhairpin = true\n";
    assert!(parse("lab.toml", lab).is_ok());
    let told = |text: &str| {
        let mistakes = parse("lab.toml", text).unwrap_err();
        mistakes.list().iter().map(|d| format!("{}: {}", d.line, d.message)).collect::<Vec<_>>()
    };
    assert_eq!(told("[nic.eth0]\nmaster = \"br1\"\n[switch.br0]\n"), ["2: there is no switch `br1`"]);
    assert_eq!(
        told("[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\n[switch.br0.port.c1]\n"),
        ["4: `c1` is a macvlan port"]
    );
    assert_eq!(
        told("[station.far]\n[switch.br0]\n[[step]]\nset = { device = \"far\", master = \"br0\" }\n"),
        ["4: `far` is a station",]
    );
    // A bridge of a lab that is there gets no new places.
    let lab = parse("lab.toml", "[nic.eth0]\nmaster = \"br0\"\n[nic.eth1]\n[switch.br0]\n").unwrap();
    let step = |text: &str| crate::labfile::parse_step(&lab, text);
    assert!(step("set = { device = \"eth0\", master = \"\" }").is_ok());
    assert!(step("set = { device = \"eth0\", master = \"br0\" }").is_ok());
    let mistakes = step("set = { device = \"eth1\", master = \"br0\" }").unwrap_err();
    assert_eq!(mistakes.list()[0].message, "`br0` has no place for `eth1`");
}

#[test]
fn ports_of_bonds() {
    let text = r#"
        [nic.eth0]
        host = "h"
        [nic.eth1]
        master = "br0"
        [nic.eth2]
        [nic.eth3]
        [macvlan.c1]
        parent = "eth2"
        [bond.bond0]
        ports = ["eth0", "eth1", "eth2", "c1", "eth9"]
        primary = "eth3"
        [bond.bond1]
        ports = ["eth2"]
        prinary = "eth2"
        [bond.bond2]
        ports = "eth3"
        [bond.bond3]
        [host.h]
        [switch.br0]
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `eth0` belongs to the host `h`, and `bond0` does not
      --> lab.toml:10:10
       |
    10 | ports = ["eth0", "eth1", "eth2", "c1", "eth9"]
       |          ^^^^^^ bond.bond0.ports[1]
       |
       = help: give both `host = "h"`, or the NIC none

    error: `eth1` is a port of `br0` already
      --> lab.toml:10:18
       |
    10 | ports = ["eth0", "eth1", "eth2", "c1", "eth9"]
       |                  ^^^^^^ bond.bond0.ports[2]
       |
      ::: lab.toml:4:10
       |
     4 | master = "br0"
       |          ----- here

    error: `c1` is a macvlan port
      --> lab.toml:10:34
       |
    10 | ports = ["eth0", "eth1", "eth2", "c1", "eth9"]
       |                                  ^^^^ bond.bond0.ports[4]
       |
       = help: a port of a bond is a NIC

    error: there is no device `eth9`
      --> lab.toml:10:40
       |
    10 | ports = ["eth0", "eth1", "eth2", "c1", "eth9"]
       |                                        ^^^^^^ bond.bond0.ports[5]
       |
       = help: did you mean `eth0`?

    error: `eth3` is no port of `bond0`
      --> lab.toml:11:11
       |
    11 | primary = "eth3"
       |           ^^^^^^ bond.bond0.primary
       |
       = help: the primary port is one of `ports`

    error: `eth2` is a port of `bond0` already
      --> lab.toml:13:10
       |
    13 | ports = ["eth2"]
       |          ^^^^^^ bond.bond1.ports[1]
       |
      ::: lab.toml:10:26
       |
    10 | ports = ["eth0", "eth1", "eth2", "c1", "eth9"]
       |                          ------ here

    error: unknown key `prinary`
      --> lab.toml:14:1
       |
    14 | prinary = "eth2"
       | ^^^^^^^ bond.bond1.prinary
       |
       = help: did you mean `primary`?

    error: expected a list of NICs, found a string
      --> lab.toml:16:9
       |
    16 | ports = "eth3"
       |         ^^^^^^ bond.bond2.ports

    error: the key `ports` is missing
      --> lab.toml:17:1
       |
    17 | [bond.bond3]
       | ^^^^^^^^^^^^ bond.bond3

    9 errors
    "#);
}

#[test]
fn steps_of_bonds() {
    let text = r#"
        [nic.eth0]
        [macvlan.c1]
        parent = "eth0"
        [bond.bond0]
        ports = []
        [[step]]
        set = { device = "c1", master = "bond0" }
        [[step]]
        set = { device = "eth0", active = "eth0" }
        [[step]]
        set = { device = "bond0", active = "c1" }
        [[step]]
        set = { device = "eth0", master = "c1" }
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `c1` is a macvlan port
     --> lab.toml:7:33
      |
    7 | set = { device = "c1", master = "bond0" }
      |                                 ^^^^^^^ step[1].set.master
      |
      = help: a port of a bond is a NIC

    error: `eth0` is a NIC
     --> lab.toml:9:18
      |
    9 | set = { device = "eth0", active = "eth0" }
      |                  ^^^^^^ step[2].set.device
      |
      = help: only a bond has this

    error: `c1` is a macvlan port
      --> lab.toml:11:36
       |
    11 | set = { device = "bond0", active = "c1" }
       |                                    ^^^^ step[3].set.active
       |
       = help: a port of a bond is a NIC

    error: `c1` is a macvlan port
      --> lab.toml:13:35
       |
    13 | set = { device = "eth0", master = "c1" }
       |                                   ^^^^ step[4].set.master
       |
       = help: it must be a switch or a bond

    4 errors
    "#);
}
