//! Incus and containerlab.

use super::*;
use crate::macvlan::Mode;

#[test]
fn instances_have_the_devices_of_their_profiles() {
    let text = "name: p\ndevices:\n  eth0: { type: nic, nictype: macvlan, parent: eth1, vlan: 7, mode: vepa }\nused_by: []\n---\n\
                name: a\nprofiles: [default, p]\ndevices: {}\nconfig: { volatile.eth0.hwaddr: '02:00:00:00:00:0a' }\n---\n\
                name: b\nprofiles: [p]\ndevices:\n  eth0: { type: nic, nictype: macvlan, parent: eth2, mode: bridgee }\n\
                \x20 eth1: { type: nic, nictype: bridged, parent: br0 }\n";
    let read = imported(text);
    assert_eq!(read.formats, ["incus"]);
    assert_eq!((port(&read, "a").parent.as_str(), port(&read, "a").mode), ("eth1.7", Mode::Vepa));
    assert_eq!(port(&read, "a").mac.map(|mac| mac.to_string()).as_deref(), Some("02:00:00:00:00:0a"));
    assert_eq!((port(&read, "b").parent.as_str(), port(&read, "b").mode), ("eth2", Mode::Bridge));
    for told in [
        "wrong: Incus refuses the mode `bridgee`",
        "left out: `eth1` of `b`: bridged",
        "guessed: its address is not in the input",
    ] {
        assert!(notes(&read).contains(told), "{told}\n{}", notes(&read));
    }
}

#[test]
fn an_instance_without_a_name_has_that_of_the_file_and_networks_have_parents() {
    let instance = "architecture: x86_64\nconfig: {}\ndevices:\n  lan0: { type: nic, network: out } # nictype: macvlan\n---\n\
                    name: out\ntype: macvlan\nconfig: { parent: eno3 }\nused_by: [/1.0/instances/x]\n";
    let read = import(&[Source::new("d/web.yaml", instance)], None).unwrap();
    assert_eq!(port(&read, "web").parent, "eno3");
    assert!(notes(&read).contains("it has the name of the file"), "{}", notes(&read));
}

#[test]
fn links_of_a_topology_are_macvlans_cables_and_bridges() {
    let text = "topology:\n  nodes:\n    a: { exec: [ip addr add 192.0.2.1/24 dev e1] }\n    b: {}\n    br1: { kind: bridge }\n\
                \x20 links:\n    - endpoints: [a:e1, macvlan:eth3]\n    - endpoints: [a:e2, b:e2]\n    - endpoints: [b:e1, br1:x1]\n\
                \x20   - { type: macvlan, endpoint: { node: b, interface: e3, ipv4: 192.0.2.2/24 }, host-interface: eth3, mode: sourc }\n\
                \x20   - endpoints: [b:e4, mgmt-net:m]\n";
    let read = imported(text);
    assert_eq!((port(&read, "a.e1").mode, port(&read, "a.e1").promisc), (Mode::Bridge, true));
    assert_eq!(addresses(&read, "b.e3"), ["192.0.2.2/24"]);
    assert!(read.lab.switches.iter().any(|switch| switch.name == "br1"));
    for told in ["wrong: containerlab refuses the mode `sourc`", "left out: a link to the management network"]
    {
        assert!(notes(&read).contains(told), "{told}\n{}", notes(&read));
    }
    let bad = "topology:\n  links:\n    - { type: macvlan, endpoint: { node: b, interface: e3 } }\n";
    assert_eq!(refused(bad), "input:3:7: a link of type macvlan without `host-interface`");
}
