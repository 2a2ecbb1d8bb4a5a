//! An independent model of the macvlan rules, as naive as possible: linear scans over plain lists, one sentence of the
//! rules per line. The demultiplexer must agree with it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use macvlab::frame::{EthHeader, MacAddr, PacketType};
use macvlab::macvlan::{MacvlanFlags, Mode, Parent, PortRequest, SourcesChange};
use macvlab::nic::{Nic, UnicastFilter};
use macvlab::verdict::{Egress, PortId, Rule};
use proptest::prelude::*;
use std::collections::BTreeSet;

const GROUPS: [MacAddr; 2] = [MacAddr([1, 0, 0x5e, 0, 0, 9]), MacAddr([1, 0, 0x5e, 0, 1, 9])];
const NIC: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xff]);

#[derive(Clone, Debug)]
struct ModelPort {
    mac: MacAddr,
    mode: Mode,
    up: bool,
    joined: bool,
    listens_to: Vec<MacAddr>,
    nodst: bool,
}

fn address(n: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, n])
}

fn port() -> impl Strategy<Value = ModelPort> {
    let modes = prop_oneof![Just(Mode::Private), Just(Mode::Vepa), Just(Mode::Bridge), Just(Mode::Source)];
    (
        modes,
        prop::bool::weighted(0.8),
        any::<bool>(),
        prop::collection::vec(0u8..9, 0..3),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(mode, up, joined, listed, nodst)| ModelPort {
            mac: MacAddr::ZERO,
            mode,
            up,
            joined,
            listens_to: if mode == Mode::Source {
                listed.into_iter().map(address).collect()
            } else {
                Vec::new()
            },
            nodst: nodst && mode == Mode::Source,
        })
}

/// The receivers: ports by number, the host stack, and the wire.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    ports: Vec<usize>,
    host: bool,
    wire: bool,
}

fn wants(port: &ModelPort, dst: MacAddr) -> bool {
    dst == MacAddr::BROADCAST || dst == GROUPS[0] && port.joined
}

fn model_receive(ports: &[ModelPort], dst: MacAddr, src: MacAddr) -> Outcome {
    let mut out = Outcome::default();
    let mut eaten = false;
    for (n, p) in ports.iter().enumerate() {
        if p.mode == Mode::Source && p.listens_to.contains(&src) {
            if p.up {
                out.ports.push(n);
            }
            eaten |= p.nodst;
        }
    }
    if eaten {
        return out;
    }
    let owner = |mac| ports.iter().position(|p| p.up && p.mac == mac);
    if dst.0[0] & 1 == 0 {
        match owner(dst) {
            Some(n) if ports[n].mode != Mode::Source => out.ports.push(n),
            _ => out.host = true,
        }
        return out;
    }
    let sender = owner(src);
    if let Some(n) = sender
        && matches!(ports[n].mode, Mode::Private | Mode::Source)
    {
        out.ports.push(n);
        return out;
    }
    out.host = true;
    for (n, p) in ports.iter().enumerate() {
        let meant = match sender.map(|s| ports[s].mode) {
            None => p.mode != Mode::Source,
            Some(Mode::Vepa) => matches!(p.mode, Mode::Vepa | Mode::Bridge),
            Some(_) => p.mode == Mode::Vepa,
        };
        if p.up && meant && sender != Some(n) && wants(p, dst) {
            out.ports.push(n);
        }
    }
    out
}

fn model_transmit(ports: &[ModelPort], from: usize, dst: MacAddr, src: MacAddr) -> Outcome {
    let wire = Outcome { wire: true, ..Outcome::default() };
    if ports[from].mode != Mode::Bridge {
        return wire;
    }
    let bridge = |p: &ModelPort| p.up && p.mode == Mode::Bridge;
    if dst.0[0] & 1 == 0 {
        let local = ports.iter().any(|p| bridge(p) && p.mac == dst);
        return if local { model_receive(ports, dst, src) } else { wire };
    }
    let siblings = ports.iter().enumerate().filter(|(n, p)| *n != from && bridge(p) && wants(p, dst));
    Outcome { ports: siblings.map(|(n, _)| n).collect(), ..wire }
}

