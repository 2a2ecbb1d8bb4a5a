//! What becomes of single commands and outputs.

use super::*;
use crate::frame::MacAddr;
use crate::macvlan::Mode;
use crate::switch::{Policy, PortFlag};

const MACVLAN: &str = "ip link add link eth0 name c1 type macvlan mode bridge";

#[test]
fn prompts_dashes_and_wrappers_are_taken_off() {
    for line in [
        "[root@node ~]# ip link add link eth0 name c1 type macvlan mode bridge",
        "root@node:/etc# ip link add c1 link eth0 type macvlan mode bridge",
        "user@node:~$ sudo ip link add link eth0 c1 type macvlan mode bridge",
        "# ip link add link eth0 name c1 type macvlan mode bridge",
        "$ sudo -E /sbin/ip link add link eth0 name c1 type macvlan mode bridge # the port",
        "/ # ip l a link eth0 name c1 type macvlan mode bridge",
        "DEBUG=1 ip link add link eth0 name c1 type macvlan mode bridge && echo done",
        "ip link add link eth0 name \u{201c}c1\u{201d} \\\n   type macvlan \\\n   mode bridge",
        "PS C:\\> echo x\nip link add link eth0 name c1 type macvlan mode bridge | tee log",
    ] {
        let imported = imported(line);
        assert_eq!(port(&imported, "c1").mode, Mode::Bridge, "{line}");
        assert_eq!(port(&imported, "c1").parent, "eth0", "{line}");
    }
    let docker = "docker network create \u{2013}d macvlan \u{2014}\u{2014}subnet 192.0.2.0/24 \u{2013}o parent=eth7 lan";
    let docker = imported(&format!(
        "{}\ndocker run \u{2013}name web \u{2013}\u{2013}net lan x",
        docker.replace("\u{2014}\u{2014}", "\u{2014}")
    ));
    assert_eq!(port(&docker, "web").parent, "eth7");
}

#[test]
fn a_comment_in_a_script_is_no_command() {
    let imported = imported(&format!("{MACVLAN}\n# ip link set c1 type macvlan mode private\n"));
    assert_eq!(port(&imported, "c1").mode, Mode::Bridge);
    let transcript = self::imported(&format!("# {MACVLAN}\n# ip link set c1 type macvlan mode private\n"));
    assert_eq!(port(&transcript, "c1").mode, Mode::Private);
}

#[test]
fn loops_and_variables_are_run_out() {
    let text = "N=3\nP=${PARENT:-eth5}\nfor a in {1..$N} 9; do\n for b in x y; do\n\
                ip link add m$a$b link $P type macvlan mode vepa; done\ndone";
    let text = text.replace("{1..$N}", "{1..3}");
    let imported = imported(&text);
    assert_eq!(names(&imported), ["eth5", "m1x", "m1y", "m2x", "m2y", "m3x", "m3y", "m9x", "m9y"]);
}

#[test]
fn variables_cannot_multiply_without_end() {
    let mut text = String::from("A=xxxxxxxxxxxxxxxx\n");
    for _ in 0..64 {
        text.push_str("A=$A$A$A$A\n");
    }
    text.push_str(MACVLAN);
    assert_eq!(names(&imported(&text)), ["eth0", "c1"]);
}

#[test]
fn inputs_have_limits() {
    let long = "x".repeat(MAX_BYTES + 1);
    let refused = import(&[Source::new("long", &long)], None);
    assert_eq!(refused.unwrap_err(), ImportError::TooLong("long".into()));
    let text =
        "for a in {1..999}; do for b in {1..999}; do ip link add m$a.$b link eth0 type dummy; done; done";
    let read = imported(text);
    assert_eq!(read.lab.devices.len(), 5_000);
    assert!(notes(&read).contains("left out: everything after the first 5000 commands"), "{}", notes(&read));
    let deep = format!(
        "{}ip link add m link eth0 type dummy{}",
        "for a in 1 2; do ".repeat(99),
        "; done".repeat(99)
    );
    assert_eq!(names(&imported(&deep)), ["m"]);
    let rounds = imported("for a in {1..999}; do ip link add m$a link eth0 type dummy; done");
    assert_eq!(rounds.lab.devices.len(), 256);
}

