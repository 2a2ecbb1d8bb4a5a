//! The labs of the fixtures: each passes, has meaningful expectations, runs the same way every time, and together they
//! cover the rules.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{labs, load, macvlab, root, run, stderr, stdout};
use macvlab::errno::Errno;
use macvlab::frame::MacAddr;
use macvlab::lab::spec::{DeviceKind, Expect, ExpectedEntry, ExpectedReceivers, ExpectedTable, Name};
use macvlab::lab::{Event, Hop, HopKind, LabSpec};
use macvlab::report::{AnnotatedCapture, JsonLines};
use macvlab::station::NeighbourState;
use macvlab::verdict::{Rule, RuleKind};
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn every_lab_holds() {
    for path in labs().values() {
        let output = macvlab(root(), &["run", path.to_str().unwrap()], b"");
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}:\n{}{}",
            path.display(),
            stdout(&output),
            stderr(&output)
        );
        assert_eq!(stderr(&output), "", "{}", path.display());
    }
}

/// Whatever was lost, and whether a device dropped it or no device was meant.
#[test]
fn every_ping_that_fails_has_a_cause() {
    let mut failed = 0;
    for (name, path) in labs() {
        let text = stdout(&macvlab(root(), &["run", path.to_str().unwrap()], b""));
        for line in text.lines().filter(|l| l.contains("no reply") || l.contains("unreachable:")) {
            let cause = line.split_once("; ").map(|(_, cause)| cause.split(' ').next().unwrap());
            let rule = cause.and_then(|id| Rule::ALL.iter().find(|rule| rule.id() == id));
            assert!(rule.is_some(), "{name}: {line}");
            failed += 1;
        }
    }
    assert!(failed > 20, "{failed}");
}

/// The same causes are in the events, and those of refused changes and of injected frames.
#[test]
fn every_result_but_that_of_a_change_has_its_causes_in_the_events() {
    let mut failed = 0;
    for (name, path) in labs() {
        let text = stdout(&macvlab(root(), &["run", path.to_str().unwrap(), "--json"], b""));
        let events = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let (mut action, mut ids) = (String::new(), Vec::new());
        for event in events {
            if event["event"] == "step" {
                event["action"].as_str().unwrap().clone_into(&mut action);
            }
            if event["event"] != "result" {
                continue;
            }
            let causes = event["because"].as_array().unwrap();
            for cause in causes {
                let known = |key: &str| Rule::ALL.iter().any(|rule| cause[key] == rule.id());
                assert!(known("rule") && (cause.get("also").is_none() || known("also")), "{name}: {event}");
                assert!(!cause["text"].as_str().unwrap().is_empty(), "{name}: {event}");
            }
            let outcome = event["outcome"].as_str().unwrap();
            let has_cause = match outcome {
                "unreachable" | "no-reply" | "error" | "reply" => true,
                _ => action == "inject",
            };
            assert!(!has_cause || !causes.is_empty(), "{name}: {event}");
            if matches!(outcome, "unreachable" | "no-reply") {
                ids.push(causes[0]["rule"].as_str().unwrap().to_owned());
            }
        }
        failed += ids.len();
        let told = stdout(&macvlab(root(), &["run", path.to_str().unwrap()], b""));
        let told = told.lines().filter(|l| l.contains("no reply") || l.contains("unreachable:"));
        for (line, id) in told.zip(ids) {
            let cause = line.split_once("; ").map(|(_, cause)| cause).unwrap();
            assert!(cause.starts_with(&id) || cause.contains(&format!(" and {id} ")), "{name}: {line}: {id}");
        }
    }
    assert!(failed > 20, "{failed}");
}

