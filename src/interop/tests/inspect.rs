//! What engines print about networks and containers.

use super::*;
use crate::macvlan::Mode;

#[test]
fn networks_of_every_time_are_read() {
    let old = r#"{"Name":"n","Id":"1","Scope":"local","Driver":"macvlan","EnableIPv6":false,
        "IPAM":{"Driver":"default","Options":null,"Config":[{"Subnet":"172.18.0.0/16","Gateway":"172.18.0.1/16"}]},
        "Internal":false,"Containers":{"0123456789abcdef":{"IPv4Address":"172.18.0.9/16","MacAddress":"02:42:ac:12:00:09"}},
        "Options":null,"Labels":{}}"#;
    let read = imported(old);
    assert_eq!(names(&read), ["dm-n", "0123456789ab"]);
    assert_eq!(addresses(&read, "0123456789ab"), ["172.18.0.9/16"]);
    assert_eq!(read.formats, ["inspect"]);
}

#[test]
fn a_network_and_its_containers_can_be_several_inputs() {
    let network = r#"[{"Name":"n","Driver":"macvlan","IPAM":{"Config":[{"Subnet":"192.0.2.0/24","Gateway":"192.0.2.1"}]},
        "Options":{"parent":"eth3","macvlan_mode":"private"}}]"#;
    let container = r#"[{"Name":"/web","HostConfig":{},"NetworkSettings":{"Networks":{"n":
        {"IPAddress":"192.0.2.4","IPPrefixLen":24,"GlobalIPv6Address":"2001:db8::4","GlobalIPv6PrefixLen":64}}}}]"#;
    for inputs in [[network, container], [container, network]] {
        let read = import(&inputs.map(|text| Source::new("input", text)), None).unwrap();
        assert_eq!(port(&read, "web").mode, Mode::Private);
        assert_eq!(addresses(&read, "web"), ["192.0.2.4/24", "2001:db8::4/64"]);
    }
}

#[test]
fn podman_has_its_own_form() {
    let text = r#"{"name":"n","driver":"macvlan","network_interface":"eth2","subnets":[{"subnet":"192.0.2.0/24",
        "gateway":"192.0.2.1","lease_range":{"start_ip":"192.0.2.8"}}],"options":{"mode":"source","no_default_route":"1"},
        "ipam_options":{"driver":"host-local"}}"#;
    let run = "podman run --name a --network n x\n";
    let read = import(&[Source::new("n.json", text), Source::new("run", run)], None).unwrap();
    assert_eq!(
        (port(&read, "a").mode, addresses(&read, "a")),
        (Mode::Source, vec!["192.0.2.8/24".to_owned()])
    );
    assert!(port(&read, "a").ip.gateway.is_empty());
    let dhcp = r#"{"name":"n","driver":"macvlan","ipam_options":{"driver":"dhcp"}}"#;
    let read = import(&[Source::new("n.json", dhcp), Source::new("run", run)], None).unwrap();
    assert_eq!(
        (port(&read, "a").parent.as_str(), addresses(&read, "a")),
        ("eth0", vec!["192.0.2.102/24".to_owned()])
    );
    assert!(notes(&read).contains("default: network `n`: podman uses mode bridge"), "{}", notes(&read));
}

#[test]
fn what_follows_a_description_in_a_transcript_is_something_else() {
    let read = imported(
        "$ docker network inspect n\n[{\"Name\":\"n\",\"Driver\":\"macvlan\",\"Options\":{\"parent\":\"eth9\"}}]\nand so on\n\
         $ docker run --name a --network n --ip 192.0.2.1 x\n",
    );
    assert_eq!(port(&read, "a").parent, "eth9");
}
