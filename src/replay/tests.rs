//! Feed, routes and pipeline together.

use super::*;
use crate::capture::{PcapWriter, Reader};
use crate::frame::MacAddr;
use crate::lab::{DeviceType, Event, Lab, LabSpec, Options};
use crate::time::Instant;
use proptest::prelude::*;
use std::io::Cursor;
use std::sync::LazyLock;
use std::time::Duration;

const A: MacAddr = MacAddr([0, 0x0c, 0x29, 0, 0, 0xa]);
const B: MacAddr = MacAddr([0, 0x0c, 0x29, 0, 0, 0xb]);
const C1: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x11]);
const C2: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x12]);

fn ethernet(dst: MacAddr, src: MacAddr, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = [&dst.0[..], &src.0, &ethertype.to_be_bytes(), payload].concat();
    frame.resize(frame.len().max(60), 0);
    frame
}

/// A capture of frames of different lengths, at these times.
fn capture(times_and_lengths: &[(u64, usize)]) -> Reader {
    let mut pcap = PcapWriter::new(Vec::new()).unwrap();
    for (ns, len) in times_and_lengths {
        pcap.write(Instant::from_nanos(*ns), &vec![0; *len], 0).unwrap();
    }
    Reader::new(Cursor::new(pcap.finish().unwrap())).unwrap()
}

fn anywhere() -> Route {
    let entry = Some(Ingress { device: DeviceIndex(0), from_wire: true });
    Route { entry, ..Route::default() }
}

