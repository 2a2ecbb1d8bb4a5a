//! Findings about single mistakes.

use super::*;
use crate::interop::import;

fn found(text: &str) -> Vec<Finding> {
    let imported =
        import(&[Source::new("input", text)], None).unwrap_or_else(|error| panic!("{error}: {text}"));
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
