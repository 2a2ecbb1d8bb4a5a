//! VLAN filtering and the policies of other networks.

use super::*;
use crate::errno::Errno;
use crate::frame::{Retag, Tag};
use crate::verdict::Refusal;
use std::net::IpAddr;

fn vlan(n: u16) -> VlanId {
    VlanId::new(n).unwrap()
}

fn vlan_port(pvid: Option<u16>, untagged: &[u16], tagged: &[u16]) -> PortConfig {
    let ids = |list: &[u16]| list.iter().map(|&n| vlan(n)).collect();
    let vlans = PortVlans { pvid: pvid.map(vlan), untagged: ids(untagged), tagged: ids(tagged) };
    PortConfig { vlans, ..PortConfig::default() }
}

/// Each port that the frame leaves by, with the frame as it leaves.
fn leaving(b: &mut Bench, port: SwitchPortId, bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let header = EthHeader::parse(bytes).unwrap();
    let verdict = b.switch.decide(port, bytes, &header, b.now);
    b.switch.commit(port, &header, &verdict, b.now);
    let out = b.switch.egress(&verdict, port, &header);
    out.map(|(p, _, retag)| (p.0, retag.apply(bytes).map_or_else(|| bytes.to_vec(), |r| r.parts().concat())))
        .collect()
}

#[test]
fn vlan_filtering() {
    let config = SwitchConfig { vlan_filtering: true, ..SwitchConfig::default() };
    let ports = vec![
        PortConfig::default(),
        vlan_port(None, &[], &[1, 10]),
        vlan_port(Some(10), &[10], &[1]),
        PortConfig::default(),
    ];
    let mut b = Bench::of(config, ports);
    let body = [8, 0, 1, 2, 3, 4];
    let with = |head: &[u8]| frame(ALL, A, &[head, &body].concat());
    let (plain, one, ten) = (with(&[]), with(&[0x81, 0, 0, 1]), with(&[0x81, 0, 0, 10]));
    // Untagged: VLAN 1 by the port's default.
    assert_eq!(leaving(&mut b, P0, &plain), [(1, one.clone()), (2, one.clone()), (3, plain.clone())]);
    assert_eq!(leaving(&mut b, P0, &one), [(1, one.clone()), (2, one.clone()), (3, plain.clone())]);
    // A priority tag keeps its priority.
    let (prio, prio_one) = (with(&[0x81, 0, 0xe0, 0]), with(&[0x81, 0, 0xe0, 1]));
    assert_eq!(leaving(&mut b, P0, &prio), [(1, prio_one.clone()), (2, prio_one), (3, plain.clone())]);
    // Another type of tag is payload.
    let other = with(&[0x88, 0xa8, 0, 10]);
    let other_one = with(&[0x81, 0, 0, 1, 0x88, 0xa8, 0, 10]);
    assert_eq!(leaving(&mut b, P0, &other), [(1, other_one.clone()), (2, other_one), (3, other.clone())]);
    // Not a member; no VLAN for untagged frames; not a member on the way out.
    assert_eq!(b.send_bytes(P0, &ten), (Rule::VlanNotMember, vec![]));
    assert_eq!(b.send_bytes(P1, &plain), (Rule::VlanNotMember, vec![]));
    assert_eq!(leaving(&mut b, P1, &ten), [(2, plain.clone())]);
    let header = EthHeader::parse(&ten).unwrap();
    let verdict = b.switch.decide(P1, &ten, &header, b.now);
    assert_eq!(verdict.vlan, Some(vlan(10)));
    assert_eq!(b.switch.may_leave(&verdict, P1, P0, &header), Err(Rule::VlanNotMember));
    // Each VLAN learns by itself.
    let entries: Vec<_> =
        b.switch.fdb_entries(b.now).iter().map(|e| (e.vlan.map(VlanId::get), e.port.0)).collect();
    assert_eq!(entries, [(Some(1), 0), (Some(10), 1)]);
}

