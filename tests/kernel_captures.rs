//! The laboratory against recordings of the kernel: `fixtures/captures` contains the frames that the kernel's macvlan
//! received and delivered in several networks; the same frames sent here must reach the same devices, byte for byte.

#![allow(clippy::unwrap_used)]

use macvlab::capture::Reader;
use macvlab::frame::EthHeader;
use macvlab::lab::spec::DeviceKind;
use macvlab::lab::{Event, Hop, HopKind, Lab, LabSpec, Options};
use macvlab::time::Instant;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// How often each frame was seen.
type Bag = BTreeMap<Vec<u8>, usize>;

struct Experiment {
    dir: PathBuf,
    spec: LabSpec,
}

/// A frame that a device sent, or that arrived at the NIC by its cable.
struct Offer {
    time: Instant,
    frame: Vec<u8>,
    at: String,
    from_wire: bool,
}

impl Experiment {
    fn open(name: &str) -> Experiment {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures").join(name);
        let text = std::fs::read_to_string(dir.join("lab.toml")).unwrap();
        let spec =
            macvlab::labfile::parse(&format!("{name}/lab.toml"), &text).unwrap_or_else(|e| panic!("{e}"));
        Experiment { dir, spec }
    }

    fn has(&self, file: &str) -> bool {
        self.dir.join(file).exists()
    }

    fn frames(&self, file: &str) -> Vec<(Instant, Vec<u8>)> {
        read(&self.dir.join(file))
    }

    fn bag(&self, file: &str) -> Bag {
        bag(self.frames(file).into_iter().map(|(_, frame)| frame))
    }

    fn ports(&self) -> Vec<String> {
        let is_port = |kind: &DeviceKind| matches!(kind, DeviceKind::Macvlan(_));
        self.spec.devices.iter().filter(|d| is_port(&d.kind)).map(|d| d.name.to_string()).collect()
    }

    /// How the file's frames enter the lab.
    fn offers(&self, file: &str, at: &str, from_wire: bool) -> Vec<Offer> {
        let offer = |(time, frame)| Offer { time, frame, at: at.to_owned(), from_wire };
        self.frames(file).into_iter().map(offer).collect()
    }

    /// The frames that the ports and the host stack sent.
    fn sent_by_the_host(&self) -> Vec<Offer> {
        let mut offers = self.offers("host.sent.pcap", "eth0", false);
        for port in self.ports() {
            offers.extend(self.offers(&format!("{port}.sent.pcap"), &port, false));
        }
        offers
    }

    /// The NIC with its ports, on a cable without a reply.
    fn without_the_network(&self) -> LabSpec {
        let mut spec = self.spec.clone();
        spec.switches.clear();
        spec.devices.retain(|d| !matches!(d.kind, DeviceKind::Station(_)));
        for device in &mut spec.devices {
            if let DeviceKind::Nic(nic) = &mut device.kind {
                nic.cable = None;
            }
        }
        spec
    }

    /// Every port, the host stack and the outgoing wire saw the same frames in the kernel and here.
    fn compare_the_host(&self, hops: &[Hop]) {
        for port in self.ports() {
            self.compare(&format!("{port}.pcap"), &received(hops, &port));
        }
        self.compare("wire-out.pcap", &transmitted(hops, "eth0"));
        // The kernel removes the outer tag before a packet socket after the macvlan receive handler sees the frame.
        let stack = received(hops, "eth0").into_iter().map(|(frame, n)| (untagged(&frame), n));
        let mut here = Bag::new();
        stack.for_each(|(frame, n)| *here.entry(frame).or_default() += n);
        self.compare("host.pcap", &here);
    }