#[test]
fn a_mode_that_is_not_known_is_told() {
    let read = imported(
        "docker network create -d macvlan -o macvlan_mode=passthrough -o parent=eth0 n\n\
                         docker run --name a --net n x",
    );
    assert!(
        notes(&read).contains("wrong: network `n`: docker refuses the mode `passthrough`"),
        "{}",
        notes(&read)
    );
    let read = imported(&format!("{MACVLAN}\nip link add link eth0 name c2 type macvlan mode vepaa"));
    assert!(notes(&read).contains("wrong: ip knows no mode `vepaa`"), "{}", notes(&read));
    assert_eq!(names(&read), ["eth0", "c1"]);
}

#[test]
fn defaults_are_those_of_each_tool() {
    let read = imported("ip link add link eth0 name c1 type macvlan");
    assert_eq!(port(&read, "c1").mode, Mode::Vepa);
    let read = imported("docker network create -d macvlan -o parent=eth0 n\ndocker run --name a --net n x");
    assert_eq!(port(&read, "a").mode, Mode::Bridge);
    let read = imported("virsh attach-interface vm1 direct eth0 --mac 52:54:00:00:00:01 --model virtio");
    assert_eq!((port(&read, "vm1").mode, port(&read, "vm1").tap), (Mode::Vepa, true));
    assert_eq!(port(&read, "vm1").mac, Some(MacAddr([0x52, 0x54, 0, 0, 0, 1])));
}

#[test]
fn host_bits_and_addresses_outside_are_told() {
    let read = imported(
        "docker network create -d macvlan --subnet 192.168.1.1/24 --ip-range 192.168.1.100/28 \
         --gateway 10.0.0.1 -o parent=eth0 -o macvlan_modee=vepa n\n\
         docker run --name a --net n --ip 192.168.7.7 x\ndocker run --name b --net n -p 80:80 x",
    );
    for told in [
        "wrong: the subnet 192.168.1.1/24 has host bits: it is 192.168.1.0/24",
        "wrong: network `n`: the range 192.168.1.100/28 has host bits: it is 192.168.1.96/28",
        "wrong: network `n`: the gateway 10.0.0.1 is in no subnet of the network",
        "wrong: network `n`: `-o macvlan_modee=vepa` is no option of the driver, which ignores it",
        "wrong: 192.168.7.7 is in no subnet of network `n`",
        "wrong: `-p 80:80` of `b` has no effect on a macvlan network",
    ] {
        assert!(notes(&read).contains(told), "{told}\n{}", notes(&read));
    }
}

#[test]
fn a_device_that_moves_takes_its_ports_along() {
    let read = imported(
        "ip netns add a\nip link add link eth0 name m1 type macvlan mode bridge\nip link set m1 netns a name eth0\n\
         ip netns exec a ip addr add 192.0.2.1/24 dev eth0\nip -n a link set eth0 up\n\
         ip link set eth0 name wan0",
    );
    assert_eq!(port(&read, "a").parent, "wan0");
    assert!(port(&read, "a").up);
    let down = imported(MACVLAN);
    assert!(!port(&down, "c1").up, "a device is made down");
}

#[test]
fn bridges_have_ports_inside_and_outside() {
    let read = imported(
        "brctl addbr br0\nbrctl addif br0 eth1\nip link add v0 type veth peer name v1\nip netns add g\n\
         ip link set v0 netns g\nip link set v1 master br0\nbrctl hairpin br0 v1 on\n\
         echo 1 > /sys/class/net/br0/brif/eth1/hairpin_mode\nip -n g addr add 192.0.2.9/24 dev v0",
    );
    let bridge = &read.lab.switches[0];
    assert_eq!(bridge.name, "br0");
    let hairpin = |device: &str| {
        let port = bridge.ports.iter().find(|port| port.device == device);
        port.map(|port| *port.flags.clone().get_mut(PortFlag::Hairpin))
    };
    assert_eq!((hairpin("g"), hairpin("eth1")), (Some(true), Some(true)));
    let eth1 = read.lab.devices.iter().find(|device| device.name == "eth1");
    assert_eq!(eth1.and_then(|device| device.kind.master()).map(|name| name.as_str()), Some("br0"));
}

