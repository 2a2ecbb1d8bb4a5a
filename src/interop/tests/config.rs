//! Configurations of distributions and containers.

use super::*;
use crate::frame::MacAddr;
use crate::macvlan::Mode;

fn keyfile(rest: &str) -> String {
    format!(
        "[connection]\nid=shim\ntype=macvlan\ninterface-name=shim0\n\n[macvlan]\n{rest}\n\
             [connection]\nid=lan\nuuid=0f\ntype=ethernet\ninterface-name=eno1\n[ipv4]\nmethod=auto\n"
    )
}

#[test]
fn keyfiles_have_modes_by_number() {
    for (text, mode) in [
        ("mode=1\nparent=0f\ntap=true\n", Mode::Vepa),
        ("mode=2\nparent=eno1\n", Mode::Bridge),
        ("mode=3\nparent=lan\n", Mode::Private),
        ("mode=4\nparent=0f\npromiscuous=false\n", Mode::Passthru),
    ] {
        let imported = imported(&keyfile(text));
        let shim = port(&imported, "shim0");
        assert_eq!((shim.mode, shim.parent.as_str()), (mode, "eno1"));
        assert_eq!((shim.tap, shim.flags.nopromisc), (text.contains("tap"), text.contains("false")));
    }
    for (text, note) in [
        ("parent=eno1\n", "wrong: `shim0`: no `mode`; a keyfile has 1 (vepa), 2 (bridge)"),
        ("mode=bridge\nparent=eno1\n", "wrong: `shim0`: mode `bridge`; a keyfile has 1"),
        ("mode=2\nparent=eno1\npromiscuous=false\n", "`promiscuous=false` is for mode 4 (passthru) only"),
        ("mode=2\n", "wrong: `shim0`: a macvlan needs `parent`: NetworkManager refuses it"),
    ] {
        let imported = imported(&keyfile(text));
        assert_eq!(names(&imported), ["eno1"]);
        assert!(notes(&imported).contains(note), "{note}: {}", notes(&imported));
    }
    let error = refused("[connection]\nid=a\ntype=macvlan\nfoo\n");
    assert!(error.starts_with("input:4:1: `foo` is not a key-value pair"), "{error}");
}

#[test]
fn keyfiles_have_addresses_routes_and_bridges() {
    let read = imported(
        "[connection]\nid=br\nuuid=b\ntype=bridge\ninterface-name=br0\n[ipv4]\nmethod=manual\n\
         address1=192.0.2.5/24,192.0.2.1\naddresses=192.0.2.6/24;\nroute1=198.51.100.0/24,192.0.2.2,50\n\
         [connection]\nid=port\ntype=ethernet\ninterface-name=eno1\nmaster=b\nslave-type=bridge\n[bridge-port]\nhairpin-mode=true\n\
         [connection]\nid=mv\ntype=macvlan\ninterface-name=mv0\n[macvlan]\nmode=2\nparent=br\n[ipv4]\naddress1=x/24\n\
         [connection]\nid=w\ntype=wifi\n",
    );
    let br0 = read.lab.switches.iter().find(|switch| switch.name == "br0").unwrap();
    assert_eq!((br0.ip.address.len(), br0.ip.gateway.len()), (2, 1));
    assert!(br0.ports[0].flags.hairpin);
    assert_eq!(port(&read, "mv0").parent, "br0");
    assert_eq!(read.lab.hosts[0].config.routes.len(), 1);
    let notes = notes(&read);
    assert!(
        notes.contains("wrong: `x/24` is not an address") && notes.contains("a connection of type wifi"),
        "{notes}"
    );
}

