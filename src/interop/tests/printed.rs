//! What iproute2, bridge-utils and net-tools print, as text and as JSON.

use super::*;
use crate::frame::MacAddr;
use crate::lab::spec::{FdbSpec, NicSpec, SwitchSpec};
use crate::macvlan::Mode;
use crate::switch::{PortState, PortVlans};

fn switch<'a>(imported: &'a Imported, name: &str) -> &'a SwitchSpec {
    imported.lab.switches.iter().find(|switch| switch.name == name).unwrap()
}

fn nic<'a>(imported: &'a Imported, name: &str) -> &'a NicSpec {
    let device = imported.lab.devices.iter().find(|device| device.name == name);
    match &device.unwrap_or_else(|| panic!("{:?}", names(imported))).kind {
        DeviceKind::Nic(nic) => nic,
        other => panic!("{other:?}"),
    }
}

/// A bridge with an uplink, and a container's cable.
const BRIDGE: &str = "ip link add br0 type bridge vlan_filtering 1\nip link set eth0 master br0\n\
                      ip link add v1 type veth peer name p1\nip link set p1 master br0\n\
                      ip addr add 192.0.2.1/24 dev v1\n";

#[test]
fn entries_of_a_bridge_are_made_replaced_and_deleted() {
    let mac = |last| MacAddr([2, 0, 0, 0, 0, last]);
    let all = imported(&format!(
        "{BRIDGE}bridge fdb add 02:00:00:00:00:01 dev eth0 master static\n\
         bridge fdb add 02:00:00:00:00:01 dev p1 master static\n\
         bridge fdb append 02:00:00:00:00:02 dev p1 master static sticky vlan 7\n\
         bridge fdb add 02:00:00:00:00:03 dev p1 master dynamic\n\
         bridge fdb replace 02:00:00:00:00:03 dev eth0 master static\n\
         bridge fdb add 02:00:00:00:00:04 dev eth0\nbridge fdb add 02:00:00:00:00:05 dev eth0 master\n\
         bridge fdb add 02:00:00:00:00:06 dev eth0 master temp\nbridge fdb del 02:00:00:00:00:06 dev eth0 master\n\
         bridge fdb add 01:00:5e:00:00:06 dev eth0 master static\n"
    ));
    let vlan = FdbSpec::new(mac(2), "v1").with_sticky(true).with_vlan(crate::frame::VlanId::new(7).unwrap());
    let made = [vlan, FdbSpec::new(mac(1), "eth0"), FdbSpec::new(mac(3), "eth0")];
    assert_eq!(switch(&all, "br0").fdb, made);
    let notes = notes(&all);
    assert!(
        notes.contains("02:00:00:00:00:04 dev eth0`: without `master` no bridge has the entry"),
        "{notes}"
    );
    assert!(notes.contains("02:00:00:00:00:05 dev eth0 master`: without `static`"), "{notes}");
    assert!(notes.contains("an entry for 01:00:5e:00:00:06"), "{notes}");
}

/// `lan` would have a port for `eth0`, whose name a VLAN of `lan` has; and `.` is no name.
#[test]
fn names_of_ports_and_impossible_names_are_avoided() {
    let imported = imported(
        "ip link add lan type bridge\nip link set eth0 master lan\n\
         ip link add name lan.eth0 type macvlan mode bridge\nip link add link eth1 name lan.eth0 type macvlan\n\
         ip addr add 192.0.2.1/24 dev lan.eth0\nip link add link eth1 name .. type macvlan\n",
    );
    let names = names(&imported);
    assert!(names.contains(&"lan.eth0-2") && names.contains(&"unnamed"), "{names:?}");
    crate::labfile::parse("lab.toml", &imported.lab_file()).unwrap();
}

#[test]
fn a_bridge_is_no_port_of_a_bridge() {
    let imported = imported(
        "ip link add br0 type bridge\nip link add br1 type bridge\n\
         ip link set br1 master br0\nip link set br0 master br0\n",
    );
    assert_eq!(imported.lab.switches.iter().map(|switch| switch.ports.len()).collect::<Vec<_>>(), [0, 0]);
    let notes = notes(&imported);
    assert_eq!(
        notes.matches("wrong: it is a port of `br0`: a bridge is not a port of a bridge").count(),
        2,
        "{notes}"
    );
}

