//! `macvlab diagnose` finds what people ask about, and writes what other programs read.
#![allow(missing_docs, clippy::unwrap_used)]

mod classes;
mod common;

use common::{macvlab, root, stderr, stdout};
use macvlab::interop::{Check, Source, diagnose};
use macvlab::lab::Options;
use serde_json::Value;

const TRANSCRIPT: &str = "fixtures/import/transcript.txt";

/// The check that answers each class of questions.
const ANSWERS: &str = "
arp-host | host-isolated
host-shim after 2 | -
arp-vepa | vepa-without-hairpin
arp-private | private-isolated
refused | duplicate-mac
policy vmware | foreign-mac
policy virtualbox | foreign-mac
policy hyperv | foreign-mac
policy proxmox-firewall | foreign-mac
policy-cloud | foreign-mac
policy-wifi | foreign-mac
duplicate | duplicate-mac
trunk-forgotten | vlan-apart
no gateway | no-route
no way back | no-route
down | device-down
";

#[test]
fn every_class_of_questions_that_a_configuration_shows_has_its_finding() {
    let cases = ANSWERS.trim().lines().map(|line| line.split_once(" | ").unwrap());
    for (class, expected) in cases {
        let lab = classes::class(class);
        let imported = diagnose::of_lab(lab, &Source::new("lab", ""));
        let findings = diagnose::diagnose(&imported, &Options::default());
        let ids: Vec<&str> = findings.iter().map(|finding| finding.check.id()).collect();
        match expected {
            "-" => {}
            expected => assert!(ids.contains(&expected), "{class}: {ids:?}"),
        }
    }
}

#[test]
fn exit_codes_tell_errors_from_warnings() {
    let exit = |args: &[&str]| macvlab(root(), args, b"").status.code();
    assert_eq!(exit(&["diagnose", TRANSCRIPT]), Some(1));
    assert_eq!(exit(&["diagnose", "demo:host"]), Some(0));
    assert_eq!(exit(&["diagnose", "demo:host", "--deny-warnings"]), Some(1));
    assert_eq!(exit(&["diagnose", "no-such-file"]), Some(2));
    assert_eq!(exit(&["diagnose", "README.md"]), Some(2));
    let stdin = macvlab(root(), &["diagnose", "-"], b"ip link add link eth0 name c1 type macvlan");
    assert_eq!(stdin.status.code(), Some(0), "{}", stdout(&stdin));
}

#[test]
fn json_has_one_object_a_finding() {
    let output = macvlab(root(), &["diagnose", TRANSCRIPT, "--format", "json"], b"");
    let lines: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let vepa = lines.iter().find(|line| line["id"] == "vepa-without-hairpin").unwrap();
    assert_eq!(vepa["severity"], "error");
    assert_eq!(vepa["rules"][0], "R126");
    assert_eq!(vepa["at"]["input"], TRANSCRIPT);
    assert_eq!(vepa["at"]["line"], 6);
    let reads = vepa["remedies"].as_array().unwrap().iter().map(|help| help["reads"].as_str().unwrap());
    assert_eq!(
        reads.collect::<Vec<_>>(),
        ["Make network vepamv anew in mode bridge.", "Turn hairpin on at the switch port lan.eth0.",]
    );
}

#[test]
fn sarif_names_rules_levels_and_lines() {
    let output = macvlab(root(), &["diagnose", TRANSCRIPT, "--format", "sarif"], b"");
    let log: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), Check::ALL.len());
    for result in run["results"].as_array().unwrap() {
        assert!(rules.iter().any(|rule| rule["id"] == result["ruleId"]), "{result}");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], TRANSCRIPT);
        assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
    }
}

#[test]
fn a_markdown_report_cannot_be_broken_by_what_is_in_the_input() {
    let text = "docker network create -d macvlan --subnet 192.0.2.0/24 -o parent=eth0 -o macvlan_mode=vepa '<b>```'\n\
                docker run --name a --net '<b>```' x\ndocker run --name b --net '<b>```' x\n";
    let output = macvlab(root(), &["diagnose", "-", "--format", "markdown"], text.as_bytes());
    let report = stdout(&output);
    let fences = report.lines().filter(|line| line.trim_start().starts_with("```")).count();
    assert_eq!(fences % 2, 0, "{report}");
    assert!(report.contains("vepa-without-hairpin"), "{report}{}", stderr(&output));
    let outside = report.split("```").step_by(2).collect::<String>();
    assert!(!outside.contains("<b>"), "{report}");
}

#[test]
fn ids_of_checks_are_unique() {
    let mut ids: Vec<&str> = Check::ALL.iter().map(|check| check.id()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), Check::ALL.len());
    assert!(Check::ALL.iter().all(|check| Check::from_id(check.id()) == Some(*check)));
}