#[test]
fn vlan_entries_by_hand() {
    let config = SwitchConfig { vlan_filtering: true, ..SwitchConfig::default() };
    let mut b = Bench::of(config, vec![vlan_port(Some(1), &[1], &[5]), PortConfig::default()]);
    let einval = Err(Refusal::new(Errno::Einval, Rule::FdbRefused));
    assert_eq!(
        b.switch.add_fdb((mac(A), P0, FdbKind::Static), Some(vlan(7)), IfKnown::Refuse, b.now),
        einval
    );
    assert_eq!(b.add(A, P0, FdbKind::Static), Ok(()));
    let vlans = |b: &Bench| -> Vec<_> { b.switch.fdb_entries(b.now).iter().filter_map(|e| e.vlan).collect() };
    assert_eq!(vlans(&b), [vlan(1), vlan(5)]);
    b.switch.del_fdb(mac(A), Some(vlan(1)), b.now).unwrap();
    assert_eq!(vlans(&b), [vlan(5)]);
    let plain = Bench::plain().switch.add_fdb(
        (mac(A), P0, FdbKind::Static),
        Some(vlan(5)),
        IfKnown::Refuse,
        Instant::ZERO,
    );
    assert_eq!(plain, einval, "a bridge without filtering has no VLANs");
}

#[test]
fn retagging_runts_harms_nothing() {
    let tag = Tag { tpid: 0x8100, tci: 1 };
    for retag in [Retag::Keep, Retag::Remove, Retag::Add(tag), Retag::Replace(tag)] {
        assert!(retag.apply(&[1, 2, 3]).is_none());
    }
}

fn policed(policy: Policy) -> Bench {
    let ips = vec!["192.0.2.1".parse::<IpAddr>().unwrap(), "2001:db8::1".parse().unwrap()];
    let assigned = Assigned { mac: mac(A), ips };
    let port = PortConfig { policy: Some(policy), assigned, ..PortConfig::default() };
    Bench::of(SwitchConfig::default(), vec![port, PortConfig::default()])
}

#[test]
fn the_virtual_switches_as_they_come() {
    for product in VirtualSwitch::ALL {
        let accepts = product.accepts();
        let mut b = policed(Policy::VirtualSwitch { product: *product, accepts });
        let (sends, receives) = match product {
            VirtualSwitch::VirtualBox => (true, false),
            VirtualSwitch::ProxmoxFirewall => (false, true),
            _ => (false, false),
        };
        // Another address behind the port than the NIC's own, as of a macvlan: B.
        assert_eq!(b.send(P0, ALL, B).1 == [1], sends, "{product:?}");
        assert_eq!(b.send(P1, B, C).1 == [0], receives, "{product:?}");
        assert_eq!((b.send(P0, ALL, A).1, b.send(P1, A, C).1), (vec![1], vec![0]), "{product:?}");
    }
}

#[test]
fn vmware() {
    let policy = |promiscuous, forged_transmits, mac_changes| {
        let accepts = PortSecurity { promiscuous, forged_transmits, mac_changes };
        policed(Policy::VirtualSwitch { product: VirtualSwitch::Vmware, accepts })
    };
    let mut b = policy(false, false, true);
    assert_eq!(b.send(P0, ALL, B), (Rule::PolicyForged, vec![]));
    assert_eq!(b.fdb(), []);
    assert_eq!(b.send(P0, ALL, A).1, [1]);
    assert_eq!(
        (b.send(P1, ALL, C).1, b.send(P1, GROUP, C).1, b.send(P1, A, C).1),
        (vec![0], vec![0], vec![0])
    );
    assert_eq!(b.why(P1, P0, B, C), Err(Rule::PolicyPromiscuous));
    b.add(B, P0, FdbKind::Static).unwrap();
    assert_eq!(b.send(P1, B, C), (Rule::PolicyPromiscuous, vec![]));
    // A change that is accepted makes the new address the NIC's own.
    b.switch.set_device_mac(P0, mac(B));
    assert_eq!((b.send(P0, ALL, B).1, b.send(P0, ALL, A).0), (vec![1], Rule::PolicyForged));
    assert_eq!(b.send(P1, B, C).1, [0]);

    let mut b = policy(true, true, false);
    assert_eq!(
        (b.send(P0, ALL, B).1, b.send(P1, B, C).1, b.send(P1, 0x0200_0000_0099, C).1),
        (vec![1], vec![0], vec![0])
    );
    b.switch.set_device_mac(P0, mac(B));
    assert_eq!(b.send(P0, ALL, A), (Rule::PolicyMacChange, vec![]));
    assert_eq!(b.why(P1, P0, ALL, C), Err(Rule::PolicyMacChange));
    b.switch.set_device_mac(P0, mac(A));
    assert_eq!(b.send(P0, ALL, A).1, [1]);
}

#[test]
fn wifi() {
    let mut b = policed(Policy::Wifi);
    assert_eq!(b.send(P0, ALL, B), (Rule::PolicyWifi, vec![]));
    assert_eq!(b.send(P0, ALL, A).1, [1]);
    assert_eq!(b.why(P1, P0, B, C), Err(Rule::PolicyWifi));
    assert_eq!((b.send(P1, A, C).1, b.send(P1, ALL, C).1), (vec![0], vec![0]));
}

