//! The kernel's macvlan ports, and macvlab as the switch at the other end of their parent's cable.

use crate::net::{Net, can_run, frames, until};

/// A host with two ports in this mode, each in a separate namespace, and the switch's namespace.
fn host_with_ports(mode: &str) -> Net {
    let net = Net::new(&["switch", "host", "one", "two"]);
    net.veth(("switch", "wire"), ("host", "eth0"));
    for (name, address) in [("one", "10.9.0.1/24"), ("two", "10.9.0.2/24")] {
        net.ip(&format!("-n host link add m{name} link eth0 type macvlan mode {mode}"));
        net.ip(&format!("-n host link set m{name} netns {name}"));
        net.address(name, &format!("m{name}"), address);
    }
    net
}

#[test]
fn vepa_ports_reach_each_other_as_long_as_the_switch_reflects() {
    if !can_run(&["ip", "busybox"]) {
        return;
    }
    let net = host_with_ports("vepa");
    let capture = net.dir.path().join("all.pcapng");
    let live =
        net.live("switch", "", &["--attach", "host=af_packet:wire", "--pcap", capture.to_str().unwrap()]);
    assert!(net.pings("one", "10.9.0.2"));
    live.change("set relay.host hairpin=off");
    net.ip("-n one neigh flush all");
    assert!(!net.pings("one", "10.9.0.2"));
    let (_, hops) = live.ctl("dump");
    assert!(hops.contains("ARP who-has 10.9.0.2 tell 10.9.0.1") && hops.contains("R125e"), "{hops}");
    live.change("set relay.host hairpin=on");
    assert!(net.pings("one", "10.9.0.2"));
    let said = live.end("-INT");
    assert!(said.contains("relay.host"), "{said}");
    let echo_request = |f: &Vec<u8>| f.get(12..14) == Some(&[8, 0]) && f.get(23) == Some(&1);
    // At the station and the switch port, on the way in and back.
    assert!(frames(&capture).iter().filter(|f| echo_request(f)).count() >= 8);
}

#[test]
fn private_ports_do_not_hear_each_other_even_then() {
    if !can_run(&["ip", "busybox"]) {
        return;
    }
    let net = host_with_ports("private");
    let live = net.live("switch", "", &["--attach", "host=af_packet:wire"]);
    assert!(!net.pings("one", "10.9.0.2"));
    // The request was reflected: the port ignored it.
    until("the request was reflected", || {
        live.ctl("dump").1.lines().any(|l| l.contains("who-has 10.9.0.2") && l.contains("R126a"))
    });
    // Traffic without broadcasts works.
    let mac = |name: &str| net.run(name, &format!("cat /sys/class/net/m{name}/address")).1.trim().to_owned();
    net.ip(&format!("-n one neigh replace 10.9.0.2 lladdr {} dev mone", mac("two")));
    net.ip(&format!("-n two neigh replace 10.9.0.1 lladdr {} dev mtwo", mac("one")));
    assert!(net.pings("one", "10.9.0.2"));
    live.end("-TERM");
}
