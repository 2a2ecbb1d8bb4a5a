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
