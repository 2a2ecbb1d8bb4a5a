//! A lab's time and contents have limits: input beyond them is refused with its place, and every run ends.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, stderr, stdout};
use macvlab::capture::PcapngWriter;
use macvlab::lab::{Event, Lab, Options, Outcome};
use macvlab::time::{Instant, LAB_SPAN};
use std::io::Write as _;
use std::time::Duration;

const DEVICES: &str = r#"
[nic.eth0]
address = ["192.168.128.130/24"]
[macvlan.c1]
parent  = "eth0"
mode    = "vepa"
address = ["192.168.128.222/24"]
[macvlan.c2]
parent  = "eth0"
mode    = "vepa"
address = ["192.168.128.233/24"]
[station.win]
address = ["192.168.128.1/24"]
[switch.sw0.port.eth0]
hairpin = true
[switch.sw0.port.win]
"#;

/// Multiples of ten years.
fn waits(steps: usize) -> String {
    format!("{DEVICES}{}", "[[step]]\nwait = \"87600h\"\n".repeat(steps))
}

#[test]
fn steps_that_are_too_long_together_are_refused_with_their_line() {
    let dir = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(dir.path().join("lab.toml"), text).unwrap();
    let commands: [&[&str]; 5] = [
        &["check", "lab.toml"],
        &["run", "lab.toml", "--html", "out.html"],
        &["explain", "lab.toml", "--at", "c1", "--ping", "c2", "--after", "11"],
        &["draw", "lab.toml", "--sequence", "-o", "out.svg"],
        &["play", "lab.toml", "--no-open"],
    ];
    let ping = |rest: &str| format!("{}[[step]]\nping = {{ from = \"c1\", to = \"c2\"{rest} }}\n", waits(10));
    let too_long = [
        waits(11),
        ping(""),
        ping(", count = 2, timeout = \"1ms\""),
        waits(58) + "[[step]]\nwait = \"1s\"\n",
    ];
    for text in too_long {
        write(&text);
        for args in commands {
            if args[0] == "play" && !cfg!(feature = "serve") {
                continue;
            }
            let output = macvlab(dir.path(), args, b"");
            let said = stderr(&output);
            assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""), "{args:?}: {said}");
            assert!(said.contains("lab.toml:37:1"), "{args:?}: {said}");
            assert!(said.contains("beyond the lab's time limit of 100 years"), "{args:?}: {said}");
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no output is left behind");
    }
    // One more step is too many.
    write(&waits(10));
    let output = macvlab(dir.path(), &["run", "lab.toml"], b"");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

/// Two frames, and the time between them.
fn capture(first: u64, second: u64) -> Vec<u8> {
    let mut file = PcapngWriter::new(Vec::new()).unwrap();
    let interface = file.add_interface("", "", None).unwrap();
    let mut frame = [0xff; 60];
    frame[6] = 2;
    for time in [first, second] {
        let packet = macvlab::capture::Packet {
            interface,
            time: Instant::from_nanos(time),
            frame: &frame,
            orig_len: 60,
            direction: None,
            packet_type: None,
            packet_id: None,
            comment: "",
        };
        file.write(&packet).unwrap();
    }
    file.finish().unwrap()
}

#[test]
fn captures_are_replayed_from_now_and_may_not_last_longer_than_the_lab() {
    let dir = tempfile::tempdir().unwrap();
    let lab = format!(
        "{DEVICES}[[step]]\nreplay = {{ capture = \"in.pcapng\", at = \"eth0\" }}\n[[step]]\n\
         ping = {{ from = \"c1\", to = \"c2\" }}\nexpect = \"reply\"\n"
    );
    std::fs::write(dir.path().join("lab.toml"), lab).unwrap();
    let run = |first: u64, second: u64| {
        std::fs::write(dir.path().join("in.pcapng"), capture(first, second)).unwrap();
        macvlab(dir.path(), &["run", "lab.toml"], b"")
    };
    let output = run(0, u64::MAX);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("line 17") && said.contains("beyond the lab's time limit"), "{said}");
    // Late, but a second apart: the absolute capture time does not matter.
    let output = run(u64::MAX - 1_000_000_000, u64::MAX);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_step_that_only_running_shows_to_be_too_late_is_not_done() {
    // Ten years each way: the replies take the lab past its end, though no step waits.
    let mut text = String::from(
        "[nic.eth0]\naddress = [\"10.0.0.1/24\"]\ncable = \"far\"\nlatency = \"87600h\"\n\
         [station.far]\naddress = [\"10.0.0.2/24\"]\n",
    );
    text.push_str(&"[[step]]\nping = { from = \"eth0\", to = \"10.0.0.2\", timeout = \"1s\" }\n".repeat(12));
    let spec = macvlab::labfile::parse("lab.toml", &text).unwrap();
    let mut outcomes = Vec::new();
    let mut lab = Lab::new(&spec, Options::default());
    let summary = lab.run(&mut |event| {
        if let Event::Result { outcome, .. } = event {
            outcomes.push(*outcome);
        }
    });
    assert_eq!(outcomes.first(), Some(&Outcome::NoReply));
    assert_eq!(outcomes.last(), Some(&Outcome::TooLate));
    assert!(!summary.ok() && summary.steps == 12, "{summary:?}");
}

