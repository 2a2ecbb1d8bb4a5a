//! Findings about single mistakes.

use super::*;
use crate::interop::import;

fn found(text: &str) -> Vec<Finding> {
    let imported =
        import(&[Source::new("input", text)], None).unwrap_or_else(|error| panic!("{error}: {text}"));
    diagnose(&imported, &Options::default())
}

fn found_in(texts: &[&str]) -> Vec<Finding> {
    let sources: Vec<Source<'_>> = texts.iter().map(|text| Source::new("input", text)).collect();
    let imported = import(&sources, None).unwrap_or_else(|error| panic!("{error}: {texts:?}"));
    diagnose(&imported, &Options::default())
}

fn of(findings: &[Finding], check: Check) -> &Finding {
    findings
        .iter()
        .find(|finding| finding.check == check)
        .unwrap_or_else(|| panic!("{check:?}: {findings:#?}"))
}

const VEPA: &str = "docker network create -d macvlan --subnet 192.0.2.0/24 -o parent=eth0 -o macvlan_mode=vepa n\n\
                    docker run --name a --net n --ip 192.0.2.7 x\n\
                    docker run --name b --net n --ip 192.0.2.8 x\n";

#[test]
fn a_network_is_mended_as_a_whole() {
    let findings = found(VEPA);
    let finding = of(&findings, Check::VepaWithoutHairpin);
    assert_eq!(finding.remedies[0].reads, "Make network n anew in mode bridge.");
    let lines = &finding.remedies[0].lines;
    assert_eq!(lines[0], "docker network rm n");
    assert!(lines[1].ends_with("-o parent=eth0 -o macvlan_mode=bridge n"), "{lines:?}");
    // The command that it proposes mends it.
    let mended = VEPA.replacen(VEPA.lines().next().unwrap_or_default(), &lines[1], 1);
    assert!(found(&mended).iter().all(|finding| finding.check != Check::VepaWithoutHairpin));
    assert_eq!(finding.rules[0], Rule::NoHairpin);
    assert_eq!(finding.others, 1, "the way back");
    let at = finding.place.map(|place| VEPA[place.start..place.end].to_owned());
    assert_eq!(at.as_deref(), Some("docker run --name b --net n --ip 192.0.2.8 x"));
}

#[test]
fn what_is_by_design_is_no_error() {
    let findings = found(&VEPA.replace("=vepa", "=private"));
    assert_eq!(of(&findings, Check::PrivateIsolated).severity, Severity::Info);
    assert_eq!(of(&findings, Check::HostIsolated).severity, Severity::Warning);
    assert!(findings.iter().all(|finding| finding.severity < Severity::Error), "{findings:#?}");
}

#[test]
fn the_kernels_refusals_have_their_checks() {
    let ip = |line: &str| format!("ip link add link eth0 name c1 type macvlan mode bridge\n{line}");
    let passthru = found(&ip("ip link add link eth0 name c2 type macvlan mode passthru"));
    assert_eq!(of(&passthru, Check::PassthruShared).devices, ["c2"]);
    let twice = "ip link set c1 address 02:00:00:00:00:01\nip link set c1 up\n\
                 ip link add link eth0 name c2 address 02:00:00:00:00:01 type macvlan\nip link set c2 up";
    assert_eq!(of(&found(&ip(twice)), Check::DuplicateMac).devices, ["c2"]);
    let busy = found("brctl addbr br0\nbrctl addif br0 eth0\nip link add link eth0 name c1 type macvlan");
    assert_eq!(of(&busy, Check::ParentBusy).devices, ["c1"]);
}

#[test]
fn duplicate_addresses_name_both_devices() {
    let twice =
        format!("{VEPA}docker run --name c --net n --ip 192.0.2.8 --mac-address 02:00:00:00:00:09 x\n");
    let findings = found(&twice);
    let mut devices = of(&findings, Check::DuplicateIp).devices.clone();
    devices.sort();
    assert_eq!(devices, ["b", "c"]);
}

#[test]
fn a_set_up_that_works_has_no_findings() {
    let bridge = VEPA.replace("=vepa", "=bridge");
    let shim = "ip addr add 192.0.2.2/24 dev eth0\nip link add shim link eth0 type macvlan mode bridge\n\
                ip addr add 192.0.2.3/32 dev shim\nip link set shim up\n\
                ip route add 192.0.2.7/32 dev shim\nip route add 192.0.2.8/32 dev shim\n";
    assert!(found(&format!("{bridge}{shim}")).is_empty(), "{:#?}", found(&format!("{bridge}{shim}")));
}

#[test]
fn of_many_machines_only_the_pings_of_the_input_are_asked() {
    let mut text = VEPA.lines().next().unwrap_or_default().to_owned();
    for number in 0..=MAX_MACHINES {
        text.push_str(&format!("\ndocker run --name c{number} --net n x"));
    }
    let finding = of(&found(&text), Check::VepaWithoutHairpin).clone();
    assert!(finding.others < 5, "{finding:#?}");
    assert!(finding.remedies.len() <= MAX_REMEDIES);
}

