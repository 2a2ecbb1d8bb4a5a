//! What the namespaces of a machine say together, as the running machine is read.

use super::*;
use crate::lab::spec::HostSpec;
use crate::station::Sysctl;

fn device<'a>(imported: &'a Imported, name: &str) -> &'a DeviceKind {
    let device = imported.lab.devices.iter().find(|device| device.name == name);
    &device.unwrap_or_else(|| panic!("{:?}", names(imported))).kind
}

fn port<'a>(imported: &'a Imported, name: &str) -> &'a MacvlanSpec {
    match device(imported, name) {
        DeviceKind::Macvlan(port) => port,
        other => panic!("{other:?}"),
    }
}

fn host<'a>(imported: &'a Imported, name: &str) -> &'a HostSpec {
    imported
        .lab
        .hosts
        .iter()
        .find(|host| host.name == name)
        .unwrap_or_else(|| panic!("{:?}", imported.lab.hosts))
}

/// A macvlan in its own namespace, on number 2 of one that is not the host's, where there is a number 2 as well.
const SPACES: &str = r#"$ ip -d -j addr
[{"ifindex":2,"ifname":"eth0","flags":["UP"],"mtu":1500,"link_type":"ether","address":"02:00:00:00:00:01",
  "addr_info":[{"family":"inet","local":"192.0.2.1","prefixlen":24}]}]
$ ip -n far -d -j addr
[{"ifindex":2,"ifname":"up0","flags":["UP"],"mtu":9000,"link_type":"ether","address":"02:00:00:00:00:02",
  "addr_info":[{"family":"inet","local":"192.0.2.2","prefixlen":24}]}]
$ ip -n web -d -j addr
[{"ifindex":3,"link_index":2,"ifname":"mv0","flags":["UP"],"mtu":1500,"link_type":"ether","address":"02:00:00:00:00:03",
  "link_netnsid":4,"linkinfo":{"info_kind":"macvlan","info_data":{"mode":"bridge","bcqueuelen":77,"bclim":3}},
  "addr_info":[{"family":"inet","local":"192.0.2.3","prefixlen":24}]}]
$ ip -n web -j netns list-id
[{"nsid":4,"name":"far"}]
"#;

#[test]
fn a_parent_is_found_in_the_namespace_that_has_the_id() {
    let all = imported(SPACES);
    let web = port(&all, "web");
    assert_eq!(
        (web.parent.as_str(), web.mtu, web.bcqueuelen, web.bclim),
        ("far", Some(1500), Some(77), Some(3))
    );
    // Without the list of IDs it is on the host, as most are.
    let (without, _) = SPACES.split_once("$ ip -n web -j netns").unwrap();
    assert_eq!(port(&imported(without), "web").parent, "eth0");
    // A namespace that was not read is told, and its device made.
    let unread = imported(&SPACES.replace("\"far\"", "\"gone\""));
    assert_eq!(port(&unread, "web").parent, "gone");
    assert!(unread.lab_file().contains("taken to be a NIC"), "{}", unread.lab_file());
}

#[test]
fn a_parent_is_found_by_the_name_of_its_namespace_in_text() {
    let text = "$ ip -n far -d link\n\
        2: up0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP\n    link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff\n\
        $ ip -n web -d addr\n\
        3: mv0@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP\n    \
        link/ether 02:00:00:00:00:03 brd ff:ff:ff:ff:ff:ff link-netns far\n    macvlan mode private bcqueuelen 1000\n    \
        inet 192.0.2.3/24 scope global mv0\n";
    let all = imported(text);
    assert_eq!(port(&all, "web").parent, "far");
    assert_eq!(port(&all, "web").bcqueuelen, None);
}

#[test]
fn a_macvlan_of_another_namespace_can_be_a_port_of_a_bridge() {
    let text = SPACES.replace("\"link_index\":2", "\"link_index\":2,\"master\":\"br0\"");
    let all = imported(&text);
    let port = port(&all, "mv0");
    assert_eq!((port.parent.as_str(), port.master.as_deref()), ("far", Some("br0")));
}

