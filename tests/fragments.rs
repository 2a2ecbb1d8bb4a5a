//! IPv4 fragments as a user sees them: the labs named frag-*, each with the expected outcome of every step.
#![allow(missing_docs, clippy::unwrap_used)]

use macvlab::lab::{Event, Hop, HopKind, Lab, Options};
use std::path::Path;

#[test]
fn every_fragment_lab_holds() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/labs");
    let mut labs = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with("frag-") {
            continue;
        }
        labs += 1;
        let spec = macvlab::labfile::load(&path).unwrap();
        let mut lab = Lab::new(&spec, Options::default());
        let mut wrong = Vec::new();
        let summary = lab.run(&mut |event| {
            if let Event::Result { step, outcome, receivers, held: Some(false) | None, .. } = event {
                wrong.push(format!("step {step}: {outcome:?} {receivers:?}"));
            }
        });
        assert!(summary.ok() && wrong.is_empty(), "{name}: {wrong:#?}");
        assert_eq!(summary.held, summary.steps, "{name}");
    }
    assert_eq!(labs, 16);
}

const PARENT: &str = r#"
title = "Fragments"

[nic.eth0]
mac   = "02:00:00:00:00:e0"
cable = "win"

[station.win]
mac = "02:00:00:00:00:51"

[macvlan.v]
parent  = "eth0"
mode    = "vepa"
mac     = "02:00:00:00:00:0f"
address = ["10.0.0.2/24"]
"#;

/// A broadcast frame with bytes `from` to `to` of a UDP datagram of 2000 bytes of zero.
fn part(from: usize, to: usize, tag: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0; 2000];
    datagram[..8].copy_from_slice(&[0x13, 0x88, 0x13, 0x88, 0x07, 0xd0, 0, 0]);
    let len = (20 + to - from).to_be_bytes();
    let flags = if to < 2000 { 0x20 } else { 0 } | (from >> 11) as u8;
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 0x51]);
    frame.extend(tag);
    frame.extend([8, 0, 0x45, 0, len[6], len[7], 0, 7, flags, (from >> 3) as u8, 64, 17, 0, 0]);
    frame.extend([10, 0, 0, 1, 255, 255, 255, 255]);
    frame.extend(&datagram[from..to]);
    frame
}

fn lab(text: &str) -> Lab {
    Lab::new(&macvlab::labfile::parse("lab", text).unwrap(), Options::default())
}

/// Sends frames to devices, and returns the hops in words: device, hop, length.
fn hops(lab: &mut Lab, frames: &[(&str, Vec<u8>)]) -> Vec<String> {
    let mut told = Vec::new();
    for (device, frame) in frames {
        lab.arrive(device, lab.now(), frame, &mut |event| {
            if let Event::Hop(Hop { device, kind, frame, frame_id, .. }) = event {
                let what = match kind {
                    HopKind::Arrive(_) => "arrives".to_owned(),
                    HopKind::Receive(kind, rule) => format!("receives {kind} {rule}"),
                    HopKind::Transmit(_) => "sends".to_owned(),
                    HopKind::Drop(rule) => format!("drops {rule}"),
                };
                told.push(format!("{frame_id} {device} {what} {}", frame.len()));
            }
        })
        .unwrap();
    }
    told
}

#[test]
fn each_fragment_has_its_end_in_the_hop_log_and_the_last_ones_number_goes_on() {
    let mut lab = lab(PARENT);
    let frames = [(0, 1000), (0, 1000), (1000, 2000)].map(|(from, to)| ("eth0", part(from, to, &[])));
    assert_eq!(
        hops(&mut lab, &frames),
        [
            "1 eth0 arrives 1034",
            "1 eth0 drops R165 1034",
            "2 eth0 arrives 1034",
            "2 eth0 drops R166a 1034",
            "3 eth0 arrives 1034",
            "3 v receives broadcast R18 2034",
            "3 eth0 receives broadcast R24 2034",
        ]
    );
    let mut counted = Vec::new();
    lab.finish(&mut |event| {
        if let Event::Counters { device, counters } = event {
            counted.push((device.clone(), counters.rx_packets, counters.rx_bytes, counters.rx_dropped));
        }
    });
    assert!(counted.contains(&("eth0".into(), 3, 3 * 1034, 0)), "{counted:?}");
    assert!(counted.contains(&("v".into(), 1, 2034, 0)), "{counted:?}");
}

#[test]
fn a_nic_and_its_sub_interfaces_hold_their_fragments_together() {
    let text = format!(
        "{PARENT}\n[vlan.\"eth0.5\"]\nparent = \"eth0\"\nid = 5\nmac = \"02:00:00:00:00:e5\"\n\n\
         [macvlan.w]\nparent = \"eth0.5\"\nmac = \"02:00:00:00:00:1f\"\n"
    );
    let frames = [("eth0", part(0, 1000, &[])), ("eth0", part(1000, 2000, &[0x81, 0, 0, 5]))];
    assert_eq!(
        hops(&mut lab(&text), &frames),
        [
            "1 eth0 arrives 1034",
            "1 eth0 drops R165 1034",
            "2 eth0 arrives 1038",
            "2 eth0.5 arrives 1034",
            "2 w receives broadcast R18 2034",
            "2 eth0.5 receives broadcast R24 2034",
        ]
    );
}

#[test]
fn two_nics_are_two_hosts() {
    let text = format!(
        "{PARENT}\n[nic.eth1]\nmac = \"02:00:00:00:00:e1\"\n\n\
         [macvlan.w]\nparent = \"eth1\"\nmac = \"02:00:00:00:00:1f\"\n"
    );
    let frames = [("eth0", part(0, 1000, &[])), ("eth1", part(1000, 2000, &[]))];
    let told = hops(&mut lab(&text), &frames);
    assert_eq!(told[3], "2 eth1 drops R165 1034", "{told:?}");
}
