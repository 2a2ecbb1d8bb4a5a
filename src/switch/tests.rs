//! One test for each rule, named after the labs of the rules file.

mod reserved;
mod sweeping;
mod vlan_and_policy;

use super::*;
use crate::errno::Errno;
use crate::frame::EthHeader;
use crate::time::Instant;
use crate::verdict::Refusal;
use proptest::prelude::*;
use std::time::Duration;

const A: u64 = 0x0200_0000_000a;
const B: u64 = 0x0200_0000_000b;
const C: u64 = 0x0200_0000_000c;
const ALL: u64 = 0xffff_ffff_ffff;
const GROUP: u64 = 0x0100_5e00_0005;
const RESERVED: u64 = 0x0180_c200_0000;
const P0: SwitchPortId = SwitchPortId(0);
const P1: SwitchPortId = SwitchPortId(1);
const P2: SwitchPortId = SwitchPortId(2);

fn mac(n: u64) -> MacAddr {
    MacAddr::from_u64(n)
}

fn frame(dst: u64, src: u64, rest: &[u8]) -> Vec<u8> {
    [&mac(dst).0[..], &mac(src).0, rest].concat()
}

fn secs(s: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(s)
}

/// A switch and what a test does with it.
struct Bench {
    switch: Switch,
    now: Instant,
}

impl Bench {
    fn of(config: SwitchConfig, ports: Vec<PortConfig>) -> Bench {
        let mut switch = Switch::new(config).unwrap();
        for (n, port) in ports.into_iter().enumerate() {
            assert_eq!(switch.add_port(port), Ok(SwitchPortId(n as u16)));
        }
        Bench { switch, now: Instant::ZERO }
    }

    fn plain() -> Bench {
        Bench::of(SwitchConfig::default(), vec![PortConfig::default(); 3])
    }

    fn flag(&mut self, port: SwitchPortId, flag: PortFlag, value: bool) {
        self.switch.set_flag(port, flag, value).unwrap();
    }

    /// A frame arrives; answers with the verdict's rule and the ports it leaves by.
    fn send(&mut self, port: SwitchPortId, dst: u64, src: u64) -> (Rule, Vec<u16>) {
        self.send_bytes(port, &frame(dst, src, &[0x12, 0x34, 0, 0]))
    }

    fn send_bytes(&mut self, port: SwitchPortId, bytes: &[u8]) -> (Rule, Vec<u16>) {
        let header = EthHeader::parse(bytes).unwrap();
        let verdict = self.switch.decide(port, bytes, &header, self.now);
        let out = self.switch.egress(&verdict, port, &header).map(|(p, ..)| p.0).collect();
        self.switch.commit(port, &header, &verdict, self.now);
        (verdict.rule, out)
    }

    /// Why a frame does not leave there, or by which rule it does.
    fn why(&self, port: SwitchPortId, out: SwitchPortId, dst: u64, src: u64) -> Result<Rule, Rule> {
        let bytes = frame(dst, src, &[0x12, 0x34]);
        let header = EthHeader::parse(&bytes).unwrap();
        let verdict = self.switch.decide(port, &bytes, &header, self.now);
        self.switch.may_leave(&verdict, port, out, &header)
    }

    fn fdb(&self) -> Vec<(u64, u16)> {
        self.switch.fdb_entries(self.now).iter().map(|e| (e.mac.to_u64(), e.port.0)).collect()
    }

    fn add(&mut self, addr: u64, port: SwitchPortId, kind: FdbKind) -> Result<(), Refusal> {
        self.switch.add_fdb((mac(addr), port, kind), None, IfKnown::Refuse, self.now)
    }
}

#[test]
fn sw_bad_source() {
    let mut b = Bench::plain();
    assert_eq!(b.send(P0, ALL, GROUP), (Rule::BadSource, vec![]));
    assert_eq!(b.send(P0, ALL, 0), (Rule::BadSource, vec![]));
    assert_eq!(b.fdb(), []);
}

