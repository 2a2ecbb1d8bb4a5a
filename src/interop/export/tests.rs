//! Labs in other languages.

use super::*;
use crate::labfile::parse;

fn exported(language: &str, lab: &str) -> String {
    let lab = parse("lab", lab).unwrap_or_else(|errors| panic!("{errors}"));
    export(language, &lab).unwrap_or_else(|error| panic!("{error}"))
}

const LAB: &str = r#"
[host.h]
routes = [{ to = "10.0.0.192/27", dev = "shim" }]
[nic.eth0]
host = "h"
address = "10.0.0.2/24"
[macvlan.shim]
parent = "eth0"
host = "h"
mode = "bridge"
address = "10.0.0.250/32"
[macvlan.web]
parent = "eth0"
mode = "bridge"
address = "10.0.0.193/24"
gateway = "10.0.0.1"
[macvlan.db]
parent = "eth0"
mode = "bridge"
mac = "02:00:00:00:00:07"
address = "10.0.0.194/24"
[macvlan.apart]
parent = "eth0"
mode = "private"
address = "10.0.0.195/24"
"#;

#[test]
fn ports_of_one_subnet_and_mode_share_a_network() {
    let commands = exported("docker", LAB);
    let networks: Vec<&str> = commands.lines().filter(|line| line.contains("network create")).collect();
    assert_eq!(
        networks,
        [
            "docker network create -d macvlan --subnet 10.0.0.0/24 --gateway 10.0.0.1 -o parent=eth0 -o macvlan_mode=bridge macvlan0",
            "docker network create -d macvlan --subnet 10.0.0.0/24 -o parent=eth0 -o macvlan_mode=private macvlan1",
        ]
    );
    assert!(commands.contains("docker run -d --name web --network macvlan0 --ip 10.0.0.193 alpine"));
    assert!(
        commands.contains("--name db --network macvlan0 --ip 10.0.0.194 --mac-address 02:00:00:00:00:07")
    );
}

#[test]
fn a_shim_has_its_commands_and_its_unit() {
    let commands = exported("podman", LAB);
    let (_, shim) = commands.split_once("# On the host").unwrap_or_default();
    for line in [
        "\nip link add shim link eth0 type macvlan mode bridge\n",
        "\nip route add 10.0.0.192/27 dev shim\n",
        "\n#   ExecStart=/usr/sbin/ip addr add 10.0.0.250/32 dev shim\n",
        "/etc/systemd/system/macvlan-shim.service",
    ] {
        assert!(shim.contains(line), "{line}: {shim}");
    }
    assert!(!commands.contains("run -d --name shim"));
}

#[test]
fn names_cannot_be_commands() {
    let script =
        exported("ip", "title = \"a`reboot`\"\n[station.\"$(reboot)\"]\naddress = \"192.0.2.1/24\"\n");
    assert!(script.contains("ip -n '$(reboot)' link set dev '$(reboot)' up"), "{script}");
}

#[test]
fn what_has_no_ports_is_nothing_for_an_engine() {
    let lab = parse("lab", "[station.win]\n").unwrap_or_else(|errors| panic!("{errors}"));
    assert!(matches!(export("docker", &lab), Err(ExportError::Nothing(_))));
    assert!(matches!(export("ip", &LabSpec::default()), Err(ExportError::Nothing(_))));
}

/// What a machine with two ports, of which one is named like a number, becomes.
const TWO_PORTS: &str = r#"
[host.r1]
forwarding = true
[nic.eth0]
[vlan."eth0.10"]
parent = "eth0"
id = 10
[macvlan."r1.wan"]
parent = "eth0"
mode = "bridge"
host = "r1"
address = "192.0.2.2/24"
gateway = "192.0.2.1"
[macvlan."r1.lan"]
parent = "eth0.10"
mode = "private"
host = "r1"
address = ["10.0.0.1/24", "2001:db8::1/64"]
[macvlan.1e3]
parent = "eth0.10"
mode = "private"
address = "10.0.0.2/24"
gateway = "10.0.0.1"
promisc = true
[macvtap.guest]
parent = "eth0"
[macvlan.mon]
parent = "eth0"
mode = "source"
sources = ["02:00:00:00:00:01"]
"#;