/// The negation of the expectation.
fn turned_round(expect: &Expect, devices: &[Name]) -> Vec<Expect> {
    match expect {
        Expect::Reply => vec![Expect::Unreachable, Expect::NoReply, Expect::Failure],
        Expect::Unreachable | Expect::NoReply | Expect::Failure => vec![Expect::Reply],
        Expect::Ok => vec![Expect::Errno(Errno::Eperm)],
        Expect::Errno(Errno::Eperm) => vec![Expect::Ok, Expect::Errno(Errno::Einval)],
        Expect::Errno(_) => vec![Expect::Ok, Expect::Errno(Errno::Eperm)],
        Expect::Receivers(expected) => {
            let others = |names: &[Name]| {
                let more = devices
                    .iter()
                    .find(|d| !names.contains(d))
                    .map(|d| [names, std::slice::from_ref(d)].concat());
                let fewer = names.split_last().map(|(_, rest)| rest.to_vec());
                more.into_iter().chain(fewer).collect::<Vec<_>>()
            };
            let mut wrong = Vec::new();
            for names in expected.delivered.iter().flat_map(|names| others(names)) {
                wrong.push(ExpectedReceivers { delivered: Some(names), ..(**expected).clone() });
            }
            for names in expected.seen.iter().flat_map(|names| others(names)) {
                wrong.push(ExpectedReceivers { seen: Some(names), ..(**expected).clone() });
            }
            for name in expected.delivered.iter().flatten() {
                let not_delivered = vec![name.clone()];
                wrong.push(ExpectedReceivers { delivered: None, not_delivered, ..(**expected).clone() });
            }
            wrong.into_iter().map(|wrong| Expect::Receivers(Box::new(wrong))).collect()
        }
        Expect::Table(expected) => {
            let wrong = tables_turned_round(expected, devices);
            wrong.into_iter().map(|wrong| Expect::Table(Box::new(wrong))).collect()
        }
        _ => panic!("{expect:?} is not turned round"),
    }
}

/// The negations of an expectation about a table.
fn tables_turned_round(expected: &ExpectedTable, devices: &[Name]) -> Vec<ExpectedTable> {
    match expected {
        ExpectedTable::Fdb { switch, mac, port } => {
            let other = devices.iter().find(|device| Some(*device) != port.as_ref()).cloned();
            let ports = [other, port.as_ref().and(None)].into_iter().filter(|wrong| wrong != port);
            ports.map(|port| ExpectedTable::Fdb { switch: switch.clone(), mac: *mac, port }).collect()
        }
        ExpectedTable::Neighbour { device, ip, entry } => {
            let entries = match *entry {
                ExpectedEntry::Absent => vec![ExpectedEntry::Present { state: None, mac: None }],
                ExpectedEntry::Present { state, mac } => {
                    let others =
                        NeighbourState::ALL.iter().filter(|other| state.is_some_and(|s| s != **other));
                    let other_mac = mac.map(|mac| MacAddr::from_u64(mac.to_u64() ^ 1));
                    others
                        .map(|other| ExpectedEntry::Present { state: Some(*other), mac })
                        .chain(other_mac.map(|mac| ExpectedEntry::Present { state, mac: Some(mac) }))
                        .chain([ExpectedEntry::Absent])
                        .collect()
                }
            };
            let wrong = |entry| ExpectedTable::Neighbour { device: device.clone(), ip: *ip, entry };
            entries.into_iter().map(wrong).collect()
        }
    }
}

/// The lab with each expectation negated in turn.
fn wrong_labs(spec: &LabSpec) -> Vec<(String, LabSpec)> {
    let devices: Vec<_> = spec.devices.iter().map(|d| d.name.clone()).collect();
    let mut wrong = Vec::new();
    for (i, step) in spec.steps.iter().enumerate() {
        for turned in step.expect.iter().flat_map(|e| turned_round(e, &devices)) {
            let what = format!("step {}, {:?} made {turned:?}", i + 1, step.expect);
            let mut spec = spec.clone();
            spec.steps[i].expect = Some(turned);
            wrong.push((what, spec));
        }
    }
    for (i, device) in spec.devices.iter().enumerate() {
        let DeviceKind::Macvlan(port) = &device.kind else { continue };
        let mut port = port.clone();
        port.expect = if port.expect.is_some() { None } else { Some(Errno::Eperm) };
        let what = format!("{}, expected {:?}", device.name, port.expect);
        let mut spec = spec.clone();
        spec.devices[i].kind = DeviceKind::Macvlan(port);
        wrong.push((what, spec));
    }
    wrong
}