#[test]
fn sw_learn_move() {
    let mut b = Bench::plain();
    assert_eq!(b.send(P0, B, A), (Rule::UnknownUnicast, vec![1, 2]));
    assert_eq!(b.send(P1, A, B), (Rule::KnownUnicast, vec![0]));
    assert_eq!(b.why(P1, P2, A, B), Err(Rule::KnownUnicast));
    assert_eq!(b.send(P2, ALL, A), (Rule::SwitchBroadcast, vec![0, 1]));
    assert_eq!(b.fdb(), [(A, 2), (B, 1)]);
    assert_eq!(b.send(P2, A, C), (Rule::NoHairpin, vec![]));
    b.flag(P2, PortFlag::Hairpin, true);
    assert_eq!(b.send(P2, A, C), (Rule::Hairpin, vec![2]));
}

#[test]
fn a_frame_to_its_own_source_is_known_by_itself() {
    let mut b = Bench::plain();
    assert_eq!(b.send(P0, A, A), (Rule::NoHairpin, vec![]));
    assert_eq!(b.send(P1, A, A), (Rule::NoHairpin, vec![]));
    b.flag(P1, PortFlag::Hairpin, true);
    assert_eq!(b.send(P1, A, A), (Rule::Hairpin, vec![1]));
    b.add(B, P2, FdbKind::Sticky).unwrap();
    assert_eq!(b.send(P0, B, B), (Rule::KnownUnicast, vec![2]));
}

#[test]
fn sw_static_moves() {
    let mut b = Bench::plain();
    b.add(A, P0, FdbKind::Static).unwrap();
    b.add(B, P0, FdbKind::Sticky).unwrap();
    b.send(P1, ALL, A);
    b.send(P1, ALL, B);
    assert_eq!(b.fdb(), [(A, 1), (B, 0)]);
    b.now = secs(1000);
    assert_eq!(b.fdb(), [(A, 1), (B, 0)], "static entries do not age, moved or not");
}

#[test]
fn sw_ageing() {
    let mut b = Bench::plain();
    b.send(P0, ALL, A);
    b.now = secs(299);
    assert_eq!(b.send(P1, A, B), (Rule::KnownUnicast, vec![0]));
    b.now = secs(300);
    assert_eq!(b.send(P1, A, B), (Rule::UnknownUnicast, vec![0, 2]), "being a destination does not refresh");
    assert_eq!(b.fdb(), [(B, 1)]);
    b.send(P0, ALL, A);
    b.now = secs(599);
    b.send(P0, ALL, A);
    b.now = secs(700);
    assert_eq!(b.fdb(), [(A, 0)], "being a source does");
    b.switch.set_ageing(Duration::ZERO, b.now);
    b.send(P0, ALL, C);
    b.switch.set_ageing(Duration::from_secs(300), b.now);
    assert_eq!(b.fdb(), [], "nothing is learned, and what was learned is gone for good");
}

#[test]
fn sw_flood_flags() {
    let mut b = Bench::plain();
    for (flag, dst) in [(PortFlag::Flood, B), (PortFlag::McastFlood, GROUP), (PortFlag::BcastFlood, ALL)] {
        b.flag(P1, flag, false);
        assert_eq!(b.send(P0, dst, A).1, [2], "{flag:?}");
        assert_eq!(b.why(P0, P1, dst, A), Err(Rule::FloodFlagOff));
        b.flag(P1, flag, true);
        assert_eq!(b.send(P0, dst, A).1, [1, 2], "{flag:?}");
    }
    b.send(P1, ALL, B);
    b.flag(P1, PortFlag::Flood, false);
    assert_eq!(b.send(P0, B, A), (Rule::KnownUnicast, vec![1]));
}

#[test]
fn a_flood_that_no_port_takes() {
    let mut b = Bench::of(SwitchConfig::default(), vec![PortConfig::default()]);
    assert_eq!(b.send(P0, ALL, A), (Rule::SwitchBroadcast, vec![]));
    assert_eq!(b.why(P0, P0, ALL, A), Err(Rule::NoHairpin));
}

#[test]
fn hairpin_reflects_floods_too() {
    let mut b = Bench::plain();
    b.flag(P0, PortFlag::Hairpin, true);
    assert_eq!(b.send(P0, ALL, A).1, [0, 1, 2]);
    assert_eq!(b.why(P0, P0, ALL, A), Ok(Rule::Hairpin));
    assert_eq!(b.why(P0, P1, ALL, A), Ok(Rule::SwitchBroadcast));
    b.flag(P0, PortFlag::BcastFlood, false);
    assert_eq!(b.send(P0, ALL, A).1, [1, 2]);
}

