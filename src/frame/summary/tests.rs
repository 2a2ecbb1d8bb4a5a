//! One line for each kind of frame.

use super::*;
use proptest::prelude::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|c| u8::from_str_radix(core::str::from_utf8(c).unwrap(), 16).unwrap()).collect()
}

fn of(text: &str) -> String {
    summary(&hex(text))
}

#[test]
fn arp() {
    let head = "ffffffffffff 0242c0a880de";
    let body = "0001 0800 06 04 0001 0242c0a880de c0a880de 000000000000 c0a880e9";
    assert_eq!(of(&format!("{head} 0806 {body}")), "ARP who-has 192.168.128.233 tell 192.168.128.222");
    let tagged = format!("{head} 88a8 0064 8100 600a 0806 {body}");
    assert_eq!(
        of(&tagged),
        "service vlan 100, vlan 10 priority 3, ARP who-has 192.168.128.233 tell 192.168.128.222"
    );
    let reply =
        "0242c0a880de 0242c0a880e9 0806 0001 0800 06 04 0002 0242c0a880e9 c0a880e9 0242c0a880de c0a880de";
    assert_eq!(of(reply), "ARP 192.168.128.233 is-at 02:42:c0:a8:80:e9");
}

#[test]
fn who_logs_in_and_who_asks_for_groups() {
    assert_eq!(of("0180c2000003 020000000001 888e 01010000"), "EAPOL");
    let head = "01005e000001 020000000001 0800 4600 0020 0000 0000 0102 0000 0a000001 e0000001 94040000";
    assert_eq!(of(&format!("{head} 1164 0000 00000000")), "IGMP query 10.0.0.1 > 224.0.0.1");
    assert_eq!(of(&format!("{head} 1600 0000 ef010203")), "IGMPv2 report for 239.1.2.3 10.0.0.1 > 224.0.0.1");
}

#[test]
fn what_is_no_ip() {
    let head = "0180c2000001 020000000001";
    assert_eq!(of(&format!("{head} 8808 0001 ffff")), "PAUSE for 65535 quanta");
    assert_eq!(of(&format!("{head} 0026 4242 03 0000 00 00 00")), "STP configuration");
    assert_eq!(of(&format!("{head} 88cc 0207")), "LLDP");
    assert_eq!(of(&format!("{head} 8809 01")), "LACP");
    assert_eq!(
        of(&format!("{head} 1234 00ff")),
        "ethertype 0x1234 02:00:00:00:00:01 > 01:80:c2:00:00:01, 2 bytes"
    );
    assert_eq!(of(head), "runt of 12 bytes");
    assert_eq!(of(&format!("{head} 8100 000a 00")), "runt of 17 bytes");
    assert_eq!(of(&format!("{head} 0800 45")), "broken IPv4 packet of 1 bytes");
}

#[test]
fn fragments_say_which_piece_they_are() {
    let frame =
        "01005e010101 020000000001 0800 4500 001c 1234 2001 40 11 0000 0a000001 e0010101 0102030405060708";
    assert_eq!(of(frame), "UDP fragment 10.0.0.1 > 224.1.1.1 id 4660 at 8, 8 bytes, more to come");
}

#[test]
fn neighbour_discovery() {
    let frame = "3333ff000233 0242c0a880de 86dd 60000000 0020 3a ff
        fd000128000000000000000000000222 ff0200000000000000000001ff000233
        87 00 0000 00000000 fd000128000000000000000000000233 0101 0242c0a880de";
    assert_eq!(of(frame), "NDP who-has fd00:128::233 tell fd00:128::222");
    let frame = "0242c0a880de 0242c0a880e9 86dd 60000000 0020 3a ff
        fd000128000000000000000000000233 fd000128000000000000000000000222
        88 00 0000 60000000 fd000128000000000000000000000233 0201 0242c0a880e9";
    assert_eq!(of(frame), "NDP fd00:128::233 is-at 02:42:c0:a8:80:e9");
}

