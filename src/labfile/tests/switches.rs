//! Errors about switches.

use super::diagnosed;
use insta::assert_snapshot;

#[test]
fn vlan_membership() {
    let text = r#"
        [nic.eth0]
        [switch.sw0.port.eth0]
        vlan = { pvid = 10, tagged = [20] }
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: the port is not a member of its own VLAN 10
     --> lab.toml:3:17
      |
    3 | vlan = { pvid = 10, tagged = [20] }
      |                 ^^ switch.sw0.port.eth0.vlan.pvid
      |
      = help: put 10 into `untagged`, or into `tagged`
    "#);
}

#[test]
fn not_supported_yet() {
    let text = r#"
        [nic.eth0]
        [switch.sw0]
        mcast_snooping = true
        [switch.sw0.port.eth0]
        neigh_suppress = true
        hairpinn = true
        [[step]]
        set = { switch = "sw0", port = "eth0", guard = true }
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `mcast_snooping` is not supported yet
     --> lab.toml:3:1
      |
    3 | mcast_snooping = true
      | ^^^^^^^^^^^^^^ switch.sw0.mcast_snooping
      |
      = help: a Linux bridge supports it; this switch does not

    error: `neigh_suppress` is not supported yet
     --> lab.toml:5:1
      |
    5 | neigh_suppress = true
      | ^^^^^^^^^^^^^^ switch.sw0.port.eth0.neigh_suppress
      |
      = help: a Linux bridge supports it; this switch does not

    error: unknown key `hairpinn`
     --> lab.toml:6:1
      |
    6 | hairpinn = true
      | ^^^^^^^^ switch.sw0.port.eth0.hairpinn
      |
      = help: did you mean `hairpin`?

    error: `guard` is not supported yet
     --> lab.toml:8:40
      |
    8 | set = { switch = "sw0", port = "eth0", guard = true }
      |                                        ^^^^^ step[1].set.guard
      |
      = help: a Linux bridge supports it; this switch does not

    4 errors
    "#);
}

#[test]
fn policies() {
    let text = r#"
        [nic.eth0]
        [nic.eth1]
        [switch.sw0]
        policy = "vmwere"
        [switch.sw0.port.eth0]
        policy = { kind = "vmware", promiscuous = "yes" }
        [switch.sw0.port.eth1]
        policy = { kind = "wifi", promiscuous = "accept" }
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `vmwere` is not a policy
     --> lab.toml:4:10
      |
    4 | policy = "vmwere"
      |          ^^^^^^^^ switch.sw0.policy
      |
      = help: did you mean `vmware`? use one of `vmware`, `virtualbox`, `hyperv`, `wsl2`, `proxmox-firewall`, `wifi` or `cloud`

    error: `yes` is not a setting
     --> lab.toml:6:43
      |
    6 | policy = { kind = "vmware", promiscuous = "yes" }
      |                                           ^^^^^ switch.sw0.port.eth0.policy.promiscuous
      |
      = help: use one of `accept` or `reject`

    error: unknown key `promiscuous`
     --> lab.toml:8:27
      |
    8 | policy = { kind = "wifi", promiscuous = "accept" }
      |                           ^^^^^^^^^^^ switch.sw0.port.eth1.policy.promiscuous
      |
      = help: use `kind`

    3 errors
    "#);
}

#[test]
fn switch_changes() {
    let text = r#"
        [nic.eth0]
        [nic.eth1]
        [switch.sw0.port.eth0]
        [[step]]
        set = { switch = "sw0", hairpin = true }
        [[step]]
        set = { switch = "sw0", port = "eth1", hairpin = true }
        [[step]]
        set = { switch = "sw0", port = "eth0", ageing = "1s" }
        [[step]]
        set = { switch = "sw0", fdb = { mac = "02:00:00:00:00:01", port = "eht0" } }
        [[step]]
        set = { up = true }
    "#;
    assert_snapshot!(diagnosed(text), @r#"
    error: `hairpin` applies to a port
     --> lab.toml:5:25
      |
    5 | set = { switch = "sw0", hairpin = true }
      |                         ^^^^^^^ step[1].set.hairpin
      |
      = help: add `port = "DEVICE"`

    error: `eth1` is on no port of `sw0`
     --> lab.toml:7:32
      |
    7 | set = { switch = "sw0", port = "eth1", hairpin = true }
      |                                ^^^^^^ step[2].set.port
      |
      = help: did you mean `eth0`?

    error: `ageing` applies to the switch, not to a port
     --> lab.toml:9:40
      |
    9 | set = { switch = "sw0", port = "eth0", ageing = "1s" }
      |                                        ^^^^^^ step[3].set.ageing
      |
      = help: leave `port` out

    error: there is no device `eht0`
      --> lab.toml:11:67
       |
    11 | set = { switch = "sw0", fdb = { mac = "02:00:00:00:00:01", port = "eht0" } }
       |                                                                   ^^^^^^ step[4].set.fdb.port
       |
       = help: did you mean `eth0`?

    error: nothing to set
      --> lab.toml:13:7
       |
    13 | set = { up = true }
       |       ^^^^^^^^^^^^^ step[5].set
       |
       = help: name a `device`, a `switch` or a `host`

    5 errors
    "#);
}