#[test]
fn settings_have_their_interfaces_and_machines() {
    let read = imported(
        "ip addr add 192.0.2.1/24 dev eth0\nsysctl -w net.ipv4.ip_forward=1 net.ipv4.conf.all.arp_ignore=1\n\
         echo 2 > /proc/sys/net/ipv4/conf/eth0.10/rp_filter\nip link add link eth0 name eth0.10 type vlan id 10",
    );
    let host = &read.lab.hosts[0].config;
    assert!(host.forwarding);
    assert_eq!(host.sysctls.get(crate::station::Sysctl::ArpIgnore), 1);
    assert!(read.lab_file().contains("rp_filter = 2"), "{}", read.lab_file());
}

#[test]
fn hypervisors_are_a_policy_outside() {
    let policy = |text: &str| {
        imported(&format!("{MACVLAN}\nip addr add 192.0.2.1/24 dev c1\n{text}")).lab.switches[0].ports[0]
            .policy
    };
    let Some(Policy::VirtualSwitch { accepts, .. }) =
        policy("esxcli network vswitch standard policy security set -f true -p=false -v vSwitch0")
    else {
        panic!("a virtual switch")
    };
    assert!(accepts.forged_transmits && !accepts.promiscuous);
    let open = policy("VBoxManage modifyvm vm --nicpromisc1 allow-all");
    assert!(matches!(open, Some(Policy::VirtualSwitch { accepts, .. }) if accepts.promiscuous), "{open:?}");
    assert_eq!(policy("true"), None);
}

#[test]
fn networks_of_other_drivers_are_left_out() {
    let read = imported(&format!(
        "{MACVLAN}\ndocker network create front\ndocker network create -d ipvlan -o parent=eth0 l2\n\
         docker run --name a --network front --network l2 x\ndocker run --name b --network elsewhere x"
    ));
    assert_eq!(names(&read), ["eth0", "c1"]);
    for told in [
        "network `front`: a lab has no bridge networks",
        "a lab has no ipvlan networks",
        "`b` is on the network `elsewhere`",
    ] {
        assert!(notes(&read).contains(told), "{told}\n{}", notes(&read));
    }
}

#[test]
fn long_names_are_cut_and_stay_different() {
    let name = "project-database-replica";
    let read = imported(&format!(
        "docker network create -d macvlan -o parent=eth0 --subnet 192.0.2.0/24 n\n\
         docker run --name {name}-1 --net n x\ndocker run --name {name}-2 --net n x"
    ));
    assert_eq!(names(&read)[1..3], ["project-databas", "project-datab-2"]);
}

#[test]
fn pings_are_made_up_for_the_first_machines() {
    let mut text = String::from("docker network create -d macvlan -o parent=eth0 --subnet 192.0.2.0/24 n\n");
    for number in 0..9 {
        text.push_str(&format!("docker run --name c{number} --net n x\n"));
    }
    let read = imported(&text);
    let file = read.lab_file();
    let steps = file.lines().filter_map(|line| line.strip_prefix("ping = { from = "));
    let asked: Vec<String> = steps.map(|step| step.replace(['"', '}', ','], "")).collect();
    let asked: Vec<&str> = asked.iter().map(|step| step.trim()).collect();
    assert_eq!(asked, ["c0 to = c1", "c1 to = c2", "c2 to = c3", "eth0 to = c0", "c0 to = gateway"]);
}