fn build(ports: &[ModelPort]) -> Parent {
    let mut parent = Parent::new(Nic::new(NIC, 1500, UnicastFilter::None).unwrap());
    parent.set_up(true);
    for p in ports {
        let flags = MacvlanFlags { nodst: p.nodst, nopromisc: false };
        let id = parent.create(&PortRequest::new(p.mac).with_mode(p.mode).with_flags(flags)).unwrap();
        let mut port = parent.port_mut(id).unwrap();
        if p.joined {
            port.join(GROUPS[0]);
        }
        if p.mode == Mode::Source {
            port.change_sources(&SourcesChange::Set(p.listens_to.clone())).unwrap();
        }
        port.set_up(p.up).unwrap();
    }
    parent
}

fn frame(dst: MacAddr, src: MacAddr) -> EthHeader {
    let mut bytes = [dst.0, src.0].concat();
    bytes.extend([0x88, 0xb5]);
    bytes.resize(60, 0);
    EthHeader::parse(&bytes).unwrap()
}

fn decided(parent: &mut Parent, from: Option<usize>, header: &EthHeader) -> Outcome {
    let table = parent.publish().unwrap().clone();
    let parent_type = PacketType::of(header.dst, NIC);
    let mut out = Outcome::default();
    let mut verdict = match from {
        Some(n) => table.transmit(PortId(u16::try_from(n).unwrap()), header),
        None => table.receive(header),
    };
    if verdict.egress == Egress::Parent {
        assert_eq!(verdict.rule, Rule::BridgeLocalUnicast);
        verdict = table.receive(header);
    }
    out.ports.extend(table.deliveries(&verdict, header, parent_type).map(|d| d.port.index()));
    out.host = verdict.egress == Egress::HostStack;
    out.wire = verdict.egress == Egress::Wire;
    out
}

fn sorted(mut out: Outcome) -> Outcome {
    out.ports.sort_unstable();
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_demultiplexer_agrees_with_the_model(mut ports in prop::collection::vec(port(), 1..7)) {
        for (n, p) in ports.iter_mut().enumerate() {
            p.mac = address(u8::try_from(n).unwrap());
        }
        let mut parent = build(&ports);
        let sources = (0..9).map(address).chain([NIC]);
        let destinations: Vec<_> = sources.clone().chain(GROUPS).chain([MacAddr::BROADCAST]).collect();
        for src in sources {
            for dst in &destinations {
                let header = frame(*dst, src);
                prop_assert_eq!(sorted(decided(&mut parent, None, &header)), sorted(model_receive(&ports, *dst, src)));
                for from in (0..ports.len()).filter(|n| ports[*n].up) {
                    let model = model_transmit(&ports, from, *dst, src);
                    prop_assert_eq!(sorted(decided(&mut parent, Some(from), &header)), sorted(model));
                }
            }
        }
    }

    #[test]
    fn nobody_gets_a_frame_twice_by_a_flood(mut ports in prop::collection::vec(port(), 1..7), src in 0u8..9) {
        for (n, p) in ports.iter_mut().enumerate() {
            p.mac = address(u8::try_from(n).unwrap());
        }
        let mut parent = build(&ports);
        let table = parent.publish().unwrap().clone();
        let header = frame(MacAddr::BROADCAST, address(src));
        let verdict = table.receive(&header);
        let flooded: Vec<_> = table
            .deliveries(&verdict, &header, PacketType::Broadcast)
            .filter(|d| d.rule != Rule::SourceCopy)
            .map(|d| d.port)
            .collect();
        prop_assert_eq!(flooded.iter().collect::<BTreeSet<_>>().len(), flooded.len());
    }
}