#[test]
fn interfaces_run_their_commands() {
    let read = imported(
        "auto lo\niface lo inet loopback\nallow-hotplug eth0\niface eth0 inet dhcp\n  hwaddress ether 02:00:00:00:00:01\n\
         iface eth0:1 inet static\n  address 192.0.2.7\n  netmask 255.255.255.0\n\
         iface mv0 inet static\n  pre-up ip link add link eth0 name ${IFACE} type macvlan \\\n   mode private || true\n\
         \x20 address 192.0.2.9/24\n  gateway 10.9.9.9\n  up ip route add 198.51.100.0/24 dev $IFACE\n  down ip link del mv0\n\
         iface vlan20 inet manual\n  vlan-raw-device eth0\nsource /etc/network/interfaces.d/*\n\
         iface br1 inet static\n  bridge_ports eth0.5 none\n  bridge_vlan_aware yes\n  address 203.0.113.1/24\n\
         \x20 address-virtual 00:00:5e:00:01:01 203.0.113.9/24\n",
    );
    let mv0 = port(&read, "mv0");
    assert_eq!((mv0.mode, mv0.up, mv0.parent.as_str()), (Mode::Private, true, "eth0"));
    assert_eq!(port(&read, "br1-v0").mode, Mode::Private);
    assert_eq!(port(&read, "br1-v0").mac, Some(MacAddr([0, 0, 0x5e, 0, 1, 1])));
    assert!(names(&read).contains(&"vlan20"), "{:?}", names(&read));
    let routes = &read.lab.hosts[0].config.routes;
    assert!(routes.iter().any(|route| route.to.to_string() == "198.51.100.0/24"), "{routes:?}");
    let notes = notes(&read);
    assert!(notes.contains("the gateway 10.9.9.9 of `mv0` is in none of its subnets"), "{notes}");
    assert!(notes.contains("interfaces.d/*`: give that file as another input"), "{notes}");
    let error = refused("iface eth0 inet dhcp\nauto x\n  address 1.2.3.4\n");
    assert_eq!(error, "input:3:1: `address 1.2.3.4` belongs to no interface");
    assert_eq!(refused("iface a inet dhcp\niface\n"), "input:2:1: `iface` without a name");
}

#[test]
fn lines_of_interfaces_have_a_limit() {
    let text =
        format!("iface eth0 inet dhcp\n{}", "up ip link add $IFACE.1 link eth0 type macvlan\n".repeat(499))
            + "up ip addr add 192.0.2.8/24 dev eth0\nup ip addr add 192.0.2.9/24 dev eth0\n";
    let file = imported(&text).lab_file();
    assert!(file.contains("192.0.2.8") && !file.contains("192.0.2.9/"), "{file}");
    let line = format!("iface eth0 inet manual\nup {}", "ip addr add 192.0.2.1/24 dev e; ".repeat(16));
    let file = imported(&format!("{line} ip addr add 192.0.2.99/24 dev e\n")).lab_file();
    assert!(file.contains("192.0.2.1/24") && !file.contains("192.0.2.99"), "{file}");
}

#[test]
fn openwrt_ignores_what_it_does_not_know() {
    let device = |rest: &str| {
        format!(
            "config device\n\toption type 'macvlan'\n\toption ifname 'eth1'\n\toption name 'wan1'\n{rest}\
                 config interface 'w'\n\toption device 'wan1'\n\toption proto 'dhcp'\n"
        )
    };
    for (rest, mode, note) in [
        ("\toption mode 'bridge'\n", Mode::Bridge, ""),
        ("", Mode::Vepa, "default: netifd leaves the mode to the kernel where none is given"),
        (
            "\toption macvlan_mode 'bridge'\n",
            Mode::Vepa,
            "wrong: `wan1`: netifd ignores the option `macvlan_mode`",
        ),
        (
            "\toption mode 'brigde'\n",
            Mode::Vepa,
            "wrong: `wan1`: netifd knows no mode `brigde` and ignores it",
        ),
    ] {
        let imported = imported(&device(rest));
        assert_eq!(port(&imported, "wan1").mode, mode, "{rest}");
        assert!(notes(&imported).contains(note), "{}", notes(&imported));
        assert!(imported.lab_file().contains("stands for it"));
    }
    let old = imported(
        "package network\nconfig interface lan\n\toption type bridge\n\toption ifname 'eth0.1 eth2'\n\toption proto static\n\
         \toption ipaddr 192.0.2.1\n\toption netmask 255.255.255.0\n\toption gateway 198.51.100.1\n\
         config device\n\toption type macvlan\n\toption name m\nconfig bridge-vlan\nconfig route\n\toption interface lan\n\
         \toption target 10.0.0.0\n\toption netmask 255.0.0.0\n\toption gateway 192.0.2.2\n",
    );
    assert!(old.lab.switches.iter().any(|switch| switch.name == "br-lan"));
    assert_eq!(old.lab.hosts[0].config.routes[0].to.to_string(), "10.0.0.0/8");
    let notes = notes(&old);
    for note in [
        "needs `ifname`: netifd does not make it",
        "the gateway 198.51.100.1 of `br-lan` is in none",
        "config bridge-vlan",
    ] {
        assert!(notes.contains(note), "{note}: {notes}");
    }
    assert_eq!(refused("config device\n option name 'x\n"), "input:2:1: a quote is not closed");
    assert!(refused("config device\n option name x\nfoo\n").starts_with("input:3:1: not a line of UCI"));
}