    fn compare(&self, file: &str, here: &Bag) {
        let kernel = self.bag(file);
        let file = self.dir.join(file);
        assert!(!kernel.is_empty(), "{} has no frames", file.display());
        let mut differences = Vec::new();
        for frame in kernel.keys().chain(here.keys().filter(|f| !kernel.contains_key(*f))) {
            let count = |bag: &Bag| bag.get(frame).copied().unwrap_or(0);
            let (k, h) = (count(&kernel), count(here));
            if k != h {
                // An injected frame's payload says what it is for.
                let text = String::from_utf8_lossy(&frame[14..]).into_owned();
                differences.push(format!("kernel {k}, here {h}: {frame:02x?} {text:?}"));
            }
        }
        assert!(differences.is_empty(), "{} differs:\n{}", file.display(), differences.join("\n"));
    }
}

fn read(path: &Path) -> Vec<(Instant, Vec<u8>)> {
    let mut reader = Reader::new(File::open(path).unwrap()).unwrap();
    let mut frames = Vec::new();
    while let Some(record) = reader.next_record() {
        let record = record.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(!record.is_cut(), "{}: record {} is cut", path.display(), record.number);
        frames.push((record.time, record.data.to_vec()));
    }
    frames
}

fn bag(frames: impl IntoIterator<Item = Vec<u8>>) -> Bag {
    let mut bag = Bag::new();
    frames.into_iter().for_each(|frame| *bag.entry(frame).or_default() += 1);
    bag
}

fn received(hops: &[Hop], device: &str) -> Bag {
    select(hops, device, |kind| matches!(kind, HopKind::Receive(..)))
}

fn transmitted(hops: &[Hop], device: &str) -> Bag {
    select(hops, device, |kind| matches!(kind, HopKind::Transmit(_)))
}

fn select(hops: &[Hop], device: &str, wanted: impl Fn(HopKind) -> bool) -> Bag {
    bag(hops.iter().filter(|h| h.device == device && wanted(h.kind)).map(|h| h.frame.to_vec()))
}

fn untagged(frame: &[u8]) -> Vec<u8> {
    match EthHeader::parse(frame) {
        Ok(header) if header.tag.is_some() => [&frame[..12], &frame[16..]].concat(),
        _ => frame.to_vec(),
    }
}

/// Sends the frames in the order in which they were recorded.
fn run(spec: &LabSpec, mut offers: Vec<Offer>) -> Vec<Hop> {
    offers.sort_by_key(|o| o.time);
    let mut hops = Vec::new();
    let mut sink = |event: &Event| {
        assert!(!matches!(event, Event::Setup { .. }), "{event:?}");
        if let Event::Hop(hop) = event {
            hops.push(hop.clone());
        }
    };
    let mut lab = Lab::new(spec, Options::default().with_stacks(false));
    lab.flush(&mut sink);
    for o in offers {
        let done = if o.from_wire {
            lab.arrive(&o.at, o.time, &o.frame, &mut sink)
        } else {
            lab.send_at(&o.at, o.time, &o.frame, &mut sink)
        };
        done.unwrap();
    }
    hops
}

/// The demultiplexer only: the frames from the cable, the ports and the host yield what the kernel delivered, and what
/// it sent on the cable.
fn demultiplexer_agrees(name: &str) {
    let experiment = Experiment::open(name);
    let mut offers = experiment.sent_by_the_host();
    offers.extend(experiment.offers("wire-in.pcap", "eth0", true));
    experiment.compare_the_host(&run(&experiment.without_the_network(), offers));
}

/// The whole network: the members' frames yield everything that was recorded anywhere, through the switch and back.
fn network_agrees(name: &str) {
    let experiment = Experiment::open(name);
    let mut offers = experiment.sent_by_the_host();
    offers.extend(experiment.offers("win.sent.pcap", "win", false));
    // The switch's own frames start on the cable.
    let own = if experiment.has("switch.sent.pcap") {
        experiment.offers("switch.sent.pcap", "eth0", true)
    } else {
        Vec::new()
    };
    let mut wire_in = bag(own.iter().map(|o| o.frame.clone()));
    offers.extend(own);
    let hops = run(&experiment.spec, offers);
    experiment.compare_the_host(&hops);
    experiment.compare("win.pcap", &received(&hops, "win"));
    let far_end = if experiment.spec.switches.is_empty() { "win" } else { "sw0.eth0" };
    for (frame, n) in transmitted(&hops, far_end) {
        *wire_in.entry(frame).or_default() += n;
    }
    experiment.compare("wire-in.pcap", &wire_in);
}

