//! The output of `macvlab explain`: the whole path of a frame, and the rule that filtered it from each other device.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{labs, load, macvlab, root, stderr, stdout};
use macvlab::explain::{Fate, Journey};
use macvlab::frame::{Craft, CraftBody, PacketType};
use macvlab::lab::spec::{Action, FrameSpec, InjectPoint, StepSpec};
use macvlab::lab::{Event, HopKind, Lab, LabSpec, Options};
use macvlab::verdict::Rule;
use std::collections::BTreeSet;

fn explain(lab: &str, args: &[&str]) -> String {
    let lab = format!("fixtures/labs/{lab}.toml");
    let output = macvlab(root(), &[&["explain", lab.as_str()], args].concat(), b"");
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{lab} {args:?}");
    stdout(&output)
}

#[test]
fn vepa_behind_an_ordinary_switch() {
    insta::assert_snapshot!(explain("arp-vepa", &["--at", "c1", "--arp", "c2"]));
}

#[test]
fn vepa_behind_a_switch_that_reflects() {
    insta::assert_snapshot!(explain("arp-vepa-hairpin", &["--at", "c1", "--arp", "c2", "--follow"]));
}

#[test]
fn a_private_port_hears_itself_alone() {
    insta::assert_snapshot!(explain("arp-private", &["--at", "c1", "--arp", "192.168.128.233"]));
}

#[test]
fn bridge_unicast_stays_on_the_parent() {
    insta::assert_snapshot!(explain("arp-bridge", &["--at", "c1", "--ping", "c2"]));
}

#[test]
fn passthru_takes_the_hosts_answer() {
    insta::assert_snapshot!(explain("arp-passthru", &["--at", "eth0", "--arp", "win", "--follow"]));
}

#[test]
fn a_frame_from_the_wire_as_events() {
    let args = ["--at", "eth0", "--from-wire", "--udp", "c1:53", "--sender", "win", "--json"];
    insta::assert_snapshot!(explain("arp-vepa", &args));
}