#[test]
fn containers_of_lxc_are_private_by_default() {
    let read = imported(
        "lxc.uts.name = a\nlxc.net.0.type = macvlan\nlxc.net.0.link = eno1\nlxc.net.0.ipv4.address = 192.0.2.2/24\n\
         lxc.net.1.type = veth\nlxc.net.1.link = lxcbr0\nlxc.net.1.hwaddr = 00:16:3e:xx:xx:xx\n",
    );
    assert_eq!(port(&read, "a.eth0").mode, Mode::Private);
    assert!(notes(&read).contains("default: LXC uses mode private where none is given"));
    let old = imported(
        "lxc.utsname = b\nlxc.network.type = macvlan\nlxc.network.macvlan.mode = bridge\nlxc.network.link = eno1\n\
         lxc.network.ipv4 = 192.0.2.3/24 192.0.2.255\nlxc.network.ipv4.gateway = 192.0.2.1\n\
         lxc.network.type = macvlan\nlxc.network.macvlan.mode = brige\nlxc.network.link = eno1\n\
         lxc.network.type = phys\n",
    );
    assert_eq!((port(&old, "b").mode, port(&old, "b").ip.gateway.len()), (Mode::Bridge, 1));
    let notes = notes(&old);
    assert!(notes.contains("wrong: `b`: LXC knows no mode `brige`, and refuses the container"), "{notes}");
    assert!(notes.contains("an interface of type phys needs `link`"), "{notes}");
    assert_eq!(refused("lxc.net.0.type = veth\nfoo\n"), "input:2:1: `foo` has no `=`: LXC refuses the file");
}

#[test]
fn netplan_is_refused_with_the_way_out() {
    let error = refused("network:\n  version: 2\n  macvlans:\n    mv0: {}\n");
    assert!(
        error.starts_with("input:3:3: netplan has no macvlans: it refuses the key `macvlans`; give"),
        "{error}"
    );
    assert!(refused("network:\n  ethernets: {}\n").contains("so this describes none"));
    assert!(format_of(&Source::new("x", "network:\n  foo: 1\n")).is_none());
}

#[test]
fn devices_of_configurations_have_a_limit() {
    let text: String = (0..5_100).map(|number| format!("iface x{number} inet manual\n")).collect();
    let read = imported(&text);
    assert!(names(&read).len() <= 5_001 && notes(&read).contains("everything after the first 5000 devices"));
}

#[test]
fn vlan_0_is_no_sub_interface() {
    for (vlan, made) in [("0", 0), ("1", 1), ("4094", 1), ("4095", 0)] {
        let text = format!(
            "auto eth0.{vlan}\niface eth0.{vlan} inet static\n  address 192.0.2.1/24\n  vlan-raw-device eth0\n"
        );
        let read = imported(&text);
        let vlans = read.lab.devices.iter().filter(|device| matches!(device.kind, DeviceKind::Vlan(_)));
        assert_eq!(vlans.count(), made, "{}", read.lab_file());
    }
}