macro_rules! experiments {
    ($($module:ident: $name:literal,)*) => {
        $(mod $module {
            #[test]
            fn demultiplexer() {
                super::demultiplexer_agrees($name);
            }

            #[test]
            fn network() {
                super::network_agrees($name);
            }
        })*

        #[test]
        fn every_recording_is_compared() {
            let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
            let entries = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
            let mut recorded: Vec<_> = entries.filter(|p| p.join("lab.toml").exists()).collect();
            recorded.sort();
            let recorded: Vec<_> = recorded.iter().map(|p| p.file_name().unwrap().to_str().unwrap()).collect();
            let mut compared = vec![$($name),*];
            compared.sort_unstable();
            assert_eq!(recorded, compared);
        }
    };
}

experiments! {
    bridge: "bridge",
    mixed: "mixed",
    passthru: "passthru",
    private_hairpin: "private-hairpin",
    vepa_hairpin_off: "vepa-hairpin-off",
    vepa_hairpin_on: "vepa-hairpin-on",
    vepa_hairpin_on_ipv6: "vepa-hairpin-on-ipv6",
}

mod extra {
    use super::{Path, PathBuf, Reader, read};
    use std::fs::File;

    fn path(file: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures/extra").join(file)
    }

    #[test]
    fn compressed_captures_read_as_the_plain_one() {
        let plain = read(&path("arp.pcap"));
        assert_eq!(plain.len(), 6);
        assert_eq!(read(&path("arp.pcap.gz")), plain);
        assert_eq!(read(&path("arp.pcap.zst")), plain);
    }

    #[test]
    fn a_truncated_capture_gives_all_but_its_last_frame_and_an_error() {
        let plain = read(&path("arp.pcap"));
        let mut reader = Reader::new(File::open(path("truncated.pcap")).unwrap()).unwrap();
        for (time, frame) in &plain[..5] {
            let record = reader.next_record().unwrap().unwrap();
            assert_eq!((record.time, record.data), (*time, &frame[..]));
        }
        let bad = reader.next_record().unwrap().unwrap_err();
        assert_eq!(bad.number, 6);
        assert!(reader.next_record().is_none());
    }

    #[test]
    fn a_snap_length_cuts_frames_and_says_how_long_they_were() {
        let plain = read(&path("arp.pcap"));
        let mut reader = Reader::new(File::open(path("snaplen.pcap")).unwrap()).unwrap();
        for (_, frame) in &plain {
            let record = reader.next_record().unwrap().unwrap();
            assert!(record.is_cut());
            assert_eq!((record.data, record.orig_len), (&frame[..32], 42));
        }
        assert!(reader.next_record().is_none());
    }

    #[test]
    fn a_pcapng_with_two_interfaces_has_each_frame_twice() {
        let mut reader = Reader::new(File::open(path("mixed.pcapng")).unwrap()).unwrap();
        let mut seen = [Vec::new(), Vec::new()];
        while let Some(record) = reader.next_record() {
            let record = record.unwrap();
            seen[record.interface as usize].push((record.time, record.data.to_vec()));
        }
        let names: Vec<_> = reader.interfaces().iter().map(|i| i.name.as_deref()).collect();
        assert_eq!(names, [Some("swp1"), Some("swp2")]);
        let frames = |n: usize| seen[n].iter().map(|(_, frame)| frame).collect::<Vec<_>>();
        assert_eq!(frames(0).len(), 4);
        assert_eq!(frames(0), frames(1));
        // The same frame reaches both within a millisecond, but not in the same nanosecond.
        for ((a, _), (b, _)) in seen[0].iter().zip(&seen[1]) {
            let apart = a.as_nanos().abs_diff(b.as_nanos());
            assert!((1..1_000_000).contains(&apart), "{apart} ns");
        }
    }
}