#[test]
fn sw_isolated() {
    let mut b = Bench::plain();
    b.flag(P0, PortFlag::Isolated, true);
    b.flag(P0, PortFlag::Hairpin, true);
    b.flag(P1, PortFlag::Isolated, true);
    assert_eq!(b.send(P0, ALL, A).1, [2]);
    assert_eq!((b.why(P0, P0, ALL, A), b.why(P0, P1, ALL, A)), (Err(Rule::Isolated), Err(Rule::Isolated)));
    assert_eq!(b.send(P1, A, B), (Rule::Isolated, vec![]));
    assert_eq!(b.send(P2, A, C), (Rule::KnownUnicast, vec![0]));
}

#[test]
fn sw_port_down() {
    let mut b = Bench::plain();
    b.send(P0, ALL, A);
    b.add(B, P0, FdbKind::Static).unwrap();
    b.switch.set_carrier(P0, false);
    assert_eq!(b.fdb(), [(B, 0)]);
    assert_eq!(b.send(P1, A, C), (Rule::UnknownUnicast, vec![2]));
    assert_eq!(b.why(P1, P0, A, C), Err(Rule::SwitchPortDown));
    assert_eq!(b.send(P1, B, C), (Rule::SwitchPortDown, vec![]));
    assert_eq!(b.send(P0, ALL, A), (Rule::SwitchPortDown, vec![]));
    b.switch.set_carrier(P0, true);
    assert_eq!(b.send(P1, B, C), (Rule::KnownUnicast, vec![0]));
}

#[test]
fn sw_learning_off() {
    let mut b = Bench::plain();
    b.flag(P0, PortFlag::Learning, false);
    b.flag(P0, PortFlag::Hairpin, true);
    b.send(P0, ALL, A);
    assert_eq!(b.fdb(), []);
    assert_eq!(b.send(P0, A, B), (Rule::UnknownUnicast, vec![0, 1, 2]));
}

#[test]
fn tags_are_ignored_without_filtering() {
    let mut b = Bench::plain();
    b.send_bytes(P0, &frame(ALL, A, &[0x81, 0, 0, 10, 8, 0, 0, 0]));
    let back = frame(A, B, &[0x88, 0xa8, 0, 20, 8, 0, 0, 0]);
    assert_eq!(b.send_bytes(P1, &back), (Rule::KnownUnicast, vec![0]));
}

#[test]
fn locked() {
    let mut b = Bench::plain();
    b.flag(P0, PortFlag::Locked, true);
    assert_eq!(b.send(P0, ALL, A), (Rule::Locked, vec![]));
    assert_eq!(b.fdb(), []);
    b.add(A, P0, FdbKind::Static).unwrap();
    assert_eq!(b.send(P0, ALL, A).1, [1, 2]);
    // The address moves all the same, and nothing sent to the locked port is affected.
    b.send(P1, ALL, A);
    assert_eq!(b.send(P0, ALL, A), (Rule::Locked, vec![]));
    assert_eq!(b.send(P1, ALL, B).1, [0, 2]);
    b.add(C, P0, FdbKind::Dynamic).unwrap();
    assert_eq!(b.send(P1, C, B).1, [0]);
    b.now = secs(300);
    assert_eq!(b.send(P0, ALL, C), (Rule::Locked, vec![]), "an entry that aged opens no more");
}

#[test]
fn locked_hairpin() {
    let mut b = Bench::plain();
    b.flag(P0, PortFlag::Locked, true);
    b.flag(P0, PortFlag::Hairpin, true);
    b.add(A, P0, FdbKind::Static).unwrap();
    assert_eq!(b.send(P0, ALL, A).1, [0, 1, 2]);
    assert_eq!(b.send(P0, A, A), (Rule::Hairpin, vec![0]));
}