#[test]
fn both_ends_of_a_cable_are_found_across_namespaces() {
    let end = |name: &str, index: u32, peer: u32, last: u32| {
        format!(
            "[{{\"ifindex\":{index},\"link_index\":{peer},\"ifname\":\"{name}\",\"flags\":[\"UP\"],\"mtu\":1500,\
             \"link_type\":\"ether\",\"address\":\"02:00:00:00:00:0{last}\",\"link_netnsid\":0,\
             \"linkinfo\":{{\"info_kind\":\"veth\"}},\
             \"addr_info\":[{{\"family\":\"inet\",\"local\":\"192.0.2.{last}\",\"prefixlen\":24}}]}}]\n"
        )
    };
    let (one, two) = (end("a0", 5, 6, 1), end("b0", 6, 5, 2));
    let text = format!(
        "$ ip -n a -d -j addr\n{one}$ ip -n a -j netns list-id\n[{{\"nsid\":0,\"name\":\"b\"}}]\n\
         $ ip -n b -d -j addr\n{two}$ ip -n b -j netns list-id\n[{{\"nsid\":0,\"name\":\"a\"}}]\n"
    );
    let all = imported(&text);
    assert!(all.lab_file().contains("cable"), "{}", all.lab_file());
    assert_eq!(all.lab.devices.len(), 2, "{}", all.lab_file());
}

#[test]
fn devices_of_other_types_are_told() {
    let text = r#"[{"ifindex":2,"ifname":"eth0","flags":["UP"],"mtu":1500,"master":"bond0","link_type":"ether","address":"02:00:00:00:00:01",
      "linkinfo":{"info_slave_kind":"bond"},"addr_info":[]},
     {"ifindex":3,"ifname":"bond0","flags":["UP"],"mtu":1500,"link_type":"ether","address":"02:00:00:00:00:01",
      "linkinfo":{"info_kind":"bond"},"addr_info":[{"local":"192.0.2.1","prefixlen":24}]},
     {"ifindex":4,"link":"bond0","ifname":"iv0","flags":["UP"],"mtu":1500,"link_type":"ether","address":"02:00:00:00:00:01",
      "linkinfo":{"info_kind":"ipvlan"},"addr_info":[{"local":"192.0.2.4","prefixlen":24}]},
     {"ifindex":5,"ifname":"wg0","flags":["UP"],"mtu":1420,"link_type":"none",
      "linkinfo":{"info_kind":"wireguard"},"addr_info":[{"local":"10.9.9.1","prefixlen":24}]},
     {"ifindex":6,"link":"bond0","ifname":"mv0","flags":["UP"],"mtu":1500,"link_type":"ether","address":"02:00:00:00:00:06",
      "linkinfo":{"info_kind":"macvlan","info_data":{"mode":"vepa"}},"addr_info":[{"local":"192.0.2.6","prefixlen":24}]}]"#;
    let all = imported(text);
    assert_eq!(names(&all), ["bond0", "mv0"]);
    let file = all.lab_file();
    assert!(
        file.contains("`iv0` (ipvlan), `wg0` (wireguard): a lab has no devices of these types"),
        "{file}"
    );
    assert!(file.contains("# guessed: a device of type bond is taken to be a NIC\n[nic.bond0]"), "{file}");
    assert!(!file.contains("switch.bond0"), "{file}");
    // The same in text.
    let all = imported(
        "2: eth0: <UP> mtu 1500\n    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff\n    inet 192.0.2.1/24 scope global eth0\n\
         3: iv0@eth0: <UP> mtu 1500\n    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff\n    ipvlan  mode l2 bridge\n    \
         inet 192.0.2.3/24 scope global iv0\n",
    );
    assert_eq!(names(&all), ["eth0"]);
}

#[test]
fn the_loopback_interface_has_addresses_and_no_settings() {
    let all = imported(
        "$ ip -j addr\n[{\"ifindex\":1,\"ifname\":\"lo\",\"flags\":[\"LOOPBACK\",\"UP\"],\"addr_info\":[\
         {\"local\":\"127.0.0.1\",\"prefixlen\":8},{\"local\":\"203.0.113.9\",\"prefixlen\":32},{\"local\":\"::1\",\"prefixlen\":128}]},\
         {\"ifindex\":2,\"ifname\":\"eth0.7\",\"flags\":[\"UP\"],\"link_type\":\"ether\",\"addr_info\":[{\"local\":\"192.0.2.1\",\"prefixlen\":24}]}]\n\
         $ sysctl -a\nnet.ipv4.conf.all.arp_ignore = 1\nnet.ipv4.conf.default.rp_filter = 2\nnet.ipv4.conf.lo.arp_ignore = 1\n\
         net.ipv4.conf.eth0/7.arp_filter = 1\nnet.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 0\n",
    );
    assert_eq!(names(&all), ["eth0.7"]);
    let config = &host(&all, "host").config;
    assert_eq!(config.loopback, ["203.0.113.9/32".parse().unwrap()]);
    assert!(config.forwarding && config.sysctls.is_on(Sysctl::ArpIgnore));
    let DeviceKind::Nic(nic) = device(&all, "eth0.7") else { panic!() };
    assert!(nic.ip.sysctls.is_on(Sysctl::ArpFilter));
    assert!(!all.lab_file().contains("left out"), "{}", all.lab_file());
}

