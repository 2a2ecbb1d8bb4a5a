//! libvirt's XML.

use super::*;
use crate::lab::spec::NicSpec;
use crate::macvlan::Mode;

fn domain(name: &str, interfaces: &str) -> String {
    format!("<domain type='kvm'>\n<name>{name}</name>\n<devices>\n{interfaces}\n</devices>\n</domain>\n")
}

#[test]
fn direct_interfaces_are_macvtaps() {
    for (mode, expected) in [
        ("", Mode::Vepa),
        ("mode='bridge'", Mode::Bridge),
        ("mode='private'", Mode::Private),
        ("mode='passthrough'", Mode::Passthru),
        ("mode='passthru'", Mode::Passthru),
    ] {
        let text = domain(
            "vm1",
            &format!(
                "<interface type='direct'><mac address='52:54:00:00:00:01'/><source dev='eno1' {mode}/>\
             <mtu size='1400'/><link state='down'/></interface>"
            ),
        );
        let imported = imported(&format!("<?xml version='1.0'?>\n{text}"));
        let vm1 = port(&imported, "vm1");
        assert_eq!((vm1.mode, vm1.tap, vm1.parent.as_str()), (expected, true, "eno1"), "{mode}");
        assert_eq!((vm1.mtu, vm1.up), (Some(1400), false));
        let notes = notes(&imported);
        assert_eq!(
            notes.contains("default: libvirt uses mode vepa where none is given"),
            mode.is_empty(),
            "{notes}"
        );
        let refused = "wrong: `vm1`: libvirt knows no mode `passthru`, and refuses the domain; its word is `passthrough`";
        assert_eq!(notes.contains(refused), mode.contains("passthru'"), "{notes}");
    }
}

#[test]
fn what_libvirt_refuses_is_told() {
    let text = domain(
        "vm",
        "<interface type='direct'><source mode='bridge'/></interface>\
         <interface type='direct'><source dev='eno1' mode='Bridge'/></interface>\
         <interface type='hostdev'/><interface type='direct'><mac address='01:00:5e:00:00:01'/>\
         <source dev='eno1'/><virtualport type='802.1Qbg'/></interface>",
    ) + "<network><name>n</name><forward mode='private'/></network>";
    let notes = notes(&imported(&text));
    for note in [
        "wrong: `vm`: a direct interface without `<source dev=…>`: libvirt refuses it",
        "wrong: `vm`: libvirt knows no mode `Bridge`, and refuses the domain",
        "left out: `vm`: an interface of type hostdev",
        "wrong: `vm`: `01:00:5e:00:00:01` is not the MAC address of a device: libvirt refuses it",
        "left out: its virtual port",
        "wrong: network `n`: mode private needs a device: libvirt cannot start it",
    ] {
        assert!(notes.contains(note), "{note}: {notes}");
    }
}

#[test]
fn networks_give_their_mode_and_devices() {
    let on = |network: &str| format!("<interface type='network'><source network='{network}'/></interface>");
    let text = domain("a", &on("pool"))
        + &domain("b", &on("pool"))
        + &domain("c", &on("direct"))
        + &domain("d", &on("br"))
        + &domain("e", &on("default"))
        + &domain("f", &on("nat"))
        + "<network>\n<name>pool</name><forward mode='passthrough'><interface dev='eno2'/><interface dev='eno3'/>\
           </forward></network><network><name>direct</name><forward dev='eno1' mode='vepa'/></network>\
           <network><name>br</name><forward mode='bridge'/><bridge name='br0'/></network>\
           <network><name>nat</name><forward mode='nat'/><bridge name='virbr1'/></network>";
    let imported = imported(&text);
    assert_eq!((port(&imported, "a").mode, port(&imported, "a").parent.as_str()), (Mode::Passthru, "eno2"));
    assert_eq!((port(&imported, "b").mode, port(&imported, "b").parent.as_str()), (Mode::Passthru, "eno3"));
    assert_eq!((port(&imported, "c").mode, port(&imported, "c").parent.as_str()), (Mode::Vepa, "eno1"));
    assert!(imported.lab.switches.iter().any(|switch| switch.name == "br0" && switch.ports[0].device == "d"));
    assert!(notes(&imported).contains("network `nat`: a lab has no nat networks"), "{}", notes(&imported));
}

#[test]
fn guests_without_addresses_get_some() {
    let direct = "<interface type='direct'><source dev='eno1' mode='bridge'/></interface>";
    let text = format!(
        "# ip addr add 198.51.100.10/24 dev eno1\n# ip route add default via 198.51.100.1\n\
                        # virsh dumpxml vm1\n{}# virsh dumpxml vm2\n{}",
        domain("vm1", direct),
        domain("vm2", direct)
    );
    let read = imported(&text);
    assert_eq!(port(&read, "vm1").ip.address[0].to_string(), "198.51.100.101/24");
    assert_eq!(port(&read, "vm2").ip.address[0].to_string(), "198.51.100.102/24");
    assert_eq!(port(&read, "vm2").ip.gateway[0].to_string(), "198.51.100.1");
    // With the host's, if nothing is known.
    let read = imported(direct);
    assert_eq!(port(&read, "guest").ip.address[0].to_string(), "192.0.2.102/24");
    let nic = read.lab.devices.iter().find_map(|device| match &device.kind {
        DeviceKind::Nic(NicSpec { ip, .. }) => Some(ip.address[0].to_string()),
        _ => None,
    });
    assert_eq!(nic.as_deref(), Some("192.0.2.101/24"));
    assert!(notes(&read).contains("its address is not in the input; 192.0.2.102 stands for it"));
}

#[test]
fn invalid_xml_is_refused_with_its_place() {
    let refused = |text: &str| import(&[Source::new("input", text)], None).unwrap_err().to_string();
    for (text, message) in [
        ("<domain type='kvm'>\n  <name>a</nam></domain>", "input:2:10: not valid XML"),
        ("<domain type='kvm'><name>", "input:1:26: not valid XML"),
        ("<domain type='kvm'/>", "input: no domain, network or interface"),
        (
            "<!DOCTYPE a [<!ENTITY b 'c'>]><domain type='kvm'><name>&b;</name></domain>",
            "input:1:1: not valid XML",
        ),
    ] {
        let error = refused(text);
        assert!(error.starts_with(message), "{error}");
    }
    // Deep, and wide.
    refused(&format!("<domain type='kvm'>{}", "<a>".repeat(400_000)));
    let many = format!("<domain type='kvm'>{}</domain>", "<a/>".repeat(500_000));
    assert!(refused(&many).contains("not valid XML"), "{}", refused(&many));
    for text in ["<html><body>x</body></html>", "<a/>", "<"] {
        assert!(format_of(&Source::new("input", text)).is_none(), "{text}");
    }
}