#[test]
fn cloud() {
    let mut b = policed(Policy::Cloud);
    let ipv4 = |src: [u8; 4]| [&[8, 0, 0x45][..], &[0; 11], &src, &[0; 4]].concat();
    let arp =
        |sha: u64, spa: [u8; 4]| [&[8, 6, 0, 1, 8, 0, 6, 4, 0, 1][..], &mac(sha).0, &spa, &[0; 10]].concat();
    let ipv6 = |src: &str| {
        let src: std::net::Ipv6Addr = src.parse().unwrap();
        [&[0x86, 0xdd, 0x60][..], &[0; 7], &src.octets(), &[0; 16]].concat()
    };
    for (rest, ok) in [
        (ipv4([192, 0, 2, 1]), true),
        (ipv4([192, 0, 2, 2]), false),
        (ipv4([0; 4]), true),
        (ipv4([169, 254, 7, 7]), true),
        ([&[0x81, 0, 0, 5][..], &ipv4([192, 0, 2, 2])].concat(), false),
        ([&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 5][..], &ipv4([192, 0, 2, 2])].concat(), false),
        (arp(A, [192, 0, 2, 1]), true),
        (arp(A, [192, 0, 2, 2]), false),
        (arp(B, [192, 0, 2, 1]), false),
        (arp(A, [0; 4]), true),
        (ipv6("2001:db8::1"), true),
        (ipv6("2001:db8::2"), false),
        (ipv6("fe80::1"), true),
        (ipv6("::"), true),
        (vec![8, 0, 0x45], false),
        (vec![0x88, 0xcc, 1], true),
    ] {
        let want = if ok { (Rule::SwitchBroadcast, vec![1]) } else { (Rule::PolicyCloud, vec![]) };
        assert_eq!(b.send_bytes(P0, &frame(ALL, A, &rest)), want, "{rest:02x?}");
    }
    assert_eq!(b.send_bytes(P0, &frame(ALL, B, &ipv4([192, 0, 2, 1]))).0, Rule::PolicyCloud);
    assert_eq!(b.why(P1, P0, B, C), Err(Rule::PolicyCloud));
    assert_eq!((b.send(P1, A, C).1, b.send(P1, ALL, C).1), (vec![0], vec![0]));
}

#[test]
fn an_entry_is_for_one_vlan_of_its_port() {
    let config = SwitchConfig { vlan_filtering: true, ..SwitchConfig::default() };
    let mut b = Bench::of(config, vec![vlan_port(None, &[], &[5, 10]), PortConfig::default()]);
    b.switch.add_fdb((mac(A), P0, FdbKind::Static), Some(vlan(10)), IfKnown::Refuse, b.now).unwrap();
    let known = |id: u16| b.switch.fdb_entry(Some(vlan(id)), mac(A), b.now).map(|entry| entry.port);
    assert_eq!((known(5), known(10)), (None, Some(P0)));
}

#[test]
fn every_vlan_has_a_membership_of_its_own() {
    let ids = [1, 63, 64, 65, 128, 1000, 4094];
    for member in ids {
        let config = SwitchConfig { vlan_filtering: true, ..SwitchConfig::default() };
        let ports = vec![
            vlan_port(None, &[], &ids),
            vlan_port(None, &[], &[member]),
            vlan_port(None, &[member], &[]),
        ];
        let mut b = Bench::of(config, ports);
        for id in ids {
            let bytes = frame(ALL, A, &[&[0x81, 0][..], &id.to_be_bytes(), &[8, 0, 1, 2]].concat());
            let untagged = frame(ALL, A, &[8, 0, 1, 2]);
            let want = if id == member { vec![(1, bytes.clone()), (2, untagged)] } else { vec![] };
            assert_eq!(leaving(&mut b, P0, &bytes), want, "VLAN {id} at members of {member}");
        }
    }
}

#[test]
fn a_frame_that_stays_in_its_vlan_keeps_its_tag() {
    let config = SwitchConfig { vlan_filtering: true, ..SwitchConfig::default() };
    let b = Bench::of(config, vec![vlan_port(None, &[], &[10]), vlan_port(None, &[], &[10])]);
    let bytes = frame(ALL, A, &[0x81, 0, 0xe0, 10, 8, 0, 1, 2]);
    let header = EthHeader::parse(&bytes).unwrap();
    let verdict = b.switch.decide(P0, &bytes, &header, b.now);
    assert_eq!(b.switch.retag(&verdict, P1, &header), Retag::Keep);
}
