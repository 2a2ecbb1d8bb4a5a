//! Frames through the labs of the fixtures: a lab, a worker that processes frames one by one, and one that processes
//! batches report the same hops; then the frames as steps, with IP stacks, explained.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use macvlab::counters::Counters;
use macvlab::dataplane::{Entrance, HopKind, Passing, Worker};
use macvlab::frame::MacAddr;
use macvlab::lab::spec::{Action, DeviceKind, FrameSpec, InjectPoint, Name, StepSpec};
use macvlab::lab::{Event, Lab, LabSpec, Options};
use macvlab::time::Instant;
use macvlab_fuzz::{Budget, Views, lab, told_in_full};
use std::time::Duration;

/// Maximum number of frames; the rest of the input is ignored.
const MAX_OFFERS: usize = 12;
/// Maximum number of tags of a frame.
const MAX_TAGS: usize = 4;

#[derive(Arbitrary, Debug)]
struct Input {
    lab: u8,
    views: u8,
    offers: Vec<Offer>,
}

/// A frame, where it enters, and after how many microseconds.
#[derive(Arbitrary, Debug)]
struct Offer {
    at: u8,
    wait: u32,
    shape: Shape,
}

#[derive(Arbitrary, Debug)]
enum Shape {
    /// Arbitrary bytes.
    Raw(Vec<u8>),
    /// Addresses that exist in the lab, tags, and the rest.
    Made { dst: u8, src: u8, tags: Vec<(bool, u16)>, ethertype: u16, body: Vec<u8>, pad: u8 },
    /// An IPv4 packet, or a fragment of one.
    Ip {
        dst: u8,
        src: u8,
        tag: Option<u16>,
        id: bool,
        fragment: u16,
        len: u16,
        protocol: u8,
        to: u8,
        body: Vec<u8>,
    },
    /// An ARP packet.
    Arp { dst: u8, src: u8, op: u8, about: u8 },
}

/// The compared properties of a hop: device, kind, time, bytes, and the number of the frame.
type HopRecord = (Name, HopKind, Instant, Vec<u8>, u64);

fuzz_target!(|input: Input| {
    let (name, spec) = lab(input.lab);
    compared(name, spec, &input.offers);
    // The steps take longer than the comparison.
    if input.views < 128 {
        explained(spec, &input.offers, input.views);
    }
});

fn quiet() -> Options {
    Options::default().with_stacks(false)
}

/// Every relevant address in a lab: devices, joined and reserved groups, broadcast, and an unknown one.
fn addresses(lab: &Lab) -> Vec<MacAddr> {
    let mut all: Vec<MacAddr> = lab.devices().iter().filter_map(|d| d.mac).collect();
    all.extend([
        MacAddr([1, 0, 0x5e, 0, 0, 1]),
        MacAddr([0x33, 0x33, 0, 0, 0, 1]),
        MacAddr([1, 0, 0x5e, 1, 2, 3]),
        MacAddr([1, 0x80, 0xc2, 0, 0, 0]),
        MacAddr([1, 0x80, 0xc2, 0, 0, 2]),
        MacAddr([2, 0x99, 0, 0, 0, 1]),
        MacAddr::BROADCAST,
        MacAddr::ZERO,
    ]);
    all
}

impl Shape {
    fn bytes(&self, addresses: &[MacAddr]) -> Vec<u8> {
        let pick = |n: u8| addresses[usize::from(n) % addresses.len()].0;
        match self {
            Shape::Raw(bytes) => bytes.clone(),
            Shape::Made { dst, src, tags, ethertype, body, pad } => {
                let mut frame = [pick(*dst), pick(*src)].concat();
                for (service, tci) in tags.iter().take(MAX_TAGS) {
                    frame.extend(if *service { [0x88, 0xa8] } else { [0x81, 0x00] });
                    frame.extend(tci.to_be_bytes());
                }
                frame.extend(ethertype.to_be_bytes());
                frame.extend(body);
                frame.resize(frame.len() + usize::from(*pad), 0);
                frame
            }
            Shape::Ip { dst, src, tag, id, fragment, len, protocol, to, body } => {
                let mut frame = [pick(*dst), pick(*src)].concat();
                if let Some(tci) = tag {
                    frame.extend([0x81, 0x00]);
                    frame.extend(tci.to_be_bytes());
                }
                frame.extend([8, 0, 0x45, 0]);
                // Mostly its real length.
                let whole = 20 + body.len() as u16;
                frame.extend((if len.is_multiple_of(4) { *len } else { whole }).to_be_bytes());
                frame.extend([0, u8::from(*id)]);
                frame.extend(fragment.to_be_bytes());
                frame.extend([9, *protocol, 0, 0, 192, 0, 2, 77, 192, 0, 2, *to]);
                frame.extend(body);
                frame
            }
            Shape::Arp { dst, src, op, about } => {
                let mut frame = [pick(*dst), pick(*src)].concat();
                frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, *op]);
                frame.extend(pick(*src));
                frame.extend([192, 0, 2, 77, 0, 0, 0, 0, 0, 0, 192, 0, 2, *about]);
                frame
            }
        }
    }
}