#[test]
fn what_a_frame_provokes_as_events() {
    let events = explain("arp-bridge", &["--at", "win", "--ping", "c1", "--follow", "--json"]);
    let last = events.lines().last().unwrap();
    assert_eq!(
        last,
        r#"{"event":"fate","frame_id":4,"device":"win","fate":"got","rule":"S1","at":"win","reason":"Every frame that arrives on its cable is handed to the station, which reads it if it is the destination."}"#
    );
    assert_eq!(events.lines().filter(|l| l.starts_with(r#"{"event":"fate""#)).count(), 4 + 3 * 3 - 1);
}

#[test]
fn why_not() {
    let cases = [
        ("arp-vepa", "c1", "--arp", "c2", "c2", "R126  Not back out of the arrival port, at sw0.eth0"),
        ("arp-vepa", "c1", "--ping", "win", "c2", "R126  Not back out of the arrival port, at sw0.eth0"),
        (
            "arp-private",
            "c1",
            "--arp",
            "c2",
            "c2",
            "R17   A reflected broadcast returns to its sender only, at eth0",
        ),
        (
            "arp-private",
            "c1",
            "--arp",
            "c2",
            "eth0",
            "R17   A reflected broadcast returns to its sender only, at eth0",
        ),
        ("arp-bridge", "c1", "--ping", "c2", "win", "R30   Bridge mode delivers locally, at c1"),
        (
            "mixed-modes",
            "b1",
            "--frame",
            "ffffffffffff0200000000b188b5",
            "p",
            "R31a  Not a bridge port, at b1",
        ),
        ("arp-vepa-hairpin", "c1", "--arp", "c2", "c1", "R19b  Not back to the sender, at eth0"),
        ("arp-passthru", "win", "--ping", "eth0", "eth0", "R51   Passthru takes all unicast, at eth0"),
    ];
    for (lab, at, what, target, device, why) in cases {
        let Ok(_) = std::fs::metadata(root().join(format!("fixtures/labs/{lab}.toml"))) else {
            panic!("{lab}")
        };
        let text = explain(lab, &["--at", at, what, target, "--why-not", device]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], format!("{device} does not get the frame"), "{lab}");
        assert_eq!(lines[1].trim(), why, "{lab}");
        assert_eq!(lines.len(), 3);
    }
    let text = explain("arp-vepa-hairpin", &["--at", "c1", "--arp", "c2", "--why-not", "c2"]);
    assert!(
        text.starts_with("c2 gets the frame\n  R19   A vepa port's broadcast is reflected, at c2\n"),
        "{text}"
    );
}

/// A device that is down gets nothing, whatever else is in its way.
#[test]
fn a_target_that_is_down_is_why_it_does_not_get_the_frame() {
    let lab = "[nic.eth0]\naddress = \"10.0.0.1/24\"\n[macvlan.c1]\nparent = \"eth0\"\n\
               [macvlan.c2]\nparent = \"eth0\"\nup = false\naddress = \"10.0.0.2/24\"\n\
               [nic.eth1]\nup = false\n[macvlan.d1]\nparent = \"eth1\"\naddress = \"10.0.0.3/24\"\n\
               [switch.sw0.port.eth0]\n[switch.sw0.port.eth1]\n";
    for (at, target, cause) in [
        ("eth0", "c2", "R1a   The port is down, at c2"),
        ("eth0", "d1", "N3    The NIC is down, at eth1"),
        ("c1", "c2", "R1a   The port is down, at c2"),
    ] {
        let args = ["explain", "-", "--at", at, "--sender", "eth0", "--arp", target, "--why-not", target];
        let output = macvlab(root(), &args, lab.as_bytes());
        let text = stdout(&output);
        assert!(text.contains(&format!("  {cause}\n")), "{at} {target}: {text}{}", stderr(&output));
    }
}

#[test]
fn the_list_of_outcomes_names_both_rules() {
    let lab = "[nic.eth0]\naddress = \"10.0.0.1/24\"\n[macvlan.c1]\nparent = \"eth0\"\n\
               mode = \"bridge\"\n[switch.sw0.port.eth0]\n";
    let output = macvlab(root(), &["explain", "-", "--at", "eth0", "--arp", "10.0.0.2"], lab.as_bytes());
    let (text, both) = (stdout(&output), "R126  Not back out of the arrival port, at sw0.eth0, with R34\n");
    assert!(text.contains(&format!("\n  c1  {both}")), "{text}");
}

#[test]
fn why_not_of_every_frame_that_comes_of_it() {
    let args = ["--at", "c1", "--arp", "c2", "--follow", "--why-not", "win"];
    let text = explain("arp-vepa-hairpin", &args);
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with("        ")).collect();
    assert_eq!(
        lines,
        [
            "c1 sends: ARP who-has 192.168.128.233 tell 192.168.128.222",
            "win gets the frame",
            "  S1    A station receives from its cable, at win",
            "c2 sends: ARP 192.168.128.233 is-at 02:42:c0:a8:80:e9",
            "win does not get the frame",
            "  R125  Known unicast, at sw0.win",
        ]
    );
    let events = explain("arp-vepa-hairpin", &[&args[..], &["--json"]].concat());
    let fates: Vec<_> = events.lines().map(|line| line.split(r#""rule":"#).nth(1).unwrap()).collect();
    assert!(
        fates.len() == 2 && fates[0].starts_with(r#""S1""#) && fates[1].starts_with(r#""R125""#),
        "{events}"
    );
}

#[test]
fn what_was_learned_before_counts() {
    let ping = ["--at", "win", "--ping", "c2", "--why-not", "c1"];
    let known = explain("arp-vepa-hairpin", &[&ping[..4], &["--after", "1"]].concat());
    assert!(
        known.contains("the forwarding database has 02:42:c0:a8:80:e9 behind sw0.eth0 (learned, "),
        "{known}"
    );
    let fresh = explain("arp-vepa-hairpin", &ping[..4]);
    assert!(fresh.contains("the forwarding database does not have 02:42:c0:a8:80:e9"), "{fresh}");
}

/// The events of one frame that a device of the lab sends.
fn sent(spec: &LabSpec, options: &Options, at: &str, craft: &Craft) -> (Vec<Event>, Lab) {
    let action = Action::Inject {
        at: at.into(),
        entry: InjectPoint::Device,
        frame: FrameSpec::Crafted(craft.clone()),
    };
    let spec = spec.clone().with_steps(vec![StepSpec::new(action)]);
    let mut lab = Lab::new(&spec, options.clone().with_decisions(true));
    let mut events = Vec::new();
    lab.run(&mut |event| events.push(event.clone()));
    (events, lab)
}

#[test]
fn in_every_lab_every_device_has_its_fate_and_it_is_that_of_the_hop_log() {
    let mut kept = BTreeSet::new();
    for (name, path) in labs() {
        let (spec, options) = load(&path);
        let listing = Lab::new(&spec, options.clone()).devices();
        let senders = listing.iter().filter(|d| !d.kind.name().starts_with("switch")).map(|d| &d.name);
        for at in senders.take(6) {
            let body = CraftBody::Ethernet { ethertype: 0x88b5, payload: vec![0; 46] };
            let craft = Craft { dst: None, src: None, tags: Vec::new(), pad: 0, body };
            let (events, lab) = sent(&spec, &options, at, &craft);
            let Some(journey) = Journey::all(&events).into_iter().next() else { continue };
            let heard: BTreeSet<_> = journey
                .hops()
                .filter(|h| matches!(h.kind, HopKind::Receive(t, _) if t != PacketType::OtherHost))
                .map(|h| h.device.clone())
                .collect();
            let fates = journey.fates(&lab.devices());
            let got: BTreeSet<_> = fates
                .iter()
                .filter(|(_, f)| matches!(f, Fate::Got(_)))
                .map(|(name, _)| name.clone())
                .collect();
            assert_eq!(got, heard, "{name}: {at}");
            for (device, fate) in fates {
                if let Fate::Kept { rule, .. } = fate {
                    kept.insert(rule);
                }
                assert!(!device.is_empty());
            }
        }
    }
    for rule in
        [Rule::NoHairpin, Rule::OwnBroadcastBack, Rule::FloodOtherMode, Rule::PortDown, Rule::Isolated]
    {
        assert!(kept.contains(&rule), "{rule} keeps nothing from anybody in {kept:?}");
    }
}

#[test]
fn an_explanation_changes_nothing() {
    for (name, path) in labs() {
        let (spec, options) = load(&path);
        let run = |decisions| {
            let mut told = Vec::new();
            Lab::new(&spec, options.clone().with_decisions(decisions)).run(&mut |event| match event {
                Event::Decision(_) => assert!(decisions),
                event => told.push(format!("{event:?}")),
            });
            told
        };
        assert!(run(false) == run(true), "{name}");
    }
}

const HOSTILE: &str = r#"
title = "names"
[nic."e\\|<b>"]
[macvlan."c`1$(x)"]
parent = "e\\|<b>"
[macvlan."{c2}"]
parent = "e\\|<b>"
mode = "bridge"
[switch."s%s".port."e\\|<b>"]
"#;

#[test]
fn hostile_frames_and_names_do_not_break_the_output() {
    let run = |args: &[&str]| macvlab(root(), &[&["explain", "-"], args].concat(), HOSTILE.as_bytes());
    let mut hex = String::new();
    for len in 0..70 {
        for tail in ["", "\u{1b}"] {
            let frame = format!("{hex}{tail}");
            let output = run(&["--at", "c`1$(x)", "--frame", &frame]);
            let (text, code) = (stdout(&output), output.status.code());
            assert_eq!(code, Some(if tail.is_empty() { 0 } else { 2 }), "{len}: {}", stderr(&output));
            assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
            assert!(!stderr(&output).contains('\u{1b}'));
        }
        hex.push_str(["ff", "81", "00", "1b", "08"][len % 5]);
    }
    let text = stdout(&run(&["--at", "{c2}", "--frame", "ffffffffffff 02:00:00:00:00:01 88b5"]));
    assert!(text.contains("  c`1$(x)  R126  Not back out of"), "{text}");
    let json = stdout(&run(&["--at", "{c2}", "--frame", "ffffffffffff0200000000018100000a0806", "--json"]));
    for line in json.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    for args in [
        &["--at", "x\u{1b}[31m", "--arp", "{c2}"][..],
        &["--at", "{c2}", "--arp", "\u{1b}]0;"],
        &["--at", "{c2}", "--arp", "c`1$(x)"],
        &["--at", "{c2}", "--ping", "10.0.0.1"],
        &["--at", "{c2}", "--udp", "10.0.0.1:99999"],
        &["--at", "{c2}", "--frame", "0"],
        &["--at", "{c2}", "--frame", "ff", "--from-wire"],
        &["--at", "{c2}", "--frame", "ff", "--after", "1"],
        &["--at", "{c2}", "--frame", "ff", "--arp", "{c2}"],
        &["--at", "{c2}"],
    ] {
        let output = run(args);
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()), "{args:?}");
        let told = stderr(&output);
        assert!(!told.is_empty() && !told.contains('\u{1b}'), "{told:?}");
    }
}

#[test]
fn a_frame_that_cannot_be_sent_or_cannot_go_far() {
    let text = explain("arp-vepa", &["--at", "c1", "--frame", "ff"]);
    assert_eq!(text.lines().next(), Some("c1 cannot send it: EINVAL (Invalid argument)"));
    let text =
        explain("carrier-lost", &["--at", "a", "--frame", "02000000000b02000000000a88b5", "--after", "2"]);
    assert!(
        text.ends_with("  win   N3    The NIC is down, at win\n  b     R90   No carrier, at a\n"),
        "{text}"
    );
}

#[test]
fn without_a_route_there_is_nothing_to_explain() {
    let output =
        macvlab(root(), &["explain", "fixtures/labs/no-route.toml", "--at", "c1", "--ping", "c2"], b"");
    let expected =
        "error: c1 sends nothing to 10.0.1.2: S3 No route; give it an address in that subnet, or a gateway\n";
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(2), expected));
    assert_eq!(stdout(&output), "");
}