#[test]
fn a_network_on_a_wireless_nic_has_an_access_point() {
    let text = "docker network create -d macvlan --subnet 192.0.2.0/24 --gateway 192.0.2.1 -o parent=wlan0 lan\n\
                docker run -d --name a --network lan --ip 192.0.2.10 nginx\n";
    let found = found(text);
    assert!(
        found.iter().any(|f| f.check == Check::ForeignMac && f.rules.contains(&Rule::PolicyWifi)),
        "{found:?}"
    );
    assert!(self::found(&text.replace("wlan0", "eth0")).iter().all(|f| f.check != Check::ForeignMac));
}

#[test]
fn a_parent_that_the_host_does_not_have_is_told() {
    let text = "$ ip a\n2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500\n    inet 192.0.2.2/24 scope global eth0\n\
                $ docker network create -d macvlan --subnet 192.0.2.0/24 -o parent=PARENT lan\n\
                $ docker run -d --name a --network lan --ip 192.0.2.10 nginx\n";
    let is_bad =
        |parent: &str| found(&text.replace("PARENT", parent)).iter().any(|f| f.check == Check::BadParent);
    assert_eq!(["eth0", "eth1", "eth0.10", "eth1.10"].map(is_bad), [false, true, false, true]);
}

#[test]
fn a_host_that_is_a_virtual_machine_is_told_of_its_switch() {
    let text = "$ ip a\n2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500\n    link/ether 08:00:27:00:00:01\n    \
                inet 192.0.2.2/24 scope global eth0\n\
                $ docker network create -d macvlan --subnet 192.0.2.0/24 -o parent=eth0 lan\n\
                $ docker run -d --name a --network lan --ip 192.0.2.10 nginx\n";
    let of = |text: &str| found(text).into_iter().find(|f| f.check == Check::VirtualNic);
    let finding = of(text).unwrap();
    assert!(
        finding.told.contains("VirtualBox") && finding.rules.contains(&Rule::PolicyPromiscuous),
        "{finding:?}"
    );
    assert_eq!(finding.remedies[0].lines, ["VBoxManage modifyvm VM --nicpromisc1 allow-all"]);
    assert!(of(&text.replace("08:00:27", "02:00:27")).is_none());
    // It was told otherwise.
    let allowed = format!("{text}$ VBoxManage modifyvm vm --nicpromisc1 allow-all\n");
    assert!(of(&allowed).is_none(), "{:?}", of(&allowed));
}

/// Some remedy has these lines, as a person would type them for that tool.
fn is_mended_by(texts: &[&str], lines: &str) {
    let findings = found_in(texts);
    let remedies = || findings.iter().flat_map(|finding| &finding.remedies);
    let shown: Vec<String> = remedies().map(|help| help.lines.join("\n")).collect();
    assert!(shown.iter().any(|shown| shown == lines), "{lines}\n---\n{}", shown.join("\n---\n"));
}

const CONTAINER: &str = "docker network create -d macvlan --subnet 192.0.2.0/24 -o parent=eth0 n\n\
                         docker run --name web --net n --ip 192.0.2.7 x\n";

#[test]
fn networks_are_mended_in_the_words_of_their_tool() {
    let compose = "services:\n  a: { image: x, networks: { lan: { ipv4_address: 192.0.2.7 } } }\n  \
                   b: { image: x, networks: { lan: { ipv4_address: 192.0.2.8 } } }\nnetworks:\n  lan:\n    \
                   driver: macvlan\n    driver_opts: { parent: eth0, macvlan_mode: vepa }\n    \
                   ipam: { config: [{ subnet: 192.0.2.0/24, gateway: 192.0.2.1 }] }\n";
    is_mended_by(
        &[compose],
        "networks:\n  lan:\n    driver: macvlan\n    driver_opts:\n      parent: eth0\n      macvlan_mode: bridge\n    \
         ipam:\n      config:\n        - subnet: 192.0.2.0/24\n          gateway: 192.0.2.1",
    );
    let config = r#"{"cniVersion":"1.0.0","name":"lan","type":"macvlan","master":"eth0","mode":"vepa",
                     "ipam":{"type":"host-local","subnet":"192.0.2.0/24"}}"#;
    is_mended_by(&[config], "in the configuration of lan:\n  \"mode\": \"bridge\"");
    let definition = format!(
        "kind: NetworkAttachmentDefinition\nmetadata: {{ name: lan, namespace: media }}\nspec:\n  config: '{}'\n",
        config.replace('\n', " ")
    );
    is_mended_by(
        &[&definition],
        "kubectl edit network-attachment-definition lan -n media\n  \"mode\": \"bridge\"",
    );
    let podman = VEPA.replace("docker", "podman");
    is_mended_by(
        &[&podman],
        "podman network rm n\npodman network create -d macvlan --subnet 192.0.2.0/24 --gateway 192.0.2.1 -o parent=eth0 \
         -o mode=bridge n",
    );
    let network = "<network><name>lan</name><forward mode='private' dev='eth0'/></network>\n";
    let guest = |name: &str| {
        format!(
            "<domain><name>{name}</name><devices><interface type='network'><source network='lan'/></interface>\
             </devices></domain>\n"
        )
    };
    let guests = format!("{network}{}{}", guest("one"), guest("two"));
    is_mended_by(&[&guests], "virsh net-edit lan\n  <forward mode='bridge'>");
}