/// Checks the line of each frame, made from its distinguishing bytes.
fn each(cases: &[(&str, &str)], frame: impl Fn(&str) -> String) {
    for (bytes, line) in cases {
        assert_eq!(of(&frame(bytes)), *line, "{bytes}");
    }
}

/// An IPv4 packet from 10.0.0.1 to 10.0.0.2, of this protocol.
fn v4(protocol: u8, data: &str) -> String {
    let length = 20 + hex(data).len();
    format!(
        "020000000002 020000000001 0800 4500 {length:04x} 0001 0000 40 {protocol:02x} 0000 0a000001 0a000002 {data}"
    )
}

/// An IPv6 packet to fd00::2, whose first header is of this protocol.
fn v6_from(from: &str, protocol: u8, data: &str) -> String {
    let length = hex(data).len();
    let to = "fd000000000000000000000000000002";
    format!("020000000002 020000000001 86dd 60000000 {length:04x} {protocol:02x} 40 {from} {to} {data}")
}

fn v6(protocol: u8, data: &str) -> String {
    v6_from("fd000000000000000000000000000001", protocol, data)
}

#[test]
fn every_kind_of_ethernet_frame() {
    let cases = [
        (
            "0806 0001 0800 06 04 0001 020000000001 00000000 000000000000 0a000002",
            "ARP who-has 10.0.0.2, a probe",
        ),
        (
            "0806 0001 0800 06 04 0003 020000000001 0a000001 000000000000 0a000002",
            "ARP operation 3 from 10.0.0.1 about 10.0.0.2",
        ),
        ("0806 0001 0800 06", "ARP packet of 5 bytes, not for IPv4 over Ethernet"),
        ("8808 0001 0010", "PAUSE for 16 quanta"),
        ("8808 0101 00ff", "MAC control, opcode 0x0101"),
        ("8808 01", "MAC control, cut off"),
        ("8809 01", "LACP"),
        ("8809 02", "LACP marker"),
        ("8809 03", "Ethernet OAM"),
        ("8809 0a", "slow protocol 10"),
        ("8809", "slow protocol, cut off"),
        ("88cc 0207", "LLDP"),
        ("888e 0101", "EAPOL"),
        ("88b5 0102 03", "experimental ethertype 0x88b5, 3 bytes"),
        ("88b6 0102 03", "ethertype 0x88b6 02:00:00:00:00:01 > 01:80:c2:00:00:00, 3 bytes"),
        ("05dc 4242 03 0000 00 00", "STP configuration"),
        ("0007 4242 03 0000 00 80", "STP topology change"),
        ("0007 4242 03 0000 02 02", "RSTP"),
        ("0007 4242 03 0000 03 02", "MSTP"),
        ("0007 4242 03 0000 04 02", "STP of version 4"),
        ("0003 aaab 03", "LLC 0xaa > 0xab, 3 bytes"),
        ("0001 aa", "LLC, cut off"),
        ("05dd aa", "ethertype 0x05dd 02:00:00:00:00:01 > 01:80:c2:00:00:00, 1 bytes"),
        ("0800 45", "broken IPv4 packet of 1 bytes"),
        ("86dd 6000", "broken IPv6 packet of 2 bytes"),
        ("8100 0000 88cc 0207", "vlan 0, LLDP"),
        ("88a8 afff 88cc 0207", "service vlan 4095 priority 5, LLDP"),
        ("8100 000a 8100 200b", "vlan 10, vlan 11 priority 1, cut off behind its tags"),
    ];
    each(&cases, |bytes| format!("0180c2000000 020000000001 {bytes}"));
}