/// Two devices behind a switch with a third port, after the switch has learned where they are.
fn behind_a_switch(port_of_win: &str) -> String {
    let step = |from: &str| {
        format!("[[step]]\ninject = {{ at = \"{from}\", ethernet = {{ ethertype = 0x88b5 }} }}\n")
    };
    format!(
        "[station.a]\naddress = \"10.0.0.1/24\"\n[station.b]\naddress = \"10.0.0.2/24\"\n\
         [station.win]\naddress = \"10.0.0.3/24\"\n[switch.sw.port.a]\nisolated = true\n[switch.sw.port.b]\n\
         [switch.sw.port.win]\n{port_of_win}\n{}{}",
        step("a"),
        step("win")
    )
}

#[test]
fn known_unicast_is_kept_from_other_ports_where_it_would_leave() {
    let ask = |lab: &str, at: &str, to: &str, device: &str| {
        let args = ["explain", "-", "--after", "2", "--at", at, "--ping", to, "--why-not", device];
        stdout(&macvlab(root(), &args, lab.as_bytes()))
    };
    let open = behind_a_switch("");
    let other = ask(&open, "a", "win", "b");
    assert!(other.contains("R125  Known unicast, at sw.b\n"), "{other}");
    let closed = behind_a_switch("isolated = true");
    let withheld = ask(&closed, "a", "win", "win");
    assert!(withheld.contains(", at sw.win\n"), "{withheld}");
    let other = ask(&closed, "a", "win", "b");
    assert!(other.contains("R125  Known unicast, at sw.b\n"), "{other}");
}
