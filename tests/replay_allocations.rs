//! A replay makes no allocation per frame, on either of its threads, as measured by a counting allocator.
#![allow(missing_docs, unsafe_code, clippy::unwrap_used)]

use macvlab::capture::{PcapWriter, Reader};
use macvlab::frame::{EthHeader, MacAddr, PacketType};
use macvlab::lab::{Device, DeviceType, HopKind};
use macvlab::replay::{
    AddressMap, Captured, Destination, DeviceIndex, Feed, FeedOutcome, Filter, HopRef, Ingress, InputFrame,
    Limits, OutputSpec, Rewrite, Route, Substitute, VlanEdit, Writer,
};
use macvlab::time::Instant;
use macvlab::verdict::Rule;
use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// The system's allocator, counting for all threads: this is the only test of its program.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is passed to the system's allocator unchanged; the counter is a plain number.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's guarantee is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's guarantee is passed on.
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's guarantee is passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// An endless capture.
struct Endless {
    bytes: Vec<u8>,
    at: usize,
}

impl Endless {
    /// A header, then the same records again and again.
    const HEADER: usize = 24;

    fn new() -> Endless {
        let mut pcap = PcapWriter::new(Vec::new()).unwrap();
        for n in 0..64u8 {
            let mut frame = vec![2, 0, 0, 0, 0, n % 4, 2, 0, 0, 0, 1, n, 8, 0];
            frame.resize(60 + usize::from(n) * 20, n);
            pcap.write(Instant::from_nanos(n.into()), &frame, 0).unwrap();
        }
        Endless { bytes: pcap.finish().unwrap(), at: 0 }
    }
}

impl Read for Endless {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let rest = &self.bytes[self.at..];
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        self.at += n;
        if self.at == self.bytes.len() {
            self.at = Endless::HEADER;
        }
        Ok(n)
    }
}

/// Sends this many batches through a stand-in for the pipeline, with a flood now and then.
fn pass(feed: &mut Feed, writer: &mut Writer, filter: &Filter, batches: usize) -> u64 {
    let mut frames = 0;
    for _ in 0..batches {
        let fed = feed.next(usize::MAX, &mut |chosen: InputFrame<'_>| {
            frames += 1;
            let dst = EthHeader::parse(chosen.frame).unwrap().dst.0[5];
            let kind = HopKind::Receive(PacketType::Host, Rule::UnicastToPort);
            let receivers = if frames % 10 == 0 { 0..4 } else { dst % 4..dst % 4 + 1 };
            for device in receivers {
                let (device, time, frame) = (DeviceIndex(device.into()), chosen.time, chosen.frame);
                let hop = HopRef { device, kind, time, frame, frame_id: frames };
                if filter.lets_through(&hop) {
                    writer.hop(&hop);
                }
            }
        });
        assert!(matches!(fed, FeedOutcome::Frames));
    }
    frames
}

fn device(n: u8) -> Device {
    Device::new(format!("p{n}"), DeviceType::Macvlan)
}

#[test]
fn reading_choosing_rewriting_and_writing_allocate_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let devices: Vec<Device> = (0..4).map(device).collect();
    let filter = Filter::new(&["verdict!=drop".parse().unwrap()], &devices).unwrap();
    let mut map = AddressMap::default();
    let stand = Substitute { device: DeviceIndex(1), mac: MacAddr([2, 0, 0, 0, 0, 1]) };
    map.insert(Captured::Mac(MacAddr([2, 0, 0, 0, 1, 3])), stand).unwrap();
    map.insert("192.0.2.1".parse().unwrap(), stand).unwrap();
    let entry = Some(Ingress { device: DeviceIndex(0), from_wire: true });
    let vlan = Some(VlanEdit::Add(macvlab::frame::VlanId::new(5).unwrap()));
    let plain = Route { entry, ..Route::default() };
    let rewritten = Route { entry, map, rewrite: Rewrite { vlan, ..Rewrite::default() } };
    for (name, route) in [("plain", plain), ("rewritten", rewritten)] {
        let readers = vec![Reader::new(Endless::new()).unwrap(), Reader::new(Endless::new()).unwrap()];
        let mut feed = Feed::new(readers, route, Limits::default());
        let spec = OutputSpec {
            folder: Some(dir.path().join(name)),
            annotated: Some(Destination::Stream(Box::new(io::sink()), Path::new("nowhere").into())),
            ..OutputSpec::default()
        };
        let mut writer = Writer::open(spec, &devices).unwrap();
        pass(&mut feed, &mut writer, &filter, 500);
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let frames = pass(&mut feed, &mut writer, &filter, 700);
        let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
        assert!(frames > 30_000, "{frames}");
        // A thread that waits for the other for the first time allocates a wait queue.
        assert!(allocations <= 4, "{name}: {allocations} for {frames} frames");
        writer.finish(&[]).unwrap();
    }
}