/// Time and length of every frame of a pass.
fn pass(feed: &mut Feed) -> Vec<(u64, usize)> {
    let mut all = Vec::new();
    while let FeedOutcome::Frames =
        feed.next(3, &mut |c: InputFrame<'_>| all.push((c.time.as_nanos(), c.frame.len())))
    {}
    all
}

#[test]
fn captures_are_merged_by_time_and_at_one_time_in_their_order() {
    let readers = vec![
        capture(&[(10, 20), (30, 21), (30, 22), (50, 23)]),
        capture(&[]),
        capture(&[(5, 30), (30, 31), (40, 32), (60, 33), (61, 34), (62, 35), (63, 36)]),
    ];
    let mut feed = Feed::new(readers, anywhere(), Limits::default());
    let merged = [
        (5, 30),
        (10, 20),
        (30, 21),
        (30, 22),
        (30, 31),
        (40, 32),
        (50, 23),
        (60, 33),
        (61, 34),
        (62, 35),
        (63, 36),
    ];
    assert_eq!(pass(&mut feed), merged);
    assert_eq!((feed.counts().records, feed.counts().frames), (11, 11));
}

#[test]
fn passes_follow_each_other_after_a_mean_gap_and_limits_count_over_all() {
    let times = [(100, 20), (110, 21), (140, 22)];
    let limits = Limits { records: 7, duration: None };
    let mut feed = Feed::new(vec![capture(&times)], anywhere(), limits);
    assert_eq!(pass(&mut feed), times);
    feed.again(vec![capture(&times)]);
    // Forty nanoseconds long, with gaps of twenty.
    assert_eq!(pass(&mut feed), [(160, 20), (170, 21), (200, 22)]);
    feed.again(vec![capture(&times)]);
    assert_eq!(pass(&mut feed), [(220, 20)]);
    assert!(matches!(feed.next(9, &mut |_: InputFrame<'_>| ()), FeedOutcome::End { .. }));
    let limits = Limits { duration: Some(Duration::from_nanos(40)), ..Limits::default() };
    let mut feed = Feed::new(vec![capture(&times)], anywhere(), limits);
    assert_eq!(pass(&mut feed), times[..2]);
}

#[test]
fn a_bad_record_is_reported_with_its_capture_and_counts() {
    let readers = vec![capture(&[(1, 20)]), capture(&[(2, 20), (3, 13), (4, 21)])];
    let mut feed = Feed::new(readers, anywhere(), Limits::default());
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    loop {
        match feed.next(usize::MAX, &mut |c: InputFrame<'_>| good.push(c.time.as_nanos())) {
            FeedOutcome::Frames => {}
            FeedOutcome::Bad(index, record) => bad.push((index, record.number)),
            FeedOutcome::End { by_limit } => break assert!(!by_limit),
        }
    }
    assert_eq!((good, bad), (vec![1, 2, 4], vec![(1, 2)]));
    assert_eq!((feed.counts().records, feed.counts().bad), (4, 1));
}

/// The result for a frame with A mapped to c1 (device 1) and 192.0.2.11 to c2 (device 2).
fn mapped(frame: &[u8], entry: Option<Ingress>) -> Option<(Ingress, Vec<u8>)> {
    let mut map = AddressMap::default();
    map.insert(Captured::Mac(A), Substitute { device: DeviceIndex(1), mac: C1 }).unwrap();
    map.insert("192.0.2.11".parse().unwrap(), Substitute { device: DeviceIndex(2), mac: C2 }).unwrap();
    let route = Route { entry, map, ..Route::default() };
    let mut scratch = Vec::new();
    route.choose(frame, &mut scratch).map(|(entry, frame)| (entry, frame.to_vec()))
}

#[test]
fn devices_stand_for_captured_addresses() {
    let ip = |src: u8, dst: u8| {
        let mut packet = vec![0x45; 20];
        packet[12..16].copy_from_slice(&[192, 0, 2, src]);
        packet[16..20].copy_from_slice(&[192, 0, 2, dst]);
        packet
    };
    let sent_by = |device| Ingress { device: DeviceIndex(device), from_wire: false };
    // Sender by MAC address, destination by IP address; the IP addresses stay.
    let (entry, frame) = mapped(&ethernet(B, A, 0x800, &ip(10, 11)), None).unwrap();
    assert_eq!((entry, frame), (sent_by(1), ethernet(C2, C1, 0x800, &ip(10, 11))));
    // Sender by IP address, in a VLAN; to a group, which is never mapped.
    let tagged = [&[0, 5, 8, 0][..], &ip(11, 10)].concat();
    let group = MacAddr([1, 0, 0x5e, 0, 0, 5]);
    let (entry, frame) = mapped(&ethernet(group, B, 0x8100, &tagged), None).unwrap();
    assert_eq!((entry, frame), (sent_by(2), ethernet(group, C2, 0x8100, &tagged)));
    // To a group, whatever the destination of its packet.
    let (_, frame) = mapped(&ethernet(group, A, 0x800, &ip(10, 11)), None).unwrap();
    assert_eq!(frame, ethernet(group, C1, 0x800, &ip(10, 11)));
    // From an unmapped sender: left out, or entering at the default place, with the new destination.
    let stranger = ethernet(A, B, 0x800, &ip(99, 10));
    assert_eq!(mapped(&stranger, None), None);
    let wire = Ingress { device: DeviceIndex(0), from_wire: true };
    assert_eq!(mapped(&stranger, Some(wire)), Some((wire, ethernet(C1, B, 0x800, &ip(99, 10)))));
}

#[test]
fn arp_says_the_new_addresses_too() {
    let arp = |sender: MacAddr, target: MacAddr| {
        let fixed = [0, 1, 8, 0, 6, 4, 0, 1];
        [&fixed[..], &sender.0, &[192, 0, 2, 11], &target.0, &[192, 0, 2, 10]].concat()
    };
    let (_, frame) = mapped(&ethernet(MacAddr::BROADCAST, B, 0x806, &arp(B, MacAddr::ZERO)), None).unwrap();
    assert_eq!(frame, ethernet(MacAddr::BROADCAST, C2, 0x806, &arp(C2, MacAddr::ZERO)));
    let (_, frame) = mapped(&ethernet(A, B, 0x806, &arp(B, A)), None).unwrap();
    assert_eq!(frame, ethernet(C1, C2, 0x806, &arp(C2, C1)));
    // Truncated in the middle: the existing part is changed.
    let cut = &ethernet(A, B, 0x806, &arp(B, A))[..30];
    assert_eq!(mapped(cut, None), None, "the sender's IP address is missing");
    let short = &ethernet(B, A, 0x806, &arp(A, B))[..25];
    assert_eq!(mapped(short, None).unwrap().1, [&B.0[..], &C1.0, &short[12..]].concat());
}

#[test]
fn a_map_is_of_stations_each_once() {
    let mut map = AddressMap::default();
    let stand = Substitute { device: DeviceIndex(0), mac: C1 };
    map.insert(Captured::Mac(A), stand).unwrap();
    assert_eq!(map.insert(Captured::Mac(A), stand), Err(MapError::Twice(Captured::Mac(A))));
    for nobody in ["ff:ff:ff:ff:ff:ff", "224.0.0.1", "::"] {
        let nobody: Captured = nobody.parse().unwrap();
        assert_eq!(map.insert(nobody, stand), Err(MapError::NoStation(nobody)));
    }
    // The refused entries have no effect: A still maps to the first device.
    let other = Substitute { device: DeviceIndex(1), mac: C2 };
    map.insert(Captured::Mac(B), other).unwrap();
    assert!(map.insert(Captured::Mac(A), other).is_err());
    let route = Route { map, ..Route::default() };
    let mut scratch = Vec::new();
    let (entry, _) = route.choose(&ethernet(B, A, 0x88b5, &[]), &mut scratch).unwrap();
    assert_eq!(entry.device, DeviceIndex(0));
}

#[test]
fn as_many_addresses_are_mapped_as_a_table_numbers_and_no_more() {
    let mut map = AddressMap::default();
    let address = |n: u64| Captured::Mac(MacAddr::from_u64(0x0200_0000_0000 | n));
    let stand = Substitute { device: DeviceIndex(3), mac: C1 };
    for n in 0..65_534 {
        map.insert(address(n), stand).unwrap();
    }
    assert_eq!(map.insert(address(65_534), stand), Err(MapError::TooMany));
    assert_eq!(map.insert("192.0.2.1".parse().unwrap(), stand), Err(MapError::TooMany));
    assert!(MapError::TooMany.to_string().contains("65534"));
    let route = Route { map, ..Route::default() };
    let mut scratch = Vec::new();
    let last = MacAddr::from_u64(0x0200_0000_0000 | 65_533);
    let (entry, _) = route.choose(&ethernet(B, last, 0x88b5, &[]), &mut scratch).unwrap();
    assert_eq!(entry.device, DeviceIndex(3), "the last accepted one counts");
}

/// Every lab of the fixtures, in the order of their names.
static LABS: LazyLock<Vec<LabSpec>> = LazyLock::new(|| {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/labs");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let toml = paths.iter().filter(|p| p.extension().is_some_and(|e| e == "toml"));
    toml.map(|path| crate::labfile::load(path).unwrap()).collect()
});

/// The hops of a frame as a lab reports them in events.
fn by_the_lab(lab: &mut Lab, name: &str, from_wire: bool, time: Instant, frame: &[u8]) -> Vec<String> {
    let mut hops = Vec::new();
    let sink = &mut |event: &Event| {
        if let Event::Hop(hop) = event {
            hops.push(format!("{} {:?} {} {} {:?}", hop.device, hop.kind, hop.time, hop.frame_id, hop.frame));
        }
    };
    let sent =
        if from_wire { lab.arrive(name, time, frame, sink) } else { lab.send_at(name, time, frame, sink) };
    sent.unwrap();
    hops
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// For any input at any place, the pipeline's hops equal the lab's events, and so do the final counters.
    #[test]
    fn the_engine_does_what_the_lab_does(
        which in any::<prop::sample::Index>(),
        frames in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<bool>(), any::<prop::sample::Index>(), any::<prop::sample::Index>(), 14..1600_usize, 0..4_u8),
            1..60,
        ),
    ) {
        let spec = which.get(&LABS);
        let mut engine = Pipeline::new(spec, None);
        let mut told = 0;
        let mut listener = |_: &Event, hop: Option<HopRef<'_>>| told += usize::from(hop.is_some());
        let mut telling = Pipeline::new(spec, Some(&mut listener));
        let mut lab = Lab::new(spec, Options { stacks: false, ..Options::default() });
        lab.flush(&mut |_| ());
        let devices = engine.devices().to_vec();
        let mut macs: Vec<MacAddr> = devices.iter().filter_map(|d| d.mac).collect();
        macs.extend([MacAddr::BROADCAST, MacAddr([1, 0, 0x5e, 0, 0, 1]), MacAddr([1, 0x80, 0xc2, 0, 0, 0]), A]);
        let entries: Vec<_> = devices.iter().filter(|d| engine.sender(&d.name).is_ok()).collect();
        prop_assume!(!entries.is_empty());
        let mut all = 0;
        for (n, (at, from_wire, dst, src, len, tag)) in frames.into_iter().enumerate() {
            let device = at.get(&entries);
            let from_wire = from_wire && lab.has_link(&device.name) && device.kind != DeviceType::Vlan;
            let mut frame = [&dst.get(&macs).0[..], &src.get(&macs).0].concat();
            if tag > 1 {
                frame.extend([0x81, 0, 0, 10 * tag]);
            }
            frame.extend([8, 0, n as u8]);
            frame.resize(frame.len().max(len), 0);
            let time = Instant::from_nanos(n as u64 * 1000);
            let expected = by_the_lab(&mut lab, &device.name, from_wire, time, &frame);
            let entry = Ingress { device: engine.device(&device.name).unwrap(), from_wire };
            for engine in [&mut engine, &mut telling] {
                let mut hops = Vec::new();
                engine.frame(entry, time, &frame, &mut |hop| {
                    let name = &devices[hop.device.0 as usize].name;
                    let frame = crate::frame::Frame::new(hop.frame);
                    hops.push(format!("{name} {:?} {} {} {frame:?}", hop.kind, hop.time, hop.frame_id));
                });
                prop_assert_eq!(&hops, &expected);
            }
            all += expected.len();
        }
        let mut counted = Vec::new();
        lab.finish(&mut |event| {
            if let Event::Counters { device, counters } = event {
                counted.push((device.clone(), *counters));
            }
        });
        for engine in [&mut engine, &mut telling] {
            let by_engine = engine.counters().into_iter();
            let by_engine: Vec<_> = by_engine.map(|(d, c)| (devices[d.0 as usize].name.clone(), c)).collect();
            prop_assert_eq!(&by_engine, &counted);
        }
        drop(telling);
        prop_assert_eq!(told, all, "the listener received every hop");
    }
}

/// Hops of a device with this name, at which it receives frames of these lengths.
fn receive(writer: &mut Writer, device: u32, lengths: impl IntoIterator<Item = usize>) {
    let kind =
        crate::lab::HopKind::Receive(crate::frame::PacketType::Host, crate::verdict::Rule::UnicastToPort);
    for len in lengths {
        let (device, time, frame) = (DeviceIndex(device), Instant::ZERO, &vec![7; len][..]);
        writer.hop(&HopRef { device, kind, time, frame, frame_id: 1 });
    }
}

/// The lengths of a capture's frames.
fn lengths(path: &std::path::Path) -> Vec<usize> {
    let mut reader = Reader::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut lengths = Vec::new();
    while let Some(record) = reader.next_record() {
        lengths.push(record.unwrap().data.len());
    }
    lengths
}

#[test]
fn frames_longer_than_a_buffer_stay_in_their_order_and_a_switch_has_a_file_if_it_receives() {
    let dir = tempfile::tempdir().unwrap();
    let device = |name: &str, kind| crate::lab::Device::new(name, kind);
    let devices = [
        device("c1", DeviceType::Macvlan),
        device("sw0", DeviceType::Switch),
        device("sw1", DeviceType::Switch),
        device("r0", DeviceType::Router),
        device("r1", DeviceType::Router),
        device("sw1.r0", DeviceType::SwitchPort),
    ];
    // So little memory that a device's buffer holds some hundred bytes.
    let spec = OutputSpec { folder: Some(dir.path().to_path_buf()), annotated: None, memory: 10_000 };
    let mut writer = Writer::open(spec, &devices).unwrap();
    let mixed = [60, 1514, 65_535, 65_535, 60, 200, 300, 9000, 14];
    for _ in 0..20 {
        receive(&mut writer, 0, mixed);
        writer.flush();
    }
    receive(&mut writer, 2, [60, 2000]);
    receive(&mut writer, 4, [70]);
    writer.finish(&[]).unwrap();
    assert_eq!(lengths(&dir.path().join("r1.pcap")), [70]);
    for silent in ["r0.pcap", "sw1.r0.pcap"] {
        assert!(!dir.path().join(silent).exists(), "{silent}");
    }
    assert_eq!(lengths(&dir.path().join("c1.pcap")), mixed.repeat(20));
    assert_eq!(lengths(&dir.path().join("sw1.pcap")), [60, 2000]);
    assert!(!dir.path().join("sw0.pcap").exists());
}

#[test]
fn a_time_that_pcap_cannot_say_ends_the_replay_with_the_name_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let devices = [crate::lab::Device::new("c1", DeviceType::Macvlan)];
    let spec = OutputSpec { folder: Some(dir.path().to_path_buf()), ..OutputSpec::default() };
    let mut writer = Writer::open(spec, &devices).unwrap();
    receive(&mut writer, 0, [60]);
    let kind =
        crate::lab::HopKind::Receive(crate::frame::PacketType::Host, crate::verdict::Rule::UnicastToPort);
    let time = Instant::from_nanos((1 << 32) * 1_000_000_000);
    writer.hop(&HopRef { device: DeviceIndex(0), kind, time, frame: &[0; 60], frame_id: 2 });
    assert!(writer.is_over());
    let said = writer.finish(&[]).unwrap_err().to_string();
    assert!(said.ends_with("c1.pcap: cannot be written: a pcap file has no times after 2106"), "{said}");
    assert_eq!(lengths(&dir.path().join("c1.pcap")), [60]);
}

#[test]
fn the_buffers_of_files_have_a_size_within_bounds() {
    let capacity =
        |files: usize, memory: usize| super::writer_queue::open(files, memory).0.small().capacity();
    assert_eq!(capacity(1, 33 * 128 * 1024), 128 * 1024);
    assert_eq!(capacity(1, 1 << 30), 128 * 1024, "however much memory there is");
    assert_eq!(capacity(68, 100 * 4096), 4096);
    assert_eq!(capacity(68, 0), 256);
}