#[test]
fn what_a_ping_printed_is_expected() {
    let setup = "docker network create -d macvlan -o parent=eth0 --subnet 192.0.2.0/24 n\n\
                 docker run --name a --net n --ip 192.0.2.7 x\ndocker run --name b --net n --ip 192.0.2.8 x\n";
    for (printed, expected) in [
        ("64 bytes from 192.0.2.8: icmp_seq=1 ttl=64 time=0.05 ms", Some("reply")),
        ("From 192.0.2.7 icmp_seq=1 Destination Host Unreachable", Some("failure")),
        ("1 packets transmitted, 0 received, 100% packet loss", Some("failure")),
        ("", None),
    ] {
        let read = imported(&format!("{setup}docker exec -it a ping -c1 192.0.2.8\n{printed}\n"));
        let file = read.lab_file();
        let (_, step) = file.split_once("[[step]]").unwrap_or_default();
        assert!(step.contains("ping") && step.contains("from = \"a\", to = \"b\""), "{step}");
        let expect = expected.map(|word| format!("expect = \"{word}\""));
        assert_eq!(step.contains("expect"), expect.is_some(), "{step}");
        assert!(expect.is_none_or(|expect| step.contains(&expect)), "{step}");
    }
}

#[test]
fn damaged_descriptions_are_read_line_by_line() {
    let text = "[\n{ \"Name\": \"n\", \"Driver\": \"macvlan\", broken \"Subnet\": \"192.0.2.0/24\", \"parent\": \"eth3\",\n\
                \"Containers\": {\n \"abc\": { \"Name\": \"a\", x)\">\"02:42:c0:00:02:99\",\n\
                \"IPv4Address\": \"192.0.2.7/24\"\n";
    let read = imported(text);
    assert_eq!(port(&read, "a").parent, "eth3");
    assert_eq!(port(&read, "a").mac, Some(MacAddr([2, 0x42, 0xc0, 0, 2, 0x99])));
    let many = format!(
        "{text}{}\"Containers\": {{ \"Name\": \"late\", \"IPv4Address\": \"192.0.2.8/24\"",
        "\n".repeat(10_000)
    );
    assert!(!names(&imported(&many)).contains(&"late"));
}

#[test]
fn bridges_of_open_vswitch_are_bridges() {
    let text = "# ovs-vsctl add-br br0 -- set Bridge br0 stp_enable=false\n# ovs-vsctl add-port br0 eth0\n\
                # ovs-vsctl --may-exist add-port br0 tap1 tag=10\n# ovs-vsctl add-port br0 tap2 -- set port tap2 trunks=10,20\n\
                # ip link add link br0 name mv0 type macvlan mode bridge\n# ip addr add 192.0.2.1/24 dev mv0\n";
    let read = imported(text);
    let switch = read.lab.switches.iter().find(|switch| switch.name == "br0").unwrap();
    assert!(switch.vlan_filtering);
    let vlans = |name: &str| {
        let port = switch.ports.iter().find(|port| port.device == name).unwrap();
        let tagged = port.vlans.tagged.iter().map(|id| id.get()).collect::<Vec<_>>();
        (port.vlans.pvid.map(|id| id.get()), tagged)
    };
    assert_eq!(vlans("eth0"), (Some(1), vec![10, 20]));
    assert_eq!(vlans("tap1"), (Some(10), vec![]));
    assert_eq!(vlans("tap2"), (None, vec![10, 20]));
    assert_eq!(port(&read, "mv0").parent, "br0");
    assert!(notes(&read).contains("`br0` of Open vSwitch: taken to be a bridge of the kernel"));
}

#[test]
fn a_device_is_made_in_the_namespace_that_its_command_names() {
    let imported = imported(
        "ip netns add web\n\
         ip link add eth0 link eth0 netns web type macvlan mode bridge\n\
         ip -n web addr add 192.0.2.10/24 dev eth0\n\
         ip link add v0 netns web type veth peer name v1\n",
    );
    assert_eq!(port(&imported, "web.eth0").parent, "eth0");
    assert!(imported.lab_file().contains("address = [\"192.0.2.10/24\"]"), "{}", imported.lab_file());
    // The other end of a pair stays.
    assert!(imported.lab.devices.iter().any(|device| device.name == "v1"), "{:?}", imported.lab);
}
