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