#[test]
fn no_lab_holds_if_one_expectation_is_turned_round() {
    let mut tried = 0;
    for (name, path) in labs() {
        let (spec, options) = load(&path);
        let wrong = wrong_labs(&spec);
        assert!(!wrong.is_empty(), "{name} expects nothing");
        for (what, spec) in wrong {
            let (summary, _) = run(&spec, options.clone());
            assert!(!summary.ok(), "{name} holds although wrong: {what}");
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn the_exit_code_tells_that_an_expectation_does_not_hold() {
    let dir = tempfile::tempdir().unwrap();
    for (name, path) in labs() {
        let (spec, options) = load(&path);
        // A capture is found relative to the lab file, which is in another folder here.
        if !options.captures.is_empty() {
            continue;
        }
        let Some((what, wrong)) = wrong_labs(&spec).into_iter().next() else { continue };
        std::fs::write(dir.path().join("wrong.toml"), macvlab::labfile::write(&wrong)).unwrap();
        let output = macvlab(dir.path(), &["run", "wrong.toml"], b"");
        assert_eq!(output.status.code(), Some(1), "{name}: {what}: {}{}", stdout(&output), stderr(&output));
    }
}

#[test]
fn a_lab_runs_the_same_way_every_time() {
    let views = |spec: &LabSpec, options| {
        let (_, events) = run(spec, options);
        let (mut json, mut capture) =
            (JsonLines::new(Vec::new()), AnnotatedCapture::new(Vec::new()).unwrap());
        for event in &events {
            json.event(event).unwrap();
            capture.event(event).unwrap();
        }
        (json.finish().unwrap(), capture.finish().unwrap())
    };
    for (name, path) in labs() {
        let (spec, options) = load(&path);
        let (json, capture) = views(&spec, options.clone());
        assert!(!json.is_empty() && !capture.is_empty());
        assert!((json, capture) == views(&spec, options), "{name} differs from run to run");
    }
}

/// Batches of frames give the same result as single frames.
#[test]
fn a_lab_tells_the_same_if_frames_are_taken_in_batches() {
    for (name, path) in labs() {
        let (spec, options) = load(&path);
        let told = |batches| {
            let mut json = JsonLines::new(Vec::new());
            for event in &run(&spec, options.clone().with_batches(batches)).1 {
                json.event(event).unwrap();
            }
            String::from_utf8(json.finish().unwrap()).unwrap()
        };
        let (one_by_one, batched) = (told(false), told(true));
        for (one_by_one, batched) in one_by_one.lines().zip(batched.lines()) {
            assert_eq!(one_by_one, batched, "{name}");
        }
        assert_eq!(one_by_one.len(), batched.len(), "{name}");
    }
}

/// Rules that no lab shows, with the test that does. Most answer "why not this port?": a frame that goes elsewhere has
/// no hop at that port.
const ELSEWHERE: &[(Rule, &str)] = &[
    (Rule::SourceModeNotFlooded, "a_source_port_gets_no_flood_and_no_unlisted_unicast"),
    (Rule::SourceNotListed, "a_source_port_gets_no_flood_and_no_unlisted_unicast"),
    (Rule::GroupNotWanted, "a_group_that_was_not_joined_is_not_wanted"),
    (Rule::FloodNotPrivate, "a_reflected_broadcast_has_a_reason_for_every_sibling"),
    (Rule::FloodNotTwice, "a_reflected_broadcast_has_a_reason_for_every_sibling"),
    (Rule::FloodNotSelf, "a_reflected_broadcast_has_a_reason_for_every_sibling"),
    (Rule::FloodOtherMode, "a_local_copy_is_for_bridge_ports"),
    (Rule::PortDown, "a_port_that_is_down_gets_nothing"),
    (Rule::PauseNotFlooded, "pause_is_not_flooded_but_a_tag_hides_it_on_the_way_out"),
    (Rule::ParentFilter, "a_promiscuous_passthru_port_with_nopromisc_misses_groups_that_the_parent_filters"),
    (Rule::FloodFlagOff, "sw_flood_flags"),
    (Rule::NoSuchAddress, "the_line_of_a_ping_that_fails_ends_with_its_cause"),
    (Rule::WrongNeighbour, "the_line_of_a_ping_that_fails_ends_with_its_cause"),
    (Rule::NotConnected, "what_is_not_connected_has_its_cause"),
    (Rule::CableDown, "what_is_down_takes_nothing_that_is_on_its_cable"),
    (Rule::VlanReceive, "a_tagged_frame_arrives_at_the_sub_interface_without_its_tag"),
    (Rule::FragmentsTooLong, "frag_odd_a_datagram_has_at_most_65535_bytes"),
    (Rule::FragmentsFull, "when_too_much_is_held_every_further_part_is_thrown_away"),
    (Rule::TapQueueFull, "a_reader_who_does_not_read_loses_what_comes_after_500_frames"),
    (Rule::BridgeLoop, "frames_that_go_round_through_bridges_end"),
    (Rule::SwitchPorts, "ports_are_limited_and_strangers_harmless"),
];

#[test]
fn every_rule_that_decides_is_reached() {
    let mut reached: BTreeMap<Rule, String> = BTreeMap::new();
    for (name, path) in labs() {
        let (spec, options) = load(&path);
        for event in run(&spec, options).1 {
            let rule = match event {
                Event::Hop(Hop { kind: HopKind::Arrive(_), .. }) => continue,
                Event::Hop(Hop { kind: HopKind::Receive(_, rule), .. }) => rule,
                Event::Hop(Hop { kind: HopKind::Transmit(rule) | HopKind::Drop(rule), .. }) => rule,
                Event::Setup { refusal, .. } => refusal.rule,
                Event::Result { outcome, .. } => match outcome.rule() {
                    Some(rule) => rule,
                    None => continue,
                },
                _ => continue,
            };
            reached.entry(rule).or_insert_with(|| name.clone());
        }
    }
    let elsewhere: BTreeSet<_> = ELSEWHERE.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(elsewhere.len(), ELSEWHERE.len(), "a rule stands twice in the list");
    let decides = |rule: &&Rule| !matches!(rule.kind(), RuleKind::Counting | RuleKind::Ground);
    let missing: Vec<_> = (Rule::ALL.iter().filter(decides))
        .filter(|r| !reached.contains_key(r) && !elsewhere.contains(r))
        .map(|r| format!("{r} {}", r.title()))
        .collect();
    assert!(missing.is_empty(), "no lab shows, and no test is named for:\n{}", missing.join("\n"));
    for (rule, test) in ELSEWHERE {
        assert!(
            !reached.contains_key(rule),
            "{rule} is shown by the lab {}: take it off the list",
            reached[rule]
        );
        assert!(is_a_test(test), "there is no test {test}, which is to reach {rule}");
    }
}

/// Whether the sources contain a test of this name.
fn is_a_test(name: &str) -> bool {
    let mut todo = vec![root().join("src"), root().join("tests")];
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            todo.extend(std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path()));
        } else if std::fs::read_to_string(path).is_ok_and(|t| {
            t.contains(&format!("#[test]\nfn {name}()")) || t.contains(&format!("#[test]\n    fn {name}()"))
        }) {
            return true;
        }
    }
    false
}