#[test]
fn routes_in_json_are_those_that_were_made() {
    let all = imported(
        "$ ip -j addr\n[{\"ifindex\":2,\"ifname\":\"eth0\",\"flags\":[\"UP\"],\"link_type\":\"ether\",\"addr_info\":[\
         {\"local\":\"192.0.2.1\",\"prefixlen\":24},{\"local\":\"2001:db8::1\",\"prefixlen\":64}]}]\n\
         $ ip -j route\n[{\"dst\":\"198.51.100.0/24\",\"dev\":\"eth0\",\"scope\":\"link\",\"flags\":[]},\
         {\"dst\":\"203.0.113.0/24\",\"flags\":[],\"nexthops\":[{\"gateway\":\"192.0.2.2\",\"dev\":\"eth0\"}]}]\n\
         $ ip -j -6 route\n[{\"dst\":\"default\",\"gateway\":\"2001:db8::9\",\"dev\":\"eth0\",\"metric\":1024,\"flags\":[]}]\n",
    );
    let file = all.lab_file();
    assert!(file.contains("{ to = \"198.51.100.0/24\", dev = \"eth0\" }"), "{file}");
    assert!(file.contains("gateway = \"2001:db8::9\""), "{file}");
    assert!(file.contains("left out: `the route to 203.0.113.0/24 by several gateways`"), "{file}");
}

#[test]
fn namespaces_that_may_not_be_entered_are_told() {
    let all = imported(
        "$ ip -n a -j addr\nsetting the network namespace \"a\" failed: Operation not permitted\n\
         $ ip -n b -j addr\nCannot open network namespace \"b\": Permission denied\n$ ip addr\n\
         2: eth0: <UP> mtu 1500\n    inet 192.0.2.1/24 scope global eth0\n",
    );
    let file = all.lab_file();
    for part in ["\"a\" failed: Operation not permitted", "\"b\": Permission denied"] {
        assert!(file.contains(part), "{file}");
    }
}

#[test]
fn masks_queues_and_groups_are_read_from_commands() {
    let all = imported(
        "ip link add br0 type bridge group_fwd_mask 0x4000\nip link add v1 type veth peer name p1\nip link set p1 master br0\n\
         ip link set p1 type bridge_slave group_fwd_mask 8\nip addr add 192.0.2.1/24 dev v1\n\
         ip link add mv0 link v1 type macvlan mode bridge bcqueuelen 5 bclim 1\nip maddr add 01:00:5e:00:00:05 dev mv0\n\
         ip addr add 192.0.2.2/24 dev mv0\n",
    );
    let switch = &all.lab.switches[0];
    assert_eq!((switch.group_fwd_mask, switch.ports[0].group_fwd_mask), (0x4000, 8));
    let port = port(&all, "mv0");
    assert_eq!((port.bcqueuelen, port.bclim, port.multicast.len()), (Some(5), None, 1));
}

#[test]
fn an_alias_of_a_device_is_no_command_and_no_configuration() {
    let alias =
        r#"x: \"; ip link add bad link eth0 type macvlan; \"\nnetworks:\n  bad:\n    driver: macvlan"#;
    let device = |alias: &str| {
        format!(
            "{}$ ip -d -j addr\n[{{\"ifindex\":2,\"ifname\":\"eth0\",\"flags\":[\"UP\"],\"link_type\":\"ether\",\
             \"ifalias\":\"{alias}\",\"addr_info\":[{{\"local\":\"192.0.2.1\",\"prefixlen\":24}}]}}]\n",
            crate::interop::shell::TRANSCRIPT
        )
    };
    assert_eq!(imported(&device(alias)).lab_file(), imported(&device("")).lab_file());
}