#[test]
fn routers_that_multiply_what_they_forward_end_their_step() {
    // All have the MAC address that all send to, and the switch learns nothing: each packet reaches all, and they
    // forward it.
    const MAC: &str = "02:00:00:00:00:aa";
    let neighbour = format!("gateway = \"10.0.0.200\", neighbours = {{ \"10.0.0.200\" = \"{MAC}\" }}");
    let mut text = String::from("[switch.sw0.port.s]\n");
    for n in 1..9 {
        text += &format!(
            "[router.r{n}]\ninterfaces = [{{ name = \"r{n}a\", mac = \"{MAC}\", address = \"10.0.0.{n}/24\", {neighbour} }}]\n\
             [switch.sw0.port.r{n}a]\nhairpin = true\nlearning = false\n"
        );
    }
    text += &format!("[station.s]\naddress = \"10.0.0.100/24\"\n{}\n", neighbour.replace(", ", "\n"));
    text += "[[step]]\nping = { from = \"s\", to = \"10.9.9.9\", count = 3 }\n[[step]]\nwait = \"1ms\"\n";
    let spec = macvlab::labfile::parse("lab.toml", &text).unwrap();
    let mut results = Vec::new();
    let options = Options::default().with_hops(false);
    let summary = Lab::new(&spec, options).run(&mut |event| {
        if let Event::Result { outcome, receivers, .. } = event {
            results.push((*outcome, receivers.delivered.clone()));
        }
    });
    let [(Outcome::TooMany, around), (next, _)] = &results[..] else { panic!("{results:?}") };
    assert!(
        around.len() == 8 && around.iter().filter(|name| name.starts_with('r')).count() >= 7,
        "{around:?}"
    );
    assert_eq!(*next, Outcome::Ok);
    assert_eq!(summary.failed, 1);
}

#[test]
fn a_lab_that_is_told_of_the_last_moment_comes_to_rest() {
    let text = format!("{DEVICES}[[step]]\ntcp = {{ from = \"c1\", to = \"win\" }}\n");
    let spec = macvlab::labfile::parse("lab.toml", &text).unwrap();
    for start in [Instant::ZERO, Instant::MAX, Instant::from_nanos(u64::MAX - 1_500_000_000)] {
        let mut lab = Lab::new(&spec, Options::default().with_start(start));
        let mut sink = |_: &Event| ();
        // ARP from an unknown sender: the host replies and stores it.
        let mut frame = [0xff; 6].to_vec();
        frame.extend([2, 0, 0, 0, 0, 9, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 192, 168, 128, 9]);
        frame.extend([0, 0, 0, 0, 0, 0, 192, 168, 128, 130]);
        lab.arrive("eth0", Instant::MAX, &frame, &mut sink).unwrap();
        lab.run(&mut sink);
        lab.advance(Instant::MAX, &mut sink);
        assert_eq!(lab.next_time(), None, "from {start}");
    }
    assert!(Instant::ZERO + LAB_SPAN + LAB_SPAN + Duration::from_secs(1) < Instant::MAX);
}

#[test]
fn captures_that_unpack_to_more_than_steps_may_hold_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    // 300 MB in 300 kB.
    let file = std::fs::File::create(dir.path().join("fat.pcap.gz")).unwrap();
    let mut out = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    out.write_all(&words(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 1])).unwrap();
    for n in 0..4_600 {
        out.write_all(&words(&[n, 0, 65_535, 65_535])).unwrap();
        out.write_all(&[0xff; 65_535]).unwrap();
    }
    out.finish().unwrap();
    let step = "[[step]]\nreplay = { capture = \"fat.pcap.gz\", at = \"eth0\" }\n";
    std::fs::write(dir.path().join("lab.toml"), format!("{DEVICES}{step}")).unwrap();
    let output = macvlab(dir.path(), &["run", "lab.toml", "--pcap", "out.pcapng"], b"");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("fat.pcap.gz: more than 268435456 bytes of frames"), "{said}");
    assert!(!dir.path().join("out.pcapng").exists());
}