#[test]
fn every_kind_of_icmp() {
    let cases = [
        ("00 00 0000 0001 0102", "ICMP echo reply 10.0.0.1 > 10.0.0.2 id 1 seq 258"),
        ("08 00 0000 0103 0002", "ICMP echo request 10.0.0.1 > 10.0.0.2 id 259 seq 2"),
        ("03 00 0000 0000 0000", "ICMP net unreachable 10.0.0.1 > 10.0.0.2"),
        ("03 01 0000 0000 0000", "ICMP host unreachable 10.0.0.1 > 10.0.0.2"),
        ("03 02 0000 0000 0000", "ICMP protocol unreachable 10.0.0.1 > 10.0.0.2"),
        ("03 03 0000 0000 0000", "ICMP port unreachable 10.0.0.1 > 10.0.0.2"),
        ("03 04 0000 0000 0578", "ICMP fragmentation needed 10.0.0.1 > 10.0.0.2"),
        ("03 0d 0000 0000 0000", "ICMP (code 13) unreachable 10.0.0.1 > 10.0.0.2"),
        ("05 01 0000 0a000003", "ICMP redirect 10.0.0.1 > 10.0.0.2"),
        ("0b 00 0000 0000 0000", "ICMP time exceeded 10.0.0.1 > 10.0.0.2"),
        ("0c 02 0000 0000 0000", "ICMP type 12 code 2 10.0.0.1 > 10.0.0.2"),
        ("08 00", "ICMP 10.0.0.1 > 10.0.0.2, 2 bytes"),
    ];
    each(&cases, |bytes| v4(1, bytes));
}

#[test]
fn every_kind_of_icmpv6() {
    let cases = [
        ("80 00 0000 0001 0102", "ICMPv6 echo request fd00::1 > fd00::2 id 1 seq 258"),
        ("81 00 0000 0103 0002", "ICMPv6 echo reply fd00::1 > fd00::2 id 259 seq 2"),
        ("85 00 0000 00000000", "NDP router solicitation fd00::1 > fd00::2"),
        ("86 00 0000 00000000 00000000 00000000", "NDP router advertisement fd00::1 > fd00::2"),
        ("87 00 0000 00000000 fd000000000000000000000000000003", "NDP who-has fd00::3 tell fd00::1"),
        ("87 00 0000 00000000", "NDP who-has (cut off) tell fd00::1"),
        // Its address is in an option of type 2, here the second; without one, and with one that is cut off.
        (
            "88 00 0000 00000000 fd000000000000000000000000000003 0101 020000000007 0201 020000000009",
            "NDP fd00::3 is-at 02:00:00:00:00:09",
        ),
        ("88 00 0000 00000000 fd000000000000000000000000000003", "NDP fd00::3 is there, fd00::1 > fd00::2"),
        (
            "88 00 0000 00000000 fd000000000000000000000000000003 0201 020000",
            "NDP fd00::3 is there, fd00::1 > fd00::2",
        ),
        ("89 00 0000 00000000", "NDP redirect fd00::1 > fd00::2"),
        ("82 00 0000 00000000", "MLD query fd00::1 > fd00::2"),
        ("83 00 0000 00000000", "MLD report fd00::1 > fd00::2"),
        ("8f 00 0000 00000000", "MLD report fd00::1 > fd00::2"),
        ("84 00 0000 00000000", "MLD done fd00::1 > fd00::2"),
        ("01 04 0000 00000000", "ICMPv6 destination unreachable (code 4) fd00::1 > fd00::2"),
        ("02 00 0000 00000500", "ICMPv6 packet too big fd00::1 > fd00::2"),
        ("03 00 0000 00000000", "ICMPv6 time exceeded fd00::1 > fd00::2"),
        ("c8 07 0000 00000000", "ICMPv6 type 200 code 7 fd00::1 > fd00::2"),
        ("80 00", "ICMPv6 fd00::1 > fd00::2, 2 bytes"),
    ];
    each(&cases, |bytes| v6(58, bytes));
    let probe = "87 00 0000 00000000 fd000000000000000000000000000003";
    assert_eq!(of(&v6_from(&"0".repeat(32), 58, probe)), "NDP who-has fd00::3, a probe");
}

