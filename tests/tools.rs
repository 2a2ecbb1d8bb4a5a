//! Other programs read the outputs.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, needs, root};
use std::process::Command;

#[test]
fn tshark_shows_every_hop_with_its_device_and_its_rule() {
    if !needs::programs(&["tshark"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("out.pcapng");
    let args = ["run", "fixtures/labs/arp-vepa-hairpin.toml", "-q", "--pcap", file.to_str().unwrap()];
    assert!(macvlab(root(), &args, b"").status.success());
    let output = Command::new("tshark")
        .env("HOME", dir.path())
        .args(["-r", file.to_str().unwrap()])
        .args(["-T", "fields", "-e", "frame.interface_name", "-e", "frame.comment"])
        .output()
        .unwrap();
    // tshark reports on standard error what it does not understand; and running as root, which does not matter here.
    let said = String::from_utf8(output.stderr).unwrap();
    let said: Vec<_> = said.lines().filter(|l| !l.is_empty() && !l.contains("Running as user")).collect();
    assert!(output.status.success() && said.is_empty(), "{said:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<(&str, &str)> = text.lines().map(|l| l.split_once('\t').unwrap()).collect();
    assert!(lines.len() > 10, "{text}");
    for (device, comment) in &lines {
        assert!(["eth0", "c1", "c2", "win", "sw0.eth0", "sw0.win"].contains(device), "{device}");
        let (first, why) = comment.split_once(' ').unwrap();
        let by_rule = macvlab::verdict::Rule::from_id(first).is_some() && !why.is_empty();
        assert!(by_rule || *comment == "arrives at the switch, which decides where it goes", "{comment}");
    }
    assert!(
        lines.iter().any(|(device, comment)| *device == "sw0.eth0" && comment.starts_with("R126a Hairpin: "))
    );
}