#[test]
fn states() {
    use PortState::{Blocking, Disabled, Forwarding, Learning, Listening};
    for (state, into, teaches, forwards) in [
        (Disabled, Disabled, false, false),
        (Listening, Listening, false, false),
        (Learning, Learning, true, false),
        (Forwarding, Forwarding, true, true),
        (Blocking, Forwarding, true, true),
    ] {
        let mut b = Bench::plain();
        b.switch.set_state(P0, state).unwrap();
        assert_eq!(b.switch.state(P0), Some(into));
        assert_eq!(b.send(P0, ALL, A).1.len(), if forwards { 2 } else { 0 }, "{state:?}");
        assert_eq!(b.fdb() == [(A, 0)], teaches, "{state:?}");
        b.send(P0, RESERVED + 14, B);
        assert_eq!(b.fdb().contains(&(B, 0)), teaches, "{state:?}");
        assert_eq!(b.why(P1, P0, ALL, C).is_ok(), forwards, "{state:?}");
        if !forwards {
            assert_eq!(b.send(P0, ALL, A).0, Rule::PortStateIn);
            assert_eq!(b.why(P1, P0, ALL, C), Err(Rule::PortStateOut));
        }
    }
}

#[test]
fn state_fdb_kept() {
    let mut b = Bench::plain();
    b.send(P0, ALL, A);
    b.switch.set_state(P0, PortState::Disabled).unwrap();
    assert_eq!(b.send(P1, A, B), (Rule::PortStateOut, vec![]));
}

#[test]
fn the_own_address_cannot_be_entered_by_hand() {
    let mut b = Bench::plain();
    b.switch.set_own_device(mac(A));
    let add =
        |b: &mut Bench, m| b.switch.add_fdb((mac(m), P0, FdbKind::Static), None, IfKnown::Refuse, b.now);
    assert_eq!(add(&mut b, A), Err(Refusal::new(Errno::Eexist, Rule::FdbRefused)));
    assert_eq!(add(&mut b, B), Ok(()));
}

#[test]
fn state_errors() {
    let mut b = Bench::plain();
    let einval = Err(Refusal::new(Errno::Einval, Rule::StateRefused));
    assert_eq!(b.switch.set_state(P0, PortState::Invalid(5)), einval);
    b.switch.set_carrier(P0, false);
    assert_eq!(b.switch.set_state(P0, PortState::Invalid(5)), einval);
    assert_eq!(
        b.switch.set_state(P0, PortState::Learning),
        Err(Refusal::new(Errno::Enetdown, Rule::StateRefused))
    );
    assert_eq!(b.switch.set_state(P0, PortState::Disabled), Ok(()));
    b.switch.set_carrier(P0, true);
    assert_eq!(b.switch.state(P0), Some(PortState::Forwarding), "no effect later");
    b.switch.set_state(P0, PortState::Disabled).unwrap();
    b.switch.set_carrier(P1, false);
    assert_eq!(b.switch.state(P0), Some(PortState::Disabled), "other ports' carrier does not matter");
    b.switch.set_carrier(P0, false);
    b.switch.set_carrier(P0, true);
    assert_eq!(b.switch.state(P0), Some(PortState::Forwarding));
}

#[test]
fn fdb_dynamic() {
    let mut b = Bench::plain();
    b.add(A, P0, FdbKind::Dynamic).unwrap();
    assert_eq!(b.add(A, P1, FdbKind::Static), Err(Refusal::new(Errno::Eexist, Rule::FdbRefused)));
    b.now = secs(300);
    assert_eq!(b.fdb(), []);
    assert_eq!(b.switch.del_fdb(mac(A), None, b.now), Err(Refusal::new(Errno::Enoent, Rule::FdbRefused)));
    b.add(A, P0, FdbKind::Dynamic).unwrap();
    b.switch.set_carrier(P0, false);
    assert_eq!(b.fdb(), []);
    let eperm = Err(Refusal::new(Errno::Eperm, Rule::FdbRefused));
    assert_eq!(b.add(A, P0, FdbKind::Dynamic), eperm);
    assert_eq!(b.add(A, P0, FdbKind::Static), Ok(()));
    assert_eq!(b.switch.del_fdb(mac(A), None, b.now), Ok(()));
    assert_eq!(b.fdb(), []);
    for (state, result) in
        [(PortState::Disabled, eperm), (PortState::Listening, eperm), (PortState::Learning, Ok(()))]
    {
        b.switch.set_state(P1, state).unwrap();
        assert_eq!(b.add(B, P1, FdbKind::Dynamic), result, "{state:?}");
    }
    assert_eq!(b.add(0, P1, FdbKind::Static), Err(Refusal::new(Errno::Einval, Rule::FdbRefused)));
    b.switch.set_ageing(Duration::ZERO, b.now);
    b.add(C, P2, FdbKind::Dynamic).unwrap();
    assert_eq!(b.fdb(), [], "with ageing 0 it is swept at once");
}