#[test]
fn every_kind_of_group_message() {
    let cases = [
        ("11 64 0000 ef010203", "IGMP query for 239.1.2.3 10.0.0.1 > 10.0.0.2"),
        ("12 00 0000 ef010203", "IGMPv1 report for 239.1.2.3 10.0.0.1 > 10.0.0.2"),
        ("16 00 0000 ef010203", "IGMPv2 report for 239.1.2.3 10.0.0.1 > 10.0.0.2"),
        ("17 00 0000 ef010203", "IGMP leave for 239.1.2.3 10.0.0.1 > 10.0.0.2"),
        ("22 00 0000 00000001", "IGMPv3 report 10.0.0.1 > 10.0.0.2"),
        ("99 00", "IGMP type 0x99 10.0.0.1 > 10.0.0.2"),
        ("", "IGMP, cut off 10.0.0.1 > 10.0.0.2"),
    ];
    each(&cases, |bytes| v4(2, bytes));
}

#[test]
fn datagrams_and_segments() {
    let datagram = "0001 0007 000d 0000 0102030405";
    assert_eq!(of(&v4(17, datagram)), "UDP 10.0.0.1:1 > 10.0.0.2:7, 5 bytes");
    assert_eq!(of(&v6(17, datagram)), "UDP [fd00::1]:1 > [fd00::2]:7, 5 bytes");
    assert_eq!(of(&v4(17, "0001")), "UDP 10.0.0.1 > 10.0.0.2, 2 bytes");
    for (flags, names) in [
        ("00", "no flags"),
        ("01", "FIN"),
        ("02", "SYN"),
        ("04", "RST"),
        ("08", "PSH"),
        ("10", "ACK"),
        ("20", "URG"),
        ("12", "SYN+ACK"),
        ("19", "FIN+PSH+ACK"),
    ] {
        // A header of 24 bytes with its options, and three bytes of data.
        let segment = format!("0001 0050 00000000 00000000 60 {flags} 0000 0000 0000 01010101 aabbcc");
        assert_eq!(of(&v4(6, &segment)), format!("TCP 10.0.0.1:1 > 10.0.0.2:80 {names}, 3 bytes"));
        assert_eq!(of(&v6(6, &segment)), format!("TCP [fd00::1]:1 > [fd00::2]:80 {names}, 3 bytes"));
    }
    assert_eq!(of(&v4(6, "0001 0050")), "TCP 10.0.0.1 > 10.0.0.2, 4 bytes");
    assert_eq!(of(&v4(47, "0001 0050")), "IP protocol 47 10.0.0.1 > 10.0.0.2, 4 bytes");
}

#[test]
fn fragments_of_ipv6() {
    let cases = [
        ("11 00 0001 0000abcd", "UDP fragment fd00::1 > fd00::2 id 43981 at 0, 8 bytes, more to come"),
        ("06 00 0009 00010000", "TCP fragment fd00::1 > fd00::2 id 65536 at 8, 8 bytes, more to come"),
        ("3a 00 0018 00000001", "ICMPv6 fragment fd00::1 > fd00::2 id 1 at 24, 8 bytes, the last"),
    ];
    each(&cases, |header| v6(44, &format!("{header} 0102030405060708")));
    // Behind another extension header.
    each(&cases, |header| v6(0, &format!("2c 00 01 04 00000000 {header} 0102030405060708")));
}

proptest! {
    #[test]
    fn any_bytes_give_one_printable_line(
        ethertype in prop::sample::select(vec![0x0800u16, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x8808, 20]),
        bytes in prop::collection::vec(any::<u8>(), 0..120),
        version in prop::sample::select(vec![0x45u8, 0x46, 0x60, 0]),
        protocol in prop::sample::select(vec![1u8, 2, 6, 17, 44, 58]),
    ) {
        let mut frame = vec![2; 12];
        frame.extend(ethertype.to_be_bytes());
        frame.extend(&bytes);
        if let Some(b) = frame.get_mut(14) { *b = version; }
        if let Some(b) = frame.get_mut(if version == 0x60 { 20 } else { 23 }) { *b = protocol; }
        for frame in [&frame, &bytes] {
            let line = summary(frame);
            prop_assert!(!line.is_empty() && line.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{line:?}");
        }
    }
}