#[test]
fn ports_are_mended_in_the_words_of_their_tool() {
    let guest = |name: &str| {
        format!(
            "<domain><name>{name}</name><devices><interface type='direct'><source dev='eth0'/></interface>\
             </devices></domain>\n"
        )
    };
    is_mended_by(
        &[&format!("{}{}", guest("one"), guest("two"))],
        "virsh edit one\n  <source dev='eth0' mode='bridge'/>\nvirsh edit two\n  <source dev='eth0' mode='bridge'/>",
    );
    let attached = "virsh attach-interface one direct eth0\nvirsh attach-interface two direct eth0\n";
    is_mended_by(
        &[attached],
        "virsh edit one\n  <source dev='eth0' mode='bridge'/>\nvirsh edit two\n  <source dev='eth0' mode='bridge'/>",
    );
    let container = |name: &str| {
        format!("# /var/lib/lxc/{name}/config\nlxc.net.0.type = macvlan\nlxc.net.0.link = eth0\n")
    };
    is_mended_by(
        &[&format!("{}{}", container("one"), container("two"))],
        "in the configuration of one:\n  lxc.net.0.macvlan.mode = bridge\n\
         in the configuration of two:\n  lxc.net.0.macvlan.mode = bridge",
    );
    let instance = |name: &str| {
        format!(
            "- name: {name}\n  type: container\n  devices:\n    \
             lan0: {{ type: nic, nictype: macvlan, parent: eth0, mode: private }}\n"
        )
    };
    is_mended_by(
        &[&format!("{}{}", instance("one"), instance("two"))],
        "incus config device set one lan0 mode=bridge\nincus config device set two lan0 mode=bridge",
    );
    let topology = "topology:\n  nodes:\n    \
                    r1: { kind: linux, exec: [ip addr add 192.0.2.1/24 dev eth1] }\n    \
                    r2: { kind: linux, exec: [ip addr add 192.0.2.2/24 dev eth1] }\n  links:\n    \
                    - endpoints: [\"r1:eth1\", \"macvlan:eth0\"]\n    \
                    - { type: macvlan, endpoint: { node: r2, interface: eth1 }, host-interface: eth0, mode: vepa }\n";
    is_mended_by(
        &[topology],
        "links:\n  - type: macvlan\n    endpoint: { node: r2, interface: eth1 }\n    host-interface: eth0\n    \
         mode: bridge",
    );
}

#[test]
fn a_shim_is_mended_in_the_words_of_its_tool() {
    let networkd = "# 10-shim.netdev\n[NetDev]\nName=shim\nKind=macvlan\n[MACVLAN]\nMode=private\n\
                    # 20-eth0.network\n[Match]\nName=eth0\n[Network]\nMACVLAN=shim\n\
                    # 20-shim.network\n[Match]\nName=shim\n[Network]\nAddress=192.0.2.2/24\n";
    is_mended_by(
        &[networkd, CONTAINER],
        "in the .netdev file of shim:\n  [MACVLAN]\n  Mode=bridge\nnetworkctl delete shim\nnetworkctl reload",
    );
    let manager = "[connection]\nid=my shim\ntype=macvlan\ninterface-name=shim\n[macvlan]\nmode=1\nparent=eth0\n\
                   [ipv4]\naddress1=192.0.2.2/24\nmethod=manual\n";
    is_mended_by(
        &[manager, CONTAINER],
        "nmcli connection modify 'my shim' macvlan.mode bridge\nnmcli connection up 'my shim'",
    );
    let command = "nmcli connection add type macvlan ifname shim dev eth0 mode vepa ip4 192.0.2.2/24\n";
    is_mended_by(
        &[command, CONTAINER],
        "nmcli connection modify macvlan-shim macvlan.mode bridge\nnmcli connection up macvlan-shim",
    );
    let openwrt = "config device\n\toption name 'eth0'\n\nconfig device\n\toption type 'macvlan'\n\t\
                   option name 'shim'\n\toption ifname 'eth0'\n\toption mode 'private'\n\n\
                   config interface 'lan'\n\toption device 'shim'\n\toption proto 'static'\n\t\
                   option ipaddr '192.0.2.2/24'\n";
    is_mended_by(
        &[openwrt, CONTAINER],
        "uci set network.@device[1].mode='bridge'\nuci commit network\nservice network restart",
    );
}
