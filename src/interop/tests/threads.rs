//! Whole threads: prose, code blocks, quotations, and what is in them.

use super::{addresses, imported, notes, port};
use crate::interop::{ImportError, Source, diagnose, import, recognises};
use crate::lab::Options;
use crate::lab::spec::DeviceKind;
use crate::macvlan::Mode;

const NETWORK: &str = "docker network create -d macvlan --subnet 192.0.2.0/24 -o parent=eth0";

#[test]
fn commands_in_sentences_are_found() {
    for text in [
        format!("1. `{NETWORK} lan`\n2. `docker run -d --name a --network lan --ip 192.0.2.10 nginx`"),
        format!("First: {NETWORK} lan\n2) docker run -d --name a --network lan --ip 192.0.2.10 nginx"),
        format!("> ```\n> {NETWORK} lan\n> Docker run -d --name a --net lan --ip 192.0.2.10 nginx\n> ```\n")
            .replace("Docker", "docker"),
        format!("D{} lan\nDocker run --name a --net=lan --ip=192.0.2.10 nginx", &NETWORK[1..]),
        format!(
            "~~~sh\n{NETWORK} \\\n  lan\n~~~\nand\n<pre>docker run --name a --net lan --ip 192.0.2.10 x</pre>"
        ),
    ] {
        assert_eq!(addresses(&imported(&text), "a"), ["192.0.2.10/24"], "{text}");
    }
}

#[test]
fn configurations_are_cut_out_of_prose() {
    let text = "We have this one:\n\nservices:\n  a:\n    networks:\n      macvlan0:\n        ipv4_address: 192.0.2.10\n\
                networks:\n  macvlan0:\n    driver: macvlan\n    driver_opts: { parent: eth0 }\n    ipam:\n      \
                config:\n        - subnet: 192.0.2.0/24\n\nand it does not work. On the host I see:\n\n\
                2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500\n    inet 192.0.2.2/24 scope global eth0\n";
    let read = imported(text);
    assert_eq!(read.formats, ["compose", "shell"]);
    assert_eq!(addresses(&read, "a"), ["192.0.2.10/24"]);
    // Places are those of the whole text.
    let place = read.places["a"];
    assert!(text[place.start..].starts_with("a:"), "{:?}", &text[place.start..place.end]);
}

#[test]
fn files_are_known_by_the_lines_before_their_code_blocks() {
    let text = "eth0.network\n```\n[Match]\nName=eth0\n\n[Network]\nMACVLAN=mv0\nAddress=192.0.2.1/24\n```\n\
                mv0.netdev\n```ini\n[NetDev]\nName=mv0\nKind=macvlan\n\n[MACVLAN]\nMode=private\n```\n\
                mv0.network\n```\n[Match]\nName=mv0\n[Network]\nAddress=192.0.2.2/24\n```\n";
    let read = imported(text);
    assert_eq!(port(&read, "mv0").mode, Mode::Private);
    assert!(!notes(&read).contains("wrong"), "{}", notes(&read));
}

#[test]
fn stanzas_are_cut_out_of_prose() {
    let text = "My router has\nconfig interface 'lan'\n\toption device 'eth0'\n\toption proto 'static'\n\
                \toption ipaddr '192.0.2.1/24'\n\nconfig device\n\toption name 'mv0'\n\toption type 'macvlan'\n\
                \toption ifname 'eth0'\n\toption mode 'bridge'\nwhich is all.\n";
    assert_eq!(port(&imported(text), "mv0").mode, Mode::Bridge);
    let text = "# the container's:\nlxc.net.0.type = macvlan\nlxc.net.0.link = eth0\nlxc.net.0.macvlan.mode = vepa\n";
    assert_eq!(imported(&format!("It has\n{text}\nand more.")).formats, ["lxc"]);
}

#[test]
fn a_thread_without_a_network_is_not_recognised() {
    for text in
        ["```\nhello\n```\n", "What is this: nothing\n", "`echo hello`", "```yaml\na: 1\n```", "> ```\n"]
    {
        assert!(!recognises(&Source::new("x", text)), "{text}");
    }
}