#[test]
fn a_wrong_expectation_about_a_table_is_told_with_what_the_table_holds() {
    let lab = r#"
        [station.a]
        mac = "02:00:00:00:00:0a"
        address = "10.0.0.1/24"
        [station.b]
        mac = "02:00:00:00:00:0b"
        address = "10.0.0.2/24"
        [switch.sw0.port.a]
        [switch.sw0.port.b]
        [[step]]
        ping = { from = "a", to = "b" }
        expect = { fdb = { switch = "sw0", mac = "02:00:00:00:00:0a", port = "b" } }
        [[step]]
        wait = "0s"
        expect = { fdb = { switch = "sw0", mac = "02:00:00:00:00:0c", port = "a" } }
        [[step]]
        wait = "0s"
        expect = { neighbour = { device = "a", ip = "10.0.0.2", state = "stale" } }
        [[step]]
        wait = "0s"
        expect = { neighbour = { device = "b", ip = "10.0.0.9" } }
        [[step]]
        set = { device = "a", promisc = true }
        expect = { neighbour = { device = "a", ip = "10.0.0.2", state = "reachable", mac = "02:00:00:00:00:0b" } }
        [[step]]
        set = { device = "a", mtu = 1 }
        expect = { neighbour = { device = "a", ip = "10.0.0.2" } }
    "#;
    let output = macvlab(root(), &["run", "-"], lab.as_bytes());
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}{}", stderr(&output));
    for part in [
        "expected 02:00:00:00:00:0a on sw0.b, got a reply after",
        "; 02:00:00:00:00:0a is on sw0.a\n",
        "expected 02:00:00:00:00:0c on sw0.a, got done; sw0 has no entry for 02:00:00:00:00:0c\n",
        "expected a stale entry for 10.0.0.2 at a, got done; a has a reachable entry for 10.0.0.2 with 02:00:00:00:00:0b\n",
        "expected an entry for 10.0.0.9 at b, got done; b has no entry for 10.0.0.9\n",
        "held 1, failed 5",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let json = stdout(&macvlab(root(), &["run", "--json", "-"], lab.as_bytes()));
    assert!(json.contains(r#""found":[{"kind":"learned","port":"sw0.a","vlan":null}]"#), "{json}");
}
