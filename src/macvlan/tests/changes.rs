//! What changes of a port do to its parent, and what they leave alone.

use super::*;

fn allmulti(b: &Bench) -> u32 {
    b.parent.nic().filter().allmulti()
}

#[test]
fn a_port_that_goes_down_takes_back_what_it_wanted_of_its_parent() {
    let mut b = Bench::new(&[Bridge]);
    b.port(0).set_promisc(true);
    b.port(0).set_promisc(true);
    b.port(0).set_allmulticast(true);
    // One for the address of the port: the NIC has no filter.
    assert_eq!((b.promiscuity(), allmulti(&b)), (2, 1));
    assert!(b.parent.port(PortId(0)).unwrap().is_promisc());
    b.up(0, false).unwrap();
    assert_eq!((b.promiscuity(), allmulti(&b)), (0, 0));
    b.up(0, true).unwrap();
    assert_eq!((b.promiscuity(), allmulti(&b)), (2, 1));
    b.port(0).set_promisc(false);
    b.port(0).set_allmulticast(false);
    assert_eq!((b.promiscuity(), allmulti(&b)), (1, 0));
}

#[test]
fn a_passthru_port_that_is_promiscuous_by_hand_counts_once() {
    let mut b = Bench::new(&[Passthru]);
    b.port(0).set_promisc(true);
    assert_eq!(b.promiscuity(), 1);
    b.port(0).set_promisc(false);
    assert_eq!(b.promiscuity(), 1);
    b.port(0).set_flags(MacvlanFlags::default()).unwrap();
    assert_eq!(b.promiscuity(), 1, "the flags were so before");
}

#[test]
fn nopromisc_is_for_passthru_ports() {
    let mut b = Bench::new(&[Vepa]);
    let before = b.promiscuity();
    b.port(0).set_flags(MacvlanFlags { nopromisc: true, nodst: false }).unwrap();
    assert_eq!(b.promiscuity(), before);
    assert_eq!(b.port(0).set_flags(MacvlanFlags::default()), Ok(()));
    assert_eq!(b.promiscuity(), before);
}

#[test]
fn a_parent_is_promiscuous_by_hand_as_well() {
    let mut b = Bench::new(&[]);
    b.parent.set_promisc(true);
    assert_eq!(b.promiscuity(), 1);
    b.parent.set_promisc(false);
    assert_eq!(b.promiscuity(), 0);
}

/// Only an mtu that brings IPv6 or takes it away has the filter loaded again.
#[test]
fn another_mtu_leaves_the_filter_as_it_is() {
    let mut b = Bench::new(&[Vepa]);
    b.port(0).join(GROUP);
    b.port(0).leave(GROUP).unwrap();
    b.port(0).set_mtu(1400).unwrap();
    assert_eq!(b.receive(GROUP, STRANGER).1.len(), 1, "still in the filter");
    b.port(0).set_mtu(1000).unwrap();
    assert_eq!(b.receive(GROUP, STRANGER).1, []);
}

#[test]
fn a_port_that_is_down_pushes_nothing_down() {
    let mut b = Bench::new(&[Vepa]);
    b.up(0, false).unwrap();
    b.port(0).join(GROUP);
    b.port(0).set_mtu(1000).unwrap();
    assert!(!b.parent.nic().filter().lists(GROUP));
    b.up(0, true).unwrap();
    assert!(b.parent.nic().filter().lists(GROUP));
}

#[test]
fn a_list_is_kept_until_the_port_leaves_source_mode() {
    let mut b = Bench::new(&[Source]);
    let listed = |b: &Bench| b.parent.port(PortId(0)).unwrap().sources().iter().copied().collect::<Vec<_>>();
    b.listen(0, &[STRANGER, mac(7)]);
    b.port(0).set_mode(Source).unwrap();
    assert_eq!(listed(&b), [mac(7), STRANGER]);
    b.port(0).set_mode(Vepa).unwrap();
    assert_eq!(listed(&b), []);
}

#[test]
fn a_list_that_is_replaced_makes_room_for_the_next() {
    let mut b = Bench::new(&[Source]);
    let all: Vec<MacAddr> = (0..MAX_LISTED_SENDERS)
        .map(|n| MacAddr([2, 1, 0, (n >> 16) as u8, (n >> 8) as u8, n as u8]))
        .collect();
    for _ in 0..3 {
        b.listen(0, &all);
    }
    b.listen(0, &[]);
    let request = PortRequest { mode: Source, ..b.request() }.with_sources(all.clone());
    let id = b.create(&request).unwrap();
    assert_eq!(b.parent.port(id).unwrap().sources().len(), all.len());
}

#[test]
fn a_port_may_have_the_mtu_of_its_parent_and_shrinks_with_it() {
    let mut b = Bench::new(&[]);
    let id = b.create(&b.request().with_mtu(1500)).unwrap();
    let refused = b.create(&b.request().with_mtu(1501));
    assert_eq!(refused.map_err(|r| r.errno), Err(Errno::Einval));
    let small = b.create(&b.request().with_mtu(900)).unwrap();
    let mtus = |b: &Bench| [id, small].map(|id| b.parent.port(id).unwrap().mtu());
    b.parent.set_mtu(1000).unwrap();
    assert_eq!(mtus(&b), [1000, 900]);
    b.parent.set_mtu(1500).unwrap();
    assert_eq!(mtus(&b), [1000, 900]);
}

#[test]
fn only_a_passthru_port_that_is_removed_leaves_room_for_others() {
    let mut b = Bench::new(&[Passthru]);
    let refused = Refusal::new(Errno::Einval, Rule::PassthruAlone).with_conflict(Some(PortId(0)));
    assert_eq!(b.create(&b.request()), Err(refused));
    b.parent.remove(PortId(0)).unwrap();
    assert_eq!(b.parent.passthru(), None);
    for n in 0..2 {
        assert_eq!(b.create(&b.request()), Ok(PortId(n)));
    }
    assert_eq!(b.parent.publish().unwrap().port_count(), 2);
}
