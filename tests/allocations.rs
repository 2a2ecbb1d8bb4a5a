//! Decisions allocate nothing, as measured by a counting allocator.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "common/counting.rs"]
mod counting;

use counting::allocations;
use macvlab::dataplane::{Entrance, HopKind, Worker};
use macvlab::frame::{EthHeader, MacAddr, PacketType};
use macvlab::lab::{Lab, Options};
use macvlab::macvlan::{Mode, Parent, PortRequest};
use macvlab::nic::{Nic, UnicastFilter};
use macvlab::switch::{Arrival, PortConfig, Switch, SwitchConfig, SwitchPortId};
use macvlab::time::Instant;
use std::hint::black_box;

fn mac(n: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, n])
}

/// A frame from every station 0 to 9 to every station, a group, and broadcast.
fn frames() -> Vec<Vec<u8>> {
    let mut everybody: Vec<MacAddr> = (0..10).map(mac).collect();
    everybody.extend([MacAddr([1, 0, 0x5e, 1, 2, 3]), MacAddr::BROADCAST]);
    let frame = |dst: &MacAddr, src: u8| [&dst.0[..], &mac(src).0, &[8, 0], &[0; 46]].concat();
    (0..10).flat_map(|src| everybody.iter().map(move |dst| frame(dst, src))).collect()
}

fn headers() -> Vec<EthHeader> {
    frames().iter().map(|f| EthHeader::parse(f).unwrap()).collect()
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(vec![1u8]))), 1);
}

#[test]
fn the_demultiplexer_decides_and_delivers_without_allocating() {
    let mut parent = Parent::new(Nic::new(mac(200), 1500, UnicastFilter::None).unwrap());
    parent.set_up(true);
    let modes = [Mode::Private, Mode::Vepa, Mode::Vepa, Mode::Bridge, Mode::Bridge, Mode::Source];
    let mut ids = Vec::new();
    for (mode, n) in modes.into_iter().zip(0..) {
        let sources = if mode == Mode::Source { vec![mac(8)] } else { Vec::new() };
        let request = PortRequest::new(mac(n)).with_mode(mode).with_sources(sources);
        let id = parent.create(&request).unwrap();
        parent.port_mut(id).unwrap().set_up(true).unwrap();
        ids.push(id);
    }
    let table = parent.publish().unwrap().clone();
    let (frames, headers) = (frames(), headers());
    let (mut delivered, mut frames_seen) = (0, 0);
    let count = allocations(|| {
        for header in &headers {
            let verdict = table.receive(header);
            delivered += table.deliveries(&verdict, header, PacketType::of(header.dst, mac(200))).count();
            for &id in &ids {
                let verdict = table.transmit(id, header);
                delivered += table.deliveries(&verdict, header, PacketType::Host).count();
                black_box(table.why(&verdict, id, header)).ok();
            }
        }
        table.receive_each(
            frames.iter(),
            |frame| frame.as_slice(),
            |_| true,
            |_, unicast| {
                frames_seen += 1;
                black_box(unicast);
            },
        );
    });
    assert_eq!(count, 0);
    assert_eq!(frames_seen, headers.len());
    assert!(delivered > 100, "{delivered}: hardly anything was delivered");
}

#[test]
fn the_switch_decides_and_learns_known_sources_without_allocating() {
    let mut switch = Switch::new(SwitchConfig::default()).unwrap();
    let ports: Vec<SwitchPortId> = (0..4).map(|_| switch.add_port(PortConfig::default()).unwrap()).collect();
    let frame = [0; 60];
    let headers = headers();
    let mut left = 0;
    let mut pass = |switch: &mut Switch, now| {
        for header in &headers {
            let ingress = ports[usize::from(header.src.0[5]) % ports.len()];
            let verdict = switch.decide(ingress, &frame, header, now);
            left += switch.egress(&verdict, ingress, header).count();
            switch.commit(ingress, header, &verdict, now);
        }
    };
    pass(&mut switch, Instant::ZERO);
    let count = allocations(|| pass(&mut switch, Instant::from_nanos(1_000_000)));
    assert_eq!(count, 0);
    let arrival = |&header| Arrival { ingress: ports[0], frame: &frame[..], header };
    let arrivals: Vec<Arrival<'_>> = headers.iter().map(arrival).collect();
    let mut verdicts = Vec::with_capacity(2 * arrivals.len());
    let count = allocations(|| {
        switch.decide_batch(&arrivals, Instant::ZERO, &mut verdicts);
        switch.forward_batch(&arrivals, Instant::ZERO, &mut verdicts);
    });
    assert_eq!((count, verdicts.len()), (0, 2 * arrivals.len()));
    assert!(left > headers.len(), "{left}: hardly anything left the switch");
}

/// Every port of a switch floods, learns and forwards, NICs demultiplex, sub-devices count, tags are added and removed:
/// none of it allocates.
#[test]
fn a_worker_takes_frames_without_allocating() {
    let lab = "[nic.eth0]\nmac = \"02:00:00:00:00:00\"\n\
               [macvlan.a]\nparent = \"eth0\"\nmac = \"02:00:00:00:00:01\"\nmode = \"bridge\"\n\
               [macvlan.b]\nparent = \"eth0\"\nmac = \"02:00:00:00:00:02\"\nmode = \"bridge\"\n\
               [macvlan.c]\nparent = \"eth0\"\nmac = \"02:00:00:00:00:03\"\nmode = \"vepa\"\n\
               [macvlan.d]\nparent = \"eth0\"\nmac = \"02:00:00:00:00:04\"\nmode = \"source\"\n\
               sources = [\"02:00:00:00:00:05\"]\n\
               [vlan.v]\nparent = \"eth0\"\nid = 7\n\
               [station.e]\nmac = \"02:00:00:00:00:05\"\n[station.f]\nmac = \"02:00:00:00:00:06\"\n\
               [switch.sw0.port.eth0]\nhairpin = true\n[switch.sw0.port.e]\n[switch.sw0.port.f]\n";
    let spec = macvlab::labfile::parse("lab", lab).unwrap();
    let mut worker = Lab::new(&spec, Options::default().with_stacks(false)).into_worker();
    let senders = ["eth0", "a", "b", "c", "d", "e", "f", "v"].map(|name| worker.wiring().find(name).unwrap());
    let mut received = 0;
    let mut pass = |worker: &mut Worker, time| {
        for (sender, src) in senders.into_iter().zip(0..) {
            for dst in (0..8).map(mac).chain([MacAddr::BROADCAST, MacAddr([1, 0, 0x5e, 0, 0, 1])]) {
                let mut frame = [8; 64];
                frame[..6].copy_from_slice(&dst.0);
                frame[6..12].copy_from_slice(&mac(src).0);
                worker.take(Entrance::Sent(sender), time, &frame, &mut |p| {
                    received += u64::from(matches!(p.kind, HopKind::Receive(..)));
                });
            }
        }
    };
    pass(&mut worker, Instant::ZERO);
    let count = allocations(|| pass(&mut worker, Instant::from_nanos(1_000_000)));
    assert_eq!(count, 0);
    assert!(received > 200, "{received}: hardly anything was received");
}