#[test]
fn settings_of_a_swarm_are_taken_from_their_network() {
    let text = "docker network create --config-only --subnet 192.0.2.0/24 -o parent=eth0 --ip-range 192.0.2.64/26 cfg\n\
                docker network create -d macvlan --scope swarm --config-from cfg lan\n\
                docker run --name a --network lan nginx\n";
    assert_eq!(addresses(&imported(text), "a"), ["192.0.2.64/24"]);
    let without = imported(&text.replace("-d macvlan ", ""));
    assert!(notes(&without).contains("no driver is given, so the engine makes a bridge of it"));
}

#[test]
fn a_network_without_a_parent_is_told() {
    let text =
        "docker network create -d macvlan --subnet 192.0.2.0/24 lan\ndocker run --name a --network lan x\n";
    let found = |text: &str| {
        let read = import(&[Source::new("input", text)], None).unwrap();
        diagnose::diagnose(&read, &Options::default()).iter().map(|f| f.check.id()).collect::<Vec<_>>()
    };
    assert_eq!(found(text), ["no-parent"]);
    assert!(found(&text.replace("lan\ndocker run", "--internal lan\ndocker run")).is_empty());
}

#[test]
fn what_a_variable_stands_for_is_not_made_up() {
    let text = "ip link add link eth0 name mv0 type macvlan mode bridge\nip addr add $ADDRESS dev mv0\n";
    let read = imported(text);
    assert!(notes(&read).contains("`$ADDRESS`: what it stands for is not in the input"), "{}", notes(&read));
    assert!(addresses(&read, "mv0").is_empty());
}

#[test]
fn a_guest_and_the_device_on_its_host_are_one() {
    let text = "# virsh dumpxml vm\n<domain type='kvm'><name>vm</name><devices><interface type='direct'>\n\
                <mac address='52:54:00:00:00:01'/><source dev='eno1' mode='bridge'/></interface></devices></domain>\n\
                # ip a\n2: eno1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500\n    inet 192.0.2.2/24 scope global eno1\n\
                5: macvtap0@eno1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500\n    link/ether 52:54:00:00:00:01\n";
    let read = imported(text);
    let ports = read.lab.devices.iter().filter(|device| device.kind.parent().is_some());
    assert_eq!(ports.map(|device| device.name.as_str()).collect::<Vec<_>>(), ["vm"]);
}

#[test]
fn a_virtual_machine_in_a_container_is_told() {
    let text = "name: x\ntopology:\n  kinds: { vr-sros: { image: vrnetlab/vr-sros } }\n  nodes:\n    pe: { kind: vr-sros }\n  \
                links:\n    - endpoints: [\"pe:eth1\", \"macvlan:eth0\"]\n";
    assert!(notes(&imported(text)).contains("has another MAC address"));
}

#[test]
fn a_thread_has_limits() {
    let unit = |n: usize| format!("```\n[NetDev]\nName=d{n}\nKind=dummy\n[Match]\nName=d{n}\n```\n");
    let text: String = (0..70).map(unit).collect();
    let read = imported(&format!("{text}{NETWORK} lan"));
    let made = read.lab.devices.iter().filter(|device| matches!(device.kind, DeviceKind::Dummy(_)));
    assert_eq!(made.count(), 64);
    // What looks like a configuration, and is none, is not tried for ever.
    let damaged = "services: [\nnetworks: macvlan\n\nprose\n".repeat(300);
    let found = |text: &str| super::super::passages::cut(text).passages.len();
    assert_eq!(found(&format!("{damaged}\n{}", unit(1))), 0);
    // The text as a whole.
    let (long, short) = ("prose\n".repeat(128 << 10), "prose\n".repeat(1 << 10));
    assert_eq!((found(&format!("{long}{}", unit(1))), found(&format!("{short}{}", unit(1)))), (0, 1));
}