#[test]
fn a_machine_with_several_ports_is_one_service() {
    let file = exported("compose", TWO_PORTS);
    for part in [
        "  r1:\n    image: alpine\n    command: sleep infinity\n    sysctls:\n      net.ipv4.ip_forward: 1\n",
        "      macvlan0:\n        ipv4_address: 192.0.2.2\n        interface_name: wan\n        gw_priority: 1\n",
        "        ipv6_address: \"2001:db8::1\"\n",
        "  \"1e3\":\n",
        "      parent: eth0.10\n      macvlan_mode: private\n",
        "# 1e3: left out: promisc\n",
        "# guest: Docker makes no macvtaps\n",
        "# mon: Docker knows no mode source\n",
        // The lab's gateway is a container, whose address no network can give to a gateway.
        "          gateway: 10.0.0.254\n",
        "# 1e3: left out: its gateway 10.0.0.1, which is not that of the network\n",
    ] {
        assert!(file.contains(part), "{part}\n{file}");
    }
    assert_eq!(file.matches("image: alpine").count(), 2, "{file}");
    let commands = exported("docker", TWO_PORTS);
    let option = "--network name=macvlan0,ip=192.0.2.2,driver-opt=com.docker.network.endpoint.ifname=wan";
    assert!(commands.contains(option), "{commands}");
    assert!(exported("podman", TWO_PORTS).contains("--network macvlan0:ip=192.0.2.2,interface_name=wan"));
}

#[test]
fn pods_are_on_the_nodes_of_their_parents() {
    let pods = exported("nad", &LAB.replace("\"h\"", "\"node7\"").replace("[host.h]", "[host.node7]"));
    for part in [
        "kind: NetworkAttachmentDefinition\nmetadata:\n  name: macvlan0\n",
        "      \"mode\": \"bridge\",\n",
        "\"ips\": [\"10.0.0.194/24\"], \"mac\": \"02:00:00:00:00:07\"",
        "\"default-route\": [\"10.0.0.1\"]",
        "  nodeName: node7\n",
        "#   ip route add 10.0.0.192/27 dev shim\n",
    ] {
        assert!(pods.contains(part), "{part}\n{pods}");
    }
    let router = exported("nad", TWO_PORTS);
    assert!(router.contains("#   ip link add link eth0 name eth0.10 type vlan id 10\n"), "{router}");
}

#[test]
fn a_configuration_of_cni_is_of_one_network() {
    let several = parse("lab", LAB).unwrap_or_else(|errors| panic!("{errors}"));
    let error = export("cni", &several).map_err(|error| error.to_string());
    assert!(error.is_err_and(|error| error.contains("`nad` writes all")));
    let one = exported("cni", &LAB.replace("mode = \"private\"", "mode = \"bridge\""));
    for part in [
        "\"rangeStart\": \"10.0.0.193\", \"rangeEnd\": \"10.0.0.195\", \"gateway\": \"10.0.0.1\"",
        "\"routes\": [{ \"dst\": \"0.0.0.0/0\" }]",
    ] {
        assert!(one.contains(part), "{part}\n{one}");
    }
}

#[test]
fn networkd_makes_the_devices_of_its_own_machine() {
    let files = exported("networkd", LAB);
    for part in [
        "# /etc/systemd/network/10-shim.netdev\n[NetDev]\nName=shim\nKind=macvlan\n\n[MACVLAN]\nMode=bridge\n",
        "# /etc/systemd/network/20-eth0.network\n[Match]\nName=eth0\n\n[Network]\nMACVLAN=shim\nAddress=10.0.0.2/24\n",
        "[Route]\nDestination=10.0.0.192/27\n",
        "# web: left out: a port of another machine than eth0\n",
    ] {
        assert!(files.contains(part), "{part}\n{files}");
    }
    let containers = "[nic.eth0]\n[macvlan.web]\nparent = \"eth0\"\naddress = \"10.0.0.1/24\"\n";
    let lab = parse("lab", containers).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(matches!(export("networkd", &lab), Err(ExportError::Nothing(_))));
}

