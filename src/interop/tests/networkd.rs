//! Files of systemd-networkd.

use super::*;
use crate::macvlan::Mode;

const PARENT: &str = "[Match]\nName=eno1\n[Network]\nAddress=192.0.2.1/24\nMACVLAN=mv0\n";

fn netdev(rest: &str) -> String {
    format!("[NetDev]\nName=mv0\nKind=macvlan\n{rest}\n")
}

fn several(texts: &[&str]) -> Imported {
    let sources: Vec<Source<'_>> = texts.iter().map(|text| Source::new("unit", text)).collect();
    import(&sources, None).unwrap()
}

#[test]
fn the_mode_is_the_kernels_unless_it_is_given() {
    for (mode, expected, note) in [
        ("[MACVLAN]\nMode=private", Mode::Private, ""),
        ("[MACVLAN]\nMode=passthru", Mode::Passthru, ""),
        (
            "",
            Mode::Vepa,
            "default: networkd leaves the mode to the kernel where none is given, which uses vepa",
        ),
        ("[MACVLAN]\nMode=Bridge", Mode::Vepa, "wrong: networkd knows no mode `Bridge` and ignores it"),
        ("[MACVTAP]\nMode=bridge", Mode::Vepa, "wrong: `mv0`: networkd ignores [MACVTAP] here"),
    ] {
        for texts in [[netdev(mode), PARENT.to_owned()], [PARENT.to_owned(), netdev(mode)]] {
            let imported = several(&[&texts[0], &texts[1]]);
            let mv0 = port(&imported, "mv0");
            assert_eq!((mv0.mode, mv0.parent.as_str()), (expected, "eno1"), "{mode}");
            let notes = notes(&imported);
            assert!(notes.contains(note), "{notes}");
            // No .network file brings it up.
            assert!(!mv0.up && notes.contains("no .network file matches it"), "{notes}");
            assert!(!notes.contains("no .netdev file"), "{notes}");
        }
    }
}

#[test]
fn devices_are_stacked_by_their_network_files() {
    let imported = imported(&format!(
        "{}[NetDev]\nName=v7\nKind=vlan\n[VLAN]\nId=7\n[NetDev]\nName=br0\nKind=bridge\n\
         [NetDev]\nName=lost\nKind=macvtap\n[NetDev]\nName=wg0\nKind=wireguard\n\
         {PARENT}VLAN=v7\nMACVLAN=gone\n[Match]\nName=en*2\n[Network]\nBridge=br0\n[Bridge]\nHairPin=yes\n\
         [Link]\nPromiscuous=yes\n[Match]\nName=v7\n[Network]\nDHCP=ipv4\n\
         [Match]\nName=mv0\n[Network]\nAddress=192.0.2.300/24\nAddress=192.0.2.9/24\nGateway=198.51.100.1\nloose\n",
        netdev("[MACVLAN]\nMode=bridge")
    ));
    assert!(port(&imported, "mv0").up);
    let br0 = imported.lab.switches.iter().find(|switch| switch.name == "br0").unwrap();
    assert_eq!((br0.ports[0].device.as_str(), br0.ports[0].flags.hairpin), ("en0", true));
    let v7 = imported.lab.devices.iter().find(|device| device.name == "v7").unwrap();
    let DeviceKind::Vlan(vlan) = &v7.kind else { panic!("{v7:?}") };
    assert_eq!(vlan.ip.address[0].to_string(), "10.0.7.101/24");
    let notes = notes(&imported);
    for note in [
        "wrong: `lost`: nothing names it as a device on another one, so it is not made",
        "left out: `wg0`: a device of kind wireguard",
        "guessed: no .netdev file describes it; without one networkd does not make it",
        "guessed: Name=en*2: taken to be one NIC, en0",
        "wrong: `192.0.2.300/24` is not an address: networkd ignores it",
        "wrong: the gateway 198.51.100.1 of `mv0` is in none of its subnets",
        "wrong: `loose`: networkd ignores a line that is no assignment",
    ] {
        assert!(notes.contains(note), "{note}: {notes}");
    }
}

#[test]
fn several_files_are_told_apart() {
    let text = format!(
        "==> /etc/systemd/network/1.netdev <==\n{}\n# /etc/systemd/network/2.network\n{PARENT}\n\
         # /usr/lib/systemd/network/3.network\n[Match]\nType=ether\n[Network]\nDHCP=no\n\\\n",
        netdev("[MACVLAN]\nMode=\\\n  bridge")
    );
    let imported = imported(&text);
    assert_eq!(port(&imported, "mv0").mode, Mode::Bridge);
    assert!(notes(&imported).contains("[Match] has no Name=: taken to be one NIC, eth0"));
}

#[test]
fn patterns_match_names() {
    let text = |pattern: &str| {
        format!("# ip link add enp3s0 type dummy\n[Match]\nName={pattern}\n[Network]\nAddress=192.0.2.1/24\n")
    };
    for (pattern, name) in [
        ("en*", "enp3s0"),
        ("e*s?", "enp3s0"),
        ("enp[0-9]s0", "enp3s0"),
        ("*", "enp3s0"),
        ("!lo enp*", "enp3s0"),
        ("eth*", "eth0"),
        ("enp[!3]s0", "enp0"),
        ("enp3s0?", "enp3s00"),
        ("[", "0"),
    ] {
        let commands = text(pattern);
        let (commands, unit) = commands.split_once('\n').unwrap();
        let imported = several(&[commands, unit]);
        let has = imported.lab.devices.iter().any(|device| device.name == name);
        assert!(has, "{pattern}: {:?}", names(&imported));
    }
}

#[test]
fn sections_have_a_limit() {
    let many = "[Match]\nName=eno1\n".repeat(5_000) + "[Match]\nName=late\n";
    let imported = imported(&format!("{PARENT}{many}{}", netdev("")));
    assert!(!names(&imported).contains(&"late"));
    assert!(notes(&imported).contains("everything after the first 4096 sections"));
    let unit = format!("[NetDev]\nName=x\n{}", "junk\n".repeat(1_000));
    let all = several(&[&unit, PARENT]);
    assert_eq!(notes(&all).matches("`junk`").count(), 50);
}

#[test]
fn a_vlan_on_what_is_no_nic_is_left_out() {
    let imported = imported(&format!(
        "{}[NetDev]\nName=v7\nKind=vlan\n[VLAN]\nId=7\n{PARENT}[Match]\nName=mv0\n[Network]\nVLAN=v7\n",
        netdev("")
    ));
    assert_eq!(names(&imported), ["eno1", "mv0"]);
    assert!(
        notes(&imported).contains("left out: `v7`: a VLAN of `mv0`, which is no NIC"),
        "{}",
        notes(&imported)
    );
}

#[test]
fn no_unit_is_an_error() {
    let refused = import(&[Source::new("input", "x\n[Link]\n")], Some("networkd")).unwrap_err();
    assert_eq!(refused.to_string(), "input:1:1: no section [NetDev] or [Match]");
}
