//! What a device takes from its cable as its lists, its flags and what is above it change.

use super::*;
use crate::frame::{EthHeader, MacAddr, PacketType};

const NIC: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xe0]);
const SUB: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x10]);
const OTHER: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x99]);
const GROUP: MacAddr = MacAddr([1, 0, 0x5e, 1, 2, 3]);

fn filtering() -> Nic {
    Nic::new(NIC, 1500, UnicastFilter::Slots(4)).unwrap()
}

fn lets_in(nic: &Nic, dst: MacAddr) -> bool {
    let bytes = [&dst.0[..], &OTHER.0, &[0x88, 0xb5]].concat();
    nic.intake().lets_in(&EthHeader::parse(&bytes).unwrap())
}

#[test]
fn what_is_switched_on_by_hand_is_switched_off_again() {
    let mut nic = filtering();
    nic.set_up(true);
    for _ in 0..2 {
        nic.set_promisc(true);
        assert!(lets_in(&nic, OTHER) && lets_in(&nic, GROUP));
    }
    nic.set_promisc(false);
    assert_eq!((nic.filter().promiscuity(), lets_in(&nic, OTHER), lets_in(&nic, GROUP)), (0, false, false));
    nic.set_allmulticast(true);
    assert_eq!((nic.filter().allmulti(), lets_in(&nic, OTHER), lets_in(&nic, GROUP)), (1, false, true));
    nic.set_allmulticast(false);
    assert_eq!((nic.filter().allmulti(), lets_in(&nic, GROUP)), (0, false));
}

#[test]
fn the_stack_joins_its_groups_while_the_device_is_up_and_has_room_for_ipv6() {
    let mut nic = filtering();
    let joined =
        |nic: &Nic| [MacAddr::ALL_HOSTS_V4, MacAddr::ALL_NODES_V6].map(|group| nic.filter().lists(group));
    assert_eq!(joined(&nic), [false, false]);
    nic.set_mtu(1400).unwrap();
    assert_eq!(joined(&nic), [false, false], "it is still down");
    nic.set_up(true);
    assert_eq!(joined(&nic), [true, true]);
    nic.set_mtu(1279).unwrap();
    assert_eq!(joined(&nic), [true, false]);
    nic.set_mtu(1280).unwrap();
    assert_eq!(joined(&nic), [true, true]);
    nic.set_up(false);
    assert_eq!(joined(&nic), [false, false]);
}

/// A sub-interface on a NIC, and the NIC as it is once it has taken over what the sub-interface wants.
struct Stacked {
    lower: Nic,
    upper: Nic,
    pushed: PushedDown,
}

impl Stacked {
    fn new(mac: MacAddr) -> Stacked {
        let mut lower = filtering();
        lower.set_up(true);
        Stacked { lower, upper: Nic::sub_interface(mac, 1500).unwrap(), pushed: PushedDown::default() }
    }

    fn after(&mut self, change: impl FnOnce(&mut Nic)) -> &Nic {
        change(&mut self.upper);
        let pushes = self.pushed.update(&mut self.upper);
        self.lower.take_pushes(&pushes);
        &self.lower
    }
}

#[test]
fn a_sub_interface_pushes_down_what_it_wants_while_it_is_up() {
    let mut s = Stacked::new(SUB);
    let wanted = |nic: &Nic| [SUB, OTHER, GROUP, MacAddr::ALL_NODES_V6].map(|mac| nic.filter().lists(mac));
    s.lower.set_mtu(1000).unwrap();
    assert_eq!(wanted(s.after(|_| {})), [false; 4]);
    s.after(|upper| upper.join(GROUP));
    assert_eq!(wanted(s.after(|upper| upper.filter_mut().unicast_add(OTHER))), [false; 4], "it is down");
    assert_eq!(wanted(s.after(|upper| upper.set_up(true))), [true; 4]);
    assert!(lets_in(&s.lower, GROUP) && lets_in(&s.lower, OTHER) && lets_in(&s.lower, SUB));
    assert_eq!(wanted(s.after(|upper| upper.leave(GROUP).unwrap())), [true, true, false, true]);
    assert_eq!(wanted(s.after(|upper| upper.filter_mut().unicast_del(OTHER))), [true, false, false, true]);
    s.after(|upper| upper.join(GROUP));
    assert_eq!(wanted(s.after(|upper| upper.set_up(false))), [false; 4]);
    assert!(!lets_in(&s.lower, GROUP) && !lets_in(&s.lower, SUB));
}

#[test]
fn a_sub_interface_whose_address_changes_wants_the_new_one_only() {
    let mut s = Stacked::new(SUB);
    s.after(|upper| upper.set_up(true));
    let lower = s.after(|upper| upper.set_mac(OTHER).unwrap());
    assert_eq!((lower.filter().lists(SUB), lower.filter().lists(OTHER)), (false, true));
}

#[test]
fn a_sub_interface_with_the_address_of_its_device_takes_no_slot() {
    let mut s = Stacked::new(NIC);
    let lower = s.after(|upper| upper.set_up(true));
    assert_eq!((lower.filter().lists(NIC), lets_in(lower, NIC)), (false, true));
}

#[test]
fn promiscuity_and_all_groups_of_a_sub_interface_hold_while_it_is_up() {
    let mut s = Stacked::new(SUB);
    let counts = |nic: &Nic| (nic.filter().promiscuity(), nic.filter().allmulti());
    s.after(|upper| upper.set_promisc(true));
    assert_eq!(counts(s.after(|upper| upper.set_allmulticast(true))), (0, 0));
    assert_eq!(counts(s.after(|upper| upper.set_up(true))), (1, 1));
    assert_eq!(counts(s.after(|_| {})), (1, 1));
    assert_eq!(counts(s.after(|upper| upper.set_up(false))), (0, 0));
}

#[test]
fn a_tag_must_be_followed_by_a_type() {
    let tagged = |ids: &[u8], rest: usize| {
        let tags = ids.iter().flat_map(|&id| [0x81, 0, 0, id]);
        NIC.0.into_iter().chain(OTHER.0).chain(tags).chain(std::iter::repeat_n(0, rest)).collect::<Vec<u8>>()
    };
    let seen = |frame: &[u8]| host_stack_type(frame, PacketType::Host);
    assert_eq!(seen(&tagged(&[], 2)), Some(PacketType::Host));
    for tags in [&[0][..], &[0, 0], &[0, 0, 0]] {
        let complete: Vec<bool> = (0..8).map(|rest| seen(&tagged(tags, rest)).is_some()).collect();
        assert_eq!(complete, [false, false, false, false, true, true, true, true], "{} tags", tags.len());
    }
    assert_eq!(seen(&tagged(&[0, 5], 4)), Some(PacketType::OtherHost));
    assert_eq!(seen(&tagged(&[5], 4)), Some(PacketType::OtherHost));
}
