//! "Why not this port?": the answers without a hop, because a frame that goes elsewhere has no hop at that port; and
//! those that only a frame on its path can meet.
#![allow(missing_docs, clippy::unwrap_used)]

use macvlab::frame::{EthHeader, Frame, MacAddr};
use macvlab::lab::spec::Name;
use macvlab::lab::{Event, HopKind, Lab, Options};
use macvlab::labfile;
use macvlab::macvlan::{Mode, Parent, PortRequest};
use macvlab::nic::{Nic, UnicastFilter};
use macvlab::time::Instant;
use macvlab::verdict::{PortId, Rule};

const BROADCAST: MacAddr = MacAddr([0xff; 6]);
const GROUP: MacAddr = MacAddr([1, 0, 0x5e, 1, 1, 1]);
const STRANGER: MacAddr = mac(0x99);

const fn mac(last: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, last])
}

/// Ports 0, 1, 2 … in these modes, all up, with the addresses mac(0), mac(1), mac(2) …
fn ports(modes: &[Mode]) -> Parent {
    let mut parent = Parent::new(Nic::new(mac(0xe0), 1500, UnicastFilter::None).unwrap());
    parent.set_up(true);
    for (mode, n) in modes.iter().zip(0..) {
        let id = parent.create(&PortRequest::new(mac(n)).with_mode(*mode)).unwrap();
        parent.port_mut(id).unwrap().set_up(true).unwrap();
    }
    parent
}

fn frame(dst: MacAddr, src: MacAddr, ethertype: u16) -> Vec<u8> {
    let mut frame = [dst.0, src.0].concat();
    frame.extend(ethertype.to_be_bytes());
    frame.resize(60, 0);
    frame
}

/// Why the port gets, or does not get, a frame that arrives at the parent.
fn why(parent: &mut Parent, port: u16, dst: MacAddr, src: MacAddr) -> Result<Rule, Rule> {
    let header = EthHeader::parse(&frame(dst, src, 0x0800)).unwrap();
    let table = parent.publish().unwrap();
    table.why(&table.receive(&header), PortId(port), &header)
}

#[test]
fn a_source_port_gets_no_flood_and_no_unlisted_unicast() {
    let mut ports = ports(&[Mode::Source, Mode::Bridge]);
    assert_eq!(why(&mut ports, 0, BROADCAST, STRANGER), Err(Rule::SourceModeNotFlooded));
    assert_eq!(why(&mut ports, 0, mac(0), STRANGER), Err(Rule::SourceNotListed));
    assert_eq!(why(&mut ports, 1, BROADCAST, STRANGER), Ok(Rule::FloodFromOutside));
}

#[test]
fn a_group_that_was_not_joined_is_not_wanted() {
    let mut ports = ports(&[Mode::Bridge]);
    assert_eq!(why(&mut ports, 0, GROUP, STRANGER), Err(Rule::GroupNotWanted));
    assert_eq!(why(&mut ports, 0, BROADCAST, STRANGER), Ok(Rule::FloodFromOutside));
}

#[test]
fn a_reflected_broadcast_has_a_reason_for_every_sibling() {
    let mut ports = ports(&[Mode::Vepa, Mode::Bridge, Mode::Private, Mode::Bridge]);
    let (vepa, bridge) = (mac(0), mac(1));
    assert_eq!(why(&mut ports, 0, BROADCAST, vepa), Err(Rule::FloodNotSelf));
    assert_eq!(why(&mut ports, 1, BROADCAST, vepa), Ok(Rule::FloodFromVepa));
    assert_eq!(why(&mut ports, 2, BROADCAST, vepa), Err(Rule::FloodNotPrivate));
    assert_eq!(why(&mut ports, 0, BROADCAST, bridge), Ok(Rule::FloodFromBridge));
    assert_eq!(why(&mut ports, 2, BROADCAST, bridge), Err(Rule::FloodNotPrivate));
    assert_eq!(why(&mut ports, 3, BROADCAST, bridge), Err(Rule::FloodNotTwice));
}

#[test]
fn a_local_copy_is_for_bridge_ports() {
    let mut ports = ports(&[Mode::Bridge, Mode::Vepa, Mode::Bridge]);
    let frame = frame(BROADCAST, mac(0), 0x0806);
    let header = EthHeader::outgoing(&frame).unwrap();
    let table = ports.publish().unwrap();
    let verdict = table.transmit(PortId(0), &header);
    assert_eq!(table.why(&verdict, PortId(1), &header), Err(Rule::FloodOtherMode));
    assert_eq!(table.why(&verdict, PortId(2), &header), Ok(Rule::BridgeLocalFlood));
}

#[test]
fn a_port_that_is_down_gets_nothing() {
    let mut ports = ports(&[Mode::Bridge]);
    ports.port_mut(PortId(0)).unwrap().set_up(false).unwrap();
    assert_eq!(why(&mut ports, 0, mac(0), STRANGER), Err(Rule::PortDown));
    assert_eq!(why(&mut ports, 0, BROADCAST, STRANGER), Err(Rule::PortDown));
}

/// The hops of a frame that arrives at a device, and their rules.
fn arrive(lab: &str, device: &str, bytes: &[u8]) -> Vec<(Name, HopKind, Frame)> {
    let spec = labfile::parse("lab", lab).unwrap_or_else(|e| panic!("{e}"));
    let mut lab = Lab::new(&spec, Options::default().with_stacks(false));
    lab.flush(&mut |_| ());
    let mut hops = Vec::new();
    lab.arrive(device, Instant::from_nanos(1), bytes, &mut |event| {
        if let Event::Hop(hop) = event {
            hops.push((hop.device.clone(), hop.kind, hop.frame.clone()));
        }
    })
    .unwrap();
    hops
}

#[test]
fn what_is_down_takes_nothing_that_is_on_its_cable() {
    let bytes = frame(BROADCAST, STRANGER, 0x0806);
    let lab = "[nic.eth0]\nup = false\n[station.win]\nup = false";
    let dropped = |device: &str, rule| vec![(device.into(), HopKind::Drop(rule), Frame::new(&bytes))];
    assert_eq!(arrive(lab, "eth0", &bytes), dropped("eth0", Rule::NicDown));
    assert_eq!(arrive(lab, "win", &bytes), dropped("win", Rule::CableDown));
}

#[test]
fn a_tagged_frame_arrives_at_the_sub_interface_without_its_tag() {
    let lab = "[nic.eth0]\n[vlan.v10]\nparent = \"eth0\"\nid = 10";
    let mut tagged = frame(BROADCAST, STRANGER, 0x8100);
    tagged[15] = 10;
    tagged[16] = 8;
    let hops = arrive(lab, "eth0", &tagged);
    let at: Vec<_> = hops.iter().map(|(device, ..)| device.as_str()).collect();
    assert_eq!(at, ["eth0", "v10", "v10"]);
    assert_eq!((hops[0].2.len(), hops[1].2.len(), &hops[1].2[12..14]), (60, 56, &[8, 0][..]));
}
