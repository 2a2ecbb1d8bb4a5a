//! `macvlab why`: the cause of a failed ping, and changes that help.
#![allow(missing_docs, clippy::unwrap_used)]

mod classes;
mod common;
mod random_labs;

use classes::{CLASSES, class};
use common::{fixture, lab, macvlab, root, run, stderr, stdout};
use macvlab::lab::spec::{LabSpec, StepSpec, Target};
use macvlab::lab::{Event, Options, Outcome};
use macvlab::labfile;
use macvlab::verdict::Rule;
use macvlab::why::{Answer, MAX_TRIED, Question, Scope, ask, remedies};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

/// Whether the last step of a lab gets a reply, as anybody would find out.
fn works(mut spec: LabSpec, question: &Question) -> bool {
    spec.steps.push(StepSpec::new(question.action()));
    let (_, events) = run(&spec, Options::default().with_hops(false));
    let outcome =
        |event: &Event| if let Event::Result { outcome, .. } = event { Some(*outcome) } else { None };
    events.iter().rev().find_map(outcome) == Some(Outcome::Reply)
}

/// Everything that an answer claims, tried once more.
fn check(spec: &LabSpec, question: &Question, answer: &Answer, name: &str) {
    if answer.replied() {
        assert!(works(spec.clone(), question), "{name}: {question:?}");
        return;
    }
    assert!(!works(spec.clone(), question), "{name}: {question:?}");
    let cell = &answer.explained.cell;
    assert!(cell.rule.is_some(), "{name}: {question:?} has no cause\n{}", labfile::write(spec));
    for tried in &answer.remedies {
        let (remedy, reads) = (&tried.remedy, &tried.remedy.reads);
        assert!(tried.live || tried.declared, "{name}: {reads}");
        let told = || format!("{name}: {question:?}: {reads}\n{}", labfile::write(spec));
        assert!(!tried.live || works(remedy.carried_out_in(spec), question), "{}", told());
        assert!(!tried.declared || works(remedy.declared_in(spec), question), "{}", told());
    }
}

/// Asks, checks the answer, and returns it.
fn asked(spec: &LabSpec, from: &str, to: &str) -> Answer {
    let question = Question::ping(from, to);
    let answer = ask(spec, &question, &Options::default());
    check(spec, &question, &answer, &spec.title);
    answer
}