#[test]
fn ports_are_limited_and_strangers_harmless() {
    let mut b = Bench::of(SwitchConfig::default(), vec![PortConfig::default(); usize::from(MAX_PORTS)]);
    assert_eq!(b.switch.add_port(PortConfig::default()), Err(Refusal::new(Errno::Exfull, Rule::SwitchPorts)));
    let nowhere = SwitchPortId(u16::MAX);
    assert_eq!(b.send(nowhere, ALL, A), (Rule::SwitchPortDown, vec![]));
    assert_eq!(b.switch.set_flag(nowhere, PortFlag::Flood, true).map_err(|e| e.errno), Err(Errno::Enodev));
    assert_eq!(b.add(A, nowhere, FdbKind::Static).map_err(|e| e.errno), Err(Errno::Enodev));
    assert_eq!(b.send(P0, ALL, A).1.len(), 1022);
}

#[test]
fn the_forwarding_database_is_bounded() {
    let mut b = Bench::plain();
    for n in 0..MAX_FDB as u64 {
        assert_eq!(b.add(A + 256 + n, P0, FdbKind::Static), Ok(()));
    }
    assert_eq!(b.add(A, P1, FdbKind::Static), Err(Refusal::new(Errno::Enobufs, Rule::FdbRefused)));
    b.send(P1, ALL, B);
    assert_eq!(b.why(P0, P1, B, C), Ok(Rule::UnknownUnicast), "no room to learn: flooded");
    assert_eq!(b.send(P1, B, B).0, Rule::UnknownUnicast, "even to itself");
    b.send(P1, ALL, A + 256);
    assert_eq!(b.send(P0, A + 256, A).1, [1], "known addresses still move");
    b.switch.del_fdb(mac(A + 300), None, b.now).unwrap();
    b.send(P1, ALL, B);
    assert_eq!(b.send(P0, B, C).1, [1]);
}

/// Some port, with any policy, flags and state.
fn any_port() -> impl Strategy<Value = PortConfig> {
    let policy = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Policy::Wifi)),
        1 => Just(Some(Policy::Cloud)),
        1 => any::<[bool; 3]>().prop_map(|[promiscuous, forged_transmits, mac_changes]| {
            let accepts = PortSecurity { promiscuous, forged_transmits, mac_changes };
            Some(Policy::VirtualSwitch { product: VirtualSwitch::Vmware, accepts })
        }),
    ];
    let state = prop_oneof![4 => Just(PortState::Forwarding), 1 => Just(PortState::Learning)];
    let assigned = (A..=C).prop_map(|n| Assigned { mac: mac(n), ips: Vec::new() });
    (any::<[bool; 7]>(), state, policy, assigned).prop_map(|(values, state, policy, assigned)| {
        let mut flags = PortFlags::default();
        PortFlag::ALL.iter().zip(values).for_each(|(&flag, value)| *flags.get_mut(flag) = value);
        PortConfig { flags, state, policy, assigned, ..PortConfig::default() }
    })
}