#[test]
fn vlans_of_ports_are_made_and_deleted() {
    let id = |id| crate::frame::VlanId::new(id).unwrap();
    let imported = imported(&format!(
        "{BRIDGE}bridge vlan add dev p1 vid 10 pvid untagged\nbridge vlan del dev p1 vid 1\n\
         bridge vlan add vid 10-12 dev eth0\nbridge vlan add dev eth0 vid 1\n\
         bridge vlan add dev br0 vid 10 self\nbridge link set dev eth0 state blocking\n"
    ));
    let ports = &switch(&imported, "br0").ports;
    let v1 = PortVlans { pvid: Some(id(10)), untagged: vec![id(10)], tagged: vec![] };
    let eth0 = PortVlans { pvid: None, untagged: vec![], tagged: vec![id(10), id(11), id(12), id(1)] };
    assert_eq!((&ports[0].vlans, &ports[1].vlans), (&v1, &eth0));
    assert_eq!(ports[1].state, PortState::Blocking);
    assert!(
        notes(&imported).contains("left out: `bridge vlan add dev br0 vid 10 self`"),
        "{}",
        notes(&imported)
    );
}

#[test]
fn vlans_without_filtering_have_no_effect() {
    let text = BRIDGE.replace(" vlan_filtering 1", "") + "bridge vlan add dev p1 vid 10 pvid untagged\n";
    let imported = imported(&text);
    assert_eq!(switch(&imported, "br0").ports[0].vlans, PortVlans::default());
    let notes = notes(&imported);
    assert!(notes.contains("wrong: the VLANs of port `p1`: the bridge does not filter VLANs"), "{notes}");
}

#[test]
fn tables_are_read_as_text() {
    let imported = imported(
        "# brctl show\nbridge name\tbridge id\t\tSTP enabled\tinterfaces\n\
         br0\t\t8000.0200000000aa\tno\t\teth0\n\t\t\t\t\t\t\tp1\nvirbr0\t\t8000.0200000000ab\tyes\n\
         # bridge vlan\nport              vlan-id  \neth0              1 PVID Egress Untagged\n                  10-11\n\
         p1                None\nbr0               1 PVID Egress Untagged\n                  10\n\
         # bridge fdb\n02:00:00:00:00:77 dev eth0 vlan 10 master br0 static\n\
         02:00:00:00:00:78 dev eth0 master br0 permanent\n02:00:00:00:00:79 dev eth0 master br0 \n\
         # bridge -d link\n3: p1@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master br0 state blocking priority 32 cost 2 \n    \
         hairpin on guard off root_block off fastleave off learning off flood on \n\
         # ip neigh\n192.0.2.9 dev br0 lladdr 02:00:00:00:00:09 PERMANENT\n\
         192.0.2.8 dev br0 lladdr 02:00:00:00:00:08 REACHABLE\n\
         # ip addr add 192.0.2.1/24 dev br0\n",
    );
    let br0 = switch(&imported, "br0");
    assert!(br0.vlan_filtering);
    assert_eq!(br0.fdb.len(), 1);
    let eth0 = br0.ports.iter().find(|port| port.device == "eth0").unwrap();
    assert_eq!(eth0.vlans.tagged.len(), 2);
    let p1 = br0.ports.iter().find(|port| port.device == "p1").unwrap();
    assert!(p1.flags.hairpin && !p1.flags.learning && p1.vlans.pvid.is_none(), "{p1:?}");
    assert_eq!(p1.state, PortState::Blocking);
    assert_eq!(br0.ip.neighbours.len(), 1);
    let notes = notes(&imported);
    assert!(notes.contains("guessed: its ports have VLANs") || br0.vlan_filtering, "{notes}");
    assert!(notes.contains("left out: the VLANs of the bridge's own device"), "{notes}");
}

#[test]
fn the_old_form_of_ifconfig_is_read() {
    let imported = imported(
        "eth0      Link encap:Ethernet  HWaddr 02:00:00:00:00:01  \n          \
         inet addr:192.0.2.10  Bcast:192.0.2.255  Mask:255.255.255.0\n          \
         inet6 addr: 2001:db8::10/64 Scope:Global\n          \
         UP BROADCAST RUNNING PROMISC MULTICAST  MTU:1400  Metric:1\n          \
         RX packets:1 errors:0 dropped:0 overruns:0 frame:0\n\n\
         eth0:1    Link encap:Ethernet  HWaddr 02:00:00:00:00:01  \n          \
         inet addr:192.0.2.11  Bcast:192.0.2.255  Mask:255.255.255.0\n\n\
         lo        Link encap:Local Loopback  \n          inet addr:127.0.0.1  Mask:255.0.0.0\n",
    );
    let eth0 = nic(&imported, "eth0");
    assert_eq!(
        eth0.ip.address.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["192.0.2.10/24", "2001:db8::10/64", "192.0.2.11/24",]
    );
    assert_eq!((eth0.mtu, eth0.promisc, eth0.up), (1400, true, true));
    assert_eq!(names(&imported), ["eth0"]);
}

#[test]
fn an_output_without_addresses_leaves_those_that_are_known() {
    let imported = imported(
        "# ip addr add 192.0.2.10/24 dev eth0\n# ip link show eth0\n\
         2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT\n    \
         link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff\n",
    );
    assert_eq!(nic(&imported, "eth0").ip.address.len(), 1);
}

