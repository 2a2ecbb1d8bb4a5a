//! Frames arrive, are decided, reported, stored and sent without an allocation per frame, as measured by a counting
//! allocator.

use crate::boundary::{connect, framed, read_frame};
use crate::counting::allocated;
use crate::net::{Net, can_run};
use macvlab::lab::Event;
use macvlab::live::{Engine, Monitor, Settings};
use macvlab::stop::Stop;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

/// History size for tests with a history.
const HISTORY: usize = 100;
/// Warm-up: after this many rounds the state is steady.
const ROUNDS: usize = 250;

/// This many frames per allocation count as no allocation per frame: lists grow to the longest burst so far.
const FEW: u64 = 500;

/// Progress of a measurement: the driver and the counter take turns.
mod phase {
    pub(super) const WARM: usize = 1;
    pub(super) const COUNTING: usize = 2;
    pub(super) const OVER: usize = 3;
}

struct Meter<'a> {
    phase: &'a AtomicUsize,
    stop: &'a Stop,
    before: u64,
    allocations: Option<u64>,
    hops: u64,
}

impl Monitor for Meter<'_> {
    fn event(&mut self, event: &Event) {
        self.hops += u64::from(matches!(event, Event::Hop(_)));
    }

    fn news(&mut self, _: &str) {}

    fn pause(&mut self) -> ControlFlow<()> {
        match self.phase.load(SeqCst) {
            phase::WARM => {
                self.before = allocated();
                self.phase.store(phase::COUNTING, SeqCst);
            }
            phase::OVER => {
                self.allocations.get_or_insert(allocated() - self.before);
                self.stop.ask();
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Runs a lab for some rounds without counting, and then for as many rounds without an allocation per frame; returns
/// the number of frames received.
fn allocates_little(engine: &mut Engine, history: usize, mut round: impl FnMut() + Send) -> u64 {
    let (phase, stop) = (AtomicUsize::new(0), Stop::default());
    let mut meter = Meter { phase: &phase, stop: &stop, before: 0, allocations: None, hops: 0 };
    std::thread::scope(|threads| {
        threads.spawn(|| {
            (0..ROUNDS).for_each(|_| round());
            phase.store(phase::WARM, SeqCst);
            while phase.load(SeqCst) == phase::WARM {
                std::thread::sleep(Duration::from_millis(10));
            }
            (0..ROUNDS).for_each(|_| round());
            phase.store(phase::OVER, SeqCst);
        });
        engine.run(&stop, &mut meter).unwrap();
    });
    let (allocations, hops) = (meter.allocations.unwrap(), meter.hops);
    let frames: u64 = engine.attachments().iter().map(|c| c.counters.in_frames).sum();
    assert!(allocations < frames / FEW, "history {history}: {allocations} for {frames} frames");
    assert!(if history > 0 { hops > frames } else { hops == 0 }, "{hops} hops of {frames} frames");
    frames
}

fn engine(lab: &str, history: usize, attached: &[(&str, String)]) -> Engine {
    let spec = macvlab::labfile::parse("lab.toml", lab).unwrap();
    let mut engine = Engine::new(&spec, Settings { history, hops: history > 0, duration: None });
    for (device, backend) in attached {
        engine.attach(device, &backend.parse().unwrap()).unwrap();
    }
    engine
}

/// A peer of a lab.
enum Peer {
    Datagrams(UdpSocket),
    Stream(UnixStream),
}

impl Peer {
    fn send(&mut self, frame: &[u8]) {
        match self {
            Peer::Datagrams(socket) => assert_eq!(socket.send(frame).unwrap(), frame.len()),
            Peer::Stream(stream) => stream.write_all(&framed(frame)).unwrap(),
        }
    }

    /// The length of the next frame.
    fn receive(&mut self) -> usize {
        match self {
            Peer::Datagrams(socket) => socket.recv(&mut [0; 2048]).unwrap(),
            Peer::Stream(stream) => read_frame(stream).len(),
        }
    }
}

/// Two sockets for one peer: the lab's address is free again, and the peer's is connected to it.
fn datagrams() -> (String, Peer) {
    let (theirs, ours) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    ours.connect(theirs.local_addr().unwrap()).unwrap();
    ours.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let backend = format!("udp:{},{}", theirs.local_addr().unwrap(), ours.local_addr().unwrap());
    (backend, Peer::Datagrams(ours))
}

const LAB: &str = "[nic.eth0]\n\
    [macvlan.a]\nparent = \"eth0\"\nmac = \"02:00:00:00:00:01\"\nmode = \"bridge\"\n\
    [macvlan.b]\nparent = \"eth0\"\nmac = \"02:00:00:00:00:02\"\nmode = \"bridge\"\n\
    [vlan.v]\nparent = \"eth0\"\nid = 7\nmac = \"02:00:00:00:00:03\"\n\
    [station.w]\nmac = \"02:00:00:00:00:04\"\n\
    [switch.sw0.port.eth0]\nhairpin = true\n[switch.sw0.port.w]\n";

/// The receivers of a frame, and its length there.
type Receivers = &'static [(usize, usize)];

/// From port to port, out by a switch and back, through a sub-interface that tags, and to broadcast.
fn everybody_talks(peers: &mut [Peer]) {
    const ALL: u8 = 0xff;
    // Sender, destination, and receivers.
    let ways: [(usize, u8, Receivers); 6] = [
        (0, 2, &[(1, 60)]),
        (0, 4, &[(3, 60)]),
        (3, 1, &[(0, 60)]),
        (2, 4, &[(3, 64)]),
        (2, ALL, &[(3, 64)]),
        (1, ALL, &[(0, 60), (3, 60)]),
    ];
    for (from, to, receivers) in ways {
        let destination = if to == ALL { [ALL; 6] } else { [2, 0, 0, 0, 0, to] };
        let source = [2, 0, 0, 0, 0, u8::try_from(from + 1).unwrap()];
        let frame = [&destination[..], &source, &[0x88, 0xb5], &[0; 46]].concat();
        for _ in 0..8 {
            peers[from].send(&frame);
        }
        for (receiver, length) in receivers {
            for _ in 0..8 {
                assert_eq!(peers[*receiver].receive(), *length, "{from} to {to:#x}");
            }
        }
    }
}

#[test]
fn datagrams_allocate_nothing_for_a_frame() {
    for history in [0, HISTORY] {
        let (backends, mut peers): (Vec<_>, Vec<_>) = (0..4).map(|_| datagrams()).unzip();
        let attached: Vec<_> = ["a", "b", "v", "w"].into_iter().zip(backends).collect();
        let mut engine = engine(LAB, history, &attached);
        let frames = allocates_little(&mut engine, history, || everybody_talks(&mut peers));
        assert_eq!(frames, 2 * ROUNDS as u64 * 48);
    }
}

#[test]
fn streams_allocate_nothing_for_a_frame() {
    for history in [0, HISTORY] {
        let dir = tempfile::tempdir().unwrap();
        let path = |device: &str| dir.path().join(device).to_str().unwrap().to_owned();
        let attached = ["a", "b", "v", "w"].map(|device| (device, format!("unix:{}", path(device))));
        let mut engine = engine(LAB, history, &attached);
        let mut peers = ["a", "b", "v", "w"].map(|device| Peer::Stream(connect(Path::new(&path(device)))));
        let frames = allocates_little(&mut engine, history, || everybody_talks(&mut peers));
        assert_eq!(frames, 2 * ROUNDS as u64 * 48);
    }
}

/// Runs a function in a namespace, in a separate thread.
fn inside<T: Send>(namespace: &str, work: impl FnOnce() -> T + Send) -> T {
    let path = format!("/run/netns/{namespace}");
    std::thread::scope(|threads| {
        let inside = threads.spawn(|| {
            nix::sched::setns(File::open(path).unwrap(), nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
            work()
        });
        inside.join().unwrap()
    })
}

/// Two kernels exchange TCP through a userspace macvlan: long packets are segmented and merged.
#[test]
fn interfaces_allocate_nothing_for_a_frame() {
    if !can_run(&["ip"]) {
        return;
    }
    for history in [0, HISTORY] {
        let net = Net::new(&["lab", "near", "far"]);
        net.veth(("lab", "wire"), ("far", "eth0"));
        net.address("far", "eth0", "192.0.2.2/24");
        let lab = "[nic.eth0]\n[macvlan.a]\nparent = \"eth0\"\nmode = \"vepa\"\n";
        let frames = inside(&net.full("lab"), || {
            let attached = [("eth0", "af_packet:wire".to_owned()), ("a", "tap:tap0".to_owned())];
            let mut engine = engine(lab, history, &attached);
            net.move_tap("lab", "tap0", "near", "192.0.2.1/24");
            let listener = inside(&net.full("far"), || TcpListener::bind("192.0.2.2:7").unwrap());
            let mut ends: Option<(TcpStream, TcpStream)> = None;
            let mut buffer = vec![0; 32 * 1024];
            allocates_little(&mut engine, history, || {
                let (here, there) = ends.get_or_insert_with(|| {
                    let here = inside(&net.full("near"), || TcpStream::connect("192.0.2.2:7").unwrap());
                    (here, listener.accept().unwrap().0)
                });
                for (from, to) in [(&*here, &*there), (&*there, &*here)] {
                    std::thread::scope(|threads| {
                        threads.spawn(|| (&mut &*from).write_all(&[8; 32 * 1024]).unwrap());
                        (&mut &*to).read_exact(&mut buffer).unwrap();
                    });
                }
            })
        });
        assert!(frames > 10_000, "{frames}: hardly anything came");
    }
}