proptest! {
    #[test]
    fn never_back_without_hairpin_and_deciding_changes_nothing(
        vlan_filtering: bool,
        ports in prop::collection::vec(any_port(), 1..5),
        frames in prop::collection::vec(
            (0u16..5, prop::sample::select(vec![A, B, C, ALL, GROUP, RESERVED, RESERVED + 3]), A..=C,
             prop::collection::vec(any::<u8>(), 2..40), prop::bool::weighted(0.3), 0u64..200),
            1..60,
        ),
    ) {
        let config = SwitchConfig { vlan_filtering, ..SwitchConfig::default() };
        let hairpin: Vec<bool> = ports.iter().map(|p| p.flags.hairpin).collect();
        let mut b = Bench::of(config, ports);
        for (port, dst, src, mut rest, tagged, pause) in frames {
            if tagged {
                rest.splice(0..0, [0x81, 0, 0, 1]);
            }
            let bytes = frame(dst, src, &rest);
            let Ok(header) = EthHeader::parse(&bytes) else { continue };
            b.now += Duration::from_secs(pause);
            let ingress = SwitchPortId(port);
            let before = format!("{:?}", b.switch);
            let verdict = b.switch.decide(ingress, &bytes, &header, b.now);
            let out: Vec<_> = b.switch.egress(&verdict, ingress, &header).collect();
            prop_assert_eq!(before, format!("{:?}", b.switch));
            prop_assert_eq!(verdict, b.switch.decide(ingress, &bytes, &header, b.now));
            // The short way of ordinary ports leads where asking everything would.
            let mut asked = b.switch.clone();
            asked.ports.iter_mut().for_each(|p| p.ordinary = false);
            prop_assert_eq!(verdict, asked.decide(ingress, &bytes, &header, b.now));
            prop_assert_eq!(&out, &asked.egress(&verdict, ingress, &header).collect::<Vec<_>>());
            prop_assert!(out.is_sorted_by(|x, y| x.0 < y.0));
            for n in 0..b.switch.port_count() {
                let answer = b.switch.may_leave(&verdict, ingress, SwitchPortId(n), &header);
                let left = out.iter().find(|(p, ..)| p.0 == n).map(|&(_, rule, _)| rule);
                prop_assert_eq!(answer.ok(), left);
                if n == port && left.is_some() {
                    prop_assert!(hairpin[usize::from(n)]);
                    prop_assert_eq!(left, Some(Rule::Hairpin));
                }
            }
            if let SwitchEgress::Port(p) = verdict.egress {
                prop_assert_eq!(out.iter().map(|o| o.0).collect::<Vec<_>>(), [p], "a port in a verdict takes the frame");
            }
            b.switch.commit(ingress, &header, &verdict, b.now);
            if verdict.learn == Learn::Source {
                prop_assert!(b.fdb().contains(&(src, port)));
            }
        }
    }
}

#[test]
fn a_batch_forwards_and_learns_as_frame_by_frame() {
    let config = SwitchConfig { ageing: Duration::from_secs(10), ..SwitchConfig::default() };
    let mut one = Bench::of(config, vec![PortConfig::default(); 4]).switch;
    let mut many = one.clone();
    let mut dice = 7u64;
    for round in 0..60 {
        let now = Instant::ZERO + Duration::from_secs(round);
        // Enough stations for a table that asks for memory ahead; some fall silent and are swept out.
        let arrivals: Vec<Arrival<'static>> = (0..1000)
            .map(|_| {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let station = |n: u64| mac(0x0200_0000_0000 + n % (40_000 / (1 + round)));
                let (src, dst) = (station(dice >> 20), station(dice >> 40));
                let header = EthHeader { dst, src, tag: None, ethertype: 0x0800, len: 60 };
                Arrival { ingress: SwitchPortId((dice >> 60) as u16 % 4), frame: &[], header }
            })
            .collect();
        let mut verdicts = Vec::new();
        many.forward_batch(&arrivals, now, &mut verdicts);
        for (a, verdict) in arrivals.iter().zip(&verdicts) {
            assert_eq!(*verdict, one.decide(a.ingress, a.frame, &a.header, now));
            one.commit(a.ingress, &a.header, verdict, now);
        }
        verdicts.clear();
        many.decide_batch(&arrivals, now, &mut verdicts);
        let singly = arrivals.iter().map(|a| one.decide(a.ingress, a.frame, &a.header, now));
        assert!(singly.eq(verdicts));
        assert_eq!(one.fdb_entries(now), many.fdb_entries(now));
    }
}