#[test]
fn what_carries_macvlans_is_a_cable_and_no_macvlan() {
    let imported = imported(
        "2: eno1@if9: <BROADCAST,UP,LOWER_UP> mtu 1500 state UP\n    inet 192.0.2.1/24 scope global eno1\n\
         3: mv0@eno1: <BROADCAST,UP,LOWER_UP> mtu 1500 state UP\n    inet 192.0.2.2/24 scope global mv0\n",
    );
    assert_eq!(nic(&imported, "eno1").ip.address.len(), 1);
    assert_eq!(port(&imported, "mv0").parent, "eno1");
}

#[test]
fn json_in_a_transcript_belongs_to_the_machine_of_its_command() {
    let imported = imported(
        "# ip netns add c1\n# ip -n c1 -j -d link show eth0\n\
         [{\"ifindex\":7,\"link_index\":2,\"ifname\":\"eth0\",\"flags\":[\"UP\"],\"mtu\":1500,\"operstate\":\"UP\",\
         \"link_type\":\"ether\",\"address\":\"02:00:00:00:00:01\",\"link_netnsid\":0,\
         \"linkinfo\":{\"info_kind\":\"macvtap\",\"info_data\":{\"mode\":\"passthru\",\"nopromisc\":true}}}]\n\
         # ip -j addr show eno1\n[{\"ifindex\":2,\"ifname\":\"eno1\",\"flags\":[],\"mtu\":9000,\
         \"addr_info\":[{\"local\":\"192.0.2.1\",\"prefixlen\":24}]}]\n# ip -j link\n[{\"ifname\":\"eth0\",]\n",
    );
    let c1 = port(&imported, "c1");
    assert_eq!((c1.mode, c1.tap, c1.flags.nopromisc), (Mode::Passthru, true, true));
    assert_eq!(c1.parent, "eno1");
    assert_eq!(nic(&imported, "eno1").mtu, 9000);
    assert!(notes(&imported).contains("left out: `JSON that is not valid"), "{}", notes(&imported));
}

#[test]
fn invalid_json_is_refused_with_its_place() {
    for (text, place) in [
        ("[{\"ifname\":\"eth0\",\n  \"mtu\":}]", "input:2:9"),
        ("[{\"ifname\":\"eth0\"}]\n[{\"ifname\":\"eth1\"", "input:2:17"),
        (&format!("[{{\"ifname\":\"a\",\"x\":{}", "[".repeat(100_000)), "input:1:"),
    ] {
        let refused = import(&[Source::new("input", text)], None).unwrap_err().to_string();
        assert!(refused.starts_with(place) && refused.contains("not JSON as `ip -j` prints it"), "{refused}");
    }
    for text in ["[]", "[{}]", "[{\"Name\":\"x\"}]", "[1]", "[nic.eth0]\nifname = 1"] {
        assert!(format_of(&Source::new("input", text)).is_none(), "{text}");
    }
}

#[test]
fn a_switch_of_json_has_its_ports() {
    let imported = imported(
        "[{\"ifindex\":3,\"link\":\"x\",\"ifname\":\"swp1\",\"flags\":[\"UP\"],\"mtu\":1500,\"master\":\"br0\",\"state\":\"forwarding\",\
         \"priority\":32,\"hairpin\":true,\"learning\":false}]\n\
         [{\"ifname\":\"br0\",\"ifindex\":2,\"flags\":[\"UP\"],\"addr_info\":[{\"local\":\"192.0.2.1\",\"prefixlen\":24}],\
         \"linkinfo\":{\"info_kind\":\"bridge\",\"info_data\":{\"vlan_filtering\":1,\"ageing_time\":1000}}}]\n\
         [{\"ifname\":\"swp1\",\"vlans\":[{\"vlan\":1,\"flags\":[\"PVID\",\"Egress Untagged\"]},{\"vlan\":20,\"vlanEnd\":22}]}]\n\
         [{\"mac\":\"02:00:00:00:00:01\",\"ifname\":\"swp1\",\"vlan\":20,\"flags\":[\"sticky\"],\"master\":\"br0\",\"state\":\"static\"}]\n\
         [{\"type\":\"blackhole\",\"dst\":\"10.0.0.0/8\",\"dev\":\"x\"},{\"dst\":\"default\",\"gateway\":\"192.0.2.9\",\"dev\":\"br0\"}]\n",
    );
    let br0 = switch(&imported, "br0");
    assert_eq!(br0.ageing.as_secs(), 10);
    assert_eq!((br0.fdb.len(), br0.fdb[0].sticky), (1, true));
    assert!(br0.ports[0].flags.hairpin && !br0.ports[0].flags.learning);
    assert_eq!(br0.ports[0].vlans.tagged.len(), 3);
    assert_eq!(br0.ip.gateway.len(), 1);
    assert!(notes(&imported).contains("a route of type blackhole"), "{}", notes(&imported));
}
