//! Link-local groups (IEEE 802.1Q, table 8-1): which stay at the switch, and which the masks let through.

use super::*;

#[test]
fn sw_reserved_and_learn() {
    for nibble in 0..16 {
        let mut b = Bench::plain();
        let (rule, out, learned) = match nibble {
            0 => (Rule::SwitchMulticast, vec![1, 2], true),
            1 => (Rule::ReservedPause, vec![], false),
            _ => (Rule::ReservedLocal, vec![], true),
        };
        assert_eq!(b.send(P0, RESERVED + nibble, A), (rule, out), "{nibble:x}");
        assert_eq!(b.fdb() == [(A, 0)], learned, "{nibble:x}");
    }
    assert_eq!(Bench::plain().send(P0, RESERVED + 16, A), (Rule::SwitchMulticast, vec![1, 2]));
}

#[test]
fn locked_link_local_and_forwarded_reserved() {
    let mut b = Bench::plain();
    b.flag(P0, PortFlag::Locked, true);
    assert_eq!(b.send(P0, RESERVED, A), (Rule::Locked, vec![]));
    assert_eq!(b.send(P0, RESERVED + 14, A), (Rule::ReservedLocal, vec![]));
    assert_eq!(b.send(P0, ALL, A).1, [1, 2], "one LLDP frame opened the port");
    b.switch.set_group_fwd_mask(None, 1 << 14).unwrap();
    assert_eq!(b.send(P0, RESERVED + 14, B), (Rule::Locked, vec![]));
    b.switch.set_group_fwd_mask(None, 0).unwrap();
    b.flag(P0, PortFlag::Learning, false);
    b.send(P0, RESERVED + 14, B);
    assert_eq!(b.send(P0, ALL, B), (Rule::Locked, vec![]), "learning off: nothing is taught");
}

#[test]
fn fwd_mask_bridge() {
    for bit in 0..16 {
        let mut b = Bench::plain();
        let set = b.switch.set_group_fwd_mask(None, 1 << bit | 1 << 15);
        let config = SwitchConfig { group_fwd_mask: 1 << bit, ..SwitchConfig::default() };
        assert_eq!(Switch::new(config).map(|_| ()), set);
        if bit < 3 {
            assert_eq!(set, Err(Refusal::new(Errno::Einval, Rule::BridgeMask)));
            assert_eq!(b.send(P0, RESERVED + 15, A).0, Rule::ReservedLocal, "the whole value is refused");
        } else {
            assert_eq!(b.send(P0, RESERVED + bit, A), (Rule::SwitchMulticast, vec![1, 2]));
        }
    }
}

#[test]
fn fwd_mask_port() {
    for bit in 0..16 {
        let mut b = Bench::plain();
        let set = b.switch.set_group_fwd_mask(Some(P0), 1 << bit);
        let config = PortConfig { group_fwd_mask: 1 << bit, ..PortConfig::default() };
        assert_eq!(b.switch.add_port(config).map(|_| ()), set);
        if bit == 1 {
            assert_eq!(set, Err(Refusal::new(Errno::Einval, Rule::PortMask)));
            assert_eq!(b.send(P0, RESERVED + 1, A), (Rule::ReservedPause, vec![]));
            continue;
        }
        assert_eq!(b.send(P0, RESERVED + bit, A), (Rule::SwitchMulticast, vec![1, 2, 3]));
        // The leaving port's mask does not matter, the arrival port's does; mcast_flood applies.
        let from_elsewhere = if bit == 0 { vec![0, 2, 3] } else { vec![] };
        assert_eq!(b.send(P1, RESERVED + bit, B).1, from_elsewhere);
        b.flag(P2, PortFlag::McastFlood, false);
        assert_eq!(b.send(P0, RESERVED + bit, A).1, [1, 3]);
    }
}

#[test]
fn a_reserved_group_passes_by_the_mask_of_the_bridge_of_the_port_or_of_both() {
    for (bridge, port, passes) in
        [(0, 0, false), (1 << 14, 0, true), (0, 1 << 14, true), (1 << 14, 1 << 14, true)]
    {
        let mut b = Bench::plain();
        b.switch.set_group_fwd_mask(None, bridge).unwrap();
        b.switch.set_group_fwd_mask(Some(P0), port).unwrap();
        assert_eq!(b.send(P0, RESERVED + 14, A).0 == Rule::SwitchMulticast, passes, "{bridge:#x} {port:#x}");
    }
}