#[test]
fn the_questions_that_people_ask_have_their_causes_and_remedies() {
    let mut wrong = Vec::new();
    for line in CLASSES.lines().filter(|line| !line.is_empty()) {
        let cells: Vec<&str> = line.split(" | ").collect();
        let [name, from, to, rule, remedy] = cells[..] else { panic!("{line}") };
        let answer = asked(&class(name), from, to);
        let all: Vec<&str> = answer.remedies.iter().map(|tried| tried.remedy.reads.as_str()).collect();
        let cell = &answer.explained.cell;
        if (cell.rule.map(Rule::id), all.first().copied().unwrap_or("-")) != (Some(rule), remedy) {
            wrong.push(format!("{line}\n    {:?} at {:?} {all:#?}", cell.rule, cell.at));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the test applies by itself makes the ping work, and every failed ping has a cause. `.ci/run` tries 2000 labs.
#[test]
fn what_is_proposed_for_random_labs_helps() {
    let labs = std::env::var("MACVLAB_WHY_LABS").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let (next, failed, helped) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let work = || {
        while let Some(seed) = Some(next.fetch_add(1, Relaxed)).filter(|seed| *seed < labs) {
            let (spec, question) = random_labs::lab(seed);
            let answer = remedies(&spec, &question, &Options::default());
            check(&spec, &question, &answer, &format!("seed {seed}"));
            failed.fetch_add(u64::from(!answer.replied()), Relaxed);
            helped.fetch_add(u64::from(!answer.remedies.is_empty()), Relaxed);
        }
    };
    thread::scope(|scope| (0..2).for_each(|_| _ = scope.spawn(work)));
    let (failed, helped) = (failed.into_inner(), helped.into_inner());
    println!("{labs} labs: {failed} pings fail, and something helps {helped} of them");
    assert!(failed * 3 > labs && helped * 4 > failed, "{failed} of {labs}, {helped}: the labs are too dull");
}

/// The sentence and the lines that a person reads.
#[test]
fn an_answer_reads_well() {
    let dir = tempfile::tempdir().unwrap();
    let output = macvlab(dir.path(), &["why", "demo:vepa", "c1", "c2"], b"");
    let text = stdout(&output);
    for line in [
        "c1 does not reach c2: the request for a MAC address from c1 is lost at sw0.eth0.",
        "  R126  Not back out of the arrival port",
        "1. Set c1 and c2 to mode bridge.",
        "     ip link set c1 type macvlan mode bridge",
        "   In the lab file:",
        "     [switch.sw0.port.eth0]",
        "     hairpin = true",
        "   It also makes a way from c2 to c1.",
    ] {
        assert!(text.lines().any(|told| told == line), "{line}\n{text}");
    }
    assert_eq!(output.status.code(), Some(0));
    let reached = macvlab(dir.path(), &["why", "demo:vepa", "c1", "win", "--udp"], b"");
    assert!(stdout(&reached).starts_with("c1 reaches win by UDP: a reply comes.\n"), "{}", stdout(&reached));
}

#[test]
fn an_answer_is_one_object() {
    let dir = tempfile::tempdir().unwrap();
    let output = macvlab(dir.path(), &["why", "demo:vepa", "c1", "c2", "--json"], b"");
    let answer: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(answer["result"], "unreachable");
    assert_eq!((answer["rule"].as_str(), answer["at"].as_str()), (Some("R126"), Some("sw0.eth0")));
    assert_eq!(answer["remedies"][1]["commands"][0], "bridge link set dev sw0.eth0 hairpin on");
    assert_eq!(answer["remedies"][0]["gains"], serde_json::json!([["c2", "c1"]]));
    assert_eq!(answer["scope"], "all");
}

/// What the lab's steps do comes first, or only some of it.
#[test]
fn the_lab_is_asked_after_its_steps() {
    let dir = tempfile::tempdir().unwrap();
    let path = root().join("fixtures/labs/redeployed.toml").display().to_string();
    let after = |more: &[&str]| {
        let args: Vec<&str> = ["why", &path, "win", "c1"].into_iter().chain(more.iter().copied()).collect();
        let output = macvlab(dir.path(), &args, b"");
        (stdout(&output).lines().next().unwrap_or_default().to_owned(), stderr(&output))
    };
    let lost = "win does not reach c1: the echo request from win is lost.";
    assert_eq!(after(&[]).0, lost);
    assert_eq!(after(&["--after", "3"]).0, lost);
    assert_eq!(after(&["--after", "0"]).0, "win reaches c1: a reply comes.");
    assert!(after(&["--after", "5"]).1.contains("the lab has 4 steps, so there is no `--after 5`"));
}

#[test]
fn who_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |from: &str, to: &str| {
        let output = macvlab(dir.path(), &["why", "demo:vepa", from, to], b"");
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    assert!(refused("c9", "c1").contains("the lab has no device `c9`; it has eth0, c1, c2, win"));
    assert!(refused("c1", "c9").contains("`c9` is neither an IP address nor a device of the lab"));
    let output = macvlab(dir.path(), &["why", "demo:vepa", "c1", "192.168.128.99"], b"");
    assert!(stdout(&output).contains("S4    No device has this address"), "{}", stdout(&output));
    assert!(stdout(&output).contains("Nothing helps by itself"), "{}", stdout(&output));
}

#[test]
fn a_shim_without_a_route_needs_the_route_and_is_told_once() {
    let mut spec = fixture("host-shim");
    spec.steps.clear();
    let answer = asked(&spec, "docker1", "web");
    let reads: Vec<&str> = answer.remedies.iter().map(|tried| tried.remedy.reads.as_str()).collect();
    assert_eq!(reads[0], "Give docker1 a route to web by shim.");
    assert_eq!(reads.iter().filter(|told| **told == reads[0]).count(), 1, "{reads:?}");
}

#[test]
fn what_is_not_connected_has_its_cause() {
    let answer = asked(&fixture("not-connected"), "eth0", "eth1");
    assert_eq!(answer.explained.cell.rule, Some(Rule::NotConnected));
}

/// Ports whose policy, state and flags are all wrong: many changes, and none helps by itself.
fn many(ports: usize) -> LabSpec {
    let mut text = "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\naddress = \"10.0.0.1/24\"\n".to_owned();
    for n in 0..ports {
        text += &format!(
            "[station.s{n}]\naddress = \"10.7.{}.{}/16\"\n[switch.sw0.port.s{n}]\nlocked = true\nflood = false\n",
            n / 200,
            n % 200 + 1
        );
    }
    lab(&(text + "[switch.sw0.port.eth0]\n"))
}

#[test]
fn the_changes_tried_are_limited() {
    let question = Question { to: Target::Address([10, 9, 9, 9].into()), ..Question::ping("c1", "c1") };
    let tried = |ports| {
        let answer = remedies(&many(ports), &question, &Options::default());
        (answer.tried, answer.untried)
    };
    let (few, none) = tried(10);
    assert_eq!(none, 0);
    let (all, left) = tried(150);
    assert_eq!(all, MAX_TRIED);
    assert!(left > 0 && few < all, "{left}");
}

#[test]
fn a_large_lab_has_fewer_changes_tried() {
    let spec = many(600);
    let question = Question::ping("c1", "s7");
    let answer = remedies(&spec, &question, &Options::default());
    assert_eq!(answer.tried, 200_000 / answer.explained.devices.len());
}

/// A lab in which more changes help than are listed: any of these gateways leads to the target.
fn gateways(routers: u8) -> LabSpec {
    let mut text = "[station.a]\naddress = \"10.0.1.200/24\"\n[station.b]\naddress = \"10.0.2.200/24\"\ngateway = \"10.0.2.1\"\n\
                    [switch.one.port.a]\n[switch.two.port.b]\n"
        .to_owned();
    for n in 1..=routers {
        text += &format!(
            "[[router.r{n}.interfaces]]\naddress = \"10.0.1.{n}/24\"\n[[router.r{n}.interfaces]]\n\
             address = \"10.0.2.{n}/24\"\n[switch.one.port.\"r{n}.0\"]\n[switch.two.port.\"r{n}.1\"]\n"
        );
    }
    lab(&text)
}

#[test]
fn the_changes_listed_are_limited() {
    let answer = |routers| remedies(&gateways(routers), &Question::ping("a", "b"), &Options::default());
    let listed = |answer: &Answer| (answer.remedies.len(), answer.unlisted);
    assert_eq!(listed(&answer(12)), (12, 0));
    assert_eq!(listed(&answer(13)), (12, 1));
}

/// Everything else in the lab, then what the sender and the target have to do with, then nothing.
#[test]
fn the_pairs_asked_are_limited() {
    let asked = |stations: usize| {
        let text: String = (0..stations)
            .map(|n| {
                format!(
                    "[station.s{n}]\naddress = \"10.0.{}.{}/16\"\n[switch.sw.port.s{n}]\nflood = true\n",
                    n / 200,
                    n % 200 + 1
                )
            })
            .collect();
        let spec =
            lab(&(text + "[station.x]\naddress = \"10.0.9.9/16\"\n[switch.sw.port.x]\nlocked = true\n"));
        ask(&spec, &Question::ping("x", "s0"), &Options::default()).scope
    };
    assert_eq!([asked(10), asked(40), asked(100)], [Scope::All, Scope::Ends, Scope::None]);
}

#[test]
fn the_pairs_named_are_limited() {
    let dir = tempfile::tempdir().unwrap();
    let text: String = (0..9)
        .map(|n| format!("[station.s{n}]\naddress = \"10.0.0.{}/24\"\n[switch.sw.port.s{n}]\n", n + 1))
        .collect();
    let lab = text + "[station.x]\naddress = \"10.0.0.99/24\"\n[switch.sw.port.x]\nlocked = true\n";
    let output = macvlab(dir.path(), &["why", "-", "x", "s0"], lab.as_bytes());
    let named =
        "It also makes a way from s0 to x, s1 to x, s2 to x, s3 to x, s4 to x, s5 to x and 11 others.";
    assert!(stdout(&output).contains(named), "{}", stdout(&output));
}

/// A free address is searched for among the first 256, and a neighbour entry among the first 64.
#[test]
fn what_is_searched_for_a_change_is_limited() {
    let taken = |count: u32| -> String {
        (0..count).map(|n| format!("\"10.0.{}.{}/16\", ", (n + 2) / 256, (n + 2) % 256)).collect()
    };
    let readdressed = |count| {
        let text = format!(
            "[station.a]\naddress = \"10.9.0.1/24\"\n[station.b]\naddress = [{}]\n[switch.sw.port.a]\n[switch.sw.port.b]\n",
            taken(count)
        );
        let answer = remedies(&lab(&text), &Question::ping("a", "b"), &Options::default());
        answer.remedies.iter().any(|tried| tried.remedy.reads.starts_with("Give a the address 10.0."))
    };
    assert!(readdressed(255) && !readdressed(256));
    let removed = |before: u32| {
        let others: String =
            (0..before).map(|n| format!("\"10.0.0.{}\" = \"02:00:00:00:00:09\", ", n + 2)).collect();
        let text = format!(
            "[station.a]\naddress = \"10.0.0.1/24\"\nneighbours = {{ {others}\"10.0.0.200\" = \"02:00:00:00:00:09\" }}\n\
             [station.b]\naddress = \"10.0.0.200/24\"\n[switch.sw.port.a]\n[switch.sw.port.b]\n"
        );
        let answer = remedies(&lab(&text), &Question::ping("a", "b"), &Options::default());
        answer
            .remedies
            .iter()
            .any(|tried| tried.remedy.reads.starts_with("Remove a's static neighbour entry"))
    };
    assert!(removed(63) && !removed(64));
}

#[test]
fn from_a_host_to_its_port_both_the_host_and_the_switch_are_named() {
    let told = |args: &[&str]| stdout(&macvlab(root(), args, b""));
    let why = told(&["why", "demo:host", "eth0", "c1"]);
    assert!(why.contains("\n  R34   The host stack sends on the wire\n"), "{why}");
    assert!(why.contains("\n  R126  Not back out of the arrival port\n"), "{why}");
    let json = told(&["why", "demo:host", "eth0", "c1", "--json"]);
    assert!(json.contains(r#""rule":"R126""#) && json.contains(r#""also":"R34""#), "{json}");
    let why_not = told(&["explain", "demo:host", "--at", "eth0", "--arp", "c1", "--why-not", "c1"]);
    assert!(why_not.contains("  R34   The host stack sends on the wire\n"), "{why_not}");
    assert!(why_not.contains("  R126  Not back out of the arrival port, at sw0.eth0\n"), "{why_not}");
    let run = told(&["run", "demo:host"]);
    let both = "R34 The host stack sends on the wire and R126 Not back out of the arrival port (sw0.eth0)";
    // From the port to the host, only the switch is in the way.
    assert_eq!(run.matches(both).count(), 1, "{run}");
    let matrix = told(&["matrix", "demo:host"]);
    assert_eq!(matrix.matches("unreachable R34+R126").count(), 2, "{matrix}");
    assert!(matrix.contains("\nR34   The host stack sends on the wire: "), "{matrix}");
    // Between two ports, only the switch is in the way.
    let vepa = told(&["why", "demo:vepa", "c1", "c2"]);
    assert!(!vepa.contains("R34"), "{vepa}");
}

const DOWN: &str = r#"
[nic.eth0]
address = "10.0.0.1/24"
[macvlan.c1]
parent = "eth0"
mode = "bridge"
address = "10.0.0.2/24"
[macvlan.c2]
parent = "eth0"
mode = "bridge"
address = "10.0.0.3/24"
up = false
[nic.eth1]
address = "10.0.0.4/24"
up = false
[macvlan.d1]
parent = "eth1"
address = "10.0.0.5/24"
[vlan."eth0.5"]
parent = "eth0"
id = 5
address = "10.0.0.6/24"
up = false
[station.win]
address = "10.0.0.9/24"
[switch.sw0.port.eth0]
[switch.sw0.port.eth1]
[switch.sw0.port.win]
"#;

#[test]
fn a_target_that_is_down_is_the_cause_wherever_its_frames_end() {
    let spec = lab(DOWN);
    let cases = [
        ("c1", "c2", "R1a c2", "Bring c2 up."),
        ("eth0", "c2", "R1a c2", ""),
        ("win", "c2", "R1a c2", "Bring c2 up."),
        ("win", "eth1", "N3 eth1", "Bring eth1 up."),
        ("c1", "eth1", "N3 eth1", "Bring eth1 up."),
        ("win", "d1", "N3 eth1", "Bring eth1 up."),
        ("win", "eth0.5", "V3 eth0.5", ""),
    ];
    for (from, to, cause, remedy) in cases {
        let answer = asked(&spec, from, to);
        let cell = &answer.explained.cell;
        let (rule, at) = (cell.rule.unwrap(), cell.at.as_deref().unwrap());
        assert_eq!(format!("{rule} {at}"), cause, "{from} {to}");
        let first = answer.remedies.first().map_or("", |tried| tried.remedy.reads.as_str());
        assert!(remedy.is_empty() || first == remedy, "{from} {to}: {first}");
    }
}

#[test]
fn a_policy_decides_at_the_port_that_the_frame_would_leave_by() {
    let answer = asked(&class("policy virtualbox"), "c1", "win");
    assert_eq!(answer.explained.cell.at.as_deref(), Some("vs.eth0"));
}