#[test]
fn a_domain_has_direct_interfaces_and_those_on_bridges() {
    let xml =
        exported("libvirt", &format!("{TWO_PORTS}[station.vm]\n[switch.br0.port.vm]\nisolated = true\n"));
    for part in [
        "  <name>guest</name>\n",
        "      <source dev='eth0' mode='vepa'/>\n",
        "      <source bridge='br0'/>\n      <model type='virtio'/>\n      <port isolated='yes'/>\n",
        "      <!-- in the guest: address 192.0.2.2/24 -->\n",
        "<!-- mon: libvirt knows no mode source -->\n",
    ] {
        assert!(xml.contains(part), "{part}\n{xml}");
    }
    let passthru = exported("libvirt", "[nic.eth0]\n[macvtap.vm]\nparent = \"eth0\"\nmode = \"passthru\"\n");
    assert!(passthru.contains("<source dev='eth0' mode='passthrough'/>"), "{passthru}");
}

#[test]
fn a_node_runs_the_commands_for_its_addresses() {
    let file = exported("containerlab", TWO_PORTS);
    for part in [
        "        - ip addr add 192.0.2.2/24 dev wan\n        - ip route replace default via 192.0.2.1\n",
        "        - sysctl -w net.ipv4.ip_forward=1\n",
        "    - endpoints: [\"r1:wan\", \"macvlan:eth0\"]\n",
        "      host-interface: eth0.10\n      mode: private\n",
        "      mode: source\n",
        "# guest: containerlab makes no macvtaps\n",
        "# mon: left out: source\n",
    ] {
        assert!(file.contains(part), "{part}\n{file}");
    }
}

/// Names, and a title, that mean something to a shell, to YAML, to XML or to an INI file.
#[test]
fn odd_names_stay_names() {
    let names = ["no", "1e3", "a#b", "c:d", "$(x)", "'q", "[s]", "<b>&", "---->", "*", "&a", "- x", "{y}"];
    let mut lab = LabSpec::default();
    let parsed = parse("lab", LAB).unwrap_or_else(|errors| panic!("{errors}"));
    lab.devices.extend(parsed.devices.iter().take(1).cloned());
    lab.title = "two\nlines ---> [NetDev]\nName=x".to_owned();
    for (number, name) in (1..).zip(names) {
        let device = parsed.devices.iter().find(|device| device.name == "web").cloned();
        let Some(mut device) = device else { continue };
        device.name = name.into();
        if let DeviceKind::Macvlan(port) = &mut device.kind {
            port.ip.address = format!("10.0.0.{}/24", 100 + number).parse().into_iter().collect();
        }
        lab.devices.push(device);
    }
    for language in ["compose", "nad", "libvirt", "containerlab", "docker", "podman"] {
        let text = export(language, &lab).unwrap_or_else(|error| panic!("{language}: {error}"));
        let source = crate::interop::Source::new("export", &text);
        let again = crate::interop::import(&[source], None).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(ports(&again.lab).count(), names.len(), "{language}\n{text}");
        assert!(!text.contains("\n[NetDev]") && !text.contains("\nlines"), "{text}");
    }
}

#[test]
fn a_container_is_on_a_network_once() {
    let twice = format!(
        "{TWO_PORTS}[macvlan.\"r1.more\"]\nparent = \"eth0\"\nmode = \"bridge\"\nhost = \"r1\"\naddress = \"192.0.2.3/24\"\n"
    );
    for language in ["compose", "docker", "podman"] {
        let text = exported(language, &twice);
        assert!(
            text.contains("# r1.more: left out: a second port on its network, which no container has\n"),
            "{text}"
        );
        assert!(!text.contains("192.0.2.3"), "{text}");
    }
    assert!(exported("nad", &twice).contains("\"interface\": \"more\", \"ips\": [\"192.0.2.3/24\"]"));
}