/// Where frames can enter: every device sends, and those with a cable also receive from it.
fn entrances(spec: &LabSpec, worker: &Worker) -> Vec<Entrance> {
    let mut list = Vec::new();
    for device in &spec.devices {
        let Some(node) = worker.wiring().find(&device.name) else { continue };
        list.push(Entrance::Sent(node));
        if matches!(device.kind, DeviceKind::Nic(_) | DeviceKind::Station(_)) {
            list.push(Entrance::Wire(node));
        }
    }
    list
}

/// A lab and two workers.
fn compared(name: &str, spec: &LabSpec, offers: &[Offer]) {
    let mut lab = Lab::new(spec, quiet());
    lab.flush(&mut |_| {});
    let addresses = addresses(&lab);
    let mut single = Lab::new(spec, quiet()).into_worker();
    let mut batched = single.clone();
    let entrances = entrances(spec, &single);
    let wiring = single.wiring().clone();
    let mut time = Instant::ZERO;
    let offers: Vec<(Entrance, Instant, Vec<u8>)> = offers
        .iter()
        .take(MAX_OFFERS)
        .map(|offer| {
            time += Duration::from_micros(u64::from(offer.wait));
            // Consecutive frames with the same entry form a batch.
            (entrances[usize::from(offer.at / 2) % entrances.len()], time, offer.shape.bytes(&addresses))
        })
        .collect();
    let (mut by_lab, mut one_by_one, mut in_batches): (Vec<HopRecord>, Vec<HopRecord>, Vec<HopRecord>) =
        Default::default();
    let told = |p: Passing<'_>| (wiring.name(p.at).clone(), p.kind, p.time, p.frame.to_vec(), p.frame_id);
    for (entrance, time, frame) in &offers {
        let mut sink = |event: &Event| {
            if let Event::Hop(h) = event {
                by_lab.push((h.device.clone(), h.kind, h.time, h.frame.to_vec(), h.frame_id));
            }
        };
        let offered = match entrance {
            Entrance::Wire(node) => lab.arrive(wiring.name(*node), *time, frame, &mut sink),
            Entrance::Sent(node) => lab.send_at(wiring.name(*node), *time, frame, &mut sink),
        };
        offered.unwrap_or_else(|e| panic!("{name}: {e}"));
        single.take(*entrance, *time, frame, &mut |p| one_by_one.push(told(p)));
    }
    for batch in offers.chunk_by(|(a, ..), (b, ..)| a == b) {
        let frames = batch.iter().map(|(_, time, frame)| (*time, &frame[..]));
        batched.take_batch(batch[0].0, frames, &mut |p| in_batches.push(told(p)));
    }
    assert_eq!(by_lab, one_by_one, "{name}");
    assert_eq!(one_by_one, in_batches, "{name}");
    lab.finish(&mut |event| {
        if let Event::Counters { device, counters } = event
            && let Some(node) = wiring.find(device)
        {
            let counted: [Counters; 2] = [&single, &batched].map(|w| w.state().counters(node));
            assert_eq!(counted, [*counters; 2], "{name}: {device}");
        }
    });
}

/// The same frames as steps of a lab with IP stacks, in every view.
fn explained(spec: &LabSpec, offers: &[Offer], choice: u8) {
    let (mut lab, mut budget) = Budget::lab(spec, told_in_full());
    let addresses = addresses(&lab);
    let mut views = Views::new(usize::from(choice));
    for offer in offers.iter().take(MAX_OFFERS) {
        if spec.devices.is_empty() || budget.is_spent() {
            break;
        }
        let device = &spec.devices[usize::from(offer.at / 2) % spec.devices.len()];
        let entry = match &device.kind {
            DeviceKind::Nic(_) | DeviceKind::Station(_) if offer.at.is_multiple_of(2) => InjectPoint::Wire,
            DeviceKind::Macvlan(port) if port.tap && offer.at.is_multiple_of(2) => InjectPoint::Node,
            _ => InjectPoint::Device,
        };
        let frame = FrameSpec::Bytes(offer.shape.bytes(&addresses));
        let action = Action::Inject { at: device.name.clone(), entry, frame };
        lab.step(&StepSpec::new(action), &mut |event| {
            budget.spend();
            views.event(event);
        });
    }
    lab.finish(&mut |event| views.event(event));
    views.finish(&lab.devices());
}