#[test]
fn a_parent_that_is_busy_is_taken_to_be_a_port_of_a_bridge() {
    let text = format!(
        "# {NETWORK} lan\n# docker run --name a --network lan x\n\
         docker: Error response from daemon: failed to create the macvlan port: device or resource busy.\n"
    );
    let read = import(&[Source::new("input", &text)], None).unwrap();
    let found = diagnose::diagnose(&read, &Options::default());
    assert_eq!(found[0].check.id(), "parent-busy", "{found:?}");
    assert_eq!(found[0].remedies[0].lines[0], "docker network rm lan");
    assert!(found[0].remedies[0].lines[1].contains(" -o parent=br0 "), "{found:?}");
    assert_eq!(port(&read, "a").expect.map(|errno| errno.to_string()).as_deref(), Some("EBUSY"));
    // The command that failed is not in the input.
    let without = text.replace("# docker run --name a --network lan x\n", "");
    assert_eq!(port(&imported(&without), "container1").expect, port(&read, "a").expect);
}

#[test]
fn members_are_made_up_where_nobody_is_on_a_network() {
    let with = |more: &str| imported(&format!("{NETWORK} {more} lan"));
    let count = |more: &str| {
        let read = with(more);
        read.lab.devices.iter().filter(|device| matches!(device.kind, DeviceKind::Macvlan(_))).count()
    };
    assert_eq!((count(""), count("--ip-range 192.0.2.7/32")), (2, 1));
    let settings = format!("{NETWORK} --config-only lan");
    assert_eq!(import(&[Source::new("input", &settings)], None).unwrap_err(), ImportError::Nothing);
    assert_eq!(addresses(&with("--ip-range 192.0.2.7/32"), "container1"), ["192.0.2.7/24"]);
}

#[test]
fn a_part_of_a_compose_file_is_one() {
    let network = "  lan:\n    driver: macvlan\n    driver_opts: { parent: eth3 }\n    ipam:\n      config:\n        \
                   - subnet: 192.0.2.0/24\n";
    assert_eq!(port(&imported(network), "container1").parent, "eth3");
    let service = "a:\n  image: nginx\n  networks:\n    macvlan7:\n      ipv4_address: 192.0.2.9\n";
    assert_eq!(addresses(&imported(service), "a"), ["192.0.2.9/24"]);
}

#[test]
fn an_ipvlan_network_on_the_same_parent_is_told() {
    let text = |parent: &str, name: &str| {
        format!(
            "docker network create -d ipvlan --subnet 198.51.100.0/24 -o parent={parent} {name}\n{NETWORK} lan\n\
             docker run --name a --network lan x\n"
        )
    };
    let is_told = |text: &str| notes(&imported(text)).contains("an ipvlan network, is on the same parent");
    assert_eq!((is_told(&text("eth0", "other")), is_told(&text("eth1", "other"))), (true, false));
    let config = |kind: &str| {
        format!(
            "{{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"type\":\"{kind}\",\"master\":\"eth0\",\"ipam\":{{}}}}\n"
        )
    };
    let sources = [config("ipvlan"), config("macvlan")];
    let sources = sources.each_ref().map(|text| Source::new("conf", text));
    assert!(notes(&import(&sources, Some("cni")).unwrap()).contains("an ipvlan network"));
}

#[test]
fn a_code_block_that_cannot_be_read_is_told() {
    let damaged = "```yaml\nservices: [\nnetworks: { lan: { driver: macvlan } }\n```\n";
    let read = imported(&format!("{damaged}and\n```\n{NETWORK} lan\n```\n"));
    assert!(notes(&read).contains("left out: a code block that looks like compose: "), "{}", notes(&read));
    assert_eq!(port(&read, "container1").parent, "eth0");
    // Without anything else it is an error, with its place.
    let error = import(&[Source::new("input", damaged)], None).unwrap_err().to_string();
    assert!(error.starts_with("input:") && !error.contains("not recognised"), "{error}");
}