#[test]
fn what_is_expired_is_swept_out_with_the_frames_that_come() {
    let mut b = Bench::plain();
    for n in 0..10_000 {
        b.send(P1, ALL, 0x0600_0000_0000 + n);
    }
    b.add(A, P0, FdbKind::Static).unwrap();
    b.now += Duration::from_secs(200);
    b.send(P1, ALL, B);
    let memory_of = |b: &Bench| b.switch.fdb.len;
    b.now += Duration::from_secs(150);
    assert_eq!((memory_of(&b), b.switch.fdb_entries(b.now).len()), (10_002, 2), "absent, and still there");
    // One bucket a frame is enough to come round.
    for _ in 0..10_000 {
        b.send(P1, ALL, C);
    }
    assert_eq!(memory_of(&b), 3);
    // In a year nothing is left of what ages, whatever it is that ages are counted in.
    b.now += Duration::from_secs(365 * 86_400);
    assert_eq!(b.why(P0, P1, C, B), Ok(Rule::UnknownUnicast));
    b.send(P1, ALL, C);
    assert_eq!(b.fdb(), [(A, 0), (C, 1)]);
}

#[test]
fn the_own_devices_address_is_not_learned() {
    let mut bench = Switch::new(SwitchConfig::default()).unwrap();
    let port = bench.add_port(PortConfig::default()).unwrap();
    let own = MacAddr([2, 0, 0, 0, 0, 0x0f]);
    let frame = [[0xff; 6], own.0, [0x88, 0xb5, 0, 0, 0, 0]].concat();
    let header = EthHeader::parse(&frame).unwrap();
    let send = |switch: &mut Switch| {
        let verdict = switch.decide(port, &frame, &header, Instant::ZERO);
        switch.commit(port, &header, &verdict, Instant::ZERO);
        switch.fdb_entries(Instant::ZERO).len()
    };
    assert_eq!(send(&mut bench), 1, "a stranger's address is");
    bench.set_own_device(own);
    assert_eq!(bench.fdb_entries(Instant::ZERO).len(), 0, "the own device takes it away");
    assert_eq!(send(&mut bench), 0);
}

#[test]
fn the_own_device_gets_what_is_for_it_and_what_is_for_all() {
    let mut b = Bench::plain();
    let gets = |b: &Bench, port: SwitchPortId, dst: u64, promiscuous: bool| {
        let bytes = frame(dst, B, &[0x88, 0xb5, 0, 0]);
        let header = EthHeader::parse(&bytes).unwrap();
        let verdict = b.switch.decide(port, &bytes, &header, b.now);
        b.switch.own_device_gets(&verdict, &header, promiscuous)
    };
    assert_eq!([ALL, GROUP, A].map(|dst| gets(&b, P0, dst, true)), [false; 3], "there is none");
    b.switch.set_own_device(mac(A));
    b.switch.set_state(P1, PortState::Learning).unwrap();
    assert_eq!([ALL, GROUP, A, C].map(|dst| gets(&b, P0, dst, false)), [true, true, true, false]);
    assert!(gets(&b, P0, C, true), "a promiscuous device gets everything");
    for promiscuous in [false, true] {
        assert_eq!(
            [ALL, GROUP, A, C].map(|dst| gets(&b, P1, dst, promiscuous)),
            [false; 4],
            "a port that learns only"
        );
    }
}

#[test]
fn a_switch_is_live_while_a_port_with_carrier_forwards() {
    let mut b = Bench::of(SwitchConfig::default(), vec![PortConfig::default(); 2]);
    assert!(b.switch.is_live());
    b.switch.set_carrier(P0, false);
    assert!(b.switch.is_live());
    // The one port forwards and has no carrier, the other has carrier and does not forward.
    b.switch.set_state(P1, PortState::Learning).unwrap();
    assert!(!b.switch.is_live());
    b.switch.set_carrier(P0, true);
    b.switch.set_state(P0, PortState::Forwarding).unwrap();
    assert!(b.switch.is_live());
}

#[test]
fn the_memory_of_a_forwarding_database_grows_with_its_entries() {
    let mut b = Bench::plain();
    let before = b.switch.fdb_memory();
    (0..4096).for_each(|n| _ = b.send(P0, ALL, A + 0x100 + n));
    assert!(b.switch.fdb_memory() >= before + 4096 * 8, "{} bytes", b.switch.fdb_memory());
}
